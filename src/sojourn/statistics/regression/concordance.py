"""How well a linear predictor orders the events: Harrell's concordance, as R computes it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sojourn.statistics.regression._partial_likelihood import linear_predictor
from sojourn.statistics.regression.cox_model import CoxFit
from sojourn.statistics.regression.risk_sets import CountingProcess, risk_sets


@dataclass(frozen=True, slots=True)
class Concordance:
    """Pairs of a subject with an event and one still at risk, within strata.

    `value` is (concordant + tied / 2) by all of them, NaN if there is no pair.
    """

    value: float
    concordant: int
    discordant: int
    tied: int


def concordance(process: CountingProcess, predictor: NDArray[np.float64]) -> Concordance:
    """Return the concordance of a predictor of risk with the order of events.

    Parameters
    ----------
    process
        rows at risk.
    predictor
        higher for an earlier event, shape (rows,).

    Returns
    -------
        counts and value. A pair counts if one has the event and the other is at risk then and does
        not have it at that time; one censored at that time is at risk.

    References
    ----------
    Harrell, Lee and Mark, Stat. Med. 15 (1996) 361. Therneau and Watson 2015, the concordance
    statistic and the Cox model (Mayo Clinic technical report 85).
    """
    counts = np.zeros(3, dtype=np.int64)
    for sets in risk_sets(process):
        here = predictor[sets.rows]
        dies_at = np.full(len(here), -1)
        dies_at[sets.dying] = sets.at
        for k in range(len(sets.times)):
            members = sets.members(k)
            others = np.sort(here[members[dies_at[members] != k]])
            with_event = here[sets.dying[sets.at == k]]
            below = np.searchsorted(others, with_event, side="left")
            up_to = np.searchsorted(others, with_event, side="right")
            counts += (below.sum(), (len(others) - up_to).sum(), (up_to - below).sum())
    concordant, discordant, tied = (int(count) for count in counts)
    pairs = concordant + discordant + tied
    value = (concordant + tied / 2) / pairs if pairs else float("nan")
    return Concordance(value, concordant, discordant, tied)


def estimate_concordance(fit: CoxFit) -> Concordance:
    """Return the concordance of a Cox model with the data it was fitted to (optimistic).

    NaN where a term is infinite: the order of linear predictors is then not defined.
    """
    if fit.terms.without_value:
        return Concordance(float("nan"), 0, 0, 0)
    predictor = linear_predictor(fit.covariates, fit.terms.coefficients)
    return concordance(fit.process, predictor)
