"""Product, dose, and the disease they are for."""

import re
from collections.abc import Iterator

from sojourn.formats.registry_record import (
    Intervention,
    RegistryRecord,
    outcomes,
    parse_eligibility,
    unescape_markdown,
)
from sojourn.study.lint_rules._rule import Hit, Rule
from sojourn.study.lint_rules._texts import (
    PROTOCOL,
    Text,
    acronyms,
    expand_acronyms,
    is_acronym,
    outcome_words,
    plan_texts,
    quoted,
    titles,
)

SOURCES = {
    "umbilical cord": r"(?:umbilical cord|wharton'?s? jelly)(?! blood)",
    "cord blood": r"(?:umbilical )?cord[- ]?blood",
    "bone marrow": r"bone[- ]marrow",
    "adipose tissue": r"adipose(?: tissue)?|fat tissue",
    "placenta": r"placenta\w*|amnio\w*|chorion\w*",
    "dental pulp": r"dental pulp",
}
"""Tissues that stromal cells are made from."""

_CELLS = r"(?:mesenchymal|stromal|\b[a-z]{0,4}-?mscs?\b)"
_MTD = re.compile(r"\b(?:maxim\w+[ -]tolera\w+ dos\w+|MTD)\b", re.IGNORECASE)
_VARIES = re.compile(
    r"\bescalat\w*|\bde-escalat\w*|\bdose[- ](?:level|finding|ranging|cohort|group)|\b3 ?\+ ?3\b|"
    r"\btitrat\w*|\bdose adjust|\bcohorts?\b|\bincreas\w+ doses",
    re.IGNORECASE,
)
_DOSE = re.compile(
    r"(?<![\d.])\d{1,9}(?:\.\d{1,9})?(?:\s?[x×*]\s?10\^?\d{1,3})?\s?"  # noqa: RUF001 (as typed)
    r"(?:/\s?kg|cells|mg|µg|μg|g\b|gy|iu)",
    re.IGNORECASE,
)
_TREATED = re.compile(
    r"\b(?:treatment|therapy|management|treating) (?:of|for) ([\w ,/-]{1,120}?)"
    r"(?= (?:after|following|in|with|by|using|among|during)\b|[.;(:]|$)",
    re.IGNORECASE,
)
_GENERIC = re.compile(
    r"\b(?:acute|active|chronic|and|after|adult|diseases?|disorders?|elderly|for|high|infection|"
    r"injury|other|patients?|primary|recurrent|refractory|relapsed|risk|secondary|severe|stage|"
    r"syndrome|the|treatment|type|with)\b"
)


def _interventions(record: RegistryRecord) -> tuple[Intervention, ...]:
    return record.protocol_section.arms_interventions_module.interventions


def _mtd_of_fixed_dose(record: RegistryRecord) -> Iterator[Hit]:
    texts = [*titles(record), *plan_texts(record)]
    descriptions = [unescape_markdown(m.description or "") for m in _interventions(record)]
    doses = {match[0] for words in descriptions for match in _DOSE.finditer(words)}
    if len(doses) != 1 or any(_VARIES.search(text.words) for text in texts):
        return
    for path, outcome in outcomes(record).items():
        words = outcome_words(outcome)
        if (found := _MTD.search(words)) and not _VARIES.search(words):
            yield (
                f"{path}.description",
                f"{quoted(words, found)} supposes doses to choose from, but the intervention has "
                f"one fixed dose ({doses.copy().pop()})",
            )


def _names(member: Intervention) -> list[str]:
    return [name for name in (member.name, *member.other_names) if name]


def _is_intervention(condition: str, member: Intervention) -> bool:
    plain = re.sub(r"\W+", " ", condition).lower().strip()
    letters = condition.removesuffix("s")
    for name in _names(member):
        if plain == re.sub(r"\W+", " ", name).lower().strip():
            return True
        initials = "".join(word[0] for word in re.findall(r"\w+", name))
        if letters.isupper() and letters == initials.upper():
            return True
        if re.search(rf"\({re.escape(letters)}s?\)", name):
            return True
    return False


def _condition_is_intervention(record: RegistryRecord) -> Iterator[Hit]:
    for i, condition in enumerate(record.protocol_section.conditions_module.conditions):
        for member in _interventions(record):
            if _is_intervention(condition, member):
                yield (
                    f"{PROTOCOL}.conditionsModule.conditions[{i}]",
                    f"the condition {condition!r} is the intervention {member.name!r}, not a "
                    "disease",
                )
                break


