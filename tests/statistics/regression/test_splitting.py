"""Where a subject's time is cut."""

import numpy as np
import pytest

from sojourn.core.errors import DataError
from sojourn.statistics.regression import fit_cox, split_at

NEVER = np.nan


def rows_of(made):
    columns = (made.subject, made.entry, made.exit, made.is_event, made.has_changed)
    return [tuple(row) for row in zip(*(column.tolist() for column in columns), strict=True)]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param(NEVER, [(0, 0, 9, True, False)], id="never"),
        pytest.param(4.0, [(0, 0, 4, False, False), (0, 4, 9, True, True)], id="on-the-way"),
        pytest.param(0.0, [(0, 0, 9, True, True)], id="from-the-start"),
        pytest.param(9.0, [(0, 0, 9, True, False)], id="on-the-day-of-the-event-is-not-before-it"),
        pytest.param(12.0, [(0, 0, 9, True, False)], id="after-the-end"),
    ],
)
def test_a_subject_is_cut_where_it_changes_under_observation(change, expected):
    made = split_at(np.array([9.0]), np.array([True]), np.array([change]))
    assert rows_of(made) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param(1.0, [(0, 3, 9, False, True)], id="before-entry"),
        pytest.param(3.0, [(0, 3, 9, False, True)], id="at-entry"),
        pytest.param(3.5, [(0, 3, 3.5, False, False), (0, 3.5, 9, False, True)], id="after-entry"),
    ],
)
def test_who_enters_late_may_have_changed_before(change, expected):
    changes = np.array([change])
    made = split_at(np.array([9.0]), np.array([False]), changes, entry=np.array([3.0]))
    assert rows_of(made) == expected


def test_an_event_at_time_0_stays_one():
    made = split_at(np.array([0.0]), np.array([True]), np.array([0.0]))
    assert rows_of(made) == [(0, -np.inf, 0, True, False)]


def test_order_of_subjects_is_kept():
    made = split_at(np.array([5.0, 9, 7]), np.array([True, True, False]), np.array([2, NEVER, 3]))
    assert made.subject.tolist() == [0, 0, 1, 2, 2]
    assert made.is_event.tolist() == [False, True, True, False, False]


def test_nobody_is_nobody():
    made = split_at(np.zeros(0), np.zeros(0, bool), np.zeros(0))
    assert rows_of(made) == []


@pytest.mark.parametrize(
    ("change", "match"),
    [([-1.0], "row 0 changes at -1"), ([np.inf], "changes at inf"), ([1.0, 2.0], "change has")],
)
def test_hostile_changes_are_refused(change, match):
    with pytest.raises(DataError, match=match):
        split_at(np.array([9.0]), np.array([True]), np.array(change))


def test_recovery_known_from_day_0_on_would_be_a_gift_of_immortal_time():
    # recovery at day 5 of everyone who lives so long, without any effect: deaths at 1 to 10
    times = np.arange(1.0, 11)
    recovery = np.where(times > 5, 5.0, NEVER)
    wrong = fit_cox(times, times > 0, np.isfinite(recovery)[:, None].astype(float))
    assert wrong.terms.coefficients[0] == -np.inf
    rows = split_at(times, times > 0, recovery)
    changed = rows.has_changed[:, None].astype(float)
    with pytest.raises(DataError, match="same for all subjects at risk"):
        fit_cox(rows.exit, rows.is_event, changed, entry=rows.entry)
