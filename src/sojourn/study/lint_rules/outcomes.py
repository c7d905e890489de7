"""Outcomes: promised but not registered, described by something else, not computable."""

import re
from collections.abc import Iterator
from itertools import islice

from sojourn.formats.registry_record import RegistryRecord, outcomes, unescape_markdown
from sojourn.study.lint_rules._rule import Hit, Rule
from sojourn.study.lint_rules._texts import (
    all_outcome_words,
    outcome_words,
    plan_texts,
    quoted,
)

INSTRUMENTS = {
    "BDI": r"\bBDI(?:-II)?\b|beck depression inventory",
    "CGI": r"\bCGI(?:-[SI])?\b|clinical global impression",
    "EQ-5D": r"\bEQ-?5D\b|euro-?qol",
    "GAD-7": r"\bGAD-?7\b",
    "HAM-D": r"\bHAM-?D\b|hamilton (?:depression|rating)",
    "ISI": r"\bISI\b|insomnia severity index",
    "KOOS": r"\bKOOS\b|knee injury and osteoarthritis outcome",
    "MRI": r"\bMRIs?\b|magnetic resonance imag",
    "NRS": r"\bNRS\b|numeric(?:al)? rating scale",
    "ODI": r"\bODI\b|oswestry",
    "PANSS": r"\bPANSS\b|positive and negative syndrome",
    "PET": r"\bPET\b|positron emission",
    "PHQ": r"\bPHQ-?[89]\b|patient health questionnaire",
    "PROMIS": r"\bPROMIS\b",
    "SF-12": r"\bSF-?12\b|short form[- ]12",
    "SF-36": r"\bSF-?36\b|short form[- ]36",
    "VAS": r"\bVAS\b|visual analog(?:ue)? (?:pain )?scale",
    "WHOQOL": r"\bWHOQOL",
    "WOMAC": r"\bWOMAC\b|western ontario and mcmaster",
}
"""Instruments whose use is an outcome; a new one is one line."""

INVESTIGATIONS = {
    "immune reconstitution": r"immun\w+ (?:reconstitution|recovery)",
    "mechanism": r"\bmechanisms?\b(?! of (?:injury|harm))",
    "cell survival": r"(?:survival|viability) of [\w ()-]{0,120}(?:cells|mscs)\b"
    r"|\bcell(?:ular)? (?:survival|viability)",
    "biomarkers": r"\bbiomarkers?\b",
    "cytokines": r"\bcytokines?\b",
    "chimerism": r"\bchimerism\b",
    "pharmacokinetics": r"\bpharmacokinetic",
    "quality of life": r"\bquality of life\b|\bqol\b",
    "cost": r"\bcost[- ]effectiveness\b|\bhealth economic",
}
"""Investigations whose promise is an outcome (or a named exploratory readout)."""

_MEASURED = {
    "mechanism": r"mechanis",
    "quality of life": r"quality of life|\bqol\b|\bSF-?(?:12|36|6D)|\bEQ-?5D|WHOQOL|PROMIS",
}
_PLANNED = re.compile(
    r"\b(?:will|to be|aims?|objectives?|purpose|goals?|in order to|seeks?|explor\w+|"
    r"investigat(?:e|es|ed|ing|ions?)|monitor\w*|undergo\w*|"
    r"(?:is|are|was|were|be) (?:also |then )?"
    r"(?:assess|evaluat|measur|record|perform|collect|tak|use|complet)\w*|"
    r"assess(?:ed|ments?)|correlat\w+)\b",
    re.IGNORECASE,
)
_BACKGROUND = re.compile(
    r"\b(?:diagnos\w+|eligib\w+|inclusion|screening|history|previous(?:ly)?|prior|recent|studies|"
    r"current\w*|has been|have been|background|literature|reported|shown|approved|believed|"
    r"is called|are reported|stops?|confirmed by|guid\w+)\b",
    re.IGNORECASE,
)
BOILERPLATE = {
    "an unanticipated problem": (
        r"\b(?:unexpected|unanticipated) (?:problem|event|occurrence)s?\b",
        r"advers|unanticipat|unexpected|safety|toxicit|side effect|complication",
    ),
    "an adverse event": (
        r"\b(?:untoward|unfavou?rable and unintended) (?:medical )?(?:occurrence|sign)",
        r"advers|safety|toxicit|tolerab|side effect|\b[sm]?ae\b|complication",
    ),
    "overall survival": (
        r"\btime (?:from|between|to)\b[^.]{0,60}\bdeath (?:from|due to|of) any cause",
        r"surviv|death|mortality|\b[opd]fs\b|\bos\b|\befs\b|respon|remission|control|duration",
    ),
    "response by RECIST": (r"\bRECIST\b", r"respon|progress|tumou?r|surviv|control|lesion|\borr\b"),
}
"""Wording that belongs to one kind of outcome: its pattern, and what its measure may speak of."""

