"""The rules of a per-protocol population: who broke which, and in which rows it stands."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from sojourn.core.tables import ROW
from sojourn.study.definition import Arm, Population, Study, Visit
from sojourn.study.keyed import Tables

Breach = tuple[str, str, str]
"""Subject, reason, evidence."""


def protocol_breaches(
    population: Population,
    study: Study,
    tables: Tables,
    arms: Mapping[str, str],
    subjects: Sequence[str],
    zeros: Mapping[str, date],
    dosed: Mapping[str, date],
) -> Iterator[Breach]:
    """Yield each rule of `population` that a subject broke, in the order of rules and subjects.

    Nothing planned for after a subject's death is asked of him; a dose whose window a death cut
    short may be there or not. A visit is there if a row of each of its tables is dated within its
    window; a scan of grade MISSING is no scan.

    Parameters
    ----------
    population
        of kind per_protocol.
    study
        arms with their planned doses, visits with their windows.
    tables
        doses, and where the folder has them events, deviations and what the visits collect.
    arms
        code of each subject's arm, as allocated.
    subjects
        who is asked: everybody dosed.
    zeros, dosed
        day 0, and date of the first dose, of each subject.

    References
    ----------
    ICH E9, 5.2.2: the reasons for leaving subjects out are defined beforehand and listed.
    """
    deaths = _deaths(tables)
    by_code = {arm.code: arm for arm in study.arms}
    if population.doses_as_planned and "doses" in tables:
        rows = _dated(tables["doses"].table, subjects)
        for subject in subjects:
            arm = by_code[arms[subject]]
            yield from _doses(subject, arm, rows[subject], dosed[subject], deaths.get(subject))
    if population.no_major_deviation and "deviations" in tables:
        yield from _deviations(tables["deviations"].table, subjects)
    for visit in study.visits:
        if visit.name in population.visits:
            yield from _visit(visit, tables, subjects, zeros, deaths)


def _deaths(tables: Tables) -> dict[str, date]:
    if "events" not in tables:
        return {}
    rows = tables["events"].table.filter(pl.col("EVENT") == "DEATH").drop_nulls("ADT").sort("ADT")
    return dict(reversed(list(rows.select("USUBJID", "ADT").iter_rows())))


def _dated(table: pl.DataFrame, subjects: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """Return each subject's dated rows in the order of their dates; scans that are none apart."""
    kept = table.drop_nulls("ADT").sort("ADT", ROW)
    if "GRADE" in kept.columns and kept["GRADE"].dtype == pl.String:
        kept = kept.filter(pl.col("GRADE").ne_missing("MISSING"))
    found: dict[str, list[dict[str, Any]]] = {subject: [] for subject in subjects}
    for row in kept.iter_rows(named=True):
        if row["USUBJID"] in found:
            found[row["USUBJID"]].append(row)
    return found


def _doses(
    subject: str, arm: Arm, rows: Sequence[Mapping[str, Any]], first: date, death: date | None
) -> Iterator[Breach]:
    window = arm.dose_window_days
    last = None if death is None else (death - first).days
    needed = [day for day in arm.days if last is None or day - arm.days[0] + window < last]
    possible = [day for day in arm.days if last is None or day - arm.days[0] - window <= last]
    given = [(row["ADT"] - first).days for row in rows]
    evidence = f"doses:{','.join(str(row[ROW]) for row in rows)}"
    if not len(needed) <= len(given) <= len(possible):
        yield subject, f"doses given: {len(given)}, planned: {len(needed)}", evidence
        return
    for day, plan in zip(given, possible, strict=False):
        if abs(day - (plan - arm.days[0])) > window:
            shift = f"{window} days" if window != 1 else "1 day"
            why = f"dose on day {day} after the first, planned {plan - arm.days[0]} within {shift}"
            yield subject, why, evidence


def _deviations(table: pl.DataFrame, subjects: Sequence[str]) -> Iterator[Breach]:
    major = table.filter((pl.col("SEVERITY") == "MAJOR") & pl.col("USUBJID").is_in(list(subjects)))
    for row in major.sort("USUBJID", ROW).iter_rows(named=True):
        yield row["USUBJID"], f"major deviation: {row['DVTERM']}", f"deviations:{row[ROW]}"


def _visit(
    visit: Visit,
    tables: Tables,
    subjects: Sequence[str],
    zeros: Mapping[str, date],
    deaths: Mapping[str, date],
) -> Iterator[Breach]:
    first, last = visit.window_days
    for name in visit.collects:
        rows = _dated(tables[name].table, subjects) if name in tables else {}
        for subject in subjects:
            zero, death = zeros.get(subject), deaths.get(subject)
            if zero is None or (death is not None and (death - zero).days <= last):
                continue
            own = [r for r in rows.get(subject, []) if r.get("VISIT", visit.name) == visit.name]
            days = [(row["ADT"] - zero).days for row in own]
            if not any(first <= day <= last for day in days):
                why = f"{visit.name}: nothing in {name} within days {first} to {last}"
                if not own or "VISIT" not in own[0]:
                    yield subject, why, ""
                    continue
                found = f"{why}; found: day {', '.join(map(str, days))}"
                yield subject, found, f"{name}:{','.join(str(row[ROW]) for row in own)}"
