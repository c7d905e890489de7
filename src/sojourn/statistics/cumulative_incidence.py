"""Cumulative incidence of an event where other events compete with it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from sojourn.core.analyses import Analysis, GroupEstimate
from sojourn.core.errors import DataError
from sojourn.core.estimates import Estimate
from sojourn.statistics._groups import Group, plural, split_groups
from sojourn.statistics.competing.incidence import CumulativeIncidence
from sojourn.statistics.competing.incidence import cumulative_incidence as aalen_johansen
from sojourn.statistics.competing.intervals import INTERVALS
from sojourn.statistics.competing.variances import VARIANCES
from sojourn.statistics.survival.inputs import Times
from sojourn.statistics.survival.risk_sets import Truncation, count_fewest_at_risk, find_truncation

CURVE = {
    "GROUP": pl.String,
    "CAUSE": pl.Int64,
    "TIME": pl.Float64,
    "AT_RISK": pl.Int64,
    "EVENTS": pl.Int64,
    "CIF": pl.Float64,
    "LOWER": pl.Float64,
    "UPPER": pl.Float64,
}
"""Columns of `curve`; CAUSE as CNSR: 0 the event, 2 and above competing events."""

EVENT, CENSORED = 0, 1


class Settings(BaseModel):
    """What is estimated.

    `at`: times, in days. `causes`: the codes of CNSR that are events, 0 first; other codes but 1
    (censored) are then refused; empty: those that are there. `names` of causes, for labels.
    `variance`: its convention (`cmprsk` Aalen's; `infinitesimal_jackknife` as survfit;
    `greenwood`). `interval`: scale log(-log) of the event-free share or of the incidence.
    `level` of the interval.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: tuple[float, ...] = Field(default=(100.0,), min_length=1)
    causes: tuple[int, ...] = ()
    names: dict[int, str] = Field(default_factory=dict)
    variance: Literal["cmprsk", "infinitesimal_jackknife", "greenwood"] = "cmprsk"
    interval: Literal["log_log_event_free", "log_log_incidence"] = "log_log_event_free"
    level: float = Field(default=0.95, gt=0, lt=1)

    @model_validator(mode="after")
    def _causes_are_events(self) -> "Settings":
        if self.causes and (self.causes[0] != EVENT or len(set(self.causes)) < len(self.causes)):
            raise ValueError("causes start with 0, the event, and name no code twice")
        if any(code < 0 or code == CENSORED for code in self.causes):
            raise ValueError("causes are codes of CNSR: 0 the event, 2 and above; 1 is censored")
        return self


@dataclass(frozen=True, slots=True)
class _Curve:
    steps: CumulativeIncidence
    variance: NDArray[np.float64]
    causes: tuple[int, ...]
    people: Times
    late: Truncation


def estimate_incidence(outcomes: pl.DataFrame, settings: Settings) -> list[GroupEstimate]:
    """Return the probability of the event, and of each competing event, by some times.

    Parameters
    ----------
    outcomes
        `OUTCOME` and GROUP, one row for each subject: ``AVAL`` the time in days, ``CNSR`` 0 the
        event, 1 censored, 2 and above a competing event that came first, ``ENTRY`` the time since
        when the subject was observed, null from the origin. A null ``AVAL`` is left out, counted.
    settings
        times, causes, conventions, level.

    Returns
    -------
        for each group, cause and time an estimate, operation ``incidence_at_<day>`` for the event
        and ``incidence_of_<code>_at_<day>`` for a competing one; None where nobody was followed so
        long (the last value is not carried on). Notes count who was at risk, and every event.

    Raises
    ------
    DataError
        if the rows are not one for each subject, of one PARAMCD, with a group, or hold no times,
        codes or entries that can be.

    References
    ----------
    Aalen and Johansen, Scand. J. Stat. 5 (1978) 141. Gray, Ann. Stat. 16 (1988) 1141.
    """
    causes = settings.causes or _found(outcomes)
    estimates = []
    for group in split_groups(outcomes, "AVAL"):
        made = _curve(group, causes, settings)
        estimates += [
            _estimate_at(group, made, k, at, settings)
            for k in range(len(causes))
            for at in settings.at
        ]
    return estimates


