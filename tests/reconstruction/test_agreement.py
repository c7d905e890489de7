"""One problem, one image: whatever solves it, and whoever chooses lambda."""

import numpy as np
import pytest

import head_scanner
import problems
import synthetic_mpi as synthetic
from sojourn.reconstruction._background import corrected_rows
from sojourn.reconstruction.cgnr import Cgnr
from sojourn.reconstruction.fista import Fista
from sojourn.reconstruction.newton import Newton
from sojourn.reconstruction.tikhonov import Tikhonov
from sojourn.reconstruction.total_variation import TotalVariation

NON_NEGATIVE = {
    "fista": (Fista, {"tolerance": 1e-5, "iterations": 50_000}),
    "total_variation": (
        TotalVariation,
        {"variation": 0.0, "tolerance": 1e-6, "iterations": 50_000},
    ),
    "newton": (
        Newton,
        {"purpose": "quantification", "certified_distance": 5e-5, "tolerance": 1e-6},
    ),
}
LINEAR = {"tikhonov": (Tikhonov, {}), "cgnr": (Cgnr, {"tolerance": 1e-12, "iterations": 2000})}
RULES = ("discrepancy", "l_curve", "gcv")


def solved(method, changes, matrix, scan, **settings):
    prepared = method(background="own_mean", **changes, **settings).prepare(matrix)
    return prepared.reconstruct_relative(scan)


def problem(matrix, scan, bins=None):
    """Return S and u of what is solved, from the prepared rows of another method's floor."""
    rows = Tikhonov(background="own_mean", bins=bins).prepare(matrix).rows
    return rows.columns, corrected_rows(scan, rows.selection, rows.settings.background).mean(axis=0)


@pytest.mark.parametrize("name", NON_NEGATIVE)
@pytest.mark.parametrize("relative", [1e-1, 1e-2, 1e-3])
@pytest.mark.parametrize("position", [0, 4, 8])
def test_the_non_negative_optimum_on_the_real_head_scanner(shared, name, relative, position):
    matrix = head_scanner.line_matrix(shared, "A")
    scan = head_scanner.line_scan(shared, "B", 1, position)
    common = {"bins": head_scanner.HARMONICS, "regularization": relative}
    image = solved(*NON_NEGATIVE[name], matrix, scan, **common)
    columns, signal = problem(matrix, scan, head_scanner.HARMONICS)
    optimum = problems.non_negative_optimum(columns, signal, problems.damping(columns, relative))
    assert problems.relative_error(image.values.ravel(order="F"), optimum) < 1e-4


def simulated(seed=8):
    """Return a SIMULATED calibration and a scan of two blobs with noise."""
    matrix = problems.simulated_matrix()
    rows = matrix.spectra.values
    amounts = np.zeros(100)
    amounts[[27, 28, 72]] = 1.0, 2.0, 1.5
    rng = np.random.default_rng(seed)
    empty = rows[~matrix.is_background].std() * 0.02 * rng.standard_normal((4, *rows.shape[1:]))
    signal = np.tensordot(amounts, rows[:100], axes=1)
    return matrix, synthetic.scan(
        np.concatenate([signal[None] + empty[:1], empty[1:]]),
        [False, True, True, True],
        acquisition=matrix.acquisition,
    )


@pytest.mark.parametrize("name", NON_NEGATIVE)
@pytest.mark.parametrize("relative", [1e-1, 1e-2])
def test_the_non_negative_optimum_on_a_simulated_calibration(name, relative):
    matrix, scan = simulated()
    changes = {"regularization": relative, "matrix_background": "none"}
    image = solved(*NON_NEGATIVE[name], matrix, scan, **changes)
    rows = Tikhonov(background="own_mean", matrix_background="none").prepare(matrix).rows
    signal = rows.signal(scan).mean(axis=0)
    optimum = problems.non_negative_optimum(
        rows.columns, signal, problems.damping(rows.columns, relative)
    )
    assert problems.relative_error(image.values.ravel(order="F"), optimum) < 1e-4


@pytest.mark.parametrize("name", LINEAR)
@pytest.mark.parametrize("relative", [1e-1, 1e-2, 1e-3])
def test_the_linear_optimum_on_the_real_head_scanner(shared, name, relative):
    matrix = head_scanner.line_matrix(shared, "A")
    scan = head_scanner.line_scan(shared, "B", 1, 4)
    common = {"bins": head_scanner.HARMONICS, "regularization": relative}
    image = solved(*LINEAR[name], matrix, scan, **common)
    columns, signal = problem(matrix, scan, head_scanner.HARMONICS)
    optimum = problems.optimum(columns, signal, problems.damping(columns, relative))
    assert problems.relative_error(image.values.ravel(order="F"), optimum) < 1e-8


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", ["tikhonov", "cgnr", "fista", "total_variation"])
def test_a_rule_gives_the_image_of_the_lambda_that_it_found(name, rule):
    method, changes = (LINEAR | NON_NEGATIVE)[name]
    matrix, scan = simulated()
    common = {"matrix_background": "none"}
    image = solved(method, changes, matrix, scan, regularization=rule, **common)
    told = image.provenance.parameters
    assert told["regularization_rule"] == rule
    again = solved(
        method, changes, matrix, scan, regularization=told["regularization_found"], **common
    )
    assert again.provenance.parameters["lambda_absolute"] == pytest.approx(told["lambda_absolute"])
    np.testing.assert_allclose(image.values, again.values, atol=1e-6 * np.abs(again.values).max())
