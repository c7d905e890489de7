"""OMERACT-OARSI response: pain, function and the patient's global assessment, improved enough."""

from collections.abc import Mapping
from typing import Any, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, model_validator

from sojourn.core.endpoints import Endpoint
from sojourn.core.errors import DataError
from sojourn.endpoints._days import list_evidence, make_outcome, make_outcomes
from sojourn.endpoints._responder import Response, judge_response
from sojourn.endpoints._visits import Pair, Scores, pair_visits, warn_of_centimetres
from sojourn.endpoints.vas_pain import score_pain
from sojourn.endpoints.womac import Rule as WomacRule
from sojourn.endpoints.womac import Version, score_womac

DOMAINS = ("pain", "function", "global")


class Rule(BaseModel):
    """Where the domains come from, and between which visits they must improve.

    `version`: the WOMAC form; it is never inferred. `pain`: "womac", its subscale in percent, or
    "vas", the pain score. `domains`: "three", or "pain_function", the variant without the patient's
    global assessment, in which both others must improve moderately; it is never taken in its place.
    `baseline`, `visit`: names of the visits.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Version
    pain: Literal["womac", "vas"]
    domains: Literal["three", "pain_function"] = "three"
    baseline: str = "BASELINE"
    visit: str = "WEEK6"

    @model_validator(mode="after")
    def _differ(self) -> "Rule":
        if self.visit == self.baseline:
            raise ValueError("visit and baseline must differ")
        return self


def omeract_oarsi(
    womac: pl.DataFrame,
    pain_vas: pl.DataFrame | None,
    patient_global: pl.DataFrame | None,
    doses: pl.DataFrame | None,
    rule: Rule,
) -> pl.DataFrame:
    """Return whether each subject responded between two visits.

    Parameters
    ----------
    womac
        ``USUBJID``, ``VISIT``, ``ADT`` and the 24 item codes; function is its subscale in percent.
    pain_vas
        pain in mm; needed where `rule.pain` is "vas".
    patient_global
        global assessment in mm, 100 worst, or None.
    doses
        doses given, for ``DAY``; or None.
    rule
        domains and visits.

    Returns
    -------
        `OUTCOME`, three rows a subject: OARSIRSP, ``AVALC`` RESPONDER or NON-RESPONDER, null where
        what is missing could decide, and for all where the rule names three domains and no table
        holds the third; OARSIHI, Y or N, a high improvement of pain or function; OARSIMOD, ``AVAL``
        the number of domains that improved moderately.

    Raises
    ------
    DataError
        if a subject has two rows for one of the visits, a score is out of range, or the table of
        the pain score is absent that the rule names.

    Warns
    -----
    SojournWarning
        if no value of a scale in mm is above 10, as values in cm are; the numbers stand.

    References
    ----------
    `judge_response`. NCT07313020 registers no global assessment: `docs/endpoints.md`.
    """
    if rule.pain == "vas" and pain_vas is None:
        raise DataError('rule pain = "vas" needs the table pain_vas, which is absent')
    sources = _sources(womac, pain_vas, patient_global, doses, rule)
    found: dict[str, dict[str, Pair]] = {}
    for domain, pairs in sources.items():
        for pair in pairs:
            found.setdefault(pair.subject, {})[domain] = pair
    is_derivable = rule.domains == "pain_function" or patient_global is not None
    rows = [
        row
        for subject in sorted(found)
        for row in _outcomes(subject, found[subject], rule, is_derivable=is_derivable)
    ]
    return make_outcomes(rows)


def _sources(
    womac: pl.DataFrame,
    pain_vas: pl.DataFrame | None,
    patient_global: pl.DataFrame | None,
    doses: pl.DataFrame | None,
    rule: Rule,
) -> dict[str, list[Pair]]:
    """Return both visits of every subject, by domain."""
    form = WomacRule(version=rule.version, baseline=rule.baseline, visit=rule.visit, scale="0_100")

    def score_form(record: Mapping[str, Any]) -> tuple[Scores, str]:
        return score_womac(record, form), "too few answers"

    visits = (rule.baseline, rule.visit)
    function = pair_visits(womac, doses, "womac", visits, score_form)
    sources = {"pain": function, "function": function}
    if rule.pain == "vas" and pain_vas is not None:
        warn_of_centimetres(pain_vas, "pain_vas", "VAS")
        sources["pain"] = pair_visits(pain_vas, doses, "pain_vas", visits, score_pain)
    if rule.domains == "three" and patient_global is not None:
        warn_of_centimetres(patient_global, "patient_global", "PGA")
        sources["global"] = pair_visits(
            patient_global, doses, "patient_global", visits, _score_global
        )
    return sources


def _score_global(record: Mapping[str, Any]) -> tuple[Scores, str]:
    value = record["PGA"]
    if value is None:
        return {}, "no global assessment"
    if not 0 <= value <= 100:
        raise DataError(
            f"global assessment {value:g} mm outside 0 to 100: correct it, or its column's unit"
        )
    return {"global": float(value)}, ""


def _outcomes(
    subject: str, pairs: Mapping[str, Pair], rule: Rule, *, is_derivable: bool
) -> list[dict[str, object]]:
    names = DOMAINS if rule.domains == "three" else DOMAINS[:2]
    before = {d: pairs[d].baseline.scores.get(d) if d in pairs else None for d in names}
    after = {d: pairs[d].visit.scores.get(d) if d in pairs else None for d in names}
    reason = "; ".join(_words(d, pairs.get(d), rule) for d in names)
    response = judge_response(before, after)
    count = response.moderate_count
    if not is_derivable:
        response = Response(response.is_high, response.moderate, None)
        count = None
        reason = (
            f"not derivable: three domains are named and no table patient_global is there; {reason}"
        )
    high = None if response.is_high is None else "NY"[response.is_high]
    verdict = {True: "RESPONDER", False: "NON-RESPONDER", None: None}[response.is_responder]
    values = (
        ("OARSIRSP", None, verdict),
        ("OARSIHI", None, high),
        ("OARSIMOD", None if count is None else float(count), None),
    )
    return [_row(subject, pairs, paramcd, number, text, reason) for paramcd, number, text in values]


def _words(domain: str, pair: Pair | None, rule: Rule) -> str:
    if pair is None:
        return f"{domain}: no value at {rule.baseline} and {rule.visit}"
    if missing := pair.missing(domain):
        return f"{domain}: {missing}"
    before, after = pair.baseline.scores[domain], pair.visit.scores[domain]
    return f"{domain} {before:.4g} at {pair.baseline.name}, {after:.4g} at {pair.visit.name}"


def _row(
    subject: str,
    pairs: Mapping[str, Pair],
    paramcd: str,
    aval: float | None,
    avalc: str | None,
    reason: str,
) -> dict[str, object]:
    lines: dict[str, list[int | None]] = {}
    for pair in pairs.values():
        lines.setdefault(pair.table, []).extend((pair.baseline.row, pair.visit.row))
    row = make_outcome(
        subject, paramcd, aval=aval, avalc=avalc, reason=reason, evidence=list_evidence(**lines)
    )
    dates = [pair.visit.adt for pair in pairs.values() if pair.visit.adt is not None]
    row["ADT"] = max(dates, default=None)
    zero = next((pair.zero for pair in pairs.values() if pair.zero is not None), None)
    if row["ADT"] is not None and zero is not None:
        row["DAY"] = (max(dates) - zero).days
    return row


ENDPOINT = Endpoint(
    label="OMERACT-OARSI response",
    paramcd="OARSIRSP",
    inputs=("womac", "pain_vas", "patient_global", "doses"),
    rule=Rule,
    derive=omeract_oarsi,
    optional=("pain_vas", "patient_global", "doses"),
)
