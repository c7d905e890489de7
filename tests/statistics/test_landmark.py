"""Landmark analysis: fair where the comparison from day 0 is not, and its refusals.

The bias is shown on SIMULATED subjects whose response has no effect on survival (closed form).
"""

import math

import numpy as np
import polars as pl
import pytest

from outcome_rows import empty
from sojourn.core.errors import DataError
from sojourn.statistics.landmark import ANALYSIS
from sojourn.statistics.survival.log_rank import log_rank
from sojourn.statistics.survival.product_limit import find_survival, kaplan_meier
from sojourn.testing import make_outcome_rows

BY_STATUS = {"landmark_day": 30, "status_day": "RESP", "at": [60]}


def trial(group="ALL", *, aval, cnsr, resp, entry=None):
    rows = make_outcome_rows(group, aval=aval, cnsr=cnsr, entry=entry)
    return rows.with_columns(RESP=pl.Series(resp, dtype=pl.Float64))


def simulated(n=4000, seed=20):
    """Return SIMULATED deaths (mean day 100) and responses (mean day 60) that ignore each other."""
    rng = np.random.default_rng(seed)
    death, response = rng.exponential(100, n), rng.exponential(60, n)
    return death, np.where(response < death, response, np.nan)


def test_trap_from_day_0_responders_outlive_others_although_response_does_nothing():
    death, response = simulated()
    ever = np.isfinite(response)
    alive = np.ones(len(death), dtype=bool)
    curves = [kaplan_meier(death[who], alive[who]) for who in (ever, ~ever)]
    yes, no = (float(find_survival(curve, 60)[0]) for curve in curves)
    # Closed form: P(T > 60 | R > T) = e^-1.6, of 3 in 8; all together survive with e^-0.6.
    assert no == pytest.approx(math.exp(-1.6), abs=0.03)
    assert yes == pytest.approx((math.exp(-0.6) - 3 / 8 * math.exp(-1.6)) / (5 / 8), abs=0.03)
    assert log_rank(death, alive, ever).p_value < 1e-100


def test_from_the_landmark_the_same_subjects_show_no_effect():
    death, response = simulated()
    rows = trial(aval=death, cnsr=np.zeros(len(death), int), resp=response)
    rows = rows.with_columns(RESP=pl.col("RESP").fill_nan(None))
    yes, no, test = ANALYSIS(rows, settings=BY_STATUS)
    # Survival from day 30 to 60 is e^-0.3 in both, since exponential times have no memory.
    for made in (yes, no):
        error = made.estimate.components["Greenwood"]
        assert made.estimate.value == pytest.approx(math.exp(-0.3), abs=3.5 * error)
    assert test.p_value > 0.01


def test_groups_by_what_was_known_at_the_landmark_and_the_excluded_counted():
    rows = trial(
        aval=[10.0, 20.0, 30.0, 40.0, 50.0, 90.0, 90.0],
        cnsr=[0, 1, 0, 0, 1, 0, 1],
        resp=[5.0, None, None, 30.0, 31.0, None, 12.0],
    )
    yes, no, test = ANALYSIS(rows, settings=BY_STATUS)
    assert (yes.group, no.group) == ("ALL: RESP by day 30", "ALL: no RESP by day 30")
    assert (yes.operation, yes.n, no.n) == ("survival_at_60_from_30", 2, 2)
    # By day 30 two have responded (on 30 and 12), of whom one dies on 40; of the others none by 60.
    assert (yes.estimate.value, no.estimate.value) == (0.5, 1.0)
    excluded = (
        "3 of 7 excluded at day 30: 2 had the event, 1 were censored or had a competing event"
    )
    assert excluded in yes.estimate.notes
    assert "1 reached it later, which does not count" in no.estimate.notes
    assert (test.group, test.operation, test.n) == ("RESP", "log_rank_from_30", 4)


def test_status_is_compared_within_groups():
    columns = {"aval": [40.0, 60, 50, 70], "cnsr": [0] * 4, "resp": [1.0, 1.0, None, None]}
    both = pl.concat([trial("A", **columns), trial("B", **columns)])
    *_, test = ANALYSIS(both, settings={**BY_STATUS, "at": [65]})
    # Each group is the hand example of the log-rank tests, chi-square 8/13.
    assert test.reason.startswith(f"chi-squared {16 / 13:.6g}")
    assert test.label == "log-rank test from day 30 within groups"


