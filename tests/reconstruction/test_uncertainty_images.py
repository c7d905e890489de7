"""Uncertainty of images against closed forms, repeated scans, and every method there is."""

from dataclasses import replace

import numpy as np
import pytest

import x_space_scanner
from sojourn.core.errors import DataError
from sojourn.core.geometry import Grid
from sojourn.core.registry import Registry
from sojourn.core.signals import ArraySpectra
from sojourn.reconstruction._background import Background
from sojourn.reconstruction._prepared import PreparedMethod, Solution
from sojourn.reconstruction._rows import RowSettings, prepare_rows
from sojourn.reconstruction.kaczmarz import Kaczmarz, arrange_rows, solve
from sojourn.reconstruction.uncertainty.functionals import (
    DenseMap,
    TikhonovMap,
    find_linear_map,
    mean_over,
    peak_of,
    sum_over,
    tikhonov_map,
)
from sojourn.reconstruction.uncertainty.images import active_set_uncertainty, image_uncertainty
from sojourn.reconstruction.uncertainty.noise import (
    estimate_calibration_noise,
    estimate_row_noise,
    stack,
)
from sojourn.reconstruction.uncertainty.recovery import linear_recovery, probed_recovery
from toy_scanner import ROWS, SPACING, response, toy_grid, toy_mask, toy_matrix, toy_scan

BINS = tuple(range(1, ROWS + 1))
NOISE = 0.3
SHAPE = (6, 2, 1)
PLACE = toy_grid(SHAPE).centers()[3:4]
METHODS = Registry("sojourn.reconstruction", "METHOD")


def unconstrained(matrix, *, sweeps=150, regularization=0.1, real=True, damping_known=True):
    """Kaczmarz without non-negativity, as a prepared method."""
    rows = prepare_rows(RowSettings(background=Background.OWN_MEAN, bins=BINS), matrix)
    damping = rows.lambda_absolute(regularization)
    arranged = arrange_rows(rows.columns, damping)

    def solver(signal):
        return Solution(
            solve(arranged, signal, iterations=sweeps, real=real, non_negative=False).real
        )

    extra = {"lambda_absolute": damping} if damping_known else {}
    return PreparedMethod("unconstrained", rows, solver, extra)


def constrained(matrix, *, iterations=40, regularization=0.1):
    return Kaczmarz(
        background=Background.OWN_MEAN,
        bins=BINS,
        iterations=iterations,
        regularization=regularization,
    ).prepare(matrix)


@pytest.fixture(scope="module")
def matrix():
    return toy_matrix(np.random.default_rng(1), shape=SHAPE, noise=0.01)


@pytest.fixture(scope="module")
def scan():
    return toy_scan(np.random.default_rng(2), response(PLACE)[0], noise=NOISE)


def signal_of(prepared, scan):
    return prepared.rows.signal(scan).mean(axis=0)


def closed_form(prepared, *, real=True):
    """The linear map of Tikhonov, written out: x real, or the real part of complex x."""
    columns, damping = prepared.rows.columns, prepared.extra["lambda_absolute"]
    if real:
        a = stack(columns)
        return np.linalg.inv(a.T @ a + damping * np.eye(a.shape[1])) @ a.T
    a = columns
    k = np.linalg.inv(a.conj().T @ a + damping * np.eye(a.shape[1])) @ a.conj().T
    return np.concatenate([k.real, -k.imag], axis=1)


@pytest.mark.parametrize("real", [True, False])
@pytest.mark.parametrize("shape", [(6, 2, 1), (6, 4, 3)], ids=["few-voxels", "few-rows"])
def test_direct_map_is_the_closed_form(real, shape):
    prepared = unconstrained(toy_matrix(np.random.default_rng(1), shape=shape))
    found = tikhonov_map(prepared.rows, prepared.extra["lambda_absolute"], real=real)
    n = prepared.matrix.grid.n_voxels
    assert found.is_dual == (n > (2 * ROWS if real else ROWS))
    np.testing.assert_allclose(
        found.adjoint(np.eye(n)), closed_form(prepared, real=real), rtol=0, atol=1e-9
    )


def test_a_singular_problem_is_refused():
    rows = unconstrained(toy_matrix(np.random.default_rng(1), shape=SHAPE)).rows
    rows.columns[:, 0] = 0
    with pytest.raises(DataError, match="singular"):
        tikhonov_map(rows, 0.0)


