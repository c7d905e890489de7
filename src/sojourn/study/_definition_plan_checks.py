"""What must hold between populations, analyses, estimands, tests and day 0 of a study file."""

from collections.abc import Iterator, Sequence

import polars as pl

from sojourn.core.analyses import GROUP
from sojourn.core.endpoints import OUTCOME
from sojourn.core.tables import SUBJECTS, TABLES
from sojourn.study._definition_day_columns import day_problems
from sojourn.study._definition_entries import Study
from sojourn.study._definition_errors import suggestion
from sojourn.study._definition_plan import ANALYSIS_SETS, Estimand, StudyAnalysis

TIME_TO_EVENT = frozenset(
    {
        "kaplan_meier",
        "restricted_mean",
        "log_rank",
        "cox",
        "cumulative_incidence",
        "gray_test",
        "fine_gray",
    }
)
"""Statistics that follow subjects from day 0 to an event."""

AT_LANDMARK = frozenset({"landmark"})
"""Statistics that follow subjects from a later day, by what was known of them then."""

_COLUMN_SETTINGS = ("covariates", "strata")
_FROM_ROWS = ("BASE", "ENTRY", "AVISIT")


def plan_problems(study: Study) -> Iterator[str]:
    """Yield what does not hold together, in words."""
    yield from _day_zero(study)
    yield from _populations(study)
    for i, analysis in enumerate(study.analyses):
        where = f"analyses[{i}] ({analysis.id})"
        yield from _analysis(where, analysis, study)
        yield from immortal_time(where, analysis)
    yield from _events(study)
    for i, estimand in enumerate(study.estimands):
        yield from _estimand(f"estimands[{i}] ({estimand.id})", estimand, study)
    yield from _coverage(study)
    yield from _family(study)


def immortal_time(where: str, analysis: StudyAnalysis) -> Iterator[str]:
    """Yield why an analysis from day 0 may not be split by what happened after day 0.

    Who responds has lived until he responded: comparing responders with the others from day 0
    gives the response the credit for time in which a responder could not have died, and credits
    a product with what recovered by itself. From a landmark on, by what was known at it, is fair.

    References
    ----------
    Anderson, Cain and Gelber, J. Clin. Oncol. 1 (1983) 710.
    """
    if analysis.use in TIME_TO_EVENT and analysis.columns:
        name, place = next(iter(analysis.columns.items()))
        yield (
            f"{where}: {analysis.use} counts time from day 0, but its column {name} ({place}) is "
            "known only later: who responds has lived until then, and spontaneous recovery would "
            f"count for the product; use {', '.join(sorted(AT_LANDMARK))} in its place"
        )


def _day_zero(study: Study) -> Iterator[str]:
    table, column = study.day_zero.place
    if table not in TABLES:
        yield from _absent("day_zero.table", table, tuple(TABLES))
        return
    dates = [c.name for c in TABLES[table].columns if c.dtype == pl.Date]
    yield from _absent("day_zero.column", column, dates)
    if study.day_zero.event == "first_dose" and (table, column) != ("doses", "ADT"):
        yield f"day_zero: the first dose stands in doses.ADT, not in {table}.{column}"
    if study.day_zero.event != "first_dose" and study.imaging is not None:
        yield "day_zero: imaging counts from the injection; event must be 'first_dose'"


def _populations(study: Study) -> Iterator[str]:
    visits = [visit.name for visit in study.visits]
    for i, population in enumerate(study.populations):
        where = f"populations[{i}] ({population.id})"
        if population.id in ANALYSIS_SETS:
            yield f"{where}: {population.id} is the name of an analysis set; choose another"
        for name in population.visits:
            yield from _absent(f"{where}.visits", name, visits)


