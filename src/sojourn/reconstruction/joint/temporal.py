"""A series of frames as one problem: each explains its signal, and neighbours are alike.

What changes between frames is damped together with the noise. A time constant read from such a
series is longer than the true one; retention and decay are taken from frames of their own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.linalg import eigh

from sojourn.core.errors import DataError
from sojourn.core.images import SampleMap
from sojourn.core.provenance import Provenance
from sojourn.core.signals import Scan, SystemMatrix
from sojourn.reconstruction._operators import RowOperator, row_operator, stack_parts
from sojourn.reconstruction._rows import PreparedRows, RowSettings, prepare_rows
from sojourn.reconstruction.fista import solve_fista
from sojourn.reconstruction.tikhonov import Decomposition, decompose

STAGE = "reconstruct_temporal"


def chain_weights(times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weight of each step of a series, (frame - 1,): median interval over interval.

    Steps of equal length weigh 1, longer ones less, as for a random walk.

    Raises
    ------
    DataError
        if times do not ascend.
    """
    steps = np.diff(times)
    if len(steps) and not np.all(steps > 0):
        raise DataError(f"times of a series must ascend, got steps of {steps.min()} s and more")
    return np.asarray(np.median(steps) / steps if len(steps) else steps, dtype=np.float64)


def solve_series(
    decomposition: Decomposition,
    signals: NDArray[np.complex128],
    *,
    regularization: float,
    smoothness: float,
    weights: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    r"""Return the real images of a series that minimise its objective exactly.

    .. math:: \sum_t \|S x_t - u_t\|^2 + \lambda \|x_t\|^2 + \mu \sum_t w_t \|x_t - x_{t-1}\|^2 .

    With S = U s V^T (real and imaginary rows stacked) and the chain's Laplacian L = Q g Q^T every
    pair of a singular vector and a temporal mode is a problem of one number:
    s / (s^2 + lambda + mu g) times its share of the signal.

    Parameters
    ----------
    decomposition
        of S, from `decompose`.
    signals
        u, shape (frame, row).
    regularization, smoothness
        absolute lambda, above 0, and mu, at least 0.
    weights
        of the steps, (frame - 1,), 1 by default; `chain_weights`.

    Returns
    -------
        shape (frame, voxel).

    References
    ----------
    Schmitt and Louis, Inverse Problems 18 (2002) 645 (temporal smoothing of dynamic problems).
    """
    laplacian = chain_laplacian(len(signals), weights)
    values, modes = eigh(laplacian)
    shares = decomposition.left.T @ stack_parts(signals.T) @ modes
    singular = decomposition.values[:, None]
    filtered = shares * singular / (singular**2 + regularization + smoothness * values)
    images: NDArray[np.float64] = (decomposition.right.T @ filtered @ modes.T).T
    return images


def chain_laplacian(n_frames: int, weights: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """Return L (frame, frame) with x^T L x the weighted sum of squared steps of x.

    Raises
    ------
    DataError
        if there is not one weight for each step, or one is negative.
    """
    steps = np.ones(max(n_frames - 1, 0)) if weights is None else weights
    if len(steps) != n_frames - 1 or (steps < 0).any():
        raise DataError(
            f"{len(steps)} weights for {n_frames} frames; one for each step, at least 0, is needed"
        )
    difference = np.diff(np.eye(n_frames), axis=0)
    laplacian: NDArray[np.float64] = difference.T @ (steps[:, None] * difference)
    return laplacian


@dataclass(frozen=True, slots=True, eq=False)
class SeriesOperator:
    """Images (frame * voxel,) to signals and weighted steps, (frame * row + (frame - 1) * voxel,).

    The steps, times the root of mu and of their weights, count as rows without signal: a
    series is then a problem like any other.
    """

    system: RowOperator
    steps: NDArray[np.float64]

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return len(self.steps) + 1

    @property
    def domain(self) -> tuple[int, ...]:
        """Shape of the images, flat, frame after frame."""
        return (self.n_frames * self.system.domain[0],)

    @property
    def range(self) -> tuple[int, ...]:
        """Shape of signals and steps, flat."""
        (rows,), (voxels,) = self.system.range, self.system.domain
        return (self.n_frames * rows + len(self.steps) * voxels,)

    def forward(self, x: NDArray[np.float64]) -> NDArray[np.complex128]:
        """Return the signals of all frames, then the scaled steps between them."""
        images = x.reshape(self.n_frames, -1)
        signals = self.system.forward(images.T).T
        return np.concatenate([signals.ravel(), self._scaled(np.diff(images, axis=0)).ravel()])

    def adjoint(self, y: NDArray[np.complex128]) -> NDArray[np.float64]:
        """Return the adjoint of `forward`."""
        split = self.n_frames * self.system.range[0]
        signals = y[:split].reshape(self.n_frames, -1)
        out: NDArray[np.float64] = self.system.adjoint(signals.T).T.copy()
        steps = self._scaled(y[split:].real.reshape(len(self.steps), self.system.domain[0]))
        out[1:] += steps
        out[:-1] -= steps
        return out.ravel()

    def _scaled(self, steps: NDArray[np.float64]) -> NDArray[np.float64]:
        return steps * np.sqrt(self.steps)[:, None]


class Temporal(RowSettings):
    """Settings of a series reconstruction; `background` has no default.

    lambda = regularization * ||S||_F^2 / n_voxels and mu = smoothness * ||S||_F^2 / n_voxels over
    the prepared rows. `average` consecutive frames make one image (1 by default here). Voxels are
    real and may be negative: the solution is exact and linear.
    """

    average: int | None = Field(default=1, ge=1)
    regularization: float = Field(default=1e-2, gt=0, allow_inf_nan=False)
    smoothness: float = Field(default=1e-2, ge=0, allow_inf_nan=False)

    def prepare(self, matrix: SystemMatrix) -> "PreparedSeries":
        """Return `matrix` with its selected rows loaded, corrected and decomposed.

        Raises
        ------
        DataError
            if no row is left, or the calibration's rows cannot be corrected as asked.
        """
        rows = prepare_rows(self, matrix)
        solve = _DirectSeries(
            decompose(rows.columns),
            rows.lambda_absolute(self.regularization),
            rows.lambda_absolute(self.smoothness),
        )
        return PreparedSeries(rows, solve)


class NonNegativeTemporal(Temporal):
    """As `Temporal`, over images that are not negative, by FISTA on the whole series."""

    iterations: int = Field(default=2000, ge=1, le=1_000_000)
    tolerance: float = Field(default=1e-3, ge=0, lt=1)

    def prepare(self, matrix: SystemMatrix) -> "PreparedSeries":
        """Return `matrix` with its selected rows loaded and corrected.

        Raises
        ------
        DataError
            as `Temporal.prepare`.
        """
        rows = prepare_rows(self, matrix)
        solve = _NonNegativeSeries(
            row_operator(rows.columns),
            rows.lambda_absolute(self.regularization),
            rows.lambda_absolute(self.smoothness),
            self.iterations,
            self.tolerance,
        )
        return PreparedSeries(rows, solve)


@dataclass(frozen=True, slots=True, eq=False)
class _DirectSeries:
    decomposition: Decomposition
    damping: float
    smoothness: float

    def __call__(
        self, signals: NDArray[np.complex128], weights: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], dict[str, Any]]:
        images = solve_series(
            self.decomposition,
            signals,
            regularization=self.damping,
            smoothness=self.smoothness,
            weights=weights,
        )
        return images, {}


@dataclass(frozen=True, slots=True, eq=False)
class _NonNegativeSeries:
    operator: RowOperator
    damping: float
    smoothness: float
    iterations: int
    tolerance: float

    def __call__(
        self, signals: NDArray[np.complex128], weights: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], dict[str, Any]]:
        series = SeriesOperator(self.operator, self.smoothness * weights)
        voxels = self.operator.domain[0]
        data = np.concatenate([signals.ravel(), np.zeros(len(weights) * voxels)])
        x, done, found = solve_fista(
            series,
            data,
            regularization=self.damping,
            iterations=self.iterations,
            tolerance=self.tolerance,
        )
        converged = found.distance_bound <= self.tolerance
        report = {"iterations_done": done, "converged": converged, **found.report()}
        return x.reshape(len(signals), -1), report


