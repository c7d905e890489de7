"""Simulated blood counts: three lineages that recover, or do not, and what supports them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError

ANC_THRESHOLD = 0.5e9
"""1/L."""

HGB_THRESHOLD = 70.0
"""g/L."""

PLT_THRESHOLD = 20e9
"""1/L."""

NEVER = float("inf")

GOOD_FROM_START = -40.0
"""Day of recovery of a lineage that was good before the first infusion."""

LAST_GROWTH_FACTOR = 60
"""Day after which growth factor is given up [assumption]."""


@dataclass(frozen=True, slots=True)
class Lineage:
    """A lineage's course: from `low` to `high`, through `threshold` on day `recovery`.

    Logistic in time, on a logarithmic scale if `is_log`. `width`, days: how fast. `recovery` may
    be infinite: it stays low.
    """

    low: float
    high: float
    threshold: float
    recovery: float
    width: float
    is_log: bool

    def __post_init__(self) -> None:
        if not 0 < self.low < self.threshold < self.high:
            raise DataError(
                f"a lineage runs from {self.low} through {self.threshold} to {self.high}: must rise"
            )

    def at(self, days: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the course without transfusion or noise on `days`, same shape, same unit."""
        if self.recovery == NEVER:
            return np.full(days.shape, self.low)
        ends = np.array([self.low, self.threshold, self.high])
        low, threshold, high = np.log(ends) if self.is_log else ends
        share = (threshold - low) / (high - low)
        start = np.log(share / (1 - share))
        level = low + (high - low) / (1 + np.exp(-((days - self.recovery) / self.width + start)))
        course: NDArray[np.float64] = np.exp(level) if self.is_log else level
        return course


@dataclass(frozen=True, slots=True)
class GraftCourse:
    """The three lineages of one subject; days count from the first infusion."""

    anc: Lineage
    hgb: Lineage
    plt: Lineage


def draw_course(rng: np.random.Generator) -> GraftCourse:
    """Return how one graft recovers.

    Each lineage is poor at first with probability 0.75 (neutrophils), 0.70 (hemoglobin), 0.85
    (platelets), at least one is. A quarter of the subjects never recover in a poor lineage.
    The others do around day 14, 28 and 30 (medians), log standard deviation 0.6, of which 0.45 is
    common to the lineages. Levels before and after are usual ones. All [assumption].
    """
    is_poor = rng.random(3) < (0.75, 0.70, 0.85)
    if not is_poor.any():
        is_poor[int(rng.integers(0, 3))] = True
    responds = rng.random(3) < np.where(rng.random() < 0.25, 0.15, 0.95)
    common = 0.45 * rng.standard_normal()
    spread = 0.40 * rng.standard_normal(3)
    recovery = np.round(np.array([14.0, 28.0, 30.0]) * np.exp(common + spread), 1)
    days = np.where(is_poor, np.where(responds, recovery, NEVER), GOOD_FROM_START).tolist()
    scale = np.exp(0.25 * rng.standard_normal(6)).tolist()
    low = (0.25e9 * scale[0], 56.0 * scale[2] ** 0.25, 8e9 * scale[4])
    high = (2.5e9 * scale[1], 104.0 * scale[3] ** 0.4, 90e9 * scale[5] ** 2.5)
    return GraftCourse(
        anc=_lineage(low[0], high[0], ANC_THRESHOLD, days[0], width=4.0, is_log=True),
        hgb=_lineage(low[1], high[1], HGB_THRESHOLD, days[1], width=8.0, is_log=False),
        plt=_lineage(low[2], high[2], PLT_THRESHOLD, days[2], width=6.0, is_log=True),
    )


def _lineage(
    low: float, high: float, threshold: float, recovery: float, *, width: float, is_log: bool
) -> Lineage:
    """Return a lineage whose levels keep 10 % below and 30 % above its threshold at least."""
    low, high = min(low, 0.9 * threshold), max(high, 1.3 * threshold)
    return Lineage(low, high, threshold, recovery, width, is_log)


@dataclass(frozen=True, slots=True, eq=False)
class DailyBlood:
    """Blood on each day, and the days of transfusions and growth factor.

    `days` (n,), from the first infusion; `anc`, `plt` (n,), 1/L; `hgb` (n,), g/L.
    """

    days: NDArray[np.int64]
    anc: NDArray[np.float64]
    hgb: NDArray[np.float64]
    plt: NDArray[np.float64]
    red_cells: tuple[int, ...]
    platelets: tuple[int, ...]
    growth_factor: tuple[int, ...]


def simulate_blood(
    course: GraftCourse, first: int, last: int, rng: np.random.Generator
) -> DailyBlood:
    """Return daily blood with transfusions where it is low.

    Red cells below 65 g/L lift hemoglobin by 9 g/L, fading over 30 days; platelets below
    12e9/L lift the count by 22e9/L, of which 60 % is left each next day; growth factor on every
    other day below 0.5e9/L, until day 60, lifts neutrophils by a third [assumption]. A transfusion
    is given after the day's count and seen from the next.

    Parameters
    ----------
    course
        the lineages.
    first, last
        days from the first infusion, both included.
    rng
        source of day-to-day variation.

    Returns
    -------
        one value of each lineage a day.
    """
    days = np.arange(first, last + 1)
    wave = _autoregressive(days.size, rng)
    anc = course.anc.at(days.astype(float)) * np.exp(0.22 * wave[0])
    hgb = course.hgb.at(days.astype(float)) + 2.5 * wave[1]
    plt = course.plt.at(days.astype(float)) * np.exp(0.15 * wave[2])
    red, white, lifted = [], [], []
    red_lift = platelet_lift = 0.0
    chance = rng.random(days.size)
    for i, day in enumerate(days):
        hgb[i] += red_lift
        plt[i] += platelet_lift
        red_lift *= np.exp(-1 / 30)
        platelet_lift *= 0.6
        if hgb[i] < 65:
            red.append(int(day))
            red_lift += 9.0
        if plt[i] < 12e9:
            white.append(int(day))
            platelet_lift += 22e9
        if anc[i] < ANC_THRESHOLD and chance[i] < 0.5 and day <= LAST_GROWTH_FACTOR:
            lifted.append(int(day))
            anc[i + 1 : i + 2] *= 1.33
    hgb = np.clip(hgb, 35, 180)
    return DailyBlood(days, anc, hgb, plt, tuple(red), tuple(white), tuple(lifted))


def _autoregressive(n_days: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return three series of unit variance with correlation 0.5 from day to day."""
    shocks = rng.standard_normal((3, n_days))
    series = np.empty((3, n_days))
    series[:, 0] = shocks[:, 0]
    for i in range(1, n_days):
        series[:, i] = 0.5 * series[:, i - 1] + np.sqrt(0.75) * shocks[:, i]
    return series


def draw_sampling(days: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return which days have a count, some twice, in order.

    85 % of days to day 28, half to day 60, a quarter to day 100, 5 % later; 5 % of those days
    have two counts; the day before the first infusion always has one [assumption].
    """
    chance = np.select([days <= 28, days <= 60, days <= 100], [0.85, 0.5, 0.25], 0.05)
    is_counted = (rng.random(days.size) < chance) | (days == -1)
    is_twice = is_counted & (rng.random(days.size) < 0.05)
    return np.repeat(np.arange(days.size), is_counted.astype(int) + is_twice.astype(int))
