"""Non-negative Tikhonov by a compressed dual Newton method: one problem, three settings.

*Guidance* and *review* solve the compressed problem; *quantification* goes on with the whole
matrix until the image is proved to lie near the one optimum. An image to look at; an amount comes
from `quantification`, never from a sum over this image.
"""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from sojourn.core.errors import DataError
from sojourn.core.random import named_generator
from sojourn.core.signals import SystemMatrix
from sojourn.core.threads import single_threaded
from sojourn.reconstruction import _compiled
from sojourn.reconstruction._certificate import WholeProblem
from sojourn.reconstruction._compression import EXACT_SIZE, CompressedMatrix, compress
from sojourn.reconstruction._dual_newton import solve_dual
from sojourn.reconstruction._prepared import PreparedMethod, Solution
from sojourn.reconstruction._rows import PreparedRows, RowSettings, prepare_rows

STAGE = "reconstruct_newton"

Span = tuple[int, int]


class Purpose(StrEnum):
    """What the image is for. GUIDANCE: live; REVIEW: a person looks; QUANTIFICATION: certified."""

    GUIDANCE = "guidance"
    REVIEW = "review"
    QUANTIFICATION = "quantification"


@dataclass(frozen=True, slots=True)
class Preset:
    """What a purpose means, where the settings do not say otherwise."""

    rank: int
    tolerance: float
    max_passes: float
    bits: _compiled.Bits


PRESETS: Mapping[Purpose, Preset] = {
    Purpose.GUIDANCE: Preset(560, 4e-2, 16.0, 8),
    Purpose.REVIEW: Preset(700, 1e-2, 40.0, 16),
    Purpose.QUANTIFICATION: Preset(1000, 1e-3, 100.0, 16),
}


class Newton(RowSettings):
    """Settings of a reconstruction; `background` has no default.

    `regularization` is relative: lambda = regularization * ||S||_F^2 / n_voxels over the prepared
    rows; the problem is ||S x - u||^2 + lambda ||x||^2 with x >= 0, as in every method here.
    `purpose` fills in what is None: `rank`, the directions kept at most (fewer where the rest lies
    below the noise of the calibration's own background frames); `tolerance` of the compressed
    problem's relative dual gradient; `max_passes` over the compressed matrix; `bits` of its codes
    (8, 16, or 32 for single precision). QUANTIFICATION goes on until |x - x*| / |x*| is proved to
    be at most `certified_distance`, within `max_whole_passes` over the whole matrix. `roi` holds
    voxels outside the index ranges (first, last + 1) of i, j, k at zero: more is then known than
    was measured, and a wrong range biases the image; not for QUANTIFICATION. `seed` draws the
    directions that the compression tries.
    """

    purpose: Purpose = Purpose.REVIEW
    regularization: float = Field(default=1e-2, gt=0, allow_inf_nan=False)
    rank: int | None = Field(default=None, ge=1)
    tolerance: float | None = Field(default=None, gt=0, lt=1)
    max_passes: float | None = Field(default=None, ge=1, allow_inf_nan=False)
    bits: _compiled.Bits | None = None
    certified_distance: float = Field(default=1e-2, gt=0, lt=1)
    max_whole_passes: int = Field(default=200, ge=2)
    roi: tuple[Span, Span, Span] | None = None
    seed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _whole_field_of_view(self) -> "Newton":
        if self.roi is not None and self.purpose is Purpose.QUANTIFICATION:
            raise ValueError(
                "purpose 'quantification' takes the whole field of view: leave out roi"
            )
        return self

    def prepare(self, matrix: SystemMatrix) -> PreparedMethod:
        """Return `matrix` with its selected rows loaded, corrected and compressed.

        Raises
        ------
        DataError
            if no row is left, the calibration's background cannot be subtracted as asked, the
            matrix is zero or not finite, or `roi` does not lie on its grid.
        """
        is_certified = self.purpose is Purpose.QUANTIFICATION
        with single_threaded() if is_certified else nullcontext():
            rows = prepare_rows(self, matrix)
            solver = NewtonSolver.of(self, rows)
        return PreparedMethod(STAGE, rows, solver, solver.extra())


