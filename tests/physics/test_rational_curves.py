import mpmath
import numpy as np
import pytest

from sojourn.core.errors import DataError
from sojourn.physics.core_sizes import CoreSizes
from sojourn.physics.langevin import BOLTZMANN
from sojourn.physics.magnetization_kernels import compiled_kernel, received_moments_numpy
from sojourn.physics.particle_models import Equilibrium
from sojourn.physics.particles import FERUMOXYTOL, TracerParticles
from sojourn.physics.rational_curves import TOLERANCE, RationalCurve, fit_rational_curve

TEMPERATURE = 310.15
FERUCARBOTRAN = TracerParticles((0.72, 0.28), (6e-9, 23e-9), (0.25, 0.30))
ONE_SIZE = CoreSizes(np.array([25e-9]), np.array([1.0]))


def exact_ratio(sizes, fields):
    """Return M(B)/B by the Langevin function in 40 digits."""
    moments = sizes.saturation * np.pi * sizes.diameters**3 / 6
    values = []
    with mpmath.workdps(40):
        for field in fields:
            total = mpmath.mpf(0)
            for moment, share in zip(moments, sizes.iron_shares, strict=True):
                slope = mpmath.mpf(float(moment)) / (mpmath.mpf(BOLTZMANN) * TEMPERATURE)
                xi = slope * mpmath.mpf(float(field))
                total += mpmath.mpf(float(share)) * (mpmath.coth(xi) - 1 / xi)
            values.append(float(total / mpmath.mpf(float(field))))
    return np.array(values)


@pytest.mark.parametrize("reach", [1e-4, 0.02, 0.06, 0.5, 5.0])
def test_a_single_core_size_is_langevins_function_from_tiny_to_huge_arguments(reach):
    # 25 nm at 37 C: xi = 725 per T, so up to 3,600 here and down to 1e-9 of the reach.
    fields = reach * np.concatenate([10.0 ** np.linspace(-9, 0, 60), np.linspace(0.05, 1, 40)])
    curve = fit_rational_curve(Equilibrium(ONE_SIZE, TEMPERATURE).curve, reach=reach)
    exact = exact_ratio(ONE_SIZE, fields)
    assert np.max(np.abs(curve.ratio(fields**2) / exact - 1)) < 2 * TOLERANCE


@pytest.mark.parametrize("sizes", [CoreSizes(np.array([3e-9, 8e-9, 40e-9]), np.full(3, 1 / 3))])
def test_a_mixture_of_sizes_is_within_the_stated_error_of_forty_digits(sizes):
    fields = 0.1 * 10.0 ** np.linspace(-8, 0, 80)
    curve = fit_rational_curve(Equilibrium(sizes, TEMPERATURE).curve, reach=0.1)
    exact = exact_ratio(sizes, fields)
    assert np.max(np.abs(curve.ratio(fields**2) / exact - 1)) < 2 * TOLERANCE
    assert curve.error <= TOLERANCE


@pytest.mark.parametrize("tracer", [FERUMOXYTOL, FERUCARBOTRAN, ONE_SIZE])
@pytest.mark.parametrize("reach", [0.02, 0.1, 0.5])
def test_single_precision_keeps_1e6_over_the_whole_range(tracer, reach):
    kernel = compiled_kernel()
    if kernel is None:
        pytest.skip("numba is not installed")
    model = Equilibrium(tracer)
    curve = fit_rational_curve(model.curve, reach=reach)
    fields = reach * np.concatenate([10.0 ** np.linspace(-9, 0, 700), np.linspace(0.01, 1, 300)])
    waves = (fields / reach).astype(np.float32)[None]
    out = np.empty((1, 1, 1000), dtype=np.float32)
    along = np.array([[[1.0, 0.0, 0.0]]], dtype=np.float32)
    kernel(
        np.zeros((1, 3), dtype=np.float32),
        along,
        waves,
        along,
        curve.numerator.astype(np.float32),
        curve.denominator.astype(np.float32),
        out,
    )
    exact = model.curve(waves[0].astype(np.float64) * reach)
    assert np.max(np.abs(out[0, 0] * reach / exact - 1)) < 1e-6


@pytest.mark.parametrize(("tracer", "terms"), [(ONE_SIZE, 16), (FERUCARBOTRAN, 32)])
def test_the_compiled_loop_is_the_numpy_loop_in_double_precision(tracer, terms):
    kernel = compiled_kernel()
    if kernel is None:
        pytest.skip("numba is not installed")
    curve = fit_rational_curve(Equilibrium(tracer).curve, reach=0.1)
    assert len(curve.numerator) <= terms
    rng = np.random.default_rng(0)
    static, coils = rng.uniform(-0.3, 0.3, (2, 3)), rng.uniform(-0.1, 0.1, (2, 4, 3))
    coils[0, 1] = 0.0
    waves, receive = rng.uniform(-1, 1, (4, 1100)), rng.normal(size=(2, 2, 3))
    found, expected = np.empty((2, 2, 1100)), np.empty((2, 2, 1100))
    arguments = (static, coils, waves, receive, curve.numerator, curve.denominator)
    kernel(*arguments, found)
    received_moments_numpy(*arguments, expected)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13 * np.abs(expected).max())


def test_no_field_is_extrapolated_beyond_the_reach():
    curve = fit_rational_curve(Equilibrium(FERUMOXYTOL).curve, reach=0.01)
    assert curve.ratio(np.array([0.01**2]))[0] > 0
    with pytest.raises(DataError, match=r"fitted up to 0\.01 T, asked for 0\.02 T"):
        curve.ratio(np.array([0.02**2]))


def test_wide_reaches_are_left_to_double_precision():
    assert fit_rational_curve(Equilibrium(FERUCARBOTRAN).curve, reach=0.1).fits_single
    assert not fit_rational_curve(Equilibrium(FERUCARBOTRAN).curve, reach=5.0).fits_single


@pytest.mark.parametrize("reach", [0.0, -1.0, np.inf, np.nan])
def test_a_reach_must_be_a_positive_field(reach):
    with pytest.raises(DataError, match="reach must be a positive field"):
        fit_rational_curve(np.arctan, reach=reach)


@pytest.mark.parametrize("curve", [np.sin, lambda b: b**3, lambda b: -b])
def test_curves_that_are_no_mixture_of_saturating_cores_are_refused(curve):
    with pytest.raises(DataError, match=r"must rise|no positive rational"):
        fit_rational_curve(curve, reach=10.0)


def test_coefficients_with_a_negative_one_are_refused():
    with pytest.raises(DataError, match="must not be negative"):
        RationalCurve(np.array([-1.0, 1.0]), np.ones(2), 1.0, 0.0)
    with pytest.raises(DataError, match="one shape"):
        RationalCurve(np.ones(2), np.ones(3), 1.0, 0.0)
