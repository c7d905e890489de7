"""Subdistribution hazards from outcome rows; the model is tested in tests/statistics/regression."""

import numpy as np
import polars as pl
import pytest

from outcome_rows import empty
from sojourn.core.errors import DataError
from sojourn.statistics.fine_gray import ANALYSIS
from sojourn.statistics.regression import fit_fine_gray
from sojourn.testing import check_analysis, make_outcome_rows
from ten_subjects import AGE, ARM, CODES, DAYS, trial


def causes_of(codes):
    return np.array([{0: 1, 1: 0}.get(code, code) for code in codes])


def test_ratios_of_groups_and_covariates():
    made = ANALYSIS(trial(AGE=AGE), settings={"covariates": ["AGE"], "level": 0.9})
    fit = fit_fine_gray(np.array(DAYS), causes_of(CODES), np.column_stack([ARM, AGE]))
    lower, upper = fit.terms.ratio_interval(level=0.9)
    name = "subdistribution_hazard_ratio"
    for i, (group, operation) in enumerate([("B-A", name), ("ALL", f"{name}_AGE")]):
        estimate = made[i].estimate
        assert (made[i].group, made[i].operation) == (group, operation)
        assert estimate.value == pytest.approx(fit.terms.ratios[i], rel=1e-12)
        assert [estimate.lower, estimate.upper] == pytest.approx([lower[i], upper[i]], rel=1e-12)
        assert made[i].p_value == pytest.approx(fit.terms.p_values[i], rel=1e-12)
    assert made[2].operation == "pseudo_likelihood_ratio_test"
    assert made[2].p_value == pytest.approx(fit.pseudo_likelihood_ratio.p_value, rel=1e-9)
    assert len(made) == 3
    assert "1 competing events" in made[0].estimate.notes
    assert made[0].estimate.method == "Fine-Gray, robust standard error, Wald interval"


def test_another_cause_makes_the_event_compete():
    codes = [2, 2, 0, 1, 0, 2, 2, 1, 0, 2]
    (ratio, _) = ANALYSIS(trial(codes), settings={"cause": 2})
    fit = fit_fine_gray(np.array(DAYS), causes_of(codes), ARM[:, None].astype(float), cause=2)
    assert ratio.estimate.value == pytest.approx(fit.terms.ratios[0], rel=1e-12)
    assert "3 competing events" in ratio.estimate.notes


def test_late_entry_is_not_defined_for_the_model():
    (made,) = ANALYSIS(trial(entry=[2.0, *[None] * 9]))
    assert made.estimate is None
    assert "not defined for late entry" in made.reason
    (made, _) = ANALYSIS(trial(entry=[0.0, *[None] * 9]))
    assert made.estimate is not None


def test_no_event_in_a_group_has_no_ratio_but_a_reason():
    codes = [0 if arm else 2 for arm in ARM]
    (ratio, test) = ANALYSIS(trial(codes))
    assert ratio.estimate is None
    assert "no finite ratio" in ratio.reason
    assert test.p_value is not None


def test_too_few_events_and_none_are_said():
    (made,) = ANALYSIS(trial([0, *[2] * 9]))
    assert made.reason.startswith("too few events, 1 for 1 term: ")
    (made,) = ANALYSIS(trial([2] * 10))
    assert made.reason.startswith("no event among 10 subjects")
    assert ANALYSIS(empty()) == []


@pytest.mark.parametrize(
    ("rows", "settings", "match"),
    [
        (trial(), {"covariates": ["AGE"]}, "no column 'AGE' of numbers"),
        (trial(), {"cause": 1}, "CNSR 1 is censored"),
        (trial([-1, *CODES[1:]]), {}, "'A000'.*CNSR -1"),
    ],
)
def test_hostile_rows_are_refused(rows, settings, match):
    with pytest.raises(DataError, match=match):
        ANALYSIS(rows, settings=settings)


def test_it_keeps_the_promises_of_an_analysis():
    check_analysis(ANALYSIS, trial(AGE=AGE), settings={"covariates": ["AGE"]})


def test_two_groups_without_events_have_no_ratio_of_each_other():
    # only C has the event; B-A was once printed as Newton's method happened to leave it
    groups, times = list("ACBACACCBAC"), [4.0, 2, 4, 3, 5, 6, 7, 8, 9, 9, 10]
    rows = make_outcome_rows("A", aval=times, cnsr=[int(t not in (2, 5, 7, 8)) for t in times])
    (between, against, test) = ANALYSIS(rows.with_columns(GROUP=pl.Series(groups)))
    assert (between.group, between.estimate, between.p_value) == ("B-A", None, None)
    assert between.reason.startswith(
        "not determined by the data: where the ratio of C-A goes to 0 or infinity, no event"
    )
    assert (against.group, against.estimate) == ("C-A", None)
    assert "no finite ratio" in against.reason
    assert test.p_value is not None
