"""EXTERNAL: R 4.2.2, mice 3.15.0, pool.scalar (literals); closed forms."""

import math

import pytest
from scipy import stats

from sojourn.core.errors import DataError
from sojourn.statistics.missing.rubin import pool

FIVE = ([2.1, 1.7, 2.6, 1.9, 2.4], [0.31, 0.35, 0.28, 0.33, 0.30])


@pytest.mark.parametrize(
    ("complete", "degrees"),
    [
        pytest.param(7, 3.35878315485052, id="ten-subjects-three-coefficients"),
        pytest.param(math.inf, 35.2222913172656, id="large-sample"),
    ],
)
def test_pooling_is_that_of_another_program(complete, degrees):
    made = pool(*FIVE, complete_degrees=complete)
    assert made.value == pytest.approx(2.14, abs=1e-12)
    assert made.within == pytest.approx(0.314, abs=1e-12)
    assert made.between == pytest.approx(0.133, abs=1e-12)
    assert made.variance == pytest.approx(0.4736, abs=1e-12)
    assert made.degrees == pytest.approx(degrees, rel=1e-12)
    assert made.fraction_missing == pytest.approx(0.50828025477707 / 1.50828025477707)


def test_degrees_never_exceed_those_of_complete_data():
    made = pool([1.0, 1.0, 1.0], [0.2, 0.2, 0.2], complete_degrees=12)
    assert made.between == 0
    assert made.degrees == pytest.approx(13 / 15 * 12)
    assert pool([1.0, 1.0], [0.2, 0.2]).degrees == math.inf


def test_interval_and_p_value_are_those_of_t():
    made = pool(*FIVE, complete_degrees=7)
    t = stats.t(made.degrees, 2.14, math.sqrt(0.4736))
    assert made.interval(0.9) == pytest.approx(t.interval(0.9), abs=1e-10)
    assert made.p_value == pytest.approx(2 * t.cdf(0), abs=1e-12)
    normal = pool([1.0, 1.0], [0.04, 0.04]).interval()
    assert normal == pytest.approx((1 - 0.2 * 1.959964, 1 + 0.2 * 1.959964), abs=1e-6)


def test_nothing_uncertain_has_no_test():
    made = pool([3.0, 3.0], [0.0, 0.0], complete_degrees=5)
    assert (made.p_value, made.interval()) == (None, (3.0, 3.0))


@pytest.mark.parametrize(
    ("values", "variances", "message"),
    [
        ([1.0], [1.0], "two or more"),
        ([1.0, 2.0], [1.0], "two or more"),
        ([1.0, 2.0], [1.0, -0.1], "not negative"),
        ([1.0, math.nan], [1.0, 0.1], "finite"),
    ],
)
def test_what_cannot_be_pooled_is_refused(values, variances, message):
    with pytest.raises(DataError, match=message):
        pool(values, variances)
