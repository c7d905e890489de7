"""Listings of scales and complications: worked by hand from a few literal rows."""

from datetime import date

import polars as pl
import pytest

from sojourn.core.endpoints import OUTCOME
from sojourn.study.groups import Groups
from sojourn.study.keyed import Keyed
from sojourn.study.shown_complications import complication_listings
from sojourn.study.shown_scores import Scale, _rows

GROUPS = Groups({"A": "Arm A"}, {"P1": "A", "P2": "A"}, is_blinded=True, arm_of={})
DOSES = Keyed(pl.DataFrame({"USUBJID": ["P1", "P2"], "ADT": [date(2030, 1, 10)] * 2}), "doses")


def outcome(*rows):
    blank = dict.fromkeys(OUTCOME)
    made = [
        {**blank, "USUBJID": s, "PARAMCD": p, "AVAL": v, "BASE": b, "REASON": "", "EVIDENCE": ""}
        for s, p, v, b in rows
    ]
    return pl.DataFrame(made, schema=dict(OUTCOME))


def test_each_mean_has_the_n_of_its_own_column():
    table = outcome(
        ("P1", "SFPF", 10.0, None),
        ("P2", "SFPF", None, None),
        ("P1", "SFPFBL", 50.0, None),
        ("P2", "SFPFBL", 70.0, None),
        ("P1", "SFPFFU", 60.0, None),
        ("P2", "SFPFFU", None, None),
    )
    (row,) = _rows(table, [Scale("SFPF", "Physical functioning", "0 to 100")], GROUPS)
    assert row[4:11] == (2, 2, 60.0, 1, 60.0, 1, 10.0)
    assert row[11:] == (None, 10.0, 10.0)


def test_without_ends_the_baseline_is_base_and_the_follow_up_their_sum():
    table = outcome(("P1", "WOMPAIN", -3.0, 7.0), ("P2", "WOMPAIN", None, 5.0))
    (row,) = _rows(table, [Scale("WOMPAIN", "Pain", "")], GROUPS)
    assert row[5:11] == (2, 6.0, 1, 4.0, 1, -3.0)


def stages(**columns):
    frame = pl.DataFrame({"USUBJID": ["P1"] * 3, "ROW": [2, 3, 4], **columns})
    return {"doses": DOSES, "gvhd_stages": Keyed(frame, "stages")}


def test_an_organs_worst_stage_counts_from_day_0_and_absent_is_not_zero():
    tables = stages(
        ADT=[date(2030, 1, 9), date(2030, 1, 10), date(2030, 1, 15)],
        SKIN=[4, 0, 2],
        LIVER=[1, None, None],
        UPPER_GI=[0, 0, 0],
        LOWER_GI=[0, 0, 0],
    )
    (made,) = complication_listings(tables, GROUPS)
    rows = {row["ORGAN"]: row for row in made.records()}
    assert (rows["SKIN"]["WORST"], rows["SKIN"]["DAY"]) == (2, 5)
    assert rows["SKIN"]["EVIDENCE"] == "gvhd_stages:4"
    assert (rows["LIVER"]["WORST"], rows["LIVER"]["ASSESSMENTS"]) == (None, 0)


@pytest.mark.parametrize(("day", "n"), [(9, 0), (10, 1)], ids=["the-day-before", "day-0-counts"])
def test_infections_are_listed_since_day_0(day, n):
    frame = pl.DataFrame(
        {
            "USUBJID": ["P1"],
            "ADT": [date(2030, 1, day)],
            "AENDT": [date(2030, 1, 20)],
            "ORGANISM": ["viral"],
            "SITE": ["blood"],
            "GRADE": [2],
            "ROW": [2],
        }
    )
    (made,) = complication_listings({"doses": DOSES, "infections": Keyed(frame, "i")}, GROUPS)
    assert len(made.rows) == n


def test_chimerism_at_entry_is_the_last_up_to_day_0():
    frame = pl.DataFrame(
        {
            "USUBJID": ["P1"] * 3,
            "ADT": [date(2030, 1, 1), date(2030, 1, 10), date(2030, 1, 11)],
            "LINEAGE": ["WHOLE"] * 3,
            "DONOR_PERCENT": [0.5, 0.97, 0.1],
            "ROW": [2, 3, 4],
        }
    )
    (made,) = complication_listings({"doses": DOSES, "chimerism": Keyed(frame, "c")}, GROUPS)
    assert [(r["DAY"], r["DONOR_PERCENT"]) for r in made.records()] == [(0, 0.97)]