@dataclass(frozen=True, slots=True, eq=False)
class PreparedSeries:
    """A calibration ready for series; made by `Temporal` or `NonNegativeTemporal`."""

    rows: PreparedRows
    solve: _DirectSeries | _NonNegativeSeries

    def parameters(self) -> dict[str, Any]:
        """Return everything that fixes the images, besides their inputs, as plain values."""
        return {
            **self.rows.settings.model_dump(mode="json"),
            "matrix_background": self.rows.matrix_background.value,
            "n_rows": self.rows.selection.n_rows,
            "lambda_absolute": self.solve.damping,
            "smoothness_absolute": self.solve.smoothness,
        }

    def reconstruct_series(
        self,
        scan: Scan,
        *,
        times: NDArray[np.float64] | None = None,
        empty: Sequence[Scan] = (),
    ) -> tuple[SampleMap, ...]:
        """Return one image, in calibration samples, for each group of `average` frames.

        Parameters
        ----------
        scan
            the measurement; foreground frames in their order.
        times
            of the images, s, ascending; equal steps by default.
        empty
            empty-bore scans, where the background is external.

        Raises
        ------
        DataError
            if frames are left over, times are not one per image, or the scan does not fit.
        """
        frames = self.rows.signal(scan, empty=empty)
        group = self.rows.settings.average or len(frames)
        if len(frames) % group:
            raise DataError(
                f"{scan.name}: {len(frames)} foreground frames are no multiple of average {group}"
            )
        signals = frames.reshape(-1, group, frames.shape[1]).mean(axis=1)
        clock = np.arange(len(signals), dtype=np.float64) if times is None else times
        if len(clock) != len(signals):
            raise DataError(f"{len(clock)} times for {len(signals)} images of {scan.name}")
        images, report = self.solve(signals, chain_weights(clock))
        inputs = (self.rows.matrix.source, scan.source, *(each.source for each in empty))
        made = {**self.parameters(), **report, "times": clock.tolist()}
        grid = self.rows.matrix.grid
        return tuple(
            SampleMap(
                image.reshape(grid.shape, order="F"),
                grid,
                Provenance(STAGE, inputs, {**made, "image": number}),
            )
            for number, image in enumerate(images)
        )
