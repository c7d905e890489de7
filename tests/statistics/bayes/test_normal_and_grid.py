"""Closed forms: conjugate normal and beta posteriors; the grid against them."""

import numpy as np
import pytest
from scipy import stats

from sojourn.core.errors import DataError
from sojourn.statistics.bayes.grid import grid_posterior
from sojourn.statistics.bayes.normal import Normal


def test_prior_and_data_are_weighted_by_their_precision():
    made = Normal(0.0, 10.0).updated(-12.0, 4.0)
    assert made.mean == pytest.approx(-12 * (1 / 16) / (1 / 16 + 1 / 100))
    assert made.deviation == pytest.approx((1 / 16 + 1 / 100) ** -0.5)
    known = stats.norm(made.mean, made.deviation)
    assert made.above(-5.0) == pytest.approx(known.sf(-5), abs=1e-14)
    assert made.interval(0.9) == pytest.approx(known.interval(0.9), abs=1e-9)


def test_a_vague_prior_leaves_the_estimate_alone():
    made = Normal(0.0, 1e8).updated(-12.0, 4.0)
    assert (made.mean, made.deviation) == pytest.approx((-12, 4), rel=1e-9)


def test_the_order_of_data_does_not_matter():
    one = Normal(1.0, 3.0).updated(2.0, 0.5).updated(-1.0, 2.0)
    other = Normal(1.0, 3.0).updated(-1.0, 2.0).updated(2.0, 0.5)
    assert (one.mean, one.deviation) == pytest.approx((other.mean, other.deviation))


@pytest.mark.parametrize(("mean", "deviation"), [(0.0, 0.0), (np.nan, 1.0), (0.0, np.inf)])
def test_what_is_no_normal_is_refused(mean, deviation):
    with pytest.raises(DataError, match="deviation positive"):
        Normal(mean, deviation)


def test_a_grid_agrees_with_the_conjugate_beta():
    p = np.linspace(0, 1, 4001)
    with np.errstate(divide="ignore"):
        made = grid_posterior(p, 7 * np.log(p) + 3 * np.log1p(-p), np.zeros_like(p))
    known = stats.beta(8, 4)
    assert made.mean == pytest.approx(known.mean(), abs=1e-7)
    assert made.above(0.5) == pytest.approx(known.sf(0.5), abs=1e-6)
    assert made.central_interval() == pytest.approx(known.interval(0.95), abs=1e-6)
    assert (made.below(0), made.below(1), made.below(-1)) == (0, 1, 0)


def test_a_grid_agrees_with_the_conjugate_normal_whatever_the_constants():
    x = np.linspace(-60, 40, 5001)
    likelihood = stats.norm(x, 4).logpdf(-12) - 1e4
    made = grid_posterior(x, likelihood, stats.norm(0, 10).logpdf(x) + 7)
    known = Normal(0.0, 10.0).updated(-12.0, 4.0)
    assert made.mean == pytest.approx(known.mean, abs=1e-9)
    assert made.quantile(0.2) == pytest.approx(known.interval(0.6)[0], abs=1e-4)


def test_two_points_are_a_straight_line():
    made = grid_posterior([0.0, 1.0], [np.log(1), np.log(3)], [0.0, 0.0])
    # density 0.5 + x: mean 1/4 + 1/3, half of the mass below (sqrt(5) - 1) / 2
    assert made.mean == pytest.approx(7 / 12)
    assert made.quantile(0.5) == pytest.approx((5**0.5 - 1) / 2)
    assert made.below(0.5) == pytest.approx(0.375)


@pytest.mark.parametrize(
    ("points", "likelihood", "message"),
    [
        ([0.0, 1.0], [0.0], "shape"),
        ([0.0], [0.0], "shape"),
        ([1.0, 0.0], [0.0, 0.0], "increase"),
        ([0.0, 1.0], [0.0, np.nan], "not a number"),
        ([0.0, 1.0], [0.0, np.inf], "not a number"),
        ([0.0, 1.0], [-np.inf, -np.inf], "zero on the whole grid"),
    ],
)
def test_a_grid_that_cannot_be_is_refused(points, likelihood, message):
    with pytest.raises(DataError, match=message):
        grid_posterior(points, likelihood, np.zeros(len(points)))
    with pytest.raises(DataError, match="within 0 to 1"):
        grid_posterior([0.0, 1.0], [0.0, 0.0], [0.0, 0.0]).quantile(-0.1)
