import numpy as np
import pytest

from sojourn.core.errors import DataError
from sojourn.quantification._noise import (
    Noise,
    background_variance,
    estimate_noise,
    pick_choice,
    read_frames,
)
from sojourn.reconstruction._background import Background

EMPTY, FULL = True, False


def frames(*kinds, rows=3, seed=0, noise=1.0, picked=None, drift=0.0):
    rng = np.random.default_rng(seed)
    n = len(kinds)
    values = noise * (rng.normal(size=(n, rows)) + 1j * rng.normal(size=(n, rows))) / 2**0.5
    values += drift * np.cumsum(rng.normal(size=(n, rows)), axis=0)
    return read_frames(values, np.array(kinds), picked=picked), values


def test_neighbouring_background_frames_are_one_block():
    made, values = frames(EMPTY, EMPTY, FULL, FULL, EMPTY)
    assert made.sizes.tolist() == [2, 1]
    assert made.empty[0] == pytest.approx(values[:2].mean(axis=0))
    assert made.full == pytest.approx(values[2:4].mean(axis=0))
    assert made.replicates == 1


def test_only_picked_frames_are_averaged():
    made, values = frames(EMPTY, FULL, FULL, EMPTY, picked=(2,))
    assert made.full == pytest.approx(values[2])
    assert (made.n_full, made.place) == (1, 2)


@pytest.mark.parametrize("picked", [(), (0,), (9,)], ids=["none", "background", "absent"])
def test_a_picked_frame_must_show_the_object(picked):
    with pytest.raises(DataError, match="no frames of the object"):
        frames(EMPTY, FULL, EMPTY, picked=picked)


def test_a_scan_of_background_alone_is_refused():
    with pytest.raises(DataError, match="every frame is a background frame"):
        frames(EMPTY, EMPTY)


def test_all_background_choices_are_offered():
    made, _ = frames(EMPTY, EMPTY, EMPTY, FULL, EMPTY)
    ways = {name: way.tolist() for name, way in made.choices().items()}
    assert ways == {
        "own_mean": [0.75, 0.25],
        "own_linear": pytest.approx([1 / 3, 2 / 3]),
        "before": [1, 0],
        "after": [0, 1],
    }


def test_one_block_allows_its_mean_alone():
    made, _ = frames(EMPTY, EMPTY, FULL)
    assert list(made.choices()) == ["own_mean"]
    assert pick_choice(made, Background.OWN_LINEAR, "s").tolist() == [1]


def test_a_choice_without_frames_is_refused():
    made, _ = frames(FULL, FULL)
    with pytest.raises(DataError, match="cannot be taken"):
        pick_choice(made, Background.OWN_MEAN, "s")


def test_drift_midway_between_two_blocks_is_a_brownian_bridges():
    made, _ = frames(EMPTY, FULL, EMPTY)
    noise = Noise(np.zeros(3), np.full(3, 2.0))
    linear = background_variance(made, noise, np.array([0.5, 0.5]))
    before = background_variance(made, noise, np.array([1.0, 0.0]))
    assert linear == pytest.approx(2.0 / 4)
    assert before == pytest.approx(2.0 / 2)


def test_noise_of_a_background_falls_with_its_frames():
    made, _ = frames(EMPTY, EMPTY, EMPTY, EMPTY, FULL)
    noise = Noise(np.full(3, 8.0), np.zeros(3))
    assert background_variance(made, noise, np.ones(1)) == pytest.approx(2.0)


def test_noise_is_found_from_frames_within_blocks():
    kinds = [EMPTY] * 200 + [FULL] + [EMPTY] * 200
    scan, _ = frames(*kinds, noise=3.0, rows=40)
    matrix, _ = frames(*kinds, noise=0.5, rows=40, seed=1)
    own, other, notes = estimate_noise(scan, matrix)
    assert own.frame.mean() == pytest.approx(9.0, rel=0.03)
    assert other.frame.mean() == pytest.approx(0.25, rel=0.03)
    assert own.drift.mean() < 0.05 * 9.0
    assert notes == ()


def test_a_step_between_blocks_is_drift():
    rng = np.random.default_rng(2)
    values = 0.1 * (rng.normal(size=(41, 30)) + 1j * rng.normal(size=(41, 30)))
    values[21:] += 5 * (rng.normal(size=30) + 1j * rng.normal(size=30)) / 2**0.5
    scan = read_frames(values, np.arange(41) != 20)
    own, _, _ = estimate_noise(scan, scan)
    assert own.drift.mean() == pytest.approx(25, rel=0.5)
    assert own.frame.mean() == pytest.approx(0.02, rel=0.2)


def test_one_block_says_that_drift_is_unknown():
    scan, _ = frames(*[EMPTY] * 20, FULL)
    _, _, notes = estimate_noise(scan, scan)
    assert len(notes) == 2
    assert "drift is not known" in notes[0]


def test_few_frames_are_pooled_and_their_number_allowed_for():
    kinds = (EMPTY, FULL, EMPTY, FULL, EMPTY)
    scan, values = frames(*kinds)
    matrix, others = frames(*kinds, seed=1)
    own, other, notes = estimate_noise(scan, matrix)
    steps = [np.diff(v[[0, 2, 4]], axis=0) for v in (values, others)]
    by_hand = sum((np.abs(s) ** 2 / 2).sum(axis=0) for s in steps) / (4 - 1)
    assert own.frame == pytest.approx(by_hand)
    assert other.frame == pytest.approx(by_hand)
    assert "pooled" in notes[0]


@pytest.mark.parametrize(
    ("scan", "is_enough"),
    [((EMPTY, FULL, EMPTY), True), ((EMPTY, FULL), False)],
    ids=["two-steps", "one-step"],
)
def test_noise_from_less_than_two_differences_is_refused(scan, is_enough):
    matrix, _ = frames(EMPTY, FULL, EMPTY)
    made, _ = frames(*scan)
    if is_enough:
        estimate_noise(made, matrix)
    else:
        with pytest.raises(DataError, match="noise cannot be estimated"):
            estimate_noise(made, matrix)
