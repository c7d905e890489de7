"""Cox's partial likelihood with its derivatives, ties by Efron or by Breslow."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sojourn.statistics.regression._limit import limit_information
from sojourn.statistics.regression._newton import Evaluation
from sojourn.statistics.regression.risk_sets import RiskSets

Array = NDArray[np.float64]
Ties = Literal["efron", "breslow"]


FAR = 500.0
"""Range of a linear predictor beyond which exp() of all of it at once would underflow."""


@dataclass(frozen=True, slots=True, eq=False)
class WeightedSets:
    """Risk-weighted sums of one stratum, one row for each event (not for each time).

    Of the `d` events of one time, the `l`-th (from 0) sees, by Efron, those with an event at that
    time with weight `1 - l / d`; by Breslow with weight 1. `total` is the sum of risks exp(x b),
    shape (events,), divided by exp(`log_scale`); `mean` that of the covariates by risk, (events,
    terms); `spread` their covariance, (events, terms, terms); `at` the index of the event's time;
    `share` l / d, or 0.
    """

    total: Array
    log_scale: Array
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
    squares = covariates[:, upper[0]] * covariates[:, upper[1]]
    moments = np.hstack([np.ones((len(covariates), 1)), covariates, squares])
    sums, of_dying, scale = _sums(sets, moments, predictor)
    at = np.repeat(np.arange(len(sets.times)), sets.deaths)
    share = np.zeros(len(at))
    if ties == "efron":
        before = np.repeat(np.cumsum(sets.deaths) - sets.deaths, sets.deaths)
        share = (np.arange(len(at)) - before) / sets.deaths[at]
    sums = sums[at] - share[:, None] * of_dying[at]
    total = sums[:, 0]
    mean = sums[:, 1 : terms + 1] / total[:, None]
    spread = np.empty((len(at), terms, terms))
    spread[:, upper[0], upper[1]] = sums[:, terms + 1 :] / total[:, None]
    spread[:, upper[1], upper[0]] = spread[:, upper[0], upper[1]]
    spread -= mean[:, :, None] * mean[:, None, :]
    return WeightedSets(total, scale[at], mean, spread, at, share)


def _sums(sets: RiskSets, moments: Array, predictor: Array) -> tuple[Array, Array, Array]:
    """Return sums of `moments` by risk over those at risk and those dying, and their log scale.

    Each has a row for each time. All risks are taken relative to the stratum's largest, unless
    they range so far that each risk set needs a scale of its own.
    """
    if np.ptp(predictor) <= FAR:
        top = float(predictor.max())
        values = np.exp(predictor - top)[:, None] * moments
        return sets.sums(values), sets.sums_of_dying(values), np.full(len(sets.times), top)
    scale = sets.highest(predictor)
    at_risk = np.empty((len(sets.times), moments.shape[1]))
    for k, top in enumerate(scale):
        members = sets.members(k)
        at_risk[k] = np.exp(predictor[members] - top) @ moments[members]
    dying = np.zeros_like(at_risk)
    relative = np.exp(predictor[sets.dying] - scale[sets.at])
    np.add.at(dying, sets.at, relative[:, None] * moments[sets.dying])
    return at_risk, dying, scale


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
        made = weighted_sets(sets, x, predictor, ties=ties)
        logarithms = np.log(made.total) + made.log_scale
        loglik += float((predictor[sets.dying] - logarithms).sum())  # each small, both large
        score += x[sets.dying].sum(axis=0) - made.mean.sum(axis=0)
        information += made.spread.sum(axis=0)
    return Evaluation(loglik, score, information)


def is_recession(strata: list[RiskSets], covariates: Array, direction: Array) -> bool:
    """Tell whether the partial likelihood never falls along `direction`, however far.

    So it is if at every event the subject with the event has the largest `x direction` of all at
    risk. The maximum is then not reached at any finite coefficient.
    """
    along = linear_predictor(covariates, direction)
    slack = rounding(along, direction)
    for sets in strata:
        here = along[sets.rows]
        if (here[sets.dying] < sets.highest(here)[sets.at] - slack).any():
            return False
    return True


def information_in_limit(strata: list[RiskSets], covariates: Array, direction: Array) -> Array:
    """Return the information for each event where `direction` has run off, (terms, terms)."""
    along = linear_predictor(covariates, direction)
    slack = rounding(along, direction)
    members = [sets.rows[sets.members(k)] for sets in strata for k in sets.at.tolist()]
    return limit_information(members, covariates, along, slack=slack) / len(members)


def rounding(along: Array, direction: Array) -> float:
    """Return how far `x direction` may be off: a single coordinate is exact, others iterated."""
    share = 1e-12 if np.count_nonzero(direction) == 1 else 1e-7
    return share * float(np.abs(along).max())
