import numpy as np
import pytest

from sojourn.core.errors import DataError
from sojourn.physics.phantoms import (
    COMPARTMENTS,
    MASK_GRID,
    KneeVariation,
    simulate_knee,
)

KNEE = simulate_knee(np.random.default_rng(5))


def test_every_point_of_tracer_lies_in_its_compartment():
    np.testing.assert_array_equal(KNEE.shape.compartment(KNEE.positions), KNEE.compartment)


def test_placed_iron_sums_to_what_was_given_in_each_compartment():
    iron = dict(zip(COMPARTMENTS, (2e-7, 3e-8, 1e-8), strict=True))
    for day in (0.0, 3.0, 30.0):
        placed = KNEE.place_iron(iron, day=day)
        assert placed.min() >= 0
        sums = np.bincount(KNEE.compartment, weights=placed)
        np.testing.assert_allclose(sums, list(iron.values()), rtol=1e-12)


def test_tracer_moves_with_time():
    at_once, late = (KNEE.place_iron({"joint_cavity": 1.0}, day=d) for d in (0.0, 30.0))
    assert np.abs(at_once - late).sum() > 0.2


def test_tracer_is_no_uniform_filling():
    placed = KNEE.place_iron({"joint_cavity": 1.0}, day=7.0)[KNEE.compartment == 0]
    assert np.std(placed) / np.mean(placed) > 0.3


def test_mask_names_two_regions_that_hold_most_of_the_tracer():
    inverse = np.linalg.inv(MASK_GRID.affine)
    index = np.round(KNEE.positions @ inverse[:3, :3].T + inverse[:3, 3]).astype(int)
    inside = ((index >= 0) & (index < MASK_GRID.shape)).all(axis=1)
    labels = KNEE.mask.labels[tuple(index[inside].T)]
    wanted = np.array([1, 2, 2])[KNEE.compartment[inside]]
    assert set(KNEE.mask.names.values()) == {"joint_cavity", "periarticular"}
    # A thin shell on 2.5 mm voxels with a registration error of 1 mm loses its edge, no more.
    assert np.mean(labels == wanted) > 0.75
    assert np.mean(inside) > 0.99


def test_registration_error_of_zero_leaves_only_the_voxels_coarseness():
    exact = simulate_knee(np.random.default_rng(5), variation=KneeVariation(registration=0.0))
    np.testing.assert_array_equal(exact.positions, KNEE.positions)
    centers = MASK_GRID.centers()
    wanted = np.array([1, 2, 2, 0])[exact.shape.compartment(centers)]
    np.testing.assert_array_equal(exact.mask.labels.ravel(order="F"), wanted)


def test_volumes_are_those_of_a_knee_with_fluid():
    volumes = []
    for seed in range(8):
        mask = simulate_knee(np.random.default_rng(seed)).mask
        volumes.append(mask.region("joint_cavity").sum() * MASK_GRID.voxel_volume * 1e6)
    # mL; the stated human size is some tens of mL.
    assert 30 < min(volumes) < max(volumes) < 80
    assert np.std(volumes) > 1


@pytest.mark.parametrize(
    ("iron", "day"),
    [
        pytest.param({"liver": 1.0}, 0.0, id="unknown-compartment"),
        pytest.param({"joint_cavity": -1.0}, 0.0, id="negative-iron"),
        pytest.param({"joint_cavity": 1.0}, -1.0, id="before-injection"),
    ],
)
def test_impossible_iron_is_refused(iron, day):
    with pytest.raises(DataError):
        KNEE.place_iron(iron, day=day)
