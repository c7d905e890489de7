"""Who belongs to a population, and the words for everybody else. Expectations by hand (OURS)."""

import pytest

from plan_material import doses, groups, keyed, on, study, subjects, table
from sojourn.study.ledger import Ledger
from sojourn.study.populations import find_populations, population_listings

ONLY_DOSES = ('no_major_deviation = true\nvisits = ["DAY40", "WEEK6"]\n', "")
ONLY_DEVIATIONS = (
    'doses_as_planned = true\nno_major_deviation = true\nvisits = ["DAY40", "WEEK6"]',
    "no_major_deviation = true",
)
ONLY_VISITS = ("doses_as_planned = true\nno_major_deviation = true\n", "")


def found(tmp_path, made, arms, **tables):
    ledger = Ledger(tmp_path)
    return find_populations(made, keyed(ledger, **tables), arms, None, ledger)


def reasons(population):
    return {(e.subject, e.reason) for e in population.exclusions}


def test_who_was_not_dosed_is_in_itt_and_in_no_other_population(tmp_path):
    made = found(
        tmp_path,
        study(ONLY_DOSES),
        groups(P1="A", P2="B"),
        subjects=subjects("P1", "P2"),
        doses=doses(P1=[0, 7]),
    )
    assert made["ITT"].members == {"P1", "P2"}
    assert made["ITT"].exclusions == ()
    for name in ("SAFETY", "PP"):
        assert made[name].members == {"P1"}
        assert reasons(made[name]) == {("P2", "no dose is recorded")}


def test_who_is_enrolled_without_an_arm_is_named_and_counts_nowhere(tmp_path):
    made = found(
        tmp_path,
        study(ONLY_DOSES),
        groups(P1="A"),
        subjects=subjects("P1", "P2"),
        doses=doses(P1=[0, 7]),
    )
    assert made["ITT"].members == {"P1"}
    assert reasons(made["ITT"]) == {("P2", "enrolled, not allocated to an arm")}
    assert made["ITT"].everybody == ("P1",)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        pytest.param([0, 7], None, id="as-planned"),
        pytest.param([0, 5], None, id="first-day-of-the-window"),
        pytest.param([0, 9], None, id="last-day-of-the-window"),
        pytest.param([0, 4], "dose on day 4 after the first, planned 7 within 2 days", id="early"),
        pytest.param([0, 10], "dose on day 10 after the first, planned 7 within 2 days", id="late"),
        pytest.param([0], "doses given: 1, planned: 2", id="one-dose-lacks"),
        pytest.param([0, 7, 14], "doses given: 3, planned: 2", id="one-dose-too-many"),
    ],
)
def test_doses_as_planned(tmp_path, given, reason):
    made = found(
        tmp_path, study(ONLY_DOSES), groups(P1="A"), subjects=subjects("P1"), doses=doses(P1=given)
    )
    assert reasons(made["PP"]) == ({("P1", reason)} if reason else set())


@pytest.mark.parametrize(
    ("died", "given", "is_member"),
    [
        pytest.param(4, [0], True, id="died-before-the-window"),
        pytest.param(6, [0], True, id="died-within-the-window-undosed"),
        pytest.param(6, [0, 5], True, id="died-within-the-window-dosed"),
        pytest.param(10, [0], False, id="died-after-the-window"),
    ],
)
def test_no_dose_is_asked_of_the_dead(tmp_path, died, given, is_member):
    events = table("events", on("P1", died, EVENT="DEATH"))
    made = found(
        tmp_path,
        study(ONLY_DOSES),
        groups(P1="A"),
        subjects=subjects("P1"),
        doses=doses(P1=given),
        events=events,
    )
    assert ("P1" in made["PP"].members) == is_member


def test_a_major_deviation_excludes_and_a_minor_one_does_not(tmp_path):
    rows = [
        on("P1", 3, DVTERM="forbidden drug", SEVERITY="MAJOR"),
        on("P2", 3, DVTERM="late call", SEVERITY="MINOR"),
    ]
    tables = {
        "subjects": subjects("P1", "P2"),
        "doses": doses(P1=[0], P2=[0]),
        "deviations": table("deviations", *rows),
    }
    made = found(tmp_path, study(ONLY_DEVIATIONS), groups(P1="A", P2="B"), **tables)
    assert reasons(made["PP"]) == {("P1", "major deviation: forbidden drug")}
    assert made["PP"].exclusions[0].evidence == "deviations:2"
    blinded = found(
        tmp_path, study(ONLY_DEVIATIONS), groups(is_blinded=True, P1="A", P2="B"), **tables
    )
    assert "forbidden drug" not in str(blinded["PP"])


