"""Scans and calibrations come back from MDF files; the form of what is written; two real files."""

import time
from dataclasses import replace

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import head_scanner
import synthetic_mpi as synthetic
from mdf_headers import HEADER
from sojourn.core.errors import DataError
from sojourn.core.signals import ArraySpectra, Scan, SystemMatrix, stored_bins
from sojourn.formats.mdf import (
    FORMAT,
    MdfLayout,
    MdfTracer,
    describe_mdf,
    read_mdf,
    read_scan,
    read_system_matrix,
    write_mdf,
    write_scan,
    write_system_matrix,
)
from sojourn.testing import check_round_trip
from written_mdf import written

LAYOUTS = st.builds(
    MdfLayout,
    domain=st.sampled_from(["fourier", "time"]),
    fast_frame_axis=st.booleans(),
    precision=st.sampled_from(["double", "single"]),
)


def spectra_of(source):
    """Return everything that can be read, (frame, channel, bin)."""
    bins = stored_bins(source.spectra)
    channels = range(source.acquisition.n_channels)
    return np.stack([source.spectra.read(c, bins) for c in channels], axis=1)


def assert_same(found, expected, *, tolerance=0.0, bins=slice(None)):
    """Compare everything that the format keeps."""
    values = spectra_of(expected)[:, :, bins]
    scale = np.abs(values).max()
    np.testing.assert_allclose(spectra_of(found), values, rtol=0, atol=tolerance * scale)
    np.testing.assert_array_equal(found.is_background, expected.is_background)
    ours, theirs = found.acquisition, expected.acquisition
    for name in ("n_channels", "n_samples", "bandwidth", "unit", "n_averages", "start_time"):
        assert getattr(ours, name) == getattr(theirs, name)
    for name in ("base_frequency", "cycle", "waveform"):
        assert getattr(ours.drive_field, name) == getattr(theirs.drive_field, name)
    for name in ("divider", "strength", "phase"):
        np.testing.assert_array_equal(
            getattr(ours.drive_field, name), getattr(theirs.drive_field, name)
        )
    assert (ours.gradient is None) == (theirs.gradient is None)
    if theirs.gradient is not None:
        np.testing.assert_array_equal(ours.gradient, theirs.gradient)
    assert found.is_simulated == expected.is_simulated
    assert found.is_background_corrected == expected.is_background_corrected


@given(
    layout=LAYOUTS,
    n_samples=st.integers(2, 33),
    n_channels=st.integers(1, 3),
    background=st.lists(st.booleans(), min_size=1, max_size=6),
    is_simulated=st.booleans(),
    corrected=st.booleans(),
    gradient=st.booleans(),
    seed=st.integers(0, 1000),
)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_scan_comes_back(
    tmp_path, layout, n_samples, n_channels, background, is_simulated, corrected, gradient, seed
):
    taken = synthetic.acquisition(
        n_samples,
        n_channels,
        bandwidth=0.5e6,
        gradient=np.diag([-1.0, -1.0, 2.0]) if gradient else None,
    )
    rng = np.random.default_rng(seed)
    scan = synthetic.scan(
        synthetic.random_spectra(rng, len(background), taken),
        background,
        acquisition=taken,
        is_simulated=is_simulated,
        is_background_corrected=corrected,
    )
    write_scan(tmp_path / "a.mdf", scan, HEADER, layout=layout)
    info = describe_mdf(tmp_path / "a.mdf")
    assert (info.missing, info.deviations, info.problems) == ((), (), ())
    tolerance = {"single": 1e-6, "double": 1e-14 if layout.domain == "time" else 0}
    assert_same(read_scan(tmp_path / "a.mdf"), scan, tolerance=tolerance[layout.precision])


@given(
    layout=LAYOUTS,
    n_background=st.integers(0, 3),
    with_snr=st.booleans(),
    bins=st.none() | st.sets(st.integers(0, 16), min_size=1).map(sorted).map(tuple),
    seed=st.integers(0, 1000),
)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_calibration_comes_back(tmp_path, layout, n_background, with_snr, bins, seed):
    if layout.domain == "time":
        bins = None
    layout = replace(layout, bins=bins)
    snr = np.random.default_rng(seed).uniform(1, 9, (2, 17)) if with_snr else None
    matrix = synthetic.matrix(seed, background=(True,) * n_background, snr=snr)
    path = tmp_path / "a.mdf"
    write_system_matrix(path, matrix, HEADER, layout=layout)
    info = describe_mdf(path)
    assert (info.missing, info.deviations, info.problems) == ((), (), ())
    found = read_system_matrix(path)
    used = list(bins) if bins else slice(None)
    tolerance = {"single": 1e-6, "double": 1e-14 if layout.domain == "time" else 0}
    assert_same(found, matrix, tolerance=tolerance[layout.precision], bins=used)
    assert found.grid.is_same_as(matrix.grid, tolerance=1e-12)
    assert (found.snr is None) == (snr is None)
    if snr is not None:
        np.testing.assert_array_equal(found.snr[:, used], snr[:, used])
        assert found.snr.sum() == pytest.approx(snr[:, used].sum())


