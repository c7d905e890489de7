"""Entries of a study file that say how outcomes become answers.

Words follow ICH E9(R1): the variable is an endpoint, the population an analysis set, the summary
an analysis, and each intercurrent event has a strategy; together they are an estimand.
"""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from sojourn.study._definition_base import Entry, Many, Name, Role, Text

Strategy = Literal[
    "treatment_policy", "composite", "hypothetical", "while_on_treatment", "principal_stratum"
]
AnalysisSet = Literal["ALL", "AFFECTED_ANC", "AFFECTED_HGB", "AFFECTED_PLT", "AFFECTED_ANY"]
Origin = Literal["first_dose", "transplantation", "randomization"]
PopulationKind = Literal["intention_to_treat", "full_analysis", "safety", "per_protocol"]
Procedure = Literal["none", "bonferroni", "holm", "hochberg", "fixed_sequence"]

ANALYSIS_SETS: dict[str, str] = {
    "ALL": "every subject with a day 0 (dosed at least once)",
    "AFFECTED_ANC": "dosed, neutrophils affected at baseline",
    "AFFECTED_HGB": "dosed, hemoglobin affected at baseline",
    "AFFECTED_PLT": "dosed, platelets affected at baseline",
    "AFFECTED_ANY": "dosed, at least one lineage affected at baseline",
}
"""Meaning of each analysis set where an analysis names no population; who was affected, the
endpoint hemogram_response tells."""

POPULATION_KINDS: Mapping[str, str] = {
    "intention_to_treat": "everybody allocated (everybody enrolled where there is one arm), as "
    "allocated, dosed or not",
    "full_analysis": "everybody dosed at least once, as allocated",
    "safety": "everybody dosed at least once, as treated",
    "per_protocol": "everybody dosed at least once whom none of its rules excludes, as allocated",
}
"""Who belongs to each kind of population, and to which arm he counts."""

ORIGINS: Mapping[str, tuple[str, str]] = {
    "first_dose": ("doses", "ADT"),
    "transplantation": ("subjects", "HSCTDT"),
    "randomization": ("subjects", "RANDDT"),
}
"""Table and column with the date of each event that day 0 may be counted from."""


class DayZero(Entry):
    """The event that day 0 is counted from, and the `table` and `column` that hold its date.

    Where neither is given they are those of `ORIGINS`; of several dates the earliest counts.
    """

    event: Origin
    table: Name | None = None
    column: Name | None = None

    @property
    def place(self) -> tuple[str, str]:
        """Return the table and the column of the date."""
        table, column = ORIGINS[self.event]
        return self.table or table, self.column or column

    @property
    def words(self) -> str:
        """Return the origin of every day, as it stands in provenance: ``first_dose (doses.ADT)``.

        Examples
        --------
        >>> day_zero = {"event": "first_dose", "from": "assumption", "reason": "usual"}
        >>> DayZero.model_validate(day_zero).words
        'first_dose (doses.ADT)'
        """
        return f"{self.event} ({'.'.join(self.place)})"


class Population(Entry):
    """Who is analysed, and as what; `kind` says whom it starts from (`POPULATION_KINDS`).

    A per-protocol population excludes, by name and with the reason, whoever breaks one of its
    rules: `doses_as_planned`, every dose planned up to death given within its window, and no other;
    `no_major_deviation`, no row of the table deviations with SEVERITY MAJOR; `visits`, each of
    which has, in each table that it collects, a row within its window (not asked of the dead).
    """

    id: Name
    label: Text
    kind: PopulationKind
    doses_as_planned: bool = False
    no_major_deviation: bool = False
    visits: Many[Name] = ()

    @model_validator(mode="after")
    def _has_rules_of_its_kind(self) -> "Population":
        has_rules = self.doses_as_planned or self.no_major_deviation or bool(self.visits)
        if has_rules != (self.kind == "per_protocol"):
            raise ValueError(
                f"population {self.id}: doses_as_planned, no_major_deviation and visits are the "
                "rules of a per_protocol population, which needs at least one, and of no other"
            )
        return self


class StudyAnalysis(Entry):
    """One analysis: the statistic `use` on the parameter `param` of an endpoint.

    `by` "arm" estimates each arm, "all" everybody together. `arm` is the arm whose number
    answers the question, where only one arm's does. `population` is the id of a population; where
    none is named, everybody dosed is analysed as allocated. `set` narrows either to those affected
    at baseline. `params` are further parameters of the endpoint whose rows the statistic takes,
    `visits` the visits (AVISIT) whose rows it takes, all where none is named. `columns` gives the
    statistic further columns: the number (AVAL) of another outcome of the same subject, by
    ``endpoint.PARAM``; of a time to an event, null where the event was not seen. `missing_as` is
    the class (AVALC) that a member without one gets: "N" counts who was not evaluated, or not even
    dosed, as not having it.
    """

    id: Name
    label: Text
    endpoint: Name
    param: Name
    use: Name
    role: Role
    settings: dict[str, Any] = Field(default_factory=dict)
    population: Name | None = None
    set: AnalysisSet = "ALL"
    by: Literal["arm", "all"]
    arm: Name | None = None
    params: Many[Name] = ()
    visits: Many[Name] = ()
    columns: dict[Name, Text] = Field(default_factory=dict)
    missing_as: Text | None = None

    @property
    def set_id(self) -> str:
        """Return the id of who is analysed: the population, the set, or both joined by ``&``."""
        parts = [self.population] if self.population else []
        parts += [self.set] if self.set != "ALL" or not parts else []
        return " & ".join(parts)


class IntercurrentEvent(Entry):
    """An event after day 0 that changes what an outcome means, and what is done about it."""

    id: Name | None = None
    event: Text
    endpoints: Many[Name]
    strategy: Strategy
    handling: Text


class Estimand(Entry):
    """What is to be estimated, by ICH E9(R1): five attributes, and the analyses that do it.

    `population` (an id, or an analysis set where the file defines no populations), `treatment` in
    words, the variable (`endpoint` and `param`), `intercurrent_events` by their ids, and the
    `summary` measure in words. `main` is the analysis that estimates it, `sensitivity` those that
    show how far its answer hangs on assumptions.
    """

    id: Name
    label: Text
    population: Text
    treatment: Text
    endpoint: Name
    param: Name
    intercurrent_events: Many[Name] = ()
    summary: Text
    main: Name
    sensitivity: Many[Name] = ()


class Multiplicity(Entry):
    """How the chance of a wrong finding is held over several tests, or that nothing is tested.

    `procedure` "none": estimation only, no number is a decision. Otherwise the p-values of
    `family`, analyses in the order in which a fixed sequence tests them, are adjusted so that
    `alpha` (two-sided) holds for the whole family. `statement` says it in words.
    """

    procedure: Procedure
    alpha: float | None = Field(default=None, gt=0, lt=1)
    family: Many[Name] = ()
    statement: Text | None = None

    @model_validator(mode="after")
    def _tests_or_does_not(self) -> "Multiplicity":
        if self.procedure == "none" and (self.family or self.alpha is not None):
            raise ValueError('procedure = "none" tests nothing: leave alpha and family out')
        if self.procedure != "none" and (not self.family or self.alpha is None):
            raise ValueError(f'procedure = "{self.procedure}" needs alpha and family')
        return self
