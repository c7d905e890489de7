"""The exact log-rank test against a listing of all splits, each by the usual test's O - E."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sojourn.core.errors import DataError
from sojourn.statistics.survival.exact_log_rank import (
    MAX_SUBJECTS,
    exact_log_rank,
    log_rank_scores,
    sampled_log_rank,
)
from sojourn.statistics.survival.log_rank import log_rank

people = st.lists(st.tuples(st.integers(1, 5), st.booleans()), min_size=2, max_size=8)

# A trial of 5 and 5: R 4.2.2, survival 3.5-3 and coin (EXTERNAL; ss_two_sample.json).
A = ([30, 60, 90, 365, 365], [1, 1, 0, 0, 0])
B = ([10, 20, 45, 80, 200], [1, 1, 1, 1, 0])


def listed(times, events, n_a):
    """Return the p-value from every split, computed with the test itself."""
    indices = np.arange(len(times))

    def difference(chosen):
        made = log_rank(times, events, np.isin(indices, chosen))
        return float(made.observed[-1] - made.expected[-1])

    observed = abs(difference(indices[:n_a]))
    every = [abs(difference(c)) for c in itertools.combinations(indices, n_a)]
    return sum(each >= observed - 1e-9 for each in every) / len(every)


def test_five_and_five_subjects_as_r_and_coin():
    made = exact_log_rank(*A, *B)
    assert made.p_value == pytest.approx(0.238095238095238, abs=1e-12)
    assert made.p_scores == pytest.approx(0.238095238095238, abs=1e-12)
    assert made.chisq == pytest.approx(1.6033691496749, abs=1e-10)
    assert made.p_asymptotic == pytest.approx(0.205426405882998, abs=1e-10)
    assert made.n_splits == math.comb(10, 5)


@settings(max_examples=40)
@given(people, st.data())
def test_it_counts_what_a_listing_counts(rows, data):
    times, events = np.array([t for t, _ in rows]), np.array([e for _, e in rows])
    n_a = data.draw(st.integers(1, len(rows) - 1))
    made = exact_log_rank(times[:n_a], events[:n_a], times[n_a:], events[n_a:])
    assert made.p_value == pytest.approx(listed(times, events, n_a), abs=1e-12)


@given(people, st.data())
def test_it_is_symmetric_and_keeps_to_ranks(rows, data):
    times, events = np.array([t for t, _ in rows], float), np.array([e for _, e in rows])
    n_a = data.draw(st.integers(1, len(rows) - 1))
    a, b = (times[:n_a], events[:n_a]), (times[n_a:], events[n_a:])
    made = exact_log_rank(*a, *b)
    assert exact_log_rank(*b, *a).p_value == made.p_value
    assert exact_log_rank(a[0] ** 2 / 24, a[1], b[0] ** 2 / 24, b[1]).p_value == made.p_value
    assert exact_log_rank(a[0][::-1], a[1][::-1], *b).p_value == made.p_value
    assert 0 < made.p_value <= 1


def test_scores_are_observed_minus_expected_of_one():
    times, events = [6, 7, 7, 10, 15], [1, 1, 0, 0, 1]
    scores = log_rank_scores(times, events)
    # Hazard: 1/5 at 6, + 1/4 at 7, + 1 at 15.
    expected = [1 - 0.2, 1 - 0.45, -0.45, -0.45, 1 - 1.45]
    assert scores == pytest.approx(expected, abs=1e-15)
    assert scores.sum() == pytest.approx(0, abs=1e-15)


def test_no_event_at_all_is_no_evidence():
    made = exact_log_rank([1, 2], [0, 0], [3], [0])
    assert (made.p_value, made.chisq, made.p_asymptotic) == (1.0, None, None)


def test_forty_subjects_are_counted_and_one_more_is_refused():
    times = np.arange(1.0, 42.0)
    ones = np.ones(41)
    made = exact_log_rank(times[:20], ones[:20], times[20:40], ones[20:40])
    # Complete separation is the most extreme split; its mirror image may be as extreme or not.
    assert made.n_splits == math.comb(40, 20)
    assert 1 / made.n_splits <= made.p_value <= 1e-8
    assert MAX_SUBJECTS == 40
    with pytest.raises(DataError, match="sampled_log_rank"):
        exact_log_rank(times[:20], ones[:20], times[20:], ones[20:])


def test_sampled_splits_come_near_the_exact_value_and_follow_the_seed():
    exact = exact_log_rank(*A, *B).p_value
    made, again = (
        sampled_log_rank(*A, *B, n_sampled=4000, rng=np.random.default_rng(1)) for _ in range(2)
    )
    assert made == again
    assert made.p_value == pytest.approx(exact, abs=4 * made.standard_error)
    other = sampled_log_rank(*A, *B, n_sampled=4000, rng=np.random.default_rng(2))
    assert other.p_value != made.p_value


def test_a_sampled_value_is_never_0():
    made = sampled_log_rank(
        range(1, 31), [1] * 30, range(31, 61), [1] * 30, n_sampled=9, rng=np.random.default_rng(0)
    )
    assert made.p_value == pytest.approx(0.1)
    with pytest.raises(DataError, match="0 random splits"):
        sampled_log_rank(*A, *B, n_sampled=0, rng=np.random.default_rng(0))


def test_an_empty_group_and_a_negative_time_are_refused():
    with pytest.raises(DataError, match="groups of 0 and 5"):
        exact_log_rank([], [], *B)
    with pytest.raises(DataError, match="index 0: time is -1"):
        exact_log_rank([-1], [1], *B)
