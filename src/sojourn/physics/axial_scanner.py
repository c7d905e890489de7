"""A scanner along one line, described by few numbers that a calibration fixes."""

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.core.geometry import Grid
from sojourn.core.signals import Acquisition
from sojourn.physics.axial_relaxation import axial_moment
from sojourn.physics.core_sizes import core_sizes
from sojourn.physics.fields import drive_waveform
from sojourn.physics.langevin import BOLTZMANN
from sojourn.physics.model_matrix import ModelMatrix, Rows, build_model_matrix, estimate_gains
from sojourn.physics.particles import TracerParticles

ROOM_TEMPERATURE = 295.15
"""K: where calibrations are taken [assumption]."""

_NODES = 6


@dataclass(frozen=True, slots=True)
class AxialScanner:
    r"""One sine along a line with a gradient, one receive coil, one effective kind of core.

    .. math:: B(x, t) = G (x - x_0) + A \sin 2 \pi f t

    `gradient` G, T/m; `center` x_0, m. `diameter`, m, and `spread` of a lognormal population
    that stands for the tracer; `relaxation_time` without field, s, the same for all sizes.
    `slope` (1/m) and `curvature` (1/m^2) of the receive sensitivity about the center. Only ratios
    to the drive amplitude can be found from spectra: a wrong nominal amplitude scales the
    gradient and the moments.
    """

    gradient: float
    center: float
    diameter: float = 23e-9
    spread: float = 0.3
    relaxation_time: float = 5e-6
    slope: float = 0.0
    curvature: float = 0.0

    def rows(
        self,
        positions: NDArray[np.float64],
        bins: NDArray[np.int64],
        acquisition: Acquisition,
    ) -> Rows:
        """Return what the coil receives of a unit sample, up to each row's gain.

        Parameters
        ----------
        positions
            shape (n,), along the line, m.
        bins
            harmonics kept, 0-based rFFT bins.
        acquisition
            of one sine; its strength is taken as it is stated.

        Returns
        -------
            shape (n, bin): bin number times the moment's rFFT, dimensionless.

        Raises
        ------
        DataError
            if a parameter is out of range, or the drive field is not one sine.
        """
        if not min(self.diameter, self.spread, self.relaxation_time) > 0:
            raise DataError(f"sizes and times must be positive: {self}")
        drive = acquisition.drive_field
        if drive.divider.shape != (1, 1) or drive.waveform != "sine":
            raise DataError(
                f"a scanner along a line has one sine, got {drive.waveform} fields of shape "
                f"{drive.divider.shape}"
            )
        tracer = TracerParticles((1.0,), (self.diameter,), (self.spread,))
        sizes = core_sizes(tracer, nodes=_NODES)
        away = np.asarray(positions, dtype=np.float64) - self.center
        wave = drive_waveform(drive, acquisition.n_samples)[0]
        moment = axial_moment(
            self.gradient * away[:, None] + wave,
            scale=sizes.moments / (BOLTZMANN * ROOM_TEMPERATURE),
            times=np.full(_NODES, self.relaxation_time),
            shares=sizes.iron_shares,
            interval=drive.cycle / acquisition.n_samples,
        )
        profile = 1 + self.slope * away + self.curvature * away**2
        rows: Rows = profile[:, None] * np.fft.rfft(moment, axis=1)[:, bins] * bins
        return rows


PARAMETERS = tuple(field.name for field in fields(AxialScanner))

_SCALES = {
    "gradient": 0.01,
    "center": 0.001,
    "diameter": 2e-9,
    "spread": 0.05,
    "relaxation_time": 1e-6,
    "slope": 1.0,
    "curvature": 100.0,
}
_LOWER = {"gradient": 1e-3, "diameter": 3e-9, "spread": 0.02, "relaxation_time": 2e-8}
_UPPER = {"gradient": 20.0, "diameter": 100e-9, "spread": 1.0, "relaxation_time": 1e-4}


@dataclass(frozen=True, slots=True, eq=False)
class AxialFit:
    """A fitted scanner; `uncertainty`: standard uncertainty of each of `free`, as residuals show.

    `mismatch`: Frobenius norm of the residuals over that of the data, in sample.
    """

    scanner: AxialScanner
    free: tuple[str, ...]
    uncertainty: NDArray[np.float64]
    mismatch: float

    @property
    def n_parameters(self) -> int:
        """Real numbers fitted besides the rows' gains."""
        return len(self.free)


