"""What a trial was planned on: the truths that `sojourn design` goes over, analysis by analysis."""

from typing import Literal

from pydantic import Field, model_validator

from sojourn.study._definition_base import Entry, Many, Name


class PlannedAnalysis(Entry):
    """Truths under which one analysis is looked at before the first patient.

    `analysis` is its id. `n`: numbers of subjects that may be analysed (of each arm, where two are
    compared); empty: the enrollment, in equal arms. `truths`: true proportions, survival at the
    analysis' times, or differences of means in the value's unit. `reference`: the proportion that a
    lower bound should exceed; with a `target`, the proportion hoped for, one-stage and Simon's
    two-stage tests of `one_sided_alpha` and `power` are looked at too. `standard_deviations` of one
    subject's value, in its unit. `lost`: share lost to follow-up by the time of a survival
    estimate. `shapes`: distributions of a value.
    """

    analysis: Name
    n: Many[int] = ()
    truths: Many[float] = ()
    reference: float | None = Field(default=None, ge=0, le=1)
    target: float | None = Field(default=None, gt=0, lt=1)
    one_sided_alpha: float = Field(default=0.05, gt=0, lt=0.5)
    power: float = Field(default=0.8, gt=0.5, lt=1)
    standard_deviations: Many[float] = ()
    lost: Many[float] = (0.0,)
    shapes: Many[Literal["normal", "skewed", "heavy"]] = ("normal", "skewed")

    @model_validator(mode="after")
    def _is_possible(self) -> "PlannedAnalysis":
        if any(n < 1 for n in self.n):
            raise ValueError(f"n holds {min(self.n)}; expected numbers of subjects, 1 or more")
        if self.target is not None and (self.reference is None or self.target <= self.reference):
            raise ValueError(f"target {self.target:g} must lie above a reference")
        if any(sd <= 0 for sd in self.standard_deviations):
            raise ValueError("standard_deviations must be above 0")
        if any(not 0 <= share < 1 for share in self.lost):
            raise ValueError("lost must hold shares from 0 and below 1")
        return self
