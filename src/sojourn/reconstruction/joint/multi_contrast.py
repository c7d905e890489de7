"""Several states of one tracer, each with its calibration, in one scan.

Free and bound tracer, or tracer at two temperatures, give different signals for the same iron.
Whether a scanner can tell them apart is judged before any image is made; where it cannot, the
sum is all there is. Neither state is cells.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from sojourn.core.errors import DataError
from sojourn.core.images import SampleMap
from sojourn.core.provenance import Provenance
from sojourn.core.signals import Scan, SystemMatrix
from sojourn.reconstruction._operators import RowOperator, row_operator
from sojourn.reconstruction._rows import PreparedRows, RowSettings
from sojourn.reconstruction.fista import solve_fista
from sojourn.reconstruction.joint._samples import prepare_common_rows, sample_ratios
from sojourn.reconstruction.joint.separability import (
    Separability,
    Thresholds,
    Verdict,
    judge_separability,
)
from sojourn.reconstruction.uncertainty.noise import estimate_frame_noise

STAGE = "reconstruct_multi_contrast"


@dataclass(frozen=True, slots=True, eq=False)
class ContrastImages:
    """Tracer in each state, if the states are separable, and in all together.

    `images`: one per calibration, in its order, or None where the verdict is not separable.
    `total`: their sum. Both in samples of the first calibration, on its grid. `totals_alone`
    (calibration,): the sum that the signal would mean if all tracer were in that state; where
    states cannot be told apart, the sum is not known better than their range.
    """

    separability: Separability
    images: tuple[SampleMap, ...] | None
    total: SampleMap
    totals_alone: tuple[float, ...]


class MultiContrast(RowSettings):
    """Settings of a joint reconstruction of several states; `background` has no default.

    Minimised is ||sum_c S_c x_c - u||^2 + lambda sum_c ||x_c||^2 over x >= 0, lambda =
    regularization * sum_c ||S_c||_F^2 / (n_states n_voxels). Rows are those that every calibration
    has, weighted as in the first. `calibration_error`: relative error of a calibration's rows
    [default: two runs of one calibration on a human-head scanner differed by 1.96 %].
    `calibration_delay_s`: how late one calibration may be against another; a relaxing tracer looks
    just like it [default: about 50 ns between the same two runs].
    `separable_cross_talk`, `tolerable_cross_talk` and `tolerable_amplification` bound the verdicts
    [assumptions: 5 %, 25 %, 10].
    """

    iterations: int = Field(default=5000, ge=1, le=1_000_000)
    tolerance: float = Field(default=1e-3, ge=0, lt=1)
    regularization: float = Field(default=1e-2, gt=0, allow_inf_nan=False)
    calibration_error: float = Field(default=0.02, ge=0, le=1)
    calibration_delay_s: float = Field(default=50e-9, ge=0, le=1)
    separable_cross_talk: float = Field(default=0.05, gt=0, le=1)
    tolerable_cross_talk: float = Field(default=0.25, gt=0, le=1)
    tolerable_amplification: float = Field(default=10.0, ge=1, allow_inf_nan=False)

    def prepare(self, matrices: Sequence[SystemMatrix]) -> "PreparedContrasts":
        """Return the calibrations ready, with the verdict on them.

        Parameters
        ----------
        matrices
            at least two, one for each state, on the same grid, of the same scanner and sequence,
            each with background frames (their spread is the noise).

        Raises
        ------
        DataError
            if there are fewer than two, they do not fit each other, or background frames are too
            few.
        """
        if len(matrices) < 2:
            raise DataError(f"{len(matrices)} calibration was given; states need one each")
        first = matrices[0]
        for other in matrices[1:]:
            if not other.grid.is_same_as(first.grid):
                raise DataError(
                    f"calibration {other.name} lies on another grid than {first.name}; calibrate "
                    "every state at the same places"
                )
        rows = prepare_common_rows(self, matrices)
        ratios = sample_ratios(matrices)
        states = [r.columns / ratio for r, ratio in zip(rows, ratios, strict=True)]
        together = np.hstack(states)
        damping = self.regularization * float(np.vdot(together, together).real) / together.shape[1]
        empty = [r.frames(r.matrix)[r.matrix.is_background] for r in rows]
        noise = estimate_frame_noise([frames for frames in empty if len(frames)])
        verdict = judge_separability(
            states,
            noise,
            regularization=damping,
            calibration_error=self.calibration_error,
            thresholds=Thresholds(
                self.separable_cross_talk,
                self.tolerable_cross_talk,
                self.tolerable_amplification,
            ),
            systematic=[_late(rows[0], self.calibration_delay_s)],
        )
        return PreparedContrasts(self, rows, row_operator(together), damping, verdict)


def _late(rows: PreparedRows, delay: float) -> NDArray[np.complex128]:
    """Return by how much each row changes, relatively, for a small delay: 2 pi i f delay."""
    frequencies = rows.matrix.acquisition.frequencies()
    chosen = frequencies[[k for _, k in rows.selection.labels()]]
    return np.asarray(2j * np.pi * delay * chosen, dtype=np.complex128)


@dataclass(frozen=True, slots=True, eq=False)
class PreparedContrasts:
    """Calibrations of several states, ready for scans; made by `MultiContrast.prepare`."""

    settings: MultiContrast
    rows: tuple[PreparedRows, ...]
    operator: RowOperator
    damping: float
    separability: Separability

    def parameters(self) -> dict[str, Any]:
        """Return everything that fixes the images, besides their inputs, as plain values."""
        return {
            **self.settings.model_dump(mode="json"),
            "states": [rows.matrix.name for rows in self.rows],
            "n_rows": self.rows[0].selection.n_rows,
            "lambda_absolute": self.damping,
            **self.separability.report(),
        }

    def reconstruct_relative(self, scan: Scan, *, empty: Sequence[Scan] = ()) -> ContrastImages:
        """Return the tracer in each state, or in all together, of the mean foreground frame.

        Parameters
        ----------
        scan
            the measurement.
        empty
            empty-bore scans, where the background is external.

        Raises
        ------
        DataError
            as a reconstruction with one calibration.
        """
        signal = self.rows[0].signal(scan, empty=empty).mean(axis=0)
        x, report = self._solve(self.operator, signal)
        states = x.reshape(len(self.rows), -1)
        inputs = (*(rows.matrix.source for rows in self.rows), scan.source)
        inputs += tuple(each.source for each in empty)
        provenance = Provenance(STAGE, inputs, {**self.parameters(), **report})
        separate = self.separability.verdict is not Verdict.NOT_SEPARABLE
        images = tuple(self._image(x, provenance) for x in states) if separate else None
        total = self._image(states.sum(axis=0), provenance)
        return ContrastImages(self.separability, images, total, self._totals_alone(signal))

    def _solve(
        self, operator: RowOperator, signal: NDArray[np.complex128]
    ) -> tuple[NDArray[np.float64], dict[str, Any]]:
        x, done, found = solve_fista(
            operator,
            signal,
            regularization=self.damping,
            iterations=self.settings.iterations,
            tolerance=self.settings.tolerance,
        )
        converged = found.distance_bound <= self.settings.tolerance
        return x, {"iterations_done": done, "converged": converged, **found.report()}

    def _totals_alone(self, signal: NDArray[np.complex128]) -> tuple[float, ...]:
        voxels = self.operator.domain[0] // len(self.rows)
        totals = []
        for c in range(len(self.rows)):
            own = slice(c * voxels, (c + 1) * voxels)
            alone = RowOperator(self.operator.real[:, own], self.operator.imaginary[:, own])
            totals.append(float(self._solve(alone, signal)[0].sum()))
        return tuple(totals)

    def _image(self, values: NDArray[np.float64], provenance: Provenance) -> SampleMap:
        grid = self.rows[0].matrix.grid
        return SampleMap(values.reshape(grid.shape, order="F"), grid, provenance)
