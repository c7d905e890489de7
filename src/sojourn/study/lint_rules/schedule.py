"""Time frames against visits, rules, events and the dates of the study."""

import re
from collections.abc import Iterator

from sojourn.formats.registry_record import (
    RegistryRecord,
    TimeFrame,
    Unparsed,
    outcomes,
    parse_time_frame,
    unescape_markdown,
)
from sojourn.study.lint_rules._rule import Hit, Rule
from sojourn.study.lint_rules._texts import (
    PROTOCOL,
    day,
    plan_texts,
    quoted,
)

_UNITS = r"(?:day|week|month|year)s?"
_AMOUNT = rf"(?<!\w)(?:{_UNITS} ?\+?\d{{1,6}}|\d{{1,6}}(?:st|nd|rd|th)?[- ]?{_UNITS})(?!\w)"
_JOIN = r"(?: ?, ?(?:(?:and|or) )?| (?:and|or) )"
_LIST = re.compile(
    rf"\b(?:{_AMOUNT}(?:{_JOIN}(?:{_AMOUNT}|\+?\d{{1,6}}\b)){{1,20}}"
    rf"|(?:\d{{1,6}}{_JOIN}\+?){{1,20}}\d{{1,6}} {_UNITS})\b",
    re.IGNORECASE,
)
_VISIT = re.compile(
    r"\b(?:visit|scan|follow|assess|evaluat|monitor|timepoint|time point|examin|imag|survey|"
    r"return|record|measur)",
    re.IGNORECASE,
)
_DOSING = re.compile(r"\d\s*(?:mg|µg|μg|mcg|g|gy|iu|auc)\b|\bcourse\b|\bcycle\b", re.IGNORECASE)
_SLACK_DAYS = 2.0
_SLACK_SHARE = 0.1
_DAYS_UNEXPLAINED = 183
"""Half a year: longer than data cleaning usually takes between last visit and completion."""

_STATE = (
    r"(?:non-?respon\w+|no response|response|respon[ds]\w*|remission|recovery|engraft\w+|failure|"
    r"stable disease|progression|relapse|refractor\w+|success)"
)
_RULE = re.compile(
    rf"\b{_STATE}\b[^.;]{{0,60}}?(?<![\d.])(\d{{1,6}})[ -]?({_UNITS})\b", re.IGNORECASE
)
_RECALL = re.compile(r"\b(?:past|previous|prior|last|preceding|before|every|of age)\b", re.I)
_ENDLESS = re.compile(r"\b(?:until|every|annual\w*|completion|lifelong)\b", re.IGNORECASE)
_EVENTS = {
    "transplantation": r"\btransplant\w*|\bhsct\b|\bsct\b|\bhct\b|\bgraft infusion",
    "surgery": r"\bsurg\w*|\boperat\w*|\bpost-?op\b|\bop\b|\w+ectomy\b|\warthroplasty",
}


def _parsed(record: RegistryRecord) -> Iterator[tuple[str, TimeFrame]]:
    for path, outcome in outcomes(record).items():
        if isinstance(frame := parse_time_frame(outcome.time_frame), TimeFrame):
            yield path, frame


def _unparsed_frames(record: RegistryRecord) -> dict[str, tuple[Unparsed, list[str]]]:
    """Return each unparsed text once, with the paths of the outcomes that have it."""
    found: dict[str, tuple[Unparsed, list[str]]] = {}
    for path, outcome in outcomes(record).items():
        if isinstance(frame := parse_time_frame(outcome.time_frame), Unparsed):
            found.setdefault(frame.text, (frame, []))[1].append(path)
    return found


def _unparsed(record: RegistryRecord) -> Iterator[Hit]:
    for frame, paths in _unparsed_frames(record).values():
        more = f"; so for {len(paths) - 1} more outcomes" if paths[1:] else ""
        yield (
            f"{paths[0]}.timeFrame",
            f"{frame.text!r} names no window in days ({frame.reason}{more})",
        )


def _visits(record: RegistryRecord) -> tuple[set[float], set[float], str]:
    """Return the days of the longest visit list, every day named anywhere, and where it stands."""
    listed: set[float] = set()
    named: set[float] = set()
    where = ""
    for text in plan_texts(record):
        for sentence in text.sentences():
            named |= _days(re.findall(_AMOUNT, sentence, re.IGNORECASE))
            lists = _LIST.findall(sentence)
            days = _days(lists)
            named |= days
            if _VISIT.search(sentence) and not _DOSING.search(sentence) and len(days) > len(listed):
                listed, where = days, text.path
    return listed, named, where


def _days(texts: list[str]) -> set[float]:
    frames = (parse_time_frame(text) for text in set(texts))
    return {day for frame in frames if isinstance(frame, TimeFrame) for day in frame.days}


