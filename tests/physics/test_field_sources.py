import numpy as np
import pytest

from sojourn.core.errors import DataError
from sojourn.physics.field_sources import (
    CombinedField,
    HomogeneousField,
    LinearField,
    MovedField,
    field_free_line_source,
    field_free_point_source,
)

POINTS = np.array([[0.0, 0.0, 0.0], [0.01, -0.02, 0.03], [0.1, 0.2, 0.3]])
TURN = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])


def test_homogeneous_field_is_the_same_everywhere():
    field = HomogeneousField(np.array([0.0, 2.0, 1.0])).flux_density(POINTS)
    np.testing.assert_array_equal(field, [[0.0, 2.0, 1.0]] * 3)


def test_linear_field_is_zero_at_its_center_and_grows_with_the_gradient():
    source = field_free_point_source(np.array([-1.0, -1.0, 2.0]), center=POINTS[1])
    field = source.flux_density(POINTS)
    np.testing.assert_allclose(field[1], 0.0, atol=0)
    np.testing.assert_allclose(field[0], [0.01, -0.02, -0.06], rtol=1e-12)


@pytest.mark.parametrize(
    "jacobian",
    [
        pytest.param(np.diag([1.0, 1.0, -1.0]), id="divergence"),
        pytest.param(np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]), id="curl"),
        pytest.param(np.ones((2, 2)), id="shape"),
        pytest.param(np.full((3, 3), np.nan), id="not-finite"),
    ],
)
def test_gradients_that_maxwell_forbids_are_refused(jacobian):
    with pytest.raises(DataError):
        LinearField(jacobian)


def test_field_free_line_is_zero_along_itself_only():
    along, normal = np.array([1.0, 1.0, 0.0]), np.array([0.0, 0.0, 3.0])
    source = field_free_line_source(2.0, direction=along, normal=normal, center=POINTS[1])
    on_line = POINTS[1] + np.array([[0.0], [0.1], [-2.0]]) * along
    np.testing.assert_allclose(source.flux_density(on_line), 0.0, atol=1e-15)
    beside = source.flux_density(POINTS[1:2] + np.array([[0.0, 0.0, 1e-3]]))
    np.testing.assert_allclose(beside, [[0.0, 0.0, 2e-3]], atol=1e-15)
    across = source.flux_density(POINTS[1:2] + 1e-3 * np.array([[1.0, -1.0, 0.0]]) / np.sqrt(2))
    np.testing.assert_allclose(np.linalg.norm(across), 2e-3, rtol=1e-12)


def test_what_is_no_line_or_no_point_is_refused():
    x, z = np.eye(3)[0], np.eye(3)[2]
    with pytest.raises(DataError, match="right"):
        field_free_line_source(1.0, direction=x, normal=x + 0.1 * z)
    with pytest.raises(DataError, match="slope"):
        field_free_line_source(0.0, direction=x, normal=z)
    with pytest.raises(DataError, match="slopes"):
        field_free_point_source(np.array([1.0, -1.0, 0.0]))


def test_combined_sources_add_with_their_weights():
    sources = HomogeneousField(np.eye(3)[0]), HomogeneousField(np.eye(3)[2])
    field = CombinedField(sources, (2.0, -3.0)).flux_density(POINTS)
    np.testing.assert_array_equal(field, [[2.0, 0.0, -3.0]] * 3)
    with pytest.raises(DataError, match="weights"):
        CombinedField(sources, (1.0,))


def test_moved_source_carries_its_field_along():
    source = LinearField(np.diag([1.0, 2.0, -3.0]))
    shift = np.array([0.01, 0.0, -0.02])
    moved = MovedField(source, TURN, shift)
    expected = source.flux_density(POINTS) @ TURN.T
    np.testing.assert_allclose(moved.flux_density(POINTS @ TURN.T + shift), expected, atol=1e-15)


@pytest.mark.parametrize(
    "rotation", [np.diag([1.0, 1.0, -1.0]), 2.0 * np.eye(3), np.eye(2), np.full((3, 3), np.nan)]
)
def test_what_is_no_rotation_is_refused(rotation):
    with pytest.raises(DataError):
        MovedField(HomogeneousField(np.ones(3)), rotation)
