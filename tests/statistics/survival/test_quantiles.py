"""Quantiles by the rules of R's quantile.survfit (EXTERNAL: R 4.2.2, survival 3.5-3)."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.core.errors import DataError
from sojourn.statistics.survival.product_limit import kaplan_meier
from sojourn.statistics.survival.quantiles import median_follow_up, survival_quantile


@pytest.mark.parametrize(
    ("times", "events", "p", "value"),
    [
        pytest.param([1, 2, 3, 4], [1, 1, 0, 0], 0.25, 1.5, id="middle-of-a-flat-stretch"),
        pytest.param([1, 2, 3, 4], [1, 1, 0, 0], 0.5, 3.0, id="flat-to-the-last-time"),
        pytest.param([1, 2, 3, 4], [1, 1, 0, 0], 0.75, None, id="not-reached"),
        pytest.param([1, 2, 3, 4], [1, 1, 0, 0], 0.24, 1.0, id="just-above-the-step"),
        pytest.param([1, 2, 3, 4], [1, 1, 0, 0], 0.26, 2.0, id="just-below-the-step"),
        pytest.param([1, 2, 3, 4, 4], [1, 1, 0, 0, 1], 0.25, 2.0, id="five-subjects"),
        pytest.param([1, 2, 3, 4, 4], [1, 1, 0, 0, 1], 0.4, 3.0, id="a-share-that-is-no-binary"),
        pytest.param([1, 2, 3, 4, 4], [1, 1, 0, 0, 1], 0.5, 4.0, id="reached-at-the-end"),
        pytest.param([1, 2, 3, 4], [1, 1, 0, 1], 0.5, 3.0, id="flat-over-a-censoring"),
        pytest.param([1, 2, 3, 4], [1, 1, 0, 1], 0.75, 4.0, id="at-0"),
        pytest.param([0, 2, 3, 4], [1, 1, 0, 1], 0.25, 1.0, id="from-an-event-at-the-origin"),
        pytest.param([1, 2, 3, 4], [0, 0, 0, 0], 0.25, None, id="no-event"),
        pytest.param([5], [1], 0.5, 5.0, id="one-subject"),
    ],
)
def test_time_by_which_a_share_had_the_event(times, events, p, value):
    assert survival_quantile(kaplan_meier(times, events), p).value == value


@pytest.mark.parametrize(
    ("scale", "lower", "upper"),
    [
        ("log", [1, 3, 5], [None, None, None]),
        ("log-log", [1, 1, 3], [5, 7, None]),
        ("plain", [1, 2, 4], [5, 7, None]),
    ],
)
def test_bounds_invert_the_pointwise_ones(scale, lower, upper):
    curve = kaplan_meier(range(1, 9), [1] * 8)
    made = [survival_quantile(curve, p, scale=scale) for p in (0.25, 0.5, 0.75)]
    assert [m.value for m in made] == [2.5, 4.5, 6.5]
    assert [m.lower for m in made] == lower
    assert [m.upper for m in made] == upper


def test_a_single_event_has_a_time_without_bounds():
    made = survival_quantile(kaplan_meier([5], [1]), 0.5)
    assert (made.value, made.lower, made.upper) == (5.0, None, None)


def test_nobody_reaches_nothing():
    made = survival_quantile(kaplan_meier([], []), 0.5)
    assert (made.value, made.lower, made.upper) == (None, None, None)


@pytest.mark.parametrize("p", [0, 1, -0.1, 1.1])
def test_a_share_outside_0_and_1_is_refused(p):
    with pytest.raises(DataError, match="between 0 and 1"):
        survival_quantile(kaplan_meier([1], [1]), p)


def test_follow_up_takes_censoring_as_the_event():
    # Deaths at 1 and 3; ends of observation at 2, 4, 4: 4 at risk at 2, then 2 at 4.
    assert median_follow_up([1, 2, 3, 4, 4], [0, 1, 0, 1, 1]).value == 4.0
    assert median_follow_up([1, 2], [0, 0]).value is None


lists = st.lists(st.tuples(st.integers(1, 9), st.booleans()), min_size=1, max_size=15)


@given(lists, st.sampled_from([7.0, 0.125]), st.sampled_from([0.25, 0.5, 0.7]))
def test_quantiles_scale_with_the_unit_of_time(people, unit, p):
    times = np.array([t for t, _ in people], float)
    events = np.array([e for _, e in people])
    made = survival_quantile(kaplan_meier(times, events), p)
    other = survival_quantile(kaplan_meier(times * unit, events), p)
    for name in ("value", "lower", "upper"):
        before, after = getattr(made, name), getattr(other, name)
        assert after == (None if before is None else pytest.approx(before * unit, rel=1e-12))
