"""Fits against known truth, against their own statistics, and to a measured selection field."""

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sojourn.core.errors import DataError
from sojourn.physics.field_free import find_field_free_point
from sojourn.physics.field_sources import LinearField
from sojourn.physics.harmonic_polynomials import n_harmonics, solid_harmonics
from sojourn.physics.solid_harmonics import (
    HarmonicFit,
    SolidHarmonics,
    best_degree,
    fit_solid_harmonics,
    implied_position_error,
    resolvable_degree,
)

RADIUS = 0.042
CENTER = np.array([0.01, -0.02, 0.005])


def product_points(n_heights=6, n_angles=12):
    """Points of a Gauss product rule on the sphere, and nothing that a fit knows of."""
    heights = np.polynomial.legendre.leggauss(n_heights)[0]
    angles = 2 * np.pi * (np.arange(n_angles) + 0.3) / n_angles
    across = np.sqrt(1 - heights**2)
    unit = np.stack(
        [np.outer(across, np.cos(angles)), np.outer(across, np.sin(angles)),
         np.outer(heights, np.ones(n_angles))], axis=-1,
    )  # fmt: skip
    return CENTER + RADIUS * unit.reshape(-1, 3)


POINTS = product_points()
SPHERE = {"center": CENTER, "radius": RADIUS}


def truth(degree, seed=1):
    values = 0.01 * np.random.default_rng(seed).standard_normal(n_harmonics(degree))
    return SolidHarmonics(values, CENTER, RADIUS)


def fit(fields, error=1e-5, **settings):
    return fit_solid_harmonics(POINTS, fields, np.full(fields.shape, error), **SPHERE, **settings)


def test_a_field_of_harmonics_comes_back_exactly():
    known = truth(5)
    found = fit(known.flux_density(POINTS), degree=5)
    np.testing.assert_allclose(found.field.coefficients, known.coefficients, atol=1e-15)
    assert found.chi2 < 1e-15
    assert found.degrees_of_freedom == 3 * 72 - 35


def test_an_ideal_gradient_is_its_second_degree():
    jacobian = np.array([[-1.0, 0.1, 0.0], [0.1, -1.0, 0.2], [0.0, 0.2, 2.0]])
    source = LinearField(jacobian, CENTER)
    found = fit(source.flux_density(POINTS), degree=4).field
    np.testing.assert_allclose(found.flux_density_jacobian(POINTS[:3]), [jacobian] * 3, atol=1e-11)
    inside = CENTER + 0.3 * (POINTS - CENTER)
    np.testing.assert_allclose(found.flux_density(inside), source.flux_density(inside), atol=1e-14)


@settings(max_examples=25)
@given(st.integers(0, 1000), st.integers(1, 5))
def test_every_fit_is_free_of_curl_and_divergence_whatever_the_data(seed, degree):
    fields = np.random.default_rng(seed).standard_normal(POINTS.shape)
    slopes = fit(fields, degree=degree).field.flux_density_jacobian(POINTS[::7])
    scale = 1.0 + np.abs(slopes).max()
    assert np.abs(slopes - slopes.swapaxes(1, 2)).max() < 1e-12 * scale
    assert np.abs(np.trace(slopes, axis1=1, axis2=2)).max() < 1e-12 * scale


def test_jacobian_is_how_the_field_changes():
    known, step = truth(6), 1e-5
    for axis in range(3):
        shift = step * np.eye(3)[axis]
        change = known.flux_density(POINTS + shift) - known.flux_density(POINTS - shift)
        np.testing.assert_allclose(
            known.flux_density_jacobian(POINTS)[..., axis],
            change / (2 * step),
            rtol=1e-5,
            atol=1e-5,
        )


