from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

import head_scanner
import synthetic_mpi as synthetic
from sojourn.core.errors import DataError
from sojourn.core.signals import ArraySpectra
from sojourn.reconstruction._regularization import (
    RegularizationRule,
    choose_regularization,
    decompose_rows,
    find_regularization,
)
from sojourn.reconstruction._rows import RowSettings, prepare_rows
from sojourn.reconstruction.kaczmarz import Kaczmarz

DISCREPANCY, L_CURVE, GCV = RegularizationRule


def smoothing(rows=40, voxels=30, *, noise=1e-2, seed=0):
    """An ill-posed problem: a real matrix of falling singular values, in complex rows."""
    rng = np.random.default_rng(seed)
    left = np.linalg.qr(rng.standard_normal((2 * rows, 2 * rows)))[0]
    right = np.linalg.qr(rng.standard_normal((voxels, voxels)))[0]
    rank = min(2 * rows, voxels)
    values = 0.7 ** np.arange(rank)
    stacked = (left[:, :rank] * values) @ right[:rank]
    truth = right[:rank].T @ (values**0.5 * rng.standard_normal(rank))
    error = noise * rng.standard_normal(2 * rows)
    signal = stacked @ truth + error
    return stacked[:rows] + 1j * stacked[rows:], signal[:rows] + 1j * signal[rows:], error, truth


def stack(values):
    return np.concatenate([values.real, values.imag])


def solve(matrix, signal, lam):
    """Tikhonov by the normal equations."""
    design = stack(matrix)
    normal = design.T @ design + lam * np.eye(design.shape[1])
    x = np.linalg.solve(normal, design.T @ stack(signal))
    return x, design @ x - stack(signal)


def spectrum_of(matrix):
    return decompose_rows(matrix, np.sum(np.abs(matrix) ** 2) / matrix.shape[1])


@pytest.mark.parametrize(("rows", "voxels"), [(40, 30), (10, 30), (15, 30)])
def test_the_curve_is_that_of_the_solutions(rows, voxels):
    matrix, signal, _, _ = smoothing(rows, voxels)
    found = find_regularization(spectrum_of(matrix), signal, GCV)
    for i in range(60, 220, 20):
        x, residual = solve(matrix, signal, found.lambdas[i])
        assert found.norms[i] == pytest.approx(np.sum(x**2), rel=1e-6)
        assert found.residuals[i] == pytest.approx(np.sum(residual**2), rel=1e-6)


def test_relative_lambda_is_in_units_of_the_mean_squared_column():
    matrix, signal, _, _ = smoothing()
    found = find_regularization(spectrum_of(matrix), signal, GCV)
    unit = np.sum(np.abs(matrix) ** 2) / 30
    assert found.regularization == pytest.approx(found.lambda_absolute / unit, rel=1e-12)


# ---- discrepancy


@pytest.mark.parametrize("s", [0.5, 2.0])
@pytest.mark.parametrize("share", [0.01, 0.3, 0.9])
def test_discrepancy_of_equal_singular_values_is_known_in_closed_form(s, share):
    # A = s I: the residual is lambda / (s^2 + lambda) |b|
    matrix, signal = s * np.eye(4, dtype=complex), np.array([1, -2, 3, 0.5], dtype=complex)
    noise = (share * np.linalg.norm(signal)) ** 2
    found = find_regularization(spectrum_of(matrix), signal, DISCREPANCY, noise=noise)
    assert found.lambda_absolute == pytest.approx(s**2 * share / (1 - share), rel=1e-9)
    assert found.noise == noise


def test_discrepancy_leaves_the_residual_that_noise_has():
    matrix, signal, error, _ = smoothing()
    noise = float(error @ error)
    found = find_regularization(spectrum_of(matrix), signal, DISCREPANCY, noise=noise)
    residual = solve(matrix, signal, found.lambda_absolute)[1]
    assert residual @ residual == pytest.approx(noise, rel=1e-9)
    np.testing.assert_allclose(found.scores, found.residuals - noise)


@pytest.mark.parametrize(
    ("noise", "message"),
    [
        pytest.param(None, "needs the noise of the signal", id="not-known"),
        pytest.param(0.0, "needs the noise of the signal", id="none"),
        pytest.param(1e-9, "differ by more than noise", id="less-than-misfit"),
        pytest.param(1e9, "nothing to reconstruct beyond noise", id="more-than-signal"),
    ],
)
def test_discrepancy_that_cannot_be_met_is_refused(noise, message):
    matrix, signal, _, _ = smoothing()
    with pytest.raises(DataError, match=message):
        find_regularization(spectrum_of(matrix), signal, DISCREPANCY, noise=noise)


