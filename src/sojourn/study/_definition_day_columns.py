"""Columns that an analysis takes as days: each must come from a time to an event."""

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from sojourn.study._definition_entries import Study, StudyEndpoint
from sojourn.study._definition_errors import suggestion
from sojourn.study._definition_plan import StudyAnalysis

DAY_SETTINGS = ("status_day", "known_on", "changes_at")
"""Settings of a statistic that name a column of days: of a landmark, and of a Cox model."""

ORIGIN = "origin"
"""What `known_on` says in place of a column, where the group is an assigned arm."""

TIMES: Mapping[str, tuple[str, ...]] = {
    "acute_gvhd": ("AGVHD[0-9]",),
    "adverse_events": (),
    "cavity_retention": (),
    "chronic_gvhd": ("CGVHD[0-9]",),
    "disease_free_survival": ("DFS",),
    "gvhd_relapse_free_survival": ("GRFS",),
    "hemoglobin_recovery": ("HGBREC",),
    "hemogram_response": (),
    "immune_reconstitution": ("CD4REC",),
    "infection": ("INFG[0-9]",),
    "kellgren_lawrence": (),
    "lab_toxicity": (),
    "neutrophil_recovery": ("ANCREC",),
    "non_relapse_mortality": ("NRM",),
    "omeract_oarsi": (),
    "overall_survival": ("OS",),
    "platelet_response": ("PLTCR", "PLTPR"),
    "poor_graft_function": (),
    "relapse": ("RELAPSE",),
    "sf36": (),
    "vas_pain": (),
    "womac": (),
}
"""Parameters (PARAMCD, with wildcards) that are times to an event, by endpoint plug-in: their AVAL
is a day. Of a plug-in that is not here the run tells, by its rows (`day_columns`)."""


def day_columns(analysis: StudyAnalysis) -> tuple[str, ...]:
    """Return the columns that the settings of `analysis` take as days."""
    named = (analysis.settings.get(key) for key in DAY_SETTINGS)
    return tuple(name for name in named if isinstance(name, str) and name != ORIGIN)


def day_problems(where: str, analysis: StudyAnalysis, study: Study) -> Iterator[str]:
    """Yield why a column may not pass as a day.

    A response is a class with the number 1 or 0: taken as a day, everybody, also who did not
    respond, would have responded by day 1. And a day that is counted from another origin than the
    times of the analysis is another day.

    References
    ----------
    Anderson, Cain and Gelber, J. Clin. Oncol. 1 (1983) 710.
    """
    endpoints = {endpoint.id: endpoint for endpoint in study.endpoints}
    for key in DAY_SETTINGS:
        name = analysis.settings.get(key)
        if not isinstance(name, str) or (key == "known_on" and name == ORIGIN):
            continue
        here = f"{where}.settings.{key}"
        if name not in analysis.columns:
            yield (
                f"{here}: {name!r} is none of the analysis' columns"
                f"{suggestion(name, tuple(analysis.columns))}; a day comes from a time to an "
                "event, by columns = {NAME = 'endpoint.PARAM'}"
            )
            continue
        source, _, param = analysis.columns[name].partition(".")
        if source not in endpoints:
            continue
        if not _is_time(endpoints[source], param):
            yield _no_time(here, name, analysis.columns[name], study.endpoints)
        elif analysis.endpoint in endpoints:
            yield from _other_clock(here, endpoints[source], endpoints[analysis.endpoint])


def _is_time(endpoint: StudyEndpoint, param: str) -> bool:
    known = TIMES.get(endpoint.use)
    return known is None or any(fnmatchcase(param, pattern) for pattern in known)


def _no_time(here: str, name: str, place: str, endpoints: Sequence[StudyEndpoint]) -> str:
    times = [f"{e.id}.{code}" for e in endpoints for code in TIMES.get(e.use, ())]
    return (
        f"{here} takes the column {name} ({place}) as a day, but {place} is no time to an event: "
        "a class that is 1 or 0 would make everybody a responder by day 1; times in this file: "
        f"{', '.join(times) or 'none'}"
    )


def _other_clock(here: str, source: StudyEndpoint, analysed: StudyEndpoint) -> Iterator[str]:
    clocks = [str(e.rule.get("origin", "first_dose")) for e in (source, analysed)]
    if clocks[0] != clocks[1]:
        yield (
            f"{here} takes days from the {clocks[0].replace('_', ' ')} ({source.id}), but the "
            f"times of {analysed.id} count from the {clocks[1].replace('_', ' ')}: name an "
            "endpoint with the same origin"
        )
