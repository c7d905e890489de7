"""Raw integers and their conversion factors, read and written."""

import h5py
import numpy as np
import pytest

import handmade_mdf as handmade
import synthetic_mpi as synthetic
from handmade_mdf import SPECTRA, read_all
from mdf_headers import HEADER, assert_strict
from sojourn.core.errors import DataError
from sojourn.formats.mdf import MdfLayout, read_scan, write_scan
from written_mdf import patch, spectra_of

CONVERSION = np.array([[0.5, 3.0], [2.0, -1.0]])


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="time"),
        pytest.param(handmade.fourier(), id="fourier"),
        pytest.param(handmade.fourier(fast=False), id="fourier-slow"),
        pytest.param(handmade.fourier(bins=[2, 1, 0, 4, 3]), id="zero-frequency-stored-third"),
    ],
)
def test_conversion_is_applied_once_and_its_offset_to_the_zero_frequency(tmp_path, changes):
    name = "/acquisition/receiver/dataConversionFactor"
    path = handmade.write(tmp_path / "a.mdf", {**changes, name: CONVERSION})
    volts = CONVERSION[:, 0, None] * handmade.signals() + CONVERSION[:, 1, None]
    np.testing.assert_allclose(read_all(path), np.fft.rfft(volts), rtol=0, atol=1e-12)


def test_without_the_zero_frequency_an_offset_changes_nothing(tmp_path):
    name = "/acquisition/receiver/dataConversionFactor"
    changes = {**handmade.fourier(bins=[1, 2]), name: CONVERSION}
    found = read_all(handmade.write(tmp_path / "a.mdf", changes))
    expected = SPECTRA[:, :, 1:3] * CONVERSION[:, 0, None]
    np.testing.assert_allclose(found, expected, atol=1e-13)


def test_raw_integers_are_converted(tmp_path):
    raw = np.round(1000 * handmade.signals()).astype(np.int16)
    name = "/acquisition/receiver/dataConversionFactor"
    changes = {"/measurement/data": raw[:, None], name: CONVERSION}
    volts = CONVERSION[:, 0, None] * raw + CONVERSION[:, 1, None]
    found = read_all(handmade.write(tmp_path / "a.mdf", changes))
    np.testing.assert_allclose(found, np.fft.rfft(volts), rtol=0, atol=1e-9)


@pytest.mark.parametrize("precision", ["int8", "int16", "int32"])
def test_raw_integers_come_back_as_they_were(tmp_path, precision):
    rng = np.random.default_rng(1)
    taken = synthetic.acquisition()
    counts = rng.integers(-100, 100, (4, 2, 32))
    scale, offset = np.array([0.5, 2e-3])[:, None], np.array([0.25, -3.0])[:, None]
    scan = synthetic.scan(np.fft.rfft(scale * counts + offset), [False] * 4, acquisition=taken)
    layout = MdfLayout(domain="time", precision=precision, conversion=((0.5, 0.25), (2e-3, -3.0)))
    write_scan(tmp_path / "a.mdf", scan, HEADER, layout=layout)
    assert_strict(tmp_path / "a.mdf")
    with h5py.File(tmp_path / "a.mdf") as file:
        assert file["measurement/data"].dtype == precision
        np.testing.assert_array_equal(file["measurement/data"][:, 0], counts)
    np.testing.assert_allclose(spectra_of(read_scan(tmp_path / "a.mdf")), spectra_of(scan))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"conversion": ((1e-3, 0.0),) * 2}, "more than int8 holds"),
        ({"conversion": ((1.0, 0.0),)}, "conversion of 1 channels"),
    ],
)
def test_integers_that_do_not_fit_are_not_written(tmp_path, change, message):
    layout = MdfLayout(domain="time", precision="int8", **change)
    with pytest.raises(DataError, match=message):
        write_scan(tmp_path / "a.mdf", patch(0), HEADER, layout=layout)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"domain": "time", "precision": "int16"},
        {"domain": "time", "conversion": ((1.0, 0.0),)},
        {"precision": "int16", "conversion": ((1.0, 0.0),)},
        {"domain": "time", "precision": "int16", "conversion": ((0.0, 0.0),)},
    ],
)
def test_layouts_of_integers_need_the_time_domain_and_a_conversion(wrong):
    with pytest.raises(DataError, match=r"integers|scales"):
        MdfLayout(**wrong)
