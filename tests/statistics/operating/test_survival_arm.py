"""Oracle: without losses the estimate is the binomial proportion, whose moments are known."""

import numpy as np
import pytest

from sojourn.core.errors import DataError
from sojourn.statistics.exact.binomial_tests import binomial_probabilities
from sojourn.statistics.operating.survival_arm import survival_design
from sojourn.statistics.survival.intervals import bounded_interval


def exact_design(n, survival, level=0.95):
    """Return coverage and half width without losses: a sum over the number who die."""
    dead = np.arange(n + 1)
    alive = (n - dead) / n
    with np.errstate(divide="ignore"):
        variance = dead / (n * (n - dead))
    lower, upper = bounded_interval(
        alive, variance, at_risk=n - dead, n_events=dead, scale="log-log", level=level
    )
    weights = binomial_probabilities(n, 1 - survival)
    covers = (lower <= survival) & (survival <= upper)
    return weights @ covers, weights @ ((upper - lower) / 2)


@pytest.mark.parametrize(("n", "survival"), [(68, 0.65), (68, 0.9), (10, 0.7)])
def test_without_losses_it_is_the_sum_over_the_binomial(n, survival):
    made = survival_design(n, survival, lost=0.0, replicates=20_000, seed=1)
    coverage, half_width = exact_design(n, survival)
    assert made.mean[0] == 1
    assert abs(made.mean[1] - coverage) < 4 * made.error[1]
    assert abs(made.mean[2] - half_width) < 4 * made.error[2]


def test_losses_widen_the_interval_and_keep_its_coverage():
    none, some = (
        survival_design(68, 0.7, lost=lost, replicates=10_000, seed=1) for lost in (0.0, 0.3)
    )
    assert some.mean[2] > 1.05 * none.mean[2]
    assert some.mean[1] == pytest.approx(0.95, abs=0.01)


def test_losses_may_leave_nobody_to_estimate_from():
    made = survival_design(2, 0.9, lost=0.9, replicates=2_000, seed=1)
    # Both are lost, or one dies and one is lost: P(nobody followed) is about 0.9^2.
    assert 0.15 < made.mean[0] < 0.45


@pytest.mark.parametrize(
    "wrong", [{"n": 0}, {"survival": 1.0}, {"survival": 0.0}, {"lost": 1.0}, {"at": 0.5}]
)
def test_impossible_designs_are_refused(wrong):
    settings = {"n": 10, "survival": 0.7, "lost": 0.1, "at": 365.0} | wrong
    with pytest.raises(DataError, match="expected n >= 1"):
        survival_design(
            settings.pop("n"), settings.pop("survival"), replicates=1, seed=1, **settings
        )
