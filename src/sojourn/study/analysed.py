"""The outcome rows that an analysis takes: whose, of which parameter, with which columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from sojourn.core.analyses import GROUP
from sojourn.core.endpoints import OUTCOME
from sojourn.core.errors import DataError
from sojourn.study._definition_day_columns import day_columns
from sojourn.study.analysis_sets import SetMembers, baseline_endpoint, set_members
from sojourn.study.definition import Study, StudyAnalysis
from sojourn.study.groups import EVERYBODY, Groups
from sojourn.study.keyed import Keyed, Tables
from sojourn.study.populations import Members, first_doses

COLUMN_SETTINGS = {"covariates": pl.Float64, "strata": pl.String}
"""Settings of a statistic that name columns of the rows, and the type these columns get."""


@dataclass(frozen=True, slots=True)
class Material:
    """What the analyses of one run are made from."""

    study: Study
    tables: Tables
    outcomes: Mapping[str, Keyed]
    groups: Groups
    grouping_key: str | None = None
    populations: Mapping[str, Members] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Analysed:
    """The rows of one analysis, the keys of what they were made from, and who is not among them.

    `rows` has the columns of `OUTCOME`, GROUP, and those that the statistic's settings name.
    `notes` by group say who was left out, and how many got a class by `missing_as`.
    """

    rows: pl.DataFrame
    keys: tuple[str, ...]
    notes: Mapping[str, tuple[str, ...]]


def analysed_rows(analysis: StudyAnalysis, material: Material) -> Analysed:
    """Return the rows that `analysis` takes.

    Members of the population who have no row get one without a value. Whose place in the analysis
    set cannot be told keeps a row without a value, so that he is counted as not evaluable.

    Parameters
    ----------
    analysis
        one analysis of the study file whose endpoint was derived.
    material
        outcomes, groups, populations and tables of the run.

    Raises
    ------
    DataError
        if a column that the settings name is nowhere, an outcome that became a column has
        several rows of one subject, or one that is taken as a day is no time to an event.
    """
    source = material.outcomes[analysis.endpoint]
    params = (analysis.param, *analysis.params)
    selected = source.table.filter(pl.col("PARAMCD").is_in(params))
    if analysis.visits:
        selected = selected.filter(pl.col("AVISIT").is_in(analysis.visits))
    population = material.populations.get(analysis.population or "")
    everybody = grouped(
        _completed(selected, population, analysis),
        material.groups,
        analysis.by,
        as_treated=population is not None and population.as_treated,
    )
    dosed = first_doses(material.tables)
    inside = population.members if population else dosed.keys()
    rows = everybody.filter(pl.col("USUBJID").is_in(list(inside)))
    members, telling = _set(analysis, material)
    kept = members.restrict(rows)
    notes = {
        code: _notes(code, everybody, rows, kept, members, population, analysis)
        for code in everybody[GROUP].unique().sort().to_list()
    }
    kept, keys = _with_columns(_filled(kept, analysis), analysis, material)
    sources = [source.key]
    sources += [material.grouping_key] if analysis.by == "arm" and material.grouping_key else []
    sources += [telling] if telling else []
    sources += [population.key] if population else []
    sources += [material.tables["doses"].key] if "doses" in material.tables else []
    return Analysed(kept, tuple(dict.fromkeys([*sources, *keys])), notes)


def grouped(
    outcomes: pl.DataFrame, groups: Groups, by: str, *, as_treated: bool = False
) -> pl.DataFrame:
    """Return outcome rows of allocated subjects with their group."""
    of = groups.treated if as_treated else groups.of
    codes = [
        (EVERYBODY if by == "all" else of.get(subject)) if subject in of else None
        for subject in outcomes["USUBJID"].to_list()
    ]
    return outcomes.with_columns(pl.Series(GROUP, codes, dtype=pl.String)).drop_nulls(GROUP)


def _completed(
    rows: pl.DataFrame, population: Members | None, analysis: StudyAnalysis
) -> pl.DataFrame:
    """Return `rows` with an empty one for each member of the population that has none."""
    if population is None:
        return rows
    absent = sorted(population.members - set(rows["USUBJID"].to_list()))
    visits = rows["AVISIT"].unique().sort().to_list() or [None]
    params = (analysis.param, *analysis.params)
    blank = dict.fromkeys(OUTCOME) | {"REASON": "no outcome: no dose or no record", "EVIDENCE": ""}
    added = [
        {**blank, "USUBJID": subject, "PARAMCD": param, "AVISIT": visit}
        for subject in absent
        for param in params
        for visit in visits
    ]
    return pl.concat([rows, pl.DataFrame(added, schema=dict(OUTCOME))]) if added else rows


def _set(analysis: StudyAnalysis, material: Material) -> tuple[SetMembers, str | None]:
    telling = baseline_endpoint(material.study, analysis)
    if telling is None or telling not in material.outcomes:
        return SetMembers(), None
    baseline = material.outcomes[telling]
    return set_members(analysis, baseline.table), baseline.key


def _filled(rows: pl.DataFrame, analysis: StudyAnalysis) -> pl.DataFrame:
    if analysis.missing_as is None:
        return rows
    return rows.with_columns(pl.col("AVALC").fill_null(pl.lit(analysis.missing_as)))


def _notes(
    code: str,
    everybody: pl.DataFrame,
    rows: pl.DataFrame,
    kept: pl.DataFrame,
    members: SetMembers,
    population: Members | None,
    analysis: StudyAnalysis,
) -> tuple[str, ...]:
    """Return who of one group is not analysed, and who was given a class, in words."""
    own = pl.col(GROUP) == code
    before, after = (frame.filter(own)["USUBJID"].unique() for frame in (everybody, rows))
    notes = [population.note(before) if population else _undosed(len(before), len(after))]
    notes.append(members.note(rows.filter(own)))
    last = kept.filter(own)
    empty = last.filter(pl.col("AVALC").is_null())["USUBJID"].n_unique()
    if analysis.missing_as is not None and empty:
        n = last["USUBJID"].n_unique()
        notes.append(f"{empty} of {n} without a value counted as {analysis.missing_as}")
    return tuple(note for note in notes if note)


def _undosed(n_all: int, n_dosed: int) -> str:
    if n_all == n_dosed:
        return ""
    return f"{n_all - n_dosed} of {n_all} without a dose, outside every set"


def _with_columns(
    rows: pl.DataFrame, analysis: StudyAnalysis, material: Material
) -> tuple[pl.DataFrame, list[str]]:
    """Return the rows with every column that the analysis names, and the keys of their sources."""
    keys: list[str] = []
    for name, place in analysis.columns.items():
        endpoint, _, param = place.partition(".")
        if endpoint not in material.outcomes:
            raise DataError(f"analysis {analysis.id}: endpoint {endpoint} was not derived")
        other = material.outcomes[endpoint]
        outcome = other.table.filter(pl.col("PARAMCD") == param)
        if name in day_columns(analysis):
            _check_days(outcome, other.table, name, place, analysis)
        values = _one_value(outcome, name, place, analysis)
        rows = rows.join(values, on="USUBJID", how="left", maintain_order="left")
        keys.append(other.key)
    wanted = {
        name: dtype for key, dtype in COLUMN_SETTINGS.items() for name in named(analysis, key)
    }
    subjects = material.tables.get("subjects")
    for name, dtype in wanted.items():
        if name not in rows.columns and subjects is not None and name in subjects.table.columns:
            found = subjects.table.select("USUBJID", name)
            rows = rows.join(found, on="USUBJID", how="left", maintain_order="left")
            keys.append(subjects.key)
        if name not in rows.columns:
            raise DataError(f"analysis {analysis.id}: settings name the column {name!r}, unknown")
        rows = rows.with_columns(_typed(rows[name], dtype, analysis))
    return rows, keys


def named(analysis: StudyAnalysis, key: str) -> Sequence[str]:
    """Return the columns that the setting `key` of an analysis names."""
    value = analysis.settings.get(key, ())
    return (value,) if isinstance(value, str) else tuple(value)


def _typed(column: pl.Series, dtype: type[pl.DataType], analysis: StudyAnalysis) -> pl.Series:
    if dtype == pl.Float64 and not column.dtype.is_numeric():
        raise DataError(
            f"analysis {analysis.id}: covariate {column.name} holds {column.dtype}, not numbers; "
            "name it among the strata"
        )
    return column.cast(dtype)


def _check_days(
    outcome: pl.DataFrame, every: pl.DataFrame, name: str, place: str, analysis: StudyAnalysis
) -> None:
    """Refuse a column of days whose rows are no times to an event: CNSR is what tells."""
    what = f"analysis {analysis.id} takes {name} ({place}) as a day"
    if every.height and not outcome.height:
        known = ", ".join(every["PARAMCD"].unique().sort().to_list())
        raise DataError(f"{what}, but there is no such parameter; found {known}")
    wrong = outcome.filter(pl.col("AVAL").is_not_null() & pl.col("CNSR").is_null())
    if wrong.height:
        raise DataError(
            f"{what}, but it is no time to an event: subject {wrong['USUBJID'][0]} has the number "
            f"{wrong['AVAL'][0]:g} and no CNSR; name a parameter whose rows say in CNSR whether "
            "the day is that of the event"
        )


def _one_value(
    outcome: pl.DataFrame, name: str, place: str, analysis: StudyAnalysis
) -> pl.DataFrame:
    twice = outcome.filter(outcome["USUBJID"].is_duplicated())
    if twice.height:
        raise DataError(
            f"analysis {analysis.id}: {place} has several rows of subject {twice['USUBJID'][0]}; "
            f"the column {name} needs one"
        )
    # Of a time to an event only the event's day is a number; what is no time has no CNSR.
    reached = pl.when(pl.col("CNSR").fill_null(0) == 0).then(pl.col("AVAL"))
    return outcome.select("USUBJID", reached.alias(name))