def interleaved(order):
    """Return a calibration of 2 x 1 x 1 voxels with background frames where `order` says."""
    background = np.array(order)
    values = np.arange(1, 1 + len(order) * 34).reshape(len(order), 2, 17) * (1 + 0j)
    return synthetic.matrix(
        shape=(int((~background).sum()), 1, 1),
        spectra=ArraySpectra(values),
        is_background=background,
    )


def test_background_frames_between_voxels_keep_their_place(tmp_path):
    matrix = interleaved([True, False, True, False, True])
    write_system_matrix(tmp_path / "a.mdf", matrix, HEADER)
    with h5py.File(tmp_path / "a.mdf") as file:
        assert list(file["measurement/isBackgroundFrame"][()]) == [0, 0, 1, 1, 1]
        assert list(file["measurement/framePermutation"][()]) == [2, 4, 1, 3, 5]
    assert_same(read_system_matrix(tmp_path / "a.mdf"), matrix)


def test_files_are_written_as_the_specification_says(tmp_path):
    with h5py.File(written(tmp_path)) as file:
        names = []
        file.visititems(lambda name, _: names.append(name))
        assert not file.attrs
        assert not any(file[name].attrs for name in names)
        # types and shapes from the specification's tables, by hand
        assert file["version"][()] == b"2.1.0"
        assert h5py.check_string_dtype(file["study/name"].dtype) is not None
        assert file["study/name"].asstr()[()] == "Étude"
        for name, dtype, shape in (
            ("study/number", "<i8", ()),
            ("experiment/isSimulation", "|i1", ()),
            ("acquisition/numFrames", "<i8", ()),
            ("acquisition/drivefield/divider", "<i8", (1, 1)),
            ("acquisition/drivefield/phase", "<f8", (1, 1, 1)),
            ("acquisition/drivefield/strength", "<f8", (1, 1, 1)),
            ("acquisition/receiver/bandwidth", "<f8", ()),
            ("tracer/concentration", "<f8", (1,)),
            ("measurement/isBackgroundFrame", "|i1", (14,)),
            ("measurement/isFastFrameAxis", "|i1", ()),
            ("measurement/frequencySelection", "<i8", (3,)),
            ("calibration/size", "<i8", (3,)),
            ("calibration/fieldOfView", "<f8", (3,)),
            ("calibration/snr", "<f8", (1, 2, 3)),
            ("calibration/deltaSampleSize", "<f8", (3,)),
        ):
            assert (file[name].dtype.str, file[name].shape) == (dtype, shape), name
        data = file["measurement/data"]
        assert data.shape == (1, 2, 3, 14)
        kind = data.id.get_type()
        assert [kind.get_member_name(i) for i in range(kind.get_nmembers())] == [b"r", b"i"]
        assert list(file["measurement/frequencySelection"][()]) == [4, 5, 10]
        assert list(file["calibration/size"][()]) == [3, 2, 2]
        np.testing.assert_allclose(file["calibration/fieldOfView"][()], [0.006, 0.006, 0.008])
        np.testing.assert_allclose(file["calibration/fieldOfViewCenter"][()], [0.01, -0.02, 0.03])
        # 1e-8 kg of iron at 55.845 g/mol in 2 uL
        assert file["tracer/concentration"][0] == pytest.approx(1e-8 / 0.055845 / 2e-6)


def test_equal_input_gives_equal_bytes_later_and_under_another_name(tmp_path):
    first = written(tmp_path).read_bytes()
    time.sleep(1.1)  # HDF5 keeps times in whole seconds
    (tmp_path / "elsewhere").mkdir()
    assert written(tmp_path / "elsewhere").read_bytes() == first


def test_iron_of_the_sample_comes_back(tmp_path):
    found = read_system_matrix(written(tmp_path))
    assert found.sample_iron == pytest.approx(1e-8, rel=1e-12)
    assert "concentration x /tracer/volume" in found.metadata["notes"]
    assert found.metadata["subject"] == "01-007"
    assert found.metadata["study_name"] == "Étude"


def test_reading_gives_the_files_digest_and_name(tmp_path):
    import hashlib

    path = written(tmp_path)
    found = read_system_matrix(path)
    assert found.source == hashlib.sha256(path.read_bytes()).hexdigest()
    assert found.name == "strict.mdf"


def test_bins_that_were_not_written_cannot_be_read(tmp_path):
    found = read_system_matrix(written(tmp_path))
    assert list(stored_bins(found.spectra)) == [3, 4, 9]
    with pytest.raises(DataError, match=r"bins \[5\] are not in the file"):
        found.spectra.read(0, np.array([3, 5]))
    with pytest.raises(DataError, match="channel 2"):
        found.spectra.read(2, np.array([3]))


