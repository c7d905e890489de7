"""Scales: values to positions in a drawing, with ticks at round numbers."""

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Scale:
    """A mapping of `low`..`high` to `start`..`end`, and where its ticks stand.

    "log1p" is logarithmic in 1 + value: it shows early days apart and has a zero.
    """

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[float, ...]
    kind: Literal["linear", "log", "log1p"] = "linear"

    def _along(self, value: float) -> float:
        if self.kind == "log":
            return math.log10(max(value, 1e-300))
        return math.log1p(max(value, 0.0)) if self.kind == "log1p" else value

    def at(self, value: float) -> float:
        """Return the position of `value`, held within the scale's ends."""
        low, high = self._along(self.low), self._along(self.high)
        share = (self._along(value) - low) / (high - low)
        return self.start + min(1.0, max(0.0, share)) * (self.end - self.start)

    def holds(self, value: float) -> bool:
        """Tell whether `value` lies between the ends."""
        return self.low <= value <= self.high


def _step(span: float, count: int) -> float:
    raw = span / max(1, count)
    power = 10.0 ** math.floor(math.log10(raw))
    return next((m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw * 0.999), 10 * power)


def linear(
    low: float, high: float, start: float, end: float, *, count: int = 5, is_tight: bool = False
) -> Scale:
    """Return a linear scale that ends at round numbers, or exactly where told (`is_tight`)."""
    largest = max(abs(low), abs(high))
    if not high - low > 1e-9 * largest:
        half = max(0.5, 1e-3 * largest)
        low, high = low - half, high + half
    step = _step(high - low, count)
    first = math.ceil(low / step - 1e-9) if is_tight else math.floor(low / step + 1e-9)
    last = math.floor(high / step + 1e-9) if is_tight else math.ceil(high / step - 1e-9)
    digits = max(12, 3 - math.floor(math.log10(step)))
    ticks = tuple(round(step * i, digits) for i in range(first, last + 1))
    if is_tight:
        return Scale(low, high, start, end, ticks)
    return Scale(ticks[0], ticks[-1], start, end, ticks)


def logarithmic(low: float, high: float, start: float, end: float) -> Scale:
    """Return a logarithmic scale over whole decades that holds `low` and `high`, both positive."""
    first, last = math.floor(math.log10(low) + 1e-9), math.ceil(math.log10(high) - 1e-9)
    last = max(last, first + 1)
    ticks = tuple(10.0**i for i in range(first, last + 1))
    return Scale(ticks[0], ticks[-1], start, end, ticks, "log")


def days(values: list[float], ticks: list[float], start: float, end: float) -> Scale:
    """Return a compressed scale that holds the days `values`, with a tick at each planned day."""
    high = max([1.0, *values, *ticks])
    shown = tuple(sorted({tick for tick in ticks if tick >= 0}))
    return Scale(0.0, high, start, end, shown, "log1p")
