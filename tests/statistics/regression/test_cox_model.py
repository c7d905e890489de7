"""Cox's model: closed forms, R's numbers (EXTERNAL, see small_regression), invariances."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from small_regression import (
    CAUSE,
    COVARIATES,
    ENTRY,
    EXIT,
    STRATA,
    R,
    few,
    likelihood_by_loops,
    random_rows,
    seeds,
)
from sojourn.core.errors import DataError
from sojourn.statistics.regression import NotEstimableError, fit_cox

TIED = ("efron", "breslow")


def small(ties="efron"):
    return fit_cox(
        EXIT, CAUSE == 1, COVARIATES, entry=ENTRY, strata=STRATA, ties=ties, names=["x", "g"]
    )


@pytest.mark.parametrize("ties", TIED)
def test_agrees_with_r_on_tied_truncated_stratified_rows(ties):
    fit, want = small(ties), R[ties]
    assert fit.terms.coefficients == pytest.approx(want["coef"], abs=1e-12)
    assert fit.terms.covariance == pytest.approx(np.array(want["covariance"]), abs=1e-12)
    assert [fit.loglik_null, fit.loglik] == pytest.approx(want["loglik"], abs=1e-12)
    assert (fit.n, fit.n_events, fit.ties) == (12, 7, ties)


def test_ratio_is_the_root_of_its_likelihood():
    # at the first event 2 of group 1 and 2 of group 0 are at risk, at the second 1 and 2:
    # 1/(1 + r) = r/(2 + r), so r^2 = 2; the information is p(1 - p) summed over both events
    group = np.array([1.0, 0.0, 1.0, 0.0])
    fit = fit_cox(np.array([1.0, 2, 3, 3]), np.array([True, True, False, False]), group[:, None])
    r = np.sqrt(2)
    first, second = r / (1 + r), r / (2 + r)
    information = first * (1 - first) + second * (1 - second)
    assert fit.terms.ratios[0] == pytest.approx(r, abs=1e-12)
    assert fit.terms.standard_errors[0] == pytest.approx(information**-0.5, abs=1e-12)
    assert fit.loglik == pytest.approx(np.log(r / (2 + 2 * r)) + np.log(1 / (2 + r)), abs=1e-12)
    assert fit.loglik_null == pytest.approx(np.log(1 / 4) + np.log(1 / 3), abs=1e-12)
    z = np.log(r) * information**0.5
    assert fit.terms.z[0] == pytest.approx(z, abs=1e-12)
    assert fit.wald_test.statistic == pytest.approx(z**2, abs=1e-12)
    assert fit.terms.p_values[0] == pytest.approx(fit.wald_test.p_value, abs=1e-12)
    lower, upper = fit.terms.ratio_interval(level=0.9)
    half = 1.6448536269514722 / information**0.5
    assert [lower[0], upper[0]] == pytest.approx([r * np.exp(-half), r * np.exp(half)], rel=1e-12)


@few
@given(seeds, st.sampled_from(TIED))
def test_score_test_of_two_groups_without_ties_is_the_log_rank_test(seed, ties):
    rng = np.random.default_rng(seed)
    n = 12
    times, group = rng.permutation(n) + 1.0, np.arange(n) % 2
    died = rng.random(n) < 0.7
    died[np.argmin(times)] = True  # so that both groups are at risk at an event
    excess = variance = 0.0
    for time in times[died]:
        at_risk = times >= time
        share = group[at_risk].mean()
        excess += group[times == time][0] - share
        variance += share * (1 - share)
    fit = fit_cox(times, died, group[:, None].astype(float), ties=ties)
    assert fit.score_test.statistic == pytest.approx(excess**2 / variance, rel=1e-9)


@few
@given(seeds, st.sampled_from(TIED))
def test_likelihood_is_the_sum_over_events_and_flat_at_the_estimate(seed, ties):
    entry, exits, cause, x, strata = random_rows(seed)
    fit = fit_cox(exits, cause == 1, x, entry=entry, strata=strata, ties=ties)

    def by_loops(beta):
        return likelihood_by_loops(entry, exits, cause == 1, x, strata, beta, ties=ties)

    best = fit.terms.coefficients
    assert fit.loglik_null == pytest.approx(by_loops(np.zeros(2)), rel=1e-11)
    assert fit.loglik == pytest.approx(by_loops(best), rel=1e-11)
    for step in (1e-3 * np.eye(2)).tolist():
        assert by_loops(best + step) < fit.loglik
        assert by_loops(best - np.array(step)) < fit.loglik
    ratio = 2 * (fit.loglik - fit.loglik_null)
    assert fit.likelihood_ratio_test.statistic == pytest.approx(ratio, abs=1e-12)
    assert fit.likelihood_ratio_test.degrees == 2


@few
@given(seeds, st.floats(1e-3, 1e3), st.permutations(range(40)))
def test_row_order_unit_of_time_and_labels_of_strata_do_not_matter(seed, unit, order):
    entry, exits, cause, x, strata = random_rows(seed)
    one = fit_cox(exits, cause == 1, x, entry=entry, strata=strata)
    entry, exits, cause, x, strata = (v[order] for v in (entry, exits, cause, x, strata))
    named = np.array(["z", "a", "m"])[strata]
    other = fit_cox(unit * exits, cause == 1, x, entry=unit * entry, strata=named)
    assert other.terms.coefficients == pytest.approx(one.terms.coefficients, abs=1e-9)
    assert other.terms.covariance == pytest.approx(one.terms.covariance, abs=1e-9)
    assert other.loglik == pytest.approx(one.loglik, rel=1e-12)


@few
@given(seeds, st.floats(-1e3, 1e3), st.floats(1e-6, 1e6))
def test_a_shift_of_a_covariate_changes_nothing_and_a_factor_only_its_coefficient(
    seed, shift, factor
):
    _, exits, cause, x, _ = random_rows(seed)
    one = fit_cox(exits, cause == 1, x)
    other = fit_cox(exits, cause == 1, x * factor + shift * factor)
    assert other.terms.coefficients * factor == pytest.approx(one.terms.coefficients, abs=1e-7)
    assert other.terms.z == pytest.approx(one.terms.z, abs=1e-7)


@few
@given(seeds)
def test_swapped_groups_invert_the_ratio(seed):
    _, exits, cause, x, _ = random_rows(seed)
    one = fit_cox(exits, cause == 1, x[:, 1:])
    other = fit_cox(exits, cause == 1, 1 - x[:, 1:])
    assert other.terms.ratios[0] == pytest.approx(1 / one.terms.ratios[0], rel=1e-9)


@few
@given(seeds, st.floats(0.1, 11.0))
def test_a_row_cut_in_two_changes_nothing(seed, at):
    entry, exits, cause, x, strata = random_rows(seed)
    cut = (entry < at) & (at < exits)
    rows = np.concatenate([np.arange(40), np.flatnonzero(cut)])
    entries = np.concatenate([entry, np.full(cut.sum(), at)])
    ends = np.concatenate([np.where(cut, at, exits), exits[cut]])
    events = np.concatenate([(cause == 1) & ~cut, (cause == 1)[cut]])
    one = fit_cox(exits, cause == 1, x, entry=entry, strata=strata)
    other = fit_cox(ends, events, x[rows], entry=entries, strata=strata[rows])
    assert other.terms.coefficients == pytest.approx(one.terms.coefficients, abs=1e-9)
    assert other.loglik == pytest.approx(one.loglik, rel=1e-12)


def test_without_ties_both_ways_agree():
    times = np.arange(1.0, 9)
    x = np.array([1.0, 0, 2, 1, 0, 3, 1, 0])[:, None]
    one, other = (fit_cox(times, times > 2, x, ties=ties) for ties in TIED)
    assert one.loglik == other.loglik
    assert (one.terms.coefficients == other.terms.coefficients).all()


def test_entry_at_the_time_of_an_event_is_too_late_for_it():
    # the third subject enters at the first event: at risk for the second only
    group = np.array([[1.0], [0.0], [1.0], [0.0]])
    times, died = np.array([1.0, 2, 3, 3]), np.array([True, True, False, False])
    fit = fit_cox(times, died, group, entry=np.array([0.0, 0, 1, 0]))
    # 1/3 each: r/(r + 2) at the first, 1/(r + 2) at the second; so r = 2
    assert fit.terms.ratios[0] == pytest.approx(2, abs=1e-12)


def test_an_event_at_time_0_counts():
    died = np.array([True, True, False, False])
    group = np.array([[1.0], [0.0], [1.0], [0.0]])
    fit = fit_cox(np.array([0.0, 2, 3, 3]), died, group)
    assert fit.n_events == 2
    assert fit.terms.ratios[0] == pytest.approx(np.sqrt(2), abs=1e-12)


@pytest.mark.parametrize(
    ("x", "match"),
    [
        pytest.param([0, 1, 2, np.nan], "row 3: covariate age is nan", id="missing"),
        pytest.param([0, 1, np.inf, 2], "row 2: covariate age is inf", id="infinite"),
    ],
)
def test_a_covariate_that_is_no_number_is_refused_by_name(x, match):
    died = np.ones(4, bool)
    with pytest.raises(DataError, match=match):
        fit_cox(np.arange(1.0, 5), died, np.array(x, float)[:, None], names=["age"])


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"exit": [1, -2, 3, 4]}, "time is -2"),
        ({"exit": [1, np.nan, 3, 4]}, "time is nan"),
        ({"exit": [[1, 2, 3, 4]]}, "shape"),
        ({"is_event": [0, 1, 2, 0]}, "status is 2"),
        ({"is_event": [0, 1]}, "4 times, 2 statuses"),
        ({"entry": [0, 2, 0, 0]}, "entry 2 is not before the exit 2"),
        ({"entry": [0, -1, 0, 0]}, "entry is -1"),
        ({"strata": [1, 1, 2]}, "strata have shape"),
        ({"covariates": [1, 2, 3, 4]}, "covariates have shape"),
        ({"covariates": [[1], [2]]}, "covariates have shape"),
        ({"covariates": np.zeros((4, 0))}, "at least one covariate"),
        ({"names": ["a", "b"]}, "1 covariates have the names"),
        ({"ties": "exact"}, "ties 'exact'"),
    ],
)
def test_hostile_input_is_refused_with_what_was_found(changed, match):
    given = {
        "exit": [1, 2, 3, 4],
        "is_event": [1, 1, 0, 1],
        "covariates": [[1], [2], [0], [1]],
        "ties": "efron",
        **changed,
    }
    given = {k: np.array(v) if k not in {"ties", "names"} else v for k, v in given.items()}
    with pytest.raises(DataError, match=match):
        fit_cox(given.pop("exit"), given.pop("is_event"), given.pop("covariates"), **given)


@pytest.mark.parametrize("n", [0, 1, 4])
def test_no_event_is_no_model(n):
    with pytest.raises(NotEstimableError, match="no event"):
        fit_cox(np.ones(n), np.zeros(n, bool), np.ones((n, 1)))


def test_one_subject_is_no_model():
    with pytest.raises(NotEstimableError, match="same for all subjects at risk"):
        fit_cox(np.ones(1), np.ones(1, bool), np.ones((1, 1)))


def test_collinear_covariates_are_refused_by_name():
    _, exits, cause, x, _ = random_rows(0)
    wide = np.column_stack([x, 2 * x[:, 0] - x[:, 1] + 5, x[:, 0] ** 2])
    with pytest.raises(NotEstimableError, match=r"kg is a linear combination of age, sex "):
        fit_cox(exits, cause == 1, wide, names=["age", "sex", "kg", "other"])
    flat = np.column_stack([x, np.full(40, 7.1)])
    with pytest.raises(NotEstimableError, match="site is the same"):
        fit_cox(exits, cause == 1, flat, names=["age", "sex", "site"])
    with pytest.raises(NotEstimableError, match="site is the same"):
        fit_cox(exits, cause == 1, x, names=["age", "site"], strata=x[:, 1])


@pytest.mark.parametrize("share", [1e-2, 1e-3, 1e-4])
def test_nearly_collinear_covariates_are_fitted(share):
    _, exits, cause, x, _ = random_rows(0)
    wide = np.column_stack([x[:, 0], x[:, 0] + share * x[:, 1]])
    plain = fit_cox(exits, cause == 1, x)
    fit = fit_cox(exits, cause == 1, wide)
    assert fit.terms.coefficients[1] * share == pytest.approx(plain.terms.coefficients[1], rel=1e-6)
    assert fit.loglik == pytest.approx(plain.loglik, abs=1e-9)
