from datetime import date

import polars as pl
import pytest

from blood_counts import DAY_0, doses, events, follow_up, on, simulated_cohort, table
from sojourn.core.errors import DataError
from sojourn.core.tables import EVENTS, FOLLOW_UP
from sojourn.endpoints.overall_survival import ENDPOINT

NOBODY = table(EVENTS, [])


def survive(happened=NOBODY, seen=None, *, rule=None):
    tables = {"doses": doses(), "events": happened}
    if seen is not None:
        tables["follow_up"] = follow_up(seen)
    return ENDPOINT(tables, rule=rule).row(0, named=True)


@pytest.mark.parametrize(
    ("happened", "seen", "expected"),
    [
        pytest.param(events((30, "DEATH")), 30, (30.0, 0, "DEATH"), id="death"),
        pytest.param(events((30, "DEATH")), 20, (30.0, 0, "DEATH"), id="death-after-last-contact"),
        pytest.param(events((30, "DEATH")), None, (30.0, 0, "DEATH"), id="no-follow-up-needed"),
        pytest.param(NOBODY, 90, (90.0, 1, "CENSORED"), id="censored-at-last-contact"),
        pytest.param(events((30, "RELAPSE")), 90, (90.0, 1, "CENSORED"), id="relapse-is-no-death"),
        pytest.param(events((95, "RELAPSE")), 90, (95.0, 1, "CENSORED"), id="seen-at-the-event"),
        pytest.param(events((0, "DEATH")), None, (0.5, 0, "DEATH"), id="death-on-day-0"),
        pytest.param(events((1, "DEATH")), None, (1.0, 0, "DEATH"), id="death-on-day-1"),
        pytest.param(NOBODY, 0, (0.5, 1, "CENSORED"), id="lost-on-day-0"),
        pytest.param(NOBODY, None, (None, None, None), id="nothing-known"),
        pytest.param(events((30, "DEATH")), 31, (None, None, None), id="contact-after-death"),
        pytest.param(events((3, "DEATH"), (4, "DEATH")), None, (None, None, None), id="two-deaths"),
        pytest.param(events((-1, "DEATH")), None, (None, None, None), id="death-before-day-0"),
        pytest.param(NOBODY, -1, (None, None, None), id="contact-before-day-0"),
    ],
)
def test_time_and_censoring(happened, seen, expected):
    row = survive(happened, seen)
    assert (row["AVAL"], row["CNSR"], row["AVALC"]) == expected
    assert row["REASON"]


@pytest.mark.parametrize(
    ("cut", "expected"),
    [(29, (29.0, 1)), (30, (30.0, 0)), (31, (30.0, 0)), (0, (0.5, 1)), (-1, (None, None))],
)
def test_a_data_cut_hides_what_comes_after_it(cut, expected):
    row = survive(events((30, "DEATH")), 30, rule={"data_cut": on(cut)})
    assert (row["AVAL"], row["CNSR"]) == expected


@pytest.mark.parametrize(("cut", "expected"), [(89, 89.0), (90, 90.0), (91, 90.0)])
def test_a_data_cut_censors_the_living(cut, expected):
    assert survive(NOBODY, 90, rule={"data_cut": on(cut)})["AVAL"] == expected


def test_day_counts_from_the_first_dose():
    row = survive(events((30, "DEATH")))
    assert (row["ADT"] - DAY_0).days == row["DAY"] == 30
    assert (row["REASON"], row["EVIDENCE"]) == ("death on day 30", "events:2")
    row = survive(NOBODY, 90)
    assert (row["REASON"], row["EVIDENCE"]) == ("alive at last contact, day 90", "follow_up:2")


def test_data_cut_from_a_study_file_is_a_date():
    assert ENDPOINT.check_rule({"data_cut": date(2026, 6, 1)})
    with pytest.raises(DataError, match="data_cut"):
        ENDPOINT.check_rule({"data_cut": "soon"})


def test_subject_without_a_dose_is_kept():
    tables = {"doses": doses("01"), "events": NOBODY, "follow_up": follow_up(9, subject="02")}
    outcome = ENDPOINT(tables)
    assert outcome["USUBJID"].to_list() == ["01", "02"]
    assert outcome["AVAL"].to_list() == [None, None]


def test_the_68_simulated_subjects(shared):
    tables = simulated_cohort(shared)
    outcome = ENDPOINT(tables)
    assert (outcome["CNSR"] == 0).sum() == 10
    seen = tables["follow_up"].select("USUBJID", AVAL=(pl.col("ADT") - DAY_0).dt.total_days())
    assert outcome["AVAL"].to_list() == seen["AVAL"].cast(float).to_list()


def test_an_empty_trial_has_no_outcome():
    tables = {"doses": doses().clear(), "events": NOBODY, "follow_up": table(FOLLOW_UP, [])}
    assert ENDPOINT(tables).height == 0


def test_evidence_is_what_fixes_the_end_and_no_more():
    row = survive(events((30, "RELAPSE")), 90)
    assert row["EVIDENCE"] == "follow_up:2"
    row = survive(events((30, "RELAPSE"), (95, "DLI")), 90)
    assert row["EVIDENCE"] == "events:3;follow_up:2"


def test_of_several_contacts_the_last_stands():
    seen = pl.concat([follow_up(60), follow_up(90), follow_up(30)])
    row = ENDPOINT({"doses": doses(), "events": NOBODY, "follow_up": seen}).row(0, named=True)
    assert row["AVAL"] == 90


def test_of_two_records_of_one_day_the_first_row_is_named():
    happened = events((30, "DEATH", None, "b"), (30, "DEATH", None, "a"))
    for order in (happened, happened.reverse()):
        assert survive(order)["EVIDENCE"] == "events:2"
