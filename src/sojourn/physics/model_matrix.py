"""Reconstruction without a measured matrix: a model's rows, times gains that few data fix.

A model gives each row's dependence on place; the receive chain's complex gain of each row comes
from a measured transfer function, from a few known positions, or from a smooth curve through
those. What the model gets wrong stays as a number: the mismatch of each row.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sojourn.core.arrays import frozen
from sojourn.core.errors import DataError
from sojourn.core.geometry import Grid
from sojourn.core.provenance import digest
from sojourn.core.signals import Acquisition, SystemMatrix, TransferFunction
from sojourn.physics.simulated_spectra import KeptSpectra

_SMALLEST_UNCERTAINTY = 1e-6
"""Of a gain, relative: exact data weigh all rows alike."""

Rows = NDArray[np.complex128]
"""Complex values, axes (position, row)."""


@dataclass(frozen=True, slots=True, eq=False)
class GainEstimate:
    """Complex gain of each row, by least squares.

    `values` (row,), measured over modelled. `uncertainty` (row,): standard uncertainty of each
    (of a complex number: root of the mean squared distance), as the residuals show it; infinite
    for a single position. `residuals` (position, row), in the unit measured.
    """

    values: NDArray[np.complex128]
    uncertainty: NDArray[np.float64]
    residuals: Rows

    def __post_init__(self) -> None:
        for name in ("values", "uncertainty", "residuals"):
            object.__setattr__(self, name, frozen(getattr(self, name)))


def estimate_gains(modelled: Rows, measured: Rows) -> GainEstimate:
    r"""Return each row's complex gain from known positions (or one known sample).

    .. math:: g_k = \frac{\sum_p \bar h_{pk} s_{pk}}{\sum_p |h_{pk}|^2}, \qquad
              u^2(g_k) = \frac{\sum_p |s_{pk} - g_k h_{pk}|^2}{(P - 1) \sum_p |h_{pk}|^2}

    Parameters
    ----------
    modelled
        h, shape (position, row).
    measured
        s, of the same shape, its background taken off.

    Raises
    ------
    DataError
        if shapes differ, a number is not finite or the model says nothing of a row.
    """
    _check_rows(modelled, measured)
    energy = np.sum(np.abs(modelled) ** 2, axis=0)
    if not energy.all():
        silent = int(np.flatnonzero(energy == 0)[0])
        raise DataError(f"the model says nothing of row {silent}; leave it out")
    gains = np.sum(modelled.conj() * measured, axis=0) / energy
    residuals = measured - modelled * gains
    freedom = len(measured) - 1
    spread = np.sum(np.abs(residuals) ** 2, axis=0)
    uncertainty = np.sqrt(spread / (freedom * energy)) if freedom else np.full(len(gains), np.inf)
    return GainEstimate(gains, uncertainty, residuals)


def smooth_gains(
    estimate: GainEstimate, frequencies: NDArray[np.float64], *, degree: int
) -> TransferFunction:
    """Return a smooth transfer function through the gains of one channel: few numbers for all.

    Polynomials in the frequency of the logarithm of the magnitude and of the unwrapped phase,
    weighted by the gains' uncertainty: 2 (degree + 1) numbers.

    Parameters
    ----------
    estimate
        gains of one channel.
    frequencies
        shape (row,), Hz, ascending; the phase must turn by less than pi from one to the next.
    degree
        of both polynomials.

    Raises
    ------
    DataError
        if there are fewer rows than coefficients, or a gain is 0.
    """
    size = np.abs(estimate.values)
    if len(size) <= degree or not size.all():
        raise DataError(
            f"{len(size)} gains fix no polynomial of degree {degree}, or one of them is 0"
        )
    relative = np.maximum(estimate.uncertainty / size, _SMALLEST_UNCERTAINTY)
    weight = 1 / relative if np.isfinite(relative).all() else np.ones(len(size))
    fit = np.polynomial.Polynomial.fit
    magnitude = fit(frequencies, np.log(size), degree, w=weight)
    phase = fit(frequencies, np.unwrap(np.angle(estimate.values)), degree, w=weight)
    values = np.exp(magnitude(frequencies) + 1j * phase(frequencies))
    return TransferFunction(frequencies, values[None], name="smooth transfer function")


def relative_difference(found: Rows, expected: Rows) -> float:
    """Return the Frobenius norm of the difference over that of `expected`."""
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


def row_mismatch(residuals: Rows, measured: Rows) -> NDArray[np.float64]:
    """Return each row's residual over its signal, root mean square over positions, (row,)."""
    ratio: NDArray[np.float64] = np.linalg.norm(residuals, axis=0) / np.linalg.norm(
        measured, axis=0
    )
    return ratio


