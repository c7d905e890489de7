"""Closed forms of the beta distribution (scipy) and numerical quadrature of mixtures."""

import math

import numpy as np
import pytest
from scipy import integrate, stats

from sojourn.core.errors import DataError
from sojourn.statistics.bayes.beta import BetaMixture, predictive_probability, robust_prior

ONE = BetaMixture(((1.0, 8.0, 4.0),))
TWO = BetaMixture(((0.7, 15.0, 14.0), (0.3, 1.0, 1.0)))
ASH_2019 = (14, 27)
"""Servais, ASH 2019: response at day 90 in 51.8 %, interval 33 to 70.7: 14 of 27 (Wald)."""


def quadrature(mixture, function):
    density = sum(w * stats.beta(a, b).pdf(X) for w, a, b in mixture.components)
    return float(integrate.simpson(density * function(X), x=X))


X = np.linspace(0, 1, 200_001)


def test_the_benchmark_of_servais_is_fourteen_of_twenty_seven():
    share = 14 / 27
    half = 1.959964 * math.sqrt(share * (1 - share) / 27)
    assert (share - half, share + half) == pytest.approx((0.330, 0.707), abs=5e-4)


def test_one_beta_is_that_of_another_program():
    known = stats.beta(8, 4)
    assert ONE.mean == pytest.approx(known.mean(), abs=1e-14)
    assert ONE.variance == pytest.approx(known.var(), abs=1e-14)
    assert ONE.effective_size == pytest.approx(12, abs=1e-9)
    assert ONE.above(0.6) == pytest.approx(known.sf(0.6), abs=1e-13)
    assert ONE.below(0.6) == pytest.approx(known.cdf(0.6), abs=1e-13)
    assert ONE.density(0.6) == pytest.approx(known.pdf(0.6), rel=1e-12)
    assert ONE.central_interval(0.9) == pytest.approx(known.interval(0.9), abs=1e-12)


def test_a_mixture_is_that_of_quadrature():
    assert TWO.mean == pytest.approx(quadrature(TWO, lambda p: p), abs=1e-9)
    assert TWO.variance == pytest.approx(quadrature(TWO, lambda p: (p - TWO.mean) ** 2), abs=1e-9)
    low, high = TWO.central_interval()
    assert (TWO.below(low), TWO.above(high)) == pytest.approx((0.025, 0.025), abs=1e-10)
    assert TWO.quantile(0.0) == pytest.approx(0, abs=1e-12)
    assert TWO.quantile(1.0) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(("a", "b"), [(8, 4), (3, 20), (20, 3), (2, 2)])
def test_the_shortest_interval_has_equal_density_at_its_ends(a, b):
    made = BetaMixture(((1.0, float(a), float(b)),))
    low, high = made.shortest_interval(0.9)
    assert made.below(high) - made.below(low) == pytest.approx(0.9, abs=1e-9)
    assert made.density(low) == pytest.approx(made.density(high), rel=1e-4)
    central = made.central_interval(0.9)
    assert high - low <= central[1] - central[0] + 1e-9


def test_the_shortest_interval_of_a_falling_density_starts_at_zero():
    low, high = BetaMixture(((1.0, 1.0, 11.0),)).shortest_interval()
    assert low == pytest.approx(0, abs=1e-9)
    assert high == pytest.approx(1 - 0.05 ** (1 / 11), abs=1e-9)
    low, high = BetaMixture(((1.0, 11.0, 1.0),)).shortest_interval()
    assert (low, high) == pytest.approx((0.05 ** (1 / 11), 1), abs=1e-9)


def test_density_at_the_bounds():
    assert BetaMixture(((1.0, 0.5, 0.5),)).density(0.0) == math.inf
    assert BetaMixture(((1.0, 0.5, 0.5),)).density(1.0) == math.inf
    assert BetaMixture(((1.0, 1.0, 2.0),)).density(0.0) == pytest.approx(2)
    assert BetaMixture(((1.0, 2.0, 1.0),)).density(0.0) == 0.0


