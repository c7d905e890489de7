import csv
import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blood_counts import golden, simulated_cohort
from outcome_rows import empty, outcomes
from sojourn.core.analyses import GROUP
from sojourn.core.errors import DataError
from sojourn.endpoints.overall_survival import ENDPOINT as OVERALL_SURVIVAL
from sojourn.statistics.kaplan_meier import ANALYSIS, CURVE, curve, kaplan_meier
from sojourn.testing import make_outcome_rows

TOLERANCE = 1e-8  # SOURCES.md: estimates, intervals
AT = [100, 365, 730, 1825]


def leukemia(shared, time, status, *, by_group=False):
    with (shared / "data" / "hsct" / "bmt_klein.csv").open() as lines:
        patients = list(csv.DictReader(lines))
    assert len(patients) == 137
    named = {}
    for patient in patients:
        rows = named.setdefault(patient["group"] if by_group else "ALL", ([], []))
        rows[0].append(float(patient[time]))
        rows[1].append(1 - int(patient[status]))
    return pl.concat([outcomes(g, aval=t, cnsr=c) for g, (t, c) in named.items()])


def check_against(made, expected):
    assert [m.operation for m in made] == [f"survival_at_{at}" for at in expected["at"]]
    for estimate, want in zip([m.estimate for m in made], expected["at"].values(), strict=True):
        assert estimate.value == pytest.approx(want["surv"], abs=TOLERANCE)
        assert estimate.components["Greenwood"] == pytest.approx(
            want["se_greenwood"], abs=TOLERANCE
        )
        interval = (estimate.lower, estimate.upper)
        assert interval == pytest.approx(want["ci_loglog"], abs=TOLERANCE)
        assert estimate.n == expected["n"]
        assert estimate.notes[0].startswith(f"{want['n_risk']} at risk")


@pytest.mark.parametrize(("name", "time", "status"), [("os", "t1", "d1"), ("dfs", "t2", "d3")])
def test_survival_after_transplantation_overall_and_by_group(shared, name, time, status):
    expected = golden(shared, f"bmt_klein_{name}")
    made = ANALYSIS(leukemia(shared, time, status), settings={"at": AT})
    check_against(made, expected["overall"])
    made = ANALYSIS(leukemia(shared, time, status, by_group=True), settings={"at": AT})
    assert len(made) == 12
    for group, want in expected["by_group"]["by"].items():
        check_against([m for m in made if m.group == group], want)


def test_survival_of_the_68_simulated_subjects(shared):
    rows = OVERALL_SURVIVAL(simulated_cohort(shared)).with_columns(pl.lit("ALL").alias(GROUP))
    made = ANALYSIS(rows, settings={"at": [28, 40, 60]})
    check_against(made, golden(shared, "hemogram_sim_cohort")["km_os_from_day0"])


def test_worked_example_by_hand():
    # times 1, 2+, 3, 3+, 4: S = 4/5 after 1; 4/5 * 2/3 after 3; 0 after 4
    rows = outcomes(aval=[1.0, 2.0, 3.0, 3.0, 4.0], cnsr=[0, 1, 0, 1, 0])
    table = curve(rows)
    assert dict(table.schema) == CURVE
    assert table.select("TIME", "AT_RISK", "EVENTS", "CENSORED").rows() == [
        (0.0, 5, 0, 0),
        (1.0, 5, 1, 0),
        (2.0, 4, 0, 1),
        (3.0, 3, 1, 1),
        (4.0, 1, 1, 0),
    ]
    expected = [1.0, 4 / 5, 4 / 5, 8 / 15, 0.0]
    assert table["SURVIVAL"].to_list() == pytest.approx(expected, abs=1e-15)
    assert ((table["LOWER"] <= table["SURVIVAL"]) & (table["SURVIVAL"] <= table["UPPER"])).all()


