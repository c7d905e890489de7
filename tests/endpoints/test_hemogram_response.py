import polars as pl
import pytest

from blood_counts import (
    counts,
    doses,
    events,
    follow_up,
    g_csf,
    golden,
    simulated_cohort,
    table,
    transfusions,
)
from sojourn.core.errors import DataError
from sojourn.core.tables import COUNTS
from sojourn.endpoints.hemogram_response import ENDPOINT

PARAMS = ("ANCREC40", "HGBREC40", "PLTREC40", "OVERALL", "COMPLETE")
ANC_UP = [(d, 0.9) for d in (10, 11, 12)]
HGB_UP = [(d, 80) for d in range(20, 27)]
PLT_UP = [(d, 55) for d in range(30, 37)]


def respond(*, anc=(), hgb=(), plt=(), given=(), rule=None, **tables):
    frame = pl.concat(
        [
            counts(list(anc), column="ANC"),
            counts(list(hgb), column="HGB", scale=1.0),
            counts(list(plt), column="PLT"),
        ]
    )
    frame = frame.with_columns(ROW=pl.int_range(2, len(frame) + 2, dtype=pl.Int64))
    given = given if isinstance(given, pl.DataFrame) else transfusions(*given)
    inputs = {"counts": frame, "doses": doses(), "transfusions": given, **tables}
    outcome = ENDPOINT(inputs, rule=rule)
    rows = {row["PARAMCD"]: row for row in outcome.iter_rows(named=True)}
    assert tuple(rows) == PARAMS or rule
    return rows


def letters(rows):
    return tuple(rows[param]["AVALC"] for param in PARAMS)


def test_the_68_simulated_subjects(shared):
    outcome = ENDPOINT(simulated_cohort(shared))
    letter = {True: "Y", False: "N", None: None}
    fields = ("rec_anc", "rec_hb", "rec_plt", "overall", "complete")
    subjects = golden(shared, "hemogram_sim_cohort")["per_subject"]
    assert len(subjects) == 68
    for param, field in zip(PARAMS, fields, strict=True):
        rows = outcome.filter(pl.col("PARAMCD") == param)
        got = dict(rows.select("USUBJID", "AVALC").iter_rows())
        assert got == {s["id"]: letter[s[field]] for s in subjects}, param


def test_days_and_affected_lineages_of_the_simulated_subjects(shared):
    outcome = ENDPOINT(simulated_cohort(shared))
    rows = {(r["USUBJID"], r["PARAMCD"]): r for r in outcome.iter_rows(named=True)}
    for s in golden(shared, "hemogram_sim_cohort")["per_subject"]:
        for param, base, onset in (
            ("ANCREC40", "base_anc", "anc_day"),
            ("HGBREC40", "base_hb", "hb_day"),
            ("PLTREC40", "base_plt", "plt_pr_onset"),
        ):
            row = rows[s["id"], param]
            assert row["REASON"].startswith("affected: ") == s[base], s["id"]
            recovered = s[base] and s[onset] is not None and s[onset] <= 40
            assert row["DAY"] == (s[onset] if recovered else None), (s["id"], param)
        count = f"of {s['n_affected']} affected lineages"
        assert count in rows[s["id"], "OVERALL"]["REASON"] or s["n_affected"] == 0


@pytest.mark.parametrize("rule", [{"intercurrent": "treatment_policy"}, {}])
def test_without_intercurrent_events_both_strategies_agree(shared, rule):
    outcome = ENDPOINT(simulated_cohort(shared), rule=rule)
    overall = outcome.filter((pl.col("PARAMCD") == "OVERALL") & (pl.col("AVALC") == "Y"))
    expected = golden(shared, "hemogram_sim_cohort")["proportions_by_day40"]
    assert overall.height == expected["overall_any_lineage"]["x"] == 55


