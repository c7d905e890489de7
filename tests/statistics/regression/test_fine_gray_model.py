"""Fine-Gray: cmprsk's numbers (EXTERNAL, small_regression), closed forms, invariances."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from small_regression import CAUSE, COVARIATES, EXIT, FINE_GRAY, few, random_rows, seeds
from sojourn.core.errors import DataError
from sojourn.statistics.regression import NotEstimableError, fit_cox, fit_fine_gray


def test_agrees_with_cmprsk_on_tied_rows():
    fit = fit_fine_gray(EXIT, CAUSE, COVARIATES)
    assert fit.terms.coefficients == pytest.approx(FINE_GRAY["coef"], abs=1e-11)
    assert fit.terms.covariance == pytest.approx(np.array(FINE_GRAY["covariance"]), abs=1e-11)
    assert [fit.loglik_null, fit.loglik] == pytest.approx(FINE_GRAY["loglik"], abs=1e-11)
    assert (fit.n, fit.n_events, fit.n_competing, fit.cause) == (12, 7, 2, 1)
    ratio = 2 * (fit.loglik - fit.loglik_null)
    assert fit.pseudo_likelihood_ratio.statistic == pytest.approx(ratio, abs=1e-12)
    assert fit.pseudo_likelihood_ratio.degrees == 2


@few
@given(seeds)
def test_without_competing_events_it_is_cox_with_breslow_ties(seed):
    _, exits, cause, x, _ = random_rows(seed)
    alone = np.where(cause == 2, 0, cause)
    fit, cox = fit_fine_gray(exits, alone, x), fit_cox(exits, alone == 1, x, ties="breslow")
    assert fit.terms.coefficients == pytest.approx(cox.terms.coefficients, abs=1e-9)
    assert fit.loglik == pytest.approx(cox.loglik, rel=1e-12)
    assert fit.n_competing == 0


@few
@given(seeds)
def test_without_censoring_who_had_a_competing_event_stays_at_risk_for_ever(seed):
    _, exits, cause, x, _ = random_rows(seed)
    seen = np.where(cause == 0, 2, cause)
    lasting = np.where(seen == 2, exits.max() + 1, exits)
    fit, cox = fit_fine_gray(exits, seen, x), fit_cox(lasting, seen == 1, x, ties="breslow")
    assert fit.terms.coefficients == pytest.approx(cox.terms.coefficients, abs=1e-9)
    assert fit.loglik == pytest.approx(cox.loglik, rel=1e-12)


@few
@given(seeds, st.floats(1e-3, 1e3), st.permutations(range(40)), st.floats(-100, 100))
def test_row_order_unit_of_time_labels_of_others_and_shifts_do_not_matter(seed, unit, order, by):
    _, exits, cause, x, _ = random_rows(seed)
    one = fit_fine_gray(exits, cause, x, cause=2)
    relabelled = np.where(cause == 1, 7, cause)[order]
    other = fit_fine_gray(unit * exits[order], relabelled, x[order] + by, cause=2)
    assert other.terms.coefficients == pytest.approx(one.terms.coefficients, abs=1e-8)
    assert other.terms.covariance == pytest.approx(one.terms.covariance, abs=1e-8)


def test_an_event_at_time_0_counts():
    times = np.array([0.0, 2, 3, 3])
    fit = fit_fine_gray(times, np.array([1, 1, 0, 0]), np.array([[1.0], [0], [1], [0]]))
    assert fit.terms.ratios[0] == pytest.approx(np.sqrt(2), abs=1e-12)


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"times": [1, -2, 3, 4]}, "row 1 has time -2"),
        ({"times": [1, np.inf, 3, 4]}, "row 1 has time inf"),
        ({"causes": [1, 1.5, 0, 2]}, "row 1 has cause 1.5"),
        ({"causes": [1, -1, 0, 2]}, "row 1 has cause -1"),
        ({"causes": [1, 2]}, "causes"),
        ({"covariates": [[1], [2], [np.nan], [0]]}, "row 2: covariate x1 is nan"),
        ({"covariates": np.zeros((4, 0))}, "at least one covariate"),
        ({"cause": 0}, "cause 0: expected 1 or more"),
    ],
)
def test_hostile_input_is_refused_with_what_was_found(changed, match):
    given = {"times": [1, 2, 3, 4], "causes": [1, 1, 0, 2], "covariates": [[1], [2], [0], [1]]}
    given = {k: np.array(v, float) for k, v in (given | changed).items() if k != "cause"}
    with pytest.raises(DataError, match=match):
        fit_fine_gray(*given.values(), cause=changed.get("cause", 1))


@pytest.mark.parametrize("n", [0, 1, 4])
def test_no_event_of_the_cause_is_no_model(n):
    with pytest.raises(NotEstimableError, match="no event of cause 1"):
        fit_fine_gray(np.ones(n), np.full(n, 2), np.ones((n, 1)))


def test_collinear_covariates_are_refused_by_name():
    _, exits, cause, x, _ = random_rows(0)
    with pytest.raises(NotEstimableError, match="kg is a linear combination of age, sex"):
        fit_fine_gray(exits, cause, np.column_stack([x, x.sum(axis=1)]), names=["age", "sex", "kg"])


def test_a_robust_variance_of_0_is_no_certainty():
    times, causes = np.array([10.0, 10.0]), np.array([1, 1])
    with pytest.raises(NotEstimableError, match="robust variance of x1 is 0"):
        fit_fine_gray(times, causes, np.array([[0.0], [1.0]]))
