"""Pictures of clinical outcomes: what is drawn is what the listing says."""

import csv
import io
import re

from deliverables.fixtures import listing
from deliverables.fixtures_hsct import hsct_results
from deliverables.fixtures_oa import oa_results
from sojourn.deliverables._book import Book
from sojourn.deliverables._incidence import incidence_figure
from sojourn.deliverables._lines import lines_of
from sojourn.deliverables._sections_clinical import (
    has_clinical,
    incidence_blocks,
    series_blocks,
    shift_blocks,
)
from sojourn.deliverables._shift import GRADES, shift_counts, shift_table
from sojourn.deliverables._spaghetti import medians, spaghetti_figure
from sojourn.deliverables._waterfall import waterfall_figure

CIF = listing(
    "cif_gvhd",
    "Acute GVHD",
    "GROUP CAUSE NAME TIME AT_RISK EVENTS CIF LOWER UPPER",
    [
        ("ALL", 0, "GVHD", 0.0, 10, 0, 0.0, None, None),
        ("ALL", 0, "GVHD", 20.0, 10, 2, 0.2, 0.05, 0.45),
        ("ALL", 0, "GVHD", 50.0, 7, 1, 0.3, 0.1, 0.55),
        ("ALL", 2, "death first", 0.0, 10, 0, 0.0, None, None),
        ("ALL", 2, "death first", 20.0, 10, 0, 0.0, None, None),
        ("ALL", 2, "death first", 50.0, 7, 1, 0.1, 0.01, 0.4),
    ],
    "GROUP CAUSE TIME",
)
SERIES = listing(
    "series_immune_CD4",
    "CD4 by visit",
    "USUBJID GROUP VISIT DAY VALUE NOTE EVIDENCE",
    [
        ("01", "ALL", "D30", 29, 0.1e9, "", ""),
        ("01", "ALL", "D100", 101, 0.3e9, "", ""),
        ("02", "ALL", "D30", 31, 0.2e9, "", ""),
        ("02", "ALL", "D100", None, None, "not measured", ""),
        ("03", "ALL", "D30", 33, 0.6e9, "", ""),
        ("03", "ALL", "D100", 99, 0.5e9, "", ""),
    ],
    "USUBJID VISIT",
)
SHIFT = listing(
    "shift_labs",
    "Laboratory grades",
    "USUBJID GROUP TEST BASELINE WORST NOTE EVIDENCE",
    [
        ("01", "ALL", "ANC", 4, 4, "", ""),
        ("02", "ALL", "ANC", 3, 4, "", ""),
        ("03", "ALL", "ANC", 0, None, "", ""),
        ("04", "ALL", "ANC", None, 2, "", ""),
        ("01", "ALL", "PLT", 1, 0, "", ""),
    ],
    "TEST USUBJID",
)


def book(*listings, results=None):
    made = results or hsct_results()
    own = tuple(item for item in made.listings if item.id not in {x.id for x in listings})
    return Book(made.model_copy(update={"listings": (*own, *listings)}))


def rows_of(figure):
    return list(csv.DictReader(io.StringIO(figure.csv)))


def test_incidence_shows_the_event_and_its_competitor_with_numbers_at_risk():
    figure = incidence_figure(book(CIF), "cif_gvhd")
    assert "Number at risk" in figure.drawing
    assert "GVHD: 30\u00a0% by day 50.0; death first: 10\u00a0% by day 50.0" in figure.drawing
    assert figure.n == "10 subjects: 3 GVHD, 1 death first"
    texts = re.findall(r'text-anchor="middle"[^>]*>(\d+)<', figure.drawing)
    assert {"10", "7"} <= set(texts)


def test_incidence_curves_climb_to_the_values_of_the_listing():
    figure = incidence_figure(book(CIF), "cif_gvhd")
    # Axes: 0 at y = 206; the first tick at or above 55 % lies at y = 30.
    ticks = [float(t) for t in re.findall(r'class="tick"[^>]*>([\d.]+)<', figure.drawing)]
    top = max(t for t in ticks if t <= 100)
    curve = re.findall(r'd="M([^"]*)" fill="none"', figure.drawing)
    ends = [float(d.split("L")[-1].split()[1]) for d in curve if d.count("L") > 3]
    expected = [206 - 176 * 100 * value / top for value in (0.3, 0.1)]
    assert [round(e, 1) for e in ends] == [round(e, 1) for e in expected]


def test_the_numbers_drawn_can_be_saved_and_say_that_they_are_simulated():
    rows = rows_of(incidence_figure(book(CIF), "cif_gvhd"))
    assert [row["CIF"] for row in rows] == ["0.0", "0.2", "0.3", "0.0", "0.0", "0.1"]
    assert {row["DATA_STATUS"] for row in rows} == {"SIMULATED"}


def test_medians_are_of_whoever_was_seen():
    known = [r for r in lines_of(book(SERIES).results, SERIES.id) if r.number("VALUE")]
    assert medians(known) == {"ALL": [(31, 0.2e9, 3), (100, 0.4e9, 2)]}


def test_a_missing_visit_breaks_the_line_and_is_counted():
    figure = spaghetti_figure(book(SERIES), SERIES.id, name="CD4", unit="1/L")
    assert figure.n == "3 subjects, 5 values; 1 missing"
    lines = re.findall(r'stroke-width="0.9"', figure.drawing)
    assert len(lines) == 2  # subject 02 has one value, no line


def test_shifts_count_every_subject_once_and_missing_is_no_grade():
    made = book(SHIFT)
    lines = [r for r in lines_of(made.results, SHIFT.id) if r.text("TEST") == "ANC"]
    counts = shift_counts(lines)
    missing = GRADES.index("not measured")
    assert sum(map(sum, counts)) == 4
    assert counts[4][4] == counts[3][4] == counts[0][missing] == counts[missing][2] == 1


def test_a_shift_table_has_rows_only_for_grades_that_occur():
    table = shift_table(book(SHIFT), SHIFT.id, "ANC")
    assert [re.sub("<[^>]*>", "", row.cells[0]) for row in table.rows] == [
        "grade 0",
        "grade 3",
        "grade 4",
        "not measured",
    ]
    assert shift_table(book(SHIFT), SHIFT.id, "WBC") is None


def test_a_waterfall_is_sorted_from_improvement_to_worsening():
    figure = waterfall_figure(
        book(results=oa_results()), "womac", name="WOMAC total", unit="points", threshold=-10.0
    )
    spoken = re.search(r"<desc[^>]*>([^<]*)<", figure.drawing).group(1)
    values = [float(part.split(": ")[1].replace("\u2212", "-")) for part in spoken.split("; ")]
    assert values == sorted(values)
    assert "nobody is counted against it" in figure.reading


def test_blocks_exist_only_for_listings_that_exist():
    empty = book()
    assert not has_clinical(empty)
    assert incidence_blocks(empty) == series_blocks(empty) == shift_blocks(empty) == []
    full = book(CIF, SERIES, SHIFT)
    assert has_clinical(full)
    assert len(incidence_blocks(full)) == len(series_blocks(full)) == 1
    assert len(shift_blocks(full)) == 3  # the heading, and two tests


def test_a_series_without_any_value_says_so():
    rows = tuple((*row[:4], None, *row[5:]) for row in SERIES.rows)
    (block,) = series_blocks(book(SERIES.model_copy(update={"rows": rows})))
    assert "nobody has a value" in block.text
