import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import assoc_legendre_p, factorial

from sojourn.core.errors import DataError
from sojourn.physics.harmonic_polynomials import (
    harmonic_gradients,
    harmonic_hessians,
    n_harmonics,
    solid_harmonics,
)

POINTS = np.random.default_rng(7).normal(size=(20, 3))
SQRT3 = np.sqrt(3.0)


def test_first_harmonics_are_the_polynomials_of_the_textbook():
    # Helgaker et al., table 6.3, in Schmidt's normalisation.
    x, y, z = POINTS.T
    expected = np.stack(
        [y, z, x, SQRT3 * x * y, SQRT3 * y * z, z**2 - (x**2 + y**2) / 2, SQRT3 * x * z,
         SQRT3 / 2 * (x**2 - y**2)], axis=1,
    )  # fmt: skip
    np.testing.assert_allclose(solid_harmonics(POINTS, 2), expected, rtol=1e-13, atol=1e-14)


def test_all_harmonics_are_legendre_functions_of_the_angles():
    radius = np.linalg.norm(POINTS, axis=1)
    cosine, angle = POINTS[:, 2] / radius, np.arctan2(POINTS[:, 1], POINTS[:, 0])
    columns = []
    for degree in range(1, 7):
        for m in range(-degree, degree + 1):
            size = abs(m)
            # scipy's associated Legendre functions carry the sign (-1)^m; ours do not.
            legendre = (-1) ** size * assoc_legendre_p(degree, size, cosine)[0]
            ratio = factorial(degree - size) / factorial(degree + size)
            wave = np.sin(size * angle) if m < 0 else np.cos(size * angle)
            norm = np.sqrt((1 if m == 0 else 2) * ratio)
            columns.append(radius**degree * norm * legendre * wave)
    np.testing.assert_allclose(
        solid_harmonics(POINTS, 6), np.stack(columns, axis=1), rtol=1e-11, atol=1e-11
    )


def test_there_are_l_times_l_plus_2_of_them():
    assert [n_harmonics(degree) for degree in (1, 2, 3)] == [3, 8, 15]
    assert solid_harmonics(POINTS, 5).shape == (20, 35)


@given(st.tuples(*[st.floats(-1.5, 1.5)] * 3))
def test_harmonics_have_no_laplacian_and_symmetric_second_derivatives(point):
    hessian = harmonic_hessians(np.array([point]), 6)[0]
    scale = 1.0 + np.abs(hessian).max()
    assert np.abs(np.trace(hessian)).max() < 1e-12 * scale
    np.testing.assert_array_equal(hessian, hessian.swapaxes(0, 1))


def test_gradients_and_hessians_are_the_polynomials_derivatives():
    step = 1e-4
    gradients, hessians = harmonic_gradients(POINTS, 6), harmonic_hessians(POINTS, 6)
    for axis in range(3):
        shift = step * np.eye(3)[axis]
        rise = solid_harmonics(POINTS + shift, 6) - solid_harmonics(POINTS - shift, 6)
        bend = harmonic_gradients(POINTS + shift, 6) - harmonic_gradients(POINTS - shift, 6)
        np.testing.assert_allclose(gradients[:, axis], rise / (2 * step), rtol=1e-5, atol=1e-4)
        np.testing.assert_allclose(hessians[:, :, axis], bend / (2 * step), rtol=1e-5, atol=1e-4)


def test_gradients_are_orthogonal_on_the_sphere_with_mean_square_l():
    # Green: mean over the unit sphere of grad S . grad S' = l delta, in Schmidt's normalisation.
    nodes, weights = np.polynomial.legendre.leggauss(12)
    angles = 2 * np.pi * np.arange(24) / 24
    sine = np.sqrt(1 - nodes**2)
    points = np.stack(
        [np.outer(sine, np.cos(angles)), np.outer(sine, np.sin(angles)),
         np.outer(nodes, np.ones(24))], axis=-1,
    ).reshape(-1, 3)  # fmt: skip
    share = np.repeat(weights / 2 / 24, 24)
    gradients = harmonic_gradients(points, 5)
    means = np.einsum("nak,nal,n->kl", gradients, gradients, share)
    degrees = np.concatenate([np.full(2 * k + 1, k) for k in range(1, 6)])
    np.testing.assert_allclose(means, np.diag(degrees), atol=1e-12)


def test_degrees_start_at_one():
    with pytest.raises(DataError, match="degrees from 1"):
        solid_harmonics(POINTS, 0)
