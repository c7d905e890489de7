import base64
import csv
import io

import numpy as np
import pytest

from deliverables.fixtures import listing
from deliverables.fixtures_hsct import hsct_results
from sojourn.core.errors import DataError
from sojourn.core.results import Step
from sojourn.deliverables._blocks import Figure
from sojourn.deliverables._book import Book
from sojourn.deliverables._lines import lines_of
from sojourn.deliverables._markup import Html, element, escaped
from sojourn.deliverables._mip import ScanPanel, outline_path
from sojourn.deliverables._png import cividis, png_uri
from sojourn.deliverables._scales import days, linear, logarithmic
from sojourn.deliverables._strip import thresholds
from sojourn.deliverables._survival import _steps, at_risk, survival_figure


def test_colors_are_those_of_cividis():
    matplotlib = pytest.importorskip("matplotlib")
    reference = [[255 * c for c in matplotlib.colormaps["cividis"](i)[:3]] for i in range(256)]
    assert np.abs(cividis() - np.array(reference)).max() < 6  # 33 stops; it bends at dark blue


def test_a_picture_reads_back_as_it_was_written():
    image = pytest.importorskip("PIL.Image")
    values = np.array([[0.0, 0.5, 1.0], [2.0, np.nan, 0.25]])
    raw = base64.b64decode(png_uri(values, 1.0).partition(",")[2])
    levels = np.array(image.open(io.BytesIO(raw)))
    assert levels.tolist() == [[0, 128, 255], [255, 0, 64]]


def test_a_picture_of_nothing_is_dark():
    image = pytest.importorskip("PIL.Image")
    raw = base64.b64decode(png_uri(np.zeros((2, 2)), 0.0).partition(",")[2])
    assert np.array(image.open(io.BytesIO(raw))).max() == 0


def test_the_outline_of_one_voxel_is_its_four_sides():
    mask = np.zeros((2, 3), dtype=bool)
    mask[1, 2] = True
    assert outline_path(mask, (2.0, 3.0)) == "M4 3H6M4 6H6M4 3V6M6 3V6"


def test_a_mask_of_nothing_has_no_outline():
    assert outline_path(np.zeros((2, 2), dtype=bool), (1.0, 1.0)) == ""


def test_a_panel_refuses_an_outline_of_another_shape():
    image, mask = np.zeros((3, 4)), np.zeros((3, 4), dtype=bool)
    wrong = np.zeros((4, 3), dtype=bool)
    with pytest.raises(DataError, match=r"coronal projection has shape \(3, 4\)"):
        ScanPanel((image, image, image), (mask, wrong, mask), (1, 1, 1), "")
    with pytest.raises(DataError, match="must be positive"):
        ScanPanel((image, image, image), (mask, mask, mask), (1, 0, 1), "")


def _figure(rows, *, is_simulated=False):
    words = ("f", "t", "s", "r", "w", "1")
    return Figure(*words, Html(""), ("A", "B"), rows, is_simulated=is_simulated)


def test_csv_keeps_numbers_exactly_and_nothing_as_nothing():
    value = 0.1 + 0.2
    rows = list(csv.reader(io.StringIO(_figure(((value, None), (3, True))).csv)))
    assert rows == [["A", "B"], [repr(value), ""], ["3", "True"]]
    assert float(rows[1][0]) == value


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@A1", "\tx"])
def test_csv_defuses_text_that_a_spreadsheet_would_run(text):
    rows = list(csv.reader(io.StringIO(_figure(((text, "a=b"),)).csv)))
    assert rows[1] == ["'" + text, "a=b"]


def test_csv_of_simulated_numbers_says_so_in_every_row():
    rows = list(csv.reader(io.StringIO(_figure(((1, 2), (3, 4)), is_simulated=True).csv)))
    assert [row[-1] for row in rows] == ["DATA_STATUS", "SIMULATED", "SIMULATED"]


