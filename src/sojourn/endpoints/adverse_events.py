"""Adverse events of each subject after the first dose: any, serious, related, severe, by dose."""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, model_validator

from sojourn.core.endpoints import Endpoint
from sojourn.core.errors import DataError
from sojourn.core.stopping import SAFETY_PARAMS, SafetyKind, StoppingRule
from sojourn.core.tables import ROW
from sojourn.endpoints._days import (
    NO_DAY_0,
    list_evidence,
    list_subjects,
    make_outcome,
    make_outcomes,
)

Truth = bool | None
Record = Mapping[str, Any]


class Rule(BaseModel):
    """Which events count, and when dosing should stop.

    `related`: the codes of AEREL that count as related. `days_after_last_dose`: an event counts if
    it began so many days after the last dose at the latest; all count where it is not given.
    `doses`: events are counted by the last dose before them, of so many planned ones. `stopping`:
    rules that end dosing, each with `what`, `at_least` and `of_first`; they change no outcome here,
    the study's run evaluates them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    related: tuple[Literal["RELATED", "POSSIBLY"], ...] = ("RELATED", "POSSIBLY")
    days_after_last_dose: int | None = Field(default=None, ge=0)
    doses: int = Field(default=1, ge=1, le=99)
    stopping: tuple[StoppingRule, ...] = ()

    @model_validator(mode="after")
    def _says_related(self) -> "Rule":
        if not self.related:
            raise ValueError("related names no code; accepted: RELATED, POSSIBLY")
        return self


@dataclass(frozen=True, slots=True)
class _Event:
    """One treatment-emergent event: its day, the number of the last dose before it, its row."""

    day: int
    dose: int
    record: Record


def adverse_events(adverse_events: pl.DataFrame, doses: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    """Return what happened to each subject after the first dose.

    An event is treatment-emergent if it began on the day of the first dose or later. It is not, if
    an earlier row of the same term, begun before the first dose, still lasted on that day with the
    same or a higher grade: that goes on and is not worse. Only a recorded ``AEENDT`` proves that.
    A subject with an event that ends before it begins is not evaluable, and the reason says so.

    Parameters
    ----------
    adverse_events
        ``USUBJID``, ``ADT`` (onset), ``AETERM``, ``AETOXGR`` (1 to 5), ``AESER``, ``AEREL``,
        ``AEENDT``, ``AESI``.
    doses
        ``USUBJID``, ``ADT``; a dose of the day of onset is before it.
    rule
        what is related, until when, planned doses.

    Returns
    -------
        `OUTCOME`. TEAE (any), TESER (serious), TEREL (related), TESERREL (both), TEGR3 (grade 3 or
        more), TEHYPER (hypersensitivity by its code, never by the text): ``AVAL`` the number of
        events, ``AVALC`` Y or N, ``DAY`` the first one's; null where a code that is not filled in
        could decide it. TEMAXGR: the worst grade, 0 for none. TEDOSE1 ...: the number of events
        after each planned dose, null where it was not given.

    Raises
    ------
    DataError
        if a subject has more doses than `rule.doses`, or two rows of the same term, onset and
        grade.

    References
    ----------
    ICH E9 (1998), glossary, "treatment emergent"; ICH E2A, serious. NCT06171906,
    secondaryOutcomes[0].
    """
    given = _dose_dates(doses, rule)
    records: dict[str, list[Record]] = {}
    ordered = adverse_events.sort("ADT", "AETERM", *([ROW] if ROW in adverse_events else []))
    for record in ordered.iter_rows(named=True):
        records.setdefault(record["USUBJID"], []).append(record)
    rows = []
    for subject in list_subjects(adverse_events, doses):
        dates, own = given.get(subject, []), records.get(subject, [])
        _check_duplicates(subject, own)
        wrong = next((r for r in own if _ends_before(r)), None)
        if not dates or wrong is not None:
            problem = NO_DAY_0 if wrong is None or not dates else _contradiction(wrong)
            evidence = list_evidence(adverse_events=[wrong.get(ROW)]) if dates and wrong else ""
            rows += [
                make_outcome(subject, p, reason=problem, evidence=evidence) for p in _params(rule)
            ]
            continue
        events = _emergent(own, dates, rule)
        rows += _outcomes(subject, events, dates, rule)
    return make_outcomes(rows)


def _params(rule: Rule) -> list[str]:
    by_dose = [f"TEDOSE{k}" for k in range(1, rule.doses + 1)]
    return [*SAFETY_PARAMS.values(), "TEMAXGR", *by_dose]


def _dose_dates(doses: pl.DataFrame, rule: Rule) -> dict[str, list[date]]:
    """Return the dates of each subject's doses, in order."""
    found: dict[str, list[date]] = {}
    listed = doses.drop_nulls(["USUBJID", "ADT"]).select("USUBJID", "ADT").unique()
    for subject, adt in listed.sort("USUBJID", "ADT").iter_rows():
        found.setdefault(subject, []).append(adt)
    for subject, dates in found.items():
        if len(dates) > rule.doses:
            raise DataError(
                f"doses: subject {subject!r} has {len(dates)} doses, the rule of adverse_events "
                f"plans {rule.doses}: set doses = {len(dates)}, or remove a row"
            )
    return found


