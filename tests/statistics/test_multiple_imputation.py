"""Against the analysis of covariance, the MMRM, and closed forms; SIMULATED values."""

import numpy as np
import polars as pl
import pytest

from sojourn.core.errors import DataError
from sojourn.statistics.ancova import ANALYSIS as ANCOVA
from sojourn.statistics.delta_adjustment import ANALYSIS as DELTA
from sojourn.statistics.mmrm import ANALYSIS as MMRM
from sojourn.statistics.multiple_imputation import ANALYSIS
from sojourn.testing import check_analysis
from visit_outcomes import of_change, visit_outcomes

CHANGE = of_change(ANALYSIS)

RNG = np.random.default_rng(77)
N = 34
BASE = RNG.normal(60, 10, size=2 * N)
FALL = np.array([[-10.0, -20, -25], [-3.0, -5, -6]]).repeat(N, axis=0)
NOISE = RNG.normal(size=(2 * N, 3)) @ np.array([[6, 4, 3], [0, 5, 4], [0, 0, 5.0]])
FULL = BASE[:, None] * 0.6 + 24 + FALL + NOISE
GONE = RNG.random(2 * N) < 0.3
MANY = {"imputations": 200, "thin": 3, "burn_in": 50}


def rows(values, first="CELLS", second="CONTROL"):
    table = [[None if np.isnan(v) else float(v) for v in row] for row in values]
    half = len(table) // 2
    base = BASE[: len(table)] if len(table) == 2 * N else BASE[N - half : N + half]
    return pl.concat(
        visit_outcomes(group, part, base=list(map(float, of)))
        for group, part, of in (
            (first, table[:half], base[:half]),
            (second, table[half:], base[half:]),
        )
    )


def gaps():
    values = FULL.copy()
    values[GONE, 2] = np.nan
    values[GONE & (np.arange(2 * N) % 3 == 0), 1] = np.nan
    return values


def last(made):
    return next(each for each in made if each.operation == "difference")


def test_nothing_missing_is_the_analysis_of_covariance():
    made = CHANGE(rows(FULL))
    expected = of_change(ANCOVA)(rows(FULL), settings={"visit": "V3"})
    for one, other in zip(made, expected, strict=True):
        assert one.group == other.group
        assert one.estimate.value == pytest.approx(other.estimate.value, abs=1e-9)
        assert one.estimate.lower == pytest.approx(other.estimate.lower, abs=1e-8)
    assert last(made).p_value == pytest.approx(last(expected).p_value, rel=1e-8)
    assert last(made).estimate.notes[0].startswith("0 of 68 values imputed")


def test_missing_at_random_agrees_with_the_mmrm_of_the_same_rows():
    made = last(CHANGE(rows(gaps()), settings=MANY))
    settings = {"base": "by_visit", "covariances": ["unstructured"]}
    expected = of_change(MMRM)(rows(gaps()), settings=settings)[-1]
    assert expected.operation == "difference_at_V3"
    error = expected.estimate.components["standard error"]
    assert made.estimate.value == pytest.approx(expected.estimate.value, abs=0.15 * error)
    assert made.estimate.components["standard error"] == pytest.approx(error, rel=0.1)
    assert made.n == 68
    assert made.estimate.notes[0] == f"{GONE.sum()} of 68 values imputed, 200 times, seed 0"


def test_references_pull_the_difference_towards_zero_in_their_order():
    def value(assumption):
        settings = MANY | {"assumption": assumption, "reference": "CONTROL"}
        made = last(CHANGE(rows(gaps()), settings=settings))
        assert assumption.split("_")[0] in made.estimate.method
        return made.estimate.value

    random = last(CHANGE(rows(gaps()), settings=MANY)).estimate.value
    jump, increments = value("jump_to_reference"), value("copy_increments")
    reference = value("copy_reference")
    assert random < increments < jump < 0
    assert random < reference < jump


