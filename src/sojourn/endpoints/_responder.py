"""The OMERACT-OARSI responder criteria in three-valued logic; None is "not known"."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

HIGH = (50.0, 20.0)
"""A high improvement of pain or function: at least 50 % of baseline and 20 points of 100."""

MODERATE = (20.0, 10.0)
"""A moderate improvement: at least 20 % of baseline and 10 points of 100."""

_SLACK = 1e-9
"""Relative slack of the comparisons: a fifth of a sum over 68 is a fifth, whatever its last bit."""

Truth = bool | None


@dataclass(frozen=True, slots=True)
class Response:
    """Whether a subject responded and why.

    `is_high` pain or function improved highly; `moderate` by domain; `is_responder` the verdict.
    """

    is_high: Truth
    moderate: Mapping[str, Truth]
    is_responder: Truth

    @property
    def moderate_count(self) -> int | None:
        """Return how many domains improved moderately, or None where one is not known."""
        known = [m for m in self.moderate.values() if m is not None]
        return sum(known) if len(known) == len(self.moderate) else None


def improves(before: float | None, after: float | None, bounds: tuple[float, float]) -> Truth:
    """Tell whether a score of 0 to 100, 100 worst, improved by both of `bounds`.

    Parameters
    ----------
    before, after
        the score at baseline and at follow-up, or None.
    bounds
        least relative improvement in percent of baseline, least absolute one in points; each is
        met where it is reached.

    Returns
    -------
        None where a score is not known. At a baseline of 0 nothing can improve: False.
    """
    if before is None or after is None:
        return None
    relative, absolute = bounds
    gain, slack = before - after, 100 * _SLACK
    return before > 0 and 100 * gain >= relative * before - slack and gain >= absolute - slack


def judge_response(
    baseline: Mapping[str, float | None], follow_up: Mapping[str, float | None]
) -> Response:
    """Return whether a subject responded.

    Parameters
    ----------
    baseline, follow_up
        "pain", "function" and, unless the two-domain variant is meant, "global", each 0 to 100,
        100 worst, or None.

    Returns
    -------
        a responder has a high improvement of pain or function, or a moderate one of two of the
        domains. What is not known decides nothing: the verdict is None where it could be either.

    References
    ----------
    Pham et al., OMERACT-OARSI initiative: set of responder criteria for osteoarthritis clinical
    trials revisited, Osteoarthritis and Cartilage 12 (2004) 389.
    """
    high = _any(improves(baseline[d], follow_up[d], HIGH) for d in ("pain", "function"))
    moderate = {d: improves(baseline[d], follow_up[d], MODERATE) for d in baseline}
    met = sum(m is True for m in moderate.values())
    possible = met + sum(m is None for m in moderate.values())
    two: Truth = True if met >= 2 else (None if possible >= 2 else False)
    return Response(high, moderate, _any((high, two)))


def _any(truths: Iterable[Truth]) -> Truth:
    listed = list(truths)
    return True if True in listed else (None if None in listed else False)
