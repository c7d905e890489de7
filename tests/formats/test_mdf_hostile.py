"""Files made to fail: each gives one clear error, and the reader lives on."""

import os
import tracemalloc

import h5py
import numpy as np
import pytest

import handmade_mdf as handmade
from sojourn.core.errors import DataError
from sojourn.formats.mdf import Limits, describe_mdf, read_scan, read_system_matrix


def test_a_cut_file_is_named(tmp_path):
    path = handmade.write(tmp_path / "cut.mdf")
    content = path.read_bytes()
    for size in (100, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:size])
        with pytest.raises(DataError, match=r"^cut\.mdf"):
            read_scan(path)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"MDF, but only in name\n" * 99, id="text"),
        pytest.param(b"", id="empty"),
        pytest.param(b"\x89HDF\r\n\x1a\n" + b"\xff" * 4000, id="signature-then-noise"),
    ],
)
def test_a_file_that_is_not_hdf5_is_named(tmp_path, content):
    path = tmp_path / "a.mdf"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"^a\.mdf"):
        describe_mdf(path)


def test_noise_in_a_file_never_gives_another_error(tmp_path):
    content = handmade.write(tmp_path / "a.mdf").read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for trial in range(12):
        broken = bytearray(content)
        for at in rng.integers(0, len(content), 8):
            broken[at] = rng.integers(256)
        path = tmp_path / f"{trial}.mdf"
        path.write_bytes(broken)
        try:
            matrix = read_system_matrix(path)
            matrix.spectra.read(0, np.arange(5))
        except DataError as error:
            refused += str(error).startswith(path.name)
    assert refused > 3


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(DataError, match=r"gone\.mdf does not exist"):
        read_scan(tmp_path / "gone.mdf")
    with pytest.raises(DataError, match="is not a file"):
        read_scan(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes need POSIX")
def test_a_named_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.mdf")
    with pytest.raises(DataError, match="is not a file"):
        read_scan(tmp_path / "a.mdf")


def test_a_file_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    path = handmade.write(tmp_path / "a.mdf")

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refuse)
    with pytest.raises(DataError, match=r"a\.mdf cannot be opened: Permission denied"):
        read_scan(path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("form", ["time", "fourier"])
def test_nan_among_the_data_is_found_when_its_rows_are_read(tmp_path, value, form):
    changes = {"/measurement/data": handmade.signals()[:, None]}
    if form == "fourier":
        changes = handmade.fourier(fast=False)
    changes["/measurement/data"][2, 0, 1, 3] = value
    path = handmade.write(tmp_path / "a.mdf", changes)
    scan = read_scan(path)
    scan.spectra.read(0, np.arange(5))
    with pytest.raises(DataError, match="holds NaN or infinity in frame 3"):
        scan.spectra.read(1, np.arange(5))


def replaced(path, name, make):
    """Replace one dataset of a good file by what `make` puts there."""
    handmade.write(path)
    with h5py.File(path, "a") as file:
        del file[name]
        make(file)
    return path


def other_file(tmp_path):
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["data"] = handmade.signals()[:, None]
    return tmp_path / "secret.h5"


def virtual(file, source):
    layout = h5py.VirtualLayout(shape=(5, 1, 2, 8), dtype="f8")
    layout[:] = h5py.VirtualSource(source, "data", shape=(5, 1, 2, 8))
    file.create_virtual_dataset("measurement/data", layout)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(
            lambda f, s: f.__setitem__("measurement/data", h5py.ExternalLink(str(s), "data")),
            "ExternalLink; only data inside the file",
            id="external-link",
        ),
        pytest.param(
            lambda f, _: f.__setitem__("measurement/data", h5py.SoftLink("/calibration/size")),
            "SoftLink; only data inside the file",
            id="soft-link",
        ),
        pytest.param(
            lambda f, s: f.create_dataset(
                "measurement/data", (5, 1, 2, 8), "f8", external=[(str(s), 0, 640)]
            ),
            "keeps its data in another file",
            id="external-storage",
        ),
        pytest.param(virtual, "keeps its data in another file", id="virtual"),
        pytest.param(
            lambda f, _: f.create_dataset(
                "measurement/data", data=[f["study"].ref] * 5, dtype=h5py.ref_dtype
            ),
            "neither number nor text",
            id="object-references",
        ),
        pytest.param(
            lambda f, _: f.create_dataset(
                "measurement/data", (5, 1, 2, 8), "i4", chunks=(5, 1, 2, 8), scaleoffset=2
            ).__setitem__(..., 3),
            "its HDF5 filters",
            id="unusual-filter",
        ),
        pytest.param(
            lambda f, _: f.create_dataset("measurement/data", (5, 1, 2, 8), "f8"),
            "claims 640 bytes where 0 are stored",
            id="never-written",
        ),
        pytest.param(
            lambda f, _: f.create_dataset(
                "measurement/data", (10**12, 1, 2, 8), "f8", chunks=(64, 1, 2, 8)
            ),
            "claims 128000000000000 bytes where 0 are stored",
            id="absurd-shape",
        ),
        pytest.param(
            lambda f, _: f.create_dataset(
                "measurement/data", (1, 1, 1, 2**27), "f8", chunks=(1, 1, 1, 2**26), compression=9
            ),
            "are larger than 256 MiB",
            id="huge-chunk",
        ),
        pytest.param(
            lambda f, _: f.create_dataset("measurement/data", dtype="f8"), "it is empty", id="null"
        ),
    ],
)
def test_data_that_reach_outside_or_claim_too_much_are_refused(tmp_path, make, message):
    source = other_file(tmp_path)
    path = replaced(tmp_path / "a.mdf", "measurement/data", lambda f: make(f, source))
    with pytest.raises(DataError, match=message):
        read_scan(path)


