"""Criteria of a record as entries of a drafted study file: a rule where certain, else a judgement.

Certain means that the whole criterion is one bound in one of a few plain forms, and that an age
agrees with the age that the record registers apart from the text.
"""

import re
from collections.abc import Iterator

from sojourn.formats.registry_record import Criterion, RegistryRecord, parse_eligibility
from sojourn.study._record_items import CRITERIA
from sojourn.study._toml_text import Value

Entry = dict[str, Value]

_SEXES: dict[str, list[Value]] = {"ALL": ["F", "M", "U"], "FEMALE": ["F"], "MALE": ["M"]}
_NUMBER = r"(\d{1,3}(?:\.\d+)?)"
_SIGN = r"(>=|≥|>|<=|≤|<|greater than|more than|over|above|less than|below|at least)"
_BOUNDS = {
    ">": "above",
    "greater than": "above",
    "more than": "above",
    "over": "above",
    "above": "above",
    ">=": "min",
    "≥": "min",
    "at least": "min",
    "<": "below",
    "less than": "below",
    "below": "below",
    "<=": "max",
    "≤": "max",
}
_YEARS = r"(?: ?years?)?(?: old| of age)?(?:,? ?\(?(?:both )?inclusive\)?)?"
_AGE_RANGE = re.compile(
    rf"(?:(?:male|female)s?(?: and | or )(?:male|female)s?,? )?(?:patients |subjects )?"
    rf"(?:ages?|aged)(?: range)?:?(?: is)? ?(?:between |from )?{_NUMBER}{_YEARS} ?"
    rf"(?:-|–|~|to|and) ?{_NUMBER}{_YEARS}",  # noqa: RUF001 (dash as typed)
    re.IGNORECASE,
)
_AGE_LEAST = re.compile(
    rf"(?:ages?|aged) ?(?:≥|>=|at least) ?{_NUMBER}{_YEARS}"
    rf"|(?:age|aged) {_NUMBER} years (?:and|or) (?:older|above|over)",
    re.IGNORECASE,
)
_BMI = re.compile(
    rf"(?:body mass index|BMI)(?: \(BMI\))? ?(?:of )?{_SIGN} ?{_NUMBER}(?: ?kg/m(?:2|²|\^2))?",
    re.IGNORECASE,
)
_KARNOFSKY = re.compile(
    rf"(?:KPS|Karnofsky)(?: performance)?(?: status)?(?: \(KPS\))?(?: score)? ?{_SIGN} ?{_NUMBER}"
    r"(?: points?| ?%)?",
    re.IGNORECASE,
)


def draft_criteria(record: RegistryRecord) -> list[Entry]:
    """Return the ``[[criteria]]`` entries: the population's bounds, then each sorted criterion."""
    entries = [*_population(record)]
    parsed = parse_eligibility(record.protocol_section.eligibility_module.eligibility_criteria)
    for criterion in parsed.criteria:
        if criterion.kind != "unsorted":
            entries.append(_criterion(criterion, record))
    return entries


def unsorted_lines(record: RegistryRecord) -> Iterator[tuple[str, str]]:
    """Yield path and text of each line that stands in neither list of criteria."""
    parsed = parse_eligibility(record.protocol_section.eligibility_module.eligibility_criteria)
    for criterion in parsed.criteria:
        if criterion.kind == "unsorted":
            yield f"{CRITERIA}#unsorted-{criterion.number}", criterion.text
    for i, note in enumerate(parsed.notes, start=1):
        yield f"{CRITERIA}#note-{i}", note


def _population(record: RegistryRecord) -> Iterator[Entry]:
    module = record.protocol_section.eligibility_module
    for key, field, text in (
        ("min", "minimumAge", module.minimum_age),
        ("max", "maximumAge", module.maximum_age),
    ):
        if text is not None:
            path = f"eligibilityModule.{field}"
            yield _entry(f"age_{key}", "inclusion", path, _age_bound(text, key), text)
    if module.sex is not None:
        rule: Entry | None = None
        if module.sex in _SEXES:
            rule = {"item": "SEX", "one_of": _SEXES[module.sex]}
        yield _entry("sex", "inclusion", "eligibilityModule.sex", rule, str(module.sex))
    if module.healthy_volunteers is not None:
        healthy: Entry | None = {"item": "HEALTHY_VOLUNTEER", "is": False}
        if module.healthy_volunteers:
            healthy = None
        text = "healthy volunteers may take part"
        yield _entry("healthy", "inclusion", "eligibilityModule.healthyVolunteers", healthy, text)
    for name, field, text in (
        ("gender", "genderDescription", module.gender_description),
        ("population", "studyPopulation", module.study_population),
    ):
        if text is not None:
            yield _entry(name, "inclusion", f"eligibilityModule.{field}", None, text)


def _entry(name: str, kind: str, path: str, rule: Entry | None, text: str) -> Entry:
    words = re.sub(r"\s+", " ", text).strip() or "(empty)"
    made: Entry = {"id": name, "kind": kind}
    if rule is None:
        made["judgement"] = words
    else:
        made |= {"text": words, "rule": rule}
    return {**made, "binds": [path], "from": "record", "cites": path}


def _age_bound(text: str, key: str) -> Entry | None:
    found = re.fullmatch(r"(\d+) (year|month|week|day)s?", text.strip(), re.IGNORECASE)
    if found is None:
        return None
    return {"item": "AGE", key: float(found[1]), "unit": f"{found[2].lower()}s"}


def _criterion(criterion: Criterion, record: RegistryRecord) -> Entry:
    path = f"{CRITERIA}#{criterion.kind}-{criterion.number}"
    text = "; ".join((criterion.text, *criterion.details))
    rule = None if criterion.details else _rule(criterion.text.strip(" .;,"), record)
    return _entry(f"{criterion.kind}_{criterion.number}", criterion.kind, path, rule, text)


def _rule(text: str, record: RegistryRecord) -> Entry | None:
    if found := _BMI.fullmatch(text):
        return _bound("BMI", found, "kg/m^2")
    if found := _KARNOFSKY.fullmatch(text):
        return _bound("KARNOFSKY", found, "points")
    return _age(text, record)


def _bound(item: str, found: re.Match[str], unit: str) -> Entry:
    return {"item": item, _BOUNDS[found[1].lower()]: float(found[2]), "unit": unit}


def _age(text: str, record: RegistryRecord) -> Entry | None:
    """Return the age rule that `text` states, if the registered ages are the same."""
    module = record.protocol_section.eligibility_module
    low, high = (_years(module.minimum_age), _years(module.maximum_age))
    if found := _AGE_RANGE.fullmatch(text):
        stated = (float(found[1]), float(found[2]))
        if stated == (low, high):
            return {"item": "AGE", "min": stated[0], "max": stated[1], "unit": "years"}
    elif found := _AGE_LEAST.fullmatch(text):
        least = float(found[1] or found[2])
        if (least, None) == (low, high):
            return {"item": "AGE", "min": least, "unit": "years"}
    return None


def _years(text: str | None) -> float | None:
    found = re.fullmatch(r"(\d+) years?", (text or "").strip(), re.IGNORECASE)
    return float(found[1]) if found else None
