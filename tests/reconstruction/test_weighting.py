from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

import head_scanner
import synthetic_mpi as synthetic
from sojourn.core.errors import DataError
from sojourn.core.signals import ArraySpectra
from sojourn.reconstruction._rows import RowSettings, prepare_rows
from sojourn.reconstruction._selection import Selection
from sojourn.reconstruction._weighting import (
    Weighting,
    channel_weights,
    row_norm_weights,
    whitening_weights,
)
from sojourn.reconstruction.kaczmarz import Kaczmarz

EMPTY = np.array([[1.0, 10.0, 0.0], [3.0, 10.0, 4.0], [2.0, 16.0, 2.0]], dtype=complex)


def test_whitening_gives_the_quietest_row_one_and_others_less():
    # deviations (-1, 1, 0), (-2, -2, 4), (-2, 2, 0): sums of squares 2, 24, 8
    np.testing.assert_allclose(whitening_weights(EMPTY, "m"), [1, np.sqrt(2 / 24), 0.5], rtol=1e-14)


def test_whitening_counts_real_and_imaginary_spread_alike():
    np.testing.assert_allclose(
        whitening_weights(EMPTY * np.array([1, 1j, (1 + 1j) / np.sqrt(2)]), "m"),
        whitening_weights(EMPTY, "m"),
        rtol=1e-14,
    )


@pytest.mark.parametrize(
    ("empty", "message"),
    [
        pytest.param(EMPTY[:1], "at least 2 background frames", id="one-frame"),
        pytest.param(EMPTY[:2], "1 of 3 selected rows have no spread", id="a-row-that-stands"),
    ],
)
def test_whitening_without_spread_is_refused(empty, message):
    with pytest.raises(DataError, match=message):
        whitening_weights(empty, "m")


def test_two_frames_are_enough_to_whiten():
    np.testing.assert_allclose(whitening_weights(EMPTY[1:], "m"), [1, 1 / 6, 0.5], rtol=1e-14)


def test_row_norms_and_a_row_of_zeros():
    columns = np.array([[3, 4j], [0, 0], [0, 2]], dtype=complex)
    np.testing.assert_array_equal(row_norm_weights(columns), [0.2, 0, 0.5])


def test_channel_weights_follow_their_rows():
    selection = Selection((0, 2), (np.array([1, 2]), np.array([7])))
    np.testing.assert_array_equal(channel_weights(selection, (2, 9, 3), 3), [2, 2, 3])


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        pytest.param((1.0,), "are 1; the scanner has 2", id="one-for-two"),
        pytest.param((1.0, 0.0), "give 0 to every selected channel", id="nothing-left"),
    ],
)
def test_channel_weights_that_do_not_fit_are_refused(weights, message):
    with pytest.raises(DataError, match=message):
        channel_weights(Selection((1,), (np.array([1]),)), weights, 2)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"channel_weights": (1.0, -0.1)}, id="negative-factor"),
        pytest.param({"channel_weights": (np.inf,)}, id="endless-factor"),
        pytest.param({"weighting": "norm"}, id="unknown"),
        pytest.param({"max_rows": 0}, id="no-row"),
        pytest.param({"max_mixing_order": -1}, id="negative-order"),
        pytest.param({"stop_bands": ((1.0, np.nan),)}, id="band-to-nowhere"),
        pytest.param({"dictionary_size": -1}, id="negative-size"),
        pytest.param({"dictionary_penalty": 0.0}, id="free-background"),
        pytest.param({"average": 0}, id="no-frame"),
    ],
)
def test_settings_of_rows_are_checked(wrong):
    with pytest.raises(ValidationError):
        RowSettings(background="none", **wrong)


def test_neutral_settings_leave_rows_as_they_are():
    matrix = synthetic.matrix()
    prepared = prepare_rows(RowSettings(background="own_mean"), matrix)
    values = matrix.spectra.values
    corrected = (values[:12] - values[12:].mean(axis=0)).reshape(12, -1)
    np.testing.assert_array_equal(prepared.columns, corrected.T)
    np.testing.assert_array_equal(prepared.weights, np.ones(34))
    assert prepared.columns.flags.c_contiguous


@pytest.mark.parametrize("weighting", ["none", "whitening", "row_norm"])
def test_matrix_and_scan_get_the_same_weights(weighting):
    matrix = synthetic.matrix(background=(True,) * 4)
    settings = RowSettings(background="own_mean", weighting=weighting, channel_weights=(2, 3))
    prepared = prepare_rows(settings, matrix)
    scan = synthetic.scan(matrix.spectra.values, matrix.is_background)
    # the calibration's own frames as a scan: its signals are the columns
    np.testing.assert_allclose(prepared.signal(scan), prepared.columns.T, rtol=1e-12)