def test_a_decompression_bomb_is_refused_before_it_is_read(tmp_path):
    def bomb(file):
        data = file.create_dataset(
            "measurement/data", (5 * 2**20, 1, 2, 8), "f8", chunks=(2**14, 1, 2, 8), compression=9
        )
        data[: 2**14] = 0

    path = replaced(tmp_path / "a.mdf", "measurement/data", bomb)
    assert path.stat().st_size < 100_000
    with pytest.raises(DataError, match=r"claims 671088640 bytes where \d+ are stored"):
        read_scan(path)


def test_a_huge_text_is_refused(tmp_path):
    path = replaced(
        tmp_path / "a.mdf", "study/name", lambda f: f.__setitem__("study/name", "x" * 100_000)
    )
    with pytest.raises(DataError, match="more than 65536 characters"):
        describe_mdf(path)


def test_nested_and_circular_groups_come_to_an_end(tmp_path):
    path = handmade.write(tmp_path / "a.mdf")
    with h5py.File(path, "a") as file:
        file["_loop/again"] = file["/"]
    assert describe_mdf(path).problems == ()
    with h5py.File(path, "a") as file:
        file.create_group("_deep/" + "/".join("x" * 20))
    with pytest.raises(DataError, match="or 16 levels"):
        describe_mdf(path)


def test_a_file_that_changes_while_in_use_is_noticed(tmp_path):
    path = handmade.write(tmp_path / "a.mdf")
    scan = read_scan(path)
    handmade.write(path, {"/study/name": "another one"})
    with pytest.raises(DataError, match="the file changed while it was in use"):
        scan.spectra.read(0, np.array([1]))


def large(path, n_frames=20_000, n_bins=257):
    """Write a calibration of 80 MB in the Fourier domain, frames last."""
    rng = np.random.default_rng(0)
    samples = 2 * (n_bins - 1)
    base = 2.5e6
    handmade.write(
        path,
        {
            "/acquisition/numFrames": n_frames,
            "/acquisition/drivefield/divider": np.array([[samples], [samples]]),
            "/acquisition/drivefield/cycle": samples / base,
            "/acquisition/receiver/bandwidth": base / 2,
            "/acquisition/receiver/numSamplingPoints": samples,
            "/acquisition/receiver/numChannels": 1,
            "/calibration/size": np.array([n_frames, 1, 1]),
            "/measurement/isBackgroundFrame": np.zeros(n_frames, np.int8),
            "/measurement/isFourierTransformed": np.int8(1),
            "/measurement/isFastFrameAxis": np.int8(1),
            "/measurement/data": rng.standard_normal((1, 1, n_bins, n_frames)).astype("c8")
            + 1j * np.arange(n_bins, dtype="f4")[:, None],
        },
    )
    return path


def test_reading_a_few_rows_of_a_large_file_takes_little_memory(tmp_path):
    path = large(tmp_path / "large.mdf")
    size = path.stat().st_size
    assert size > 40e6
    tracemalloc.start()
    matrix = read_system_matrix(path, limits=Limits(memory=24 << 20))
    opened, _ = tracemalloc.get_traced_memory()
    rows = matrix.spectra.read(0, np.array([3, 250]))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    np.testing.assert_array_equal(rows.imag, np.tile([3.0, 250.0], (20_000, 1)))
    assert opened < size / 20
    assert peak < size / 8


def test_every_row_of_a_large_file_comes_in_bounded_replies(tmp_path):
    rows = read_system_matrix(large(tmp_path / "large.mdf")).spectra.read(0, np.arange(257))
    assert rows.nbytes > 64 << 20
    np.testing.assert_array_equal(rows.imag, np.tile(np.arange(257.0), (20_000, 1)))
