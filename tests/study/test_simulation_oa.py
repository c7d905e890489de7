import numpy as np
import polars as pl
import pytest

from sojourn.core.errors import DataError
from sojourn.study._simulate_oa import simulate_oa_cohort
from sojourn.study._simulated import permuted_blocks
from sojourn.study.bundled import bundled_study
from sojourn.study.definition import read_study

STUDY = read_study(bundled_study("NCT07313020"))
BINS = np.arange(129)


@pytest.fixture(scope="module")
def cohort():
    return simulate_oa_cohort(STUDY, seed=11, n_subjects=5)


def test_every_scan_visit_is_registered_once_for_each_subject(cohort):
    visits = [v.name for v in STUDY.visits if "scans" in v.collects]
    scans = cohort.tables["scans"]
    assert scans.height == 5 * len(visits)
    assert sorted(set(scans["VISIT"])) == sorted(visits)


def test_exactly_one_scan_is_missing_and_one_is_a_typed_number(cohort):
    scans = cohort.tables["scans"]
    missing, typed = (scans.filter(pl.col("GRADE") == g) for g in ("MISSING", "C"))
    assert missing.height == typed.height == 1
    assert missing["VISIT"][0] in ("DAY3", "DAY30")
    assert missing["FILE"][0] is None
    assert typed["VISIT"][0] == "DAY1"
    truth = cohort.truth["subjects"][typed["USUBJID"][0]]["calibration_equivalent_ug"]["DAY1"]
    # The typed number is 8 % off, one standard deviation: within three it must lie.
    assert abs(typed["AMOUNT"][0] / truth["joint_cavity"] - 1) < 0.24
    assert typed["AMOUNT_SD"][0] == pytest.approx(0.08 * typed["AMOUNT"][0], rel=0.01)


def test_files_in_the_register_are_the_scans_there_are(cohort):
    kept = cohort.tables["scans"].filter(pl.col("GRADE") == "A")
    assert set(kept.select("USUBJID", "VISIT").rows()) == set(cohort.scans)
    assert set(kept["USUBJID"]) <= set(cohort.masks)


def test_visits_lie_within_their_windows(cohort):
    day_zero = dict(cohort.tables["doses"].select("USUBJID", "ADT").rows())
    windows = {v.name: v.window_days for v in STUDY.visits}
    for table in ("scans", "womac", "pain_vas"):
        for subject, visit, date in cohort.tables[table].select("USUBJID", "VISIT", "ADT").rows():
            if date is not None:
                first, last = windows[visit]
                assert first <= (date - day_zero[subject]).days <= last, (table, subject, visit)


def test_truth_keeps_its_definitions(cohort):
    for subject, truth in cohort.truth["subjects"].items():
        iron = truth["iron_ug"]
        assert iron["BASELINE"] == {"joint_cavity": 0.0, "periarticular": 0.0}
        assert sum(iron["DAY0"].values()) == pytest.approx(truth["injected_ug"])
        after = ["DAY0", "DAY1", "DAY3", "DAY7", "DAY30"]
        totals = [sum(iron[visit].values()) for visit in after]
        cavity = [iron[visit]["joint_cavity"] for visit in after]
        assert totals == sorted(totals, reverse=True)
        assert cavity == sorted(cavity, reverse=True)
        for visit in after:
            share = iron[visit]["joint_cavity"] / sum(iron["DAY0"].values())
            assert truth["retention"][visit] == pytest.approx(share)
        assert 0.80 <= truth["retention"]["DAY0"] <= 0.98
        assert "BASELINE" not in truth["retention"]
        assert subject in cohort.masks


def test_a_scan_shows_the_iron_of_its_truth(cohort):
    ratio = cohort.truth["parameters"]["calibration_equivalent_per_iron"]
    subject = next(
        s
        for s in cohort.masks
        if {(s, v) for v in ("BASELINE", "DAY0", "DAY7")} <= set(cohort.scans)
    )
    sizes = {}
    for visit in ("BASELINE", "DAY0", "DAY7"):
        scan = cohort.scans[subject, visit]
        values = scan.spectra.read(2, BINS)[:, 15:]
        empty = values[scan.is_background]
        before, after = empty[:10].mean(axis=0), empty[10:].mean(axis=0)
        sizes[visit] = np.linalg.norm(
            values[~scan.is_background].mean(axis=0) - (before + after) / 2
        )
    truth = cohort.truth["subjects"][subject]
    kept = sum(truth["iron_ug"]["DAY7"].values()) / truth["injected_ug"]
    # Places differ in sensitivity by some ten percent. The blank is noise: in each of 114 bins
    # 3e-6 V sqrt(256) sqrt(1/20 + 1/20), in all 1.6e-4 V, and what the drift leaves.
    assert sizes["DAY7"] / sizes["DAY0"] == pytest.approx(kept, rel=0.2)
    assert 1e-4 < sizes["BASELINE"] < 4e-4
    assert 1.05 < ratio < 1.11


def test_doses_fit_the_arms(cohort):
    lots = {row["EXLOT"]: row for row in cohort.tables["lots"].iter_rows(named=True)}
    arms = dict(cohort.tables["allocation"].select("USUBJID", "ARMCD").rows())
    for row in cohort.tables["doses"].iter_rows(named=True):
        truth = cohort.truth["subjects"][row["USUBJID"]]
        lot = lots[row["EXLOT"]]
        if arms[row["USUBJID"]] == "MSC":
            assert 5.0e7 <= row["CELLS"] <= 6.0e7
            drawn = row["CELLS"] * truth["iron_per_cell_pg"] * 1e-6
            assert lot["IRON_PER_CELL"] == pytest.approx(truth["iron_per_cell_pg"], rel=0.35)
        else:
            assert row["CELLS"] == 0
            assert lot["IRON_PER_CELL"] is None
            drawn = 550.0
        assert row["IRON"] == pytest.approx(drawn, rel=0.25)
        assert truth["injected_ug"] == pytest.approx(row["IRON"] - row["RESIDUAL"], rel=0.2)


def test_subjects_are_eligible_by_age(cohort):
    ages = cohort.tables["subjects"]["AGE"]
    assert ages.min() >= 18
    assert ages.max() <= 75


def test_one_subject_more_moves_no_number_of_the_others(cohort):
    longer = simulate_oa_cohort(STUDY, seed=11, n_subjects=6)
    old = list(cohort.masks)
    for name, frame in cohort.tables.items():
        if "USUBJID" in frame.columns:
            kept = longer.tables[name].filter(pl.col("USUBJID").is_in(old))
            assert kept.equals(frame, null_equal=True), name
    for key, scan in cohort.scans.items():
        assert longer.scans[key].source == scan.source
    for subject in old:
        assert longer.truth["subjects"][subject] == cohort.truth["subjects"][subject]


@pytest.mark.parametrize("seed", range(20))
def test_ten_subjects_are_allocated_five_and_five(seed):
    arms = permuted_blocks(STUDY, seed, 10)
    assert arms.count("MSC") == arms.count("PLACEBO") == 5
    # A block of two or four is never behind by more than two on the way.
    ahead = np.cumsum(np.where(np.array(arms) == "MSC", 1, -1))
    assert np.abs(ahead).max() <= 2


def test_allocation_differs_between_seeds():
    assert len({tuple(permuted_blocks(STUDY, seed, 10)) for seed in range(20)}) > 10


def test_a_study_without_imaging_is_refused():
    with pytest.raises(DataError, match="imaging"):
        simulate_oa_cohort(STUDY.model_copy(update={"imaging": None}), seed=0)
