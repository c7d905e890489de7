"""Hemogram response: which lineages were low at baseline, and which of them recovered by a day."""

from dataclasses import dataclass, replace
from typing import Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, model_validator

from sojourn.core.endpoints import Endpoint
from sojourn.endpoints._days import (
    Dated,
    find_day_zeros,
    list_evidence,
    make_outcome,
    make_outcomes,
)
from sojourn.endpoints._limits import GramsPerLitre, PerLitre
from sojourn.endpoints._recovery import Course, add_event, find_courses
from sojourn.endpoints._runs import HEMOGLOBIN, NEUTROPHILS, PLATELETS, Finding, Quantity
from sojourn.endpoints._three_valued import all_of, at_least
from sojourn.endpoints.hemoglobin_recovery import Recovery as Hemoglobin
from sojourn.endpoints.neutrophil_recovery import Recovery as Neutrophils
from sojourn.endpoints.neutrophil_recovery import find_g_csf_days, since_nadir
from sojourn.endpoints.platelet_response import Response, best_response

Intercurrent = Literal["SECOND_GRAFT", "DLI", "RELAPSE", "GRAFT_REJECTION"]


class Rule(BaseModel):
    """Who is affected, what recovery is, and by when; a study file may change every number.

    `by_day`: a recovery counts if its onset is not later; `from_day`: only counts from this day on
    are looked at, 20 for the status within days 20 to 40. `neutrophils`, `hemoglobin`,
    `platelets`: the rule of each lineage; `platelet_class`: the least class that counts as
    recovered, whose first day is the onset (a complete response may follow later).

    Affected at baseline is a lineage whose last value on `baseline_days` days up to day 0 (day 0
    and -1 ... -`baseline_days`) is low: ANC at most `affected_anc_per_l`, hemoglobin below
    `affected_hgb_g_per_l`, platelets below `affected_plt_per_l`; or which was transfused on day 0
    or the `baseline_transfusion_days` days before.

    `intercurrent`: "composite" makes a lineage unrecovered if one of `intercurrent_events` came on
    or after day 0 and before the onset; "treatment_policy" counts the recovery nevertheless.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    by_day: int = Field(default=40, ge=0)
    from_day: int = Field(default=0, ge=0)
    neutrophils: Neutrophils = Neutrophils()
    hemoglobin: Hemoglobin = Hemoglobin()
    platelets: Response = Response()
    platelet_class: Literal["PR", "CR"] = "PR"
    baseline_days: int = Field(default=7, ge=0)
    baseline_transfusion_days: int = Field(default=6, ge=0)
    affected_anc_per_l: PerLitre = 0.5e9
    affected_hgb_g_per_l: GramsPerLitre = 70.0
    affected_plt_per_l: PerLitre = 20e9
    intercurrent: Literal["composite", "treatment_policy"] = "composite"
    intercurrent_events: tuple[Intercurrent, ...] = (
        "SECOND_GRAFT",
        "DLI",
        "RELAPSE",
        "GRAFT_REJECTION",
    )

    @model_validator(mode="after")
    def _days_are_ordered(self) -> "Rule":
        if self.from_day > self.by_day:
            raise ValueError("from_day must not lie after by_day")
        return self


@dataclass(frozen=True, slots=True)
class _Low:
    """What counts as low at baseline; `is_reached` if the border itself does."""

    quantity: Quantity
    threshold: float
    is_reached: bool = False

    def holds(self, value: float) -> bool:
        return value < self.threshold or (self.is_reached and value == self.threshold)


@dataclass(frozen=True, slots=True)
class _Lineage:
    """One subject's lineage: was it affected (None: not known), when did it recover, and why.

    Where nobody knows whether it was affected, `onset` is what it would be if it was. `is_seen`
    False: nothing tells whether it recovered.
    """

    name: str
    paramcd: str
    is_affected: bool | None
    onset: int | None
    reason: str
    evidence: dict[str, list[int | None]]
    is_seen: bool = True

    @property
    def has_recovered(self) -> bool | None:
        """Tell whether an affected lineage recovered; None where one of both is not known."""
        return self.onset is not None if self.is_affected and self.is_seen else None

    @property
    def helps(self) -> bool | None:
        """Tell whether it is an affected lineage that recovered; None where that is not known."""
        is_hope = self.is_affected is None and self.onset is not None
        return None if is_hope or self._is_open else bool(self.has_recovered)

    @property
    def allows(self) -> bool | None:
        """Tell whether it is no affected lineage that failed; None where that is not known."""
        is_fear = self.is_affected is None and self.onset is None
        return None if is_fear or self._is_open else self.has_recovered is not False

    @property
    def _is_open(self) -> bool:
        return not self.is_seen and self.is_affected is not False


def hemogram_response(
    counts: pl.DataFrame,
    doses: pl.DataFrame,
    transfusions: pl.DataFrame,
    events: pl.DataFrame | None,
    follow_up: pl.DataFrame | None,
    growth_factors: pl.DataFrame | None,
    rule: Rule,
) -> pl.DataFrame:
    """Return which affected lineages of each subject recovered by a day, and two composites.

    Only lineages affected at baseline enter: an unaffected one neither helps nor harms, and one
    whose baseline is not known leaves open what its knowledge could change, as does an affected
    one of which no value is known on `rule.from_day` to `rule.by_day`. A death by then, an
    intercurrent event (composite), or a loss before `rule.from_day` is no recovery whatever was
    measured; a loss later is none where something was (the primary analysis counts it so).

    Parameters
    ----------
    counts
        ``USUBJID``, ``ADT`` (date), ``ANC`` and ``PLT`` (1/L), ``HGB`` (g/L), in any order.
    doses
        ``USUBJID``, ``ADT``; the first dose is day 0.
    transfusions
        ``USUBJID``, ``ADT``, ``PRODUCT``.
    events, follow_up
        intercurrent events, death and last contact, or None; counts after the end are left out.
    growth_factors
        needed only if `rule.neutrophils` drops counts after G-CSF.
    rule
        baseline, lineages, day, intercurrent events.

    Returns
    -------
        `OUTCOME`, five rows for each subject: ANCREC40, HGBREC40, PLTREC40 (named after
        `rule.by_day`), OVERALL (at least one affected lineage recovered) and COMPLETE (all did).
        ``AVALC`` Y or N with ``AVAL`` 1 or 0; both null where the lineage was not affected, its
        baseline or its recovery is not known, or the subject cannot be evaluated. A composite is
        null where no lineage is known to be affected, and where what is not known would decide: for
        OVERALL a lineage that may be affected and have recovered, if none known to be affected did;
        for COMPLETE one that may be affected and have failed, if all others did not. ``ADT`` and
        ``DAY`` are the onset of a recovered lineage; for the composites of the first and of the
        last one known to be affected.

    References
    ----------
    NCT06171906, primaryOutcomes[0]. The record defines no composite; response as at least one,
    complete response as all of the patient's cytopenias resolved: Servais et al., ASH 2019.
    """
    dropped = find_g_csf_days(
        growth_factors, find_day_zeros(doses), rule.neutrophils.g_csf_free_days
    )

    def find(value: str, product: str | None) -> list[Course]:
        return find_courses(
            counts,
            value,
            doses,
            transfusions=transfusions,
            product=product,
            events=events,
            follow_up=follow_up,
            drop=dropped if value == "ANC" else None,
        )

    def seen(course: Course) -> Course:
        return replace(course, daily=course.daily.between(rule.from_day or None, None))

    courses = zip(find("ANC", None), find("HGB", "RBC"), find("PLT", "PLT"), strict=True)
    return make_outcomes(
        [
            row
            for anc, hgb, plt in courses
            for row in _outcomes(seen(anc), seen(hgb), seen(plt), rule)
        ]
    )


def _outcomes(anc: Course, hgb: Course, plt: Course, rule: Rule) -> list[dict[str, object]]:
    day = rule.by_day
    codes = (f"ANCREC{day}", f"HGBREC{day}", f"PLTREC{day}", "OVERALL", "COMPLETE")
    if problem := anc.problem:
        evidence = anc.follow.evidence
        return [make_outcome(anc.subject, c, reason=problem, evidence=evidence) for c in codes]
    low_anc = _Low(NEUTROPHILS, rule.affected_anc_per_l, is_reached=True)
    low_hgb = _Low(HEMOGLOBIN, rule.affected_hgb_g_per_l)
    low_plt = _Low(PLATELETS, rule.affected_plt_per_l)
    found_anc = rule.neutrophils.criterion().find(since_nadir(anc, rule.neutrophils).daily, [])
    found_hgb = rule.hemoglobin.criterion().find(hgb.daily, hgb.transfusions)
    lineages = (
        _lineage(anc, codes[0], low_anc, found_anc, rule),
        _lineage(hgb, codes[1], low_hgb, found_hgb, rule),
        _lineage(plt, codes[2], low_plt, _find_platelets(plt, rule), rule),
    )
    return [*(_single(anc, each) for each in lineages), *_composites(anc, lineages, rule)]


def _find_platelets(course: Course, rule: Rule) -> Finding:
    def find(threshold: float) -> Finding:
        return rule.platelets.criterion(threshold).find(course.daily, course.transfusions)

    complete, partial = find(rule.platelets.complete_per_l), find(rule.platelets.partial_per_l)
    if rule.platelet_class == "CR":
        return complete
    best = best_response(complete, partial, rule.by_day)
    if best is None:
        return partial
    if best[0] == "PR" or complete.onset == partial.onset:
        return replace(partial, reason=f"{best[0]}: {best[1].reason}")
    rows = tuple(dict.fromkeys((*partial.count_rows, *complete.count_rows)))
    return replace(partial, reason=f"{partial.reason}; CR: {complete.reason}", count_rows=rows)


def _lineage(course: Course, paramcd: str, low: _Low, found: Finding, rule: Rule) -> _Lineage:
    is_affected, baseline, before = _baseline(course, low, rule)
    rows = {
        "counts": [*before["counts"], *found.count_rows],
        "transfusions": [*before["transfusions"], *found.transfusion_rows],
    }
    name = low.quantity.name
    if is_affected is False:
        return _Lineage(name, paramcd, False, None, baseline, before)
    if not (is_seen := _is_seen(course, rule)):
        why = f"not evaluable: {name} not measured on days {rule.from_day} to {rule.by_day}"
        why = why if is_affected else f"if it was affected, {why}"
        return _Lineage(name, paramcd, is_affected, None, f"{baseline}; {why}", rows, is_seen)
    onset, why = found.onset, found.reason
    if onset is not None and onset > rule.by_day:
        onset, why = None, f"{why}, but that begins after day {rule.by_day}"
    if onset is None and rule.from_day:
        why = f"{why}; looked at from day {rule.from_day} on"
    if onset is not None and (event := _intercurrent(course, onset, rule)) is not None:
        why = f"{event.record['EVENT']} on day {event.day}, before recovery on day {onset}"
        onset, rows["events"] = None, [event.row]
    if not course.daily.days and (event := _intercurrent(course, rule.by_day + 1, rule)):
        why, rows["events"] = add_event(why, event), [event.row]
    if onset is None and course.follow.death is not None:
        why = f"{why}; died on day {course.follow.death}"
    verdict = f"recovered on day {onset}" if onset is not None else "not recovered"
    verdict = verdict if is_affected else f"if it was affected, {verdict}"
    return _Lineage(name, paramcd, is_affected, onset, f"{baseline}; {verdict}: {why}", rows)


def _is_seen(course: Course, rule: Rule) -> bool:
    """Tell whether anything decides if it recovered: a count, a death, an event, an early loss."""
    if course.daily.between(rule.from_day, rule.by_day).days:
        return True
    death, end = course.follow.death, course.follow.end
    is_over = death is not None and death <= rule.by_day
    is_lost = end is not None and end < rule.from_day
    return is_over or is_lost or _intercurrent(course, rule.by_day + 1, rule) is not None


def _baseline(
    course: Course, low: _Low, rule: Rule
) -> tuple[bool | None, str, dict[str, list[int | None]]]:
    name = low.quantity.name
    last = course.before.between(-rule.baseline_days, 0)
    first = -rule.baseline_transfusion_days
    given = [t for t in course.transfusions if first <= t.day <= 0]
    rows: dict[str, list[int | None]] = {
        "counts": list(last.rows[-1:]),
        "transfusions": [t.row for t in given],
    }
    if given:
        return True, f"affected: transfused on day {given[-1].day}", rows
    if not last.days:
        span = f"days {-rule.baseline_days} to 0"
        return None, f"baseline not known: {name} not measured on {span}", rows
    value, is_affected = last.values[-1], low.holds(last.values[-1])
    text = f"affected: {name} {low.quantity.text(value)} on day {last.days[-1]}"
    return is_affected, text if is_affected else f"not {text}", rows


def _intercurrent(course: Course, onset: int, rule: Rule) -> Dated | None:
    if rule.intercurrent == "treatment_policy":
        return None
    event = course.follow.first(*rule.intercurrent_events)
    return event if event is not None and event.day < onset else None


def _single(course: Course, lineage: _Lineage) -> dict[str, object]:
    has_recovered = lineage.has_recovered
    return make_outcome(
        course.subject,
        lineage.paramcd,
        zero=course.zero,
        day=lineage.onset if has_recovered else None,
        aval=None if has_recovered is None else float(has_recovered),
        avalc=_letter(has_recovered),
        reason=lineage.reason,
        evidence=list_evidence(**lineage.evidence),
    )


def _composites(
    course: Course, lineages: tuple[_Lineage, ...], rule: Rule
) -> list[dict[str, object]]:
    affected = [each for each in lineages if each.is_affected]
    onsets = [each.onset for each in affected if each.onset is not None]
    is_met = at_least(1, [each.helps for each in lineages]) if affected else None
    is_complete = all_of([each.allows for each in lineages]) if affected else None
    hopes = [each for each in lineages if each.helps is None]
    fears = [each for each in lineages if each.allows is None]
    evidence = _joined([each for each in lineages if each.is_affected is not False])
    return [
        make_outcome(
            course.subject,
            paramcd,
            zero=course.zero,
            day=day if verdict else None,
            aval=None if verdict is None else float(verdict),
            avalc=_letter(verdict),
            reason=_composite_reason(lineages, rule) + (undecided if verdict is None else ""),
            evidence=list_evidence(**evidence),
        )
        for paramcd, verdict, day, undecided in (
            ("OVERALL", is_met, min(onsets, default=None), _undecided(hopes, "recovered")),
            (
                "COMPLETE",
                is_complete,
                max(onsets, default=None),
                _undecided(fears, "did not recover"),
            ),
        )
    ]


def _undecided(lineages: list[_Lineage], what: str) -> str:
    guessed = ", ".join(each.name for each in lineages if each.is_seen)
    unseen = ", ".join(each.name for each in lineages if not each.is_seen)
    parts = [f"{guessed}, if affected, {what}"] if guessed else []
    parts += [f"nothing tells of {unseen}"] if unseen else []
    return f"; undecided, since {' and '.join(parts)}" if parts else ""


def _composite_reason(lineages: tuple[_Lineage, ...], rule: Rule) -> str:
    affected = [each for each in lineages if each.is_affected]
    unknown = [each.name for each in lineages if each.is_affected is None]
    recovered = [each for each in affected if each.onset is not None]
    failed = [each.name for each in affected if each.has_recovered is False]
    unseen = [each.name for each in affected if not each.is_seen]
    days = ", ".join(f"{each.name} day {each.onset}" for each in recovered)
    reason = f"{len(recovered)} of {len(affected)} affected lineages recovered by day {rule.by_day}"
    reason += f": {days}" if recovered else ""
    reason += f"; not {', '.join(failed)}" if failed else ""
    reason += f"; not evaluable: {', '.join(unseen)}" if unseen else ""
    reason = reason if affected else "no lineage was affected at baseline"
    return reason + (f"; baseline of {', '.join(unknown)} not known" if unknown else "")


def _joined(lineages: list[_Lineage]) -> dict[str, list[int | None]]:
    evidence: dict[str, list[int | None]] = {}
    for each in lineages:
        for table, rows in each.evidence.items():
            evidence.setdefault(table, []).extend(rows)
    return evidence


def _letter(is_true: bool | None) -> str | None:
    return None if is_true is None else "NY"[is_true]


ENDPOINT = Endpoint(
    label="Hemogram response: recovery of the affected lineages",
    paramcd="OVERALL",
    inputs=("counts", "doses", "transfusions", "events", "follow_up", "growth_factors"),
    rule=Rule,
    derive=hemogram_response,
    optional=("events", "follow_up", "growth_factors"),
)