# ---- generalised cross-validation


def gcv_by_hand(matrix, signal, lam):
    design = stack(matrix)
    hat = design @ np.linalg.solve(design.T @ design + lam * np.eye(design.shape[1]), design.T)
    left = np.eye(len(hat)) - hat
    n = len(hat)
    return n * np.sum((left @ stack(signal)) ** 2) / np.trace(left) ** 2


@pytest.mark.parametrize(("rows", "voxels"), [(40, 30), (10, 30)])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_gcv_is_the_least_of_a_fine_grid(rows, voxels, seed):
    matrix, signal, _, _ = smoothing(rows, voxels, seed=seed)
    found = find_regularization(spectrum_of(matrix), signal, GCV)
    values = [gcv_by_hand(matrix, signal, lam) for lam in found.lambdas[80:]]
    np.testing.assert_allclose(found.scores[80:], values, rtol=1e-6)
    near = found.lambda_absolute * np.geomspace(0.5, 2, 401)
    best = near[int(np.argmin([gcv_by_hand(matrix, signal, lam) for lam in near]))]
    assert found.lambda_absolute == pytest.approx(best, rel=2e-3), "the grid's own step"
    assert gcv_by_hand(matrix, signal, found.lambda_absolute) <= min(values) * (1 + 1e-9)
    assert not found.is_at_edge


def test_gcv_is_leave_one_out_where_all_rows_weigh_alike():
    """A circulant matrix: every row has the same leverage, so GCV is exactly the mean squared
    error of predicting each row from all others."""
    rng = np.random.default_rng(3)
    first = np.exp(-0.5 * np.arange(16))
    circulant = np.array([np.roll(first, i) for i in range(16)])
    right = circulant @ rng.uniform(0, 1, 16) + 0.05 * rng.standard_normal(16)
    # rows without imaginary parts: their zeros are no data
    found = find_regularization(spectrum_of(circulant.astype(complex)), right.astype(complex), GCV)
    for i in (100, 150, 190):
        lam, errors = found.lambdas[i], []
        for left_out in range(16):
            kept = np.arange(16) != left_out
            design = circulant[kept]
            x = np.linalg.solve(design.T @ design + lam * np.eye(16), design.T @ right[kept])
            errors.append(right[left_out] - circulant[left_out] @ x)
        assert found.scores[i] == pytest.approx(np.mean(np.square(errors)), rel=1e-8)


def test_gcv_comes_near_the_best_lambda_there_is():
    matrix, signal, _, truth = smoothing()
    spectrum = spectrum_of(matrix)
    found = find_regularization(spectrum, signal, GCV)
    errors = [np.linalg.norm(solve(matrix, signal, lam)[0] - truth) for lam in found.lambdas[60:]]
    chosen = np.linalg.norm(solve(matrix, signal, found.lambda_absolute)[0] - truth)
    assert chosen < 1.3 * min(errors)


# ---- L-curve


def points(matrix, signal, lam):
    x, residual = solve(matrix, signal, lam)
    return np.log(np.linalg.norm(residual)), np.log(np.linalg.norm(x))


def curvature_by_circle(matrix, signal, lam):
    """Signed curvature of the circle through three near points of the curve."""
    a, b, c = (np.array(points(matrix, signal, lam * f)) for f in (1 / 1.02, 1, 1.02))
    area = (b - a)[0] * (c - a)[1] - (b - a)[1] * (c - a)[0]
    sides = np.linalg.norm(b - a) * np.linalg.norm(c - b) * np.linalg.norm(c - a)
    return 2 * area / sides


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_l_curve_bends_most_where_a_grid_says_so(seed):
    matrix, signal, _, _ = smoothing(seed=seed)
    found = find_regularization(spectrum_of(matrix), signal, L_CURVE)
    for i in (100, 140, 180):
        expected = curvature_by_circle(matrix, signal, found.lambdas[i])
        assert found.scores[i] == pytest.approx(expected, rel=0.02, abs=0.01)
    near = found.lambda_absolute * np.geomspace(0.5, 2, 201)
    bends = [curvature_by_circle(matrix, signal, lam) for lam in near]
    assert found.lambda_absolute == pytest.approx(near[int(np.argmax(bends))], rel=0.03)
    assert max(bends) > 0


