"""Thresholds of rules: within what a laboratory can report, so that another unit is refused."""

from typing import Annotated

from pydantic import AfterValidator

LEAST_PER_L, MOST_PER_L = 1e6, 1e13
"""1/L; the least is what the highest count of a table must reach too (0.001e9/L)."""

LEAST_G_PER_L, MOST_G_PER_L = 30.0, 250.0
"""g/L; the range of hemoglobin in the table of counts."""


def _count(value: float) -> float:
    if LEAST_PER_L <= value <= MOST_PER_L:
        return value
    raise ValueError(
        f"{value:g} 1/L is no threshold of a count; expected {LEAST_PER_L:g} to {MOST_PER_L:g} "
        "1/L: write 0.5e9 for 0.5 x 10^9/L, 0.2e9 for 200 cells/uL"
    )


def _hemoglobin(value: float) -> float:
    if LEAST_G_PER_L <= value <= MOST_G_PER_L:
        return value
    raise ValueError(
        f"{value:g} g/L is no threshold of hemoglobin; expected {LEAST_G_PER_L:g} to "
        f"{MOST_G_PER_L:g} g/L: write 70 for 7 g/dL"
    )


def _percent(value: float) -> float:
    if 1 < value < 100:
        return value
    raise ValueError(
        f"{value:g} % is no threshold of a percentage; expected more than 1 and less than 100: "
        "write 95 for a share of 0.95"
    )


PerLitre = Annotated[float, AfterValidator(_count)]
"""A threshold of a count, in 1/L."""

GramsPerLitre = Annotated[float, AfterValidator(_hemoglobin)]
"""A threshold of hemoglobin, in g/L."""

Percent = Annotated[float, AfterValidator(_percent)]
"""A threshold of a percentage, in percent."""
