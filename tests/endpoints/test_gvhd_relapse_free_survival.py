import pytest

from blood_counts import doses, events, follow_up, on, table
from sojourn.core.tables import CHRONIC_GVHD, EVENTS, GVHD_STAGES, SUBJECTS
from sojourn.endpoints.gvhd_relapse_free_survival import ENDPOINT

NOBODY = table(EVENTS, [])


def survive(*happened, seen=400, acute=(), chronic=(), rule=None):
    tables = {
        "doses": doses(),
        "events": events(*happened) if happened else NOBODY,
        "gvhd_stages": table(GVHD_STAGES, [("01", on(d), *organs) for d, *organs in acute]),
        "chronic_gvhd": table(CHRONIC_GVHD, [("01", on(d), *s) for d, *s in chronic]),
    }
    if seen is not None:
        tables["follow_up"] = follow_up(seen)
    return ENDPOINT(tables, rule=rule).row(0, named=True)


CLEAR = (0,) * 7


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        pytest.param(survive, (400, "CENSORED", 1), id="nothing"),
        pytest.param(lambda: survive((30, "RELAPSE")), (30, "RELAPSE", 0), id="relapse"),
        pytest.param(lambda: survive((30, "DEATH"), seen=30), (30, "DEATH", 0), id="death"),
        pytest.param(
            lambda: survive((20, "ACUTE_GVHD", 2)), (400, "CENSORED", 1), id="grade-2-is-no-failure"
        ),
        pytest.param(lambda: survive((20, "ACUTE_GVHD", 3)), (20, "ACUTE_GVHD", 0), id="grade-3"),
        pytest.param(
            lambda: survive(acute=[(20, 0, 0, 0, 2)]), (20, "ACUTE_GVHD", 0), id="gut-of-stage-2"
        ),
        pytest.param(
            lambda: survive((200, "CHRONIC_GVHD", 2)), (400, "CENSORED", 1), id="moderate"
        ),
        pytest.param(
            lambda: survive(chronic=[(200, *CLEAR, 2)]), (200, "CHRONIC_GVHD", 0), id="lung-2"
        ),
        pytest.param(
            lambda: survive((150, "RELAPSE"), chronic=[(200, *CLEAR, 2)]),
            (150, "RELAPSE", 0),
            id="the-first-is-named",
        ),
        pytest.param(
            lambda: survive((20, "DEATH"), (20, "ACUTE_GVHD", 4), seen=20),
            (20, "ACUTE_GVHD", 0),
            id="on-the-day-of-death",
        ),
        pytest.param(lambda: survive((-3, "ACUTE_GVHD", 4)), (400, "CENSORED", 1), id="history"),
    ],
)
def test_the_first_failure_is_named(row, expected):
    found = row()
    assert (found["DAY"], found["AVALC"], found["CNSR"]) == expected


def test_a_grade_left_open_before_the_first_failure_leaves_the_time_open():
    row = survive(acute=[(20, 1, None, 0, 0)])
    assert (row["AVAL"], row["CNSR"]) == (None, None)
    assert "liver not staged" in row["REASON"]
    assert survive((10, "RELAPSE"), acute=[(20, 1, None, 0, 0)])["AVALC"] == "RELAPSE"
    assert survive((20, "DEATH"), seen=20, acute=[(20, 1, None, 0, 0)])["AVALC"] == "DEATH"


def test_the_grades_that_fail_are_settings():
    assert survive((20, "ACUTE_GVHD", 2), rule={"acute_grade": 2})["AVALC"] == "ACUTE_GVHD"
    found = survive((200, "CHRONIC_GVHD", 2), rule={"chronic_grade": 2})
    assert found["AVALC"] == "CHRONIC_GVHD"
    keystone = {"acute_grade": 4, "scale": "keystone"}
    assert survive(acute=[(20, 0, 0, 0, 4)], rule=keystone)["AVALC"] == "CENSORED"


def test_reason_and_evidence():
    row = survive((20, "ACUTE_GVHD", 3))
    assert row["REASON"] == "acute GVHD of grade 3 or more on day 20"
    assert row["EVIDENCE"] == "events:2"
    words = "alive without relapse without acute GVHD of grade 3 without chronic GVHD of grade 3"
    assert survive()["REASON"].startswith(words)
    assert survive(seen=None)["AVAL"] is None


def test_severe_disease_between_graft_and_dose_fails_before_entry():
    person = table(SUBJECTS, [("01", "F", 40, None, "Y", on(-35))])
    tables = {"doses": doses(), "events": events((-3, "ACUTE_GVHD", 3)), "subjects": person}
    tables["follow_up"] = follow_up(400)
    assert ENDPOINT(tables).row(0, named=True)["AVALC"] == "CENSORED"
    row = ENDPOINT(tables, rule={"origin": "transplant"}).row(0, named=True)
    assert row["AVAL"] is None
    assert row["REASON"].startswith("acute GVHD of grade 3 or more 3 days before the first dose")
    mild = tables | {"events": events((-3, "ACUTE_GVHD", 2))}
    row = ENDPOINT(mild, rule={"origin": "transplant"}).row(0, named=True)
    assert (row["AVAL"], row["ENTRY"]) == (435, 35)