def test_covariance_is_the_spread_of_repeated_fits():
    known, error = truth(3), 1e-4
    rng = np.random.default_rng(11)
    clean = known.flux_density(POINTS)
    fits = [fit(clean + error * rng.standard_normal(clean.shape), error, degree=3)
            for _ in range(800)]  # fmt: skip
    place = CENTER + np.array([[0.01, 0.0, -0.02]])
    fields = np.array([f.field.flux_density(place)[0] for f in fits])
    slopes = np.array([f.field.flux_density_jacobian(place)[0].ravel() for f in fits])
    chi2 = np.array([f.chi2 for f in fits])
    expected = fits[0].field
    # A variance from 800 draws has a relative standard error of 5 %; five of them.
    np.testing.assert_allclose(
        fields.var(axis=0), np.diag(expected.flux_density_covariance(place)[0]), rtol=0.25
    )
    np.testing.assert_allclose(
        slopes.var(axis=0), np.diag(expected.jacobian_covariance(place)[0]), rtol=0.25
    )
    free = 3 * 72 - 15
    assert chi2.mean() == pytest.approx(free, abs=5 * np.sqrt(2 * free / 800))
    assert chi2.var() == pytest.approx(2 * free, rel=0.3)


def test_leaving_a_number_out_is_what_the_leverages_say():
    rng = np.random.default_rng(5)
    fields = truth(3).flux_density(POINTS) + 1e-4 * rng.standard_normal(POINTS.shape)
    errors = np.full(fields.shape, 1e-4)
    whole = fit_solid_harmonics(POINTS, fields, errors, degree=3, **SPHERE)
    # An error so large that component (4, 1) does not count.
    errors[4, 1] = 1e3
    without = fit_solid_harmonics(POINTS, fields, errors, degree=3, **SPHERE)
    left_out = fields[4, 1] - without.field.flux_density(POINTS)[4, 1]
    predicted = whole.residuals[4, 1] / (1 - whole.leverages[4, 1])
    assert predicted == pytest.approx(left_out, rel=1e-6)
    assert whole.leverages.sum() == pytest.approx(15, rel=1e-12)


def test_degree_is_chosen_by_what_it_predicts():
    rng = np.random.default_rng(2)
    fields = truth(3).flux_density(POINTS) + 1e-4 * rng.standard_normal(POINTS.shape)
    fits = [fit(fields, 1e-4, degree=degree) for degree in (1, 2, 3, 4, 5)]
    assert best_degree(fits).field.degree == 3
    # More coefficients always fit closer, so chi2 alone cannot choose.
    assert np.diff([f.chi2 for f in fits]).max() < 0
    with pytest.raises(DataError, match="no fit"):
        best_degree([])


def test_position_errors_are_found_from_the_misfit():
    rng = np.random.default_rng(8)
    source = LinearField(np.diag([-1.0, -1.0, 2.0]), CENTER)
    moved = source.flux_density(POINTS + 2e-4 * rng.standard_normal(POINTS.shape))
    errors = np.full(POINTS.shape, 2e-5)
    found = implied_position_error(POINTS, moved, errors, degree=3, **SPHERE)
    # 201 degrees of freedom: the standard error of a deviation is 1/sqrt(402) = 5 %; three.
    assert found == pytest.approx(2e-4, rel=0.15)
    fitted = fit_solid_harmonics(POINTS, moved, errors, degree=3, position_error=found, **SPHERE)
    assert fitted.reduced_chi2 == pytest.approx(1.0, abs=1e-6)


def test_errors_that_suffice_imply_no_position_error_and_absurd_ones_are_refused():
    rng = np.random.default_rng(9)
    clean = truth(2).flux_density(POINTS)
    noisy = clean + 1e-5 * rng.standard_normal(clean.shape)
    settings = {"degree": 2, **SPHERE}
    assert implied_position_error(POINTS, noisy, np.full(clean.shape, 2e-5), **settings) == 0.0
    chaos = rng.standard_normal(clean.shape)
    with pytest.raises(DataError, match="do not explain"):
        implied_position_error(POINTS, chaos, np.full(clean.shape, 1e-5), **settings)


def test_too_small_errors_are_scaled_up_and_too_large_ones_kept():
    rng = np.random.default_rng(3)
    fields = truth(2).flux_density(POINTS) + 1e-4 * rng.standard_normal(POINTS.shape)
    small, large = fit(fields, 1e-5, degree=2), fit(fields, 1e-3, degree=2)
    assert small.reduced_chi2 == pytest.approx(100, rel=0.4)
    np.testing.assert_allclose(
        small.rescaled().covariance, small.reduced_chi2 * small.field.covariance
    )
    np.testing.assert_array_equal(large.rescaled().covariance, large.field.covariance)


