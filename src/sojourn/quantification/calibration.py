"""What a calibration is worth: how well it repeats, and what its scale means.

A system matrix says how much signal one sample gives. How well that repeats from session to
session cannot be read from one calibration: it is prior information, stated with its source.
"""

import math

from pydantic import BaseModel, ConfigDict, Field

from sojourn.core.errors import DataError
from sojourn.core.estimates import Estimate
from sojourn.quantification.uncertainty import fieller_interval, normal_quantile

SAMPLES = "calibration samples"
"""The unit of an amount where the calibration does not state its sample's iron."""


class CalibrationRepeatability(BaseModel):
    """How far a repeat of the calibration may differ from it; standard uncertainties.

    `gain` is relative, the same for all frequencies of a session, new in each session: it
    stays in a ratio of two visits. `row` is relative, independent for each frequency. `delay`
    is a shift in time between drive and receive, in s: the phase of frequency f turns by
    2 pi f delay; it is fitted, `delay` bounds it. `tilt` is a relative gain that grows in
    proportion to frequency, to this much at the highest one used: what a drift of the drive
    field's amplitude or of the receive chain's slope does to first order; fitted likewise.
    `sample_iron` is relative, the error of the
    calibration sample's stated iron: common to all scans that use the matrix, so that it
    leaves a ratio of two visits. `source` says where the numbers come from.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    gain: float = Field(ge=0, lt=1, allow_inf_nan=False)
    row: float = Field(ge=0, lt=1, allow_inf_nan=False)
    delay: float = Field(ge=0, lt=1e-3, allow_inf_nan=False)
    tilt: float = Field(ge=0, lt=1, allow_inf_nan=False)
    sample_iron: float = Field(ge=0, lt=1, allow_inf_nan=False)
    source: str = Field(min_length=1)


NONE_STATED = CalibrationRepeatability(
    gain=0, row=0, delay=0, tilt=0, sample_iron=0, source="none: repeatability was not stated"
)


def estimate_labelled_cells(
    iron: Estimate, *, iron_per_cell: float, iron_per_cell_sd: float
) -> Estimate:
    """Return labelled-cell equivalents: iron over the iron per cell at injection.

    Not living cells, and not cells alone: free tracer and tracer taken up by other cells
    signals too, and division dilutes the label.

    Parameters
    ----------
    iron
        an amount in kg; its interval is taken as normal.
    iron_per_cell, iron_per_cell_sd
        mean iron of one labelled cell at injection and its standard uncertainty, in kg.

    Returns
    -------
        in cells; interval by Fieller.

    Raises
    ------
    DataError
        if `iron` is not in kg, or the iron per cell is not positive.

    References
    ----------
    Bulte, Tomography 5 (2019) 5 (quantity per cell); Fieller, J. R. Stat. Soc. B 16 (1954) 175.
    """
    if iron.unit != "kg":
        raise DataError(
            f"cells need iron in kg, the amount is in {iron.unit}: state the calibration "
            "sample's iron"
        )
    if iron_per_cell <= 0 or iron_per_cell_sd < 0:
        raise DataError(
            f"iron per cell {iron_per_cell} kg must be positive and its standard uncertainty "
            f"{iron_per_cell_sd} kg not negative"
        )
    half_width = (iron.upper - iron.lower) / 2
    if not math.isfinite(half_width):
        raise DataError("cells need a bounded amount of iron; its interval is infinite")
    sd = half_width / normal_quantile(iron.level)
    lower, upper = fieller_interval(
        iron.value, sd**2, iron_per_cell, iron_per_cell_sd**2, 0.0, level=iron.level
    )
    return Estimate(
        value=iron.value / iron_per_cell,
        unit="cells",
        lower=lower,
        upper=upper,
        level=iron.level,
        method="iron over iron per cell at injection, Fieller",
        components={
            "iron": sd / iron_per_cell,
            "iron per cell": abs(iron.value) * iron_per_cell_sd / iron_per_cell**2,
        },
        notes=("labelled-cell equivalents by tracer signal; not a count of living cells",),
    )
