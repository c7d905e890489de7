"""Magnetic Particle Imaging Data Format 2.1 (HDF5): scans and calibrations.

Strict in writing, tolerant in reading. Files are parsed in a child process with bounded memory
and time; opening one loads no spectra.

References
----------
Knopp et al., MDF: Magnetic Particle Imaging Data Format, arXiv:1602.06072, version 2.1.0.
"""

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sojourn.core.formats import Format
from sojourn.core.signals import Acquisition, Scan, SystemMatrix
from sojourn.formats import _mdf_acquisition as acquisition
from sojourn.formats._isolation import Limits
from sojourn.formats._mdf_calibration import read_grid, read_snr
from sojourn.formats._mdf_data import DATA, Layout, read_layout
from sojourn.formats._mdf_describe import ChannelSummary, MdfInfo, describe
from sojourn.formats._mdf_header import MdfHeader, MdfTracer
from sojourn.formats._mdf_spectra import FileSpectra
from sojourn.formats._mdf_tree import Tree, open_tree
from sojourn.formats._mdf_write import MdfLayout, write_calibration, write_measurement

__all__ = [
    "FORMAT",
    "ChannelSummary",
    "Limits",
    "MdfHeader",
    "MdfInfo",
    "MdfLayout",
    "MdfTracer",
    "describe_mdf",
    "read_mdf",
    "read_scan",
    "read_system_matrix",
    "read_transfer_function",
    "write_mdf",
    "write_scan",
    "write_system_matrix",
]

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
SCAN_LAYOUT = MdfLayout()
MATRIX_LAYOUT = MdfLayout(fast_frame_axis=True)
LIMITS = Limits()


def describe_mdf(path: Path, *, limits: Limits = LIMITS) -> MdfInfo:
    """Return what an MDF file holds, lacks and does otherwise than MDF 2.1.0.

    Works on measurements, calibrations, files of metadata only, version 2.0 and, as far as
    their names agree, other versions and multi-patch files. Loads no spectra but those of small
    files (64 MiB a channel), for their noise.

    Raises
    ------
    DataError
        if the file cannot be opened, is not HDF5, reaches outside itself, or exceeds `limits`.
    """
    return describe(open_tree(Path(path), limits=limits))


def read_scan(path: Path, *, limits: Limits = LIMITS) -> Scan:
    """Return the measurement in an MDF file; its spectra stay there until they are asked for.

    Frames come in the order of acquisition. A transfer function in the file is not applied; a
    gradient that is not stated stays unknown; `metadata["notes"]` says so.

    Parameters
    ----------
    path
        an MDF file of version 2, single patch, with `/measurement`.
    limits
        memory and time for parsing, each request.

    Raises
    ------
    DataError
        naming file, dataset, what was found and what was expected; NaN or infinity among the
        data are found when their rows are read.
    """
    tree, taken, layout = _open(path, limits)
    notes = acquisition.statements(tree, taken.gradient)
    spectra = FileSpectra(tree.path, tree.stamp, limits, layout, taken.n_samples)
    return Scan(
        spectra=spectra,
        acquisition=taken,
        is_background=layout.is_background[layout.order],
        name=tree.name,
        source=_digest(tree.path),
        is_simulated=_is_simulated(tree),
        is_background_corrected=tree.flag("/measurement/isBackgroundCorrected"),
        metadata=acquisition.read_metadata(tree, notes),
    )


def read_system_matrix(path: Path, *, limits: Limits = LIMITS) -> SystemMatrix:
    """Return the calibration in an MDF file; its spectra stay there until they are asked for.

    Voxels come x fastest, then y, then z. A frame permutation is undone where that keeps the
    voxels in order, so that background frames stand where they were taken. `sample_iron` is
    tracer concentration (mol(Fe)/L) x `/tracer/volume` x 55.845 g/mol, or, without a volume, the
    box of `/calibration/deltaSampleSize`. The scanner's axes are taken as LPS.

    Parameters
    ----------
    path
        an MDF file of version 2, single patch, with `/measurement` and `/calibration`.
    limits
        memory and time for parsing, each request.

    Raises
    ------
    DataError
        naming file, dataset, what was found and what was expected.
    """
    tree, taken, layout = _open(path, limits)
    if not tree.has("/calibration"):
        raise tree.error("/calibration", "missing", "a calibration; read_scan reads measurements")
    layout = _in_voxel_order(layout)
    background = layout.is_background[layout.order]
    iron, origin = acquisition.sample_iron(tree)
    notes = [*acquisition.statements(tree, taken.gradient), origin]
    return SystemMatrix(
        spectra=FileSpectra(tree.path, tree.stamp, limits, layout, taken.n_samples),
        acquisition=taken,
        is_background=background,
        grid=read_grid(tree, int(np.sum(~background))),
        name=tree.name,
        source=_digest(tree.path),
        snr=read_snr(tree, layout, taken.n_channels, taken.n_bins),
        sample_iron=iron,
        is_simulated=_is_simulated(tree),
        is_background_corrected=tree.flag("/measurement/isBackgroundCorrected"),
        metadata=acquisition.read_metadata(tree, notes),
    )