def _check_duplicates(subject: str, records: Sequence[Record]) -> None:
    seen: dict[tuple[object, ...], Record] = {}
    for record in records:
        onset, term = record["ADT"], record["AETERM"]
        if onset is None or term is None:
            continue
        first = seen.setdefault((onset, _folded(term), record["AETOXGR"]), record)
        if first is not record:
            lines = sorted(r[ROW] for r in (first, record) if r.get(ROW) is not None)
            rows = f", rows {' and '.join(map(str, lines))}" if lines else ""
            raise DataError(
                f"adverse_events{rows}: subject {subject!r} has {term!r} of {onset}, grade "
                f"{record['AETOXGR']}, twice; expected one row for each event: remove one, or "
                "correct its date or grade"
            )


def _ends_before(record: Record) -> bool:
    onset, end = record["ADT"], record["AEENDT"]
    return onset is not None and end is not None and bool(end < onset)


def _contradiction(record: Record) -> str:
    return (
        f"the records contradict each other: {record['AETERM']} of {record['ADT']} ended on "
        f"{record['AEENDT']}, before it began"
    )


def _folded(term: str) -> str:
    return term.strip().casefold()


def _emergent(records: Sequence[Record], dates: Sequence[date], rule: Rule) -> list[_Event]:
    before = [r for r in records if r["ADT"] is not None and r["ADT"] < dates[0]]
    events = []
    for record in records:
        onset = record["ADT"]
        if onset is None or onset < dates[0] or any(_goes_on(old, record) for old in before):
            continue
        late = rule.days_after_last_dose
        if late is not None and (onset - dates[-1]).days > late:
            continue
        events.append(_Event((onset - dates[0]).days, bisect_right(dates, onset), record))
    return events


def _goes_on(old: Record, new: Record) -> bool:
    """Tell whether `new` is `old` that goes on, no worse; what is not known proves nothing."""
    ended, was, is_now = old["AEENDT"], old["AETOXGR"], new["AETOXGR"]
    if None in (ended, was, is_now):
        return False
    is_same = _folded(old["AETERM"]) == _folded(new["AETERM"])
    return bool(is_same and ended >= new["ADT"] and is_now <= was)


def _is(value: str | None, *codes: str) -> Truth:
    return None if value is None else value in codes


def _both(one: Truth, other: Truth) -> Truth:
    if one is False or other is False:
        return False
    return None if one is None or other is None else True