def _analysis(where: str, analysis: StudyAnalysis, study: Study) -> Iterator[str]:
    if analysis.population is not None:
        ids = [population.id for population in study.populations]
        yield from _absent(f"{where}.population", analysis.population, ids)
    endpoints = [endpoint.id for endpoint in study.endpoints]
    for name, place in analysis.columns.items():
        endpoint, dot, param = place.partition(".")
        if not dot or not param:
            yield f"{where}.columns.{name} is {place!r}; expected 'endpoint.PARAM'"
        yield from _absent(f"{where}.columns.{name}", endpoint, endpoints)
        if name in OUTCOME or name in (GROUP, *SUBJECTS.schema):
            yield f"{where}.columns: {name} is a column already; choose another name"
    accepted = [*analysis.columns, *_FROM_ROWS, *(c.name for c in SUBJECTS.columns)]
    for key in _COLUMN_SETTINGS:
        value = analysis.settings.get(key, ())
        for name in (value,) if isinstance(value, str) else value:
            yield from _absent(f"{where}.settings.{key}", name, accepted)
    yield from day_problems(where, analysis, study)


def _events(study: Study) -> Iterator[str]:
    ids = [event.id for event in study.intercurrent_events if event.id is not None]
    for name in sorted({n for n in ids if ids.count(n) > 1}):
        yield f"intercurrent_events: the id {name!r} is there twice; each needs its own"


def _estimand(where: str, estimand: Estimand, study: Study) -> Iterator[str]:
    analyses = {analysis.id: analysis for analysis in study.analyses}
    for name in (estimand.main, *estimand.sensitivity):
        yield from _absent(f"{where}.main and sensitivity", name, tuple(analyses))
    if (main := analyses.get(estimand.main)) is None:
        return
    if main.role == "sensitivity":
        yield f"{where}.main: {main.id} is a sensitivity analysis; name it in sensitivity"
    for key, found in (
        ("population", main.set_id),
        ("endpoint", main.endpoint),
        ("param", main.param),
    ):
        if getattr(estimand, key) != found:
            stated = getattr(estimand, key)
            yield f"{where}.{key} is {stated!r}; its main analysis {main.id} has {found!r}"
    for name in estimand.sensitivity:
        if name in analyses and analyses[name].role != "sensitivity":
            yield f"{where}.sensitivity: {name} has the role {analyses[name].role}"
    yield from _strategies(where, estimand, study)


def _strategies(where: str, estimand: Estimand, study: Study) -> Iterator[str]:
    """Yield events that the estimand names in vain, and those that it should name."""
    events = {event.id: event for event in study.intercurrent_events if event.id is not None}
    for name in estimand.intercurrent_events:
        yield from _absent(f"{where}.intercurrent_events", name, tuple(events))
        if name in events and estimand.endpoint not in events[name].endpoints:
            yield f"{where}.intercurrent_events: {name} does not touch {estimand.endpoint}"
    for event in study.intercurrent_events:
        if estimand.endpoint not in event.endpoints or event.id in estimand.intercurrent_events:
            continue
        name = event.id or f"{event.event!r}, which needs an id,"
        yield f"{where}.intercurrent_events: {name} touches {estimand.endpoint}, and is not named"


def _coverage(study: Study) -> Iterator[str]:
    ids = [estimand.id for estimand in study.estimands]
    for name in sorted({n for n in ids if ids.count(n) > 1}):
        yield f"estimands: the id {name!r} is there twice; each needs its own"
    if study.estimands:
        mains = {estimand.main for estimand in study.estimands}
        for analysis in study.analyses:
            if analysis.role == "primary" and analysis.id not in mains:
                yield f"analysis {analysis.id} is primary, but no estimand has it as main"


def _family(study: Study) -> Iterator[str]:
    if study.multiplicity is None:
        return
    roles = {analysis.id: analysis.role for analysis in study.analyses}
    family = study.multiplicity.family
    for name in family:
        yield from _absent("multiplicity.family", name, tuple(roles))
        if roles.get(name, "primary") not in ("primary", "secondary"):
            yield f"multiplicity.family: {name} is {roles[name]}; only primary and secondary decide"
    for name in sorted({n for n in family if family.count(n) > 1}):
        yield f"multiplicity.family: {name} is named twice"


def _absent(where: str, found: str, accepted: Sequence[str]) -> Iterator[str]:
    if found not in accepted:
        yield f"{where}: there is no {found!r}{suggestion(found, accepted)}"