def test_jump_to_reference_of_those_never_seen_is_their_reference_mean():
    values = FULL.copy()
    values[: N // 2] = np.nan  # half of the cell arm has a baseline only
    settings = MANY | {"assumption": "jump_to_reference", "reference": "CONTROL"}
    made = last(CHANGE(rows(values), settings=settings)).estimate.value
    # half of the arm keeps its effect, half has that of control, up to chance in the baseline
    complete = last(of_change(ANCOVA)(rows(values), settings={"visit": "V3"})).estimate.value
    assert made == pytest.approx(complete / 2, rel=0.1)


def test_draws_follow_the_seed_not_the_order_of_rows():
    few = {"imputations": 5}
    made = CHANGE(rows(gaps()), settings=few)
    other = CHANGE(rows(gaps()), settings=few | {"seed": 1})
    assert made != other
    check_analysis(ANALYSIS, rows(gaps()), settings=few | {"response": "change"})
    check_analysis(DELTA, rows(gaps()), settings=few)


def test_what_is_analysed_must_be_named():
    # A table may hold changes already: subtracting the baseline again would look right.
    for analysis in (ANALYSIS, ANCOVA, MMRM):
        with pytest.raises(DataError, match="response: Field required"):
            analysis(rows(FULL))


def test_a_reference_must_be_named_and_be_an_arm():
    with pytest.raises(DataError, match="needs the arm `reference`"):
        CHANGE(rows(gaps()), settings={"assumption": "copy_reference"})
    settings = {"assumption": "copy_reference", "reference": "PLACEBO"}
    made = last(CHANGE(rows(gaps()), settings=settings))
    assert made.reason == "reference 'PLACEBO' is no arm; found CELLS, CONTROL"


@pytest.mark.parametrize("analysis", [CHANGE, DELTA], ids=["imputation", "delta"])
def test_few_subjects_give_reasons_and_no_exception(analysis):
    few = rows(FULL[N - 2 : N + 2])
    holed = few.with_columns(
        AVAL=pl.when(pl.col("USUBJID") == "CELLS000").then(None).otherwise("AVAL")
    )
    made = analysis(holed)
    assert all(each.estimate is None for each in made)
    assert "needs 7" in made[0].reason
    assert analysis(few.clear()) == []
    nobody = few.with_columns(AVAL=pl.lit(None, pl.Float64))
    assert "nobody could be evaluated (4 left out)" in analysis(nobody)[0].reason
    unknown = few.with_columns(BASE=pl.lit(None, pl.Float64))
    assert "4 of 4 subjects without a baseline" in analysis(unknown)[0].reason
    one = analysis(few.filter(pl.col("GROUP") == "CELLS"))
    assert all(each.group in ("CELLS", "difference") for each in one)
    away = analysis(few, settings={"visit": "V9"})
    assert "nobody has a value at V9" in away[0].reason


def test_two_baselines_are_refused():
    wrong = rows(FULL).with_columns(
        BASE=pl.when(pl.col("AVISIT") == "V2").then(1.0).otherwise("BASE")
    )
    with pytest.raises(DataError, match="two baselines"):
        CHANGE(wrong)


def test_shifts_move_the_difference_by_the_share_that_was_imputed():
    settings = {"deltas": [0, 5, 10], "farthest": 200, "imputations": 50}
    made = DELTA(rows(gaps()), settings=settings)
    assert [each.operation for each in made] == [
        "difference_delta_0",
        "difference_delta_5",
        "difference_delta_10",
        "delta_that_loses_significance",
        "delta_that_loses_the_sign",
    ]
    first, second, third = (each.estimate.value for each in made[:3])
    assert second - first == pytest.approx(third - second, abs=1e-9)
    # the adjustment for the baseline moves it a little from the plain share
    assert second - first == pytest.approx(5 * GONE[:N].mean(), rel=0.1)
    significance, sign = (each.estimate.value for each in made[3:])
    assert sign == pytest.approx(-first * 5 / (second - first), rel=1e-6)
    assert 0 < significance < sign
    at_edge = DELTA(rows(gaps()), settings=settings | {"deltas": [significance]})[0]
    assert at_edge.estimate.upper == pytest.approx(0, abs=1e-5)
    assert at_edge.p_value == pytest.approx(0.05, abs=1e-5)


def test_shifts_that_lose_nothing_say_so():
    settings = {"direction": -1, "farthest": 50, "imputations": 10}
    significance, sign = DELTA(rows(gaps()), settings=settings)[-2:]
    assert significance.reason == "no shift up to 50 loses significance"
    assert sign.reason == "no shift up to 50 loses the sign"
    same = np.concatenate([gaps()[N:], gaps()[N:]])
    base_free = rows(same).with_columns(BASE=pl.lit(50.0))
    weak = DELTA(base_free, settings=settings)[-2]
    assert weak.reason == "the difference is not significant without any shift"


def test_the_group_that_is_shifted_is_a_setting():
    settings = {"deltas": [5], "imputations": 10}
    own, other = (
        DELTA(rows(gaps()), settings=settings | {"shifted": name})[0].estimate
        for name in ("CELLS", "CONTROL")
    )
    none = DELTA(rows(gaps()), settings={"imputations": 10})[0].estimate
    assert own.value > none.value > other.value
    assert own.notes[1] == f"{GONE[:N].sum()} values shifted of {GONE.sum()} imputed"
    made = DELTA(rows(gaps()), settings={"shifted": "PLACEBO"})[0]
    assert "group 'PLACEBO' is not there" in made.reason


@pytest.mark.parametrize("analysis", [CHANGE, DELTA])
def test_values_that_the_model_meets_have_no_estimate_but_a_reason(analysis):
    constant = visit_outcomes("CELLS", [[3.0]] * 4, base=[3.0] * 4, visits=["WEEK6"])
    other = visit_outcomes("CONTROL", [[3.0]] * 4, base=[3.0] * 4, visits=["WEEK6"])
    for each in analysis(pl.concat([constant, other]), settings={}):
        assert (each.estimate, each.p_value) == (None, None)
        assert "the model meets every value: their spread about it is not known" in each.reason
