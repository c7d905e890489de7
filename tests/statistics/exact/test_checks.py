import math

import numpy as np
import pytest

from sojourn.core.errors import DataError
from sojourn.statistics.exact.checks import (
    check_count,
    check_values,
    extended_note,
    tie_tolerance,
)


def test_counts():
    assert check_count(3.0, "events") == 3
    for wrong in (-1, 0.5, math.nan, math.inf):
        with pytest.raises(DataError, match="events is"):
            check_count(wrong, "events")


def test_the_first_value_that_is_not_finite_is_named():
    with pytest.raises(DataError, match=r"x\[2\] is inf"):
        check_values([1.0, 2.0, math.inf, math.nan], "x")
    with pytest.raises(DataError, match=r"shape \(1, 2\)"):
        check_values(np.zeros((1, 2)), "x")
    with pytest.raises(DataError, match="x has 1 values: expected 2 or more"):
        check_values([1.0], "x", at_least=2)


def test_the_tolerance_grows_with_the_values():
    assert tie_tolerance(np.array([-2.0, 1.0])) == 2e-12
    assert tie_tolerance(np.array([])) == 0.0


def test_an_interval_that_leaves_out_its_estimate_is_said_to_be_extended():
    assert extended_note(0.1, 0.1, 0.2) == ()
    assert extended_note(0.1, 0.2, 0.2) == ()
    assert extended_note(0.1, 0.3, 0.2) == (
        "the interval, 0.1 to 0.2, is extended to the estimate itself",
    )
