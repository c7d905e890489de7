from dataclasses import replace

import numpy as np
import pytest

from sojourn.core.errors import DataError
from sojourn.physics.scanner_presets import PRESETS, human_head, preset, single_sided


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_describes_an_acquisition(name):
    scanner = preset(name)
    taken = scanner.acquisition()
    assert scanner.name == name
    assert taken.n_channels == len(scanner.receive)
    assert taken.n_bins == scanner.n_bins
    assert taken.unit == "V"
    assert taken.frequencies()[-1] == pytest.approx(taken.bandwidth)
    assert (taken.drive_field.strength > 1e-3).all()
    for patch in range(scanner.sequence.n_patches):
        static, coils, receive = scanner.fields(np.array([[1e-3, 2e-3, 9e-3]]), patch=patch)
        assert static.shape == (1, 3)
        assert coils.shape == (1, len(scanner.drive), 3)
        assert receive.shape == (1, len(scanner.receive), 3)


def test_the_preclinical_bore_has_the_published_period_and_gradient():
    taken = preset("preclinical").acquisition()
    assert taken.n_samples == 53856
    assert taken.drive_field.cycle == pytest.approx(21.5424e-3)
    np.testing.assert_allclose(taken.gradient, np.diag([-1.0, -1.0, 2.0]))
    np.testing.assert_array_equal(taken.offset_field, np.zeros(3))


def test_the_head_scanner_has_the_recorded_period():
    taken = human_head().acquisition()
    assert (taken.n_samples, taken.n_channels) == (152, 1)
    assert taken.bandwidth == pytest.approx(1.953125e6)
    assert taken.frequencies()[1] == pytest.approx(25.69901e3, abs=0.01)


def test_a_field_off_center_is_stated_as_its_value_at_the_origin():
    taken = human_head(gradient=0.3, center=(0.01, 0.0, 0.0)).acquisition()
    np.testing.assert_allclose(taken.offset_field, [-0.003, 0.0, 0.0], atol=1e-15)


def test_a_turned_line_states_its_turned_gradient():
    scanner = preset("field_free_line")
    quarter = scanner.acquisition(patch=8).gradient
    np.testing.assert_allclose(quarter, np.diag([0.0, 2.0, -2.0]), atol=1e-12)


def test_coils_in_amperes_state_their_field_at_the_face_in_tesla():
    # 600 A turns: 10.8 mT at the face, by the closed form of the same design (design table).
    strength = single_sided().acquisition().drive_field.strength
    assert strength[0, 0] == pytest.approx(10.8e-3, rel=0.05)


@pytest.mark.parametrize(("depth", "gradient"), [(10e-3, 0.42), (20e-3, 0.28), (28e-3, 0.18)])
def test_the_probe_has_the_gradients_of_the_design_table(depth, gradient):
    scanner = single_sided(depths=(depth,))
    step = 1e-5
    axis = np.array([[0.0, 0.0, depth - step], [0.0, 0.0, depth + step]])
    field = scanner.fields(axis, patch=1)[0]
    assert np.linalg.norm(field.mean(axis=0)) < 1e-6
    assert abs(field[1, 2] - field[0, 2]) / (2 * step) == pytest.approx(gradient, rel=0.1)


def test_an_unknown_preset_lists_those_that_exist():
    with pytest.raises(DataError, match=r"no scanner preset 'mouse'; known: preclinical, "):
        preset("mouse")


def test_what_does_not_go_together_is_refused():
    scanner = human_head()
    with pytest.raises(DataError, match="0 drive coils for 1 drive channels"):
        replace(scanner, drive=())
    with pytest.raises(DataError, match="0 receive coils"):
        replace(scanner, receive=())
    with pytest.raises(DataError, match=r"transfer has shape \(1, 3\)"):
        replace(scanner, transfer=np.ones((1, 3)))
    with pytest.raises(DataError, match="expected finite"):
        replace(scanner, transfer=np.full((1, 77), np.nan))
