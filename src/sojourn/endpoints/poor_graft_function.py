"""Poor graft function at the first dose: by two definitions, primary or secondary, graft failure.

What a definition needs and no table says is not known: it is named, and counts for neither side.
"""

from datetime import date
from typing import Any

import polars as pl

from sojourn.core.endpoints import Endpoint
from sojourn.core.errors import DataError
from sojourn.core.tables import ROW
from sojourn.endpoints._days import (
    NO_DAY_0,
    find_dated,
    find_day_zeros,
    list_evidence,
    list_subjects,
    make_outcome,
    make_outcomes,
)
from sojourn.endpoints._graft_definition import (
    LINEAGES,
    PRODUCTS,
    Known,
    Rule,
    conclude,
    judge_definition,
    judge_graft_failure,
    judge_lineages,
    judge_recoveries,
)
from sojourn.endpoints._recovery import find_courses
from sojourn.endpoints._three_valued import Item

__all__ = ["ENDPOINT", "Rule", "poor_graft_function"]

CODES = ("PGF", "PGFTYPE", "GRFTFAIL")
KINDS = ("PRIMARY", "SECONDARY")


def poor_graft_function(
    counts: pl.DataFrame,
    doses: pl.DataFrame,
    transfusions: pl.DataFrame,
    events: pl.DataFrame,
    subjects: pl.DataFrame,
    follow_up: pl.DataFrame | None,
    growth_factors: pl.DataFrame | None,
    chimerism: pl.DataFrame | None,
    grafts: pl.DataFrame | None,
    rule: Rule,
) -> pl.DataFrame:
    """Return whether each subject had poor graft function at the first dose, and of which kind.

    Parameters
    ----------
    counts
        ``USUBJID``, ``ADT``, ``ANC`` and ``PLT`` (1/L), ``HGB`` (g/L), from the graft on.
    doses
        ``USUBJID``, ``ADT``; the first dose is day 0, the day of entry.
    transfusions
        ``USUBJID``, ``ADT``, ``PRODUCT``; no row is no transfusion.
    events
        ``USUBJID``, ``ADT``, ``EVENT``, ``GRADE``; no row is no event.
    subjects
        ``USUBJID``, ``HSCTDT``, the date of the graft.
    follow_up
        last date known alive, or None.
    growth_factors, chimerism, grafts
        G-CSF; ``LINEAGE`` and ``DONOR_PERCENT``; source, marrow, other causes, earlier recoveries.
        None: not known.
    rule
        definition and numbers.

    Returns
    -------
        `OUTCOME`, three rows for each subject, dated by the first dose. PGF: ``AVALC`` Y or N,
        ``AVAL`` 1 or 0. PGFTYPE: PRIMARY (a poor lineage never recovered after the graft) or
        SECONDARY (each did once), ``AVAL`` 1 or 2. GRFTFAIL, primary graft failure: Y or N. Null
        where an item that would decide is not known; ``REASON`` names it.

    Raises
    ------
    DataError
        if a subject stands in several rows of `subjects` or `grafts`, or the highest donor percent
        is 1 or less: that is a share.

    References
    ----------
    Sureda et al., consensus of EBMT, ASTCT, CIBMTR and APBMT, 2024 (PMC11161398), table 1. Two
    lineages for 14 days: J Hematol Oncol 2018 (s13045-018-0649-6); one for 3 days: the practice of
    the Peking group (`docs/endpoints.md`, "Poor graft function"). NCT06171906 defines neither.
    """
    zeros = find_day_zeros(doses)
    found = {
        lineage: {
            course.subject: course
            for course in find_courses(
                counts,
                lineage,
                doses,
                transfusions=transfusions,
                product=PRODUCTS[lineage],
                events=events,
                follow_up=follow_up,
            )
        }
        for lineage in LINEAGES
    }
    people, recorded = _one_row_each(subjects, "subjects"), _one_row_each(grafts, "grafts")
    _check_donors(chimerism)
    growth = growth_factors
    if growth is not None:
        growth = growth.filter(pl.col("AGENT") == "G-CSF")
    given = None if growth is None else find_dated(growth, zeros)
    donors = None if chimerism is None else find_dated(chimerism, zeros)
    everybody = (doses, counts, transfusions, events, follow_up, growth_factors, chimerism, grafts)
    rows: list[dict[str, object]] = []
    for subject in list_subjects(*everybody):
        zero, graft = zeros.get(subject), people.get(subject, {}).get("HSCTDT")
        course = found["ANC"].get(subject)
        problem = NO_DAY_0 if course is None else course.problem or _graft_problem(graft, zero)
        if problem or zero is None or graft is None:
            rows += [make_outcome(subject, code, reason=problem) for code in CODES]
            continue
        known = Known(
            {lineage: found[lineage][subject] for lineage in LINEAGES},
            (graft - zero).days,
            None if given is None else given.get(subject, []),
            None if donors is None else donors.get(subject, []),
            recorded.get(subject, {}),
        )
        rows += _outcomes(subject, zero, known, rule)
    return make_outcomes(rows)


