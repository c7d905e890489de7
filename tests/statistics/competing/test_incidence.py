"""Incidence, its variances and intervals, on arrays.

EXTERNAL: R's survfit (3.5-3) gave the standard errors of LATE; the golden files hold more
(tests/golden/test_competing_*.py). Otherwise closed forms and properties.
"""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.core.errors import DataError
from sojourn.statistics.competing.incidence import cumulative_incidence
from sojourn.statistics.competing.intervals import log_log_event_free, log_log_incidence
from sojourn.statistics.competing.state_occupation import estimate_hazards, estimate_occupation
from sojourn.statistics.competing.transitions import prepare_counting_process, state_model
from sojourn.statistics.competing.variances import (
    VARIANCES,
    aalen_variance,
    greenwood_variance,
    infinitesimal_jackknife_variance,
)
from sojourn.statistics.survival.product_limit import kaplan_meier

# Few days, so that ties of events, of causes and of censoring are common.
PEOPLE = st.lists(st.tuples(st.integers(1, 8), st.integers(0, 3)), min_size=1, max_size=25)
LATE_PEOPLE = st.lists(
    st.tuples(st.integers(1, 9), st.integers(0, 2), st.integers(1, 9)), min_size=1, max_size=25
)


def columns(people):
    return tuple(np.array(column, dtype=float) for column in zip(*people, strict=True))


@given(LATE_PEOPLE)
def test_all_causes_and_nothing_sum_to_one_at_every_time(people):
    times, causes, stay = columns(people)
    curve = cumulative_incidence(times, causes, entry=times - stay, codes=(1, 2))
    total = curve.incidence.sum(axis=1) + curve.event_free
    assert total == pytest.approx(1, abs=1e-12)
    assert (np.diff(curve.incidence, axis=0) >= 0).all()
    assert (np.diff(curve.event_free) <= 0).all()


@given(PEOPLE, st.randoms(use_true_random=False), st.sampled_from(sorted(VARIANCES)))
def test_the_order_of_rows_changes_nothing(people, random, convention):
    shuffled = list(people)
    random.shuffle(shuffled)
    first, second = (cumulative_incidence(*columns(rows)) for rows in (people, shuffled))
    assert (first.incidence == second.incidence).all()
    assert VARIANCES[convention](first) == pytest.approx(VARIANCES[convention](second), abs=1e-14)


@given(PEOPLE, st.floats(1e-3, 1e3), st.sampled_from(sorted(VARIANCES)))
def test_the_unit_of_time_changes_nothing(people, scale, convention):
    times, causes = columns(people)
    first, second = cumulative_incidence(times, causes), cumulative_incidence(times * scale, causes)
    assert (first.incidence == second.incidence).all()
    assert (VARIANCES[convention](first) == VARIANCES[convention](second)).all()


@given(PEOPLE)
def test_swapping_the_codes_of_two_causes_swaps_their_columns(people):
    times, causes = columns(people)
    swapped = np.where(causes == 1, 2, np.where(causes == 2, 1, causes))
    first = cumulative_incidence(times, causes, codes=(1, 2, 3))
    second = cumulative_incidence(times, swapped, codes=(1, 2, 3))
    assert first.incidence[:, 0] == pytest.approx(second.incidence[:, 1], abs=1e-15)


@given(PEOPLE)
def test_one_cause_alone_is_the_complement_of_kaplan_meier_with_greenwoods_variance(people):
    times, causes = columns(people)
    curve = cumulative_incidence(times, np.minimum(causes, 1), codes=(1,))
    survival = kaplan_meier(times, causes > 0)
    assert curve.incidence[:, 0] == pytest.approx(1 - survival.survival, abs=1e-12)
    alive = survival.survival > 0
    expected = (survival.survival**2)[alive] * survival.variance[alive]
    assert greenwood_variance(curve)[alive, 0] == pytest.approx(expected, abs=1e-12)


@given(PEOPLE)
def test_without_censoring_every_variance_is_that_of_a_proportion(people):
    times, causes = columns(people)
    causes = np.maximum(causes, 1)
    curve = cumulative_incidence(times, causes)
    share = np.array([[(causes[times <= t] == c).mean() for c in curve.causes] for t in curve.times]
                     ) * np.array([[(times <= t).mean()] for t in curve.times])  # fmt: skip
    binomial = share * (1 - share) / len(times)
    assert curve.incidence == pytest.approx(share, abs=1e-12)
    assert greenwood_variance(curve) == pytest.approx(binomial, abs=1e-12)
    assert infinitesimal_jackknife_variance(curve) == pytest.approx(binomial, abs=1e-12)


