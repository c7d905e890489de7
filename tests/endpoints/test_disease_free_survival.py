import pytest

from blood_counts import doses, events, follow_up, table
from sojourn.core.errors import DataError
from sojourn.core.tables import EVENTS, SUBJECTS
from sojourn.endpoints.disease_free_survival import ENDPOINT

NOBODY = table(EVENTS, [])


def survive(happened=NOBODY, seen=90, *, malignant="Y", rule=None):
    people = table(SUBJECTS, [("01", "F", 40, None, malignant, None)])
    tables = {"doses": doses(), "events": happened, "subjects": people}
    if seen is not None:
        tables["follow_up"] = follow_up(seen)
    return ENDPOINT(tables, rule=rule).row(0, named=True)


@pytest.mark.parametrize(
    ("happened", "seen", "expected"),
    [
        pytest.param(events((30, "RELAPSE")), 90, (30.0, 0, "RELAPSE"), id="relapse"),
        pytest.param(
            events((30, "RELAPSE"), (60, "DEATH")), 60, (30.0, 0, "RELAPSE"), id="relapse-first"
        ),
        pytest.param(events((60, "DEATH")), 60, (60.0, 0, "DEATH"), id="death-in-remission"),
        pytest.param(events((0, "RELAPSE")), 90, (0.5, 0, "RELAPSE"), id="relapse-on-day-0"),
        pytest.param(events((-9, "RELAPSE")), 90, (90.0, 1, "CENSORED"), id="relapse-is-history"),
        pytest.param(events((30, "GRAFT_REJECTION")), 90, (90.0, 1, "CENSORED"), id="rejection"),
        pytest.param(events((90, "RELAPSE")), 90, (90.0, 0, "RELAPSE"), id="on-the-last-day"),
        pytest.param(NOBODY, 90, (90.0, 1, "CENSORED"), id="neither"),
        pytest.param(NOBODY, None, (None, None, None), id="nothing-known"),
    ],
)
def test_the_first_of_relapse_and_death(happened, seen, expected):
    row = survive(happened, seen)
    assert (row["AVAL"], row["CNSR"], row["AVALC"]) == expected


def test_rejection_stands_in_for_relapse_in_nonmalignant_disease():
    happened = events((20, "RELAPSE"), (30, "GRAFT_REJECTION"))
    assert survive(happened, malignant="N")["AVALC"] == "GRAFT_REJECTION"
    assert survive(happened, malignant="Y")["AVALC"] == "RELAPSE"
    assert survive(happened, malignant=None)["AVALC"] == "RELAPSE"


def test_what_ends_it_is_a_setting_but_death_always_does():
    rule = {"failures": ["DLI"]}
    assert survive(events((5, "RELAPSE"), (9, "DLI")), rule=rule)["AVAL"] == 9
    assert survive(events((5, "RELAPSE"), (9, "DEATH")), None, rule=rule)["AVAL"] == 9
    with pytest.raises(DataError, match="failures"):
        survive(rule={"failures": ["FEVER"]})


def test_reason_and_evidence():
    row = survive(events((30, "RELAPSE")))
    assert (row["REASON"], row["EVIDENCE"]) == ("relapse on day 30", "events:2")
    assert survive()["REASON"] == "alive without relapse at last contact, day 90"
    assert survive(malignant="N")["REASON"].startswith("alive without graft rejection")