def _kinds(rule: Rule) -> dict[SafetyKind, Callable[[Record], Truth]]:
    def is_related(record: Record) -> Truth:
        return _is(record["AEREL"], *rule.related)

    def is_serious(record: Record) -> Truth:
        return _is(record["AESER"], "Y")

    return {
        "any": lambda _: True,
        "serious": is_serious,
        "related": is_related,
        "serious_related": lambda record: _both(is_serious(record), is_related(record)),
        "grade3": lambda record: None if (g := record["AETOXGR"]) is None else g >= 3,
        "hypersensitivity": lambda record: _is(record["AESI"], "HYPERSENSITIVITY"),
    }


_LACKS: Mapping[SafetyKind, str] = {
    "any": "ADT",
    "serious": "AESER",
    "related": "AEREL",
    "serious_related": "AEREL",
    "grade3": "AETOXGR",
    "hypersensitivity": "AESI",
}


def _outcomes(
    subject: str, events: Sequence[_Event], dates: Sequence[date], rule: Rule
) -> list[dict[str, object]]:
    rows = []
    for kind, is_kind in _kinds(rule).items():
        truths = [is_kind(event.record) for event in events]
        known = [e for e, truth in zip(events, truths, strict=True) if truth]
        unknown = [e for e, truth in zip(events, truths, strict=True) if truth is None]
        reason = _words(known)
        if unknown:
            reason += f"; {_LACKS[kind]} not filled in for {_words(unknown)}"
        rows.append(
            make_outcome(
                subject,
                SAFETY_PARAMS[kind],
                zero=dates[0],
                day=known[0].day if known else None,
                aval=None if unknown else float(len(known)),
                avalc="Y" if known else (None if unknown else "N"),
                reason=reason,
                evidence=_evidence([*known, *unknown]),
            )
        )
    return [*rows, _worst(subject, events, dates[0]), *_by_dose(subject, events, dates, rule)]


def _worst(subject: str, events: Sequence[_Event], zero: date) -> dict[str, object]:
    grades = [event.record["AETOXGR"] for event in events]
    if None in grades:
        lacking = [event for event in events if event.record["AETOXGR"] is None]
        reason = f"AETOXGR not filled in for {_words(lacking)}"
        return make_outcome(subject, "TEMAXGR", reason=reason, evidence=_evidence(lacking))
    worst = max(grades, default=0)
    having = [event for event in events if event.record["AETOXGR"] == worst]
    return make_outcome(
        subject,
        "TEMAXGR",
        zero=zero,
        day=having[0].day if having else None,
        aval=float(worst),
        avalc=str(worst),
        reason=_words(having),
        evidence=_evidence(having),
    )


def _by_dose(
    subject: str, events: Sequence[_Event], dates: Sequence[date], rule: Rule
) -> list[dict[str, object]]:
    rows = []
    for dose in range(1, rule.doses + 1):
        paramcd = f"TEDOSE{dose}"
        if dose > len(dates):
            rows.append(make_outcome(subject, paramcd, reason=f"dose {dose} not given"))
            continue
        after = [event for event in events if event.dose == dose]
        rows.append(
            make_outcome(
                subject,
                paramcd,
                zero=dates[0],
                day=after[0].day if after else None,
                aval=float(len(after)),
                avalc="Y" if after else "N",
                reason=f"after dose {dose} of day {(dates[dose - 1] - dates[0]).days}: "
                f"{_words(after)}",
                evidence=_evidence(after),
            )
        )
    return rows


def _words(events: Sequence[_Event]) -> str:
    if not events:
        return "no such event recorded"
    shown = ", ".join(
        f"{e.record['AETERM']} (grade {e.record['AETOXGR']}) on day {e.day}" for e in events[:5]
    )
    more = f" and {len(events) - 5} more" if len(events) > 5 else ""
    return f"{len(events)} event{'s' if len(events) > 1 else ''}: {shown}{more}"


def _evidence(events: Sequence[_Event]) -> str:
    return list_evidence(adverse_events=[event.record.get(ROW) for event in events])


ENDPOINT = Endpoint(
    label="Treatment-emergent adverse events",
    paramcd="TEAE",
    inputs=("adverse_events", "doses"),
    rule=Rule,
    derive=adverse_events,
)
