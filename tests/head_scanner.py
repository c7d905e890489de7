"""The Hamburg head-scanner calibration of 2018 as scans and system matrices, for tests.

Layout and licence: `mpi/SOURCES.md` of the shared data. Each run holds three lines of ten
rows: row 0 of a line has the sample parked outside (background), rows 1..9 have it at
x = 116..196 mm. Robot coordinates stand in for LPS. Every value stays outside the repository.
"""

import hashlib
from pathlib import Path

import h5py
import numpy as np

from sojourn.core.geometry import Grid
from sojourn.core.signals import Acquisition, ArraySpectra, DriveField, Scan, SystemMatrix

FILES = {"A": "runA_systemMatrixNew.h5", "B": "runB_systemMatrixNew.h5"}
POSITIONS = 9
LINES = 3
CENTER_LINE = 1
SAMPLES = 152
VOLTS_PER_COUNT, VOLTS_OFFSET = 1.2957305e-4, 0.015548877
HARMONICS = tuple(range(2, 11))
SPACING = 0.010
Y = (-0.0212, -0.0112, -0.0012)


def folder(shared: Path) -> Path:
    return shared / "data" / "mpi" / "head-scanner-2018"


def counts(shared: Path, run: str) -> np.ndarray:
    """Return the raw ADC counts of a run, axes (line, row, sample); row 0 is background."""
    with h5py.File(folder(shared) / FILES[run]) as file:
        return file["matrix"][()].reshape(LINES, POSITIONS + 1, SAMPLES)


def source(shared: Path, run: str, *rest: object) -> str:
    """Return a digest of the run's file and of what was taken from it."""
    data = (folder(shared) / FILES[run]).read_bytes()
    return hashlib.sha256(data + repr(rest).encode()).hexdigest()


def acquisition() -> Acquisition:
    """Return how both runs were taken; the file states no gradient."""
    drive = DriveField(
        base_frequency=125e6,
        divider=np.array([[4864]]),
        strength=np.array([[5e-3]]),
        phase=np.array([[0.0]]),
        cycle=4864 / 125e6,
    )
    return Acquisition(
        drive_field=drive,
        n_channels=1,
        n_samples=SAMPLES,
        bandwidth=1.953125e6,
        unit="V",
        n_averages=1000,
        start_time="2018-04-19T09:49:08.814",
    )


def spectra(rows: np.ndarray) -> ArraySpectra:
    """Return the spectra of raw rows (frame, sample), converted to volts."""
    volts = VOLTS_PER_COUNT * rows + VOLTS_OFFSET
    return ArraySpectra(np.fft.rfft(volts, axis=-1)[:, None, :])


def grid(n_lines: int = 1, line: int = CENTER_LINE) -> Grid:
    """Return the positions of one line (9, 1, 1) or of all (9, 3, 1)."""
    y = Y[line] if n_lines == 1 else Y[CENTER_LINE]
    return Grid.centered((POSITIONS, n_lines, 1), (SPACING, SPACING, 0.001), (0.156, y, 0.071))


def line_matrix(
    shared: Path,
    run: str,
    line: int = CENTER_LINE,
    *,
    background_line: int | None = None,
    empty_lines: tuple[int, ...] = (),
) -> SystemMatrix:
    """Return one line as a 9 x 1 x 1 system matrix; its background frame (last) is its own row 0.

    `background_line` takes row 0 of another line of the same run instead, `empty_lines` those of
    several.
    """
    rows = counts(shared, run)
    lines = empty_lines or (line if background_line is None else background_line,)
    return SystemMatrix(
        spectra=spectra(np.concatenate([rows[line, 1:], rows[list(lines), 0]])),
        acquisition=acquisition(),
        is_background=np.arange(POSITIONS + len(lines)) >= POSITIONS,
        grid=grid(line=line),
        name=f"head-scanner run {run} line {line}",
        source=source(shared, run, "matrix", line, background_line, *empty_lines),
    )


def whole_matrix(shared: Path, run: str) -> SystemMatrix:
    """Return all lines as a 9 x 3 x 1 system matrix, backgrounds where they were taken."""
    rows = counts(shared, run)
    return SystemMatrix(
        spectra=spectra(rows.reshape(-1, SAMPLES)),
        acquisition=acquisition(),
        is_background=np.tile(np.arange(POSITIONS + 1) == 0, LINES),
        grid=grid(LINES),
        name=f"head-scanner run {run}",
        source=source(shared, run, "matrix"),
    )


def line_scan(
    shared: Path,
    run: str,
    line: int,
    position: int,
    *,
    background_run: str | None = None,
    background_line: int | None = None,
) -> Scan:
    """Return the sample at one `position` (0..8) of a line, then its own row 0 as background.

    `background_run` and `background_line` take row 0 of another run or line instead.
    """
    rows = counts(shared, run)
    empty_line = line if background_line is None else background_line
    empty = counts(shared, background_run or run)[empty_line, :1]
    return Scan(
        spectra=spectra(np.concatenate([rows[line, position + 1 : position + 2], empty])),
        acquisition=acquisition(),
        is_background=np.array([False, True]),
        name=f"head-scanner run {run} line {line} position {position}",
        source=source(shared, run, "scan", line, position, background_run, empty_line),
    )


def empty_scan(shared: Path, run: str, line: int) -> Scan:
    """Return row 0 of a line as a scan of the empty bore."""
    return Scan(
        spectra=spectra(counts(shared, run)[line, :1]),
        acquisition=acquisition(),
        is_background=np.array([True]),
        name=f"head-scanner run {run} line {line} empty",
        source=source(shared, run, "empty", line),
    )
