"""Two files of one kind side by side: what `sojourn scan compare` says."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.core.geometry import Grid
from sojourn.core.signals import Scan, SystemMatrix, stored_bins
from sojourn.formats.mdf import read_mdf
from sojourn.formats.nifti import read_image
from sojourn.reconstruction._matching import differences
from sojourn.study.reconstructing import image_statement

_IMAGES = (".nii", ".nii.gz")
BLOCK_BYTES = 1 << 26

Number = float | int | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What two files have in common and in what they differ.

    `settings` are phrases, one for each difference in how they were made; `numbers` are the
    differences in what they hold, by name, each explained in `meanings`. A number that cannot be
    had is None.
    """

    names: tuple[str, str]
    kind: str
    settings: tuple[str, ...]
    numbers: Mapping[str, Number]
    meanings: Mapping[str, str]
    notes: tuple[str, ...] = ()

    def to_json_dict(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        return {
            "names": list(self.names),
            "kind": self.kind,
            "settings": list(self.settings),
            "numbers": dict(self.numbers),
            "meanings": dict(self.meanings),
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        lines = [f"{self.kind}: A = {self.names[0]}, B = {self.names[1]}"]
        lines.append(f"made differently: {'no difference found' if not self.settings else ''}")
        lines += [f"  {phrase}" for phrase in self.settings]
        for name, value in self.numbers.items():
            shown = "not available" if value is None else f"{value:.6g}"
            lines.append(f"{name}: {shown}  ({self.meanings[name]})")
        lines += [f"note: {note}" for note in self.notes]
        return "\n".join(lines)


def compare_files(first: Path, second: Path) -> Comparison:
    """Return in what two MDF files, or two images, differ.

    Raises
    ------
    DataError
        if the two are not of one kind, or cannot be compared number by number.
    """
    images = [path.name.endswith(_IMAGES) for path in (first, second)]
    if all(images):
        made = compare_images(read_image(first), read_image(second), (first.name, second.name))
        return replace(made, settings=_statements(first, second))
    if any(images):
        raise DataError(f"{first.name} and {second.name}: an image and an MDF file; give two alike")
    one, other = read_mdf(first), read_mdf(second)
    if isinstance(one, SystemMatrix) and isinstance(other, SystemMatrix):
        return compare_matrices(one, other)
    if isinstance(one, Scan) and isinstance(other, Scan):
        return compare_scans(one, other)
    kinds = ["calibration" if isinstance(x, SystemMatrix) else "measurement" for x in (one, other)]
    raise DataError(f"{first.name} is a {kinds[0]}, {second.name} a {kinds[1]}; give two alike")


def _rows(
    source: Scan | SystemMatrix, channel: int, bins: NDArray[np.int64]
) -> NDArray[np.complex128]:
    """Return the object's frames after the mean of the file's own background frames."""
    rows = source.spectra.read(channel, bins)
    empty = source.is_background
    mean = rows[empty].mean(axis=0) if empty.any() and not source.is_background_corrected else 0.0
    corrected: NDArray[np.complex128] = rows[~empty] - mean
    return corrected


def _common_bins(one: Scan | SystemMatrix, other: Scan | SystemMatrix) -> NDArray[np.int64]:
    if one.spectra.shape[1:] != other.spectra.shape[1:]:
        raise DataError(
            f"{one.name} has {one.spectra.shape[1]} channels of {one.spectra.shape[2]} bins, "
            f"{other.name} {other.spectra.shape[1]} of {other.spectra.shape[2]}: they cannot be "
            "compared bin by bin"
        )
    common = np.intersect1d(stored_bins(one.spectra), stored_bins(other.spectra))
    common = common[common > 0]
    if not len(common):
        raise DataError(f"{one.name} and {other.name} hold no frequency above zero in common")
    return common


def compare_matrices(one: SystemMatrix, other: SystemMatrix) -> Comparison:
    """Return how two calibrations differ: relative Frobenius norm, best common factor, noise.

    Raises
    ------
    DataError
        if their grids or their channels and bins differ.
    """
    if not one.grid.is_same_as(other.grid):
        raise DataError(
            f"{one.name} and {other.name} are calibrated on different grids: "
            f"{one.grid.shape} at {np.round(one.grid.affine[:3, 3], 6).tolist()} m and "
            f"{other.grid.shape} at {np.round(other.grid.affine[:3, 3], 6).tolist()} m"
        )
    sums = _Sums()
    bins = _common_bins(one, other)
    size = max(1, BLOCK_BYTES // (16 * max(one.spectra.shape[0], other.spectra.shape[0])))
    for channel in range(one.acquisition.n_channels):
        for start in range(0, len(bins), size):
            part = bins[start : start + size]
            sums.add(_rows(one, channel, part), _rows(other, channel, part))
    return Comparison(
        (one.name, other.name),
        "calibrations",
        _settings(one, other),
        {**sums.numbers(), "iron of the sample, B / A": _ratio(other.sample_iron, one.sample_iron)},
        {**_MEANINGS, "iron of the sample, B / A": "as the files state it"},
        (f"{len(bins)} frequencies above zero that both files hold, all channels",),
    )


def compare_scans(one: Scan, other: Scan) -> Comparison:
    """Return how the mean frames of two measurements differ.

    Raises
    ------
    DataError
        if their channels and bins differ, or one shows no object.
    """
    for scan in (one, other):
        if scan.is_background.all():
            raise DataError(f"{scan.name}: every frame is a background frame")
    sums = _Sums()
    bins = _common_bins(one, other)
    for channel in range(one.acquisition.n_channels):
        sums.add(_rows(one, channel, bins).mean(axis=0), _rows(other, channel, bins).mean(axis=0))
    return Comparison(
        (one.name, other.name),
        "measurements",
        _settings(one, other),
        sums.numbers(),
        _MEANINGS,
        (f"mean of the object's frames, {len(bins)} frequencies above zero, all channels",),
    )


def compare_images(
    one: tuple[NDArray[np.float64], Grid],
    other: tuple[NDArray[np.float64], Grid],
    names: tuple[str, str],
) -> Comparison:
    """Return how two images on one grid differ.

    Raises
    ------
    DataError
        if their grids differ.
    """
    (a, grid), (b, second) = one, other
    if not grid.is_same_as(second):
        raise DataError(
            f"{names[0]} ({grid.shape}) and {names[1]} ({second.shape}) lie on different grids; "
            "resample one to the other's grid"
        )
    norm = float(np.linalg.norm(a))
    places = [np.unravel_index(int(np.argmax(x)), x.shape) for x in (a, b)]
    shift = np.linalg.norm(grid.affine[:3, :3] @ np.subtract(places[1], places[0]))
    varying = bool(np.ptp(a) > 0 and np.ptp(b) > 0)
    return Comparison(
        names,
        "images",
        (),
        {
            "relative difference": float(np.linalg.norm(b - a)) / norm if norm > 0 else None,
            "largest difference": float(np.abs(b - a).max()),
            "correlation": float(np.corrcoef(a.ravel(), b.ravel())[0, 1]) if varying else None,
            "peak, B / A": _ratio(float(b.max()), float(a.max())),
            "distance of peaks, mm": 1e3 * float(shift),
        },
        {
            "relative difference": "norm of B - A over norm of A; 0 is equal",
            "largest difference": "of any voxel, in the images' unit",
            "correlation": "of the voxels; 1 is proportional",
            "peak, B / A": "of the brightest voxels",
            "distance of peaks, mm": "between the brightest voxels",
        },
    )


def _statements(first: Path, second: Path) -> tuple[str, ...]:
    """Return in what two images' own statements differ: numbers of two units are no difference."""
    (unit, is_simulated), (other_unit, is_other) = map(image_statement, (first, second))
    found = []
    if unit != other_unit:
        found.append(f"unit: A {unit or 'not stated'}, B {other_unit or 'not stated'}")
    if is_simulated != is_other:
        found.append(f"SIMULATED: A {is_simulated}, B {is_other}")
    return tuple(found)


class _Sums:
    """Sums over blocks of rows, of which the differences of two files are made."""

    def __init__(self) -> None:
        self.first = self.second = self.difference = 0.0
        self.product = 0.0 + 0.0j

    def add(self, a: NDArray[np.complex128], b: NDArray[np.complex128]) -> None:
        """Add a block of both."""
        self.first += float(np.vdot(a, a).real)
        self.second += float(np.vdot(b, b).real)
        self.difference += float(np.linalg.norm(b - a) ** 2)
        self.product += complex(np.vdot(a, b))

    def numbers(self) -> dict[str, Number]:
        """Return the differences."""
        if self.first == 0 or self.second == 0:
            return dict.fromkeys(_MEANINGS)
        gain = self.product / self.first
        left = max(self.second - abs(self.product) ** 2 / self.first, 0.0)
        return {
            "relative difference": float(np.sqrt(self.difference / self.first)),
            "best factor, magnitude": abs(gain),
            "best factor, phase in degrees": float(np.degrees(np.angle(gain))),
            "difference after the best factor": float(np.sqrt(left / self.second)),
        }


_MEANINGS = {
    "relative difference": "Frobenius norm of B - A over that of A; 0 is equal",
    "best factor, magnitude": "of the one complex number that brings A nearest to B",
    "best factor, phase in degrees": "of the same number",
    "difference after the best factor": "what that number leaves, over the norm of B",
}


def _ratio(numerator: float | None, denominator: float | None) -> float | None:
    if numerator is None or denominator is None or denominator == 0:
        return None
    return numerator / denominator


def _settings(one: Scan | SystemMatrix, other: Scan | SystemMatrix) -> tuple[str, ...]:
    found = list(differences(one.acquisition, other.acquisition))
    taken, compared = one.acquisition, other.acquisition
    found += [
        f"{what}: matrix {a}, scan {b}"
        for what, a, b in (
            ("SIMULATED", one.is_simulated, other.is_simulated),
            ("background corrected", one.is_background_corrected, other.is_background_corrected),
            (
                "transfer function corrected",
                taken.is_transfer_function_corrected,
                compared.is_transfer_function_corrected,
            ),
            (
                "spectral leakage corrected",
                taken.is_spectral_leakage_corrected,
                compared.is_spectral_leakage_corrected,
            ),
        )
        if a != b
    ]
    return tuple(phrase.replace("matrix ", "A ", 1).replace("scan ", "B ", 1) for phrase in found)
