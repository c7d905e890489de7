"""What the fits refuse, and variances at zero.

EXTERNAL: R 4.2.2 with lme4 1.1-31, for the model whose variance is zero (literal below).
"""

import numpy as np
import pytest

from sojourn.core.errors import DataError
from sojourn.statistics.mixed.fitting import MixedFit, NoFit, fit_marginal, fit_random_effects
from sojourn.statistics.mixed.inference import kenward_roger, satterthwaite
from sojourn.statistics.mixed.repeated import fit_repeated

ALTERNATING = np.array([1.0, 3.0, 3.2, 0.9, 1.1, 2.8, 2.9, 1.2])
"""Four subjects twice; the two values of each differ more than the subjects do."""
FOUR = np.repeat(np.arange(4), 2)


def test_a_variance_best_at_zero_is_zero_and_said():
    fit = fit_random_effects(ALTERNATING, np.ones(8), FOUR)
    assert fit.is_singular
    assert fit.theta[0] == 0.0
    assert fit.theta[1] == pytest.approx(ALTERNATING.var(ddof=1), abs=1e-9)
    # as lmerTest: only the residual variance is free, 8 - 1 degrees of freedom
    assert satterthwaite(fit, [1]).degrees == pytest.approx(7, abs=1e-6)
    made = kenward_roger(fit, [1])
    # summary(lmerTest::lmer(y ~ 1 + (1 | s)), ddf = "Kenward-Roger")
    assert made.degrees == pytest.approx(3, abs=1e-6)
    assert made.standard_error == pytest.approx(0.367149979086009, abs=1e-10)
    assert made.p_value == pytest.approx(0.0119415189967158, abs=1e-10)


def test_random_slopes_without_any_spread_are_singular():
    rng = np.random.default_rng(5)
    day = np.tile([0.0, 1, 3, 7], 10)
    subjects = np.repeat(np.arange(10), 4)
    fixed = np.column_stack([np.ones(40), day])
    values = rng.normal(size=10).repeat(4) + rng.normal(size=40) * 0.3
    fit = fit_random_effects(values, fixed, subjects, random=fixed)
    intercept = fit_random_effects(values, fixed, subjects)
    assert fit.log_likelihood >= intercept.log_likelihood - 1e-9
    assert not intercept.is_singular


@pytest.mark.parametrize(
    ("subjects", "is_fitted"),
    [
        pytest.param([0, 0, 1, 1, 2, 2], True, id="three-subjects-twice"),
        pytest.param([0, 1, 2, 3, 4, 5], False, id="nobody-twice"),
        pytest.param([0, 0, 0, 0, 0, 0], False, id="one-subject"),
    ],
)
def test_subjects_must_repeat_for_a_variance_between_them(subjects, is_fitted):
    values = [1.0, 1.2, 3.0, 2.7, 5.0, 5.4]
    made = fit_random_effects(values, np.ones(6), subjects)
    assert isinstance(made, MixedFit) == is_fitted


@pytest.mark.parametrize(("n", "is_fitted"), [(4, True), (3, False)])
def test_values_must_be_left_for_the_variances(n, is_fitted):
    fixed = np.column_stack([np.ones(n), [0.0, 1, 0, 1][:n]])
    made = fit_random_effects([1.0, 2.5, 3.0, 4.1][:n], fixed, [0, 0, 1, 1][:n])
    assert isinstance(made, MixedFit) == is_fitted
    if not is_fitted:
        assert made.reason == "3 values for 2 coefficients: nothing is left for the variances"


def test_values_without_spread_have_no_model():
    made = fit_random_effects(np.full(6, 4.2), np.ones(6), [0, 0, 1, 1, 2, 2])
    assert isinstance(made, NoFit)
    assert "no spread" in made.reason


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"values": [1.0, np.nan]}, "not finite", id="missing"),
        pytest.param({"values": [1.0]}, r"shape \(1,\)", id="shapes"),
        pytest.param({"fixed": np.ones((2, 2))}, "of rank 1", id="rank"),
        pytest.param({"random": np.zeros(2)}, "zero throughout", id="no-effect"),
        pytest.param({"random": np.ones(3)}, "3 rows of random effects", id="rows"),
    ],
)
def test_bad_data_are_refused(change, message):
    given = {"values": [1.0, 2.0], "fixed": np.ones(2), "subjects": [0, 0]} | change
    with pytest.raises(DataError, match=message):
        fit_random_effects(**given)


@pytest.mark.parametrize(
    ("visits", "covariance", "message"),
    [
        ([0, 0, 0, 1], "ar1", "a visit twice"),
        ([0, -1, 0, 1], "ar1", "from 0"),
        ([0, 1, 0, 1], "toeplitz", "known: unstructured, ar1"),
    ],
)
def test_bad_visits_are_refused(visits, covariance, message):
    with pytest.raises(DataError, match=message):
        fit_marginal([1.0, 2, 3, 5], np.ones(4), [0, 0, 1, 1], visits, covariance=covariance)


def table(subjects, visits, seed=3, holes=()):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(subjects, 1)) + rng.normal(size=(subjects, visits))
    places = [(s, v) for s in range(subjects) for v in range(visits) if (s, v) not in holes]
    s, v = np.array(places).T
    return values[s, v], np.eye(visits)[v], s, v


def test_too_few_subjects_for_an_unstructured_covariance_fall_back_and_say_so():
    data = table(4, 4)
    made = fit_repeated(*data)
    assert made.covariance == "ar1"
    (note,) = made.notes
    assert note.startswith("no unstructured covariance: ")
    assert "too few subjects" in note
    only = fit_repeated(*data, covariances=["unstructured"])
    assert only.fit is None
    assert only.covariance == ""


def test_enough_subjects_carry_the_first_covariance_named():
    assert fit_repeated(*table(12, 3)).covariance == "unstructured"
    made = fit_repeated(*table(12, 3), covariances=["compound_symmetry", "unstructured"])
    assert (made.covariance, made.refused) == ("compound_symmetry", ())
    with pytest.raises(DataError, match="at least one covariance"):
        fit_repeated(*table(12, 3), covariances=[])


def test_visits_that_nobody_made_both_have_no_covariance_of_their_own():
    holes = [(s, 2 if s % 2 else 1) for s in range(10)]
    made = fit_marginal(*table(10, 3, holes=holes))
    assert made == NoFit(
        "unstructured",
        "visits 2 and 3 were both made by 0 subjects, too few for a covariance of their own",
    )


def test_one_visit_each_leaves_no_correlation():
    values, _, subjects, visits = table(6, 2, holes=[(s, s % 2) for s in range(6)])
    for covariance in ("unstructured", "ar1", "compound_symmetry"):
        made = fit_marginal(values, np.ones(6), subjects, visits, covariance=covariance)
        assert isinstance(made, NoFit)
        assert "no subject has two visits" in made.reason


def test_one_visit_alone_is_the_mean_of_a_sample():
    values, fixed, subjects, visits = table(6, 1)
    fit = fit_marginal(values, fixed, subjects, visits)
    made = kenward_roger(fit, [1])
    assert made.degrees == pytest.approx(5)
    assert made.standard_error == pytest.approx(np.std(values, ddof=1) / np.sqrt(6), abs=1e-10)
