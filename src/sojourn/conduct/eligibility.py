"""Eligibility criteria as three-valued logic: met, failed, unknown."""

from collections.abc import Collection
from typing import Literal

Verdict = Literal["met", "failed", "unknown"]


def check_bounds(
    value: float | None,
    *,
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
    below: float | None = None,
) -> Verdict:
    """Tell whether `value` lies within bounds; `low` and `high` count as inside.

    Parameters
    ----------
    value
        the recorded number, in the unit of the bounds, or None where nothing was recorded.
    low, high
        inclusive bounds.
    above, below
        exclusive bounds.

    Returns
    -------
        "unknown" for None: what was not recorded is neither good nor bad.

    Examples
    --------
    >>> check_bounds(30.0, above=30.0), check_bounds(30.0, low=30.0), check_bounds(None, low=1)
    ('failed', 'met', 'unknown')
    """
    if value is None:
        return "unknown"
    inside = (
        (low is None or value >= low)
        and (high is None or value <= high)
        and (above is None or value > above)
        and (below is None or value < below)
    )
    return "met" if inside else "failed"


def check_choice(value: str | int | None, accepted: Collection[str | int]) -> Verdict:
    """Tell whether the recorded `value` is one of `accepted`; None is unknown."""
    if value is None:
        return "unknown"
    return "met" if value in accepted else "failed"


def satisfies(kind: Literal["inclusion", "exclusion"], verdict: Verdict) -> Verdict:
    """Return the verdict on eligibility: an exclusion criterion must fail to be satisfied."""
    if kind == "inclusion" or verdict == "unknown":
        return verdict
    return "failed" if verdict == "met" else "met"
