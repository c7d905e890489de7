"""What each row adds to a Cox model's score, and the covariance that clusters allow."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.statistics.regression._partial_likelihood import linear_predictor, weighted_sets
from sojourn.statistics.regression._terms import NotEstimableError
from sojourn.statistics.regression.cox_model import CoxFit, standardized
from sojourn.statistics.regression.risk_sets import risk_sets

Array = NDArray[np.float64]


def score_residuals(fit: CoxFit) -> Array:
    """Return each row's share in the score at the fitted coefficients, shape (rows, terms).

    The shares sum to 0. Those of a subject with several rows must be added.

    Raises
    ------
    NotEstimableError
        if a term is infinite.

    References
    ----------
    Therneau and Grambsch, Modeling Survival Data, Springer 2000, chapter 4; for Efron's ties
    chapter 3.3.
    """
    if fit.terms.without_value:
        raise NotEstimableError(f"no residuals: {', '.join(fit.terms.without_value)} is infinite")
    x, scale = standardized(fit.covariates)
    eta = linear_predictor(x, fit.terms.coefficients * scale)
    made = np.zeros_like(x)
    for sets in risk_sets(fit.process):
        here, predictor = x[sets.rows], eta[sets.rows] - eta[sets.rows].max()
        found = weighted_sets(sets, here, predictor, ties=fit.ties)
        total = (found.total * np.exp(found.log_scale))[:, None]
        step = np.hstack([1 / total, found.mean / total])
        jumps = np.zeros((len(sets.times), step.shape[1]))
        np.add.at(jumps, found.at, step)
        until = np.vstack([np.zeros((1, step.shape[1])), np.cumsum(jumps, axis=0)])
        exit_at = np.searchsorted(sets.times, fit.process.exit[sets.rows], side="right")
        entry_at = np.searchsorted(sets.times, fit.process.entry[sets.rows], side="right")
        seen = until[exit_at] - until[entry_at]
        shared = np.zeros_like(jumps)
        np.add.at(shared, found.at, found.share[:, None] * step)
        seen[sets.dying] -= shared[sets.at]
        means = np.zeros((len(sets.times), x.shape[1]))
        np.add.at(means, found.at, found.mean / sets.deaths[found.at][:, None])
        part = -np.exp(predictor)[:, None] * (here * seen[:, :1] - seen[:, 1:])
        part[sets.dying] += here[sets.dying] - means[sets.at]
        made[sets.rows] = part
    residuals: Array = made * scale
    return residuals


def robust_covariance(fit: CoxFit, clusters: NDArray[Any]) -> Array:
    """Return the sandwich covariance of a Cox model's coefficients, shape (terms, terms).

    It holds where rows of one cluster (a subject with several events, a site) depend on each
    other. With few clusters (below about 20) it is too small.

    Parameters
    ----------
    fit
        a model without infinite terms.
    clusters
        label of each row's cluster, shape (rows,).

    Raises
    ------
    DataError
        if the shape is wrong, or a term is infinite.

    References
    ----------
    Lin and Wei, J. Am. Stat. Assoc. 84 (1989) 1074.
    """
    if np.shape(clusters) != (fit.n,):
        raise DataError(f"clusters have shape {np.shape(clusters)}; expected {(fit.n,)}")
    shift = score_residuals(fit) @ fit.terms.covariance
    labels, where = np.unique(np.asarray(clusters), return_inverse=True)
    by_cluster = np.zeros((len(labels), shift.shape[1]))
    np.add.at(by_cluster, where, shift)
    made: Array = by_cluster.T @ by_cluster
    return made
