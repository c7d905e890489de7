"""The hazard that a Cox model leaves free, accumulated."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.statistics.regression._partial_likelihood import linear_predictor, weighted_sets
from sojourn.statistics.regression._terms import NotEstimableError
from sojourn.statistics.regression.cox_model import CoxFit
from sojourn.statistics.regression.risk_sets import risk_sets

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class CumulativeHazard:
    """Cumulative hazard of one stratum (numbered as sorted labels), at its event times.

    `times` and `values` have shape (times,); a value holds from its time to the next. Survival is
    exp(-values).
    """

    stratum: int
    times: Array
    values: Array


def cumulative_hazards(fit: CoxFit, at: Array) -> list[CumulativeHazard]:
    """Return the cumulative hazard of each stratum for a subject with covariates `at`.

    By the estimator that belongs to the ties of the fit: Breslow's, or Efron's, as R's
    `survfit` of a Cox model does. It is no prediction for a subject whose covariate changes.

    Parameters
    ----------
    fit
        a model without infinite terms.
    at
        covariates, shape (terms,); the means over rows show nobody in particular.

    Raises
    ------
    DataError
        if the shape is wrong, or a term is infinite.

    References
    ----------
    Breslow, discussion of Cox, J. R. Stat. Soc. B 34 (1972) 216. Therneau and Grambsch, Modeling
    Survival Data, Springer 2000, 10.2.
    """
    if fit.terms.without_value:
        raise NotEstimableError(f"no hazard: {', '.join(fit.terms.without_value)} is infinite")
    if np.shape(at) != fit.terms.coefficients.shape:
        raise DataError(f"covariates have shape {np.shape(at)}; expected one for each term")
    centered = fit.covariates - np.asarray(at, dtype=np.float64)
    eta = linear_predictor(centered, fit.terms.coefficients)
    made = []
    for sets in risk_sets(fit.process):
        found = weighted_sets(sets, centered[sets.rows], eta[sets.rows], ties=fit.ties)
        jumps = np.zeros(len(sets.times))
        np.add.at(jumps, found.at, np.exp(-found.log_scale) / found.total)
        number = int(fit.process.stratum[sets.rows[0]])
        made.append(CumulativeHazard(number, sets.times, np.cumsum(jumps)))
    return made
