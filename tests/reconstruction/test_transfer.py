from dataclasses import replace

import h5py
import numpy as np
import pytest

import synthetic_mpi as synthetic
from sojourn.core.errors import DataError
from sojourn.core.signals import ArraySpectra, TransferFunction
from sojourn.reconstruction._rows import RowSettings, prepare_rows
from sojourn.reconstruction._selection import Selection, select_rows
from sojourn.reconstruction._transfer import NEAR_ZERO, receive_gain
from sojourn.reconstruction.kaczmarz import Kaczmarz

DIVIDE = {"background": "own_mean", "transfer_function": "divide", "min_frequency": 1.0}
BIN = 31.25e3


def chain(seed=1, *, induction=True, **changes):
    """Return the transfer function of two channels, measured at every bin but the first."""
    rng = np.random.default_rng(seed)
    values = rng.uniform(0.5, 2, (2, 16)) * np.exp(1j * rng.uniform(-0.3, 0.3, (2, 16)))
    factor = np.array([4.0, -0.5]) if induction else None
    return TransferFunction(
        BIN * np.arange(1, 17), **{"values": values, "induction_factor": factor, **changes}
    )


def through(source, transfer):
    """Return `source` as a scanner with this receive chain would have recorded it."""
    gain = np.ones((2, 17), dtype=complex)
    gain[:, 1:] = transfer.values
    if transfer.induction_factor is not None:
        gain *= transfer.induction_factor[:, None]
    return replace(
        source,
        spectra=ArraySpectra(source.spectra.values * gain),
        acquisition=replace(source.acquisition, transfer_function=transfer),
    )


def object_scan(matrix):
    values = matrix.spectra.values
    signal = np.tensordot(np.arange(12.0), values[:12] - values[12:].mean(axis=0), axes=1)
    return synthetic.scan([signal + values[12], values[12], values[13]], [False, True, True])


@pytest.mark.parametrize("induction", [True, False])
def test_each_file_is_divided_by_its_own_chain(induction):
    matrix = synthetic.matrix()
    scan = object_scan(matrix)
    expected = Kaczmarz(background="own_mean", min_frequency=1.0).prepare(matrix)
    # a calibration through one receive chain, the scan through another
    divided = Kaczmarz(**DIVIDE).prepare(through(matrix, chain(1, induction=induction)))
    np.testing.assert_allclose(
        divided.reconstruct_relative(through(scan, chain(2, induction=induction))).values,
        expected.reconstruct_relative(scan).values,
        rtol=1e-9,
    )


def test_empty_scans_are_divided_too():
    matrix = synthetic.matrix()
    values = matrix.spectra.values
    empty = synthetic.scan(values[12:], [True, True])
    settings = RowSettings(**{**DIVIDE, "background": "external_mean"})
    prepared = prepare_rows(settings, through(matrix, chain(1)))
    found = prepared.signal(
        through(object_scan(matrix), chain(2)), empty=[through(empty, chain(3))]
    )
    expected = (object_scan(matrix).spectra.values[0] - values[12:].mean(axis=0))[:, 1:]
    np.testing.assert_allclose(found[0], expected.ravel(), rtol=1e-12)


def test_nothing_is_divided_unless_asked_for():
    matrix = through(synthetic.matrix(), chain())
    prepared = prepare_rows(RowSettings(background="own_mean"), matrix)
    values = matrix.spectra.values
    np.testing.assert_array_equal(
        prepared.columns.T, (values[:12] - values[12:].mean(axis=0)).reshape(12, -1)
    )


def test_an_induction_factor_in_one_file_alone_is_refused():
    matrix = synthetic.matrix()
    scan = through(object_scan(matrix), chain(2, induction=False))
    prepared = prepare_rows(RowSettings(**DIVIDE), through(matrix, chain(1)))
    with pytest.raises(DataError, match="random calibration states an induction factor and scan"):
        prepared.signal(scan)
    turned = prepare_rows(RowSettings(**DIVIDE), through(matrix, chain(1, induction=False)))
    with pytest.raises(DataError, match="scan states an induction factor and random calibration"):
        turned.signal(through(object_scan(matrix), chain(2)))


