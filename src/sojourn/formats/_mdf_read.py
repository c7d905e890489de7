"""Scans and calibrations of MDF files, their spectra left in the file."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sojourn.core.arrays import frozen
from sojourn.core.errors import DataError
from sojourn.core.signals import Acquisition, Scan, SystemMatrix, TransferFunction
from sojourn.formats import _mdf_acquisition as acquisition
from sojourn.formats import _mdf_receiver as receiver
from sojourn.formats._isolation import Limits
from sojourn.formats._mdf_calibration import read_grid, read_snr, voxel_order
from sojourn.formats._mdf_data import Layout, read_layout
from sojourn.formats._mdf_legacy import DATA
from sojourn.formats._mdf_spectra import FileSpectra
from sojourn.formats._mdf_tree import Tree, open_tree

LIMITS = Limits()
MAX_PERIODS = 1 << 12


@dataclass(frozen=True, slots=True, eq=False)
class CalibrationPoints:
    """A calibration on no regular grid: what its sample gave at each point.

    Foreground frames of `scan` come in the order of the points. `positions` (O, 3), in m, are
    where the sample stood; `offset_fields` (O, 3), in T (times 1/mu0), are fields that stood for
    positions, as in a spectrometer. At least one of both is known. `snr` (channel, bin) and
    `sample_iron` (kg) are those of `SystemMatrix`.
    """

    scan: Scan
    positions: NDArray[np.float64] | None = None
    offset_fields: NDArray[np.float64] | None = None
    snr: NDArray[np.float64] | None = None
    sample_iron: float | None = None
    method: str = "robot"

    def __post_init__(self) -> None:
        n_points = int(np.sum(~self.scan.is_background))
        if self.positions is None and self.offset_fields is None:
            raise DataError(f"{self.scan.name}: calibration points need positions or offset fields")
        for name in ("positions", "offset_fields"):
            values = getattr(self, name)
            if values is None:
                continue
            if values.shape != (n_points, 3) or not np.isfinite(values).all():
                raise DataError(
                    f"{self.scan.name}: {name} of shape {values.shape}; expected finite numbers "
                    f"of shape {(n_points, 3)}, one row for each foreground frame"
                )
            object.__setattr__(self, name, frozen(values.astype(np.float64)))


def read_scan(path: Path, *, limits: Limits = LIMITS) -> Scan:
    """Return the measurement in an MDF file; its spectra stay there until they are asked for.

    Frames come in the order of acquisition. A transfer function in the file is not applied; a
    gradient that is not stated stays unknown; `metadata["notes"]` says so.

    Parameters
    ----------
    path
        an MDF file of version 2 or 1, single patch, with `/measurement`.
    limits
        memory and time for parsing, each request.

    Raises
    ------
    DataError
        naming file, dataset, what was found and what was expected; NaN or infinity among the
        data are found when their rows are read.
    """
    opened = _open(path, limits, for_patches="read_patches")
    return _scan(opened, 0)


def read_patches(path: Path, *, limits: Limits = LIMITS) -> tuple[Scan, ...]:
    """Return the measurement in an MDF file, one scan for each period (patch) of its frames.

    The patches differ in gradient, offset field and drive field; `metadata["patch"]` counts them
    from 0. A file of one patch gives one scan, that of `read_scan`.

    Raises
    ------
    DataError
        as `read_scan`.
    """
    opened = _open(path, limits)
    return tuple(_scan(opened, period) for period in range(_n_periods(opened.tree)))


def read_system_matrix(path: Path, *, limits: Limits = LIMITS) -> SystemMatrix:
    """Return the calibration in an MDF file; its spectra stay there until they are asked for.

    Voxels come x fastest, then y, then z, in whatever order the file keeps them. A frame
    permutation is undone where that keeps the voxels in order, so that background frames stand
    where they were taken. `sample_iron` is tracer concentration (mol(Fe)/L) x `/tracer/volume` x
    55.845 g/mol, or, without a volume, the box of `/calibration/deltaSampleSize`. The scanner's
    axes are taken as LPS. A sparsity transformation is undone as rows are read.

    Parameters
    ----------
    path
        an MDF file of version 2 or 1, single patch, with `/measurement` and `/calibration`.
    limits
        memory and time for parsing, each request.

    Raises
    ------
    DataError
        naming file, dataset, what was found and what was expected.
    """
    opened = _open(path, limits, for_patches="read_patch_matrices")
    return _matrix(opened, 0)


def read_patch_matrices(path: Path, *, limits: Limits = LIMITS) -> tuple[SystemMatrix, ...]:
    """Return the calibration in an MDF file, one for each period (patch) of its frames.

    Raises
    ------
    DataError
        as `read_system_matrix`.
    """
    opened = _open(path, limits)
    return tuple(_matrix(opened, period) for period in range(_n_periods(opened.tree)))


def read_calibration_points(path: Path, *, limits: Limits = LIMITS) -> CalibrationPoints:
    """Return a calibration whose points lie on no regular grid, or are emulated by fields.

    Raises
    ------
    DataError
        if the file states neither `/calibration/positions` nor `/calibration/offsetFields`, or
        as `read_scan`.
    """
    opened = _open(path, limits, for_patches="read_patch_matrices")
    tree = opened.tree
    _check_calibration(tree)
    n_points = int(np.sum(~opened.layout.is_background))
    found = {
        key: tree.array(name, (n_points, 3)) if name in tree.items else None
        for key, name in (
            ("positions", "/calibration/positions"),
            ("offset_fields", "/calibration/offsetFields"),
        )
    }
    if found["positions"] is None and found["offset_fields"] is None:
        raise tree.error("/calibration/positions", "missing", "positions, or offsetFields")
    layout = _in_voxel_order(opened.layout)
    return CalibrationPoints(
        scan=_scan(_Opened(tree, opened.taken, layout, opened.source, opened.limits), 0),
        positions=found["positions"],
        offset_fields=found["offset_fields"],
        snr=read_snr(tree, layout, opened.taken.n_channels, opened.taken.n_bins),
        sample_iron=acquisition.sample_iron(tree)[0],
        method=tree.text("/calibration/method", "robot"),
    )


def read_transfer_function(path: Path, *, limits: Limits = LIMITS) -> TransferFunction | None:
    """Return the receive chain's transfer function in an MDF file, or None where there is none.

    Nothing here applies it: scan and system matrix of one scanner share it, and applying it to
    one of them alone inverts images.
    """
    tree = open_tree(Path(path), limits=limits)
    return receiver.read_transfer_function(tree)[0]


@dataclass(frozen=True, slots=True, eq=False)
class _Opened:
    """An MDF file with its first period's acquisition and layout, and its digest."""

    tree: Tree
    taken: Acquisition
    layout: Layout
    source: str
    limits: Limits

    def spectra(self, layout: Layout) -> FileSpectra:
        return FileSpectra(
            self.tree.path, self.tree.stamp, self.limits, layout, self.taken.n_samples
        )


