"""A lineage that was not measured is neither good nor bad. Oracles: cases by hand (OURS)."""

import polars as pl
import pytest

from blood_counts import counts, doses, events, follow_up, transfusions
from sojourn.endpoints.hemoglobin_recovery import ENDPOINT as HEMOGLOBIN
from sojourn.endpoints.hemogram_response import ENDPOINT

DAYS = (-1, *range(10, 50, 2))
RISES = [(day, 0.9 if day > 0 else 0.1) for day in DAYS]
FAILS = [(day, 0.1) for day in DAYS]
UNSEEN = [(day, None) for day in DAYS]


def tables(anc, hgb, *, given=(-1,), **more):
    """Return tables of a subject whose red cells were given and whose platelets were never low."""
    frames = [
        counts(anc, column="ANC"),
        counts(hgb, column="HGB", scale=1.0),
        counts([(day, 55) for day in DAYS], column="PLT"),
    ]
    frame = pl.concat(frames).with_columns(ROW=pl.int_range(2, pl.len() + 2, dtype=pl.Int64))
    given = transfusions(*given, product="RBC")
    return {"counts": frame, "doses": doses(), "transfusions": given, **more}


def respond(anc, hgb, *, rule=None, **more):
    outcome = ENDPOINT(tables(anc, hgb, **more), rule=rule)
    return {row["PARAMCD"]: row for row in outcome.iter_rows(named=True)}


def verdicts(rows):
    return tuple(rows[param]["AVALC"] for param in ("HGBREC40", "OVERALL", "COMPLETE"))


@pytest.mark.parametrize(
    ("anc", "expected"),
    [
        pytest.param(RISES, (None, "Y", None), id="one-recovered: complete is open"),
        pytest.param(FAILS, (None, None, "N"), id="one-failed: overall is open"),
    ],
)
def test_red_cells_given_and_no_hemoglobin_tell_of_no_failure(anc, expected):
    rows = respond(anc, UNSEEN)
    assert verdicts(rows) == expected
    assert rows["HGBREC40"]["AVAL"] is None
    assert rows["HGBREC40"]["REASON"] == (
        "affected: transfused on day -1; not evaluable: hemoglobin not measured on days 0 to 40"
    )
    (single,) = HEMOGLOBIN(tables(anc, UNSEEN)).iter_rows(named=True)
    assert single["AVALC"] is None


def test_the_composite_says_which_lineage_would_decide():
    rows = respond(RISES, UNSEEN)
    known = "1 of 2 affected lineages recovered by day 40: neutrophils day 10"
    assert rows["OVERALL"]["REASON"] == f"{known}; not evaluable: hemoglobin"
    assert rows["COMPLETE"]["REASON"] == (
        f"{known}; not evaluable: hemoglobin; undecided, since nothing tells of hemoglobin"
    )


@pytest.mark.parametrize(
    ("day", "verdict"), [(0, "N"), (40, "N"), (41, None), (-1, None), (50, None)]
)
def test_a_count_of_the_window_is_needed(day, verdict):
    hgb = [(d, None) for d in DAYS if d != day] + [(day, 60)]
    assert respond(RISES, hgb)["HGBREC40"]["AVALC"] == verdict


@pytest.mark.parametrize("day", [0, 5, 40])
@pytest.mark.parametrize("code", ["DEATH", "RELAPSE", "SECOND_GRAFT"])
def test_a_death_or_an_intercurrent_event_by_the_day_decides(code, day):
    rows = respond(FAILS, UNSEEN, events=events((day, code)))
    assert verdicts(rows) == ("N", "N", "N")
    said = f"died on day {day}" if code == "DEATH" else f"{code} on day {day}"
    assert rows["HGBREC40"]["REASON"].endswith(
        f"not recovered: hemoglobin not measured on or after day 0; {said}"
    )
    if code != "DEATH":
        assert "events:2" in rows["HGBREC40"]["EVIDENCE"]


@pytest.mark.parametrize(
    ("day", "code", "rule"),
    [
        pytest.param(41, "DEATH", {}, id="a-death-after-the-day"),
        pytest.param(41, "RELAPSE", {}, id="an-event-after-the-day"),
        pytest.param(-1, "RELAPSE", {}, id="an-event-before-day-0"),
        pytest.param(5, "INFECTION", {}, id="another-event"),
        pytest.param(5, "RELAPSE", {"intercurrent": "treatment_policy"}, id="treatment-policy"),
        pytest.param(5, "RELAPSE", {"intercurrent_events": ["DLI"]}, id="not-named"),
    ],
)
def test_what_decides_nothing_leaves_it_open(day, code, rule):
    rows = respond(FAILS, UNSEEN, events=events((day, code)), rule=rule)
    assert verdicts(rows) == (None, None, "N")


@pytest.mark.parametrize(("last", "verdict"), [(19, "N"), (20, None)])
def test_who_was_lost_before_the_window_did_not_recover_in_it(last, verdict):
    hgb = [(day, 60 if day < 20 else None) for day in DAYS]
    rows = respond(FAILS, hgb, rule={"from_day": 20}, follow_up=follow_up(last))
    assert rows["HGBREC40"]["AVALC"] == verdict


def test_a_lineage_that_may_not_be_affected_leaves_both_open():
    rows = respond(RISES, UNSEEN, given=())
    assert verdicts(rows) == (None, "Y", None)
    assert rows["HGBREC40"]["REASON"] == (
        "baseline not known: hemoglobin not measured on days -7 to 0; "
        "if it was affected, not evaluable: hemoglobin not measured on days 0 to 40"
    )
    assert verdicts(respond(FAILS, UNSEEN, given=())) == (None, None, "N")


def test_who_was_not_affected_needs_no_count():
    hgb = [(-1, 90)]
    assert verdicts(respond(RISES, hgb, given=())) == (None, "Y", "Y")
    assert verdicts(respond(FAILS, hgb, given=())) == (None, "N", "N")
