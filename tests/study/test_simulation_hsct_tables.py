"""Detailed tables tell what the events tell: one truth, two records of it."""

import numpy as np
import polars as pl
import pytest

from sojourn.core.tables import TABLES
from sojourn.endpoints.acute_gvhd import ENDPOINT as ACUTE
from sojourn.endpoints.chronic_gvhd import ENDPOINT as CHRONIC
from sojourn.endpoints.immune_reconstitution import ENDPOINT as IMMUNE
from sojourn.endpoints.infection import ENDPOINT as INFECTION
from sojourn.endpoints.poor_graft_function import ENDPOINT as GRAFT
from sojourn.study._simulate_hsct import simulate_hsct_cohort
from sojourn.study._simulate_hsct_events import Event
from sojourn.study._simulate_hsct_tables import draw_acute, draw_chronic
from sojourn.study.bundled import bundled_study
from sojourn.study.definition import read_study

STUDY = read_study(bundled_study("NCT06171906"))
NEW = ("gvhd_stages", "chronic_gvhd", "infections", "lymphocytes", "chimerism", "grafts")


@pytest.fixture(scope="module")
def tables():
    cohort = simulate_hsct_cohort(STUDY, seed=5, n_subjects=200)
    return {
        name: frame.with_row_index("ROW", offset=2).cast({"ROW": pl.Int64})
        for name, frame in cohort.tables.items()
        if "USUBJID" in frame.columns
    }


@pytest.mark.parametrize("endpoint", [ACUTE, CHRONIC])
def test_organs_tell_the_recorded_grade_and_its_first_day(tables, endpoint):
    organs = {"AGVHDMAX": "gvhd_stages", "CGVHDMAX": "chronic_gvhd"}[endpoint.paramcd]
    both = endpoint(tables)
    events_alone = endpoint({name: t for name, t in tables.items() if name != organs})
    same = ["USUBJID", "PARAMCD", "DAY", "AVAL", "AVALC", "CNSR"]
    assert both.select(same).equals(events_alone.select(same))
    no_grades = tables["events"].filter(~pl.col("EVENT").str.ends_with("GVHD"))
    assert endpoint(tables | {"events": no_grades}).select(same).equals(both.select(same))
    assert both.filter(pl.col("AVAL") > 0).height > 20


def test_every_infection_stands_in_both_tables(tables):
    events = tables["events"].filter(pl.col("EVENT") == "INFECTION")
    dated = tables["infections"]
    keys = ["USUBJID", "ADT", "GRADE"]
    assert events.select(keys).equals(dated.select(keys))
    words = dated.select(pl.concat_str("ORGANISM", "SITE", separator="; "))
    assert words.to_series().to_list() == events["DETAIL"].to_list()
    ends = dated.drop_nulls("AENDT")
    assert (ends["AENDT"] >= ends["ADT"]).all()
    assert 0 < dated["AENDT"].null_count() < dated.height / 5


def test_resolution_can_only_join_episodes(tables):
    without = INFECTION({name: t for name, t in tables.items() if name != "infections"})
    joined = INFECTION(tables)
    is_number = pl.col("PARAMCD") == "INFN"
    fewer, more = (frame.filter(is_number)["AVAL"] for frame in (joined, without))
    assert (fewer <= more).all()
    assert fewer.sum() > 0.8 * more.sum()
    first = pl.col("PARAMCD") == "INFG2"
    assert joined.filter(first)["CNSR"].null_count() == 0


def test_lymphocytes_rise_and_have_gaps(tables):
    rows = IMMUNE(tables)
    cd4 = rows.filter(pl.col("PARAMCD") == "CD4")
    early, late = (cd4.filter(pl.col("AVISIT") == v)["AVAL"] for v in ("DAY30", "DAY365"))
    assert early.median() < late.median()
    assert 0 < early.null_count() < 40
    times = rows.filter(pl.col("PARAMCD") == "CD4REC")
    assert {0, 1, 2} == set(times["CNSR"].drop_nulls().to_list())


def test_poor_graft_function_is_found_denied_and_left_open(tables):
    rows = GRAFT(tables)
    for code in ("PGF", "PGFTYPE", "GRFTFAIL"):
        found = rows.filter(pl.col("PARAMCD") == code)["AVALC"]
        assert found.n_unique() >= 2, code
    function = rows.filter(pl.col("PARAMCD") == "PGF")["AVALC"]
    assert set(function.to_list()) == {"Y", "N", None}


def test_the_new_tables_are_those_of_the_schema(tables):
    assert set(NEW) <= set(tables) <= set(TABLES)
    for name in NEW:
        assert tables[name].height > 100


@pytest.mark.parametrize("grade", [1, 2, 3, 4])
def test_any_grade_can_be_drawn_and_stages_only_fall(grade):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        drawn = draw_acute(rng, [Event(40, "ACUTE_GVHD", grade)], 200)
        by_day = dict(drawn)
        assert all(sum(by_day[day].values()) == 0 for day in (0, 14, 28))
        assert all(by_day[42][organ] <= stage for organ, stage in by_day[40].items())
        assert sum(by_day[70].values()) == 0


def test_nothing_is_assessed_after_the_last_contact():
    rng = np.random.default_rng(0)
    assert [day for day, _ in draw_acute(rng, [], 56)] == [0, 14, 28, 42]
    assert [day for day, _ in draw_chronic(rng, [], 181)] == [100, 180]
