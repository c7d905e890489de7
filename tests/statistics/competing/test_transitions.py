"""Multi-state models: preparation by hand-made histories, properties of state occupation.

EXTERNAL oracles are in tests/golden/test_competing_multistate.py; here hand examples and laws.
"""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.core.errors import DataError
from sojourn.statistics.competing.state_occupation import estimate_hazards, estimate_occupation
from sojourn.statistics.competing.transitions import (
    count_transitions,
    prepare_counting_process,
    state_model,
)
from sojourn.statistics.survival.product_limit import find_survival, kaplan_meier

MODEL = state_model({"well": ["ill", "dead"], "ill": ["dead"], "dead": []})
# ill at 2, dead at 5; dead at 3; ill at 4, seen to 6; well to 7
TIMES = [[0, 2, 5], [0, 3, 3], [0, 4, 6], [0, 7, 7]]
REACHED = [[0, 1, 1], [0, 0, 1], [0, 1, 0], [0, 0, 0]]

HISTORIES = st.lists(
    st.tuples(st.integers(1, 9), st.integers(1, 9), st.booleans(), st.booleans()),
    min_size=1,
    max_size=20,
)


def prepared(histories):
    """Return histories (ill after, then dead after, is ill, is dead) as a counting process."""
    when, reached = [], []
    for first, second, is_ill, is_dead in histories:
        end = first + second
        when.append([0, first if is_ill else end, end])
        reached.append([0, is_ill, is_dead])
    return prepare_counting_process(MODEL, np.array(when, float), np.array(reached, bool))


def test_each_stay_has_one_row_for_each_way_out():
    made = prepare_counting_process(MODEL, TIMES, REACHED)
    columns = (made.subject, made.origin, made.target, made.start, made.stop, made.is_event)
    assert list(zip(*(c.tolist() for c in columns), strict=True)) == [
        (0, 0, 1, 0.0, 2.0, True),
        (0, 0, 2, 0.0, 2.0, False),
        (0, 1, 2, 2.0, 5.0, True),
        (1, 0, 1, 0.0, 3.0, False),
        (1, 0, 2, 0.0, 3.0, True),
        (2, 0, 1, 0.0, 4.0, True),
        (2, 0, 2, 0.0, 4.0, False),
        (2, 1, 2, 4.0, 6.0, False),
        (3, 0, 1, 0.0, 7.0, False),
        (3, 0, 2, 0.0, 7.0, False),
    ]
    assert count_transitions(made).tolist() == [[0, 2, 1, 1, 4], [0, 0, 1, 1, 2], [0, 0, 0, 2, 2]]


def test_probabilities_by_hand():
    hazards = estimate_hazards(prepare_counting_process(MODEL, TIMES, REACHED))
    assert hazards.times.tolist() == [2, 3, 4, 5]
    assert hazards.at_risk.tolist() == [[4, 0, 0], [3, 1, 0], [2, 1, 0], [1, 2, 0]]
    made = estimate_occupation(hazards)
    # at 2: 1/4 ill; at 3: 1/3 of 3/4 dead; at 4: half of 1/2 ill; at 5: half of the ill die
    expected = [[1, 0, 0], [3 / 4, 1 / 4, 0], [1 / 2, 1 / 4, 1 / 4], [1 / 4, 1 / 2, 1 / 4]]
    expected.append([1 / 4, 1 / 4, 1 / 2])
    assert made.probability.tolist() == pytest.approx(np.array(expected), abs=1e-15)
    assert [made.step(t) for t in (0, 1.9, 2, 9)] == [0, 0, 1, 4]
    late = estimate_occupation(hazards, start=4, state=1)
    assert late.times.tolist() == [4, 5]
    assert late.probability.tolist() == [[0, 1, 0], [0, 0.5, 0.5]]


@given(HISTORIES, st.sampled_from(["multinomial", "poisson"]), st.integers(0, 2))
def test_probabilities_sum_to_one_from_any_state(histories, increments, state):
    hazards = estimate_hazards(prepared(histories))
    made = estimate_occupation(hazards, state=state, increments=increments)
    assert made.probability.sum(axis=1) == pytest.approx(1, abs=1e-12)
    assert (made.probability >= -1e-15).all()


@given(HISTORIES)
def test_to_be_alive_is_kaplan_meiers_survival_where_all_die_alike(histories):
    # Nobody ill: the model is one of life and death alone, with Greenwood's variance.
    process = prepared([(a, b, False, dead) for a, b, _, dead in histories])
    made = estimate_occupation(estimate_hazards(process))
    times = np.array([a + b for a, b, *_ in histories], float)
    curve = kaplan_meier(times, np.array([dead for *_, dead in histories]))
    survival, variance = find_survival(curve, made.times)
    assert made.probability[:, 0] == pytest.approx(survival, abs=1e-12)
    alive = survival > 0
    expected = (survival**2 * np.where(alive, variance, 0))[alive]
    assert made.variance[alive, 0] == pytest.approx(expected, abs=1e-12)
    assert made.variance[alive, 2] == pytest.approx(expected, abs=1e-12)


@given(HISTORIES, st.randoms(use_true_random=False), st.integers(1, 50))
def test_the_order_of_subjects_and_the_unit_of_time_change_nothing(histories, random, scale):
    shuffled = [(a * scale, b * scale, ill, dead) for a, b, ill, dead in histories]
    random.shuffle(shuffled)
    first, second = (estimate_occupation(estimate_hazards(prepared(h))) for h in
                     (histories, shuffled))  # fmt: skip
    assert (first.probability == second.probability).all()
    assert (first.times * scale == second.times).all()


def test_nobody_stays_where_they_are():
    process = prepare_counting_process(MODEL, np.zeros((0, 3)), np.zeros((0, 3)))
    made = estimate_occupation(estimate_hazards(process))
    assert made.probability.tolist() == [[1, 0, 0]]


@pytest.mark.parametrize(
    ("times", "reached", "message"),
    [
        ([[0, 2, 2]], [[0, 1, 1]], "left state 'well' for several of ill, dead at once"),
        ([[0, 2, 2]], [[0, 1, 0]], "was in state 'ill' for no time"),
        ([[0, 0, 5]], [[0, 1, 1]], "was in state 'well' for no time"),
        ([[0, 2, 5]], [[0, 0, 1]], "one way was watched for less long"),
        ([[0, -2, 5]], [[0, 1, 1]], "time -2 of state 'ill'"),
        ([[0, math.nan, 5]], [[0, 1, 1]], "time nan of state 'ill'"),
        ([[0, 2]], [[0, 1]], "a column for each of the states well, ill, dead"),
    ],
)
def test_impossible_histories_are_refused(times, reached, message):
    with pytest.raises(DataError, match=message):
        prepare_counting_process(MODEL, times, reached)


@pytest.mark.parametrize(
    ("ways", "message"),
    [
        ({"a": ["b"]}, "'b', which is no state"),
        ({"a": ["a"]}, "in a circle"),
        ({"a": ["b"], "b": ["a"]}, "in a circle"),
        ({"a": ["b"], "b": [], "c": ["b"]}, "'c' cannot be reached from 'a'"),
    ],
)
def test_impossible_models_are_refused(ways, message):
    with pytest.raises(DataError, match=message):
        state_model(ways)


def test_asking_before_the_start_or_for_no_state_is_refused():
    hazards = estimate_hazards(prepare_counting_process(MODEL, TIMES, REACHED))
    with pytest.raises(DataError, match="before the start"):
        estimate_occupation(hazards, start=4).step(3)
    with pytest.raises(DataError, match="state 3"):
        estimate_occupation(hazards, state=3)