@pytest.mark.parametrize(
    ("time", "expected"),
    [(0, 5), (2, 5), (3, 4), (8, 1), (9, 0)],
)
def test_numbers_at_risk_are_those_just_before_the_day(time, expected):
    # five subjects: events at days 2 and 5, end of follow-up at days 3, 6 and 8
    rows = [("ALL", 2, 5), ("ALL", 3, 4), ("ALL", 5, 3), ("ALL", 6, 2), ("ALL", 8, 1)]
    table = listing("km_x", "x", "GROUP TIME AT_RISK", rows)
    lines = lines_of(hsct_results(1, listings=(table,)), "km_x")
    assert at_risk(lines, time) == expected


def test_thresholds_are_those_of_the_rules_that_ran():
    def step(name, rule):
        return Step(key=name, kind="stage", label=f"derive {name}", parameters={"rule": rule})

    ran = step("neutrophil_recovery", {"threshold_per_l": 1e9, "span_days": 7})
    found = thresholds(Book(hsct_results(1, steps=(ran,))))
    assert found["ANC"] == (1e9,)
    assert found["PLT"] == (20e9, 50e9)
    assert found["HGB"] == (70.0,)


def test_scales_end_at_round_numbers_and_hold_values_within():
    scale = linear(3.0, 97.0, 0.0, 100.0)
    assert (scale.low, scale.high) == (0.0, 100.0)
    assert scale.at(50.0) == 50.0
    assert scale.at(-5.0) == 0.0
    assert scale.at(200.0) == 100.0


def test_a_logarithmic_scale_spaces_decades_evenly():
    scale = logarithmic(2e7, 5e9, 0.0, 30.0)
    assert scale.ticks == (1e7, 1e8, 1e9, 1e10)
    assert scale.at(1e8) == pytest.approx(10.0)


def test_compressed_days_keep_zero_and_order():
    scale = days([0.0, 2.0, 6.0, 30.0], [0.0, 1.0, 3.0, 7.0, 30.0], 0.0, 100.0)
    places = [scale.at(day) for day in (0, 1, 3, 7, 30)]
    assert places == sorted(places)
    assert places[0] == 0.0
    assert scale.ticks == (0.0, 1.0, 3.0, 7.0, 30.0)
    assert scale.at(3.0) == pytest.approx(100 * np.log(4) / np.log(31))


def test_markup_escapes_text_and_attributes_once():
    made = element("p", {"title": 'a"<', "x": None}, "<b>", escaped("&"))
    assert made == '<p title="a&quot;&lt;">&lt;b&gt;&amp;</p>'
    assert escaped("a\x00b") == "a\ufffdb"


def test_a_survival_curve_ends_where_nothing_is_estimable_any_more():
    # By hand: one dies on day 2 of two, the other on day 4; one who comes on day 6 says nothing.
    rows = (
        ("ALL", 0.0, 2, 0, 0, 1.0, 1.0, 1.0),
        ("ALL", 2.0, 2, 1, 0, 0.5, 0.1, 0.9),
        ("ALL", 4.0, 1, 1, 0, None, None, None),
        ("ALL", 8.0, 1, 0, 1, None, None, None),
    )
    table = listing("km_x", "x", "GROUP TIME AT_RISK EVENTS CENSORED SURVIVAL LOWER UPPER", rows)
    results = hsct_results(1, listings=(table,))
    x, y = linear(0, 10, 0, 10, is_tight=True), linear(0, 100, 100, 0)
    steps = [(0, 0), (0, 0), (0, 0), (2, 0), (2, 50), (4, 50)]
    found = _steps(lines_of(results, "km_x"), "SURVIVAL", x, y)
    assert np.array(found) == pytest.approx(np.array(steps))
    figure = survival_figure(Book(results), "km_x")
    assert "The curve ends where all who were at risk had the event" in figure.reading
    assert "not estimable event-free at day 8" in str(figure.drawing)
