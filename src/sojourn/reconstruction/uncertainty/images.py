"""The uncertainty that goes with an image: standard deviation, recovery, and what is not in them.

Works with every method through its solver: exactly where the method is linear, by parametric
bootstrap where it is not (a constraint, a stopping rule, an edge-preserving penalty).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import special

from sojourn.core.arrays import frozen
from sojourn.core.errors import DataError
from sojourn.core.estimates import Estimate
from sojourn.core.geometry import Grid
from sojourn.core.signals import Scan
from sojourn.reconstruction._prepared import Measured, PreparedMethod, Solution
from sojourn.reconstruction.uncertainty.functionals import (
    MAX_PROBES,
    Functional,
    LinearMap,
    find_linear_map,
    image_of,
    tikhonov_map,
    units,
)
from sojourn.reconstruction.uncertainty.noise import (
    Array,
    Complex,
    RowNoise,
    estimate_calibration_noise,
    estimate_row_noise,
)
from sojourn.reconstruction.uncertainty.recovery import (
    BLIND_BELOW,
    Recovery,
    linear_recovery,
    probed_recovery,
)

T = TypeVar("T", bound=np.generic)

DRAWS = 200
"""Reconstructions of a bootstrap; a standard deviation is then known to 5 %."""
FAR = 0.01
"""Relative distance from the optimum above which an image is not linearised about."""
NO_AMOUNT = (
    "of the image, not an amount: its interval holds the causes named and no other; an amount "
    "needs a source model"
)
NOT_INCLUDED = (
    "regularisation bias (see the recovery map), tracer or geometry other than the calibration's"
)


class Spread(Protocol):
    """How errors of the signal reach the image."""

    def along(self, weights: Array, noise: RowNoise) -> dict[str, Array]:
        """Return the variance (m,) of `weights` (m, voxel), by cause."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class LinearSpread:
    """Through a linear map."""

    map: LinearMap

    def along(self, weights: Array, noise: RowNoise) -> dict[str, Array]:
        """Return the variance (m,) of `weights` (m, voxel), by cause."""
        return noise.along(self.map.adjoint(weights))


@dataclass(frozen=True, slots=True, eq=False)
class DrawnSpread:
    """By images (draw, voxel) that were drawn, all causes together."""

    draws: Array

    def along(self, weights: Array, noise: RowNoise) -> dict[str, Array]:
        """Return the variance (m,) of `weights` (m, voxel), all causes of `noise` as one."""
        return {" and ".join(noise.causes): (weights @ self.draws.T).var(axis=1, ddof=1)}


@dataclass(frozen=True, slots=True, eq=False)
class FunctionalEstimate:
    """A functional of an image with the interval that noise gives it.

    `regularization_bias` is what the method itself changes: the functional of the image's own
    signal, reconstructed again, less that of the image; in the estimate's unit, not in its
    interval. An image that is blurred already understates it.
    """

    estimate: Estimate
    regularization_bias: float


@dataclass(frozen=True, slots=True, eq=False)
class ImageUncertainty:
    """What is known of an image's error; maps (i, j, k) of `grid`.

    `values` and `standard_deviation` are in `unit`; `components` are the standard deviation's
    parts by cause (one for all where they are drawn together). `recovery` is the share
    of a small source that appears in its own voxel, `width` (m) how far it spreads, `is_blind`
    where it does not appear: there the standard deviation says nothing. `statement` names what
    is included, what is not, and how it was found; `again` (voxel,) is the image's own signal
    reconstructed again, `scale` takes calibration samples per voxel to `unit`.
    """

    values: NDArray[np.float64]
    standard_deviation: NDArray[np.float64]
    components: Mapping[str, NDArray[np.float64]]
    recovery: NDArray[np.float64]
    width: NDArray[np.float64]
    is_blind: NDArray[np.bool_]
    grid: Grid
    unit: str
    noise: RowNoise
    statement: str
    method: str
    spread: Spread
    again: NDArray[np.float64]
    scale: float

    def __post_init__(self) -> None:
        for name in ("values", "standard_deviation", "recovery", "width", "is_blind"):
            object.__setattr__(self, name, frozen(getattr(self, name)))

    def estimate(self, functional: Functional, *, level: float = 0.95) -> FunctionalEstimate:
        """Return a functional of the image with its interval: noise only, normal.

        Raises
        ------
        DataError
            if the functional is of another number of voxels, or `level` is not within 0 and 1.
        """
        image = self.values.ravel(order="F") / self.scale
        weights = functional.weights
        if weights.shape != image.shape:
            raise DataError(f"a functional of {len(weights)} voxels for an image of {len(image)}")
        if not 0 < level < 1:
            raise DataError(f"level must lie between 0 and 1, got {level}")
        unit, scale = _functional_unit(self, functional)
        components = {
            name: float(np.sqrt(variance[0])) * scale
            for name, variance in self.spread.along(weights[None, :], self.noise).items()
        }
        value = float(weights @ image) * scale
        reach = float(special.ndtri(0.5 + level / 2)) * float(
            np.sqrt(np.sum(np.square(list(components.values()))))
        )
        estimate = Estimate(
            value=value,
            unit=unit,
            lower=value - reach,
            upper=value + reach,
            level=level,
            method=f"{functional.name} of the image; {self.method}",
            components=components,
            notes=(NO_AMOUNT, f"not included: {self._left_out()}", *functional.notes),
        )
        return FunctionalEstimate(estimate, float(weights @ (self.again - image)) * scale)

    def _left_out(self) -> str:
        return "; ".join((NOT_INCLUDED, *self.noise.missing))