@pytest.mark.parametrize(
    ("at", "at_risk", "value"), [(0.5, 5, 1), (1, 5, 0.8), (1.5, 4, 0.8), (3, 3, 8 / 15)]
)
def test_at_risk_counts_those_not_yet_gone_before_the_time(at, at_risk, value):
    rows = outcomes(aval=[1.0, 2.0, 3.0, 3.0, 4.0], cnsr=[0, 1, 0, 1, 0])
    (made,) = ANALYSIS(rows, settings={"at": [at]})
    assert made.estimate.value == pytest.approx(value)
    assert made.estimate.notes[0].startswith(f"{at_risk} at risk")


def test_an_event_at_time_0_lowers_survival_there():
    table = curve(outcomes(aval=[0.0, 5.0], cnsr=[0, 1]))
    assert table.select("TIME", "SURVIVAL").rows() == [(0.0, 0.5), (5.0, 0.5)]


def test_no_event_gives_an_exact_lower_bound_of_those_at_risk():
    (made,) = ANALYSIS(outcomes(aval=[10.0] * 8 + [2.0], cnsr=[1] * 9), settings={"at": [5]})
    assert (made.estimate.value, made.estimate.upper) == (1.0, 1.0)
    assert made.estimate.lower == pytest.approx(0.025 ** (1 / 8), abs=1e-12)
    assert "exact bound" in made.estimate.method


def test_all_events_give_an_exact_upper_bound():
    made = ANALYSIS(outcomes(aval=[1.0, 2.0, 3.0], cnsr=[0] * 3), settings={"at": [3, 99]})
    for each in made:
        assert (each.estimate.value, each.estimate.lower) == (0.0, 0.0)
        assert each.estimate.upper == pytest.approx(1 - 0.025 ** (1 / 3), abs=1e-12)


@pytest.mark.parametrize(("at", "is_known"), [(90, True), (91, False)])
def test_beyond_the_last_follow_up_nothing_is_carried_on(at, is_known):
    rows = outcomes(aval=[30.0, 90.0, 90.0], cnsr=[0, 1, 1])
    (made,) = ANALYSIS(rows, settings={"at": [at]})
    assert (made.estimate is not None) == is_known
    if not is_known:
        assert made.reason == "nobody was followed to day 91; the last day is 90"


@pytest.mark.parametrize(("cnsr", "value"), [(0, 0.0), (1, 1.0)])
def test_one_subject(cnsr, value):
    (made,) = ANALYSIS(outcomes(aval=[10.0], cnsr=[cnsr]), settings={"at": [10]})
    assert (made.estimate.value, made.n) == (value, 1)


def test_nobody_gives_a_reason_and_missing_are_counted():
    (made,) = ANALYSIS(outcomes(aval=[None], cnsr=[None]))
    assert (made.estimate, made.n) == (None, 0)
    assert "nobody was followed" in made.reason
    assert ANALYSIS(empty()) == []
    assert curve(empty()).height == 0
    rows = outcomes(aval=[10.0, 20.0, None], cnsr=[0, 1, None])
    (made,) = ANALYSIS(rows, settings={"at": [10]})
    assert made.estimate.notes[-1] == "1 of 3 not evaluable, left out"


def test_competing_events_are_censored_and_said_to_be():
    rows = outcomes(aval=[10.0, 15.0, 20.0], cnsr=[0, 2, 1])
    (made,) = ANALYSIS(rows, settings={"at": [20]})
    assert made.estimate.value == pytest.approx(2 / 3)
    assert any("1 competing events are censored" in note for note in made.estimate.notes)


@pytest.mark.parametrize(("aval", "cnsr"), [(5.0, None), (-1.0, 0)])
def test_what_is_no_time_to_an_event_is_refused(aval, cnsr):
    with pytest.raises(DataError, match="no time to an event"):
        ANALYSIS(outcomes(aval=[aval], cnsr=[cnsr]))


subjects = st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=25)


@given(subjects)
def test_survival_falls_and_is_that_of_the_plain_product(people):
    times = np.array([float(t) for t, _ in people])
    is_event = np.array([e for _, e in people])
    steps = kaplan_meier(times, is_event)
    assert (np.diff(steps.survival) <= 0).all()
    assert steps.events.sum() + steps.censored.sum() == len(people)
    for time, survival in zip(steps.times, steps.survival, strict=True):
        plain = math.prod(
            1 - sum(e and t == u for t, e in people) / sum(t >= u for t, _ in people)
            for u in sorted({t for t, e in people if e and t <= time})
        )
        assert survival == pytest.approx(plain, abs=1e-12)


