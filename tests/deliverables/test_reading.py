"""How the report reads results: units, groups, labels, leading rules, flow, missing data."""

import re

import pytest

from deliverables.fixtures import listing, result
from deliverables.fixtures_hsct import hsct_results
from deliverables.fixtures_oa import oa_results
from sojourn.deliverables._answer import answer_of
from sojourn.deliverables._book import Book
from sojourn.deliverables._flow import flow_figure
from sojourn.deliverables._lines import lines_of
from sojourn.deliverables._retention import main_lines, planned_days
from sojourn.deliverables._sections_oa import primary_visit
from sojourn.deliverables._sections_open import missing_section
from sojourn.deliverables._sections_safety import safety_section
from sojourn.deliverables._strip import is_affected, met_day, met_days, patients
from sojourn.deliverables._swimmer import swimmer_figure

RETENTION = "USUBJID GROUP VISIT DAY GRADE MODEL VALUE LOWER UPPER FLAGGED NOTE"


def knee(rows, **changes):
    return Book(oa_results(listings=(listing("retention", "r", RETENTION, rows),), **changes))


def number(**fields):
    given = {"unit": "1", "lower": 0.1, "upper": 0.9, "label": "x", "methodId": "t interval"}
    group, operation = fields.pop("group", "A"), fields.pop("operation", "mean")
    return result("a", group, operation, 0.5, **(given | fields))


@pytest.mark.parametrize(
    ("made", "unit"),
    [
        pytest.param(number(operation="proportion"), "share", id="a-proportion-is-a-share"),
        pytest.param(number(operation="survival_at_365"), "share", id="survival-is-a-share"),
        pytest.param(number(operation="incidence_of_2_at_40"), "share", id="incidence-is-a-share"),
        pytest.param(number(operation="posterior_mean"), "share", id="so-is-a-posterior-mean"),
        pytest.param(number(operation="rho_with_AGE"), "1", id="a-correlation-is-not"),
        pytest.param(number(operation="hazard_ratio"), "1", id="nor-a-ratio"),
        pytest.param(number(operation="rate", unit="1/d"), "1/d", id="nor-a-rate"),
        pytest.param(number(label="WOMAC change"), "1", id="a-score-is-not"),
        pytest.param(number(unit="share"), "share", id="unit-says-it"),
        pytest.param(number(unit="share", group="A-B"), "difference of shares", id="contrast"),
        pytest.param(number(unit="points", group="A-B"), "points", id="contrast-of-scores"),
    ],
)
def test_a_share_is_told_from_a_plain_number(made, unit):
    assert Book(oa_results()).unit(made) == unit


@pytest.mark.parametrize(
    ("code", "words"),
    [
        pytest.param("A", "Arm A (blinded)", id="a-group"),
        pytest.param("A-B", "Arm A (blinded) minus Arm B (blinded)", id="a-difference"),
        pytest.param("ALL", "All", id="everybody"),
        pytest.param("C-D", "C-D", id="unknown-stays"),
        pytest.param(None, "not stated", id="nothing"),
    ],
)
def test_groups_are_named_as_given(code, words):
    assert Book(oa_results()).group(code) == words


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("Platelets: complete response by day 40", "Platelets: complete response by day 40"),
        ("Disease by day 30 (death first: none)", "Disease by day 30 (death first: none)"),
        ("Sensitivity: mean share on day 7", "Sensitivity: mean share on day 7"),
        ("Share kept: mean", "Share kept"),
        ("Share kept: mean of A minus B", "Share kept"),
        ("Recovered: proportion with CR", "Recovered"),
    ],
)
def test_a_label_loses_only_an_operation_that_goes_without_saying(label, shown):
    assert Book(hsct_results(1)).label(number(label=label)) == shown


def test_one_group_alone_is_no_comparison():
    alone = answer_of(Book(hsct_results(1)))
    assert alone is not None
    assert "no comparison group" in alone.caution
    two = answer_of(Book(oa_results()))
    assert two is not None
    assert "no comparison group" not in two.caution
    assert "not living cells" in two.caution


def safety_of(*marks):
    events = listing("adverse_events", "a", "USUBJID GROUP DAY TERM GRADE SERIOUS RELATED ROW", [])
    table = listing("marks", "m", "USUBJID DAY KIND DETAIL", list(marks))
    section = safety_section(Book(hsct_results(1, listings=(events, table))))
    assert section is not None
    return section.blocks


