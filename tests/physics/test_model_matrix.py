import numpy as np
import pytest

from sojourn.core.errors import DataError
from sojourn.core.geometry import Grid
from sojourn.core.signals import stored_bins
from sojourn.physics.axial_scanner import AxialScanner
from sojourn.physics.model_matrix import (
    ModelMatrix,
    build_model_matrix,
    estimate_gains,
    left_out_residuals,
    relative_difference,
    row_mismatch,
    smooth_gains,
)
from sojourn.physics.scanner_presets import human_head

BINS = np.arange(2, 11)
GAINS = np.exp(0.2 * BINS + 0.3j * BINS)
RNG = np.random.default_rng(0)
MODELLED = RNG.normal(size=(9, 9)) + 1j * RNG.normal(size=(9, 9))


def test_exact_data_give_the_exact_gains_without_residual():
    found = estimate_gains(MODELLED, MODELLED * GAINS)
    np.testing.assert_allclose(found.values, GAINS, rtol=1e-12)
    assert found.uncertainty.max() < 1e-12
    assert np.abs(found.residuals).max() < 1e-12


def test_a_known_sample_at_one_place_fixes_the_gains_but_not_their_uncertainty():
    found = estimate_gains(MODELLED[:1], MODELLED[:1] * GAINS)
    np.testing.assert_allclose(found.values, GAINS, rtol=1e-12)
    assert np.isinf(found.uncertainty).all()


def test_the_stated_uncertainty_is_the_scatter_of_repeated_calibrations():
    rng = np.random.default_rng(1)
    errors, stated = [], []
    for _ in range(400):
        noise = rng.normal(size=(2, 9, 9)) * 0.3
        found = estimate_gains(MODELLED, MODELLED * GAINS + noise[0] + 1j * noise[1])
        errors.append(np.abs(found.values - GAINS) ** 2)
        stated.append(found.uncertainty**2)
    # 400 x 2 squares: relative standard error of a mean square 5 %.
    ratio = np.mean(errors, axis=0) / np.mean(stated, axis=0)
    np.testing.assert_allclose(ratio, 1.0, atol=0.2)


def test_a_smooth_curve_through_smooth_gains_is_that_curve():
    frequencies = 25.7e3 * BINS
    estimate = estimate_gains(MODELLED, MODELLED * GAINS)
    smooth = smooth_gains(estimate, frequencies, degree=1)
    np.testing.assert_allclose(smooth.at(frequencies)[0], GAINS, rtol=1e-9)
    flat = smooth_gains(estimate, frequencies, degree=0)
    assert relative_difference(flat.at(frequencies), GAINS[None]) > 0.1
    with pytest.raises(DataError, match="fix no polynomial"):
        smooth_gains(estimate, frequencies, degree=9)


def test_a_position_left_out_is_predicted_by_the_others_alone():
    measured = MODELLED * GAINS
    assert np.abs(left_out_residuals(MODELLED, measured)).max() < 1e-12
    wrong = measured.copy()
    wrong[4] *= 2
    left = left_out_residuals(MODELLED, wrong)
    # The other eight give the true gains, so that the fifth misses just what was added.
    np.testing.assert_allclose(left[4], measured[4], rtol=1e-9)
    with pytest.raises(DataError, match="leaves none"):
        left_out_residuals(MODELLED[:1], measured[:1])


def built(**changes):
    grid = Grid.centered((9, 1, 1), (0.01, 0.01, 0.001))
    values = {
        "bins": BINS,
        "grid": grid,
        "acquisition": human_head().acquisition(),
        "residuals": 0.1 * MODELLED,
        "measured": MODELLED,
        "n_parameters": 25,
        "left_out": "by hand",
    }
    return build_model_matrix(MODELLED, GAINS, **{**values, **changes})


def test_the_matrix_is_rows_times_gains_and_says_how_far_it_is():
    model = built()
    assert isinstance(model, ModelMatrix)
    np.testing.assert_allclose(model.matrix.spectra.read(0, BINS), MODELLED * GAINS)
    np.testing.assert_array_equal(stored_bins(model.matrix.spectra), BINS)
    assert model.mismatch == pytest.approx(0.1)
    np.testing.assert_allclose(model.relative_mismatch, 0.1)
    assert model.matrix.is_simulated
    assert "10.0 %" in model.statement
    assert "25 parameters, 162 data" in model.statement
    assert model.matrix.metadata["model"] == model.statement
    np.testing.assert_array_equal(model.bins, BINS)


def test_row_mismatch_is_relative_to_each_row():
    residuals = np.array([[3.0, 0.0], [4.0, 1.0]]) + 0j
    measured = np.array([[10.0, 0.0], [0.0, 2.0]]) + 0j
    np.testing.assert_allclose(row_mismatch(residuals, measured), [0.5, 0.5])


def test_what_does_not_fit_together_is_refused():
    with pytest.raises(DataError, match="need one shape"):
        estimate_gains(MODELLED, MODELLED[:3])
    with pytest.raises(DataError, match="not finite"):
        estimate_gains(MODELLED, np.full((9, 9), np.nan + 0j))
    silent = MODELLED.copy()
    silent[:, 3] = 0
    with pytest.raises(DataError, match="says nothing of row 3"):
        estimate_gains(silent, MODELLED)
    with pytest.raises(DataError, match="for 9 voxels and 8 bins"):
        built(bins=BINS[:8])


def test_a_receive_chain_measured_elsewhere_can_stand_for_the_gains():
    transfer = smooth_gains(estimate_gains(MODELLED, MODELLED * GAINS), 25.7e3 * BINS, degree=1)
    scanner = AxialScanner(0.11, 0.156)
    rows = scanner.rows(np.array([0.13, 0.16]), BINS, human_head().acquisition())
    gains = transfer.at(25.7e3 * BINS)[0]
    grid = Grid.centered((2, 1, 1), (0.03, 0.01, 0.01), (0.145, 0.0, 0.0))
    model = build_model_matrix(
        rows,
        gains,
        bins=BINS,
        grid=grid,
        acquisition=human_head().acquisition(),
        residuals=np.zeros((1, 9), dtype=complex),
        measured=np.ones((1, 9), dtype=complex),
        n_parameters=4,
        left_out="none",
    )
    np.testing.assert_allclose(model.matrix.spectra.read(0, BINS), rows * GAINS, rtol=1e-9)
