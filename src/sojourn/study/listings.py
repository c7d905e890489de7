"""Listings of the clinical tables: what the report shows row by row."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from sojourn.conduct.eligibility import Verdict, check_bounds, check_choice, satisfies
from sojourn.core.results import Cell, Listing
from sojourn.study.day_zero import COUNTED, DAY0
from sojourn.study.definition import Study, StudyCriterion
from sojourn.study.groups import Groups
from sojourn.study.keyed import Tables


def day_zeros(tables: Tables) -> dict[str, date]:
    """Return each subject's day 0: the date of the first dose, or of the study's other origin.

    Nobody without that date has a day 0.
    """
    name, column = (COUNTED, DAY0) if COUNTED in tables else ("doses", "ADT")
    if name not in tables:
        return {}
    dated = tables[name].table.drop_nulls(column)
    first = dated.group_by("USUBJID").agg(pl.col(column).min())
    return dict(first.select("USUBJID", column).iter_rows())


def make_listing(
    listing_id: str,
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    provenance: str,
    *,
    keys: Sequence[str] = (),
    notes: Sequence[str] = (),
    units: Sequence[str] = (),
) -> Listing:
    """Return a listing of `rows` in their order; dates become ISO text."""
    plain = tuple(tuple(_plain(cell) for cell in row) for row in rows)
    return Listing(
        id=listing_id,
        title=title,
        columns=tuple(columns),
        rows=plain,
        provenance=provenance,
        keys=tuple(keys),
        notes=tuple(notes),
        units=tuple(units),
    )


def _plain(cell: Cell | date) -> Cell:
    return cell.isoformat() if isinstance(cell, date) else cell


def adverse_events(tables: Tables, groups: Groups) -> Listing | None:
    """Return adverse events by group and day, or None where the folder has no such table."""
    if "adverse_events" not in tables:
        return None
    zeros = day_zeros(tables)
    rows = [
        (
            row["USUBJID"],
            groups.of.get(row["USUBJID"]),
            _day(row["ADT"], zeros.get(row["USUBJID"])),
            row["AETERM"],
            row["AETOXGR"],
            row["AESER"],
            row["AEREL"],
            row["ROW"],
        )
        for row in tables["adverse_events"].table.sort("USUBJID", "ADT").iter_rows(named=True)
    ]
    columns = ("USUBJID", "GROUP", "DAY", "TERM", "GRADE", "SERIOUS", "RELATED", "ROW")
    return make_listing(
        "adverse_events",
        "Adverse events",
        columns,
        rows,
        tables["adverse_events"].key,
        keys=("USUBJID", "ROW"),
    )


def doses(tables: Tables, groups: Groups) -> Listing | None:
    """Return the doses given; lot and cells are hidden while arms are blinded."""
    if "doses" not in tables:
        return None
    zeros = day_zeros(tables)
    rows = []
    for row in tables["doses"].table.sort("USUBJID", "ADT").iter_rows(named=True):
        cells, weight = row["CELLS"], row["WEIGHT"]
        hidden = groups.is_blinded
        rows.append(
            (
                row["USUBJID"],
                groups.of.get(row["USUBJID"]),
                _day(row["ADT"], zeros.get(row["USUBJID"])),
                None if hidden else row["EXLOT"],
                None if hidden else cells,
                weight,
                None if hidden or not cells or not weight else cells / weight,
                None if hidden else row["IRON"],
                None if hidden else row["RESIDUAL"],
            )
        )
    columns = ("USUBJID", "GROUP", "DAY", "LOT", "CELLS", "WEIGHT", "CELLS_PER_KG", "IRON")
    hiding = "Lot, cells, iron and residual would tell the arm: hidden until unblinding."
    return make_listing(
        "doses",
        "Doses given",
        (*columns, "RESIDUAL"),
        rows,
        tables["doses"].key,
        keys=("USUBJID", "DAY"),
        notes=(hiding,) if groups.is_blinded else (),
        units=("", "", "d", "", "cells", "kg", "cells/kg", "ug", "ug"),
    )


def lots(tables: Tables, groups: Groups) -> Listing | None:
    """Return the product lots with their release tests; no subject stands in them.

    A site writes them down, numbers and times them in the order of its subjects, which tells
    arms: they stand by name, and while arms are blinded by product, without name and custody.
    """
    if "lots" not in tables:
        return None
    columns = ("EXLOT", "PRODUCT", "VIABILITY", "IRON_PER_CELL", "IRON_PER_CELL_SD", "CUSTODY")
    frame = tables["lots"].table.select(columns)
    if groups.is_blinded:
        frame = frame.with_columns(EXLOT=pl.lit(None, pl.String), CUSTODY=pl.lit(None, pl.String))
    hiding = "Names and custody of lots would tell the order of arms: hidden until unblinding."
    return make_listing(
        "lots",
        "Product lots",
        columns,
        frame.sort(columns).iter_rows(),
        tables["lots"].key,
        keys=() if groups.is_blinded else ("EXLOT",),
        notes=(hiding,) if groups.is_blinded else (),
        units=("", "", "1", "pg", "pg", ""),
    )


def counts(tables: Tables) -> Listing | None:
    """Return every blood count by day, null where it was not measured."""
    if "counts" not in tables:
        return None
    zeros = day_zeros(tables)
    ordered = tables["counts"].table.sort("USUBJID", "ADT", "ROW")
    rows = [
        (subject, _day(when, zeros[subject]), anc, hgb, plt, row)
        for subject, when, anc, hgb, plt, row in ordered.select(
            "USUBJID", "ADT", "ANC", "HGB", "PLT", "ROW"
        ).iter_rows()
        if subject in zeros
    ]
    return make_listing(
        "counts",
        "Blood counts",
        ("USUBJID", "DAY", "ANC", "HGB", "PLT", "ROW"),
        rows,
        tables["counts"].key,
        keys=("USUBJID", "DAY", "ROW"),
        units=("", "d", "1/L", "g/L", "1/L", ""),
    )


_MARKS = {"transfusions": "PRODUCT", "growth_factors": "AGENT", "events": "EVENT"}


def marks(tables: Tables) -> Listing | None:
    """Return what happened on which day: doses, transfusions, growth factors, events."""
    zeros = day_zeros(tables)
    rows: list[tuple[Any, ...]] = []
    for name in ("doses", *_MARKS):
        if name not in tables:
            continue
        for row in tables[name].table.iter_rows(named=True):
            if row["USUBJID"] not in zeros:
                continue
            kind = "DOSE" if name == "doses" else row[_MARKS[name]]
            parts = [row.get("DETAIL") or "", f"grade {g}" if (g := row.get("GRADE")) else ""]
            detail = ", ".join(part for part in parts if part)
            day = _day(row["ADT"], zeros[row["USUBJID"]])
            rows.append((row["USUBJID"], day, kind, detail, f"{name}:{row['ROW']}"))
    if not rows:
        return None
    rows.sort(key=lambda r: (r[0], r[1], r[2], r[4]))
    return Listing(
        id="marks",
        title="Doses, transfusions, growth factors and events",
        columns=("USUBJID", "DAY", "KIND", "DETAIL", "EVIDENCE"),
        rows=tuple(rows),
        provenance=tables["doses"].key,
        keys=("USUBJID", "EVIDENCE"),
    )


_CRITERIA = {"AGE": "AGE", "SEX": "SEX"}


def criteria(study: Study, tables: Tables) -> Listing:
    """Return each eligibility criterion and how many subjects meet it, as far as tables tell."""
    subjects = tables["subjects"].table
    rows = []
    for criterion in study.criteria:
        verdicts = [_verdict(criterion, row) for row in subjects.iter_rows(named=True)]
        rows.append(
            (
                criterion.id,
                criterion.kind,
                _asked(criterion),
                "rule" if criterion.rule else "judgement",
                verdicts.count("met"),
                verdicts.count("failed"),
                verdicts.count("unknown"),
            )
        )
    columns = ("ID", "KIND", "TEXT", "STATUS", "N_MET", "N_FAILED", "N_UNKNOWN")
    return Listing(
        id="criteria",
        title="Eligibility criteria: satisfied, not satisfied, not recorded in the tables",
        columns=columns,
        rows=tuple(rows),
        provenance=tables["subjects"].key,
        keys=("ID",),
    )


def _asked(criterion: StudyCriterion) -> str:
    """Return what a criterion asks: its text, what a person judges, or the rule's item."""
    if criterion.text or criterion.judgement:
        return criterion.text or criterion.judgement or ""
    return criterion.rule.item.replace("_", " ").lower() if criterion.rule else ""


def _verdict(criterion: StudyCriterion, row: Mapping[str, Any]) -> Verdict:
    rule = criterion.rule
    if rule is None or rule.item not in _CRITERIA:
        return "unknown"
    value = row[_CRITERIA[rule.item]]
    if rule.one_of:
        verdict = check_choice(value, rule.one_of)
    else:
        verdict = check_bounds(
            value, low=rule.min, high=rule.max, above=rule.above, below=rule.below
        )
    return satisfies(criterion.kind, verdict)


def _day(when: date | None, zero: date | None) -> int | None:
    return None if when is None or zero is None else (when - zero).days
