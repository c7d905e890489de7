"""How a time to recovery ends without one: death, an intercurrent event, the last count."""

from dataclasses import dataclass

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blood_counts import counts, doses, events, follow_up, on, table, transfusions
from sojourn.core.endpoints import Endpoint
from sojourn.core.errors import DataError
from sojourn.core.tables import LYMPHOCYTES
from sojourn.endpoints.hemoglobin_recovery import ENDPOINT as HEMOGLOBIN
from sojourn.endpoints.hemogram_response import ENDPOINT as HEMOGRAM
from sojourn.endpoints.immune_reconstitution import ENDPOINT as IMMUNE
from sojourn.endpoints.neutrophil_recovery import ENDPOINT as NEUTROPHILS
from sojourn.endpoints.platelet_response import ENDPOINT as PLATELETS
from sojourn.statistics.cumulative_incidence import ANALYSIS as INCIDENCE

ALL = ["SECOND_GRAFT", "DLI", "RELAPSE", "GRAFT_REJECTION"]
COMPOSITE = {"intercurrent_events": ALL}


@dataclass(frozen=True)
class Time:
    """One time to recovery: its endpoint, column, a low and a high value."""

    param: str
    endpoint: Endpoint
    column: str
    low: float
    high: float

    def tables(self, rows, subject="01"):
        if self.column == "CD4":
            made = [(subject, on(d), None, v * 1e9, None, None, None) for d, v in rows]
            return {"lymphocytes": table(LYMPHOCYTES, made), "doses": doses(subject)}
        scale = 1.0 if self.column == "HGB" else 1e9
        found = {
            "counts": counts(rows, column=self.column, scale=scale, subject=subject),
            "doses": doses(subject),
        }
        return found if self.column == "ANC" else found | {"transfusions": transfusions()}

    def derive(self, rows, *, rule=None, **tables):
        outcome = self.endpoint(self.tables(rows) | tables, rule=rule)
        return outcome.row(by_predicate=pl.col("PARAMCD") == self.param, named=True)

    def up(self, first):
        """Return low counts before day `first`, good ones from then on, every day to day 60."""
        return [(d, self.high if d >= first else self.low) for d in range(61)]


TIMES = [
    Time("ANCREC", NEUTROPHILS, "ANC", 0.1, 0.9),
    Time("HGBREC", HEMOGLOBIN, "HGB", 60, 80),
    Time("PLTCR", PLATELETS, "PLT", 10, 55),
    Time("PLTPR", PLATELETS, "PLT", 10, 30),
    Time("CD4REC", IMMUNE, "CD4", 0.1, 0.3),
]
COMPETING = TIMES[:4]
every = pytest.mark.parametrize("time", TIMES, ids=lambda t: t.param)
competing = pytest.mark.parametrize("time", COMPETING, ids=lambda t: t.param)


@every
@pytest.mark.parametrize(("day", "aval"), [(0, 0.5), (1, 1.0), (2, 2.0), (90, 90.0)])
def test_a_death_before_any_count_competes(time, day, aval):
    row = time.derive([(-1, time.low)], events=events((day, "DEATH")))
    assert (row["AVAL"], row["DAY"], row["AVALC"], row["CNSR"]) == (aval, day, "N", 2)
    assert row["REASON"].endswith(f"not measured on or after day 0; died on day {day}")
    assert row["EVIDENCE"] == "events:2"


@every
def test_a_death_on_day_0_after_a_count_of_that_day_takes_half_a_day_too(time):
    row = time.derive([(0, time.low)], events=events((0, "DEATH")))
    assert (row["AVAL"], row["DAY"], row["CNSR"]) == (0.5, 0, 2)


@every
def test_the_time_given_to_day_0_is_a_setting(time):
    row = time.derive([], events=events((0, "DEATH")), rule={"same_day": 0.25})
    assert row["AVAL"] == 0.25
    for bad in (0, 1):
        with pytest.raises(DataError, match="same_day"):
            time.endpoint.check_rule({"same_day": bad})


@every
def test_who_lives_without_a_count_is_not_evaluable(time):
    row = time.derive([(-1, time.low)], follow_up=follow_up(90))
    assert (row["AVAL"], row["AVALC"], row["CNSR"]) == (None, None, None)
    assert row["REASON"].endswith("not measured on or after day 0: not evaluable")


@every
def test_a_death_in_contradictory_records_decides_nothing(time):
    row = time.derive([], events=events((2, "DEATH")), follow_up=follow_up(3))
    assert row["AVAL"] is None


@every
def test_a_count_on_day_0_that_is_all_stays_censored_there(time):
    row = time.derive([(0, time.low)], follow_up=follow_up(90))
    assert (row["AVAL"], row["CNSR"]) == (0.0, 1)


def test_an_early_death_stays_in_the_denominator_of_an_incidence():
    """Of four, one recovered on day 10, one died on day 2 uncounted, two were followed: 1/4."""
    anc = TIMES[0]
    rows = {"01": anc.up(10), "02": [(-1, 0.1)], "03": anc.up(99), "04": anc.up(99)}
    made = [anc.tables(days, subject) for subject, days in rows.items()]
    merged = {name: pl.concat([m[name] for m in made]) for name in ("counts", "doses")}
    merged["events"] = events((2, "DEATH"), subject="02")
    outcome = NEUTROPHILS(merged).with_columns(GROUP=pl.lit("all"))
    found = {e.operation: e for e in INCIDENCE(outcome, settings={"at": [40.0]})}
    assert found["incidence_at_40"].estimate.value == pytest.approx(0.25, abs=1e-12)
    assert found["incidence_of_2_at_40"].estimate.value == pytest.approx(0.25, abs=1e-12)


