"""Episodes, days at risk and rates.

Oracle of the rates: EXTERNAL, exact limits of Garwood as R's poisson.test gives them
(`reference/hsct-outcomes.md`, section 6).
"""

import polars as pl
import pytest

from blood_counts import doses, events, follow_up, on, table
from sojourn.core.analyses import GROUP
from sojourn.core.tables import EVENTS, FOLLOW_UP, INFECTIONS
from sojourn.endpoints.infection import ENDPOINT
from sojourn.statistics.poisson_rate import ANALYSIS as RATE

NOBODY = table(EVENTS, [])


def infections(happened=NOBODY, seen=90, *, dated=None, rule=None):
    tables = {"doses": doses(), "events": happened}
    if dated is not None:
        tables["infections"] = with_ends(*dated)
    if seen is not None:
        tables["follow_up"] = follow_up(seen)
    rows = {row["PARAMCD"]: row for row in ENDPOINT(tables, rule=rule).iter_rows(named=True)}
    assert tuple(rows) == ("INFN", "INFDAYS", f"INFG{(rule or {}).get('grade', 2)}")
    return rows


def with_ends(*dated, subject="01"):
    """Return infections from (day, day of resolution, organism, site, grade)."""
    return table(
        INFECTIONS,
        [
            (subject, on(day), None if end is None else on(end), organism, site, grade)
            for day, end, organism, site, grade in dated
        ],
    )


def bug(day, what="E. coli, blood", grade=3):
    return (day, "INFECTION", grade, what)


@pytest.mark.parametrize(
    ("happened", "seen", "days"),
    [
        pytest.param(NOBODY, 90, 41, id="complete-is-41-days"),
        pytest.param(NOBODY, 40, 41, id="to-day-40"),
        pytest.param(NOBODY, 39, 40, id="lost-on-day-39"),
        pytest.param(NOBODY, 0, 1, id="lost-on-day-0"),
        pytest.param(events((10, "DEATH")), None, 11, id="death"),
        pytest.param(events((10, "SECOND_GRAFT")), 90, 11, id="second-graft"),
        pytest.param(events((41, "SECOND_GRAFT")), 90, 41, id="second-graft-later"),
        pytest.param(events((10, "RELAPSE")), 90, 41, id="relapse-stays-at-risk"),
        pytest.param(NOBODY, None, None, id="not-known"),
    ],
)
def test_days_at_risk_include_both_ends(happened, seen, days):
    rows = infections(happened, seen)
    assert rows["INFDAYS"]["AVAL"] == days
    if days is not None:
        assert rows["INFN"]["DAY"] == rows["INFDAYS"]["DAY"] == days - 1
        assert rows["INFN"]["AVAL"] == 0


@pytest.mark.parametrize(
    ("records", "episodes"),
    [
        pytest.param([bug(5)], 1, id="one"),
        pytest.param([bug(5), bug(18)], 1, id="same-after-13-days"),
        pytest.param([bug(5), bug(19)], 2, id="same-after-14-days"),
        pytest.param([bug(5), bug(15), bug(25)], 1, id="each-record-prolongs"),
        pytest.param([bug(5), bug(6, "Candida, blood")], 2, id="another-organism"),
        pytest.param([bug(5), bug(6, "E. COLI, BLOOD ")], 1, id="spelling-is-no-organism"),
        pytest.param([bug(5, None), bug(6, None)], 1, id="unnamed-ones-are-one"),
        pytest.param([bug(40)], 1, id="on-day-40"),
        pytest.param([bug(41)], 0, id="on-day-41"),
        pytest.param([bug(0)], 1, id="on-day-0"),
        pytest.param([bug(-1)], 0, id="before-day-0"),
        pytest.param([bug(-5), bug(5)], 0, id="an-old-one-goes-on"),
        pytest.param([bug(-9), bug(5)], 1, id="an-old-one-comes-back"),
        pytest.param([(5, "ACUTE_GVHD", 2, None)], 0, id="no-infection"),
    ],
)
def test_what_an_episode_is(records, episodes):
    assert infections(events(*records))["INFN"]["AVAL"] == episodes


