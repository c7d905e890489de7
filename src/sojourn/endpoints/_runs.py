"""Runs of good daily values: where the first begins, or in words what denied each."""

from dataclasses import dataclass
from typing import Literal, Protocol

from sojourn.endpoints._days import Daily, Dated


@dataclass(frozen=True, slots=True)
class Quantity:
    """How a count is named and written in a sentence; `scale` is one written unit in its own."""

    name: str
    unit: str
    scale: float = 1.0

    def text(self, value: float) -> str:
        """Return `value` with its unit."""
        return f"{value / self.scale:.6g}{self.unit}"


NEUTROPHILS = Quantity("neutrophils", "e9/L", 1e9)
PLATELETS = Quantity("platelets", "e9/L", 1e9)
HEMOGLOBIN = Quantity("hemoglobin", " g/L")


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found: `onset` and `confirmed` days if it was met, the grounds, the rows."""

    onset: int | None
    confirmed: int | None
    reason: str
    count_rows: tuple[int | None, ...] = ()
    transfusion_rows: tuple[int | None, ...] = ()

    @property
    def is_met(self) -> bool:
        """Tell whether the rule was met."""
        return self.onset is not None


class Criterion(Protocol):
    """Anything that looks for its first match in a subject's daily values."""

    def find(self, daily: Daily, transfusions: list[Dated]) -> Finding:
        """Return the first match, or what denied the best attempt."""
        ...


@dataclass(frozen=True, slots=True)
class SustainedRun:
    """Values of at least `threshold` for `run_days` days without transfusion.

    `max_gap_days` bounds the days between measurements, `washout_days` are days up to the onset
    (the onset included) without transfusion.
    """

    quantity: Quantity
    threshold: float
    run_days: int
    max_gap_days: int
    washout_days: int = 0

    def find(self, daily: Daily, transfusions: list[Dated]) -> Finding:
        """Return the first run on the measured days of `daily`, or what denied the longest."""
        best: tuple[tuple[int, int], Finding] | None = None
        for i, value in enumerate(daily.values):
            if value < self.threshold:
                continue
            reached, finding = self._follow(daily, i, transfusions)
            if finding.is_met:
                return finding
            rank = (reached - daily.days[i], daily.days[i])
            if best is None or rank > best[0]:
                best = (rank, finding)
        return best[1] if best else never(daily, self.quantity, f">= {self._level}")

    @property
    def _level(self) -> str:
        return self.quantity.text(self.threshold)

    def _follow(self, daily: Daily, i: int, transfusions: list[Dated]) -> tuple[int, Finding]:
        """Return how far the run that starts at index `i` came, and what came of it."""
        days, start = daily.days, daily.days[i]
        j, stop = i, ""
        while not stop and days[j] - start < self.run_days - 1:
            stop = self._stop(daily, j)
            j += not stop
        rows = daily.rows[i : j + 1 + bool(stop)]
        rank, given = self._transfusion(start, days[j], transfusions)
        if given is not None:
            return rank, Finding(None, None, self._broken(start, given), rows, (given.row,))
        if stop:
            return days[j], Finding(None, None, f"run from day {start}: {stop}", rows)
        met = (
            f"{self.quantity.name} >= {self._level} on days {start}-{days[j]}, no transfusion"
            f"{f' since day {start - self.washout_days + 1}' if self.washout_days > 1 else ''}"
        )
        return days[j], Finding(start, days[j], met, rows)

    def _stop(self, daily: Daily, j: int) -> str:
        if j + 1 == len(daily.days):
            return f"no count after day {daily.days[j]}, {self.run_days} days are needed"
        day, value = daily.days[j + 1], daily.values[j + 1]
        if day - daily.days[j] > self.max_gap_days:
            return (
                f"no count between days {daily.days[j]} and {day}, at most "
                f"{self.max_gap_days} days may lie between two"
            )
        if value < self.threshold:
            return f"{self.quantity.name} {self.quantity.text(value)} on day {day}"
        return ""

    def _transfusion(
        self, start: int, end: int, transfusions: list[Dated]
    ) -> tuple[int, Dated | None]:
        first = start - max(self.washout_days, 1) + 1
        given = next((t for t in transfusions if first <= t.day <= end), None)
        return (given.day if given is not None and given.day >= start else end), given

    def _broken(self, start: int, given: Dated) -> str:
        if given.day < start:
            return (
                f"run from day {start} denied by the transfusion on day {given.day}, less than "
                f"{self.washout_days} days before"
            )
        return f"run from day {start} broken by transfusion on day {given.day}"


