import pytest

from blood_counts import doses, events, follow_up, table
from sojourn.core.tables import EVENTS
from sojourn.endpoints.infection import ENDPOINT

NOBODY = table(EVENTS, [])


def infections(happened=NOBODY, seen=90, *, rule=None):
    tables = {"doses": doses(), "events": happened}
    if seen is not None:
        tables["follow_up"] = follow_up(seen)
    rows = {row["PARAMCD"]: row for row in ENDPOINT(tables, rule=rule).iter_rows(named=True)}
    assert tuple(rows) == ("INFN", "INFDAYS")
    return rows


def bug(day, what="E. coli, blood", grade=3):
    return (day, "INFECTION", grade, what)


@pytest.mark.parametrize(
    ("happened", "seen", "days"),
    [
        pytest.param(NOBODY, 90, 41, id="complete-is-41-days"),
        pytest.param(NOBODY, 40, 41, id="to-day-40"),
        pytest.param(NOBODY, 39, 40, id="lost-on-day-39"),
        pytest.param(NOBODY, 0, 1, id="lost-on-day-0"),
        pytest.param(events((10, "DEATH")), None, 11, id="death"),
        pytest.param(events((10, "SECOND_GRAFT")), 90, 11, id="second-graft"),
        pytest.param(events((41, "SECOND_GRAFT")), 90, 41, id="second-graft-later"),
        pytest.param(events((10, "RELAPSE")), 90, 41, id="relapse-stays-at-risk"),
        pytest.param(NOBODY, None, None, id="not-known"),
    ],
)
def test_days_at_risk_include_both_ends(happened, seen, days):
    rows = infections(happened, seen)
    assert rows["INFDAYS"]["AVAL"] == days
    if days is not None:
        assert rows["INFN"]["DAY"] == rows["INFDAYS"]["DAY"] == days - 1
        assert rows["INFN"]["AVAL"] == 0


@pytest.mark.parametrize(
    ("records", "episodes"),
    [
        pytest.param([bug(5)], 1, id="one"),
        pytest.param([bug(5), bug(18)], 1, id="same-after-13-days"),
        pytest.param([bug(5), bug(19)], 2, id="same-after-14-days"),
        pytest.param([bug(5), bug(15), bug(25)], 1, id="each-record-prolongs"),
        pytest.param([bug(5), bug(6, "Candida, blood")], 2, id="another-organism"),
        pytest.param([bug(5), bug(6, "E. COLI, BLOOD ")], 1, id="spelling-is-no-organism"),
        pytest.param([bug(5, None), bug(6, None)], 1, id="unnamed-ones-are-one"),
        pytest.param([bug(40)], 1, id="on-day-40"),
        pytest.param([bug(41)], 0, id="on-day-41"),
        pytest.param([bug(0)], 1, id="on-day-0"),
        pytest.param([bug(-1)], 0, id="before-day-0"),
        pytest.param([bug(-5), bug(5)], 0, id="an-old-one-goes-on"),
        pytest.param([bug(-9), bug(5)], 1, id="an-old-one-comes-back"),
        pytest.param([(5, "ACUTE_GVHD", 2, None)], 0, id="no-infection"),
    ],
)
def test_what_an_episode_is(records, episodes):
    assert infections(events(*records))["INFN"]["AVAL"] == episodes


def test_an_episode_after_the_risk_ended_does_not_count():
    rows = infections(events((10, "SECOND_GRAFT"), bug(11), bug(10, "Candida")))
    assert rows["INFN"]["AVAL"] == 1


@pytest.mark.parametrize(("least", "episodes"), [(0, 3), (2, 2), (3, 1)])
def test_low_and_unknown_grades_can_be_left_out(least, episodes):
    records = [bug(5, "a", 2), bug(6, "b", 3), bug(7, "c", None)]
    rows = infections(events(*records), rule={"min_grade": least})
    assert rows["INFN"]["AVAL"] == episodes


def test_reason_and_evidence():
    rows = infections(events(bug(5), bug(30)), 35)
    assert rows["INFN"]["REASON"] == (
        "2 episodes, from days 5, 30; at risk on days 0-35, to the last contact on day 35"
    )
    assert rows["INFN"]["EVIDENCE"] == "events:2,3"
    assert rows["INFDAYS"]["EVIDENCE"] == "follow_up:2"


def test_contradictory_records_are_not_evaluable():
    rows = infections(events((10, "DEATH")), 11)
    assert rows["INFN"]["AVAL"] is None
    assert "contradict" in rows["INFN"]["REASON"]