def curve(outcomes: pl.DataFrame, settings: Settings | None = None) -> pl.DataFrame:
    """Return the steps of each group's curves, for drawing.

    Parameters
    ----------
    outcomes
        as for `estimate_incidence`.
    settings
        causes, conventions and level; the defaults where None. `at` is not used.

    Returns
    -------
        `CURVE`, by group and cause; CIF holds from its ``TIME`` to the next. A bound is null where
        the incidence is 0 or 1.

    Raises
    ------
    DataError
        as `estimate_incidence`.
    """
    chosen = settings or Settings()
    causes = chosen.causes or _found(outcomes)
    rows: list[tuple[object, ...]] = []
    for group in split_groups(outcomes, "AVAL"):
        made = _curve(group, causes, chosen)
        for k, cause in enumerate(causes):
            if not len(made.steps.times) or made.steps.times[0] > 0:
                n_first = int((made.steps.entry <= 0).sum())
                rows.append((group.name, cause, 0.0, n_first, 0, 0.0, None, None))
            rows += [(group.name, cause, *cells) for cells in _drawn(made, k, chosen)]
    return pl.DataFrame(rows, schema=CURVE, orient="row")


def status_codes(outcomes: pl.DataFrame) -> NDArray[np.int64]:
    """Return R's status of each row's CNSR: 0 censored, 1 the event, 2 and above competing.

    Raises
    ------
    DataError
        if a CNSR is null or negative, or an AVAL null or negative, naming the subject.
    """
    wrong = outcomes.filter(
        pl.col("CNSR").is_null()
        | (pl.col("CNSR") < 0)
        | ~(pl.col("AVAL").is_finite() & (pl.col("AVAL") >= 0)).fill_null(False)
    )
    if wrong.height:
        raise DataError(
            f"subject {wrong['USUBJID'][0]!r}: {wrong['PARAMCD'][0]} is no time to an event "
            f"(AVAL {wrong['AVAL'][0]}, CNSR {wrong['CNSR'][0]}); expected AVAL >= 0 and CNSR 0 "
            "the event, 1 censored, 2 and above competing events"
        )
    code = outcomes["CNSR"].to_numpy()
    return np.where(code == EVENT, 1, np.where(code == CENSORED, 0, code)).astype(np.int64)


def entries(outcomes: pl.DataFrame) -> NDArray[np.float64]:
    """Return each row's entry, minus infinity where it was observed from the origin (day 0).

    Raises
    ------
    DataError
        if an entry is negative or not before AVAL, naming the subject.
    """
    if "ENTRY" not in outcomes.columns:
        return np.full(outcomes.height, -math.inf)
    wrong = outcomes.filter(~((pl.col("ENTRY") >= 0) & (pl.col("ENTRY") < pl.col("AVAL"))))
    if wrong.height:
        raise DataError(
            f"subject {wrong['USUBJID'][0]!r}: observed from {wrong['ENTRY'][0]:g} to "
            f"{wrong['AVAL'][0]:g}; expected an ENTRY of 0 or more, before AVAL"
        )
    late = pl.when(pl.col("ENTRY") > 0).then(pl.col("ENTRY")).otherwise(-math.inf)
    return outcomes.select(late).to_series().to_numpy()


def _found(outcomes: pl.DataFrame) -> tuple[int, ...]:
    """Return the event's code and every competing code that any group has."""
    codes = outcomes.drop_nulls("AVAL")["CNSR"].drop_nulls().unique().sort().to_list()
    return (EVENT, *(code for code in codes if code not in (EVENT, CENSORED)))


def _curve(group: Group, causes: tuple[int, ...], settings: Settings) -> _Curve:
    status = status_codes(group.rows)
    known = tuple(1 if code == EVENT else code for code in causes)
    if not set(status.tolist()) <= {0, *known}:
        wrong = group.rows.filter(~pl.col("CNSR").is_in([CENSORED, *causes]))
        raise DataError(
            f"subject {wrong['USUBJID'][0]!r}: unknown CNSR {wrong['CNSR'][0]}; expected 1 for "
            f"censored or one of {', '.join(map(str, causes))}"
        )
    times, entered = group.rows["AVAL"].to_numpy(), entries(group.rows)
    steps = aalen_johansen(times, status, entry=entered, codes=known)
    people = Times(times, status > 0, entered)
    variance = VARIANCES[settings.variance](steps)
    return _Curve(steps, variance, causes, people, find_truncation(people))


