"""Arms, allocation and controls."""

import re
from collections.abc import Iterator

from sojourn.formats.registry_record import ArmGroup, RegistryRecord, unescape_markdown
from sojourn.study.lint_rules._rule import Hit, Rule
from sojourn.study.lint_rules._texts import PROTOCOL, plan_texts, quoted, titles

_INFO = f"{PROTOCOL}.designModule.designInfo"
_ARMS = f"{PROTOCOL}.armsInterventionsModule.armGroups"
_CONTROLS = ("PLACEBO_COMPARATOR", "SHAM_COMPARATOR", "NO_INTERVENTION")
_RATIO = re.compile(r"\b\d{1,2}\s?[:/]\s?\d{1,2}(?:\s?[:/]\s?\d{1,2}){0,6}\b")
_SPLIT = re.compile(
    r"\b(?:half|one third|two thirds) of (?:the |all )?(?:patient|participant|subject)"
    r"|\b(?:equal(?:ly)?|same number)\b[^.]{0,40}\b(?:group|arm|random|allocat)"
    r"|\b\d{1,6} (?:eligible )?(?:patients|participants|subjects)\b[^.]{0,80}"
    r"\b(?:this|each|per|every|one|other)\b[^.]{0,30}\b(?:group|arm)\b"
    r"|\b(?:group|arm) [12ab]\b[^.]{0,40}\b\d{1,6} (?:patients|participants|subjects)",
    re.IGNORECASE,
)
_ASSIGNING = re.compile(r"\b(?:randomi[sz]|allocat|assign|allot|ratio)", re.IGNORECASE)
_VOLUME = re.compile(
    r"\b(?:equivalent|equal|same|identical|matched|matching|similar)[\s-]+"
    r"(?:injection |injected |total )?volumes?\b|\bvolume[- ]matched\b",
    re.IGNORECASE,
)
_TRACER = re.compile(
    r"\b(?:tracers?|ferumoxytol|ferucarbotran|spions?|spio|(?:super)?paramagnetic|iron[- ]oxide|"
    r"nanoparticles?|contrast (?:agent|medium|media)|gadolinium|gado\w+|radio(?:label\w*|tracers?|"
    r"pharmaceutical\w*)|f-?18|fdg|tc-?99m?|technetium|indium|in-?111|zr-?89|indocyanine)\b",
    re.IGNORECASE,
)
_TRACER_DOSE = re.compile(
    r"\d\s?(?:[µu]g|mg|mcg|ng|m?mol|[mkg]?bq|m?ci)\b[^.]{0,30}(?:iron|fe\b|tracer|/ml|/kg)?"
    r"|\b(?:same|equal|matched|identical|equivalent) (?:amount|dose|mass|activity) of "
    r"(?:iron|tracer|ferumoxytol|activity|contrast)",
    re.IGNORECASE,
)


def _ratio_missing(record: RegistryRecord) -> Iterator[Hit]:
    module = record.protocol_section.design_module
    n_arms = len(record.protocol_section.arms_interventions_module.arm_groups)
    design = module.design_info
    if design.allocation != "RANDOMIZED" or n_arms < 2 or design.intervention_model == "CROSSOVER":
        return
    for text in plan_texts(record):
        if _SPLIT.search(text.words):
            return
        if any(_ASSIGNING.search(s) and _RATIO.search(s) for s in text.sentences()):
            return
    if any(_RATIO.search(text.words) for text in titles(record)):
        return
    yield (
        f"{PROTOCOL}.designModule.enrollmentInfo",
        f"{module.enrollment_info.count} participants are randomized to {n_arms} arms, but no "
        "text says in which ratio",
    )


def _model_contradicts_arms(record: RegistryRecord) -> Iterator[Hit]:
    section = record.protocol_section
    design = section.design_module.design_info
    n_arms = len(section.arms_interventions_module.arm_groups)
    if section.design_module.study_type != "INTERVENTIONAL":
        return
    model, allocation = design.intervention_model, design.allocation
    path = f"{_INFO}.interventionModel"
    if model == "SINGLE_GROUP" and n_arms > 1:
        yield path, f"the model is SINGLE_GROUP, but {n_arms} arms are registered"
    elif model in ("PARALLEL", "CROSSOVER", "FACTORIAL") and n_arms < 2:
        yield path, f"the model is {model}, but {n_arms or 'no'} arm is registered"
    if allocation in ("RANDOMIZED", "NON_RANDOMIZED") and n_arms == 1:
        yield f"{_INFO}.allocation", f"allocation is {allocation}, but one arm is registered"
    elif allocation == "NA" and n_arms > 1:
        yield f"{_INFO}.allocation", f"allocation is NA, but {n_arms} arms are registered"


def _controls(record: RegistryRecord) -> Iterator[tuple[int, ArmGroup]]:
    arms = record.protocol_section.arms_interventions_module.arm_groups
    yield from ((i, arm) for i, arm in enumerate(arms) if arm.type in _CONTROLS)


def _placebo_by_volume(record: RegistryRecord) -> Iterator[Hit]:
    for i, arm in _controls(record):
        words = unescape_markdown(f"{arm.label}. {arm.description or ''}")
        volume, tracer = _VOLUME.search(words), _TRACER.search(words)
        if volume and tracer and not _TRACER_DOSE.search(words):
            yield (
                f"{_ARMS}[{i}].description",
                f"the control is matched by volume ({quoted(words, volume)}) though it holds a "
                f"tracer ({tracer[0]!r}) whose amount is not stated",
            )


def _control_cannot_show(record: RegistryRecord) -> Iterator[Hit]:
    section = record.protocol_section
    arms = section.arms_interventions_module.arm_groups
    control_only = {label for _, arm in _controls(record) if (label := arm.label)}
    if not control_only or len(arms) < 2:
        return
    products = {
        short
        for member in section.arms_interventions_module.interventions
        if member.arm_group_labels and not control_only.intersection(member.arm_group_labels)
        for short in re.findall(r"\(([\w-]*[A-Z]{2}[\w-]*)\)", member.name or "")
    }
    for i, outcome in enumerate(section.outcomes_module.primary_outcomes):
        named = [short for short in sorted(products) if short in (outcome.measure or "")]
        if named:
            yield (
                f"{PROTOCOL}.outcomesModule.primaryOutcomes[{i}].measure",
                f"the measure is about {', '.join(named)}, which the arm "
                f"{', '.join(map(repr, sorted(control_only)))} does not get",
            )


RULES = (
    Rule(
        "allocation.ratio-missing",
        "warning",
        "State the allocation ratio, block size and strata in the study file, as an assumption "
        "until the protocol confirms them.",
        _ratio_missing,
    ),
    Rule(
        "design.model-contradicts-arms",
        "error",
        "Decide which arms there are and how participants come into them.",
        _model_contradicts_arms,
    ),
    Rule(
        "arms.placebo-matched-by-volume",
        "error",
        "State the tracer's mass in each arm's injection; match mass, not volume, or let the "
        "analysis normalize each subject by the dose that subject got.",
        _placebo_by_volume,
    ),
    Rule(
        "arms.control-cannot-show-outcome",
        "warning",
        "Decide what the control arm's value means (here: another substance) and whether the "
        "primary estimate is of one arm or a contrast.",
        _control_cannot_show,
    ),
)
