"""Gray's test on outcome rows and on arrays.

EXTERNAL: cmprsk 2.2-11 (`cuminc(...)$Tests`) gave the statistics of WORKED, with ties, strata and
rho; the golden files hold more (tests/golden/test_competing_*.py).
"""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcome_rows import empty, outcomes
from sojourn.core.errors import DataError
from sojourn.statistics.competing.gray import gray_test
from sojourn.statistics.gray_test import ANALYSIS
from sojourn.testing import make_outcome_rows

TIMES = [1, 1, 2, 3, 3, 4, 5, 5, 6, 7, 7, 8, 2, 2, 9, 10]
CAUSES = [1, 2, 1, 0, 1, 2, 1, 1, 0, 2, 1, 0, 3, 1, 2, 0]
GROUPS = list("aabbababbaabcccc")
STRATA = [1, 2] * 8
WORKED = [
    (1, 0, False, 1.3912135055173, 0.498771725035328),
    (1, 0, True, 1.11325492128313, 0.573138741025638),
    (1, 1, False, 1.09577503516074, 0.578169894961811),
    (1, 1, True, 0.559258238519368, 0.756064099075683),
    (2, 0, False, 1.35814621271454, 0.507086790127758),
    (2, 0, True, 3.64421044519139, 0.161685009456106),
    (2, 1, False, 1.36803450166856, 0.504585867331294),
    (2, 1, True, 3.61757426009133, 0.163852748408812),
]


@pytest.mark.parametrize(("cause", "rho", "is_stratified", "statistic", "p"), WORKED)
def test_ties_strata_and_weights_are_those_of_cmprsk(cause, rho, is_stratified, statistic, p):
    strata = STRATA if is_stratified else None
    made = gray_test(TIMES, CAUSES, GROUPS, cause=cause, rho=rho, strata=strata)
    assert made.degrees == 2
    assert made.statistic == pytest.approx(statistic, abs=1e-8)
    assert made.p_value == pytest.approx(p, abs=1e-8)


@given(st.permutations(range(16)), st.floats(0.01, 100))
def test_row_order_labels_and_the_unit_of_time_change_nothing(order, scale):
    index = np.array(order)
    names = {"a": "z", "b": "y", "c": "x"}
    expected = gray_test(TIMES, CAUSES, GROUPS)
    made = gray_test(
        (np.array(TIMES) * scale)[index],
        np.array(CAUSES)[index],
        np.array([names[g] for g in GROUPS])[index],
    )
    assert made.statistic == pytest.approx(expected.statistic, rel=1e-9)


@pytest.mark.parametrize(
    ("causes", "groups", "reason"),
    [
        ([1, 1, 0], "aaa", "1 group"),
        ([2, 2, 0], "aab", "no event of cause 1"),
        ([1, 1, 0], "aab", ""),
    ],
)
def test_without_two_groups_and_an_event_there_is_no_test(causes, groups, reason):
    made = gray_test([1, 2, 3], causes, list(groups))
    assert (made.statistic is None) == bool(reason)
    assert made.reason.startswith(reason)


def test_events_of_the_last_group_alone_do_not_spoil_the_comparison_before_them():
    # everybody has the event; the pooled incidence is 1 while only b is left (cmprsk's number)
    times = [1, 8, 10, 21, 29, 14, 32, 33, 35, 39]
    made = gray_test(times, [1] * 10, list("aaaaabbbbb"))
    assert made.statistic == pytest.approx(5.91008724935265, abs=1e-8)
    assert made.p_value == pytest.approx(0.015054426224442, abs=1e-10)


def test_groups_that_were_never_at_risk_together_cannot_be_compared():
    made = gray_test([1, 1, 2, 3], [0, 0, 1, 1], list("aabb"))
    assert (made.statistic, made.p_value) == (None, None)
    assert made.reason == "some groups were never at risk together"


def rows(**extra):
    codes = {0: 1, 1: 0, 2: 2, 3: 3}
    parts = [
        make_outcome_rows(g, aval=[float(t)], cnsr=[codes[c]]).with_columns(
            pl.lit(f"{g}{i}").alias("USUBJID"), pl.lit(str(s)).alias("SITE")
        )
        for i, (t, c, g, s) in enumerate(zip(TIMES, CAUSES, GROUPS, STRATA, strict=True))
    ]
    return pl.concat(parts).with_columns(**extra)


def test_the_analysis_gives_the_p_value_and_names_the_statistic():
    (made,) = ANALYSIS(rows(), settings={"cause": 2, "strata": ["SITE"]})
    expected = gray_test(TIMES, CAUSES, GROUPS, cause=2, strata=STRATA)
    assert (made.group, made.operation, made.n) == ("a-b-c", "gray_test", 16)
    assert made.p_value == expected.p_value
    assert made.reason == f"chi-squared {expected.statistic:.6g} on 2 df"
    assert made.label.endswith("stratified by SITE")


def test_nobody_is_no_error_and_one_group_no_test():
    assert ANALYSIS(empty()) == []
    (made,) = ANALYSIS(outcomes("A", aval=[1.0, None], cnsr=[0, None]))
    assert made.p_value is None
    assert "no test: 1 group" in made.reason
    assert "A: 1 of 2 not evaluable" in made.reason


@pytest.mark.parametrize(
    ("extra", "settings", "message"),
    [
        ({}, {"cause": 1}, "CNSR 1 is censored"),
        ({}, {"strata": ["WARD"]}, "WARD"),
        ({"SITE": pl.lit(None, dtype=pl.String)}, {"strata": ["SITE"]}, "SITE"),
        ({"ENTRY": pl.lit(0.5)}, {}, "no late entry"),
        ({"CNSR": pl.lit(-1)}, {}, "CNSR -1"),
    ],
)
def test_hostile_rows_and_settings_are_refused(extra, settings, message):
    with pytest.raises(DataError, match=message):
        ANALYSIS(rows(**extra), settings=settings)


def test_arrays_of_other_lengths_are_refused():
    with pytest.raises(DataError, match="groups have shape"):
        gray_test(TIMES, CAUSES, GROUPS[1:])
