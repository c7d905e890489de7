"""What a few subjects can show of a mean and of a difference of means, by simulation."""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.statistics._distributions import student_quantile
from sojourn.statistics.exact.many import permutation_p_values
from sojourn.statistics.operating.replicates import Tally, tally

SHAPES = ("normal", "skewed", "heavy")
"""Distributions of one subject's deviation, mean 0 and standard deviation 1."""


def draw_deviations(
    rng: np.random.Generator, shape: str, size: tuple[int, int]
) -> NDArray[np.float64]:
    """Return deviations of mean 0 and standard deviation 1.

    Parameters
    ----------
    rng
        generator.
    shape
        "normal"; "skewed", a log-normal one with sigma 0.75 (skewness 3.3); "heavy", Student's t
        with 5 degrees of freedom.
    size
        (trials, subjects).

    Raises
    ------
    DataError
        if the shape is unknown.
    """
    if shape == "normal":
        return rng.standard_normal(size)
    if shape == "skewed":
        variance = 0.75**2
        mean, deviation = np.exp(variance / 2), np.sqrt(np.expm1(variance) * np.exp(variance))
        return np.asarray((np.exp(0.75 * rng.standard_normal(size)) - mean) / deviation)
    if shape == "heavy":
        return np.asarray(rng.standard_t(5, size) / np.sqrt(5 / 3))
    raise DataError(f"shape {shape!r}: accepted are {', '.join(SHAPES)}")


def mean_design(
    n: int,
    *,
    replicates: int,
    seed: int,
    shape: str = "normal",
    level: float = 0.95,
    jobs: int = 1,
    progress: Callable[[str], None] | None = None,
) -> Tally:
    """Return coverage and mean half width (in standard deviations) of the t interval of a mean.

    Parameters
    ----------
    n
        subjects, 2 or more.
    replicates, seed, jobs, progress
        as for `tally`.
    shape
        distribution of one subject's value; `draw_deviations`.
    level
        of the interval.

    Returns
    -------
        two numbers: coverage, half width over the true standard deviation.

    Raises
    ------
    DataError
        if `n` is below 2 or the shape is unknown.

    References
    ----------
    Student, Biometrika 6 (1908) 1.
    """
    if n < 2:
        raise DataError(f"a mean of {n} subjects has no t interval; expected 2 or more")
    task = partial(_mean_trials, n=n, shape=shape, level=level)
    name = ("mean", str(n), shape, f"{level:g}")
    return tally(task, replicates, seed=seed, name=name, jobs=jobs, progress=progress)


def _mean_trials(
    rng: np.random.Generator, size: int, *, n: int, shape: str, level: float
) -> NDArray[np.float64]:
    values = draw_deviations(rng, shape, (size, n))
    half = student_quantile((1 + level) / 2, n - 1) * values.std(axis=1, ddof=1) / np.sqrt(n)
    covers = np.abs(values.mean(axis=1)) <= half
    return np.column_stack([covers, half])


def two_arm_design(
    sizes: tuple[int, int],
    shift: float,
    *,
    replicates: int,
    seed: int,
    shape: str = "normal",
    alpha: float = 0.05,
    jobs: int = 1,
    progress: Callable[[str], None] | None = None,
) -> Mapping[str, tuple[float, float]]:
    """Return how often two small arms differ, by the exact permutation test and by Welch's t.

    Parameters
    ----------
    sizes
        subjects of either arm, 2 or more; at most 12 together.
    shift
        true difference of the means, in standard deviations of one subject's value.
    replicates, seed, jobs, progress
        as for `tally`. The stream depends on sizes and shape, not on the shift: designs are
        compared on the same deviations.
    shape
        distribution of one subject's value.
    alpha
        two-sided level.

    Returns
    -------
        "permutation" and "welch": probability of p <= alpha; "half_width": mean half width of
        Welch's interval in standard deviations, "coverage" of the true shift. Each with its Monte
        Carlo standard error.

    Raises
    ------
    DataError
        if an arm has fewer than two subjects or the shape is unknown.
    """
    if min(sizes) < 2:
        raise DataError(f"arms of {sizes[0]} and {sizes[1]} subjects: expected 2 or more in each")
    task = partial(_two_arm_trials, sizes=sizes, shift=shift, shape=shape, alpha=alpha)
    name = ("two arms", f"{sizes[0]}+{sizes[1]}", shape)
    made = tally(task, replicates, seed=seed, name=name, jobs=jobs, progress=progress)
    numbers = zip(made.mean.tolist(), made.error.tolist(), strict=True)
    return dict(zip(("permutation", "welch", "half_width", "coverage"), numbers, strict=True))


def _two_arm_trials(
    rng: np.random.Generator,
    size: int,
    *,
    sizes: tuple[int, int],
    shift: float,
    shape: str,
    alpha: float,
) -> NDArray[np.float64]:
    values = draw_deviations(rng, shape, (size, sum(sizes)))
    values[:, : sizes[0]] += shift
    p_values = permutation_p_values(values[:, : sizes[0]], values[:, sizes[0] :])
    difference, half = _welch(values[:, : sizes[0]], values[:, sizes[0] :], 1 - alpha)
    rejects = p_values <= alpha + 1e-12
    excludes = np.abs(difference) > half
    covers = np.abs(difference - shift) <= half
    return np.column_stack([rejects, excludes, half, covers])


def _welch(
    x: NDArray[np.float64], y: NDArray[np.float64], level: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return differences of means and the half widths of their intervals, shape (trials,)."""
    from scipy.special import stdtrit

    parts = [v.var(axis=1, ddof=1) / v.shape[1] for v in (x, y)]
    variance = parts[0] + parts[1]
    degrees = variance**2 / sum(
        part**2 / (v.shape[1] - 1) for part, v in zip(parts, (x, y), strict=True)
    )
    half = stdtrit(degrees, (1 + level) / 2) * np.sqrt(variance)
    return x.mean(axis=1) - y.mean(axis=1), np.asarray(half)
