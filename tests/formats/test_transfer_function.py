"""Transfer functions in HDF5, in both layouts; hostile ones are refused."""

import h5py
import numpy as np
import pytest

from sojourn.core.errors import DataError
from sojourn.core.signals import TransferFunction, stack_channels
from sojourn.formats.transfer_function import (
    FORMAT,
    read_transfer_function_file,
    write_transfer_function_file,
)
from sojourn.testing import check_round_trip

FOLDER = "data/mpi/transfer-functions"


def wrote(tmp_path, **datasets):
    values = {
        "frequencies": np.array([1.0, 2.0]),
        "transferFunction": np.array([[1 + 1j, 2]]),
        **datasets,
    }
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for name, value in values.items():
            if value is not None:
                file[name] = value
    return tmp_path / "a.h5"


@pytest.mark.parametrize(
    ("name", "channels", "points", "factor"),
    [
        # counted with another HDF5 reader; factors from SOURCES.md
        ("Gradio1.h5", 3, 1000, 1.0),
        ("MPS1.h5", 1, 200, 1.0),
        ("MPSLNA.h5", 1, 1000, 1.0),
        ("PreinstalledUH.h5", 3, 1600, 1.0),
        ("TF200316_Tconnector.h5", 1, 350, 2.763e5),
        ("tfMPS20191029TworxChannel.h5", 2, 1911, 4.85e5),
    ],
)
def test_real_files_of_both_layouts_are_read(shared, name, channels, points, factor):
    path = shared / FOLDER / name
    transfer = read_transfer_function_file(path)
    assert transfer.values.shape == (channels, points)
    assert transfer.induction_factor[0] == pytest.approx(factor, rel=1e-3)
    with h5py.File(path) as file:
        raw = file["transferFunction"][()]
        raw = raw if raw.dtype.kind == "c" else raw[..., 0] + 1j * raw[..., 1]
        frequencies = file["frequencies"][()]
    # round trip by division: what the chain did is taken back
    found = transfer.at(frequencies)
    measured = np.abs(raw).max(axis=1) > 0
    # the second channel of one file was never measured: it holds zeros
    assert list(~measured) == [False, name.startswith("tfMPS2019"), False][:channels]
    corrected = raw[measured] * (1 - 2j) / found[measured]
    np.testing.assert_allclose(corrected, np.full(corrected.shape, 1 - 2j), rtol=1e-10)
    assert not found[~measured].any()


def test_halfway_between_real_points_magnitude_is_their_mean(shared):
    transfer = read_transfer_function_file(shared / FOLDER / "PreinstalledUH.h5")
    middle = (transfer.frequencies[:-1] + transfer.frequencies[1:]) / 2
    magnitude = np.abs(transfer.values)
    expected = (magnitude[:, :-1] + magnitude[:, 1:]) / 2
    np.testing.assert_allclose(np.abs(transfer.at(middle)), expected, rtol=1e-9)


@pytest.mark.parametrize("factor", [None, np.array([2.0, -3.0])])
def test_transfer_functions_come_back(tmp_path, factor):
    values = np.array([[1, 2j, 3], [4, 5, 6 - 1j]])
    transfer = TransferFunction(np.array([0.0, 1.0, 9.0]), values, "V/(A m^2)", factor)

    def same(found, expected):
        np.testing.assert_array_equal(found.values, expected.values)
        np.testing.assert_array_equal(found.frequencies, expected.frequencies)
        assert found.unit == expected.unit
        assert (found.induction_factor is None) == (factor is None)

    check_round_trip(
        write_transfer_function_file,
        read_transfer_function_file,
        transfer,
        same=same,
        path=tmp_path / "a.h5",
    )
    assert FORMAT.sniff((tmp_path / "a.h5").read_bytes()[:8])


def test_a_single_channel_may_lack_its_axis(tmp_path):
    path = wrote(tmp_path, transferFunction=np.array([[1.0, 2], [3, 4]]), inductionFactor=2.5)
    transfer = read_transfer_function_file(path)
    np.testing.assert_array_equal(transfer.values, [[1 + 2j, 3 + 4j]])
    assert transfer.induction_factor[0] == 2.5


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"frequencies": None}, "/frequencies is missing", id="no-frequencies"),
        pytest.param({"transferFunction": None}, "Function is missing", id="no-values"),
        pytest.param({"transferFunction": np.ones((1, 3), complex)}, "by /freq", id="lengths"),
        pytest.param({"transferFunction": np.ones((1, 2, 3))}, "real, of shape", id="real"),
        pytest.param({"transferFunction": "text"}, "text; expected numbers", id="text"),
        pytest.param({"transferFunction": np.full((1, 2), np.nan + 0j)}, "not finite", id="nan"),
        pytest.param({"frequencies": np.array([2.0, 1.0])}, "must ascend", id="descending"),
        pytest.param({"frequencies": np.ones((2, 2))}, "along one axis", id="grid"),
        pytest.param({"inductionFactor": np.ones(3)}, "induction factors", id="factors"),
        pytest.param(
            {"transferFunction": h5py.ExternalLink("other.h5", "x")}, "ExternalLink", id="link"
        ),
    ],
)
def test_what_is_no_transfer_function_is_refused(tmp_path, changes, message):
    with pytest.raises(DataError, match=message) as caught:
        read_transfer_function_file(wrote(tmp_path, **changes))
    assert str(caught.value).startswith("a.h5")


def test_channels_are_put_together_only_where_they_fit():
    one = TransferFunction(np.array([1.0, 2.0]), np.ones((1, 2)), "V")
    other = TransferFunction(np.array([1.0, 2.0]), 2 * np.ones((1, 2)), "V")
    np.testing.assert_array_equal(stack_channels(one, other).values[:, 0], [1, 2])
    for wrong in (
        TransferFunction(np.array([1.0, 3.0]), np.ones((1, 2)), "V"),
        TransferFunction(np.array([1.0, 2.0]), np.ones((1, 2)), "A"),
    ):
        with pytest.raises(DataError, match="different frequencies or in different units"):
            stack_channels(one, wrong)
    factored = TransferFunction(np.array([1.0, 2.0]), np.ones((1, 2)), "V", np.ones(1))
    with pytest.raises(DataError, match="no induction factor"):
        stack_channels(one, factored)
    with pytest.raises(DataError, match="no transfer function"):
        stack_channels()
