import math

import numpy as np
import pytest

from sojourn.core.errors import DataError
from sojourn.physics.field_sources import HomogeneousField, field_free_line_source
from sojourn.physics.sequences import (
    Patch,
    Sequence,
    cartesian_sequence,
    cycle,
    field_free_line_sequence,
    focused_sequence,
    lissajous_sequence,
    rotation_about,
    single_sided_sequence,
)

PRECLINICAL = lissajous_sequence(np.full(3, 12e-3), np.array([102, 96, 99]))


def test_preclinical_lissajous_closes_after_21_54_ms_and_53856_samples():
    # mpi-software.md section 6: 21.54 ms, lcm(102, 96, 99) = 53856 samples at 2.5 MS/s.
    assert PRECLINICAL.drive_field.cycle == 53856 / 2.5e6
    assert round(1e3 * PRECLINICAL.drive_field.cycle, 2) == 21.54
    assert PRECLINICAL.n_samples == 53856
    assert PRECLINICAL.bandwidth == 1.25e6
    frequency = 2.5e6 / PRECLINICAL.drive_field.divider.ravel()
    np.testing.assert_allclose(frequency, [24509.8, 26041.7, 25252.5], atol=0.05)
    assert PRECLINICAL.frequencies()[-1] == pytest.approx(1.25e6)
    assert PRECLINICAL.n_patches == 1
    assert PRECLINICAL.frame_duration == PRECLINICAL.drive_field.cycle


