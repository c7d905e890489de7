"""x-space: the signal, compensated for velocity, put where the field-free point was.

Not quantitative. The image is the tracer blurred by the particles' point spread, whose width is
4.16 k T / (m G) along the motion and more across it; nothing is deconvolved. Its one scale comes
from the calibration's samples at their own places, so that a small sample's peak reads one sample;
wider objects read more. Of the calibration it uses nothing else but grid and acquisition.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.sparse import csr_array

from sojourn.core.errors import DataError
from sojourn.core.geometry import Grid
from sojourn.core.signals import Acquisition, SystemMatrix
from sojourn.physics.fields import drive_waveform
from sojourn.reconstruction._prepared import PreparedMethod, Solution
from sojourn.reconstruction._rows import PreparedRows, RowSettings, prepare_rows

STAGE = "reconstruct_x_space"
SCALING_SAMPLES = 200
"""Calibration samples that set the scale: enough for a median."""
PERIOD_TOLERANCE = 1e-6


class Baseline(StrEnum):
    """What is done about the constant that is lost with the drive frequencies' own rows.

    NONE leaves the image as it is: then it sinks below zero around the tracer. BORDER takes the
    mean of the grid's outermost voxels for zero: no tracer may lie there.
    """

    NONE = "none"
    BORDER = "border"


@dataclass(frozen=True, slots=True, eq=False)
class Trajectory:
    """Where the field-free point is, and how fast the field there changes, over one period.

    `positions` (sample, 3), LPS, m. `velocities` (sample, 3): of the drive field, T/s, along the
    channels' axes x, y, z.
    """

    positions: NDArray[np.float64]
    velocities: NDArray[np.float64]


def field_free_path(acquisition: Acquisition, *, name: str = "calibration") -> Trajectory:
    """Return the field-free point's path: G r + offset + drive field = 0.

    Drive channel 0 acts along x, 1 along y, 2 along z; a channel that is not there is 0.

    Raises
    ------
    DataError
        if the acquisition states no constant gradient, the gradient has no field-free point
        (a field-free line has none), more than three drive channels, or a period of samples is
        not the drive field's cycle.

    References
    ----------
    Goodwill and Conolly, IEEE Trans. Med. Imaging 29 (2010) 1851 and 30 (2011) 1581.
    """
    gradient = acquisition.gradient
    if gradient is None:
        raise DataError(
            f"{name}: x-space needs the selection field's gradient, and the acquisition states "
            "none that is constant; use a method that takes the calibration's signals"
        )
    largest = float(np.abs(gradient).max())
    if np.abs(np.linalg.det(gradient)) <= 1e-6 * largest**3:
        raise DataError(
            f"{name}: gradient {gradient.tolist()} T/m has no single field-free point (a line has "
            "none); x-space here follows a point"
        )
    drive = acquisition.drive_field
    channels = drive.divider.shape[0]
    period = acquisition.n_samples / (2 * acquisition.bandwidth)
    if channels > 3 or abs(period / drive.cycle - 1) > PERIOD_TOLERANCE:
        raise DataError(
            f"{name}: {channels} drive channels with a cycle of {drive.cycle:.9g} s and received "
            f"periods of {period:.9g} s; x-space takes up to 3 channels and one cycle in a period"
        )
    n = acquisition.n_samples
    field = np.zeros((3, n))
    field[:channels] = drive_waveform(drive, n)
    turn = 2j * np.pi * np.arange(acquisition.n_bins) / drive.cycle
    change = np.fft.irfft(turn * np.fft.rfft(field, axis=1), n=n, axis=1)
    offset = np.zeros(3) if acquisition.offset_field is None else acquisition.offset_field
    positions = -np.linalg.solve(gradient, field + offset[:, None])
    return Trajectory(np.asarray(positions.T, dtype=np.float64), change.T.copy())


def gridding_weights(grid: Grid, positions: NDArray[np.float64], reach: float) -> csr_array:
    """Return how much each place counts for each voxel, shape (voxel, place).

    A product of hats: 1 at the voxel's centre, 0 from `reach` voxels off along any axis.

    Parameters
    ----------
    grid
        of the image.
    positions
        LPS, m, shape (place, 3).
    reach
        in voxels, at least 0.5.
    """
    index = np.linalg.solve(grid.affine[:3, :3], (positions - grid.affine[:3, 3]).T).T
    span = int(np.ceil(reach))
    start = np.floor(index).astype(np.int64)
    voxels, places, values = [], [], []
    steps = np.arange(-span + 1, span + 1)
    for step in np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), -1).reshape(-1, 3):
        at = start + step
        weight = np.prod(np.maximum(1 - np.abs(index - at) / reach, 0.0), axis=1)
        inside = (weight > 0) & np.all((at >= 0) & (at < grid.shape), axis=1)
        voxels.append(np.ravel_multi_index(tuple(at[inside].T), grid.shape, order="F"))
        places.append(np.flatnonzero(inside))
        values.append(weight[inside])
    pairs = (np.concatenate(voxels), np.concatenate(places))
    return csr_array((np.concatenate(values), pairs), shape=(grid.n_voxels, len(positions)))


@dataclass(frozen=True, slots=True, eq=False)
class Gridding:
    """From received samples (3, sample) to the image (voxel,), before the scale."""

    weights: csr_array
    velocities: NDArray[np.float64]
    norm: NDArray[np.float64]

    @classmethod
    def along(cls, path: Trajectory, grid: Grid, reach: float) -> "Gridding":
        """Return the gridding of a path."""
        weights = gridding_weights(grid, path.positions, reach)
        speed = np.sum(path.velocities**2, axis=1)
        return cls(weights, path.velocities, weights @ speed)

    @property
    def is_covered(self) -> NDArray[np.bool_]:
        """Whether the path came near each voxel, moving, (voxel,)."""
        covered: NDArray[np.bool_] = self.norm > 0
        return covered

    def image(self, received: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the least-squares density c of received = c velocity around each voxel.

        Parameters
        ----------
        received
            of the coils along x, y and z, shape (3, sample).

        Returns
        -------
            shape (voxel,); 0 where the path did not come.
        """
        along = np.einsum("ct,tc->t", received, self.velocities)
        out = np.zeros(len(self.norm))
        np.divide(self.weights @ along, self.norm, out=out, where=self.norm > 0)
        return out