@competing
@pytest.mark.parametrize("code", ALL)
@pytest.mark.parametrize(
    ("day", "rule", "expected"),
    [
        pytest.param(9, COMPOSITE, (9, 3), id="the-day-before-onset-competes"),
        pytest.param(10, COMPOSITE, (10, 0), id="the-day-of-onset-does-not"),
        pytest.param(12, COMPOSITE, (10, 0), id="nor-a-later-one"),
        pytest.param(-1, COMPOSITE, (10, 0), id="before-day-0-is-history"),
        pytest.param(9, None, (10, 0), id="by-default-none-competes"),
    ],
)
def test_an_intercurrent_event_before_the_onset_competes(time, code, day, rule, expected):
    row = time.derive(time.up(10), events=events((day, code)), rule=rule)
    assert (row["DAY"], row["CNSR"]) == expected
    assert row["AVAL"] == row["DAY"]
    assert row["AVALC"] == "NY"[row["CNSR"] == 0]
    if row["CNSR"] == 3:
        assert row["REASON"] == f"{code} on day {day}, before recovery on day 10"
        assert row["EVIDENCE"].endswith(";events:2")


@competing
def test_an_intercurrent_event_on_day_0_takes_half_a_day(time):
    row = time.derive(time.up(10), events=events((0, "DLI")), rule=COMPOSITE)
    assert (row["AVAL"], row["DAY"], row["CNSR"]) == (0.5, 0, 3)
    row = time.derive(time.up(0), events=events((0, "DLI")), rule=COMPOSITE)
    assert (row["AVAL"], row["CNSR"]) == (0.0, 0)


@competing
def test_only_the_events_that_the_rule_names_compete(time):
    rule = {"intercurrent_events": ["RELAPSE"]}
    happened = events((3, "DLI"), (5, "RELAPSE"), (6, "RELAPSE"))
    row = time.derive(time.up(10), events=happened, rule=rule)
    assert (row["DAY"], row["CNSR"], row["EVIDENCE"][-8:]) == (5, 3, "events:3")
    with pytest.raises(DataError, match="intercurrent_events"):
        time.endpoint.check_rule({"intercurrent_events": ["DEATH"]})


@competing
@pytest.mark.parametrize(
    ("happened", "expected"),
    [
        pytest.param([(5, "RELAPSE"), (20, "DEATH")], (5, 3), id="relapse-before-death"),
        pytest.param([(20, "RELAPSE"), (20, "DEATH")], (20, 3), id="of-both-on-one-day-relapse"),
        pytest.param([(20, "DEATH")], (20, 2), id="death-alone"),
        pytest.param([(70, "RELAPSE")], (70, 3), id="after-the-last-count"),
    ],
)
def test_without_recovery_the_first_of_event_and_death_ends_the_time(time, happened, expected):
    row = time.derive([(1, time.low)], events=events(*happened), rule=COMPOSITE)
    assert (row["DAY"], row["CNSR"]) == expected
    if expected[1] == 3:
        assert row["REASON"].endswith(f"; RELAPSE on day {expected[0]}")


@competing
def test_an_intercurrent_event_before_any_count_competes(time):
    row = time.derive([(-1, time.low)], events=events((5, "RELAPSE")), rule=COMPOSITE)
    assert (row["AVAL"], row["CNSR"], row["EVIDENCE"]) == (5.0, 3, "events:2")
    row = time.derive([(-1, time.low)], events=events((5, "RELAPSE")))
    assert row["AVAL"] is None


@given(
    st.integers(0, 45),
    st.lists(st.tuples(st.integers(-3, 50), st.sampled_from(ALL)), max_size=3),
    st.sampled_from(COMPETING),
)
@settings(max_examples=80, deadline=None)
def test_the_time_agrees_with_the_composite_of_the_hemogram(first, happened, time):
    """Affected by a transfusion on day 0 (neutrophils by a low day 0), so that it has a verdict."""
    rows = [(0, time.low), *time.up(first)[1:]]
    given = transfusions(0, product={"HGB": "RBC", "PLT": "PLT"}.get(time.column, "RBC"))
    tables = time.tables(rows) | {"events": events(*happened)}
    outcome = time.endpoint(tables, rule=COMPOSITE)
    row = outcome.row(by_predicate=pl.col("PARAMCD") == time.param, named=True)
    rule = {"platelet_class": "CR" if time.param == "PLTCR" else "PR"}
    whole = HEMOGRAM(
        tables | {"transfusions": transfusions() if time.column == "ANC" else given}, rule=rule
    )
    param = {"ANC": "ANCREC40", "HGB": "HGBREC40", "PLT": "PLTREC40"}[time.column]
    verdict = whole.row(by_predicate=pl.col("PARAMCD") == param, named=True)["AVALC"]
    assert (verdict == "Y") == (row["CNSR"] == 0 and row["DAY"] <= 40)
