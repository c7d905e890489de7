import datetime as dt

import numpy as np
import polars as pl
import pytest
from scipy.stats import binomtest

from sojourn.core.errors import DataError
from sojourn.study._simulate_counts import (
    NEVER,
    GraftCourse,
    Lineage,
    draw_sampling,
    simulate_blood,
)
from sojourn.study._simulate_hsct import simulate_hsct_cohort
from sojourn.study.bundled import bundled_study
from sojourn.study.definition import read_study

STUDY = read_study(bundled_study("NCT06171906"))


@pytest.fixture(scope="module")
def cohort():
    return simulate_hsct_cohort(STUDY, seed=5)


@pytest.fixture(scope="module")
def many():
    return simulate_hsct_cohort(STUDY, seed=6, n_subjects=300)


def day_zero(cohort):
    doses = cohort.tables["doses"].group_by("USUBJID").agg(pl.col("ADT").min())
    return dict(doses.rows())


def test_68_subjects_of_eligible_age_with_an_earlier_graft(cohort):
    subjects = cohort.tables["subjects"]
    assert subjects.height == 68
    assert subjects["AGE"].min() >= 18
    assert subjects["AGE"].max() <= 60
    start = day_zero(cohort)
    for subject, graft in subjects.select("USUBJID", "HSCTDT").rows():
        assert 35 <= (start[subject] - graft).days < 120


def test_nothing_happens_after_death_and_follow_up_ends_with_it(many):
    last = dict(many.tables["follow_up"].rows())
    deaths = dict(
        many.tables["events"].filter(pl.col("EVENT") == "DEATH").select("USUBJID", "ADT").rows()
    )
    assert deaths
    assert all(last[subject] == date for subject, date in deaths.items())
    tables = ("counts", "doses", "transfusions", "growth_factors", "events", "adverse_events")
    tables += ("gvhd_stages", "chronic_gvhd", "infections", "lymphocytes", "chimerism")
    for name in tables:
        for subject, date in many.tables[name].select("USUBJID", "ADT").rows():
            assert date <= last[subject], (name, subject)
            if subject in deaths and name != "events":
                assert date < deaths[subject], (name, subject)


def test_each_subject_dies_or_relapses_at_most_once(many):
    for code in ("DEATH", "RELAPSE", "ACUTE_GVHD", "CHRONIC_GVHD"):
        found = many.tables["events"].filter(pl.col("EVENT") == code)
        assert found["USUBJID"].n_unique() == found.height


def test_infusions_are_weekly_within_two_days_and_by_weight(cohort):
    start = day_zero(cohort)
    for row in cohort.tables["doses"].iter_rows(named=True):
        day = (row["ADT"] - start[row["USUBJID"]]).days
        nearest = min((0, 7, 14, 21), key=lambda planned: abs(planned - day))
        assert abs(day - nearest) <= (2 if nearest else 0)
        assert row["CELLS"] / row["WEIGHT"] == pytest.approx(1e6, rel=0.1)
    assert set(cohort.tables["doses"]["EXLOT"]) == set(cohort.tables["lots"]["EXLOT"])


def test_counts_have_gaps_missing_values_and_days_with_two(cohort):
    counts = cohort.tables["counts"]
    pairs = counts.group_by("USUBJID", "ADT").len()
    assert (pairs["len"] == 2).sum() > 10
    assert pairs["len"].max() == 2
    assert counts["ANC"].null_count() > 10
    start = day_zero(cohort)
    days = [(date - start[s]).days for s, date in counts.select("USUBJID", "ADT").rows()]
    assert min(days) == -7
    assert max(days) > 300
    one = counts.filter(pl.col("USUBJID") == "SIM-HSCT-001")["ADT"].unique().sort()
    assert one.diff().max() > dt.timedelta(days=1)


def test_everybody_has_a_count_before_the_first_infusion(cohort):
    start = day_zero(cohort)
    seen = {
        s
        for s, date in cohort.tables["counts"].select("USUBJID", "ADT").rows()
        if -7 <= (date - start[s]).days <= 0
    }
    assert seen == set(start)


def test_truth_states_the_events_that_the_tables_hold(cohort):
    start = day_zero(cohort)
    for subject, truth in cohort.truth["subjects"].items():
        rows = cohort.tables["events"].filter(pl.col("USUBJID") == subject)
        found = [
            [(date - start[subject]).days, code, grade, detail]
            for _, date, code, grade, detail, *_ in rows.rows()
        ]
        assert found == truth["events"]
        died = [day for day, code, _, _ in found if code == "DEATH"]
        assert died == ([] if truth["death_day"] is None else [truth["death_day"]])
        assert any(truth["affected"].values())
        for lineage, day in truth["recovery_day"].items():
            assert day is None or truth["affected"][lineage]


