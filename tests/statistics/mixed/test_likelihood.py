"""The likelihood against dense matrices and numerical derivatives; each structure.

EXTERNAL: none. Closed forms and textbook definitions only, written a second time, densely.
"""

import numpy as np
import pytest

from sojourn.statistics.mixed._likelihood import evaluate, make_blocks
from sojourn.statistics.mixed._newton import minimize
from sojourn.statistics.mixed.structures import (
    CompoundSymmetry,
    FirstOrderAutoregressive,
    RandomEffects,
    Unstructured,
)

STRUCTURES = {
    "random intercept": (RandomEffects(1), [0.7, 0.5]),
    "intercept and slope": (RandomEffects(2), [0.7, 0.1, 0.3, 0.5]),
    "unstructured": (Unstructured(3), [1.0, 0.3, 1.4, 0.2, 0.4, 0.9]),
    "compound symmetry": (CompoundSymmetry(3), [-0.2, 1.1]),
    "autoregressive": (FirstOrderAutoregressive(3), [1.3, 0.45]),
    "falling sign": (FirstOrderAutoregressive(3), [1.3, -0.45]),
}
EVERY = pytest.mark.parametrize("name", STRUCTURES)
RESTRICTED = pytest.mark.parametrize("restricted", [True, False])


def data(structure):
    """Return values, fixed effects, subjects and design of 7 subjects, two with a gap."""
    rng = np.random.default_rng(4)
    places = [(s, v) for s in range(7) for v in range(3) if (s, v) not in {(1, 2), (4, 0)}]
    subjects, visits = np.array(places).T
    n = len(places)
    fixed = np.column_stack([np.ones(n), visits, rng.normal(size=n)])
    if isinstance(structure, RandomEffects):
        design = np.column_stack([np.ones(n), visits])[:, : structure.size]
    else:
        design = visits.astype(float)
    return rng.normal(size=n), fixed, subjects, design


def dense(structure, theta, *, restricted):
    y, x, subjects, design = data(structure)
    v = np.zeros((len(y), len(y)))
    for s in np.unique(subjects):
        at = np.flatnonzero(subjects == s)
        v[np.ix_(at, at)] = structure.covariance(theta, design[at])
    w = np.linalg.inv(v)
    information = x.T @ w @ x
    r = y - x @ np.linalg.solve(information, x.T @ w @ y)
    value = np.linalg.slogdet(v)[1] + r @ w @ r
    return value + np.linalg.slogdet(information)[1] if restricted else value


def slopes(function, theta, h=1e-5):
    units = np.eye(len(theta)) * h
    return np.array([(function(theta + u) - function(theta - u)) / (2 * h) for u in units])


@EVERY
@RESTRICTED
def test_deviance_gradient_and_hessian_are_those_of_the_dense_formula(name, restricted):
    structure, theta = STRUCTURES[name]
    y, x, subjects, design = data(structure)
    blocks = make_blocks(y, x, subjects, design)

    def at(theta):
        return evaluate(structure, np.asarray(theta), blocks, restricted=restricted)

    def value(theta):
        return dense(structure, theta, restricted=restricted)

    found = at(theta)
    assert found.deviance == pytest.approx(value(np.array(theta)), abs=1e-10)
    np.testing.assert_allclose(found.gradient, slopes(value, np.array(theta)), atol=1e-6)
    numeric = slopes(lambda t: at(t).gradient, np.array(theta))
    np.testing.assert_allclose(found.hessian, numeric, atol=1e-6)


@EVERY
def test_free_parameters_reach_the_natural_ones_with_right_derivatives(name):
    structure, _ = STRUCTURES[name]
    phi = structure.start() + 0.1 * np.arange(len(structure.names))
    theta, jacobian, bends = structure.natural(phi)
    assert theta.shape == (len(structure.names),)
    numeric = slopes(lambda p: structure.natural(p)[0], phi)
    np.testing.assert_allclose(jacobian, numeric.T, atol=1e-8)
    numeric = slopes(lambda p: structure.natural(p)[1], phi)
    np.testing.assert_allclose(bends, np.moveaxis(numeric, 0, 2), atol=1e-8)


@EVERY
def test_derivatives_of_the_covariance(name):
    structure, theta = STRUCTURES[name]
    design = data(structure)[3][:3]
    theta = np.array(theta)
    numeric = slopes(lambda t: structure.covariance(t, design), theta)
    np.testing.assert_allclose(structure.first(theta, design), numeric, atol=1e-9)
    numeric = slopes(lambda t: structure.first(t, design), theta)
    second = structure.second(theta, design)
    if second is None:
        np.testing.assert_allclose(numeric, 0, atol=1e-9)
    else:
        np.testing.assert_allclose(second, numeric, atol=1e-8)


def test_a_covariance_that_is_not_positive_has_no_likelihood():
    structure = CompoundSymmetry(3)
    y, x, subjects, design = data(structure)
    blocks = make_blocks(y, x, subjects, design)
    for theta, exists in (([-0.34, 1.0], False), ([-0.32, 1.0], True), ([0.5, 0.0], False)):
        found = evaluate(structure, np.array(theta), blocks, restricted=True)
        assert (found is not None) == exists


def test_the_search_leaves_a_hilltop_and_ends_in_the_valley():
    def curve(x):
        value = x[0] ** 4 - x[0] ** 2
        return float(value), np.array([4 * x[0] ** 3 - 2 * x[0]]), np.array([[12 * x[0] ** 2 - 2]])

    end = minimize(curve, np.array([0.05]))
    assert end.is_converged
    assert abs(end.point[0]) == pytest.approx(np.sqrt(0.5), abs=1e-9)


def test_a_search_without_a_minimum_says_so():
    end = minimize(lambda x: (-float(x[0]), np.array([-1.0]), np.array([[1e-9]])), np.array([0.0]))
    assert not end.is_converged
    assert end.iterations == 200
