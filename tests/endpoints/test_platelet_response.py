import polars as pl
import pytest

from blood_counts import (
    counts,
    doses,
    events,
    follow_up,
    golden,
    simulated_cohort,
    transfusions,
)
from sojourn.core.errors import DataError
from sojourn.endpoints.platelet_response import ENDPOINT

FOLLOWED_ON = 90


def respond(rows, given=(), *, end=FOLLOWED_ON, rule=None, **tables):
    outcome = ENDPOINT(
        {
            "counts": counts(rows, column="PLT"),
            "doses": doses(),
            "transfusions": transfusions(*given),
            **({} if end is None else {"follow_up": follow_up(end)}),
            **tables,
        },
        rule=rule,
    )
    return {row["PARAMCD"]: row for row in outcome.iter_rows(named=True)}


def day(row):
    return row["DAY"] if row["CNSR"] == 0 else None


def test_every_edge_case_of_the_golden_file(shared):
    cases = golden(shared, "hemogram_edge_cases")["platelet"]
    assert len(cases) == 19
    for case in cases:
        rows = list(zip(case["day"], case["plt_1e9_L"], strict=True))
        end = case["end_of_observation"] or FOLLOWED_ON
        got = respond(rows, case["plt_transfusion_days"], end=end)
        washed = respond(rows, case["plt_transfusion_days"], end=end, rule={"washout_days": 7})
        expected = case["expect"]
        assert got["PLTRSP40"]["AVALC"] == expected["best_by_cut"], case["id"]
        assert got["PLTRSP56"]["AVALC"] == expected["best_by_nr_day"], case["id"]
        assert day(got["PLTCR"]) == expected["cr_onset"], case["id"]
        assert day(got["PLTPR"]) == expected["pr_onset"], case["id"]
        assert day(washed["PLTCR"]) == expected["cr_onset_with_7d_washout"], case["id"]
        for param, key in (("PLTCR", "cr"), ("PLTPR", "pr")):
            if (confirmed := expected[f"{key}_confirmed"]) is not None:
                days = f"on days {expected[f'{key}_onset']}-{confirmed}, no transfusion"
                assert days in got[param]["REASON"], case["id"]


def test_the_worked_example_of_cibmtr(shared):
    case = golden(shared, "hemogram_edge_cases")["platelet_cibmtr"]
    rows = list(zip(case["day"], case["plt_1e9_L"], strict=True))
    got = respond(rows, case["plt_transfusion_days"], rule={"rule": "cibmtr"})
    assert day(got["PLTPR"]) == case["first_of_3_ge_20"] == 7
    assert day(got["PLTCR"]) == case["first_of_3_ge_50"] == 9


def test_classes_and_days_of_the_68_simulated_subjects(shared):
    tables = simulated_cohort(shared)
    outcome = ENDPOINT(tables)
    cibmtr = ENDPOINT(tables, rule={"rule": "cibmtr"})

    def column(frame, param, what):
        return dict(frame.filter(pl.col("PARAMCD") == param).select("USUBJID", what).iter_rows())

    onset = pl.when(pl.col("CNSR") == 0).then("DAY")
    got = {
        "plt_best_40": column(outcome, "PLTRSP40", "AVALC"),
        "plt_best_56": column(outcome, "PLTRSP56", "AVALC"),
        "plt_cr_onset": column(outcome, "PLTCR", onset),
        "plt_pr_onset": column(outcome, "PLTPR", onset),
        "plt_cibmtr50": column(cibmtr, "PLTCR", onset),
        "plt_cibmtr20": column(cibmtr, "PLTPR", onset),
    }
    subjects = golden(shared, "hemogram_sim_cohort")["per_subject"]
    for key, found in got.items():
        assert found == {s["id"]: s[key] for s in subjects}, key


WEEK = range(10, 17)