@given(subjects)
def test_without_censoring_survival_is_the_share_still_there(people):
    times = np.array([float(t) for t, _ in people])
    steps = kaplan_meier(times, np.ones(len(times), dtype=bool))
    for time, survival in zip(steps.times, steps.survival, strict=True):
        assert survival == pytest.approx((times > time).mean(), abs=1e-12)


def late(**columns):
    return make_outcome_rows("ALL", **columns)


def test_late_entry_changes_the_risk_sets_and_is_stated():
    # As by hand in tests/statistics/survival: 3/4 after 1, 1/2 after 3.
    rows = late(aval=[1.0, 2, 3, 3, 4], cnsr=[0, 1, 0, 1, 0], entry=[None, None, 2.0, None, None])
    made = ANALYSIS(rows, settings={"at": [1, 3]})
    assert [m.estimate.value for m in made] == pytest.approx([0.75, 0.5], abs=1e-15)
    assert made[0].estimate.notes[0] == "4 at risk, 1 event by day 1"
    note = "1 of 5 came under observation after the origin (left truncation)"
    assert note in made[0].estimate.notes


def test_from_the_day_on_which_late_entry_lets_the_risk_set_die_out_there_is_no_number():
    # One subject is watched on day 1 and dies; of the two who enter on day 4 nobody does. R says 0.
    rows = late(aval=[1.0, 6, 8], cnsr=[0, 1, 1], entry=[None, 4.0, 4.0])
    before, *after = ANALYSIS(rows, settings={"at": [0.5, 1, 3, 6, 99]})
    assert before.estimate.value == 1.0
    assert "from that day on nothing is estimable" in before.estimate.notes[-1]
    for made in after:
        assert (made.estimate, made.n) == (None, 3)
        assert made.reason == (
            "all who were at risk on day 1 had the event, and 2 came under observation later: from "
            "that day on survival is not estimable"
        )


def test_a_quantile_at_which_the_risk_set_dies_out_is_no_number():
    # Day 3: 3 of 4 survive. Day 5: the last 3 die, and another enters on day 7.
    rows = late(aval=[3.0, 5, 5, 5, 9], cnsr=[0, 0, 0, 0, 0], entry=[None] * 4 + [7.0])
    *_, quarter, median = ANALYSIS(rows, settings={"at": [1], "quantiles": [0.2, 0.5]})
    assert quarter.estimate.value == 3.0
    assert median.estimate is None
    assert "all who were at risk on day 5 had the event, and 1 came" in median.reason


def test_who_enters_on_the_day_on_which_the_risk_set_dies_out_was_not_at_risk_on_it():
    for entry, value in ((1.0, None), (0.5, 0.5)):
        rows = late(aval=[1.0, 6], cnsr=[0, 1], entry=[None, entry])
        (made,) = ANALYSIS(rows, settings={"at": [2]})
        assert (made.estimate and made.estimate.value) == value


def test_when_all_have_died_and_nobody_comes_survival_is_0():
    rows = late(aval=[1.0, 6], cnsr=[0, 0], entry=[None, 0.5])
    (made,) = ANALYSIS(rows, settings={"at": [99]})
    assert made.estimate.value == 0.0


def test_the_curve_ends_where_the_risk_set_dies_out():
    rows = late(aval=[1.0, 6, 8], cnsr=[0, 1, 1], entry=[None, 4.0, 4.0])
    made = curve(rows).select("TIME", "AT_RISK", "SURVIVAL", "LOWER", "UPPER").rows()
    assert made[0] == (0.0, 1, 1.0, 1.0, 1.0)
    assert [row[:3] for row in made[1:]] == [
        (1.0, 1, None),
        (4.0, 0, None),
        (6.0, 2, None),
        (8.0, 1, None),
    ]
    assert all(row[3:] == (None, None) for row in made[1:])