def test_an_episode_after_the_risk_ended_does_not_count():
    rows = infections(events((10, "SECOND_GRAFT"), bug(11), bug(10, "Candida")))
    assert rows["INFN"]["AVAL"] == 1


@pytest.mark.parametrize(("least", "episodes"), [(0, 3), (2, 2), (3, 1)])
def test_low_and_unknown_grades_can_be_left_out(least, episodes):
    records = [bug(5, "a", 2), bug(6, "b", 3), bug(7, "c", None)]
    rows = infections(events(*records), rule={"min_grade": least})
    assert rows["INFN"]["AVAL"] == episodes


def test_reason_and_evidence():
    rows = infections(events(bug(5), bug(30)), 35)
    assert rows["INFN"]["REASON"] == (
        "2 episodes, from days 5, 30; at risk on days 0-35, to the last contact on day 35"
    )
    assert rows["INFN"]["EVIDENCE"] == "events:2,3"
    assert rows["INFDAYS"]["EVIDENCE"] == "follow_up:2"


def test_contradictory_records_are_not_evaluable():
    rows = infections(events((10, "DEATH")), 11)
    assert rows["INFN"]["AVAL"] is None
    assert "contradict" in rows["INFN"]["REASON"]


@pytest.mark.parametrize(
    ("dated", "episodes"),
    [
        pytest.param([(5, 8, "A", "lung", 2)], 1, id="one"),
        pytest.param([(5, 8, "A", "lung", 2), (21, 22, "A", "lung", 2)], 1, id="13-days-after-end"),
        pytest.param([(5, 8, "A", "lung", 2), (22, 23, "A", "lung", 2)], 2, id="14-days-after-end"),
        pytest.param([(5, 30, "A", "lung", 2), (28, 29, "A", "lung", 2)], 1, id="not-yet-resolved"),
        pytest.param(
            [(2, 20, "A", "lung", 2), (8, 9, "A", "lung", 2), (30, 31, "A", "lung", 2)],
            1,
            id="the-latest-resolution-counts",
        ),
        pytest.param([(5, 8, "A", "lung", 2), (6, 8, "A", "blood", 2)], 2, id="another-site"),
        pytest.param([(5, 8, "A", "lung", 2), (6, 8, "B", "lung", 2)], 2, id="another-organism"),
        pytest.param([(5, None, "A", "lung", 2), (18, 19, "A", "lung", 2)], 1, id="no-end-13-days"),
        pytest.param([(5, None, "A", "lung", 2), (19, 20, "A", "lung", 2)], 2, id="no-end-14-days"),
        pytest.param([(-9, 5, "A", "lung", 2), (18, 19, "A", "lung", 2)], 0, id="began-before"),
    ],
)
def test_resolution_parts_episodes(dated, episodes):
    assert infections(dated=dated)["INFN"]["AVAL"] == episodes


def test_the_same_record_in_both_tables_is_one():
    rows = infections(events(bug(5, "E. coli; blood")), dated=[(5, 8, "E. coli", "Blood", 3)])
    assert (rows["INFN"]["AVAL"], rows["INFN"]["EVIDENCE"]) == (1, "infections:2")
    rows = infections(events((5, "INFECTION", 3)), dated=[(5, 8, "E. coli", "blood", 3)])
    assert rows["INFN"]["AVAL"] == 1
    rows = infections(events(bug(6, "E. coli; blood")), dated=[(5, 8, "E. coli", "blood", 3)])
    assert rows["INFN"]["AVAL"] == 1
    rows = infections(events(bug(5, "Candida; mouth")), dated=[(5, 8, "E. coli", "blood", 3)])
    assert rows["INFN"]["AVAL"] == 2


