"""Grades of low counts and their shift. Oracles: cases by hand on the bounds of CTCAE v5 (OURS);
the grades themselves in test_ctcae.py."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blood_counts import counts, doses, on, table
from sojourn.core.errors import DataError
from sojourn.core.tables import COUNTS, DOSES
from sojourn.endpoints._ctcae import grade_lab
from sojourn.endpoints.lab_toxicity import ENDPOINT

ANC = {"lln_anc_per_l": 2e9}


def derive(values, *, rule=ANC, column="ANC", scale=1e9):
    tables = {"counts": counts(values, column=column, scale=scale), "doses": doses()}
    return {r["PARAMCD"]: r for r in ENDPOINT(tables, rule=rule).iter_rows(named=True)}


@pytest.mark.parametrize(
    ("values", "shift", "change"),
    [
        pytest.param([(-1, 0.4), (5, 0.9), (9, 1.2)], "4->3", -1, id="better"),
        pytest.param([(0, 1.6), (3, 0.5), (4, 0.49)], "1->4", 3, id="worse"),
        pytest.param([(-3, 2.0), (-1, 0.5), (1, 3.0)], "3->0", -3, id="the-last-before-day-0"),
        pytest.param([(-2, 3.0), (0, 0.4), (1, 3.0)], "4->0", -4, id="day-0-is-baseline"),
        pytest.param([(0, 3.0), (0, 0.4), (1, 3.0)], "4->0", -4, id="the-lowest-of-a-date"),
        pytest.param([(-7, 0.4), (1, 2.0)], "4->0", -4, id="seven-days-before"),
        pytest.param([(-8, 0.4), (1, 2.0)], "NM->0", None, id="eight-days-before"),
        pytest.param([(-1, 0.4), (1, None)], "4->NM", None, id="nothing-afterwards"),
        pytest.param([(-1, None), (1, None)], None, None, id="nothing-measured"),
    ],
)
def test_baseline_worst_and_shift(values, shift, change):
    got = derive(values)
    assert (got["TXANC"]["AVALC"], got["TXANC"]["AVAL"]) == (shift, change)


def test_each_grade_has_its_day_and_row():
    got = derive([(-1, 0.4), (5, 0.9), (9, 0.7), (12, 3.0)])
    baseline, worst, shift = got["TXANCBL"], got["TXANCWG"], got["TXANC"]
    assert (baseline["AVAL"], baseline["AVALC"], baseline["DAY"]) == (4, "4", -1)
    assert (worst["AVAL"], worst["DAY"], worst["EVIDENCE"]) == (3, 5, "counts:3")
    assert (shift["EVIDENCE"], shift["DAY"], shift["BASE"]) == ("counts:2,3", 5, 4)
    assert shift["REASON"] == (
        "baseline ANC 0.4 x 10^9/L on day -1: grade 4; worst ANC 0.9 x 10^9/L on day 5: grade 3"
    )
    missing = derive([(12, None)])
    assert missing["TXANCBL"]["REASON"] == "ANC not measured on days -7 to 0"
    assert missing["TXANCWG"]["REASON"] == "ANC not measured after day 0"


def test_days_after_the_last_one_that_counts():
    values = [(0, 2.0), (40, 0.9), (41, 0.4)]
    assert derive(values)["TXANC"]["AVALC"] == "0->4"
    assert derive(values, rule={**ANC, "until_day": 41})["TXANC"]["AVALC"] == "0->4"
    assert derive(values, rule={**ANC, "until_day": 40})["TXANC"]["AVALC"] == "0->3"


def test_hemoglobin_has_no_grade_4():
    got = derive([(0, 119), (3, 64)], rule={"lln_hgb_g_per_l": 120}, column="HGB", scale=1.0)
    assert got["TXHGB"]["AVALC"] == "1->3"
    assert "HGB 64 g/L on day 3" in got["TXHGB"]["REASON"]


def test_every_test_with_a_limit_is_graded_and_no_other():
    row = ("01", on(0), 2e9, 120.0, 150e9, 4e9, 1e9)
    low = ("01", on(1), 0.4e9, 70.0, 20e9, 0.9e9, 0.1e9)
    tables = {"counts": table(COUNTS, [row, low]), "doses": doses()}
    limits = {
        "lln_anc_per_l": 2e9,
        "lln_hgb_g_per_l": 120.0,
        "lln_plt_per_l": 150e9,
        "lln_wbc_per_l": 4e9,
        "lln_lymph_per_l": 1e9,
    }
    made = ENDPOINT(tables, rule=limits)
    shifts = made.filter(pl.col("AVALC").str.contains("->"))
    assert dict(shifts.select("PARAMCD", "AVALC").iter_rows()) == {
        "TXANC": "0->4",
        "TXHGB": "0->3",
        "TXPLT": "0->4",
        "TXWBC": "0->4",
        "TXLYM": "0->4",
    }
    assert set(ENDPOINT(tables, rule=ANC)["PARAMCD"]) == {"TXANC", "TXANCBL", "TXANCWG"}


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        pytest.param({}, "no limit of normal is given", id="none-is-assumed"),
        pytest.param({"lln_anc_per_l": 2.0}, "is the limit in 1/L", id="other-unit"),
        pytest.param({"lln_anc_per_l": 1.4e9}, "where grade 2 begins", id="below-grade-2"),
    ],
)
def test_the_limits_are_the_laboratorys(rule, message):
    with pytest.raises(DataError, match=message):
        derive([(0, 1.0)], rule=rule)


def test_a_negative_count_is_refused():
    with pytest.raises(DataError, match=r"ANC.*-1e\+08 1/L.*expected"):
        derive([(0, -0.1)])


def test_without_a_dose_there_is_no_baseline():
    tables = {"counts": counts([(0, 1.0)]), "doses": table(DOSES, [])}
    made = ENDPOINT(tables, rule=ANC)
    assert made["AVALC"].to_list() == [None] * 3
    assert made["REASON"][0] == "no dose is recorded, so day 0 is not known"


@given(
    st.lists(
        st.tuples(st.integers(-10, 60), st.none() | st.just(0.0) | st.floats(0.01, 5)), max_size=12
    )
)
@settings(max_examples=60)
def test_a_missing_count_changes_nothing_and_the_worst_is_the_worst(values):
    got = derive(values)
    known = [(day, value) for day, value in values if value is not None]
    assert [r["AVALC"] for r in derive(known).values()] == [r["AVALC"] for r in got.values()]
    later = [grade_lab("ANC", value * 1e9, 2e9) for day, value in known if day > 0]
    assert got["TXANCWG"]["AVAL"] == max(later, default=None)
