from dataclasses import replace

import numpy as np
import pytest

from sojourn.core.errors import DataError
from sojourn.core.signals import ArraySpectra
from sojourn.reconstruction._background import Background
from sojourn.reconstruction.kaczmarz import Kaczmarz
from sojourn.reconstruction.uncertainty.noise import (
    estimate_calibration_noise,
    estimate_frame_noise,
    estimate_row_noise,
    stack,
)
from toy_scanner import ROWS, acquisition, empty, response, toy_matrix, toy_scan

BINS = tuple(range(1, ROWS + 1))
NOISE = 0.3
PLACE = np.array([[0.005, 0.005, 0.0]])


def prepared(background=Background.OWN_MEAN, **changes):
    matrix = toy_matrix(np.random.default_rng(1), **changes)
    return Kaczmarz(background=background, bins=BINS).prepare(matrix)


def frames(rng, n, p, mixing=None):
    values = (rng.standard_normal((n, p)) + 1j * rng.standard_normal((n, p))) / np.sqrt(2)
    return values if mixing is None else values @ mixing.T


def brute_shrinkage(block):
    """Schaefer and Strimmer's intensity, pair by pair."""
    centred = block - block.mean(axis=0)
    freedom = len(block) - 1
    power = (np.abs(centred) ** 2).sum(axis=0) / freedom / 2
    relative = (centred / np.sqrt(power)).T
    x = np.concatenate([stack(relative), stack(1j * relative)], axis=1)
    freedom *= 2
    top = bottom = 0.0
    for i in range(len(x)):
        for j in range(len(x)):
            if i == j:
                continue
            w = x[i] * x[j]
            r = w.sum() / freedom
            top += (np.sum(w**2) / freedom - r**2) / (freedom - 1)
            bottom += r**2
    return min(top / bottom, 1.0)


def test_shrinkage_is_that_of_pairs():
    rng = np.random.default_rng(0)
    block = frames(rng, 5, 4, np.eye(4) + 0.8)
    assert estimate_frame_noise([block]).shrinkage == pytest.approx(brute_shrinkage(block))


def test_few_frames_of_independent_rows_are_shrunk_to_a_diagonal():
    found = estimate_frame_noise([frames(np.random.default_rng(0), 5, 30)])
    assert found.shrinkage > 0.7


@pytest.mark.parametrize(("n", "is_shrunk"), [(20, True), (22, False)])
def test_from_twenty_degrees_of_freedom_on_nothing_is_shrunk(n, is_shrunk):
    found = estimate_frame_noise([frames(np.random.default_rng(0), n, 10)])
    assert found.degrees_of_freedom == n - 2
    assert (found.shrinkage > 0) == is_shrunk


def test_noise_that_all_rows_share_is_kept_in_their_sum():
    rng = np.random.default_rng(0)
    maps = np.concatenate([np.ones(60), np.zeros(60)])[None, :]
    found = [
        estimate_frame_noise([frames(rng, 40, 60) + frames(rng, 40, 1)]).along(maps)[0]
        for _ in range(40)
    ]
    # 60 independent halves and 60^2 shared ones
    assert np.mean(found) == pytest.approx((60 + 3600) / 2, rel=0.15)


def test_many_frames_keep_the_correlation_of_rows():
    mixing = np.eye(3) + 0.5
    found = estimate_frame_noise([frames(np.random.default_rng(0), 4000, 3, mixing)])
    covariance = mixing @ mixing.T / 2
    maps = np.array([[1.0, -1.0, 0.5, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]])
    expected = [
        maps[0, :3] @ covariance @ maps[0, :3],
        maps[1, 3:] @ covariance @ maps[1, 3:],
    ]
    assert found.shrinkage < 0.02
    np.testing.assert_allclose(found.along(maps), expected, rtol=0.06)


def test_drawn_noise_has_the_stated_variance():
    found = estimate_frame_noise([frames(np.random.default_rng(0), 12, 3, np.eye(3) + 0.5)])
    drawn = found.draw(40_000, np.random.default_rng(1))
    maps = np.array([[1.0, 1.0, 1.0, 0.0, 0.0, 0.0], [1.0, 0.0, -2.0, 0.0, 0.0, 1.0]])
    np.testing.assert_allclose((drawn @ maps.T).var(axis=0), found.along(maps), rtol=0.04)


@pytest.mark.parametrize(
    ("n", "is_taken_off"),
    [pytest.param(5, False, id="mean-of-few"), pytest.param(6, True, id="line-of-six")],
)
def test_a_straight_drift_within_a_block_is_taken_off_from_six_frames_on(n, is_taken_off):
    rng = np.random.default_rng(0)
    drifting = frames(rng, n, 400) + 50 * np.arange(n)[:, None]
    variance = estimate_frame_noise([drifting]).variance.mean()
    assert (variance < 1.0) == is_taken_off


def test_variances_of_few_frames_are_raised():
    rng = np.random.default_rng(3)
    block = frames(rng, 4, 20_000)
    assert estimate_frame_noise([block]).variance.mean() == pytest.approx(0.5 * 3 / 2, rel=0.02)


@pytest.mark.parametrize("n", [1, 2])
def test_too_few_frames_are_refused(n):
    with pytest.raises(DataError, match="degrees of freedom"):
        estimate_frame_noise([np.ones((n, 3), dtype=complex)])


