import csv

import polars as pl
import pytest

from blood_counts import doses, golden, on, table
from sojourn.core.errors import DataError
from sojourn.core.tables import WOMAC
from sojourn.endpoints.womac import ENDPOINT, ITEMS, Rule, score_womac

CODES = [code for codes in ITEMS.values() for code in codes]
LK = {"version": "LK3.1"}
FULL = [1] * 24


def near(expected):
    return None if expected is None else pytest.approx(expected, rel=1e-12)


def form(p, s, f):
    return dict(zip(CODES, [*p, *s, *f], strict=True))


def score(items, **rule):
    return score_womac(items, Rule(version="LK3.1", **rule))


F14 = [2] * 14 + [None] * 3


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        pytest.param(form([1, 2, None, 3, 2], [3, None], F14), (10, 6, 34, 50), id="replaced"),
        pytest.param(
            form([1, None, None, 3, 2], [3, None], F14), (None, 6, 34, None), id="two-of-pain"
        ),
        pytest.param(
            form([1, 2, 1, 3, 2], [None, None], F14), (9, None, 34, None), id="both-of-stiffness"
        ),
        pytest.param(
            form([1, 2, 1, 3, 2], [1, 1], [2] * 13 + [None] * 4),
            (9, 2, None, None),
            id="four-of-function",
        ),
        pytest.param(form([4] * 5, [4] * 2, [4] * 17), (20, 8, 68, 96), id="worst"),
        pytest.param(form([0] * 5, [0] * 2, [0] * 17), (0, 0, 0, 0), id="best"),
    ],
)
def test_hand_scored_forms(items, expected):
    assert tuple(score(items).values()) == expected


def test_percent_of_the_highest_sum():
    got = score(form([1, 2, None, 3, 2], [3, None], F14), scale="0_100")
    assert got["total"] == pytest.approx(52.0833, abs=5e-5)
    mean_of_three = (got["pain"] + got["stiffness"] + got["function"]) / 3
    assert mean_of_three == pytest.approx(58.3333, abs=5e-5)


@pytest.mark.parametrize(
    ("version", "file", "key"),
    [
        ("LK3.1", "womac_lk_items_sim.csv", "womac_lk_0_4"),
        ("VAS3.1", "womac_vas_items_sim.csv", "womac_vas_0_100"),
        ("NRS3.1", "womac_nrs_items_sim.csv", "womac_nrs_0_10"),
    ],
)
def test_golden_forms_of_each_version(shared, version, file, key):
    with (shared / "data" / "hsct" / file).open() as lines:
        forms = [
            {code: int(row[code]) if row[code] else None for code in CODES}
            for row in csv.DictReader(lines)
        ]
    expected = golden(shared, "pro_scores")[key]
    assert len(forms) == len(expected) >= 20
    for items, want in zip(forms, expected, strict=True):
        raw = score_womac(items, Rule(version=version))
        percent = score_womac(items, Rule(version=version, scale="0_100"))
        for name, gold in (("pain", "pain"), ("stiffness", "stiffness"), ("function", "func")):
            assert raw[name] == near(want[gold])
            assert percent[name] == near(want[f"{gold}_0_100"])
        assert raw["total"] == near(want["total"])
        assert percent["total"] == near(want["total_0_100"])


@pytest.mark.parametrize(("answer", "is_scored"), [(0, True), (4, True), (5, False), (-1, False)])
def test_an_answer_out_of_range_is_refused_not_clipped(answer, is_scored):
    items = form([answer, 0, 0, 0, 0], [0, 0], [0] * 17)
    if is_scored:
        assert score(items)["pain"] == answer
    else:
        with pytest.raises(DataError, match=f"P1 is {answer}, items of LK3.1 are 0 to 4"):
            score(items)


@pytest.mark.parametrize(
    "rule",
    [{}, {"version": "LK"}, {**LK, "item_max": 10}, {**LK, "visit": "BASELINE"}, {"item_max": 4}],
)
def test_the_version_is_never_guessed(rule):
    with pytest.raises(DataError, match="rule of WOMTOT"):
        ENDPOINT({"womac": table(WOMAC, [])}, rule=rule)
    assert ENDPOINT.check_rule({**LK, "item_max": 4})


def changes(*rows, rule=LK, dosed=True):
    tables = {"womac": table(WOMAC, [("01", v, on(d), *items) for v, d, items in rows])}
    if dosed:
        tables["doses"] = doses()
    return {r["PARAMCD"]: r for r in ENDPOINT(tables, rule=rule).iter_rows(named=True)}


def test_change_is_visit_minus_baseline():
    got = changes(("WEEK6", 42, FULL), ("BASELINE", -3, [2] * 24), ("DAY30", 30, [4] * 24))
    assert [got[p]["AVAL"] for p in ("WOMTOT", "WOMPAIN", "WOMSTIF", "WOMFUNC")] == [
        -24,
        -5,
        -2,
        -17,
    ]
    assert (got["WOMTOTBL"]["AVAL"], got["WOMTOTFU"]["AVAL"]) == (48, 24)
    assert (got["WOMTOT"]["ADT"], got["WOMTOT"]["DAY"]) == (on(42), 42)
    assert got["WOMTOT"]["REASON"] == "total 48 at BASELINE, 24 at WEEK6"
    assert got["WOMTOT"]["EVIDENCE"] == "womac:2,3"


def test_missing_visits_and_answers_are_named():
    got = changes(("BASELINE", 0, FULL))
    assert got["WOMTOT"]["AVAL"] is None
    assert got["WOMTOT"]["REASON"] == "no womac at WEEK6"
    assert got["WOMTOTBL"]["AVAL"] == 24
    got = changes(("BASELINE", 0, FULL), ("WEEK6", 42, [None, None, *FULL[2:]]))
    assert (got["WOMTOT"]["AVAL"], got["WOMSTIF"]["AVAL"]) == (None, 0)
    assert got["WOMTOT"]["REASON"] == "too few answers for pain at WEEK6"
    got = changes(("BASELINE", 0, FULL), ("WEEK6", 42, [7, *FULL[1:]]))
    assert got["WOMTOT"]["REASON"] == "P1 is 7, items of LK3.1 are 0 to 4 at WEEK6"


def test_without_doses_there_is_no_day():
    got = changes(("BASELINE", 0, FULL), ("WEEK6", 42, FULL), dosed=False)
    assert (got["WOMTOT"]["AVAL"], got["WOMTOT"]["DAY"]) == (0, None)


def test_a_dosed_subject_without_forms_is_kept():
    outcome = ENDPOINT({"womac": table(WOMAC, []), "doses": doses("07")}, rule=LK)
    assert outcome.filter(pl.col("AVAL").is_null()).height == 6


def test_two_forms_of_one_visit_are_refused():
    with pytest.raises(DataError, match="two rows for WEEK6"):
        changes(("WEEK6", 42, FULL), ("WEEK6", 43, FULL))