_DEFINES = re.compile(
    r"\bis an? (?:\w+[ -]){0,4}?(?:complication|disease|disorder|condition|syndrome)\b", re.I
)
_RULED = re.compile(
    r"\d|\b(?:grad\w+|scor\w+|criteria|incidence|proportion|percent\w*|rates?|scales?|number|"
    r"measur\w+|assess\w+|defined as|time (?:to|from)|questionnaire|diagnosed)\b",
    re.IGNORECASE,
)
_RETAINED = re.compile(r"\b(?:retain\w*|retention|remain\w*|residual)\b", re.IGNORECASE)
_SHARE = re.compile(r"\b(?:percent\w*|fraction|proportion|share|ratio|rate)\b|%", re.IGNORECASE)
_GIVEN = re.compile(
    r"\b(?:total |all )?(?:injected|administered|infused|delivered|initial|applied)\b[^.;]{0,60}?"
    r"\b(?:signal|activity|dose|counts|iron|cells|tracer)\b",
    re.IGNORECASE,
)
_REFERENCE_SCAN = re.compile(
    r"\bday[- ]?(?:0|zero)\b|\b(?:immediately|directly|right|shortly|\d{1,4} ?(?:min\w*|h|hours?)) "
    r"(?:after|following|post)|\bpost-?injection (?:baseline|reference|scan)|\bsyringe\b"
    r"|\bphantom\b|\bstandard of known\b|\bwithin \d{1,4} (?:min|h)",
    re.IGNORECASE,
)
_NUMBER = r"\d{1,9}(?:\.\d{1,9})?"
_RANGE = re.compile(rf"(?<![\d.])({_NUMBER})\s*[~–-]\s*({_NUMBER})")  # noqa: RUF001 (dash as typed)
_BOUND = re.compile(rf"([≥≤<>]=?)\s*({_NUMBER})")


def _promises(record: RegistryRecord, pattern: str) -> Iterator[tuple[str, str]]:
    """Yield the path and words of each sentence of the plan that promises what `pattern` names."""
    for text in plan_texts(record):
        if not re.search(pattern, text.words, re.IGNORECASE):
            continue
        for sentence in text.sentences():
            found = re.search(pattern, sentence, re.IGNORECASE)
            if found and _PLANNED.search(sentence) and not _BACKGROUND.search(sentence):
                yield text.path, quoted(sentence, found)


def _unregistered(record: RegistryRecord, vocabulary: dict[str, str]) -> Iterator[Hit]:
    registered = all_outcome_words(record)
    for name, pattern in vocabulary.items():
        if re.search(_MEASURED.get(name, pattern), registered, re.IGNORECASE):
            continue
        for path, words in islice(_promises(record, pattern), 1):
            yield path, f"{name} is promised ({words}) but no outcome has it"


def _assessments(record: RegistryRecord) -> Iterator[Hit]:
    return _unregistered(record, INSTRUMENTS)


def _investigations(record: RegistryRecord) -> Iterator[Hit]:
    return _unregistered(record, INVESTIGATIONS)


def _boilerplate(record: RegistryRecord) -> Iterator[Hit]:
    for path, outcome in outcomes(record).items():
        words = unescape_markdown(outcome.description or "")
        for topic, (pattern, allowed) in BOILERPLATE.items():
            found = re.search(pattern, words, re.IGNORECASE)
            if found and not re.search(allowed, outcome.measure or "", re.IGNORECASE):
                yield (
                    f"{path}.description",
                    f"{outcome.measure!r} is described in the words of {topic}: "
                    f"{quoted(words, found)}",
                )


def _only_defined(record: RegistryRecord) -> Iterator[Hit]:
    for path, outcome in outcomes(record).items():
        words = unescape_markdown(outcome.description or "")
        if (found := _DEFINES.search(words)) and not _RULED.search(words):
            yield (
                f"{path}.description",
                f"the description says what {outcome.measure!r} is ({quoted(words, found)}), not "
                "how it is measured or graded",
            )


def _no_reference_scan(record: RegistryRecord) -> Iterator[Hit]:
    everything = "\n".join(
        [text.words for text in plan_texts(record)]
        + [f"{o.time_frame}\n{outcome_words(o)}" for o in outcomes(record).values()]
    )
    if _REFERENCE_SCAN.search(everything):
        return
    for path, outcome in outcomes(record).items():
        words = outcome_words(outcome)
        given = _GIVEN.search(words)
        if given and _RETAINED.search(words) and _SHARE.search(words):
            yield (
                f"{path}.description",
                f"the denominator is {quoted(words, given, room=0)}, but no scan right after the "
                f"injection, no syringe and no phantom is mentioned (time frame "
                f"{outcome.time_frame!r})",
            )


def _boundary_gap(record: RegistryRecord) -> Iterator[Hit]:
    for path, outcome in outcomes(record).items():
        words = unescape_markdown(outcome.description or "")
        bounds = {(sign, value) for sign, value in _BOUND.findall(words)}
        for found in _RANGE.finditer(words):
            shared = [f"{s}{v}" for s, v in sorted(bounds) if v in (found[1], found[2])]
            if shared:
                yield (
                    f"{path}.description",
                    f"the range {found[0]} does not say whether its ends belong to it, and "
                    f"{' and '.join(shared)} begin where it ends",
                )


RULES = (
    Rule(
        "outcomes.assessment-unregistered",
        "warning",
        "Add the assessment as an exploratory endpoint with its visit, or list it as open.",
        _assessments,
    ),
    Rule(
        "outcomes.investigation-unregistered",
        "warning",
        "Name what is measured, when and how for the promised investigation, or list it as open.",
        _investigations,
    ),
    Rule(
        "outcomes.boilerplate-description",
        "error",
        "Write the outcome's own definition (event, time at risk, rate) into the study file.",
        _boilerplate,
    ),
    Rule(
        "outcomes.defined-not-measured",
        "warning",
        "Name the grading system, the onset rule and the analysis (such as cumulative incidence).",
        _only_defined,
    ),
    Rule(
        "outcomes.denominator-without-reference-scan",
        "error",
        "Choose the denominator: a scan right after injection, the filled syringe minus its rest, "
        "or a phantom of known amount; add that visit to the schedule.",
        _no_reference_scan,
    ),
    Rule(
        "outcomes.boundary-gap",
        "warning",
        "Give every category closed or open ends, so that each value falls in exactly one.",
        _boundary_gap,
    ),
)
