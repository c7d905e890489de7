import numpy as np
import pytest

import synthetic_mpi as synthetic
from sojourn.core.errors import DataError
from sojourn.core.signals import ArraySpectra
from sojourn.reconstruction._leakage import (
    fold_frames,
    hann_window,
    leakage_corrected_rows,
)
from sojourn.reconstruction._rows import RowSettings, prepare_rows
from sojourn.reconstruction._selection import select_rows


def test_window_is_that_of_mpifiles():
    # (1 - cos(2 pi n / (M - 1))) / (M - 1) * M for M = 5: cosines 1, 0, -1, 0, 1
    np.testing.assert_allclose(hann_window(5), [0, 1.25, 2.5, 1.25, 0], atol=1e-15)
    assert hann_window(456).mean() == pytest.approx(1, abs=1e-14)


def by_hand(frames):
    """The rule again, one frame at a time."""
    n, v = frames.shape
    made = []
    for i in range(n):
        if i == 0:
            joined = np.concatenate([frames[0], frames[1]]) * hann_window(2 * v) / 2
        elif i == n - 1:
            joined = np.concatenate([frames[i - 1], frames[i]]) * hann_window(2 * v) / 2
        else:
            joined = np.concatenate(frames[i - 1 : i + 2]) * hann_window(3 * v) / 3
        made.append(joined.reshape(-1, v).sum(axis=0))
    return np.array(made)


@pytest.mark.parametrize("n_frames", [2, 3, 7])
def test_frames_are_folded_with_their_neighbours(n_frames):
    frames = np.random.default_rng(0).standard_normal((n_frames, 8))
    np.testing.assert_allclose(fold_frames(frames), by_hand(frames), rtol=1e-13, atol=1e-13)


def test_a_frame_alone_stays_as_it_is():
    frame = np.arange(8.0)[None]
    np.testing.assert_array_equal(fold_frames(frame), frame)


@pytest.mark.parametrize("n_samples", [152, 1520])
def test_what_is_periodic_stays_to_the_order_of_one_sample(n_samples):
    period = np.random.default_rng(0).standard_normal(n_samples)
    folded = fold_frames(np.tile(period, (5, 1)))
    # the window of 3 M samples is one sample short of periodic: error of the order 1 / (3 M)
    assert np.abs(folded - period).max() < 2 * np.abs(period).max() / n_samples
    assert np.abs(folded - period).max() > 0


def test_interference_between_bins_leaks_less_far():
    n_samples, n_frames = 128, 9
    time = np.arange(n_samples * n_frames) / n_samples
    frames = np.cos(2 * np.pi * 5.4 * time).reshape(n_frames, n_samples)
    before, after = (
        np.abs(np.fft.rfft(f, axis=1))[4, 15:40] for f in (frames, fold_frames(frames))
    )
    assert after.max() < before.min() / 10


def scan_of(frames, is_background, **changes):
    """Return frames (frame, sample) as a scan of two channels, the second twice the first."""
    spectra = np.fft.rfft(frames)[:, None, :] * np.array([1, 2])[:, None]
    taken = synthetic.acquisition(**changes)
    return synthetic.scan(spectra, is_background, acquisition=taken)


def test_object_and_empty_frames_are_never_mixed():
    rng = np.random.default_rng(3)
    frames = rng.standard_normal((7, 32))
    mask = [True, True, False, False, False, True, False]
    scan = scan_of(frames, mask)
    selection = select_rows(synthetic.matrix(), bins=[2, 5])
    rows = leakage_corrected_rows(scan, selection)
    expected = np.concatenate([by_hand(frames[:2]), by_hand(frames[2:5]), frames[5:6], frames[6:7]])
    spectra = np.fft.rfft(expected)[:, [2, 5]]
    np.testing.assert_allclose(rows, np.concatenate([spectra, 2 * spectra], axis=1), atol=1e-12)


def test_a_scan_is_corrected_and_the_calibration_is_not():
    matrix = synthetic.matrix()
    frames = np.random.default_rng(3).standard_normal((4, 32))
    prepared = prepare_rows(RowSettings(background="none", spectral_leakage="hann"), matrix)
    plain = prepare_rows(RowSettings(background="none"), matrix)
    np.testing.assert_array_equal(prepared.columns, plain.columns)
    scan, folded = (scan_of(f, [False] * 4) for f in (frames, by_hand(frames)))
    np.testing.assert_allclose(prepared.signal(scan), plain.signal(folded), atol=1e-12)


class Some(ArraySpectra):
    bins = np.arange(1, 17)


@pytest.mark.parametrize(
    ("mask", "changes", "message"),
    [
        pytest.param([False, True], {}, "no two of one kind do", id="no-neighbours"),
        pytest.param(
            [False, False],
            {"is_spectral_leakage_corrected": True},
            "corrected before",
            id="not-twice",
        ),
    ],
)
def test_leakage_that_cannot_be_corrected_is_refused(mask, changes, message):
    scan = scan_of(np.ones((2, 32)), mask, **changes)
    with pytest.raises(DataError, match=message):
        leakage_corrected_rows(scan, select_rows(synthetic.matrix()))


def test_a_scan_of_some_frequencies_has_no_time_samples():
    spectra = Some(synthetic.random_spectra(np.random.default_rng(0), 3, synthetic.acquisition()))
    scan = synthetic.scan(np.zeros((3, 2, 17)), [False] * 3)
    object.__setattr__(scan, "spectra", spectra)
    with pytest.raises(DataError, match="needs all 17 frequencies and 16 are stored"):
        leakage_corrected_rows(scan, select_rows(synthetic.matrix(), bins=[3]))
