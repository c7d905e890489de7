import pytest

from blood_counts import doses, events, follow_up, on, table
from sojourn.core.errors import DataError
from sojourn.core.tables import EVENTS, GVHD_STAGES
from sojourn.endpoints.acute_gvhd import ENDPOINT

NOBODY = table(EVENTS, [])


def disease(*happened, seen=200, rule=None):
    tables = {"doses": doses(), "events": events(*happened) if happened else NOBODY}
    if seen is not None:
        tables["follow_up"] = follow_up(seen)
    return list(ENDPOINT(tables, rule=rule).iter_rows(named=True))


@pytest.mark.parametrize(
    ("happened", "highest", "time"),
    [
        pytest.param([], 0, (100, 1), id="none-by-day-100"),
        pytest.param([(20, "ACUTE_GVHD", 1)], 1, (100, 1), id="grade-1-is-below-2"),
        pytest.param([(20, "ACUTE_GVHD", 2)], 2, (20, 0), id="grade-2-counts"),
        pytest.param([(20, "ACUTE_GVHD", 2), (30, "ACUTE_GVHD", 3)], 3, (20, 0), id="first-day"),
        pytest.param([(20, "ACUTE_GVHD", 3), (30, "ACUTE_GVHD", 1)], 3, (20, 0), id="highest"),
        pytest.param([(100, "ACUTE_GVHD", 4)], 4, (100, 0), id="on-day-100"),
        pytest.param([(101, "ACUTE_GVHD", 4)], 0, (100, 1), id="after-day-100"),
        pytest.param([(-1, "ACUTE_GVHD", 4)], 0, (100, 1), id="before-day-0-is-history"),
        pytest.param([(0, "ACUTE_GVHD", 4)], 4, (0, 0), id="on-day-0"),
        pytest.param([(20, "ACUTE_GVHD", 0)], 0, (100, 1), id="grade-0-is-none"),
        pytest.param([(20, "CHRONIC_GVHD", 3)], 0, (100, 1), id="chronic-is-another-disease"),
        pytest.param([(20, "RELAPSE"), (30, "ACUTE_GVHD", 2)], 2, (20, 3), id="relapse-first"),
        pytest.param([(30, "RELAPSE"), (20, "ACUTE_GVHD", 2)], 2, (20, 0), id="relapse-later"),
        pytest.param([(30, "RELAPSE"), (30, "ACUTE_GVHD", 2)], 2, (30, 0), id="on-one-day"),
        pytest.param([(101, "RELAPSE")], 0, (100, 1), id="relapse-after-day-100"),
    ],
)
def test_highest_grade_and_first_day(happened, highest, time):
    top, first = disease(*happened)
    assert (top["PARAMCD"], first["PARAMCD"]) == ("AGVHDMAX", "AGVHD2")
    assert (top["AVAL"], top["AVALC"]) == (highest, str(highest))
    assert (first["DAY"], first["CNSR"]) == time
    assert first["AVAL"] == first["DAY"]


def test_death_first_is_a_competing_event_and_says_so():
    top, first = disease((50, "DEATH"), seen=None)
    assert (first["DAY"], first["CNSR"], first["AVALC"]) == (50, 2, "N")
    assert first["REASON"] == "death on day 50 before acute GVHD of grade 2 or more"
    assert (top["DAY"], top["AVAL"]) == (50, 0)


def test_loss_to_follow_up_censors():
    first = disease(seen=60)[1]
    assert (first["DAY"], first["CNSR"]) == (60, 1)
    assert first["EVIDENCE"] == "follow_up:2"


@pytest.mark.parametrize(
    ("event", "part"),
    [((20, "ACUTE_GVHD"), "has no grade"), ((20, "ACUTE_GVHD", 5), "grade 5")],
)
def test_an_ungraded_or_impossible_grade_makes_the_subject_not_evaluable(event, part):
    for row in disease(event):
        assert row["AVAL"] is None
        assert part in row["REASON"]


def test_nothing_known_is_not_evaluable():
    assert [row["AVAL"] for row in disease(seen=None)] == [None, None]


def test_reason_and_evidence():
    top, first = disease((20, "ACUTE_GVHD", 2), (30, "ACUTE_GVHD", 3))
    assert (top["REASON"], top["EVIDENCE"]) == (
        "acute GVHD of grade 3, first on day 30",
        "events:3",
    )
    assert first["REASON"] == "acute GVHD of grade 2 or more on day 20"
    assert first["EVIDENCE"] == "events:2"


def stages(*assessed, subject="01"):
    """Return organ stages from (day, skin, liver, upper GI, lower GI)."""
    return table(GVHD_STAGES, [(subject, on(day), *organs) for day, *organs in assessed])


def staged(*assessed, happened=(), seen=200, rule=None):
    tables = {"doses": doses(), "events": events(*happened) if happened else NOBODY}
    tables |= {"gvhd_stages": stages(*assessed), "follow_up": follow_up(seen)}
    return list(ENDPOINT(tables, rule=rule).iter_rows(named=True))