@pytest.mark.parametrize(
    ("anc", "hgb", "plt", "given", "affected"),
    [
        pytest.param([(0, 0.5)], [(0, 70)], [(0, 20)], [], "A", id="0.5-is-low-70-and-20-are-not"),
        pytest.param([(0, 0.51)], [(0, 69.9)], [(0, 19.9)], [], "HP", id="below-70-and-20-is-low"),
        pytest.param([(-7, 0.1)], [(-8, 60)], [(1, 5)], [], "A", id="seven-days-back-to-day-0"),
        pytest.param([(-3, 0.1), (-1, 0.9)], [], [], [], "", id="the-last-value-stands"),
        pytest.param([(-1, 0.9), (-1, 0.1)], [], [], [], "A", id="the-lowest-of-its-date"),
        pytest.param([], [], [(0, 30)], [-6], "P", id="transfused-six-days-before"),
        pytest.param([], [], [(0, 30)], [0], "P", id="transfused-on-day-0"),
        pytest.param([], [], [(0, 30)], [-7], "", id="transfused-seven-days-before"),
        pytest.param([], [], [(0, 30)], [1], "", id="transfused-on-day-1"),
        pytest.param([], [(0, 80)], [], [0], "P", id="platelets-given-are-not-red-cells"),
    ],
)
def test_who_is_affected_at_baseline(anc, hgb, plt, given, affected):
    rows = respond(anc=anc, hgb=hgb, plt=plt, given=given)
    found = "".join(p[0] for p in PARAMS[:3] if rows[p]["REASON"].startswith("affected: "))
    assert found == affected


def test_red_cells_given_make_hemoglobin_affected():
    rows = respond(hgb=[(0, 90)], given=transfusions(-6, product="RBC"))
    assert letters(rows) == (None, "N", None, None, "N")
    assert rows["HGBREC40"]["EVIDENCE"].endswith(";transfusions:2")


@pytest.mark.parametrize(
    ("up", "expected"),
    [
        pytest.param((), ("N", "N", "N", "N", "N"), id="none"),
        pytest.param(("anc",), ("Y", "N", "N", "Y", "N"), id="one-is-overall"),
        pytest.param(("anc", "hgb"), ("Y", "Y", "N", "Y", "N"), id="two-are-not-complete"),
        pytest.param(("anc", "hgb", "plt"), ("Y", "Y", "Y", "Y", "Y"), id="all-are-complete"),
    ],
)
def test_overall_is_one_and_complete_is_all_affected(up, expected):
    rows = respond(
        anc=[(0, 0.1), *(ANC_UP if "anc" in up else [])],
        hgb=[(0, 60), *(HGB_UP if "hgb" in up else [])],
        plt=[(0, 10), *(PLT_UP if "plt" in up else [])],
    )
    assert letters(rows) == expected


def test_days_of_the_composites_are_the_first_and_the_last():
    rows = respond(anc=[(0, 0.1), *ANC_UP], hgb=[(0, 60), *HGB_UP], plt=[(0, 90)])
    assert [rows[p]["DAY"] for p in PARAMS] == [10, 20, None, 10, 20]
    assert rows["OVERALL"]["REASON"] == (
        "2 of 2 affected lineages recovered by day 40: neutrophils day 10, hemoglobin day 20"
    )
    assert rows["PLTREC40"]["REASON"] == "not affected: platelets 90e9/L on day 0"


@pytest.mark.parametrize(("first", "expected"), [(40, "Y"), (41, "N")])
def test_recovery_counts_if_it_begins_by_the_day(first, expected):
    rows = respond(anc=[(0, 0.1), *((first + i, 0.9) for i in range(3))])
    assert rows["ANCREC40"]["AVALC"] == expected


@pytest.mark.parametrize("code", ["SECOND_GRAFT", "DLI", "RELAPSE", "GRAFT_REJECTION"])
@pytest.mark.parametrize(
    ("day", "strategy", "expected"),
    [
        (9, "composite", "N"),
        (10, "composite", "Y"),
        (0, "composite", "N"),
        (-1, "composite", "Y"),
        (9, "treatment_policy", "Y"),
    ],
)
def test_an_intercurrent_event_before_recovery_is_no_response(code, day, strategy, expected):
    rule = {"intercurrent": strategy}
    rows = respond(anc=[(0, 0.1), *ANC_UP], events=events((day, code)), rule=rule)
    assert rows["ANCREC40"]["AVALC"] == rows["OVERALL"]["AVALC"] == expected
    if expected == "N":
        assert f"{code} on day {day}, before recovery on day 10" in rows["ANCREC40"]["REASON"]
        assert rows["ANCREC40"]["EVIDENCE"].endswith("events:2")