def test_l_curve_of_two_singular_values_turns_between_them():
    matrix = np.diag([1.0, 1e-3]).astype(complex)
    signal = np.array([1.0, 1e-2], dtype=complex)
    found = find_regularization(spectrum_of(matrix), signal, L_CURVE)
    assert 1e-6 < found.lambda_absolute < 1
    assert not found.is_at_edge


@pytest.mark.parametrize("seed", range(8))
def test_l_curve_stays_between_the_squared_singular_values(seed):
    matrix, signal, _, _ = smoothing(30, 6, noise=0.3, seed=seed)
    values = np.linalg.svd(stack(matrix), compute_uv=False)
    found = find_regularization(spectrum_of(matrix), signal, L_CURVE)
    assert values[-1] ** 2 <= found.lambda_absolute <= values[0] ** 2


def test_l_curve_of_equal_singular_values_has_an_answer():
    signal = np.array([1, 2, 0.5, 3j], dtype=complex)
    found = find_regularization(spectrum_of(np.eye(4, dtype=complex)), signal, L_CURVE)
    assert 0.1 <= found.lambda_absolute <= 10


# ---- common to all rules


@pytest.mark.parametrize("rule", RegularizationRule)
def test_units_of_the_signal_do_not_matter(rule):
    matrix, signal, error, _ = smoothing()
    noise = float(error @ error)
    one, other = (
        find_regularization(
            spectrum_of(scale * matrix), 5 * signal, rule, noise=25 * noise
        ).regularization
        for scale in (1.0, 7.0)
    )
    assert one == pytest.approx(other, rel=1e-6)


@pytest.mark.parametrize("rule", RegularizationRule)
def test_rows_without_weight_do_not_count(rule):
    matrix, signal, error, _ = smoothing()
    noise = float(error @ error)
    plain = find_regularization(spectrum_of(matrix), signal, rule, noise=noise)
    more = np.vstack([matrix, np.zeros((9, 30))])
    longer = np.append(signal, np.zeros(9))
    found = find_regularization(spectrum_of(more), longer, rule, noise=noise)
    assert found.regularization == pytest.approx(plain.regularization, rel=1e-9)


def test_a_signal_without_noise_needs_no_lambda_and_says_that_it_lies_at_the_edge():
    matrix = np.diag([1.0, 0.9, 0.8]).astype(complex)
    wide = np.vstack([matrix, np.ones((1, 3))])
    found = find_regularization(spectrum_of(wide), wide @ np.ones(3), GCV)
    assert found.is_at_edge
    assert found.lambda_absolute == found.lambdas[0]
    assert found.report()["regularization_at_edge"] is True


def test_nothing_to_choose_from_is_refused():
    matrix, signal, _, _ = smoothing()
    with pytest.raises(DataError, match="signal is zero in every row"):
        find_regularization(spectrum_of(matrix), 0 * signal, GCV)
    with pytest.raises(DataError, match="all 40 selected rows"):
        decompose_rows(0 * matrix, 1.0)


# ---- as a setting


def noisy_scans(matrix, n_frames=6, level=0.4):
    """SIMULATED: the calibration's own voxels, mixed, with noise in every frame."""
    rng = np.random.default_rng(5)
    values = matrix.spectra.values
    empty = values[12:].mean(axis=0)
    amounts = np.linspace(0, 1, 12)
    object_ = np.tensordot(amounts, values[:12] - empty, axes=1) + empty
    frames = np.array([object_] * n_frames + [empty] * n_frames)
    frames = frames + level * synthetic.random_spectra(rng, 2 * n_frames, matrix.acquisition)
    return synthetic.scan(frames, [False] * n_frames + [True] * n_frames)


@pytest.mark.parametrize("rule", RegularizationRule)
def test_kaczmarz_takes_the_rule_and_tells_what_it_found(rule):
    matrix = synthetic.matrix(background=(True,) * 3)
    scan = noisy_scans(matrix)
    common = {"background": "own_mean", "iterations": 30}
    prepared = Kaczmarz(regularization=rule.value, **common).prepare(matrix)
    image = prepared.reconstruct_relative(scan)
    told = image.provenance.parameters
    assert told["regularization"] == told["regularization_rule"] == rule.value
    by_hand = Kaczmarz(regularization=told["regularization_found"], **common).prepare(matrix)
    expected = by_hand.reconstruct_relative(scan)
    np.testing.assert_allclose(image.values, expected.values, rtol=1e-9, atol=1e-12)
    assert told["lambda_absolute"] == pytest.approx(
        expected.provenance.parameters["lambda_absolute"], rel=1e-12
    )
    assert ("noise_norm" in told) == (rule is DISCREPANCY)


