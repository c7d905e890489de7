"""Populations: who is analysed, and of everybody else by name why not."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sojourn.core.provenance import Provenance
from sojourn.core.results import Listing
from sojourn.study._protocol_rules import protocol_breaches
from sojourn.study.definition import POPULATION_KINDS, Population, Study
from sojourn.study.groups import Groups
from sojourn.study.keyed import Tables
from sojourn.study.ledger import Ledger
from sojourn.study.listings import day_zeros, make_listing


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Why one subject is outside a population, with the rows that say so."""

    subject: str
    reason: str
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Members:
    """One population of a run: whom it starts from, who is in it, and why the others are not.

    `as_treated`: subjects count to the arm whose treatment they got. `notes` say which of the
    rules could not exclude anybody for want of a table. `key` is that of the stage.
    """

    id: str
    everybody: tuple[str, ...]
    members: frozenset[str]
    exclusions: tuple[Exclusion, ...]
    as_treated: bool
    key: str
    notes: tuple[str, ...] = ()

    def note(self, subjects: Collection[str]) -> str:
        """Return how many of `subjects` are outside, or nothing."""
        outside = sum(subject not in self.members for subject in subjects)
        return f"{outside} of {len(subjects)} outside population {self.id}" if outside else ""


def find_populations(
    study: Study, tables: Tables, groups: Groups, grouping_key: str | None, ledger: Ledger
) -> dict[str, Members]:
    """Return every population of the study file by its id.

    Parameters
    ----------
    study
        populations, arms, visits.
    tables
        tables of the folder; subjects must be there.
    groups
        who is allocated, and to which arm.
    grouping_key
        key of what put subjects into groups, or None where there is one arm.
    ledger
        where each population is noted as a stage.
    """
    return {
        population.id: _find(population, study, tables, groups, grouping_key, ledger)
        for population in study.populations
    }


def _find(
    population: Population,
    study: Study,
    tables: Tables,
    groups: Groups,
    grouping_key: str | None,
    ledger: Ledger,
) -> Members:
    names = ["subjects", "doses"]
    if population.kind == "per_protocol":
        collected = [t for v in study.visits if v.name in population.visits for t in v.collects]
        names += ["events", "deviations", *collected]
    inputs = [tables[name].key for name in dict.fromkeys(names) if name in tables]
    inputs += [grouping_key] if grouping_key else []
    parameters = population.model_dump(mode="json", exclude=_GROUNDS)
    key = ledger.stage(Provenance(f"population {population.id}", tuple(inputs), parameters))
    enrolled = sorted(tables["subjects"].table["USUBJID"].to_list())
    everybody = tuple(subject for subject in enrolled if subject in groups.of)
    found = list(_exclusions(population, study, tables, groups, everybody))
    members = frozenset(everybody) - {exclusion.subject for exclusion in found}
    absent = population.no_major_deviation and "deviations" not in tables
    notes = ("no table of deviations: nobody is excluded by them",) if absent else ()
    unallocated = [s for s in enrolled if s not in groups.of]
    found += [Exclusion(s, "enrolled, not allocated to an arm") for s in unallocated]
    as_treated = population.kind == "safety"
    return Members(population.id, everybody, members, tuple(found), as_treated, key, notes)


_GROUNDS = {"from_", "cites", "reason", "assumes", "binds", "label"}


def _exclusions(
    population: Population,
    study: Study,
    tables: Tables,
    groups: Groups,
    everybody: Sequence[str],
) -> Iterator[Exclusion]:
    if population.kind == "intention_to_treat":
        return
    dosed = first_doses(tables)
    for subject in everybody:
        if subject not in dosed:
            yield Exclusion(subject, "no dose is recorded")
    if population.kind != "per_protocol":
        return
    arms = {subject: groups.arm_of[groups.of[subject]] for subject in everybody}
    candidates = [subject for subject in everybody if subject in dosed]
    for breach in protocol_breaches(
        population, study, tables, arms, candidates, day_zeros(tables), dosed
    ):
        yield _shown(Exclusion(*breach), study, groups)


def _shown(exclusion: Exclusion, study: Study, groups: Groups) -> Exclusion:
    """Return an exclusion without words that could tell the arm while arms are blinded."""
    reason = exclusion.reason
    schedules = {(arm.days, arm.dose_window_days) for arm in study.arms}
    if groups.is_blinded and reason.startswith("major deviation"):
        reason = "major deviation (its words are hidden until unblinding)"
    elif groups.is_blinded and exclusion.evidence.startswith("doses") and len(schedules) > 1:
        reason = "doses not as planned (which is hidden until unblinding)"
    return Exclusion(exclusion.subject, reason, exclusion.evidence)


def first_doses(tables: Tables) -> dict[str, date]:
    """Return the date of the first dose of everybody who got one."""
    if "doses" not in tables:
        return {}
    dated = tables["doses"].table.drop_nulls("ADT").select("USUBJID", "ADT").sort("ADT")
    first: dict[str, date] = {}
    for subject, when in dated.iter_rows():
        first.setdefault(subject, when)
    return first


def population_listings(
    study: Study, populations: Mapping[str, Members], groups: Groups
) -> Iterator[Listing]:
    """Yield how many belong to each population, by group, and who does not, with the reason."""
    if not populations:
        return
    labels = {population.id: population for population in study.populations}
    rows: list[tuple[object, ...]] = []
    outside: list[tuple[object, ...]] = []
    keys: list[str] = []
    for found in populations.values():
        entry = labels[found.id]
        about = (entry.label, POPULATION_KINDS[entry.kind])
        rows.append((found.id, None, len(found.members), len(found.everybody), *about))
        of = groups.treated if found.as_treated else groups.of
        for code in groups.labels if len(groups.labels) > 1 else ():
            n = sum(of[subject] == code for subject in found.members)
            start = sum(of[subject] == code for subject in found.everybody)
            rows.append((found.id, code, n, start, *about))
        for each in found.exclusions:
            group = of.get(each.subject)
            outside.append((found.id, each.subject, group, each.reason, each.evidence))
            keys.append(found.key)
    first = next(iter(populations.values())).key
    notes = tuple(f"{m.id}: {note}" for m in populations.values() for note in m.notes)
    yield make_listing(
        "populations",
        "Populations: how many belong to each",
        ("POPULATION", "GROUP", "N", "N_BEFORE", "LABEL", "MEANING"),
        rows,
        first,
        keys=("POPULATION", "GROUP"),
        notes=notes,
    )
    yield make_listing(
        "exclusions",
        "Who is outside a population, and why",
        ("POPULATION", "USUBJID", "GROUP", "REASON", "EVIDENCE"),
        outside,
        first,
        keys=("POPULATION", "USUBJID", "REASON"),
    ).model_copy(update={"rowProvenance": tuple(keys)})