@pytest.mark.parametrize(
    ("rows", "given", "expected"),
    [
        pytest.param([(d, 50) for d in WEEK], [], "CR", id="50-is-complete"),
        pytest.param([(d, 49.9) for d in WEEK], [], "PR", id="below-50-is-partial"),
        pytest.param([(d, 20) for d in WEEK], [], "PR", id="20-is-partial"),
        pytest.param([(d, 19.9) for d in WEEK], [], "no CR/PR", id="below-20-is-none"),
        pytest.param([(d, 55) for d in range(10, 16)], [], "no CR/PR", id="six-days"),
        pytest.param([(10, 55), (14, 55), (18, 55)], [], "CR", id="gaps-of-four-days"),
        pytest.param([(10, 55), (15, 55), (18, 55)], [], "no CR/PR", id="a-gap-of-five-days"),
        pytest.param([(d, 55) for d in WEEK], [9], "CR", id="transfused-before"),
        pytest.param([(d, 55) for d in WEEK], [10], "no CR/PR", id="transfused-on-the-first-day"),
        pytest.param([(d, 55) for d in WEEK], [16], "no CR/PR", id="transfused-on-the-last-day"),
        pytest.param([(d, 55) for d in WEEK], [17], "CR", id="transfused-after"),
        pytest.param([(d, 55) for d in range(40, 47)], [], "CR", id="onset-day-40"),
        pytest.param([(d, 55) for d in range(41, 48)], [], "no CR/PR", id="onset-day-41"),
    ],
)
def test_class_by_day_40_on_both_sides_of_each_bound(rows, given, expected):
    assert respond(rows, given)["PLTRSP40"]["AVALC"] == expected


@pytest.mark.parametrize(("onset", "expected"), [(56, "CR"), (57, "NR")])
def test_a_response_by_day_56_is_one(onset, expected):
    rows = [(onset + i, 55) for i in range(7)]
    assert respond(rows)["PLTRSP56"]["AVALC"] == expected


@pytest.mark.parametrize(
    ("end", "by_40", "by_56"),
    [
        (39, "NE", "NE"),
        (40, "no CR/PR", "NE"),
        (55, "no CR/PR", "NE"),
        (56, "no CR/PR", "NR"),
    ],
)
def test_no_response_needs_follow_up_to_the_day(end, by_40, by_56):
    got = respond([(d, 12) for d in range(0, 30, 2)], end=end)
    assert (got["PLTRSP40"]["AVALC"], got["PLTRSP56"]["AVALC"]) == (by_40, by_56)
    assert (got["PLTRSP40"]["AVAL"] is None) == (by_40 == "NE")


@pytest.mark.parametrize(("last", "expected"), [(39, "NE"), (40, "no CR/PR")])
def test_without_follow_up_observation_ends_with_the_last_count(last, expected):
    got = respond([(0, 12), (last, 12)], end=None)
    assert got["PLTRSP40"]["AVALC"] == expected


def test_without_follow_up_a_transfusion_shows_the_subject_under_observation():
    assert respond([(0, 12)], [56], end=None)["PLTRSP56"]["AVALC"] == "NR"
    assert respond([(0, 12)], [55], end=None)["PLTRSP56"]["AVALC"] == "NE"


def test_subject_without_a_count_is_kept_and_not_evaluable():
    got = respond([(3, None)])
    assert [row["AVALC"] for row in got.values()] == [None, None, "NE", "NE"]
    assert got["PLTRSP40"]["REASON"] == (
        "not evaluable by day 40: platelets not measured on or after day 0"
    )


def test_death_before_response_competes():
    got = respond([(d, 12) for d in range(20)], end=None, events=events((30, "DEATH")))
    assert (got["PLTCR"]["DAY"], got["PLTCR"]["CNSR"]) == (30, 2)
    assert got["PLTRSP40"]["REASON"].startswith("not evaluable by day 40: death on day 30")