def test_which_events_are_intercurrent_is_a_setting():
    rule = {"intercurrent_events": ["RELAPSE"]}
    rows = respond(anc=[(0, 0.1), *ANC_UP], events=events((5, "DLI")), rule=rule)
    assert rows["ANCREC40"]["AVALC"] == "Y"


def test_death_before_recovery_is_no_recovery_and_says_so():
    rows = respond(anc=[(0, 0.1)], events=events((5, "DEATH")))
    assert rows["ANCREC40"]["AVALC"] == "N"
    assert rows["ANCREC40"]["REASON"].endswith("; died on day 5")


def test_platelets_may_be_asked_to_recover_completely():
    rows = [(0, 10), *((d, 30) for d in range(10, 17))]
    assert respond(plt=rows)["PLTREC40"]["AVALC"] == "Y"
    assert respond(plt=rows, rule={"platelet_class": "CR"})["PLTREC40"]["AVALC"] == "N"


@pytest.mark.parametrize(("day", "expected"), [(9, "N"), (10, "Y"), (16, "Y")])
def test_partial_recovery_dates_the_lineage_though_a_complete_one_follows(day, expected):
    rows = [(0, 10), *((d, 30) for d in range(10, 17)), *((d, 60) for d in range(17, 24))]
    row = respond(plt=rows, events=events((day, "RELAPSE")))["PLTREC40"]
    assert (row["AVALC"], row["DAY"]) == (expected, 10 if expected == "Y" else None)
    row = respond(plt=rows, rule={"platelet_class": "CR"})["PLTREC40"]
    assert (row["AVALC"], row["DAY"]) == ("Y", 17)


def test_platelet_class_stands_in_the_reason():
    rows = [(0, 10), *((d, 30) for d in range(10, 17))]
    assert "PR: platelets >= 20e9/L on days 10-16" in respond(plt=rows)["PLTREC40"]["REASON"]
    rows += [(d, 60) for d in range(17, 24)]
    assert "CR: platelets >= 50e9/L on days 17-23" in respond(plt=rows)["PLTREC40"]["REASON"]


def test_the_rule_of_a_lineage_can_be_changed():
    rows = [(0, 0.1), *((d, 0.5) for d in (10, 11, 12))]
    assert respond(anc=rows)["ANCREC40"]["AVALC"] == "N"
    rule = {"neutrophils": {"comparison": "greater_equal"}}
    assert respond(anc=rows, rule=rule)["ANCREC40"]["AVALC"] == "Y"


def test_an_unknown_key_of_a_lineage_is_refused():
    with pytest.raises(DataError, match=r"neutrophils\.threshold"):
        ENDPOINT.check_rule({"neutrophils": {"threshold": 1}})


def test_counts_after_g_csf_still_tell_the_baseline():
    rule = {"neutrophils": {"g_csf_free_days": 7}}
    rows = respond(anc=[(0, 0.1), *ANC_UP], growth_factors=g_csf(0, 10), rule=rule)
    assert rows["ANCREC40"]["AVALC"] is None
    assert rows["ANCREC40"]["REASON"] == (
        "affected: neutrophils 0.1e9/L on day 0; "
        "not evaluable: neutrophils not measured on days 0 to 40"
    )
    left = respond(anc=[(0, 0.1), *ANC_UP, (18, 0.1)], growth_factors=g_csf(0, 10), rule=rule)
    assert left["ANCREC40"]["AVALC"] == "N"
    with pytest.raises(DataError, match="growth_factors"):
        respond(anc=[(0, 0.1)], rule=rule)