def _functional_unit(image: ImageUncertainty, functional: Functional) -> tuple[str, float]:
    """Return a functional's unit, and what takes it there from calibration samples."""
    if not functional.is_sum:
        return image.unit, image.scale
    if image.unit == "kg/m^3":
        return "kg summed over the image", image.scale * image.grid.voxel_volume
    return "calibration samples summed over the image", 1.0


def image_uncertainty(
    prepared: PreparedMethod,
    scan: Scan,
    *,
    rng: np.random.Generator,
    empty: Sequence[Scan] = (),
    draws: int = DRAWS,
    max_probes: int = MAX_PROBES,
    blind_below: float = BLIND_BELOW,
) -> ImageUncertainty:
    """Return the uncertainty of the image that `prepared` makes of `scan`.

    Parameters
    ----------
    prepared
        any method's.
    scan, empty
        as given to `prepared.reconstruct`.
    rng
        draws the noise of the bootstrap; not used where the method is linear.
    draws
        reconstructions of the bootstrap, at least 20.
    max_probes
        most reconstructions to spend on a linear map, and again on the recovery.
    blind_below
        recovery below which a voxel is called blind.

    Returns
    -------
        a linear method's maps are exact. Of any other the image's own signal is reconstructed
        again with `draws` errors added, and the recovery is that of sources added to the signal.

    Raises
    ------
    DataError
        if the scan does not fit, its noise cannot be told, or the image is zero everywhere.

    References
    ----------
    Fessler, IEEE Trans. Image Process. 5 (1996) 493 (linear and implicit estimators); Efron and
    Tibshirani, An Introduction to the Bootstrap (1993) ch. 6.
    """
    if draws < 20:
        raise DataError(f"a bootstrap needs at least 20 draws, got {draws}")
    prepared = _for_scan(prepared, scan, empty)
    signal, image, noise = _read(prepared, scan, empty)
    map_ = find_linear_map(prepared, signal, max_probes=max_probes)
    fitted = prepared.rows.columns @ image
    again = prepared.solver(fitted).values
    if map_ is not None:
        recovery = linear_recovery(map_, prepared.rows.columns, prepared.matrix.grid)
        return _assembled(
            prepared, image, again, noise, LinearSpread(map_), recovery, blind_below, "exact"
        )
    drawn = np.stack([prepared.solver(fitted + e).values for e in noise.draw(draws, rng)])
    recovery = probed_recovery(prepared, signal, image, max_probes=max_probes)
    how = f"parametric bootstrap, {draws} draws"
    return _assembled(prepared, image, again, noise, DrawnSpread(drawn), recovery, blind_below, how)


