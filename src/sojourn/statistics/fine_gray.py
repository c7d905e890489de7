"""Ratios of subdistribution hazards by Fine and Gray's model, where events compete."""

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, field_validator

from sojourn.core.analyses import Analysis, GroupEstimate
from sojourn.statistics.regression._model_rows import (
    EVERYBODY,
    ModelRows,
    as_test,
    events_note,
    model_rows,
    no_ratios,
    ratio_estimates,
    why_too_few,
)
from sojourn.statistics.regression._terms import NotEstimableError
from sojourn.statistics.regression.fine_gray_model import fit_fine_gray
from sojourn.statistics.survival.rows import take_times


class Settings(BaseModel):
    """What is modelled.

    `covariates`: columns of numbers. `reference`: the group that others are compared with, the
    first by name by default. `cause`: the code of CNSR whose incidence is modelled; other codes but
    1 (censored) compete. `level` of the interval. `min_events_per_term`: with fewer events of the
    cause for each term, no model is fitted.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    covariates: tuple[str, ...] = ()
    reference: str | None = None
    cause: int = Field(default=0, ge=0)
    level: float = Field(default=0.95, gt=0, lt=1)
    min_events_per_term: float = Field(default=2.0, ge=0)

    @field_validator("cause")
    @classmethod
    def _is_event(cls, cause: int) -> int:
        if cause == 1:
            raise ValueError("CNSR 1 is censored, no cause; name 0 or a code of 2 and above")
        return cause


OPERATION = "subdistribution_hazard_ratio"
LABEL = "subdistribution hazard"


def estimate_subdistribution_ratios(
    outcomes: pl.DataFrame, settings: Settings
) -> list[GroupEstimate]:
    """Return ratios of subdistribution hazards of groups and covariates.

    Above 1, the cumulative incidence of the event is higher; the ratio is no rate ratio among those
    at risk, since who had a competing event stays in the risk set. Report it beside the
    cause-specific hazards (`cox`) of every cause.

    Parameters
    ----------
    outcomes
        `OUTCOME` and GROUP, one row for each subject: ``AVAL`` the time in days, ``CNSR`` 0 the
        event, 1 censored, 2 and above competing events. A null ``AVAL`` or covariate is left out
        and counted. Late entry (``ENTRY``) is not defined for this model.
    settings
        covariates, reference group, cause, level.

    Returns
    -------
        operation ``subdistribution_hazard_ratio`` for each group against the reference (group
        ``X-Y``), with ``_<column>`` for each covariate (group ``ALL``), then
        ``pseudo_likelihood_ratio_test``. None with a reason where the data do not determine the
        model; nothing without a subject.

    Raises
    ------
    DataError
        if the rows are not one for each subject, of one PARAMCD, with a group, or hold no times,
        codes or covariates that can be.

    References
    ----------
    Fine and Gray, J. Am. Stat. Assoc. 94 (1999) 496. Latouche and others, J. Clin. Epidemiol. 66
    (2013) 648 (report both hazards).
    """
    if outcomes.is_empty():
        return []
    model = model_rows(outcomes, settings.covariates, reference=settings.reference)
    times = take_times(model.rows)
    code = model.rows["CNSR"].to_numpy()
    causes = np.where(code == settings.cause, 1, np.where(code == 1, 0, 2)).astype(np.int64)
    n_events = int((causes == 1).sum())
    reason = why_too_few(model, n_events, least=settings.min_events_per_term)
    if np.isfinite(times.entry).any() and (times.entry > 0).any():
        reason = "subjects came under observation late: the model is not defined for late entry"
    if not reason:
        try:
            return _estimates(model, times.exit, causes, settings)
        except NotEstimableError as error:
            reason = str(error)
    return no_ratios(model, operation=OPERATION, label=LABEL, reason=reason)


def _estimates(
    model: ModelRows,
    times: NDArray[np.float64],
    causes: NDArray[np.int64],
    settings: Settings,
) -> list[GroupEstimate]:
    fit = fit_fine_gray(times, causes, model.columns, names=model.names)
    n = model.rows.height
    reason = (
        "no finite ratio: the pseudo-likelihood grows without bound (monotone: as with a group "
    )
    reason += "without events)"
    made = ratio_estimates(
        model,
        fit.terms,
        operation=OPERATION,
        label=LABEL,
        method="Fine-Gray, robust standard error, Wald interval",
        level=settings.level,
        notes=(
            events_note(fit.n_events, n, len(model.terms)),
            f"{fit.n_competing} competing events",
        ),
        infinite=dict.fromkeys(fit.terms.infinite, (reason, None)),
    )
    test = fit.pseudo_likelihood_ratio
    label = "pseudo-likelihood ratio test of all terms (not exactly chi-squared)"
    name = "pseudo_likelihood_ratio_test"
    return [*made, as_test(EVERYBODY, name, label, test, n, model.notes)]


ANALYSIS = Analysis(
    label="Subdistribution hazard ratios by Fine and Gray's model",
    settings=Settings,
    estimate=estimate_subdistribution_ratios,
)
