"""Questionnaires, readings and safety of simulated trials: plausible, and moving nothing else."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from sojourn.core.random import named_generator
from sojourn.core.tables import TABLES
from sojourn.endpoints._sf36 import find_strange_answers, score_sf36
from sojourn.study._simulate_oa import simulate_oa_cohort
from sojourn.study._simulate_oa_reported import draw_reported, reported_tables, visit_dates
from sojourn.study._simulate_safety import complete_events
from sojourn.study._simulated import make_frames
from sojourn.study.bundled import bundled_study
from sojourn.study.definition import read_study

PLAIN = read_study(bundled_study("NCT07313020"))
OLD = ("scans", "womac", "pain_vas")
REPORTED = ("sf36", "patient_global", "kl_readings")
DAY = dt.date(2030, 1, 7)


def collecting(study, **tables):
    """Return the study with `tables` collected at the visits named for each, and at no others."""
    visits = []
    for visit in study.visits:
        kept = [name for name in visit.collects if name not in REPORTED]
        more = [name for name, at in tables.items() if visit.name in at]
        visits.append(visit.model_copy(update={"collects": (*kept, *more)}))
    return study.model_copy(update={"visits": tuple(visits)})


NONE = collecting(PLAIN)
ALL = collecting(
    PLAIN,
    sf36=("BASELINE", "WEEK6"),
    patient_global=("BASELINE", "WEEK6"),
    kl_readings=("BASELINE",),
)
DATES = {visit.name: DAY + dt.timedelta(days=visit.day) for visit in PLAIN.visits}


@pytest.fixture(scope="module")
def cohorts():
    return tuple(simulate_oa_cohort(study, seed=5, n_subjects=1) for study in (NONE, ALL))


def test_tables_appear_only_where_a_visit_collects_them(cohorts):
    plain, full = cohorts
    assert set(full.tables) - set(plain.tables) == set(REPORTED)
    assert reported_tables(NONE) == ()
    assert sorted(full.tables["sf36"]["VISIT"]) == ["BASELINE", "WEEK6"]
    assert set(full.tables["kl_readings"]["VISIT"]) == {"BASELINE"}


def test_they_move_no_other_number(cohorts):
    plain, full = cohorts
    for name, frame in plain.tables.items():
        assert full.tables[name].equals(frame), name
    assert full.truth == plain.truth


def test_forms_are_filled_in_on_the_day_of_womac(cohorts):
    _, full = cohorts
    womac = dict(full.tables["womac"].select("VISIT", "ADT").iter_rows())
    assert dict(full.tables["sf36"].select("VISIT", "ADT").iter_rows()) == womac
    dates = visit_dates(PLAIN, DAY, {v.name: v.day for v in PLAIN.visits}, {"womac": []})
    assert dates == DATES


def womac_rows(answer):
    codes = [*(f"P{i}" for i in range(1, 6)), "S1", "S2", *(f"F{i}" for i in range(1, 18))]
    return [
        {"USUBJID": "S", "VISIT": visit, "ADT": DAY} | dict.fromkeys(codes, answer)
        for visit in ("BASELINE", "WEEK6")
    ]


def draw(n, answer, *, grade=2):
    """Return the tables of `n` subjects whose every WOMAC answer is `answer`."""
    rows = {name: [] for name in REPORTED}
    for i in range(n):
        rng, subject = named_generator(3, str(i)), f"S{i:03d}"
        drawn = draw_reported(rng, ALL, subject, womac_rows(answer), DATES, grade=grade)
        for name, listed in drawn.items():
            rows[name] += listed
    return make_frames(rows)


def test_answers_are_ones_that_version_2_offers_and_few_lack():
    forms = draw(100, 2)["sf36"]
    answers = forms.select(f"Q{i}" for i in range(1, 37))
    assert not any(find_strange_answers(row, "sf36_v2") for row in answers.iter_rows(named=True))
    lacking = sum(answers.null_count().row(0)) / (36 * forms.height)
    assert 0.005 < lacking < 0.02


def test_a_worse_knee_reads_worse_in_every_instrument():
    means = {}
    for answer in (1, 3):
        tables = draw(60, answer)
        scored = [score_sf36(row, "sf36_v2") for row in tables["sf36"].iter_rows(named=True)]
        means[answer] = {
            "PCS": np.mean([s["PCS"] for s in scored if s["PCS"] is not None]),
            "PGA": tables["patient_global"]["PGA"].mean(),
        }
    # A fifth of the whole range of burden apart, twice: far beyond the spread of 60 means.
    assert means[1]["PCS"] > means[3]["PCS"] + 10
    assert means[1]["PGA"] < means[3]["PGA"] - 40


@pytest.mark.parametrize("grade", [0, 2, 3, 4])
def test_an_adjudicator_reads_only_where_the_readers_differ(grade):
    readings = draw(200, 2, grade=grade)["kl_readings"]
    assert readings["KLGRADE"].is_between(0, 4).all()
    by_subject = readings.group_by("USUBJID").agg(
        first=pl.col("KLGRADE").filter(pl.col("READER") == "READER-1").first(),
        second=pl.col("KLGRADE").filter(pl.col("READER") == "READER-2").first(),
        judged=pl.col("KLGRADE").filter(pl.col("ROLE") == "ADJUDICATOR"),
    )
    differing = 0
    for _, first, second, judged in by_subject.iter_rows():
        differing += first != second
        assert judged == ([] if first == second else [grade])
    # 2 x 0.12 x 0.88 and half of 0.12 x 0.12 differ, less at the ends of the scale.
    assert 0.05 * 200 < differing < 0.32 * 200


def events(n, grade=1):
    return [
        {
            "USUBJID": "S",
            "ADT": DAY + dt.timedelta(days=i),
            "AETERM": "fever",
            "AETOXGR": grade,
            "AESER": "N",
            "AEREL": "POSSIBLY",
        }
        for i in range(n)
    ]


@pytest.mark.parametrize(("grade", "longest"), [(2, 14), (3, 28)])
def test_events_keep_what_they_were_and_end_later(grade, longest):
    before = events(300, grade)
    last = DAY + dt.timedelta(days=400)
    made = complete_events(named_generator(1), "S", before, [DAY], last)
    assert [{k: row[k] for k in before[0]} for row in made] == before
    assert all("AEENDT" not in event for event in before)
    lengths = [(r["AEENDT"] - r["ADT"]).days for r in made if r["AEENDT"] is not None]
    assert (min(lengths), max(lengths)) == (1, longest)
    assert 0.05 < 1 - len(lengths) / 300 < 0.15
    assert {row["AESI"] for row in made} == {"NONE"}


def test_an_event_that_outlasts_the_last_contact_has_no_known_end():
    made = complete_events(named_generator(1), "S", events(50), [], DAY)
    assert [row["AEENDT"] for row in made] == [None] * 50


def test_reactions_are_coded_dated_by_the_dose_and_in_order():
    doses = [DAY + dt.timedelta(days=7 * i) for i in range(4)]
    last = DAY + dt.timedelta(days=90)
    made = complete_events(named_generator(1), "S", events(9), doses, last, p_hypersensitivity=1.0)
    reactions = [row for row in made if row["AESI"] == "HYPERSENSITIVITY"]
    assert [row["ADT"] for row in reactions] == doses
    assert [row["ADT"] for row in made] == sorted(row["ADT"] for row in made)
    frame = make_frames({"adverse_events": made})["adverse_events"]
    assert set(frame.columns) == set(TABLES["adverse_events"].schema) - {"ROW"}
