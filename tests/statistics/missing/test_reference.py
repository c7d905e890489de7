"""Worked by hand from the definitions of Carpenter, Roger and Kenward (2013)."""

import numpy as np
import pytest

from sojourn.core.errors import DataError
from sojourn.statistics.missing.reference import ASSUMPTIONS, assumed_means, last_observed

OWN = np.tile([10.0, 8.0, 5.0], (3, 1))
REFERENCE = np.tile([11.0, 12.0, 14.0], (3, 1))
LAST = [1, 0, -1]
"""Last seen at the second visit, at the first, never."""

EXPECTED = {
    "missing_at_random": [[10, 8, 5], [10, 8, 5], [10, 8, 5]],
    "jump_to_reference": [[10, 8, 14], [10, 12, 14], [11, 12, 14]],
    "copy_increments": [[10, 8, 10], [10, 11, 13], [11, 12, 14]],
    "copy_reference": [[11, 12, 14], [11, 12, 14], [11, 12, 14]],
}


@pytest.mark.parametrize("assumption", ASSUMPTIONS)
def test_means_after_the_last_visit(assumption):
    made = assumed_means(OWN, REFERENCE, LAST, assumption=assumption)
    assert made.tolist() == EXPECTED[assumption]


@pytest.mark.parametrize("assumption", ASSUMPTIONS)
def test_the_reference_arm_itself_is_missing_at_random(assumption):
    made = assumed_means(REFERENCE, REFERENCE, LAST, assumption=assumption)
    assert np.array_equal(made, REFERENCE)


def test_last_visit_with_a_value():
    nan = np.nan
    rows = [[1.0, nan, nan], [nan, 2.0, nan], [1.0, nan, 3.0], [nan, nan, nan]]
    assert last_observed(rows).tolist() == [0, 1, 2, -1]


def test_unknown_assumptions_and_shapes_are_refused():
    with pytest.raises(DataError, match="known: missing_at_random, jump"):
        assumed_means(OWN, REFERENCE, LAST, assumption="last_value")
    with pytest.raises(DataError, match="shapes"):
        assumed_means(OWN, REFERENCE[:2], LAST, assumption="copy_reference")
