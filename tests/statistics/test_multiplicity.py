"""Adjusted p-values.

Oracles. EXTERNAL: R 4.2.2, stats::p.adjust (values below, 4 digits printed); the 15 p-values and
the number of rejections of Benjamini and Hochberg, J. R. Stat. Soc. B 57 (1995) 289, section 4.
By hand (OURS): the fixed sequence, and tests that could not be made.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.core.errors import DataError
from sojourn.statistics._multiplicity import (
    PROCEDURES,
    bonferroni,
    fixed_sequence,
    hochberg,
    holm,
)

THROMBOLYSIS = [
    *(0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459),
    *(0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000),
]
TIED = [0.02, 0.02, 0.005, 0.5, 0.012]
UNSORTED = [0.0705, 0.1385, 0.3282, 0.8248, 0.0407, 0.8071]


@pytest.mark.parametrize("name", ["bonferroni", "holm", "hochberg"])
def test_each_holds_the_level_on_the_published_family_and_rejects_three(name):
    adjusted = PROCEDURES[name](THROMBOLYSIS)
    assert [p <= 0.05 for p in adjusted] == [True] * 3 + [False] * 12


@pytest.mark.parametrize(
    ("procedure", "p_values", "expected"),
    [
        (bonferroni, THROMBOLYSIS[:6] + THROMBOLYSIS[6:], [0.0015, 0.006, 0.0285, 0.1425]),
        (holm, THROMBOLYSIS, [0.0015, 0.0056, 0.0247, 0.1140, 0.2211, 0.2780, 0.2780, 0.2780]),
        (hochberg, THROMBOLYSIS, [0.0015, 0.0056, 0.0247, 0.1140, 0.2211, 0.2682, 0.2682, 0.2752]),
        (bonferroni, TIED, [0.1, 0.1, 0.025, 1.0, 0.06]),
        (holm, TIED, [0.06, 0.06, 0.025, 0.5, 0.048]),
        (hochberg, TIED, [0.04, 0.04, 0.025, 0.5, 0.04]),
        (bonferroni, UNSORTED, [0.4230, 0.8310, 1.0, 1.0, 0.2442, 1.0]),
        (holm, UNSORTED, [0.3525, 0.5540, 0.9846, 1.0, 0.2442, 1.0]),
        (hochberg, UNSORTED, [0.3525, 0.5540, 0.8248, 0.8248, 0.2442, 0.8248]),
    ],
)
def test_as_r_adjusts(procedure, p_values, expected):
    # Each expected value has at most 4 decimals and is exact.
    assert procedure(p_values)[: len(expected)] == pytest.approx(expected, abs=1e-12)


def test_a_fixed_sequence_stops_at_the_first_that_is_not_significant():
    assert fixed_sequence([0.01, 0.04, 0.2, 0.001]) == [0.01, 0.04, 0.2, 0.2]


def test_a_fixed_sequence_is_in_the_given_order():
    assert fixed_sequence([0.2, 0.01]) == [0.2, 0.2]


def test_a_test_that_could_not_be_made_stops_a_fixed_sequence():
    assert fixed_sequence([0.01, None, 0.001]) == [0.01, None, 1.0]


@pytest.mark.parametrize(
    ("procedure", "expected"),
    [(bonferroni, [0.02, None]), (holm, [0.02, None]), (hochberg, [0.02, None])],
)
def test_a_test_that_could_not_be_made_counts_in_the_family(procedure, expected):
    assert procedure([0.01, None]) == expected


@pytest.mark.parametrize("name", PROCEDURES)
def test_an_empty_family_has_nothing_and_one_test_costs_nothing(name):
    assert PROCEDURES[name]([]) == []
    assert PROCEDURES[name]([0.03]) == [0.03]


@pytest.mark.parametrize("wrong", [-0.01, 1.01, float("nan")])
@pytest.mark.parametrize("name", PROCEDURES)
def test_what_is_no_probability_is_refused(name, wrong):
    with pytest.raises(DataError, match="outside 0 to 1"):
        PROCEDURES[name]([0.5, wrong])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_hochberg_never_above_holm_never_above_bonferroni(p_values):
    b, h, s = bonferroni(p_values), holm(p_values), hochberg(p_values)
    assert all(p <= x <= y <= z for p, x, y, z in zip(p_values, s, h, b, strict=True))


@given(st.permutations(range(6)), st.sampled_from(["bonferroni", "holm", "hochberg"]))
def test_the_order_of_a_family_does_not_matter_to_what_orders_by_p(order, name):
    adjusted = PROCEDURES[name](UNSORTED)
    assert PROCEDURES[name]([UNSORTED[i] for i in order]) == [adjusted[i] for i in order]
