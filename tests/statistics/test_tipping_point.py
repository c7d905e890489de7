"""EXTERNAL: scipy's exact interval; the conclusion worked by hand."""

import pytest
from scipy import stats

from outcome_rows import empty, outcomes
from sojourn.statistics.tipping_point import ANALYSIS
from sojourn.testing import check_analysis


def rows(yes, no, missing):
    return outcomes(avalc=["Y"] * yes + ["N"] * no + [None] * missing)


def lower(k, n):
    return stats.binomtest(k, n).proportion_ci(method="exact").low


def test_sixty_eight_subjects_of_whom_eight_have_no_result():
    made = ANALYSIS(rows(38, 22, 8))
    assert [each.operation for each in made[:2]] == [
        "success_assumed_of_0_of_8_missing",
        "success_assumed_of_1_of_8_missing",
    ]
    assert len(made) == 10
    assert made[4].estimate.value == 42 / 68
    assert made[4].estimate.lower == pytest.approx(lower(42, 68), abs=1e-10)
    assert made[4].estimate.notes == ("42 of 68", "38 of 60 observed")
    least = next(k for k in range(9) if lower(38 + k, 68) > 0.5)
    assert 0 < least < 8
    assert made[-1].estimate.value == least
    assert made[-1].estimate.notes == (f"{least} of 8 missing; observed: 38/60",)


@pytest.mark.parametrize(
    ("counts", "exceeds", "reason"),
    [
        ((50, 10, 8), 0.5, "whatever is assumed of 8 missing, the lower bound exceeds 0.5"),
        ((20, 40, 8), 0.5, "whatever is assumed of 8 missing, the lower bound does not exceed 0.5"),
        ((20, 40, 0), 0.5, "whatever is assumed of 0 missing, the lower bound does not exceed 0.5"),
        ((0, 0, 2), 0.2, "whatever is assumed of 2 missing, the lower bound does not exceed 0.2"),
    ],
)
def test_a_conclusion_that_no_assumption_changes(counts, exceeds, reason):
    made = ANALYSIS(rows(*counts), settings={"exceeds": exceeds})[-1]
    assert (made.estimate, made.reason) == (None, reason)


def test_a_bound_that_equals_the_proportion_does_not_exceed_it():
    made = ANALYSIS(rows(0, 3, 1), settings={"exceeds": 0.0})
    assert made[-1].estimate.value == 1.0
    assert made[0].estimate.lower == 0.0


def test_groups_stand_apart_and_nobody_gives_nothing():
    assert ANALYSIS(empty()) == []
    check_analysis(ANALYSIS, rows(3, 2, 2))
