"""Transfer functions and induction factors in MDF files are kept and not applied."""

import h5py
import numpy as np
import pytest

import handmade_mdf as handmade
import synthetic_mpi as synthetic
from handmade_mdf import SPECTRA, read_all
from mdf_headers import HEADER, assert_strict
from sojourn.core.signals import TransferFunction
from sojourn.formats.mdf import (
    MdfLayout,
    read_header,
    read_scan,
    read_system_matrix,
    read_transfer_function,
    write_scan,
    write_system_matrix,
)
from written_mdf import spectra_of


def transfer(n_bins=17, **changes):
    taken = synthetic.acquisition()
    rng = np.random.default_rng(8)
    values = rng.standard_normal((2, n_bins)) + 1j
    given = {"frequencies": taken.frequencies()[:n_bins], "values": values, "unit": "V"}
    return TransferFunction(**{**given, **changes})


@pytest.mark.parametrize("corrected", [False, True])
def test_a_transfer_function_and_its_flags_come_back_unapplied(tmp_path, corrected):
    chain = transfer(induction_factor=np.array([2.0, 3.0]))
    taken = synthetic.acquisition(
        transfer_function=chain,
        is_transfer_function_corrected=corrected,
        is_spectral_leakage_corrected=not corrected,
    )
    rng = np.random.default_rng(0)
    scan = synthetic.scan(synthetic.random_spectra(rng, 2, taken), [False] * 2, acquisition=taken)
    write_scan(tmp_path / "a.mdf", scan, HEADER)
    assert_strict(tmp_path / "a.mdf")
    found = read_scan(tmp_path / "a.mdf")
    np.testing.assert_array_equal(spectra_of(found), spectra_of(scan))
    assert found.acquisition.is_transfer_function_corrected is corrected
    assert found.acquisition.is_spectral_leakage_corrected is not corrected
    np.testing.assert_allclose(found.acquisition.transfer_function.values, chain.values, rtol=1e-14)
    np.testing.assert_array_equal(found.acquisition.transfer_function.induction_factor, [2, 3])
    assert "transfer function; it is not applied" in found.metadata["notes"]


def test_frequencies_without_a_measured_value_stay_unknown(tmp_path):
    full = transfer()
    # measured from bin 3 to bin 9 only
    part = transfer(frequencies=full.frequencies[3:10], values=full.values[:, 3:10])
    taken = synthetic.acquisition(transfer_function=part)
    rng = np.random.default_rng(0)
    scan = synthetic.scan(synthetic.random_spectra(rng, 2, taken), [False] * 2, acquisition=taken)
    write_scan(tmp_path / "a.mdf", scan, HEADER)
    assert_strict(tmp_path / "a.mdf")
    with h5py.File(tmp_path / "a.mdf") as file:
        stored = file["acquisition/receiver/transferFunction"][()]
        assert np.isnan(stored[:, [0, 1, 2, 10, 16]]).all()
        np.testing.assert_allclose(stored[:, 3:10], part.values, rtol=1e-14)
    found = read_scan(tmp_path / "a.mdf").acquisition.transfer_function
    np.testing.assert_allclose(found.frequencies, part.frequencies)
    np.testing.assert_allclose(found.values, part.values, rtol=1e-14)


def test_a_transfer_function_follows_the_selection_of_bins(tmp_path):
    taken = synthetic.acquisition(transfer_function=transfer())
    matrix = synthetic.matrix(acquisition=taken)
    layout = MdfLayout(fast_frame_axis=True, bins=(3, 4, 9))
    write_system_matrix(tmp_path / "a.mdf", matrix, HEADER, layout=layout)
    assert_strict(tmp_path / "a.mdf")
    found = read_system_matrix(tmp_path / "a.mdf").acquisition.transfer_function
    np.testing.assert_allclose(found.frequencies, taken.frequencies()[[3, 4, 9]])
    np.testing.assert_allclose(found.values, transfer().values[:, [3, 4, 9]], rtol=1e-14)


@pytest.mark.parametrize(
    ("value", "note"),
    [
        pytest.param(np.ones((2, 4), complex), r"shape (2, 4); it is left out", id="length"),
        pytest.param(np.ones((3, 5), complex), r"shape (3, 5); it is left out", id="channels"),
        pytest.param(np.full((2, 5), np.nan + 0j), "holds no finite value", id="nan"),
        pytest.param("file.h5", "cannot be read", id="text"),
    ],
)
def test_a_transfer_function_that_cannot_be_used_does_not_hide_the_data(tmp_path, value, note):
    path = handmade.write(tmp_path / "a.mdf", {"/acquisition/receiver/transferFunction": value})
    scan = read_scan(path)
    assert scan.acquisition.transfer_function is None
    assert note in scan.metadata["notes"]


def test_an_induction_factor_alone_is_kept(tmp_path):
    path = handmade.write(
        tmp_path / "a.mdf", {"/acquisition/receiver/inductionFactor": np.array([0.1, 2.0])}
    )
    write_scan(tmp_path / "b.mdf", read_scan(path), read_header(path))
    with h5py.File(tmp_path / "b.mdf") as file:
        np.testing.assert_array_equal(file["acquisition/receiver/inductionFactor"][()], [0.1, 2])


def test_a_transfer_function_is_kept_and_not_applied(tmp_path):
    function = np.full((2, 5), 2 + 1j)
    name = "/acquisition/receiver/transferFunction"
    path = handmade.write(tmp_path / "a.mdf", {name: function})
    np.testing.assert_allclose(read_all(path), SPECTRA, atol=1e-13)
    assert "transfer function; it is not applied" in read_scan(path).metadata["notes"]
    found = read_transfer_function(path)
    np.testing.assert_array_equal(found.values, function)
    # bin k of 8 samples in 4.8 us lies at k / 4.8 us
    np.testing.assert_allclose(found.frequencies, np.arange(5) / 4.8e-6)
    taken = read_scan(path).acquisition
    np.testing.assert_array_equal(taken.transfer_function.values, function)
    assert not taken.is_transfer_function_corrected
    assert read_transfer_function(handmade.write(tmp_path / "b.mdf")) is None
