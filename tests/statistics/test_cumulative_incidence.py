"""Cumulative incidence as an analysis of outcome rows.

EXTERNAL: cmprsk through the golden files (tests/golden/test_competing_*.py) and the two figures of
`test_an_event_on_the_asked_day_is_counted`; hand-made examples otherwise.
"""

import csv
import math

import polars as pl
import pytest

from outcome_rows import empty, outcomes
from sojourn.core.errors import DataError
from sojourn.statistics.cumulative_incidence import ANALYSIS, CURVE, curve
from sojourn.statistics.kaplan_meier import ANALYSIS as KAPLAN_MEIER
from sojourn.testing import make_outcome_rows


def leukemia_relapse(shared):
    with (shared / "data/hsct/bmt_klein.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    codes = [0 if r["d2"] == "1" else 2 if r["d1"] == "1" else 1 for r in rows]
    return outcomes(aval=[float(r["t2"]) for r in rows], cnsr=codes)


def test_an_event_on_the_asked_day_is_counted(shared):
    made = {m.operation: m for m in ANALYSIS(leukemia_relapse(shared), settings={"at": [100, 99]})}
    assert made["incidence_at_100"].estimate.value == pytest.approx(0.0803, abs=5e-5)
    assert made["incidence_at_99"].estimate.value == pytest.approx(0.0730, abs=5e-5)


def test_incidence_is_not_the_complement_of_kaplan_meier(shared):
    # Platelets back by day 100: censoring who relapsed or died first says 0.915, cmprsk 0.876.
    with (shared / "data/hsct/bmt_klein.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    times = [float(r["tp"] if r["dp"] == "1" else r["t2"]) for r in rows]
    codes = [0 if r["dp"] == "1" else 2 if r["d3"] == "1" else 1 for r in rows]
    patients = outcomes(aval=times, cnsr=codes)
    made, _ = ANALYSIS(patients, settings={"at": [100]})
    (naive,) = KAPLAN_MEIER(patients, settings={"at": [100]})
    assert made.estimate.value == pytest.approx(0.875912408759124, abs=1e-12)
    assert 1 - naive.estimate.value == pytest.approx(0.914617841306714, abs=1e-12)
    assert any("not a risk in their presence" in note for note in naive.estimate.notes)


def test_worked_example_by_hand():
    # 1 event, 2 competing, 3 event and censored, 4 event: S- = 1, 4/5, 3/5, 3/10 (of 5, 4, 3, 1)
    rows = outcomes(aval=[1.0, 2.0, 3.0, 3.0, 4.0], cnsr=[0, 2, 0, 1, 0])
    made = ANALYSIS(rows, settings={"at": [3, 4], "names": {2: "death"}})
    values = {m.operation: m.estimate.value for m in made}
    assert list(values) == [
        "incidence_at_3",
        "incidence_at_4",
        "incidence_of_2_at_3",
        "incidence_of_2_at_4",
    ]
    assert list(values.values()) == pytest.approx([0.4, 0.8, 0.2, 0.2], abs=1e-15)
    assert made[0].estimate.notes == ("3 at risk, 2 events by day 3, 1 of other causes",)
    assert made[2].label == "cumulative incidence by day 3, death"
    table = curve(rows).filter(pl.col("CAUSE") == 0)
    assert table.select("TIME", "AT_RISK", "EVENTS").rows() == [
        (0.0, 5, 0),
        (1.0, 5, 1),
        (2.0, 4, 0),
        (3.0, 3, 1),
        (4.0, 1, 1),
    ]
    assert dict(table.schema) == CURVE


@pytest.mark.parametrize(("at", "is_known"), [(90, True), (91, False)])
def test_beyond_the_last_follow_up_nothing_is_carried_on(at, is_known):
    (made,) = ANALYSIS(outcomes(aval=[30.0, 90.0], cnsr=[0, 1]), settings={"at": [at]})
    assert (made.estimate is not None) == is_known
    assert is_known or made.reason == "nobody was followed to day 91; the last day is 90"


def test_once_nobody_can_have_an_event_any_more_the_incidence_stands():
    made = ANALYSIS(outcomes(aval=[30.0, 90.0], cnsr=[0, 2]), settings={"at": [500]})
    assert [m.estimate.value for m in made] == [0.5, 0.5]


@pytest.mark.parametrize("n", [0, 1, 6])
@pytest.mark.parametrize("cnsr", [0, 1, 2])
def test_nobody_one_subject_all_events_and_none(n, cnsr):
    rows = outcomes(aval=[5.0] * n, cnsr=[cnsr] * n) if n else empty()
    made = ANALYSIS(rows, settings={"at": [5], "causes": [0, 2]})
    assert [m.estimate.value for m in made] == ([float(cnsr == 0), float(cnsr == 2)] if n else [])
    for m in made:
        assert 0 <= m.estimate.lower <= m.estimate.value <= m.estimate.upper <= 1
        assert "exact bound" in m.estimate.method
    if n and cnsr == 1:
        assert made[0].estimate.upper == pytest.approx(1 - 0.025 ** (1 / n), abs=1e-12)
    if n and cnsr == 0:
        assert made[0].estimate.lower == pytest.approx(0.025 ** (1 / n), abs=1e-12)


def test_ten_tenths_are_one_and_have_an_exact_bound():
    rows = outcomes(aval=[float(i) for i in range(1, 11)], cnsr=[0] * 10)
    (made,) = ANALYSIS(rows, settings={"at": [10]})
    assert made.estimate.value == pytest.approx(1, abs=1e-12)
    assert made.estimate.lower == pytest.approx(0.025**0.1, abs=1e-12)


def test_a_group_without_a_competing_event_says_0_for_it():
    rows = pl.concat(
        [outcomes("A", aval=[1.0, 2.0], cnsr=[0, 2]), outcomes("B", aval=[1.0, 2.0], cnsr=[0, 1])]
    )
    made = ANALYSIS(rows, settings={"at": [2]})
    values = [(m.group, m.operation, m.estimate.value) for m in made]
    assert values[-1] == ("B", "incidence_of_2_at_2", 0.0)
    assert len(values) == 4


def test_subjects_without_a_time_are_counted_not_analysed():
    (made,) = ANALYSIS(outcomes(aval=[5.0, 9.0, None], cnsr=[0, 1, None]), settings={"at": [5]})
    assert made.estimate.notes[1] == "1 of 3 not evaluable, left out"
    assert made.n == 2
    (made,) = ANALYSIS(outcomes(aval=[None], cnsr=[None]), settings={"at": [5]})
    assert made.estimate is None
    assert made.reason == "nobody could be evaluated (1 left out)"


def test_left_truncation_takes_who_was_not_yet_observed_out_of_the_risk_set():
    rows = make_outcome_rows(aval=[1.0, 2.0, 5.0], cnsr=[0, 0, 1], entry=[None, None, 1.5])
    made = ANALYSIS(rows, settings={"at": [2]})
    assert made[0].estimate.value == pytest.approx(0.5 + 0.5 * 0.5)
    assert made[0].estimate.notes == (
        "2 at risk, 2 events by day 2",
        "1 of 3 came under observation after the origin",
    )


def test_late_entry_that_lets_the_risk_set_die_out_ends_the_estimate():
    rows = make_outcome_rows(aval=[2.0, 9.0], cnsr=[0, 0], entry=[1.0, 5.0])
    early, *late = ANALYSIS(rows, settings={"at": [1.5, 2, 6]})
    assert early.estimate.value == 0.0
    assert "nobody was under observation up to day 1" in early.estimate.notes
    for made in late:
        assert made.estimate is None
        assert "1 came under observation later: from that day on nothing" in made.reason


def test_an_incidence_of_0_is_bounded_by_the_fewest_that_were_watched():
    rows = make_outcome_rows(aval=[9.0] * 5, cnsr=[1] * 5, entry=[None, 3.0, 3.0, 3.0, 3.0])
    (made,) = ANALYSIS(rows, settings={"at": [5]})
    assert made.estimate.upper == pytest.approx(1 - 0.025, abs=1e-12)  # one, not five


def test_an_entry_on_day_0_is_the_origin():
    settings = {"at": [5]}
    times = {"aval": [9.0] * 5, "cnsr": [1] * 5}
    mixed = make_outcome_rows(**times, entry=[0.0, 0.0, None, None, None])
    assert ANALYSIS(mixed, settings=settings) == ANALYSIS(outcomes(**times), settings=settings)


@pytest.mark.parametrize(
    ("rows", "settings", "message"),
    [
        ({"aval": [-1.0], "cnsr": [0]}, {}, "AVAL -1.0"),
        ({"aval": [1.0], "cnsr": [None]}, {}, "CNSR None"),
        ({"aval": [1.0], "cnsr": [-2]}, {}, "CNSR -2"),
        ({"aval": [math.nan], "cnsr": [0]}, {}, "AVAL nan"),
        ({"aval": [1.0], "cnsr": [3]}, {"causes": [0, 2]}, "unknown CNSR 3"),
        ({"aval": [1.0], "cnsr": [0]}, {"causes": [2]}, "causes start with 0"),
        ({"aval": [1.0], "cnsr": [0]}, {"causes": [0, 1]}, "1 is censored"),
        ({"aval": [1.0], "cnsr": [0], "entry": [1.0]}, {}, "from 1 to 1"),
        ({"aval": [1.0], "cnsr": [0], "entry": [-1.0]}, {}, "from -1 to 1"),
        ({"aval": [1.0], "cnsr": [0]}, {"variance": "jitter"}, "variance"),
    ],
)
def test_hostile_rows_and_settings_are_refused(rows, settings, message):
    with pytest.raises(DataError, match=message):
        ANALYSIS(make_outcome_rows(**rows), settings=settings)
