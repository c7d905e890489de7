"""A blinded run tells nothing of the arms: exchange them all, and every byte stays.

Keys of provenance differ, because they follow from the files; everything else is compared.
"""

import json
import re

import pytest

from small_trial import write_trial
from sojourn.study import groups as grouping
from sojourn.study.run import run_study

KEY = re.compile(r"\b[0-9a-f]{64}\b")
STEP = re.compile(r"step-\d+")  # steps are numbered in the order of their keys
PART = re.compile(r"\b[0-9a-f]{8,64}\b")


def content(out):
    """Return every file of a run but its log, each key of provenance and its beginning replaced."""
    keys = set(KEY.findall((out / "results.json").read_text()))
    begins = {key[:n] for key in keys for n in range(8, 65)}

    def covered(found):
        return "KEY" if found.group() in begins else found.group()

    return {
        path.name: STEP.sub("step", PART.sub(covered, path.read_text()))
        for path in sorted(out.rglob("*"))
        if path.is_file() and path.name != "run.json"
    }


def sorted_steps(files):
    """Return files with steps in the order of their content, and the page's lines sorted."""
    document = json.loads(files["results.json"])
    document["steps"].sort(key=lambda step: json.dumps(step, sort_keys=True))
    page = sorted(files["report.html"].split("\n"))
    return files | {"results.json": document, "report.html": page}


@pytest.mark.parametrize("treated", [("",) * 6, ("", "ALPHA", "", "", "", "")])
def test_exchanged_arms_give_the_same_blinded_bytes(tmp_path, monkeypatch, treated):
    made = {}
    for swap in (False, True):
        # The letter follows from a secret: fixed here, so that it goes with the subjects.
        order = {"ALPHA": "1", "BETA": "0"} if swap else {"ALPHA": "0", "BETA": "1"}
        monkeypatch.setattr(grouping, "keyed", lambda _, code, order=order: order[code])
        trial = write_trial(tmp_path / f"trial{swap}", treated=treated, swap=swap)
        out = tmp_path / f"out{swap}"
        run_study(trial, out)
        made[swap] = sorted_steps(content(out))
    assert set(made[False]) >= {"results.json", "report.html", "analysis_rows.csv"}
    for name, before in made[False].items():
        assert made[True][name] == before, name


def test_no_file_of_a_blinded_run_holds_an_arm_or_a_deviation(tmp_path):
    run_study(write_trial(tmp_path / "trial"), tmp_path / "out")
    for name in ("analysis_rows.csv", "results.json"):
        text = (tmp_path / "out" / name).read_text()
        assert "wrong drug" not in text
        assert '"ALPHA"' not in text
        assert ",ALPHA," not in text


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unblinded")
    return run_study(write_trial(folder / "trial"), folder / "out", is_unblinded=True).results


def test_the_run_lists_populations_exclusions_estimands_and_tests(results):
    members = {
        (r["POPULATION"], r["GROUP"]): r["N"] for r in results.listing("populations").records()
    }
    assert [members[p, None] for p in ("ITT", "SAFETY", "PP")] == [6, 5, 2]
    outside = [r for r in results.listing("exclusions").records() if r["POPULATION"] == "PP"]
    assert {r["USUBJID"] for r in outside} == {"P1", "P4", "P5", "P6"}
    assert [r["ESTIMAND"] for r in results.listing("estimands").records()] == ["response"]
    family = results.listing("multiplicity").records()
    assert [r["ANALYSIS"] for r in family] == ["womac_contrast", "recovered_pp"]
    assert family[0]["P_VALUE"] is not None
    assert family[1]["DECISION"] == "not tested: no p-value"


def test_intention_to_treat_counts_who_was_never_dosed(results):
    numbers = {n.id: n for n in results.results}
    assert numbers["recovered_itt/ALPHA/proportion"].n == 3
    assert "1 of 3 without a value counted as N" in numbers["recovered_itt/ALPHA/proportion"].notes
    assert numbers["recovered/ALL/proportion"].n == 5
    assert "1 of 6 without a dose, outside every set" in numbers["recovered/ALL/proportion"].notes
