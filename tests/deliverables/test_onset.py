"""When recovery began: counts of onsets by lineage. Expectations by hand (OURS)."""

import re

import pytest

from deliverables.fixtures import listing
from deliverables.fixtures_hsct import hsct_results
from sojourn.deliverables._answer import answer_of
from sojourn.deliverables._book import Book
from sojourn.deliverables._lines import lines_of
from sojourn.deliverables._onset import first_days, onset_blocks, onsets
from sojourn.deliverables._sections_trial import primary_section
from sojourn.deliverables._strip import patients

COLUMNS = "USUBJID GROUP ENDPOINT PARAMCD DAY AVAL AVALC CNSR REASON EVIDENCE"


def by_40(subject, param, day=None, avalc=None, reason="", endpoint="hemogram"):
    value = None if avalc is None else float(avalc == "Y")
    return (subject, "ALL", endpoint, param, day, value, avalc, None, reason, "")


def time(subject, param, day, cnsr):
    return (subject, "ALL", "time", param, day, float(day), None, cnsr, "", "")


def book(*rows):
    return Book(hsct_results(1, listings=(listing("outcomes", "o", COLUMNS, list(rows)),)))


def found(*rows):
    lines = lines_of(book(*rows).results, "outcomes")
    return {each.name: each.days for each in onsets(patients({"outcomes": lines}))}


@pytest.mark.parametrize(
    ("rows", "days"),
    [
        pytest.param([by_40("P1", "HGBREC40", 0, "Y")], (0.0,), id="on-the-first-infusions-day"),
        pytest.param([by_40("P1", "HGBREC40", None, "N")], (None,), id="never"),
        pytest.param(
            [by_40("P1", "HGBREC40", None, "N"), time("P1", "HGBREC", 41, 0)], (41.0,), id="later"
        ),
        pytest.param(
            [by_40("P1", "HGBREC40", None, "N"), time("P1", "HGBREC", 40, 0)],
            (None,),
            id="denied-by-day-40-stays-denied",
        ),
        pytest.param(
            [by_40("P1", "HGBREC40", None, "N"), time("P1", "HGBREC", 90, 1)],
            (None,),
            id="censored-is-no-onset",
        ),
        pytest.param(
            [
                by_40("P1", "HGBREC40", 3, "Y"),
                by_40("P1", "HGBREC40", 20, "Y", endpoint="literal_window"),
            ],
            (3.0,),
            id="the-main-endpoint-stands-first",
        ),
    ],
)
def test_the_onset_of_an_affected_lineage(rows, days):
    assert found(*rows)["Hemoglobin"] == days


def test_who_was_not_affected_or_is_not_known_to_be_is_not_counted():
    rows = [
        by_40("P1", "HGBREC40", reason="not affected: hemoglobin 90 g/L on day 0"),
        by_40("P2", "HGBREC40", reason="baseline not known"),
        by_40("P3", "HGBREC40", None, "N"),
    ]
    assert found(*rows)["Hemoglobin"] == (None,)
    assert found(*rows[:2]) == {}


def test_a_patients_first_onset_is_the_earliest_of_affected_lineages():
    rows = [
        by_40("P1", "ANCREC40", 12, "Y"),
        by_40("P1", "HGBREC40", 2, "Y"),
        by_40("P1", "PLTREC40", None, "N"),
        time("P1", "PLTPR", 60, 0),
        by_40("P2", "PLTREC40", None, "N"),
    ]
    made = found(*rows)
    assert made["Platelets"] == (60.0, None)
    assert made["First lineage of a patient"] == (2.0, None)


BOUNDS = [0, 1, 6, 7, 20, 21, 40]


def test_each_onset_stands_in_one_span_and_both_ends_belong_to_it():
    rows = [by_40(f"P{d}", "HGBREC40", d, "Y") for d in BOUNDS]
    rows += [by_40("Q1", "HGBREC40", None, "N"), time("Q1", "HGBREC", 41, 0)]
    rows += [by_40("Q2", "HGBREC40", None, "N")]
    said, table = onset_blocks(book(*rows))
    cells = [re.sub("<[^>]*>", "", str(cell)) for cell in table.rows[0].cells]
    assert cells == ["Hemoglobin", "9", "1", "2", "2", "2", "1", "1"]
    assert "hemoglobin 1 of 9 on day 0, 3 by day 6" in said.text
    assert "cannot be an effect of infusions that had not been given" in said.text


def test_the_count_stands_beside_the_primary_numbers_and_in_the_answer():
    made = book(by_40("P1", "HGBREC40", 0, "Y"), by_40("P2", "HGBREC40", 9, "Y"))
    captions = [getattr(block, "caption", "") for block in primary_section(made).blocks]
    assert captions.index("When recovery began, days after the first infusion") > 0
    words = "In 1 of 2 patients the first recovery began on day 0"
    assert words in first_days(made)
    assert words in answer_of(made).caution


def test_without_early_onsets_or_lineages_nothing_is_said():
    assert first_days(book(by_40("P1", "HGBREC40", 7, "Y"))) == ""
    assert onset_blocks(book(time("P1", "OS", 9, 0))) == []
