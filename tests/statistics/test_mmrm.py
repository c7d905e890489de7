"""EXTERNAL: ss_mixed.json (R: lme4, pbkrtest, emmeans); closed forms for two visits."""

import json

import numpy as np
import polars as pl
import pytest
from scipy import stats

from sojourn.core.errors import DataError
from sojourn.statistics.mixed_model import ANALYSIS as MIXED_MODEL
from sojourn.statistics.mmrm import ANALYSIS
from sojourn.testing import check_analysis
from visit_outcomes import of_change, visit_outcomes

CHANGE = of_change(ANALYSIS)

RNG = np.random.default_rng(8)
FALL, LITTLE = np.array([10, 8, 6]), np.array([10, 9, 9])
CELLS = (RNG.normal(size=(5, 3)).cumsum(axis=1) + FALL).round(1).tolist()
CONTROL = (RNG.normal(size=(5, 3)).cumsum(axis=1) + LITTLE).round(1).tolist()
BASE = RNG.normal(12, 1, size=10).round(1).tolist()
PLAIN = {"response": "value", "base": "none"}


def rows(cells=CELLS, control=CONTROL, **extra):
    parts = [
        visit_outcomes(group, table, base=BASE[start : start + len(table)], **extra)
        for group, table, start in (("CELLS", cells, 0), ("CONTROL", control, 5))
        if table
    ]
    return pl.concat(parts)


def named(made):
    return {(each.group, each.operation): each for each in made}


def test_arms_at_each_age_are_those_of_another_program(shared):
    golden = json.loads((shared / "data/hsct/golden/ss_mixed.json").read_text())["orthodont10"]
    table = pl.read_csv(shared / "data/hsct" / golden["dataset"])
    table = table.filter(pl.col("Subject").is_in(golden["subset"].split()))
    parts = []
    for (sex,), of in table.group_by("Sex"):
        wide = of.pivot("age", index="Subject", values="distance").drop("Subject")
        parts.append(visit_outcomes(sex, wide.rows(), visits=wide.columns))
    settings = PLAIN | {
        "covariances": ["compound_symmetry"],
        "groups": ["Male", "Female"],
        "visits": ["8", "10", "12", "14"],
    }
    made = named(CHANGE(pl.concat(parts), settings=settings))
    expected = golden["contrast_male_minus_female_by_age"]
    for i, age in enumerate(expected["age"]):
        one = made["Male-Female", f"difference_at_{age}"]
        assert one.estimate.value == pytest.approx(expected["est"][i], abs=1e-9)
        assert one.estimate.components["standard error"] == pytest.approx(
            expected["se"][i], abs=1e-6
        )
        assert one.p_value == pytest.approx(expected["p"][i], abs=1e-6)
        assert one.estimate.notes[0] == "13.29 degrees of freedom"


def test_complete_visits_with_unstructured_covariance_are_t_tests_at_each_visit():
    made = named(CHANGE(rows(), settings=PLAIN))
    for visit in range(3):
        x, y = (np.array(t)[:, visit] for t in (CELLS, CONTROL))
        expected = stats.ttest_ind(x, y)
        one = made["CELLS-CONTROL", f"difference_at_V{visit + 1}"]
        assert one.p_value == pytest.approx(expected.pvalue, abs=1e-8)
        low, high = expected.confidence_interval()
        assert (one.estimate.lower, one.estimate.upper) == pytest.approx((low, high), abs=1e-7)
        assert one.estimate.method == "MMRM by REML, unstructured covariance, Kenward-Roger"


def test_value_or_change_give_one_difference_with_the_baseline():
    gaps = [[*row[:2], None] if i == 1 else row for i, row in enumerate(CELLS)]
    for base in ("by_visit", "common"):
        change, value = (
            CHANGE(rows(gaps), settings={"response": kind, "base": base})
            for kind in ("change", "value")
        )
        one, other = change[2].estimate, value[2].estimate
        assert change[2].operation == "difference_at_V1"
        if base == "by_visit":
            assert one.value == pytest.approx(other.value, abs=1e-7)
            assert one.lower == pytest.approx(other.lower, abs=1e-6)


