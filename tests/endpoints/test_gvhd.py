import pytest

from blood_counts import doses, events, follow_up, table
from sojourn.core.errors import DataError
from sojourn.core.tables import EVENTS
from sojourn.endpoints.gvhd import ENDPOINT

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


def test_chronic_disease_has_three_grades():
    top, first = disease(
        (200, "CHRONIC_GVHD", 3), rule={"kind": "chronic", "grade": 1, "by_day": 365}, seen=400
    )
    assert (top["PARAMCD"], first["PARAMCD"]) == ("CGVHDMAX", "CGVHD1")
    assert (top["AVAL"], first["DAY"]) == (3, 200)
    with pytest.raises(DataError, match="chronic GVHD has no grade 4"):
        ENDPOINT.check_rule({"kind": "chronic", "grade": 4})


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
