"""Magnetic Particle Imaging Data Format 2.1 (HDF5): scans, calibrations, images.

Strict in writing, tolerant in reading. Files are parsed in a child process with bounded memory
and time; opening one loads no spectra.

References
----------
Knopp et al., MDF: Magnetic Particle Imaging Data Format, arXiv:1602.06072, version 2.1.0.
"""

from pathlib import Path

from sojourn.core.formats import Format
from sojourn.core.signals import Scan, SystemMatrix
from sojourn.formats._isolation import Limits
from sojourn.formats._mdf_describe import ChannelSummary, MdfInfo, describe
from sojourn.formats._mdf_header import MdfHeader, MdfTracer
from sojourn.formats._mdf_image import MdfImages, images_of, map_of, read_images, write_images
from sojourn.formats._mdf_options import MdfLayout, MdfSparsity
from sojourn.formats._mdf_read import (
    LIMITS,
    CalibrationPoints,
    read_calibration_points,
    read_patch_matrices,
    read_patches,
    read_scan,
    read_system_matrix,
    read_transfer_function,
)
from sojourn.formats._mdf_read_header import read_extensions, read_header
from sojourn.formats._mdf_rules import Deviation, check_mdf
from sojourn.formats._mdf_tree import open_tree
from sojourn.formats._mdf_write import (
    write_calibration_points,
    write_patch_matrices,
    write_patches,
    write_scan,
    write_system_matrix,
)

__all__ = [
    "FORMAT",
    "CalibrationPoints",
    "ChannelSummary",
    "Deviation",
    "Limits",
    "MdfHeader",
    "MdfImages",
    "MdfInfo",
    "MdfLayout",
    "MdfSparsity",
    "MdfTracer",
    "check_mdf",
    "describe_mdf",
    "images_of",
    "map_of",
    "read_calibration_points",
    "read_extensions",
    "read_header",
    "read_images",
    "read_mdf",
    "read_patch_matrices",
    "read_patches",
    "read_scan",
    "read_system_matrix",
    "read_transfer_function",
    "write_calibration_points",
    "write_images",
    "write_mdf",
    "write_patch_matrices",
    "write_patches",
    "write_scan",
    "write_system_matrix",
]

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def describe_mdf(path: Path, *, limits: Limits = LIMITS) -> MdfInfo:
    """Return what an MDF file holds, lacks and does otherwise than MDF 2.1.0.

    Works on measurements, calibrations, files of metadata only, versions 1 and 2.0 and, as far
    as their names agree, others. Of several patches it summarises the first. Loads no spectra
    but those of small files (64 MiB a channel), for their noise.

    Raises
    ------
    DataError
        if the file cannot be opened, is not HDF5, reaches outside itself, or exceeds `limits`.
    """
    return describe(open_tree(Path(path), limits=limits))


def read_mdf(path: Path) -> Scan | SystemMatrix:
    """Return the calibration in an MDF file if it holds one, else its measurement.

    Raises
    ------
    DataError
        as `read_scan` and `read_system_matrix`.
    """
    is_calibration = open_tree(Path(path), limits=LIMITS).has("/calibration")
    return read_system_matrix(path) if is_calibration else read_scan(path)


def write_mdf(path: Path, value: Scan | SystemMatrix, header: MdfHeader) -> None:
    """Write a scan or a system matrix in its usual layout."""
    if isinstance(value, SystemMatrix):
        write_system_matrix(path, value, header)
    else:
        write_scan(path, value, header)


def _sniff(head: bytes) -> bool:
    return head.startswith(HDF5_SIGNATURE)


FORMAT = Format(
    label="MDF 2.1, Magnetic Particle Imaging Data Format",
    suffixes=(".mdf",),
    sniff=_sniff,
    read=read_mdf,
    write=write_mdf,
)