def test_a_resolution_before_the_infection_contradicts_it():
    rows = infections(dated=[(5, 4, "A", "lung", 2)])
    assert {row["AVAL"] for row in rows.values()} == {None}
    assert "of day 5 was resolved on day 4" in rows["INFN"]["REASON"]
    rows = infections(events((10, "DEATH")), 10, dated=[(11, None, "A", "lung", 2)])
    assert "an infection on day 11 lies after death" in rows["INFN"]["REASON"]
    rows = infections(events((10, "DEATH")), 10, dated=[(10, None, "A", "lung", 2)])
    assert rows["INFN"]["AVAL"] == 1


@pytest.mark.parametrize(
    ("happened", "seen", "time"),
    [
        pytest.param(events(bug(5, "a", 1), bug(9, "b", 2)), 90, (9, 0), id="grade-2"),
        pytest.param(events(bug(5, "a", 1)), 90, (40, 1), id="grade-1-is-below"),
        pytest.param(events(bug(41, "a", 3)), 90, (40, 1), id="after-the-risk"),
        pytest.param(events(bug(40, "a", 3)), 90, (40, 0), id="on-the-last-day"),
        pytest.param(NOBODY, 30, (30, 1), id="lost"),
        pytest.param(events((30, "DEATH")), 30, (30, 2), id="death-competes"),
        pytest.param(events((40, "DEATH")), 40, (40, 2), id="death-on-the-last-day"),
        pytest.param(events((41, "DEATH")), 41, (40, 1), id="death-after-the-risk"),
        pytest.param(events(bug(30, "a", 2), (30, "DEATH")), 30, (30, 0), id="on-the-day-of-death"),
        pytest.param(events((20, "SECOND_GRAFT"), bug(21)), 90, (20, 3), id="second-graft"),
        pytest.param(events(bug(-5), bug(5)), 90, (40, 1), id="an-old-one-is-no-first"),
        pytest.param(events(bug(5, "a", 1), bug(9, "a", 3)), 90, (9, 0), id="one-that-worsens"),
        pytest.param(events(bug(5, "a", None), bug(9, "b", 3)), 90, (None, None), id="no-grade"),
        pytest.param(events(bug(5, "a", 3), bug(9, "b", None)), 90, (5, 0), id="no-grade-later"),
    ],
)
def test_first_infection_of_grade_2_with_death_competing(happened, seen, time):
    row = infections(happened, seen)["INFG2"]
    assert (row["DAY"], row["CNSR"]) == time
    assert row["AVAL"] == time[0]
    assert row["AVALC"] == {0: "Y", None: None}.get(time[1], "N")


def test_the_grade_is_a_setting_and_names_the_outcome():
    row = infections(events(bug(5, "a", 2)), rule={"grade": 3})["INFG3"]
    assert (row["DAY"], row["CNSR"]) == (40, 1)


@pytest.mark.parametrize(
    ("n_full", "last", "episodes", "rate"),
    [
        # 66 x 41 + 8 = 2714, 29 x 41 + 11 = 1200, 49 x 41 + 31 = 2040 days at risk.
        pytest.param(66, 7, 27, (9.9484, 6.5561, 14.4744), id="27-in-2714-days"),
        pytest.param(29, 10, 0, (0.0, 0.0, 3.0741), id="0-in-1200-days"),
        pytest.param(49, 30, 3, (1.4706, 0.3033, 4.2977), id="3-in-2040-days"),
    ],
)
def test_rates_and_their_exact_limits(n_full, last, episodes, rate):
    who = [f"{i:02d}" for i in range(n_full + 1)]
    seen = [(subject, on(40 if i < n_full else last)) for i, subject in enumerate(who)]
    happened = [(who[i], on(3), "INFECTION", 2, "bug") for i in range(episodes)]
    tables = {
        "doses": doses(*who),
        "events": table(EVENTS, happened),
        "follow_up": table(FOLLOW_UP, seen),
    }
    rows = ENDPOINT(tables).filter(pl.col("PARAMCD") == "INFN")
    made = RATE(rows.with_columns(pl.lit("ALL").alias(GROUP)), settings={"per_days": 1000.0})[0]
    found = (made.estimate.value, made.estimate.lower, made.estimate.upper)
    # The oracle has four decimals.
    assert found == pytest.approx(rate, abs=5e-5)
