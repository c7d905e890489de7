"""Scales of drawings, of whatever size the numbers are."""

import pytest

from sojourn.deliverables._scales import linear


@pytest.mark.parametrize("unit", [1e-30, 1e-15, 1.0, 1e15])
@pytest.mark.parametrize("is_tight", [False, True])
def test_a_scale_of_any_size_has_round_ticks_and_two_ends(unit, is_tight):
    scale = linear(0.0, 4 * unit, 10.0, 50.0, is_tight=is_tight)
    assert scale.ticks == pytest.approx([i * unit for i in range(5)], rel=1e-12, abs=0)
    assert scale.at(unit) == pytest.approx(20.0)


@pytest.mark.parametrize("value", [0.0, 1e-30, 3.0, -3.0, 1e20])
def test_equal_ends_are_moved_apart(value):
    scale = linear(value, value, 0.0, 1.0)
    assert scale.low < value < scale.high
    assert 0 < scale.at(value) < 1
