"""What poor graft function is, by two definitions, item by item."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from sojourn.core.tables import ROW
from sojourn.endpoints._days import Dated
from sojourn.endpoints._graft_lineages import (
    Low,
    Support,
    either,
    judge_low,
    judge_recovered,
    judge_support,
)
from sojourn.endpoints._limits import GramsPerLitre, Percent, PerLitre
from sojourn.endpoints._recovery import Course
from sojourn.endpoints._runs import (
    HEMOGLOBIN,
    NEUTROPHILS,
    PLATELETS,
    Consecutive,
    Criterion,
    Quantity,
    SustainedRun,
)
from sojourn.endpoints._three_valued import Item, all_of, at_least, join_rows

Lineage = Literal["ANC", "HGB", "PLT"]
LINEAGES: tuple[Lineage, ...] = ("ANC", "HGB", "PLT")
QUANTITIES: Mapping[Lineage, Quantity] = {
    "ANC": NEUTROPHILS,
    "HGB": HEMOGLOBIN,
    "PLT": PLATELETS,
}
PRODUCTS: Mapping[Lineage, str | None] = {"ANC": None, "HGB": "RBC", "PLT": "PLT"}


class Rule(BaseModel):
    """Which definition, and its numbers; a study file may change every one.

    `definition`: "consensus" (EBMT, ASTCT, CIBMTR, APBMT 2024: dependent on support, full donor
    chimerism, no relapse, no other cause); "peking" (one lineage low for 3 days or dependent, and
    besides reduced marrow, no severe GVHD); "peking_two_lineages" (two of them, for 14 days).

    `after_day`: nobody has it up to this day after the graft. `entry_days`: counts of so many days
    before the first dose, and of its day, tell who is low now: neutrophils below `anc_per_l`,
    hemoglobin below `hgb_g_per_l`, platelets below `plt_per_l`, with at most `max_gap_days` from
    one low count to the next. `dependent_times`: transfusions of one product, or doses of G-CSF,
    within `dependent_days` days before the first dose that are dependence. `donor_percent`: full
    donor chimerism exceeds it in every lineage measured on `chimerism_days` days up to day 0.
    `recovered_hgb_g_per_l`: hemoglobin that, held for 14 days, was a recovery. `counts_from_days`:
    counts that begin so many days after the graft show the whole course. `failure_day`,
    `failure_day_cord`: days after the graft by which neutrophils must have recovered; the latter
    for cord blood.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    definition: Literal["consensus", "peking", "peking_two_lineages"] = "consensus"
    after_day: int = Field(default=28, ge=0)
    entry_days: int = Field(default=28, ge=0)
    anc_per_l: PerLitre = 0.5e9
    hgb_g_per_l: GramsPerLitre = 70.0
    plt_per_l: PerLitre = 20e9
    max_gap_days: int = Field(default=4, ge=1)
    dependent_times: int = Field(default=2, ge=1)
    dependent_days: int = Field(default=28, ge=1)
    donor_percent: Percent = 95.0
    chimerism_days: int = Field(default=60, ge=0)
    recovered_hgb_g_per_l: GramsPerLitre = 80.0
    counts_from_days: int = Field(default=7, ge=0)
    failure_day: int = Field(default=30, ge=1)
    failure_day_cord: int = Field(default=42, ge=1)

    @property
    def needs(self) -> tuple[int, int]:
        """Return how many lineages must be poor, and for how many days they are low."""
        return (2, 14) if self.definition == "peking_two_lineages" else (1, 3)

    def threshold(self, lineage: Lineage) -> float:
        """Return below which value a lineage is low, in the unit of its column."""
        limits = {"ANC": self.anc_per_l, "HGB": self.hgb_g_per_l, "PLT": self.plt_per_l}
        return limits[lineage]

    def recovery(self, lineage: Lineage) -> Criterion:
        """Return what a recovery after the graft was."""
        limit = self.threshold(lineage)
        if lineage == "ANC":
            return Consecutive(NEUTROPHILS, limit, "greater_equal", "measured", 3, 7)
        if lineage == "HGB":
            return SustainedRun(HEMOGLOBIN, self.recovered_hgb_g_per_l, 14, self.max_gap_days)
        if self.definition == "consensus":
            return Consecutive(PLATELETS, limit, "greater_equal", "measured", 3, None, 7)
        return SustainedRun(PLATELETS, limit, 7, self.max_gap_days)


