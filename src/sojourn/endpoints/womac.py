"""WOMAC: total and subscales, and their change between two visits; higher is worse."""

from collections.abc import Mapping
from typing import Any, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, model_validator

from sojourn.core.endpoints import Endpoint
from sojourn.core.errors import DataError
from sojourn.endpoints._days import make_outcomes
from sojourn.endpoints._visits import Pair, Scores, pair_visits

Version = Literal["LK3.1", "VAS3.1", "NRS3.1"]

ITEM_MAX: Mapping[str, int] = {"LK3.1": 4, "VAS3.1": 100, "NRS3.1": 10}
"""Highest answer to an item, by version of the form."""

ITEMS: Mapping[str, tuple[str, ...]] = {
    "pain": tuple(f"P{i}" for i in range(1, 6)),
    "stiffness": tuple(f"S{i}" for i in range(1, 3)),
    "function": tuple(f"F{i}" for i in range(1, 18)),
}
"""Codes of the items by subscale; the form's wording is licensed and not part of this package."""


class Rule(BaseModel):
    """Which form, which visits, and how many answers may lack.

    `version`: the form; it is never inferred from the data. `item_max`: highest answer to an item;
    it follows from the version, and one that contradicts it is refused. `baseline`, `visit`: names
    of the visits; the change is visit minus baseline. `scale`: "raw" sums, or "0_100": each score
    in percent of its own highest sum (so the total is not the mean of the three).
    `max_missing_pain`, `max_missing_stiffness`, `max_missing_function`: so many missing answers of
    a subscale are replaced by the mean of the answered ones; with more, the subscale is missing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Version
    item_max: int | None = None
    baseline: str = "BASELINE"
    visit: str = "WEEK6"
    scale: Literal["raw", "0_100"] = "raw"
    max_missing_pain: int = Field(default=1, ge=0, le=4)
    max_missing_stiffness: int = Field(default=1, ge=0, le=1)
    max_missing_function: int = Field(default=3, ge=0, le=16)

    @model_validator(mode="after")
    def _agrees(self) -> "Rule":
        if self.item_max not in (None, ITEM_MAX[self.version]):
            raise ValueError(
                f"item_max {self.item_max} contradicts version {self.version}, whose items reach "
                f"{ITEM_MAX[self.version]}"
            )
        if self.visit == self.baseline:
            raise ValueError("visit and baseline must differ")
        return self


def score_womac(items: Mapping[str, Any], rule: Rule) -> dict[str, float | None]:
    """Return the scores of one answered form.

    Parameters
    ----------
    items
        answers by item code, P1 ... F17, whole numbers from 0 to the version's highest, or None.
    rule
        version, scale and missing answers.

    Returns
    -------
        "pain", "stiffness", "function" and "total", not rounded; None where too few items were
        answered, the total where one of the three is. Raw ranges for LK3.1: 0-20, 0-8, 0-68, 0-96.

    Raises
    ------
    DataError
        if an answer lies outside the version's range; it is not clipped.

    References
    ----------
    Bellamy, WOMAC Osteoarthritis Index User Guide IX: missing answers of pain and stiffness.
    Whitehouse et al. 2004: of function.
    """
    top = ITEM_MAX[rule.version]
    for code in (code for codes in ITEMS.values() for code in codes):
        if items[code] is not None and not 0 <= items[code] <= top:
            raise DataError(f"{code} is {items[code]}, items of {rule.version} are 0 to {top}")
    limits = (rule.max_missing_pain, rule.max_missing_stiffness, rule.max_missing_function)
    scores = {
        name: _subscale([items[code] for code in codes], limit)
        for (name, codes), limit in zip(ITEMS.items(), limits, strict=True)
    }
    known = [score for score in scores.values() if score is not None]
    scores["total"] = sum(known) if len(known) == len(ITEMS) else None
    if rule.scale == "raw":
        return scores
    sizes = {name: len(codes) for name, codes in ITEMS.items()}
    sizes["total"] = sum(sizes.values())
    return {
        name: None if score is None else score / (sizes[name] * top) * 100
        for name, score in scores.items()
    }


def womac(womac: pl.DataFrame, doses: pl.DataFrame | None, rule: Rule) -> pl.DataFrame:
    """Return the change of each subject's WOMAC scores from baseline to a visit.

    Parameters
    ----------
    womac
        ``USUBJID``, ``VISIT``, ``ADT`` and the 24 item codes.
    doses
        doses given, for ``DAY``; or None.
    rule
        form, visits, scale, missing answers.

    Returns
    -------
        `OUTCOME`, six rows for each subject: WOMTOT, WOMPAIN, WOMSTIF, WOMFUNC, the changes (a
        negative one is an improvement), WOMTOTBL and WOMTOTFU, the totals at baseline and at the
        visit. ``AVAL`` is null where a visit or too many answers are missing, or an answer is out
        of range; ``REASON`` says which.

    Raises
    ------
    DataError
        if a subject has two rows for one of the visits.

    References
    ----------
    NCT07313020, secondaryOutcomes[0]: change of the total (0 best, 96 worst) to week 6.
    """

    def score(record: Mapping[str, Any]) -> tuple[Scores, str]:
        try:
            scores = score_womac(record, rule)
        except DataError as error:
            return {}, str(error)
        lacking = [name for name in ITEMS if scores[name] is None]
        return scores, f"too few answers for {', '.join(lacking)}" if lacking else ""

    pairs = pair_visits(womac, doses, "womac", (rule.baseline, rule.visit), score)
    return make_outcomes([row for pair in pairs for row in _outcomes(pair)])


def _subscale(answers: list[int | None], max_missing: int) -> float | None:
    given = [a for a in answers if a is not None]
    if len(answers) - len(given) > max_missing:
        return None
    return sum(given) / len(given) * len(answers)


def _outcomes(pair: Pair) -> list[dict[str, object]]:
    names = {"total": "WOMTOT", "pain": "WOMPAIN", "stiffness": "WOMSTIF", "function": "WOMFUNC"}
    rows = []
    for name, paramcd in names.items():
        before, after = pair.baseline.scores.get(name), pair.visit.scores.get(name)
        reason = pair.missing(name) or (
            f"{name} {before:.4g} at {pair.baseline.name}, {after:.4g} at {pair.visit.name}"
        )
        rows.append(pair.outcome(paramcd, pair.change(name), reason))
    for paramcd, at in (("WOMTOTBL", pair.baseline), ("WOMTOTFU", pair.visit)):
        value = at.scores.get("total")
        reason = at.reason if value is None else f"total at {at.name}"
        rows.append(pair.outcome(paramcd, value, reason))
    return rows


ENDPOINT = Endpoint(
    label="Change of the WOMAC total score",
    paramcd="WOMTOT",
    inputs=("womac", "doses"),
    rule=Rule,
    derive=womac,
    optional=("doses",),
)
