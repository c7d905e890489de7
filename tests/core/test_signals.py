"""Receive chains between their measured points, and what an acquisition accepts."""

import numpy as np
import pytest

from sojourn.core.errors import DataError
from sojourn.core.signals import Acquisition, TransferFunction
from synthetic_mpi import acquisition

FREQUENCIES = np.array([10e3, 20e3, 40e3])
DELAY = 4e-6


def delayed(frequencies: np.ndarray) -> np.ndarray:
    """Amplifier of gain 3 behind a pure delay: phase is linear, so interpolation is exact."""
    return 3.0 * np.exp(-2j * np.pi * frequencies * DELAY)


def chain(**changes: object) -> TransferFunction:
    values = np.stack([delayed(FREQUENCIES), 2 * delayed(FREQUENCIES)])
    return TransferFunction(**{"frequencies": FREQUENCIES, "values": values, **changes})


def test_a_measured_frequency_gives_its_measured_value():
    np.testing.assert_allclose(chain().at(FREQUENCIES), chain().values, rtol=1e-14)


def test_phase_is_unwrapped_across_minus_pi():
    # 2 pi x 30 kHz x 25 us = 1.5 pi: the wrapped phases of both neighbours average elsewhere.
    frequencies = np.array([20e3, 30e3, 34e3])
    exact = np.exp(-2j * np.pi * frequencies * 25e-6)
    found = TransferFunction(frequencies[[0, 2]], exact[None, [0, 2]]).at(frequencies)
    np.testing.assert_allclose(found[0], exact, rtol=1e-12)


def test_a_pure_delay_is_interpolated_exactly():
    asked = np.linspace(10e3, 40e3, 31)
    np.testing.assert_allclose(chain().at(asked)[1], 2 * delayed(asked), rtol=1e-13)


def test_magnitude_is_interpolated_linearly():
    found = TransferFunction(np.array([1.0, 2.0]), np.array([[2.0 + 0j, 4j]])).at(np.array([1.5]))
    np.testing.assert_allclose(found, 3 * np.exp(1j * np.pi / 4))


def test_zeros_take_their_phase_from_the_neighbours():
    transfer = TransferFunction(np.array([0.0, 1.0, 2.0]), np.array([[0, 1j, 1j]]))
    np.testing.assert_allclose(transfer.at(np.array([0.5])), [[0.5j]], atol=1e-15)
    silent = TransferFunction(np.array([0.0, 1.0]), np.zeros((1, 2)))
    np.testing.assert_array_equal(silent.at(np.array([0.5])), [[0j]])


def test_order_and_repetition_of_asked_frequencies_are_kept():
    found = chain().at(np.array([40e3, 10e3, 40e3]))
    np.testing.assert_allclose(found, chain().values[:, [2, 0, 2]], rtol=1e-14)


@pytest.mark.parametrize("asked", [9_999.0, 40_001.0, np.nan])
def test_outside_the_measured_range_nothing_is_extrapolated(asked: float):
    with pytest.raises(DataError, match=r"measured from 10000 to 40000 Hz; 1 of 2 .*Leave these"):
        chain().at(np.array([20e3, asked]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"values": np.ones((2, 2))}, "need shapes", id="lengths-differ"),
        pytest.param({"values": np.ones(3)}, "need shapes", id="no-channel-axis"),
        pytest.param({"frequencies": FREQUENCIES[::-1]}, "ascend", id="descending"),
        pytest.param({"frequencies": np.array([1.0, 1.0, 2.0])}, "ascend", id="twice"),
        pytest.param({"frequencies": np.array([-1.0, 1.0, 2.0])}, "ascend", id="negative"),
        pytest.param({"values": np.full((1, 3), np.nan)}, "finite", id="nan"),
        pytest.param({"values": np.ones((0, 3))}, "finite", id="no-channel"),
        pytest.param({"induction_factor": np.ones(1)}, "induction", id="one-factor-for-two"),
        pytest.param({"induction_factor": np.array([1.0, 0.0])}, "induction", id="factor-zero"),
    ],
)
def test_what_is_no_transfer_function_is_refused(changes: dict[str, object], message: str):
    with pytest.raises(DataError, match=message):
        chain(**changes)


def test_values_of_a_transfer_function_cannot_change():
    given = np.ones((1, 3), dtype=complex)
    transfer = chain(values=given, induction_factor=np.ones(1))
    given[:] = 7
    assert np.all(transfer.values == 1)
    with pytest.raises(ValueError, match="read-only"):
        transfer.values[0, 0] = 2


def test_an_acquisition_of_older_files_states_nothing_about_corrections():
    taken = acquisition()
    assert taken.transfer_function is None
    assert taken.offset_field is None
    assert not taken.is_transfer_function_corrected
    assert not taken.is_spectral_leakage_corrected


@pytest.mark.parametrize(
    "changes",
    [
        {"gradient": np.ones(3)},
        {"offset_field": np.ones((1, 3))},
        {"offset_field": np.array([0, 0, np.inf])},
        {"gradient_steps": np.ones((3, 3))},
        {"offset_steps": np.ones((2, 2))},
    ],
)
def test_selection_fields_of_another_shape_are_refused(changes: dict[str, np.ndarray]):
    with pytest.raises(DataError, match=next(iter(changes))):
        acquisition(**changes)


def test_steps_of_any_number_of_sub_intervals_are_kept():
    taken = acquisition(gradient_steps=np.ones((5, 3, 3)), offset_steps=np.zeros((5, 3)))
    assert isinstance(taken, Acquisition)
    assert taken.gradient_steps is not None
    assert taken.gradient_steps.shape == (5, 3, 3)


def test_a_transfer_function_needs_the_channels_of_its_acquisition():
    with pytest.raises(DataError, match="has 2 channels, the acquisition 1"):
        acquisition(n_channels=1, transfer_function=chain())
