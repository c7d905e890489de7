import pytest

from sojourn.core.errors import DataError
from sojourn.core.estimates import Estimate


def test_prints_value_unit_and_interval():
    estimate = Estimate(12.4, "ug", 10.2, 14.6, 0.95, "GLS")
    assert str(estimate) == "12.4 ug (95% CI 10.2 to 14.6)"


@pytest.mark.parametrize(
    ("value", "lower", "upper", "level"),
    [
        pytest.param(1.0, 1.1, 2.0, 0.95, id="below-its-interval"),
        pytest.param(2.1, 1.1, 2.0, 0.95, id="above-its-interval"),
        pytest.param(float("nan"), 1.0, 2.0, 0.95, id="not-a-number"),
        pytest.param(1.5, 1.0, float("nan"), 0.95, id="bound-not-a-number"),
        pytest.param(1.5, 1.0, 2.0, 1.0, id="level-of-one"),
    ],
)
def test_what_is_no_estimate_cannot_be_made(value, lower, upper, level):
    with pytest.raises(DataError):
        Estimate(value, "ug", lower, upper, level, "GLS")


def test_a_bound_may_be_infinite_and_bounds_are_covered():
    estimate = Estimate(1.0, "d", 0.5, float("inf"), 0.95, "fit")
    assert estimate.covers(1e9)
    assert estimate.covers(0.5)
    assert not estimate.covers(0.4999)
