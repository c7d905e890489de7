"""The free texts of a record, each with its JSON path, and the words rules look for in them."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from sojourn.formats.registry_record import (
    Outcome,
    RegistryRecord,
    outcomes,
    unescape_markdown,
)

PROTOCOL = "protocolSection"
MAX_CHARACTERS = 40_000
"""Words read of one text; the registry allows 32 000, so only a hostile text is cut."""

_SENTENCE_END = re.compile(r"(?<=[.;:!?])\s+(?=[A-Z0-9(\"•*-])|\n+")
_ABBREVIATION = re.compile(r"\b(e\.g|i\.e|vs|approx|No|Dr|St)\.\s", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Text:
    """One free text, markdown escapes resolved, and where it stands."""

    path: str
    words: str

    def sentences(self) -> list[str]:
        """Return the sentences and list items of the text."""
        joined = _ABBREVIATION.sub(r"\1 ", self.words)
        return [" ".join(part.split()) for part in _SENTENCE_END.split(joined) if part.strip()]


def titles(record: RegistryRecord) -> list[Text]:
    """Return the brief and the official title."""
    module = record.protocol_section.identification_module
    path = f"{PROTOCOL}.identificationModule"
    return _kept(
        (f"{path}.briefTitle", module.brief_title),
        (f"{path}.officialTitle", module.official_title),
    )


def plan_texts(record: RegistryRecord) -> list[Text]:
    """Return what says how the study is run: descriptions of study, design, arms, interventions."""
    section = record.protocol_section
    design = section.design_module.design_info
    info = f"{PROTOCOL}.designModule.designInfo"
    return _kept(
        (f"{PROTOCOL}.descriptionModule.briefSummary", section.description_module.brief_summary),
        (
            f"{PROTOCOL}.descriptionModule.detailedDescription",
            section.description_module.detailed_description,
        ),
        (f"{info}.interventionModelDescription", design.intervention_model_description),
        (f"{info}.maskingInfo.maskingDescription", design.masking_info.masking_description),
        *arm_descriptions(record),
        *intervention_descriptions(record),
    )


def arm_descriptions(record: RegistryRecord) -> Iterator[tuple[str, str | None]]:
    """Yield path and description of each arm."""
    arms = record.protocol_section.arms_interventions_module.arm_groups
    for i, arm in enumerate(arms):
        yield f"{PROTOCOL}.armsInterventionsModule.armGroups[{i}].description", arm.description


def intervention_descriptions(record: RegistryRecord) -> Iterator[tuple[str, str | None]]:
    """Yield path and description of each intervention."""
    members = record.protocol_section.arms_interventions_module.interventions
    path = f"{PROTOCOL}.armsInterventionsModule.interventions"
    for i, member in enumerate(members):
        yield f"{path}[{i}].description", member.description


def outcome_words(outcome: Outcome) -> str:
    """Return measure and description of an outcome as one text."""
    words = f"{outcome.measure or ''}\n{outcome.description or ''}"
    return unescape_markdown(words[:MAX_CHARACTERS])


def all_outcome_words(record: RegistryRecord) -> str:
    """Return measures and descriptions of every registered outcome."""
    return "\n".join(outcome_words(outcome) for outcome in outcomes(record).values())


def expand_acronyms(words: str, known: dict[str, str]) -> str:
    """Return `words` with the long form of each known acronym appended."""
    found = [long for short, long in known.items() if re.search(rf"\b{re.escape(short)}\b", words)]
    return " ".join((words, *found))


def acronyms(texts: Iterable[Text]) -> dict[str, str]:
    """Return the acronyms that the texts explain, as in "poor graft function (PGF)".

    The words before the bracket must start with the acronym's letters, in order.
    """
    explained: dict[str, str] = {}
    for text in texts:
        for found in re.finditer(
            r"(?<![\w/-])((?:[\w/-]{1,40}\s+){1,8})\(([A-Za-z][\w-]{1,9})\)", text.words
        ):
            short, words = found[2], found[1].split()
            letters = re.sub(r"[^A-Z]", "", short)
            for start in range(len(words)):
                initials = "".join(w[0] for part in words[start:] for w in part.split("-") if w)
                if letters and is_acronym(letters, initials):
                    explained[short] = " ".join(words[start:])
                    break
    return explained


def is_acronym(letters: str, initials: str) -> bool:
    """Return whether `letters` are among `initials`, in order, from the first one on.

    Four letters or more may have one that the words leave out ("B-cell leukemia (B-ALL)").
    """
    rest = initials.upper()
    if len(letters) < 2 or rest[:1] != letters[0].upper():
        return False
    missing = 0
    for letter in letters.upper():
        place = rest.find(letter)
        missing += place < 0
        rest = rest[place + 1 :] if place >= 0 else rest
    return missing <= (len(letters) >= 4)


def day(text: str | None) -> date | None:
    """Return the date of a (partial) registry date: its first day; None where absent or odd."""
    try:
        parts = [int(part) for part in re.findall(r"\d+", text or "")]
        return date(*[*parts, 1, 1][:3]) if parts else None
    except ValueError:
        return None


def quoted(words: str, found: re.Match[str], *, room: int = 40) -> str:
    """Return the matched words with a little text around them, on one line."""
    start, end = max(0, found.start() - room), min(len(words), found.end() + room)
    middle = re.sub(r"\s+", " ", words[start:end]).strip()
    return f"'{'...' if start else ''}{middle}{'...' if end < len(words) else ''}'"


def _kept(*pairs: tuple[str, str | None]) -> list[Text]:
    return [Text(path, unescape_markdown(words[:MAX_CHARACTERS])) for path, words in pairs if words]