def _open(path: Path, limits: Limits, *, for_patches: str = "") -> _Opened:
    """Open a file; where it holds several patches, refuse it and name the reader for them."""
    tree = open_tree(Path(path), limits=limits)
    acquisition.check_version(tree)
    if for_patches:
        _check_single(tree, for_patches)
    if DATA not in tree.items:
        raise tree.error(DATA, "missing", "measured data; the file holds metadata only")
    taken = acquisition.read_acquisition(tree)
    return _Opened(tree, taken, read_layout(tree, taken), digest(tree.path), limits)


def _n_periods(tree: Tree) -> int:
    name = "/acquisition/numPeriodsPerFrame"
    if (n := tree.integer(name, least=1)) > MAX_PERIODS:
        raise tree.error(name, n, f"at most {MAX_PERIODS}")
    return n


def _check_single(tree: Tree, reader: str) -> None:
    """Refuse files with several periods (patches) per frame."""
    name = "/acquisition/numPeriodsPerFrame"
    if (n := tree.integer(name, least=1)) != 1:
        raise tree.error(name, n, f"1; {reader} reads a file of several patches")


def _check_calibration(tree: Tree) -> None:
    if not tree.has("/calibration"):
        raise tree.error("/calibration", "missing", "a calibration; read_scan reads measurements")


