"""What of a registry record a study file must account for, item by item, and record paths.

A path is the JSON path below ``protocolSection``. A part of a text follows after ``#``: a criterion
(``eligibilityModule.eligibilityCriteria#exclusion-3``, counted as in the record, from 1) or
something that a text promises (``descriptionModule.briefSummary#MRI``).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sojourn.formats.registry_record import (
    Outcome,
    RegistryRecord,
    Unparsed,
    parse_eligibility,
    parse_time_frame,
    unescape_markdown,
)
from sojourn.study.lint_rules._texts import Text, all_outcome_words, plan_texts
from sojourn.study.lint_rules.outcomes import INSTRUMENTS, INVESTIGATIONS

Kind = Literal[
    "design",
    "arm",
    "intervention",
    "outcome",
    "population",
    "criterion",
    "promise",
    "day",
    "sharing",
]

PROTOCOL = "protocolSection."
CRITERIA = "eligibilityModule.eligibilityCriteria"
SHARING = "ipdSharingStatementModule"

_AIMS = {
    "complications": r"\bcomplications?\b",
    "correlation": r"\bcorrelat\w+",
    "decay": r"\b(?:signal )?decay\b",
    "distribution": r"\b(?:bio)?distribution\b",
    "guidance": r"\b(?:real-time|image|MPI|ultrasound)[- ](?:image[- ])?guid(?:ed|ance)\b"
    r"|\b(?:guided|steered) (?:in real[- ]time|live)\b",
    "homing": r"\bhoming\b",
    "prediction": r"\bpredict\w*\b",
    "safety": r"\bsafety\b|\btolerability\b|\badverse events?\b",
}
"""Aims a text may state beside instruments and investigations; a new one is one line."""

PROMISES: dict[str, str] = {
    name.replace(" ", "-"): pattern
    for name, pattern in {**INSTRUMENTS, **INVESTIGATIONS, **_AIMS}.items()
}
"""Pattern of everything a text may promise, by the word that names it in a path."""

_PLAN = re.compile(
    r"\b(?:will|aim\w*|objectives?|purpose|goals?|seeks?|expects?|explor\w+|investigat\w+|monitor\w*"
    r"|evaluat\w+|assess\w*|measur\w+|analy[sz]\w+|determin\w+|examin\w+)\b",
    re.IGNORECASE,
)
"""A sentence that states a plan; an investigation named elsewhere is background."""

_UNIT_DAYS = {"day": 1.0, "week": 7.0, "month": 365 / 12, "year": 365.0}
_LABELS = re.compile(
    r"(?<![\w.-])(day|week|month|year)s? "
    r"\+?(\d{1,4}(?:(?:, ?| ?& ?|,? and | ?- ?| to )(?:and )?\+?\d{1,4})*)"
    r"(?!\d|\.\d|\s*(?:[a-z]*g\b|ml\b|mm\b|%))",
    re.IGNORECASE,
)
_AMOUNTS = re.compile(r"\bat (\d{1,3}) (day|week|month|year)s?\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RecordItem:
    """One thing that a study file must bind or list as open."""

    path: str
    kind: Kind
    what: str
    places: tuple[str, ...] = ()
    day: int | None = None


def record_items(record: RegistryRecord) -> tuple[RecordItem, ...]:
    """Return everything in `record` that a study file must account for, in a fixed order.

    Design facts, arms, interventions, outcomes of every rank, the population's bounds and each
    criterion, what texts promise and no outcome measures, days that texts name, data sharing.
    """
    return (
        *_design(record),
        *_arms(record),
        *_outcomes(record),
        *_population(record),
        *_promises(record),
        *_days(record),
        *_sharing(record),
    )


def short(path: str) -> str:
    """Return `path` without a leading ``protocolSection.``."""
    return path.removeprefix(PROTOCOL)


@dataclass(frozen=True, slots=True, eq=False)
class RecordPlaces:
    """The places of a record that a study file may name."""

    section: Mapping[str, Any]
    criteria: frozenset[str]

    @classmethod
    def of(cls, record: RegistryRecord) -> "RecordPlaces":
        """Return the places of `record`."""
        section = record.to_json_dict().get("protocolSection", {})
        return cls(section, frozenset(item.path for item in _criteria(record)))

    def __contains__(self, path: str) -> bool:
        """Tell whether `path` leads to something, its part after ``#`` included."""
        base, _, part = short(path).partition("#")
        value = _value_at(self.section, base)
        if base == CRITERIA and part:
            return f"{base}#{part}" in self.criteria
        if value is None or not part:
            return value is not None
        return isinstance(value, str) and _names(unescape_markdown(value), part)


