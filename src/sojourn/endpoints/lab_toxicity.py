"""Low blood counts by CTCAE v5: grade at baseline, worst grade afterwards, and the shift."""

from dataclasses import dataclass
from datetime import date

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, model_validator

from sojourn.core.endpoints import Endpoint
from sojourn.endpoints._ctcae import CTCAE, Test, check_limit, grade_lab
from sojourn.endpoints._days import (
    NO_DAY_0,
    Daily,
    find_daily_lowest,
    find_day_zeros,
    list_evidence,
    list_subjects,
    make_outcome,
    make_outcomes,
)


class Rule(BaseModel):
    """Which tests are graded, by the laboratory's lower limits of normal, and over which days.

    `lln_anc_per_l`, `lln_plt_per_l`, `lln_hgb_g_per_l`, `lln_wbc_per_l`, `lln_lymph_per_l`: the
    limits, each in the unit of its name; a test whose limit is not given is not graded, and at
    least one is needed. They are the laboratory's own: none is assumed. `baseline_days`: the
    baseline is the last day with a value on day 0 or so many days before it. `until_day`: days
    after this one do not count; all count where it is not given.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    lln_anc_per_l: float | None = Field(default=None, gt=0)
    lln_plt_per_l: float | None = Field(default=None, gt=0)
    lln_hgb_g_per_l: float | None = Field(default=None, gt=0)
    lln_wbc_per_l: float | None = Field(default=None, gt=0)
    lln_lymph_per_l: float | None = Field(default=None, gt=0)
    baseline_days: int = Field(default=7, ge=0)
    until_day: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _grades_something(self) -> "Rule":
        if not self.limits():
            raise ValueError(
                "no limit of normal is given; give the laboratory's, for instance lln_anc_per_l"
            )
        for test, lln in self.limits().items():
            check_limit(test, lln)
        return self

    def limits(self) -> dict[Test, float]:
        """Return the given lower limits of normal by test, in the test's unit."""
        given: dict[Test, float | None] = {
            "ANC": self.lln_anc_per_l,
            "PLT": self.lln_plt_per_l,
            "HGB": self.lln_hgb_g_per_l,
            "WBC": self.lln_wbc_per_l,
            "LYMPH": self.lln_lymph_per_l,
        }
        return {test: lln for test, lln in given.items() if lln is not None}


@dataclass(frozen=True, slots=True)
class _Graded:
    """A grade, the day and row of the value that has it, and words; None where nothing is known."""

    grade: int | None = None
    day: int | None = None
    row: int | None = None
    words: str = ""

    @property
    def text(self) -> str:
        return "NM" if self.grade is None else str(self.grade)

    @property
    def value(self) -> float | None:
        return None if self.grade is None else float(self.grade)


def lab_toxicity(counts: pl.DataFrame, doses: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    """Return each subject's grades of low counts, at baseline and the worst after day 0.

    Parameters
    ----------
    counts
        ``USUBJID``, ``ADT`` and the tests; several values of a date count as their lowest.
    doses
        ``USUBJID``, ``ADT``; the first dose is day 0, and a value of day 0 is a baseline.
    rule
        limits of normal and days.

    Returns
    -------
        `OUTCOME`, three rows for each subject and test XXX (ANC, PLT, HGB, WBC, LYM): TXXXXBL and
        TXXXXWG, grades at baseline and worst afterwards (0 to 4, hemoglobin to 3), dated by the
        first value that has it; TXXXX, the shift, ``AVALC`` as ``3->1``, with NM where one of the
        two was not measured, ``AVAL`` worst minus baseline. Null where nothing was measured.

    Raises
    ------
    DataError
        if a value is negative or no number.

    References
    ----------
    `grade_lab`. Whoever enters with grade 3 or 4 has it before the first dose: read shifts, not
    worst grades. A transfusion lifts a value, and with it the grade.
    """
    zeros = find_day_zeros(doses)
    limits = rule.limits()
    daily = {test: find_daily_lowest(counts, test, zeros) for test in limits}
    rows = []
    for subject in list_subjects(counts, doses):
        for test, lln in limits.items():
            own = daily[test].get(subject, Daily())
            zero = zeros.get(subject)
            if zero is None:
                rows += [make_outcome(subject, p, reason=NO_DAY_0) for p in _params(test)]
                continue
            before = _baseline(test, own.between(-rule.baseline_days, 0), lln, rule)
            after = _worst(test, own.between(1, rule.until_day), lln)
            rows += _outcomes(subject, test, zero, before, after)
    return make_outcomes(rows)


def _params(test: Test) -> tuple[str, str, str]:
    name = f"TX{test[:3]}"
    return name, f"{name}BL", f"{name}WG"


def _baseline(test: Test, own: Daily, lln: float, rule: Rule) -> _Graded:
    if not own.days:
        return _Graded(words=f"{test} not measured on days {-rule.baseline_days} to 0")
    return _graded(test, own, len(own.days) - 1, lln, "baseline")


def _worst(test: Test, own: Daily, lln: float) -> _Graded:
    if not own.days:
        return _Graded(words=f"{test} not measured after day 0")
    grades = [grade_lab(test, value, lln) for value in own.values]
    return _graded(test, own, grades.index(max(grades)), lln, "worst")


def _graded(test: Test, own: Daily, at: int, lln: float, name: str) -> _Graded:
    value, day = own.values[at], own.days[at]
    grade = grade_lab(test, value, lln)
    is_count = CTCAE[test].unit == "1/L"
    shown = f"{value / 1e9:.4g} x 10^9/L" if is_count else f"{value:.4g} g/L"
    return _Graded(grade, day, own.rows[at], f"{name} {test} {shown} on day {day}: grade {grade}")


def _outcomes(
    subject: str, test: Test, zero: date, before: _Graded, after: _Graded
) -> list[dict[str, object]]:
    shift, baseline, worst = _params(test)
    is_known = before.grade is not None or after.grade is not None
    first, last = before.value, after.value
    rows = [
        make_outcome(
            subject,
            shift,
            zero=zero,
            day=after.day,
            aval=None if first is None or last is None else last - first,
            avalc=f"{before.text}->{after.text}" if is_known else None,
            reason=f"{before.words}; {after.words}",
            evidence=list_evidence(counts=[before.row, after.row]),
            base=first,
        )
    ]
    for paramcd, at in ((baseline, before), (worst, after)):
        rows.append(
            make_outcome(
                subject,
                paramcd,
                zero=zero,
                day=at.day,
                aval=at.value,
                avalc=None if at.grade is None else at.text,
                reason=at.words,
                evidence=list_evidence(counts=[at.row]),
            )
        )
    return rows


ENDPOINT = Endpoint(
    label="Low blood counts (CTCAE v5): baseline, worst grade, shift",
    paramcd="TXANC",
    inputs=("counts", "doses"),
    rule=Rule,
    derive=lab_toxicity,
)
