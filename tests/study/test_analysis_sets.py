"""Analysis sets: who leaves the denominator, and who is counted as not evaluable."""

import polars as pl
import pytest

from sojourn.study.analysis_sets import SetMembers, baseline_endpoint, set_members
from sojourn.study.bundled import bundled_study
from sojourn.study.definition import read_study

STUDY = read_study(bundled_study("NCT06171906"))
ANALYSES = {analysis.id: analysis for analysis in STUDY.analyses}


def table(*rows):
    return pl.DataFrame(
        rows, schema=["USUBJID", "PARAMCD", "AVAL", "AVALC", "REASON"], orient="row"
    )


BASELINE = table(
    ("P1", "PLTREC40", 1.0, "Y", "affected: platelets 9e9/L on day 0; recovered on day 9"),
    ("P2", "PLTREC40", None, None, "not affected: platelets 90e9/L on day 0"),
    ("P3", "PLTREC40", None, None, "baseline not known: platelets not measured"),
    ("P1", "OVERALL", 1.0, "Y", "1 of 1 affected lineages recovered by day 40"),
    ("P2", "OVERALL", None, None, "no lineage was affected at baseline"),
    ("P3", "OVERALL", None, None, "no lineage was affected at baseline; baseline of x not known"),
)


@pytest.mark.parametrize("name", ["platelets_complete", "platelets_by_40", "overall_response"])
def test_who_was_not_affected_is_outside_and_who_is_not_known_stays_without_a_value(name):
    members = set_members(ANALYSES[name], BASELINE)
    assert (members.outside, members.unknown) == ({"P2"}, {"P3"})
    rows = table(*((who, "PLTRSP40", 2.0, "CR", "") for who in ("P1", "P2", "P3")))
    kept = members.restrict(rows)
    assert kept["USUBJID"].to_list() == ["P1", "P3"]
    assert kept["AVALC"].to_list() == ["CR", None]
    assert members.note(rows) == "1 of 3 not affected at baseline, outside this set"


def test_who_is_known_to_be_affected_is_a_member_though_a_composite_is_open():
    words = "0 of 1 affected lineages recovered by day 40; not platelets; baseline of x not known"
    open_ = table(("P1", "OVERALL", None, None, words), ("P2", "OVERALL", None, None, "no day 0"))
    members = set_members(ANALYSES["complete_response"], open_)
    assert (members.outside, members.unknown) == (set(), {"P2"})
    kept = members.restrict(table(("P1", "COMPLETE", 0.0, "N", "")))
    assert kept["AVALC"].to_list() == ["N"]


def test_everybody_is_a_member_where_the_set_is_all():
    rows = table(("P1", "AGVHD2", 1.0, "Y", ""))
    assert SetMembers().restrict(rows).equals(rows)
    assert SetMembers().note(rows) == ""


@pytest.mark.parametrize(
    ("analysis", "endpoint"),
    [
        ("platelets_complete", "hemogram"),
        ("platelets_washout", "transfusion_washout"),
        ("acute_gvhd", None),
    ],
)
def test_the_own_endpoint_tells_who_was_affected_else_the_first_that_can(analysis, endpoint):
    assert baseline_endpoint(STUDY, ANALYSES[analysis]) == endpoint


def test_platelet_classes_leave_out_platelets_that_were_not_low():
    sets = {name: ANALYSES[name].set for name in ("platelets_complete", "platelets_none_at_56")}
    assert set(sets.values()) == {"AFFECTED_PLT"}
