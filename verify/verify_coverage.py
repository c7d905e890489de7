"""Slow study of coverage: how often 95 % intervals of amounts through an image hold the truth.

Run `python verify/verify_coverage.py [scans] [seed]`; all data are SIMULATED. Truth is made on a
lattice three times finer than the calibration, of textured regions, with a tracer batch of its
own for every scan. Each scan's intervals come from the package's own functions: background
subtraction, noise from its empty frames, image, region sums, recovery and spill undone.

Six cells: three noise levels, a linear (Tikhonov) and a constrained (non-negative) method. Printed
are coverage, its 99 % interval (Clopper-Pearson), and widths. Exits with 1 if one of the intervals
leaves 93 to 97 %. The rows "tracer term dropped" show that the study can fail.
"""

import sys
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sojourn.core.geometry import Grid
from sojourn.core.images import Mask
from sojourn.core.provenance import Provenance
from sojourn.core.random import named_generator
from sojourn.core.signals import Acquisition, ArraySpectra, DriveField, Scan, SystemMatrix
from sojourn.physics.particles import TracerParticles, mean_magnetization
from sojourn.quantification.image_amount import (
    Doubts,
    PreparedImageAmount,
    SolveMany,
    Variation,
    prepare_image_amount,
    tracer_variation,
)
from sojourn.quantification.source_models import Compartments
from sojourn.reconstruction._background import Background
from sojourn.reconstruction._prepared import PreparedMethod
from sojourn.reconstruction._weighting import Weighting
from sojourn.reconstruction.fista import Fista
from sojourn.reconstruction.tikhonov import Tikhonov
from sojourn.reconstruction.uncertainty.noise import stack

VOXELS, SPACING, FINER = 8, 2.5e-3, 3
GRADIENT, DRIVE = np.array([-1.0, -1.0, 2.0]), 12e-3
CYCLES = (16, 17)
SAMPLES = 544
BASE = 2.5e6
ROWS = 60
DIAMETER, SPREAD = 24e-9, 0.10
"""Median core diameter (m) and its log standard deviation, of the calibration's tracer."""
BATCH = {"diameter": 0.02, "spread": 0.1}
"""Relative standard deviations from batch to batch: of the median diameter, and of the spread."""
LENGTHS, SIZES = (0.004, 0.008), (0.1, 0.2, 0.3)
REGIONS = ("cavity", "track")
NOISE = {"low noise": 0.03, "middle noise": 0.2, "high noise": 0.5}
"""Of one frame, relative to the root mean square of a row over the calibration."""
CALIBRATION_NOISE = 0.001
FULL, EMPTY = 8, 20
"""Frames of the object; of the empty bore, before and again after."""
DRIFT = 0.05
"""Variance of the walk from block to block, relative to a frame's noise."""
DRAWS = 159
LEVEL, CONFIDENCE, ALLOWED = 0.95, 0.99, (0.93, 0.97)

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]