def _estimate_at(
    group: Group, made: _Curve, k: int, at: float, settings: Settings
) -> GroupEstimate:
    steps, cause = made.steps, made.causes[k]
    operation = f"incidence_at_{at:g}" if cause == EVENT else f"incidence_of_{cause}_at_{at:g}"
    name = settings.names.get(cause, "event" if cause == EVENT else f"competing event {cause}")
    label = f"cumulative incidence by day {at:g}, {name}"
    if reason := _unknown(group, made, at):
        return GroupEstimate(group.name, operation, label, None, steps.n, reason=reason)
    i = steps.step(at)
    value = min(float(steps.incidence[i, k]), 1.0) if i >= 0 else 0.0
    variance = float(made.variance[i, k]) if i >= 0 else 0.0
    so_far = steps.events[: i + 1].sum(axis=0)
    at_risk = steps.at_risk_at(at)
    bounds = INTERVALS[settings.interval](value, variance, level=settings.level)
    counts = f"{at_risk} at risk, {plural(so_far[k], 'event')} by day {at:g}"
    if len(made.causes) > 1:
        counts += f", {so_far.sum() - so_far[k]} of other causes"
    method = f"Aalen-Johansen, {settings.variance} variance, {settings.interval} interval"
    if is_exact := bounds is None:
        fewest = int(count_fewest_at_risk(made.people, np.array([at]))[0])
        bounds = _exact_bounds(value, fewest, int(so_far[k]), settings.level)
        method += f" (exact bound, since the incidence is {value:g})"
    estimate = Estimate(
        value=value,
        unit="1",
        lower=bounds[0],
        upper=bounds[1],
        level=settings.level,
        method=method,
        n=steps.n,
        components={} if is_exact else {settings.variance: math.sqrt(variance)},
        notes=(counts, *_late_notes(made), *group.missing_note),
    )
    return GroupEstimate(group.name, operation, label, estimate, steps.n)


def _unknown(group: Group, made: _Curve, at: float) -> str:
    """Return why there is no incidence at a time, or nothing."""
    steps, exhausted = made.steps, made.late.exhausted
    if not steps.n:
        return group.nothing
    if exhausted is not None and at >= exhausted:
        return (
            f"all who were at risk on day {exhausted:g} had an event, and {made.late.n_later} came "
            "under observation later: from that day on nothing is estimable"
        )
    if not steps.is_known_at(at):
        return f"nobody was followed to day {at:g}; the last day is {steps.times[-1]:g}"
    return ""


def _late_notes(made: _Curve) -> tuple[str, ...]:
    """Return what late entry did, for who reads the estimate."""
    late = made.late
    if not late.n_late:
        return ()
    notes = [f"{late.n_late} of {made.steps.n} came under observation after the origin"]
    if late.first_entry > 0:
        notes.append(f"nobody was under observation up to day {late.first_entry:g}")
    notes += [f"nobody was at risk between day {a:g} and day {b:g}" for a, b in late.gaps]
    return tuple(notes)


def _exact_bounds(value: float, at_risk: int, n_events: int, level: float) -> tuple[float, float]:
    """Return exact binomial bounds for an incidence of 0 or 1, of those still at risk or gone."""
    tail = (1 - level) / 2
    if value < 1 / 2:
        return 0.0, (1 - tail ** (1 / at_risk) if at_risk else 1.0)
    return tail ** (1 / n_events), 1.0


def _drawn(made: _Curve, k: int, settings: Settings) -> Iterator[tuple[object, ...]]:
    steps = made.steps
    for i, time in enumerate(steps.times.tolist()):
        value = min(float(steps.incidence[i, k]), 1.0)
        bounds = INTERVALS[settings.interval](
            value, float(made.variance[i, k]), level=settings.level
        ) or (None, None)
        yield time, int(steps.at_risk[i]), int(steps.events[i, k]), value, *bounds


ANALYSIS = Analysis(
    label="Cumulative incidence with competing risks",
    settings=Settings,
    estimate=estimate_incidence,
)
