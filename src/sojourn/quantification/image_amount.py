"""Amounts of regions through any method's image, with what the image does to them undone.

A summed image is not an amount. It becomes one under a source model: the sums over a mask's regions
are divided by what the method shows of evenly filled regions, spill between them included, and the
interval holds what texture, the tracer's own difference from the calibration's, noise and
interpolation make of the rest. For a linear method that is a closed form; for any other the
whole chain is drawn, through the same solver.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.core.estimates import Estimate
from sojourn.core.signals import Scan
from sojourn.quantification._image_errors import (
    Drawn,
    DrawnErrors,
    LinearErrors,
    RelativeErrors,
    SignalDoubts,
    draw_errors,
    noise_covariances,
    relative_errors,
    relative_linear_errors,
    signal_doubts,
)
from sojourn.quantification._image_regions import (
    ImageRegions,
    SolveMany,
    TexturePool,
    draw_textures,
    even_signals,
    prepare_image_regions,
    texture_covariances,
    weighted_calibration,
)
from sojourn.quantification.amount import Amount
from sojourn.quantification.calibration import NONE_STATED, SAMPLES, CalibrationRepeatability
from sojourn.quantification.source_models import Compartments
from sojourn.quantification.uncertainty import normal_quantile
from sojourn.reconstruction._prepared import PreparedMethod
from sojourn.reconstruction.uncertainty.functionals import find_linear_map
from sojourn.reconstruction.uncertainty.noise import (
    CalibrationNoise,
    RowNoise,
    estimate_calibration_noise,
    estimate_row_noise,
)

DRAWS = 199
"""Reconstructions for one scan's interval where the method is not linear."""
FEWEST_DRAWS = 39
"""So that the 2.5 % quantile is an order statistic."""
WIDER = 1.5
"""Spread of drawn truths, in that of first errors."""
POOL = 2000
"""Textured regions that are drawn once, for all scans."""

__all__ = [
    "Doubts",
    "PreparedImageAmount",
    "SolveMany",
    "Variation",
    "prepare_image_amount",
    "tracer_variation",
]

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]
Errors = LinearErrors | DrawnErrors

UNPREPARED = "neither a linear map nor drawn textures: use prepare_image_amount"


@dataclass(frozen=True, slots=True, eq=False)
class Variation:
    """How a cause changes a method's columns: `modes` (mode, row, voxel) and `shift` (row, voxel).

    A mode is the change by one standard deviation of its cause, normal and independent of the
    others. `shift` is the change on average, where changes up and down do not cancel.
    """

    modes: NDArray[np.complex128]
    shift: NDArray[np.complex128]

    def __post_init__(self) -> None:
        if self.modes.ndim != 3 or self.modes.shape[1:] != self.shift.shape:
            raise DataError(
                f"modes have shape {self.modes.shape}, the shift {self.shift.shape}; expected "
                "(mode, row, voxel) and (row, voxel)"
            )


