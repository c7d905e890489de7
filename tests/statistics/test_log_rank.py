"""The analysis of log-rank tests: R's p-values (EXTERNAL), and what a reason must hold."""

import csv

import polars as pl
import pytest

from blood_counts import golden
from outcome_rows import empty, outcomes
from sojourn.core.errors import DataError
from sojourn.statistics.log_rank import ANALYSIS
from sojourn.testing import make_outcome_rows


def small(**more):
    """Return a trial of 5 and 5, of ss_two_sample.json (R, survival and coin)."""
    a = outcomes("A", aval=[30.0, 60, 90, 365, 365], cnsr=[0, 0, 1, 1, 1], **more)
    b = outcomes("B", aval=[10.0, 20, 45, 80, 200], cnsr=[0, 0, 0, 0, 1], **more)
    return pl.concat([a, b])


def test_ten_subjects_have_an_exact_p_beside_the_asymptotic_one():
    asymptotic, exact = ANALYSIS(small())
    assert (asymptotic.group, asymptotic.operation) == ("A-B", "log_rank")
    assert asymptotic.p_value == pytest.approx(0.205426405882998, abs=1e-8)
    assert (exact.operation, exact.n) == ("exact_log_rank", 10)
    assert exact.p_value == pytest.approx(0.238095238095238, abs=1e-8)
    assert asymptotic.estimate is exact.estimate is None
    assert "chi-squared 1.60337 on 1 degree of freedom" in asymptotic.reason
    assert "A: 5 subjects, 2 events" in asymptotic.reason
    assert "all 252 splits" in exact.reason


def test_p_values_of_137_patients_by_group(shared):
    with (shared / "data" / "hsct" / "bmt_klein.csv").open() as lines:
        patients = list(csv.DictReader(lines))
    parts = []
    for group in "123":
        own = [p for p in patients if p["group"] == group]
        aval, cnsr = [float(p["t2"]) for p in own], [1 - int(p["d3"]) for p in own]
        parts.append(outcomes(group, aval=aval, cnsr=cnsr))
    want = golden(shared, "bmt_klein_dfs")["by_group"]
    (plain,) = ANALYSIS(pl.concat(parts))
    assert plain.p_value == pytest.approx(want["logrank"]["p"], abs=1e-8)
    assert (plain.group, plain.n) == ("1-2-3", 137)
    (peto,) = ANALYSIS(pl.concat(parts), settings={"weight": "peto-peto"})
    assert peto.p_value == pytest.approx(want["peto_peto_rho1"]["p"], abs=1e-8)
    assert peto.operation == "peto_peto"
    assert "(weighted)" in peto.reason


def test_named_groups_alone_are_compared():
    rows = pl.concat([small(), outcomes("C", aval=[1.0, 2.0], cnsr=[0, 0])])
    assert len(ANALYSIS(rows)) == 1
    made = ANALYSIS(rows, settings={"groups": ["A", "B"]})
    assert [m.p_value for m in made] == [m.p_value for m in ANALYSIS(small())]
    with pytest.raises(DataError, match="no group X; found A, B, C"):
        ANALYSIS(rows, settings={"groups": ["A", "X"]})


def test_strata_are_compared_within_and_have_no_exact_test():
    one = outcomes("A", aval=[1.0, 3.0], cnsr=[0, 0])
    two = outcomes("B", aval=[2.0, 4.0], cnsr=[0, 0])
    rows = pl.concat([one, two]).with_columns(SITE=pl.lit("x"))
    other = rows.with_columns(USUBJID=pl.col("USUBJID") + "y", SITE=pl.lit("y"))
    (made,) = ANALYSIS(pl.concat([rows, other]), settings={"strata": ["SITE"]})
    # One stratum alone has chi-square 8/13 by hand; two such have twice that.
    assert "chi-squared 1.23077" in made.reason
    assert made.label == "log-rank test of 2 groups within SITE"


def test_late_entry_is_honored_and_has_no_exact_test():
    a = make_outcome_rows("A", aval=[1.0, 3.0], cnsr=[0, 0])
    b = make_outcome_rows("B", aval=[2.0, 4.0], cnsr=[0, 0], entry=[1.0, None])
    (made,) = ANALYSIS(pl.concat([a, b]))
    assert "A: 2 subjects, 2 events for 1.5 expected" in made.reason


@pytest.mark.parametrize(("most", "n_tests"), [(10, 2), (9, 1), (0, 1)])
def test_the_exact_test_stops_at_a_number_of_subjects(most, n_tests):
    assert len(ANALYSIS(small(), settings={"max_exact": most})) == n_tests
    with pytest.raises(DataError, match="max_exact"):
        ANALYSIS(small(), settings={"max_exact": 41})


def test_where_there_is_no_test_the_reason_says_so():
    assert ANALYSIS(empty()) == []
    rows = pl.concat([outcomes("A", aval=[5.0], cnsr=[0]), outcomes("B", aval=[None], cnsr=[None])])
    (made,) = ANALYSIS(rows)
    assert (made.p_value, made.n) == (None, 1)
    assert made.reason.startswith("no test: fewer than two groups")
    assert made.reason.endswith("B: 1 of 1 not evaluable, left out")


def test_an_empty_third_group_does_not_stop_the_exact_test_of_two():
    rows = pl.concat([outcomes("0", aval=[None], cnsr=[None]), small()])
    _, exact = ANALYSIS(rows)
    assert (exact.group, exact.p_value) == ("A-B", pytest.approx(0.238095238095238, abs=1e-8))


def test_competing_events_are_censored_and_said_to_be():
    rows = small().with_columns(CNSR=pl.when(pl.col("AVAL") == 200).then(2).otherwise("CNSR"))
    assert "1 competing event is censored" in ANALYSIS(rows)[0].reason
    rows = small().with_columns(CNSR=pl.when(pl.col("AVAL") > 0).then(2).otherwise("CNSR"))
    assert "10 competing events are censored" in ANALYSIS(rows)[0].reason


def test_a_reason_begins_with_the_statistic():
    asymptotic, exact = ANALYSIS(small())
    assert asymptotic.reason.startswith("chi-squared 1.60337 on 1 degree of freedom; A: 5 subjects")
    assert exact.reason.startswith("observed minus expected ")


def test_without_an_event_neither_test_is_made():
    none = pl.concat([outcomes(g, aval=[1.0, 2.0], cnsr=[1, 1]) for g in "AB"])
    asymptotic, exact = ANALYSIS(none)
    assert [made.p_value for made in (asymptotic, exact)] == [None, None]
    assert asymptotic.reason.startswith("no test: ")
    assert exact.reason == "no test: no event in either group"
    one = pl.concat([outcomes(g, aval=[1.0, 2.0], cnsr=[c, 1]) for g, c in (("A", 1), ("B", 0))])
    # Scores by hand: 3/4, -1/4 (of the same time), -1/4, -1/4. Each split has a sum of 1/2 or -1/2.
    assert ANALYSIS(one)[1].p_value == 1.0


def test_one_subject_and_one_event_are_no_plural():
    rows = pl.concat([outcomes("A", aval=[1.0], cnsr=[0]), outcomes("B", aval=[2.0], cnsr=[0])])
    reason = ANALYSIS(rows)[0].reason
    assert "A: 1 subject, 1 event for 0.5 expected; B: 1 subject, 1 event for" in reason
