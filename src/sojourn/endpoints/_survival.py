"""How long a subject was followed, and how a time to an event ends."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from sojourn.endpoints._days import (
    NO_DAY_0,
    Dated,
    find_dated,
    find_day_zeros,
    list_evidence,
    list_subjects,
    make_outcome,
)

EVENT, CENSORED, DEATH_FIRST, OTHER_EVENT_FIRST = 0, 1, 2, 3
"""Codes of CNSR: 0 the event, 1 censored, 2 death came first, 3 another competing event."""


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What is known of the end of one subject's observation, in days from day 0.

    `end` is the day of death, else of the last contact, or of an event after it; None where nobody
    recorded a death or a contact. `contradiction` says in words what cannot be true of the records.
    """

    end: int | None = None
    death: int | None = None
    events: tuple[Dated, ...] = ()
    contact: tuple[Dated, ...] = ()
    contradiction: str = ""

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
    seen = None if last is None else max([last, *(e.day for e in events)])
    return FollowUp(
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


def find_survival(
    paramcd: str,
    doses: pl.DataFrame,
    events: pl.DataFrame,
    follow_up: pl.DataFrame | None,
    failures: Mapping[str, tuple[str, ...]],
    same_day: float,
    data_cut: date | None,
) -> list[dict[str, object]]:
    """Return the outcome row of every subject: time to death or a failure, or censored.

    Parameters
    ----------
    paramcd
        code of the outcome.
    doses, events, follow_up
        tables; the first dose is day 0.
    failures
        event codes that end the time besides death, by subject.
    same_day
        time in days given to an end on day 0.
    data_cut
        events after it are not seen; time is censored there.
    """
    zeros = find_day_zeros(doses)
    follows = find_follow_ups(events, follow_up, zeros)
    rows = []
    for subject in list_subjects(doses, events, follow_up):
        if (zero := zeros.get(subject)) is None:
            rows.append(make_outcome(subject, paramcd, reason=NO_DAY_0))
            continue
        follow, cut = follows[subject], None if data_cut is None else (data_cut - zero).days
        if problem := _problem(follow, cut):
            evidence = follow.evidence
            rows.append(make_outcome(subject, paramcd, reason=problem, evidence=evidence))
            continue
        day, avalc, cnsr, reason, evidence = _ending(follow, failures[subject], cut)
        row = make_outcome(
            subject,
            paramcd,
            zero=zero,
            day=day,
            aval=same_day if day == 0 else float(day),
            avalc=avalc,
            cnsr=cnsr,
            reason=reason,
            evidence=evidence,
        )
        rows.append(row)
    return rows


def _problem(follow: FollowUp, cut: int | None) -> str:
    if follow.contradiction:
        return f"the records contradict each other: {follow.contradiction}"
    if cut is not None and cut < 0:
        return f"the first dose lies {-cut} days after the data cut"
    if follow.end is None:
        return "neither a death nor a last contact is recorded"
    return ""


def _ending(
    follow: FollowUp, failures: tuple[str, ...], cut: int | None
) -> tuple[int, str, int, str, str]:
    """Return day, class, CNSR, reason and evidence of the end."""
    failure = follow.first("DEATH", *failures)
    if failure is not None and (cut is None or failure.day <= cut):
        code = str(failure.record["EVENT"])
        reason = f"{_words(code)} on day {failure.day}"
        return failure.day, code, EVENT, reason, list_evidence(events=[failure.row])
    end = follow.end if follow.end is not None else 0
    day = end if cut is None else min(end, cut)
    free = f"alive{''.join(f' without {_words(code)}' for code in failures)}"
    where = "last contact" if day == end else "the data cut"
    return day, "CENSORED", CENSORED, f"{free} at {where}, day {day}", follow.evidence


def _words(code: str) -> str:
    return code.lower().replace("_", " ")
