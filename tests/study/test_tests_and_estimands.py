"""What the results say of tests and estimands. Expectations by hand (OURS)."""

import pytest

from plan_material import groups as arms_of
from plan_material import material, outcome, study, subjects
from sojourn.core.provenance import Provenance
from sojourn.core.results import Result
from sojourn.study.estimands import estimand_listing, population_words
from sojourn.study.ledger import Ledger
from sojourn.study.multiplicity import ESTIMATION_ONLY, multiplicity_listing

FAMILY = 'alpha = 0.05\nfamily = ["recovered", "second"]'
SECOND = (
    "[[intercurrent_events]]",
    """[[analyses]]
id = "second"
label = "Second"
endpoint = "anc"
param = "ANCREC40"
use = "proportion"
role = "secondary"
by = "all"
from = "assumption"
reason = "small"

[[intercurrent_events]]""",
)


def number(ledger, analysis, p_value, operation="test"):
    return Result(
        id=f"{analysis}/ALL/{operation}",
        analysisId=analysis,
        groupId="ALL",
        operationId=operation,
        analysisSetId="ALL",
        methodId="x",
        label="",
        rawValue=None,
        unit="",
        pValue=p_value,
        provenance=ledger.stage(Provenance(f"{analysis} {operation}")),
    )


def listed(tmp_path, procedure, *numbers):
    ledger = Ledger(tmp_path)
    key = ledger.stage(Provenance("study file"))
    made = study(SECOND, ('procedure = "none"', f'procedure = "{procedure}"\n{FAMILY}'))
    results = [number(ledger, *n) for n in numbers]
    return multiplicity_listing(made, results, ledger, key)


def test_a_study_that_tests_nothing_says_so(tmp_path):
    ledger = Ledger(tmp_path)
    key = ledger.stage(Provenance("study file"))
    listing = multiplicity_listing(study(), [number(ledger, "recovered", 0.001)], ledger, key)
    assert listing.rows == ()
    assert listing.notes == (f"{ESTIMATION_ONLY} [assumption]",)


def test_a_study_file_without_a_word_on_tests_has_no_listing(tmp_path):
    made = study().model_copy(update={"multiplicity": None})
    assert multiplicity_listing(made, [], Ledger(tmp_path), "") is None


@pytest.mark.parametrize(
    ("procedure", "adjusted", "decisions"),
    [
        ("bonferroni", [0.06, 0.04], ["not rejected", "rejected"]),
        ("holm", [0.04, 0.04], ["rejected", "rejected"]),
        ("fixed_sequence", [0.03, 0.03], ["rejected", "rejected"]),
    ],
)
def test_each_member_has_its_adjusted_p_value_and_decision(
    tmp_path, procedure, adjusted, decisions
):
    listing = listed(tmp_path, procedure, ("recovered", 0.03), ("second", 0.02))
    rows = listing.records()
    assert [r["ADJUSTED_P_VALUE"] for r in rows] == pytest.approx(adjusted)
    assert [r["DECISION"] for r in rows] == [
        f"hypothesis {d} at 0.05 for the family" for d in decisions
    ]
    assert rows[0]["RESULT"] == "recovered/ALL/test"


def test_the_level_itself_rejects(tmp_path):
    rows = listed(tmp_path, "fixed_sequence", ("recovered", 0.05), ("second", 0.0500001)).records()
    assert [r["DECISION"].split(" at")[0] for r in rows] == [
        "hypothesis rejected",
        "hypothesis not rejected",
    ]


def test_a_member_without_a_p_value_is_not_tested_and_is_paid_for(tmp_path):
    rows = listed(tmp_path, "bonferroni", ("recovered", 0.02), ("second", None)).records()
    assert [(r["ADJUSTED_P_VALUE"], r["DECISION"]) for r in rows] == [
        (0.04, "hypothesis rejected at 0.05 for the family"),
        (None, "not tested: no p-value"),
    ]


def test_the_first_p_value_of_an_analysis_counts(tmp_path):
    numbers = (("recovered", None, "mean"), ("recovered", 0.01, "test"), ("recovered", 0.9, "x"))
    rows = listed(tmp_path, "bonferroni", *numbers).records()
    assert rows[0]["P_VALUE"] == 0.01


def test_an_estimand_has_its_five_attributes_and_its_analyses(tmp_path):
    ledger = Ledger(tmp_path)
    (row,) = estimand_listing(study(), [number(ledger, "recovered", None)], "key").records()
    assert row["POPULATION"] == "every subject with a day 0 (dosed at least once)"
    assert row["TREATMENT"] == "cells, all that were tolerated"
    assert row["VARIABLE"] == "anc (ANCREC40)"
    assert row["INTERCURRENT_EVENTS"] == (
        "death before recovery: composite (counts as not recovered)"
    )
    assert (row["SUMMARY"], row["MAIN"]) == ("proportion", "recovered")
    assert row["SENSITIVITY"] == "recovered_itt (not run)"


def test_a_population_narrowed_by_a_set_is_said_in_words():
    assert population_words(study(), "SAFETY & AFFECTED_ANC") == (
        "Safety: everybody dosed at least once, as treated; of these neutrophils affected at "
        "baseline"
    )


def test_no_estimand_no_listing():
    assert estimand_listing(study().model_copy(update={"estimands": ()}), [], "key") is None


def test_material_has_every_population(tmp_path):
    made, _ = material(
        tmp_path, study(), {"subjects": subjects("P1")}, {"anc": outcome(P1="Y")}, arms_of(P1="A")
    )
    assert list(made.populations) == ["ITT", "SAFETY", "PP"]