def test_weights_are_updated_by_how_well_each_part_foretold_the_data():
    prior = robust_prior(*ASH_2019)
    posterior = prior.updated(20, 68)
    foretold = [
        float(integrate.simpson(stats.binom(68, X).pmf(20) * stats.beta(a, b).pdf(X), x=X))
        for _, a, b in prior.components
    ]
    raw = np.array([w for w, _, _ in prior.components]) * foretold
    weights = [w for w, _, _ in posterior.components]
    assert weights == pytest.approx(list(raw / raw.sum()), rel=1e-8)
    assert [c[1:] for c in posterior.components] == [(35.0, 62.0), (21.0, 49.0)]
    assert math.fsum(weights) == pytest.approx(1, abs=1e-15)


def test_a_control_that_agrees_is_believed_and_one_that_does_not_gives_way():
    prior = robust_prior(*ASH_2019)
    agrees, differs = prior.updated(35, 68), prior.updated(62, 68)
    assert agrees.components[0][0] > 0.8 > 0.01 > differs.components[0][0]
    vague = BetaMixture(((1.0, 1.0, 1.0),)).updated(62, 68)
    assert differs.mean == pytest.approx(vague.mean, abs=1e-3)


def test_discount_and_weight_set_what_the_control_is_worth():
    assert robust_prior(14, 27, vague_weight=0).effective_size == pytest.approx(29)
    half = robust_prior(14, 27, vague_weight=0, discount=0.5)
    assert half.effective_size == pytest.approx(15.5)
    none = robust_prior(14, 27, vague_weight=1)
    assert none.effective_size == pytest.approx(2)
    assert robust_prior(14, 27).effective_size < 29
    assert none.updated(3, 10).components[0][0] == 0


def test_future_successes_are_beta_binomial():
    made = ONE.predicted(12)
    np.testing.assert_allclose(made, stats.betabinom(12, 8, 4).pmf(np.arange(13)), atol=1e-13)
    assert TWO.predicted(30).sum() == pytest.approx(1, abs=1e-12)
    assert TWO.predicted(0) == pytest.approx([1.0])


def test_predictive_probability_is_the_sum_over_ends_that_win():
    prior = BetaMixture(((1.0, 1.0, 1.0),))
    made = predictive_probability(prior, 12, 20, planned=40, p0=0.4, threshold=0.95)
    expected = sum(
        stats.betabinom(20, 13, 9).pmf(x)
        for x in range(21)
        if stats.beta(1 + 12 + x, 1 + 28 - x).sf(0.4) > 0.95
    )
    assert made == pytest.approx(expected, abs=1e-12)
    assert 0.5 < made < 1


@pytest.mark.parametrize(("successes", "expected"), [(30, 1.0), (20, 0.0)])
def test_predictive_probability_at_the_end_is_the_decision(successes, expected):
    prior = BetaMixture(((1.0, 1.0, 1.0),))
    made = predictive_probability(prior, successes, 40, planned=40, p0=0.5, threshold=0.95)
    assert made == expected


def test_what_is_no_distribution_is_refused():
    for components in ((), ((0.5, 1.0, 1.0),), ((1.0, 0.0, 1.0),), ((1.5, 1, 1), (-0.5, 1, 1))):
        with pytest.raises(DataError):
            BetaMixture(components)
    for given in (
        {"successes": 5, "n": 4},
        {"successes": 1, "n": 4, "vague_weight": 1.1},
        {"successes": 1, "n": 4, "discount": -0.1},
    ):
        with pytest.raises(DataError, match="expected 0 <= successes"):
            robust_prior(**given)
    with pytest.raises(DataError, match="successes of"):
        ONE.updated(3, 2)
    with pytest.raises(DataError, match="there already"):
        predictive_probability(ONE, 1, 5, planned=4, p0=0.5)
    with pytest.raises(DataError, match="within 0 to 1"):
        ONE.quantile(1.1)
