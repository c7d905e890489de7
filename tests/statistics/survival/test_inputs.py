"""Hostile arrays of times: one clear error, naming the index."""

import math

import numpy as np
import pytest

from sojourn.core.errors import DataError
from sojourn.statistics.survival.inputs import check_labels, check_times


@pytest.mark.parametrize(
    ("times", "events", "entry", "message"),
    [
        pytest.param([3, -1], [1, 1], None, "index 1: time is -1", id="negative-time"),
        pytest.param([3, math.nan], [1, 1], None, "index 1: time is nan", id="time-nan"),
        pytest.param([math.inf, 3], [1, 1], None, "index 0: time is inf", id="time-infinite"),
        pytest.param([3, 4], [1, 2], None, "index 1: status is 2", id="unknown-status"),
        pytest.param([3, 4], [-1, 1], None, "index 0: status is -1", id="negative-status"),
        pytest.param([3, 4], [1, math.nan], None, "index 1: status is nan", id="status-nan"),
        pytest.param([3, 4], [1, 1], [0, 4], "index 1: entry 4 is not before", id="entry-at-exit"),
        pytest.param([0, 4], [1, 1], [0, 0], "index 0: entry 0 is not before", id="both-at-0"),
        pytest.param([3, 4], [1, 1], [5, 0], "index 0: entry 5 is not before", id="event-first"),
        pytest.param([3, 4], [1, 1], [-2, 0], "index 0: entry is -2", id="negative-entry"),
        pytest.param([3, 4], [1, 1], [0, math.nan], "index 1: entry is nan", id="entry-nan"),
        pytest.param([3, 4], [1], None, "2 times, 1 statuses", id="lengths-differ"),
        pytest.param([3, 4], [1, 1], [0], "1 entries", id="entries-differ"),
        pytest.param([[3, 4]], [[1, 1]], None, r"shape \(1, 2\)", id="two-dimensions"),
        pytest.param(["x", "y"], [1, 1], None, "must be numbers", id="text"),
    ],
)
def test_hostile_arrays_are_refused_by_index(times, events, entry, message):
    with pytest.raises(DataError, match=message):
        check_times(times, events, entry=entry)


def test_entry_just_before_the_exit_is_legal_and_none_is_the_origin():
    people = check_times([3.0, 0.0], [True, 1], entry=[math.nextafter(3.0, 0.0), -math.inf])
    assert people.is_truncated
    assert not check_times([3.0], [0]).is_truncated
    assert not check_times([3.0], [0], entry=[0.0]).is_truncated
    assert check_times([3.0], [0], entry=[0.0]).entry.tolist() == [-math.inf]
    assert check_times([0.0], [1]).entry.tolist() == [-math.inf]
    assert len(people) == 2


def test_nobody_is_legal():
    assert len(check_times([], [])) == 0


def test_labels_are_ordered_numbers_as_numbers_and_counted():
    of, names = check_labels([10, 9, 10], "groups", 3)
    assert (of.tolist(), names) == ([1, 0, 1], ("9", "10"))
    of, names = check_labels(np.array(["b", "a"], dtype=object), "groups", 2)
    assert (of.tolist(), names) == ([1, 0], ("a", "b"))


@pytest.mark.parametrize("labels", [["a"], [1.0, math.nan], ["a", None]])
def test_a_missing_label_is_refused(labels):
    with pytest.raises(DataError, match=r"groups"):
        check_labels(labels, "groups", 2)
