"""The amount of tracer from the raw signal, under a stated source model, with its interval."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sojourn.core.arrays import frozen
from sojourn.core.errors import DataError
from sojourn.core.estimates import Estimate
from sojourn.core.signals import Scan, SystemMatrix
from sojourn.physics.model_matrix import ModelMatrix
from sojourn.quantification._compact import Repeat
from sojourn.quantification._compartments import Cells, Regions, prepare_regions
from sojourn.quantification._measurement import (
    AmountSettings,
    Calibration,
    Reading,
    read_calibration,
    read_signal,
)
from sojourn.quantification._results import (
    Finding,
    find_compact,
    find_regions,
    find_sources,
    find_unknown,
    widened,
)
from sojourn.quantification.calibration import SAMPLES
from sojourn.quantification.source_models import (
    CompactSource,
    CompactSources,
    Compartments,
    SourceModel,
)
from sojourn.quantification.uncertainty import chi_square_tail, normal_quantile
from sojourn.reconstruction.kaczmarz import Rows, arrange_rows, solve

__all__ = [
    "Amount",
    "AmountSettings",
    "Misfit",
    "PreparedAmount",
    "PreparedCalibration",
    "measure_iron",
    "prepare_amount",
    "prepare_calibration",
]

Grade = Literal["A", "B", "C"]
"""A raw signal, B a reconstructed volume with a mask, C a number typed in."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """How badly the source model explains the signal, against noise and stated repeatability.

    `p_value` is the probability of a chi-square `statistic` as large by chance; `unexplained` the
    share of the signal's power beyond noise that the model leaves. A misfit is flagged below
    `threshold`, or where more than the settings' share stays unexplained: a model can be so
    unsure of itself that nothing contradicts it. The interval's half widths are then
    multiplied by `widening`, the root of chi-square per degree of freedom (Birge ratio), where
    that exceeds 1: the model stays wrong.
    """

    statistic: float
    degrees_of_freedom: int
    p_value: float
    threshold: float
    relative_residual: float
    unexplained: float
    is_flagged: bool
    widening: float


@dataclass(frozen=True, slots=True, eq=False)
class Amount:
    """An amount of tracer, and what must be known to use it.

    `estimate` is the total. `by_compartment` holds one estimate per region, `covariance`
    (region, region) their joint covariance, in squared units of the estimate, without the
    calibration sample's own error: that is `common_relative`, the same factor for all
    amounts of one calibration. `naive_sum` is the sum over a reconstructed image, to be shown
    beside; it is no amount. `detection_limit` is 3.3 standard deviations of a blank. `place`
    is the position of a compact source, LPS in m.
    """

    estimate: Estimate
    grade: Grade
    source_model: str
    statement: str
    misfit: Misfit | None
    naive_sum: float | None
    by_compartment: Mapping[str, Estimate]
    covariance: NDArray[np.float64]
    common_relative: float
    detection_limit: float | None
    settings: Mapping[str, Any]
    notes: tuple[str, ...]
    place: tuple[float, float, float] | None = None
    is_simulated: bool = False

    def __post_init__(self) -> None:
        n = len(self.by_compartment)
        if self.covariance.shape != (n, n):
            raise DataError(f"covariance has shape {self.covariance.shape} for {n} compartments")
        object.__setattr__(self, "covariance", frozen(self.covariance))

    @property
    def components(self) -> Mapping[str, float]:
        """Standard uncertainties of the total by cause, in its unit."""
        return self.estimate.components

    @property
    def is_detected(self) -> bool | None:
        """Whether the total exceeds the detection limit; None where there is no limit."""
        return None if self.detection_limit is None else self.estimate.value > self.detection_limit


@dataclass(frozen=True, slots=True, eq=False)
class PreparedAmount:
    """A calibration and a source model ready for scans; made by `prepare_amount`."""

    settings: AmountSettings
    source: SourceModel
    calibration: Calibration
    naive: Rows
    regions: Regions | None

    def measure(self, scan: Scan, *, frames: Sequence[int] | None = None) -> Amount:
        """Return the amount in `scan`; arguments as of `measure_iron`."""
        reading = read_signal(scan, self.calibration, self.settings, frames=frames)
        found = self._find(reading)
        p_value = chi_square_tail(found.chi_square, found.degrees_of_freedom)
        ratio = found.chi_square / found.degrees_of_freedom
        is_flagged = (
            p_value < self.settings.misfit_level
            or found.unexplained > self.settings.max_unexplained
        )
        misfit = Misfit(
            statistic=found.chi_square,
            degrees_of_freedom=found.degrees_of_freedom,
            p_value=p_value,
            threshold=self.settings.misfit_level,
            relative_residual=found.relative_residual,
            unexplained=found.unexplained,
            is_flagged=is_flagged,
            widening=float(np.sqrt(ratio)) if is_flagged and ratio > 1 else 1.0,
        )
        return _amount(self, scan, reading, misfit, widened(found, misfit.widening))

    def _find(self, reading: Reading) -> Finding:
        stated = self.settings.stated
        repeat = Repeat(stated.row, stated.delay, stated.tilt)
        if self.regions is not None:
            return find_regions(reading, self.regions, repeat, self.settings)
        if isinstance(self.source, CompactSources):
            return find_sources(reading, self.calibration, repeat, self.source, self.settings)
        if isinstance(self.source, CompactSource):
            return find_compact(reading, self.calibration, repeat, self.source, self.settings)
        return find_unknown(reading, self.calibration, repeat, self.settings)


@dataclass(frozen=True, slots=True, eq=False)
class PreparedCalibration:
    """A calibration ready for source models; made by `prepare_calibration`, once for all masks."""

    settings: AmountSettings
    calibration: Calibration
    naive: Rows
    cells: Cells

    def under(self, source: SourceModel) -> PreparedAmount:
        """Return this calibration under the source model `source`, ready for scans.

        Raises
        ------
        DataError
            if a region of the source model reaches beyond the calibrated field of view.
        """
        regions = prepare_regions(self.cells, source) if isinstance(source, Compartments) else None
        return PreparedAmount(
            settings=self.settings,
            source=source,
            calibration=self.calibration,
            naive=self.naive,
            regions=regions,
        )


def prepare_calibration(
    matrix: SystemMatrix | ModelMatrix, settings: AmountSettings
) -> PreparedCalibration:
    """Return `matrix` with its selected rows loaded and its background taken off.

    The mismatch of each row of a modelled one joins the error of the columns; results say so.

    Raises
    ------
    DataError
        if no row is left, or the calibration's background cannot be taken off.
    """
    calibration = read_calibration(matrix, settings)
    energy = float(np.vdot(calibration.columns, calibration.columns).real)
    damping = settings.naive_regularization * energy / calibration.grid.n_voxels
    return PreparedCalibration(
        settings=settings,
        calibration=calibration,
        naive=arrange_rows(calibration.columns, damping),
        cells=Cells(calibration),
    )


def prepare_amount(
    matrix: SystemMatrix | ModelMatrix, source: SourceModel, settings: AmountSettings
) -> PreparedAmount:
    """Return `matrix` and `source` ready to measure many scans.

    Raises
    ------
    DataError
        as `prepare_calibration` and `PreparedCalibration.under`.
    """
    return prepare_calibration(matrix, settings).under(source)


def measure_iron(
    scan: Scan,
    matrix: SystemMatrix | ModelMatrix,
    source: SourceModel,
    *,
    settings: AmountSettings,
    frames: Sequence[int] | None = None,
) -> Amount:
    """Return the amount of tracer in `scan` under the source model `source`.

    Parameters
    ----------
    scan
        the measurement, with frames of the empty bore.
    matrix
        calibration of the same scanner and sequence, measured or modelled.
    source
        what the tracer may look like: `CompactSource`, `CompactSources`, `Compartments` or
        `UnknownDistribution`.
    settings
        everything else that fixes the number.
    frames
        frames of the object to average, 0-based over all frames; all by default.

    Returns
    -------
        in kg of iron in the calibration sample's state, or in calibration samples where the
        calibration does not state its sample's iron. May be negative: an estimate of nothing
        scatters around zero.

    Raises
    ------
    DataError
        if scan and matrix do not fit, the noise cannot be told, or a value is not finite.

    References
    ----------
    Generalized least squares with marginalized nuisances: Gelman et al., Bayesian Data Analysis
    (2013) ch. 14; Gaussian-process interpolation: Rasmussen and Williams (2006) ch. 2; bounds
    without a prior: Rust and Burrus (1972). Method and limits: docs/quantification.md.
    """
    return prepare_amount(matrix, source, settings).measure(scan, frames=frames)


def _amount(
    prepared: PreparedAmount, scan: Scan, reading: Reading, misfit: Misfit, found: Finding
) -> Amount:
    matrix, settings = prepared.calibration.matrix, prepared.settings
    scale = 1.0 if matrix.sample_iron is None else matrix.sample_iron
    unit = SAMPLES if matrix.sample_iron is None else "kg"
    notes = _notes(prepared, reading, misfit, found)
    total = _scaled(found.total, scale, unit, settings, notes)
    image = solve(prepared.naive, reading.signal, iterations=settings.naive_iterations).real
    return Amount(
        estimate=total,
        grade="A",
        source_model=prepared.source.name,
        statement=prepared.source.statement,
        misfit=misfit,
        naive_sum=float(image.sum()) * scale,
        by_compartment={
            name: _scaled(estimate, scale, unit, settings, notes)
            for name, estimate in found.parts.items()
        },
        covariance=found.covariance * scale**2,
        common_relative=settings.stated.sample_iron,
        detection_limit=found.detection_limit * scale,
        settings={**settings.model_dump(mode="json"), "source_model": prepared.source.name},
        notes=notes,
        place=found.place,
        is_simulated=scan.is_simulated,
    )


def _scaled(
    estimate: Estimate, scale: float, unit: str, settings: AmountSettings, notes: tuple[str, ...]
) -> Estimate:
    """Return an estimate in `unit`, its interval widened by the calibration sample's own error.

    The sample's error is taken as independent and normal: half widths add in quadrature.
    """
    relative = settings.stated.sample_iron
    reach = normal_quantile(settings.level) * relative * abs(estimate.value)
    below, above = estimate.value - estimate.lower, estimate.upper - estimate.value
    components = {**estimate.components, "calibration sample": relative * abs(estimate.value)}
    return Estimate(
        value=estimate.value * scale,
        unit=unit,
        lower=(estimate.value - float(np.hypot(below, reach))) * scale,
        upper=(estimate.value + float(np.hypot(above, reach))) * scale,
        level=settings.level,
        method=estimate.method,
        components={name: value * scale for name, value in components.items()},
        notes=notes,
    )


def _notes(
    prepared: PreparedAmount, reading: Reading, misfit: Misfit, found: Finding
) -> tuple[str, ...]:
    notes = [f"source model: {prepared.source.statement}", *reading.notes, *found.notes]
    if prepared.settings.repeatability is None:
        notes.append("the calibration's repeatability was not stated: the interval lacks it")
    if prepared.calibration.statement:
        notes.append(
            f"{prepared.calibration.statement} They hold it as an error of each row, the same for "
            "all places ('model mismatch')"
        )
    if misfit.is_flagged:
        notes.append(
            f"MISFIT: the source model leaves {100 * misfit.relative_residual:.1f} % of the signal "
            f"unexplained, p = {misfit.p_value:.1g} by noise and repeatability; the interval "
            f"is widened {misfit.widening:.2g} times, which a wrong model may still exceed"
        )
    if prepared.calibration.matrix.sample_iron is None:
        notes.append("in calibration samples: the calibration does not state its sample's iron")
    notes.append("signal expressed as iron in the calibration sample's state; not cells")
    return tuple(notes)
