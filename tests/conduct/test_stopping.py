"""Stopping rules. Oracles: cases by hand (OURS)."""

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.conduct.stopping import evaluate_stopping
from sojourn.core.endpoints import OUTCOME
from sojourn.core.errors import DataError
from sojourn.core.stopping import StoppingRule

DAY = date(2026, 3, 1)


def outcomes(verdicts, paramcd="TESERREL"):
    """Return outcomes of subjects 1, 2, ... whose rows in the table are 10, 20, ..."""
    rows = [
        {"USUBJID": str(i), "PARAMCD": paramcd, "AVALC": v, "EVIDENCE": evidence(i, v)}
        for i, v in enumerate(verdicts, start=1)
    ]
    return pl.DataFrame(rows, schema=dict(OUTCOME))


def evidence(i, verdict):
    return "" if verdict == "N" else f"adverse_events:{10 * i},{10 * i + 1}"


def dated(*days):
    return {str(i): DAY + timedelta(day) for i, day in enumerate(days, start=1)}


def judge(verdicts, *, days=None, at_least=2, of_first=None):
    rule = StoppingRule(what="serious_related", at_least=at_least, of_first=of_first)
    days = range(len(verdicts)) if days is None else days
    return evaluate_stopping(outcomes(verdicts), dated(*days), [rule])[0]


@pytest.mark.parametrize(
    ("verdicts", "verdict"),
    [
        pytest.param(["Y", "N", "Y"], "met", id="as-many-as-asked"),
        pytest.param(["Y", "Y", "Y"], "met", id="more"),
        pytest.param(["Y", "N", "N"], "not met", id="fewer"),
        pytest.param(["Y", "N", None], "not known", id="the-unknown-one-could-make-it"),
        pytest.param(["N", "N", None], "not met", id="the-unknown-one-could-not"),
        pytest.param([None, None, "N"], "not known", id="two-unknown"),
        pytest.param(["Y", "Y", None], "met", id="met-whatever-the-unknown-one-is"),
        pytest.param([], "not met", id="nobody"),
    ],
)
def test_enough_subjects_with_an_event_stop_dosing(verdicts, verdict):
    assert judge(verdicts).verdict == verdict


def test_only_the_first_dosed_count():
    verdicts = ["N", "N", "Y", "Y"]
    assert judge(verdicts, of_first=3).verdict == "not met"
    assert judge(verdicts, of_first=4).verdict == "met"
    late_first = judge(verdicts, days=[9, 8, 1, 2], of_first=2)
    assert (late_first.verdict, late_first.subjects) == ("met", ("3", "4"))


def test_who_shares_the_last_day_counts_too():
    found = judge(["Y", "N", "Y", "N"], days=[0, 5, 5, 6], of_first=2)
    assert (found.verdict, found.n_subjects) == ("met", 3)


def test_a_verdict_on_fewer_subjects_than_asked_says_so():
    found = judge(["Y", "N"], of_first=5)
    assert found.verdict == "not met"
    assert found.reason == (
        "1 of 2 subjects (stop at 2 of the first 5); 2 of the first 5 dosed so far"
    )


def test_the_rows_that_say_so_are_named():
    found = judge(["Y", "N", "Y"])
    assert found.evidence == "adverse_events:10,11,30,31"
    assert judge(["Y", None]).evidence == "adverse_events:10,11,20,21"
    assert judge(["Y", None]).reason == "1 of 2 subjects (stop at 2); not known of 2"
    assert judge(["N"]).evidence == ""


def test_each_rule_reads_its_own_parameter():
    both = pl.concat([outcomes(["Y"], "TESER"), outcomes(["N"], "TEHYPER")])
    rules = [StoppingRule(what=kind, at_least=1) for kind in ("serious", "hypersensitivity")]
    verdicts = [f.verdict for f in evaluate_stopping(both, dated(0), rules)]
    assert verdicts == ["met", "not met"]


def test_outcomes_of_other_subjects_are_refused():
    rules = [StoppingRule(what="serious_related", at_least=1)]
    with pytest.raises(DataError, match="subject '2' has 0 outcomes TESERREL, expected one"):
        evaluate_stopping(outcomes(["N"]), dated(0, 1), rules)
    with pytest.raises(DataError, match="subject '1' has 2 outcomes"):
        evaluate_stopping(pl.concat([outcomes(["N"])] * 2), dated(0), rules)
    assert evaluate_stopping(outcomes(["N", "Y"]), dated(0), rules)[0].verdict == "not met"


verdict = st.sampled_from(["Y", "N", None])


@given(st.lists(verdict, max_size=8), st.integers(1, 4), st.data())
def test_whatever_the_unknown_ones_were_it_could_not_contradict_the_verdict(said, least, data):
    found = judge(said, at_least=least).verdict
    filled = [v or data.draw(st.sampled_from("YN")) for v in said]
    settled = judge(filled, at_least=least).verdict
    assert found in ("not known", settled)
