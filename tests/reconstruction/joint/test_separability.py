import numpy as np
import pytest

from sojourn.core.errors import DataError
from sojourn.reconstruction.joint.separability import Thresholds, Verdict, judge_separability
from sojourn.reconstruction.uncertainty.noise import FrameNoise

USUAL = Thresholds(separable=0.05, tolerable=0.25, amplification=10.0)


def white(rows, variance=1.0):
    return FrameNoise(np.full(2 * rows, variance), np.zeros((2 * rows, 1)), 1.0, 10)


def pair(angle):
    """Two states of one voxel whose signals, of length 1, are `angle` (degrees) apart."""
    t = np.radians(angle)
    return np.array([[1.0 + 0j], [0.0]]), np.array([[np.cos(t) + 0j], [np.sin(t)]])


def judge(states, *, calibration_error=0.0, regularization=1e-9, thresholds=USUAL, variance=1.0):
    return judge_separability(
        states,
        white(len(states[0]), variance),
        regularization=regularization,
        calibration_error=calibration_error,
        thresholds=thresholds,
    )


@pytest.mark.parametrize("angle", [90, 60, 30, 10])
def test_noise_grows_by_the_sine_of_the_angle(angle):
    # two unit vectors: least squares has variance 1 / sin^2 of the angle, each alone 1
    found = judge(pair(angle), variance=4.0)
    expected = 1 / np.sin(np.radians(angle))
    np.testing.assert_allclose(found.noise_amplification, expected, rtol=1e-5)
    np.testing.assert_allclose(found.noise, 2 * expected, rtol=1e-5)
    assert found.column_angle == pytest.approx(angle)
    assert found.subspace_angle == pytest.approx(angle, rel=1e-5)
    # singular values of two unit vectors: sqrt(1 +- cos)
    cosine = np.cos(np.radians(angle))
    assert found.condition_number == pytest.approx(np.sqrt((1 + cosine) / (1 - cosine)), rel=1e-5)


def test_cross_talk_of_a_damped_estimate_by_hand():
    # g = (G + lambda)^-1 of the Gram matrix G = [[1, c], [c, 1]]; shares of (G + lambda)^-1 G
    c, lam = np.cos(np.radians(40)), 0.3
    gram = np.array([[1, c], [c, 1]])
    counted = np.linalg.solve(gram + lam * np.eye(2), gram)
    expected = abs(counted[0, 1]) / counted[:, 1].sum()
    found = judge(pair(40), regularization=lam)
    assert found.cross_talk[0, 1] == pytest.approx(expected)
    assert found.cross_talk[0, 0] == found.cross_talk[1, 1] == 0
    assert found.worst_cross_talk == pytest.approx(expected)


def test_errors_of_the_calibration_leak_too():
    # g of state 0 is (1, -cot t); state 1 is (cos t, sin t): sqrt(2) cos t, times the error
    t = np.radians(30)
    found = judge(pair(30), calibration_error=0.02)
    assert found.calibration_cross_talk[0, 1] == pytest.approx(0.02 * np.sqrt(2) * np.cos(t), 1e-5)
    # g of state 1 is (0, 1 / sin t); state 0 is (1, 0): nothing
    assert found.calibration_cross_talk[1, 0] == pytest.approx(0, abs=1e-7)
    assert found.cross_talk.max() < 1e-6


def test_a_systematic_error_leaks_with_all_rows_together():
    # relative errors +e and -e of the two rows: g of state 0, (1, -cot t), reads e cos t + e cos t
    t, e = np.radians(30), 0.01
    found = judge_separability(
        pair(30),
        white(2),
        regularization=1e-9,
        calibration_error=0.0,
        thresholds=USUAL,
        systematic=[np.array([e + 0j, -e + 0j])],
    )
    assert found.calibration_cross_talk[0, 1] == pytest.approx(2 * e * np.cos(t), rel=1e-5)


@pytest.mark.parametrize(
    ("talk", "verdict"),
    [
        pytest.param(0.049, Verdict.SEPARABLE, id="below-separable"),
        pytest.param(0.051, Verdict.WITH_CROSS_TALK, id="above-separable"),
        pytest.param(0.249, Verdict.WITH_CROSS_TALK, id="below-tolerable"),
        pytest.param(0.251, Verdict.NOT_SEPARABLE, id="above-tolerable"),
    ],
)
def test_verdict_by_cross_talk(talk, verdict):
    # calibration error alone makes the cross-talk: sqrt(2) cos(60 degrees) of it
    error = talk / (np.sqrt(2) * np.cos(np.radians(60)))
    assert judge(pair(60), calibration_error=error).verdict is verdict


@pytest.mark.parametrize(
    ("amplification", "verdict"), [(9.9, Verdict.SEPARABLE), (10.1, Verdict.NOT_SEPARABLE)]
)
def test_verdict_by_noise(amplification, verdict):
    angle = np.degrees(np.arcsin(1 / amplification))
    assert judge(pair(angle), regularization=1e-12).verdict is verdict


def test_one_state_given_twice_is_not_separable():
    rng = np.random.default_rng(0)
    state = rng.standard_normal((20, 5)) + 1j * rng.standard_normal((20, 5))
    for relative in (1e-6, 1e-3, 1e-1):
        lam = relative * np.sum(np.abs(state) ** 2) / 5
        found = judge((state, state), regularization=lam)
        assert found.verdict is Verdict.NOT_SEPARABLE
        # symmetric: half of all that is found at a place is given to each
        assert found.worst_cross_talk > 0.45
        assert found.column_angle == pytest.approx(0, abs=1e-5)


def test_a_state_of_half_the_signal_is_the_same_state():
    rng = np.random.default_rng(0)
    state = rng.standard_normal((20, 5)) + 1j * rng.standard_normal((20, 5))
    assert judge((state, 0.5 * state), regularization=1e-3).verdict is Verdict.NOT_SEPARABLE


def test_states_in_different_rows_do_not_mix():
    rng = np.random.default_rng(1)
    one, two = np.zeros((2, 24, 4), dtype=complex)
    one[:12] = rng.standard_normal((12, 4)) + 1j * rng.standard_normal((12, 4))
    two[12:] = rng.standard_normal((12, 4)) + 1j * rng.standard_normal((12, 4))
    found = judge((one, two), regularization=0.1, calibration_error=0.3)
    assert found.verdict is Verdict.SEPARABLE
    assert found.worst_cross_talk < 1e-12
    np.testing.assert_allclose(found.noise_amplification, 1, rtol=1e-12)
    assert found.subspace_angle == pytest.approx(90)


def test_a_state_without_signal_is_not_separable():
    found = judge((pair(90)[0], np.zeros((2, 1), dtype=complex)), regularization=0.1)
    assert found.verdict is Verdict.NOT_SEPARABLE
    assert np.isinf(found.noise_amplification[1])


def test_states_need_one_shape_and_to_be_two():
    one = pair(90)[0]
    with pytest.raises(DataError, match="at least two"):
        judge((one,))
    with pytest.raises(DataError, match="same rows and voxels"):
        judge((one, np.ones((3, 1), dtype=complex)))


def test_the_report_is_plain():
    report = judge(pair(60)).report()
    assert report["verdict"] == "separable"
    assert set(map(type, report.values())) == {str, list, float}