def test_marginal_frequencies_are_those_stated(many):
    # Exact binomial tests at a fixed seed; 0.001 each so that a rare seed alone does not fail.
    truth = list(many.truth["subjects"].values())
    n = len(truth)
    acute = sum(any(e[1] == "ACUTE_GVHD" for e in t["events"]) for t in truth)
    # Some die before: at most the stated share.
    assert binomtest(acute, n, 0.35).pvalue > 0.001
    poor = [sum(t["affected"][name] for t in truth) for name in ("ANC", "HGB", "PLT")]
    # At least one lineage is poor by construction: (1-.75)(1-.70)(1-.85) = 1.1 % gain a third each.
    for count, share in zip(poor, (0.754, 0.704, 0.854), strict=True):
        assert binomtest(count, n, share).pvalue > 0.001
    planned = 4 * n
    given = many.tables["doses"].height
    assert 0.90 * planned < given < 0.99 * planned
    malignant = (many.tables["subjects"]["MALIGNANT"] == "Y").sum()
    assert binomtest(int(malignant), n, 0.75).pvalue > 0.001


def test_a_quarter_never_recovers_at_all_or_in_part(many):
    truth = many.truth["subjects"].values()
    affected = [
        (t["affected"][name], t["recovery_day"][name]) for t in truth for name in t["affected"]
    ]
    never = [day is None for is_poor, day in affected if is_poor]
    # 0.25 x 0.85 + 0.75 x 0.05 = 25 %; lineages of one subject go together, hence the wide bounds.
    assert 0.19 < np.mean(never) < 0.31


def test_one_subject_more_moves_no_number_of_the_others(cohort):
    longer = simulate_hsct_cohort(STUDY, seed=5, n_subjects=69)
    old = cohort.tables["subjects"]["USUBJID"].to_list()
    for name, frame in cohort.tables.items():
        if "USUBJID" in frame.columns:
            kept = longer.tables[name].filter(pl.col("USUBJID").is_in(old))
            assert kept.equals(frame, null_equal=True), name


class TestBlood:
    @pytest.mark.parametrize("is_log", [True, False])
    def test_a_lineage_crosses_its_threshold_on_the_day_of_recovery(self, is_log):
        lineage = Lineage(8.0, 90.0, 20.0, 14.5, 6.0, is_log)
        before, at, after = lineage.at(np.array([14.4, 14.5, 14.6]))
        assert before < 20.0 < after
        assert at == pytest.approx(20.0)
        low, high = lineage.at(np.array([-200.0, 300.0]))
        assert (low, high) == pytest.approx((8.0, 90.0), rel=1e-3)

    @pytest.mark.parametrize("levels", [(8.0, 8.0, 90.0), (8.0, 20.0, 20.0), (0.0, 20.0, 90.0)])
    def test_a_lineage_that_does_not_rise_through_its_threshold_is_refused(self, levels):
        low, threshold, high = levels
        with pytest.raises(DataError, match="must rise"):
            Lineage(low, high, threshold, 10.0, 5.0, True)

    def test_a_lineage_that_never_recovers_stays_low(self):
        lineage = Lineage(8.0, 90.0, 20.0, NEVER, 6.0, True)
        assert lineage.at(np.array([0.0, 400.0])).tolist() == [8.0, 8.0]

    def test_low_blood_is_transfused_and_good_blood_is_not(self):
        poor = GraftCourse(
            Lineage(0.2e9, 2e9, 0.5e9, NEVER, 4.0, True),
            Lineage(55.0, 105.0, 70.0, NEVER, 8.0, False),
            Lineage(7e9, 9e10, 20e9, NEVER, 6.0, True),
        )
        good = GraftCourse(
            Lineage(0.2e9, 2e9, 0.5e9, -60.0, 4.0, True),
            Lineage(55.0, 105.0, 70.0, -120.0, 8.0, False),
            Lineage(7e9, 9e10, 20e9, -60.0, 6.0, True),
        )
        low, high = (simulate_blood(c, -7, 80, np.random.default_rng(0)) for c in (poor, good))
        assert len(low.red_cells) > 5
        assert len(low.platelets) > 10
        assert low.growth_factor
        assert max(low.growth_factor) <= 60
        assert high.red_cells == high.platelets == high.growth_factor == ()
        hgb = dict(zip(low.days.tolist(), low.hgb, strict=True))
        assert all(hgb[day] < 65 for day in low.red_cells)

    def test_counting_thins_out(self):
        days = np.arange(-7, 401)
        taken = days[draw_sampling(days, np.random.default_rng(1))]
        early, late = np.mean(taken <= 28) * 408 / 36, np.mean(taken > 100) * 408 / 300
        assert early > 5 * late
        assert -1 in taken


def test_a_study_without_infusions_is_refused():
    with pytest.raises(DataError, match="cells per kg"):
        simulate_hsct_cohort(STUDY.model_copy(update={"arms": ()}), seed=0)