@dataclass(frozen=True, slots=True)
class Known:
    """Everything known of one subject before the first dose, in days from it.

    `graft` is the day of the graft, 0 or less. `growth` (G-CSF) and `chimerism` are None where no
    table tells; `record` is the row of the table grafts, or empty.
    """

    courses: Mapping[Lineage, Course]
    graft: int
    growth: list[Dated] | None
    chimerism: list[Dated] | None
    record: Mapping[str, Any]

    def said(self, column: str, words: str, good: str) -> Item:
        """Return whether the table grafts says `good` in `column`."""
        value = self.record.get(column)
        if value is None:
            return Item(None, f"{words} not recorded")
        shown = {"Y": "yes", "N": "no"}.get(value, str(value).lower())
        return Item(value == good, f"{words}: {shown}", {"grafts": [self.record.get(ROW)]})


def judge_lineages(known: Known, rule: Rule) -> dict[Lineage, Item]:
    """Return whether each lineage is poor before the first dose."""
    _, low_days = rule.needs
    first = max(known.graft + rule.after_day + 1, -rule.entry_days)
    poor: dict[Lineage, Item] = {}
    for lineage in LINEAGES:
        limit = Low(QUANTITIES[lineage], rule.threshold(lineage), low_days, rule.max_gap_days)
        support = judge_support(_support(known, lineage, rule))
        if rule.definition == "consensus":
            poor[lineage] = support
        else:
            low = judge_low(known.courses[lineage].before.between(first, 0), limit)
            poor[lineage] = either(low, support)
    return poor


def _support(known: Known, lineage: Lineage, rule: Rule) -> Support:
    number, days = rule.dependent_times, rule.dependent_days
    if lineage == "ANC":
        return Support("G-CSF", "growth_factors", known.growth, number, days)
    name = "red cells" if lineage == "HGB" else "platelets"
    given = known.courses[lineage].transfusions
    return Support(f"{name} transfused", "transfusions", given, number, days)


def judge_definition(known: Known, poor: Mapping[Lineage, Item], rule: Rule) -> list[Item]:
    """Return the items that must all hold for poor graft function."""
    n_lineages, _ = rule.needs
    verdict = at_least(n_lineages, [item.verdict for item in poor.values()])
    shown = [item for item in poor.values() if item.verdict is verdict]
    words = "; ".join(item.words for item in shown)
    items = [
        Item(-known.graft > rule.after_day, f"first dose {-known.graft} days after the graft"),
        Item(verdict, words, join_rows(shown)),
        _donor(known, rule),
        _no_event(known, "relapse", ("RELAPSE",), 0),
        known.said("OTHER_CAUSE", "another cause (drugs, infection)", "N"),
    ]
    if rule.definition != "consensus":
        items.append(known.said("CELLULARITY", "cellularity of the marrow", "REDUCED"))
        items.append(_no_event(known, "severe acute GVHD", ("ACUTE_GVHD",), 3))
        items.append(_no_event(known, "severe chronic GVHD", ("CHRONIC_GVHD",), 3))
    return items


def _donor(known: Known, rule: Rule) -> Item:
    """Return whether the last share of donor cells of every lineage was full."""
    if known.chimerism is None:
        return Item(None, "no table chimerism")
    recent = [c for c in known.chimerism if -rule.chimerism_days <= c.day <= 0]
    last = {c.record["LINEAGE"]: c for c in recent if c.record["DONOR_PERCENT"] is not None}
    if not last:
        return Item(None, f"donor chimerism not measured on days {-rule.chimerism_days} to 0")
    shares = {name: float(c.record["DONOR_PERCENT"]) for name, c in sorted(last.items())}
    words = ", ".join(f"{name} {share:g} %" for name, share in shares.items())
    is_full = all(share > rule.donor_percent for share in shares.values())
    rows = {"chimerism": [c.row for c in last.values()]}
    return Item(is_full, f"donor chimerism {words}", rows)