def left_out_residuals(modelled: Rows, measured: Rows) -> Rows:
    """Return what each position would have shown of itself, had the gains not seen it.

    Parameters
    ----------
    modelled, measured
        as `estimate_gains`, of two positions or more. Only the gains are left out: parameters of
        the model that were fitted to all positions make this too small.

    Returns
    -------
        shape (position, row).

    Raises
    ------
    DataError
        if there is one position only.
    """
    _check_rows(modelled, measured)
    if len(measured) < 2:
        raise DataError("leaving one of one position out leaves none")
    residuals = np.empty(measured.shape, dtype=np.complex128)
    for left in range(len(measured)):
        rest = np.arange(len(measured)) != left
        gains = estimate_gains(modelled[rest], measured[rest]).values
        residuals[left] = measured[left] - modelled[left] * gains
    return residuals


@dataclass(frozen=True, slots=True, eq=False)
class ModelMatrix:
    """A modelled calibration and how far it is from measured ones.

    `matrix`: as a measured one, to reconstruct with. `channels`, `bins` (row,): its rows.
    `relative_mismatch` (row,): standard uncertainty of each row relative to its own size.
    `mismatch`: of all rows together, Frobenius. `n_parameters`, `n_data`: real numbers fitted
    and fitted to. `statement`: what a reader of an amount must see.
    """

    matrix: SystemMatrix
    channels: NDArray[np.int64]
    bins: NDArray[np.int64]
    relative_mismatch: NDArray[np.float64]
    mismatch: float
    n_parameters: int
    n_data: int
    statement: str

    def __post_init__(self) -> None:
        shapes = {self.channels.shape, self.bins.shape, self.relative_mismatch.shape}
        if len(shapes) != 1 or not np.all(self.relative_mismatch >= 0) or self.mismatch < 0:
            raise DataError(f"channels, bins and relative_mismatch need one shape, got {shapes}")
        for name in ("channels", "bins", "relative_mismatch"):
            object.__setattr__(self, name, frozen(getattr(self, name)))


def build_model_matrix(
    rows: Rows,
    gains: NDArray[np.complex128],
    *,
    bins: NDArray[np.int64],
    grid: Grid,
    acquisition: Acquisition,
    residuals: Rows,
    measured: Rows,
    n_parameters: int,
    left_out: str,
    sample_iron: float | None = None,
    name: str = "modelled calibration",
) -> ModelMatrix:
    """Return a modelled calibration of one receive channel with its mismatch.

    Parameters
    ----------
    rows
        what the model says at every voxel, shape (voxel, row), without the receive chain.
    gains
        shape (row,), from `estimate_gains`, a `TransferFunction` or `smooth_gains`.
    bins
        shape (row,), 0-based rFFT bins, ascending.
    grid, acquisition
        of the modelled calibration; the acquisition is that of the scans.
    residuals, measured
        shape (position, row): differences at positions whose data were left out of the fit, and
        the data there.
    n_parameters
        real numbers fitted.
    left_out
        how the residuals were made, for the statement.
    sample_iron
        kg of the sample that the gains refer to, or None where unknown.
    name
        what the matrix says of itself.

    Raises
    ------
    DataError
        if shapes do not go together.
    """
    if rows.shape != (grid.n_voxels, len(bins)) or gains.shape != bins.shape:
        raise DataError(
            f"rows {rows.shape} and gains {gains.shape} for {grid.n_voxels} voxels and "
            f"{len(bins)} bins"
        )
    _check_rows(residuals, measured)
    values = rows * gains
    each, overall = (
        row_mismatch(residuals, measured),
        relative_difference(measured - residuals, measured),
    )
    n_data = 2 * measured.size
    statement = (
        f"The calibration is a model, not a measurement. It misses measured signals by "
        f"{100 * overall:.1f} % ({left_out}; {n_parameters} parameters, {n_data} data; by row "
        f"{100 * each.min():.1f} to {100 * each.max():.1f} %). Intervals must hold this."
    )
    matrix = SystemMatrix(
        spectra=KeptSpectra(values[:, None], bins, acquisition.n_bins),
        acquisition=acquisition,
        is_background=np.zeros(grid.n_voxels, dtype=np.bool_),
        grid=grid,
        name=name,
        source=digest(values.tobytes() + bins.tobytes()),
        sample_iron=sample_iron,
        is_simulated=True,
        is_background_corrected=True,
        metadata={"model": statement},
    )
    channels = np.zeros(len(bins), dtype=np.int64)
    return ModelMatrix(matrix, channels, bins, each, overall, n_parameters, n_data, statement)


def _check_rows(modelled: Rows, measured: Rows) -> None:
    if modelled.shape != measured.shape or modelled.ndim != 2 or not modelled.size:
        raise DataError(
            f"modelled {modelled.shape} and measured {measured.shape} need one shape "
            "(position, row)"
        )
    if not (np.isfinite(modelled).all() and np.isfinite(measured).all()):
        raise DataError("rows hold numbers that are not finite")
