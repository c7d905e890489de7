import numpy as np
import pytest
from pydantic import ValidationError
from scipy.optimize import brentq

import head_scanner
import x_space_scanner as ideal
from sojourn.core.errors import DataError
from sojourn.core.geometry import Grid
from sojourn.core.signals import ArraySpectra, TransferFunction
from sojourn.reconstruction.x_space import (
    METHOD,
    XSpace,
    field_free_path,
    gridding_weights,
)

THERMAL = ideal.KT / ideal.LARGE
"""k T / m, T: the unit of widths, over the gradient."""


def along(xi):
    """Point spread along the motion: the slope of the Langevin function."""
    return 1 / xi**2 - 1 / np.sinh(xi) ** 2


def across(xi):
    """Point spread across the motion: L(xi) / xi."""
    return (1 / np.tanh(xi) - 1 / xi) / xi


def width(spread):
    """Full width at half maximum of a spread whose maximum is 1/3."""
    return 2 * brentq(lambda xi: spread(xi) - 1 / 6, 0.5, 20)


def measured_width(places, values):
    fine = np.linspace(places[0], places[-1], 20_001)
    return np.ptp(fine[np.interp(fine, places, values) > values.max() / 2])


def line_image(taken, places, grid=None, **settings):
    grid = grid or ideal.line_grid()
    prepared = XSpace(background="own_mean", **settings).prepare(ideal.matrix(taken, grid))
    image = prepared.reconstruct_relative(ideal.scan(taken, [(x, 0, 0) for x in places]))
    return grid.centers()[:, 0], image.values[:, 0, 0], image.provenance.parameters


def test_the_theory_of_widths_is_the_one_that_is_quoted():
    assert width(along) == pytest.approx(4.16, abs=0.005)
    assert width(across) == pytest.approx(9.5, abs=0.05)


@pytest.mark.parametrize("gradient", [-1.0, 2.0])
def test_one_dimension_has_the_width_of_theory(gradient):
    taken = ideal.acquisition(gradient=(gradient, -gradient / 2, -gradient / 2))
    grid = ideal.line_grid(spacing=0.0004 / abs(gradient))
    places, image, _ = line_image(taken, [0.0], grid)
    expected = 4.16 * THERMAL / abs(gradient)
    # voxels of an eighth of the width and their hat widen it by under 2 %
    assert measured_width(places, image) == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize("place", [0.0, 0.0032, -0.0064, 0.0100])
def test_a_sample_lies_where_it_is_and_reads_one(place):
    places, image, made = line_image(ideal.acquisition(), [place])
    assert places[np.argmax(image)] == pytest.approx(place, abs=1e-9)
    assert image.max() == pytest.approx(1, abs=0.02)
    assert made["scale_spread"] < 0.02


def test_samples_add_up_and_a_wide_object_reads_more_than_it_holds():
    taken = ideal.acquisition()
    _, near, _ = line_image(taken, [-0.0004, 0.0, 0.0004])
    parts = [line_image(taken, [x])[1] for x in (-0.0004, 0.0, 0.0004)]
    np.testing.assert_allclose(near, np.sum(parts, axis=0), atol=1e-9)
    assert near.max() > 2.5


def test_in_three_dimensions_the_width_lies_between_along_and_across():
    taken = ideal.acquisition((132, 143, 156), strength=0.016, n_samples=8192)
    grid = Grid.centered((15, 3, 3), (0.0018, 0.0018, 0.0009))
    prepared = XSpace(background="own_mean", reach=1.5).prepare(
        ideal.matrix(taken, grid, ideal.SMALL)
    )
    image = prepared.reconstruct_relative(ideal.scan(taken, [(0, 0, 0)], ideal.SMALL))
    line, places = image.values[:, 1, 1], grid.centers()[:15, 0]
    assert np.unravel_index(np.argmax(image.values), grid.shape) == (7, 1, 1)
    found = measured_width(places, line) / (ideal.KT / ideal.SMALL)
    assert width(along) < found < width(across)
    # all directions of motion alike, and the hats of 2.7 mm on three axes
    hat = np.linspace(-1, 1, 21)
    weight = 1 - np.abs(hat)
    weight = weight[:, None, None] * weight[:, None] * weight
    x, y, z = np.meshgrid(*[hat * 0.0027 * ideal.SMALL / ideal.KT] * 3, indexing="ij")
    fine = np.linspace(places[0], places[-1], 301)
    spread = []
    for place in fine * ideal.SMALL / ideal.KT:
        xi = np.sqrt((x + place) ** 2 + y**2 + z**2) + 1e-3
        spread.append(np.sum(weight * (along(xi) + 2 * across(xi))))
    expected = measured_width(fine, np.array(spread)) / (ideal.KT / ideal.SMALL)
    # a Lissajous path has not all directions at every place
    assert found == pytest.approx(expected, rel=0.15)


