"""Errors of amounts found through an image: a closed form, or drawn through the method."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sojourn.quantification._image_regions import ImageRegions, SolveMany, TexturePool
from sojourn.quantification._scaled_interval import drawn_interval, mixture_bounds
from sojourn.quantification.calibration import CalibrationRepeatability
from sojourn.reconstruction.uncertainty.noise import RowNoise, stack

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]

FLATTEST = 0.3
"""Least slope of drawn estimates on drawn truths that is undone."""


@dataclass(frozen=True, slots=True, eq=False)
class SignalDoubts:
    """What may be wrong with a calibration, as signals of regions that hold one sample each.

    `modes` by cause, each (mode, row, region): signals that one standard deviation adds. `rows` by
    cause, each (row, region, region): the variance of each row's error, independent of other
    rows', is the quadratic form of the amounts. `doubt` (row, region): variance
    of a region's signal by interpolation.
    """

    modes: Mapping[str, Complex]
    rows: Mapping[str, Array]
    doubt: Array

    def drawn(self, signals: Complex, totals: Array, rng: np.random.Generator) -> Complex:
        """Return errors (n, row) of the signals of `totals` (n, region), all but interpolation.

        `signals` (row, region) are the regions' own.
        """
        whole = totals @ signals.T
        error = np.zeros_like(whole)
        for modes in self.modes.values():
            for mode in modes:
                error += rng.standard_normal((len(totals), 1)) * (totals @ mode.T)
        for power in self.rows.values():
            both = rng.standard_normal((2, *whole.shape)) / np.sqrt(2)
            sd = np.sqrt(np.maximum(np.einsum("ns,rst,nt->nr", totals, power, totals), 0.0))
            error += (both[0] + 1j * both[1]) * sd
        return error


def signal_doubts(
    regions: ImageRegions,
    frequencies: Array,
    stated: CalibrationRepeatability,
    variations: Mapping[str, Complex],
    mismatch: Array | None,
    row_size: Array,
) -> SignalDoubts:
    """Return a calibration's doubts as seen through regions; `variations` (mode, row, region).

    `mismatch` (row,) is relative to `row_size` (row,), a row's root mean square over places.
    """
    signals = regions.signals
    lean = stated.tilt * frequencies / frequencies.max()
    turn = 2j * np.pi * frequencies * stated.delay
    changes = {
        "session gain": np.full(len(signals), stated.gain, dtype=np.complex128),
        "tilt": lean.astype(np.complex128),
        "delay": turn,
    }
    modes = {name: (change[:, None] * signals)[None] for name, change in changes.items()}
    power = (signals[:, :, None] * signals[:, None, :].conj()).real
    rows = {"row repeatability": stated.row**2 * power}
    if mismatch is not None:
        rows["model mismatch"] = ((mismatch * row_size) ** 2)[:, None, None] * np.ones_like(power)
    return SignalDoubts(
        modes={
            **{name: mode for name, mode in modes.items() if np.any(mode)},
            **variations,
        },
        rows={name: row for name, row in rows.items() if np.any(row)},
        doubt=regions.doubt,
    )


@dataclass(frozen=True, slots=True, eq=False)
class RelativeErrors:
    """Covariance of linearly found amounts that grows with the amounts t themselves.

    `common` by cause, (source, source', region, region), and `textures` (texture, source,
    region, region): the covariance is sum t_s t_s' common + sum t_s^2 textures, for each texture.
    """

    common: Mapping[str, Array]
    textures: Array

    def by_cause(self, totals: Array) -> dict[str, Array]:
        """Return the covariance (region, region) by cause at `totals`, textures averaged."""
        found = {
            name: np.einsum("s,stab,t->ab", totals, part, totals)
            for name, part in self.common.items()
        }
        found["texture"] = np.einsum("s,hsab->ab", totals**2, self.textures) / len(self.textures)
        return found

    def along(self, sums: Array) -> Array:
        """Return the quadratic form (texture, source, source) in t of the variance of `sums`."""
        n = len(sums)
        common = np.zeros((n, n))
        for part in self.common.values():
            common += np.einsum("a,stab,b->st", sums, part, sums)
        alone = np.einsum("a,hsab,b->hs", sums, self.textures, sums)
        form: Array = common + alone[:, :, None] * np.eye(n)
        return form


def relative_linear_errors(map_: Array, doubts: SignalDoubts, textures: Array) -> RelativeErrors:
    """Return what grows with the amounts that `map_` (region, 2 row) finds."""
    n = len(map_)
    common = {"interpolation": np.zeros((n, n, n, n))}
    for s, column in enumerate(doubts.doubt.T):
        common["interpolation"][s, s] = (map_ * np.tile(column / 2, 2)) @ map_.T
    for name, modes in doubts.modes.items():
        moved = np.stack([map_ @ stack(mode) for mode in modes])
        common[name] = np.einsum("jas,jbt->stab", moved, moved)
    for name, power in doubts.rows.items():
        weights = np.tile(power / 2, (2, 1, 1))
        common[name] = np.einsum("ar,rst,br->stab", map_, weights, map_)
    return RelativeErrors(common, textures)


@dataclass(frozen=True, slots=True, eq=False)
class LinearErrors:
    """Errors of linearly found amounts: noise by cause (region, region), and what grows."""

    noise: Mapping[str, Array]
    relative: RelativeErrors

    def by_cause(self, totals: Array) -> dict[str, Array]:
        """Return the covariance (region, region) by cause at `totals`, textures averaged."""
        return {**self.noise, **self.relative.by_cause(totals)}

    def bounds(
        self, totals: Array, sums: Array, direction: Array, *, level: float
    ) -> tuple[float, float]:
        """Return how far below and above sums . amounts the truth may lie, along `direction`."""
        noise = sum(float(sums @ part @ sums) for part in self.noise.values())
        form = self.relative.along(sums)
        turned = form @ direction
        quadratics = np.stack(
            [noise + (form @ totals) @ totals, 2 * (turned @ totals), turned @ direction], axis=1
        )
        return mixture_bounds(quadratics, level=level)


def noise_covariances(noise: RowNoise, maps: Array) -> dict[str, Array]:
    """Return the covariance (m, m) of linear forms `maps` (m, 2 row) by cause: polarisation."""
    n = len(maps)
    forms = np.stack([maps[:, None] + maps[None], maps[:, None] - maps[None]])
    return {
        name: (plus - minus) / 4
        for name, (plus, minus) in (
            (name, variance.reshape(2, n, n))
            for name, variance in noise.along(forms.reshape(2 * n * n, -1)).items()
        )
    }


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """Errors (draw, region) of amounts and the amounts (draw, region) that were to be found."""

    errors: Array
    truths: Array

    def straightened(self, found: Array) -> tuple["Drawn", Array]:
        """Return errors and an estimate `found` (region,) freed of bias and of a slope.

        A constraint makes estimates grow by less than the truth does, where it clips. The line of
        drawn estimates on drawn truths is undone in both; residuals are raised for the
        error of its coefficients, in them and in what the line predicts. Where the line is too
        flat to be undone, bias alone is taken off.

        References
        ----------
        Osborne, Int. Stat. Rev. 59 (1991) 309 (statistical calibration, classical estimator).
        """
        n, n_regions = self.truths.shape
        centre = self.truths.mean(axis=0)
        design = np.concatenate([np.ones((n, 1)), self.truths - centre], axis=1)
        estimates = self.errors + self.truths
        line = np.linalg.lstsq(design, estimates, rcond=None)[0]
        slope = line[1:].T
        if not float(np.linalg.svd(slope, compute_uv=False)[-1]) > FLATTEST:
            bias = self.errors.mean(axis=0)
            return Drawn(self.errors - bias, self.truths), found - bias
        undone = np.linalg.inv(slope)
        straight = centre + (estimates - line[0]) @ undone.T
        raised = np.sqrt((n + n_regions + 1) / (n - n_regions - 1))
        errors = (straight - self.truths) * raised
        return Drawn(errors, self.truths), centre + undone @ (found - line[0])


@dataclass(frozen=True, slots=True, eq=False)
class DrawnErrors:
    """Errors of amounts, drawn through the whole chain about some amounts.

    `relative` (source, source', region, region) is the covariance without noise, of errors by
    one sample in each of two regions; of a constrained method, whose errors do not add, it is
    no more than a guide to how errors grow, and never taken to exceed what was drawn.
    """

    drawn: Drawn
    relative: Array

    def bounds(
        self, totals: Array, sums: Array, direction: Array, *, level: float
    ) -> tuple[float, float]:
        """Return how far below and above sums . amounts the truth may lie, along `direction`."""
        errors = self.drawn.errors @ sums
        here = float(errors.var(ddof=1))
        form = np.einsum("a,stab,b->st", sums, self.relative, sums)
        grown = float(totals @ form @ totals)
        if grown > here:
            form *= here / grown
        turned = form @ direction
        quadratic = np.array([here, 2 * float(turned @ totals), float(turned @ direction)])
        return drawn_interval(errors, (self.drawn.truths - totals) @ sums, quadratic, level=level)

    def by_cause(self, totals: Array) -> dict[str, Array]:
        """Return the covariance (region, region): noise apart from all that grows with amounts."""
        n = len(totals)
        whole = np.cov(self.drawn.errors.T).reshape(n, n)
        grown = np.einsum("s,stab,t->ab", totals, self.relative, totals)
        share = np.clip(np.diag(grown) / np.maximum(np.diag(whole), 1e-300), 0.0, 1.0)
        kept = whole * np.sqrt(np.outer(share, share))
        return {"noise": whole - kept, "texture and mismatch": kept}


def draw_errors(
    regions: ImageRegions,
    pool: TexturePool,
    doubts: SignalDoubts,
    solve: SolveMany,
    totals: Array,
    noise: Complex,
    rng: np.random.Generator,
) -> Drawn:
    """Return errors of amounts about `totals` (draw, region), `noise` (draw, row) added."""
    chosen = rng.integers(len(pool.totals), size=len(noise))
    truths = totals * pool.totals[chosen]
    signals = np.einsum("bsr,bs->br", pool.signals[chosen], totals)
    signals += doubts.drawn(regions.signals, truths, rng) + noise
    return Drawn(regions.amounts(solve(signals)) - truths, truths)


def relative_errors(
    regions: ImageRegions,
    pool: TexturePool,
    doubts: SignalDoubts,
    solve: SolveMany,
    n: int,
    rng: np.random.Generator,
) -> Array:
    """Return the covariance (source, source', region, region) of errors by one sample in each.

    The same doubts are drawn for every source, so that what they share shows.
    """
    silent = np.zeros((n, len(regions.signals)), dtype=np.complex128)
    seed = int(rng.integers(2**63))
    n_regions = len(regions.names)
    errors = np.concatenate(
        [
            draw_errors(
                regions,
                pool,
                doubts,
                solve,
                np.tile(one, (n, 1)),
                silent,
                np.random.default_rng(seed),
            ).errors
            for one in np.eye(n_regions)
        ],
        axis=1,
    )
    covariance = np.cov(errors.T).reshape(n_regions, n_regions, n_regions, n_regions)
    return np.ascontiguousarray(covariance.transpose(0, 2, 1, 3))
