"""A calibration of 27^3 voxels and three channels, beside a textbook simulator in NumPy.

Run `python bench/bench_simulation.py` on a quiet machine; it needs some 7 GB of memory. Ratios are
of figures taken in turns in one run. Both sides use one core size (25 nm), so that the textbook
evaluates the Langevin function once a sample; a real tracer of 48 sizes costs it 48 times that,
and this simulator nothing more.
"""

import os
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from sojourn.core.geometry import Grid
from sojourn.physics.core_sizes import CoreSizes
from sojourn.physics.langevin import BOLTZMANN
from sojourn.physics.magnetization_kernels import compiled_kernel
from sojourn.physics.particle_models import Equilibrium
from sojourn.physics.receive_spectra import (
    Resolution,
    simulate_spectra,
    strongest_bins,
    sufficient_samples,
)
from sojourn.physics.scanner_presets import preclinical
from sojourn.physics.scanners import Scanner
from sojourn.physics.simulation import simulate_system_matrix

SIZES = CoreSizes(np.array([25e-9]), np.array([1.0]))
MODEL = Equilibrium(SIZES)
GRID = Grid.centered((27, 27, 27), (37e-3 / 27, 37e-3 / 27, 18.5e-3 / 27))
LOW, HIGH = 80e3, 600e3
ROWS = 4002
"""The strongest of the band, as many as the solvers' benches have."""


def kept_bins(scanner: Scanner) -> NDArray[np.int64]:
    frequencies = scanner.sequence.frequencies()
    return np.flatnonzero((frequencies >= LOW) & (frequencies <= HIGH))


def probes() -> NDArray[np.float64]:
    """Return 27 places all over the grid."""
    low, high = GRID.centers()[[0, -1]]
    shares = np.indices((3, 3, 3)).reshape(3, -1).T / 2
    return low + shares * (high - low)


def textbook(scanner: Scanner, positions: NDArray[np.float64], bins: NDArray[np.int64]):
    """Return the same spectra voxel by voxel: coth, full sampling, float64."""
    waves = scanner.sequence.waveforms()
    beta = SIZES.moments[0] / (BOLTZMANN * MODEL.temperature)
    gain = scanner.gain()[:, bins] * SIZES.moment_per_iron
    sensitivity = scanner.receive[0].flux_density(np.zeros((1, 3)))[0, 0]
    result = np.empty((len(positions), 3, len(bins)), dtype=np.complex128)
    for place, position in enumerate(positions):
        field = scanner.selection.flux_density(position[None])[0][:, None] + waves
        strength = np.sqrt(np.sum(field**2, axis=0))
        xi = beta * np.maximum(strength, 1e-12)
        ratio = (1 / np.tanh(xi) - 1 / xi) / np.maximum(strength, 1e-12)
        result[place] = np.fft.rfft(sensitivity * ratio * field)[:, bins] * gain
    return result


def test_the_whole_calibration_is_simulated():
    scanner = preclinical()
    bins = kept_bins(scanner)
    begin = perf_counter()
    samples = sufficient_samples(scanner, probes(), MODEL, max_bin=int(bins[-1]), tolerance=1e-4)
    chosen = perf_counter() - begin
    plain = Resolution(samples=samples, single=True)
    some = GRID.centers()[::400]
    simulate_spectra(scanner, some[:8], MODEL, bins=bins, resolution=plain)
    ours, theirs = [], []
    for _ in range(3):
        begin = perf_counter()
        found = simulate_spectra(scanner, some, MODEL, bins=bins, resolution=plain)
        middle = perf_counter()
        expected = textbook(scanner, some, bins)
        ours.append((middle - begin) / len(some))
        theirs.append((perf_counter() - middle) / len(some))
    worst = np.abs(found - expected).max(axis=(1, 2)) / np.abs(expected).max(axis=(1, 2))
    begin = perf_counter()
    strong = strongest_bins(scanner, probes(), MODEL, bins=bins, count=ROWS // 3, resolution=plain)
    chosen += perf_counter() - begin
    threads = os.cpu_count() or 1
    alone = min(theirs) * GRID.n_voxels
    print(
        f"samples {samples} and {len(strong)} bins found in {chosen:.1f} s, numba "
        f"{compiled_kernel() is not None}\nper voxel, one thread: ours {1e6 * min(ours):.0f} us, "
        f"textbook {1e6 * min(theirs):.0f} us, ratio {min(theirs) / min(ours):.1f}, largest "
        f"difference {worst.max():.1e}; textbook {alone:.0f} s for 27^3"
    )
    for kept, mirrors in ((strong, True), (strong, False), (bins, True)):
        quick = Resolution(samples=samples, single=True, threads=threads, mirrors=mirrors)
        taken = []
        for _ in range(2 if mirrors else 1):
            begin = perf_counter()
            simulate_system_matrix(
                scanner, GRID, MODEL, sample_iron=1e-6, bins=kept, resolution=quick
            )
            taken.append(perf_counter() - begin)
        size = 8e-9 * GRID.n_voxels * 3 * len(kept)
        print(
            f"27^3, {3 * len(kept)} rows ({size:.1f} GB), {threads} threads, "
            f"{'with' if mirrors else 'without'} mirrors: {min(taken):.1f} s, "
            f"{alone / min(taken):.0f} x textbook"
        )
    # Aliasing: 1e-4 at the probes, some times that between them.
    assert worst.max() < 1e-3
    assert min(theirs) / min(ours) > 3


if __name__ == "__main__":
    test_the_whole_calibration_is_simulated()
