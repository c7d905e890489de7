import json

import numpy as np
import pytest

from sojourn.core.errors import DataError
from sojourn.formats.mdf import (
    check_mdf,
    read_patch_matrices,
    read_patches,
    read_scan,
    read_system_matrix,
)
from sojourn.physics.scanner_presets import PRESETS
from sojourn.reconstruction.kaczmarz import Kaczmarz
from sojourn.study.simulating_scans import (
    FILES,
    PHANTOMS,
    VIEWS,
    SimulatedScan,
    listed_simulations,
    parse_voxels,
    simulate_files,
)


def plan(scanner="knee", **changes):
    values = {"seed": 7, "voxels": (5, 4, 5), "frames": 3, "background_frames": 4}
    return SimulatedScan(scanner, **{**values, **changes})


def test_the_files_are_strict_labelled_and_say_what_is_true(tmp_path):
    simulate_files(plan(), tmp_path / "new")
    for name in FILES[:2]:
        assert not check_mdf(tmp_path / "new" / name)
    matrix = read_system_matrix(tmp_path / "new" / "calibration.mdf")
    scan = read_scan(tmp_path / "new" / "measurement.mdf")
    assert matrix.is_simulated
    assert scan.is_simulated
    assert matrix.sample_iron == pytest.approx(10e-9)
    assert matrix.grid.shape == (5, 4, 5)
    # As wide as the preset's own view: 120 x 80 x 120 mm.
    np.testing.assert_allclose(
        np.array(matrix.grid.shape) * matrix.grid.spacing, [0.12, 0.08, 0.12]
    )
    assert (int((~scan.is_background).sum()), int(scan.is_background.sum())) == (3, 8)
    truth = json.loads((tmp_path / "new" / "truth.json").read_text(encoding="utf-8"))
    assert (truth["data"], truth["iron_ug"], truth["seed"]) == ("SIMULATED", 100.0, 7)


def test_equal_plans_give_equal_bytes_whatever_the_threads(tmp_path):
    simulate_files(plan(), tmp_path / "a")
    simulate_files(plan(), tmp_path / "b", threads=2)
    simulate_files(plan(seed=8), tmp_path / "c")
    for name in FILES:
        a, b, c = ((tmp_path / folder / name).read_bytes() for folder in "abc")
        assert a == b
        assert a != c


def test_known_iron_comes_back_through_files_and_reconstruction(tmp_path):
    simulate_files(plan(voxels=(12, 8, 12), phantom="ball", snr=1e5), tmp_path)
    matrix = read_system_matrix(tmp_path / "calibration.mdf")
    scan = read_scan(tmp_path / "measurement.mdf")
    method = Kaczmarz(background="own_mean", regularization=1e-4, iterations=50)
    image = method.prepare(matrix).reconstruct(scan)
    total = image.values.sum() * matrix.grid.voxel_volume
    # Another temperature (5 %), a ball on voxels of 10 mm, point samples, regularization.
    assert total == pytest.approx(100e-9, rel=0.2)
    center = np.tensordot(image.values.ravel(order="F"), matrix.grid.centers(), axes=1)
    assert np.linalg.norm(center / image.values.sum()) < 2e-3


@pytest.mark.parametrize(
    ("scanner", "patches", "voxels"),
    [
        ("human_head", 1, (5, 1, 1)),
        ("single_sided", 5, (3, 3, 2)),
        ("field_free_line", 16, (3, 3, 1)),
    ],
)
def test_every_patch_becomes_a_period(tmp_path, scanner, patches, voxels):
    simulate_files(plan(scanner, voxels=voxels, phantom="points"), tmp_path)
    assert len(read_patch_matrices(tmp_path / "calibration.mdf")) == patches
    scans = read_patches(tmp_path / "measurement.mdf")
    assert len(scans) == patches
    assert all(scan.acquisition.unit == "V" for scan in scans)


def test_a_large_period_keeps_its_band_only(tmp_path):
    simulate_files(plan("preclinical", voxels=(2, 1, 1), frames=1, background_frames=2), tmp_path)
    matrix = read_system_matrix(tmp_path / "calibration.mdf")
    frequencies = matrix.acquisition.frequencies()[matrix.spectra.bins]
    assert 80e3 <= frequencies.min() < 80.1e3
    assert 249.9e3 < frequencies.max() <= 250e3


@pytest.mark.parametrize("phantom", PHANTOMS)
def test_every_phantom_holds_the_iron_asked_for(tmp_path, phantom):
    # A linear signal: twice the iron, twice the mean frame; noise is negligible.
    means = []
    for iron in (50.0, 100.0):
        simulate_files(plan(phantom=phantom, iron_ug=iron, snr=1e9), tmp_path)
        scan = read_scan(tmp_path / "measurement.mdf")
        rows = scan.spectra.read(0, np.arange(10, 120))
        means.append(rows[~scan.is_background].mean(axis=0))
    np.testing.assert_allclose(means[1], 2 * means[0], rtol=0, atol=1e-4 * np.abs(means[1]).max())


def test_the_noise_is_what_the_ratio_says(tmp_path):
    simulate_files(plan(snr=100.0, background_frames=200), tmp_path)
    scan = read_scan(tmp_path / "measurement.mdf")
    matrix = read_system_matrix(tmp_path / "calibration.mdf")
    bins = np.arange(1, 128)
    strongest = max(
        np.abs(matrix.spectra.read(c, bins)[~matrix.is_background]).max() for c in range(3)
    )
    empty = scan.spectra.read(1, bins)[scan.is_background]
    # 400 frames x 127 bins: the root mean square is known to 0.3 %.
    assert strongest / np.sqrt(np.mean(np.abs(empty) ** 2)) == pytest.approx(100.0, rel=0.03)


def test_every_preset_has_a_view_and_is_listed():
    assert set(VIEWS) == set(PRESETS)
    text = listed_simulations()
    for name in (*PRESETS, *PHANTOMS, "ferumoxytol"):
        assert name in text


@pytest.mark.parametrize(
    "wrong",
    [
        {"scanner": "mouse"},
        {"tracer": "gold"},
        {"phantom": "cat"},
        {"iron_ug": 0.0},
        {"iron_ug": float("nan")},
        {"iron_ug": float("inf")},
        {"sample_iron_ug": -1.0},
        {"snr": 0.0},
        {"frames": 0},
        {"frames": 10**9},
        {"background_frames": 1},
        {"seed": -1},
        {"voxels": (0, 1, 1)},
    ],
)
def test_plans_that_mean_nothing_are_refused(wrong):
    with pytest.raises(DataError):
        plan(**wrong)


def test_a_calibration_larger_than_memory_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(DataError, match="ask for fewer voxels"):
        simulate_files(plan(voxels=(100_000, 100_000, 100_000)), tmp_path / "big")
    assert not (tmp_path / "big").exists()
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="is a file"):
        simulate_files(plan(), tmp_path / "file")


@pytest.mark.parametrize("text", ["9x9", "9x9x", "axbxc", "-1x2x3", "1.5x2x2", "²x2x2", ""])
def test_voxels_are_three_whole_numbers(text):
    assert parse_voxels("9x8x7") == (9, 8, 7)
    with pytest.raises(DataError, match="such as 9x9x5"):
        parse_voxels(text)
