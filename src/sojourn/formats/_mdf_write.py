"""Strict MDF 2.1.0 files; equal input gives equal bytes."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.core.signals import Scan, SystemMatrix
from sojourn.formats._mdf_acquisition import RELATIVE_TOLERANCE
from sojourn.formats._mdf_content import (
    acquisition_datasets,
    chosen_bins,
    grid_datasets,
    measurement_datasets,
)
from sojourn.formats._mdf_header import MdfHeader, flat_extensions, header_datasets
from sojourn.formats._mdf_options import MdfLayout
from sojourn.formats._mdf_put import Content, write_file
from sojourn.formats._mdf_read import CalibrationPoints

SCAN_LAYOUT = MdfLayout()
MATRIX_LAYOUT = MdfLayout(fast_frame_axis=True)
Edges = tuple[float, float, float]


def write_scan(
    path: Path, scan: Scan, header: MdfHeader, *, layout: MdfLayout = SCAN_LAYOUT
) -> None:
    """Write a measurement as strict MDF 2.1.0, whole or not at all.

    Equal arguments give equal bytes: ids and times come from `header`, the start of the scan
    from `scan.acquisition.start_time`. Spectra are asked for in parts of some MiB, so that a
    scan larger than memory can be written.

    Raises
    ------
    DataError
        if the scan cannot be said in MDF 2.1.0, or holds NaN or infinity.
    """
    write_patches(path, (scan,), header, layout=layout)


def write_patches(
    path: Path, scans: Sequence[Scan], header: MdfHeader, *, layout: MdfLayout = SCAN_LAYOUT
) -> None:
    """Write a measurement of several patches as strict MDF 2.1.0: one scan for each period.

    Raises
    ------
    DataError
        as `write_scan`; if the scans differ in more than gradient, offset field and drive
        strength and phase.
    """
    _check_patches(scans)
    _check_sparsity(layout, "a measurement")
    order = np.arange(scans[0].spectra.shape[0])
    content = Content(scans, layout, chosen_bins(scans[0], layout), order)
    _write(path, header, content, {})


def write_system_matrix(
    path: Path,
    matrix: SystemMatrix,
    header: MdfHeader,
    *,
    method: str = "robot",
    layout: MdfLayout = MATRIX_LAYOUT,
    delta_sample_size: Edges | None = None,
) -> None:
    """Write a calibration as strict MDF 2.1.0, whole or not at all.

    Spectra are asked for in parts of some MiB, so that a calibration larger than memory can be
    written.

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
        how the data are stored; by default all bins in the Fourier domain, frames last. Its
        `sparsity` compresses the calibration, with loss.
    delta_sample_size
        edge lengths of the calibration sample, m.

    Raises
    ------
    DataError
        if the matrix cannot be said in MDF 2.1.0, or holds NaN or infinity.
    """
    write_patch_matrices(
        path,
        (matrix,),
        header,
        method=method,
        layout=layout,
        delta_sample_size=delta_sample_size,
    )


def write_patch_matrices(
    path: Path,
    matrices: Sequence[SystemMatrix],
    header: MdfHeader,
    *,
    method: str = "robot",
    layout: MdfLayout = MATRIX_LAYOUT,
    delta_sample_size: Edges | None = None,
) -> None:
    """Write a calibration of several patches as strict MDF 2.1.0: one matrix for each period.

    Raises
    ------
    DataError
        as `write_system_matrix`; if the matrices differ in grid, background frames, or more than
        gradient, offset field and drive strength and phase.
    """
    _check_patches(matrices)
    first = matrices[0]
    for matrix in matrices:
        if not matrix.grid.is_same_as(first.grid):
            raise DataError(f"{matrix.name} and {first.name} have different grids")
        if (matrix.snr is None) != (first.snr is None):
            raise DataError(f"of {matrix.name} and {first.name}, one has an SNR; state all or none")
        _check_sample(matrix, header)
    sparsity = layout.sparsity
    if sparsity is not None and sparsity.n_coefficients > first.grid.n_voxels:
        raise DataError(
            f"{sparsity.n_coefficients} coefficients of {first.grid.n_voxels} voxels are more than "
            "there are"
        )
    bins = chosen_bins(first, layout)
    found = {"method": method, **grid_datasets(first.grid, first.name)}
    if delta_sample_size is not None:
        found["deltaSampleSize"] = np.array(delta_sample_size)
    if first.snr is not None:
        snr = [matrix.snr for matrix in matrices if matrix.snr is not None]
        found["snr"] = np.stack(snr)[:, :, bins]
    order, n_background = _background_last(first.is_background)
    content = Content(matrices, layout, bins, order, first.grid.shape, n_background)
    _write(path, header, content, found)


def write_calibration_points(
    path: Path,
    points: CalibrationPoints,
    header: MdfHeader,
    *,
    layout: MdfLayout = MATRIX_LAYOUT,
) -> None:
    """Write a calibration on no regular grid as strict MDF 2.1.0, whole or not at all.

    Raises
    ------
    DataError
        as `write_system_matrix`.
    """
    _check_sparsity(layout, "a calibration on no grid")
    _check_iron(points.sample_iron, points.scan.name, header)
    bins = chosen_bins(points.scan, layout)
    found: dict[str, Any] = {"method": points.method, "order": "xyz"}
    for name, values in (("positions", points.positions), ("offsetFields", points.offset_fields)):
        if values is not None:
            found[name] = values
    if points.snr is not None:
        found["snr"] = points.snr[None][:, :, bins]
    order, n_background = _background_last(points.scan.is_background)
    content = Content((points.scan,), layout, bins, order, (), n_background)
    _write(path, header, content, found)


def _write(path: Path, header: MdfHeader, content: Content, calibration: dict[str, Any]) -> None:
    sources, first = content.sources, content.sources[0]
    bins = np.arange(first.acquisition.n_bins)
    if content.layout.domain == "fourier":
        bins = content.bins
    acquisitions = [source.acquisition for source in sources]
    datasets = {
        **header_datasets(header, is_simulated=first.is_simulated),
        **acquisition_datasets(acquisitions, len(content.order), bins),
        **measurement_datasets(first, content.layout, content.order),
        **{f"/calibration/{name}": value for name, value in calibration.items()},
    }
    write_file(Path(path), datasets, content, flat_extensions(header.extensions))


def _check_patches(sources: Sequence[Scan] | Sequence[SystemMatrix]) -> None:
    """Refuse sources that cannot be the periods of the same frames."""
    if not sources:
        raise DataError("MDF: no patch to write")
    first = sources[0]
    for other in sources:
        for what in ("is_simulated", "is_background_corrected"):
            if getattr(other, what) != getattr(first, what):
                raise DataError(f"MDF: patches {first.name} and {other.name} differ in {what}")
        if not np.array_equal(other.is_background, first.is_background):
            raise DataError(
                f"MDF: patches {first.name} and {other.name} have background frames at different "
                "places"
            )
        if not np.array_equal(chosen_bins(other, MdfLayout()), chosen_bins(first, MdfLayout())):
            raise DataError(f"MDF: patches {first.name} and {other.name} hold different bins")


def _check_sparsity(layout: MdfLayout, what: str) -> None:
    if layout.sparsity is not None:
        raise DataError(f"a sparsity transformation needs a grid, {what} has none")


def _check_sample(matrix: SystemMatrix, header: MdfHeader) -> None:
    _check_iron(matrix.sample_iron, matrix.name, header)


def _check_iron(wanted: float | None, name: str, header: MdfHeader) -> None:
    tracers = header.tracers
    stated = tracers[0].iron if len(tracers) == 1 else None
    if wanted is not None and (
        stated is None or not math.isclose(stated, wanted, rel_tol=RELATIVE_TOLERANCE)
    ):
        raise DataError(
            f"{name}: the calibration sample holds {wanted} kg of iron, the header's tracer "
            f"{stated}; state it by MdfTracer.with_iron"
        )


def _background_last(is_background: NDArray[np.bool_]) -> tuple[NDArray[np.intp], int]:
    background = np.flatnonzero(is_background)
    return np.concatenate([np.flatnonzero(~is_background), background]), len(background)
