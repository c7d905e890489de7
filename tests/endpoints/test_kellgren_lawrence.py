"""Kellgren-Lawrence readings. Oracles: cases by hand (OURS)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blood_counts import doses, on, table
from sojourn.core.errors import DataError
from sojourn.core.tables import KL_READINGS
from sojourn.endpoints.kellgren_lawrence import ENDPOINT

LOADED = "WEIGHT_BEARING_AP"


def derive(*readings, dosed=True, **rule):
    """Derive from (reader, grade) or (reader, grade, view); a reader J... is an adjudicator."""
    rows = []
    for reader, grade, *view in readings:
        role = "ADJUDICATOR" if reader.startswith("J") else "READER"
        rows.append(("01", "BASELINE", on(-3), reader, role, *(view or [LOADED]), grade))
    tables = {"kl_readings": table(KL_READINGS, rows)}
    if dosed:
        tables["doses"] = doses()
    return {r["PARAMCD"]: r for r in ENDPOINT(tables, rule=rule).iter_rows(named=True)}


@pytest.mark.parametrize(
    ("readings", "grade", "adjudicated", "reason"),
    [
        pytest.param([("R1", 2), ("R2", 2)], 2, "N", "both readers: R1 2, R2 2", id="agree"),
        pytest.param([("R1", 0), ("R2", 0)], 0, "N", "both readers", id="grade-0-is-a-grade"),
        pytest.param(
            [("R1", 2), ("R2", 3), ("J", 3)], 3, "Y", "adjudicated: R1 2, R2 3, J 3", id="differ"
        ),
        pytest.param([("R1", 2), ("R2", 3)], None, None, "nobody adjudicated", id="never-averaged"),
        pytest.param(
            [("R1", 2), ("R2", 3), ("J", None)], None, None, "J not gradable", id="no-verdict"
        ),
        pytest.param([("R1", 2), ("R2", 2), ("J", 4)], 2, "N", "both readers", id="not-overruled"),
        pytest.param([("R1", None), ("R2", 2), ("J", 2)], 2, "Y", "R1 not grad", id="not-gradable"),
        pytest.param([("R1", None), ("R2", None)], None, None, "nobody", id="both-not-gradable"),
        pytest.param([("R1", 2)], None, None, "1 reading of two at BASELINE", id="one-reader"),
        pytest.param([("R1", 2), ("J", 2)], None, None, "1 reading of two", id="one-and-a-judge"),
        pytest.param([], None, None, "0 readings of two at BASELINE", id="none"),
    ],
)
def test_two_readers_settle_a_grade_or_an_adjudicator_does(readings, grade, adjudicated, reason):
    got = derive(*readings)
    assert (got["KLGRADE"]["AVAL"], got["KLADJ"]["AVALC"]) == (grade, adjudicated)
    assert got["KLGRADE"]["AVALC"] == (None if grade is None else str(grade))
    assert reason in got["KLGRADE"]["REASON"]


def test_both_readings_stand_beside_the_grade():
    got = derive(("R2", 3), ("R1", 2), ("J", 3))
    assert (got["KLREAD1"]["AVAL"], got["KLREAD2"]["AVAL"]) == (2, 3)
    assert (got["KLGRADE"]["ADT"], got["KLGRADE"]["DAY"]) == (on(-3), -3)
    assert got["KLGRADE"]["EVIDENCE"] == "kl_readings:2,3,4"
    assert derive(("R1", 2), ("R2", 2), dosed=False)["KLGRADE"]["DAY"] is None


@pytest.mark.parametrize("view", ["NOT_WEIGHT_BEARING", None])
def test_a_film_without_load_or_of_unknown_view_does_not_count(view):
    got = derive(("R1", 2), ("R2", 2, view))
    assert got["KLGRADE"]["AVAL"] is None
    assert "reading of R2 left out" in got["KLGRADE"]["REASON"]
    assert derive(("R1", 2), ("R2", 2, "FIXED_FLEXION"))["KLGRADE"]["AVAL"] == 2


def test_the_rule_may_name_other_views_and_visits():
    views = ["NOT_WEIGHT_BEARING"]
    got = derive(("R1", 3, views[0]), ("R2", 3, views[0]), views=views)
    assert got["KLGRADE"]["AVAL"] == 3
    assert derive(("R1", 3), ("R2", 3), visit="DAY30")["KLGRADE"]["AVAL"] is None
    with pytest.raises(DataError, match="rule of KLGRADE: views"):
        ENDPOINT.check_rule({"views": []})


@pytest.mark.parametrize(
    "readings",
    [
        pytest.param([("R1", 2), ("R2", 2), ("R3", 2)], id="three-readers"),
        pytest.param([("R1", 2), ("R2", 3), ("J1", 2), ("J2", 3)], id="two-adjudicators"),
        pytest.param([("R1", 2), ("R1", 3)], id="one-reader-twice"),
    ],
)
def test_more_readings_than_the_rule_knows_are_refused(readings):
    with pytest.raises(DataError, match="kl_readings: subject '01' was read by"):
        derive(*readings)


grades = st.none() | st.integers(0, 4)


@given(grades, grades, grades)
def test_the_grade_is_one_that_somebody_gave(one, two, judge):
    grade = derive(("R1", one), ("R2", two), ("J", judge))["KLGRADE"]["AVAL"]
    assert grade is None or grade in (one, two, judge)
    if one is not None and one == two:
        assert grade == one
    else:
        assert grade == judge
