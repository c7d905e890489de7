from dataclasses import replace

import numpy as np
import pytest

import head_scanner
import problems
import synthetic_mpi as synthetic
from sojourn.core.errors import DataError
from sojourn.core.geometry import Grid
from sojourn.core.signals import ArraySpectra
from sojourn.reconstruction._operators import row_operator
from sojourn.reconstruction.cgnr import solve_cgnr
from sojourn.reconstruction.fista import Fista
from sojourn.reconstruction.joint.multi_patch import (
    MultiPatch,
    PatchOperator,
    join_grids,
    place_voxels,
    shift_matrix,
)
from sojourn.testing import check_adjoint

SPACING = (0.002, 0.003, 0.004)
STEP = (2 * SPACING[0], 0.0, 0.0)
"""Patches of 3 x 2 x 2 voxels, the second two voxels further: one plane of voxels is in both."""


def patches():
    """Two calibrations of their own: the second is another matrix at another place."""
    one = synthetic.matrix(0)
    two = replace(
        shift_matrix(synthetic.matrix(1), STEP, source="moved"), name="second", source="matrix-1"
    )
    return one, two


def columns(matrix):
    rows = matrix.spectra.values
    return (rows[:12] - rows[12:].mean(axis=0)).reshape(12, -1).T


def big_matrix(matrices, grid):
    """All patches as one matrix, filled voxel by voxel from the places of the voxels."""
    places = grid.centers()
    blocks = []
    for matrix in matrices:
        block = np.zeros((len(columns(matrix)), grid.n_voxels), dtype=complex)
        for place, column in zip(matrix.grid.centers(), columns(matrix).T, strict=True):
            block[:, np.argmin(np.linalg.norm(places - place, axis=1))] = column
        blocks.append(block)
    return np.vstack(blocks)


def scans(matrices, grid, amounts, noise=0.0, seed=0):
    rng = np.random.default_rng(seed)
    made = []
    for number, matrix in enumerate(matrices):
        signal = (big_matrix([matrix], grid) @ amounts).reshape(2, -1)
        signal = signal + noise * rng.standard_normal(signal.shape)
        empty = np.full_like(signal, 3.0)
        made.append(synthetic.scan([signal + empty, empty], [False, True], source=f"scan-{number}"))
    return made


def test_the_joined_grid_holds_both_patches():
    one, two = patches()
    grid = join_grids([one.grid, two.grid])
    assert grid.shape == (5, 2, 2)
    np.testing.assert_allclose(grid.centers()[0], one.grid.centers()[0])
    np.testing.assert_allclose(grid.centers()[-1], two.grid.centers()[-1])
    backwards = join_grids([two.grid, one.grid])
    assert backwards.is_same_as(grid)


def test_voxels_are_placed_where_they_lie():
    one, two = patches()
    grid = join_grids([one.grid, two.grid])
    for matrix in (one, two):
        found = grid.centers()[place_voxels(grid, matrix.grid)]
        np.testing.assert_allclose(found, matrix.grid.centers(), atol=1e-12)


def test_adjoint_law_holds():
    one, two = patches()
    grid = join_grids([one.grid, two.grid])
    parts = tuple(row_operator(columns(m)) for m in (one, two))
    places = tuple(place_voxels(grid, m.grid) for m in (one, two))
    check_adjoint(PatchOperator(parts, places, grid.n_voxels))


@pytest.mark.parametrize("non_negative", [True, False])
def test_the_image_is_that_of_one_big_direct_solve(non_negative):
    matrices = patches()
    grid = join_grids([m.grid for m in matrices])
    amounts = np.maximum(np.random.default_rng(2).standard_normal(20), 0)
    taken = scans(matrices, grid, amounts, noise=2.0)
    prepared = MultiPatch(
        background="own_mean", tolerance=1e-7, iterations=50_000, non_negative=non_negative
    ).prepare(matrices)
    image = prepared.reconstruct_relative(taken)
    big = big_matrix(matrices, grid)
    lam = problems.damping(big, 1e-2)
    signal = np.concatenate([(s.spectra.values[0] - s.spectra.values[1]).ravel() for s in taken])
    solve = problems.non_negative_optimum if non_negative else problems.optimum
    expected = solve(big, signal, lam)
    assert problems.relative_error(image.values.ravel(order="F"), expected) < 1e-6
    assert prepared.parameters()["lambda_absolute"] == pytest.approx(lam)
    assert image.provenance.parameters["converged"] is True
    x, _, _ = solve_cgnr(
        prepared.operator, signal, regularization=lam, iterations=500, tolerance=1e-12
    )
    assert problems.relative_error(x, problems.optimum(big, signal, lam)) < 1e-8


def test_tracer_in_the_overlap_is_one_image_and_counted_once():
    matrices = patches()
    grid = join_grids([m.grid for m in matrices])
    amounts = np.zeros((5, 2, 2))
    amounts[2, 1, 0] = 3.0
    flat = amounts.ravel(order="F")
    prepared = MultiPatch(background="own_mean", regularization=1e-6, tolerance=1e-5).prepare(
        matrices
    )
    image = prepared.reconstruct_relative(scans(matrices, grid, flat))
    np.testing.assert_allclose(image.values, amounts, atol=1e-3)


def test_one_patch_is_an_ordinary_reconstruction(shared):
    matrix = head_scanner.line_matrix(shared, "A")
    scan = head_scanner.line_scan(shared, "B", 1, 4)
    common = {"background": "own_mean", "bins": head_scanner.HARMONICS, "tolerance": 1e-6}
    one = MultiPatch(**common).prepare([matrix]).reconstruct_relative([scan])
    other = Fista(**common, iterations=2000).prepare(matrix).reconstruct_relative(scan)
    np.testing.assert_allclose(one.values, other.values, atol=1e-6)