def test_rows_come_in_the_order_asked_for(tmp_path):
    found = read_system_matrix(written(tmp_path)).spectra
    rows = found.read(1, np.array([9, 3, 3]))
    for column, k in enumerate((9, 3, 3)):
        np.testing.assert_array_equal(rows[:, column], found.read(1, np.array([k]))[:, 0])
    assert found.read(0, np.array([], dtype=np.int64)).shape == (14, 0)


def test_a_selection_is_written_again_from_a_file_that_has_it(tmp_path):
    found = read_system_matrix(written(tmp_path))
    again = tmp_path / "again.mdf"
    tracer = MdfTracer.with_iron(found.sample_iron, 2e-6, name="ferrite", batch="7")
    write_system_matrix(again, found, replace(HEADER, tracer=tracer))
    assert_same(read_system_matrix(again), found)
    with pytest.raises(DataError, match="time domain needs all"):
        write_system_matrix(
            again, found, replace(HEADER, tracer=tracer), layout=MdfLayout(domain="time")
        )


def test_format_reads_what_it_finds(tmp_path):
    check_round_trip(
        lambda path, value: write_mdf(path, value, HEADER),
        read_mdf,
        synthetic.matrix(),
        same=assert_same,
        path=tmp_path / "a.mdf",
    )
    scan = synthetic.scan(np.ones((2, 2, 17)), [False, True])
    write_mdf(tmp_path / "b.mdf", scan, HEADER)
    assert isinstance(read_mdf(tmp_path / "a.mdf"), SystemMatrix)
    assert isinstance(read_mdf(tmp_path / "b.mdf"), Scan)
    assert FORMAT.sniff((tmp_path / "b.mdf").read_bytes()[:512])
    assert not FORMAT.sniff(b"{}")


@pytest.mark.parametrize("run", ["A", "B"])
def test_head_scanner_lines_come_back_from_mdf(tmp_path, shared, run):
    for name, matrix in (
        ("line", head_scanner.line_matrix(shared, run)),
        ("all", head_scanner.whole_matrix(shared, run)),
    ):
        for layout in (MdfLayout(fast_frame_axis=True), MdfLayout(domain="time")):
            path = tmp_path / f"{name}.mdf"
            write_system_matrix(path, matrix, HEADER, layout=layout)
            found = read_system_matrix(path)
            assert_same(found, matrix, tolerance=1e-14 if layout.domain == "time" else 0)
            np.testing.assert_allclose(found.grid.centers(), matrix.grid.centers(), atol=1e-12)
            # robot coordinates of SOURCES.md: x = 116..196 mm, z = 71 mm
            np.testing.assert_allclose(
                found.grid.centers()[:9, 0], np.arange(0.116, 0.2, 0.01), atol=1e-12
            )
            assert found.acquisition.gradient is None
            assert "states no gradient; none is assumed" in found.metadata["notes"]


def test_head_scanner_scan_comes_back_from_mdf(tmp_path, shared):
    scan = head_scanner.line_scan(shared, "B", 1, 4)
    write_scan(tmp_path / "scan.mdf", scan, HEADER, layout=MdfLayout(domain="time"))
    assert_same(read_scan(tmp_path / "scan.mdf"), scan, tolerance=1e-14)


def test_a_real_file_of_version_2_0_opens(shared):
    path = head_scanner.folder(shared) / "systemMatrix_no-signal.mdf"
    info = describe_mdf(path)
    assert (info.version, info.kind, info.is_simulated) == ("2.0", "calibration", False)
    assert info.missing == ("/measurement/isSparsityTransformed",)
    assert len(info.deviations) == 12  # test_mdf_check.py names each
    assert info.problems == ()
    assert "the file states a gradient of zero" in info.notes
    matrix = read_system_matrix(path)
    assert matrix.grid.shape == (9, 1, 1)
    assert matrix.sample_iron is None
    with h5py.File(path) as file:
        raw = file["measurement/data"][:, 0, 0, :].astype(float)
        scale, offset = file["acquisition/receiver/dataConversionFactor"][0]
    expected = np.fft.rfft(scale * raw + offset)
    np.testing.assert_allclose(matrix.spectra.read(0, np.arange(77)), expected, rtol=1e-12)


def test_a_simulated_file_without_data_opens(shared):
    path = head_scanner.folder(shared) / "simulated_mdf-2.1.0_example.mdf"
    info = describe_mdf(path)
    assert (info.version, info.kind, info.is_simulated) == ("2.1.0", "metadata", True)
    assert (info.missing, info.deviations, info.problems) == ((), (), ())
    assert "SIMULATED" in str(info).splitlines()[0]
    assert info.facts["receiver"]["samples per period"] == 625
    assert info.facts["sequence"]["gradient [T/m]"] is None
    with pytest.raises(DataError, match="metadata only"):
        read_scan(path)
