"""Masking as registered against what the texts say."""

import re
from collections.abc import Iterator

from sojourn.formats.registry_record import RegistryRecord
from sojourn.study.lint_rules._rule import Hit, Rule
from sojourn.study.lint_rules._texts import PROTOCOL, Text, plan_texts, quoted, titles

_PATH = f"{PROTOCOL}.designModule.designInfo.maskingInfo.masking"
_BLINDED = re.compile(
    r"\b(?:(?:single|double|triple|observer|assessor|rater|evaluator|investigator|patient)[- ]"
    r"(?:blind(?:ed)?|mask(?:ed)?)|blinded|blinding|masked (?:to|assess|evaluat|read|rater|observ)"
    r"|masked)\b",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"\b(?:not?|non|without|un|never|neither|cannot|impossible|no longer)\b[\s\w-]{0,25}$", re.I
)
_OPEN = re.compile(r"\bopen[- ](?:label(?:led|ed)?|study design|design|trial)\b", re.IGNORECASE)


def _masking(record: RegistryRecord) -> str | None:
    return record.protocol_section.design_module.design_info.masking_info.masking


def _affirmed(text: Text) -> re.Match[str] | None:
    """Return the first mention of blinding that the sentence does not deny."""
    for found in _BLINDED.finditer(text.words):
        if not _DENIED.search(text.words[max(0, found.start() - 40) : found.start()]):
            return found
    return None


def _blinding_unregistered(record: RegistryRecord) -> Iterator[Hit]:
    if _masking(record) != "NONE":
        return
    places = [
        f"{text.path} says {quoted(text.words, found)}"
        for text in (*titles(record), *plan_texts(record))
        if (found := _affirmed(text))
    ]
    if places:
        yield _PATH, f"masking is registered as NONE, but {'; '.join(places)}"


def _placebo_unmasked(record: RegistryRecord) -> Iterator[Hit]:
    arms = record.protocol_section.arms_interventions_module.arm_groups
    shams = [arm for arm in arms if arm.type in ("PLACEBO_COMPARATOR", "SHAM_COMPARATOR")]
    if _masking(record) == "NONE" and shams:
        listed = ", ".join(f"{arm.label!r} ({arm.type})" for arm in shams)
        yield (
            _PATH,
            f"masking is registered as NONE, but there is {listed}: a placebo hides nothing",
        )


def _open_label_masked(record: RegistryRecord) -> Iterator[Hit]:
    masking = _masking(record)
    if masking in (None, "NONE"):
        return
    for text in (*titles(record), *plan_texts(record)):
        found = _OPEN.search(text.words)
        if found and not _affirmed(text):
            message = f"masking is registered as {masking}, but {text.path} says "
            yield _PATH, message + quoted(text.words, found)
            return


RULES = (
    Rule(
        "masking.blinding-unregistered",
        "error",
        "Name who is masked (participant, injector, reader, assessor) in the study file, and let "
        "the blinding views follow it; ask the sponsor to correct the record.",
        _blinding_unregistered,
    ),
    Rule(
        "masking.placebo-unmasked",
        "warning",
        "Decide who must not know the arm; if truly nobody, treat the arm as an open control.",
        _placebo_unmasked,
    ),
    Rule(
        "masking.open-label-masked",
        "error",
        "Decide whether anyone is masked; the record says both.",
        _open_label_masked,
    ),
)
