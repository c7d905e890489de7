import math

import numpy as np
import pytest
from scipy import stats

from sojourn.core.errors import DataError
from sojourn.core.estimates import Estimate
from sojourn.quantification.decay import estimate_decay

Z = 1.959963984540054


def normal(value, relative=0.05, unit="kg"):
    reach = Z * relative * value
    return Estimate(value, unit, value - reach, value + reach, 0.95, "test")


def exponential(days, half_life, initial=300.0, relative=0.05):
    return [normal(initial * 0.5 ** (day / half_life), relative) for day in days]


def test_an_exact_exponential_gives_its_half_life_and_start():
    days = [0, 1, 3, 7, 30]
    decay = estimate_decay(days, exponential(days, 12.0))
    assert decay.half_life.value == pytest.approx(12.0)
    assert decay.initial.value == pytest.approx(300.0)
    assert decay.is_identified


def test_two_points_give_the_closed_form():
    decay = estimate_decay([0, 10], [normal(2.0, 0.1), normal(1.0, 0.1)])
    rate, sd = math.log(2) / 10, 0.1 * math.sqrt(2) / 10
    assert decay.half_life.value == pytest.approx(10)
    assert decay.rate.lower == pytest.approx(rate - Z * sd)
    assert decay.half_life.upper == pytest.approx(math.log(2) / (rate - Z * sd))
    assert decay.half_life.lower == pytest.approx(math.log(2) / (rate + Z * sd))
    assert decay.p_value is None


def test_weights_are_those_of_weighted_least_squares():
    rng = np.random.default_rng(3)
    days = np.array([0.0, 1, 3, 7])
    relative = np.array([0.02, 0.2, 0.05, 0.1])
    values = 10 * np.exp(-0.1 * days + 0.01 * rng.normal(size=4))
    decay = estimate_decay(
        days.tolist(), [normal(v, r) for v, r in zip(values, relative, strict=True)]
    )
    slope, _ = np.polyfit(days, np.log(values), 1, w=1 / relative)
    assert decay.rate.value == pytest.approx(-slope)


def test_where_nothing_need_decay_the_half_life_has_no_upper_bound():
    decay = estimate_decay([0, 7], [normal(1.0, 0.1), normal(0.98, 0.1)])
    assert decay.half_life.upper == math.inf
    assert not decay.is_identified
    assert any("not identified" in note for note in decay.half_life.notes)


def test_a_rising_signal_has_no_half_life_but_a_lower_bound():
    decay = estimate_decay([0, 7], [normal(1.0, 0.1), normal(1.05, 0.1)])
    assert decay.half_life.value == math.inf
    assert 0 < decay.half_life.lower < math.inf


def test_scatter_beyond_the_intervals_widens_them_and_is_told():
    days = [0, 1, 2, 3, 4]
    amounts = [normal(v, 0.01) for v in (1.0, 0.7, 1.0, 0.6, 0.8)]
    decay = estimate_decay(days, amounts)
    assert decay.p_value < 1e-6
    slope, _, _, _, sd = stats.linregress(days, np.log([a.value for a in amounts]))
    assert decay.rate.upper - decay.rate.value == pytest.approx(sd * stats.t.ppf(0.975, 3))
    assert decay.rate.value == pytest.approx(-slope)


def test_intervals_of_the_rate_cover_as_often_as_they_say():
    rng, days, hits = np.random.default_rng(5), [0.0, 1, 3, 7, 30], 0
    for _ in range(600):
        truth = [300 * 0.5 ** (day / 20) for day in days]
        noisy = [normal(v * math.exp(0.05 * rng.normal()), 0.05) for v in truth]
        hits += estimate_decay(days, noisy).rate.covers(math.log(2) / 20)
    assert hits / 600 > 0.95 - 2.6 * math.sqrt(0.95 * 0.05 / 600)


@pytest.mark.parametrize(
    ("days", "amounts", "message"),
    [
        pytest.param([0], [normal(1)], "at least two days", id="one-day"),
        pytest.param([3, 3], [normal(1), normal(2)], "at least two days", id="same-day-twice"),
        pytest.param([0, 1], [normal(1)], "2 days but 1 amounts", id="lengths"),
        pytest.param([0, 1], [normal(1), normal(1, unit="ug")], "different units", id="units"),
        pytest.param(
            [0, 1],
            [normal(1), Estimate(-1, "kg", -2, 0, 0.95, "t")],
            "log scale",
            id="nothing-left",
        ),
        pytest.param(
            [0, 1],
            [normal(1), Estimate(1, "kg", 0, math.inf, 0.95, "t")],
            "bounded interval",
            id="unbounded",
        ),
    ],
)
def test_what_cannot_be_fitted_is_refused(days, amounts, message):
    with pytest.raises(DataError, match=message):
        estimate_decay(days, amounts)
