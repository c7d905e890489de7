"""Hazards of the subdistribution by Fine and Gray, as R's cmprsk computes them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sojourn.core.arrays import frozen
from sojourn.core.errors import DataError
from sojourn.statistics.regression._limit import limit_information
from sojourn.statistics.regression._newton import Evaluation, maximize
from sojourn.statistics.regression._partial_likelihood import linear_predictor, rounding
from sojourn.statistics.regression._terms import (
    ChiSquaredTest,
    NotEstimableError,
    Terms,
    check_identified,
    checked_covariates,
    checked_names,
    chi_squared_test,
)
from sojourn.statistics.regression.cox_model import clean, standardized, terms_at, undetermined

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class FineGrayFit:
    """A fitted model: `terms` (their covariance is the robust one) and log pseudo-likelihoods.

    `n` subjects, `n_events` of the cause, `n_competing` of other causes. The pseudo-likelihood
    ratio is not chi-squared exactly, as the weights are estimated; it is given as cmprsk gives it.
    """

    terms: Terms
    cause: int
    n: int
    n_events: int
    n_competing: int
    loglik_null: float
    loglik: float
    pseudo_likelihood_ratio: ChiSquaredTest


@dataclass(frozen=True, slots=True, eq=False)
class _Weights:
    """Subjects by time, and the distinct times of the cause.

    `order` sorts the subjects by time; `times`, `is_event`, `is_competing`, `is_censored` are in
    that order. `kept` is the probability to be uncensored just before each subject's time;
    `event_times`, `deaths`, `first` (the first subject still there) and `kept_then` belong to the
    distinct times of the cause; `dying` are those with an event, `at` the index of its time.
    """

    order: NDArray[np.int64]
    times: Array
    is_competing: NDArray[np.bool_]
    is_censored: NDArray[np.bool_]
    kept: Array
    event_times: Array
    deaths: NDArray[np.int64]
    first: NDArray[np.int64]
    kept_then: Array
    dying: NDArray[np.int64]
    at: NDArray[np.int64]

    def sums(self, values: Array) -> Array:
        """Return weighted sums of `values` (subjects, k) at each event time, (times, k)."""
        still = np.cumsum(values[::-1], axis=0)[::-1][self.first]
        gone = np.cumsum(np.where(self.is_competing, 1 / self.kept, 0.0)[:, None] * values, axis=0)
        gone = np.vstack([np.zeros((1, values.shape[1])), gone])[self.first]
        made: Array = still + self.kept_then[:, None] * gone
        return made


def fit_fine_gray(
    times: Array,
    causes: NDArray[np.int64],
    covariates: Array,
    *,
    cause: int = 1,
    names: Sequence[str] | None = None,
) -> FineGrayFit:
    r"""Fit proportional hazards of the subdistribution of one cause.

    A subject with a competing event stays in the risk sets afterwards, with the weight
    :math:`\hat G(t-) / \hat G(T-)`, where G is the Kaplan-Meier probability to be uncensored (a
    subject with an event at a time is at risk for censoring at that time). Tied events share their
    risk set (Breslow). The covariance is Fine and Gray's sandwich, which holds the uncertainty of
    G; cmprsk (`crr`) is followed in all of it. It iterates until the score is small (1e-6 of the
    likelihood), this function to the last digits.

    Parameters
    ----------
    times
        time of the first event or of censoring, 0 or more, any unit, shape (subjects,).
    causes
        0 for censored, else the cause of the event, shape (subjects,).
    covariates
        shape (subjects, terms), finite.
    cause
        whose subdistribution is modelled; all others but 0 compete.
    names
        of the covariates; x1, x2, ... by default.

    Returns
    -------
        the fit; terms whose likelihood is monotone are infinite, and those on which that leaves no
        information undetermined, as in `fit_cox`.

    Raises
    ------
    DataError
        if shapes differ, a time is negative, a cause is no whole number or a covariate not finite.
    NotEstimableError
        (a DataError) if there is no event of the cause, a covariate is constant or collinear, or
        the robust variance is 0, as with a single time of events.

    References
    ----------
    Fine and Gray, J. Am. Stat. Assoc. 94 (1999) 496.
    """
    times, causes = checked_causes(times, causes)
    if cause < 1:
        raise DataError(f"cause {cause}: expected 1 or more (0 is censored)")
    width = covariates.shape[1] if np.ndim(covariates) == 2 else 1
    known = checked_names(names, width)
    x = checked_covariates(covariates, len(times), known)
    if width == 0:
        raise DataError("a model needs at least one covariate")
    if not (causes == cause).any():
        raise NotEstimableError(f"no event of cause {cause}: hazards cannot be compared")
    return _fitted(_weights(times, causes, cause), x, known, cause)


def _fitted(weights: _Weights, x: Array, names: tuple[str, ...], cause: int) -> FineGrayFit:
    scaled, scale = standardized(x)
    scaled = scaled[weights.order]

    def evaluate(b: Array) -> Evaluation:
        return _likelihood(weights, scaled, b)

    n_events = len(weights.dying)
    check_identified(evaluate(np.zeros(len(names))).information / n_events, names)

    def runs_off(d: Array) -> bool:
        return _is_recession(weights, scaled, clean(d))

    found = maximize(evaluate, len(names), is_recession=runs_off)
    is_open = undetermined(
        found, information=lambda d: _in_limit(weights, scaled, d), is_recession=runs_off
    )
    terms = terms_at(found, scale, names, is_open)
    bread = np.linalg.pinv(found.end.information, rcond=1e-15, hermitian=True)
    robust = bread @ _score_variance(weights, scaled, found.coefficients) @ bread
    terms_known = np.isfinite(np.diag(terms.covariance))
    none = np.flatnonzero((np.diag(robust) < 1e-10 * np.diag(bread)) & terms_known)
    if len(none):
        raise NotEstimableError(
            f"the robust variance of {names[none[0]]} is 0: too few subjects tell it from chance"
        )
    robust = np.where(np.isnan(terms.covariance), np.nan, robust / np.outer(scale, scale))
    ratio = max(0.0, 2 * (found.end.loglik - found.start.loglik))
    return FineGrayFit(
        terms=Terms(names, terms.coefficients, frozen(robust), terms.infinite, terms.undetermined),
        cause=cause,
        n=len(x),
        n_events=n_events,
        n_competing=int(weights.is_competing.sum()),
        loglik_null=found.start.loglik,
        loglik=found.end.loglik,
        pseudo_likelihood_ratio=chi_squared_test(ratio, len(names)),
    )


def checked_causes(times: Array, causes: NDArray[np.int64]) -> tuple[Array, NDArray[np.int64]]:
    """Return times and causes, checked: times 0 or more, causes whole numbers, 0 or more.

    Raises
    ------
    DataError
        naming the row.
    """
    when = np.asarray(times, dtype=np.float64)
    what = np.asarray(causes)
    if when.ndim != 1 or what.shape != when.shape:
        raise DataError(f"times have shape {when.shape}, causes {what.shape}; expected (n,)")
    wrong = ~(np.isfinite(when) & (when >= 0))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(f"row {row} has time {when[row]:g}; expected a time of 0 or more")
    wrong = ~(np.isfinite(what) & (what >= 0) & (what == np.floor(what)))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(f"row {row} has cause {what[row]}; expected 0 (censored), 1, 2, ...")
    return when, what.astype(np.int64)


def _weights(times: Array, causes: NDArray[np.int64], cause: int) -> _Weights:
    order = np.argsort(times, kind="stable")
    when, what = times[order], causes[order]
    is_event = what == cause
    distinct, at, counts = np.unique(when, return_inverse=True, return_counts=True)
    at_risk = len(when) - (np.cumsum(counts) - counts)
    censored = np.bincount(at, weights=what == 0, minlength=len(distinct))
    kept = np.concatenate([[1.0], np.cumprod(1 - censored / at_risk)[:-1]])
    event_times, deaths = np.unique(when[is_event], return_counts=True)
    return _Weights(
        order=order,
        times=when,
        is_competing=(what != 0) & ~is_event,
        is_censored=what == 0,
        kept=kept[at],
        event_times=event_times,
        deaths=deaths,
        first=np.searchsorted(when, event_times, side="left"),
        kept_then=kept[np.searchsorted(distinct, event_times)],
        dying=np.flatnonzero(is_event),
        at=np.searchsorted(event_times, when[is_event]),
    )


def _likelihood(weights: _Weights, x: Array, coefficients: Array) -> Evaluation:
    eta = linear_predictor(x, coefficients)
    eta = eta - eta.max()
    upper = np.triu_indices(x.shape[1])
    risk = np.exp(eta)[:, None]
    values = np.hstack([risk, risk * x, risk * x[:, upper[0]] * x[:, upper[1]]])
    sums = weights.sums(values)[weights.at]
    with np.errstate(divide="ignore", invalid="ignore"):
        loglik = float(eta[weights.dying].sum() - np.log(sums[:, 0]).sum())
        means = sums[:, 1:] / sums[:, :1]
    terms = x.shape[1]
    mean = means[:, :terms]
    information = np.zeros((terms, terms))
    information[upper] = means[:, terms:].sum(axis=0)
    information[upper[1], upper[0]] = information[upper]
    information -= mean.T @ mean
    return Evaluation(loglik, x[weights.dying].sum(axis=0) - mean.sum(axis=0), information)


def _is_recession(weights: _Weights, x: Array, direction: Array) -> bool:
    """Tell whether at every event the subject has the largest `x direction` of all at risk."""
    along = linear_predictor(x, direction)
    slack = rounding(along, direction)
    still = np.maximum.accumulate(along[::-1])[::-1][weights.first]
    gone = np.maximum.accumulate(np.where(weights.is_competing, along, -np.inf))
    gone = np.concatenate([[-np.inf], gone])[weights.first]
    highest = np.maximum(still, gone)[weights.at]
    return bool((along[weights.dying] >= highest - slack).all())


def _in_limit(weights: _Weights, x: Array, direction: Array) -> Array:
    """Return the information for each event where `direction` has run off, (terms, terms)."""
    along = linear_predictor(x, direction)
    place = np.arange(len(along))
    first = weights.first[weights.at].tolist()
    members = [np.flatnonzero((place >= k) | weights.is_competing) for k in first]
    slack = rounding(along, direction)
    return limit_information(members, x, along, slack=slack) / len(members)


def _score_variance(weights: _Weights, x: Array, coefficients: Array) -> Array:
    """Return the sum of squares of the subjects' shares in the score, weights estimated."""
    eta = linear_predictor(x, coefficients)
    risk = np.exp(eta - eta.max())
    sums = weights.sums(np.hstack([risk[:, None], risk[:, None] * x]))
    mean = sums[:, 1:] / sums[:, :1]
    step = weights.deaths / sums[:, 0]
    columns = np.hstack([step[:, None], step[:, None] * mean])
    until = _running(columns)
    kept = _running(weights.kept_then[:, None] * columns)
    # of each subject: the hazard while still there, and afterwards if it had a competing event
    through = np.searchsorted(weights.event_times, weights.times, side="right")
    before = until[through]
    share = -risk[:, None] * (x * before[:, :1] - before[:, 1:])
    share[weights.dying] += x[weights.dying] - mean[weights.at]
    weight = np.where(weights.is_competing, risk / weights.kept, 0.0)[:, None]
    after = kept[-1] - kept[through]
    share -= weight * (x * after[:, :1] - after[:, 1:])
    share += _censoring_share(weights, x, weight, kept)
    made: Array = share.T @ share
    return made


def _censoring_share(weights: _Weights, x: Array, weight: Array, kept: Array) -> Array:
    """Return each subject's share through the estimated probability to be uncensored."""
    times, censored = np.unique(weights.times[weights.is_censored], return_counts=True)
    at_risk = len(weights.times) - np.searchsorted(weights.times, times, side="left")
    # As cmprsk: of events at the time of a censoring, the competing ones are not yet reweighted by
    # it and those of the cause already see it.
    gone = _running(np.hstack([weight, weight * x]))
    gone = gone[np.searchsorted(weights.times, times, side="left")]
    later = kept[-1] - kept[np.searchsorted(weights.event_times, times, side="left")]
    slope = gone[:, 1:] * later[:, :1] - gone[:, :1] * later[:, 1:]
    jumps = _running(-slope * (censored / at_risk**2)[:, None])
    made = jumps[np.searchsorted(times, weights.times, side="right")]
    at = np.searchsorted(times, weights.times[weights.is_censored])
    made[weights.is_censored] += (slope / at_risk[:, None])[at]
    return made


def _running(values: Array) -> Array:
    """Return the running sums along the first axis, a row of zeros before them."""
    return np.vstack([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
