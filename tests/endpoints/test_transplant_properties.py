"""What holds for any transplant data: transfusion never helps, a missing value is nothing."""

from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blood_counts import (
    DAY_0,
    counts,
    doses,
    events,
    follow_up,
    on,
    table,
    transfusions,
)
from sojourn.core.tables import CHRONIC_GVHD, EVENTS, GVHD_STAGES, INFECTIONS
from sojourn.endpoints.acute_gvhd import ENDPOINT as ACUTE
from sojourn.endpoints.chronic_gvhd import ENDPOINT as CHRONIC
from sojourn.endpoints.chronic_gvhd import ORGANS
from sojourn.endpoints.hemoglobin_recovery import ENDPOINT as HEMOGLOBIN
from sojourn.endpoints.hemogram_response import ENDPOINT as HEMOGRAM
from sojourn.endpoints.infection import ENDPOINT as INFECTION
from sojourn.endpoints.neutrophil_recovery import ENDPOINT as NEUTROPHILS
from sojourn.endpoints.platelet_response import ENDPOINT as PLATELETS

NOBODY = table(EVENTS, [])
FEW = settings(max_examples=60, deadline=None)
DAYS = st.lists(st.integers(0, 60), unique=True, min_size=1, max_size=30)
RULES = {
    "HGB": [{}, {"rule": "single"}, {"washout_days": 7}],
    "PLT": [{}, {"rule": "cibmtr"}, {"washout_days": 7}],
}
GRADE = {"CR": 2, "PR": 1}


@st.composite
def measured(draw, low, high):
    """Return (day, value) pairs near the border between two values."""
    days = draw(DAYS)
    return [(day, draw(st.sampled_from([low, high, high, high]))) for day in sorted(days)]


def trial(rows, column, given):
    scale = 1.0 if column == "HGB" else 1e9
    product = "RBC" if column == "HGB" else "PLT"
    return {
        "counts": counts(rows, column=column, scale=scale),
        "doses": doses(),
        "transfusions": transfusions(*given, product=product),
        "follow_up": follow_up(90),
    }


def onset(row):
    """Return the onset of a recovery, later than any where there was none."""
    return row["DAY"] if row["CNSR"] == 0 else 10_000


def rows_of(endpoint, tables, rule=None):
    return {row["PARAMCD"]: row for row in endpoint(tables, rule=rule).iter_rows(named=True)}


@given(
    st.data(),
    st.sampled_from(["HGB", "PLT"]),
    st.lists(st.integers(-9, 60), max_size=3),
    st.integers(1, 60),
)
@FEW
def test_a_transfusion_after_day_0_never_improves_a_response(data, column, given, added):
    rows = data.draw(measured(60, 75) if column == "HGB" else measured(15, 55))
    rule = data.draw(st.sampled_from(RULES[column]))
    endpoint = HEMOGLOBIN if column == "HGB" else PLATELETS
    before, after = (
        rows_of(endpoint, trial(rows, column, days), rule) for days in (given, [*given, added])
    )
    for code in ("HGBREC",) if column == "HGB" else ("PLTCR", "PLTPR"):
        assert onset(after[code]) >= onset(before[code])
    for code in () if column == "HGB" else ("PLTRSP40", "PLTRSP56"):
        assert GRADE.get(after[code]["AVALC"], 0) <= GRADE.get(before[code]["AVALC"], 0)
    before, after = (
        rows_of(HEMOGRAM, trial(rows, column, days)) for days in (given, [*given, added])
    )
    for code in before:
        assert (after[code]["AVAL"] or 0) <= (before[code]["AVAL"] or 0)
        assert (after[code]["AVAL"] is None) == (before[code]["AVAL"] is None)


@given(st.data(), st.sampled_from(["ANC", "HGB", "PLT"]))
@FEW
def test_a_null_count_is_as_good_as_no_row(data, column):
    low, high = {"ANC": (0.4, 0.9), "HGB": (60, 75), "PLT": (15, 55)}[column]
    rows = data.draw(measured(low, high))
    hidden = data.draw(st.sets(st.sampled_from([day for day, _ in rows])))
    full = trial([(d, None if d in hidden else v) for d, v in rows], column, [5])
    absent = ~pl.col("ADT").is_in([DAY_0 + timedelta(day) for day in hidden])
    less = full | {"counts": full["counts"].filter(absent)}
    endpoint = {"ANC": NEUTROPHILS, "HGB": HEMOGLOBIN, "PLT": PLATELETS}[column]
    assert endpoint(full).equals(endpoint(less))
    assert HEMOGRAM(full).equals(HEMOGRAM(less))


