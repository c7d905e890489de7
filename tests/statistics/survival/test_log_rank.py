"""Log-rank tests by hand, against lifelines (EXTERNAL), and their invariances."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from lifelines.statistics import multivariate_logrank_test

from sojourn.core.errors import DataError
from sojourn.statistics.survival.log_rank import log_rank

subjects = st.lists(
    st.tuples(st.integers(1, 8), st.booleans(), st.integers(0, 2)), min_size=2, max_size=25
)


def arrays(rows):
    return tuple(np.array(column) for column in zip(*rows, strict=True))


def test_two_groups_by_hand():
    # At risk of A, of all: 2 of 4, 1 of 3, 1 of 2, 0 of 1.
    made = log_rank([1, 3, 2, 4], [1, 1, 1, 1], ["A", "A", "B", "B"])
    assert made.observed.tolist() == [2, 2]
    assert made.expected == pytest.approx([4 / 3, 8 / 3], abs=1e-15)
    assert made.variance == pytest.approx(13 / 18 * np.array([[1, -1], [-1, 1]]), abs=1e-15)
    assert made.chisq == pytest.approx(8 / 13, abs=1e-14)
    assert (made.degrees, made.n.tolist()) == (1, [2, 2])


def test_peto_and_peto_weigh_by_survival_just_before():
    made = log_rank([1, 3, 2, 4], [1, 1, 1, 1], ["A", "A", "B", "B"], rho=1)
    # Weights 1, 3/4, 1/2, 1/4.
    assert made.observed == pytest.approx([1.5, 1.0], abs=1e-15)
    assert made.expected == pytest.approx([1.0, 1.5], abs=1e-15)
    assert made.chisq == pytest.approx(4 / 7, abs=1e-14)


def test_late_entrants_are_expected_nothing_before_they_enter():
    made = log_rank([1, 3, 2, 4], [1, 1, 1, 1], list("AABB"), entry=[0, 0, 1, 0])
    # At risk of A, of all: 2 of 3 at 1; 1 of 3 at 2; 1 of 2 at 3; 0 of 1 at 4.
    assert made.expected[0] == pytest.approx(2 / 3 + 1 / 3 + 1 / 2, abs=1e-15)


def test_strata_compare_within_and_add_up():
    times, events = [1, 3, 2, 4] * 2, [1] * 8
    one = log_rank([1, 3, 2, 4], [1] * 4, list("AABB"))
    two = log_rank(times, events, list("AABB") * 2, strata=[1] * 4 + [2] * 4)
    assert two.expected == pytest.approx(2 * one.expected, abs=1e-14)
    assert two.variance == pytest.approx(2 * one.variance, abs=1e-14)
    assert two.chisq == pytest.approx(2 * one.chisq, abs=1e-14)


def test_a_group_alone_in_its_stratum_is_compared_with_nobody():
    made = log_rank([1, 2, 3, 4], [1] * 4, list("AABB"), strata=[1, 1, 2, 2])
    assert (made.chisq, made.p_value) == (None, None)
    assert "never at risk together" in made.reason


@given(subjects)
def test_it_equals_lifelines_where_that_has_a_test(rows):
    times, events, groups = arrays(rows)
    made = log_rank(times, events, groups)
    # lifelines takes a pseudo-inverse of a singular variance, and counts groups never at risk.
    assume(made.chisq is not None and made.degrees == len(made.groups) - 1)
    other = multivariate_logrank_test(times, groups, events)
    assert made.chisq == pytest.approx(other.test_statistic, abs=1e-8)
    assert made.p_value == pytest.approx(other.p_value, abs=1e-8)


@given(subjects)
def test_observed_and_expected_have_one_sum_and_variances_sum_to_0(rows):
    times, events, groups = arrays(rows)
    for rho in (0, 1):
        made = log_rank(times, events, groups, rho=rho)
        assert made.observed.sum() == pytest.approx(made.expected.sum(), abs=1e-12)
        assert made.variance.sum(axis=0) == pytest.approx(0, abs=1e-12)
    assert log_rank(times, events, groups).observed.sum() == events.sum()


@given(subjects, st.randoms(use_true_random=False), st.sampled_from([7.0, 1 / 24]))
def test_order_of_subjects_unit_of_time_and_names_of_groups_do_not_matter(rows, random, unit):
    times, events, groups = arrays(rows)
    mixed = list(rows)
    random.shuffle(mixed)
    made = log_rank(times, events, groups)
    times, events, groups = arrays(mixed)
    other = log_rank(times * unit, events, np.array(["z", "y", "x"])[groups])
    assert other.expected[::-1] == pytest.approx(made.expected, abs=1e-12)
    if made.chisq is None:
        assert other.chisq is None
    else:
        assert other.chisq == pytest.approx(made.chisq, abs=1e-9)


@pytest.mark.parametrize(
    ("times", "events", "groups"),
    [
        pytest.param([], [], [], id="nobody"),
        pytest.param([5], [1], ["A"], id="one-subject"),
        pytest.param([5, 6], [1, 1], ["A", "A"], id="one-group"),
        pytest.param([5, 6], [0, 0], ["A", "B"], id="no-event"),
        pytest.param([5, 6], [0, 1], ["A", "B"], id="the-other-left-before-any-event"),
        pytest.param([5, 5], [1, 1], ["A", "B"], id="all-at-once"),
    ],
)
def test_where_there_is_no_comparison_there_is_a_reason(times, events, groups):
    made = log_rank(times, events, groups)
    assert (made.chisq, made.p_value) == (None, None)
    assert made.reason


def test_a_group_gone_before_the_first_event_costs_no_degree():
    made = log_rank([1, 5, 6, 7, 8], [0, 1, 1, 1, 1], list("CABAB"))
    assert (made.degrees, len(made.groups)) == (1, 3)


def test_a_negative_weight_and_a_missing_stratum_are_refused():
    with pytest.raises(DataError, match="rho"):
        log_rank([1, 2], [1, 1], ["A", "B"], rho=-1)
    with pytest.raises(DataError, match="strata"):
        log_rank([1, 2], [1, 1], ["A", "B"], strata=["x", None])
