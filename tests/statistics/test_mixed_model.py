"""EXTERNAL: ss_mixed.json (R: lme4, pbkrtest, lmerTest) for the log decay of six subjects."""

import json
import math

import numpy as np
import polars as pl
import pytest

from sojourn.core.errors import DataError
from sojourn.statistics.mixed_model import ANALYSIS
from visit_outcomes import visit_outcomes

DAYS = [0, 1, 3, 7, 30]
RNG = np.random.default_rng(21)


def decay(subjects, rate):
    """Return SIMULATED values that fall by `rate` a day, with 10 % noise."""
    noise = RNG.normal(0, 0.1, size=(subjects, len(DAYS)))
    start = RNG.normal(0, 0.2, size=(subjects, 1))
    return np.exp(4 + start - rate * np.array(DAYS) + noise).tolist()


CELLS, IRON = decay(5, 0.02), decay(5, 0.08)


def rows(cells=CELLS, iron=IRON):
    parts = [("CELLS", cells), ("IRON", iron)]
    return pl.concat(visit_outcomes(g, t, days=DAYS) for g, t in parts if t)


def named(made):
    return {(each.group, each.operation): each for each in made}


def test_log_decay_is_that_of_another_program(shared):
    golden = json.loads((shared / "data/hsct/golden/ss_mixed.json").read_text())["indometh"]
    table = pl.read_csv(shared / "data/hsct" / golden["dataset"]).filter(pl.col("time") >= 2)
    hours = table["time"].unique().sort().to_list()
    wide = table.pivot("time", index="Subject", values="conc").drop("Subject").rows()
    outcome = visit_outcomes("ALL", wide, days=[int(h) for h in hours])
    expected = golden["lmer_random_intercept"]
    for degrees in ("kenward_roger", "satterthwaite"):
        made = named(ANALYSIS(outcome, settings={"transform": "log", "degrees": degrees}))
        slope = made["ALL", "slope"]
        assert slope.estimate.value == pytest.approx(expected[degrees]["est"][1], abs=1e-9)
        assert slope.p_value == pytest.approx(expected[degrees]["p"][1], rel=1e-5)
        assert slope.estimate.unit == "log(value)/day"
        error = made["ALL", "intercept"].estimate.components["standard error"]
        assert error == pytest.approx(expected[degrees]["se"][0], abs=1e-7)
    half = made["ALL", "half_life"].estimate
    assert half.value == pytest.approx(math.log(2) / 0.240260162667406, abs=1e-8)
    assert half.lower == pytest.approx(-math.log(2) / slope.estimate.lower)
    assert half.upper == pytest.approx(-math.log(2) / slope.estimate.upper)


def test_slopes_of_two_arms_are_compared():
    made = named(ANALYSIS(rows(), settings={"transform": "log"}))
    one, other = (made[g, "slope"].estimate.value for g in ("CELLS", "IRON"))
    difference = made["CELLS-IRON", "slope_difference"]
    assert difference.estimate.value == pytest.approx(one - other, abs=1e-12)
    assert difference.estimate.covers(0.06)
    assert difference.p_value < 1e-6
    assert difference.n == 10
    turned = named(ANALYSIS(rows(), settings={"transform": "log", "groups": ["IRON", "CELLS"]}))
    value = turned["IRON-CELLS", "slope_difference"].estimate.value
    assert value == pytest.approx(other - one, abs=1e-9)


def test_random_slopes_give_fewer_degrees_of_freedom():
    def degrees(random):
        made = ANALYSIS(rows(), settings={"transform": "log", "random": random})[1].estimate
        return float(made.notes[0].split()[0]), made.method

    fixed, method = degrees("intercept")
    free, other = degrees("intercept_and_slope")
    assert free < fixed
    assert ("random intercept," in method, "random intercept and slope," in other) == (True, True)


def test_days_outside_are_left_out_the_bounds_included():
    every = ANALYSIS(rows(), settings={"first_time": 0, "last_time": 30})
    assert every == ANALYSIS(rows())
    early = ANALYSIS(rows(), settings={"last_time": 29})
    assert early == ANALYSIS(rows([v[:4] for v in CELLS], [v[:4] for v in IRON]))
    late = ANALYSIS(rows(), settings={"first_time": 1})
    assert late[0].estimate.value != every[0].estimate.value


def test_values_that_do_not_fall_have_no_half_life_and_an_unclear_fall_no_upper_bound():
    rising = [list(reversed(row)) for row in IRON]
    made = named(ANALYSIS(rows(rising, []), settings={"transform": "log"}))
    assert "do not fall" in made["CELLS", "half_life"].reason
    noisy = [[2.0, 3.0, 1.0, 2.5, 1.9], [3.0, 1.0, 2.0, 1.5, 2.2], [1.0, 2.0, 3.0, 1.4, 1.2]]
    made = named(ANALYSIS(rows(noisy, []), settings={"transform": "log"}))
    slope, half = (made["CELLS", k].estimate for k in ("slope", "half_life"))
    assert slope.value < 0 < slope.upper
    assert half.upper == math.inf
    assert "singular: a variance is estimated as zero" in half.notes[0]


def test_hours_in_a_column_of_their_own_are_times_too():
    hours = rows().with_columns(HOURS=pl.col("DAY") * 24.0)
    settings = {"transform": "log", "time": "HOURS", "covariates": ["HOURS"], "time_unit": "hour"}
    made, by_day = (
        named(ANALYSIS(hours, settings=settings)),
        named(ANALYSIS(rows(), settings={"transform": "log"})),
    )
    half = made["IRON", "half_life"].estimate
    assert half.value == pytest.approx(24 * by_day["IRON", "half_life"].estimate.value)
    assert (half.unit, made["IRON", "slope"].estimate.unit) == ("hour", "log(value)/hour")
    with pytest.raises(DataError, match="no column 'WEEKS' of times"):
        ANALYSIS(rows(), settings={"time": "WEEKS"})


def test_a_covariate_takes_its_share_of_the_spread_between_subjects():
    weight = [60.0, 80.0, 70.0, 90.0, 65.0]
    heavy = [[math.log(v) + w for v in row] for row, w in zip(CELLS, weight, strict=True)]
    table = visit_outcomes("CELLS", heavy, days=DAYS, WEIGHT=weight)
    plain = ANALYSIS(table)[0].estimate
    adjusted = ANALYSIS(table, settings={"covariates": ["WEIGHT"]})[0].estimate
    assert adjusted.components["standard error"] < plain.components["standard error"]
    assert adjusted.value == pytest.approx(plain.value, rel=1e-6)  # balanced: mean weight


def test_zero_has_no_logarithm_and_is_named():
    zero = [[*CELLS[0][:4], 0.0], *CELLS[1:]]
    made = ANALYSIS(rows(zero), settings={"transform": "log"})
    assert {each.reason for each in made} == {"1 values have no logarithm, as 0.0 of CELLS000"}
    assert ANALYSIS(rows(zero))[0].estimate is not None


@pytest.mark.parametrize("n", [0, 1])
def test_few_subjects_give_reasons(n):
    made = ANALYSIS(rows(CELLS[:n], IRON[:n]) if n else rows().clear())
    assert all((each.estimate is None) == bool(each.reason) for each in made)
    one = ANALYSIS(rows([CELLS[0][:1]], []))
    assert all(each.estimate is None and each.reason for each in one)
