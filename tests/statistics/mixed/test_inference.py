"""Kenward-Roger and Satterthwaite against closed forms and the published formula, densely.

Closed forms: t tests, Hotelling's T squared, the balanced random-intercept model. The golden file
of R is walked in tests/golden/test_mixed.py.
"""

import math

import numpy as np
import pytest
from scipy import stats

from sojourn.core.errors import DataError
from sojourn.statistics.mixed.fitting import fit_marginal, fit_random_effects
from sojourn.statistics.mixed.inference import (
    kenward_roger,
    kenward_roger_covariance,
    kenward_roger_test,
    satterthwaite,
)

RNG = np.random.default_rng(12)
EIGHT = RNG.normal(size=(8, 3)) @ np.array([[1, 0.5, 0.2], [0, 1.2, 0.6], [0, 0, 0.8]]) + [1, 2, 4]
"""Eight subjects at three visits, correlated."""


def long(table):
    n, m = table.shape
    return table.ravel(), np.repeat(np.arange(n), m), np.tile(np.arange(m), n)


def by_visit(table, **settings):
    values, subjects, visits = long(table)
    return fit_marginal(values, np.eye(table.shape[1])[visits], subjects, visits, **settings)


def test_unstructured_differences_of_two_visits_are_the_paired_t_test():
    fit = by_visit(EIGHT)
    for test in (kenward_roger, satterthwaite):
        made = test(fit, [-1, 1, 0])
        expected = stats.ttest_rel(EIGHT[:, 1], EIGHT[:, 0])
        assert made.degrees == pytest.approx(7, abs=1e-7)
        assert made.statistic == pytest.approx(expected.statistic, abs=1e-8)
        assert made.p_value == pytest.approx(expected.pvalue, abs=1e-10)
        interval = expected.confidence_interval(0.9)
        assert made.interval(0.9) == pytest.approx((interval.low, interval.high), abs=1e-8)


def test_unstructured_covariance_is_that_of_the_sample():
    fit = by_visit(EIGHT)
    rows, columns = np.tril_indices(3)
    np.testing.assert_allclose(fit.theta, np.cov(EIGHT.T)[rows, columns], rtol=1e-7)


def test_equal_means_at_all_visits_are_tested_by_hotellings_t_squared():
    fit = by_visit(EIGHT)
    n, r = 8, 2
    steps = np.diff(EIGHT, axis=1)
    mean = steps.mean(axis=0)
    squared = n * mean @ np.linalg.solve(np.cov(steps.T), mean)
    expected = (n - r) / (r * (n - 1)) * squared
    made = kenward_roger_test(fit, [[-1, 1, 0], [0, -1, 1]])
    assert made.statistic == pytest.approx(expected, rel=1e-7)
    assert (made.numerator_degrees, made.denominator_degrees) == (2, pytest.approx(6, abs=1e-6))
    assert made.p_value == pytest.approx(stats.f.sf(expected, 2, 6), rel=1e-6)


def test_arms_at_one_of_two_visits_are_compared_with_pooled_variances():
    values, subjects, visits = long(EIGHT[:, :2])
    arm = (subjects < 3).astype(float)
    cells = np.column_stack([(visits == v) * (arm == a) for v in (0, 1) for a in (0, 1)])
    fit = fit_marginal(values, cells, subjects, visits)
    made = kenward_roger(fit, [0, 0, -1, 1])
    expected = stats.ttest_ind(EIGHT[:3, 1], EIGHT[3:, 1])
    assert made.degrees == pytest.approx(6, abs=1e-7)
    assert made.p_value == pytest.approx(expected.pvalue, abs=1e-9)


def test_balanced_compound_symmetry_is_the_two_way_analysis_of_variance():
    fit = by_visit(EIGHT, covariance="compound_symmetry")
    residual = EIGHT - EIGHT.mean(0) - EIGHT.mean(1)[:, None] + EIGHT.mean()
    within = (residual**2).sum() / (7 * 2)
    made = kenward_roger(fit, [-1, 1, 0])
    assert made.standard_error == pytest.approx(math.sqrt(2 * within / 8), abs=1e-9)
    assert made.degrees == pytest.approx(14, abs=1e-6)
    between = (3 * EIGHT.mean(1).var(ddof=1) - within) / 3
    assert fit.theta == pytest.approx([between, within], abs=1e-8)


def test_compound_symmetry_is_the_random_intercept_where_its_covariance_is_positive():
    values, subjects, visits = long(EIGHT)
    keep = np.array([i not in {4, 11, 18} for i in range(24)])
    fixed = np.eye(3)[visits][keep]
    marginal = fit_marginal(
        values[keep], fixed, subjects[keep], visits[keep], covariance="compound_symmetry"
    )
    random = fit_random_effects(values[keep], fixed, subjects[keep])
    assert random.theta[0] > 0
    assert marginal.log_likelihood == pytest.approx(random.log_likelihood, abs=1e-10)
    np.testing.assert_allclose(marginal.theta, random.theta, rtol=1e-6)
    one, other = (kenward_roger(fit, [0, -1, 1]) for fit in (marginal, random))
    assert one.degrees == pytest.approx(other.degrees, rel=1e-6)
    assert one.p_value == pytest.approx(other.p_value, rel=1e-6)


