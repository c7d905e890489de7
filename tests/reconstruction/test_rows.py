"""Rows that no method may make an image of, and the noise of folded frames."""

import numpy as np
import pytest

import synthetic_mpi as synthetic
from sojourn.core.errors import DataError
from sojourn.core.signals import ArraySpectra
from sojourn.reconstruction._rows import prepare_rows
from sojourn.reconstruction.tikhonov import Tikhonov
from sojourn.reconstruction.uncertainty.noise import estimate_row_noise
from sojourn.study.reconstructing import method_settings, methods

EMPTY = np.array([True, True, False, False, True])
ITERATIVE = [name for name in methods.names() if name != "x_space"]


def scan(change=None, seed=1):
    spectra = synthetic.random_spectra(
        np.random.default_rng(seed), len(EMPTY), synthetic.acquisition()
    )
    if change is not None:
        change(spectra)
    return synthetic.scan(spectra, EMPTY)


def matrix(change):
    spectra = np.array(synthetic.matrix().spectra.values)
    change(spectra)
    return synthetic.matrix(spectra=ArraySpectra(spectra))


def put(value, *index):
    def change(spectra):
        spectra[index] = value

    return change


def times(factor):
    def change(spectra):
        spectra *= factor

    return change


def reconstruct(method, calibration, measured, **settings):
    given = {"background": "own_mean", **settings}
    prepared = method_settings(method, given).prepare(calibration)
    return prepared.reconstruct_relative(measured)


@pytest.mark.parametrize("method", ITERATIVE)
@pytest.mark.parametrize("value", [np.nan, np.inf, complex(0, np.nan)])
@pytest.mark.parametrize("frame", [0, 3], ids=["empty-frame", "frame-of-the-object"])
def test_a_scan_that_holds_no_number_gives_no_image(method, value, frame):
    with pytest.raises(DataError, match=f"1 of .* first in frame {frame}, channel 1, bin 5"):
        reconstruct(method, synthetic.matrix(), scan(put(value, frame, 1, 5)))


@pytest.mark.parametrize("method", ITERATIVE)
@pytest.mark.parametrize("frame", [4, -1], ids=["voxel", "empty-frame"])
def test_a_calibration_that_holds_no_number_gives_no_image(method, frame):
    with pytest.raises(DataError, match=r"random calibration: 1 of .* channel 0, bin 7"):
        reconstruct(method, matrix(put(np.nan, frame, 0, 7)), scan())


def test_a_number_that_is_none_outside_of_the_selection_is_not_looked_at():
    bad = put(np.nan, 3, 1, 5)
    expected = reconstruct("tikhonov", synthetic.matrix(), scan(), channels=(0,))
    found = reconstruct("tikhonov", synthetic.matrix(), scan(bad), channels=(0,))
    assert np.array_equal(found.values, expected.values)


def test_infinite_samples_are_refused_where_leakage_is_corrected_too():
    with pytest.raises(DataError, match="not finite numbers, first in frame 2"):
        reconstruct("tikhonov", synthetic.matrix(), scan(put(np.inf, 2, 1, 5)),
                    spectral_leakage="hann")  # fmt: skip


@pytest.mark.parametrize("method", ITERATIVE)
def test_a_calibration_of_zeros_gives_no_image(method):
    with pytest.raises(DataError, match="selected rows of the system matrix are zero"):
        reconstruct(method, matrix(times(0)), scan(), matrix_background="none")


@pytest.mark.parametrize("method", ITERATIVE)
@pytest.mark.parametrize("factor", [1e-60, 1e60])
def test_calibrations_whose_squares_leave_the_range_are_refused(method, factor):
    with pytest.raises(DataError, match=r"random calibration: .* squared norm of"):
        reconstruct(method, matrix(times(factor)), scan())


@pytest.mark.parametrize("method", ITERATIVE)
@pytest.mark.parametrize("factor", [1e-60, 1e60])
def test_scans_whose_squares_leave_the_range_are_refused(method, factor):
    with pytest.raises(DataError, match=r"scan: .* squared norm of"):
        reconstruct(method, synthetic.matrix(), scan(times(factor)))


@pytest.mark.parametrize("weight", [1e-200, 1e200])
@pytest.mark.parametrize("method", ITERATIVE)
def test_weights_whose_squares_leave_the_range_are_refused(method, weight):
    with pytest.raises(DataError, match="channel_weights"):
        reconstruct(method, synthetic.matrix(), scan(), channel_weights=(weight, weight))


@pytest.mark.parametrize("factor", [1e-40, 1e40])
def test_any_unit_in_use_gives_the_same_image(factor):
    expected = reconstruct("tikhonov", synthetic.matrix(), scan())
    found = reconstruct("tikhonov", matrix(times(factor)), scan(times(factor)))
    assert found.values == pytest.approx(expected.values, rel=1e-9, abs=1e-12)


def test_a_scan_of_zeros_is_an_image_of_zeros():
    assert not reconstruct("cgnr", synthetic.matrix(), scan(times(0))).values.any()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("regularization", True),
        ("iterations", True),
        ("min_snr", True),
        ("channels", [True]),
        ("rows", [[0, True]]),
        ("average", False),
        ("dictionary_penalty", True),
    ],
)
def test_true_and_false_are_no_numbers(name, value):
    with pytest.raises(DataError, match=f"{name}.*not true or false"):
        method_settings("kaczmarz", {"background": "none", name: value})


def test_true_and_false_are_values_of_a_setting_that_is_one():
    made = method_settings("fista", {"background": "none", "non_negative": False})
    assert made.model_dump()["non_negative"] is False


def test_a_wrong_rule_is_answered_by_the_rules_there_are():
    with pytest.raises(DataError, match=r"valid number.*'discrepancy', 'l_curve' or 'gcv'"):
        method_settings("kaczmarz", {"background": "none", "regularization": "gvc"})


@pytest.mark.parametrize("leakage", ["none", "hann"])
def test_noise_told_from_empty_frames_is_that_of_the_mean_signal(leakage):
    settings = Tikhonov(background="own_mean", spectral_leakage=leakage)
    prepared = prepare_rows(settings, synthetic.matrix())
    method = Tikhonov.prepare(settings, synthetic.matrix())
    empty = np.repeat([True, False, True], 20)
    rng = np.random.default_rng(7)
    told, seen = [], []
    for _ in range(60):
        spectra = synthetic.random_spectra(rng, len(empty), synthetic.acquisition())
        measured = synthetic.scan(spectra, empty)
        noise = estimate_row_noise(method, measured)
        told.append(noise.share * noise.frame.variance.sum())
        seen.append(np.sum(np.abs(prepared.signal(measured).mean(axis=0)) ** 2))
    assert np.mean(told) / np.mean(seen) == pytest.approx(1, abs=0.1)
