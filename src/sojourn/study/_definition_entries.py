"""The tables of a study file, entry by entry; each says where it comes from."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from sojourn.study._definition_base import Entry, Many, Name, Part, Role, Text
from sojourn.study._definition_plan import (
    DayZero,
    Estimand,
    IntercurrentEvent,
    Multiplicity,
    Population,
    StudyAnalysis,
)
from sojourn.study._definition_planning import PlannedAnalysis

Masked = Literal["PARTICIPANT", "CARE_PROVIDER", "INVESTIGATOR", "OUTCOMES_ASSESSOR"]


class Design(Entry):
    """How subjects come to arms, and who does not know the arm."""

    allocation: Literal["randomized", "non_randomized", "single_group", "not_stated"]
    enrollment: int | None = Field(default=None, ge=0)
    allocation_ratio: Many[int] = ()
    block_sizes: Many[int] = ()
    masked: Many[Masked] = ()


class Arm(Entry):
    """One arm: what is given, how much, and on which days."""

    code: Name
    name: Text
    dose_cells: float | None = Field(default=None, ge=0)
    dose_cells_range: Many[float] = ()
    dose_cells_per_kg: float | None = Field(default=None, ge=0)
    dose_iron_ug: float | None = Field(default=None, ge=0)
    days: Many[int] = ()
    dose_window_days: int = Field(default=0, ge=0)


class Visit(Entry):
    """One planned visit; `window_days` are the first and last day accepted.

    `collects` names the tables that have a row for this visit.
    """

    name: Name
    day: int
    window_days: Annotated[tuple[int, int], Field(strict=False)]
    collects: Many[Name] = ()

    @model_validator(mode="after")
    def _is_ordered(self) -> "Visit":
        first, last = self.window_days
        if not first <= self.day <= last:
            raise ValueError(
                f"visit {self.name}: day {self.day} lies outside window_days [{first}, {last}]"
            )
        return self


class StudyEndpoint(Entry):
    """One variable: the plug-in `use` under `rule`; a key left out has the plug-in's default.

    With `base`, the id of an earlier endpoint, the file states only what differs from that
    endpoint's rule; `rule` here is the whole rule.
    """

    id: Name
    label: Text | None = None
    use: Name
    role: Role
    base: Name | None = None
    rule: dict[str, Any] = Field(default_factory=dict)


class Imaging(Entry):
    """Every choice of reconstruction and of the amount; none is left to a program's default.

    The five `calibration_` numbers are standard uncertainties of what a repeat of the calibration
    would change: the common gain (`calibration_repeatability_percent`), each frequency by itself,
    a gain that grows with frequency (tilt), the delay between drive and receive, and the sample's
    stated iron; `calibration_source` says where they come from. `texture_sizes` are relative:
    standard deviation over mean.
    """

    source_model: Literal["compartments", "compact", "unknown_distribution"]
    cavity: Name
    regions: Many[Name]
    baseline: Name
    visits: Many[Name]
    denominator: Literal["post_injection_scan", "syringe_assay"]
    denominator_visit: Name
    denominator_regions: Many[Name]
    background: Literal["none", "own_mean", "own_linear"]
    calibration_background: Literal["none", "own_mean", "own_linear", "as_file"]
    misfit_level: float = Field(gt=0, lt=1)
    max_unexplained_percent: float = Field(gt=0, le=100)
    iterations: int = Field(ge=1)
    regularization: float = Field(ge=0)
    min_snr: float = Field(ge=0)
    min_frequency_hz: float = Field(ge=0)
    texture_lengths_mm: Many[float] = Field(min_length=1)
    texture_sizes: Many[float] = Field(min_length=1)
    calibration_repeatability_percent: float = Field(ge=0, lt=100)
    calibration_row_percent: float = Field(ge=0, lt=100)
    calibration_tilt_percent: float = Field(ge=0, lt=100)
    calibration_delay_ns: float = Field(ge=0)
    calibration_iron_percent: float = Field(ge=0, lt=100)
    calibration_source: Text
    level: float = Field(gt=0, lt=1)


class Sharing(Entry):
    """Whether, when and how participants' data are shared."""

    individual_data: Literal["YES", "NO", "UNDECIDED", "NOT_STATED"]
    from_months_after_publication: float | None = Field(default=None, ge=0)
    until_months_after_publication: float | None = Field(default=None, ge=0)
    documents: Many[Text] = ()
    access: Text | None = None


