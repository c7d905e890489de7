import numpy as np
import pytest

import synthetic_mpi as synthetic
from sojourn.core.errors import DataError
from sojourn.core.signals import ArraySpectra
from sojourn.reconstruction._snr import compute_snr


def by_hand(values, is_background):
    """The rule again, one frequency at a time."""
    frames, channels, bins = values.shape
    snr = np.zeros((channels, bins))
    for c in range(channels):
        signal, noise = np.zeros((frames - is_background.sum(), bins)), np.zeros(bins)
        for k in range(bins):
            empty = values[is_background, c, k]
            signal[:, k] = abs(values[~is_background, c, k] - empty.mean())
            noise[k] = np.mean(abs(empty - empty.mean()))
        best = np.argsort(-np.median(signal, axis=0) / noise, kind="stable")[:20]
        region = np.zeros(len(signal), dtype=bool)
        for k in best:
            region |= signal[:, k] > 0.9 * signal[:, k].max()
        for k in range(bins):
            level = np.median(signal[region, k])
            if level > 3.5 * noise[k]:
                level = np.median(signal[signal[:, k] > 0.9 * signal[:, k].max(), k])
            snr[c, k] = level / noise[k]
    return snr


def test_snr_follows_the_rule_where_signals_are_weak_and_strong():
    rng = np.random.default_rng(3)
    taken = synthetic.acquisition(n_samples=64)
    grid_size, n_background = 12, 6
    values = synthetic.random_spectra(rng, grid_size + n_background, taken)
    strength = np.geomspace(0.05, 50, taken.n_bins)
    profile = np.exp(-(np.linspace(-2, 2, grid_size) ** 2))
    values[:grid_size] += (profile[:, None] * strength)[:, None, :] * 10
    matrix = synthetic.matrix(
        acquisition=taken, background=(True,) * n_background, spectra=ArraySpectra(values)
    )
    expected = by_hand(values, matrix.is_background)
    assert expected.min() < 2
    assert expected.max() > 20
    np.testing.assert_allclose(compute_snr(matrix), expected, rtol=1e-12)


def test_one_background_frame_has_no_spread():
    with pytest.raises(DataError, match="at least two background frames"):
        compute_snr(synthetic.matrix(background=(True,)))


def test_a_frequency_of_zeros_has_no_snr():
    values = np.array(synthetic.matrix().spectra.values)
    values[:, 0, 5] = 0
    assert compute_snr(synthetic.matrix(spectra=ArraySpectra(values)))[0, 5] == 0


def test_a_background_that_was_subtracted_is_not_subtracted_again():
    plain = synthetic.matrix(background=(True,) * 6)
    values = np.array(plain.spectra.values)
    mean = values[plain.is_background].mean(axis=0)
    values[~plain.is_background] -= mean
    corrected = synthetic.matrix(
        background=(True,) * 6, spectra=ArraySpectra(values), is_background_corrected=True
    )
    np.testing.assert_allclose(compute_snr(corrected), compute_snr(plain), rtol=1e-12)
