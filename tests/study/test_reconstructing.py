"""An image with its uncertainty, from files to files."""

import json
from dataclasses import replace

import numpy as np
import pytest

from mdf_headers import HEADER
from sojourn.core.errors import DataError
from sojourn.formats.mdf import write_scan, write_system_matrix
from sojourn.formats.nifti import read_description, read_image
from sojourn.study.reconstructing import beside_path, parameters_path, reconstruct_file
from toy_scanner import ROWS, response, toy_grid, toy_matrix, toy_scan

SHAPE = (6, 2, 1)
SETTINGS = {"background": "own_mean", "bins": tuple(range(1, ROWS + 1))}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scans")
    rng = np.random.default_rng(1)
    write_system_matrix(folder / "sm.mdf", timed(toy_matrix(rng, shape=SHAPE, noise=0.01)), HEADER)
    signal = response(toy_grid(SHAPE).centers()[3:4])[0]
    write_scan(folder / "scan.mdf", timed(toy_scan(rng, signal, noise=0.1)), HEADER)
    return folder


def timed(value):
    """Return a scan or calibration as a file needs it: with a time."""
    taken = replace(value.acquisition, start_time="2026-01-02T03:04:05.678")
    return replace(value, acquisition=taken)


def made(files, tmp_path, **changes):
    output = tmp_path / "image.nii.gz"
    given = {"settings": SETTINGS, "method": "tikhonov"} | changes
    image = reconstruct_file(files / "scan.mdf", files / "sm.mdf", output, **given)
    return image, output, json.loads(parameters_path(output).read_text(encoding="utf-8"))


@pytest.mark.parametrize("method", ["tikhonov", "kaczmarz"])
def test_uncertainty_stands_beside_the_image(files, tmp_path, method):
    image, output, document = made(files, tmp_path, method=method, uncertainty_seed=1)
    sd, grid = read_image(beside_path(output, "sd"))
    recovery, _ = read_image(beside_path(output, "recovery"))
    assert grid.is_same_as(image.grid)
    said = document["uncertainty"]
    assert said["blind_voxels"] == int((sd == -1).sum())
    assert ((sd == -1) == (recovery < 0.1)).all()
    assert sd.max() > 0
    assert "Not included" in said["statement"]
    assert said["files"] == {"sd": "image_sd.nii.gz", "recovery": "image_recovery.nii.gz"}


def test_the_same_seed_gives_the_same_bytes(files, tmp_path):
    contents = []
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        _, output, _ = made(files, folder, method="kaczmarz", uncertainty_seed=7)
        contents.append(beside_path(output, "sd").read_bytes())
    assert contents[0] == contents[1]


def test_no_uncertainty_is_written_unless_asked_for(files, tmp_path):
    _, output, document = made(files, tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["image.json", "image.nii.gz"]
    assert "uncertainty" not in document
    assert output.exists()


def test_nothing_is_written_where_the_noise_cannot_be_told(files, tmp_path):
    rng = np.random.default_rng(1)
    signal = response(toy_grid(SHAPE).centers()[3:4])[0]
    write_scan(files / "bare.mdf", timed(toy_scan(rng, signal, empty_frames=0)), HEADER)
    matrix = toy_matrix(rng, shape=SHAPE, frames=1)
    write_system_matrix(files / "one.mdf", timed(matrix), HEADER)
    output = tmp_path / "image.nii.gz"
    settings = SETTINGS | {"background": "none"}
    with pytest.raises(DataError, match="frames of the empty bore"):
        reconstruct_file(
            files / "bare.mdf",
            files / "one.mdf",
            output,
            settings=settings,
            method="tikhonov",
            uncertainty_seed=1,
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("image", "expected"), [("a.nii", "a_sd.nii"), ("b.nii.gz", "b_sd.nii.gz")]
)
def test_a_companion_keeps_the_images_ending(tmp_path, image, expected):
    assert beside_path(tmp_path / image, "sd").name == expected


@pytest.mark.parametrize("simulated", ["scan", "matrix", "empty", None])
def test_an_image_with_anything_simulated_in_it_is_simulated(tmp_path, simulated):
    rng = np.random.default_rng(2)
    signal = response(toy_grid(SHAPE).centers()[3:4])[0]
    values = {
        "scan": toy_scan(rng, signal),
        "empty": toy_scan(rng, 0 * signal),
        "matrix": toy_matrix(rng, shape=SHAPE),
    }
    for name, value in values.items():
        write = write_system_matrix if name == "matrix" else write_scan
        told = replace(timed(value), is_simulated=name == simulated)
        write(tmp_path / f"{name}.mdf", told, HEADER)
    output = tmp_path / "image.nii.gz"
    reconstruct_file(
        tmp_path / "scan.mdf",
        tmp_path / "matrix.mdf",
        output,
        settings=SETTINGS | {"background": "external_mean"},
        empty=(tmp_path / "empty.mdf",),
    )
    document = json.loads(parameters_path(output).read_text(encoding="utf-8"))
    assert document["is_simulated"] is (simulated is not None)
    assert read_description(output).startswith("SIMULATED") is (simulated is not None)


def test_one_image_is_not_made_of_a_series(tmp_path):
    settings = {"background": "none", "average": 2}
    with pytest.raises(DataError, match="reconstruct_series"):
        reconstruct_file(
            tmp_path / "a.mdf", tmp_path / "b.mdf", tmp_path / "c.nii", settings=settings
        )