def test_samples_of_three_dimensions_lie_where_they_are():
    taken = ideal.acquisition((20, 24, 30), n_samples=1024)
    grid = Grid.centered((4, 3, 2), (0.006, 0.006, 0.003))
    prepared = XSpace(background="own_mean").prepare(ideal.matrix(taken, grid))
    for voxel, place in enumerate(grid.centers()):
        image = prepared.reconstruct_relative(ideal.scan(taken, [place])).values
        assert np.argmax(image.ravel(order="F")) == voxel


def test_an_offset_field_moves_the_field_of_view():
    # G = -1 T/m and + 3 mT: the field-free point rests at + 3 mm
    taken = ideal.acquisition(offset_field=np.array([0.003, 0.0, 0.0]), strength=0.010)
    assert field_free_path(taken).positions[:, 0].mean() == pytest.approx(0.003, abs=1e-6)
    grid = Grid.centered((41, 1, 1), (0.0004, 0.001, 0.001), (0.003, 0.0, 0.0))
    places, image, _ = line_image(taken, [0.005], grid)
    assert places[np.argmax(image)] == pytest.approx(0.005, abs=2e-4)


def test_the_path_is_minus_the_drive_field_over_the_gradient():
    taken = ideal.acquisition((20, 24, 30), n_samples=1024)
    path = field_free_path(taken)
    t = np.arange(1024) * ideal.PERIOD / 1024
    for axis, (cycles, gradient) in enumerate(zip((20, 24, 30), (-1, -1, 2), strict=True)):
        turn = 2 * np.pi * cycles / ideal.PERIOD
        drive = 0.014 * np.sin(turn * t + 0.4)
        np.testing.assert_allclose(path.positions[:, axis], -drive / gradient, atol=1e-15)
        change = 0.014 * turn * np.cos(turn * t + 0.4)
        np.testing.assert_allclose(path.velocities[:, axis], change, atol=1e-9 * turn)


def test_without_the_drive_frequency_a_constant_is_lost_and_the_border_restores_it():
    taken = ideal.acquisition()
    rows = tuple(k for k in range(taken.n_bins) if k != 20)
    _, whole, _ = line_image(taken, [0.0])
    _, cut, made = line_image(taken, [0.0], bins=rows)
    _, restored, _ = line_image(taken, [0.0], bins=rows, baseline="border")
    assert cut.min() < -0.05
    assert restored[[0, -1]].mean() == pytest.approx(0, abs=1e-12)
    # same shape up to scale and constant; what is left is the point spread's own tail at the border
    assert np.corrcoef(whole, cut)[0, 1] > 0.9999
    np.testing.assert_allclose(restored, whole, atol=0.03)
    assert made["is_quantitative"] is False


def test_a_receive_chain_is_taken_off_only_when_asked():
    taken = ideal.acquisition()
    frequencies = taken.frequencies()
    gain = 3 * np.exp(-2j * np.pi * frequencies * 2.5e-6)[None]
    chain = TransferFunction(frequencies, gain)
    through = ideal.acquisition(transfer_function=chain)
    grid = ideal.line_grid()
    plain, received = ideal.matrix(taken, grid), ideal.matrix(through, grid)
    received = ideal.matrix(through, grid, spectra=ArraySpectra(received.spectra.values * gain))
    scan = ideal.scan(taken, [(0.0032, 0, 0)])
    late = ideal.scan(through, [(0.0032, 0, 0)])
    late = type(late)(
        ArraySpectra(late.spectra.values * gain),
        through,
        late.is_background,
        name="late",
        source="late",
    )
    expected = XSpace(background="own_mean").prepare(plain).reconstruct_relative(scan)
    divided = XSpace(background="own_mean", transfer_function="divide").prepare(received)
    np.testing.assert_allclose(
        divided.reconstruct_relative(late).values, expected.values, atol=1e-9
    )
    blurred = XSpace(background="own_mean").prepare(received).reconstruct_relative(late).values
    assert np.abs(blurred - expected.values).max() > 0.1