def _graft_problem(graft: date | None, zero: date | None) -> str:
    if graft is None:
        return "not decidable, missing: the date of the transplantation (HSCTDT)"
    if zero is not None and graft > zero:
        return "the records contradict each other: the transplantation lies after the first dose"
    return ""


def _check_donors(chimerism: pl.DataFrame | None) -> None:
    """Refuse shares where percentages are expected; one measurement of 1 % or less is one too."""
    if chimerism is None:
        return
    measured = chimerism.filter(pl.col("DONOR_PERCENT").is_not_null())
    highest = measured["DONOR_PERCENT"].max()
    if not isinstance(highest, float) or not 0 < highest <= 1:
        return
    rows = [str(row) for row in measured[ROW].drop_nulls()] if ROW in measured.columns else []
    shown = ", ".join(rows[:5]) + (f" and {len(rows) - 5} more" if len(rows) > 5 else "")
    where = f", row{'s' if len(rows) > 1 else ''} {shown}" if rows else ""
    raise DataError(
        f"chimerism{where}: the highest DONOR_PERCENT is {highest:g} %: that is a share; expected "
        "percent, such as 97.8, not 0.978: name the column DONOR_PERCENT [1] if the file holds "
        "shares, or correct the values"
    )


def _one_row_each(table: pl.DataFrame | None, name: str) -> dict[str, dict[str, Any]]:
    if table is None:
        return {}
    twice = table.filter(table["USUBJID"].is_duplicated())["USUBJID"].unique().sort()
    if len(twice):
        raise DataError(f"{name}: {twice[0]!r} stands in several rows; expected one: remove one")
    return {str(row["USUBJID"]): row for row in table.iter_rows(named=True)}


def _outcomes(subject: str, zero: date, known: Known, rule: Rule) -> list[dict[str, object]]:
    poor = judge_lineages(known, rule)
    function = conclude(
        judge_definition(known, poor, rule), "poor graft function", "no poor graft function"
    )
    failure = conclude(
        judge_graft_failure(known, rule), "primary graft failure", "no primary graft failure"
    )
    kind, avalc = _kind(function, judge_recoveries(known, poor, rule))
    diagnosed = known.record.get("DIAGNOSED")
    said = "" if diagnosed is None else f"; the investigator says {diagnosed}"
    made = (
        ("PGF", function, _letter(function.verdict), said),
        ("PGFTYPE", kind, avalc, ""),
        ("GRFTFAIL", failure, _letter(failure.verdict), ""),
    )
    return [
        make_outcome(
            subject,
            code,
            zero=zero,
            day=0,
            aval=_number(code, item.verdict),
            avalc=text,
            reason=item.words + more,
            evidence=list_evidence(**item.rows),
        )
        for code, item, text, more in made
    ]


def _kind(function: Item, recovered: list[Item]) -> tuple[Item, str | None]:
    """Return whether each poor lineage had recovered once, and which kind that makes."""
    if not function.verdict:
        words = "no poor graft function" if function.verdict is False else "it is not decidable"
        return Item(None, f"no kind: {words}"), None
    item = conclude(recovered, "recovered once and lost", "never recovered")
    return item, None if item.verdict is None else KINDS[item.verdict]


def _number(code: str, verdict: bool | None) -> float | None:
    if verdict is None:
        return None
    return float(verdict) + (code == "PGFTYPE")


def _letter(verdict: bool | None) -> str | None:
    return None if verdict is None else "NY"[verdict]


ENDPOINT = Endpoint(
    label="Poor graft function at the first dose",
    paramcd="PGF",
    inputs=(
        "counts",
        "doses",
        "transfusions",
        "events",
        "subjects",
        "follow_up",
        "growth_factors",
        "chimerism",
        "grafts",
    ),
    rule=Rule,
    derive=poor_graft_function,
    optional=("follow_up", "growth_factors", "chimerism", "grafts"),
)
