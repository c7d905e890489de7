"""The answer in one plain sentence."""

from collections.abc import Sequence

from sojourn.core.results import Result
from sojourn.study.definition import Study, StudyAnalysis
from sojourn.study.groups import EVERYBODY, Groups


def primary_result(study: Study, numbers: Sequence[Result], groups: Groups) -> Result | None:
    """Return the number that answers the study's question, or None if nothing was analysed.

    It is the first operation of the study's headline analysis, else of its first primary one: of
    the arm that the study file names where arms are shown, of the first group while blinded.
    """
    for analysis in _leading(study):
        own = [number for number in numbers if number.analysisId == analysis.id]
        wanted = groups.code(analysis.arm)
        for number in own:
            if wanted is None or number.groupId == wanted:
                return number
    return None


def _leading(study: Study) -> list[StudyAnalysis]:
    """Return the headline analysis, else the primary ones."""
    headline = [analysis for analysis in study.analyses if analysis.id == study.headline]
    return headline or [analysis for analysis in study.analyses if analysis.role == "primary"]


ONE_ARM = (
    "One arm without a control: what recovered by itself cannot be told from an effect of the "
    "product, and no number shows one."
)
"""What stands after the answer of a study that compares with nobody."""


def answer_sentence(study: Study, numbers: Sequence[Result], groups: Groups) -> str:
    """Return the leading analysis' main number of each group, with its interval, in a sentence.

    A study of a single group is said to have no control.
    """
    parts = []
    for analysis in _leading(study):
        own = [number for number in numbers if number.analysisId == analysis.id]
        if not own:
            parts.append(f"{analysis.label}: not analysed")
            continue
        main = own[0].operationId
        said = [
            _said(number, groups.labels if number.groupId != EVERYBODY else {})
            for number in own
            if number.operationId == main
        ]
        parts.append(f"{analysis.label}: {', '.join(said)}")
    if not parts:
        return "No primary analysis is defined."
    is_alone = study.design is not None and study.design.allocation == "single_group"
    return "; ".join(parts) + "." + (f" {ONE_ARM}" if is_alone else "")


def _said(number: Result, labels: object) -> str:
    name = labels.get(number.groupId, "") if isinstance(labels, dict) else ""
    prefix = f"{name} " if name else ""
    if number.rawValue is None:
        return f"{prefix}not estimable ({number.boundNote or 'no data'}), n = {number.n}"
    scale, unit = (
        (100.0, " %") if number.unit in ("1", "share") else (1.0, f" {number.unit}".rstrip())
    )
    text = f"{prefix}{scale * number.rawValue:.3g}{unit}"
    if number.level is not None:
        bounds = [
            "unbounded" if b is None else f"{scale * b:.3g}" for b in (number.lower, number.upper)
        ]
        text += f" ({100 * number.level:.12g} % interval {bounds[0]} to {bounds[1]})"
    return f"{text}, n = {number.n}"