def active_set_uncertainty(
    prepared: PreparedMethod,
    scan: Scan,
    *,
    empty: Sequence[Scan] = (),
    blind_below: float = BLIND_BELOW,
) -> ImageUncertainty:
    """Return the uncertainty of a non-negative Tikhonov image by linearisation: cheap, too small.

    The voxels that are zero are taken to stay zero whatever the noise, the others as free. A
    voxel at zero then has standard deviation 0 and counts as blind; `image_uncertainty` knows
    better.

    Raises
    ------
    DataError
        as `image_uncertainty` says; if the method states no `lambda_absolute` above 0, or its image
        is more than `FAR` from the optimum that the linearisation is about.
    """
    signal, image, noise = _read(prepared, scan, empty)
    damping = prepared.extra.get("lambda_absolute")
    if not isinstance(damping, int | float) or not damping > 0:
        raise DataError(f"{prepared.stage} states no lambda_absolute above 0 to linearise about")
    voxels = np.flatnonzero(image > 0)
    if len(voxels) == 0:
        raise DataError("the image is zero everywhere: there is nothing to linearise about")
    map_ = tikhonov_map(prepared.rows, float(damping), voxels=voxels)
    found = image_of(map_, signal, len(image))
    if (off := float(np.abs(found - image).max() / image.max())) > FAR:
        raise DataError(
            f"{prepared.stage}: the image is {100 * off:.1f} % of its maximum from the optimum "
            "over its voxels above zero; iterate longer, or use image_uncertainty"
        )
    recovery = linear_recovery(map_, prepared.rows.columns, prepared.matrix.grid)
    again = prepared.solver(prepared.rows.columns @ image).values
    how = f"linearised over the {len(voxels)} voxels above zero; the others are taken as fixed"
    return _assembled(prepared, image, again, noise, LinearSpread(map_), recovery, blind_below, how)


def _for_scan(prepared: PreparedMethod, scan: Scan, empty: Sequence[Scan]) -> PreparedMethod:
    """Return a method that looks at the scan (for its lambda, say) as one that has looked."""
    look = prepared.scan_solver
    if look is None:
        return prepared
    n_frames = int(np.sum(~scan.is_background))

    def solver(signal: Complex) -> Solution:
        return look(prepared, Measured(signal, n_frames, scan, tuple(empty)))

    return replace(prepared, solver=solver, scan_solver=None)


def _read(
    prepared: PreparedMethod, scan: Scan, empty: Sequence[Scan]
) -> tuple[Complex, Array, RowNoise]:
    signal = prepared.rows.signal(scan, empty=empty).mean(axis=0)
    image = prepared.solver(signal).values
    noise = estimate_row_noise(prepared, scan, empty=empty)
    return signal, image, noise.with_calibration(estimate_calibration_noise(prepared.rows), image)


def _assembled(
    prepared: PreparedMethod,
    image: Array,
    again: Array,
    noise: RowNoise,
    spread: Spread,
    recovery: Recovery,
    blind_below: float,
    how: str,
) -> ImageUncertainty:
    matrix = prepared.matrix
    grid = matrix.grid
    scale = 1.0 if matrix.sample_iron is None else matrix.sample_iron / grid.voxel_volume
    parts: dict[str, list[Array]] = {}
    for chunk in units(grid.n_voxels):
        for name, variance in spread.along(chunk, noise).items():
            parts.setdefault(name, []).append(variance)
    variances = {name: np.concatenate(part) for name, part in parts.items()}
    total = np.sum(list(variances.values()), axis=0)

    def shaped(values: NDArray[T]) -> NDArray[T]:
        return values.reshape(grid.shape, order="F")

    return ImageUncertainty(
        values=shaped(image * scale),
        standard_deviation=shaped(np.sqrt(total) * scale),
        components={name: frozen(shaped(np.sqrt(v) * scale)) for name, v in variances.items()},
        recovery=shaped(recovery.own),
        width=shaped(recovery.width),
        is_blind=shaped(recovery.is_blind(blind_below)),
        grid=grid,
        unit="calibration samples per voxel" if matrix.sample_iron is None else "kg/m^3",
        noise=noise,
        statement=_statement(noise, recovery, blind_below, how),
        method=how,
        spread=spread,
        again=again,
        scale=scale,
    )


def _statement(noise: RowNoise, recovery: Recovery, blind_below: float, how: str) -> str:
    left_out = "; ".join((NOT_INCLUDED, *noise.missing))
    return (
        f"standard deviation by {', '.join(noise.causes)} ({how}; "
        f"{noise.frame.degrees_of_freedom} degrees of freedom, correlations of rows shrunk by "
        f"{noise.frame.shrinkage:.2f}). Not included: {left_out}. Recovery of a small source "
        f"{recovery.how}; below {blind_below:g} a voxel is blind and its standard deviation "
        "means nothing. The image is to look at: its sum is no amount"
    )
