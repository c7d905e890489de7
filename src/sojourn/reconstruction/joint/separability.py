"""Whether two states of a tracer can be told apart by one scanner: an answer, and its reasons."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh, eigvalsh, subspace_angles, svd

from sojourn.core.arrays import frozen
from sojourn.core.errors import DataError
from sojourn.reconstruction._operators import stack_parts
from sojourn.reconstruction.tikhonov import row_functionals
from sojourn.reconstruction.uncertainty.noise import FrameNoise


class Verdict(StrEnum):
    """What may be said of amounts in several states.

    NOT_SEPARABLE is an answer: then only their sum is given.
    """

    SEPARABLE = "separable"
    WITH_CROSS_TALK = "separable with stated cross-talk"
    NOT_SEPARABLE = "not separable"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where one verdict ends and the next begins; all of them assumptions of the caller.

    Cross-talk up to `separable` and `tolerable`, shares of an amount; noise of an amount raised
    by at most `amplification` against knowing that there is no other state.
    """

    separable: float
    tolerable: float
    amplification: float


@dataclass(frozen=True, slots=True, eq=False)
class Separability:
    """How well amounts in C states are told apart by the joint linear (Tikhonov) estimate.

    `cross_talk` (C, C): root mean square, over places, of the share of one unit of state d
    (column) that is counted as state c (row); 0 on the diagonal. `calibration_cross_talk`: the
    same from errors of the calibration. `noise_amplification` (C,): relative noise of an
    amount, against its noise if that state were known to be alone. `noise` (C,): standard
    deviation of an amount by one frame's noise, in samples of the first calibration.
    `condition_number` of all states' whitened columns, damped. `column_angle`: median over
    places, smallest over pairs, between the whitened signals of the same place in two states;
    `subspace_angle`: the smallest between the spaces of signals above the damping; degrees.
    """

    verdict: Verdict
    cross_talk: NDArray[np.float64]
    calibration_cross_talk: NDArray[np.float64]
    noise_amplification: NDArray[np.float64]
    noise: NDArray[np.float64]
    condition_number: float
    column_angle: float
    subspace_angle: float
    thresholds: Thresholds

    def __post_init__(self) -> None:
        for name in ("cross_talk", "calibration_cross_talk", "noise_amplification", "noise"):
            object.__setattr__(self, name, frozen(getattr(self, name)))

    @property
    def worst_cross_talk(self) -> float:
        """The largest total cross-talk, of both causes together in quadrature."""
        return float(np.hypot(self.cross_talk, self.calibration_cross_talk).max())

    def report(self) -> dict[str, Any]:
        """Return everything as plain values, None for what is infinite."""
        return {
            "verdict": self.verdict.value,
            "cross_talk": _plain(self.cross_talk),
            "calibration_cross_talk": _plain(self.calibration_cross_talk),
            "worst_cross_talk": _plain(np.array(self.worst_cross_talk)),
            "noise_amplification": _plain(self.noise_amplification),
            "noise_of_one_frame": _plain(self.noise),
            "condition_number": _plain(np.array(self.condition_number)),
            "column_angle_degrees": self.column_angle,
            "subspace_angle_degrees": self.subspace_angle,
        }


def _plain(values: NDArray[np.float64]) -> object:
    """Return numbers as JSON can hold them, None for an infinite one."""
    if values.ndim == 0:
        return float(values) if np.isfinite(values) else None
    return [_plain(value) for value in values]


def judge_separability(
    states: Sequence[NDArray[np.complex128]],
    noise: FrameNoise,
    *,
    regularization: float,
    calibration_error: float,
    thresholds: Thresholds,
    systematic: Sequence[NDArray[np.complex128]] = (),
) -> Separability:
    r"""Return the verdict on C states from their columns and the noise of the rows.

    The amount of state c, the sum of its voxels in the joint Tikhonov image, is g_c . u. One
    unit of state d at voxel v is counted in it as g_c . s_dv; its share is relative to the
    mean sum over all states. Errors of the calibration that are independent from row to row and
    relative to the row have a share of the calibration error times (sum g_c^2 s_dv^2)^(1/2);
    systematic ones, such as a delay, all their rows together. No constraint is at work:
    non-negativity can help, and is not counted on.

    Parameters
    ----------
    states
        columns (row, voxel) of each state, at least two, weighted alike, one row order and grid,
        in samples of the same iron.
    noise
        of one frame's rows, weighted as the columns are.
    regularization
        absolute lambda of the joint estimate.
    calibration_error
        relative error of a calibration's rows, independent from row to row.
    thresholds
        between verdicts.
    systematic
        relative errors common to all rows, (row,) each, of one standard deviation; a delay of t
        seconds is 2 pi i f t.

    Raises
    ------
    DataError
        if there are fewer than two states, or their shapes differ.

    References
    ----------
    Rahmer et al., Phys. Med. Biol. 60 (2015) 1775 (multi-color MPI); Bjorck and Golub, Math. Comp.
    27 (1973) 579 (angles). The verdict's rule is ours.
    """
    shapes = {state.shape for state in states}
    if len(states) < 2 or len(shapes) != 1:
        raise DataError(
            f"{len(states)} states of shapes {sorted(shapes)}; separability needs at least two, "
            "with the same rows and voxels"
        )
    stacked = [stack_parts(state) for state in states]
    reading = _functionals(states, regularization)
    counted = np.array([[g @ a for a in stacked] for g in reading])
    unit = np.abs(counted.sum(axis=0).mean(axis=1))
    error = calibration_error**2 * np.array(
        [[np.square(g) @ np.square(a) for a in stacked] for g in reading]
    )
    for mode in systematic:
        moved = [stack_parts(mode[:, None] * state) for state in states]
        error += np.array([[np.square(g @ a) for a in moved] for g in reading])
    cross_talk = _share(np.sqrt(np.mean(np.square(counted), axis=2)), unit)
    from_calibration = _share(np.sqrt(np.mean(error, axis=2)), unit)
    deviations = np.sqrt(noise.along(reading))
    amplification = _amplification(states, counted, deviations, noise, regularization)
    worst = float(np.hypot(cross_talk, from_calibration).max())
    whitened = [a / np.sqrt(noise.variance)[:, None] for a in stacked]
    level = regularization / float(np.exp(np.mean(np.log(noise.variance))))
    return Separability(
        _verdict(worst, float(amplification.max()), thresholds),
        cross_talk,
        from_calibration,
        amplification,
        deviations,
        _condition_number(whitened, level),
        _column_angle(whitened),
        _subspace_angle(whitened, level),
        thresholds,
    )


