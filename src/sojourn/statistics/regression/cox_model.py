"""Proportional hazards by Cox: coefficients, intervals, tests, as R's survival computes them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sojourn.core.arrays import frozen
from sojourn.core.errors import DataError
from sojourn.statistics.regression._limit import is_undetermined
from sojourn.statistics.regression._newton import Evaluation, Maximum, maximize
from sojourn.statistics.regression._partial_likelihood import (
    Ties,
    information_in_limit,
    is_recession,
    partial_likelihood,
)
from sojourn.statistics.regression._terms import (
    ChiSquaredTest,
    NotEstimableError,
    Terms,
    check_identified,
    checked_covariates,
    checked_names,
    chi_squared_test,
)
from sojourn.statistics.regression.risk_sets import (
    CountingProcess,
    counting_process,
    risk_sets,
)

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class CoxFit:
    """A fitted model: `terms`, log partial likelihoods, tests of all terms, and the data it saw.

    `n` counts rows (not subjects, where these have several), `n_events` events. The score test is
    at coefficients of 0; the Wald test is NaN where a term is infinite. `covariates` has shape
    (rows, terms).
    """

    terms: Terms
    ties: Ties
    n: int
    n_events: int
    loglik_null: float
    loglik: float
    likelihood_ratio_test: ChiSquaredTest
    wald_test: ChiSquaredTest
    score_test: ChiSquaredTest
    process: CountingProcess
    covariates: Array


def fit_cox(
    exit: Array,  # noqa: A002 - the field's own word, beside entry
    is_event: NDArray[np.bool_],
    covariates: Array,
    *,
    entry: Array | None = None,
    strata: NDArray[Any] | None = None,
    ties: Ties = "efron",
    names: Sequence[str] | None = None,
) -> CoxFit:
    r"""Fit a proportional hazards model by partial likelihood.

    .. math:: \lambda(t | x) = \lambda_s(t) \, e^{x b}

    with a hazard of its own for each stratum s. The log partial likelihood is maximized by Newton's
    method on centered, scaled covariates, to the last digits: R stops at a relative change
    of 1e-9. Times are tied if equal as floats (R also joins those that differ by rounding).

    Parameters
    ----------
    exit
        time of event or end of observation, 0 or more, any unit, shape (rows,).
    is_event
        True where the row ends in the event, shape (rows,). For a cause-specific model: the cause
        of interest; other causes are False.
    covariates
        shape (rows, terms), finite.
    entry
        time after which the row is at risk, before `exit`, shape (rows,): late entry, or one of
        several rows of a subject whose covariates change; None: from the origin of the clock.
    strata
        label of each row's stratum, shape (rows,).
    ties
        ``"efron"`` (R's default) or ``"breslow"``.
    names
        of the covariates; x1, x2, ... by default.

    Returns
    -------
        the fit. Where the likelihood is monotone (for instance no event in a group), the terms
        concerned are in `terms.infinite`, their coefficient is plus or minus infinity; log
        likelihood and likelihood ratio test hold (at the limit), Wald's does not. Terms on which
        the limit leaves no information are in `terms.undetermined`, their coefficient is NaN.

    Raises
    ------
    DataError
        if the rows are not a counting process or a covariate is not finite.
    NotEstimableError
        (a DataError) if there is no event, or a covariate is constant or collinear, naming it.

    References
    ----------
    Cox, J. R. Stat. Soc. B 34 (1972) 187. Efron, J. Am. Stat. Assoc. 72 (1977) 557. Breslow,
    Biometrics 30 (1974) 89. Andersen and Gill, Ann. Stat. 10 (1982) 1100. Monotone likelihood:
    Heinze and Schemper, Biometrics 57 (2001) 114.
    """
    process = counting_process(exit, is_event, entry=entry, strata=strata)
    if ties not in ("efron", "breslow"):
        raise DataError(f"ties {ties!r}; expected 'efron' or 'breslow'")
    width = covariates.shape[1] if np.ndim(covariates) == 2 else 1
    known = checked_names(names, width)
    x = checked_covariates(covariates, len(process.exit), known)
    if width == 0:
        raise DataError("a model needs at least one covariate")
    if process.n_events == 0:
        raise NotEstimableError("no event: hazards cannot be compared")
    return _fitted(process, x, known, ties)


def _fitted(process: CountingProcess, x: Array, names: tuple[str, ...], ties: Ties) -> CoxFit:
    strata = risk_sets(process)
    scaled, scale = standardized(x)

    def evaluate(b: Array) -> Evaluation:
        return partial_likelihood(strata, scaled, b, ties=ties)

    check_identified(evaluate(np.zeros(len(names))).information / process.n_events, names)

    def runs_off(d: Array) -> bool:
        return is_recession(strata, scaled, clean(d))

    found = maximize(evaluate, len(names), is_recession=runs_off)
    is_open = undetermined(
        found,
        information=lambda d: information_in_limit(strata, scaled, d),
        is_recession=runs_off,
    )
    terms = terms_at(found, scale, names, is_open)
    score = found.start.score
    null_test = float(score @ np.linalg.solve(found.start.information, score))
    wald = float(found.coefficients @ found.end.information @ found.coefficients)
    return CoxFit(
        terms=terms,
        ties=ties,
        n=len(process.exit),
        n_events=process.n_events,
        loglik_null=found.start.loglik,
        loglik=found.end.loglik,
        likelihood_ratio_test=chi_squared_test(
            max(0.0, 2 * (found.end.loglik - found.start.loglik)), len(names)
        ),
        wald_test=chi_squared_test(float("nan") if terms.without_value else wald, len(names)),
        score_test=chi_squared_test(null_test, len(names)),
        process=process,
        covariates=frozen(x),
    )


def standardized(covariates: Array) -> tuple[Array, Array]:
    """Return centered and scaled covariates, and the scale of each, shape (terms,)."""
    centered = covariates - covariates.mean(axis=0)
    scale = centered.std(axis=0)
    largest = np.abs(covariates).max(axis=0)
    scale = np.where(scale > 1e-14 * largest, scale, np.inf)
    return centered / scale, scale


def clean(direction: Array) -> Array:
    """Return a direction without the rounding in coordinates that do not run off."""
    return np.where(np.abs(direction) > 1e-4 * np.abs(direction).max(), direction, 0.0)


def undetermined(
    found: Maximum,
    *,
    information: Callable[[Array], Array],
    is_recession: Callable[[Array], bool],
) -> NDArray[np.bool_]:
    """Tell which terms the data leave open, as `is_undetermined`; none at a finite maximum."""
    if found.direction is None:
        return np.zeros(len(found.coefficients), dtype=np.bool_)
    return is_undetermined(
        clean(found.direction), information=information, is_recession=is_recession
    )


def terms_at(
    found: Maximum, scale: Array, names: tuple[str, ...], is_open: NDArray[np.bool_]
) -> Terms:
    """Return the terms on the covariates' own scale; those along `found.direction` infinite.

    Those where `is_open` are undetermined.

    Raises
    ------
    DataError
        if the search neither converged nor ran off.
    """
    if not found.is_converged:
        raise NotEstimableError("the likelihood has no maximum that could be found")
    inverse = np.linalg.pinv(found.end.information, rcond=1e-15, hermitian=True)
    covariance: Array = np.asarray(inverse / np.outer(scale, scale), dtype=np.float64)
    coefficients = found.coefficients / scale
    if found.direction is None:
        return Terms(names, frozen(coefficients), frozen(covariance))
    runs_off = clean(found.direction)
    is_infinite = (runs_off != 0) & ~is_open
    coefficients = np.where(is_infinite, np.copysign(np.inf, runs_off), coefficients)
    coefficients = np.where(is_open, np.nan, coefficients)
    unknown = is_infinite | is_open
    covariance = np.where(unknown[:, None] | unknown[None, :], np.nan, covariance)
    infinite = tuple(name for name, off in zip(names, is_infinite, strict=True) if off)
    undetermined = tuple(name for name, off in zip(names, is_open, strict=True) if off)
    return Terms(names, frozen(coefficients), frozen(covariance), infinite, undetermined)