def test_an_8_design_resolves_degree_5():
    assert [resolvable_degree(t) for t in (0, 1, 2, 8)] == [1, 1, 2, 5]
    with pytest.raises(DataError):
        resolvable_degree(-1)


def test_truncation_keeps_the_low_degrees():
    whole = fit(truth(4).flux_density(POINTS), degree=4).field
    part = whole.truncated(2)
    np.testing.assert_array_equal(part.coefficients, whole.coefficients[:8])
    assert part.covariance.shape == (8, 8)
    assert truth(3).truncated(3).covariance is None
    for degree in (0, 5):
        with pytest.raises(DataError, match="within"):
            whole.truncated(degree)


def test_an_exact_field_has_no_covariance():
    with pytest.raises(DataError, match="no covariance"):
        truth(2).flux_density_covariance(POINTS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"errors": np.zeros(POINTS.shape)}, "errors", id="no-error"),
        pytest.param({"errors": np.ones((3, 3))}, "shape", id="other-shape"),
        pytest.param({"fields": np.full(POINTS.shape, np.nan)}, "finite", id="not-finite"),
        pytest.param({"degree": 0}, "degree", id="no-degree"),
        pytest.param({"degree": 14}, "determine", id="too-many-coefficients"),
        pytest.param({"position_error": -1.0}, "position_error", id="negative-error"),
    ],
)
def test_impossible_fits_are_refused(change, message):
    inputs = {"fields": np.ones(POINTS.shape), "errors": np.ones(POINTS.shape), "degree": 2}
    inputs |= change
    fields, errors = inputs.pop("fields"), inputs.pop("errors")
    with pytest.raises(DataError, match=message):
        fit_solid_harmonics(POINTS, fields, errors, **inputs, **SPHERE)


def test_points_that_do_not_tell_harmonics_apart_are_refused():
    heap = np.tile(POINTS[:2], (10, 1))
    with pytest.raises(DataError, match="apart"):
        fit_solid_harmonics(heap, heap, np.ones(heap.shape), degree=3, **SPHERE)


@pytest.mark.parametrize("size", [0, 2, 4, 7])
def test_numbers_of_coefficients_that_no_degree_has_are_refused(size):
    with pytest.raises(DataError, match="coefficients"):
        SolidHarmonics(np.ones(size), CENTER, RADIUS)


# Hall probe in a field of nominally 2 T/m, 36 points of an 8-design of 42 mm radius:
# SphericalHarmonicExpansionOfMagneticFields (MIT licence); see SOURCES.md beside the file.


@pytest.fixture(scope="module")
def measured(shared):
    path = shared / "data" / "mpi" / "fields" / "Gradient_2Tpm.h5"
    with h5py.File(path) as file:
        values = {name: file[name][()] for name in file}
    sphere = {"center": values["positionsCenter"],
              "radius": float(values["positionsTDesignRadius"])}  # fmt: skip
    return values["positions"], values["fields"][0], values["fieldsError"][0], sphere


@pytest.fixture(scope="module")
def fits(measured) -> dict[int, HarmonicFit]:
    positions, fields, errors, sphere = measured
    return {
        degree: fit_solid_harmonics(positions, fields, errors, degree=degree, **sphere)
        for degree in range(1, 8)
    }


def test_points_are_a_spherical_8_design_and_no_9_design(measured):
    positions, _, _, sphere = measured
    unit = (positions - sphere["center"]) / sphere["radius"]
    means = np.abs(solid_harmonics(unit, 9).mean(axis=0))
    assert means[: n_harmonics(8)].max() < 1e-12
    assert means[n_harmonics(8) :].max() > 1e-2