def _no_event(known: Known, words: str, codes: tuple[str, ...], grade: int) -> Item:
    """Return whether no event of `codes`, of `grade` or more, lies between graft and first dose."""
    verdict, rows = True, list[int | None]()
    for event in known.courses["ANC"].follow.events:
        if event.record["EVENT"] not in codes or not known.graft <= event.day <= 0:
            continue
        found = event.record.get("GRADE")
        if grade and found is None:
            return Item(None, f"{words}: grade of day {event.day} not recorded")
        if not grade or (found or 0) >= grade:
            verdict, rows = False, [*rows, event.row]
    return Item(verdict, f"{'no ' if verdict else ''}{words}", {"events": rows})


def judge_recoveries(known: Known, poor: Mapping[Lineage, Item], rule: Rule) -> list[Item]:
    """Return whether each poor lineage recovered once after the graft."""
    return [_recovered(known, n, rule) for n, item in poor.items() if item.verdict is True]


def _recovered(known: Known, lineage: Lineage, rule: Rule) -> Item:
    course = known.courses[lineage]
    return judge_recovered(
        course.before.between(known.graft, None),
        course.transfusions,
        rule.recovery(lineage),
        recorded=known.record.get(f"{lineage}_RECOVERED"),
        graft=known.graft,
        from_days=rule.counts_from_days,
        name=QUANTITIES[lineage].name,
    )


def judge_graft_failure(known: Known, rule: Rule) -> list[Item]:
    """Return the items that must all hold for primary graft failure."""
    recovered = [_by_deadline(known, days, rule) for days in _deadlines(known, rule)]
    if len({item.verdict for item in recovered}) > 1:
        return [Item(None, "source of the graft not recorded")]
    never = Item(_negated(recovered[0].verdict), recovered[0].words, recovered[0].rows)
    items = [never]
    for lineage in ("HGB", "PLT"):
        items.append(_low_at(known, lineage, known.graft + _deadlines(known, rule)[0], rule))
    return items


def _deadlines(known: Known, rule: Rule) -> tuple[int, ...]:
    source = known.record.get("SOURCE")
    both = (rule.failure_day, rule.failure_day_cord)
    return both if source is None else both[1:] if source == "UCB" else both[:1]


def _by_deadline(known: Known, days: int, rule: Rule) -> Item:
    """Return whether neutrophils recovered by so many days after the graft."""
    if known.graft + days > 0:
        return Item(None, f"first dose {-known.graft} days after the graft, before day {days}")
    item = _recovered(known, "ANC", rule)
    found = rule.recovery("ANC").find(known.courses["ANC"].before.between(known.graft, None), [])
    if found.onset is not None and found.onset > known.graft + days:
        return Item(False, f"{item.words}, after day {days}", item.rows)
    return item


def _low_at(known: Known, lineage: Lineage, day: int, rule: Rule) -> Item:
    """Return whether a lineage was low or transfused in the week up to `day`."""
    course, quantity = known.courses[lineage], QUANTITIES[lineage]
    given = [t.row for t in course.transfusions if day - 6 <= t.day <= day]
    if given:
        words = f"{quantity.name}: transfused by day {day - known.graft}"
        return Item(True, words, {"transfusions": given})
    week = course.before.between(day - 6, day)
    if not week.days:
        return Item(None, f"{quantity.name} around day {day - known.graft} not measured")
    value = week.values[-1]
    words = f"{quantity.name} {quantity.text(value)} by day {day - known.graft}"
    return Item(value < rule.threshold(lineage), words, {"counts": [week.rows[-1]]})


def _negated(verdict: bool | None) -> bool | None:
    return None if verdict is None else not verdict


def conclude(items: list[Item], yes: str, no: str) -> Item:
    """Return the verdict that all of `items` make, with the words and rows that decide it."""
    verdict = all_of(item.verdict for item in items)
    deciding = [item for item in items if item.verdict is verdict]
    words = "; ".join(item.words for item in deciding if item.words)
    lead = {True: yes, False: no, None: "not decidable, missing"}[verdict]
    return Item(verdict, f"{lead}: {words}", join_rows(deciding))
