"""Concordance, proportionality, residuals, hazards; EXTERNAL numbers in small_regression."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from small_regression import (
    CAUSE,
    CLUSTERS,
    CONCORDANCE,
    COVARIATES,
    ENTRY,
    EXIT,
    STRATA,
    R,
    few,
    random_rows,
    seeds,
)
from sojourn.core.errors import DataError
from sojourn.statistics.regression import (
    cumulative_hazards,
    estimate_concordance,
    fit_cox,
    robust_covariance,
    score_residuals,
)
from sojourn.statistics.regression import test_proportionality as zph
from sojourn.statistics.regression.concordance import concordance
from sojourn.statistics.regression.risk_sets import CELLS, counting_process, risk_sets

TIED = ("efron", "breslow")


def small(ties):
    return fit_cox(
        EXIT, CAUSE == 1, COVARIATES, entry=ENTRY, strata=STRATA, ties=ties, names=["x", "g"]
    )


@pytest.mark.parametrize("ties", TIED)
def test_agrees_with_r(ties):
    fit, want = small(ties), R[ties]
    assert estimate_concordance(fit).value == pytest.approx(CONCORDANCE, abs=1e-14)
    robust = robust_covariance(fit, CLUSTERS)
    assert robust == pytest.approx(np.array(want["robust"]), abs=1e-12)
    residuals = score_residuals(fit)
    for row, values in want["residuals"].items():
        assert residuals[row] == pytest.approx(values, abs=1e-12)
    tests = zph(fit)
    found = [tests.terms["x"].statistic, tests.terms["g"].statistic, tests.overall.statistic]
    assert found == pytest.approx(want["zph"], abs=1e-10)
    assert [t.degrees for t in (*tests.terms.values(), tests.overall)] == [1, 1, 2]
    hazards = cumulative_hazards(fit, np.array([1.0, 1.0]))
    for made, (times, values), number in zip(hazards, want["hazards"], (0, 1), strict=True):
        assert made.stratum == number
        assert made.times.tolist() == times
        assert made.values == pytest.approx(values, abs=1e-12)


def pairs_by_loops(entry, exits, is_event, strata, predictor):
    counts = [0, 0, 0]
    for i in np.flatnonzero(is_event):
        for j in range(len(exits)):
            same = strata[i] == strata[j] and entry[j] < exits[i]
            stays = exits[j] > exits[i] or (exits[j] == exits[i] and not is_event[j])
            if same and stays:
                sign = np.sign(predictor[i] - predictor[j])
                counts[{1: 0, -1: 1, 0: 2}[int(sign)]] += 1
    return counts


@few
@given(seeds)
def test_concordance_counts_pairs_of_an_event_and_one_who_stays(seed):
    entry, exits, cause, _, strata = random_rows(seed)
    predictor = np.random.default_rng(seed).integers(0, 5, 40).astype(float)
    process = counting_process(exits, cause == 1, entry=entry, strata=strata)
    made = concordance(process, predictor)
    concordant, discordant, tied = pairs_by_loops(entry, exits, cause == 1, strata, predictor)
    assert (made.concordant, made.discordant, made.tied) == (concordant, discordant, tied)
    assert made.value == (concordant + tied / 2) / (concordant + discordant + tied)
    opposite = concordance(process, -predictor)
    assert opposite.value == pytest.approx(1 - made.value, abs=1e-15)


def test_concordance_without_a_pair_is_no_number():
    process = counting_process(np.ones(2), np.ones(2, bool))
    assert np.isnan(concordance(process, np.array([0.0, 1.0])).value)


@few
@given(seeds, st.sampled_from(TIED))
def test_residuals_sum_to_zero_and_those_of_a_cut_row_to_its_own(seed, ties):
    entry, exits, cause, x, strata = random_rows(seed)
    fit = fit_cox(exits, cause == 1, x, entry=entry, strata=strata, ties=ties)
    residuals = score_residuals(fit)
    assert residuals.sum(axis=0) == pytest.approx([0, 0], abs=1e-8)
    cut = (entry < 4) & (exits > 4)
    rows = np.concatenate([np.arange(40), np.flatnonzero(cut)])
    again = fit_cox(
        np.concatenate([np.where(cut, 4, exits), exits[cut]]),
        np.concatenate([(cause == 1) & ~cut, (cause == 1)[cut]]),
        x[rows],
        entry=np.concatenate([entry, np.full(cut.sum(), 4.0)]),
        strata=strata[rows],
        ties=ties,
    )
    summed = np.zeros_like(residuals)
    np.add.at(summed, rows, score_residuals(again))
    assert summed == pytest.approx(residuals, abs=1e-8)
    one = robust_covariance(fit, np.arange(40))
    assert robust_covariance(again, rows) == pytest.approx(one, abs=1e-8)


def test_clusters_are_one_for_each_row():
    with pytest.raises(DataError, match="clusters have shape"):
        robust_covariance(small("efron"), CLUSTERS[:-1])


@few
@given(seeds)
def test_hazard_of_a_shifted_subject_is_proportional_and_expected_events_are_those_seen(seed):
    entry, exits, cause, x, _ = random_rows(seed)
    fit = fit_cox(exits, cause == 1, x, entry=entry, ties="breslow")
    (zero,) = cumulative_hazards(fit, np.zeros(2))
    (shifted,) = cumulative_hazards(fit, np.array([1.0, 2.0]))
    ratio = np.exp(fit.terms.coefficients @ [1.0, 2.0])
    assert shifted.values == pytest.approx(ratio * zero.values, rel=1e-9)
    hazard = np.concatenate([[0.0], zero.values])
    spent = hazard[np.searchsorted(zero.times, exits, side="right")]
    spent -= hazard[np.searchsorted(zero.times, entry, side="right")]
    expected = (spent * np.exp(x @ fit.terms.coefficients)).sum()
    assert expected == pytest.approx((cause == 1).sum(), rel=1e-9)


def test_covariates_of_a_hazard_are_one_for_each_term():
    with pytest.raises(DataError, match="one for each term"):
        cumulative_hazards(small("efron"), np.zeros(3))


def test_terms_tested_together_have_their_degrees_and_all_of_them_are_the_overall_test():
    fit = small("efron")
    tests = zph(fit, together={"both": ["x", "g"]})
    assert list(tests.terms) == ["both"]
    assert tests.terms["both"] == tests.overall
    with pytest.raises(DataError, match="no term 'age'"):
        zph(fit, together={"both": ["x", "age"]})


def test_proportionality_does_not_depend_on_the_unit_of_a_covariate():
    one = zph(small("efron"))
    fit = fit_cox(EXIT, CAUSE == 1, COVARIATES * [1e6, 1e-6], entry=ENTRY, strata=STRATA)
    other = zph(fit)
    assert other.overall.statistic == pytest.approx(one.overall.statistic, rel=1e-9)


def test_events_of_one_time_say_nothing_on_proportionality():
    times = np.array([1.0, 1, 2, 2])
    fit = fit_cox(times, times == 1, np.array([[0.0], [2], [1], [0]]))
    assert np.isnan(zph(fit).terms["x1"].p_value)


def test_two_events_with_two_left_at_the_last_cannot_test_two_terms_at_once():
    # one direction of the covariates is seen at one event only: time cannot change its effect
    times = np.array([1.0, 2, 3, 1.5, 1.5, 1.5])
    x = np.array([[0.0, 0], [2, 1], [-1, 2], [-2, -1], [1, -2], [1, 1]])
    fit = fit_cox(times, (times == 1) | (times == 2), x)
    assert fit.terms.infinite == ()
    assert np.isnan(zph(fit).overall.p_value)
    assert np.isfinite(zph(fit).terms["x1"].p_value)


def test_risk_sets_in_chunks_are_the_same(monkeypatch):
    entry, exits, cause, x, _ = random_rows(3)
    one = fit_cox(exits, cause == 1, x, entry=entry)
    monkeypatch.setattr("sojourn.statistics.regression.risk_sets.CELLS", 100)
    other = fit_cox(exits, cause == 1, x, entry=entry)
    assert CELLS > 100
    assert other.terms.coefficients == pytest.approx(one.terms.coefficients, abs=1e-12)


def test_a_stratum_without_an_event_has_no_risk_set():
    process = counting_process(
        np.array([1.0, 2, 3]), np.array([True, False, False]), strata=np.array(["a", "b", "a"])
    )
    (only,) = risk_sets(process)
    assert only.rows.tolist() == [0, 2]
    assert only.times.tolist() == [1.0]
