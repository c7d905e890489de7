"""What one arm of n subjects can show of survival at a time, by simulation."""

import math
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.statistics.operating.replicates import Tally, tally
from sojourn.statistics.survival.intervals import bounded_interval
from sojourn.statistics.survival.many import survival_at


def survival_design(
    n: int,
    survival: float,
    *,
    lost: float,
    replicates: int,
    seed: int,
    at: float = 365.0,
    level: float = 0.95,
    jobs: int = 1,
    progress: Callable[[str], None] | None = None,
) -> Tally:
    """Return what the Kaplan-Meier estimate with its log-log interval can be expected to show.

    Deaths and losses come at constant rates; times are whole days, so that they tie as recorded
    ones do.

    Parameters
    ----------
    n
        subjects, 1 or more.
    survival
        true survival at `at`, between 0 and 1.
    lost
        share lost to follow-up by `at` if nobody died, 0 or more and below 1.
    at
        time of the estimate, in days; everybody else is followed beyond it.
    replicates, seed, jobs, progress
        as for `tally`.
    level
        of the interval.

    Returns
    -------
        three numbers: share of trials in which somebody was followed so long; and, as means over
        all trials with 0 elsewhere (divide by the first), that the interval covers, and its half
        width. The interval is the one that the analysis gives: log-log, exact where survival is
        0 or 1.

    Raises
    ------
    DataError
        if a share lies outside its range.
    """
    if n < 1 or not 0 < survival < 1 or not 0 <= lost < 1 or at < 1:
        raise DataError(
            f"n {n}, survival {survival}, lost {lost}, at {at}: expected n >= 1, survival between "
            "0 and 1, lost from 0 and below 1, a time of at least one day"
        )
    task = partial(_trials, n=n, survival=survival, lost=lost, at=at, level=level)
    name = ("survival", str(n), f"{survival:g}", f"{lost:g}", f"{at:g}", f"{level:g}")
    return tally(task, replicates, seed=seed, name=name, jobs=jobs, progress=progress)


def _trials(
    rng: np.random.Generator,
    size: int,
    *,
    n: int,
    survival: float,
    lost: float,
    at: float,
    level: float,
) -> NDArray[np.float64]:
    death = np.ceil(rng.standard_exponential((size, n)) * at / -math.log(survival))
    rate = -math.log1p(-lost) / at
    loss = np.ceil(rng.standard_exponential((size, n)) / rate) if rate > 0 else math.inf
    end = np.minimum(np.minimum(death, loss), at + 1)
    made = survival_at(end, death <= end, at)
    lower, upper = bounded_interval(
        made.survival,
        made.variance,
        at_risk=made.at_risk,
        n_events=made.n_events,
        scale="log-log",
        level=level,
    )
    known = made.is_followed
    covers = known & (lower <= survival) & (survival <= upper)
    half = np.where(known, (upper - lower) / 2, 0.0)
    return np.column_stack([known, covers, half])
