import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sojourn.statistics.exact.roots import find_root


@settings(deadline=None)
@given(st.floats(-1e6, 1e6).filter(lambda r: abs(r) > 1e-6), st.sampled_from([1, -1]))
def test_the_root_of_a_line_is_met_to_the_last_bits(root, sign):
    assert find_root(lambda x: sign * (x - root), -2e6, 2e6) == pytest.approx(root, rel=1e-15)


def test_ends_that_do_not_bracket_give_the_nearer_one():
    assert find_root(lambda x: x + 1, 0.0, 5.0) == 0.0
    assert find_root(lambda x: x - 9, 0.0, 5.0) == 5.0
    assert find_root(lambda x: x, 0.0, 5.0) == 0.0


def test_a_flat_tail_does_not_catch_it():
    assert find_root(lambda x: math.exp(-(x**2)) - 0.5, 0.0, 100.0) == pytest.approx(
        math.sqrt(math.log(2)), rel=1e-14
    )


def test_a_width_stops_it():
    found = find_root(lambda x: x - 0.3, -1.0, 1.0, width=0.01)
    assert abs(found - 0.3) <= 0.01
    assert found != pytest.approx(0.3, abs=1e-6)
