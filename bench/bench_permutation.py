"""Exact permutation tests of many ten-subject trials, beside scipy in the same run."""

from time import perf_counter

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from sojourn.statistics.exact.many import clopper_pearson_table, permutation_p_values
from sojourn.statistics.exact.permutation import permutation_test

Array = NDArray[np.float64]


def simulated_trials(trials: int, sizes: tuple[int, int], *, seed: int) -> tuple[Array, Array]:
    """Return SIMULATED values of both groups, axes (trial, subject)."""
    rng = np.random.default_rng(seed)
    return rng.normal(1, 1, (trials, sizes[0])), rng.normal(0, 1, (trials, sizes[1]))


def mean_difference(x: Array, y: Array, axis: int) -> Array:
    """Return the statistic, vectorized as scipy asks for."""
    return np.mean(x, axis=axis) - np.mean(y, axis=axis)


def theirs(x: Array, y: Array) -> list[float]:
    """Return scipy's exact p-values of all trials in one call, the fastest way it has.

    One-sided: its two-sided p-value doubles a tail, another definition.
    """
    test = stats.permutation_test(
        (x, y), mean_difference, vectorized=True, n_resamples=np.inf, alternative="greater", axis=-1
    )
    return [float(p) for p in test.pvalue]


def theirs_one_by_one(x: Array, y: Array) -> list[float]:
    """Return the same, a call for each trial."""
    return [theirs(a[None], b[None])[0] for a, b in zip(x, y, strict=True)]


def seconds_a_trial(run, x: Array, y: Array, *, repeats: int) -> float:
    """Return the shortest time of `repeats` runs, by trial."""
    times = []
    for _ in range(repeats):
        begin = perf_counter()
        run(x, y)
        times.append(perf_counter() - begin)
    return min(times) / len(x)


@pytest.mark.parametrize("sizes", [(5, 5), (6, 4)], ids=["5v5", "6v4"])
def test_p_values_equal_those_of_scipy_and_cost_less(sizes):
    x, y = simulated_trials(40, sizes, seed=0)
    greater = [permutation_test(a, b).p_greater for a, b in zip(x, y, strict=True)]
    assert greater == pytest.approx(theirs(x, y), abs=1e-12)
    both = [permutation_test(a, b).p_two_sided for a, b in zip(x, y, strict=True)]
    assert permutation_p_values(x, y).tolist() == pytest.approx(both, abs=1e-15)
    many = simulated_trials(100_000, sizes, seed=1)
    ours_s = seconds_a_trial(permutation_p_values, *many, repeats=5)
    single_s = seconds_a_trial(
        lambda a, b: [permutation_test(*pair) for pair in zip(a, b, strict=True)], x, y, repeats=5
    )
    theirs_s = seconds_a_trial(theirs, many[0][:2000], many[1][:2000], repeats=3)
    theirs_single_s = seconds_a_trial(theirs_one_by_one, x, y, repeats=5)
    print(
        f"{sizes[0]} against {sizes[1]}, us a trial. All in one call: ours {1e6 * ours_s:.2f}, "
        f"scipy {1e6 * theirs_s:.1f}, ratio {theirs_s / ours_s:.0f}. One by one: ours "
        f"{1e6 * single_s:.0f}, scipy {1e6 * theirs_single_s:.0f}, ratio "
        f"{theirs_single_s / single_s:.1f}"
    )
    assert ours_s < theirs_s
    assert single_s < theirs_single_s


def test_one_million_ten_subject_trials(benchmark):
    x, y = simulated_trials(1_000_000, (5, 5), seed=0)
    p_values = benchmark.pedantic(permutation_p_values, (x, y), rounds=3)
    assert p_values.shape == (1_000_000,)
    assert p_values.min() == 2 / 252


def test_clopper_pearson_of_every_count_of_68(benchmark):
    assert benchmark(clopper_pearson_table, 68).shape == (69, 2)
