"""Are hazards proportional? Score tests of coefficients that change with time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.statistics.regression._partial_likelihood import linear_predictor, weighted_sets
from sojourn.statistics.regression._terms import ChiSquaredTest, chi_squared_test
from sojourn.statistics.regression.cox_model import CoxFit, standardized
from sojourn.statistics.regression.risk_sets import CountingProcess, risk_sets

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Proportionality:
    """The tests of a model: `terms` by name, and `overall` (R's row GLOBAL)."""

    terms: dict[str, ChiSquaredTest]
    overall: ChiSquaredTest


def test_proportionality(
    fit: CoxFit,
    *,
    together: Mapping[str, Sequence[str]] | None = None,  # noqa: PT028 - no test of pytest's
) -> Proportionality:
    r"""Test whether coefficients change with time, as R's cox.zph (survival 3) does.

    The model is extended by a term x (g(t) - mean) for each covariate, with g(t) = 1 - S(t-) by
    Kaplan and Meier of all rows (R's transform "km"); the score test of the new coefficients,
    at those of the fit, is chi-squared: each alone with 1 degree of freedom, and all together.

    Parameters
    ----------
    fit
        a Cox model without infinite terms; a model with them has no such test (NaN).
    together
        by a name of its own, terms that are tested together, as the levels of one factor; other
        terms are tested alone.

    Returns
    -------
        the tests. A large p-value from few events says little: the test then has no power.

    Raises
    ------
    DataError
        if `together` names a term that the model lacks.

    References
    ----------
    Grambsch and Therneau, Biometrika 81 (1994) 515; Therneau, survival 3.0 (score test in place of
    the approximation of 1994).
    """
    names = fit.terms.names
    factors = dict(together or {})
    joined = {term for terms in factors.values() for term in terms}
    if strange := joined - set(names):
        raise DataError(f"no term {sorted(strange)[0]!r}; the model has {', '.join(names)}")
    tested = {**factors, **{name: (name,) for name in names if name not in joined}}
    if fit.terms.without_value:
        nan = float("nan")
        nothing = {name: ChiSquaredTest(nan, len(terms), nan) for name, terms in tested.items()}
        return Proportionality(nothing, ChiSquaredTest(nan, len(names), nan))
    score, variance = _extended(fit)
    singles = {}
    for name, terms in tested.items():
        j = [names.index(term) for term in terms]
        singles[name] = chi_squared_test(_quadratic(score[j], variance[np.ix_(j, j)]), len(j))
    return Proportionality(singles, chi_squared_test(_quadratic(score, variance), len(names)))


def _extended(fit: CoxFit) -> tuple[Array, Array]:
    """Return score and variance of the terms x g(t), given those of x."""
    x, scale = standardized(fit.covariates)
    predictor = linear_predictor(x, fit.terms.coefficients * scale)
    times, elapsed = _clock(fit.process)
    terms = x.shape[1]
    score = np.zeros(terms)
    flat, slope, square = (np.zeros((terms, terms)) for _ in range(3))
    for sets in risk_sets(fit.process):
        here = x[sets.rows]
        made = weighted_sets(sets, here, predictor[sets.rows], ties=fit.ties)
        g = elapsed[np.searchsorted(times, sets.times)][made.at]
        score += g @ (here[sets.dying] - made.mean)
        flat += made.spread.sum(axis=0)
        slope += np.tensordot(g, made.spread, axes=1)
        square += np.tensordot(g**2, made.spread, axes=1)
    return score, square - slope @ np.linalg.solve(flat, slope)


def _clock(process: CountingProcess) -> tuple[Array, Array]:
    """Return the distinct event times of all strata, and 1 - S(t-) at each."""
    pooled = replace(process, stratum=np.zeros_like(process.stratum))
    (sets,) = risk_sets(pooled)
    at_risk = sets.sums(np.ones((len(sets.rows), 1)))[:, 0]
    before = np.concatenate([[1.0], np.cumprod(1 - sets.deaths / at_risk)[:-1]])
    return sets.times, 1 - before


def _quadratic(score: Array, variance: Array) -> float:
    """Return U' V^-1 U; NaN where the events are too few for V to have an inverse."""
    scale = np.sqrt(np.maximum(np.diag(variance), 0))
    if (scale <= 1e-10).any():
        return float("nan")
    scaled = variance / np.outer(scale, scale)
    if np.linalg.eigvalsh(scaled)[0] < 1e-9:
        return float("nan")
    return float((score / scale) @ np.linalg.solve(scaled, score / scale))