def test_reasons_are_short_sentences_for_a_clinician():
    rows = [(d, 55) for d in range(10, 21)]
    got = respond(rows, [13])
    assert got["PLTRSP40"]["REASON"] == "platelets >= 50e9/L on days 14-20, no transfusion"
    assert got["PLTRSP40"]["EVIDENCE"] == "counts:6,7,8,9,10,11,12"
    got = respond(rows[:7], [13])
    assert got["PLTCR"]["REASON"] == "run from day 10 broken by transfusion on day 13"
    assert got["PLTCR"]["EVIDENCE"].endswith(";transfusions:2")
    got = respond([(10, 55), (12, 55), (13, 48)])
    assert got["PLTCR"]["REASON"] == "run from day 10: platelets 48e9/L on day 13"
    assert got["PLTCR"]["EVIDENCE"] == "counts:2,3,4"
    got = respond([(10, 55), (15, 55)])
    assert "run from day 15: no count after day 15, 7 days are needed" in got["PLTCR"]["REASON"]
    got = respond([(10, 15), (11, 19)])
    assert got["PLTCR"]["REASON"] == "platelets never >= 50e9/L (highest 19e9/L on day 11)"
    got = respond(rows[:7], [8], rule={"washout_days": 7})
    assert got["PLTCR"]["REASON"].startswith("run from day 10 denied by the transfusion on day 8")


@pytest.mark.parametrize(
    "rule",
    [
        {"by_day": 56},
        {"by_day": 60},
        {"partial_per_l": 50e9},
        {"threshold": 1},
        {"run_days": 0},
        {"rule": "other"},
    ],
)
def test_a_rule_that_cannot_be_is_refused(rule):
    with pytest.raises(DataError, match="rule of PLTRSP40"):
        ENDPOINT.check_rule(rule)


def test_other_days_give_other_names():
    got = respond([(d, 55) for d in WEEK], rule={"by_day": 28, "nr_day": 42})
    assert list(got) == ["PLTCR", "PLTPR", "PLTRSP28", "PLTRSP42"]


@pytest.mark.parametrize(
    ("value", "letter", "number"), [(55, "CR", 2.0), (30, "PR", 1.0), (10, "no CR/PR", 0.0)]
)
def test_the_number_of_a_class_is_its_rank(value, letter, number):
    row = respond([(d, value) for d in WEEK])["PLTRSP40"]
    assert (row["AVALC"], row["AVAL"]) == (letter, number)


def test_a_response_that_begins_too_late_says_so():
    row = respond([(d, 55) for d in range(42, 49)])["PLTRSP40"]
    assert row["REASON"] == "no response by day 40: the first run begins on day 42, after day 40"
    row = respond([(d, 10) for d in WEEK])["PLTRSP40"]
    assert row["REASON"] == (
        "no response by day 40: platelets never >= 20e9/L (highest 10e9/L on day 10)"
    )


@pytest.mark.parametrize(("end", "says_so"), [(39, True), (40, False)])
def test_the_end_of_observation_is_named_where_it_came_before_the_day(end, says_so):
    row = respond([(3, None)], end=end)["PLTRSP40"]
    assert ("observation ended" in row["REASON"]) == says_so


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (10, "run from day 10 broken by transfusion on day 10"),
        (9, "run from day 10 denied by the transfusion on day 9, less than 7 days before"),
    ],
)
def test_a_transfusion_on_the_onset_breaks_and_one_before_it_denies(given, reason):
    got = respond([(10, 55), (13, 10)], [given], rule={"washout_days": 7})
    assert got["PLTCR"]["REASON"] == reason


@pytest.mark.parametrize(("given", "onset"), [(3, 10), (4, None), (9, None), (12, None), (13, 10)])
def test_cibmtr_needs_seven_days_up_to_and_two_after_without_transfusion(given, onset):
    got = respond([(d, 55) for d in (10, 11, 12)], [given], rule={"rule": "cibmtr"})
    assert day(got["PLTCR"]) == onset
    if onset is None:
        assert got["PLTCR"]["REASON"].endswith(f"(10, 11, 12), but transfusion on day {given}")
        assert got["PLTCR"]["EVIDENCE"] == "counts:2,3,4;transfusions:2"


@pytest.mark.parametrize(
    ("washout", "since"), [(0, ""), (1, ""), (2, " since day 9"), (7, " since day 4")]
)
def test_the_reason_names_the_days_without_transfusion(washout, since):
    got = respond([(d, 55) for d in WEEK], rule={"washout_days": washout})
    assert got["PLTCR"]["REASON"] == (f"platelets >= 50e9/L on days 10-16, no transfusion{since}")


@pytest.mark.parametrize(("given", "says_so"), [(0, True), (-1, False)])
def test_a_transfusion_on_day_0_is_the_last_that_is_known(given, says_so):
    row = respond([(3, None)], [given], end=None)["PLTRSP40"]
    assert ("observation ended on day 0" in row["REASON"]) == says_so


