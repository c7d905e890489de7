"""Every analysis of both study files has numbers or a reason: nobody, one subject, all, none."""

import polars as pl
import pytest

from plan_material import doses, keyed, on, subjects, table
from sojourn.core.endpoints import OUTCOME
from sojourn.study.analysed import Material
from sojourn.study.bundled import bundled_study
from sojourn.study.definition import read_study
from sojourn.study.groups import Groups
from sojourn.study.ledger import Ledger
from sojourn.study.outcomes import estimate_analysis
from sojourn.study.populations import find_populations
from sojourn.study.store import Store

STUDIES = {name: read_study(bundled_study(name)) for name in ("NCT06171906", "NCT07313020")}
CASES = [(name, analysis.id) for name, study in STUDIES.items() for analysis in study.analyses]

NOBODY: dict[str, str] = {}
ONE = {"P1": "A"}
ONE_IN_EACH = {"P1": "A", "P2": "B"}
SEVERAL = {f"P{i}": "AB"[i % 2] for i in range(1, 11)}


def params(study, endpoint):
    """Return every parameter of an endpoint that some analysis of the study takes."""
    own = {a.param for a in study.analyses if a.endpoint == endpoint}
    places = [place for a in study.analyses for place in a.columns.values()]
    return sorted(own | {p.partition(".")[2] for p in places if p.startswith(f"{endpoint}.")})


def outcomes(study, endpoint, people, *, is_event):
    """Return rows that fit any statistic: a number, a class, a time to an event or without one."""
    success = next(
        (
            a.settings["success"][0]
            for a in study.analyses
            if a.endpoint == endpoint and "success" in a.settings
        ),
        "Y",
    )
    rows = [
        dict.fromkeys(OUTCOME)
        | {
            "USUBJID": person,
            "PARAMCD": param,
            "DAY": 10 + i,
            "AVAL": float(10 + i),
            "AVALC": success if is_event else "another",
            "CNSR": 0 if is_event else 1,
            "REASON": "affected",
            "EVIDENCE": "",
            "BASE": float(50 - i),
        }
        for param in params(study, endpoint)
        for i, person in enumerate(people)
    ]
    return pl.DataFrame(rows, schema=dict(OUTCOME))


def numbers(tmp_path, name, analysis_id, people, *, is_event):
    study, ledger = STUDIES[name], Ledger(tmp_path)
    is_single = len(study.arms) == 1
    arms = [arm.code for arm in study.arms]
    groups = Groups(
        {"ALL": "all"} if is_single else {"A": "A", "B": "B"},
        dict.fromkeys(people, "ALL") if is_single else dict(people),
        not is_single,
        {"ALL": arms[0]} if is_single else dict(zip("AB", arms, strict=True)),
    )
    days = {person: list(study.arms[0].days) for person in people}
    counted = table("counts", *(on(p, 40, ANC=1e9) for p in people))
    visits = [(p, v) for p in people for v in study.visits if "scans" in v.collects]
    scans = table("scans", *(on(p, v.day, VISIT=v.name, GRADE="A") for p, v in visits))
    tables = keyed(
        ledger, subjects=subjects(*people), doses=doses(**days), counts=counted, scans=scans
    )
    derived = keyed(
        ledger,
        **{e.id: outcomes(study, e.id, people, is_event=is_event) for e in study.endpoints},
    )
    populations = find_populations(study, tables, groups, None, ledger)
    material = Material(study, tables, derived, groups, None, populations)
    analysis = next(a for a in study.analyses if a.id == analysis_id)
    made, _ = estimate_analysis(analysis, material, Store(tmp_path / "store").open(), ledger)
    return made


@pytest.mark.parametrize(("name", "analysis"), CASES)
@pytest.mark.parametrize(
    ("people", "is_event"),
    [
        pytest.param(NOBODY, True, id="nobody"),
        pytest.param(ONE, True, id="one-with-the-event"),
        pytest.param(ONE, False, id="one-without"),
        pytest.param(ONE_IN_EACH, True, id="one-in-each-arm"),
        pytest.param(SEVERAL, True, id="all"),
        pytest.param(SEVERAL, False, id="none"),
    ],
)
def test_a_number_or_a_reason(tmp_path, name, analysis, people, is_event):
    made = numbers(tmp_path, name, analysis, people, is_event=is_event)
    for result in made:
        assert result.rawValue is not None or result.boundNote, result.id
        if result.rawValue is not None:
            assert result.lower is None or result.lower <= result.rawValue
            assert result.upper is None or result.rawValue <= result.upper
    assert (made == []) or people or all(r.rawValue is None for r in made)


@pytest.mark.parametrize(("name", "analysis"), CASES)
def test_every_analysis_says_something_of_ten_subjects(tmp_path, name, analysis):
    assert numbers(tmp_path, name, analysis, SEVERAL, is_event=True)