def test_equal_errors_leave_coefficients_uncorrelated_up_to_the_resolvable_degree(measured):
    positions, fields, _, sphere = measured
    equal = np.full(fields.shape, 1e-4)
    found = fit_solid_harmonics(positions, fields, equal, degree=5, **sphere)
    degrees = np.concatenate([np.full(2 * k + 1, k) for k in range(1, 6)])
    # The orthogonality of the gradients: variance = error^2 / (n l), exactly.
    np.testing.assert_allclose(
        found.field.covariance, np.diag(1e-8 / (36 * degrees)), rtol=0, atol=1e-20
    )
    assert found.condition == pytest.approx(np.sqrt(5.0), rel=1e-9)
    over = fit_solid_harmonics(positions, fields, equal, degree=6, **sphere)
    correlated = over.field.covariance - np.diag(np.diag(over.field.covariance))
    assert np.abs(correlated).max() > 1e-13


def test_degree_4_predicts_left_out_readings_best(fits):
    assert best_degree(list(fits.values())).field.degree == 4


def test_chi2_says_that_the_stated_errors_are_too_small(fits):
    # Right errors would give 1 +- sqrt(2/84) = 0.15; no degree comes near.
    assert all(f.reduced_chi2 > 25 for f in fits.values())
    assert fits[4].reduced_chi2 == pytest.approx(28.8, abs=0.1)
    assert fits[4].degrees_of_freedom == 84


def test_misfit_grows_with_the_gradient_as_misplaced_points_would_make_it(fits):
    # Slopes are 1, 1 and 2 T/m; the probe's stated errors are 38, 38 and 62 uT.
    x, y, z = np.sqrt((fits[4].residuals ** 2).mean(axis=0))
    assert 1.8 < z / np.sqrt((x**2 + y**2) / 2) < 2.6


def test_the_gradient_of_2_tesla_per_metre_is_recovered_with_its_uncertainty(measured):
    positions, fields, errors, sphere = measured
    moved = implied_position_error(positions, fields, errors, degree=4, **sphere)
    assert moved == pytest.approx(0.16e-3, abs=0.01e-3)
    found = fit_solid_harmonics(
        positions, fields, errors, degree=4, position_error=moved, **sphere
    ).field
    place = sphere["center"][None]
    slopes = np.diag(found.flux_density_jacobian(place)[0])
    spread = np.sqrt(np.diag(found.jacobian_covariance(place)[0]))[[0, 4, 8]]
    np.testing.assert_allclose(slopes, [-1.0, -1.0, 2.0], rtol=0.015)
    assert (spread < 0.002).all()
    # The nominal 2 T/m is 0.8 % below what was measured at the centre: beyond the uncertainty.
    assert slopes[2] == pytest.approx(2.016, abs=0.003)
    assert spread[2] == pytest.approx(0.0013, abs=0.0002)
    assert slopes[2] - 5 * spread[2] > 2.0


def test_a_purely_linear_field_of_2_tesla_per_metre_is_the_mean_over_the_sphere(fits):
    slopes = fits[2].field.flux_density_jacobian(fits[2].field.center[None])[0]
    assert slopes[2, 2] == pytest.approx(2.002, abs=0.001)
    variance = fits[2].rescaled().jacobian_covariance(fits[2].field.center[None])[0, 8, 8]
    assert abs(slopes[2, 2] - 2.0) < np.sqrt(variance)


def test_field_free_point_lies_within_the_sphere_to_some_ten_micrometres(fits):
    field = fits[4].rescaled()
    found = find_field_free_point(field, field.center)
    assert found.residual < 1e-9
    offset = found.position - field.center
    # Linear model by hand: B_z = -4.3 mT at the centre over 2.016 T/m.
    at_center = field.flux_density(field.center[None])[0]
    assert offset[2] == pytest.approx(-at_center[2] / 2.016, rel=0.02)
    np.testing.assert_allclose(offset, [0.02e-3, -0.26e-3, 2.13e-3], atol=0.06e-3)
    spread = np.sqrt(np.diag(found.covariance))
    assert (spread > 20e-6).all()
    assert (spread < 40e-6).all()
    # Degrees 4 and 5 agree within that.
    other = find_field_free_point(fits[5].rescaled(), field.center)
    assert (np.abs(other.position - found.position) < 2 * spread).all()
