"""The product limit with late entry: hand examples, the definition, and its invariances."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.statistics.survival.product_limit import count_events, find_survival, kaplan_meier

people = st.lists(
    st.tuples(st.integers(-1, 8), st.integers(1, 6), st.booleans()), min_size=1, max_size=20
)


def arrays(rows):
    entry = np.array([-np.inf if start < 0 else float(start) for start, _, _ in rows])
    times = np.array([float(max(start, 0) + length) for start, length, _ in rows])
    return times, np.array([event for _, _, event in rows], dtype=bool), entry


def test_worked_example_with_late_entry_by_hand():
    # The third subject enters at 2. At 1: 4 at risk, 1 event; at 3: 3 at risk, 1 event.
    curve = kaplan_meier([1, 2, 3, 3, 4], [1, 0, 1, 0, 1], entry=[0, 0, 2, 0, 0])
    assert curve.times.tolist() == [1, 2, 3, 4]
    assert curve.at_risk.tolist() == [4, 3, 3, 1]
    assert curve.events.tolist() == [1, 0, 1, 1]
    assert curve.censored.tolist() == [0, 1, 1, 0]
    assert curve.survival == pytest.approx([3 / 4, 3 / 4, 1 / 2, 0], abs=1e-15)
    assert curve.variance[:3] == pytest.approx([1 / 12, 1 / 12, 1 / 12 + 1 / 6], abs=1e-15)
    assert curve.variance[3] == math.inf


def test_who_enters_on_the_day_of_an_event_is_not_at_risk_of_it():
    curve = kaplan_meier([5, 5, 9], [1, 0, 0], entry=[0, 0, 5])
    assert curve.at_risk.tolist() == [2, 1]
    assert curve.survival.tolist() == [0.5, 0.5]


def test_survival_at_0_stays_0_whoever_enters_later():
    curve = kaplan_meier([1, 3, 6, 8], [1, 1, 1, 1], entry=[0, 1, 4, 4])
    assert curve.survival.tolist() == [0, 0, 0, 0]
    assert count_events(curve, [0.5, 1, 8]).tolist() == [0, 1, 1]


@pytest.mark.parametrize(("at", "survival"), [(0, 1), (99.9, 1), (100, 0.75), (1e9, 0.75)])
def test_trap_an_event_on_the_asked_day_is_counted(at, survival):
    curve = kaplan_meier([100, 200, 200, 200], [1, 0, 0, 0])
    assert float(find_survival(curve, at)[0]) == survival
    assert int(count_events(curve, at)) == int(survival < 1)


def test_nobody_has_a_curve_without_steps():
    curve = kaplan_meier([], [])
    assert len(curve.times) == 0
    assert float(find_survival(curve, 5.0)[0]) == 1.0
    assert int(count_events(curve, 5.0)) == 0


@given(people)
def test_survival_is_the_product_over_the_defined_risk_sets_and_never_rises(rows):
    times, is_event, entry = arrays(rows)
    curve = kaplan_meier(times, is_event, entry=entry)
    assert (np.diff(curve.survival) <= 0).all()
    assert ((curve.survival >= 0) & (curve.survival <= 1)).all()
    product, total = 1.0, 0.0
    for i, t in enumerate(curve.times):
        n = int(((entry < t) & (times >= t)).sum())
        d = int((is_event & (times == t)).sum())
        product *= 1 - d / n
        total += (d / (n * (n - d)) if n > d else math.inf) if d else 0.0
        assert curve.survival[i] == pytest.approx(product, abs=1e-12)
        assert curve.variance[i] == pytest.approx(total, rel=1e-12)


@given(people, st.randoms(use_true_random=False))
def test_the_order_of_the_subjects_changes_no_bit(rows, random):
    mixed = list(rows)
    random.shuffle(mixed)
    made, other = (kaplan_meier(t, e, entry=b) for t, e, b in (arrays(rows), arrays(mixed)))
    for name in ("times", "at_risk", "events", "censored", "survival", "variance"):
        assert (getattr(made, name) == getattr(other, name)).all()


@given(people, st.sampled_from([7.0, 365.25, 1 / 24, 12 / 365.25]))
def test_the_unit_of_time_changes_no_survival(rows, unit):
    times, is_event, entry = arrays(rows)
    made = kaplan_meier(times, is_event, entry=entry)
    other = kaplan_meier(times * unit, is_event, entry=entry * unit)
    assert (other.times == made.times * unit).all()
    assert (other.survival == made.survival).all()
    assert (other.variance == made.variance).all()


@given(people)
def test_entry_at_the_origin_changes_nothing(rows):
    times, is_event, _ = arrays(rows)
    made = kaplan_meier(times, is_event)
    other = kaplan_meier(times, is_event, entry=np.zeros(len(times)))
    assert (other.survival == made.survival).all()
    assert (other.at_risk == made.at_risk).all()


def test_times_are_tied_only_if_equal_as_floats():
    near = math.nextafter(0.3, 1)
    assert kaplan_meier([0.3, near], [1, 1]).times.tolist() == [0.3, near]
