"""Hostile outcome rows: one clear error, naming the subject."""

import math

import polars as pl
import pytest

from sojourn.core.errors import DataError
from sojourn.statistics.survival.rows import (
    count_competing,
    take_days,
    take_strata,
    take_times,
)
from sojourn.testing import make_outcome_rows


@pytest.mark.parametrize(
    ("aval", "cnsr", "entry", "message"),
    [
        pytest.param(-1.0, 0, None, "no time to an event", id="negative-time"),
        pytest.param(math.nan, 0, None, "no time to an event", id="nan"),
        pytest.param(math.inf, 0, None, "no time to an event", id="infinite"),
        pytest.param(5.0, None, None, "no time to an event", id="no-status"),
        pytest.param(5.0, -1, None, "no time to an event", id="unknown-status"),
        pytest.param(5.0, 0, 5.0, "expected 0 <= ENTRY < AVAL", id="entry-at-exit"),
        pytest.param(5.0, 0, 6.0, "under observation from day 6", id="event-before-entry"),
        pytest.param(5.0, 0, -1.0, "under observation from day -1", id="negative-entry"),
        pytest.param(5.0, 0, math.nan, "under observation from day nan", id="entry-nan"),
    ],
)
def test_hostile_rows_are_refused_by_subject(aval, cnsr, entry, message):
    rows = make_outcome_rows(aval=[9.0, aval], cnsr=[0, cnsr], entry=[None, entry])
    with pytest.raises(DataError, match=f"'ALL001'.*{message}"):
        take_times(rows)


def test_rows_become_times_and_no_entry_is_the_origin():
    rows = make_outcome_rows(aval=[0.0, 5.0, 9.0], cnsr=[0, 1, 2], entry=[None, 0.0, 4.0])
    people = take_times(rows)
    assert people.exit.tolist() == [0, 5, 9]
    assert people.is_event.tolist() == [True, False, False]
    assert people.entry.tolist() == [-math.inf, -math.inf, 4]
    assert count_competing(rows) == 1


def test_days_of_a_column_and_its_absence():
    rows = make_outcome_rows(aval=[5.0, 6.0]).with_columns(RESP=pl.Series([3, None]))
    days = take_days(rows, "RESP")
    assert (days[0], math.isnan(days[1])) == (3.0, True)
    with pytest.raises(DataError, match="no column 'RESPONSE' of days"):
        take_days(rows, "RESPONSE")
    with pytest.raises(DataError, match="no column 'USUBJID' of days"):
        take_days(rows, "USUBJID")
    with pytest.raises(DataError, match="'ALL000': RESP is nan"):
        take_days(rows.with_columns(RESP=pl.Series([math.nan, 1.0])), "RESP")


def test_strata_are_combinations_and_none_may_be_missing():
    rows = make_outcome_rows(aval=[1.0] * 4).with_columns(
        SITE=pl.Series(["a", "b", "a", "b"]), SEX=pl.Series(["f", "f", "m", "f"])
    )
    strata = take_strata(rows, ("SITE", "SEX"))
    assert strata[1] == strata[3]
    assert len(set(strata.tolist())) == 3
    assert take_strata(rows, ()) is None
    with pytest.raises(DataError, match="no column 'CENTER'"):
        take_strata(rows, ("CENTER",))
    missing = rows.with_columns(SITE=pl.Series(["a", None, "a", "b"]))
    with pytest.raises(DataError, match="'ALL001' has no SITE"):
        take_strata(missing, ("SITE",))