def test_deaths_stand_in_the_safety_section():
    blocks = safety_of(("P1", 9, "DEATH", ""), ("P2", 30, "DEATH", ""))
    assert "2\u00a0subjects, on days 9 to 30" in blocks[-1].text


def test_without_a_recorded_death_nothing_is_said_of_deaths():
    assert not any("eath" in getattr(b, "text", "") for b in safety_of(("P1", 5, "RBC", "")))


def test_a_long_arm_name_gives_way_to_its_code_where_it_would_not_fit():
    names = {"MSC": "Labelled stromal cells, one injection", "B": "Arm B (blinded)"}
    book = Book(oa_results(groups=names))
    assert (book.short("MSC"), book.short("B")) == ("MSC", "Arm B (blinded)")
    assert book.group("MSC") == names["MSC"]
    rows = [(step, code, 5, "d") for step in ("allocated", "dosed") for code in names]
    flow = listing("flow", "f", "STEP GROUP N DETAIL", rows)
    drawn = flow_figure(Book(oa_results(groups=names, listings=(flow,)))).drawing
    words = " ".join(re.findall(r">([^<>]+)<", drawn))
    assert "(MSC): allocated" in words
    assert "MSC: dosed" in words


@pytest.mark.parametrize(
    ("analysis", "label", "expected"),
    [
        pytest.param("retention_day7", "share of the day 0 signal", "DAY7", id="id-says-it"),
        pytest.param(
            "retention", "share of the day 0 signal at day 7", "DAY7", id="latest-in-label"
        ),
        pytest.param("retention", "share at day 30", "DAY30", id="day-3-is-not-day-30"),
        pytest.param("retention", "share at the end", "", id="no-visit-named"),
    ],
)
def test_the_primary_visit_is_the_one_that_the_primary_analysis_names(analysis, label, expected):
    primary = result(analysis, "A", "mean", 0.5, label=label)
    book = Book(oa_results(results=(primary,), primaryResultId=primary.id))
    assert primary_visit(book) == expected


def test_a_visit_under_another_model_only_keeps_its_row():
    rows = [
        ("S1", "A", "DAY0", 0, "A", "compartments", 1.0, None, None, False, ""),
        ("S1", "A", "DAY1", 1, "C", "typed", 0.9, None, None, False, ""),
        ("S1", "A", "DAY3", 3, "A", "unknown", 0.7, None, None, False, ""),
        ("S1", "A", "DAY3", 3, "A", "compartments", 0.8, None, None, False, ""),
    ]
    assert [row.number("VALUE") for row in main_lines(knee(rows))] == [1.0, 0.9, 0.8]


def test_planned_days_come_from_the_visits_names_in_order():
    rows = [
        ("S1", "A", "DAY30", 28, "A", "m", 1.0, None, None, False, ""),
        ("S1", "A", "DAY7", None, "MISSING", None, None, None, None, False, "absent"),
        ("S1", "A", "LAST", 44, "A", "m", 1.0, None, None, False, ""),
    ]
    lines = lines_of(knee(rows).results, "retention")
    assert list(planned_days(lines).items()) == [("DAY7", 7.0), ("DAY30", 30.0), ("LAST", 44.0)]


OUTCOMES = "USUBJID GROUP ENDPOINT PARAMCD DAY AVAL AVALC CNSR REASON EVIDENCE"


def outcome(endpoint, censored, day):
    return ("P1", "ALL", endpoint, "ANCREC", day, float(day), None, censored, "", "")


@pytest.mark.parametrize(
    ("main", "variant", "expected"),
    [
        pytest.param(outcome("main", 0, 9), outcome("variant", 0, 5), 9.0, id="main-rule-counts"),
        pytest.param(outcome("main", 1, 60), outcome("variant", 0, 5), None, id="variant-does-not"),
    ],
)
def test_the_first_rule_of_a_parameter_decides_what_the_strip_shows(main, variant, expected):
    table = listing("outcomes", "o", OUTCOMES, [main, variant], "ENDPOINT USUBJID PARAMCD")
    made = hsct_results(1, listings=(table,))
    people = patients({"outcomes": lines_of(made, "outcomes")})
    assert met_day(people[0], ("ANCREC",)) == expected


