"""Estimands as the report lists them: five attributes, and the numbers that estimate each."""

from collections.abc import Sequence

from sojourn.core.results import Listing, Result
from sojourn.study.definition import (
    ANALYSIS_SETS,
    POPULATION_KINDS,
    IntercurrentEvent,
    Study,
)
from sojourn.study.listings import make_listing

COLUMNS = (
    "ESTIMAND",
    "POPULATION",
    "TREATMENT",
    "VARIABLE",
    "INTERCURRENT_EVENTS",
    "SUMMARY",
    "MAIN",
    "SENSITIVITY",
)


def estimand_listing(study: Study, numbers: Sequence[Result], key: str) -> Listing | None:
    """Return the estimands of `study` with their analyses; None where it names none.

    An analysis that was not run, for want of a table, is marked so.

    References
    ----------
    ICH E9(R1), A.3: population, treatment, variable, intercurrent events, summary.
    """
    if not study.estimands:
        return None
    run = {number.analysisId for number in numbers}
    events = {event.id: event for event in study.intercurrent_events}
    endpoints = {endpoint.id: endpoint for endpoint in study.endpoints}
    rows = [
        (
            estimand.id,
            population_words(study, estimand.population),
            estimand.treatment,
            f"{endpoints[estimand.endpoint].label or estimand.endpoint} ({estimand.param})",
            "; ".join(_event(events[name]) for name in estimand.intercurrent_events),
            estimand.summary,
            _analysis(estimand.main, run),
            ", ".join(_analysis(name, run) for name in estimand.sensitivity),
        )
        for estimand in study.estimands
    ]
    notes = tuple(f"{estimand.id}: {estimand.label}" for estimand in study.estimands)
    return make_listing(
        "estimands", "Estimands (ICH E9(R1))", COLUMNS, rows, key, keys=("ESTIMAND",), notes=notes
    )


def population_words(study: Study, set_id: str) -> str:
    """Return who is meant by the id of a population, a set, or both joined by ``&``."""
    known = {p.id: f"{p.label}: {POPULATION_KINDS[p.kind]}" for p in study.populations}
    parts = set_id.split(" & ")
    named = known | (ANALYSIS_SETS if len(parts) == 1 else _NARROWED)
    return "; of these ".join(named.get(part, part) for part in parts)


_NARROWED = {name: words.removeprefix("dosed, ") for name, words in ANALYSIS_SETS.items()}


def _event(event: IntercurrentEvent) -> str:
    return f"{event.event}: {event.strategy.replace('_', ' ')} ({event.handling})"


def _analysis(name: str, run: set[str]) -> str:
    return name if name in run else f"{name} (not run)"