def _names(text: str, part: str) -> bool:
    """Tell whether `text` names the day or the promise `part`."""
    if found := re.fullmatch(r"day-(\d+)", part):
        return int(found[1]) in days_in(text)
    pattern = PROMISES.get(part)
    return pattern is not None and re.search(pattern, text, re.IGNORECASE) is not None


def days_in(words: str) -> list[int]:
    """Return the days that a text names, sorted: "day 1, 3 and 7", "week 6", "at 3 months".

    Examples
    --------
    >>> days_in("scans at Day 1, 3, 7, and 30; scores in week 6")
    [1, 3, 7, 30, 42]
    """
    days = set()
    for found in _LABELS.finditer(words):
        size = _UNIT_DAYS[found[1].lower()]
        days |= {round(float(number) * size) for number in re.findall(r"\d+", found[2])}
    for found in _AMOUNTS.finditer(words):
        days.add(round(float(found[1]) * _UNIT_DAYS[found[2].lower()]))
    return sorted(days)


def outcome_list(record: RegistryRecord) -> Iterator[tuple[str, Outcome]]:
    """Yield the short path and content of every registered outcome."""
    module = record.protocol_section.outcomes_module
    for name, members in (
        ("primaryOutcomes", module.primary_outcomes),
        ("secondaryOutcomes", module.secondary_outcomes),
        ("otherOutcomes", module.other_outcomes),
    ):
        for i, outcome in enumerate(members):
            yield f"outcomesModule.{name}[{i}]", outcome


def outcome_days(outcome: Outcome) -> list[int]:
    """Return the days from 1 on at which an outcome's time frame asks for something, sorted."""
    frame = parse_time_frame(outcome.time_frame)
    if isinstance(frame, Unparsed):
        return []
    days = frame.days if frame.kind in ("point", "points", "range") else (frame.end_day,)
    return sorted({round(day) for day in days if day >= 1})


def _design(record: RegistryRecord) -> Iterator[RecordItem]:
    module = record.protocol_section.design_module
    info = module.design_info
    if info.allocation is not None:
        path = "designModule.designInfo.allocation"
        yield RecordItem(path, "design", f"allocation {info.allocation}")
    if info.masking_info.masking is not None:
        path = "designModule.designInfo.maskingInfo"
        yield RecordItem(path, "design", f"masking {info.masking_info.masking}")
    if module.enrollment_info.count is not None:
        what = f"enrollment of {module.enrollment_info.count}"
        yield RecordItem("designModule.enrollmentInfo", "design", what)


def _arms(record: RegistryRecord) -> Iterator[RecordItem]:
    module = record.protocol_section.arms_interventions_module
    for i, arm in enumerate(module.arm_groups):
        path = f"armsInterventionsModule.armGroups[{i}]"
        yield RecordItem(path, "arm", f"arm: {_line(arm.label)}")
    for i, member in enumerate(module.interventions):
        path = f"armsInterventionsModule.interventions[{i}]"
        yield RecordItem(path, "intervention", f"intervention: {_line(member.name)}")