def test_every_channel_closes_after_one_cycle_and_not_before():
    waveform = PRECLINICAL.waveforms()
    assert waveform.shape == (3, 53856)
    lines = np.abs(np.fft.rfft(waveform, axis=1))
    # One line each, at cycle / divider; gcd of the three numbers of periods is 1.
    periods = [53856 // d for d in (102, 96, 99)]
    assert [int(np.argmax(line)) for line in lines] == periods
    assert math.gcd(*periods) == 1
    np.testing.assert_allclose(lines.max(axis=1), 12e-3 * 53856 / 2, rtol=1e-9)


@pytest.mark.parametrize(
    ("dividers", "expected"),
    [([4, 6], 12.0), ([[4, 6], [10, 15]], 60.0), ([7], 7.0)],
)
def test_cycle_is_the_least_common_multiple_over_the_base_frequency(dividers, expected):
    assert cycle(1.0, np.array(dividers)) == expected
    assert cycle(2.5e6, np.array(dividers)) == expected / 2.5e6


@pytest.mark.parametrize(("base", "dividers"), [(1.0, [0]), (1.0, []), (0.0, [3]), (1.0, [-2, 3])])
def test_impossible_dividers_are_refused(base, dividers):
    with pytest.raises(DataError):
        cycle(base, np.array(dividers, dtype=np.int64))


def test_a_smaller_bandwidth_takes_fewer_samples():
    sequence = lissajous_sequence(np.full(3, 12e-3), np.array([102, 96, 99]), bandwidth=1.25e6 / 2)
    assert sequence.n_samples == 53856 // 2
    with pytest.raises(DataError, match="whole number"):
        lissajous_sequence(np.full(1, 1.0), np.array([100]), bandwidth=1.26e5)


def test_amplitudes_and_dividers_come_in_pairs():
    with pytest.raises(DataError, match="one shape"):
        lissajous_sequence(np.ones(3), np.array([100, 99]))


def test_cartesian_lines_are_fast_along_x_and_sweep_y_up_and_down_once():
    sequence = cartesian_sequence(np.array([1.0, 0.5]), divider=100, lines=(50,))
    x, y = sequence.waveforms()
    assert sequence.n_samples == 5000
    crossings = np.sum((x[:-1] < 0) & (x[1:] >= 0))
    assert crossings in (49, 50)
    assert y[0] == -0.5
    assert y[2500] == 0.5
    assert (np.diff(y[:2501]) > 0).all()
    assert (np.diff(y[2500:]) < 0).all()
    assert np.abs(np.diff(y)).max() * 20 < np.abs(np.diff(x)).max()


def test_cartesian_volume_nests_its_shifts():
    sequence = cartesian_sequence(np.ones(3), divider=10, lines=(8, 5))
    assert sequence.drive_field.divider.ravel().tolist() == [10, 80, 400]
    assert sequence.drive_field.cycle == 400 / 2.5e6


@pytest.mark.parametrize("lines", [(), (1,), (4, 4)])
def test_cartesian_lines_fit_the_directions(lines):
    with pytest.raises(DataError, match="lines"):
        cartesian_sequence(np.ones(2), divider=10, lines=lines)


def test_focus_fields_make_patches_that_keep_their_settings():
    offsets = np.array([[0.0, 0.0, 0.0], [0.01, -0.01, 0.0]])
    base = Sequence(PRECLINICAL.drive_field, 53856, 1.25e6, (Patch(np.ones(3), 0.5),))
    sequence = focused_sequence(base, offsets)
    assert sequence.n_patches == 2
    assert sequence.frame_duration == pytest.approx(2 * 53856 / 2.5e6)
    np.testing.assert_array_equal(sequence.patches[1].offset, [1.01, 0.99, 1.0])
    assert sequence.patches[1].selection_scale == 0.5
    with pytest.raises(DataError, match="2 patches already"):
        focused_sequence(sequence, offsets)
    with pytest.raises(DataError, match="shape"):
        focused_sequence(base, np.ones(3))


def test_line_turns_by_equal_angles_over_half_a_turn():
    sequence = field_free_line_sequence(0.02, divider=100, n_angles=4)
    line = field_free_line_source(1.0, direction=np.eye(3)[0], normal=np.eye(3)[1])
    for k, patch in enumerate(sequence.patches):
        angle = k * np.pi / 4
        along = np.array([np.cos(angle), np.sin(angle), 0.0])
        turned = patch.rotation @ line.jacobian @ patch.rotation.T
        np.testing.assert_allclose(turned @ along, 0.0, atol=1e-15)
    assert sequence.n_patches == 4
    with pytest.raises(DataError, match="angle"):
        field_free_line_sequence(0.02, divider=100, n_angles=0)


def test_rotation_is_right_handed():
    np.testing.assert_allclose(rotation_about(np.array([0, 0, 2.0]), np.pi / 2) @ np.eye(3)[0],
                               [0.0, 1.0, 0.0], atol=1e-15)  # fmt: skip
    turn = rotation_about(np.array([1.0, 1.0, 1.0]), 2 * np.pi / 3)
    np.testing.assert_allclose(turn @ np.array([1.0, 2.0, 3.0]), [3.0, 1.0, 2.0], atol=1e-12)
    with pytest.raises(DataError, match="direction"):
        rotation_about(np.zeros(3), 1.0)


def test_a_probe_is_off_in_one_state_and_has_its_own_field_in_others():
    field = HomogeneousField(np.ones(3))
    sequence = single_sided_sequence(600.0, (None, field))
    assert sequence.unit == "A"
    assert sequence.drive_field.cycle == pytest.approx(40e-6)
    off, on = sequence.patches
    assert off.selection_scale == 0.0
    assert off.selection is None
    assert on.selection is field
    assert on.selection_scale == 1.0
    with pytest.raises(DataError, match="at least one patch"):
        single_sided_sequence(600.0, ())


def test_inconsistent_sequences_are_refused():
    drive = PRECLINICAL.drive_field
    with pytest.raises(DataError, match="Nyquist"):
        Sequence(drive, 53856, 1.0e6)
    with pytest.raises(DataError, match="T or A"):
        Sequence(drive, 53856, 1.25e6, unit="mT")
    wrong = type(drive)(drive.base_frequency, drive.divider, drive.strength, drive.phase, 0.02)
    with pytest.raises(DataError, match="lcm"):
        Sequence(wrong, 50000, 1.25e6)


@pytest.mark.parametrize(
    "patch",
    [{"offset": np.ones(2)}, {"offset": np.full(3, np.inf)}, {"selection_scale": np.nan},
     {"rotation": np.diag([1.0, 1.0, -1.0])}],
)  # fmt: skip
def test_impossible_patches_are_refused(patch):
    with pytest.raises(DataError):
        Patch(**patch)
