"""Adverse events after the first dose. Oracles: cases by hand (OURS)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blood_counts import NO_DOSE, doses, on, table
from sojourn.core.errors import DataError
from sojourn.core.stopping import SAFETY_PARAMS
from sojourn.core.tables import ADVERSE_EVENTS, DOSES
from sojourn.endpoints.adverse_events import ENDPOINT


def event(day, term="fever", grade=1, *, serious="N", related="NOT RELATED", end=None, aesi="NONE"):
    ended = None if end is None else on(end)
    return ("01", on(day), term, grade, serious, related, ended, aesi)


def derive(*rows, dosed=(0,), **rule):
    given_doses = table(DOSES, [("01", on(day), *NO_DOSE) for day in dosed])
    tables = {"adverse_events": table(ADVERSE_EVENTS, list(rows)), "doses": given_doses}
    made = ENDPOINT(tables, rule={"doses": max(1, len(dosed)), **rule})
    return {r["PARAMCD"]: r for r in made.iter_rows(named=True)}


def found(got, paramcd):
    return got[paramcd]["AVAL"], got[paramcd]["AVALC"], got[paramcd]["DAY"]


@pytest.mark.parametrize(
    ("rows", "count"),
    [
        pytest.param([event(0)], 1, id="the-day-of-the-first-dose"),
        pytest.param([event(-1)], 0, id="the-day-before"),
        pytest.param([event(-9, end=5), event(3)], 0, id="goes-on-as-it-was"),
        pytest.param([event(-9, grade=2, end=5), event(3, grade=1)], 0, id="goes-on-milder"),
        pytest.param([event(-9, end=5), event(3, grade=2)], 1, id="worsened"),
        pytest.param([event(-9, end=3), event(3)], 0, id="lasted-to-that-day"),
        pytest.param([event(-9, end=2), event(3)], 1, id="had-ended"),
        pytest.param([event(-9), event(3)], 1, id="an-unknown-end-proves-nothing"),
        pytest.param([event(-9, "chills", end=5), event(3)], 1, id="another-term"),
        pytest.param([event(-9, " Fever", end=5), event(3)], 0, id="blanks-and-case-are-no-term"),
        pytest.param([event(1, end=9), event(3)], 2, id="both-began-after-the-dose"),
    ],
)
def test_what_is_treatment_emergent(rows, count):
    got = derive(*rows)
    assert (got["TEAE"]["AVAL"], got["TEAE"]["AVALC"]) == (count, "Y" if count else "N")


def test_each_kind_is_counted_by_its_code():
    got = derive(
        event(2, "rash", 2, related="POSSIBLY", aesi="HYPERSENSITIVITY"),
        event(5, "pneumonia", 3, serious="Y"),
        event(7, "fever", 1, related="RELATED"),
        event(9, "shock", 4, serious="Y", related="RELATED"),
    )
    assert found(got, "TEAE") == (4, "Y", 2)
    assert found(got, "TESER") == (2, "Y", 5)
    assert found(got, "TEREL") == (3, "Y", 2)
    assert found(got, "TESERREL") == (1, "Y", 9)
    assert found(got, "TEGR3") == (2, "Y", 5)
    assert found(got, "TEHYPER") == (1, "Y", 2)
    assert found(got, "TEMAXGR") == (4, "4", 9)
    assert got["TEGR3"]["EVIDENCE"] == "adverse_events:3,5"
    assert got["TESERREL"]["REASON"] == "1 event: shock (grade 4) on day 9"
    assert got["TEHYPER"]["ADT"] == on(2)


def test_what_counts_as_related_is_a_setting():
    rows = [event(2, related="POSSIBLY"), event(3, related="RELATED")]
    assert found(derive(*rows), "TEREL") == (2, "Y", 2)
    assert found(derive(*rows, related=["RELATED"]), "TEREL") == (1, "Y", 3)
    with pytest.raises(DataError, match="names no code"):
        derive(related=[])


def test_hypersensitivity_is_a_code_never_a_word():
    rash = "anaphylactic shock, hypersensitivity to iron"
    assert found(derive(event(1, rash, aesi="NONE")), "TEHYPER") == (0, "N", None)
    got = derive(event(1, rash, aesi=None))
    assert found(got, "TEHYPER") == (None, None, None)
    assert "AESI not filled in for 1 event" in got["TEHYPER"]["REASON"]


@pytest.mark.parametrize(
    ("rows", "count", "verdict"),
    [
        pytest.param([event(1, related=None)], None, None, id="relation-not-filled-in"),
        pytest.param(
            [event(1, related=None), event(2, related="RELATED")], None, "Y", id="one-is-known"
        ),
        pytest.param([event(-1, related=None)], 0, "N", id="before-the-dose-it-does-not-matter"),
    ],
)
def test_a_code_that_lacks_is_no_no(rows, count, verdict):
    got = derive(*rows)
    assert (got["TEREL"]["AVAL"], got["TEREL"]["AVALC"]) == (count, verdict)


def test_an_unknown_relation_matters_only_where_the_event_is_serious():
    got = derive(event(1, serious="N", related=None))
    assert found(got, "TESERREL") == (0, "N", None)
    got = derive(event(1, serious="Y", related=None))
    assert found(got, "TESERREL") == (None, None, None)
    assert got["TESERREL"]["EVIDENCE"] == "adverse_events:2"


@pytest.mark.parametrize(("grade", "verdict"), [(2, "N"), (3, "Y"), (5, "Y")])
def test_grade_3_and_more(grade, verdict):
    assert derive(event(1, grade=grade))["TEGR3"]["AVALC"] == verdict


def test_events_belong_to_the_last_dose_before_them():
    days = [event(day) for day in (0, 6, 7, 13, 14, 30)]
    got = derive(*days, dosed=(0, 7, 14))
    assert [got[f"TEDOSE{k}"]["AVAL"] for k in (1, 2, 3)] == [2, 2, 2]
    assert got["TEDOSE2"]["REASON"].startswith("after dose 2 of day 7: 2 events: fever")
    assert got["TEDOSE3"]["DAY"] == 14


def test_a_dose_that_was_not_given_had_no_events_and_no_zero():
    got = derive(event(3), dosed=(0,), doses=2)
    assert (got["TEDOSE2"]["AVAL"], got["TEDOSE2"]["REASON"]) == (None, "dose 2 not given")
    with pytest.raises(DataError, match="'01' has 2 doses, the rule of adverse_events plans 1"):
        derive(dosed=(0, 7), doses=1)


def test_how_long_after_the_last_dose_an_event_counts():
    rows = [event(14), event(15)]
    assert derive(*rows, dosed=(0, 7))["TEAE"]["AVAL"] == 2
    assert derive(*rows, dosed=(0, 7), days_after_last_dose=7)["TEAE"]["AVAL"] == 1


def test_without_a_dose_nothing_is_treatment_emergent():
    got = derive(event(3), dosed=())
    assert {r["REASON"] for r in got.values()} == {"no dose is recorded, so day 0 is not known"}
    assert all(r["AVAL"] is None for r in got.values())


def test_a_subject_without_an_event_is_counted():
    tables = {"adverse_events": table(ADVERSE_EVENTS, []), "doses": doses("07")}
    made = ENDPOINT(tables)
    assert made.filter(PARAMCD="TEAE").select("USUBJID", "AVAL", "AVALC").row(0) == ("07", 0, "N")
    assert made.filter(PARAMCD="TEMAXGR")["AVAL"].to_list() == [0]


@pytest.mark.parametrize("onset", [-9, 3])
def test_an_end_before_the_start_is_a_contradiction(onset):
    wrong = derive(event(onset, end=onset - 1), event(5, "rash"))
    assert {row["AVAL"] for row in wrong.values()} == {None}
    assert {row["EVIDENCE"] for row in wrong.values()} == {"adverse_events:2"}
    assert wrong["TEAE"]["REASON"] == (
        f"the records contradict each other: fever of {on(onset)} ended on {on(onset - 1)}, "
        "before it began"
    )
    assert derive(event(onset, end=onset), event(5, "rash"))["TEAE"]["AVAL"] == 1 + (onset > 0)


def test_a_contradiction_of_one_subject_does_not_hold_up_the_others():
    rows = [event(3, end=2), ("02", *event(3, end=3)[1:])]
    both = table(DOSES, [(subject, on(0), *NO_DOSE) for subject in ("01", "02")])
    made = ENDPOINT({"adverse_events": table(ADVERSE_EVENTS, rows), "doses": both})
    assert made.filter(PARAMCD="TEAE")["AVAL"].to_list() == [None, 1]


@pytest.mark.parametrize("term", ["fever", " Fever "])
def test_the_same_event_in_two_rows_is_refused(term):
    with pytest.raises(DataError, match=r"adverse_events, rows 2 and 3: subject '01' has .* twice"):
        derive(event(3), event(3, term))
    with pytest.raises(DataError, match="grade None, twice"):
        derive(event(-3, grade=None), event(-3, term, grade=None))


@pytest.mark.parametrize("other", [event(4), event(3, "rash"), event(3, grade=2)])
def test_another_day_term_or_grade_is_another_event(other):
    assert derive(event(3), other)["TEAE"]["AVAL"] == 2


def test_the_same_event_of_two_subjects_is_two():
    rows = [event(3), ("02", *event(3)[1:])]
    both = table(DOSES, [(subject, on(0), *NO_DOSE) for subject in ("01", "02")])
    made = ENDPOINT({"adverse_events": table(ADVERSE_EVENTS, rows), "doses": both})
    assert made.filter(PARAMCD="TEAE")["AVAL"].to_list() == [1, 1]


def test_stopping_rules_belong_to_the_rule_and_are_checked():
    rule = {"stopping": [{"what": "serious_related", "at_least": 2, "of_first": 5}]}
    assert ENDPOINT.check_rule(rule).stopping[0].of_first == 5
    for wrong in ({"what": "severe", "at_least": 1}, {"what": "serious", "at_least": 0}):
        with pytest.raises(DataError, match="rule of TEAE: stopping"):
            ENDPOINT.check_rule({"stopping": [wrong]})


codes = st.builds(
    event,
    st.integers(-5, 20),
    st.sampled_from(["fever", "rash"]),
    st.integers(1, 5),
    serious=st.sampled_from("YN"),
    related=st.sampled_from(["RELATED", "POSSIBLY", "NOT RELATED", None]),
    aesi=st.sampled_from(["HYPERSENSITIVITY", "NONE", None]),
)


def listed(**sizes):
    """Return lists of events; of one term and grade on one day there is one."""
    return st.lists(codes, unique_by=lambda event: event[1:4], **sizes)


@given(listed(min_size=1, max_size=7))
@settings(max_examples=60)
def test_another_event_never_turns_a_yes_into_a_no(rows):
    before, after = derive(*rows[:-1]), derive(*rows)
    for paramcd in SAFETY_PARAMS.values():
        if before[paramcd]["AVALC"] == "Y":
            assert after[paramcd]["AVALC"] == "Y"
        if after[paramcd]["AVALC"] == "N":
            assert before[paramcd]["AVALC"] == "N"


@given(listed(max_size=6))
@settings(max_examples=60)
def test_the_doses_share_the_events(rows):
    got = derive(*rows, dosed=(0, 7, 14))
    assert sum(got[f"TEDOSE{k}"]["AVAL"] for k in (1, 2, 3)) == got["TEAE"]["AVAL"]