def test_a_scan_without_a_transfer_function_is_refused():
    matrix = synthetic.matrix()
    prepared = prepare_rows(RowSettings(**DIVIDE), through(matrix, chain(1, induction=False)))
    with pytest.raises(DataError, match="needs a transfer function and the file has none"):
        prepared.signal(object_scan(matrix))


def test_a_file_that_was_divided_is_not_divided_twice():
    divided = synthetic.acquisition(is_transfer_function_corrected=True, transfer_function=chain())
    with pytest.raises(DataError, match="was divided out before"):
        prepare_rows(RowSettings(**DIVIDE), synthetic.matrix(acquisition=divided))


def test_a_frequency_that_was_not_measured_is_refused():
    settings = RowSettings(background="own_mean", transfer_function="divide")
    with pytest.raises(DataError, match="0 Hz first"):
        prepare_rows(settings, through(synthetic.matrix(), chain()))


@pytest.mark.parametrize(
    ("weak", "is_refused"),
    [
        pytest.param(NEAR_ZERO, True, id="at-the-bound"),
        pytest.param(NEAR_ZERO * 1.001, False, id="above-the-bound"),
        pytest.param(0.0, True, id="zero"),
    ],
)
def test_a_row_that_the_chain_stops_is_refused(weak, is_refused):
    values = np.ones((2, 16), dtype=complex)
    values[1, 4] = weak
    matrix = through(synthetic.matrix(), chain(values=values, induction_factor=None))
    selection = select_rows(matrix, min_frequency=1.0)
    if not is_refused:
        assert receive_gain(matrix, selection)[16 + 4] == pytest.approx(weak)
        return
    with pytest.raises(DataError, match=r"channel 1 .* at 1 of 16 selected bins, first at 156250"):
        receive_gain(matrix, selection)
    left = select_rows(matrix, min_frequency=1.0, stop_bands=[(1.5e5, 1.6e5)])
    np.testing.assert_array_equal(receive_gain(matrix, left), np.ones(30))


def test_a_measured_chain_brings_two_scanners_together(shared):
    path = shared / "data" / "mpi" / "transfer-functions" / "TF200316_Tconnector.h5"
    with h5py.File(path) as file:
        frequencies = file["frequencies"][()]
        values, factor = file["transferFunction"][()], file["inductionFactor"][()]
    if values.dtype.names:
        values = values[values.dtype.names[0]] + 1j * values[values.dtype.names[1]]
    transfer = TransferFunction(frequencies, values, induction_factor=np.atleast_1d(factor))
    taken = synthetic.acquisition(n_channels=1)
    matrix = synthetic.matrix(acquisition=taken)
    selection = select_rows(matrix, min_frequency=BIN)
    gain = np.ones((1, 17), dtype=complex)
    gain[:, 1:] = transfer.at(BIN * np.arange(1, 17)) * transfer.induction_factor[:, None]
    recorded = replace(
        matrix,
        spectra=ArraySpectra(matrix.spectra.values * gain),
        acquisition=replace(taken, transfer_function=transfer),
    )
    plain = prepare_rows(RowSettings(background="own_mean", min_frequency=BIN), matrix)
    divided = prepare_rows(
        RowSettings(background="own_mean", transfer_function="divide", min_frequency=BIN), recorded
    )
    np.testing.assert_allclose(divided.columns, plain.columns, rtol=1e-12)
    assert isinstance(selection, Selection)


@pytest.mark.parametrize("weighting", ["whitening", "row_norm"])
def test_weights_are_those_of_the_divided_rows(weighting):
    matrix = synthetic.matrix(background=(True,) * 4)
    settings = RowSettings(**DIVIDE, weighting=weighting, dictionary_size=2)
    divided = prepare_rows(settings, through(matrix, chain(1)))
    plain = prepare_rows(
        RowSettings(
            background="own_mean", min_frequency=1.0, weighting=weighting, dictionary_size=2
        ),
        matrix,
    )
    np.testing.assert_allclose(divided.weights, plain.weights, rtol=1e-10)
    np.testing.assert_allclose(divided.columns, plain.columns, atol=1e-10)