def _source_phrases(words: str) -> Iterator[tuple[str, re.Match[str]]]:
    """Yield each tissue that the text says stromal cells come from."""
    for source, tissue in SOURCES.items():
        before = rf"\b{tissue}[- ]?(?:tissue[- ])?(?:derived )?(?:\w{{1,30}} )?{_CELLS}"
        cells = r"\b(?:mesenchymal|stromal|mscs?)\b[\w ]{0,25}\b(?:of|from)\b"
        after = rf"{cells}(?: \w{{1,30}})?\s{tissue}"
        if found := re.search(f"{before}|{after}", words, re.IGNORECASE):
            yield source, found


def _source_ambiguous(record: RegistryRecord) -> Iterator[Hit]:
    names = " ".join(name for member in _interventions(record) for name in _names(member))
    if not re.search(_CELLS, names, re.IGNORECASE):
        return
    module = f"{PROTOCOL}.armsInterventionsModule.interventions"
    named = [
        Text(f"{module}[{i}].name", m.name or "") for i, m in enumerate(_interventions(record))
    ]
    places: dict[str, str] = {}
    path = ""
    for text in (*titles(record), *plan_texts(record), *named):
        for source, found in _source_phrases(text.words):
            if source not in places:
                path = text.path
                places[source] = f"{source} in {path} ({quoted(text.words, found)})"
    if len(places) > 1:
        yield path, f"the cells have {len(places)} sources: {'; '.join(places.values())}"


def _stems(words: str) -> set[str]:
    """Return the beginnings of the words that carry meaning."""
    return {word[:5] for word in re.findall(r"[a-z]{3,}", _GENERIC.sub(" ", words.lower()))}


def _disease_undefined(record: RegistryRecord) -> Iterator[Hit]:
    section = record.protocol_section
    module = section.eligibility_module
    if not module.eligibility_criteria or module.healthy_volunteers:
        return
    texts = [*titles(record), *plan_texts(record)]
    known = acronyms(texts)
    eligibility = parse_eligibility(module.eligibility_criteria)
    wanted = [
        *eligibility.notes,
        *(" ".join((c.text, *c.details)) for c in eligibility.criteria if c.kind != "exclusion"),
    ]
    present = expand_acronyms("\n".join(wanted), known)
    diseases, least = _diseases(record, known)
    if diseases and not any(_mentions(disease, present, least) for disease in diseases):
        yield (
            f"{PROTOCOL}.eligibilityModule.eligibilityCriteria",
            f"no inclusion criterion says who has {' or '.join(map(repr, diseases))}",
        )


def _diseases(record: RegistryRecord, known: dict[str, str]) -> tuple[list[str], float]:
    """Return what is treated, and the share of its words that a criterion must have."""
    conditions = [
        condition
        for condition in record.protocol_section.conditions_module.conditions
        if not any(_is_intervention(condition, member) for member in _interventions(record))
    ]
    if conditions:
        return [expand_acronyms(condition, known) for condition in conditions], 0.0
    treated = [found[1] for text in titles(record) for found in _TREATED.finditer(text.words)]
    return sorted(set(treated)), 0.5


def _mentions(disease: str, present: str, least: float) -> bool:
    words = re.findall(r"\w+", disease)[:20]
    if any(_abbreviates(short, words) for short in set(re.findall(r"\b[A-Z]{2,9}\b", present))):
        return True
    stems = _stems(disease)
    shared = stems & _stems(present)
    return bool(shared) and len(shared) > least * len(stems)


def _abbreviates(short: str, words: list[str]) -> bool:
    """Return whether `short` abbreviates the last words, or is cut from one long word (FM)."""
    if len(words) == 1:
        return len(words[0]) >= 8 and is_acronym(short, words[0])
    tails = (words[start:] for start in range(len(words) - 1))
    return any(is_acronym(short, "".join(word[0] for word in tail)) for tail in tails)


RULES = (
    Rule(
        "dose.maximum-tolerated-of-fixed",
        "error",
        "Read the phrase as 'all planned, or all tolerated, doses', or define dose steps.",
        _mtd_of_fixed_dose,
    ),
    Rule(
        "conditions.is-intervention",
        "error",
        "Name the disease treated; eligibility, population and title of the study hang on it.",
        _condition_is_intervention,
    ),
    Rule(
        "product.source-ambiguous",
        "error",
        "Decide the cells' tissue of origin from the product's certificate; lots of another "
        "source are another product.",
        _source_ambiguous,
    ),
    Rule(
        "eligibility.disease-undefined",
        "error",
        "Write the diagnostic criteria of the disease treated into the study file, as an "
        "assumption with its source, and query the sponsor.",
        _disease_undefined,
    ),
)