def test_three_lines_of_the_head_scanner_are_three_patches(shared):
    # each line is measured on its own here; all of them at once is the same problem
    matrices = [head_scanner.line_matrix(shared, "A", line) for line in range(3)]
    settings = MultiPatch(background="own_mean", bins=head_scanner.HARMONICS, tolerance=1e-6)
    prepared = settings.prepare(matrices)
    assert prepared.grid.shape == (9, 3, 1)
    taken = [head_scanner.line_scan(shared, "B", line, 4) for line in range(3)]
    image = prepared.reconstruct_relative(taken)
    assert [int(np.argmax(image.values[:, line, 0])) for line in range(3)] == [4, 4, 4]


def test_a_moved_calibration_keeps_its_signals_and_moves_its_field_free_point():
    gradient = np.diag([-1.0, -1.0, 2.0])
    taken = synthetic.acquisition(gradient=gradient, offset_field=np.array([0.001, 0.0, 0.0]))
    matrix = synthetic.matrix(acquisition=taken)
    moved = shift_matrix(matrix, (0.002, 0.0, 0.004), source="s")
    step = moved.grid.centers() - matrix.grid.centers()
    np.testing.assert_allclose(step, np.tile([0.002, 0, 0.004], (12, 1)), atol=1e-15)
    assert moved.spectra is matrix.spectra
    points = [-np.linalg.solve(gradient, m.acquisition.offset_field) for m in (matrix, moved)]
    np.testing.assert_allclose(points[1] - points[0], [0.002, 0, 0.004], atol=1e-15)
    assert shift_matrix(synthetic.matrix(), STEP, source="s").acquisition.offset_field is None


def test_voxels_of_no_patch_are_counted_and_stay_empty():
    one, two = patches()
    grid = Grid.centered((9, 2, 2), SPACING, (0.012, -0.02, 0.03))
    prepared = MultiPatch(background="own_mean").prepare([one, two], grid)
    assert prepared.parameters()["n_voxels_of_no_patch"] == 16
    image = prepared.reconstruct_relative(scans([one, two], grid, np.ones(36)))
    seen = np.unique(np.concatenate(prepared.operator.places))
    assert not np.delete(image.values.ravel(order="F"), seen).any()


def test_iron_of_a_sample_may_differ_between_patches():
    one, two = patches()
    one, two = replace(one, sample_iron=1e-9), replace(two, sample_iron=2e-9)
    grid = join_grids([one.grid, two.grid])
    amounts = np.zeros(20)
    amounts[4] = 1.0
    taken = scans([one, two], grid, amounts)
    image = MultiPatch(background="own_mean", regularization=1e-7).prepare([one, two])
    # voxel 4 is seen by the second patch alone, whose sample holds two of the first
    found = image.reconstruct_relative(taken).values.ravel(order="F")
    assert found[4] == pytest.approx(2.0, rel=1e-3)


@pytest.mark.parametrize(
    ("shape", "spacing", "center"),
    [
        pytest.param((3, 2, 2), SPACING, (0.011, -0.02, 0.03), id="half-a-voxel-off"),
        pytest.param((3, 2, 2), (0.0021, 0.003, 0.004), (0.01, -0.02, 0.03), id="other-size"),
    ],
)
def test_patches_off_the_lattice_are_refused(shape, spacing, center):
    one = synthetic.matrix()
    other = replace(one, grid=Grid.centered(shape, spacing, center))
    with pytest.raises(DataError, match="do not lie on those of"):
        MultiPatch(background="own_mean").prepare([one, other])


def test_what_is_missing_is_named():
    one, two = patches()
    with pytest.raises(DataError, match="no patch"):
        MultiPatch(background="own_mean").prepare([])
    with pytest.raises(DataError, match="the image has"):
        MultiPatch(background="own_mean").prepare([one, two], one.grid)
    prepared = MultiPatch(background="own_mean").prepare([one, two])
    with pytest.raises(DataError, match="1 scans for 2 patches"):
        prepared.reconstruct_relative(scans([one], prepared.grid, np.ones(20)))


def test_scans_in_the_wrong_order_are_refused_by_their_offset_fields():
    gradient = np.diag([-1.0, -1.0, 2.0])
    taken = synthetic.acquisition(gradient=gradient, offset_field=np.zeros(3))
    one = synthetic.matrix(acquisition=taken)
    two = shift_matrix(one, STEP, source="moved")
    prepared = MultiPatch(background="own_mean").prepare([one, two])
    first, second = (
        replace(scan, acquisition=matrix.acquisition)
        for scan, matrix in zip(
            scans([one, two], prepared.grid, np.ones(20)), (one, two), strict=True
        )
    )
    assert prepared.reconstruct_relative([first, second]).values.max() > 0.5
    with pytest.raises(DataError, match="give scans in the order of the calibrations"):
        prepared.reconstruct_relative([second, first])


def test_inputs_are_all_calibrations_and_all_scans():
    one, two = patches()
    prepared = MultiPatch(background="own_mean").prepare([one, two])
    image = prepared.reconstruct_relative(scans([one, two], prepared.grid, np.ones(20)))
    assert image.provenance.inputs == ("matrix-0", "matrix-1", "scan-0", "scan-1")
    assert isinstance(one.spectra, ArraySpectra)
