"""Endpoints and analyses of a study file, run on tables: outcomes and their estimates."""

from collections.abc import Mapping, Sequence
from typing import Any

from sojourn.core.analyses import Analysis, GroupEstimate
from sojourn.core.endpoints import Endpoint
from sojourn.core.provenance import Provenance
from sojourn.core.registry import Registry
from sojourn.core.results import Result, bound
from sojourn.study.analysed import Analysed, Material, analysed_rows
from sojourn.study.definition import DayZero, StudyAnalysis, StudyEndpoint
from sojourn.study.keyed import Keyed, Tables
from sojourn.study.ledger import Ledger
from sojourn.study.store import Store

endpoints: Registry[Endpoint] = Registry("sojourn.endpoints", "ENDPOINT")
analyses: Registry[Analysis] = Registry("sojourn.statistics", "ANALYSIS")

_TELLING = {
    "events": "deaths, relapses and lost grafts are not known, and no rule on them could apply",
    "follow_up": "where observation ended is not known",
}
"""Optional tables whose absence changes what an outcome means, and how."""


def derive_outcomes(
    endpoint: StudyEndpoint,
    tables: Mapping[str, Keyed],
    store: Store,
    ledger: Ledger,
    day_zero: DayZero,
) -> Keyed:
    """Return the outcomes of one endpoint of the study file, derived or from the store.

    The stage names the origin of its days: `day_zero`, or the rule's own ``origin``.
    """
    plugin = endpoints.get(endpoint.use)
    present = [name for name in plugin.inputs if name in tables]
    provenance = Provenance(
        f"derive {endpoint.use}",
        tuple(tables[name].key for name in present),
        {
            "endpoint": endpoint.id,
            "rule": plugin.check_rule(endpoint.rule).model_dump(mode="json"),
            "tables": present,
            "origin": origin_of(endpoint, day_zero),
        },
    )
    key = ledger.stage(provenance)
    made = store.table(
        provenance,
        lambda: plugin({name: tables[name].table for name in present}, rule=endpoint.rule),
    )
    return Keyed(made, key)


def origin_of(endpoint: StudyEndpoint, day_zero: DayZero) -> str:
    """Return what an endpoint's days are counted from, in words.

    A rule's own origin "first_dose" is the study's day 0, whatever that is.
    """
    rule = endpoints.get(endpoint.use).check_rule(endpoint.rule)
    own = getattr(rule, "origin", None)
    if own in (None, "first_dose"):
        return day_zero.words
    return f"{own} (the endpoint's own rule; day 0 is {day_zero.words})"


def estimate_analysis(
    analysis: StudyAnalysis, material: Material, store: Store, ledger: Ledger
) -> tuple[list[Result], Analysed]:
    """Return the numbers of one analysis, ready for the table of results, and the rows it took."""
    analysed = analysed_rows(analysis, material)
    parameters: dict[str, Any] = {
        "analysis": analysis.id,
        "endpoint": analysis.endpoint,
        "param": analysis.param,
        "settings": dict(analysis.settings),
        "by": analysis.by,
        "set": analysis.set_id,
        "is_blinded": material.groups.is_blinded,
        **_further(analysis),
    }
    endpoint = next(e for e in material.study.endpoints if e.id == analysis.endpoint)
    parameters["origin"] = origin_of(endpoint, material.study.day_zero)
    provenance = Provenance(f"estimate {analysis.use}", analysed.keys, parameters)
    key = ledger.stage(provenance)
    document = store.document(
        provenance,
        lambda: [
            _as_document(estimate, analysed.notes.get(estimate.group, ()))
            for estimate in analyses.get(analysis.use)(analysed.rows, settings=analysis.settings)
        ],
    )
    main = document[0]["operation"] if document else ""
    without = tables_without(endpoint, material.tables)
    for entry in document:
        entry["notes"] = [*entry["notes"], *without]
    return [_as_result(analysis, entry, key, main) for entry in document], analysed


def tables_without(endpoint: StudyEndpoint, tables: Tables) -> list[str]:
    """Return what an endpoint could not see, for each absent table that may change its meaning."""
    optional = endpoints.get(endpoint.use).optional
    return [
        f"derived without the table {name}: {words}"
        for name, words in _TELLING.items()
        if name in optional and name not in tables
    ]


def _further(analysis: StudyAnalysis) -> dict[str, Any]:
    """Return what else the analysis states about its rows."""
    stated = {
        "params": list(analysis.params),
        "visits": list(analysis.visits),
        "columns": dict(analysis.columns),
        "missing_as": analysis.missing_as,
    }
    return {name: value for name, value in stated.items() if value}


def _as_document(made: GroupEstimate, outside: Sequence[str]) -> dict[str, Any]:
    document: dict[str, Any] = {
        "group": made.group,
        "operation": made.operation,
        "label": made.label,
        "n": made.n,
        "p_value": made.p_value,
        "reason": made.reason,
        "estimate": None,
        "notes": list(outside),
    }
    if (estimate := made.estimate) is not None:
        document["notes"] = [*estimate.notes, *outside]
        document["estimate"] = {
            "value": estimate.value,
            "unit": estimate.unit,
            "lower": bound(estimate.lower),
            "upper": bound(estimate.upper),
            "level": estimate.level,
            "method": estimate.method,
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
        analysisSetId=analysis.set_id,
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
        notes=tuple(entry["notes"]),
    )


def run_analyses(
    material: Material, store: Store, ledger: Ledger
) -> tuple[list[Result], dict[str, Analysed]]:
    """Return the numbers of every analysis whose endpoint was derived, in the study's order.

    And the rows that each analysis took, by its id.
    """
    results: list[Result] = []
    taken: dict[str, Analysed] = {}
    for analysis in material.study.analyses:
        if analysis.endpoint in material.outcomes:
            numbers, taken[analysis.id] = estimate_analysis(analysis, material, store, ledger)
            results += numbers
    return results, taken
