"""Risk sets with late entry, against the definition: at risk on (entry, exit]."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.statistics.survival.inputs import check_times
from sojourn.statistics.survival.risk_sets import (
    count_at_risk,
    count_fewest_at_risk,
    find_truncation,
)

intervals = st.lists(
    st.tuples(st.integers(-1, 8), st.integers(1, 6), st.booleans()), min_size=1, max_size=12
)


def people_of(rows):
    entry = [-np.inf if start < 0 else float(start) for start, _, _ in rows]
    exits = [float(max(start, 0) + length) for start, length, _ in rows]
    return check_times(exits, [event for _, _, event in rows], entry=entry)


def brute(people, t):
    return int(((people.entry < t) & (t <= people.exit)).sum())


@given(intervals)
def test_at_risk_is_after_entry_and_up_to_exit(rows):
    people = people_of(rows)
    at = np.arange(0, 16, 0.5)
    assert count_at_risk(people, at).tolist() == [brute(people, t) for t in at]


@given(intervals)
def test_the_fewest_at_risk_is_the_smallest_count_since_the_first_entry(rows):
    people = people_of(rows)
    first = people.entry.min()
    for t in np.arange(0.5, 15.5, 0.5):
        # Counts change at whole numbers only, so halves stand for the stretches between.
        watched = [u for u in np.arange(0.25, t + 0.01, 0.25) if u > first]
        expected = min((brute(people, u) for u in watched), default=0)
        assert int(count_fewest_at_risk(people, np.array(t))) == expected


@given(intervals)
def test_without_late_entry_the_fewest_are_those_at_risk(rows):
    people = check_times([float(length) for _, length, _ in rows], [e for _, _, e in rows])
    at = np.arange(0, 8, 0.5)
    assert (count_fewest_at_risk(people, at) == count_at_risk(people, at)).all()


def test_nobody_is_at_risk_of_nothing():
    nobody = check_times([], [])
    assert int(count_fewest_at_risk(nobody, np.array(1.0))) == 0
    assert find_truncation(nobody).describe(0) == ()


def test_no_late_entry_needs_no_statement():
    assert find_truncation(check_times([1, 2], [1, 1], entry=[0, 0])).describe(2) == ()


def test_a_risk_set_that_dies_out_early_is_stated():
    # One subject from the origin dies on day 1; three enter on day 4 or later.
    people = check_times([1, 6, 8, 9], [1, 0, 1, 0], entry=[0, 4, 4, 5])
    found = find_truncation(people)
    assert (found.n_late, found.exhausted, found.n_later, found.gaps) == (3, 1.0, 3, ())
    notes = found.describe(4)
    assert notes[0].startswith("3 of 4 came under observation after the origin")
    assert "all who were at risk on day 1 had the event, and 3 came under" in notes[1]


def test_the_last_death_of_all_is_no_early_end():
    people = check_times([5, 6], [1, 1], entry=[0, 2])
    assert find_truncation(people).exhausted is None


def test_an_empty_risk_set_within_follow_up_is_stated():
    people = check_times([2, 9, 9], [0, 1, 0], entry=[0, 5, 6])
    found = find_truncation(people)
    assert (found.gaps, found.exhausted) == (((2.0, 5.0),), None)
    assert "nobody was at risk between day 2 and day 5" in found.describe(3)[-1]


@pytest.mark.parametrize(("entry", "has_gap"), [(2.0, False), (2.5, True)])
def test_who_enters_as_the_last_leaves_closes_the_gap(entry, has_gap):
    people = check_times([2, 9], [0, 1], entry=[-np.inf, entry])
    assert bool(find_truncation(people).gaps) == has_gap


def test_survival_begins_at_the_first_entry_and_this_is_stated():
    people = check_times([8, 9], [1, 1], entry=[3, 4])
    found = find_truncation(people)
    assert (found.first_entry, found.gaps) == (3.0, ())
    assert "nobody was under observation up to day 3" in found.describe(2)[1]