class XSpace(RowSettings):
    """Settings of a reconstruction; `background` has no default.

    `reach`: half width of the gridding hat, voxels. `min_coverage`: share of the grid's voxels
    that the field-free point must come near; voxels beyond it are 0 and counted in the
    provenance. `transfer_function` 'divide' takes the receive chain off; without it all channels
    must have one and the same constant gain. Row weights have no effect.
    """

    needs_field_free_point: ClassVar[bool] = True
    """For `check_reconstruction`: calibrations without a gradient are refused."""

    reach: float = Field(default=1.0, ge=0.5, le=20)
    min_coverage: float = Field(default=1.0, gt=0, le=1)
    baseline: Baseline = Baseline.NONE

    def prepare(self, matrix: SystemMatrix) -> PreparedMethod:
        """Return the path of the field-free point on the grid of `matrix`, and the scale.

        Raises
        ------
        DataError
            if there is no such path (`field_free_path`), it does not cover the grid, coils are
            not one along each driven axis, a dictionary is asked for, or the calibration's
            samples do not show at their own places.
        """
        rows = prepare_rows(self, matrix)
        path = field_free_path(matrix.acquisition, name=matrix.name)
        _check_coils(matrix)
        if self.dictionary_size > 0:
            raise DataError("x-space has no background dictionary; use dictionary_size 0")
        gridding = Gridding.along(path, matrix.grid, self.reach)
        coverage = float(np.mean(gridding.is_covered))
        if coverage < self.min_coverage:
            low, high = path.positions.min(axis=0), path.positions.max(axis=0)
            raise DataError(
                f"{matrix.name}: the field-free point comes near {coverage:.1%} of the "
                f"{matrix.grid.n_voxels} voxels, {self.min_coverage:.1%} are asked for. It moves "
                f"from {low.round(6).tolist()} to {high.round(6).tolist()} m; use a smaller grid "
                "or larger voxels, raise reach, or lower min_coverage"
            )
        maker = _Maker(rows, gridding, self.baseline)
        scale, spread = _scale(maker, matrix)

        def solver(signal: NDArray[np.complex128]) -> Solution:
            return Solution(maker.image(signal) / scale)

        extra: dict[str, Any] = {
            "is_quantitative": False,
            "coverage": coverage,
            "n_voxels_not_covered": int(np.sum(~gridding.is_covered)),
            "scale": scale,
            "scale_spread": spread,
        }
        return PreparedMethod(STAGE, rows, solver, extra)


