"""A coefficient without a finite maximum is said to be infinite, never a large number."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from small_regression import few, random_rows, seeds
from sojourn.statistics.regression import (
    NotEstimableError,
    Terms,
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


def three_groups(seed):
    """Return times, causes and groups of few subjects; only group 2 has the event."""
    rng = np.random.default_rng(seed)
    group = np.concatenate([[0, 1, 2], rng.integers(0, 3, int(rng.integers(2, 12)))])
    times = rng.integers(1, 9, len(group)).astype(float)
    causes = np.where(group == 2, rng.choice([0, 1, 1, 2], len(group)), 2 * rng.integers(0, 2))
    # at the first event all groups are at risk
    times[:3], causes[2] = [9, 9, 1], 1
    return times, causes, group


@few
@given(seeds, st.booleans())
def test_two_groups_without_events_cannot_be_compared_with_each_other(seed, is_cox):
    times, causes, group = three_groups(seed)
    fit_of = (lambda x: fit_cox(times, causes == 1, x)) if is_cox else None
    fit_of = fit_of or (lambda x: fit_fine_gray(times, causes, x))
    terms = fit_of(np.column_stack([group == 1, group == 2]).astype(float)).terms
    assert (terms.infinite, terms.undetermined) == (("x2",), ("x1",))
    assert np.isnan(terms.coefficients[0])
    assert terms.coefficients[1] == np.inf
    assert np.isnan(terms.covariance).all()
    # against the group with events, both are determined: they go to 0
    terms = fit_of(np.column_stack([group == 0, group == 1]).astype(float)).terms
    assert (terms.infinite, terms.undetermined) == (("x1", "x2"), ())
    assert terms.coefficients.tolist() == [-np.inf, -np.inf]


@few
@given(seeds, st.booleans())
def test_a_finite_term_is_one_that_no_monotone_direction_moves(seed, is_cox):
    # by linear programs (scipy): the least and largest share of each term in a direction along
    # which at every event the subject has the largest value of all at risk
    times, causes, x = groups_and_a_covariate(seed)
    try:
        fit = fit_cox(times, causes == 1, x) if is_cox else fit_fine_gray(times, causes, x)
    except NotEstimableError:
        return
    stay = (lambda at: times >= at) if is_cox else (lambda at: (times >= at) | (causes == 2))
    rows = [x[stay(times[i])] - x[i] for i in np.flatnonzero(causes == 1)]
    for j, coefficient in enumerate(fit.terms.coefficients):
        low, high = extent(np.vstack(rows), j)
        assert np.isfinite(coefficient) == (low == 0 and high == 0)
        if (low, high) in {(0, 1), (-1, 0)}:
            assert coefficient == np.copysign(np.inf, low + high)


def groups_and_a_covariate(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(6, 16))
    group = rng.integers(0, 4, n)
    share = rng.choice([0, 0, 0.3, 0.7, 1], size=4)
    causes = np.where(rng.random(n) < share[group], 1, rng.choice([0, 2], n))
    causes[0] = 1
    x = [(group == k).astype(float) for k in (1, 2, 3)]
    if rng.random() < 0.3:
        x[2] = rng.integers(0, 4, n).astype(float)
    return rng.integers(1, 12, n).astype(float), causes, np.column_stack(x)


def extent(rows, j):
    """Return whether coordinate j of a v with rows v <= 0 may be below 0 (-1) and above 0 (1)."""
    aim = np.zeros(rows.shape[1])
    aim[j] = 1
    ends = [
        sign * linprog(sign * aim, A_ub=rows, b_ub=np.zeros(len(rows)), bounds=(-1, 1)).fun
        for sign in (1, -1)
    ]
    return tuple(int(np.sign(end)) if abs(end) > 1e-7 else 0 for end in ends)


def test_ratios_beyond_the_largest_number_are_infinite_without_a_warning():
    terms = Terms(("x",), np.array([800.0]), np.array([[1e6]]))
    lower, upper = terms.ratio_interval()
    assert (terms.ratios[0], lower[0], upper[0]) == (np.inf, pytest.approx(0), np.inf)