@pytest.mark.parametrize(
    ("assessed", "highest", "time"),
    [
        pytest.param([(20, 0, 0, 0, 0)], 0, (100, 1), id="no-organ"),
        pytest.param([(20, 2, 0, 0, 0)], 1, (100, 1), id="skin-2-is-grade-1"),
        pytest.param([(20, 3, 0, 0, 0)], 2, (20, 0), id="skin-3-is-grade-2"),
        pytest.param([(20, 0, 0, 1, 0), (25, 0, 0, 0, 2)], 3, (20, 0), id="gut-worsens"),
        pytest.param([(-1, 0, 4, 0, 0)], 0, (100, 1), id="before-day-0-is-history"),
        pytest.param([(100, 0, 4, 0, 0)], 4, (100, 0), id="on-day-100"),
        pytest.param([(101, 0, 4, 0, 0)], 0, (100, 1), id="after-day-100"),
    ],
)
def test_organ_stages_give_the_grade(assessed, highest, time):
    top, first = staged(*assessed)
    assert (top["AVAL"], (first["DAY"], first["CNSR"])) == (highest, time)


@pytest.mark.parametrize(("scale", "grade"), [("magic", 4), ("keystone", 3)])
def test_lower_gut_alone_is_where_the_scales_differ(scale, grade):
    assert staged((20, 0, 0, 0, 4), rule={"scale": scale})[0]["AVAL"] == grade


def test_an_organ_not_staged_leaves_the_grade_open():
    top, first = staged((20, 1, None, 0, 0))
    assert (top["AVAL"], top["AVALC"], first["AVAL"], first["CNSR"]) == (None,) * 4
    reason = "grade of acute GVHD on day 20 lies between 1 and 4: liver not staged"
    assert top["REASON"] == first["REASON"] == reason
    assert top["EVIDENCE"] == "gvhd_stages:2"


@pytest.mark.parametrize(
    ("assessed", "happened", "highest", "first"),
    [
        pytest.param([(20, 0, 4, 0, None)], (), 4, 20, id="grade-4-cannot-rise"),
        pytest.param([(20, 3, 0, None, None)], (), None, 20, id="at-least-grade-2"),
        pytest.param([(20, 1, 0, None, 0), (30, 4, 0, 0, 0)], (), 4, None, id="open-before"),
        pytest.param([(30, 1, 0, 0, None), (20, 3, 0, 0, 0)], (), None, 20, id="open-after"),
        pytest.param([(20, 1, 0, None, 0)], ((20, "RELAPSE"),), None, None, id="same-day"),
        pytest.param([(20, 1, 0, None, 0)], ((19, "RELAPSE"),), None, 19, id="ruled-out-before"),
        pytest.param([(20, 0, 0, 0, None)], ((10, "ACUTE_GVHD", 4),), 4, 10, id="known-elsewhere"),
    ],
)
def test_only_what_the_missing_organ_could_change_stays_open(assessed, happened, highest, first):
    top, onset = staged(*assessed, happened=happened)
    assert (top["AVAL"], onset["DAY"]) == (highest, first)


def test_stages_and_a_recorded_grade_of_one_date_must_agree_by_either_scale():
    top = staged((20, 3, 0, 0, 0), happened=((20, "ACUTE_GVHD", 2),))[0]
    assert (top["AVAL"], top["EVIDENCE"]) == (2, "gvhd_stages:2")
    assert staged((20, 0, 0, 0, 4), happened=((20, "ACUTE_GVHD", 3),))[0]["AVAL"] == 4
    top = staged((20, 3, 0, 0, 0), happened=((20, "ACUTE_GVHD", 3),))[0]
    assert top["AVAL"] is None
    assert "has grade 3 in events, but not by its organs" in top["REASON"]


def test_recorded_grades_of_other_dates_stand():
    top, first = staged((20, 1, 0, 0, 0), happened=((15, "ACUTE_GVHD", 2),))
    assert (top["AVAL"], first["DAY"]) == (2, 15)


def test_stages_after_death_contradict_it_and_stages_after_the_last_contact_show_life():
    top = staged((51, 1, 0, 0, 0), happened=((50, "DEATH"),), seen=50)[0]
    assert "organs assessed on day 51 lie after death" in top["REASON"]
    assert staged((70, 1, 0, 0, 0), seen=60)[1]["DAY"] == 70


def test_two_rows_of_one_day_are_not_evaluable_and_a_strange_stage_is_refused():
    assert staged((20, 1, 0, 0, 0), (20, 2, 0, 0, 0))[0]["AVAL"] is None
    with pytest.raises(DataError, match="subject '01', day 20: UPPER_GI has stage 2; expected"):
        staged((20, 1, 0, 2, 0))


def test_a_grade_that_does_not_exist_is_no_setting():
    with pytest.raises(DataError, match="grade"):
        ENDPOINT.check_rule({"grade": 5})