def test_the_choice_equals_that_of_the_function():
    matrix = synthetic.matrix(background=(True,) * 3)
    scan = noisy_scans(matrix)
    prepared = prepare_rows(RowSettings(background="own_mean"), matrix)
    found = choose_regularization(prepared, prepared.signal(scan).mean(axis=0), GCV)
    image = Kaczmarz(background="own_mean", regularization="gcv").prepare(matrix)
    told = image.reconstruct_relative(scan).provenance.parameters
    assert told["regularization_found"] == pytest.approx(found.regularization, rel=1e-12)


def test_discrepancy_aims_at_the_noise_of_the_mean_that_is_reconstructed():
    matrix = synthetic.matrix(background=(True,) * 3)
    n_frames, level = 60, 0.4
    scan = noisy_scans(matrix, n_frames, level)
    prepared = Kaczmarz(
        background="own_mean", regularization="discrepancy", bins=range(1, 4), average=20
    ).prepare(matrix)
    # E|rfft|^2 = 32 level^2 in each of 6 rows, of the mean of n frames less the mean of 60
    one = 32 * level**2 * 6
    told = prepared.reconstruct_relative(scan).provenance.parameters
    assert told["noise_norm"] ** 2 == pytest.approx(one * (1 / 60 + 1 / 60), rel=0.1)
    for image in prepared.reconstruct_series(scan):
        told = image.provenance.parameters
        assert told["noise_norm"] ** 2 == pytest.approx(one * (1 / 20 + 1 / 60), rel=0.1)


def test_discrepancy_of_a_signal_without_its_scan_is_refused():
    matrix = synthetic.matrix(background=(True,) * 3)
    prepared = Kaczmarz(background="own_mean", regularization="discrepancy").prepare(matrix)
    with pytest.raises(DataError, match="needs the noise of the signal"):
        prepared.solver(np.ones(34, dtype=complex))


def test_discrepancy_without_any_repeated_empty_frame_is_refused():
    matrix = synthetic.matrix(background=(True,))
    scan = synthetic.scan(matrix.spectra.values[[0, 12]], [False, True])
    prepared = Kaczmarz(background="own_mean", regularization="discrepancy").prepare(matrix)
    with pytest.raises(DataError, match="repeated frames of the empty bore"):
        prepared.reconstruct_relative(scan)


@pytest.mark.parametrize("wrong", ["GCV", "curve", -0.1, float("inf")])
def test_a_lambda_that_is_none_is_refused(wrong):
    with pytest.raises(ValidationError):
        Kaczmarz(background="none", regularization=wrong)


def test_the_rules_scale_with_the_noise_of_a_simulated_scan():
    """SIMULATED: more noise, more lambda, by every rule."""
    matrix = synthetic.matrix(background=(True,) * 3)
    # voxels that are nearly alike: an ill-posed problem
    values = np.array(matrix.spectra.values)
    mixing = np.exp(-np.abs(np.subtract.outer(np.arange(12), np.arange(12))) / 6.0)
    values[:12] = np.tensordot(mixing, values[:12], axes=1)
    matrix = replace(matrix, spectra=ArraySpectra(values))
    for rule in (DISCREPANCY, GCV):
        settings = Kaczmarz(background="own_mean", regularization=rule)
        found = [
            settings.prepare(matrix)
            .reconstruct_relative(noisy_scans(matrix, level=level))
            .provenance.parameters["regularization_found"]
            for level in (0.1, 1.0, 4.0)
        ]
        assert found == sorted(found)
        assert found[-1] > 3 * found[0]


@pytest.mark.parametrize("rule", ["gcv", "l_curve", "discrepancy"])
def test_every_rule_finds_every_place_of_the_other_run(shared, rule):
    settings = Kaczmarz(
        background="own_mean",
        iterations=100,
        regularization=rule,
        bins=head_scanner.HARMONICS,
    )
    prepared = settings.prepare(head_scanner.line_matrix(shared, "A", empty_lines=(0, 1, 2)))
    scans = [head_scanner.line_scan(shared, "B", 1, p) for p in range(9)]
    images = [prepared.reconstruct_relative(scan) for scan in scans]
    assert [int(np.argmax(image.values)) for image in images] == list(range(9))