# ---- equivalences on the real head-scanner matrix


def two_channels(shared, run):
    """Return a run's centre line and, as a second receive channel, its neighbouring line."""
    one, other = (head_scanner.line_matrix(shared, run, line) for line in (1, 0))
    values = np.concatenate([one.spectra.values, other.spectra.values], axis=1)
    return replace(
        one, spectra=ArraySpectra(values), acquisition=replace(one.acquisition, n_channels=2)
    )


def two_channel_scan(shared, run, position):
    one, other = (head_scanner.line_scan(shared, run, line, position) for line in (1, 0))
    values = np.concatenate([one.spectra.values, other.spectra.values], axis=1)
    return replace(
        one, spectra=ArraySpectra(values), acquisition=replace(one.acquisition, n_channels=2)
    )


def image(shared, *, two=False, **settings):
    chosen = {"background": "own_mean", "iterations": 20, **settings}
    method = Kaczmarz(**{"bins": head_scanner.HARMONICS, **chosen})
    if two:
        matrix, scan = two_channels(shared, "A"), two_channel_scan(shared, "B", 4)
    else:
        matrix, scan = (
            head_scanner.line_matrix(shared, "A"),
            head_scanner.line_scan(shared, "B", 1, 4),
        )
    return method.prepare(matrix).reconstruct_relative(scan).values


def test_channel_weight_zero_equals_channel_dropped(shared):
    weighted = image(shared, two=True, channel_weights=(1.0, 0.0))
    dropped = image(shared, two=True, channels=(0,))
    np.testing.assert_array_equal(weighted, dropped)
    np.testing.assert_array_equal(dropped, image(shared))
    both = image(shared, two=True)
    assert np.abs(both - dropped).max() > 1e-3, "the second channel would have counted"


def test_a_common_factor_of_all_channels_changes_nothing(shared):
    np.testing.assert_allclose(
        image(shared, two=True, channel_weights=(3.0, 3.0)), image(shared, two=True), atol=1e-12
    )


def test_row_norm_weights_leave_kaczmarz_without_lambda_unchanged(shared):
    plain = image(shared, regularization=0)
    weighted = image(shared, regularization=0, weighting="row_norm")
    np.testing.assert_allclose(weighted, plain, atol=1e-12 * plain.max())
    with_lambda = image(shared, weighting="row_norm")
    assert np.abs(with_lambda - image(shared)).max() > 1e-3, "with lambda they count"


def test_a_list_of_bins_or_rows_equals_the_filter(shared):
    low, high = 25.69901e3 * 1.5, 25.69901e3 * 10.5
    by_filter = image(shared, bins=None, min_frequency=low, max_frequency=high)
    np.testing.assert_array_equal(image(shared), by_filter)
    rows = tuple((0, k) for k in reversed(head_scanner.HARMONICS))
    np.testing.assert_array_equal(image(shared, bins=None, rows=rows), by_filter)
    np.testing.assert_array_equal(
        image(shared, bins=None, max_mixing_order=10, min_frequency=low), by_filter
    )
    np.testing.assert_array_equal(
        image(shared, bins=None, stop_bands=((0, low), (high, 1e9))), by_filter
    )


def test_whitening_and_scaling_the_file_by_hand_are_the_same(shared):
    matrix = head_scanner.whole_matrix(shared, "A")
    settings = Kaczmarz(background="own_mean", weighting="whitening", bins=head_scanner.HARMONICS)
    weights = settings.prepare(matrix).rows.weights
    empty = matrix.spectra.values[::10, 0, 2:11]
    expected = 1 / empty.std(axis=0)
    np.testing.assert_allclose(weights, expected / expected.max(), rtol=1e-12)
    assert weights.max() == 1
    scale = np.ones(77)
    scale[2:11] = weights

    def scaled(source):
        return replace(source, spectra=ArraySpectra(source.spectra.values * scale))

    scan = head_scanner.line_scan(shared, "B", 1, 4)
    by_hand = settings.model_copy(update={"weighting": Weighting.NONE}).prepare(scaled(matrix))
    np.testing.assert_allclose(
        settings.prepare(matrix).reconstruct_relative(scan).values,
        by_hand.reconstruct_relative(scaled(scan)).values,
        atol=1e-12,
    )