def test_at_survival_1_late_entrants_do_not_vouch_for_the_time_before_them():
    many = 50
    rows = late(aval=[20.0] * (many + 2), cnsr=[1] * (many + 2), entry=[None] * 2 + [10.0] * many)
    (made,) = ANALYSIS(rows, settings={"at": [15]})
    assert made.estimate.notes[0].startswith("52 at risk")
    assert made.estimate.lower == pytest.approx(0.025 ** (1 / 2), abs=1e-12)


def test_the_curve_of_late_entrants_counts_who_is_at_risk_at_every_row():
    rows = late(aval=[5.0, 9.0, 9.0], cnsr=[0, 1, 0], entry=[None, 2.0, 6.0])
    table = curve(rows)
    assert table.select("TIME", "AT_RISK", "EVENTS", "CENSORED").rows() == [
        (0.0, 1, 0, 0),
        (2.0, 1, 0, 0),
        (5.0, 2, 1, 0),
        (6.0, 1, 0, 0),
        (9.0, 2, 1, 1),
    ]
    assert table["SURVIVAL"].to_list() == pytest.approx([1, 1, 0.5, 0.5, 0.25], abs=1e-15)


@pytest.mark.parametrize(
    ("interval", "bounds"),
    [
        ("log-log", (0.807998113221355, 0.920963697227423)),
        ("log", (0.822410630002854, 0.93289473631384)),
        ("plain", (0.820706911767972, 0.931117905750276)),
    ],
)
def test_the_interval_is_a_named_setting(shared, interval, bounds):
    rows = leukemia(shared, "t1", "d1")
    (made,) = ANALYSIS(rows, settings={"at": [100], "interval": interval})
    assert (made.estimate.lower, made.estimate.upper) == pytest.approx(bounds, abs=TOLERANCE)
    assert made.estimate.method == f"Kaplan-Meier, {interval} interval"


def test_quantiles_and_follow_up_of_the_transplanted(shared):
    rows = leukemia(shared, "t1", "d1")
    settings = {"quantiles": [0.25, 0.5, 0.75], "follow_up": True}
    quarter, median, three, follow_up = ANALYSIS(rows, settings=settings)[1:]
    expected = golden(shared, "bmt_klein_os")["overall"]
    assert (quarter.operation, median.operation) == ("quantile_0.25", "quantile_0.5")
    for made, want in zip((quarter, median), expected["quantiles_loglog"], strict=False):
        assert made.estimate.value == want["est"]
        assert [made.estimate.lower, made.estimate.upper] == want["ci"]
        assert made.estimate.unit == "d"
    assert three.estimate is None
    assert three.reason == "survival does not fall to 0.25; its interval begins at day 2204"
    assert follow_up.operation == "median_follow_up"
    assert follow_up.estimate.value == expected["median_followup_reverse_km"]


def test_a_median_without_bounds_is_unbounded_on_both_sides():
    (made,) = ANALYSIS(late(aval=[5.0], cnsr=[0]), settings={"quantiles": [0.5]})[1:]
    assert (made.estimate.value, made.estimate.lower, made.estimate.upper) == (5, 0, math.inf)


def test_a_competing_death_ends_follow_up_but_is_no_end_of_observation():
    rows = late(aval=[5.0, 8.0, 9.0], cnsr=[2, 1, 1])
    made = ANALYSIS(rows, settings={"at": [5], "follow_up": True})[1]
    # Of the two at risk at 8 one is censored there: 1/2 from 8 to 9, and the middle of that.
    assert made.estimate.value == 8.5
    assert made.estimate.notes[0] == "2 of 3 censored"


@pytest.mark.parametrize("share", [0, 1, -0.5])
def test_a_quantile_that_is_no_share_is_refused(share):
    with pytest.raises(DataError, match="quantiles"):
        ANALYSIS(late(aval=[5.0], cnsr=[0]), settings={"quantiles": [share]})


@pytest.mark.parametrize("entry", [5.0, 7.0, -1.0])
def test_an_entry_that_is_not_before_the_event_is_refused_by_subject(entry):
    with pytest.raises(DataError, match="subject 'ALL000': under observation from"):
        ANALYSIS(late(aval=[5.0], cnsr=[0], entry=[entry]))