def _outcomes(record: RegistryRecord) -> Iterator[RecordItem]:
    for path, outcome in outcome_list(record):
        rank = path.split(".")[1].partition("Outcomes")[0]
        yield RecordItem(path, "outcome", f"{rank} outcome: {_line(outcome.measure)}")


def _population(record: RegistryRecord) -> Iterator[RecordItem]:
    module = record.protocol_section.eligibility_module
    for name, value in (
        ("minimumAge", module.minimum_age),
        ("maximumAge", module.maximum_age),
        ("sex", module.sex),
        ("healthyVolunteers", module.healthy_volunteers),
        ("genderDescription", module.gender_description),
        ("studyPopulation", module.study_population),
    ):
        if value is not None:
            yield RecordItem(f"eligibilityModule.{name}", "population", f"{name}: {_line(value)}")
    yield from _criteria(record)


def _criteria(record: RegistryRecord) -> Iterator[RecordItem]:
    parsed = parse_eligibility(record.protocol_section.eligibility_module.eligibility_criteria)
    for criterion in parsed.criteria:
        path = f"{CRITERIA}#{criterion.kind}-{criterion.number}"
        yield RecordItem(path, "criterion", f"{criterion.kind} criterion: {_line(criterion.text)}")
    for i, note in enumerate(parsed.notes, start=1):
        yield RecordItem(f"{CRITERIA}#note-{i}", "criterion", f"line among criteria: {_line(note)}")


def promising_texts(record: RegistryRecord) -> list[Text]:
    """Return the texts that may promise something: the plan's and the data sharing's."""
    sharing = record.protocol_section.ipd_sharing_statement_module.description
    more = [Text(f"{SHARING}.description", unescape_markdown(sharing))] if sharing else []
    return [*plan_texts(record), *more]


def _promises(record: RegistryRecord) -> Iterator[RecordItem]:
    measured = all_outcome_words(record)
    texts = [(short(t.path), t.words, t.sentences()) for t in promising_texts(record)]
    for name, pattern in sorted(PROMISES.items()):
        if re.search(pattern, measured, re.IGNORECASE):
            continue
        places = tuple(
            f"{path}#{name}"
            for path, words, sentences in texts
            if re.search(pattern, words, re.IGNORECASE) and _promised(name, pattern, sentences)
        )
        if places:
            yield RecordItem(places[0], "promise", f"promised: {name.replace('-', ' ')}", places)


def _promised(name: str, pattern: str, sentences: Sequence[str]) -> bool:
    """Tell whether a named instrument or aim is promised; an investigation needs a plan's words."""
    if name.replace("-", " ") not in INVESTIGATIONS:
        return True
    return any(
        re.search(pattern, sentence, re.IGNORECASE) and _PLAN.search(sentence)
        for sentence in sentences
    )


def _days(record: RegistryRecord) -> Iterator[RecordItem]:
    places: dict[int, list[str]] = {}
    for text in plan_texts(record):
        for day in days_in(text.words):
            places.setdefault(day, []).append(f"{short(text.path)}#day-{day}")
    for day, paths in sorted(places.items()):
        yield RecordItem(paths[0], "day", f"day {day} is named", tuple(paths), day)


def _sharing(record: RegistryRecord) -> Iterator[RecordItem]:
    module = record.protocol_section.ipd_sharing_statement_module
    if module.ipd_sharing is not None:
        yield RecordItem(SHARING, "sharing", f"sharing of participants' data: {module.ipd_sharing}")


def _value_at(document: object, path: str) -> object:
    here = document
    for key, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path):
        if key and isinstance(here, dict):
            here = here.get(key)
        elif index and isinstance(here, list) and int(index) < len(here):
            here = here[int(index)]
        else:
            return None
    return here


def _line(value: object, *, longest: int = 100) -> str:
    text = re.sub(r"\s+", " ", unescape_markdown(str(value if value is not None else "(unnamed)")))
    return text if len(text) <= longest else f"{text[: longest - 3].rstrip()}..."
