import numpy as np
import pytest

from sojourn.core.geometry import Grid
from sojourn.reconstruction._penalties import clip_lengths, grid_gradient, shrink_lengths
from sojourn.testing import check_adjoint

BRICKS = Grid.centered((4, 3, 5), (0.001, 0.002, 0.004))


class OnSignals:
    """The gradient with the types of `check_adjoint`: its range counts as complex numbers."""

    def __init__(self, gradient):
        self.domain, self.range = gradient.domain, gradient.range
        self.forward, self._adjoint = gradient.forward, gradient.adjoint

    def adjoint(self, y):
        return self._adjoint(y.real)


@pytest.mark.parametrize("shape", [(4, 3, 5), (6, 1, 1), (1, 3, 2), (1, 1, 1)])
def test_adjoint_law_holds(shape):
    check_adjoint(OnSignals(grid_gradient(Grid.centered(shape, (0.001, 0.002, 0.004)))))


def test_a_constant_image_has_no_gradient():
    assert not grid_gradient(BRICKS).forward(np.full(60, 3.7)).any()
    assert grid_gradient(BRICKS).total_variation(np.full(60, 3.7)) == 0


def test_differences_look_ahead_and_stop_at_the_border():
    gradient = grid_gradient(Grid.centered((3, 1, 1), (0.007, 1.0, 1.0)))
    found = gradient.forward(np.array([1.0, 4.0, 2.0]))[0]
    np.testing.assert_allclose(found, [3, -2, 0], rtol=1e-14)


def test_a_slope_counts_the_same_along_long_and_short_edges():
    # a ramp of one sample per metre along each axis in turn; voxels of 1 x 2 x 4 mm
    gradient = grid_gradient(BRICKS)
    ramps = [gradient.forward(place)[axis] for axis, place in enumerate(BRICKS.centers().T)]
    steps = [np.unique(ramp[ramp != 0].round(12)) for ramp in ramps]
    # h = (1 * 2 * 4) ** (1 / 3) = 2 mm
    np.testing.assert_allclose(np.concatenate(steps), [0.002, 0.002, 0.002], rtol=1e-9)


def test_an_axis_of_one_voxel_does_not_scale_the_others():
    thin = grid_gradient(Grid.centered((3, 4, 1), (0.001, 0.001, 5.0)))
    np.testing.assert_allclose(thin.weights, [1, 1, 0])


def test_total_variation_of_a_cube_is_isotropic():
    # one voxel of height 2 inside: three slopes start from it and one enters from each side
    grid = Grid.centered((4, 4, 4), (1.0, 1.0, 1.0))
    image = np.zeros(grid.shape)
    image[1, 2, 1] = 2.0
    found = grid_gradient(grid).total_variation(image.ravel(order="F"))
    assert found == pytest.approx(2 * np.sqrt(3) + 3 * 2.0)


@pytest.mark.parametrize("shape", [(4, 3, 5), (6, 1, 1), (1, 1, 1)])
def test_the_screened_problem_is_solved(shape):
    gradient = grid_gradient(Grid.centered(shape, (0.001, 0.002, 0.004)))
    x = np.random.default_rng(0).standard_normal(gradient.domain)
    right = 0.3 * x + gradient.adjoint(gradient.forward(x))
    np.testing.assert_allclose(gradient.solve_screened(right, 0.3), x, atol=1e-12)


def test_vectors_are_shortened_as_a_whole():
    field = np.array([[3.0, 0.3, 0.0], [4.0, 0.4, 0.0], [0.0, 0.0, 0.0]])
    np.testing.assert_allclose(shrink_lengths(field, 1.0)[:, 0], [2.4, 3.2, 0])
    assert not shrink_lengths(field, 1.0)[:, 1:].any()


def test_vectors_are_cut_to_a_length():
    field = np.array([[3.0, 0.3, 0.0], [4.0, 0.4, 0.0], [0.0, 0.0, 0.0]])
    np.testing.assert_allclose(clip_lengths(field, 1.0), [[0.6, 0.3, 0], [0.8, 0.4, 0], [0, 0, 0]])
