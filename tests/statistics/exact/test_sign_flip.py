"""EXTERNAL: Fisher, The design of experiments (1935), section 21: 863 of 32,768."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sojourn.core.errors import DataError
from sojourn.statistics.exact.sign_flip import (
    MOST_SUBJECTS,
    invert_sign_flip_test,
    sample_sign_flips,
    sign_flip_test,
)

DARWIN = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]  # eighths of an inch
whole = st.lists(st.integers(-30, 30), min_size=1, max_size=8)


def test_darwins_plants_as_fisher_counted_them():
    found = sign_flip_test(DARWIN)
    assert round(found.p_greater * 2**15) == 863
    assert round(found.p_two_sided * 2**15) == 2 * 863


@settings(deadline=None)
@given(whole)
def test_every_pattern_of_signs_is_counted(d):
    totals = np.array([np.dot(d, signs) for signs in product((-1, 1), repeat=len(d))])
    found = sign_flip_test([v / 10 for v in d])
    assert found.p_two_sided == np.mean(np.abs(totals) >= abs(sum(d)))
    assert found.p_greater == np.mean(totals >= sum(d))
    assert found.p_less == np.mean(totals <= sum(d))


@settings(deadline=None)
@given(st.lists(st.integers(-40, 40), min_size=3, max_size=8, unique=True))
def test_the_interval_holds_exactly_the_centers_that_are_not_rejected(d):
    found = invert_sign_flip_test(d, level=0.8)
    tail = (1 - found.attained_level) / 2
    for center, is_inside in (
        (found.lower - 1e-6, False),
        (found.lower + 1e-6, True),
        (found.upper - 1e-6, True),
        (found.upper + 1e-6, False),
    ):
        test = sign_flip_test(np.array(d) - center)
        kept = min(test.p_greater, test.p_less) > tail + 1e-12
        assert kept == is_inside or found.upper - found.lower < 3e-6


def test_the_smallest_p_and_the_widest_interval_of_five():
    found = sign_flip_test([1.0, 2.0, 3.0, 4.0, 5.0])
    assert found.p_two_sided == 2 / 32
    interval = invert_sign_flip_test([1.0, 2.0, 3.0, 4.0, 5.0])
    assert (interval.lower, interval.upper, interval.attained_level) == (1.0, 5.0, 0.9375)
    alone = invert_sign_flip_test([2.0])
    assert (alone.lower, alone.upper, alone.attained_level) == (-np.inf, np.inf, 1.0)


def test_zeros_and_all_equal():
    assert sign_flip_test([0.0, 0.0]).p_two_sided == 1.0
    assert sign_flip_test([0.0, 1.0, 1.0]).p_two_sided == 0.5


def test_drawn_patterns_agree_with_all_of_them_and_repeat_with_their_seed():
    one, other = (
        sample_sign_flips(DARWIN, draws=20_000, rng=np.random.default_rng(4)) for _ in range(2)
    )
    assert one == other
    assert one.lower <= 2 * 863 / 2**15 <= one.upper


def test_too_many_subjects_are_refused_and_not_drawn():
    with pytest.raises(DataError, match="no exact sign-flip test"):
        sign_flip_test(np.arange(MOST_SUBJECTS + 1))
    with pytest.raises(DataError, match="no exact sign-flip test"):
        invert_sign_flip_test(np.arange(MOST_SUBJECTS + 1))


@pytest.mark.parametrize("wrong", [[], [np.nan]])
def test_hostile_values_are_refused(wrong):
    for function in (sign_flip_test, invert_sign_flip_test):
        with pytest.raises(DataError, match="expected"):
            function(wrong)
    with pytest.raises(DataError, match="draws"):
        sample_sign_flips([1.0], draws=0, rng=np.random.default_rng(0))