@given(PEOPLE)
def test_greenwoods_variance_is_that_of_a_model_of_several_states(people):
    times, causes = columns(people)
    curve = cumulative_incidence(times, causes, codes=(1, 2, 3))
    model = state_model({"start": ["a", "b", "c"], "a": [], "b": [], "c": []})
    when = np.repeat(times[:, None], 4, axis=1)
    process = prepare_counting_process(model, when, causes[:, None] == np.arange(4))
    made = estimate_occupation(estimate_hazards(process))
    steps = [made.step(t) for t in curve.times]
    assert made.probability[steps, 1:] == pytest.approx(curve.incidence, abs=1e-12)
    assert made.variance[steps, 1:] == pytest.approx(greenwood_variance(curve), abs=1e-12)


def test_who_entered_late_is_at_risk_only_afterwards():
    # at 2: of the first two; at 4 of the second and third (entered 3): 1/2, then 1/2 * 1/2
    curve = cumulative_incidence([2.0, 5.0, 4.0], [1, 0, 2], entry=[0.0, 0.0, 3.0])
    assert curve.at_risk.tolist() == [2, 2, 1]
    assert curve.incidence.tolist() == [[0.5, 0.0], [0.5, 0.25], [0.5, 0.25]]
    assert (curve.at_risk_at(3.0), curve.at_risk_at(3.5)) == (1, 2)


def test_the_infinitesimal_jackknife_with_late_entry_is_that_of_survfit():
    times, causes, entry, errors = LATE
    curve = cumulative_incidence(times, causes, entry=entry)
    found = np.sqrt(infinitesimal_jackknife_variance(curve))
    assert found[:, 0] == pytest.approx(errors[0], abs=1e-8)
    assert found[:, 1] == pytest.approx(errors[1], abs=1e-8)


@pytest.mark.parametrize(("time", "step"), [(0.5, -1), (1.0, 0), (1.5, 0), (2.0, 1), (9.0, 1)])
def test_an_event_at_the_asked_time_is_counted(time, step):
    assert cumulative_incidence([1.0, 2.0], [1, 2]).step(time) == step


def test_nobody_has_no_step_and_no_known_incidence():
    curve = cumulative_incidence([], [], codes=(1, 2))
    assert curve.incidence.shape == (0, 2)
    assert not curve.is_known_at(0.0)
    assert aalen_variance(curve).shape == (0, 2)
    assert infinitesimal_jackknife_variance(curve).shape == (0, 2)


@pytest.mark.parametrize("interval", [log_log_event_free, log_log_incidence])
@pytest.mark.parametrize("incidence", [0.0, 1.0, 1 - 1e-16])
def test_certainty_has_no_interval_on_a_log_log_scale(interval, incidence):
    assert interval(incidence, 0.01) is None


@given(st.floats(1e-9, 1 - 1e-9), st.floats(1e-12, 0.25))
def test_intervals_lie_within_0_to_1_and_hold_their_value(incidence, variance):
    for interval in (log_log_event_free, log_log_incidence):
        lower, upper = interval(incidence, variance)
        assert 0 <= lower <= incidence * (1 + 1e-9)
        assert incidence * (1 - 1e-9) <= upper <= 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0, -1.0], [1, 0]), "subject 1 .* time -1"),
        (([1.0, math.nan], [1, 0]), "subject 1 .* time nan"),
        (([1.0, math.inf], [1, 0]), "subject 1 .* time inf"),
        (([1.0], [1.5]), "cause 1.5"),
        (([1.0], [-1]), "cause -1"),
        (([1.0], [1, 2]), "shape"),
        (([1.0], [1], [1.0]), "entry 1"),
        (([1.0], [1], [math.nan]), "entry nan"),
    ],
)
def test_hostile_arrays_are_refused(arguments, message):
    times, causes, *entry = arguments
    with pytest.raises(DataError, match=message):
        cumulative_incidence(times, causes, entry=entry[0] if entry else None)


def test_an_unknown_cause_is_refused():
    with pytest.raises(DataError, match="unknown cause 3; expected 0 for censored or one of 1, 2"):
        cumulative_incidence([1.0, 2.0], [1, 3], codes=(1, 2))


LATE = (
    [2, 3, 3, 5, 5, 6, 6, 7, 7, 8, 9, 9],
    [1, 2, 0, 1, 1, 2, 0, 1, 2, 1, 0, 1],
    [0, 0, 1, 2, 0, 3, 1, 4, 2, 0, 5, 3],
    (
        [
            0.152145154862546,
            0.152145154862546,
            0.164237130908294,
            0.164237130908294,
            0.165840196928896,
            0.158235176438361,
            0.152131610122046,
        ],
        [
            0,
            0.113534473467696,
            0.113534473467696,
            0.132849546666777,
            0.144376334952286,
            0.144376334952286,
            0.144376334952286,
        ],
    ),
)