def acquisition() -> Acquisition:
    """Return how the simulated two-channel scanner scans: a Lissajous figure in the plane."""
    drive = DriveField(
        base_frequency=BASE,
        divider=np.array([[SAMPLES // c] for c in CYCLES]),
        strength=np.full((2, 1), DRIVE),
        phase=np.zeros((2, 1)),
        cycle=SAMPLES / BASE,
    )
    return Acquisition(drive, n_channels=2, n_samples=SAMPLES, bandwidth=BASE / 2, unit="V")


def spectra(positions: Array, diameter: float, spread: float) -> Complex:
    """Return the spectrum (place, channel, bin) of one sample at each of `positions` (n, 3), m."""
    phase = 2 * np.pi * np.arange(SAMPLES) / SAMPLES
    drive = DRIVE * np.stack([np.sin(c * phase) for c in CYCLES] + [0 * phase], axis=-1)
    field = positions[:, None, :] * GRADIENT + drive
    strength = np.linalg.norm(field, axis=-1)
    table = np.linspace(0, 0.06, 6001)
    curve = mean_magnetization(table, TracerParticles((1.0,), (diameter,), (spread,)))
    moment = np.interp(strength, table, curve) / np.maximum(strength, 1e-12)
    along = np.fft.rfft(moment[..., None] * field[..., :2], axis=1)
    derivative = 1j * np.arange(SAMPLES // 2 + 1)
    return np.swapaxes(along * derivative[None, :, None], 1, 2)


def grid() -> Grid:
    """Return the calibrated positions."""
    return Grid.centered((VOXELS, VOXELS, 1), (SPACING, SPACING, SPACING))


def fine_grid() -> Grid:
    """Return the lattice that truth is made on."""
    n, edge = VOXELS * FINER, SPACING / FINER
    return Grid.centered((n, n, 1), (edge, edge, SPACING))


def mask() -> Mask:
    """Return an elliptic cavity and a short track beside it, on the fine lattice."""
    x, y, _ = (1e3 * fine_grid().centers()).T
    cavity = (x + 2.0) ** 2 / 5.0**2 + (y - 0.5) ** 2 / 4.0**2 < 1
    track = (x > 4.5) & (x < 8.0) & (np.abs(y + 3.0) < 1.6)
    labels = (cavity + 2 * track).reshape(fine_grid().shape, order="F")
    return Mask(
        labels.astype(np.int32), fine_grid(), dict(enumerate(REGIONS, 1)), Provenance("SIMULATED")
    )


@cache
def chosen_rows() -> tuple[tuple[int, int], ...]:
    """Return the strongest (channel, bin) above the drive frequencies."""
    power = (np.abs(spectra(grid().centers(), DIAMETER, SPREAD)) ** 2).mean(axis=0)
    power[:, : max(CYCLES) + 1] = 0
    best = np.argsort(power, axis=None)[::-1][:ROWS]
    return tuple(sorted((int(b // power.shape[1]), int(b % power.shape[1])) for b in best))


def rows_of(values: Complex) -> Complex:
    """Return the chosen rows (n, row) of spectra (n, channel, bin)."""
    channels, bins = np.array(chosen_rows()).T
    return values[:, channels, bins]


def filled(rows: Complex) -> ArraySpectra:
    """Return rows (n, row) as spectra that hold nothing else."""
    values = np.zeros((len(rows), 2, SAMPLES // 2 + 1), dtype=np.complex128)
    channels, bins = np.array(chosen_rows()).T
    values[:, channels, bins] = rows
    return ArraySpectra(values)


@cache
def row_scale() -> Array:
    """Return the noise of each row (row,) for a relative noise of 1, coloured by row."""
    clean = rows_of(spectra(grid().centers(), DIAMETER, SPREAD))
    power = float(np.sqrt((np.abs(clean) ** 2).mean()))
    return power * (1 + 0.5 * np.sin(np.arange(ROWS)))


def frame_noise(n: int, relative: float, rng: np.random.Generator) -> Complex:
    """Return noise (n, row): independent, and a tenth of its variance common to all rows."""
    alone = rng.standard_normal((2, n, ROWS)) * np.sqrt(0.9 / 2)
    common = rng.standard_normal((2, n, 1)) * np.sqrt(0.1 / 2)
    both = alone + common
    return relative * row_scale() * (both[0] + 1j * both[1])


def calibration(rng: np.random.Generator) -> SystemMatrix:
    """Return a measured calibration of the first tracer."""
    columns = rows_of(spectra(grid().centers(), DIAMETER, SPREAD))
    rows = np.concatenate([columns, np.zeros((40, ROWS))])
    rows = rows + frame_noise(len(rows), CALIBRATION_NOISE, rng)
    return SystemMatrix(
        spectra=filled(rows),
        acquisition=acquisition(),
        is_background=np.arange(len(rows)) >= len(columns),
        grid=grid(),
        name="SIMULATED calibration",
        source="verify_coverage",
        is_simulated=True,
    )


def non_negative(prepared: PreparedMethod, sweeps: int = 60) -> SolveMany:
    """Return what solves for many non-negative images at once: ADMM with one factor."""
    a = stack(prepared.rows.columns)
    gram = a.T @ a
    gram[np.diag_indices_from(gram)] += prepared.extra["lambda_absolute"]
    sizes = np.linalg.eigvalsh(gram)
    price = float(np.sqrt(sizes[0] * sizes[-1]))
    inverse = np.linalg.inv(gram + price * np.eye(len(gram)))

    def solve(signals: Complex) -> Array:
        mixed = stack(signals.T).T @ a @ inverse
        split, dual = np.zeros_like(mixed), np.zeros_like(mixed)
        for _ in range(sweeps):
            x = mixed + (split - dual) @ (price * inverse)
            x = 1.6 * x - 0.6 * split
            split = np.maximum(x + dual, 0)
            dual += x - split
        return split

    return solve


@dataclass(frozen=True)
class Study:
    """A calibration with a linear and a constrained method, each with and without tracer term."""

    methods: dict[str, PreparedImageAmount]
    dropped: dict[str, PreparedImageAmount]


def study(rng: np.random.Generator, sweeps: int = 60) -> Study:
    """Return the methods of one simulated calibration."""
    settings = {
        "background": Background.OWN_MEAN,
        "rows": chosen_rows(),
        "weighting": Weighting.WHITENING,
        "regularization": 0.02,
    }
    matrix = calibration(rng)
    source = Compartments(mask(), REGIONS, texture_lengths=LENGTHS, texture_sizes=SIZES)
    methods, dropped = {}, {}
    for name, kind in (("linear", Tikhonov), ("constrained", Fista)):
        prepared = kind(**settings).prepare(matrix)
        many = non_negative(prepared, sweeps) if name == "constrained" else None
        made = [
            prepare_image_amount(
                prepared, source, rng=rng, doubts=doubts, draws=DRAWS, solve_many=many
            )
            for doubts in (Doubts(variations={"tracer batch": batches(prepared)}), Doubts())
        ]
        methods[name], dropped[name] = made
    return Study(methods, dropped)


def batches(prepared: PreparedMethod) -> Variation:
    """Return what a standard deviation of the batch's diameter and spread does to the columns."""

    def columns(diameter: float = 0.0, spread: float = 0.0) -> Complex:
        rows = spectra(grid().centers(), DIAMETER * (1 + diameter), SPREAD * (1 + spread))
        return rows_of(rows).T * prepared.rows.weights[:, None]

    d, s = BATCH["diameter"], BATCH["spread"]
    return tracer_variation(
        columns(), [columns(d), columns(spread=s)], [columns(-d), columns(spread=-s)]
    )


@dataclass(frozen=True)
class Truth:
    """True totals (scan, region) and clean signals (scan, row)."""

    totals: Array
    signals: Complex


NODES = 5


@cache
def fine_responses() -> tuple[Array, Array, Complex]:
    """Return nodes of diameter and spread (relative changes), and rows (node, node, cell, row)."""
    unit = np.cos(np.pi * (np.arange(NODES) + 0.5) / NODES)
    d, s = 4 * BATCH["diameter"] * unit, 4 * BATCH["spread"] * unit
    places = fine_grid().centers()
    inside = (mask().labels > 0).ravel(order="F")
    values = [
        [rows_of(spectra(places[inside], DIAMETER * (1 + a), SPREAD * (1 + b))) for b in s]
        for a in d
    ]
    return d, s, np.array(values)


def lagrange(nodes: Array, at: Array) -> Array:
    """Return the Lagrange polynomials (n, node) at some places."""
    weights = np.ones((len(at), len(nodes)))
    for j, node in enumerate(nodes):
        for other in np.delete(nodes, j):
            weights[:, j] *= (at - other) / (node - other)
    return weights


def truths(n: int, rng: np.random.Generator) -> Truth:
    """Return `n` textured truths on the fine lattice, each with a tracer batch of its own."""
    inside = mask().labels.ravel(order="F")
    inside = inside[inside > 0]
    places = fine_grid().centers()[(mask().labels > 0).ravel(order="F")]
    amounts = np.zeros((n, len(inside)))
    wanted = np.stack([rng.lognormal(0.0, 0.3, n), rng.lognormal(-1.5, 0.3, n)], axis=1)
    for number in range(len(REGIONS)):
        cells = np.flatnonzero(inside == number + 1)
        apart = ((places[cells, None] - places[None, cells]) ** 2).sum(axis=2)
        which = rng.integers(len(LENGTHS), size=n)
        sd = np.sqrt(np.log1p(rng.choice(SIZES, size=n) ** 2))[:, None]
        field = np.empty((n, len(cells)))
        for k, length in enumerate(LENGTHS):
            factor = np.linalg.cholesky(
                np.exp(-0.5 * apart / length**2) + 1e-8 * np.eye(len(cells))
            )
            field[which == k] = (
                rng.standard_normal((int(np.sum(which == k)), len(cells))) @ factor.T
            )
        even = wanted[:, number, None] / len(cells)
        amounts[:, cells] = even * np.exp(sd * field - sd**2 / 2)
    totals = np.stack([amounts[:, inside == r + 1].sum(axis=1) for r in range(2)], axis=1)
    d, s, responses = fine_responses()
    by_d = lagrange(d, BATCH["diameter"] * rng.standard_normal(n))
    by_s = lagrange(s, BATCH["spread"] * rng.standard_normal(n))
    signals = np.zeros((n, ROWS), dtype=np.complex128)
    for a in range(NODES):
        for b in range(NODES):
            signals += (by_d[:, a] * by_s[:, b])[:, None] * (amounts @ responses[a, b])
    return Truth(totals, signals)


def scan_of(signal: Complex, relative: float, rng: np.random.Generator) -> Scan:
    """Return one scan: empty frames, frames of the object, empty frames, and drift between."""
    n = FULL + 2 * EMPTY
    full = (np.arange(n) >= EMPTY) & (np.arange(n) < EMPTY + FULL)
    rows = frame_noise(n, relative, rng)
    steps = rng.standard_normal((4, ROWS)) * relative * row_scale() * np.sqrt(DRIFT / 4)
    first, second = steps[0] + 1j * steps[1], steps[2] + 1j * steps[3]
    rows[full] += signal + first
    rows[EMPTY + FULL :] += first + second
    return Scan(
        spectra=filled(rows),
        acquisition=acquisition(),
        is_background=~full,
        name="SIMULATED scan",
        source="verify_coverage",
        is_simulated=True,
    )


@dataclass(frozen=True)
class Cell:
    """Coverage of one method at one noise: hits and relative widths for cavity and total."""

    hits: NDArray[np.bool_]
    widths: Array
    bias: Array

    def interval(self, column: int = 0) -> tuple[float, float, float]:
        """Return coverage and its Clopper-Pearson interval."""
        hits, n = int(self.hits[:, column].sum()), len(self.hits)
        found = stats.binomtest(hits, n).proportion_ci(CONFIDENCE, method="exact")
        return hits / n, float(found.low), float(found.high)


def run_cell(
    prepared: PreparedImageAmount, n: int, relative: float, rng: np.random.Generator
) -> Cell:
    """Return the coverage over `n` scans."""
    truth = truths(n, rng)
    hits, widths, bias = [], [], []
    for totals, signal in zip(truth.totals, truth.signals, strict=True):
        amount = prepared.measure(scan_of(signal, relative, rng), rng=rng)
        pairs = ((amount.by_compartment[REGIONS[0]], totals[0]), (amount.estimate, totals.sum()))
        hits.append([estimate.covers(true) for estimate, true in pairs])
        widths.append([(estimate.upper - estimate.lower) / true for estimate, true in pairs])
        bias.append([estimate.value / true - 1 for estimate, true in pairs])
    return Cell(np.array(hits), np.array(widths), np.array(bias))


def report(title: str, cell: Cell) -> bool:
    """Print one cell; tell whether the coverage of the cavity's amount is as allowed."""
    good = True
    for column, name in enumerate(("cavity", "total")):
        coverage, low, high = cell.interval(column)
        inside = ALLOWED[0] <= low and high <= ALLOWED[1]
        good &= inside
        median, tall = np.median(cell.widths[:, column]), np.quantile(cell.widths[:, column], 0.9)
        sys.stdout.write(
            f"{title:38s} {name:7s} {100 * coverage:5.2f} % ({100 * low:.2f} to {100 * high:.2f})"
            f"  {'within' if inside else 'OUTSIDE'}  width {100 * median:5.1f} %, 90th percentile "
            f"{100 * tall:5.1f} %  bias {100 * cell.bias[:, column].mean():+.1f} %\n"
        )
    sys.stdout.flush()
    return good


def main() -> int:
    """Run the study; 0 if every cell's interval lies within 93 to 97 %."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 4000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    made = study(named_generator(seed, "coverage", "calibration"))
    good = True
    sys.stdout.write(f"SIMULATED, {n} scans a cell, 95 % intervals, relative widths of them\n")
    for noise, relative in NOISE.items():
        for name, prepared in made.methods.items():
            rng = named_generator(seed, "coverage", noise, name)
            good &= report(f"{noise}, {name}", run_cell(prepared, n, relative, rng))
    for name, prepared in made.dropped.items():
        rng = named_generator(seed, "coverage", "dropped", name)
        cell = run_cell(prepared, max(n // 8, 100), NOISE["low noise"], rng)
        report(f"low noise, {name}, tracer term dropped", cell)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