def test_subject_without_counts_is_kept_and_not_evaluable():
    rows = respond()
    assert letters(rows) == (None,) * 5
    assert "baseline not known" in rows["ANCREC40"]["REASON"]
    assert "baseline of neutrophils, hemoglobin, platelets not known" in rows["OVERALL"]["REASON"]


def test_a_subject_known_from_transfusions_alone_is_kept():
    tables = {
        "counts": table(COUNTS, []),
        "doses": doses("01"),
        "transfusions": transfusions(3, product="RBC", subject="02"),
    }
    assert ENDPOINT(tables)["USUBJID"].unique().sort().to_list() == ["01", "02"]


def test_contradictory_records_make_the_subject_not_evaluable():
    rows = respond(anc=ANC_UP, events=events((3, "DEATH"), (4, "RELAPSE")))
    assert letters(rows) == (None,) * 5
    assert "RELAPSE on day 4 lies after death" in rows["OVERALL"]["REASON"]


def test_counts_after_the_end_of_follow_up_are_left_out():
    rows = respond(anc=[(0, 0.1), *ANC_UP], follow_up=follow_up(11))
    assert rows["ANCREC40"]["AVALC"] == "N"


def test_another_day_gives_other_names():
    outcome = respond(anc=[(0, 0.1)], rule={"by_day": 28})
    assert list(outcome)[:3] == ["ANCREC28", "HGBREC28", "PLTREC28"]


def test_a_death_after_recovery_is_not_what_denied_it():
    rows = respond(anc=[(0, 0.1), *ANC_UP], events=events((50, "DEATH")))
    assert rows["ANCREC40"]["AVALC"] == "Y"
    assert "died" not in rows["ANCREC40"]["REASON"]
    assert "died" not in respond(anc=[(0, 0.1)])["ANCREC40"]["REASON"]


def test_reason_gives_baseline_verdict_and_grounds():
    rows = respond(anc=[(0, 0.1), *ANC_UP], hgb=[(0, 60)])
    assert rows["ANCREC40"]["REASON"] == (
        "affected: neutrophils 0.1e9/L on day 0; recovered on day 10: "
        "neutrophils > 0.5e9/L on 3 measured days (10, 11, 12)"
    )
    assert rows["HGBREC40"]["REASON"] == (
        "affected: hemoglobin 60 g/L on day 0; not recovered: "
        "hemoglobin never >= 70 g/L (highest 60 g/L on day 0)"
    )


@pytest.mark.parametrize(("from_day", "onset"), [(0, 10), (10, 10), (11, None), (20, None)])
def test_the_status_from_a_later_day_on(from_day, onset):
    rows = respond(anc=[(0, 0.1), *ANC_UP, (21, 0.1)], rule={"from_day": from_day})
    assert rows["ANCREC40"]["DAY"] == onset
    if onset is None:
        assert rows["ANCREC40"]["REASON"].endswith(f"looked at from day {from_day} on")


def test_who_recovered_before_the_window_and_stayed_so_has_status_recovered_in_it():
    steady = [(0, 0.1), *((day, 0.9) for day in range(10, 40))]
    assert respond(anc=steady, rule={"from_day": 20})["ANCREC40"]["DAY"] == 20
    with pytest.raises(DataError, match="from_day must not lie after by_day"):
        ENDPOINT.check_rule({"from_day": 41})


def test_the_nadir_of_neutrophils_holds_here_too():
    rise = [(0, 0.2), (1, 0.9), (2, 0.9), (3, 0.9), (9, 0.1), (12, 0.9), (13, 0.9), (14, 0.9)]
    assert respond(anc=rise)["ANCREC40"]["DAY"] == 1
    later = respond(anc=rise, rule={"neutrophils": {"nadir_by_day": 28}})
    assert later["ANCREC40"]["DAY"] == 12


def test_hemoglobin_in_g_per_dl_is_refused():
    with pytest.raises(DataError, match=r"HGB is 7\.5 g/L; expected 30 to 250, not g/dL"):
        respond(hgb=[(0, 7.5)])