def test_rows_without_any_noise_are_refused():
    with pytest.raises(DataError, match="no noise at all"):
        estimate_frame_noise([np.ones((4, 3), dtype=complex)])


@pytest.mark.parametrize(
    ("background", "share"),
    [
        pytest.param(Background.NONE, 1 / 4, id="none"),
        pytest.param(Background.OWN_MEAN, 1 / 4 + 1 / 20, id="mean"),
        pytest.param(Background.OWN_LINEAR, 1 / 4 + 0.5**2 / 10 * 2, id="linear"),
    ],
)
def test_frames_averaged_and_frames_subtracted_both_count(background, share):
    rng = np.random.default_rng(0)
    scan = toy_scan(rng, response(PLACE)[0], noise=NOISE)
    found = estimate_row_noise(prepared(background), scan)
    assert found.share == pytest.approx(share)


@pytest.mark.parametrize("background", [Background.OWN_MEAN, Background.OWN_LINEAR])
def test_the_predicted_variance_is_that_of_repeated_scans(background):
    method = prepared(background)
    rng = np.random.default_rng(5)
    scans = [toy_scan(rng, response(PLACE)[0], noise=NOISE) for _ in range(400)]
    signals = np.array([method.rows.signal(scan).mean(axis=0) for scan in scans])
    maps = np.concatenate([np.ones(ROWS), 0.5 * np.ones(ROWS)])[None, :]
    seen = (stack(signals.T).T @ maps[0]).var()
    predicted = np.mean(
        [sum(estimate_row_noise(method, scan).along(maps).values()) for scan in scans]
    )
    assert predicted == pytest.approx(seen, rel=0.2)


def test_a_step_of_the_background_counts_as_drift():
    rng = np.random.default_rng(0)
    scan = toy_scan(rng, response(PLACE)[0], noise=0.01)
    values = scan.spectra.values.copy()
    values[-10:] += 0.5
    stepped = replace(scan, spectra=ArraySpectra(values))
    maps = np.eye(2 * ROWS)
    still = estimate_row_noise(prepared(), scan).along(maps)["background drift"]
    moved = estimate_row_noise(prepared(), stepped).along(maps)["background drift"]
    assert still.mean() < 1e-4
    # a walk of one step, the object halfway between its ends: a quarter of the step's variance
    assert moved.mean() == pytest.approx(0.5**2 / 4 / 2, rel=0.05)


def test_without_frames_of_its_own_the_calibration_stands_in_and_it_is_said():
    rng = np.random.default_rng(0)
    scan = toy_scan(rng, response(PLACE)[0], noise=NOISE, empty_frames=0)
    found = estimate_row_noise(prepared(Background.NONE, noise=NOISE), scan)
    assert found.frame.variance.mean() == pytest.approx(NOISE**2 / 2, rel=0.2)
    assert any("calibration's empty frames" in text for text in found.missing)
    assert any("no background was subtracted" in text for text in found.missing)


def test_one_block_leaves_the_drift_unknown_and_it_is_said():
    rng = np.random.default_rng(0)
    scan = toy_scan(rng, response(PLACE)[0], noise=NOISE)
    first = replace(
        scan, spectra=ArraySpectra(scan.spectra.values[:14]), is_background=np.arange(14) < 10
    )
    found = estimate_row_noise(prepared(), first)
    assert "background drift" not in found.diagonal
    assert any("drift of the background" in text for text in found.missing)


def test_empty_bore_scans_give_noise_and_drift():
    rng = np.random.default_rng(0)
    scan = toy_scan(rng, response(PLACE)[0], noise=NOISE, empty_frames=0)
    bores = [
        replace(
            scan,
            spectra=ArraySpectra(empty(rng, 8, NOISE)[:, None]),
            is_background=np.zeros(8, dtype=bool),
            acquisition=acquisition(),
        )
        for _ in range(2)
    ]
    found = estimate_row_noise(prepared(Background.EXTERNAL_LINEAR), scan, empty=bores)
    assert found.share == pytest.approx(1 / 4 + 0.25 / 8 * 2)
    assert set(found.diagonal) == {"background drift"}


def test_no_empty_frames_anywhere_are_refused():
    rng = np.random.default_rng(0)
    scan = toy_scan(rng, response(PLACE)[0], noise=NOISE, empty_frames=0)
    method = prepared(Background.NONE, frames=1)
    with pytest.raises(DataError, match="repeated frames of the empty bore"):
        estimate_row_noise(method, scan)


def test_noise_of_the_calibration_grows_with_the_image():
    rng = np.random.default_rng(0)
    method = prepared(noise=NOISE)
    scan = toy_scan(rng, response(PLACE)[0], noise=NOISE)
    noise = estimate_row_noise(method, scan)
    image = np.zeros(method.matrix.grid.n_voxels)
    image[3] = 2.0
    found = noise.with_calibration(estimate_calibration_noise(method.rows), image).diagonal[
        "calibration noise"
    ]
    # 2 samples of one column, less the mean of 20 empty frames
    assert found.mean() == pytest.approx(4 * (1 + 1 / 20) * NOISE**2 / 2, rel=0.2)
