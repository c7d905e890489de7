"""An uncertain number: value, unit, interval, level, method."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from sojourn.core.errors import DataError


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its interval; never a bare float.

    `lower` and `upper` bound the `level` interval made by `method`; they may be infinite where
    the data do not bound the value, never NaN. `components` are the standard uncertainties, in
    `unit`, that the interval holds, by cause. `notes` are statements a reader must see.
    """

    value: float
    unit: str
    lower: float
    upper: float
    level: float
    method: str
    n: int | None = None
    components: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if math.isnan(self.value) or math.isnan(self.lower) or math.isnan(self.upper):
            raise DataError(f"an estimate by {self.method} is not a number: {self.value}")
        if not self.lower <= self.value <= self.upper:
            raise DataError(
                f"estimate {self.value} lies outside its interval {self.lower} to {self.upper}"
            )
        if not 0 < self.level < 1:
            raise DataError(f"level must lie between 0 and 1, got {self.level}")

    def covers(self, truth: float) -> bool:
        """Tell whether the interval holds `truth`."""
        return self.lower <= truth <= self.upper

    def __str__(self) -> str:
        percent = f"{100 * self.level:.12g}"
        return f"{self.value:.4g} {self.unit} ({percent}% CI {self.lower:.4g} to {self.upper:.4g})"
