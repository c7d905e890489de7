"""Course over time: straight lines of (log) values with random effects of subjects."""

import math
from typing import Literal

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from sojourn.core.analyses import GROUP, Analysis, GroupEstimate
from sojourn.core.errors import DataError
from sojourn.core.estimates import Estimate
from sojourn.statistics._contrasts import Floats, centered, choose_pair, contrast_estimate
from sojourn.statistics._visits import NO_VISIT, VisitRows, visit_rows
from sojourn.statistics.mixed.fitting import MixedFit, NoFit, fit_random_effects
from sojourn.statistics.mixed.inference import Contrast, kenward_roger, satterthwaite


class Settings(BaseModel):
    """Which line is fitted.

    `transform`: "log" fits the logarithms, whose slope gives a half-life; "none" the values.
    `random`: what differs from subject to subject. `time`: the column of times, DAY or one of the
    `covariates`, in `time_unit`; rows before `first_time` or after `last_time` are left out. The
    other `covariates` are columns of numbers with one slope for all. `degrees` of freedom.
    `groups`: which minus which. `unit` of AVAL; `level`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    transform: Literal["log", "none"] = "none"
    random: Literal["intercept", "intercept_and_slope"] = "intercept"
    time: str = "DAY"
    time_unit: str = "day"
    first_time: float | None = None
    last_time: float | None = None
    covariates: tuple[str, ...] = ()
    degrees: Literal["kenward_roger", "satterthwaite"] = "kenward_roger"
    groups: tuple[str, str] | None = None
    unit: str = "1"
    level: float = Field(default=0.95, gt=0, lt=1)


WORDS = {
    "kenward_roger": "Kenward-Roger",
    "satterthwaite": "Satterthwaite",
    "intercept": "random intercept",
    "intercept_and_slope": "random intercept and slope",
}


def estimate_mixed_model(outcomes: pl.DataFrame, settings: Settings) -> list[GroupEstimate]:
    r"""Return each group's intercept and slope over time, half-life, and the slopes' difference.

    .. math:: y_{ij} = \alpha_{g} + \beta_{g} t_{ij} + a_i + b_i t_{ij} + e_{ij}

    Parameters
    ----------
    outcomes
        `OUTCOME` and GROUP, one row for each subject and AVISIT; AVAL over the times.
    settings
        transformation, random effects, times, degrees of freedom, groups, unit, level.

    Returns
    -------
        for each group "intercept" at time 0, "slope" and, of logarithms, "half_life" (unbounded
        where the slope's interval holds zero); then "slope_difference" of ``A-B``.

    Raises
    ------
    DataError
        if a subject has a visit twice, a column is not there, or there are more than two groups and
        none are named.

    References
    ----------
    Laird and Ware, Biometrics 38 (1982) 963. Kenward and Roger, Biometrics 53 (1997) 983.
    """
    others = [name for name in settings.covariates if name != settings.time]
    rows = visit_rows(
        _in_time(outcomes, settings),
        # Every visit: a baseline belongs to a course.
        visits=outcomes["AVISIT"].fill_null(NO_VISIT).unique().sort().to_list(),
        groups=settings.groups or (),
        needed=[settings.time, *others],
    )
    if not outcomes.height:
        return []
    lines = _Lines(rows, settings, others)
    made = [each for group in rows.groups for each in lines.of(group)]
    pair = choose_pair(rows.groups, settings.groups)
    return made if pair is None else [*made, lines.difference(pair)]


def _in_time(outcomes: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """Return the rows whose time lies within the bounds, or is not known."""
    if settings.time not in outcomes.columns:
        raise DataError(f"no column {settings.time!r} of times; name DAY or one of the covariates")
    time = pl.col(settings.time)
    outside = pl.lit(False)
    if settings.first_time is not None:
        outside = outside | (time < settings.first_time)
    if settings.last_time is not None:
        outside = outside | (time > settings.last_time)
    return outcomes.filter(~outside.fill_null(False))


class _Lines:
    """The fit and what it says of each group."""

    def __init__(self, rows: VisitRows, settings: Settings, covariates: list[str]) -> None:
        self.rows, self.settings = rows, settings
        names = rows.rows[GROUP].to_numpy()
        day = rows.column(settings.time)
        inside = [(names == group).astype(np.float64) for group in rows.groups]
        self.known = [group for group, at in zip(rows.groups, inside, strict=True) if at.any()]
        columns = [part for at in inside if at.any() for part in (at, at * day)]
        columns += [centered(rows, name) for name in covariates]
        self.columns = np.column_stack(columns) if columns else np.zeros((len(day), 0))
        self.fit = self._fit(day)

    def _fit(self, day: Floats) -> MixedFit | str:
        rows, settings = self.rows, self.settings
        if not rows.n:
            return rows.nothing
        values = rows.column("AVAL")
        if settings.transform == "log":
            if (wrong := rows.rows.filter(pl.col("AVAL") <= 0)).height:
                subject, value = wrong.select("USUBJID", "AVAL").row(0)
                return f"{wrong.height} values have no logarithm, as {value} of {subject}"
            values = np.log(values)
        random = None
        if settings.random == "intercept_and_slope":
            random = np.column_stack([np.ones(len(day)), day])
        try:
            made = fit_random_effects(
                values, self.columns, rows.rows["USUBJID"].to_numpy(), random=random
            )
        except DataError as error:
            return str(error)
        return made.reason if isinstance(made, NoFit) else made

    def of(self, group: str) -> list[GroupEstimate]:
        """Return intercept, slope and half-life of a group."""
        of_log = self.settings.transform == "log"
        unit = "log(value)" if of_log else self.settings.unit
        made = [
            self._one(group, "intercept", "value at time 0", (group, 0), unit),
            self._one(
                group,
                "slope",
                f"change in a {self.settings.time_unit}",
                (group, 1),
                f"{unit}/{self.settings.time_unit}",
            ),
        ]
        return [*made, self._half_life(group)] if of_log else made

    def difference(self, pair: tuple[str, str]) -> GroupEstimate:
        """Return the difference of two slopes."""
        name, label = "-".join(pair), f"slope of {pair[0]} minus {pair[1]}"
        of_log = self.settings.transform == "log"
        unit = f"{'log(value)' if of_log else self.settings.unit}/{self.settings.time_unit}"
        return self._one(name, "slope_difference", label, (pair[0], 1), unit, minus=pair[1])

    def _weights(self, group: str, place: int) -> Floats | None:
        if group not in self.known:
            return None
        weights = np.zeros(self.columns.shape[1])
        weights[2 * self.known.index(group) + place] = 1
        return weights

    def _contrast(self, fit: MixedFit, weights: Floats) -> Contrast:
        test = kenward_roger if self.settings.degrees == "kenward_roger" else satterthwaite
        return test(fit, weights)

    def _one(
        self,
        group: str,
        operation: str,
        label: str,
        term: tuple[str, int],
        unit: str,
        *,
        minus: str | None = None,
    ) -> GroupEstimate:
        weights = self._weights(*term)
        other = None if minus is None else self._weights(minus, term[1])
        n = self.rows.n if minus else self._n(group)
        if isinstance(self.fit, str) or weights is None or (minus and other is None):
            reason = self.fit if isinstance(self.fit, str) else "a group has no value"
            return GroupEstimate(group, operation, label, None, n, reason=reason)
        made = self._contrast(self.fit, weights if other is None else weights - other)
        estimate = contrast_estimate(
            made, unit=unit, level=self.settings.level, method=self.method, n=n, notes=self.notes
        )
        p_value = None if operation == "intercept" else made.p_value
        return GroupEstimate(group, operation, label, estimate, n, p_value)

    def _half_life(self, group: str) -> GroupEstimate:
        weights, n = self._weights(group, 1), self._n(group)
        label = "half-life from the slope of the logarithms"
        if isinstance(self.fit, str) or weights is None:
            reason = self.fit if isinstance(self.fit, str) else "a group has no value"
            return GroupEstimate(group, "half_life", label, None, n, reason=reason)
        made = self._contrast(self.fit, weights)
        if made.value >= 0:
            reason = (
                f"the values do not fall: slope {made.value:.4g} in a {self.settings.time_unit}"
            )
            return GroupEstimate(group, "half_life", label, None, n, reason=reason)
        low, high = made.interval(self.settings.level)
        longest = -math.log(2) / high if high < 0 else math.inf
        estimate = Estimate(
            value=-math.log(2) / made.value,
            unit=self.settings.time_unit,
            lower=-math.log(2) / low,
            upper=longest,
            level=self.settings.level,
            method=f"{self.method}; bounds of the slope turned",
            n=n,
            notes=self.notes,
        )
        return GroupEstimate(group, "half_life", label, estimate, n)

    def _n(self, group: str) -> int:
        return self.rows.rows.filter(pl.col(GROUP) == group)["USUBJID"].n_unique()

    @property
    def method(self) -> str:
        """Return the method in words."""
        settings = self.settings
        return f"linear mixed model by REML, {WORDS[settings.random]}, {WORDS[settings.degrees]}"

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what a reader must see of the fit."""
        if isinstance(self.fit, str) or not self.fit.is_singular:
            return self.rows.notes
        said = "the covariance of the random effects is singular: a variance is estimated as zero"
        return (said, *self.rows.notes)


ANALYSIS = Analysis(
    label="Linear mixed model over time (Kenward-Roger)",
    settings=Settings,
    estimate=estimate_mixed_model,
)
