"""Listings that clinical figures are drawn from: incidence curves, values over time, shifts."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from sojourn.core.provenance import Provenance
from sojourn.core.results import Listing
from sojourn.study import listings
from sojourn.study.analysed import Analysed
from sojourn.study.definition import Study
from sojourn.study.groups import Groups
from sojourn.study.keyed import Keyed
from sojourn.study.ledger import Ledger

INCIDENCE = ("GROUP", "CAUSE", "NAME", "TIME", "AT_RISK", "EVENTS", "CIF", "LOWER", "UPPER")
SERIES = ("USUBJID", "GROUP", "VISIT", "DAY", "VALUE", "NOTE", "EVIDENCE")
SHIFT = ("USUBJID", "GROUP", "TEST", "BASELINE", "WORST", "NOTE", "EVIDENCE")

_SHIFTED = re.compile(r"([0-4]|NM)->([0-4]|NM)")
_NAMES = {0: "the event", 2: "death first", 3: "another event first"}
_EVENTS = {
    "neutrophil_recovery": "neutrophils recovered",
    "hemoglobin_recovery": "hemoglobin recovered",
    "platelet_response": "platelets recovered",
    "infection": "infection",
    "acute_gvhd": "acute graft-versus-host disease",
    "chronic_gvhd": "chronic graft-versus-host disease",
    "immune_reconstitution": "enough CD4",
    "relapse": "relapse or loss of the graft",
    "non_relapse_mortality": "death without relapse",
}
"""What the event of interest is, by endpoint plug-in."""


def clinical_listings(
    study: Study,
    taken: Mapping[str, Analysed],
    outcomes: Mapping[str, Keyed],
    groups: Groups,
    ledger: Ledger,
) -> Iterator[Listing]:
    """Yield the listings of incidence curves, of values over visits, and of laboratory shifts."""
    yield from _incidences(study, taken, ledger)
    for endpoint in study.endpoints:
        if endpoint.id not in outcomes:
            continue
        keyed = outcomes[endpoint.id]
        if endpoint.use == "lab_toxicity":
            yield _shifts(endpoint.id, keyed, groups)
        else:
            yield from _series(endpoint.id, endpoint.label or endpoint.id, keyed, groups)


def _incidences(study: Study, taken: Mapping[str, Analysed], ledger: Ledger) -> Iterator[Listing]:
    """Yield the curves of every analysis of cumulative incidence, from the rows that it used."""
    from sojourn.statistics.cumulative_incidence import Settings, curve

    for analysis in study.analyses:
        if analysis.use != "cumulative_incidence" or analysis.id not in taken:
            continue
        analysed = taken[analysis.id]
        settings = Settings.model_validate(dict(analysis.settings))
        provenance = Provenance(
            "cumulative_incidence curve",
            analysed.keys,
            {"analysis": analysis.id, "param": analysis.param, "set": analysis.set_id},
        )
        names = cause_names(study, analysis.endpoint) | settings.names
        made = curve(analysed.rows, settings).with_columns(
            pl.col("CAUSE").replace_strict(names, default="", return_dtype=pl.String).alias("NAME")
        )
        yield listings.make_listing(
            f"cif_{analysis.id}",
            analysis.label,
            INCIDENCE,
            made.select(INCIDENCE).iter_rows(),
            ledger.stage(provenance),
            keys=("GROUP", "CAUSE", "TIME"),
            units=("", "", "", "d", "", "", "1", "1", "1"),
        )


def cause_names(study: Study, endpoint_id: str) -> dict[int, str]:
    """Return what each cause of an endpoint is, by its CNSR: the event, death, what else came."""
    endpoint = next(e for e in study.endpoints if e.id == endpoint_id)
    names = dict(_NAMES)
    if endpoint.use in _EVENTS:
        names[0] = _EVENTS[endpoint.use]
    if endpoint.use == "non_relapse_mortality":
        names[3] = "relapse or loss of the graft first"
    elif others := endpoint.rule.get("competing"):
        names[3] = " or ".join(str(o).lower().replace("_", " ") for o in others) + " first"
    return names


def _series(endpoint: str, label: str, keyed: Keyed, groups: Groups) -> Iterator[Listing]:
    """Yield one listing for each parameter that has a row for each visit."""
    visited = keyed.table.drop_nulls("AVISIT")
    for param in visited["PARAMCD"].unique().sort().to_list():
        rows: list[tuple[Any, ...]] = [
            (
                row["USUBJID"],
                groups.of.get(row["USUBJID"]),
                row["AVISIT"],
                row["DAY"],
                row["AVAL"],
                row["REASON"],
                row["EVIDENCE"],
            )
            for row in visited.filter(pl.col("PARAMCD") == param)
            .sort("USUBJID", "DAY", "AVISIT", nulls_last=True)
            .iter_rows(named=True)
        ]
        yield listings.make_listing(
            f"series_{endpoint}_{param}",
            f"{label}: {param} by visit",
            SERIES,
            rows,
            keyed.key,
            keys=("USUBJID", "VISIT"),
        )


def _shifts(endpoint: str, keyed: Keyed, groups: Groups) -> Listing:
    """Return baseline and worst grade of each subject and laboratory test."""
    rows: list[tuple[Any, ...]] = []
    for row in keyed.table.sort("PARAMCD", "USUBJID").iter_rows(named=True):
        found = _SHIFTED.fullmatch(row["AVALC"] or "")
        if found is None:
            continue
        grades = [None if grade == "NM" else int(grade) for grade in found.groups()]
        who = (row["USUBJID"], groups.of.get(row["USUBJID"]), row["PARAMCD"])
        rows.append((*who, *grades, row["REASON"], row["EVIDENCE"]))
    return listings.make_listing(
        f"shift_{endpoint}",
        "Laboratory grades: at baseline and the worst afterwards (CTCAE v5)",
        SHIFT,
        rows,
        keyed.key,
        keys=("TEST", "USUBJID"),
    )
