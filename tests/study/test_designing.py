"""Oracles: scipy's binomial (EXTERNAL); the lattice of exact p-values (closed form)."""

import csv

import pytest
from scipy import stats

from sojourn.core.errors import DataError
from sojourn.study.bundled import bundled_study
from sojourn.study.definition import parse_study
from sojourn.study.designing import design_study, design_text, write_design

PLAN = """
[[planning]]
analysis = "{analysis}"
{keys}
from = "assumption"
reason = "to look at"
"""


def planned(name, analysis, keys):
    """Return the bundled study `name` with one planning entry and no other."""
    text = (bundled_study(name)).read_text(encoding="utf-8")
    head = text.split("[[planning]]")[0]
    tail = text[text.index("\n[[open]]") :] if "[[planning]]" in text else ""
    return parse_study(head + PLAN.format(analysis=analysis, keys=keys) + tail)


def numbers(made, quantity):
    return {m.truth: m.value for m in made.characteristics if m.quantity == quantity}


def test_a_single_arm_of_68_has_the_power_that_r_gives():
    keys = "truths = [0.5, 0.67]\nreference = 0.5"
    study = planned("NCT06171906", "overall_response", keys)
    made = design_study(study)
    (n,) = {m.n for m in made.characteristics}
    assert n == "68"
    power = numbers(made, "lower bound above 0.5")
    # Two-sided 95 %: the one-sided test of 2.5 % rejects from 43 of 68 on (scipy.stats.binom).
    assert power[0.5] == pytest.approx(stats.binom.sf(42, 68, 0.5), abs=1e-12)
    assert power[0.67] == pytest.approx(stats.binom.sf(42, 68, 0.67), abs=1e-12)


def test_two_arms_of_five_err_in_12_of_252_splits():
    keys = "truths = [0.0]\nstandard_deviations = [0.1]"
    study = planned("NCT07313020", "retention_contrast", keys)
    made = design_study(study, replicates=20_000, seed=4)
    rejects = [m for m in made.characteristics if m.quantity == "exact permutation test rejects"]
    assert {m.n for m in rejects} == {"5 + 5"}
    for m in rejects:
        assert abs(m.value - 12 / 252) < 4 * m.error


def test_equal_seeds_give_equal_files_for_any_number_of_workers(tmp_path):
    keys = "standard_deviations = [0.1, 0.2]"
    study = planned("NCT07313020", "retention_msc", keys)
    for name, jobs in (("one", 1), ("two", 2)):
        made = design_study(study, replicates=25_000, seed=4, jobs=jobs)
        write_design(study, made, tmp_path / name)
    for file in ("design.csv", "design.html"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_the_page_and_the_text_say_what_was_assumed_and_simulated(tmp_path):
    keys = "standard_deviations = [0.1]"
    study = planned("NCT07313020", "retention_msc", keys)
    made = design_study(study, replicates=500, seed=4)
    text = design_text(made)
    assert "SIMULATED" in text
    assert "standard deviation" in text
    page = write_design(study, made, tmp_path)
    assert "SIMULATED" in page.read_text(encoding="utf-8")
    rows = list(csv.DictReader((tmp_path / "design.csv").read_text().splitlines()))
    assert {row["REPLICATES"] for row in rows} == {"500"}
    assert all(name not in {m.analysis for m in made.characteristics} for name, _ in made.without)
    assert made.without


@pytest.mark.parametrize(
    ("analysis", "keys", "message"),
    [
        pytest.param("overall_response", "", "truths is empty", id="no-truth"),
        pytest.param("no_such", "truths = [0.5]", "there is no 'no_such'", id="no-analysis"),
        pytest.param("overall_response", "truths = [1.5]", "expected n >= 1 and 0 to 1", id="p"),
        pytest.param("overall_response", "truths = [0.5]\nn = [0]", "1 or more", id="n"),
        pytest.param("overall_survival", "truths = [1.0]", "survival between", id="survival"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(analysis, keys, message):
    with pytest.raises(DataError, match=message):
        design_study(planned("NCT06171906", analysis, keys), replicates=10)


def test_a_file_without_a_plan_is_refused_with_what_to_do():
    study = planned("NCT06171906", "overall_response", "truths = [0.5]")
    with pytest.raises(DataError, match=r"no \[\[planning\]\]"):
        design_study(study.model_copy(update={"planning": ()}))
