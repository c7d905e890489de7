"""Cox's partial likelihood with its derivatives, ties by Efron or by Breslow."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sojourn.statistics.regression._newton import Evaluation
from sojourn.statistics.regression.risk_sets import RiskSets

Array = NDArray[np.float64]
Ties = Literal["efron", "breslow"]


@dataclass(frozen=True, slots=True, eq=False)
class WeightedSets:
    """Risk-weighted sums of one stratum, one row for each event (not for each time).

    Of the `d` events of one time, the `l`-th (from 0) sees, by Efron, those with an event at that
    time with weight `1 - l / d`; by Breslow with weight 1. `total` is the sum of risks exp(x b),
    shape (events,); `mean` that of the covariates by risk, (events, terms); `spread` their
    covariance, (events, terms, terms); `at` the index of the event's time; `share` l / d, or 0.
    """

    total: Array
    mean: Array
    spread: Array
    at: NDArray[np.int64]
    share: Array


def linear_predictor(covariates: Array, coefficients: Array) -> Array:
    """Return x b of each row; rows that are equal get the same bits, whatever their place."""
    made = np.zeros(len(covariates))
    for column, coefficient in zip(covariates.T, coefficients, strict=True):
        made = made + column * coefficient
    return made


def weighted_sets(
    sets: RiskSets, covariates: Array, predictor: Array, *, ties: Ties
) -> WeightedSets:
    """Return the sums of one stratum; `covariates` and `predictor` in the order of `sets.rows`."""
    terms = covariates.shape[1]
    upper = np.triu_indices(terms)
    risk = np.exp(predictor)[:, None]
    squares = covariates[:, upper[0]] * covariates[:, upper[1]]
    values = np.hstack([risk, risk * covariates, risk * squares])
    at = np.repeat(np.arange(len(sets.times)), sets.deaths)
    share = np.zeros(len(at))
    sums = sets.sums(values)[at]
    if ties == "efron":
        before = np.repeat(np.cumsum(sets.deaths) - sets.deaths, sets.deaths)
        share = (np.arange(len(at)) - before) / sets.deaths[at]
        sums = sums - share[:, None] * sets.sums_of_dying(values)[at]
    total = sums[:, 0]
    mean = sums[:, 1 : terms + 1] / total[:, None]
    spread = np.empty((len(at), terms, terms))
    spread[:, upper[0], upper[1]] = sums[:, terms + 1 :] / total[:, None]
    spread[:, upper[1], upper[0]] = spread[:, upper[0], upper[1]]
    spread -= mean[:, :, None] * mean[:, None, :]
    return WeightedSets(total, mean, spread, at, share)


def partial_likelihood(
    strata: list[RiskSets], covariates: Array, coefficients: Array, *, ties: Ties
) -> Evaluation:
    r"""Return the log partial likelihood, its gradient and its information.

    .. math:: \ell(b) = \sum_i \left( x_i b - \log \sum_{j \in R_i} w_{ij} e^{x_j b} \right)

    Parameters
    ----------
    strata
        risk sets of each stratum.
    covariates
        shape (rows, terms), best centered and scaled.
    coefficients
        b, shape (terms,).
    ties
        how events of one time share their risk set.
    """
    terms = covariates.shape[1]
    loglik, score, information = 0.0, np.zeros(terms), np.zeros((terms, terms))
    eta = linear_predictor(covariates, coefficients)
    for sets in strata:
        x, predictor = covariates[sets.rows], eta[sets.rows]
        predictor = predictor - predictor.max()  # no overflow; the likelihood is the same
        with np.errstate(divide="ignore", invalid="ignore"):
            made = weighted_sets(sets, x, predictor, ties=ties)
            loglik += float(predictor[sets.dying].sum() - np.log(made.total).sum())
        score += x[sets.dying].sum(axis=0) - made.mean.sum(axis=0)
        information += made.spread.sum(axis=0)
    return Evaluation(loglik, score, information)


def is_recession(strata: list[RiskSets], covariates: Array, direction: Array) -> bool:
    """Tell whether the partial likelihood never falls along `direction`, however far.

    So it is if at every event the subject with the event has the largest `x direction` of all at
    risk. The maximum is then not reached at any finite coefficient.
    """
    along = linear_predictor(covariates, direction)
    for sets in strata:
        here = along[sets.rows]
        slack = 1e-7 * max(1e-300, float(np.ptp(here)))
        highest = np.empty(len(sets.times))
        for k, (time, first) in enumerate(zip(sets.times, sets.first, strict=True)):
            at_risk = here[first:]
            if sets.entry is not None:
                at_risk = at_risk[sets.entry[first:] < time]
            highest[k] = at_risk.max()
        if (here[sets.dying] < highest[sets.at] - slack).any():
            return False
    return True
