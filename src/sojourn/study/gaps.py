"""What a plan asks for and the tables do not hold: doses, counts at visits, follow-up."""

from collections.abc import Iterator, Mapping
from datetime import date
from itertools import chain

from sojourn.study.definition import Study
from sojourn.study.keyed import Tables
from sojourn.study.listings import day_zeros

Gap = tuple[str, str, str | None, str]
"""What is missing, whose, of which visit, and why; words after a colon are the details."""


def table_gaps(study: Study, tables: Tables) -> list[Gap]:
    """Return what dosed subjects lack though they were alive and followed at that time.

    A dose of the only arm, by the count of rows; a visit's blood counts, where none lies in its
    window; the contact of the last visit, where follow-up ended before it without a death.
    """
    zeros = day_zeros(tables)
    deaths, ends = _days(tables, "events", zeros, "DEATH"), _days(tables, "follow_up", zeros)
    ends |= deaths
    found = chain(
        _doses(study, tables, zeros, ends),
        _counts(study, tables, zeros, ends),
        _follow_up(study, deaths, ends),
    )
    return sorted(found, key=lambda gap: (gap[0], gap[2] or "", gap[1]))


def _days(
    tables: Tables, name: str, zeros: Mapping[str, date], event: str | None = None
) -> dict[str, int]:
    """Return each subject's first such day, or its last one where no `event` is asked for."""
    if name not in tables:
        return {}
    days: dict[str, int] = {}
    for row in tables[name].table.sort("ADT", descending=event is not None).iter_rows(named=True):
        if row["USUBJID"] in zeros and (event is None or row["EVENT"] == event):
            days[row["USUBJID"]] = (row["ADT"] - zeros[row["USUBJID"]]).days
    return days


def _doses(
    study: Study, tables: Tables, zeros: Mapping[str, date], ends: Mapping[str, int]
) -> Iterator[Gap]:
    if len(study.arms) != 1 or "doses" not in tables:
        return
    given = tables["doses"].table["USUBJID"].to_list()
    for subject in zeros:
        planned = [day for day in study.arms[0].days if day <= ends.get(subject, day)]
        if (count := given.count(subject)) < len(planned):
            why = f"fewer doses than planned while followed: {count} of {len(planned)}"
            yield "dose", subject, None, why


def _counts(
    study: Study, tables: Tables, zeros: Mapping[str, date], ends: Mapping[str, int]
) -> Iterator[Gap]:
    visits = [visit for visit in study.visits if "counts" in visit.collects]
    if "counts" not in tables or not visits:
        return
    measured = {
        (row["USUBJID"], (row["ADT"] - zeros[row["USUBJID"]]).days)
        for row in tables["counts"].table.iter_rows(named=True)
        if row["USUBJID"] in zeros
    }
    for visit in visits:
        first, last = visit.window_days
        for subject in zeros:
            is_there = any((subject, day) in measured for day in range(first, last + 1))
            if not is_there and ends.get(subject, last) >= last:
                why = f"no blood count in the visit's window: days {first} to {last}"
                yield "counts", subject, visit.name, why


def _follow_up(study: Study, deaths: Mapping[str, int], ends: Mapping[str, int]) -> Iterator[Gap]:
    if not study.visits:
        return
    visit = max(study.visits, key=lambda each: each.day)
    first = visit.window_days[0]
    for subject, day in ends.items():
        if day < first and subject not in deaths:
            why = f"follow-up ended before the last visit: last contact on day {day}"
            yield "follow-up", subject, visit.name, why
