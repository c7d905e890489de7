"""Hazard ratios from outcome rows; the model itself is tested in tests/statistics/regression."""

import numpy as np
import polars as pl
import pytest

from outcome_rows import empty
from sojourn.core.errors import DataError
from sojourn.statistics.cox import ANALYSIS
from sojourn.statistics.regression import fit_cox, split_at
from sojourn.statistics.regression import test_proportionality as zph
from sojourn.testing import check_analysis, make_outcome_rows
from ten_subjects import AGE, ARM, CODES, DAYS, trial


@pytest.mark.parametrize("groups", ["AACBBAC", "BBCAAAC"])
def test_two_groups_without_events_have_no_ratio_of_each_other(groups):
    # only the first C has the event; B-A was once printed as Newton's method happened to leave it
    rows = make_outcome_rows("A", aval=[4.0, 4, 2, 3, 5, 6, 7], cnsr=[1, 1, 0, 1, 1, 1, 2])
    rows = rows.with_columns(GROUP=pl.Series(list(groups)))
    made = ANALYSIS(rows, settings={"min_events_per_term": 0})
    between, against = made[:2]
    assert (between.group, between.estimate, between.p_value) == ("B-A", None, None)
    assert between.reason.startswith(
        "not determined by the data: where the ratio of C-A goes to 0 or infinity, no event"
    )
    assert (against.group, against.estimate) == ("C-A", None)
    assert "no finite hazard ratio: the likelihood grows as it goes to infinity" in against.reason
    # in the limit the risk set of the event holds the two of C alone: 2 (log 7 - log 2)
    test = by_operation(made)["likelihood_ratio_test"]
    assert test.p_value == pytest.approx(np.exp(-np.log(7 / 2)), rel=1e-6)


def by_operation(made):
    return {each.operation: each for each in made}


def test_groups_and_covariates_are_terms_of_one_model():
    made = ANALYSIS(trial(AGE=AGE), settings={"covariates": ["AGE"]})
    died = np.array(CODES) == 0
    x = np.column_stack([ARM, AGE])
    fit = fit_cox(np.array(DAYS), died, x)
    lower, upper = fit.terms.ratio_interval()
    for i, operation in enumerate(["hazard_ratio", "hazard_ratio_AGE"]):
        estimate = made[i].estimate
        assert made[i].operation == operation
        assert estimate.value == pytest.approx(fit.terms.ratios[i], rel=1e-12)
        assert [estimate.lower, estimate.upper] == pytest.approx([lower[i], upper[i]], rel=1e-12)
        assert made[i].p_value == pytest.approx(fit.terms.p_values[i], rel=1e-12)
        assert (made[i].n, estimate.n, estimate.unit) == (10, 10, "1")
    assert [each.group for each in made] == ["B-A", "ALL", "B-A", "ALL", "ALL", "ALL"]
    assert made[0].label == "hazard of B by that of A"
    assert made[1].label == "hazard for one unit more of AGE"
    tests = zph(fit)
    named = by_operation(made)
    parts = [tests.terms["x1"], tests.terms["x2"], tests.overall, fit.likelihood_ratio_test]
    operations = ["proportionality", "proportionality_AGE", "proportionality_of_all"]
    for part, name in zip(parts, [*operations, "likelihood_ratio_test"], strict=True):
        assert named[name].estimate is None
        assert named[name].p_value == pytest.approx(part.p_value, rel=1e-9)
        assert f"chi-squared {part.statistic:.6g} on {part.degrees} degree" in named[name].reason
        assert named[name].reason.startswith("chi-squared ")


def test_what_a_reader_must_see_is_noted():
    (ratio, *_) = ANALYSIS(trial())
    notes = " | ".join(ratio.estimate.notes)
    assert "7 events in 10 subjects: fewer than 10 for each of 1 term, asymptotics" in notes
    assert "cause-specific: 1 event of other causes is censored" in notes
    assert "concordance" in notes
    assert ratio.estimate.method == "Cox, efron ties, Wald interval"