def _of_period(opened: _Opened, period: int) -> Acquisition:
    return acquisition.read_acquisition(opened.tree, period) if period else opened.taken


def _metadata(opened: _Opened, taken: Acquisition, period: int, *more: str) -> dict[str, str]:
    notes = [
        *acquisition.statements(opened.tree, taken),
        *opened.layout.notes(taken.n_samples),
        *more,
    ]
    found = acquisition.read_metadata(opened.tree, notes)
    if _n_periods(opened.tree) > 1:
        found["patch"] = str(period)
    return found


def _name(opened: _Opened, period: int) -> str:
    is_single = _n_periods(opened.tree) == 1
    return opened.tree.name if is_single else f"{opened.tree.name}, patch {period}"


def _scan(opened: _Opened, period: int) -> Scan:
    tree, layout = opened.tree, opened.layout.of_period(period)
    taken = _of_period(opened, period)
    return Scan(
        spectra=opened.spectra(layout),
        acquisition=taken,
        is_background=layout.is_background[layout.order],
        name=_name(opened, period),
        source=opened.source,
        is_simulated=_is_simulated(tree),
        is_background_corrected=tree.flag("/measurement/isBackgroundCorrected"),
        metadata=_metadata(opened, taken, period),
    )


def _matrix(opened: _Opened, period: int) -> SystemMatrix:
    tree, taken = opened.tree, _of_period(opened, period)
    _check_calibration(tree)
    grid = read_grid(tree, int(np.sum(~opened.layout.is_background)))
    layout = _in_grid_order(tree, opened.layout.of_period(period), grid.shape)
    iron, origin = acquisition.sample_iron(tree)
    return SystemMatrix(
        spectra=opened.spectra(layout),
        acquisition=taken,
        is_background=layout.is_background[layout.order],
        grid=grid,
        name=_name(opened, period),
        source=opened.source,
        snr=read_snr(tree, layout, taken.n_channels, taken.n_bins),
        sample_iron=iron,
        is_simulated=_is_simulated(tree),
        is_background_corrected=tree.flag("/measurement/isBackgroundCorrected"),
        metadata=_metadata(opened, taken, period, origin),
        measured_at=_measured_at(opened.layout, layout),
    )


def _measured_at(original: Layout, layout: Layout) -> NDArray[np.int64] | None:
    """Return each frame's place in the order of measurement; None where that is its own."""
    places = np.argsort(original.order)[layout.order].astype(np.int64)
    return None if np.array_equal(places, np.arange(len(places))) else places


def _in_voxel_order(layout: Layout) -> Layout:
    """Return the layout with frames as stored, unless undoing the permutation keeps voxels."""
    voxels = layout.order[~layout.is_background[layout.order]]
    if np.all(np.diff(voxels) > 0):
        return layout
    return layout.as_stored()


def _in_grid_order(tree: Tree, layout: Layout, size: tuple[int, ...]) -> Layout:
    """Return the layout with voxels x fastest, whatever order the file keeps."""
    if tree.text("/calibration/order", "xyz") == "xyz":
        return _in_voxel_order(layout)
    if layout.dct:
        raise tree.error(
            "/calibration/order",
            repr(tree.text("/calibration/order")),
            "xyz for sparsity-transformed data, whose axes would be ambiguous",
        )
    stored = np.flatnonzero(~layout.is_background)
    background = np.flatnonzero(layout.is_background)
    return layout.in_order(np.concatenate([stored[voxel_order(tree, size)], background]))


def _is_simulated(tree: Tree) -> bool:
    return tree.flag("/experiment/isSimulation")


def digest(path: Path) -> str:
    """Return the file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
