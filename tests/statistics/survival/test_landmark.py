"""Selection at a landmark, on both sides of each bound, and the refusal of later knowledge."""

import math

import pytest

from sojourn.core.errors import DataError
from sojourn.statistics.survival.inputs import check_times
from sojourn.statistics.survival.landmark import (
    check_known,
    find_status,
    select_at_landmark,
    start_at_landmark,
)


def test_who_left_by_the_landmark_is_excluded_and_counted_by_cause():
    made = select_at_landmark([10, 30, 30, 31, 60], [1, 1, 0, 1, 0], landmark=30)
    assert made.chosen.tolist() == [False, False, False, True, True]
    assert (made.n_event, made.n_censored, made.n_not_entered) == (2, 1, 0)


@pytest.mark.parametrize(("entry", "is_chosen"), [(29, True), (30, True), (31, False)])
def test_who_was_not_yet_under_observation_is_excluded(entry, is_chosen):
    made = select_at_landmark([60], [1], landmark=30, entry=[entry])
    assert made.chosen.tolist() == [is_chosen]
    assert made.n_not_entered == int(not is_chosen)


def test_the_clock_stays_that_of_the_origin_and_risk_begins_at_the_landmark():
    people = check_times([10, 40], [1, 1], entry=[0, 20])
    found = select_at_landmark([10, 40], [1, 1], landmark=30, entry=[0, 20])
    started = start_at_landmark(people, found, landmark=30)
    assert (started.exit.tolist(), started.entry.tolist()) == ([40], [30])


@pytest.mark.parametrize(
    ("reached", "has"), [(29, True), (30, True), (31, False), (math.nan, False)]
)
def test_a_status_counts_if_reached_by_the_landmark(reached, has):
    assert find_status([reached], [90], landmark=30).tolist() == [has]


def test_a_status_after_the_subjects_own_end_is_refused():
    assert find_status([90], [90], landmark=30).tolist() == [False]
    with pytest.raises(DataError, match="index 1: the status was reached at 91"):
        find_status([1, 91], [90, 90], landmark=30)
    with pytest.raises(DataError, match="one for each"):
        find_status([1], [90, 90], landmark=30)


def test_groups_settled_after_the_landmark_are_refused():
    check_known([0, 30], landmark=30)
    with pytest.raises(DataError, match="index 1: the group became known at 31"):
        check_known([0, 31], landmark=30)
    with pytest.raises(DataError, match="index 0: it is not stated"):
        check_known([math.nan], landmark=30)


@pytest.mark.parametrize("landmark", [-1, math.nan, math.inf])
def test_a_landmark_before_the_origin_is_refused(landmark):
    with pytest.raises(DataError, match="landmark is"):
        select_at_landmark([1], [1], landmark=landmark)


def test_the_origin_is_a_landmark():
    assert select_at_landmark([0, 1], [1, 1], landmark=0).chosen.tolist() == [False, True]
