"""Grades of low blood counts by CTCAE version 5.0, from the laboratory value alone."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sojourn.core.errors import DataError

Test = Literal["ANC", "PLT", "HGB", "WBC", "LYMPH"]


@dataclass(frozen=True, slots=True)
class Criteria:
    """The lower bounds of grades 1, 2, 3 ... of one test, descending, in `unit`.

    Each bound belongs to the milder grade; below the last one lies the highest grade.
    """

    term: str
    unit: str
    bounds: tuple[float, ...]


CTCAE: Mapping[Test, Criteria] = {
    "ANC": Criteria("neutrophil count decreased", "1/L", (1.5e9, 1.0e9, 0.5e9)),
    "PLT": Criteria("platelet count decreased", "1/L", (75e9, 50e9, 25e9)),
    "HGB": Criteria("anemia", "g/L", (100.0, 80.0)),
    "WBC": Criteria("white blood cell decreased", "1/L", (3e9, 2e9, 1e9)),
    "LYMPH": Criteria("lymphocyte count decreased", "1/L", (0.8e9, 0.5e9, 0.2e9)),
}
"""The criteria of CTCAE v5.0. Anemia of grade 4 or 5 is clinical: a value gives at most 3."""


def grade_lab(test: Test, value: float, lln: float) -> int:
    """Return the CTCAE v5.0 grade of a low laboratory value; 0 is within normal limits.

    Parameters
    ----------
    test
        "ANC", "PLT", "HGB", "WBC" or "LYMPH".
    value
        the result, cells in 1/L, hemoglobin in g/L; not negative.
    lln
        lower limit of normal of the laboratory, in the same unit.

    Returns
    -------
        0 at or above `lln`, else 1 to 4 (hemoglobin 1 to 3): a lower bound belongs to the milder
        grade, so that 0.5e9/L neutrophils are grade 3 and less is grade 4.

    Raises
    ------
    DataError
        if the test is not known, the value is negative or no number, or `lln` lies below the bound
        of grade 1: the criteria do not say what a value between the two is.

    References
    ----------
    Common Terminology Criteria for Adverse Events, version 5.0, 27 November 2017, US Department of
    Health and Human Services: Investigations; Blood and lymphatic system disorders (anemia).

    Examples
    --------
    >>> grade_lab("ANC", 0.5e9, 2e9), grade_lab("ANC", 0.49e9, 2e9), grade_lab("HGB", 64.0, 120.0)
    (3, 4, 3)
    """
    check_limit(test, lln)
    if not (math.isfinite(value) and value >= 0):
        raise DataError(f"{test} is {value:g} {CTCAE[test].unit}; expected a number not below 0")
    if value >= lln:
        return 0
    return 1 + sum(value < bound for bound in CTCAE[test].bounds)


def check_limit(test: Test, lln: float) -> None:
    """Check that `lln` can be the lower limit of normal of `test`, in the test's unit.

    Raises
    ------
    DataError
        if the test is not known or `lln` lies below the lower bound of grade 1.
    """
    if test not in CTCAE:
        raise DataError(f"no CTCAE criteria for {test!r}; known: {', '.join(CTCAE)}")
    unit, bound = CTCAE[test].unit, CTCAE[test].bounds[0]
    if not (math.isfinite(lln) and lln >= bound):
        raise DataError(
            f"lower limit of normal of {test} is {lln:g} {unit}, below {bound:g} {unit}, where "
            f"grade 2 begins: CTCAE v5.0 grades no value between; is the limit in {unit}?"
        )