def dense_kenward_roger(structure_covariance, theta, x, subjects, visits, row):
    """Return adjusted standard error and degrees as published, with numerical derivatives of V."""

    def covariance(theta):
        v = np.zeros((len(x), len(x)))
        for s in np.unique(subjects):
            at = np.flatnonzero(subjects == s)
            v[np.ix_(at, at)] = structure_covariance(theta, visits[at])
        return v

    q, h = len(theta), 1e-4
    unit = np.eye(q) * h
    v = covariance(theta)
    first = [(covariance(theta + u) - covariance(theta - u)) / (2 * h) for u in unit]
    second = [
        [
            (
                covariance(theta + a + b)
                - covariance(theta + a - b)
                - covariance(theta - a + b)
                + covariance(theta - a - b)
            )
            / (4 * h * h)
            for b in unit
        ]
        for a in unit
    ]
    w = np.linalg.inv(v)
    phi = np.linalg.inv(x.T @ w @ x)
    p = [-x.T @ w @ d @ w @ x for d in first]
    big = w - w @ x @ phi @ x.T @ w
    information = np.array([[np.trace(big @ a @ big @ b) / 2 for b in first] for a in first])
    cov = np.linalg.inv(information)
    total = sum(
        cov[i, j]
        * (
            x.T @ w @ first[i] @ w @ first[j] @ w @ x
            - p[i] @ phi @ p[j]
            - x.T @ w @ second[i][j] @ w @ x / 4
        )
        for i in range(q)
        for j in range(q)
    )
    adjusted = phi + 2 * phi @ total @ phi
    moved = np.array([row @ phi @ one @ phi @ row for one in p])
    degrees = 2 * (row @ phi @ row) ** 2 / (moved @ cov @ moved)
    return math.sqrt(row @ adjusted @ row), degrees


@pytest.mark.parametrize("covariance", ["ar1", "unstructured", "compound_symmetry"])
def test_kenward_roger_with_gaps_is_the_published_formula(covariance):
    from sojourn.statistics.mixed import structures

    values, subjects, visits = long(EIGHT)
    keep = np.array([i not in {4, 11, 18} for i in range(24)])
    x = np.column_stack([np.eye(3)[visits], RNG.normal(size=24)])[keep]
    y, s, v = values[keep], subjects[keep], visits[keep]
    fit = fit_marginal(y, x, s, v, covariance=covariance)
    structure = {
        "ar1": structures.FirstOrderAutoregressive(3),
        "unstructured": structures.Unstructured(3),
        "compound_symmetry": structures.CompoundSymmetry(3),
    }[covariance]
    row = np.array([0, -1, 1, 0.5])
    error, degrees = dense_kenward_roger(structure.covariance, fit.theta, x, s, v, row)
    made = kenward_roger(fit, row)
    assert made.standard_error == pytest.approx(error, rel=1e-5)
    assert made.degrees == pytest.approx(degrees, rel=1e-5)


def test_inference_does_not_depend_on_units_or_origin():
    values, subjects, visits = long(EIGHT)
    day = np.array([0.0, 7, 30])[visits]
    fits = [
        fit_random_effects(
            scale * values + shift,
            np.column_stack([np.ones(24), day / unit]),
            subjects,
            random=np.column_stack([np.ones(24), day / unit]),
        )
        for scale, shift, unit in ((1.0, 0.0, 1.0), (1e9, 3e9, 30.0))
    ]
    one, other = (kenward_roger(fit, [0, 1]) for fit in fits)
    assert other.value == pytest.approx(one.value * 1e9 * 30, rel=1e-6)
    assert other.degrees == pytest.approx(one.degrees, rel=1e-5)
    assert other.p_value == pytest.approx(one.p_value, rel=1e-4)


def test_kenward_roger_refuses_maximum_likelihood_and_wrong_weights():
    values, subjects, visits = long(EIGHT)
    fit = fit_random_effects(values, np.eye(3)[visits], subjects, restricted=False)
    with pytest.raises(DataError, match="by ML"):
        kenward_roger_covariance(fit)
    fit = fit_random_effects(values, np.eye(3)[visits], subjects)
    with pytest.raises(DataError, match="3 coefficients"):
        kenward_roger(fit, [1, 0])
    with pytest.raises(DataError, match="independent"):
        kenward_roger_test(fit, [[1, -1, 0], [-1, 1, 0]])