@pytest.mark.parametrize("weighting", ["row_norm", "none"])
def test_row_weights_have_no_effect(weighting):
    _, plain, _ = line_image(ideal.acquisition(), [0.0])
    _, found, _ = line_image(ideal.acquisition(), [0.0], weighting=weighting)
    np.testing.assert_allclose(found, plain, atol=1e-9)


def test_hats_share_a_place_among_its_neighbours():
    grid = Grid.centered((3, 2, 1), (0.01, 0.01, 0.01))
    place = grid.centers()[0] + [0.0025, 0.0, 0.0]
    weights = gridding_weights(grid, place[None], 1.0).toarray()[:, 0]
    np.testing.assert_allclose(weights, [0.75, 0.25, 0, 0, 0, 0], atol=1e-12)
    wide = gridding_weights(grid, grid.centers()[:1], 2.0).toarray()[:, 0]
    np.testing.assert_allclose(wide, [1, 0.5, 0, 0.5, 0.25, 0], atol=1e-12)
    narrow = gridding_weights(grid, place[None], 0.5).toarray()[:, 0]
    np.testing.assert_allclose(narrow, [0.5, 0, 0, 0, 0, 0], atol=1e-12)
    outside = gridding_weights(grid, np.array([[1.0, 0, 0]]), 1.0)
    assert outside.nnz == 0


def test_a_grid_beyond_the_path_is_refused_unless_it_may_stay_dark():
    taken = ideal.acquisition(strength=0.006)
    matrix = ideal.matrix(taken, ideal.line_grid())
    with pytest.raises(DataError, match=r"comes near 50\.\d% of the 61 voxels"):
        XSpace(background="own_mean").prepare(matrix)
    prepared = XSpace(background="own_mean", min_coverage=0.5).prepare(matrix)
    made = prepared.reconstruct_relative(ideal.scan(taken, [(0.0, 0, 0)]))
    dark = made.provenance.parameters["n_voxels_not_covered"]
    assert 25 < dark < 31
    assert not made.values[:10].any()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"gradient": None}, "states none", id="no-gradient"),
        pytest.param({"gradient": (-1.0, 1.0, 0.0)}, "no single field-free point", id="line"),
        pytest.param({"n_channels": 2}, "one coil along each driven axis", id="two-coils"),
        pytest.param({"bandwidth": 2e6}, "one cycle in a period", id="half-a-cycle"),
    ],
)
def test_what_x_space_cannot_follow_is_refused(changes, message):
    good = ideal.acquisition()
    grid = ideal.line_grid(5)
    taken = ideal.acquisition(**changes)
    signals = ideal.matrix(good, grid).spectra.values
    signals = np.repeat(signals, taken.n_channels, axis=1)
    matrix = ideal.matrix(good, grid)
    matrix = type(matrix)(
        ArraySpectra(signals), taken, matrix.is_background, grid, name="odd", source="odd"
    )
    with pytest.raises(DataError, match=message):
        XSpace(background="own_mean").prepare(matrix)


def test_signals_that_do_not_belong_to_the_path_are_refused():
    taken = ideal.acquisition()
    matrix = ideal.matrix(taken, ideal.line_grid())
    values = matrix.spectra.values.copy()
    values[:61] = values[60::-1]
    values[:61:2] *= -1
    with pytest.raises(DataError, match="of both signs"):
        XSpace(background="own_mean").prepare(
            ideal.matrix(taken, ideal.line_grid(), spectra=ArraySpectra(values))
        )


def test_a_dictionary_is_refused():
    matrix = ideal.matrix(ideal.acquisition(), ideal.line_grid())
    values = matrix.spectra.values.copy()
    values[61:] = np.random.default_rng(0).standard_normal(values[61:].shape)
    matrix = ideal.matrix(ideal.acquisition(), ideal.line_grid(), spectra=ArraySpectra(values))
    with pytest.raises(DataError, match="use dictionary_size 0"):
        XSpace(background="own_mean", dictionary_size=1).prepare(matrix)


def test_the_head_scanner_states_no_gradient(shared):
    with pytest.raises(DataError, match="x-space needs the selection field's gradient"):
        XSpace(background="own_mean").prepare(head_scanner.line_matrix(shared, "A"))


@pytest.mark.parametrize("wrong", [{"reach": 0.4}, {"min_coverage": 0}, {"baseline": "x"}])
def test_settings_are_checked(wrong):
    with pytest.raises(ValidationError):
        XSpace(background="none", **wrong)


def test_method_is_the_settings_class():
    assert METHOD is XSpace
