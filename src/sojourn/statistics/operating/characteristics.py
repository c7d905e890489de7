"""One number of a design: what an analysis can be expected to show under one truth."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Characteristic:
    """What one analysis does under one truth.

    `n` are the subjects in words (``68``, ``5 + 5``). `truth` is what is assumed to be true, in
    `truth_unit`, and `given` whatever else is assumed, in words. `quantity` is the expected number,
    in `unit`. `error` is its Monte Carlo standard error, 0 where it is exact; `replicates` the
    simulated trials, 0 where it is exact.
    """

    analysis: str
    method: str
    n: str
    truth: float
    truth_unit: str
    given: str
    quantity: str
    value: float
    unit: str
    error: float = 0.0
    replicates: int = 0

    @property
    def basis(self) -> str:
        """Return how the number was made."""
        return f"{self.replicates} simulated trials" if self.replicates else "exact"


COLUMNS = (
    "ANALYSIS",
    "METHOD",
    "N",
    "TRUTH",
    "TRUTH_UNIT",
    "GIVEN",
    "QUANTITY",
    "VALUE",
    "UNIT",
    "MC_ERROR",
    "REPLICATES",
)
"""Columns of a table of characteristics."""


def as_row(made: Characteristic) -> tuple[str | float | int, ...]:
    """Return `made` in the order of `COLUMNS`."""
    return (
        made.analysis,
        made.method,
        made.n,
        made.truth,
        made.truth_unit,
        made.given,
        made.quantity,
        made.value,
        made.unit,
        made.error,
        made.replicates,
    )