def test_a_missing_visit_is_used_for_the_visits_that_were_made_and_counted():
    gaps = [[*row[:2], None] if i < 2 else row for i, row in enumerate(CELLS)]
    made = named(CHANGE(rows(gaps), settings=PLAIN))
    last = made["CELLS", "mean_at_V3"]
    assert last.n == 3
    complete = np.mean([row[2] for row in CELLS[2:]])
    assert last.estimate.value != pytest.approx(complete, abs=1e-3)
    note = "2 of 30 visits without a value, missing at random assumed"
    assert note in made["CELLS-CONTROL", "difference_at_V3"].estimate.notes


def test_a_covariance_that_ten_subjects_do_not_carry_is_named_with_what_was_used():
    wide = [[*row, row[0] + 1, row[1] - 1, row[2] * 2] for row in CELLS[:3]]
    other = [[*row, row[0] - 1, row[1] - 3, row[2] + 2] for row in CONTROL[:3]]
    settings = PLAIN | {"covariances": ["unstructured", "compound_symmetry"]}
    made = CHANGE(rows(wide, other), settings=settings)[-1]
    assert made.estimate.method == "MMRM by REML, compound symmetry, Kenward-Roger"
    assert made.estimate.notes[1].startswith("no unstructured covariance: ")
    (only,) = {
        each.reason
        for each in CHANGE(rows(wide, other), settings=PLAIN | {"covariances": ["unstructured"]})
    }
    assert only.startswith("no unstructured covariance: ")


def test_the_baseline_visit_itself_is_no_response():
    before = [[b, *row] for b, row in zip(BASE, [*CELLS, *CONTROL], strict=True)]
    made = CHANGE(rows(before[:5], before[5:]))
    assert {each.operation[-2:] for each in made} == {"V2", "V3", "V4"}
    assert "visit V1 is the baseline itself, left out" in made[-1].estimate.notes


def test_satterthwaite_is_a_setting_and_named():
    made = CHANGE(rows(), settings=PLAIN | {"degrees": "satterthwaite"})[2]
    assert made.estimate.method.endswith("Satterthwaite")
    assert made.estimate.notes[0] == "8 degrees of freedom"


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_subjects_give_reasons_and_no_exception(n):
    made = CHANGE(rows(CELLS[:n], CONTROL[:n]) if n else rows().clear())
    assert all((each.estimate is None) == bool(each.reason) for each in made)
    assert (made == []) == (n == 0)
    assert n == 2 or all(each.estimate is None for each in made)


def test_one_arm_has_means_and_no_difference():
    made = CHANGE(rows(control=[]), settings=PLAIN)
    assert [each.operation for each in made] == ["mean_at_V1", "mean_at_V2", "mean_at_V3"]
    assert made[2].estimate.value == pytest.approx(np.mean([row[2] for row in CELLS]), abs=1e-8)


def test_an_arm_without_a_value_at_a_visit_has_no_difference_there():
    gaps = [[*row[:2], None] for row in CONTROL]
    made = named(CHANGE(rows(control=gaps), settings=PLAIN))
    for group in ("CONTROL", "CELLS-CONTROL"):
        operation = "mean_at_V3" if group == "CONTROL" else "difference_at_V3"
        assert made[group, operation].reason == "a group has no value at this visit"
    assert made["CELLS-CONTROL", "difference_at_V2"].estimate is not None


def test_three_groups_need_a_choice():
    three = pl.concat([rows(), visit_outcomes("OTHER", CELLS, base=BASE[:5])])
    with pytest.raises(DataError, match="found CELLS, CONTROL, OTHER"):
        CHANGE(three)
    made = CHANGE(three, settings={"groups": ["OTHER", "CONTROL"]})
    assert {each.group for each in made} == {"CONTROL", "OTHER", "OTHER-CONTROL"}


@pytest.mark.parametrize(
    ("analysis", "settings"),
    [(ANALYSIS, {"response": "change"}), (MIXED_MODEL, {})],
    ids=["mmrm", "mixed_model"],
)
def test_promises_hold_for_rows_with_visits(analysis, settings):
    gaps = [[*row[:2], None] if i < 2 else row for i, row in enumerate(CELLS)]
    check_analysis(analysis, rows(gaps), settings=settings)
