"""Stopping rules for safety: met, not met, or not known, with the rows that say so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import polars as pl

from sojourn.core.errors import DataError
from sojourn.core.stopping import SAFETY_PARAMS, StoppingRule

_TABLE = "adverse_events"

Verdict = Literal["met", "not met", "not known"]


@dataclass(frozen=True, slots=True)
class StoppingFinding:
    """What one rule says of the data.

    `subjects` had such an event; of `unknown` nobody can tell. `n_subjects` were looked at.
    `evidence` names the events' rows, ``adverse_events:3,9``.
    """

    rule: StoppingRule
    verdict: Verdict
    n_subjects: int
    subjects: tuple[str, ...]
    unknown: tuple[str, ...]
    evidence: str
    reason: str


def evaluate_stopping(
    outcomes: pl.DataFrame, first_doses: Mapping[str, date], rules: Sequence[StoppingRule]
) -> list[StoppingFinding]:
    """Return what each stopping rule says.

    Parameters
    ----------
    outcomes
        outcomes of the endpoint adverse_events (columns of `OUTCOME`).
    first_doses
        each dosed subject's day 0; subjects without one are in no rule.
    rules
        the rules.

    Returns
    -------
        one finding for each rule, in order. "met" if enough subjects had such an event; "not
        known" if those of whom nobody can tell could make it so; else "not met": with fewer
        subjects than `of_first` that is a verdict on those so far. Who had the first dose on the
        day of the last one looked at is looked at, too: the order within a day is not recorded.

    Raises
    ------
    DataError
        if a dosed subject has no such outcome, or two.

    Examples
    --------
    >>> rules = [StoppingRule(what="serious", at_least=1)]
    >>> evaluate_stopping(pl.DataFrame(schema={"PARAMCD": pl.String}), {}, rules)[0].verdict
    'not met'
    """
    return [_evaluate(outcomes, first_doses, rule) for rule in rules]


def _evaluate(
    outcomes: pl.DataFrame, first_doses: Mapping[str, date], rule: StoppingRule
) -> StoppingFinding:
    subjects = _first(first_doses, rule.of_first)
    rows: dict[str, list[dict[str, str | None]]] = {}
    for row in outcomes.filter(pl.col("PARAMCD") == SAFETY_PARAMS[rule.what]).iter_rows(named=True):
        rows.setdefault(row["USUBJID"], []).append(row)
    if wrong := [s for s in subjects if len(rows.get(s, [])) != 1]:
        raise DataError(
            f"stopping rule {rule.what}: subject {wrong[0]!r} has {len(rows.get(wrong[0], []))} "
            f"outcomes {SAFETY_PARAMS[rule.what]}, expected one: derive adverse_events from the "
            "same doses"
        )
    having = tuple(s for s in subjects if rows[s][0]["AVALC"] == "Y")
    unknown = tuple(s for s in subjects if rows[s][0]["AVALC"] is None)
    verdict: Verdict = "not met"
    if len(having) >= rule.at_least:
        verdict = "met"
    elif len(having) + len(unknown) >= rule.at_least:
        verdict = "not known"
    evidence = _merged([rows[s][0]["EVIDENCE"] for s in (*having, *unknown)])
    reason = f"{len(having)} of {len(subjects)} subjects ({_asked(rule)})"
    if unknown:
        reason += f"; not known of {', '.join(unknown)}"
    if rule.of_first is not None and len(subjects) < rule.of_first:
        reason += f"; {len(subjects)} of the first {rule.of_first} dosed so far"
    return StoppingFinding(rule, verdict, len(subjects), having, unknown, evidence, reason)


def _merged(evidence: Sequence[str | None]) -> str:
    """Return the rows of one table that several pieces of evidence name, as one piece."""
    numbers = {
        int(number)
        for text in evidence
        if text
        for number in text.removeprefix(f"{_TABLE}:").split(",")
    }
    return f"{_TABLE}:{','.join(map(str, sorted(numbers)))}" if numbers else ""


def _asked(rule: StoppingRule) -> str:
    first = "" if rule.of_first is None else f" of the first {rule.of_first}"
    return f"stop at {rule.at_least}{first}"


def _first(first_doses: Mapping[str, date], of_first: int | None) -> list[str]:
    """Return subjects by date of first dose, the first ones and who shares the last one's date."""
    ordered = sorted(first_doses, key=lambda subject: (first_doses[subject], subject))
    if of_first is None or len(ordered) <= of_first:
        return ordered
    last = first_doses[ordered[of_first - 1]]
    return [subject for subject in ordered if first_doses[subject] <= last]
