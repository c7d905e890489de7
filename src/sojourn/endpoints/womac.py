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
    `mean_of_subscales`: also give the mean of the three subscales in percent, another number than
    the total, as an item of stiffness weighs 8.5 times as much in it as one of function.
    `max_missing_pain`, `max_missing_stiffness`, `max_missing_function`: so many missing answers of
    a subscale are replaced by the mean of the answered ones; with more, the subscale is missing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Version
    item_max: int | None = None
    baseline: str = "BASELINE"
    visit: str = "WEEK6"
    scale: Literal["raw", "0_100"] = "raw"
    mean_of_subscales: bool = False
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
    _check_items(items, rule)
    limits = (rule.max_missing_pain, rule.max_missing_stiffness, rule.max_missing_function)
    scores = {
        name: _subscale([items[code] for code in codes], limit)
        for (name, codes), limit in zip(ITEMS.items(), limits, strict=True)
    }
    known = [score for score in scores.values() if score is not None]
    scores["total"] = sum(known) if len(known) == len(ITEMS) else None
    return scores if rule.scale == "raw" else _in_percent(scores, rule)


def mean_of_subscales(items: Mapping[str, Any], rule: Rule) -> float | None:
    """Return the mean of the three subscales, each in percent of its own highest sum.

    Parameters
    ----------
    items, rule
        as for `score_womac`; `rule.scale` changes nothing here.

    Returns
    -------
        0 (best) to 100; None where one of the subscales is. It is not the total in percent: each
        subscale counts a third here, and by its number of items there.

    Raises
    ------
    DataError
        if an answer lies outside the version's range.
    """
    scores = score_womac(items, rule.model_copy(update={"scale": "0_100"}))
    known = [scores[name] for name in ITEMS]
    return None if None in known else sum(s for s in known if s is not None) / len(ITEMS)


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
        negative one is an improvement; ``BASE`` is the score at baseline), WOMTOTBL and WOMTOTFU,
        the totals at baseline and at the visit. With `rule.mean_of_subscales` also WOMAVG, the
        change of that mean, WOMAVGBL and WOMAVGFU. ``AVAL`` is null where a visit or too many
        answers are missing; ``REASON`` says which.

    Raises
    ------
    DataError
        if a subject has two rows for one of the visits, or an answer lies outside the version's
        range; it is neither clipped nor taken as missing.

    References
    ----------
    NCT07313020, secondaryOutcomes[0]: change of the total (0 best, 96 worst) to week 6.
    """

    def score(record: Mapping[str, Any]) -> tuple[Scores, str]:
        scores = score_womac(record, rule)
        lacking = [name for name in ITEMS if scores[name] is None]
        scores[_MEAN] = mean_of_subscales(record, rule)
        return scores, f"too few answers for {', '.join(lacking)}" if lacking else ""

    pairs = pair_visits(womac, doses, "womac", (rule.baseline, rule.visit), score)
    return make_outcomes([row for pair in pairs for row in _outcomes(pair, rule)])


_MEAN = "mean of subscales"


def _check_items(items: Mapping[str, Any], rule: Rule) -> None:
    top = ITEM_MAX[rule.version]
    for code in (code for codes in ITEMS.values() for code in codes):
        answer = items[code]
        if answer is not None and not (0 <= answer <= top and answer == int(answer)):
            raise DataError(
                f"{code} is {answer}, items of {rule.version} are whole numbers from 0 to {top}: "
                "correct the answer, or name the version that was used"
            )


def _in_percent(scores: Mapping[str, float | None], rule: Rule) -> dict[str, float | None]:
    sizes = {name: len(codes) for name, codes in ITEMS.items()}
    sizes["total"] = sum(sizes.values())
    return {
        name: None if score is None else score / (sizes[name] * ITEM_MAX[rule.version]) * 100
        for name, score in scores.items()
    }


def _subscale(answers: list[int | None], max_missing: int) -> float | None:
    given = [a for a in answers if a is not None]
    if len(answers) - len(given) > max_missing:
        return None
    return sum(given) / len(given) * len(answers)


def _outcomes(pair: Pair, rule: Rule) -> list[dict[str, object]]:
    names = {"total": "WOMTOT", "pain": "WOMPAIN", "stiffness": "WOMSTIF", "function": "WOMFUNC"}
    shown = {"total": "WOMTOT"}
    if rule.mean_of_subscales:
        names[_MEAN] = shown[_MEAN] = "WOMAVG"
    rows = []
    for name, paramcd in names.items():
        before, after = pair.baseline.scores.get(name), pair.visit.scores.get(name)
        reason = pair.missing(name) or (
            f"{name} {before:.4g} at {pair.baseline.name}, {after:.4g} at {pair.visit.name}"
        )
        rows.append(pair.outcome(paramcd, pair.change(name), reason, base=before))
    for name, paramcd in shown.items():
        for suffix, at in (("BL", pair.baseline), ("FU", pair.visit)):
            value = at.scores.get(name)
            reason = at.reason if value is None else f"{name} at {at.name}"
            rows.append(pair.outcome(paramcd + suffix, value, reason))
    return rows


ENDPOINT = Endpoint(
    label="Change of the WOMAC total score",
    paramcd="WOMTOT",
    inputs=("womac", "doses"),
    rule=Rule,
    derive=womac,
    optional=("doses",),
)
