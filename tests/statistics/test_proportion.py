import polars as pl
import pytest

from blood_counts import golden, simulated_cohort
from outcome_rows import empty, outcomes
from sojourn.core.analyses import GROUP
from sojourn.core.errors import DataError
from sojourn.endpoints.hemogram_response import ENDPOINT as HEMOGRAM
from sojourn.endpoints.platelet_response import ENDPOINT as PLATELETS
from sojourn.statistics.proportion import ANALYSIS, clopper_pearson

TOLERANCE = 1e-8  # SOURCES.md: intervals


def test_exact_intervals_of_the_golden_file(shared):
    cases = golden(shared, "ss_binomial")["binomial"]
    assert len(cases) == 15
    for case in cases:
        got = clopper_pearson(case["x"], case["n"])
        assert got == pytest.approx(case["clopper_pearson"], abs=TOLERANCE)


@pytest.mark.parametrize(
    ("endpoint", "param", "success", "key"),
    [
        (HEMOGRAM, "ANCREC40", ["Y"], "anc"),
        (HEMOGRAM, "HGBREC40", ["Y"], "hb"),
        (HEMOGRAM, "PLTREC40", ["Y"], "plt_cr_or_pr"),
        (PLATELETS, "PLTRSP40", ["CR"], "plt_cr"),
        (HEMOGRAM, "OVERALL", ["Y"], "overall_any_lineage"),
        (HEMOGRAM, "COMPLETE", ["Y"], "complete_all_affected"),
    ],
)
def test_proportions_of_the_68_simulated_subjects(shared, endpoint, param, success, key):
    rows = endpoint(simulated_cohort(shared)).filter(pl.col("PARAMCD") == param)
    rows = rows.with_columns(pl.lit("ALL").alias(GROUP))
    (made,) = ANALYSIS(rows, settings={"success": success})
    expected = golden(shared, "hemogram_sim_cohort")["proportions_by_day40"][key]
    assert made.n == expected["n"]
    assert made.estimate.value == pytest.approx(expected["est"], abs=TOLERANCE)
    interval = (made.estimate.lower, made.estimate.upper)
    assert interval == pytest.approx(expected["clopper_pearson"], abs=TOLERANCE)


@pytest.mark.parametrize(
    ("letters", "value", "lower", "upper"),
    [
        # closed forms: (alpha/2)^(1/n) and its complement; uniform for 1 of 2
        pytest.param("NNNNN", 0.0, 0.0, 1 - 0.025**0.2, id="none"),
        pytest.param("YYYYY", 1.0, 0.025**0.2, 1.0, id="all"),
        pytest.param("Y", 1.0, 0.025, 1.0, id="one-who-did"),
        pytest.param("N", 0.0, 0.0, 0.975, id="one-who-did-not"),
        pytest.param("YN", 0.5, 1 - 0.975**0.5, 0.975**0.5, id="one-of-two"),
    ],
)
def test_closed_forms(letters, value, lower, upper):
    (made,) = ANALYSIS(outcomes(avalc=list(letters)))
    estimate = made.estimate
    assert (estimate.value, made.n, made.group, made.operation) == (
        value,
        len(letters),
        "ALL",
        "proportion",
    )
    assert (estimate.lower, estimate.upper) == pytest.approx((lower, upper), abs=1e-12)


def test_what_is_not_evaluable_is_counted_and_not_in_the_denominator():
    (made,) = ANALYSIS(outcomes(avalc=["Y", "N", None, None, "Y"]))
    assert made.n == 3
    assert made.estimate.notes == ("2 of 3", "2 of 5 not evaluable, left out")


def test_nobody_gives_no_estimate_and_a_reason():
    assert ANALYSIS(empty()) == []
    (made,) = ANALYSIS(outcomes(avalc=[None, None]))
    assert (made.estimate, made.n) == (None, 0)
    assert made.reason == "nobody could be evaluated (2 left out)"


def test_groups_stand_apart_in_order_of_name():
    rows = pl.concat([outcomes("B", avalc=["Y"]), outcomes("A", avalc=["N", "N"])])
    assert [(m.group, m.n, m.estimate.value) for m in ANALYSIS(rows)] == [
        ("A", 2, 0.0),
        ("B", 1, 1.0),
    ]


def test_several_classes_can_be_a_success():
    settings = {"success": ["CR", "PR"]}
    (made,) = ANALYSIS(outcomes(avalc=["CR", "PR", "NR", "NE"]), settings=settings)
    assert made.estimate.value == 0.5
    assert made.label == "proportion with CR or PR"


@pytest.mark.parametrize("counts", [(-1, 5), (6, 5), (0, 0)])
def test_counts_that_cannot_be_are_refused(counts):
    with pytest.raises(DataError, match="expected 0 <= successes <= n"):
        clopper_pearson(*counts)


def test_rows_that_are_not_one_for_each_subject_are_refused():
    rows = outcomes(avalc=["Y", "N"])
    with pytest.raises(DataError, match="several rows"):
        ANALYSIS(pl.concat([rows, rows]))
    with pytest.raises(DataError, match="one PARAMCD"):
        ANALYSIS(pl.concat([rows, rows.with_columns(PARAMCD=pl.lit("Y"))]))
    with pytest.raises(DataError, match="needs a GROUP"):
        ANALYSIS(rows.drop(GROUP))
    with pytest.raises(DataError, match="needs a GROUP"):
        ANALYSIS(rows.with_columns(GROUP=pl.lit(None, dtype=pl.String)))
