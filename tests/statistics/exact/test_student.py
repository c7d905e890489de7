"""EXTERNAL: R 4.2.2 `t.test`, Student's sleep data (help page); scipy.stats."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sojourn.core.errors import DataError
from sojourn.statistics.exact.student import one_sample_test, pooled_test, welch_test

DRUG_1 = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
DRUG_2 = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
numbers = st.lists(st.integers(-50, 50), min_size=2, max_size=8).filter(lambda v: len(set(v)) > 1)


def test_students_sleep():
    found = welch_test(DRUG_1, DRUG_2)
    assert found.t == pytest.approx(-1.860813467487, abs=1e-11)
    assert found.degrees == pytest.approx(17.77647351618, abs=1e-9)
    assert found.p_two_sided == pytest.approx(0.0793941401874, abs=1e-11)
    bounds = (-3.36548323071171, 0.20548323071171)
    assert (found.lower, found.upper) == pytest.approx(bounds, abs=1e-9)
    # Student's own: the mean of the paired differences, t = 4.06, n - 1 = 9
    paired = one_sample_test(np.subtract(DRUG_2, DRUG_1))
    assert (round(paired.t, 2), paired.degrees) == (4.06, 9)


@settings(deadline=None)
@given(numbers, numbers)
def test_as_scipy(x, y):
    for found, expected in (
        (welch_test(x, y), stats.ttest_ind(x, y, equal_var=False)),
        (pooled_test(x, y), stats.ttest_ind(x, y)),
        (one_sample_test(x), stats.ttest_1samp(x, 0.0)),
    ):
        assert found.t == pytest.approx(expected.statistic, abs=1e-9)
        assert found.p_two_sided == pytest.approx(expected.pvalue, abs=1e-9)
        interval = expected.confidence_interval()
        assert (found.lower, found.upper) == pytest.approx((interval.low, interval.high), rel=1e-7)


def test_no_spread_has_no_p_value():
    found = welch_test([2.0, 2.0], [1.0, 1.0])
    assert (found.lower, found.upper, found.t) == (1.0, 1.0, math.inf)
    assert math.isnan(found.p_two_sided)
    assert one_sample_test([-1.0, -1.0]).t == -math.inf
    assert pooled_test([1.0, 1.0], [1.0, 1.0]).t == 0.0


@pytest.mark.parametrize("wrong", [[], [1.0], [1.0, math.nan]])
def test_hostile_values_are_refused(wrong):
    for function in (welch_test, pooled_test):
        with pytest.raises(DataError, match="expected"):
            function([1.0, 2.0], wrong)
    with pytest.raises(DataError, match="expected"):
        one_sample_test(wrong)
