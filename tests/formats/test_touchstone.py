"""Touchstone files: all number forms, column orders, broken lines; hostile ones are refused."""

import numpy as np
import pytest

from sojourn.core.errors import DataError, SojournError
from sojourn.core.signals import stack_channels
from sojourn.formats.touchstone import (
    FORMAT,
    Network,
    read_touchstone,
    transfer_function_of,
    write_touchstone,
)
from sojourn.testing import check_round_trip

POINT = "1.5 1 0 2 90 3 180 4 -90\n"
"""One frequency; S11, S21, S12, S22 as magnitude and degrees."""


def wrote(tmp_path, text, name="a.s2p"):
    path = tmp_path / name
    path.write_text(text, encoding="latin-1")
    return path


def test_two_ports_come_column_by_column(tmp_path):
    network = read_touchstone(wrote(tmp_path, "# GHz S MA R 50\n" + POINT))
    np.testing.assert_allclose(network.parameters[0], [[1, -3], [2j, -4j]], atol=1e-15)
    np.testing.assert_allclose(network.frequencies, [1.5e9])


def test_three_ports_come_row_by_row_over_broken_lines(tmp_path):
    numbers = "\n".join(["1 1 0 2 0 3 0", "4 0 5 0 ! a note", "6 0", "7 0 8 0 9 0"])
    network = read_touchstone(wrote(tmp_path, "# Hz S RI R 75\n" + numbers, "a.s3p"))
    np.testing.assert_array_equal(network.parameters[0], [[1, 2, 3], [4, 5, 6], [7, 8, 9]])
    assert network.impedance == 75
    assert network.comments == (" a note",)


@pytest.mark.parametrize(
    ("form", "pair", "expected"),
    [
        ("DB", "-20 90", 0.1j),
        ("dB", "6.020599913279624 0", 2.0),
        ("MA", "2 -90", -2j),
        ("RI", "0.25 -0.5", 0.25 - 0.5j),
    ],
)
@pytest.mark.parametrize(("unit", "hertz"), [("Hz", 1), ("kHz", 1e3), ("MHZ", 1e6), ("ghz", 1e9)])
def test_forms_and_units(tmp_path, form, pair, expected, unit, hertz):
    network = read_touchstone(wrote(tmp_path, f"# {unit} S {form} R 50\n2 {pair}\n", "a.S1P"))
    np.testing.assert_allclose(network.parameters[0, 0, 0], expected, atol=1e-15)
    assert network.frequencies[0] == 2 * hertz


def test_options_in_any_order_and_the_first_line_counts(tmp_path):
    text = "! top\n# r 60 ri s hz\n# MHz S MA R 50\n1 1D0 -2.e0\n"
    network = read_touchstone(wrote(tmp_path, text, "a.s1p"))
    assert network.parameters[0, 0, 0] == 1 - 2j
    assert (network.impedance, network.frequencies[0]) == (60, 1)


def test_without_an_option_line_gigahertz_and_magnitudes_are_meant(tmp_path):
    # Touchstone 1.1: the defaults are GHz, S, MA, R 50
    network = read_touchstone(wrote(tmp_path, "2 3 90\n", "a.s1p"))
    assert network.frequencies[0] == 2e9
    np.testing.assert_allclose(network.parameters[0, 0, 0], 3j, atol=1e-15)


@pytest.mark.parametrize("n_noise", [1, 2, 9])
def test_noise_parameters_after_a_two_port_are_left_out(tmp_path, n_noise):
    points = "1 1 0 2 0 3 0 4 0\n2 1 0 2 0 3 0 4 0\n"
    noise = "".join(f"{0.5 + i / 10} 1 0.5 20 0.3\n" for i in range(n_noise))
    network = read_touchstone(wrote(tmp_path, "# GHz S RI R 50\n" + points + noise))
    np.testing.assert_allclose(network.frequencies, [1e9, 2e9])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "0 numbers", id="empty"),
        pytest.param("# Hz S RI R 50\n", "0 numbers", id="no-points"),
        pytest.param("# Hz S RI R 50\n1 2 3 4\n", "4 numbers; expected 9", id="cut-off"),
        pytest.param("# Hz Y RI R 50\n" + POINT, "parameters Y", id="admittances"),
        pytest.param("# Hz S XX R 50\n" + POINT, "option 'XX'", id="unknown-form"),
        pytest.param("# Hz S RI R\n" + POINT, "line 1: '' is no number", id="no-impedance"),
        pytest.param("# Hz S RI R 0\n" + POINT, "impedance of 0.0 ohm", id="zero-impedance"),
        pytest.param("[Version] 2.0\n", "Touchstone 2", id="version-2"),
        pytest.param("# Hz S RI R 50\n1 nan 0 0 0 0 0 0 0\n", "'nan' is no number", id="nan"),
        pytest.param("1_0 0 0 0 0 0 0 0 0\n", "'1_0' is no number", id="underscore"),
        pytest.param("1e999 0 0 0 0 0 0 0 0\n", "too large", id="infinite"),
        pytest.param("# Hz S DB R 50\n1 9999 0 0 0 0 0 0 0\n", "too large", id="huge-decibel"),
        pytest.param("9" * 65 + " 0", "is no number", id="endless-digits"),
        pytest.param(POINT * 2, "ascending frequencies", id="the-same-frequency-twice"),
        pytest.param("-1 1 0 0 0 0 0 0 0\n", "from 0 Hz or above", id="negative-frequency"),
        pytest.param("\x00\x01\xff", "is no number", id="binary"),
    ],
)
def test_what_is_no_touchstone_file_is_refused(tmp_path, text, message):
    with pytest.raises(DataError, match=message) as caught:
        read_touchstone(wrote(tmp_path, text))
    assert str(caught.value).startswith("a.s2p")