@pytest.mark.parametrize(("reference", "group"), [("A", "B-A"), ("B", "A-B")])
def test_the_reference_is_chosen_and_its_ratio_inverted(reference, group):
    (plain, *_) = ANALYSIS(trial())
    (ratio, *_) = ANALYSIS(trial(), settings={"reference": reference})
    assert ratio.group == group
    expected = plain.estimate.value if reference == "A" else 1 / plain.estimate.value
    assert ratio.estimate.value == pytest.approx(expected, rel=1e-9)


def test_three_groups_are_two_ratios():
    arm = np.array([0, 1, 2, 0, 1, 2, 0, 1, 2, 0])
    rows = trial().with_columns(pl.Series("GROUP", ["ABC"[i] for i in arm]))
    made = ANALYSIS(rows, settings={"reference": "B"})
    assert [m.group for m in made if m.operation == "hazard_ratio"] == ["A-B", "C-B"]


def test_another_cause_is_another_event():
    codes = [2, 2, 0, 1, 0, 2, 2, 1, 0, 2]
    (ratio, *_) = ANALYSIS(trial(codes), settings={"cause": 2})
    fit = fit_cox(np.array(DAYS), np.array(codes) == 2, ARM[:, None].astype(float))
    assert ratio.estimate.value == pytest.approx(fit.terms.ratios[0], rel=1e-12)


def test_strata_ties_and_entry_reach_the_model():
    site = [1, 1, 2, 2, 1, 2, 1, 2, 2, 1]
    entry = [None, 3.0, None, 2.0, None, 8.0, None, None, 8.0, None]
    rows = trial(entry=entry, SITE=[str(s) for s in site])
    (ratio, *_) = ANALYSIS(rows, settings={"strata": ["SITE"], "ties": "breslow"})
    entries = np.array([0.0 if e is None else e for e in entry])
    died = np.array(CODES) == 0
    x = ARM[:, None].astype(float)
    fit = fit_cox(np.array(DAYS), died, x, entry=entries, strata=np.array(site), ties="breslow")
    assert ratio.estimate.value == pytest.approx(fit.terms.ratios[0], rel=1e-12)
    assert ratio.estimate.method == "Cox, breslow ties, Wald interval, stratified by SITE"


def test_a_covariate_may_turn_on_a_day():
    change = [None, 2.0, None, 10.0, 11.0, 11.0, None, 9.0, None, 30.0]
    made = ANALYSIS(trial(PLT=change), settings={"changes_at": "PLT"})
    named = by_operation(made)
    rows = split_at(np.array(DAYS), np.array(CODES) == 0, np.array(change, dtype=float))
    x = np.column_stack([ARM[rows.subject], rows.has_changed]).astype(float)
    fit = fit_cox(rows.exit, rows.is_event, x, entry=rows.entry)
    assert named["hazard_ratio_PLT"].estimate.value == pytest.approx(fit.terms.ratios[1], rel=1e-12)
    assert named["hazard_ratio"].estimate.value == pytest.approx(fit.terms.ratios[0], rel=1e-12)
    assert named["hazard_ratio_PLT"].label == "hazard after PLT by that before"
    assert named["hazard_ratio_PLT"].n == 10


def test_no_event_in_a_group_has_no_ratio_but_a_reason_and_a_test():
    codes = [0 if arm else 1 for arm in ARM]
    made = by_operation(ANALYSIS(trial(codes, AGE=AGE), settings={"covariates": ["AGE"]}))
    ratio = made["hazard_ratio"]
    assert ratio.estimate is None
    assert "no finite hazard ratio: the likelihood grows as it goes to infinity" in ratio.reason
    died, days = np.array(codes) == 0, np.array(DAYS)
    without = fit_cox(days, died, np.array(AGE)[:, None])
    whole = fit_cox(days, died, np.column_stack([ARM, AGE]))
    assert 0 < ratio.p_value < 1
    assert whole.loglik > without.loglik
    assert made["hazard_ratio_AGE"].estimate is not None
    assert made["proportionality"].reason == "no test"
    other = ANALYSIS(trial(codes), settings={"reference": "B"})[0]
    assert "it goes to 0" in other.reason
    assert other.p_value == by_operation(ANALYSIS(trial(codes)))["likelihood_ratio_test"].p_value


