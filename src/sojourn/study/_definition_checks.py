"""What must hold between the entries of a study file, and between it and the plug-ins."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from sojourn.core.analyses import Analysis
from sojourn.core.endpoints import Endpoint
from sojourn.core.errors import DataError, PluginError
from sojourn.core.registry import Registry
from sojourn.core.tables import TABLES
from sojourn.study._definition_base import Entry
from sojourn.study._definition_entries import Study
from sojourn.study._definition_errors import explained, keys_of, suggestion
from sojourn.study._definition_plan_checks import plan_problems

T = TypeVar("T")

_ENDPOINTS: Registry[Endpoint] = Registry("sojourn.endpoints", "ENDPOINT")
_ANALYSES: Registry[Analysis] = Registry("sojourn.statistics", "ANALYSIS")

_UNIQUE = (
    ("arms", "code"),
    ("visits", "name"),
    ("endpoints", "id"),
    ("populations", "id"),
    ("analyses", "id"),
    ("criteria", "id"),
)


def check_study_file(study: Study) -> None:
    """Raise the first thing that does not hold together; see the functions below.

    Raises
    ------
    DataError
        naming the entry, what was found and what is accepted.
    """
    for problem in _problems(study):
        raise DataError(problem)


def _problems(study: Study) -> Iterator[str]:
    yield from _duplicates(study)
    yield from _plugins(study)
    yield from _dangling(study)
    yield from _visits(study)
    yield from _roles(study)
    yield from _imaging(study)
    yield from plan_problems(study)
    yield from _assumed_keys(study)


def _duplicates(study: Study) -> Iterator[str]:
    for table, key in _UNIQUE:
        seen: dict[str, int] = {}
        for i, entry in enumerate(getattr(study, table)):
            value = getattr(entry, key)
            if value in seen:
                first = f"{table}[{seen[value]}]"
                yield f"{table}[{i}].{key} is {value!r}, as is {first}; each needs its own"
            seen[value] = i


def _dangling(study: Study) -> Iterator[str]:
    endpoints = [endpoint.id for endpoint in study.endpoints]
    arms = [arm.code for arm in study.arms]
    for i, analysis in enumerate(study.analyses):
        where = f"analyses[{i}] ({analysis.id})"
        yield from _missing(f"{where}.endpoint", analysis.endpoint, endpoints)
        if analysis.arm is not None:
            yield from _missing(f"{where}.arm", analysis.arm, arms)
    for i, endpoint in enumerate(study.endpoints):
        if endpoint.base is not None:
            where, earlier = f"endpoints[{i}] ({endpoint.id})", study.endpoints[:i]
            same_use = [e.id for e in earlier if e.use == endpoint.use]
            yield from _missing(f"{where}.base", endpoint.base, same_use)
    for i, event in enumerate(study.intercurrent_events):
        for name in event.endpoints:
            yield from _missing(f"intercurrent_events[{i}].endpoints", name, endpoints)
    for i, planned in enumerate(study.planning):
        ids = [analysis.id for analysis in study.analyses]
        yield from _missing(f"planning[{i}].analysis", planned.analysis, ids)


def _missing(where: str, found: str, accepted: Sequence[str]) -> Iterator[str]:
    if found not in accepted:
        yield f"{where}: there is no {found!r} in this file{suggestion(found, accepted)}"


def _visits(study: Study) -> Iterator[str]:
    names = [visit.name for visit in study.visits]
    for i, visit in enumerate(study.visits):
        for table in visit.collects:
            yield from _missing(f"visits[{i}] ({visit.name}).collects", table, tuple(TABLES))
    for i in range(1, len(study.visits)):
        earlier, later = study.visits[i - 1], study.visits[i]
        if (later.day, later.window_days) < (earlier.day, earlier.window_days):
            yield (
                f"visits[{i}] ({later.name}): day {later.day}, window_days "
                f"{list(later.window_days)} comes before {earlier.name}; order visits by day"
            )
    for i, endpoint in enumerate(study.endpoints):
        for key in ("visit", "baseline"):
            if isinstance(name := endpoint.rule.get(key), str):
                yield from _missing(f"endpoints[{i}] ({endpoint.id}).rule.{key}", name, names)


def _roles(study: Study) -> Iterator[str]:
    primary = {e.id for e in study.endpoints if e.role == "primary"}
    analyses = [a for a in study.analyses if a.role == "primary"]
    if study.headline is not None:
        yield from _missing("headline", study.headline, [a.id for a in analyses])
    elif analyses:
        yield "headline is missing: name the one primary analysis that answers first"
    for analysis in analyses:
        if analysis.endpoint not in primary:
            yield f"analysis {analysis.id} is primary, its endpoint {analysis.endpoint} is not"
    if study.analyses:
        for endpoint in sorted(primary - {a.endpoint for a in analyses}):
            yield f"endpoint {endpoint} is primary but has no primary analysis"


def _imaging(study: Study) -> Iterator[str]:
    imaging = study.imaging
    if imaging is None:
        return
    visits = [visit.name for visit in study.visits]
    for key in ("baseline", "denominator_visit"):
        yield from _missing(f"imaging.{key}", getattr(imaging, key), visits)
    for name in imaging.visits:
        yield from _missing("imaging.visits", name, visits)
    for name in (imaging.cavity, *imaging.denominator_regions):
        yield from _missing("imaging.regions", name, imaging.regions)


def _plugins(study: Study) -> Iterator[str]:
    rules = _models(_ENDPOINTS, {e.use for e in study.endpoints}, lambda plugin: plugin.rule)
    for i, endpoint in enumerate(study.endpoints):
        where = f"endpoints[{i}] ({endpoint.id})"
        yield from _unfit(where, "rule", endpoint.rule, rules[endpoint.use])
    settings = _models(_ANALYSES, {a.use for a in study.analyses}, lambda plugin: plugin.settings)
    for i, analysis in enumerate(study.analyses):
        where = f"analyses[{i}] ({analysis.id})"
        yield from _unfit(where, "settings", analysis.settings, settings[analysis.use])


def _models(
    registry: Registry[T], names: Iterable[str], model: Callable[[T], type[BaseModel]]
) -> dict[str, type[BaseModel] | PluginError]:
    """Return the settings' model of each named plug-in, or why there is none."""
    found: dict[str, type[BaseModel] | PluginError] = {}
    for name in names:
        try:
            found[name] = model(registry.get(name))
        except PluginError as error:
            found[name] = error
    return found


