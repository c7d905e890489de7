"""Gaps: planned doses, counts and contacts that the tables do not hold."""

from datetime import date, timedelta

import polars as pl
import pytest

from sojourn.study.bundled import bundled_study
from sojourn.study.definition import read_study
from sojourn.study.gaps import table_gaps
from sojourn.study.keyed import Keyed

STUDY = read_study(bundled_study("NCT06171906"))
ZERO = date(2030, 1, 1)
EVERY_WINDOW = (-3, 20, 45, 56)


def rows(days, **columns):
    dates = [ZERO + timedelta(days=day) for day in days]
    frame = pl.DataFrame({"USUBJID": ["P1"] * len(dates), "ADT": dates})
    return Keyed(frame.with_columns(pl.lit(v).alias(k) for k, v in columns.items()), "k")


def gaps(*, doses=(0, 7, 14, 21), counts=EVERY_WINDOW, last=400, death=None):
    tables = {
        "doses": rows(doses),
        "counts": rows(counts),
        "follow_up": rows([last]),
        "events": rows([] if death is None else [death], EVENT="DEATH"),
    }
    return [
        (what, visit, why.rpartition(": ")[2]) for what, _, visit, why in table_gaps(STUDY, tables)
    ]


def test_a_complete_subject_has_no_gap():
    assert gaps() == []


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"doses": (0, 7, 14)}, [("dose", None, "3 of 4")]),
        ({"counts": (-8, 20, 45, 56)}, [("counts", "BASELINE", "days -7 to 0")]),
        ({"counts": (-7, 17, 45, 56)}, [("counts", "DAY20", "days 18 to 22")]),
        ({"last": 350}, [("follow-up", "YEAR1", "last contact on day 350")]),
        ({"last": 351}, []),
    ],
)
def test_what_was_planned_and_is_not_there_is_named(given, expected):
    assert gaps(**given) == expected


def test_what_would_come_after_a_death_is_no_gap():
    assert gaps(doses=(0, 7), counts=(-3,), last=10, death=10) == []
    assert gaps(doses=(0,), counts=(-3,), last=10, death=10) == [("dose", None, "1 of 2")]


def test_a_folder_without_doses_has_no_gap_of_doses():
    assert not [
        gap for gap in table_gaps(STUDY, {"counts": rows(EVERY_WINDOW)}) if gap[0] == "dose"
    ]
