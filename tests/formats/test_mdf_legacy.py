"""Files of versions 1 and 2.0, made by hand."""

import numpy as np
import pytest

import handmade_mdf as handmade
from handmade_mdf import SPECTRA, read_all
from sojourn.core.errors import DataError
from sojourn.formats.mdf import describe_mdf, read_header, read_scan, read_system_matrix
from written_mdf import spectra_of

LEGACY = {
    "/acquisition/numPeriods": 1,
    "/measurement/isTransposed": np.int8(0),
    "/acquisition/gradient": np.array([[-1.0, -1.0, 2.0]]),
    "/acquisition/drivefield/waveform": "sine",
    "/version": "2.0",
}


def test_names_and_shapes_of_version_2_0_are_read_and_listed(tmp_path):
    without = (
        "/acquisition/numPeriodsPerFrame",
        "/measurement/isFastFrameAxis",
        "/measurement/isSparsityTransformed",
    )
    path = handmade.write(tmp_path / "a.mdf", LEGACY, without=without)
    matrix = read_system_matrix(path)
    np.testing.assert_array_equal(matrix.acquisition.gradient, np.diag([-1.0, -1, 2]))
    np.testing.assert_allclose(read_all(path), SPECTRA, atol=1e-13)
    info = describe_mdf(path)
    assert info.missing == ("/measurement/isSparsityTransformed",)
    assert len(info.deviations) == 5


def version_1(tmp_path, data, name, **changes):
    """Write a file of version 1 as the Julia reader of that version expects it."""
    datasets = {
        "/version": "1.0.5",
        "/date": "2016-01-02T03:04:05",
        "/study/name": "old",
        "/study/simulation": 0,
        "/scanner/model": "old scanner",
        "/acquisition/time": "2016-01-02T03:04:00",
        "/acquisition/gradient": np.array([1.25, 1.25, -2.5]),
        "/acquisition/drivefield/averages": 10,
        "/acquisition/drivefield/baseFrequency": 2.5e6,
        "/acquisition/drivefield/divider": np.array([4, 6]),
        "/acquisition/drivefield/numChannels": 2,
        "/acquisition/drivefield/period": 12 / 2.5e6,
        "/acquisition/drivefield/strength": np.array([0.014, 0.014]),
        "/acquisition/receiver/bandwidth": 8 / 2 / (12 / 2.5e6),
        "/acquisition/receiver/numChannels": 2,
        "/acquisition/receiver/numSamplingPoints": 8,
        name: data,
        **changes,
    }
    return handmade.write(tmp_path / "old.mdf", base=datasets)


def halves(values):
    return np.stack([values.real, values.imag], axis=-1)


@pytest.mark.parametrize("periods", [False, True])
@pytest.mark.parametrize("domain", ["TD", "FD"])
def test_measurements_of_version_1_are_read(tmp_path, domain, periods):
    samples = handmade.signals()
    spectra = np.fft.rfft(samples)
    data = samples if domain == "TD" else halves(spectra)
    path = version_1(tmp_path, data[:, None] if periods else data, f"/measurement/data{domain}")
    scan = read_scan(path)
    np.testing.assert_allclose(spectra_of(scan, np.arange(5)), spectra, atol=1e-13)
    taken = scan.acquisition
    np.testing.assert_array_equal(taken.gradient, np.diag([1.25, 1.25, -2.5]))
    assert (taken.n_averages, taken.start_time) == (10, "2016-01-02T03:04:00")
    assert scan.metadata["scanner_name"] == "old scanner"
    assert "states no drive-field phase: 0 stands for it" in scan.metadata["notes"]
    assert not scan.is_background.any()


def test_calibrations_of_version_1_are_read(tmp_path):
    spectra = np.fft.rfft(handmade.signals(frames=4))
    path = version_1(
        tmp_path,
        halves(np.moveaxis(spectra, 0, 2)),
        "/calibration/dataFD",
        **{
            "/calibration/size": np.array([2, 2, 1]),
            "/calibration/fieldOfView": np.array([0.004, 0.006, 0.001]),
            "/calibration/fieldOfViewCenter": np.zeros(3),
            "/calibration/snrFD": np.arange(10.0).reshape(2, 5),
        },
    )
    matrix = read_system_matrix(path)
    np.testing.assert_allclose(spectra_of(matrix, np.arange(5)), spectra, atol=1e-13)
    np.testing.assert_array_equal(matrix.snr, np.arange(10.0).reshape(2, 5))
    assert matrix.is_background_corrected
    assert matrix.sample_iron is None
    assert "taken as so" in matrix.metadata["notes"]


def test_data_of_version_1_that_cannot_be_reached_are_named(tmp_path):
    samples = handmade.signals()
    both = {"/measurement/dataFD": halves(np.fft.rfft(samples))}
    scan = read_scan(version_1(tmp_path, samples, "/measurement/dataTD", **both))
    assert "/measurement/dataTD is read; /measurement/dataFD in the" in scan.metadata["notes"]


def test_the_header_of_version_1_has_no_ids_to_keep(tmp_path):
    path = version_1(tmp_path, handmade.signals(), "/measurement/dataTD")
    with pytest.raises(DataError, match="make an MdfHeader for this file"):
        read_header(path)