def test_a_descending_two_port_is_not_taken_for_noise(tmp_path):
    # 1 + 5 points: 45 numbers are left, a multiple of five as noise would be
    points = "".join(f"{6 - i} 1 0 2 0 3 0 4 0\n" for i in range(6))
    with pytest.raises(DataError, match="ascending"):
        read_touchstone(wrote(tmp_path, "# GHz S RI R 50\n" + points))


def test_names_without_ports_missing_and_huge_files_are_refused(tmp_path):
    with pytest.raises(DataError, match="the number of ports comes from the name"):
        read_touchstone(wrote(tmp_path, POINT, "a.txt"))
    with pytest.raises(DataError, match="is not a file"):
        read_touchstone(tmp_path / "gone.s2p")
    with (tmp_path / "huge.s2p").open("wb") as file:
        file.truncate((16 << 20) + 1)
    with pytest.raises(DataError, match="at most 16 MiB"):
        read_touchstone(tmp_path / "huge.s2p")


def test_broken_bytes_never_give_another_error(tmp_path):
    content = bytearray(("# MHz S DB R 50\n" + POINT.replace("1.5", "1") + POINT).encode())
    rng = np.random.default_rng(3)
    refused = 0
    for trial in range(500):
        broken = bytearray(content)
        for at in rng.integers(0, len(content), 3):
            broken[at] = rng.integers(256) if trial % 2 else rng.integers(48, 58)
        path = tmp_path / "b.s2p"
        path.write_bytes(
            bytes(broken[: rng.integers(1, len(broken))]) if trial % 5 == 0 else broken
        )
        try:
            read_touchstone(path)
        except SojournError:
            refused += 1
    assert 100 < refused < 500


@pytest.mark.parametrize("n_ports", [1, 2, 3])
def test_networks_come_back(tmp_path, n_ports):
    rng = np.random.default_rng(n_ports)
    parameters = rng.standard_normal((4, n_ports, n_ports, 2)) @ np.array([1, 1j])
    network = Network(np.array([0, 1e3, 2.5e3, 1e7]), parameters, 75.0, (" made up",))

    def same(found, expected):
        np.testing.assert_array_equal(found.parameters, expected.parameters)
        np.testing.assert_array_equal(found.frequencies, expected.frequencies)
        assert (found.impedance, found.comments) == (expected.impedance, expected.comments)

    path = tmp_path / f"a.s{n_ports}p"
    check_round_trip(write_touchstone, read_touchstone, network, same=same, path=path)
    assert FORMAT.sniff(path.read_bytes()[:512])
    with pytest.raises(DataError, match=f"is a .s{n_ports}p"):
        write_touchstone(tmp_path / "a.s9p", network)


def test_a_parameter_that_is_not_there_is_refused(tmp_path):
    network = read_touchstone(wrote(tmp_path, "1 1 0\n", "a.s1p"))
    assert transfer_function_of(network, "S11").values[0, 0] == 1
    for name in ("S21", "S1", "T11"):
        with pytest.raises(DataError, match="it has S11 to S11"):
            transfer_function_of(network, name)


FOLDER = "data/mpi/transfer-functions"


def by_numpy(path, skip):
    """Return frequency column and complex parameters, read without this package."""
    rows = np.loadtxt(path, comments=["!", "#"], skiprows=skip)
    return rows[:, 0], 10 ** (rows[:, 1::2] / 20) * np.exp(1j * np.deg2rad(rows[:, 2::2]))


@pytest.mark.parametrize("axis", "XYZ")
def test_real_receive_chains_agree_with_numpys_reader(shared, axis):
    path = shared / FOLDER / f"HH_RXCHAIN_{axis}_20151006.s2p"
    network = read_touchstone(path)
    frequencies, parameters = by_numpy(path, 0)
    assert len(frequencies) == 1600
    np.testing.assert_array_equal(network.frequencies, frequencies)
    np.testing.assert_allclose(network.parameters[:, 1, 0], parameters[:, 1], rtol=1e-13)
    np.testing.assert_allclose(network.parameters[:, 0, 0], parameters[:, 0], rtol=1e-13)
    transfer = transfer_function_of(network)
    # columns 4 and 5 of the file are S21 in dB and degrees
    signal = parameters[:, 1] * np.exp(1j * np.arange(1600))
    corrected = signal / transfer.at(frequencies)[0]
    np.testing.assert_allclose(corrected, np.exp(1j * np.arange(1600)), rtol=1e-12)


def test_real_chain_of_a_spectrometer_agrees_with_numpys_reader(shared):
    path = shared / FOLDER / "MPS1.s1p"
    transfer = transfer_function_of(read_touchstone(path), "S11")
    frequencies, parameters = by_numpy(path, 0)
    np.testing.assert_allclose(transfer.frequencies, frequencies * 1e6, rtol=1e-15)
    np.testing.assert_allclose(transfer.values, parameters.T, rtol=1e-13)


def test_three_real_chains_make_three_channels(shared):
    chains = [
        transfer_function_of(read_touchstone(shared / FOLDER / f"HH_RXCHAIN_{a}_20151006.s2p"))
        for a in "XYZ"
    ]
    together = stack_channels(*chains, name="Hamburg")
    assert together.values.shape == (3, 1600)
    np.testing.assert_array_equal(together.values[2], chains[2].values[0])
    with pytest.raises(DataError, match="outside"):
        together.at(np.array([1.6e6]))