@pytest.mark.parametrize(
    ("least", "is_fitted"), [(7, True), (7.5, False)], ids=["enough", "too-few"]
)
def test_too_few_events_for_the_terms_are_said(least, is_fitted):
    made = ANALYSIS(trial(), settings={"min_events_per_term": least})
    assert (made[0].estimate is not None) == is_fitted
    if not is_fitted:
        assert made[0].reason.startswith("too few events, 7 for 1 term: ")


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        pytest.param(trial([1] * 10), "no event among 10 subjects", id="no-event"),
        pytest.param(trial(arm=np.zeros(10, int)), "one group only, and no covariate", id="one"),
    ],
)
def test_no_model_gives_a_reason(rows, reason):
    (made,) = ANALYSIS(rows)
    assert made.estimate is None
    assert made.reason.startswith(reason)


def test_nobody_is_no_result():
    assert ANALYSIS(empty()) == []


def test_collinear_covariates_are_named_in_the_reason():
    rows = trial(AGE=AGE, KG=[2 * a + 1 for a in AGE])
    made = ANALYSIS(rows, settings={"covariates": ["AGE", "KG"]})
    assert all("KG is a linear combination of AGE" in each.reason for each in made)


def test_a_missing_covariate_is_left_out_and_counted():
    ages = [None, *AGE[1:]]
    (ratio, *_) = ANALYSIS(trial(AGE=ages), settings={"covariates": ["AGE"]})
    assert ratio.n == 9
    assert "1 of 10 left out, a covariate is missing" in ratio.estimate.notes


@pytest.mark.parametrize(
    ("rows", "settings", "match"),
    [
        (trial(), {"covariates": ["AGE"]}, "no column 'AGE' of numbers"),
        (trial(AGE=["old"] * 10), {"covariates": ["AGE"]}, "no column 'AGE' of numbers"),
        (trial(AGE=[np.inf, *AGE[1:]]), {"covariates": ["AGE"]}, "A000': AGE is inf"),
        (trial(), {"reference": "C"}, "no group 'C'; groups: A, B"),
        (trial(), {"strata": ["SITE"]}, "no column 'SITE'"),
        (trial(), {"changes_at": "PLT"}, "no column 'PLT'"),
        (trial(), {"cause": 1}, "CNSR 1 is censored"),
        (trial([-1, *CODES[1:]]), {}, "'A000'.*CNSR -1"),
        (trial(entry=[9.0, *[None] * 9]), {}, "A000"),
    ],
)
def test_hostile_rows_are_refused(rows, settings, match):
    with pytest.raises(DataError, match=match):
        ANALYSIS(rows, settings=settings)


def test_it_keeps_the_promises_of_an_analysis():
    entry = [None, 3.0, None, 2.0, None, 8.0, None, None, 8.0, None]
    rows = trial(entry=entry, AGE=AGE, SITE=list("xyxyxyxyxy"))
    check_analysis(ANALYSIS, rows, settings={"covariates": ["AGE"], "strata": ["SITE"]})


def test_no_concordance_is_told_where_no_pair_has_an_order():
    # All who have the event have it on the day on which the last are at risk.
    rows = pl.concat(
        [make_outcome_rows(g, aval=[5.0, 5.0, 3.0], cnsr=[0, 0, 1]) for g in ("A", "B")]
    )
    notes = by_operation(ANALYSIS(rows))["hazard_ratio"].estimate.notes
    assert not any("concordance" in note for note in notes)
    notes = by_operation(ANALYSIS(trial()))["hazard_ratio"].estimate.notes
    assert any("concordance 0." in note for note in notes)


def test_of_nobody_the_reason_names_nobody_to_compare():
    (made,) = ANALYSIS(make_outcome_rows("A", aval=[None], cnsr=[None]))
    assert made.reason == "nobody could be evaluated; A: 1 of 1 not evaluable, left out"
    (made,) = ANALYSIS(make_outcome_rows("A", aval=[3.0], cnsr=[0]))
    assert made.reason == "one group only, and no covariate: nobody to compare A with"
