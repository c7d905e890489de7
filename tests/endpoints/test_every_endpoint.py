"""What `check_endpoint` promises, for every plug-in that reads clinical tables."""

from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blood_counts import DAY_0, small_trial
from sojourn.core.endpoints import Endpoint
from sojourn.core.registry import Registry
from sojourn.core.tables import TABLES
from sojourn.endpoints.neutrophil_recovery import ENDPOINT as NEUTROPHILS
from sojourn.testing import check_endpoint

endpoints: Registry[Endpoint] = Registry("sojourn.endpoints", "ENDPOINT")
NAMES = [name for name in endpoints.names() if set(endpoints.get(name).inputs) <= set(TABLES)]
RULES = {
    "neutrophil_recovery": [{}, {"mode": "calendar"}, {"g_csf_free_days": 0}],
    "hemoglobin_recovery": [{}, {"rule": "single"}, {"washout_days": 7}],
    "platelet_response": [{}, {"rule": "cibmtr"}, {"washout_days": 7}],
    "hemogram_response": [{}, {"intercurrent": "treatment_policy"}, {"platelet_class": "CR"}],
    "acute_gvhd": [{}, {"scale": "keystone", "grade": 3}],
    "chronic_gvhd": [{}, {"grade": 3}],
    "womac": [{"version": "LK3.1"}, {"version": "NRS3.1", "scale": "0_100"}],
    "vas_pain": [{}, {"visits": ["WEEK6", "DAY30"]}],
    "sf36": [{"version": "sf36_v1"}, {"version": "rand36_any_item"}],
    "omeract_oarsi": [
        {"version": "LK3.1", "pain": "womac", "domains": "pain_function"},
        {"version": "LK3.1", "pain": "womac"},
    ],
    "lab_toxicity": [{"lln_anc_per_l": 2e9, "lln_hgb_g_per_l": 120, "lln_wbc_per_l": 4e9}],
    "adverse_events": [{"doses": 2}, {"doses": 3, "days_after_last_dose": 0}],
}
MOVED = ["hemogram_response", "overall_survival", "infection", "immune_reconstitution"]
MOVED += ["acute_gvhd", "gvhd_relapse_free_survival"]
CASES = [(name, rule) for name in NAMES for rule in RULES.get(name, [{}])]


def test_the_ten_endpoints_of_clinical_tables_are_found():
    assert len(NAMES) >= 10


@pytest.mark.parametrize(("name", "rule"), CASES)
def test_every_endpoint_keeps_its_promises(name, rule):
    check_endpoint(endpoints.get(name), small_trial(), rule=rule)


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_is_described(name):
    rule = endpoints.get(name).rule
    missing = [field for field in rule.model_fields if f"`{field}`" not in every_doc(rule)]
    assert not missing


def every_doc(rule):
    return " ".join(base.__doc__ or "" for base in rule.__mro__)


@given(st.permutations(range(90)))
@settings(max_examples=25, deadline=None)
@pytest.mark.parametrize("name", ["hemogram_response", "platelet_response", "neutrophil_recovery"])
def test_the_order_of_counts_never_matters(name, order):
    tables = small_trial()
    counts = tables["counts"].filter(pl.col("USUBJID") < "03").head(90)
    assert counts.height == 90
    expected = endpoints.get(name)({**tables, "counts": counts})
    assert endpoints.get(name)({**tables, "counts": counts[list(order)]}).equals(expected)


@given(st.integers(-4000, 4000))
@settings(max_examples=10, deadline=None)
@pytest.mark.parametrize("name", MOVED)
def test_days_not_dates_decide(name, shift):
    tables = small_trial()
    moved = {
        table: frame.with_columns(pl.selectors.date().dt.offset_by(f"{shift}d"))
        for table, frame in tables.items()
    }
    got, expected = (endpoints.get(name)(frames) for frames in (moved, tables))
    assert got.drop("ADT").equals(expected.drop("ADT"))
    known = got.drop_nulls("ADT")
    days = (known["ADT"] - DAY_0).dt.total_days() - shift
    assert days.to_list() == known["DAY"].to_list()


@pytest.mark.parametrize(("name", "rule"), CASES)
def test_codes_of_subjects_carry_no_meaning(name, rule):
    tables = small_trial()
    codes = sorted({s for t in tables.values() for s in t["USUBJID"].to_list()})
    other = dict(zip(codes, reversed(codes), strict=True))
    renamed = {
        table: frame.with_columns(pl.col("USUBJID").replace_strict(other))
        for table, frame in tables.items()
    }
    got, expected = (endpoints.get(name)(t, rule=rule) for t in (renamed, tables))
    mapped = expected.with_columns(pl.col("USUBJID").replace_strict(other))
    assert got.equals(mapped.sort("USUBJID", maintain_order=True))


def broken(change):
    def derive(*tables):
        return change(NEUTROPHILS.derive(*tables))

    return replace(NEUTROPHILS, derive=derive)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda o: o.drop("EVIDENCE"), "columns are"),
        (lambda o: o.with_columns(pl.col("AVAL").cast(pl.Int64)), "columns are"),
        (lambda o: pl.concat([o, o]), "several rows"),
        (lambda o: o.reverse(), "not in order"),
        (lambda o: o.head(3), "subjects lost"),
        (lambda o: o.with_columns(REASON=pl.lit("")), "no reason"),
        (lambda o: o.with_columns(AVAL=pl.lit(float("nan"))), "no number"),
        (lambda o: o.with_columns(CNSR=pl.lit(-1, dtype=pl.Int64)), "CNSR below 0"),
        (lambda o: o.with_columns(EVIDENCE=pl.lit("counts:1")), "names the rows"),
        (lambda o: o.with_columns(EVIDENCE=pl.lit("labs:2")), "names the table"),
    ],
)
def test_a_broken_promise_is_caught(change, message):
    with pytest.raises(AssertionError, match=message):
        check_endpoint(broken(change), small_trial())


def test_an_endpoint_that_heeds_the_order_of_rows_is_caught():
    def first_row(counts, *_):
        made = NEUTROPHILS.derive(counts, *_)
        first = counts["ROW"].first() if counts.height else 0
        return made.with_columns(AVAL=pl.lit(float(first or 0)))

    with pytest.raises(AssertionError):
        check_endpoint(replace(NEUTROPHILS, derive=first_row), small_trial())