def test_nobody_is_left_out_of_the_overview():
    book = Book(hsct_results(5))
    people = patients({k: lines_of(book.results, k) for k in ("counts", "marks", "outcomes")})
    figure = swimmer_figure(book, people, 60.0)
    assert [row[0] for row in figure.rows] == ["P001", "P002", "P003", "P004", "P005"]
    for person in people:
        assert person.name in figure.drawing


def flow(*rows):
    table = listing("flow", "f", "STEP GROUP N DETAIL", list(rows))
    return flow_figure(Book(oa_results(listings=(table,)))).drawing


def test_a_total_that_is_the_sum_of_its_groups_needs_no_box():
    drawn = flow(("dosed", None, 10, ""), ("dosed", "A", 5, ""), ("dosed", "B", 5, ""))
    assert drawn.count("<rect") == 2


def test_a_total_that_is_not_the_sum_of_its_groups_is_shown():
    drawn = flow(("dosed", None, 11, ""), ("dosed", "A", 5, ""), ("dosed", "B", 5, ""))
    assert drawn.count("<rect") == 3
    assert "dosed, n = 11" in drawn


def test_several_analyses_of_one_step_share_a_box():
    drawn = flow(("analysed", "A", 4, "first"), ("analysed", "A", 5, "second"))
    assert drawn.count("<rect") == 1
    assert "first: n = 4" in drawn
    assert "second: n = 5" in drawn


def test_many_missing_rows_are_counted_by_kind_and_still_listed():
    rows = [("count", f"P{i:02d}", None, "not measured: holiday") for i in range(26)]
    table = listing("missing", "m", "WHAT USUBJID VISIT WHY", rows)
    section = missing_section(Book(hsct_results(1, listings=(table,))))
    assert section is not None
    kinds, every = section.blocks[1], section.blocks[2]
    assert len(kinds.rows) == 1
    assert ">26<" in kinds.rows[0].cells[2]
    assert len(every.blocks[0].rows) == 26


def response(param, day, censored=0):
    return ("P1", "ALL", "platelets", param, day, float(day), "Y", censored, "", "")


def test_the_earlier_of_two_responses_is_the_day_of_recovery():
    rows = [response("PLTCR", 83), response("PLTPR", 46)]
    made = hsct_results(1, listings=(listing("outcomes", "o", OUTCOMES, rows),))
    person = patients({"outcomes": lines_of(made, "outcomes")})[0]
    assert list(met_days(person, ("PLTCR", "PLTPR")).items()) == [("PLTPR", 46.0), ("PLTCR", 83.0)]
    assert met_day(person, ("PLTCR", "PLTPR")) == 46.0


@pytest.mark.parametrize(
    ("avalc", "reason", "expected"),
    [
        pytest.param("Y", "affected: 0.3", True, id="recovered"),
        pytest.param("N", "affected: 0.3", True, id="not-recovered"),
        pytest.param(None, "not affected: 2.9", False, id="not-low-at-baseline"),
        pytest.param(None, "no count at baseline", True, id="unknown-is-not-excluded"),
    ],
)
def test_a_lineage_that_was_not_low_is_no_recovery(avalc, reason, expected):
    rows = [("P1", "ALL", "hemogram", "ANCREC40", None, None, avalc, None, reason, "")]
    made = hsct_results(1, listings=(listing("outcomes", "o", OUTCOMES, rows),))
    person = patients({"outcomes": lines_of(made, "outcomes")})[0]
    assert is_affected(person, "ANC") is expected
    assert is_affected(person, "PLT") is True


def test_what_does_not_apply_is_not_counted_as_missing():
    rows = [
        ("hemogram ANCREC40", "P01", None, "not affected: 2.9 on day 0"),
        ("hemogram ANCREC40", "P02", None, "no count on days -7 to 0"),
    ]
    table = listing("missing", "m", "WHAT USUBJID VISIT WHY", rows)
    section = missing_section(Book(hsct_results(1, listings=(table,))))
    assert section is not None
    missing, other = section.blocks[1], section.blocks[2]
    assert [row.data_id for row in missing.rows] == ["missing/#2"]
    assert "not missing" in other.summary
    assert ">1<" in other.blocks[0].rows[0].cells[2]
