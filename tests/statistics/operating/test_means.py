"""Oracles: the lattice of exact p-values (closed form), the noncentral t of scipy (EXTERNAL)."""

import numpy as np
import pytest
from scipy import stats

from sojourn.core.errors import DataError
from sojourn.statistics.operating.means import (
    SHAPES,
    draw_deviations,
    mean_design,
    two_arm_design,
)


@pytest.mark.parametrize("shape", SHAPES)
def test_deviations_have_mean_0_and_standard_deviation_1(shape):
    values = draw_deviations(np.random.default_rng(1), shape, (400_000, 2)).ravel()
    assert values.mean() == pytest.approx(0, abs=0.01)
    assert values.std() == pytest.approx(1, abs=0.03)


def test_skewed_values_are_skewed_as_stated():
    # Log-normal skewness (exp(s^2) + 2) sqrt(exp(s^2) - 1) at s = 0.75.
    expected = (np.exp(0.75**2) + 2) * np.sqrt(np.expm1(0.75**2))
    assert expected == pytest.approx(3.26, abs=0.01)
    values = draw_deviations(np.random.default_rng(2), "skewed", (2_000_000, 1)).ravel()
    assert stats.skew(values) == pytest.approx(expected, rel=0.1)


def test_an_unknown_shape_is_refused():
    with pytest.raises(DataError, match="accepted are normal, skewed, heavy"):
        draw_deviations(np.random.default_rng(1), "uniform", (1, 1))


def test_the_t_interval_of_five_normal_values_has_its_level_and_closed_width():
    made = mean_design(5, replicates=200_000, seed=1)
    # E[s] = c4 sigma, c4 = sqrt(2/4) gamma(5/2) / gamma(2) = 0.939986.
    expected = stats.t.ppf(0.975, 4) * 0.9399856 / np.sqrt(5)
    assert abs(made.mean[0] - 0.95) < 4 * made.error[0]
    assert abs(made.mean[1] - expected) < 4 * made.error[1]


def test_the_t_interval_of_five_skewed_values_falls_short():
    assert mean_design(5, replicates=20_000, seed=1, shape="skewed").mean[0] < 0.93


@pytest.mark.parametrize("shape", SHAPES)
def test_the_exact_test_of_5_and_5_errs_in_12_of_252_splits(shape):
    # p is a multiple of 2/252; the largest not above 0.05 is 12/252, whatever the distribution.
    made = two_arm_design((5, 5), 0.0, replicates=60_000, seed=1, shape=shape)
    value, error = made["permutation"]
    assert abs(value - 12 / 252) < 4 * error


def test_arms_of_3_and_3_can_never_reach_five_percent():
    # The smallest two-sided p of 20 splits is 2/20.
    made = two_arm_design((3, 3), 50.0, replicates=500, seed=1)
    assert made["permutation"] == (0.0, 0.0)


def test_power_of_the_interval_is_near_that_of_the_t_test():
    made = two_arm_design((5, 5), 2.0, replicates=40_000, seed=1)
    degrees, noncentrality = 8, 2.0 / np.sqrt(2 / 5)
    critical = stats.t.ppf(0.975, degrees)
    pooled = stats.nct.sf(critical, degrees, noncentrality)
    # Welch's t loses degrees of freedom, so its power lies a little below that of the pooled t.
    assert pooled - 0.04 < made["welch"][0] < pooled


def test_the_same_deviations_serve_every_shift():
    none, some = (two_arm_design((5, 5), d, replicates=200, seed=1) for d in (0.0, 1.0))
    assert none["half_width"] == pytest.approx(some["half_width"], rel=1e-10)
    assert none["coverage"] == some["coverage"]


def test_impossible_designs_are_refused():
    with pytest.raises(DataError, match="expected 2 or more"):
        mean_design(1, replicates=10, seed=1)
    with pytest.raises(DataError, match="expected 2 or more"):
        two_arm_design((5, 1), 0.0, replicates=10, seed=1)
