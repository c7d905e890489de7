"""Kaczmarz of a real size beside single row steps in numpy, the textbook loop."""

from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from sojourn.reconstruction.kaczmarz import arrange_rows, solve

ROWS, VOXELS, SWEEPS, LAMBDA = 1000, 8000, 10, 1e3


def simulated_problem(seed: int) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    """Return a random matrix of 1000 frequencies x 20^3 voxels, and the signal of an image."""
    rng = np.random.default_rng(seed)
    shape = (ROWS, VOXELS)
    matrix = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
    return matrix, matrix @ rng.uniform(0, 1, VOXELS)


def baseline(
    matrix: NDArray[np.complex128], signal: NDArray[np.complex128]
) -> NDArray[np.complex128]:
    """Return the same iterates, one row after the other."""
    norms = np.sum(np.abs(matrix) ** 2, axis=1) + LAMBDA
    conjugate, root = matrix.conj(), np.sqrt(LAMBDA)
    x, dual = np.zeros(VOXELS, dtype=np.complex128), np.zeros(ROWS, dtype=np.complex128)
    for _ in range(SWEEPS):
        for i in range(ROWS):
            step = (signal[i] - matrix[i] @ x - root * dual[i]) / norms[i]
            x += step * conjugate[i]
            dual[i] += step * root
        x = np.maximum(x.real, 0).astype(np.complex128)
    return x


def test_an_image_of_8000_voxels_from_1000_rows(benchmark):
    matrix, signal = simulated_problem(seed=0)
    rows = arrange_rows(matrix, LAMBDA)
    found = benchmark(solve, rows, signal, iterations=SWEEPS)
    expected = baseline(matrix, signal)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * np.abs(expected).max())


def test_blocks_are_faster_than_single_rows():
    matrix, signal = simulated_problem(seed=0)
    begin = perf_counter()
    rows = arrange_rows(matrix, LAMBDA)
    arranged = perf_counter() - begin
    ours, theirs = [], []
    for _ in range(3):
        begin = perf_counter()
        solve(rows, signal, iterations=SWEEPS)
        middle = perf_counter()
        baseline(matrix, signal)
        ours.append(middle - begin)
        theirs.append(perf_counter() - middle)
    ratio = min(theirs) / min(ours)
    print(
        f"prepare {arranged:.2f} s, {SWEEPS} sweeps {min(ours):.2f} s, single rows "
        f"{min(theirs):.2f} s, ratio {ratio:.1f}"
    )
    assert ratio > 1
