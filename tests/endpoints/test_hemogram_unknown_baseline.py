"""Composites of the hemogram where a lineage's baseline is not known: what that can change."""

from itertools import product

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blood_counts import counts, doses, events, transfusions
from sojourn.endpoints.hemogram_response import ENDPOINT

LINEAGES = ("ANC", "HGB", "PLT")
LOW = {"ANC": 0.1, "HGB": 60, "PLT": 10}
HIGH = {"ANC": 0.9, "HGB": 80, "PLT": 55}
SCALE = {"ANC": 1e9, "HGB": 1.0, "PLT": 1e9}
PARAMS = {"ANC": "ANCREC40", "HGB": "HGBREC40", "PLT": "PLTREC40"}


def respond(baseline, recovers, *, events=None, rule=None):
    """Return rows by PARAMCD; `baseline`: low, high or None; `recovers`: first good day or None."""
    frames = []
    for lineage in LINEAGES:
        start = {"low": LOW, "high": HIGH}.get(baseline[lineage], {}).get(lineage)
        first = recovers[lineage]
        rows = [(-1, start)]
        for day in range(10, 50, 2):
            is_up = first is not None and first <= day
            rows.append((day, (HIGH if is_up else LOW)[lineage]))
        frames.append(counts(rows, column=lineage, scale=SCALE[lineage]))
    frame = pl.concat(frames).with_columns(ROW=pl.int_range(2, pl.len() + 2, dtype=pl.Int64))
    tables = {"counts": frame, "doses": doses(), "transfusions": transfusions()}
    outcome = ENDPOINT(tables | ({} if events is None else {"events": events}), rule=rule)
    return {row["PARAMCD"]: row for row in outcome.iter_rows(named=True)}


def by_lineage(anc, hgb, plt):
    return dict(zip(LINEAGES, (anc, hgb, plt), strict=True))


@pytest.mark.parametrize(
    ("baseline", "recovers", "overall", "complete"),
    [
        pytest.param((None, "low", "low"), (None, 10, 10), "Y", None, id="open-one-failed"),
        pytest.param((None, "low", "low"), (10, None, None), None, "N", id="open-one-recovered"),
        pytest.param((None, "low", "low"), (10, 10, 10), "Y", "Y", id="all-recovered"),
        pytest.param((None, "low", "low"), (None, None, None), "N", "N", id="none-recovered"),
        pytest.param((None, "low", "low"), (10, 10, None), "Y", "N", id="a-known-one-failed"),
        pytest.param((None, "low", "low"), (None, 10, None), "Y", "N", id="one-known-recovered"),
        pytest.param((None, "low", None), (10, 10, None), "Y", None, id="one-open-one-failed"),
        pytest.param((None, "low", None), (10, None, None), None, "N", id="one-open-recovered"),
        pytest.param((None, "high", "low"), (None, 10, 10), "Y", None, id="one-not-affected"),
        pytest.param((None, "high", "high"), (10, 10, 10), None, None, id="nobody-knows-of-any"),
        pytest.param((None, "high", "high"), (None, 10, 10), None, None, id="nor-if-it-failed"),
        pytest.param(("high", "high", "high"), (10, 10, 10), None, None, id="none-affected"),
    ],
)
def test_an_unknown_baseline_decides_where_it_could(baseline, recovers, overall, complete):
    rows = respond(by_lineage(*baseline), by_lineage(*recovers))
    assert (rows["OVERALL"]["AVALC"], rows["COMPLETE"]["AVALC"]) == (overall, complete)
    for param in ("OVERALL", "COMPLETE"):
        assert rows[param]["AVAL"] == {"Y": 1.0, "N": 0.0, None: None}[rows[param]["AVALC"]]


def test_the_reason_names_the_baseline_that_is_missing_and_what_it_would_decide():
    rows = respond(by_lineage(None, "low", "low"), by_lineage(None, 10, 12))
    known = (
        "2 of 2 affected lineages recovered by day 40: hemoglobin day 10, platelets day 12; "
        "baseline of neutrophils not known"
    )
    assert rows["OVERALL"]["REASON"] == known
    assert rows["COMPLETE"]["REASON"] == (
        f"{known}; undecided, since neutrophils, if affected, did not recover"
    )
    rows = respond(by_lineage(None, "low", "low"), by_lineage(10, None, None))
    known = (
        "0 of 2 affected lineages recovered by day 40; not hemoglobin, platelets; "
        "baseline of neutrophils not known"
    )
    assert rows["COMPLETE"]["REASON"] == known
    assert rows["OVERALL"]["REASON"] == (
        f"{known}; undecided, since neutrophils, if affected, recovered"
    )


def test_days_of_the_composites_are_those_of_lineages_known_to_be_affected():
    rows = respond(by_lineage(None, "low", "low"), by_lineage(10, 12, 14))
    assert [rows[p]["DAY"] for p in ("ANCREC40", "OVERALL", "COMPLETE")] == [None, 12, 14]


def test_the_lineage_itself_says_what_it_would_be():
    row = respond(by_lineage(None, "low", "low"), by_lineage(10, None, None))["ANCREC40"]
    assert (row["AVAL"], row["AVALC"]) == (None, None)
    assert row["REASON"].startswith(
        "baseline not known: neutrophils not measured on days -7 to 0; "
        "if it was affected, recovered on day 10: "
    )
    assert row["EVIDENCE"] == "counts:3,4,5"


@pytest.mark.parametrize(
    ("first", "day", "overall"),
    [(40, 39, "N"), (40, 40, None), (42, 50, "N")],
)
def test_whether_it_would_have_recovered_follows_the_whole_rule(first, day, overall):
    """Within the window, and not after an intercurrent event."""
    happened = events((day, "RELAPSE"))
    rows = respond(by_lineage(None, "low", "low"), by_lineage(first, None, None), events=happened)
    assert rows["OVERALL"]["AVALC"] == overall


BASELINES = st.fixed_dictionaries({x: st.sampled_from(["low", "high", None]) for x in LINEAGES})
ONSETS = st.fixed_dictionaries({x: st.sampled_from([10, 30, 40, 42, None]) for x in LINEAGES})


@given(BASELINES, ONSETS, st.sampled_from([None, 20, 40]))
@settings(max_examples=80, deadline=None)
def test_a_verdict_stands_exactly_where_no_knowledge_of_a_baseline_could_change_it(
    baseline, recovers, day
):
    happened = None if day is None else events((day, "GRAFT_REJECTION"))
    found = respond(baseline, recovers, events=happened)
    unknown = [x for x in LINEAGES if baseline[x] is None]
    filled = [
        respond(baseline | dict(zip(unknown, values, strict=True)), recovers, events=happened)
        for values in product(("low", "high"), repeat=len(unknown))
    ]
    for param in ("OVERALL", "COMPLETE"):
        possible = {rows[param]["AVALC"] for rows in filled}
        assert found[param]["AVALC"] == (possible.pop() if len(possible) == 1 else None)