def read_mdf(path: Path) -> Scan | SystemMatrix:
    """Return the calibration in an MDF file if it holds one, else its measurement.

    Raises
    ------
    DataError
        as `read_scan` and `read_system_matrix`.
    """
    is_calibration = open_tree(Path(path), limits=LIMITS).has("/calibration")
    return read_system_matrix(path) if is_calibration else read_scan(path)


def read_transfer_function(path: Path, *, limits: Limits = LIMITS) -> NDArray[np.complex128] | None:
    """Return the receive chain's transfer function (channel, bin), or None where there is none.

    Nothing here applies it: scan and system matrix of one scanner share it, and applying it to
    one of them alone inverts images.
    """
    return acquisition.read_transfer_function(open_tree(Path(path), limits=limits))


def write_scan(
    path: Path, scan: Scan, header: MdfHeader, *, layout: MdfLayout = SCAN_LAYOUT
) -> None:
    """Write a measurement as strict MDF 2.1.0, whole or not at all.

    Equal arguments give equal bytes: ids and times come from `header`, the start of the scan
    from `scan.acquisition.start_time`.

    Raises
    ------
    DataError
        if the scan cannot be said in MDF 2.1.0, or holds NaN or infinity.
    """
    write_measurement(Path(path), scan, header, layout)


def write_system_matrix(
    path: Path,
    matrix: SystemMatrix,
    header: MdfHeader,
    *,
    method: str = "robot",
    layout: MdfLayout = MATRIX_LAYOUT,
    delta_sample_size: tuple[float, float, float] | None = None,
) -> None:
    """Write a calibration as strict MDF 2.1.0, whole or not at all.

    Parameters
    ----------
    path
        where to; an existing file is replaced.
    matrix
        on a grid along the axes. Background frames are stored last, with a frame permutation
        where they stood elsewhere.
    header
        ids, times and texts; its tracer must hold `matrix.sample_iron`.
    method
        robot, hybrid or simulation.
    layout
        how the data are stored; by default all bins in the Fourier domain, frames last.
    delta_sample_size
        edge lengths of the calibration sample, m.

    Raises
    ------
    DataError
        if the matrix cannot be said in MDF 2.1.0, or holds NaN or infinity.
    """
    write_calibration(
        Path(path), matrix, header, layout, method=method, delta_sample_size=delta_sample_size
    )


def write_mdf(path: Path, value: Scan | SystemMatrix, header: MdfHeader) -> None:
    """Write a scan or a system matrix in its usual layout."""
    if isinstance(value, SystemMatrix):
        write_system_matrix(path, value, header)
    else:
        write_scan(path, value, header)


def _open(path: Path, limits: Limits) -> tuple[Tree, Acquisition, Layout]:
    tree = open_tree(Path(path), limits=limits)
    acquisition.check_version(tree)
    if DATA not in tree.items:
        raise tree.error(DATA, "missing", "measured data; the file holds metadata only")
    taken = acquisition.read_acquisition(tree)
    return tree, taken, read_layout(tree, taken)


def _in_voxel_order(layout: Layout) -> Layout:
    """Return the layout with frames as stored, unless undoing the permutation keeps voxels."""
    voxels = layout.order[~layout.is_background[layout.order]]
    if np.all(np.diff(voxels) > 0):
        return layout
    return layout.as_stored()


def _is_simulated(tree: Tree) -> bool:
    return tree.flag("/experiment/isSimulation")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sniff(head: bytes) -> bool:
    return head.startswith(HDF5_SIGNATURE)


FORMAT = Format(
    label="MDF 2.1, Magnetic Particle Imaging Data Format",
    suffixes=(".mdf",),
    sniff=_sniff,
    read=read_mdf,
    write=write_mdf,
)