def test_a_converged_linear_method_is_recognised_and_not_probed(matrix, scan):
    prepared = unconstrained(matrix, real=False, regularization=1.0)
    found = find_linear_map(prepared, signal_of(prepared, scan), max_probes=0)
    assert isinstance(found, TikhonovMap)


@pytest.mark.parametrize("damping_known", [True, False])
def test_an_unconverged_linear_method_is_probed(matrix, scan, damping_known):
    prepared = unconstrained(matrix, sweeps=1, damping_known=damping_known)
    signal = signal_of(prepared, scan)
    found = find_linear_map(prepared, signal)
    assert isinstance(found, DenseMap)
    np.testing.assert_allclose(found.values @ stack(signal), prepared.solver(signal).values)


def test_a_constrained_method_has_no_linear_map(matrix, scan):
    prepared = constrained(matrix)
    assert find_linear_map(prepared, signal_of(prepared, scan)) is None


def test_a_linear_methods_standard_deviation_is_the_closed_form(matrix, scan):
    prepared = unconstrained(matrix, real=False, regularization=1.0)
    found = image_uncertainty(prepared, scan, rng=np.random.default_rng(0))
    k = closed_form(prepared, real=False)
    noise = estimate_row_noise(prepared, scan).with_calibration(
        estimate_calibration_noise(prepared.rows), found.values.ravel(order="F")
    )
    covariance = noise.share * np.array(
        [
            [
                (noise.frame.along((a + b)[None]) - noise.frame.along((a - b)[None]))[0] / 4
                for a in np.eye(2 * ROWS)
            ]
            for b in np.eye(2 * ROWS)
        ]
    )
    covariance += np.diag(sum(noise.diagonal.values()))
    expected = np.sqrt(np.diag(k @ covariance @ k.T)).reshape(SHAPE, order="F")
    np.testing.assert_allclose(found.standard_deviation, expected, rtol=1e-8)
    assert set(found.components) == {"noise", "background drift", "calibration noise"}


@pytest.mark.parametrize("make", [unconstrained, constrained], ids=["linear", "constrained"])
def test_standard_deviations_are_those_of_repeated_scans(matrix, make):
    prepared = make(matrix, regularization=1.0)
    rng = np.random.default_rng(3)
    signal = response(PLACE)[0] + 0.5 * response(toy_grid(SHAPE).centers()).sum(axis=0)
    scans = [toy_scan(rng, signal, noise=NOISE) for _ in range(200)]
    images = np.array([prepared.reconstruct_relative(s).values for s in scans])
    found = np.mean(
        [
            image_uncertainty(prepared, s, rng=rng, draws=60).standard_deviation ** 2
            for s in scans[:6]
        ],
        axis=0,
    )
    seen = images.var(axis=0)
    ratio = np.sqrt(found / np.maximum(seen, 1e-12))[seen > 0.01 * seen.max()]
    assert 0.75 < np.median(ratio) < 1.3


def test_a_bootstrap_is_that_of_its_generator(matrix, scan):
    prepared = constrained(matrix, iterations=20)
    one, same, other = (
        image_uncertainty(prepared, scan, rng=np.random.default_rng(s), draws=20) for s in (0, 0, 1)
    )
    assert np.array_equal(one.standard_deviation, same.standard_deviation)
    assert not np.array_equal(one.standard_deviation, other.standard_deviation)
    assert "parametric bootstrap, 20 draws" in one.statement


def test_too_few_draws_are_refused(matrix, scan):
    with pytest.raises(DataError, match="at least 20 draws"):
        image_uncertainty(constrained(matrix), scan, rng=np.random.default_rng(0), draws=19)


def test_linearised_standard_deviation_agrees_with_the_bootstrap_where_nothing_is_clipped(matrix):
    everywhere = 3 * response(toy_grid(SHAPE).centers()).sum(axis=0)
    scan = toy_scan(np.random.default_rng(2), everywhere, noise=0.02)
    prepared = constrained(matrix, iterations=400)
    cheap = active_set_uncertainty(prepared, scan)
    drawn = image_uncertainty(prepared, scan, rng=np.random.default_rng(0), draws=100)
    assert (cheap.values > 0).all()
    ratio = cheap.standard_deviation / drawn.standard_deviation
    assert np.sqrt((ratio**2).mean()) == pytest.approx(1.0, abs=0.1)
    assert "linearised over the 12 voxels" in cheap.statement


