import pytest

from blood_counts import golden
from outcome_rows import empty, outcomes
from sojourn.core.errors import DataError
from sojourn.statistics.poisson_rate import ANALYSIS, poisson_interval

TOLERANCE = 1e-8  # SOURCES.md: intervals


def test_exact_intervals_of_the_golden_file(shared):
    cases = golden(shared, "ss_binomial")["poisson_rates"]["single"]
    assert len(cases) == 3
    for case in cases:
        lower, upper = poisson_interval(case["events"], case["patient_days"])
        assert (1000 * lower, 1000 * upper) == pytest.approx(
            case["exact_ci_per_1000"], abs=TOLERANCE
        )


@pytest.mark.parametrize(
    ("counts", "last_days", "expected"),
    [
        # hsct-outcomes.md section 6: events, days at risk -> rate (interval) for 1000 days
        ([27], [2713], (9.9484, 6.5561, 14.4744)),
        ([0], [1199], (0.0, 0.0, 3.0741)),
        ([1, 2], [1019, 1019], (1.4706, 0.3033, 4.2977)),
    ],
)
def test_published_rates(counts, last_days, expected):
    (made,) = ANALYSIS(outcomes(aval=[float(c) for c in counts], day=last_days))
    estimate = made.estimate
    got = (estimate.value, estimate.lower, estimate.upper)
    assert got == pytest.approx(expected, abs=5e-5)
    assert (estimate.unit, made.operation, made.n) == ("1/(1000 d)", "rate", len(counts))


def test_days_at_risk_include_day_0_and_the_last():
    (made,) = ANALYSIS(outcomes(aval=[1.0, 0.0], day=[40, 0]))
    assert made.estimate.notes[0] == "events: 1 in 42 days at risk"


def test_the_rate_may_be_given_for_other_times():
    rows = outcomes(aval=[2.0, 3.0], day=[40, 40])
    (a,), (b,) = ANALYSIS(rows), ANALYSIS(rows, settings={"per_days": 100})
    assert a.estimate.value == pytest.approx(10 * b.estimate.value)
    assert a.estimate.upper == pytest.approx(10 * b.estimate.upper)
    assert b.estimate.unit == "1/(100 d)"


def test_dispersion_is_stated_and_clustering_named():
    # equal times, counts 0 0 0 4: mean 1, chi-squared 3 + 9 = 12 by 3 degrees of freedom
    (made,) = ANALYSIS(outcomes(aval=[0.0, 0.0, 0.0, 4.0], day=[40] * 4))
    assert made.estimate.notes[1].startswith("dispersion 4.00; events cluster")
    (made,) = ANALYSIS(outcomes(aval=[1.0, 1.0, 1.0, 1.0], day=[40] * 4))
    assert made.estimate.notes[1] == "dispersion 0.00"


def test_nobody_at_risk_gives_a_reason_and_missing_are_counted():
    (made,) = ANALYSIS(outcomes(aval=[None], day=[None]))
    assert (made.estimate, made.reason) == (None, "nobody could be evaluated (1 left out)")
    (made,) = ANALYSIS(outcomes(aval=[1.0, None], day=[40, None]))
    assert made.estimate.notes[-1] == "1 of 2 not evaluable, left out"
    assert ANALYSIS(empty()) == []


@pytest.mark.parametrize(
    ("aval", "day", "part"),
    [(0.5, 40, "whole number"), (-1.0, 40, "whole number"), (1.0, None, "None"), (1.0, -1, "-1")],
)
def test_what_is_no_count_or_no_time_is_refused(aval, day, part):
    with pytest.raises(DataError, match=part):
        ANALYSIS(outcomes(aval=[aval], day=[day]))


@pytest.mark.parametrize(("events", "time"), [(-1, 1.0), (1, 0.0)])
def test_an_interval_needs_time(events, time):
    with pytest.raises(DataError, match="positive time"):
        poisson_interval(events, time)