@dataclass(frozen=True, slots=True, eq=False)
class NewtonSolver:
    """From a signal (row,) to voxels, each frame from nothing: `streaming` keeps the last frame.

    `voxels` are those solved for, of `n_voxels`. `coded` is None where plain numpy solves: for
    small matrices, in double precision, and where numba is absent.
    """

    compressed: CompressedMatrix
    regularization: float
    preset: Preset
    voxels: NDArray[np.intp]
    n_voxels: int
    coded: _compiled.Coded | None
    whole: WholeProblem | None
    goal: float
    max_whole_passes: int

    @classmethod
    def of(cls, settings: Newton, rows: PreparedRows) -> "NewtonSolver":
        """Return the solver of prepared rows; the compression is the slow part."""
        preset = resolve(settings)
        damping = rows.lambda_absolute(settings.regularization)
        voxels = _inside(settings, rows.matrix)
        n_voxels = rows.matrix.grid.n_voxels
        columns = rows.columns if len(voxels) == n_voxels else rows.columns[:, voxels]
        is_certified = settings.purpose is Purpose.QUANTIFICATION
        compressed = compress(
            columns,
            max_rank=preset.rank,
            truncation=0.0 if settings.rank is not None else noise_share(rows),
            rng=named_generator(settings.seed, "compression"),
        )
        is_small = min(2 * columns.shape[0], columns.shape[1]) <= EXACT_SIZE
        coded = None
        if _compiled.is_available() and not is_small:
            coded = _compiled.encode(compressed, damping, preset.bits)
        return cls(
            compressed=compressed,
            regularization=damping,
            preset=preset,
            voxels=voxels,
            n_voxels=n_voxels,
            coded=coded,
            whole=WholeProblem(columns, damping, compressed) if is_certified else None,
            goal=settings.certified_distance,
            max_whole_passes=settings.max_whole_passes,
        )

    @property
    def limits(self) -> _compiled.Limits:
        """When the compressed problem counts as solved."""
        return _compiled.Limits(self.preset.tolerance, self.preset.max_passes)

    def extra(self) -> dict[str, Any]:
        """Return what was derived, as plain values, for the provenance."""
        return {
            "lambda_absolute": self.regularization,
            "rank_kept": self.compressed.rank,
            "truncation_error": self.compressed.truncation,
            "quantization_error": 0.0 if self.coded is None else self.coded.error,
            "is_compiled": self.coded is not None,
            "tolerance_used": self.preset.tolerance,
            "max_passes_used": self.preset.max_passes,
        }

    def __call__(self, signal: NDArray[np.complex128]) -> Solution:
        """Return the image of one signal.

        Raises
        ------
        DataError
            if the signal is not finite; in quantification, if the image could not be certified.
        """
        check_finite(signal)
        with single_threaded():
            values, report = self._compressed(signal)
            if self.whole is not None:
                values, more = self._certified(signal, values)
                report = {**report, **more}
        return Solution(self.embedded(values), report)

    def batch(self, signals: NDArray[np.complex128]) -> tuple[Solution, ...]:
        """Return the images of several signals (frame, row), each from nothing.

        Compiled, one after the other: equal to those of single calls. In plain numpy together, so
        that matrix products read the compressed matrix once for all. Not for quantification.

        Raises
        ------
        DataError
            if a signal is not finite, or images must be certified.
        """
        if self.whole is not None:
            raise DataError("a batch is not certified: reconstruct each frame for quantification")
        check_finite(signals)
        with single_threaded():
            if self.coded is None:
                return self._together(signals)
            session = _compiled.Session(self.coded, self.limits, 1)
            return tuple(self._alone(session, signal) for signal in signals)

    def embedded(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return `values` of the voxels solved for among all voxels, zero elsewhere."""
        if len(self.voxels) == self.n_voxels:
            return values.astype(np.float64)
        full = np.zeros(self.n_voxels)
        full[self.voxels] = values
        return full

    def _compressed(
        self, signal: NDArray[np.complex128]
    ) -> tuple[NDArray[np.float64], dict[str, Any]]:
        if self.coded is None:
            found = self._together(signal[None])[0]
            return found.values[self.voxels], dict(found.report)
        found = self._alone(_compiled.Session(self.coded, self.limits, 1), signal)
        return found.values[self.voxels], dict(found.report)

    def _alone(self, session: _compiled.Session, signal: NDArray[np.complex128]) -> Solution:
        """Return the image of one signal by the compiled solver, from nothing."""
        image = np.empty(len(self.voxels))
        session.reset()
        session.solve(signal, image)
        made = session.report
        report = describe(made.passes, made.active, made.gradient, made.is_converged)
        return Solution(self.embedded(image), report)

    def _together(self, signals: NDArray[np.complex128]) -> tuple[Solution, ...]:
        found = solve_dual(
            self.compressed.loadings,
            self.compressed.singular,
            self.regularization,
            self.compressed.project(signals),
            tolerance=self.preset.tolerance,
            max_passes=self.preset.max_passes,
        )
        return tuple(
            Solution(self.embedded(values), describe(*rest))
            for values, *rest in zip(
                found.values,
                found.passes.tolist(),
                found.active.tolist(),
                found.gradient.tolist(),
                found.is_converged.tolist(),
                strict=True,
            )
        )

    def _certified(
        self, signal: NDArray[np.complex128], start: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], dict[str, Any]]:
        assert self.whole is not None
        found = self.whole.certify(signal, start, goal=self.goal, max_passes=self.max_whole_passes)
        if found.relative_distance > self.goal:
            raise DataError(
                f"the image is proved to lie within {found.relative_distance:.2g} of the optimum "
                f"after {found.passes} passes over the whole matrix; certified_distance asks for "
                f"{self.goal:.2g}. Raise rank, max_whole_passes or regularization"
            )
        return found.values, {
            "certified_distance_reached": found.relative_distance,
            "duality_gap": found.gap,
            "whole_passes": found.passes,
        }


def resolve(settings: Newton) -> Preset:
    """Return the preset of the settings' purpose, with what the settings state themselves."""
    preset = PRESETS[settings.purpose]
    return Preset(
        rank=settings.rank or preset.rank,
        tolerance=settings.tolerance or preset.tolerance,
        max_passes=settings.max_passes or preset.max_passes,
        bits=settings.bits or preset.bits,
    )


def noise_share(rows: PreparedRows) -> float:
    """Return the norm of the calibration's noise relative to that of its rows; 0 if not known.

    From the scatter of the calibration's background frames about their mean: what a compression
    leaves out below it could not be told from noise.
    """
    is_empty = rows.matrix.is_background
    if int(is_empty.sum()) < 2:
        return 0.0
    variance = rows.frames(rows.matrix)[is_empty].var(axis=0, ddof=1).sum()
    total = float(np.vdot(rows.columns, rows.columns).real)
    return float(np.sqrt(variance * rows.columns.shape[1] / total)) if total > 0 else 0.0


def describe(passes: float, active: float, gradient: float, is_converged: bool) -> dict[str, Any]:
    """Return what the compressed solve says of itself; its gradient certifies nothing more."""
    return {
        "passes": passes,
        "active_fraction": active,
        "compressed_dual_gradient": gradient,
        "is_compressed_converged": is_converged,
    }


def check_finite(signals: NDArray[np.complex128]) -> None:
    """Refuse signals (..., row) that hold NaN or infinity, naming the row.

    Raises
    ------
    DataError
        if there is one.
    """
    if np.isfinite(signals).all():
        return
    where = np.argwhere(~np.isfinite(signals))[0]
    raise DataError(
        f"the signal holds {signals[tuple(where)]} in row {where[-1]}; expected finite values. "
        "Drop the frame, or leave the row out of the selection"
    )


def _inside(settings: Newton, matrix: SystemMatrix) -> NDArray[np.intp]:
    """Return the flat indices, i fastest, of the voxels to solve for."""
    shape = matrix.grid.shape
    if settings.roi is None:
        return np.arange(matrix.grid.n_voxels)
    for (first, end), size, axis in zip(settings.roi, shape, "ijk", strict=True):
        if not 0 <= first < end <= size:
            raise DataError(
                f"roi {axis} {first}..{end} does not lie on a grid of {size} voxels; expected "
                f"0 <= first < end <= {size}"
            )
    chosen = np.zeros(shape, dtype=np.bool_)
    chosen[tuple(slice(first, end) for first, end in settings.roi)] = True
    return np.flatnonzero(chosen.ravel(order="F"))


METHOD = Newton