def fit_axial_scanner(
    measured: Rows,
    positions: NDArray[np.float64],
    bins: NDArray[np.int64],
    acquisition: Acquisition,
    *,
    start: AxialScanner,
    free: tuple[str, ...] = PARAMETERS,
) -> AxialFit:
    """Fit a scanner to a calibration along a line; every row's complex gain is free as well.

    The gains are eliminated (variable projection), so that the search runs over `free` alone.

    Parameters
    ----------
    measured
        shape (position, row), background taken off.
    positions
        shape (position,), m.
    bins
        shape (row,), the harmonics measured.
    acquisition
        as `AxialScanner.rows`.
    start
        where the search begins; also the parameters that are not `free`.
    free
        names of the parameters to be found.

    Raises
    ------
    DataError
        if there are fewer data than parameters, a name is unknown, or the search does not end.

    References
    ----------
    Golub and Pereyra, SIAM J. Numer. Anal. 10 (1973) 413 (variable projection).
    """
    from scipy.optimize import least_squares

    if unknown := sorted(set(free) - set(PARAMETERS)):
        raise DataError(f"unknown parameters {unknown}; known: {', '.join(PARAMETERS)}")
    if measured.shape != (len(positions), len(bins)):
        raise DataError(
            f"measured has shape {measured.shape}, expected ({len(positions)}, {len(bins)})"
        )
    n_parameters = len(free) + 2 * len(bins)
    if 2 * measured.size <= n_parameters:
        raise DataError(f"{2 * measured.size} data do not fix {n_parameters} parameters")
    size = float(np.linalg.norm(measured))
    scale = np.array([_SCALES[name] for name in free])

    def scanner(values: NDArray[np.float64]) -> AxialScanner:
        return replace(start, **dict(zip(free, (values * scale).tolist(), strict=True)))

    def residuals(values: NDArray[np.float64]) -> NDArray[np.float64]:
        rows = scanner(values).rows(positions, bins, acquisition)
        left = estimate_gains(rows, measured).residuals / size
        return np.concatenate((left.real.ravel(), left.imag.ravel()))

    first = np.array([getattr(start, name) for name in free]) / scale
    lower = np.array([_LOWER.get(name, -np.inf) for name in free]) / scale
    upper = np.array([_UPPER.get(name, np.inf) for name in free]) / scale
    found = least_squares(
        residuals, first, bounds=(lower, upper), max_nfev=200, ftol=1e-6, xtol=1e-6, gtol=1e-9
    )
    if not found.success:
        raise DataError(f"the fit did not end: {found.message}")
    variance = 2 * found.cost / (2 * measured.size - n_parameters)
    jacobian = np.asarray(found.jac, dtype=np.float64)
    covariance = variance * np.linalg.pinv(jacobian.T @ jacobian)
    uncertainty = np.sqrt(np.diag(covariance)) * scale
    return AxialFit(scanner(found.x), free, uncertainty, float(np.sqrt(2 * found.cost)))


def left_out_places(
    measured: Rows,
    positions: NDArray[np.float64],
    bins: NDArray[np.int64],
    acquisition: Acquisition,
    fit: AxialFit,
) -> Rows:
    """Return what each position shows of itself when neither scanner nor gains have seen it.

    Parameters
    ----------
    measured, positions, bins, acquisition
        as `fit_axial_scanner`.
    fit
        to all positions: each search begins there.

    Returns
    -------
        measured minus predicted, shape (position, row).

    Raises
    ------
    DataError
        as `fit_axial_scanner`.
    """
    residuals = np.empty(measured.shape, dtype=np.complex128)
    for left in range(len(measured)):
        rest = np.arange(len(measured)) != left
        again = fit_axial_scanner(
            measured[rest],
            positions[rest],
            bins,
            acquisition,
            start=fit.scanner,
            free=fit.free,
        )
        rows = again.scanner.rows(positions, bins, acquisition)
        gains = estimate_gains(rows[rest], measured[rest]).values
        residuals[left] = measured[left] - rows[left] * gains
    return residuals


def model_axial_calibration(
    measured: Rows,
    positions: NDArray[np.float64],
    bins: NDArray[np.int64],
    acquisition: Acquisition,
    *,
    start: AxialScanner,
    grid: Grid,
    free: tuple[str, ...] = PARAMETERS,
    sample_iron: float | None = None,
    name: str = "modelled calibration",
) -> ModelMatrix:
    """Return a calibration at any places along a line, from a few measured ones.

    Scanner and gains are fitted to all positions; the mismatch is that of positions left out,
    one after the other, of both fits.

    Parameters
    ----------
    measured, positions, bins, acquisition, start, free
        as `fit_axial_scanner`.
    grid
        the places of the modelled calibration; the line is its x axis.
    sample_iron
        kg of the measured sample, or None where unknown.
    name
        what the matrix says of itself.

    Raises
    ------
    DataError
        as `fit_axial_scanner`.
    """
    fit = fit_axial_scanner(measured, positions, bins, acquisition, start=start, free=free)
    residuals = left_out_places(measured, positions, bins, acquisition, fit)
    here = fit.scanner.rows(positions, bins, acquisition)
    return build_model_matrix(
        fit.scanner.rows(grid.centers()[:, 0], bins, acquisition),
        estimate_gains(here, measured).values,
        bins=bins,
        grid=grid,
        acquisition=acquisition,
        residuals=residuals,
        measured=measured,
        n_parameters=fit.n_parameters + 2 * len(bins),
        left_out="each position left out of the fit in turn",
        sample_iron=sample_iron,
        name=name,
    )
