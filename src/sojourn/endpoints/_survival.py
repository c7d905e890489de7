"""How long a subject was followed, and how a time to an event ends."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from sojourn.endpoints._days import Dated, find_dated, list_evidence

EVENT, CENSORED, DEATH_FIRST, OTHER_EVENT_FIRST = 0, 1, 2, 3
"""Codes of CNSR: 0 the event, 1 censored, 2 death came first, 3 another competing event."""


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What is known of the end of one subject's observation, in days from day 0.

    `end` is the day of death, else of the last contact; None where nobody recorded either.
    `contradiction` says in words what cannot be true of the records.
    """

    end: int | None = None
    death: int | None = None
    events: tuple[Dated, ...] = ()
    contact: tuple[Dated, ...] = ()
    contradiction: str = ""

    @property
    def evidence(self) -> str:
        """Return the rows that fix the end of observation."""
        deaths = [e.row for e in self.events if e.record["EVENT"] == "DEATH"]
        return list_evidence(events=deaths, follow_up=[c.row for c in self.contact])

    def first(self, *codes: str, since: int = 0) -> Dated | None:
        """Return the first event with one of `codes` on or after day `since`, or None."""
        return next((e for e in self.events if e.record["EVENT"] in codes and e.day >= since), None)


def find_follow_ups(
    events: pl.DataFrame | None, follow_up: pl.DataFrame | None, zeros: Mapping[str, date]
) -> dict[str, FollowUp]:
    """Return the follow-up of every subject of `zeros`.

    Parameters
    ----------
    events
        ``USUBJID``, ``ADT``, ``EVENT``, ... or None.
    follow_up
        ``USUBJID``, ``ADT``: last date known alive, or date of death; or None.
    zeros
        day 0 of each subject.
    """
    happened = find_dated(events, zeros)
    seen = find_dated(follow_up, zeros)
    return {
        subject: _follow_up(happened.get(subject, []), seen.get(subject, [])) for subject in zeros
    }


def _follow_up(events: list[Dated], contact: list[Dated]) -> FollowUp:
    deaths = sorted({e.day for e in events if e.record["EVENT"] == "DEATH"})
    last = max((c.day for c in contact), default=None)
    end = deaths[0] if deaths else last
    return FollowUp(
        end=end,
        death=deaths[0] if deaths else None,
        events=tuple(events),
        contact=tuple(contact),
        contradiction=_contradiction(events, deaths, last),
    )


def _contradiction(events: list[Dated], deaths: list[int], last: int | None) -> str:
    if len(deaths) > 1:
        return f"deaths are recorded on days {', '.join(map(str, deaths))}"
    if deaths and deaths[0] < 0:
        return f"death on day {deaths[0]} lies before the first dose"
    if deaths and last is not None and last > deaths[0]:
        return f"last contact on day {last} lies after death on day {deaths[0]}"
    after = [e for e in events if deaths and e.day > deaths[0]]
    if after:
        return f"{after[0].record['EVENT']} on day {after[0].day} lies after death"
    if not deaths and last is not None and last < 0:
        return f"last contact on day {last} lies before the first dose"
    return ""
