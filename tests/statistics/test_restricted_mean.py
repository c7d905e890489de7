"""The analysis of restricted means: R's numbers (EXTERNAL), hand examples, stated absences."""

import csv
import math

import polars as pl
import pytest

from blood_counts import golden
from outcome_rows import empty, outcomes
from sojourn.core.errors import DataError
from sojourn.statistics.restricted_mean import ANALYSIS
from sojourn.testing import make_outcome_rows

Z = 1.959963984540054  # the 97.5 % point of the normal distribution, any table


def test_days_lived_after_transplantation_by_group_and_their_difference(shared):
    with (shared / "data" / "hsct" / "bmt_klein.csv").open() as lines:
        patients = list(csv.DictReader(lines))
    parts = []
    for group in "123":
        own = [p for p in patients if p["group"] == group]
        aval, cnsr = [float(p["t1"]) for p in own], [1 - int(p["d1"]) for p in own]
        parts.append(outcomes(group, aval=aval, cnsr=cnsr))
    settings = {"tau_days": 730, "groups": ["2", "3"]}
    *made, difference = ANALYSIS(pl.concat(parts), settings=settings)
    want = golden(shared, "bmt_klein_os")["by_group"]["by"]
    for each in made:
        expected = want[each.group]["rmst"]
        assert each.operation == "restricted_mean_730"
        assert each.estimate.value == pytest.approx(expected["est"], rel=1e-8)
        error = each.estimate.components["standard error"]
        assert error == pytest.approx(expected["se"], rel=1e-8)
        assert each.estimate.lower == pytest.approx(expected["est"] - Z * expected["se"], rel=1e-8)
    two, three = want["2"]["rmst"], want["3"]["rmst"]
    error = math.hypot(two["se"], three["se"])
    assert (difference.group, difference.operation) == ("2-3", "restricted_mean_730_difference")
    assert difference.estimate.value == pytest.approx(two["est"] - three["est"], rel=1e-8)
    assert difference.estimate.components["standard error"] == pytest.approx(error, rel=1e-8)
    z = difference.estimate.value / error
    assert difference.p_value == pytest.approx(math.erfc(abs(z) / math.sqrt(2)), rel=1e-8)


def test_bounds_do_not_leave_0_and_the_horizon():
    rows = outcomes(aval=[1.0, 400.0], cnsr=[0, 1])
    (made,) = ANALYSIS(rows)
    # S = 1/2 from day 1: 1 + 364 / 2, with an error of 182 * sqrt(1/2).
    assert made.estimate.value == pytest.approx(183.0, abs=1e-12)
    assert made.estimate.components["standard error"] == pytest.approx(182 / math.sqrt(2))
    assert (made.estimate.lower, made.estimate.upper) == (0.0, 365.0)


def test_without_an_event_the_bound_is_that_of_survival():
    (made,) = ANALYSIS(outcomes(aval=[400.0] * 8, cnsr=[1] * 8))
    assert (made.estimate.value, made.estimate.upper) == (365.0, 365.0)
    assert made.estimate.lower == pytest.approx(365 * 0.025 ** (1 / 8), rel=1e-12)
    assert "no event" in made.estimate.method


@pytest.mark.parametrize(
    ("day", "value"),
    [pytest.param(364.0, 364.875, id="before"), pytest.param(365.0, 365.0, id="on")],
)
def test_an_event_on_the_horizon_takes_no_day_away(day, value):
    (made,) = ANALYSIS(outcomes(aval=[day] + [400.0] * 7, cnsr=[0] + [1] * 7))
    assert made.estimate.value == pytest.approx(value, abs=1e-9)
    assert ("no event" in made.estimate.method) == (day == 365)


@pytest.mark.parametrize(("last", "is_known"), [(365.0, True), (364.0, False)])
def test_a_horizon_beyond_follow_up_gives_a_reason_and_no_number(last, is_known):
    (made,) = ANALYSIS(outcomes(aval=[10.0, last], cnsr=[0, 1]))
    assert (made.estimate is not None) == is_known
    if not is_known:
        assert made.reason == "nobody was followed to day 365; the last day is 364"


def test_all_dead_early_is_known_at_any_horizon():
    (made,) = ANALYSIS(outcomes(aval=[10.0, 20.0], cnsr=[0, 0]))
    assert made.estimate.value == pytest.approx(15.0, abs=1e-12)


def test_all_events_on_one_day_have_no_spread():
    (made,) = ANALYSIS(outcomes(aval=[10.0, 10.0], cnsr=[0, 0]))
    assert (made.estimate, made.reason) == (None, "all had the event on one day: no spread")


def test_a_difference_needs_both_means():
    rows = pl.concat(
        [
            outcomes("A", aval=[10.0, 400.0, None], cnsr=[0, 1, None]),
            outcomes("B", aval=[10.0, 300.0], cnsr=[0, 1]),
        ]
    )
    *_, difference = ANALYSIS(rows)
    assert difference.group == "A-B"
    assert difference.estimate is None
    assert difference.reason == "B: nobody was followed to day 365; the last day is 300"
    longer = rows.with_columns(AVAL=pl.col("AVAL") + 100)
    *_, difference = ANALYSIS(longer)
    assert difference.estimate.notes == ("A: 1 of 3 not evaluable, left out",)


def test_three_groups_are_compared_only_by_name():
    rows = pl.concat([outcomes(g, aval=[10.0, 400.0], cnsr=[0, 1]) for g in "ABC"])
    assert len(ANALYSIS(rows)) == 3
    assert ANALYSIS(rows, settings={"groups": ["C", "A"]})[-1].group == "C-A"
    with pytest.raises(DataError, match="A and X"):
        ANALYSIS(rows, settings={"groups": ["A", "X"]})


@pytest.mark.parametrize(("tau", "value"), [(10.0, 9.0), (10.5, None), (30.0, None)])
def test_the_area_ends_before_late_entry_lets_the_risk_set_die_out(tau, value):
    # One of two dies on day 8, the other on day 10: 8 + 2 / 2 days up to day 10.
    rows = make_outcome_rows(aval=[8.0, 10.0, 40.0], cnsr=[0, 0, 1], entry=[None, None, 20.0])
    (made,) = ANALYSIS(rows, settings={"tau_days": tau})
    assert (made.estimate and made.estimate.value) == value
    assert value or "1 came under observation later" in made.reason


def test_late_entry_and_competing_events_are_stated():
    rows = make_outcome_rows(aval=[10.0, 400.0, 30.0], cnsr=[0, 1, 2], entry=[None, 5.0, None])
    (made,) = ANALYSIS(rows)
    assert made.estimate.notes[0].startswith("1 competing events are censored")
    assert made.estimate.notes[1].startswith("1 of 3 came under observation after")


def test_nobody():
    assert ANALYSIS(empty()) == []
    (made,) = ANALYSIS(outcomes(aval=[None], cnsr=[None]))
    assert (made.estimate, made.reason) == (None, "nobody could be evaluated (1 left out)")
