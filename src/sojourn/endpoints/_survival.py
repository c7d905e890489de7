"""How long a subject was followed, what happened meanwhile, and dates known in part."""

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

    `end` is the day of death, else of the last contact, or of an event after it; None where nobody
    recorded a death or a contact. `contradiction` says in words what cannot be true of the records;
    `undated` names an event whose month is not known.
    """

    end: int | None = None
    death: int | None = None
    events: tuple[Dated, ...] = ()
    contact: tuple[Dated, ...] = ()
    contradiction: str = ""
    undated: str = ""

    @property
    def problem(self) -> str:
        """Return why no time can be counted from these records, or nothing."""
        if self.undated:
            return f"{self.undated} is dated by its year alone: find out the month"
        if self.contradiction:
            return f"the records contradict each other: {self.contradiction}"
        return ""

    @property
    def evidence(self) -> str:
        """Return the rows that fix the end of observation."""
        last = [e.row for e in self.events if self.end is not None and e.day >= self.end]
        return list_evidence(events=last, follow_up=[c.row for c in self.contact])

    def first(self, *codes: str, since: int = 0) -> Dated | None:
        """Return the first event with one of `codes` on or after day `since`, or None."""
        return next((e for e in self.events if e.record["EVENT"] in codes and e.day >= since), None)


def find_follow_ups(
    events: pl.DataFrame | None, follow_up: pl.DataFrame | None, zeros: Mapping[str, date]
) -> dict[str, FollowUp]:
    """Return the follow-up of every subject of `zeros`.

    An event whose day of the month is not known (``ADTF`` D) is taken on the 15th; a death of that
    month not before the last contact of the month, another event not after the death.

    Parameters
    ----------
    events
        ``USUBJID``, ``ADT``, ``EVENT``, ... or None; ``ADTF`` if dates are known in part.
    follow_up
        ``USUBJID``, ``ADT``: last date known alive, or date of death; or None.
    zeros
        day 0 of each subject.
    """
    happened = find_dated(complete_dates(events, follow_up), zeros)
    seen = find_dated(follow_up, zeros)
    return {
        subject: _follow_up(happened.get(subject, []), seen.get(subject, [])) for subject in zeros
    }


def _follow_up(events: list[Dated], contact: list[Dated]) -> FollowUp:
    deaths = sorted({e.day for e in events if e.record["EVENT"] == "DEATH"})
    last = max((c.day for c in contact), default=None)
    seen = None if last is None else max([last, *(e.day for e in events)])
    undated = [e.record["EVENT"] for e in events if e.record.get("ADTF") == "M"]
    return FollowUp(
        undated=str(undated[0]) if undated else "",
        end=deaths[0] if deaths else seen,
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


def complete_dates(
    events: pl.DataFrame | None, follow_up: pl.DataFrame | None
) -> pl.DataFrame | None:
    """Return `events` with a day for each date whose day of the month is not known.

    Parameters
    ----------
    events
        ``USUBJID``, ``ADT``, ``EVENT``, ``ADTF`` (D: the day is not known, M: nor is the month), or
        None.
    follow_up
        ``USUBJID``, ``ADT``: last known alive; or None.

    Returns
    -------
        the same rows. D becomes the 15th; for a death the last contact or other dated event of the
        same month if that is later, for another event the death of the same month if that is
        earlier. M stays: nobody can count from it.

    References
    ----------
    NCT06171906 states no rule; `docs/endpoints.md`, "Survival".
    """
    if events is None or "ADTF" not in events.columns or events["ADTF"].null_count() == len(events):
        return events
    known = events.filter(pl.col("ADTF").is_null())
    alive: dict[str, list[date]] = {}
    for subject, day in known.filter(pl.col("EVENT") != "DEATH").select("USUBJID", "ADT").rows():
        alive.setdefault(subject, []).append(day)
    if follow_up is not None:
        for subject, day in follow_up.drop_nulls("ADT").select("USUBJID", "ADT").rows():
            alive.setdefault(subject, []).append(day)
    died = dict(known.filter(pl.col("EVENT") == "DEATH").select("USUBJID", "ADT").rows())
    dates = []
    for record in events.iter_rows(named=True):
        day, subject = record["ADT"], record["USUBJID"]
        if record["ADTF"] == "D" and day is not None:
            is_death = record["EVENT"] == "DEATH"
            others = alive.get(subject, []) if is_death else [died[subject]] * (subject in died)
            day = _middle(day, [d for d in others if d is not None], is_death=is_death)
        dates.append(day)
    return events.with_columns(pl.Series("ADT", dates, dtype=pl.Date))


def _middle(month: date, others: list[date], *, is_death: bool) -> date:
    """Return the 15th of `month`, moved to one of `others` within it where that must be."""
    same = [d for d in others if (d.year, d.month) == (month.year, month.month)]
    return max([month.replace(day=15), *same]) if is_death else min([month.replace(day=15), *same])
