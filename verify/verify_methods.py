"""How close the methods come to one optimum, and what they make of real scans: for a person.

Run `python verify/verify_methods.py SHARED`, SHARED the folder that holds `data/mpi`. The Hamburg
head scanner of 2018: run A's centre line (harmonics 2 to 10) is the calibration, run B's nine
positions are the scans; every scan holds one sample. Simulations are marked. Nothing is asserted.
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import head_scanner
import problems
import x_space_scanner as ideal
from sojourn.core.signals import ArraySpectra, SystemMatrix
from sojourn.reconstruction._rows import RowSettings
from sojourn.reconstruction.cgnr import Cgnr
from sojourn.reconstruction.fista import Fista
from sojourn.reconstruction.joint.multi_contrast import MultiContrast
from sojourn.reconstruction.kaczmarz import Kaczmarz
from sojourn.reconstruction.newton import Newton
from sojourn.reconstruction.tikhonov import Tikhonov
from sojourn.reconstruction.total_variation import TotalVariation
from sojourn.reconstruction.x_space import XSpace

PLACES = range(9)
MIDDLE = 4
METHODS: dict[str, tuple[type[RowSettings], dict[str, object]]] = {
    "kaczmarz, 10 sweeps": (Kaczmarz, {"iterations": 10}),
    "kaczmarz, 100 sweeps": (Kaczmarz, {"iterations": 100}),
    "fista": (Fista, {"tolerance": 1e-5, "iterations": 50_000}),
    "newton, quantification": (
        Newton,
        {"purpose": "quantification", "certified_distance": 5e-5, "tolerance": 1e-6},
    ),
    "total_variation, weight 0": (
        TotalVariation,
        {"variation": 0.0, "tolerance": 1e-6, "iterations": 50_000},
    ),
    "total_variation, weight 1e-2": (TotalVariation, {"variation": 1e-2}),
    "fista, sparsity 1e-2": (Fista, {"sparsity": 1e-2}),
    "tikhonov": (Tikhonov, {}),
    "cgnr": (Cgnr, {"tolerance": 1e-10}),
}


def say(text: str = "") -> None:
    """Write one line."""
    sys.stdout.write(text + "\n")


def agreement(shared: Path, relative: float) -> None:
    """Print each method's distance to SciPy's active-set optimum, and its nine sums."""
    say(f"\nregularization {relative:g}; distance to the non-negative optimum (scipy nnls)")
    say(f"  {'method':30s} {'largest distance':>16s} {'hits':>5s}  sums of nine places")
    matrix = head_scanner.line_matrix(shared, "A")
    for name, (method, changes) in METHODS.items():
        settings = {"bins": head_scanner.HARMONICS, "regularization": relative, **changes}
        prepared = method(background="own_mean", **settings).prepare(matrix)  # type: ignore[attr-defined]
        distances, sums, hits = [], [], 0
        for place in PLACES:
            scan = head_scanner.line_scan(shared, "B", 1, place)
            image = prepared.reconstruct_relative(scan).values.ravel(order="F")
            columns, signal = problems.head_scanner_problem(shared, place)
            lam = problems.damping(columns, relative)
            optimum = problems.non_negative_optimum(columns, signal, lam)
            distances.append(problems.relative_error(image, optimum))
            sums.append(float(image.sum()))
            hits += int(np.argmax(image) == place)
        say(f"  {name:30s} {max(distances):16.1e} {hits:4d}/9  {min(sums):.3f} to {max(sums):.3f}")


def lines(shared: Path, run: str) -> SystemMatrix:
    """Return the centre line of a run with the empty rows of all its lines."""
    rows = head_scanner.counts(shared, run)
    return replace(
        head_scanner.line_matrix(shared, run),
        spectra=head_scanner.spectra(np.concatenate([rows[1, 1:], rows[:, 0]])),
        is_background=np.arange(12) >= len(PLACES),
        name=f"run {run}",
    )


def separability(shared: Path) -> None:
    """Print verdicts: two runs of one tracer, and a relaxing state in a simulation."""
    say("\nstates: cross-talk (all causes), noise amplification, angle of columns, verdict")
    for relative in (1e-1, 1e-2, 1e-3, 1e-4, 1e-6):
        settings = MultiContrast(
            background="own_mean", bins=head_scanner.HARMONICS, regularization=relative
        )
        found = settings.prepare([lines(shared, "A"), lines(shared, "B")]).separability
        say(
            f"  run A and run B, regularization {relative:<8g} {found.worst_cross_talk:6.2f} "
            f"{found.noise_amplification.max():6.2f} {found.column_angle:6.1f}  {found.verdict}"
        )
    free = problems.simulated_matrix()
    frequency = free.acquisition.frequencies()
    for time in (1e-7, 3e-7, 1e-6, 3e-6):
        values = _all(free)
        values[~free.is_background] /= 1 + 2j * np.pi * frequency * time
        bound = replace(free, spectra=ArraySpectra(values), name="relaxing")
        settings = MultiContrast(
            background="none",
            matrix_background="none",
            min_frequency=4e4,
            weighting="whitening",
            regularization=1e-3,
        )
        found = settings.prepare([free, bound]).separability
        say(
            f"  SIMULATED, relaxation {time * 1e6:4.1f} us               "
            f"{found.worst_cross_talk:6.2f} {found.noise_amplification.max():6.2f} "
            f"{found.column_angle:6.1f}  {found.verdict}"
        )


def _all(matrix: SystemMatrix) -> NDArray[np.complex128]:
    channels = range(matrix.acquisition.n_channels)
    bins = np.arange(matrix.acquisition.n_bins)
    return np.stack([matrix.spectra.read(c, bins) for c in channels], axis=1)


def widths() -> None:
    """Print the width of a point in x-space against theory, SIMULATED."""
    say("\nx-space, SIMULATED, 30 nm cores: full width at half maximum, mm")
    for gradient in (1.0, 2.0):
        taken = ideal.acquisition(gradient=(-gradient, gradient / 2, gradient / 2))
        grid = ideal.line_grid(spacing=0.0004 / gradient)
        prepared = XSpace(background="own_mean").prepare(ideal.matrix(taken, grid))
        image = prepared.reconstruct_relative(ideal.scan(taken, [(0.0, 0.0, 0.0)]))
        places, values = grid.centers()[:, 0], image.values[:, 0, 0]
        fine = np.linspace(places[0], places[-1], 20_001)
        above = fine[np.interp(fine, places, values) > values.max() / 2]
        theory = 4.16 * ideal.KT / ideal.LARGE / gradient
        say(f"  {gradient:g} T/m: {np.ptp(above) * 1e3:.3f}, theory {theory * 1e3:.3f}")


def main(shared: Path) -> None:
    """Print every table."""
    for relative in (1e-1, 1e-2, 1e-3):
        agreement(shared, relative)
    separability(shared)
    widths()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
