"""Intervals: closed forms, R's clipping, and exact bounds where no scale has one."""

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sojourn.core.errors import DataError
from sojourn.statistics.survival.intervals import (
    bounded_interval,
    log_log_interval,
    survival_interval,
)

Z = 1.959963984540054  # the 97.5 % point of the normal distribution, any table


@pytest.mark.parametrize(
    ("scale", "lower", "upper"),
    [
        # R 4.2.2, survival 3.5-3: survfit(Surv(1:8, rep(1, 8)) ~ 1) at time 2 (EXTERNAL)
        pytest.param("log-log", 0.314807114, 0.9308983, id="log-log"),
        pytest.param("log", 0.50270184, 1.0, id="log-cut-at-1"),
        pytest.param("plain", 0.4499430, 1.0, id="plain-cut-at-1"),
    ],
)
def test_bounds_are_those_of_r(scale, lower, upper):
    bounds = survival_interval(0.75, 0.25 / 6, scale=scale)
    assert [float(b) for b in bounds] == pytest.approx([lower, upper], abs=1e-7)


def test_plain_is_cut_at_0():
    lower, upper = survival_interval(0.125, 0.875, scale="plain")
    assert float(lower) == 0.0
    assert float(upper) == pytest.approx(0.125 + Z * 0.125 * math.sqrt(0.875), abs=1e-12)


@pytest.mark.parametrize("scale", ["log-log", "log", "plain"])
def test_where_survival_is_0_no_scale_has_an_interval(scale):
    assert np.isnan(survival_interval(0.0, math.inf, scale=scale)).all()


def test_where_survival_is_1_log_log_has_none_and_the_others_claim_certainty():
    assert np.isnan(survival_interval(1.0, 0.0)).all()
    for scale in ("log", "plain"):
        assert [float(b) for b in survival_interval(1.0, 0.0, scale=scale)] == [1.0, 1.0]


@pytest.mark.parametrize("scale", ["log-log", "log", "plain"])
def test_at_1_the_bound_is_the_exact_one_on_every_scale(scale):
    lower, upper = bounded_interval(1.0, 0.0, at_risk=8, n_events=0, scale=scale)
    assert (float(lower), float(upper)) == (pytest.approx(0.025 ** (1 / 8), abs=1e-15), 1.0)


@pytest.mark.parametrize("scale", ["log-log", "log", "plain"])
def test_at_0_the_bound_is_the_exact_one_on_every_scale(scale):
    lower, upper = bounded_interval(0.0, math.inf, at_risk=0, n_events=3, scale=scale)
    assert (float(lower), float(upper)) == (0.0, pytest.approx(1 - 0.025 ** (1 / 3), abs=1e-15))


def test_nobody_at_risk_bounds_nothing():
    assert log_log_interval(1.0, 0.0, at_risk=0, n_events=0) == (0.0, 1.0)


@example(0.99, 8.0, "log-log")  # the lower bound underflows to 0
@given(st.floats(0.01, 0.99), st.floats(1e-6, 10), st.sampled_from(["log-log", "log", "plain"]))
def test_bounds_hold_the_estimate_and_widen_with_the_level(survival, variance, scale):
    narrow = survival_interval(survival, variance, scale=scale, level=0.8)
    wide = survival_interval(survival, variance, scale=scale, level=0.99)
    assert 0 <= wide[0] <= narrow[0] <= survival <= narrow[1] <= wide[1] <= 1


def test_unknown_scale_and_level_are_refused():
    with pytest.raises(DataError, match="unknown scale"):
        survival_interval(0.5, 0.1, scale="logit")
    for level in (0, 1):
        with pytest.raises(DataError, match="between 0 and 1"):
            survival_interval(0.5, 0.1, level=level)
