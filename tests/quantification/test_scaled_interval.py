import numpy as np
import pytest
from scipy import stats

from sojourn.quantification._scaled_interval import drawn_interval, mixture_bounds
from sojourn.quantification.uncertainty import fieller_interval


def quadratic(value, noise, relative):
    """Variance noise^2 + relative^2 t^2 at t = value + delta."""
    return np.array([noise**2 + (relative * value) ** 2, 2 * value * relative**2, relative**2])


@pytest.mark.parametrize("relative", [0.0, 0.1, 0.3])
@pytest.mark.parametrize("noise", [0.05, 0.5])
def test_bounds_of_one_model_are_fiellers(noise, relative):
    value = 2.0
    low, high = mixture_bounds(quadratic(value, noise, relative)[None], level=0.95)
    expected = fieller_interval(value, noise**2, 1.0, relative**2, 0.0, level=0.95)
    assert (value + low, value + high) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("relative", "is_bounded"), [(0.50, True), (0.52, False)])
def test_an_error_that_outgrows_the_value_leaves_no_upper_bound(relative, is_bounded):
    # 1 / 1.96 = 0.51
    _, high = mixture_bounds(quadratic(1.0, 0.1, relative)[None], level=0.95)
    assert np.isfinite(high) == is_bounded


def test_a_mixture_has_the_tails_of_its_models():
    both = np.array([quadratic(5.0, 0.1, 0.0), quadratic(5.0, 1.0, 0.0)])
    low, high = mixture_bounds(both, level=0.9)
    outside = [stats.norm.cdf(low, scale=s) for s in (0.1, 1.0)]
    assert np.mean(outside) == pytest.approx(0.05, rel=1e-4)
    assert high == pytest.approx(-low, rel=1e-6)


def test_drawn_errors_of_constant_spread_are_taken_off():
    errors = np.linspace(-1, 3, 399)
    low, high = drawn_interval(
        errors, 0 * errors, np.array([errors.var(ddof=1), 0.0, 0.0]), level=0.95
    )
    assert (low, high) == pytest.approx((-np.sort(errors)[389], -np.sort(errors)[9]), abs=1e-6)


def test_many_normal_draws_give_fiellers_bounds():
    rng = np.random.default_rng(0)
    one = quadratic(2.0, 0.1, 0.1)
    errors = rng.normal(0, np.sqrt(one[0]), 100_000)
    low, high = drawn_interval(errors, 0 * errors, one, level=0.95)
    assert (low, high) == pytest.approx(mixture_bounds(one[None], level=0.95), rel=0.02)


def test_few_draws_cover_as_often_as_stated():
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(4000):
        errors = rng.normal(0, 1, 39)
        low, high = drawn_interval(
            errors, 0 * errors, np.array([errors.var(ddof=1), 0.0, 0.0]), level=0.95
        )
        found = rng.normal(0, 1)
        hits += low <= -found <= high
    assert stats.binomtest(hits, 4000, 0.95).pvalue > 0.001


def test_errors_that_all_lie_on_one_side_bound_a_value_apart_from_the_estimate():
    errors = np.linspace(1.0, 2.0, 99)
    low, high = drawn_interval(
        errors, 0 * errors, np.array([errors.var(ddof=1), 0.0, 0.0]), level=0.9
    )
    assert low == pytest.approx(-1.95, abs=0.01)
    assert high == pytest.approx(-1.05, abs=0.01)


def test_each_draw_counts_in_units_of_its_own_spread():
    rng = np.random.default_rng(0)
    one = quadratic(1.0, 0.0, 0.2)
    truths = rng.lognormal(0, 0.5, 50_000)
    errors = 0.2 * truths * rng.standard_normal(50_000)
    low, high = drawn_interval(errors, truths - 1.0, one, level=0.95)
    assert (low, high) == pytest.approx(mixture_bounds(one[None], level=0.95), rel=0.03)
