"""Whether a system matrix and a scan belong together: same samples, channels and fields."""

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.core.signals import Acquisition, Scan, SystemMatrix

FREQUENCY_TOLERANCE = 1e-6
"""Relative: bandwidth and base frequency come from one clock."""
FIELD_TOLERANCE = 1e-3
"""Relative to the largest component: fields are nominal values, or read back to a few digits."""
PHASE_TOLERANCE = 1e-3
"""In rad."""
OFFSET_TOLERANCE = 0.05
"""Relative to the largest drive field: what a stated offset may move the field-free point."""


def _differs(a: NDArray[np.float64], b: NDArray[np.float64], tolerance: float) -> bool:
    if a.shape != b.shape:
        return True
    scale = max(float(np.abs(a).max(initial=0)), float(np.abs(b).max(initial=0)))
    return bool(np.any(np.abs(a - b) > tolerance * scale))


def _phase_differs(a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
    if a.shape != b.shape:
        return True
    turn = np.angle(np.exp(1j * (a - b)))
    return bool(np.any(np.abs(turn) > PHASE_TOLERANCE))


def differences(matrix: Acquisition, scan: Acquisition) -> tuple[str, ...]:
    """Return what differs between two acquisitions, one phrase each; empty if nothing does.

    A gradient or an offset field that either file leaves out cannot be compared and counts as no
    difference.
    """
    found = [
        f"{what}: matrix {a!r}, scan {b!r}"
        for what, a, b in (
            ("samples per period", matrix.n_samples, scan.n_samples),
            ("receive channels", matrix.n_channels, scan.n_channels),
            ("unit", matrix.unit, scan.unit),
            ("waveform", matrix.drive_field.waveform, scan.drive_field.waveform),
            ("divider", matrix.drive_field.divider.tolist(), scan.drive_field.divider.tolist()),
        )
        if a != b
    ]
    found += [
        f"{what}: matrix {a:.9g} Hz, scan {b:.9g} Hz"
        for what, a, b in (
            ("bandwidth", matrix.bandwidth, scan.bandwidth),
            (
                "base frequency",
                matrix.drive_field.base_frequency,
                scan.drive_field.base_frequency,
            ),
        )
        if abs(a - b) > FREQUENCY_TOLERANCE * max(abs(a), abs(b))
    ]
    return tuple(found + _field_differences(matrix, scan))


def _field_differences(matrix: Acquisition, scan: Acquisition) -> list[str]:
    drive, other = matrix.drive_field, scan.drive_field
    found = []
    if _differs(drive.strength, other.strength, FIELD_TOLERANCE):
        found.append(
            f"drive field: matrix {drive.strength.tolist()} T, scan {other.strength.tolist()} T"
        )
    if _phase_differs(drive.phase, other.phase):
        found.append(
            f"drive phase: matrix {drive.phase.tolist()} rad, scan {other.phase.tolist()} rad"
        )
    if (
        matrix.gradient is not None
        and scan.gradient is not None
        and _differs(matrix.gradient, scan.gradient, FIELD_TOLERANCE)
    ):
        found.append(
            f"gradient: matrix {matrix.gradient.tolist()} T/m, scan {scan.gradient.tolist()} T/m"
        )
    return found + _offset_differences(matrix, scan)


def _offset_differences(matrix: Acquisition, scan: Acquisition) -> list[str]:
    """Return how offsets, and fields that change within a period, differ: they move the image."""
    reach = max(float(np.abs(a.drive_field.strength).max(initial=0)) for a in (matrix, scan))
    found = []
    for what, one, other in (
        ("offset field", matrix.offset_field, scan.offset_field),
        ("offset field in a period", matrix.offset_steps, scan.offset_steps),
    ):
        if one is None or other is None:
            continue
        if one.shape != other.shape or (np.abs(one - other) > OFFSET_TOLERANCE * reach).any():
            found.append(f"{what}: matrix {one.tolist()} T, scan {other.tolist()} T")
    first, second = matrix.gradient_steps, scan.gradient_steps
    are_stated = first is not None and second is not None
    if are_stated and _differs(np.asarray(first), np.asarray(second), FIELD_TOLERANCE):
        found.append("gradient in a period: matrix and scan state others")
    return found


def _is_divided(source: SystemMatrix | Scan) -> bool:
    """Return whether a file was divided by its transfer function, as its acquisition says."""
    stated = source.metadata.get("is_transfer_function_corrected", "0") == "1"
    return stated or source.acquisition.is_transfer_function_corrected


def check_match(matrix: SystemMatrix, scan: Scan) -> None:
    """Refuse a scan that was taken otherwise than the calibration.

    Compared are samples, channels, unit, bandwidth, drive field, gradient and offset field (where
    both state them) and whether the receive chain's transfer function was divided out.

    Raises
    ------
    DataError
        naming every difference.
    """
    found = list(differences(matrix.acquisition, scan.acquisition))
    corrected = [_is_divided(source) for source in (matrix, scan)]
    if corrected[0] != corrected[1]:
        found.append(f"transfer function corrected: matrix {corrected[0]}, scan {corrected[1]}")
    if found:
        raise DataError(
            f"system matrix {matrix.name} does not fit scan {scan.name}: {'; '.join(found)}. "
            "Use the calibration of this scanner and sequence"
        )
