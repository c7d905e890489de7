"""Hazard ratios by Cox's proportional hazards model, and the test of proportionality."""

from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, field_validator

from sojourn.core.analyses import Analysis, GroupEstimate
from sojourn.statistics._groups import plural
from sojourn.statistics.regression._model_rows import (
    EVERYBODY,
    ModelRows,
    TermName,
    as_test,
    events_note,
    model_rows,
    no_ratios,
    ratio_estimates,
    why_too_few,
)
from sojourn.statistics.regression._terms import NotEstimableError, chi_squared_test
from sojourn.statistics.regression.concordance import estimate_concordance
from sojourn.statistics.regression.cox_model import CoxFit, fit_cox
from sojourn.statistics.regression.proportionality import test_proportionality
from sojourn.statistics.regression.splitting import split_at
from sojourn.statistics.survival.rows import take_days, take_strata, take_times


class Settings(BaseModel):
    """What is modelled.

    `covariates`: columns of numbers. `reference`: the group that others are compared with, the
    first by name by default. `strata`: columns within whose values hazards are compared.
    `changes_at`: a column of days at which a covariate turns from 0 to 1, null for never.
    `cause`: the code of CNSR that is the event; other codes are censored (cause-specific).
    `ties`: "efron" or "breslow". `level` of the interval. `min_events_per_term`: with fewer events
    for each term, no model is fitted.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    covariates: tuple[str, ...] = ()
    reference: str | None = None
    strata: tuple[str, ...] = ()
    changes_at: str | None = None
    cause: int = Field(default=0, ge=0)
    ties: Literal["efron", "breslow"] = "efron"
    level: float = Field(default=0.95, gt=0, lt=1)
    min_events_per_term: float = Field(default=2.0, ge=0)

    @field_validator("cause")
    @classmethod
    def _is_event(cls, cause: int) -> int:
        if cause == 1:
            raise ValueError("CNSR 1 is censored, no cause; name 0 or a code of 2 and above")
        return cause


HAZARD = "hazard"


def estimate_hazard_ratios(outcomes: pl.DataFrame, settings: Settings) -> list[GroupEstimate]:
    """Return hazard ratios of groups and covariates, with tests of the model.

    A hazard ratio of a competing-risk outcome is cause-specific: it says nothing on the probability
    of the event by itself. With few subjects it is no sound summary: use the exact log-rank test.

    Parameters
    ----------
    outcomes
        `OUTCOME` and GROUP, one row for each subject: ``AVAL`` the time in days, ``CNSR`` 0 the
        event, 1 censored, 2 and above competing events, ``ENTRY`` the day from which the subject
        was observed. A null ``AVAL`` or covariate is left out and counted.
    settings
        covariates, reference group, strata, ties, cause.

    Returns
    -------
        operation ``hazard_ratio`` for each group against the reference (group ``X-Y``) and
        ``hazard_ratio_<column>`` for each covariate (group ``ALL``); ``proportionality`` likewise,
        a p-value each; for all terms ``likelihood_ratio_test`` and, if there are several,
        ``proportionality_of_all``. None with a reason where the data do not determine the model:
        no event in a group, too few events, collinear covariates; nothing without a subject.

    Raises
    ------
    DataError
        if the rows are not one for each subject, of one PARAMCD, with a group, or hold no times,
        codes, entries, covariates or strata that can be.

    References
    ----------
    Cox, J. R. Stat. Soc. B 34 (1972) 187. Grambsch and Therneau, Biometrika 81 (1994) 515. Events
    for each term: Vittinghoff and McCulloch, Am. J. Epidemiol. 165 (2007) 710.
    """
    if outcomes.is_empty():
        return []
    model = model_rows(outcomes, settings.covariates, reference=settings.reference)
    if settings.changes_at is not None:
        model = _with_change(model, settings.changes_at)
    is_event = _events(model, settings.cause)
    reason = why_too_few(model, int(is_event.sum()), least=settings.min_events_per_term)
    if not reason:
        try:
            return _estimates(model, is_event, settings)
        except NotEstimableError as error:
            reason = str(error)
    return no_ratios(model, operation="hazard_ratio", label=HAZARD, reason=reason)


def _estimates(
    model: ModelRows, is_event: NDArray[np.bool_], settings: Settings
) -> list[GroupEstimate]:
    fit = _fit(model, is_event, settings, model.names)
    n, n_events = model.rows.height, fit.n_events
    competing = int((model.rows["CNSR"] != 1).sum()) - n_events
    notes = [events_note(n_events, n, len(model.terms))]
    if competing:
        verb = "is" if competing == 1 else "are"
        others = plural(competing, "event")
        notes.append(f"cause-specific: {others} of other causes {verb} censored")
    concordance = estimate_concordance(fit).value
    if not np.isnan(concordance):
        notes.append(f"concordance {concordance:.4g}")
    method = f"Cox, {settings.ties} ties, Wald interval"
    if settings.strata:
        method += f", stratified by {', '.join(settings.strata)}"
    made = ratio_estimates(
        model,
        fit.terms,
        operation="hazard_ratio",
        label=HAZARD,
        method=method,
        level=settings.level,
        notes=notes,
        infinite={name: _infinite(model, fit, name, settings) for name in fit.terms.infinite},
    )
    made += _proportionality(model, fit)
    label = "likelihood ratio test of all terms"
    test = fit.likelihood_ratio_test
    return [*made, as_test(EVERYBODY, "likelihood_ratio_test", label, test, n, model.notes)]


def _fit(
    model: ModelRows, is_event: NDArray[np.bool_], settings: Settings, names: tuple[str, ...]
) -> CoxFit:
    """Fit the terms `names`, rows cut where a covariate changes."""
    times = take_times(model.rows)
    strata = take_strata(model.rows, settings.strata)
    columns = model.columns
    exits, entry, events = times.exit, times.entry, is_event
    if settings.changes_at is not None:
        change = take_days(model.rows, settings.changes_at)
        rows = split_at(exits, events, change, entry=entry)
        columns = np.column_stack([columns[rows.subject, :-1], rows.has_changed])
        strata = None if strata is None else strata[rows.subject]
        exits, entry, events = rows.exit, rows.entry, rows.is_event
    chosen = [model.names.index(name) for name in names]
    return fit_cox(
        exits,
        events,
        columns[:, chosen],
        entry=entry if np.isfinite(entry).any() else None,
        strata=strata,
        ties=settings.ties,
        names=names,
    )


def _with_change(model: ModelRows, column: str) -> ModelRows:
    """Return the model with a last term for the covariate that changes."""
    term = TermName(column, EVERYBODY, f"_{column}", f"after {column} by that before")
    columns = np.column_stack([model.columns, np.zeros(model.rows.height)])
    return ModelRows(model.rows, (*model.terms, term), columns, model.notes)


def _events(model: ModelRows, cause: int) -> NDArray[np.bool_]:
    take_times(model.rows)  # refuses rows that are no times
    return (model.rows["CNSR"] == cause).to_numpy()


def _infinite(
    model: ModelRows, fit: CoxFit, name: str, settings: Settings
) -> tuple[str, float | None]:
    """Return why a ratio is not estimable, and the likelihood ratio test of its term."""
    sign = fit.terms.coefficients[fit.terms.names.index(name)]
    where = "0" if sign < 0 else "infinity"
    reason = (
        f"no finite hazard ratio: the likelihood grows as it goes to {where} (monotone: as with a "
        "group without events); p-value from the likelihood ratio test"
    )
    others = tuple(other for other in model.names if other != name)
    loglik = fit.loglik_null
    if others:
        is_event = _events(model, settings.cause)
        try:
            loglik = _fit(model, is_event, settings, others).loglik
        except NotEstimableError:
            return reason.partition("; p-value")[0], None
    return reason, chi_squared_test(max(0.0, 2 * (fit.loglik - loglik)), 1).p_value


def _proportionality(model: ModelRows, fit: CoxFit) -> list[GroupEstimate]:
    tests = test_proportionality(fit)
    n = model.rows.height
    made = [
        as_test(
            term.group,
            f"proportionality{term.suffix}",
            f"proportional hazards (score test, Kaplan-Meier time): {HAZARD} {term.meaning}",
            tests.terms[term.name],
            n,
            model.notes,
        )
        for term in model.terms
    ]
    if len(model.terms) == 1:
        return made
    label = "proportional hazards (score test, Kaplan-Meier time): all terms"
    name = "proportionality_of_all"
    return [*made, as_test(EVERYBODY, name, label, tests.overall, n, model.notes)]


ANALYSIS = Analysis(
    label="Hazard ratios by Cox's model", settings=Settings, estimate=estimate_hazard_ratios
)