@dataclass(frozen=True, slots=True, eq=False)
class _Maker:
    """From prepared rows to an image without scale."""

    rows: PreparedRows
    gridding: Gridding
    baseline: Baseline

    def image(self, signal: NDArray[np.complex128]) -> NDArray[np.float64]:
        acquisition = self.rows.matrix.acquisition
        selection, weights = self.rows.selection, self.rows.weights
        received = np.zeros_like(signal)
        np.divide(signal, weights, out=received, where=weights > 0)
        spectrum = np.zeros((3, acquisition.n_bins), dtype=np.complex128)
        start = 0
        for channel, bins in zip(selection.channels, selection.bins, strict=True):
            spectrum[channel, bins] = received[start : start + len(bins)]
            start += len(bins)
        image = self.gridding.image(np.fft.irfft(spectrum, n=acquisition.n_samples, axis=1))
        if self.baseline is Baseline.BORDER:
            border = _border(self.rows.matrix.grid) & self.gridding.is_covered
            image = np.where(self.gridding.is_covered, image - image[border].mean(), 0.0)
        return image


def _border(grid: Grid) -> NDArray[np.bool_]:
    """Return which voxels are the first or last along an axis of more than two, (voxel,)."""
    border = np.zeros(grid.shape, dtype=np.bool_)
    for axis, n in enumerate(grid.shape):
        if n > 2:
            np.moveaxis(border, axis, 0)[[0, -1]] = True
    return border.ravel(order="F")


def _check_coils(matrix: SystemMatrix) -> None:
    driven = matrix.acquisition.drive_field.divider.shape[0]
    if matrix.acquisition.n_channels != driven:
        raise DataError(
            f"{matrix.name}: {matrix.acquisition.n_channels} receive channels for {driven} drive "
            "channels; x-space needs one coil along each driven axis, in that order"
        )


def _scale(maker: _Maker, matrix: SystemMatrix) -> tuple[float, float]:
    """Return the median peak of a calibration sample at its own place, and its relative spread.

    The spread is half the range of the middle two thirds: what a normal distribution calls sigma.
    """
    covered = np.flatnonzero(maker.gridding.is_covered)
    if maker.baseline is Baseline.BORDER:
        inner = ~_border(matrix.grid)
        covered = covered[inner[covered]] if inner[covered].any() else covered
    chosen = covered[:: max(1, len(covered) // SCALING_SAMPLES)]
    peaks = np.array([maker.image(maker.rows.columns[:, v])[v] for v in chosen])
    low, middle, high = np.quantile(peaks, [1 / 6, 1 / 2, 5 / 6])
    if not low * high > 0:
        raise DataError(
            f"{matrix.name}: calibration samples at their own places read from {low:.3g} to "
            f"{high:.3g}, of both signs: signal and path of the field-free point do not belong "
            "together. Check drive phase and gradient, and divide by the transfer function"
        )
    return float(middle), float((high - low) / 2 / abs(middle))


METHOD = XSpace