class CriterionRule(Part):
    """A test of one recorded item: `min`, `max` inclusive; `above`, `below` exclusive."""

    item: Name
    min: float | None = None
    max: float | None = None
    above: float | None = None
    below: float | None = None
    unit: Text | None = None
    one_of: Many[str | int] = ()
    is_: bool | None = Field(default=None, alias="is")

    @model_validator(mode="after")
    def _tests_something(self) -> "CriterionRule":
        bounds = [b for b in (self.min, self.max, self.above, self.below) if b is not None]
        kinds = bool(bounds) + bool(self.one_of) + (self.is_ is not None)
        if kinds != 1:
            raise ValueError("needs exactly one of: bounds (min, max, above, below), one_of, is")
        if bounds and self.unit is None:
            raise ValueError("a bound needs a unit, for instance unit = 'years'")
        low = max((b for b in (self.min, self.above) if b is not None), default=None)
        high = min((b for b in (self.max, self.below) if b is not None), default=None)
        if low is not None and high is not None and low > high:
            raise ValueError(f"lower bound {low:g} exceeds upper bound {high:g}")
        return self


class StudyCriterion(Entry):
    """One criterion: a computable `rule`, or a `judgement` that somebody records.

    An inclusion criterion asks that the rule holds, an exclusion criterion that it does not.
    """

    id: Name
    kind: Literal["inclusion", "exclusion"]
    text: Text | None = None
    rule: CriterionRule | None = None
    judgement: Text | None = None

    @model_validator(mode="after")
    def _is_decidable(self) -> "StudyCriterion":
        if (self.rule is None) == (self.judgement is None):
            raise ValueError(f"criterion {self.id} needs either a rule or a judgement, not both")
        return self


class Open(Part):
    """A statement of the record that this file leaves open, and the decision it waits for.

    With `finding`, what is open is that lint finding at the place in `binds`.
    """

    binds: Many[Text] = Field(min_length=1)
    finding: Text | None = None
    what: Text
    decision: Text


class Answer(Entry):
    """What this file decided about one lint finding; `path` narrows it to one place."""

    finding: Text
    path: Text | None = None
    decision: Text


class Study(Part):
    """One trial, defined: a value that exists is consistent within itself.

    `record` is the registry record's file, beside the study file. `data_status` says what the
    data are; `headline` names the primary analysis that answers first.
    """

    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=40)]
    title: Text
    data_status: Literal["PLANNED", "SIMULATED", "INTERIM", "FINAL"] = "PLANNED"
    record: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]*$")] = (
        "record.json"
    )
    headline: Name | None = None
    design: Design | None = None
    day_zero: DayZero
    arms: Many[Arm] = ()
    visits: Many[Visit] = ()
    endpoints: Many[StudyEndpoint] = ()
    populations: Many[Population] = ()
    analyses: Many[StudyAnalysis] = ()
    intercurrent_events: Many[IntercurrentEvent] = ()
    estimands: Many[Estimand] = ()
    multiplicity: Multiplicity | None = None
    imaging: Imaging | None = None
    criteria: Many[StudyCriterion] = ()
    sharing: Sharing | None = None
    planning: Many[PlannedAnalysis] = ()
    open: Many[Open] = ()
    answers: Many[Answer] = ()

    @model_validator(mode="before")
    @classmethod
    def _completed(cls, document: object) -> object:
        return with_base_rules(document)

    def entries(self) -> Iterator[tuple[str, Entry]]:
        """Yield every entry that has an origin, under its place: ``endpoints[0]``, ``imaging``."""
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, Entry):
                yield name, value
            elif isinstance(value, tuple):
                for i, entry in enumerate(value):
                    if isinstance(entry, Entry):
                        yield f"{name}[{i}]", entry


def with_base_rules(document: object) -> object:
    """Return a parsed study file whose endpoints with a `base` have their whole rule.

    Keys of nested tables are merged one by one. Whatever is malformed stays as it is, for the
    model to refuse.
    """
    if not isinstance(document, dict) or not isinstance(document.get("endpoints"), list):
        return document
    rules: dict[str, Any] = {}
    completed: list[object] = []
    for entry in document["endpoints"]:
        made = entry
        if isinstance(entry, dict):
            base, rule = entry.get("base"), entry.get("rule", {})
            if isinstance(base, str) and base in rules and isinstance(rule, dict):
                made = {**entry, "rule": _merged(rules[base], rule)}
            if isinstance(name := entry.get("id"), str):
                rules[name] = made.get("rule", {})
        completed.append(made)
    return {**document, "endpoints": completed}


def _merged(base: object, changes: object) -> object:
    if not isinstance(base, dict) or not isinstance(changes, dict):
        return changes
    return base | {key: _merged(base.get(key), value) for key, value in changes.items()}
