import pytest

from blood_counts import doses, events, follow_up, on, table
from sojourn.core.errors import DataError
from sojourn.core.tables import CHRONIC_GVHD, EVENTS
from sojourn.endpoints.chronic_gvhd import ENDPOINT, ORGANS

NOBODY = table(EVENTS, [])


def scores(*assessed, subject="01"):
    """Return organ scores from (day, {organ: score}); organs not named have 0."""
    return table(
        CHRONIC_GVHD,
        [
            (subject, on(day), *(scored.get(o, 0) for o in ORGANS), scored.get("NOT_GVHD"))
            for day, scored in assessed
        ],
    )


def disease(*assessed, happened=(), seen=400, rule=None):
    tables = {"doses": doses(), "events": events(*happened) if happened else NOBODY}
    tables |= {"chronic_gvhd": scores(*assessed), "follow_up": follow_up(seen)}
    return list(ENDPOINT(tables, rule=rule).iter_rows(named=True))


def test_graded_events_count_as_before():
    top, first = disease(happened=((200, "CHRONIC_GVHD", 3), (150, "ACUTE_GVHD", 4)))
    assert (top["PARAMCD"], first["PARAMCD"]) == ("CGVHDMAX", "CGVHD1")
    assert (top["AVAL"], top["AVALC"], first["DAY"], first["CNSR"]) == (3, "3", 200, 0)
    assert top["REASON"] == "chronic GVHD of grade 3, first on day 200"


@pytest.mark.parametrize(
    ("scored", "severity"),
    [
        ({}, 0),
        ({"SKIN": 1}, 1),
        ({"SKIN": 1, "EYES": 1}, 1),
        ({"SKIN": 1, "EYES": 1, "GENITAL": 1}, 2),
        ({"SKIN": 2}, 2),
        ({"LUNG": 1}, 2),
        ({"LUNG": 2}, 3),
        ({"MOUTH": 3}, 3),
    ],
)
def test_global_severity_of_nih_2014(scored, severity):
    assert disease((200, scored))[0]["AVAL"] == severity


def test_what_has_wholly_another_cause_is_not_counted():
    liver = {"LIVER": 3, "SKIN": 1}
    assert disease((200, liver))[0]["AVAL"] == 3
    assert disease((200, liver | {"NOT_GVHD": "LIVER"}))[0]["AVAL"] == 1
    assert disease((200, liver | {"NOT_GVHD": "skin, liver"}))[0]["AVAL"] == 0
    assert disease((200, {"LIVER": None, "NOT_GVHD": "LIVER"}))[0]["AVAL"] == 0
    with pytest.raises(DataError, match="NOT_GVHD names 'KIDNEY'"):
        disease((200, liver | {"NOT_GVHD": "KIDNEY"}))


def test_an_organ_not_scored_leaves_the_severity_open():
    top, first = disease((200, {"SKIN": 1, "LUNG": None}))
    assert (top["AVAL"], first["DAY"]) == (None, 200)
    assert top["REASON"].endswith("lies between 1 and 3: lung not scored")
    assert disease((200, {"EYES": 3, "LUNG": None}))[0]["AVAL"] == 3


@pytest.mark.parametrize(("grade", "day", "cnsr"), [(1, 150, 0), (2, 200, 0), (3, 365, 1)])
def test_first_day_of_a_severity(grade, day, cnsr):
    first = disease((150, {"SKIN": 1}), (200, {"SKIN": 2}), rule={"grade": grade})[1]
    assert (first["PARAMCD"], first["DAY"], first["CNSR"]) == (f"CGVHD{grade}", day, cnsr)


@pytest.mark.parametrize(("code", "cnsr"), [("DEATH", 2), ("RELAPSE", 3)])
def test_competing_events(code, cnsr):
    happened = ((100, code),)
    assert disease(happened=happened, seen=100)[1]["CNSR"] == cnsr


def test_scores_and_a_recorded_grade_of_one_date_must_agree():
    same = ((200, "CHRONIC_GVHD", 1),)
    assert disease((200, {"SKIN": 1}), happened=same)[0]["AVAL"] == 1
    assert disease((200, {"SKIN": 2}), happened=same)[0]["AVAL"] is None


def test_a_severity_that_does_not_exist_is_refused():
    with pytest.raises(DataError, match="grade"):
        ENDPOINT.check_rule({"grade": 4})
    assert disease(happened=((200, "CHRONIC_GVHD", 4),))[0]["AVAL"] is None
    with pytest.raises(DataError, match="SKIN has score 4"):
        disease((200, {"SKIN": 4}))
