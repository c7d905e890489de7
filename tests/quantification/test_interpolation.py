import numpy as np
import pytest

from sojourn.quantification._interpolation import interpolate, prepare_interpolator

SHAPE = (9, 7, 5)
X, Y, Z = (np.arange(n, dtype=float) for n in SHAPE)


def waves(i, j, k, extent=(0.0, 0.0, 0.0)):
    """Return two smooth functions (2, place); averaged over a box in closed form."""
    a, b, c = (m.ravel(order="F") for m in np.meshgrid(i, j, k, indexing="ij"))
    rows = []
    for x, y, z in ((0.5, 0.3, 0.4), (0.2, -0.6, 0.3)):
        damping = np.prod(
            [np.sinc(w * e / 2 / np.pi) for w, e in zip((x, y, z), extent, strict=True)]
        )
        rows.append(damping * np.exp(1j * (x * a + y * b + z * c)))
    return np.array(rows)


def test_calibrated_positions_are_met():
    columns = waves(X, Y, Z)
    made = interpolate(prepare_interpolator(columns, SHAPE), X, Y, Z)
    assert np.abs(made.values - columns).max() < 1e-3
    assert made.variance.max() < 1e-4


def test_a_smooth_function_is_met_between_them_within_its_stated_error():
    halves = [axis[1:-2] + 0.5 for axis in (X, Y, Z)]
    interpolator = prepare_interpolator(waves(X, Y, Z), SHAPE)
    made = interpolate(interpolator, *halves)
    error = np.abs(made.values - waves(*halves))
    assert error.max() < 0.02
    assert np.mean(error**2 / made.variance) < 4


def test_slopes_are_the_derivative_per_voxel():
    interpolator = prepare_interpolator(waves(X, Y, Z), SHAPE)
    place = [np.array([axis.mean() + 0.2]) for axis in (X, Y, Z)]
    slopes = interpolate(interpolator, *place).slopes
    for axis in range(3):
        ahead, behind = (
            interpolate(
                interpolator, *[p + s * 1e-4 * (a == axis) for a, p in enumerate(place)]
            ).values
            for s in (1, -1)
        )
        assert slopes[axis] == pytest.approx((ahead - behind) / 2e-4, rel=1e-4, abs=1e-6)


def test_a_wide_calibration_sample_is_undone():
    extent = (1.0, 1.0, 1.0)
    places = [axis[2:-2] + 0.25 for axis in (X, Y, Z)]
    averaged = waves(X, Y, Z, extent)
    point = np.abs(interpolate(prepare_interpolator(averaged, SHAPE), *places).values)
    undone = np.abs(interpolate(prepare_interpolator(averaged, SHAPE, extent), *places).values)
    assert np.abs(undone - 1).mean() < 0.1 * np.abs(point - 1).mean()


def test_an_axis_of_one_position_stays_there():
    columns = waves(X, np.zeros(1), np.zeros(1))
    interpolator = prepare_interpolator(columns, (9, 1, 1))
    made = interpolate(interpolator, np.array([3.5]), np.zeros(1), np.zeros(1))
    assert interpolator.free_axes == (0,)
    assert made.slopes.shape == (1, 2, 1)
    assert made.values[:, 0] == pytest.approx(waves(np.array([3.5]), [0.0], [0.0])[:, 0], abs=0.02)


def test_a_row_of_zeros_stays_zero():
    columns = np.concatenate([waves(X, Y, Z), np.zeros((1, 9 * 7 * 5))])
    made = interpolate(prepare_interpolator(columns, SHAPE), X[:2] + 0.5, Y[:1], Z[:1])
    assert np.all(made.values[2] == 0)
    assert np.isfinite(made.values).all()
