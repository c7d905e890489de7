import polars as pl
import pytest

from blood_counts import counts, doses, golden, simulated_cohort, transfusions
from sojourn.endpoints.hemoglobin_recovery import ENDPOINT

VARIANTS = {
    "default_sustained_onset": {},
    "single_value_w7": {"rule": "single"},
    "single_value_w14": {"rule": "single", "single_washout_days": 14},
    "single_value_w28": {"rule": "single", "single_washout_days": 28},
}


def recovery(rows, given=(), *, rule=None):
    tables = {
        "counts": counts(rows, column="HGB", scale=1.0),
        "doses": doses(),
        "transfusions": transfusions(*given, product="RBC"),
    }
    return ENDPOINT(tables, rule=rule).row(0, named=True)


def day(row):
    return row["DAY"] if row["CNSR"] == 0 else None


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_edge_case_of_the_golden_file(shared, variant):
    cases = golden(shared, "hemogram_edge_cases")["hemoglobin"]
    assert len(cases) == 7
    for case in cases:
        rows = list(zip(case["day"], case["hb_g_L"], strict=True))
        row = recovery(rows, case["rbc_transfusion_days"], rule=VARIANTS[variant])
        assert day(row) == case[f"expect_{variant}"], case["id"]


@pytest.mark.parametrize(
    ("field", "variant"),
    [
        ("hb_day", "default_sustained_onset"),
        ("hb_day_w7", "single_value_w7"),
        ("hb_day_w14", "single_value_w14"),
    ],
)
def test_days_of_the_68_simulated_subjects(shared, field, variant):
    expected = {s["id"]: s[field] for s in golden(shared, "hemogram_sim_cohort")["per_subject"]}
    outcome = ENDPOINT(simulated_cohort(shared), rule=VARIANTS[variant])
    days = pl.when(pl.col("CNSR") == 0).then("DAY")
    assert dict(outcome.select("USUBJID", days).iter_rows()) == expected


@pytest.mark.parametrize(
    ("rows", "given", "expected"),
    [
        pytest.param([(0, 70), (3, 70), (6, 70)], [], 0, id="reaching-70-for-seven-days"),
        pytest.param([(0, 70), (3, 70), (5, 70)], [], None, id="six-days-are-too-few"),
        pytest.param([(0, 70), (3, 69.9), (6, 70)], [], None, id="a-dip-breaks"),
        pytest.param([(0, 71), (4, 71), (8, 71)], [], 0, id="four-days-between-counts"),
        pytest.param([(0, 71), (5, 71), (9, 71)], [], None, id="five-days-between-counts"),
        pytest.param([(0, 71), (3, 71), (6, 71)], [-1], 0, id="transfused-the-day-before"),
        pytest.param([(0, 71), (3, 71), (6, 71)], [6], None, id="transfused-on-the-last-day"),
        pytest.param([(-7, 71), (-4, 71), (-1, 71)], [], None, id="before-day-0-never-counts"),
    ],
)
def test_the_run_on_both_sides_of_each_bound(rows, given, expected):
    assert day(recovery(rows, given)) == expected


@pytest.mark.parametrize(("washout", "expected"), [(0, 8), (2, 8), (3, None)])
def test_days_without_transfusion_up_to_the_onset(washout, expected):
    rows = [(d, 80) for d in (8, 11, 14)]
    assert day(recovery(rows, [6], rule={"washout_days": washout})) == expected


def test_platelets_given_do_not_matter():
    tables = {
        "counts": counts([(d, 80) for d in range(8)], column="HGB", scale=1.0),
        "doses": doses(),
        "transfusions": transfusions(3, product="PLT"),
    }
    assert day(ENDPOINT(tables).row(0, named=True)) == 0


def test_reason_and_evidence():
    row = recovery([(10, 72), (13, 75), (16, 71), (17, 60)], [9])
    assert row["REASON"] == "hemoglobin >= 70 g/L on days 10-16, no transfusion"
    assert row["EVIDENCE"] == "counts:2,3,4"
    row = recovery([(20, 75)], [14, 15], rule={"rule": "single"})
    assert row["REASON"] == "hemoglobin 75 g/L on day 20, but transfusion on day 14, within 7 days"
    assert row["EVIDENCE"] == "counts:2;transfusions:2"
    row = recovery([(22, 75)], [14], rule={"rule": "single"})
    assert row["REASON"] == ("hemoglobin 75 g/L on day 22 (>= 70 g/L), no transfusion since day 16")