def test_what_has_not_converged_is_not_linearised(matrix, scan):
    with pytest.raises(DataError, match="from the optimum"):
        active_set_uncertainty(constrained(matrix, iterations=1), scan)


def test_recovery_of_a_linear_method_is_the_resolution_matrix(matrix, scan):
    prepared = unconstrained(matrix)
    k = closed_form(prepared)
    resolution = k @ stack(prepared.rows.columns)
    map_ = tikhonov_map(prepared.rows, prepared.extra["lambda_absolute"])
    found = linear_recovery(map_, prepared.rows.columns, prepared.matrix.grid)
    np.testing.assert_allclose(found.own, np.diag(resolution), rtol=1e-9)
    np.testing.assert_allclose(found.whole, resolution.sum(axis=0), rtol=1e-9)
    signal = signal_of(prepared, scan)
    image = prepared.solver(signal).values
    probed = probed_recovery(prepared, signal, image, max_probes=100)
    np.testing.assert_allclose(probed.own, found.own, rtol=1e-3)
    np.testing.assert_allclose(probed.width, found.width, rtol=1e-2)


def test_the_width_is_that_of_a_gaussian():
    from sojourn.reconstruction.uncertainty.recovery import _width

    grid = Grid.centered((81, 81, 1), (1e-3, 1e-3, 1e-3))
    x = np.arange(-40, 41) * 1e-3
    sigma = 5e-3
    blob = np.exp(-(x[:, None] ** 2 + x**2) / (2 * sigma**2)).ravel()
    width = _width(np.array([blob.sum()]), np.array([(blob**2).sum()]), grid)
    assert width[0] == pytest.approx(2.3548 * sigma, rel=1e-3)


def test_sources_far_apart_are_probed_together(scan):
    wide = toy_matrix(np.random.default_rng(1), shape=(6, 4, 1))
    prepared = unconstrained(wide, regularization=1e-6)
    signal = signal_of(prepared, scan)
    image = prepared.solver(signal).values
    alone = probed_recovery(prepared, signal, image, max_probes=24)
    together = probed_recovery(prepared, signal, image, max_probes=12)
    assert "3 x 3 x 1 voxels apart" in together.how
    assert together.own.shape == alone.own.shape
    assert together.own.min() > 0


def test_a_voxel_that_gives_no_signal_is_blind():
    matrix = toy_matrix(np.random.default_rng(1), shape=SHAPE, noise=1e-9)
    values = matrix.spectra.values.copy()
    values[5] = values[matrix.is_background].mean(axis=0)
    matrix = replace(matrix, spectra=ArraySpectra(values))
    scan = toy_scan(np.random.default_rng(2), response(PLACE)[0], noise=0.01)
    found = image_uncertainty(constrained(matrix), scan, rng=np.random.default_rng(0), draws=20)
    blind = found.is_blind.ravel(order="F")
    assert blind[5]
    assert not blind[3]
    assert found.recovery.ravel(order="F")[5] < 0.1 <= found.recovery.ravel(order="F")[3]


def test_an_empty_image_has_no_recovery_to_probe(matrix, scan):
    prepared = constrained(matrix)
    with pytest.raises(DataError, match="zero everywhere"):
        probed_recovery(prepared, signal_of(prepared, scan), np.zeros(12), max_probes=100)


def mask_of(n_inside):
    grid = toy_grid(SHAPE)
    labels = (np.arange(grid.n_voxels) < n_inside).reshape(SHAPE, order="F")
    return toy_mask(labels, grid, {1: "cavity"})


def test_a_functional_is_named_and_is_no_amount(matrix, scan):
    prepared = unconstrained(matrix)
    found = image_uncertainty(prepared, scan, rng=np.random.default_rng(0))
    one = found.estimate(sum_over(mask_of(4), "cavity", matrix.grid)).estimate
    assert one.value == pytest.approx(found.values.ravel(order="F")[:4].sum())
    assert one.unit == "calibration samples summed over the image"
    assert any("not an amount" in note for note in one.notes)
    assert any("regularisation bias" in note for note in one.notes)
    sd = np.sqrt(sum(v**2 for v in one.components.values()))
    assert one.upper - one.value == pytest.approx(1.959964 * sd, rel=1e-5)