@dataclass(frozen=True, slots=True)
class Consecutive:
    """`measurements` measured days in a row that meet a threshold within `span_days`.

    `comparison` "greater" must exceed the threshold, "greater_equal" reach it. `mode` "measured":
    the last day lies at most `span_days` after the first; "calendar": the days follow one another.
    `washout_days`: no transfusion on these days up to the first (it included) nor until the last;
    None where transfusions do not matter.
    """

    quantity: Quantity
    threshold: float
    comparison: Literal["greater", "greater_equal"]
    mode: Literal["measured", "calendar"]
    measurements: int
    span_days: int | None
    washout_days: int | None = None

    def find(self, daily: Daily, transfusions: list[Dated]) -> Finding:
        """Return the first row of days that meets the rule, or what denied the longest."""
        good = [self.is_good(value) for value in daily.values]
        best: tuple[int, Finding] | None = None
        for i, is_good in enumerate(good):
            if not is_good:
                continue
            length = next((k for k in range(i, len(good)) if not good[k]), len(good)) - i
            finding = self._judge(daily, i, min(length, self.measurements), transfusions)
            if finding.is_met:
                return finding
            if best is None or min(length, self.measurements) >= best[0]:
                best = (min(length, self.measurements), finding)
        return best[1] if best else never(daily, self.quantity, self._wanted)

    @property
    def _wanted(self) -> str:
        sign = ">" if self.comparison == "greater" else ">="
        return f"{sign} {self.quantity.text(self.threshold)}"

    def is_good(self, value: float) -> bool:
        """Tell whether a value meets the threshold."""
        return value > self.threshold if self.comparison == "greater" else value >= self.threshold

    def _judge(self, daily: Daily, i: int, length: int, transfusions: list[Dated]) -> Finding:
        days, rows = daily.days[i : i + length], daily.rows[i : i + length]
        listed = ", ".join(map(str, days))
        plural = "" if len(days) == 1 else "s"
        what = f"{self.quantity.name} {self._wanted} on {len(days)} measured day{plural} ({listed})"
        if length < self.measurements:
            after = i + length
            why = (
                f"then {self.quantity.text(daily.values[after])} on day {daily.days[after]}"
                if after < len(daily.days)
                else "then no further count"
            )
            shown = daily.rows[i : after + 1]
            return Finding(None, None, f"{what}, {why}; {self.measurements} are needed", shown)
        span = days[-1] - days[0]
        if self.mode == "calendar" and span != self.measurements - 1:
            return Finding(None, None, f"{what}, not on consecutive calendar days", rows)
        if self.mode == "measured" and self.span_days is not None and span > self.span_days:
            return Finding(None, None, f"{what} span {span} days, more than {self.span_days}", rows)
        if self.washout_days is None:
            return Finding(days[0], days[-1], what, rows)
        first = days[0] - self.washout_days + 1
        given = next((t for t in transfusions if first <= t.day <= days[-1]), None)
        if given is not None:
            why = f"transfusion on day {given.day}"
            return Finding(None, None, f"{what}, but {why}", rows, (given.row,))
        return Finding(days[0], days[-1], f"{what}, no transfusion since day {first}", rows)


@dataclass(frozen=True, slots=True)
class SingleValue:
    """One value of at least `threshold` with no transfusion on `washout_days` days up to it."""

    quantity: Quantity
    threshold: float
    washout_days: int

    def find(self, daily: Daily, transfusions: list[Dated]) -> Finding:
        """Return the first day that meets the rule, or what denied the last good value."""
        denied: Finding | None = None
        level = self.quantity.text(self.threshold)
        for day, value, row in zip(daily.days, daily.values, daily.rows, strict=True):
            if value < self.threshold:
                continue
            what = f"{self.quantity.name} {self.quantity.text(value)} on day {day}"
            first = day - self.washout_days + 1
            given = next((t for t in transfusions if first <= t.day <= day), None)
            if given is None:
                met = f"{what} (>= {level}), no transfusion since day {first}"
                return Finding(day, day, met, (row,))
            why = f"transfusion on day {given.day}, within {self.washout_days} days"
            denied = Finding(None, None, f"{what}, but {why}", (row,), (given.row,))
        return denied or never(daily, self.quantity, f">= {level}")


def never(daily: Daily, quantity: Quantity, wanted: str) -> Finding:
    """Return the finding of a subject none of whose values was good."""
    if not daily.days:
        return Finding(None, None, f"{quantity.name} not measured on or after day 0")
    top = max(range(len(daily.days)), key=lambda i: (daily.values[i], -daily.days[i]))
    highest = f"highest {quantity.text(daily.values[top])} on day {daily.days[top]}"
    return Finding(None, None, f"{quantity.name} never {wanted} ({highest})", (daily.rows[top],))