def test_a_folder_without_deviations_says_so(tmp_path):
    made = found(
        tmp_path,
        study(ONLY_DEVIATIONS),
        groups(P1="A"),
        subjects=subjects("P1"),
        doses=doses(P1=[0]),
    )
    assert made["PP"].notes == ("no table of deviations: nobody is excluded by them",)


@pytest.mark.parametrize(
    ("day", "is_member"), [(38, True), (42, True), (37, False), (43, False)], ids=str
)
def test_a_visit_needs_a_row_within_its_window(tmp_path, day, is_member):
    made = found(
        tmp_path,
        study(ONLY_VISITS, ('visits = ["DAY40", "WEEK6"]', 'visits = ["DAY40"]')),
        groups(P1="A"),
        subjects=subjects("P1"),
        doses=doses(P1=[0]),
        counts=table("counts", on("P1", day)),
    )
    assert ("P1" in made["PP"].members) == is_member
    if not is_member:
        assert reasons(made["PP"]) == {("P1", "DAY40: nothing in counts within days 38 to 42")}


def test_a_visit_by_name_counts_by_its_own_date(tmp_path):
    rows = [
        on("P1", 46, VISIT="WEEK6"),
        on("P1", 40, VISIT="BASELINE"),
        on("P2", 45, VISIT="WEEK6"),
    ]
    made = found(
        tmp_path,
        study(ONLY_VISITS, ('visits = ["DAY40", "WEEK6"]', 'visits = ["WEEK6"]')),
        groups(P1="A", P2="A"),
        subjects=subjects("P1", "P2"),
        doses=doses(P1=[0], P2=[0]),
        womac=table("womac", *rows),
    )
    assert reasons(made["PP"]) == {
        ("P1", "WEEK6: nothing in womac within days 39 to 45; found: day 46")
    }


def test_a_visit_is_not_asked_of_who_died_before_its_window_ended(tmp_path):
    made = found(
        tmp_path,
        study(ONLY_VISITS, ('visits = ["DAY40", "WEEK6"]', 'visits = ["DAY40"]')),
        groups(P1="A", P2="A"),
        subjects=subjects("P1", "P2"),
        doses=doses(P1=[0], P2=[0]),
        counts=table("counts"),
        events=table("events", on("P1", 42, EVENT="DEATH"), on("P2", 43, EVENT="DEATH")),
    )
    assert made["PP"].members == {"P1"}


def test_who_broke_two_rules_is_listed_with_both(tmp_path):
    made = found(
        tmp_path,
        study(('visits = ["DAY40", "WEEK6"]\n', "")),
        groups(P1="A"),
        subjects=subjects("P1"),
        doses=doses(P1=[0]),
        deviations=table("deviations", on("P1", 1, DVTERM="x", SEVERITY="MAJOR")),
    )
    assert len(made["PP"].exclusions) == 2
    assert made["PP"].members == frozenset()


def test_safety_counts_each_subject_where_he_was_treated(tmp_path):
    arms = groups(treated={"P2": "A"}, P1="A", P2="B")
    made = study(ONLY_DOSES)
    populations = found(
        tmp_path, made, arms, subjects=subjects("P1", "P2"), doses=doses(P1=[0, 7], P2=[0, 7])
    )
    listing, _ = population_listings(made, populations, arms)
    counts = {(r["POPULATION"], r["GROUP"]): r["N"] for r in listing.records()}
    assert (counts["ITT", "A"], counts["ITT", "B"]) == (1, 1)
    assert (counts["SAFETY", "A"], counts["SAFETY", "B"]) == (2, 0)
    assert counts["SAFETY", None] == 2


def test_the_listing_names_everybody_outside_with_the_reason(tmp_path):
    made, arms = study(ONLY_DOSES), groups(P1="A", P2="B")
    populations = found(tmp_path, made, arms, subjects=subjects("P1", "P2"), doses=doses(P1=[0]))
    _, listing = population_listings(made, populations, arms)
    assert {tuple(r.values())[:4] for r in listing.records()} == {
        ("SAFETY", "P2", "B", "no dose is recorded"),
        ("PP", "P2", "B", "no dose is recorded"),
        ("PP", "P1", "A", "doses given: 1, planned: 2"),
    }


def test_arms_with_different_schedules_are_not_told_by_the_words(tmp_path):
    made = study(ONLY_DOSES, ("days = [0, 7]\ndose_window_days = 2", "days = [0]"))
    for is_blinded, words in ((False, "doses given: 2, planned: 1"), (True, "hidden")):
        populations = found(
            tmp_path,
            made,
            groups(is_blinded=is_blinded, P1="A"),
            subjects=subjects("P1"),
            doses=doses(P1=[0, 7]),
        )
        assert words in populations["PP"].exclusions[0].reason


def test_no_population_no_listing():
    assert list(population_listings(study(), {}, groups())) == []