def test_an_assigned_arm_is_known_at_the_origin():
    rows = pl.concat(
        [trial(g, aval=[40.0, 50.0 + i], cnsr=[0, 0], resp=[None] * 2) for i, g in enumerate("AB")]
    )
    settings = {"landmark_day": 30, "known_on": "origin", "at": [45]}
    a, b, test = ANALYSIS(rows, settings=settings)
    assert (a.group, b.group, test.group) == ("A", "B", "A-B")
    assert a.estimate.value == 0.5


@pytest.mark.parametrize(("day", "is_refused"), [(30, False), (31, True), (None, True)])
def test_a_group_that_became_known_after_the_landmark_is_refused(day, is_refused):
    rows = trial(aval=[40.0, 50.0], cnsr=[0, 0], resp=[2.0, day])
    settings = {"landmark_day": 30, "known_on": "RESP", "at": [45]}
    if is_refused:
        with pytest.raises(DataError, match=r"'ALL001': GROUP 'ALL' became known on .*landmark"):
            ANALYSIS(rows, settings=settings)
    else:
        assert ANALYSIS(rows, settings=settings)[0].estimate.value == 0.5


def test_later_knowledge_of_who_is_excluded_anyway_does_no_harm():
    rows = trial(aval=[30.0, 50.0], cnsr=[0, 0], resp=[None, 2.0])
    settings = {"landmark_day": 30, "known_on": "RESP", "at": [45]}
    assert ANALYSIS(rows, settings=settings)[0].n == 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        pytest.param({"landmark_day": 30, "at": [60]}, "status_day", id="no-division-is-named"),
        pytest.param({**BY_STATUS, "known_on": "origin"}, "either", id="two-divisions"),
        pytest.param({**BY_STATUS, "at": [30]}, "after landmark_day", id="day-of-the-landmark"),
        pytest.param({**BY_STATUS, "landmark_day": -1}, "landmark_day", id="before-the-origin"),
        pytest.param({"status_day": "RESP"}, "landmark_day", id="no-landmark"),
    ],
)
def test_settings_that_hide_when_something_was_known_are_refused(settings, message):
    with pytest.raises(DataError, match=message):
        ANALYSIS(trial(aval=[40.0], cnsr=[0], resp=[None]), settings=settings)


def test_a_response_after_the_subjects_own_end_is_refused_by_subject():
    rows = trial(aval=[40.0, 50.0], cnsr=[0, 0], resp=[None, 51.0])
    with pytest.raises(DataError, match="'ALL001': RESP is day 51, after the subject's own last"):
        ANALYSIS(rows, settings=BY_STATUS)


def test_who_enters_after_the_landmark_is_excluded():
    rows = trial(aval=[70.0, 80.0], cnsr=[0, 0], resp=[1.0, 1.0], entry=[30.0, 31.0])
    yes, *_ = ANALYSIS(rows, settings=BY_STATUS)
    assert yes.n == 1
    assert "1 of 2 excluded at day 30: 1 were not yet under observation" in yes.estimate.notes


def test_nobody_left_at_the_landmark_gives_a_reason():
    assert ANALYSIS(empty(), settings={"landmark_day": 30, "known_on": "origin"}) == []
    rows = trial(aval=[10.0], cnsr=[0], resp=[None])
    yes, no, test = ANALYSIS(rows, settings=BY_STATUS)
    assert yes.estimate is no.estimate is test.p_value is None
    assert "1 of 1 excluded at day 30: 1 had the event" in no.reason
    assert test.reason.startswith("no test: fewer than two groups")


def test_competing_events_after_the_landmark_are_stated():
    rows = trial(aval=[10.0, 40.0, 70.0, 80.0], cnsr=[2, 2, 0, 0], resp=[1.0, 1.0, 1.0, None])
    yes, no, _ = ANALYSIS(rows, settings=BY_STATUS)
    assert any("1 competing events are censored" in note for note in yes.estimate.notes)
    assert not any("competing events are" in note for note in no.estimate.notes)
