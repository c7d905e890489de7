from datetime import date

import polars as pl
import pytest

from sojourn.core.endpoints import OUTCOME
from sojourn.core.errors import DataError
from sojourn.endpoints.cavity_retention import ENDPOINT, RETENTION, Rule, cavity_retention

DAY_7 = date(2026, 3, 8)


def table(*rows):
    return pl.DataFrame(rows, schema=RETENTION, orient="row")


def row(subject="01", visit="DAY7", grade="A", value=0.6, *, flagged=False):
    return (subject, visit, DAY_7, 7, grade, value, 0.5, 0.7, flagged, "", "scans:5")


def test_the_visit_of_the_rule_answers():
    made = cavity_retention(table(row(visit="DAY3", value=0.8), row()), Rule())
    assert dict(made.schema) == dict(OUTCOME)
    assert made.row(0, named=True)["AVAL"] == 0.6
    assert made.row(0, named=True)["EVIDENCE"] == "scans:5"


def test_a_missing_scan_is_missing_and_never_carried_forward():
    made = cavity_retention(table(row(visit="DAY3", value=0.8)), Rule()).row(0, named=True)
    assert (made["AVAL"], made["REASON"]) == (None, "no scan at DAY7")


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        pytest.param({}, 0.6, id="flagged-is-kept-by-default-and-shown"),
        pytest.param({"accept_flagged": False}, None, id="flagged-may-be-refused"),
    ],
)
def test_flagged_scan(rule, value):
    made = ENDPOINT({"retention": table(row(flagged=True))}, rule=rule)
    assert made["AVAL"].item() == value


def test_a_grade_outside_the_rule_is_refused_with_its_reason():
    made = ENDPOINT({"retention": table(row(grade="C"))}, rule={"grades": ["A"]}).row(0, named=True)
    assert made["AVAL"] is None
    assert "grade C" in made["REASON"]


def test_two_rows_for_one_visit_are_refused():
    with pytest.raises(DataError, match=r"'01'.* two retention rows for DAY7"):
        cavity_retention(table(row(), row()), Rule())


def test_subjects_come_in_order_whatever_the_order_of_rows():
    made = cavity_retention(table(row("02"), row("01")), Rule())
    assert made["USUBJID"].to_list() == ["01", "02"]


def test_visits_stand_in_one_parameter_a_row_for_each_subject_and_visit():
    rows = (row(), row(visit="DAY3", value=0.8), row("02", visit="DAY3", value=0.7))
    made = cavity_retention(table(*rows), Rule(visits=("DAY3", "DAY7")))
    series = made.filter(pl.col("PARAMCD") == "MPIVIS")
    assert series.select("USUBJID", "AVISIT", "AVAL").rows() == [
        ("01", "DAY3", 0.8),
        ("02", "DAY3", 0.7),
        ("01", "DAY7", 0.6),
        ("02", "DAY7", None),
    ]
    assert series["REASON"].to_list()[-1] == "no scan at DAY7"
    assert made.filter(pl.col("PARAMCD") == "MPIRET")["AVAL"].to_list() == [0.6, None]


def test_two_rows_for_one_of_the_visits_are_refused():
    twice = table(row(), row(visit="DAY3"), row(visit="DAY3"))
    with pytest.raises(DataError, match="two retention rows for DAY3"):
        cavity_retention(twice, Rule(visits=("DAY3",)))