def _functionals(
    states: Sequence[NDArray[np.complex128]], regularization: float
) -> NDArray[np.float64]:
    """Return what reads each state's sum from a signal, (state, 2 row)."""
    voxels = states[0].shape[1]
    targets = np.repeat(np.eye(len(states)), voxels, axis=1)
    return row_functionals(np.hstack(list(states)), regularization, targets)


def _share(counted: NDArray[np.float64], unit: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return `counted` (c, d) over what one unit of d gives in all, 0 where c is d.

    Infinite where a unit of d gives nothing.
    """
    share = np.full(counted.shape, np.inf)
    np.divide(counted, unit, out=share, where=unit > 0)
    np.fill_diagonal(share, 0.0)
    return share


def _amplification(
    states: Sequence[NDArray[np.complex128]],
    counted: NDArray[np.float64],
    deviations: NDArray[np.float64],
    noise: FrameNoise,
    regularization: float,
) -> NDArray[np.float64]:
    """Return each amount's relative noise over that of its state alone, (state,)."""
    raised = []
    for c, state in enumerate(states):
        alone = _functionals([state], regularization)
        recovered = float(np.mean(alone @ stack_parts(state)))
        together = float(np.mean(counted[c, c]))
        if together <= 0:
            raised.append(np.inf)
            continue
        deviation = float(np.sqrt(noise.along(alone))[0])
        raised.append(float(deviations[c]) / together / (deviation / recovered))
    return np.array(raised)


def _verdict(cross_talk: float, amplification: float, thresholds: Thresholds) -> Verdict:
    if cross_talk > thresholds.tolerable or amplification > thresholds.amplification:
        return Verdict.NOT_SEPARABLE
    if cross_talk > thresholds.separable:
        return Verdict.WITH_CROSS_TALK
    return Verdict.SEPARABLE


def _condition_number(whitened: Sequence[NDArray[np.float64]], level: float) -> float:
    together = np.hstack(list(whitened))
    rows, columns = together.shape
    gram = together @ together.T if rows <= columns else together.T @ together
    powers = np.maximum(eigvalsh(gram, check_finite=False), 0.0)
    smallest = float(powers[0]) if rows >= columns else 0.0
    if smallest + level <= 0:
        return float("inf")
    return float(np.sqrt((float(powers[-1]) + level) / (smallest + level)))


def _column_angle(whitened: Sequence[NDArray[np.float64]]) -> float:
    directions = []
    for state in whitened:
        length = np.linalg.norm(state, axis=0)
        directions.append(np.divide(state, length, out=np.zeros_like(state), where=length > 0))
    angles = [
        np.median(np.arccos(np.clip(np.sum(a * b, axis=0), -1.0, 1.0)))
        for a, b in combinations(directions, 2)
    ]
    return float(np.degrees(min(angles)))


def _subspace_angle(whitened: Sequence[NDArray[np.float64]], level: float) -> float:
    spaces = [_signal_space(state, level) for state in whitened]
    return float(np.degrees(min(subspace_angles(a, b).min() for a, b in combinations(spaces, 2))))


def _signal_space(state: NDArray[np.float64], level: float) -> NDArray[np.float64]:
    """Return an orthonormal basis of the signals of more power than `level`, at least one."""
    if state.shape[0] <= state.shape[1]:
        powers, left = eigh(state @ state.T, check_finite=False)
    else:
        left, values, _ = svd(state, full_matrices=False, check_finite=False)
        powers = values**2
    kept = (powers > level) | (powers == powers.max())
    return np.asarray(left[:, kept])
