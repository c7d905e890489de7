"""Records of infection from two tables, and the episodes that they make."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from sojourn.endpoints._days import Dated


@dataclass(frozen=True, slots=True)
class Record:
    """One record: first and last day (None: no resolution is recorded), what and how bad, its row.

    `what` is organism and site as words; empty where neither is named. `table` names the table.
    """

    day: int
    resolved: int | None
    what: str
    grade: int | None
    table: str
    row: int | None


@dataclass(frozen=True, slots=True)
class Episode:
    """Records of one organism and site that belong together; the first begins the episode."""

    records: tuple[Record, ...]

    @property
    def first(self) -> Record:
        """Return the record that began it."""
        return self.records[0]


def find_records(events: Iterable[Dated], infections: Sequence[Dated], zero: date) -> list[Record]:
    """Return the records of one subject from both tables, in order of day.

    A row of events that repeats a row of infections (same day, and the same or no organism and
    site) is that record.

    Parameters
    ----------
    events
        rows of any code; INFECTION counts, its DETAIL names organism and site.
    infections
        rows with AENDT, ORGANISM, SITE, GRADE.
    zero
        the subject's day 0.
    """
    dated = [
        Record(
            row.day,
            None if row.record.get("AENDT") is None else (row.record["AENDT"] - zero).days,
            _words(row.record.get("ORGANISM"), row.record.get("SITE")),
            row.record.get("GRADE"),
            "infections",
            row.row,
        )
        for row in infections
    ]
    known = {(record.day, what) for record in dated for what in ("", record.what)}
    listed = [
        Record(
            event.day,
            None,
            _words(event.record.get("DETAIL")),
            event.record.get("GRADE"),
            "events",
            event.row,
        )
        for event in events
        if event.record["EVENT"] == "INFECTION"
    ]
    fresh = [record for record in listed if (record.day, record.what) not in known]
    return sorted([*dated, *fresh], key=lambda r: (r.day, r.what, r.table, r.row or 0))


def find_episodes(records: Iterable[Record], new_episode_days: int) -> list[Episode]:
    """Return the episodes of `records`, in order of their first day.

    A record begins an episode unless one of the same organism and site was resolved less than
    `new_episode_days` before it, or not yet. Where no resolution is recorded, the day of the last
    record stands for it.

    Parameters
    ----------
    records
        of one subject, in order of day.
    new_episode_days
        days from a resolution to a record of the same that count as new.
    """
    episodes: list[list[Record]] = []
    running: dict[str, tuple[list[Record], int]] = {}
    for record in records:
        end = record.day if record.resolved is None else max(record.resolved, record.day)
        same, resolved = running.get(record.what, ([], 0))
        if not same or record.day - resolved >= new_episode_days:
            same, resolved = [], end
            episodes.append(same)
        same.append(record)
        running[record.what] = (same, max(resolved, end))
    return [Episode(tuple(same)) for same in episodes]


def _words(*texts: str | None) -> str:
    """Return words alone, small, so that neither spelling nor punctuation makes an organism."""
    joined = " ".join(text for text in texts if text)
    return " ".join("".join(c if c.isalnum() else " " for c in joined).casefold().split())
