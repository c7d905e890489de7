import numpy as np
import pytest
from scipy import stats

from sojourn.core.errors import DataError
from sojourn.physics.curve_fits import fit_curve, profile_interval

X = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
Y = np.array([1.1, 2.9, 5.2, 6.8, 9.1])
FREE = {"lower": np.full(2, -np.inf), "upper": np.full(2, np.inf)}


def line(errors):
    def residuals(parameters):
        return (parameters[0] + parameters[1] * X - Y) / errors

    return residuals


def fitted(errors=1.0, *, errors_known=False, **bounds):
    residuals = line(errors)
    limits = FREE | bounds
    fit = fit_curve(
        residuals,
        np.array([0.5, 1.0]),
        names=("height", "slope"),
        errors_known=errors_known,
        **limits,
    )
    return fit, residuals


def test_a_line_has_the_closed_form_of_regression():
    fit, _ = fitted()
    expected = stats.linregress(X, Y)
    assert fit.value("slope") == pytest.approx(expected.slope, rel=1e-8)
    assert fit.value("height") == pytest.approx(expected.intercept, rel=1e-8)
    assert fit.standard_errors[1] == pytest.approx(expected.stderr, rel=1e-6)
    assert fit.standard_errors[0] == pytest.approx(expected.intercept_stderr, rel=1e-6)
    assert fit.degrees_of_freedom == 3


def test_profile_interval_of_a_line_is_students():
    fit, residuals = fitted()
    expected = stats.linregress(X, Y)
    reach = stats.t.ppf(0.975, 3) * expected.stderr
    found = profile_interval(residuals, fit, "slope")
    # The root is found to 2e-3 of the half-width.
    assert found == pytest.approx(
        (expected.slope - reach, expected.slope + reach), abs=3e-3 * reach
    )


def test_known_errors_that_hold_give_the_normal_interval():
    fit, residuals = fitted(0.5, errors_known=True)
    assert fit.scale == 1.0
    # Closed form: standard error of the slope = 0.5 / sqrt(sum (x - 2)^2) = 0.5 / sqrt(10).
    reach = 1.959964 * 0.5 / np.sqrt(10)
    found = profile_interval(residuals, fit, "slope")
    assert found[1] - found[0] == pytest.approx(2 * reach, rel=3e-3)


def test_known_errors_that_are_too_small_are_enlarged():
    fit, _ = fitted(1e-3, errors_known=True)
    assert fit.scale == pytest.approx(fit.chi_square / 3)
    assert fit.standard_errors[1] == pytest.approx(stats.linregress(X, Y).stderr, rel=1e-6)


def test_a_bound_in_the_interval_is_its_end():
    limits = {"lower": np.array([-np.inf, 1.9]), "upper": np.array([np.inf, 2.0])}
    fit, residuals = fitted(0.5, errors_known=True, **limits)
    assert profile_interval(residuals, fit, "slope") == pytest.approx((1.9, 2.0))


def test_intervals_follow_a_change_of_parameter():
    # y = exp(a): the interval of exp(a) is that of the mean.
    data = np.array([4.0, 5.0, 6.5, 5.5])
    fits = {
        name: fit_curve(
            lambda p, f=function: f(p[0]) - data,
            np.array([1.0]),
            names=("a",),
            lower=np.array([-np.inf]),
            upper=np.array([np.inf]),
            errors_known=False,
        )
        for name, function in (("exp", np.exp), ("mean", lambda value: value))
    }
    curved = profile_interval(lambda p: np.exp(p[0]) - data, fits["exp"], "a")
    straight = profile_interval(lambda p: p[0] - data, fits["mean"], "a")
    # The log of the lower end lies well below the Wald interval; profiles agree.
    assert np.exp(curved) == pytest.approx(straight, rel=2e-3)


def test_a_parameter_without_effect_has_no_bounds():
    fit = fit_curve(
        lambda p: p[0] - Y,
        np.array([1.0, 3.0]),
        names=("mean", "nothing"),
        lower=np.array([-np.inf, -7.0]),
        upper=np.array([np.inf, 8.0]),
        errors_known=False,
    )
    assert np.isinf(fit.standard_errors[1])
    assert np.isfinite(fit.standard_errors[0])
    assert profile_interval(lambda p: p[0] - Y, fit, "nothing") == pytest.approx((-7.0, 8.0))


def test_parameters_that_only_add_up_are_both_without_bounds():
    fit = fit_curve(
        lambda p: p[0] + p[1] - Y, np.zeros(2), names=("a", "b"), errors_known=False, **FREE
    )
    assert np.all(np.isinf(fit.standard_errors))


def test_too_few_data_unknown_names_and_levels_are_refused():
    with pytest.raises(DataError, match="cannot fix"):
        fit_curve(lambda p: p, np.zeros(2), names=("a", "b"), errors_known=False, **FREE)
    with pytest.raises(DataError, match="not finite"):
        fit_curve(
            lambda p: np.nan * (p[0] - Y), np.zeros(2), names=("a", "b"), errors_known=False, **FREE
        )
    fit, residuals = fitted()
    with pytest.raises(DataError, match="height, slope"):
        fit.value("width")
    with pytest.raises(DataError, match="level"):
        profile_interval(residuals, fit, "slope", level=1.0)
