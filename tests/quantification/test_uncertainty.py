import math

import numpy as np
import pytest
from scipy import stats

from sojourn.core.errors import DataError
from sojourn.quantification.uncertainty import (
    chi_square_quantile,
    chi_square_tail,
    fieller_interval,
    mixture_interval,
    normal_quantile,
)


@pytest.mark.parametrize("level", [0.5, 0.9, 0.95, 0.99])
def test_the_normal_quantile_is_scipys(level):
    assert normal_quantile(level) == pytest.approx(stats.norm.ppf(0.5 + level / 2))


def test_a_certain_denominator_scales_a_normal_interval():
    assert fieller_interval(6, 0.25, 3, 0, 0, level=0.95) == pytest.approx(
        (2 - 1.959964 * 0.5 / 3, 2 + 1.959964 * 0.5 / 3), rel=1e-6
    )


def test_bounds_are_the_ratios_that_a_normal_test_just_rejects():
    a, vaa, b, vbb, vab, z = 5.0, 0.3, 4.0, 0.2, 0.1, 1.959963984540054
    for ratio in fieller_interval(a, vaa, b, vbb, vab, level=0.95):
        contrast = (a - ratio * b) / math.sqrt(vaa - 2 * ratio * vab + ratio**2 * vbb)
        assert abs(contrast) == pytest.approx(z)


@pytest.mark.parametrize(
    ("denominator", "is_bounded"),
    [pytest.param(1.97, True, id="clear-of-zero"), pytest.param(1.95, False, id="not-clear")],
)
def test_a_denominator_that_may_be_zero_bounds_nothing(denominator, is_bounded):
    lower, upper = fieller_interval(1, 0.01, denominator, 1.0, 0, level=0.95)
    assert (math.isfinite(lower), math.isfinite(upper)) == (is_bounded, is_bounded)


def test_a_common_error_cancels_from_the_ratio():
    wide = fieller_interval(2, 0.04, 4, 0.16, 0.0, level=0.95)
    common = fieller_interval(2, 0.04, 4, 0.16, 0.08, level=0.95)
    assert common == pytest.approx((0.5, 0.5), abs=1e-6)
    assert wide[1] - wide[0] > 0.2


@pytest.mark.parametrize("bad", [(-1, 1, 0), (1, -1, 0), (1, 1, 1.1)])
def test_what_is_no_covariance_matrix_is_refused(bad):
    with pytest.raises(DataError, match="no covariance matrix"):
        fieller_interval(1, bad[0], 1, bad[1], bad[2], level=0.95)


def test_fieller_intervals_cover_as_often_as_they_say():
    rng = np.random.default_rng(7)
    a, b = 3 + 0.5 * rng.normal(size=4000), 4 + 0.8 * rng.normal(size=4000)
    bounds = [fieller_interval(x, 0.25, y, 0.64, 0, level=0.9) for x, y in zip(a, b, strict=True)]
    hits = sum(low <= 0.75 <= high for low, high in bounds)
    assert stats.binomtest(hits, 4000, 0.9).pvalue > 0.01


def test_a_mixture_of_one_is_that_normal():
    assert mixture_interval(np.ones(1), np.array([2.0]), np.array([0.5]), level=0.95) == (
        pytest.approx((2 - 0.979982, 2 + 0.979982), abs=1e-5)
    )


def test_a_mixture_holds_its_share_on_both_sides():
    w, m, s = np.array([0.3, 0.7]), np.array([0.0, 5.0]), np.array([1.0, 0.2])
    low, high = mixture_interval(w, m, s, level=0.9)
    assert w @ stats.norm.cdf(low, m, s) == pytest.approx(0.05)
    assert w @ stats.norm.cdf(high, m, s) == pytest.approx(0.95)


@pytest.mark.parametrize("freedom", [1, 4, 16, 300])
def test_chi_square_is_scipys(freedom):
    assert chi_square_tail(freedom + 5, freedom) == pytest.approx(
        stats.chi2.sf(freedom + 5, freedom)
    )
    assert chi_square_quantile(freedom, level=0.95) == pytest.approx(stats.chi2.ppf(0.95, freedom))


def test_without_a_degree_of_freedom_nothing_can_misfit():
    assert chi_square_tail(10, 0) == 1
