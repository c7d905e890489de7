"""A coefficient without a finite maximum is said to be infinite, never a large number."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from small_regression import few, random_rows, seeds
from sojourn.statistics.regression import (
    NotEstimableError,
    cumulative_hazards,
    estimate_concordance,
    fit_cox,
    fit_fine_gray,
    score_residuals,
)
from sojourn.statistics.regression import test_proportionality as zph

TIMES = np.arange(1.0, 9)
GROUP = np.array([1.0, 1, 1, 1, 0, 0, 0, 0])
DIED = np.array([True, True, False, True, False, False, False, False])
AGE = np.array([3.0, 1, 4, 1, 5, 9, 2, 6])


@pytest.mark.parametrize(("sign", "infinite"), [(1, np.inf), (-1, -np.inf)])
@pytest.mark.parametrize("unit", [1, 1e-9, 1e9])
def test_no_event_in_a_group_is_an_infinite_ratio(sign, infinite, unit):
    fit = fit_cox(TIMES, DIED, (sign * unit * GROUP)[:, None], names=["arm"])
    assert fit.terms.infinite == ("arm",)
    assert fit.terms.coefficients[0] == infinite
    assert fit.terms.ratios[0] == (np.inf if sign > 0 else 0)
    assert np.isnan(fit.terms.standard_errors[0])
    assert np.isnan(fit.terms.p_values[0])
    assert np.isnan(fit.wald_test.p_value)
    assert np.isnan(fit.terms.ratio_interval()).all()
    # in the limit the risk sets hold group 1 alone: 4, 3 and 1 of it
    assert fit.loglik == pytest.approx(-np.log(4 * 3 * 1), abs=1e-8)
    # the score test holds: events 3, expected 4/8 + 3/7 + 1/5
    expected = np.array([4 / 8, 3 / 7, 1 / 5])
    excess = 3 - expected.sum()
    score = excess**2 / (expected * (1 - expected)).sum()
    assert fit.score_test.statistic == pytest.approx(score, rel=1e-10)


def test_one_event_in_the_other_group_makes_it_finite():
    # subject 5, of group 0, has its event while one of group 1 is at risk; at day 5 it would not
    # matter, as nobody of group 1 is left
    times = np.where(TIMES == 5, 3.5, TIMES)
    fit = fit_cox(times, DIED | (TIMES == 5), GROUP[:, None])
    assert fit.terms.infinite == ()
    assert fit_cox(TIMES, DIED | (TIMES == 5), GROUP[:, None]).terms.infinite == ("x1",)
    assert np.isfinite(fit.terms.standard_errors).all()


def test_the_other_covariates_keep_their_estimates_in_the_limit():
    fit = fit_cox(TIMES, DIED, np.column_stack([GROUP, AGE]), names=["arm", "age"])
    alone = fit_cox(TIMES[:4], DIED[:4], AGE[:4, None])
    assert fit.terms.infinite == ("arm",)
    assert fit.terms.coefficients[1] == pytest.approx(alone.terms.coefficients[0], abs=1e-7)
    assert fit.terms.standard_errors[1] == pytest.approx(alone.terms.standard_errors[0], abs=1e-7)
    assert fit.terms.p_values[1] == pytest.approx(alone.terms.p_values[0], abs=1e-7)
    assert fit.loglik == pytest.approx(alone.loglik, abs=1e-8)


def test_a_direction_of_two_covariates_is_found():
    both = np.column_stack([GROUP + AGE, AGE])
    fit = fit_cox(TIMES, DIED, both, names=["a", "b"])
    assert fit.terms.infinite == ("a", "b")
    assert fit.terms.coefficients.tolist() == [np.inf, -np.inf]


@pytest.mark.parametrize("entry", [None, np.zeros(8), np.maximum(0, TIMES - 3.5)])
def test_the_order_of_death_by_the_covariate_is_monotone(entry):
    fit = fit_cox(TIMES, DIED, -TIMES[:, None], entry=entry, names=["early"])
    assert fit.terms.infinite == ("early",)


@few
@given(seeds, st.floats(0.5, 3))
def test_a_strong_effect_with_one_exception_is_finite(seed, size):
    rng = np.random.default_rng(seed)
    x = np.sort(rng.normal(size=30))[::-1] * size
    swapped = x.copy()
    swapped[[10, 11]] = swapped[[11, 10]]
    times = np.arange(1.0, 31)
    assert fit_cox(times, times > 0, x[:, None]).terms.infinite == ("x1",)
    fit = fit_cox(times, times > 0, swapped[:, None])
    assert fit.terms.infinite == ()
    assert fit.terms.coefficients[0] > 0


@few
@given(seeds)
def test_random_rows_are_not_called_infinite(seed):
    entry, exits, cause, x, _ = random_rows(seed)
    assert fit_cox(exits, cause == 1, x, entry=entry).terms.infinite == ()
    assert fit_fine_gray(exits, cause, x).terms.infinite == ()


def test_what_needs_a_finite_model_says_so():
    fit = fit_cox(TIMES, DIED, GROUP[:, None])
    assert np.isnan(estimate_concordance(fit).value)
    tests = zph(fit)
    assert np.isnan(tests.overall.p_value)
    assert np.isnan(tests.terms["x1"].statistic)
    with pytest.raises(NotEstimableError, match="x1 is infinite"):
        score_residuals(fit)
    with pytest.raises(NotEstimableError, match="x1 is infinite"):
        cumulative_hazards(fit, np.zeros(1))


@pytest.mark.parametrize("sign", [1, -1])
def test_the_subdistribution_has_infinite_ratios_too(sign):
    causes = np.array([1, 1, 2, 1, 0, 2, 0, 2])
    fit = fit_fine_gray(TIMES, causes, np.column_stack([sign * GROUP, AGE]), names=["arm", "age"])
    assert fit.terms.infinite == ("arm",)
    assert fit.terms.coefficients[0] == sign * np.inf
    assert np.isnan(fit.terms.covariance[0]).all()
    assert np.isfinite(fit.terms.covariance[1, 1])
    fit = fit_fine_gray(TIMES, np.where(TIMES == 5, 1, causes), sign * GROUP[:, None])
    assert fit.terms.infinite == ()


def test_who_had_a_competing_event_still_bounds_the_subdistribution():
    # at the last event the only one of group 0 is gone by a competing event, yet in the risk set
    times, causes = np.arange(1.0, 6), np.array([2, 1, 0, 1, 0])
    x = np.array([[5.0], [4], [3], [2], [1]])
    fit = fit_fine_gray(times, causes, x)
    assert fit.terms.infinite == ()
    assert fit_cox(times, causes == 1, x).terms.infinite == ("x1",)
