"""What each choice of preprocessing does to real scans: tables for a person to read.

Run `python verify/verify_preprocessing.py SHARED`, SHARED the folder that holds `data/mpi`. The
Hamburg head scanner of 2018: run A's centre line (harmonics 2 to 10) is the calibration, with the
empty rows of all three lines; run B's nine positions are the scans. Every scan holds one sample, so
that a sum of 1 is the truth. Nothing is asserted.
"""

import sys
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import head_scanner
import synthetic_mpi
from sojourn.core.errors import DataError
from sojourn.core.images import SampleMap
from sojourn.core.signals import DriveField, SystemMatrix
from sojourn.reconstruction._leakage import fold_frames
from sojourn.reconstruction._mixing import mixing_orders
from sojourn.reconstruction._regularization import decompose_rows
from sojourn.reconstruction._transfer import NEAR_ZERO
from sojourn.reconstruction.kaczmarz import Kaczmarz

WEIGHTINGS = ("none", "whitening", "row_norm")
RULES = ("discrepancy", "l_curve", "gcv")
PLACES = range(9)
MIDDLE = 4


def say(text: str) -> None:
    """Write one line."""
    sys.stdout.write(text + "\n")


def images(shared: Path, matrix: SystemMatrix, **settings: float | str) -> list[SampleMap]:
    """Return the images of run B's nine positions."""
    chosen = {"background": "own_mean", "iterations": 100, "regularization": 1e-2, **settings}
    prepared = Kaczmarz(bins=head_scanner.HARMONICS, **chosen).prepare(matrix)
    return [
        prepared.reconstruct_relative(head_scanner.line_scan(shared, "B", 1, place))
        for place in PLACES
    ]


def row(name: str, shared: Path, matrix: SystemMatrix, **settings: float | str) -> None:
    """Print sums of the nine images, how many have their maximum at the place, and lambda."""
    try:
        made = images(shared, matrix, **settings)
    except DataError as error:
        say(f"  {name:34s} refused: {str(error)[:90]}")
        return
    sums = [float(image.values.sum()) for image in made]
    found_at = [int(np.argmax(image.values)) for image in made]
    hits = sum(at == place for at, place in zip(found_at, PLACES, strict=True))
    error = np.sqrt(np.mean([(total - 1) ** 2 for total in sums]))
    found = [image.provenance.parameters.get("regularization_found") for image in made]
    lambdas = "" if found[0] is None else f"  lambda {min(found):.1e} to {max(found):.1e}"
    say(
        f"  {name:34s} x = 156 mm {sums[MIDDLE]:.3f}   all {min(sums):.2f} to {max(sums):.2f}"
        f"   rms error {error:.3f}   places {hits}/9{lambdas}"
    )


def head_scanner_tables(shared: Path) -> None:
    """Print sums by background, weighting, dictionary and rule."""
    matrix = head_scanner.line_matrix(shared, "A", empty_lines=(0, 1, 2))
    say("background and dictionary (lambda 1e-2, 100 sweeps)")
    row("own_mean", shared, matrix)
    row("none", shared, matrix, background="none")
    for size in (1, 2, 3):
        row(f"none, dictionary {size}", shared, matrix, background="none", dictionary_size=size)
    for penalty in (1e-2, 1e-4):
        row(
            f"none, dictionary 2, beta {penalty:g}",
            shared,
            matrix,
            background="none",
            dictionary_size=2,
            dictionary_penalty=penalty,
        )
    row("own_mean, dictionary 2", shared, matrix, dictionary_size=2)
    for weighting in WEIGHTINGS:
        say(f"weighting {weighting}")
        row("lambda 1e-2", shared, matrix, weighting=weighting)
        for rule in RULES:
            row(rule, shared, matrix, weighting=weighting, regularization=rule)
    say("condition of the real problem by weighting")
    for weighting in WEIGHTINGS:
        settings = Kaczmarz(background="own_mean", weighting=weighting, bins=head_scanner.HARMONICS)
        rows = settings.prepare(matrix).rows
        values = decompose_rows(rows.columns, 1.0).values
        say(f"  {weighting:10s} {values[0] / values[-1]:.0f}   weights {weights(rows.weights)}")


def weights(values: NDArray[np.float64]) -> str:
    """Return weights relative to the largest."""
    return " ".join(f"{value:.2f}" for value in values / values.max())


def leakage_table() -> None:
    """Print what the window leaves of a periodic signal and of interference between bins."""
    say("spectral leakage: largest change of a periodic signal, relative to its maximum")
    for n_samples in (152, 1632, 53856):
        period = np.ones(n_samples)  # the most that a window can change, relative to the maximum
        inner, end = fold_frames(np.tile(period, (3, 1)))[[1, 0]]
        change = [np.abs(each - period).max() / np.abs(period).max() for each in (inner, end)]
        say(f"  {n_samples:6d} samples: {change[0]:.1e} inside, {change[1]:.1e} at the ends")


def transfer_table(shared: Path) -> None:
    """Print how much of each measured receive chain lies below the least gain."""
    say(f"measured receive chains: points below {NEAR_ZERO:g} of the channel's best")
    for path in sorted((shared / "data" / "mpi" / "transfer-functions").glob("*.h5")):
        with h5py.File(path) as file:
            values, frequencies = file["transferFunction"][()], file["frequencies"][()]
        if values.dtype.names:
            real, imaginary = values.dtype.names
            values = values[real] + 1j * values[imaginary]
        elif values.ndim == 3:
            values = values[..., 0] + 1j * values[..., 1]
        for channel, magnitude in enumerate(np.abs(values)):
            weak = magnitude <= NEAR_ZERO * magnitude.max()
            where = f", up to {frequencies[weak].max():.0f} Hz" if weak.any() else ""
            say(f"  {path.name} channel {channel}: {weak.sum()} of {len(weak)}{where}")


def mixing_table() -> None:
    """Print how many bins of the preclinical sequence each bound of the mixing order keeps."""
    divider = np.array([[102], [96], [99]])
    drive = DriveField(
        2.5e6, divider, np.full((3, 1), 0.012), np.zeros((3, 1)), cycle=53856 / 2.5e6
    )
    orders = mixing_orders(
        synthetic_mpi.acquisition(53856, drive_field=drive, bandwidth=1.25e6, n_channels=3)
    )
    kept = ", ".join(f"{n}: {int((orders <= n).sum())}" for n in (5, 10, 15, 20, 25, 30))
    say(f"mixing order, dividers 102, 96, 99: bins of {len(orders)} kept by bound {kept}")


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    head_scanner_tables(folder)
    leakage_table()
    transfer_table(folder)
    mixing_table()