@dataclass(frozen=True, slots=True, eq=False)
class Doubts:
    """What may be wrong with a calibration, besides its noise, for `prepare_image_amount`.

    `repeatability`: session to session. `variations`: named causes, such as a tracer batch whose
    core sizes differ (`tracer_variation`). `mismatch` (row,): independent error of each
    row of a modelled matrix, relative to the row's root mean square over all places.
    """

    repeatability: CalibrationRepeatability | None = None
    variations: Mapping[str, Variation] = field(default_factory=dict)
    mismatch: NDArray[np.float64] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class PreparedImageAmount:
    """A method, a source model and their doubts, ready for scans; by `prepare_image_amount`.

    `map` (region, 2 row) and `growing` belong to a linear method; of any other they are None,
    and `pool` and `relative` stand in: textured regions, and the covariance (source, source',
    region, region) of all but noise by one sample in each region.
    """

    method: PreparedMethod
    source: Compartments
    regions: ImageRegions
    doubts: Doubts
    seen: SignalDoubts
    solve_many: SolveMany
    columns: CalibrationNoise
    level: float
    draws: int
    map: Array | None = None
    growing: RelativeErrors | None = None
    pool: TexturePool | None = None
    relative: Array | None = None

    def measure(
        self, scan: Scan, *, rng: np.random.Generator, empty: Sequence[Scan] = ()
    ) -> Amount:
        """Return the amounts in `scan`; `rng` draws where the method is not linear.

        Raises
        ------
        DataError
            if the scan does not fit, or its noise cannot be told.
        """
        signal = self.method.rows.signal(scan, empty=empty).mean(axis=0)
        image = self.solve_many(signal[None, :])
        found = self.regions.amounts(image)[0]
        noise = estimate_row_noise(self.method, scan, empty=empty)
        if self.map is not None and self.growing is not None:
            noise = self._with_columns(noise, found)
            errors: Errors = LinearErrors(noise_covariances(noise, self.map), self.growing)
        else:
            noise = self._with_columns(noise, found)
            held = np.tile(np.maximum(found, 0.0), (max(self.draws // 3, 20), 1))
            first = self._drawn(held, noise, rng).errors
            # truths about where the first draws put it: wide enough to see a slope
            bias = first.mean(axis=0)
            chosen = rng.integers(len(first), size=self.draws)
            held = np.maximum(found - bias - WIDER * (first[chosen] - bias), 0.0)
            drawn, found = self._drawn(held, noise, rng).straightened(found)
            errors = DrawnErrors(drawn, self._grown())
        return _amount(self, scan, found, errors, noise, float(image.sum()))

    def _with_columns(self, noise: RowNoise, found: Array) -> RowNoise:
        return noise.with_calibration(self.columns, self.regions.voxels @ np.maximum(found, 0.0))

    def _grown(self) -> Array:
        if self.relative is None:
            raise DataError(UNPREPARED)
        return self.relative

    def _drawn(self, held: Array, noise: RowNoise, rng: np.random.Generator) -> Drawn:
        """Return errors of amounts, drawn through the whole chain about `held` (draw, region)."""
        if self.pool is None:
            raise DataError(UNPREPARED)
        added = noise.draw(len(held), rng)
        return draw_errors(self.regions, self.pool, self.seen, self.solve_many, held, added, rng)


def prepare_image_amount(
    method: PreparedMethod,
    source: Compartments,
    *,
    rng: np.random.Generator,
    doubts: Doubts | None = None,
    sample_size: tuple[float, float, float] = (0.0, 0.0, 0.0),
    level: float = 0.95,
    draws: int = DRAWS,
    solve_many: SolveMany | None = None,
) -> PreparedImageAmount:
    """Return a method ready to measure the regions of `source`.

    Parameters
    ----------
    method
        any method's, prepared.
    source
        the mask's regions and the textures that they may have. Textures are lognormal here: never
        below zero, with the stated relative standard deviation.
    rng
        draws textures where the method is not linear.
    doubts
        what may be wrong with the calibration.
    sample_size
        edges of the calibration sample along the axes of the grid, m.
    level
        coverage of the intervals.
    draws
        reconstructions for one scan's interval where the method is not linear, at least 39.
    solve_many
        the method's solver for many signals at once, where there is one that is quicker than
        one after the other.

    Raises
    ------
    DataError
        if a region lies beyond the calibrated field of view, or regions cannot be told apart.
    """
    if draws < FEWEST_DRAWS:
        raise DataError(f"an interval by draws needs at least {FEWEST_DRAWS} of them, got {draws}")
    if not 0 < level < 1:
        raise DataError(f"level must lie between 0 and 1, got {level}")
    doubts = doubts or Doubts()
    solve = solve_many or _one_by_one(method)
    calibration = weighted_calibration(method, sample_size)
    shift = np.zeros_like(method.rows.columns)
    for variation in doubts.variations.values():
        shift = shift + variation.shift
    regions = prepare_image_regions(calibration, source, shift, solve)
    seen = signal_doubts(
        regions,
        calibration.frequencies,
        doubts.repeatability or NONE_STATED,
        {
            name: np.stack([even_signals(calibration, source, mode) for mode in each.modes])
            for name, each in doubts.variations.items()
        },
        doubts.mismatch,
        np.sqrt((np.abs(method.rows.columns) ** 2).mean(axis=1)),
    )
    prepared = PreparedImageAmount(
        method=method,
        source=source,
        regions=regions,
        doubts=doubts,
        seen=seen,
        solve_many=solve,
        columns=estimate_calibration_noise(method.rows),
        level=level,
        draws=draws,
    )
    linear = find_linear_map(method, regions.signals.sum(axis=1))
    if linear is not None:
        adjoint = linear.adjoint(regions.sums)
        map_ = np.asarray(np.linalg.solve(regions.seen, adjoint), dtype=np.float64)
        textures = texture_covariances(regions, map_)
        growing = relative_linear_errors(map_, seen, textures)
        return replace(prepared, map=map_, growing=growing)
    pool = draw_textures(regions, POOL, rng)
    relative = relative_errors(regions, pool, seen, solve, draws, rng)
    return replace(prepared, pool=pool, relative=relative)


def tracer_variation(
    columns: NDArray[np.complex128],
    up: Sequence[NDArray[np.complex128]],
    down: Sequence[NDArray[np.complex128]],
) -> Variation:
    """Return how uncertain properties of the tracer change a method's columns.

    Parameters
    ----------
    columns
        (row, voxel): simulated with the calibration's tracer, weighted as the method's rows are.
    up, down
        the same with one property one standard deviation up or down, each another property: the
        core size of a batch, say.

    Raises
    ------
    DataError
        if shapes or numbers of matrices differ.
    """
    shapes = {other.shape for other in (*up, *down)}
    if len(up) != len(down) or not up or shapes != {columns.shape}:
        raise DataError(
            f"{len(up)} matrices up and {len(down)} down, of shapes {sorted(shapes)}; expected as "
            f"many of both, of shape {columns.shape}"
        )
    modes = np.stack([(a - b) / 2 for a, b in zip(up, down, strict=True)])
    shift = np.sum([(a + b) / 2 - columns for a, b in zip(up, down, strict=True)], axis=0)
    return Variation(modes, shift)


def _one_by_one(method: PreparedMethod) -> SolveMany:
    def solve(signals: Complex) -> Array:
        return np.stack([method.solver(signal).values for signal in signals])

    return solve


def _amount(
    prepared: PreparedImageAmount,
    scan: Scan,
    found: Array,
    errors: Errors,
    noise: RowNoise,
    naive_sum: float,
) -> Amount:
    matrix = prepared.method.matrix
    scale = 1.0 if matrix.sample_iron is None else matrix.sample_iron
    held = np.maximum(found, 0.0)
    causes = errors.by_cause(held)
    names, n = prepared.regions.names, len(found)
    notes = _notes(prepared, noise)
    along = held / held.sum() if held.sum() > 0 else np.full(n, 1 / n)

    def estimate(sums: Array, direction: Array) -> Estimate:
        value = float(sums @ found)
        below, above = errors.bounds(held, sums, direction, level=prepared.level)
        parts = {name: float(sums @ part @ sums) for name, part in causes.items()}
        return _estimate(prepared, value, below, above, parts, notes, scale)

    covariance = np.sum(list(causes.values()), axis=0) * scale**2
    return Amount(
        estimate=estimate(np.ones(n), along),
        grade="A",
        source_model=f"{prepared.source.name}, through {prepared.method.stage}",
        statement=prepared.source.statement,
        misfit=None,
        naive_sum=naive_sum * scale,
        by_compartment={name: estimate(e, e) for name, e in zip(names, np.eye(n), strict=True)},
        covariance=covariance,
        common_relative=_stated(prepared).sample_iron,
        detection_limit=None,
        settings={**prepared.method.parameters(), "source_model": prepared.source.name},
        notes=notes,
        is_simulated=scan.is_simulated,
    )


def _stated(prepared: PreparedImageAmount) -> CalibrationRepeatability:
    return prepared.doubts.repeatability or NONE_STATED


def _estimate(
    prepared: PreparedImageAmount,
    value: float,
    below: float,
    above: float,
    variances: Mapping[str, float],
    notes: tuple[str, ...],
    scale: float,
) -> Estimate:
    """Return an estimate; the calibration sample's own error widens it in quadrature."""
    iron = _stated(prepared).sample_iron * abs(value)
    reach = normal_quantile(prepared.level) * iron
    components = {name: float(np.sqrt(max(v, 0.0))) * scale for name, v in variances.items()}
    if iron > 0:
        components["calibration sample"] = iron * scale
    how = "closed form" if prepared.map is not None else f"{prepared.draws} draws"
    return Estimate(
        value=value * scale,
        unit=SAMPLES if prepared.method.matrix.sample_iron is None else "kg",
        lower=(value - float(np.hypot(min(below, 0.0), reach))) * scale,
        upper=(value + float(np.hypot(max(above, 0.0), reach))) * scale,
        level=prepared.level,
        method=f"region sums of the image, recovery and spill undone; interval by {how}",
        components=components,
        notes=notes,
    )


def _notes(prepared: PreparedImageAmount, noise: RowNoise) -> tuple[str, ...]:
    notes = [f"source model: {prepared.source.statement}; textures lognormal"]
    notes += [f"not included: {text}" for text in noise.missing]
    if prepared.doubts.repeatability is None:
        notes.append("the calibration's repeatability was not stated: the interval lacks it")
    if not prepared.doubts.variations:
        notes.append("no variation of the tracer was stated: the interval lacks it")
    if prepared.doubts.mismatch is not None:
        notes.append(
            "the matrix is modelled: the interval is widened by its stated mismatch, "
            f"{100 * float(np.median(prepared.doubts.mismatch)):.1f} % of a row in the median"
        )
    notes.append("whether the source model fits the signal is not tested here: see measure_iron")
    notes.append("signal expressed as iron in the calibration sample's state; not cells")
    return tuple(notes)
