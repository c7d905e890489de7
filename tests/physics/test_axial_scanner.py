"""A model of the real head scanner's calibration, and how far it is from it."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

import head_scanner as head
from sojourn.core.errors import DataError
from sojourn.physics.axial_scanner import (
    AxialScanner,
    fit_axial_scanner,
    model_axial_calibration,
)
from sojourn.physics.model_matrix import estimate_gains, left_out_residuals, relative_difference
from sojourn.reconstruction.kaczmarz import Kaczmarz

BINS = np.array(head.HARMONICS)
X = 0.116 + 0.010 * np.arange(9)
START = AxialScanner(gradient=0.12, center=0.155)


def calibration(shared, run, line=head.CENTER_LINE):
    """Return a line's rows in volts, its own background row taken off."""
    rows = head.counts(shared, run)[line]
    volts = head.VOLTS_PER_COUNT * (rows[1:] - rows[:1])
    return np.fft.rfft(volts, axis=-1)[:, BINS]


@cache
def fitted(shared: Path):
    rows = calibration(shared, "A")
    return fit_axial_scanner(rows, X, BINS, head.acquisition(), start=START)


@cache
def modelled(shared: Path):
    """Fit once: the calibration of run A's centre line, modelled."""
    return model_axial_calibration(
        calibration(shared, "A"),
        X,
        BINS,
        head.acquisition(),
        start=START,
        grid=head.grid(),
        name="model of run A",
    )


def test_known_parameters_come_back_from_their_own_rows():
    truth = AxialScanner(0.14, 0.15, 20e-9, 0.2, 2e-6, 1.0, -100.0)
    rows = truth.rows(X, BINS, head.acquisition()) * np.exp(0.3j * BINS)
    fit = fit_axial_scanner(rows, X, BINS, head.acquisition(), start=START)
    assert fit.mismatch < 1e-4
    for name in ("gradient", "center", "diameter", "relaxation_time", "slope", "curvature"):
        assert getattr(fit.scanner, name) == pytest.approx(getattr(truth, name), rel=0.02), name


def test_fixed_parameters_stay_as_they_are():
    truth = AxialScanner(0.14, 0.15)
    rows = truth.rows(X, BINS, head.acquisition())
    fit = fit_axial_scanner(
        rows, X, BINS, head.acquisition(), start=START, free=("gradient", "center")
    )
    assert fit.n_parameters == 2
    assert fit.scanner.gradient == pytest.approx(0.14, rel=1e-3)
    assert fit.scanner.diameter == START.diameter


def test_even_harmonics_change_sign_at_the_center_and_odd_ones_do_not():
    scanner = AxialScanner(0.14, 0.15)
    left, right = scanner.rows(np.array([0.14, 0.16]), BINS, head.acquisition())
    np.testing.assert_allclose(right, left * (-1.0) ** (BINS + 1), rtol=1e-9, atol=1e-12)


def test_more_parameters_than_data_and_unknown_names_are_refused():
    rows = START.rows(X[:1], BINS, head.acquisition())
    with pytest.raises(DataError, match="18 data do not fix 25 parameters"):
        fit_axial_scanner(rows, X[:1], BINS, head.acquisition(), start=START)
    with pytest.raises(DataError, match="unknown parameters"):
        fit_axial_scanner(rows, X[:1], BINS, head.acquisition(), start=START, free=("mass",))
    with pytest.raises(DataError, match="expected"):
        fit_axial_scanner(rows, X, BINS, head.acquisition(), start=START)
    with pytest.raises(DataError, match="must be positive"):
        AxialScanner(0.1, 0.15, spread=0.0).rows(X, BINS, head.acquisition())


def test_the_real_calibration_is_missed_by_four_percent_in_sample(shared):
    fit = fitted(shared)
    # Found: 4.2 % with 7 + 18 real parameters for 162 real data; the field-free point lies
    # between x = 146 and 156 mm (even harmonics change sign there, SOURCES.md).
    assert 0.03 < fit.mismatch < 0.045
    assert 0.146 < fit.scanner.center < 0.156
    assert fit.n_parameters == 7


def test_the_real_calibration_is_missed_by_six_percent_where_it_was_left_out(shared):
    model = modelled(shared)
    # Found: 5.8 %, strongest row 4 %, weakest 65 %. In sample it would claim 4.2 %.
    assert 0.05 < model.mismatch < 0.065
    assert model.relative_mismatch[0] < 0.05
    assert 0.5 < model.relative_mismatch.max() < 0.75
    assert (model.n_parameters, model.n_data) == (25, 162)
    assert "not a measurement" in model.statement


def test_leaving_out_the_gains_alone_would_claim_too_little(shared):
    rows = calibration(shared, "A")
    fit = fitted(shared)
    modelled_rows = fit.scanner.rows(X, BINS, head.acquisition())
    gains_only = np.linalg.norm(left_out_residuals(modelled_rows, rows)) / np.linalg.norm(rows)
    assert fit.mismatch < gains_only < modelled(shared).mismatch


def test_another_session_is_missed_by_five_percent(shared):
    found = modelled(shared).matrix.spectra.read(0, BINS)
    # Found: 5.0 %; the measured matrix of run A itself misses run B by 1.96 %.
    assert relative_difference(found, calibration(shared, "B")) < 0.06
    measured = relative_difference(calibration(shared, "A"), calibration(shared, "B"))
    assert measured == pytest.approx(0.0196, abs=0.0003)


@pytest.mark.parametrize(("line", "bound"), [(0, 0.065), (2, 0.075)])
def test_neighbouring_lines_keep_the_shape_up_to_one_factor(shared, line, bound):
    found = modelled(shared).matrix.spectra.read(0, BINS)
    rows = calibration(shared, "A", line)
    factor = np.vdot(found, rows) / np.vdot(found, found)
    # Found: 5.8 and 6.6 %; without the factor 22 and 31 %: the coil sees less beside its axis.
    assert relative_difference(factor * found, rows) < bound
    assert 0.75 < abs(factor) < 0.9


@pytest.mark.parametrize("kept", [(1, 4, 7), (0, 2, 4, 6, 8)])
def test_gains_from_few_places_predict_the_others(shared, kept):
    rows = calibration(shared, "A")
    fit = fitted(shared)
    model = fit.scanner.rows(X, BINS, head.acquisition())
    seen = np.isin(np.arange(9), kept)
    gains = estimate_gains(model[seen], rows[seen]).values
    # Found: 5.8 % from three places, 5.0 % from five.
    assert relative_difference(model[~seen] * gains, rows[~seen]) < 0.065


def test_nine_of_nine_places_of_the_other_session_are_found_with_the_model(shared):
    prepared = Kaczmarz(
        background="own_mean",
        matrix_background="none",
        bins=head.HARMONICS,
        regularization=1e-3,
        iterations=20,
    ).prepare(modelled(shared).matrix)
    places = [
        int(
            prepared.reconstruct_relative(head.line_scan(shared, "B", head.CENTER_LINE, place))
            .values.ravel(order="F")
            .argmax()
        )
        for place in range(9)
    ]
    assert places == list(range(9))