COMPOSITE = {"intercurrent_events": ["SECOND_GRAFT", "DLI", "RELAPSE", "GRAFT_REJECTION"]}
NONE = ("no CR/PR", "NR")


def classes(rows, happened, *, end=FOLLOWED_ON, rule=COMPOSITE):
    got = respond(rows, end=end, rule=rule, events=events(*happened))
    return tuple(got[p]["AVALC"] for p in ("PLTRSP40", "PLTRSP56"))


@pytest.mark.parametrize(
    ("day", "rule", "expected"),
    [
        pytest.param(9, COMPOSITE, NONE, id="the-day-before-onset"),
        pytest.param(10, COMPOSITE, ("CR", "CR"), id="the-day-of-onset"),
        pytest.param(0, COMPOSITE, NONE, id="day-0"),
        pytest.param(-1, COMPOSITE, ("CR", "CR"), id="before-day-0"),
        pytest.param(9, {}, ("CR", "CR"), id="treatment-policy-by-default"),
    ],
)
def test_a_response_after_an_intercurrent_event_is_none(day, rule, expected):
    assert classes([(d, 55) for d in WEEK], [(day, "RELAPSE")], rule=rule) == expected


def test_a_partial_response_before_the_event_stands_where_the_complete_one_came_after():
    rows = [*((d, 30) for d in range(10, 20)), *((d, 60) for d in range(20, 30))]
    assert classes(rows, [(15, "DLI")]) == ("PR", "PR")
    assert classes(rows, [(20, "DLI")]) == ("CR", "CR")
    assert classes(rows, [(9, "DLI")]) == NONE


@pytest.mark.parametrize(
    ("happened", "end", "expected"),
    [
        pytest.param([(5, "RELAPSE"), (20, "DEATH")], None, NONE, id="relapse-then-death"),
        pytest.param([(20, "DEATH")], None, ("NE", "NE"), id="death-alone-is-not-evaluable"),
        pytest.param([(5, "RELAPSE")], 20, NONE, id="relapse-then-lost"),
        pytest.param([], 20, ("NE", "NE"), id="lost-is-not-evaluable"),
        pytest.param([(50, "RELAPSE")], 50, NONE, id="relapse-between-the-two-days"),
        pytest.param([(56, "RELAPSE")], 56, NONE, id="relapse-on-the-last-day"),
    ],
)
def test_after_an_intercurrent_event_it_is_known_that_there_is_no_response(happened, end, expected):
    assert classes([(3, 10)], happened, end=end) == expected


def test_the_class_after_an_intercurrent_event_says_why_and_where():
    got = respond(
        [(d, 55) for d in WEEK], rule=COMPOSITE, events=events((5, "DLI"), (60, "RELAPSE"))
    )
    row = got["PLTRSP56"]
    assert (row["AVAL"], row["DAY"]) == (0.0, 5)
    assert row["REASON"] == "no response by day 56: DLI on day 5, before recovery on day 10"
    assert row["EVIDENCE"] == "counts:2,3,4,5,6,7,8;events:2"
    row = respond([(3, None)], rule=COMPOSITE, events=events((5, "DLI")))["PLTRSP40"]
    assert (row["AVALC"], row["DAY"], row["EVIDENCE"]) == ("no CR/PR", 5, "events:2")
    assert row["REASON"] == (
        "no response by day 40: platelets not measured on or after day 0; DLI on day 5"
    )


def test_an_event_after_the_day_leaves_the_class_as_it_is():
    row = respond([(3, 10)], rule=COMPOSITE, events=events((57, "DLI")))["PLTRSP56"]
    assert (row["AVALC"], row["DAY"]) == ("NR", 56)
    assert "DLI" not in row["REASON"]


@pytest.mark.parametrize(("when", "letter"), [(56, "NR"), (57, "NE")])
def test_an_event_on_the_day_itself_decides_the_class_of_who_was_never_counted(when, letter):
    row = respond([(3, None)], rule=COMPOSITE, events=events((when, "DLI")))["PLTRSP56"]
    assert row["AVALC"] == letter
