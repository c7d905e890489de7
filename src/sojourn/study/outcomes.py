"""Endpoints and analyses of a study file, run on tables: outcomes and their estimates."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from sojourn.core.analyses import GROUP, Analysis, GroupEstimate
from sojourn.core.endpoints import Endpoint
from sojourn.core.provenance import Provenance
from sojourn.core.registry import Registry
from sojourn.core.results import Result, bound
from sojourn.study.analysis_sets import SetMembers, baseline_endpoint, set_members
from sojourn.study.definition import Study, StudyAnalysis, StudyEndpoint
from sojourn.study.groups import EVERYBODY, Groups
from sojourn.study.ledger import Ledger
from sojourn.study.store import Store

endpoints: Registry[Endpoint] = Registry("sojourn.endpoints", "ENDPOINT")
analyses: Registry[Analysis] = Registry("sojourn.statistics", "ANALYSIS")


@dataclass(frozen=True, slots=True)
class Keyed:
    """A table with the key of the stage that made it."""

    table: pl.DataFrame
    key: str


def derive_outcomes(
    endpoint: StudyEndpoint, tables: Mapping[str, Keyed], store: Store, ledger: Ledger
) -> Keyed:
    """Return the outcomes of one endpoint of the study file, derived or from the store."""
    plugin = endpoints.get(endpoint.use)
    present = [name for name in plugin.inputs if name in tables]
    provenance = Provenance(
        f"derive {endpoint.use}",
        tuple(tables[name].key for name in present),
        {
            "endpoint": endpoint.id,
            "rule": plugin.check_rule(endpoint.rule).model_dump(mode="json"),
            "tables": present,
        },
    )
    key = ledger.stage(provenance)
    made = store.table(
        provenance,
        lambda: plugin({name: tables[name].table for name in present}, rule=endpoint.rule),
    )
    return Keyed(made, key)


def estimate_analysis(
    analysis: StudyAnalysis,
    outcomes: Keyed,
    groups: Groups,
    allocation_key: str | None,
    store: Store,
    ledger: Ledger,
    baseline: Keyed | None = None,
    doses: Keyed | None = None,
) -> list[Result]:
    """Return the numbers of one analysis, each ready for the table of results.

    `baseline` are the outcomes that tell who belongs to the analysis set; None takes everybody
    who was dosed. `doses` tell who was: without a dose there is no day 0, and no analysis set.
    """
    by_arm = analysis.by == "arm"
    inputs = [outcomes.key, *([allocation_key] if by_arm and allocation_key else [])]
    inputs += [k.key for k in (baseline, doses) if k is not None and k.key not in inputs]
    parameters: dict[str, Any] = {
        "analysis": analysis.id,
        "endpoint": analysis.endpoint,
        "param": analysis.param,
        "settings": dict(analysis.settings),
        "by": analysis.by,
        "set": analysis.set,
        "is_blinded": groups.is_blinded,
    }
    provenance = Provenance(f"estimate {analysis.use}", tuple(inputs), parameters)
    key = ledger.stage(provenance)
    everybody = grouped(
        outcomes.table.filter(pl.col("PARAMCD") == analysis.param), groups, analysis.by
    )
    dosed = [] if doses is None else doses.table["USUBJID"].unique().to_list()
    rows = everybody.filter(pl.col("USUBJID").is_in(dosed))
    members = set_members(analysis, baseline.table) if baseline else SetMembers()
    document = store.document(
        provenance,
        lambda: [
            _as_document(
                estimate,
                [
                    _undosed_note(everybody, rows, estimate.group),
                    members.note(rows.filter(pl.col(GROUP) == estimate.group)),
                ],
            )
            for estimate in analyses.get(analysis.use)(
                members.restrict(rows), settings=analysis.settings
            )
        ],
    )
    main = document[0]["operation"] if document else ""
    return [_as_result(analysis, entry, key, main) for entry in document]


def _undosed_note(everybody: pl.DataFrame, rows: pl.DataFrame, group: str) -> str:
    """Return how many subjects of a group have no dose, or nothing."""
    all_, dosed = (frame.filter(pl.col(GROUP) == group).height for frame in (everybody, rows))
    return f"{all_ - dosed} of {all_} without a dose, outside every set" if all_ > dosed else ""


def grouped(outcomes: pl.DataFrame, groups: Groups, by: str) -> pl.DataFrame:
    """Return outcome rows of allocated subjects with their group."""
    codes = [
        (EVERYBODY if by == "all" else groups.of.get(subject)) if subject in groups.of else None
        for subject in outcomes["USUBJID"].to_list()
    ]
    return outcomes.with_columns(pl.Series(GROUP, codes, dtype=pl.String)).drop_nulls(GROUP)


def _as_document(made: GroupEstimate, outside: list[str]) -> dict[str, Any]:
    document: dict[str, Any] = {
        "group": made.group,
        "operation": made.operation,
        "label": made.label,
        "n": made.n,
        "p_value": made.p_value,
        "reason": made.reason,
        "estimate": None,
    }
    if (estimate := made.estimate) is not None:
        document["estimate"] = {
            "value": estimate.value,
            "unit": estimate.unit,
            "lower": bound(estimate.lower),
            "upper": bound(estimate.upper),
            "level": estimate.level,
            "method": estimate.method,
            "notes": [*estimate.notes, *(note for note in outside if note)],
        }
    return document


def _as_result(analysis: StudyAnalysis, entry: Mapping[str, Any], key: str, main: str) -> Result:
    estimate = entry["estimate"] or {}
    unbounded = estimate and (estimate["lower"] is None or estimate["upper"] is None)
    return Result(
        id=f"{analysis.id}/{entry['group']}/{entry['operation']}",
        analysisId=analysis.id,
        groupId=entry["group"],
        operationId=entry["operation"],
        analysisSetId=analysis.set,
        methodId=estimate.get("method", analysis.use),
        label=(
            analysis.label if entry["operation"] == main else f"{analysis.label}: {entry['label']}"
        ),
        role=analysis.role,
        rawValue=estimate.get("value"),
        unit=estimate.get("unit", ""),
        lower=estimate.get("lower"),
        upper=estimate.get("upper"),
        level=estimate.get("level"),
        boundNote=entry["reason"]
        or ("the data do not bound this number on one side" if unbounded else ""),
        pValue=entry["p_value"],
        n=entry["n"],
        provenance=key,
        notes=tuple(estimate.get("notes", ())),
    )


def run_analyses(
    study: Study,
    outcomes: Mapping[str, Keyed],
    groups: Groups,
    allocation_key: str | None,
    store: Store,
    ledger: Ledger,
    doses: Keyed | None = None,
) -> list[Result]:
    """Return the numbers of every analysis whose endpoint was derived, in the study's order."""
    results: list[Result] = []
    for analysis in study.analyses:
        if analysis.endpoint in outcomes:
            telling = baseline_endpoint(study, analysis)
            results += estimate_analysis(
                analysis,
                outcomes[analysis.endpoint],
                groups,
                allocation_key,
                store,
                ledger,
                outcomes.get(telling) if telling else None,
                doses,
            )
    return results
