"""WOMAC. Oracles: forms scored by hand from the User Guide's rules (OURS); the forms scored by an R
program are walked in tests/golden/test_patient_reported.py."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blood_counts import doses, on, table
from sojourn.core.errors import DataError
from sojourn.core.tables import WOMAC
from sojourn.endpoints.womac import ENDPOINT, ITEMS, Rule, mean_of_subscales, score_womac

CODES = [code for codes in ITEMS.values() for code in codes]
LK = {"version": "LK3.1"}
FULL = [1] * 24


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


@pytest.mark.parametrize(("answer", "is_scored"), [(0, True), (4, True), (5, False), (-1, False)])
def test_an_answer_out_of_range_is_refused_not_clipped(answer, is_scored):
    items = form([answer, 0, 0, 0, 0], [0, 0], [0] * 17)
    if is_scored:
        assert score(items)["pain"] == answer
    else:
        with pytest.raises(
            DataError, match=f"P1 is {answer}, items of LK3.1 are whole numbers from 0 to 4"
        ):
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


@pytest.mark.parametrize("answer", [5, -1, 10])
def test_an_answer_of_another_version_stops_the_derivation_and_is_named(answer):
    with pytest.raises(
        DataError, match=f"womac, row 3: subject '01', WEEK6: F17 is {answer}, items of LK3.1"
    ):
        changes(("BASELINE", 0, FULL), ("WEEK6", 42, [*FULL[:23], answer]))


def test_the_mean_of_the_subscales_is_another_number_under_its_own_name():
    items = form([1, 2, None, 3, 2], [3, None], F14)
    mean = mean_of_subscales(items, Rule(version="LK3.1"))
    assert mean == pytest.approx(58.3333, abs=5e-5)
    forms = (("BASELINE", 0, list(items.values())), ("WEEK6", 42, [0] * 24))
    got = changes(*forms, rule={**LK, "mean_of_subscales": True})
    assert got["WOMAVG"]["AVAL"] == pytest.approx(-58.3333, abs=5e-5)
    assert (got["WOMAVGBL"]["AVAL"], got["WOMAVGFU"]["AVAL"]) == (mean, 0)
    assert got["WOMTOT"]["AVAL"] == -50
    assert "WOMAVG" not in changes(*forms)


def test_the_mean_of_the_subscales_needs_all_three():
    items = form([1, None, None, 3, 2], [3, None], F14)
    assert mean_of_subscales(items, Rule(version="LK3.1")) is None


def test_a_change_carries_its_baseline():
    got = changes(("BASELINE", 0, [2] * 24), ("WEEK6", 42, FULL))
    bases = [got[p]["BASE"] for p in ("WOMTOT", "WOMPAIN", "WOMSTIF", "WOMFUNC", "WOMTOTBL")]
    assert bases == [48, 10, 4, 34, None]


answers = st.integers(0, 4)
maybe = st.none() | answers


@given(st.lists(maybe, min_size=24, max_size=24), st.integers(0, 23))
def test_a_worse_answer_never_lowers_a_score(given_answers, place):
    items = dict(zip(CODES, given_answers, strict=True))
    if items[CODES[place]] in (None, 4):
        return
    worse = score({**items, CODES[place]: items[CODES[place]] + 1})
    for name, before in score(items).items():
        assert (worse[name] is None) == (before is None)
        assert before is None or worse[name] >= before - 1e-12


@given(st.lists(maybe, min_size=24, max_size=24))
def test_a_missing_answer_is_neither_0_nor_the_worst(given_answers):
    items = dict(zip(CODES, given_answers, strict=True))
    scores = score(items)
    for name, codes in ITEMS.items():
        known = [items[c] for c in codes if items[c] is not None]
        if scores[name] is not None:
            low, high = min(known), max(known)
            assert low - 1e-12 <= scores[name] / len(codes) <= high + 1e-12


def test_without_doses_there_is_no_day():
    got = changes(("BASELINE", 0, FULL), ("WEEK6", 42, FULL), dosed=False)
    assert (got["WOMTOT"]["AVAL"], got["WOMTOT"]["DAY"]) == (0, None)


def test_a_dosed_subject_without_forms_is_kept():
    outcome = ENDPOINT({"womac": table(WOMAC, []), "doses": doses("07")}, rule=LK)
    assert outcome.filter(pl.col("AVAL").is_null()).height == 6


def test_two_forms_of_one_visit_are_refused():
    with pytest.raises(DataError, match="two rows for WEEK6"):
        changes(("WEEK6", 42, FULL), ("WEEK6", 43, FULL))