def test_mean_and_peak_are_per_voxel(matrix, scan):
    found = image_uncertainty(unconstrained(matrix), scan, rng=np.random.default_rng(0))
    mean = found.estimate(mean_over(mask_of(4), "cavity", matrix.grid)).estimate
    peak = found.estimate(peak_of(found.values.ravel(order="F"))).estimate
    assert mean.value == pytest.approx(found.values.ravel(order="F")[:4].mean())
    assert peak.value == pytest.approx(found.values.max())
    assert mean.unit == peak.unit == "calibration samples per voxel"
    assert any("drawn upwards" in note for note in peak.notes)


def test_iron_is_stated_in_kilograms_where_the_sample_is_known(scan):
    known = toy_matrix(np.random.default_rng(1), shape=SHAPE, noise=0.01, sample_iron=2e-9)
    bare = toy_matrix(np.random.default_rng(1), shape=SHAPE, noise=0.01)
    one, other = (
        image_uncertainty(unconstrained(m), scan, rng=np.random.default_rng(0))
        for m in (known, bare)
    )
    scale = 2e-9 / SPACING**3
    np.testing.assert_allclose(one.standard_deviation, other.standard_deviation * scale)
    assert one.unit == "kg/m^3"
    total = one.estimate(sum_over(mask_of(4), "cavity", known.grid)).estimate
    assert total.unit == "kg summed over the image"
    assert total.value == pytest.approx(
        2e-9 * other.estimate(sum_over(mask_of(4), "cavity", known.grid)).estimate.value
    )


def test_regularisation_bias_is_apart_from_the_interval(matrix, scan):
    prepared = unconstrained(matrix, regularization=1.0)
    found = image_uncertainty(prepared, scan, rng=np.random.default_rng(0))
    result = found.estimate(peak_of(found.values.ravel(order="F")))
    image = found.values.ravel(order="F")
    again = closed_form(prepared) @ stack(prepared.rows.columns) @ image
    expected = again[image.argmax()] - image.max()
    assert expected < 0
    assert result.regularization_bias == pytest.approx(expected, rel=1e-6)


def test_a_mask_of_another_grid_is_refused():
    with pytest.raises(DataError, match="mask on its grid"):
        sum_over(mask_of(4), "cavity", toy_grid((5, 2, 1)))


def along_a_line(matrix, scan):
    """Return a calibration, a scan and bins of a scanner that x-space can follow, with noise."""
    taken = x_space_scanner.acquisition()
    grid = Grid.centered((6, 2, 1), (2e-3, 2e-3, 2e-3))
    clean = x_space_scanner.signals(grid.centers(), taken)
    rng = np.random.default_rng(0)

    def noisy(like, rows, is_background):
        size = 0.01 * np.abs(clean).max()
        noise = size * (rng.standard_normal((2, len(is_background), *clean.shape[1:])))
        spectra = noise[0] + 1j * noise[1]
        spectra[~is_background] += rows
        return replace(
            like, spectra=ArraySpectra(spectra), acquisition=taken, is_background=is_background
        )

    made = replace(noisy(matrix, clean, np.arange(22) >= 12), grid=grid)
    return made, noisy(scan, clean[3:4], np.arange(12) > 0), None


@pytest.mark.parametrize("name", METHODS.names())
def test_every_method_has_an_uncertainty(name, matrix, scan):
    bins = BINS
    if name == "x_space":
        matrix, scan, bins = along_a_line(matrix, scan)
    settings = METHODS.get(name)(background=Background.OWN_MEAN, bins=bins)
    prepared = settings.prepare(matrix)
    found = image_uncertainty(prepared, scan, rng=np.random.default_rng(0), draws=20)
    assert found.standard_deviation.shape == SHAPE
    assert np.isfinite(found.standard_deviation).all()
    assert (found.standard_deviation >= 0).all()
    assert found.standard_deviation.max() > 0
    assert np.isfinite(found.recovery).all()
    np.testing.assert_allclose(found.values, prepared.reconstruct_relative(scan).values)
