"""Constrained optima of quantification by the Newton method of reconstruction: the same amounts."""

import numpy as np
import pytest

import head_scanner
from sojourn.core.signals import Scan
from sojourn.quantification._compact import Repeat
from sojourn.quantification._measurement import read_signal
from sojourn.quantification._unknown import bound_total, solve_non_negative
from sojourn.quantification.amount import AmountSettings, prepare_amount
from sojourn.quantification.calibration import CalibrationRepeatability
from sojourn.quantification.source_models import UnknownDistribution
from sojourn.quantification.uncertainty import chi_square_quantile
from sojourn.reconstruction._background import Background
from sojourn.reconstruction._dual_newton import solve_dual
from sojourn.reconstruction.newton import Newton, Purpose
from sojourn.reconstruction.uncertainty.noise import stack
from toy_scanner import ROWS, toy_matrix

CENTER = head_scanner.CENTER_LINE
REPEAT = {"row": 0.02, "tilt": 0.02, "delay": 74e-9}


def newton(gram, mixed, start=None):
    """Solve min x' gram x / 2 - mixed' x, x >= 0, as a Tikhonov problem: lambda from the Gram."""
    del start
    values, vectors = np.linalg.eigh(gram)
    damping = values[0] / 2
    singular = np.sqrt(values - damping)[::-1]
    loadings = np.ascontiguousarray(vectors[:, ::-1])
    projected = (loadings.T @ mixed) / singular
    found = solve_dual(
        loadings, singular, damping, projected[None], tolerance=1e-12, max_passes=2000.0
    )
    assert found.is_converged.all()
    return np.maximum(found.values[0], 0.0)


@pytest.mark.parametrize("seed", range(5))
def test_both_solvers_find_one_optimum(seed):
    rng = np.random.default_rng(seed)
    design = rng.standard_normal((40, 25))
    gram, mixed = design.T @ design, design.T @ (design @ rng.uniform(-0.5, 1, 25))
    np.testing.assert_allclose(
        newton(gram, mixed), solve_non_negative(gram, mixed), rtol=0, atol=1e-8
    )


def test_the_certified_image_is_the_optimum_of_quantification():
    matrix = toy_matrix(np.random.default_rng(1), shape=(6, 2, 1))
    prepared = Newton(
        background=Background.OWN_MEAN,
        bins=tuple(range(1, ROWS + 1)),
        purpose=Purpose.QUANTIFICATION,
        regularization=1e-2,
        certified_distance=1e-4,
    ).prepare(matrix)
    signal = prepared.rows.columns @ np.array([0, 1, 0, 0, 2, 0, 0, 0, 0, 1.5, 0, 0])
    signal = signal + 0.3 * np.random.default_rng(2).standard_normal(ROWS)
    design = stack(prepared.rows.columns)
    gram = design.T @ design + prepared.extra["lambda_absolute"] * np.eye(12)
    expected = solve_non_negative(gram, design.T @ stack(signal[:, None])[:, 0])
    found = prepared.solver(signal).values
    assert np.linalg.norm(found - expected) < 1e-4 * np.linalg.norm(expected)


@pytest.fixture(scope="module")
def prepared(shared):
    stated = CalibrationRepeatability(gain=0.02, sample_iron=0.0, source="test", **REPEAT)
    settings = AmountSettings(
        background=Background.OWN_LINEAR, repeatability=stated, bins=head_scanner.HARMONICS
    )
    matrix = head_scanner.line_matrix(shared, "A", CENTER)
    return prepare_amount(matrix, UnknownDistribution(), settings)


@pytest.mark.parametrize("position", range(9))
def test_bounds_at_the_nine_places_are_the_same_by_newton(shared, prepared, position):
    rows = head_scanner.counts(shared, "B").reshape(-1, head_scanner.SAMPLES)
    scan = Scan(
        spectra=head_scanner.spectra(rows),
        acquisition=head_scanner.acquisition(),
        is_background=np.arange(len(rows)) % (head_scanner.POSITIONS + 1) == 0,
        name="run B",
        source="B",
    )
    frame = CENTER * (head_scanner.POSITIONS + 1) + 1 + position
    reading = read_signal(scan, prepared.calibration, prepared.settings, frames=(frame,))
    limit = chi_square_quantile(2 * len(reading.signal), level=0.95)
    given = {"limit": limit, "slack": 3.84}
    one, other = (
        bound_total(reading, prepared.calibration, Repeat(**REPEAT), solve=solve, **given)
        for solve in (solve_non_negative, newton)
    )
    assert other.total == pytest.approx(one.total, rel=1e-5)
    assert (other.lower, other.upper) == pytest.approx((one.lower, one.upper), rel=1e-3)
    assert other.lower * 0.96 <= 1.0 <= other.upper * 1.04