def _unfit(
    where: str, key: str, values: Mapping[str, Any], model: type[BaseModel] | PluginError
) -> Iterator[str]:
    if isinstance(model, PluginError):
        yield f"{where}.use: {model}"
        return
    yield from _misfit(f"{where}.{key}", values, model)


def _misfit(where: str, values: Mapping[str, Any], model: type[BaseModel]) -> Iterator[str]:
    try:
        model.model_validate(dict(values))
    except ValidationError as error:
        said = explained(error, dict(values), model)
        yield f"{where}{said[8:]}" if said.startswith("the file") else f"{where}.{said}"


def _assumed_keys(study: Study) -> Iterator[str]:
    for where, entry in study.entries():
        keys = [key for key in keys_of(type(entry)) if key not in keys_of(Entry)]
        for name in ("rule", "settings"):
            if isinstance(inner := getattr(entry, name, None), dict):
                keys += _dotted(inner)
            elif inner is not None:
                keys += keys_of(type(inner))
        for key in entry.assumes:
            if key not in keys:
                yield f"{where}.assumes: there is no {key!r} in this entry{suggestion(key, keys)}"


def _dotted(values: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield the keys of nested tables, ``neutrophils`` and ``neutrophils.span_days``."""
    for key, value in values.items():
        yield f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _dotted(value, f"{prefix}{key}.")


def unstated_defaults(study: Study) -> Iterator[tuple[str, str, Any]]:
    """Yield (place, key, value) of each setting that the study file leaves to the program.

    A default of None or of nothing, ``()``, is no value: it says that something is not done.
    """
    rules = _models(_ENDPOINTS, {e.use for e in study.endpoints}, lambda plugin: plugin.rule)
    for i, endpoint in enumerate(study.endpoints):
        for key, value in _unstated(rules[endpoint.use], endpoint.rule):
            yield f"endpoints[{i}].rule", key, value
    settings = _models(_ANALYSES, {a.use for a in study.analyses}, lambda plugin: plugin.settings)
    for i, analysis in enumerate(study.analyses):
        for key, value in _unstated(settings[analysis.use], analysis.settings):
            yield f"analyses[{i}].settings", key, value


def _unstated(
    model: type[BaseModel] | PluginError, stated: Mapping[str, Any]
) -> Iterator[tuple[str, Any]]:
    if not isinstance(model, PluginError):
        yield from _defaults(model.model_validate(dict(stated)), stated)


def _defaults(
    model: BaseModel, stated: Mapping[str, Any], prefix: str = ""
) -> Iterator[tuple[str, Any]]:
    for name, field in type(model).model_fields.items():
        key, value = field.alias or name, getattr(model, name)
        if key not in stated and value not in (None, (), {}):
            yield f"{prefix}{key}", value
        elif isinstance(value, BaseModel) and isinstance(inner := stated.get(key), Mapping):
            yield from _defaults(value, inner, f"{prefix}{key}.")
