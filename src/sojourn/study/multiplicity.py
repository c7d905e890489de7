"""Tests of a study: adjusted p-values and decisions, or the statement that nothing is tested."""

from collections.abc import Iterator, Sequence

from sojourn.core.provenance import Provenance
from sojourn.core.results import Listing, Result
from sojourn.statistics._multiplicity import PROCEDURES
from sojourn.study.definition import Multiplicity, Study
from sojourn.study.ledger import Ledger
from sojourn.study.listings import make_listing

ESTIMATION_ONLY = "Estimation only: no hypothesis is tested, and no p-value is a decision."
"""What is said where a study tests nothing."""

_WORDS = {
    "bonferroni": "Bonferroni",
    "holm": "Holm (step-down)",
    "hochberg": "Hochberg (step-up)",
    "fixed_sequence": "a fixed sequence",
}

COLUMNS = ("ORDER", "ANALYSIS", "RESULT", "P_VALUE", "ADJUSTED_P_VALUE", "DECISION")


def multiplicity_listing(
    study: Study, numbers: Sequence[Result], ledger: Ledger, study_key: str
) -> Listing | None:
    """Return the family of tests with adjusted p-values and decisions; None if the file is silent.

    The p-value of an analysis is the first that its numbers carry. While nothing is tested the
    listing has no rows and its note says so.

    Parameters
    ----------
    study
        whose `multiplicity` is followed.
    numbers
        results of every analysis.
    ledger, study_key
        where the stage is noted, and the key of the study file.
    """
    plan = study.multiplicity
    if plan is None:
        return None
    tested = [_tested(name, numbers) for name in plan.family]
    inputs = [study_key, *(t.provenance for t in tested if t is not None)]
    parameters = {"procedure": plan.procedure, "alpha": plan.alpha, "family": list(plan.family)}
    key = ledger.stage(Provenance("multiplicity", tuple(dict.fromkeys(inputs)), parameters))
    return make_listing(
        "multiplicity",
        "Tests and decisions",
        COLUMNS,
        _rows(plan, tested),
        key,
        keys=("ANALYSIS",),
        notes=(f"{statement_of(plan)} [{plan.from_}]",),
    )


def statement_of(plan: Multiplicity) -> str:
    """Return in words how the level is held, or that nothing is tested."""
    if plan.procedure == "none":
        return plan.statement or ESTIMATION_ONLY
    words = (
        f"{len(plan.family)} tests share a two-sided level of {plan.alpha:g} by "
        f"{_WORDS[plan.procedure]}; a p-value outside this family is no decision."
    )
    return f"{words} {plan.statement}" if plan.statement else words


def _tested(name: str, numbers: Sequence[Result]) -> Result | None:
    own = (n for n in numbers if n.analysisId == name and n.pValue is not None)
    return next(own, None)


def _rows(plan: Multiplicity, tested: Sequence[Result | None]) -> Iterator[tuple[object, ...]]:
    if plan.procedure == "none" or plan.alpha is None:
        return
    p_values = [None if result is None else result.pValue for result in tested]
    adjusted = PROCEDURES[plan.procedure](p_values)
    for i, (name, result) in enumerate(zip(plan.family, tested, strict=True)):
        value = adjusted[i]
        decision = "not tested: no p-value"
        if value is not None:
            verb = "rejected" if value <= plan.alpha else "not rejected"
            decision = f"hypothesis {verb} at {plan.alpha:g} for the family"
        yield i + 1, name, result.id if result else "", p_values[i], value, decision