def _off_visits(record: RegistryRecord) -> Iterator[Hit]:
    listed, named, where = _visits(record)
    if len(listed) < 3:
        return
    for path, frame in _parsed(record):
        if frame.kind == "range" and not frame.from_baseline:
            continue
        far = [
            day
            for day in frame.days
            if day > 0 and all(abs(day - v) > max(_SLACK_DAYS, _SLACK_SHARE * v) for v in named)
        ]
        if far:
            visits = ", ".join(f"{visit:g}" for visit in sorted(listed))
            yield (
                f"{path}.timeFrame",
                f"day {', '.join(f'{d:g}' for d in far)} ({frame.text!r}) is none of the visits "
                f"that {where} lists: days {visits}",
            )


def _rule_exceeds_window(record: RegistryRecord) -> Iterator[Hit]:
    for path, outcome in outcomes(record).items():
        frame = parse_time_frame(outcome.time_frame)
        if isinstance(frame, Unparsed):
            continue
        words = unescape_markdown(outcome.description or "")
        for found in _RULE.finditer(words):
            length = parse_time_frame(f"{found[1]} {found[2]}")
            if isinstance(length, Unparsed) or _RECALL.search(found[0]):
                continue
            if length.end_day > max(frame.end_day * (1 + _SLACK_SHARE), frame.end_day + 1):
                yield (
                    f"{path}.description",
                    f"the rule {quoted(words, found)} needs {length.end_day:g} days, but the time "
                    f"frame {frame.text!r} ends on day {frame.end_day:g}",
                )


def _window_exceeds_study(record: RegistryRecord) -> Iterator[Hit]:
    status = record.protocol_section.status_module
    start = day(status.start_date_struct.date)
    for path, frame in _parsed(record):
        primary = "primaryOutcomes" in path
        named = "primaryCompletionDateStruct" if primary else "completionDateStruct"
        struct = status.primary_completion_date_struct if primary else status.completion_date_struct
        end = day(struct.date)
        if start is None or end is None:
            return
        partial = 31 if len(struct.date or "") < 10 else 1
        if frame.end_day > (end - start).days + partial:
            yield (
                f"{path}.timeFrame",
                f"{frame.text!r} takes {frame.end_day:g} days, but from start ({start}) to {named} "
                f"({struct.date}) there are {(end - start).days}: not even the first participant "
                "can be followed that long",
            )


def _completion_unexplained(record: RegistryRecord) -> Iterator[Hit]:
    status = record.protocol_section.status_module
    first = day(status.primary_completion_date_struct.date)
    last = day(status.completion_date_struct.date)
    windows = [frame.end_day for _, frame in _parsed(record)]
    endless = any(_ENDLESS.search(text) for text in _unparsed_frames(record))
    if first is None or last is None or not windows or endless:
        return
    gap = (last - first).days
    if gap > max(windows) + _DAYS_UNEXPLAINED:
        yield (
            f"{PROTOCOL}.statusModule.completionDateStruct.date",
            f"the study ends {gap} days after primary completion ({first} to {last}), but the "
            f"longest computable time frame has {max(windows):g} days",
        )


def _reference_event(record: RegistryRecord) -> Iterator[Hit]:
    module = record.protocol_section.arms_interventions_module
    given = " ".join(
        f"{member.name} {member.description}" for member in module.interventions
    ) + " ".join(f"{arm.label} {arm.description}" for arm in module.arm_groups)
    if not module.interventions:
        return
    for path, outcome in outcomes(record).items():
        frame = parse_time_frame(outcome.time_frame)
        anchor = frame.anchor if isinstance(frame, TimeFrame) else None
        for event, pattern in _EVENTS.items():
            if re.search(pattern, anchor or "", re.I) and not re.search(pattern, given, re.I):
                names = ", ".join(repr(member.name) for member in module.interventions)
                yield (
                    f"{path}.timeFrame",
                    f"{outcome.time_frame!r} counts from {event}, but the interventions are "
                    f"{names}: day 0 may be either",
                )


RULES = (
    Rule(
        "time.unparsed",
        "note",
        "Write the window in days (first day, last day, visit) into the study file.",
        _unparsed,
    ),
    Rule(
        "time.outcome-off-visits",
        "warning",
        "Add the visit with its window to the study file's schedule, or bind the outcome to a "
        "listed visit.",
        _off_visits,
    ),
    Rule(
        "time.rule-exceeds-window",
        "error",
        "Split the outcome: what the window can show, and a second readout at the rule's own day.",
        _rule_exceeds_window,
    ),
    Rule(
        "time.window-exceeds-study",
        "error",
        "Decide the data cut: by when is the outcome read, and what of those not followed so far.",
        _window_exceeds_study,
    ),
    Rule(
        "time.completion-unexplained",
        "note",
        "Ask what is followed after the last time frame; set the data cut of each outcome.",
        _completion_unexplained,
    ),
    Rule(
        "time.reference-event-ambiguous",
        "error",
        "Decide which event is day 0 of each outcome; count survival from the other event only "
        "with delayed entry.",
        _reference_event,
    ),
)