def hide(draw, rows, first):
    """Return `rows` with some values from position `first` on hidden."""
    hidden = draw(st.sets(st.tuples(st.integers(0, len(rows) - 1), st.integers(first, 11))))
    return [
        tuple(None if (i, j) in hidden else value for j, value in enumerate(row))
        for i, row in enumerate(rows)
    ]


def known(schema, endpoint, rows, rule):
    name = {"gvhd_stages": GVHD_STAGES, "chronic_gvhd": CHRONIC_GVHD}
    tables = {
        "doses": doses(),
        "events": NOBODY,
        "follow_up": follow_up(400),
        schema: table(name[schema], rows),
    }
    return endpoint(tables, rule=rule)["AVAL"].to_list()


@given(st.data(), st.sampled_from(["magic", "keystone"]), st.integers(1, 4))
@FEW
def test_an_organ_not_staged_opens_a_grade_and_never_turns_it(data, scale, grade):
    stages = st.tuples(*(st.integers(0, top) for top in (4, 4, 1, 4)))
    days = sorted(data.draw(st.sets(st.integers(0, 99), min_size=1, max_size=4)))
    rows = [("01", on(day), *data.draw(stages)) for day in days]
    case = ("gvhd_stages", ACUTE)
    rule = {"scale": scale, "grade": grade}
    full = known(*case, rows, rule)
    assert None not in full
    for got, was in zip(known(*case, hide(data.draw, rows, 2), rule), full, strict=True):
        assert got in (None, was)


@given(st.data(), st.integers(1, 3))
@FEW
def test_an_organ_not_scored_opens_a_severity_and_never_turns_it(data, grade):
    scores = st.tuples(*(st.sampled_from([0, 0, 0, 1, 2, 3]) for _ in ORGANS))
    days = sorted(data.draw(st.sets(st.integers(0, 300), min_size=1, max_size=4)))
    rows = [("01", on(day), *data.draw(scores), None) for day in days]
    case = ("chronic_gvhd", CHRONIC)
    full = known(*case, rows, {"grade": grade})
    hidden = known(*case, hide(data.draw, rows, 2), {"grade": grade})
    for got, was in zip(hidden, full, strict=True):
        assert got in (None, was)


@given(
    st.lists(
        st.tuples(st.integers(-9, 45), st.sampled_from("AB"), st.integers(1, 4)),
        min_size=1,
        max_size=6,
    ),
    st.sets(st.integers(0, 5)),
    st.sets(st.integers(0, 5)),
)
@FEW
def test_a_grade_not_recorded_opens_the_first_infection_and_never_turns_it(rows, hidden, ends):
    def first(hide):
        listed = [
            (
                "01",
                on(day),
                on(day + 5) if i in ends else None,
                organism,
                "blood",
                None if hide and i in hidden else grade,
            )
            for i, (day, organism, grade) in enumerate(rows)
        ]
        tables = {"doses": doses(), "events": NOBODY, "follow_up": follow_up(90)}
        return rows_of(INFECTION, tables | {"infections": table(INFECTIONS, listed)})

    full, less = first(False), first(True)
    assert less["INFN"]["AVAL"] == full["INFN"]["AVAL"]
    assert less["INFG2"]["AVAL"] in (None, full["INFG2"]["AVAL"])


@pytest.mark.parametrize("endpoint", [NEUTROPHILS, ACUTE, CHRONIC, INFECTION])
def test_two_deaths_are_one_contradiction(endpoint):
    tables = {"doses": doses(), "events": events((30, "DEATH"), (40, "DEATH"))}
    if endpoint is NEUTROPHILS:
        tables["counts"] = counts([(1, 0.9), (2, 0.9), (3, 0.9)])
    for row in endpoint(tables).iter_rows(named=True):
        assert row["AVAL"] is None
        assert "deaths are recorded on days 30, 40" in row["REASON"]
