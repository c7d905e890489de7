"""Simulated trials in chunks: the same numbers for any number of workers."""

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.core.random import named_generator

Task = Callable[[np.random.Generator, int], NDArray[np.float64]]
"""Simulates so many trials and returns one row of numbers for each, shape (trials, numbers)."""

CHUNK = 20_000
"""Trials of one chunk. Each chunk has a generator of its own, whoever computes it."""


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """Means over replicates, shape (numbers,), with their Monte Carlo standard errors."""

    mean: NDArray[np.float64]
    error: NDArray[np.float64]
    replicates: int


def tally(
    task: Task,
    replicates: int,
    *,
    seed: int,
    name: tuple[str, ...],
    jobs: int = 1,
    chunk: int = CHUNK,
    progress: Callable[[str], None] | None = None,
) -> Tally:
    """Return the mean of each number that `task` gives, over simulated trials.

    Parameters
    ----------
    task
        simulates trials; with several `jobs` it must be picklable (a partial of a function).
    replicates
        number of trials, 1 or more.
    seed, name
        the stream: chunk k draws from the generator of `seed` named ``(*name, k)``.
    jobs
        processes. Chunks are summed in their order, so the result does not depend on it.
    chunk
        trials of a chunk; it is part of what defines the numbers.
    progress
        told which chunk is done.

    Returns
    -------
        means and their standard errors (0 for one replicate).

    Raises
    ------
    DataError
        if a count is below 1, or a number is not finite.
    """
    if replicates < 1 or jobs < 1 or chunk < 1:
        raise DataError(f"{replicates} replicates, {jobs} jobs, chunks of {chunk}: expected >= 1")
    sizes = [min(chunk, replicates - start) for start in range(0, replicates, chunk)]
    work = [(task, size, seed, (*name, str(k))) for k, size in enumerate(sizes)]
    total: NDArray[np.float64] | None = None
    squares: NDArray[np.float64] | None = None
    for done, (sums, sums_of_squares) in enumerate(_computed(work, jobs), start=1):
        total = sums if total is None else total + sums
        squares = sums_of_squares if squares is None else squares + sums_of_squares
        if progress is not None:
            progress(f"{' '.join(name)}: {done} of {len(work)}")
    if total is None or squares is None or not np.all(np.isfinite(total)):
        raise DataError(f"{' '.join(name)}: a simulated trial gave a number that is not finite")
    mean = total / replicates
    spread = np.maximum(squares / replicates - mean**2, 0.0)
    return Tally(mean, np.sqrt(spread / max(replicates - 1, 1)), replicates)


Work = tuple[Task, int, int, tuple[str, ...]]
Sums = tuple[NDArray[np.float64], NDArray[np.float64]]


def _computed(work: list[Work], jobs: int) -> Iterator[Sums]:
    if jobs == 1 or len(work) == 1:
        yield from map(_sums, work)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(jobs, len(work)), mp_context=context) as pool:
        yield from pool.map(_sums, work)


def _sums(work: Work) -> Sums:
    task, size, seed, name = work
    numbers = task(named_generator(seed, *name), size)
    return numbers.sum(axis=0), (numbers**2).sum(axis=0)
