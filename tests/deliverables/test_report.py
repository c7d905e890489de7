import csv
import hashlib
import io
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from itertools import pairwise
from urllib.parse import unquote

import pytest

from deliverables.fixtures import listing
from deliverables.fixtures_hsct import hsct_results
from deliverables.fixtures_oa import oa_panels, oa_results
from sojourn.core.errors import PluginError
from sojourn.core.results import Problem, Results
from sojourn.deliverables.report import render_report

EVIL = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'
VOID = {"meta", "img", "br", "hr", "input", "link"}


class Page(HTMLParser):
    """Every tag with its attributes, in order, and the text within it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None], list[str]]] = []
        self._open: list[list[str]] = []
        self._names: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        words: list[str] = []
        self.tags.append((tag, dict(attrs), words))
        if tag not in VOID:
            self._open.append(words)
            self._names.append(tag)

    def handle_endtag(self, tag):
        assert self._names[-1] == tag, f"</{tag}> closes <{self._names[-1]}>"
        self._open.pop()
        self._names.pop()

    def handle_data(self, data):
        for words in self._open:
            words.append(data)

    def all(self, name: str) -> list[tuple[dict[str, str | None], str]]:
        return [(attrs, "".join(words)) for tag, attrs, words in self.tags if tag == name]


@pytest.fixture(scope="module")
def reports() -> dict[str, tuple[Results, str, Page]]:
    made = {"oa": oa_results(), "hsct": hsct_results(12)}
    pages = {"oa": render_report(made["oa"], oa_panels()), "hsct": render_report(made["hsct"], {})}
    return {name: (made[name], html, Page(html)) for name, html in pages.items()}


@pytest.fixture(scope="module", params=["oa", "hsct"])
def report(request, reports) -> tuple[Results, str, Page]:
    return reports[request.param]


def test_every_tag_is_closed_and_ids_are_unique(report):
    page = report[2]
    assert page._names == []
    ids = [attrs["id"] for _, attrs, _ in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))


def test_nothing_is_fetched_from_anywhere(report):
    _, html, page = report
    for tag, attrs, _ in page.tags:
        assert tag not in {"script", "link", "iframe", "object", "embed", "base", "form", "img"}
        for name, value in attrs.items():
            assert not name.startswith("on")
            if name in {"href", "src", "srcset", "action", "data", "poster"}:
                assert re.match(r"#|data:(text/csv|image/png)[;,]", value or "")
    style = page.all("style")[0][1]
    assert "url(" not in style
    assert "@import" not in style
    assert not re.search(r"https?:|//[a-z]", re.sub(r"data:[^\"]+", "", html))


def test_the_content_policy_allows_only_inline_style_and_data_images(report):
    policies = [a["content"] for a, _ in report[2].all("meta") if "http-equiv" in a]
    assert len(policies) == 1
    assert policies[0].startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:;")


def test_every_link_within_the_page_has_its_target(report):
    page = report[2]
    ids = {attrs.get("id") for _, attrs, _ in page.tags}
    targets = {a["href"][1:] for a, _ in page.all("a") if (a.get("href") or "").startswith("#")}
    assert targets <= ids


def test_headings_descend_one_level_at_a_time(report):
    levels = [int(tag[1]) for tag, _, _ in report[2].tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_the_answer_stands_first_and_sections_keep_their_order(reports):
    expected = {
        "oa": "answer flow primary secondary safety product imaging missing assumptions open lint "
        "methods provenance problems",
        "hsct": "answer flow primary secondary safety product patients missing assumptions open "
        "lint methods provenance problems",
    }
    for name, (_, _, page) in reports.items():
        assert [attrs["id"] for attrs, _ in page.all("section")] == expected[name].split()


def test_every_figure_has_title_guide_alternative_text_n_and_numbers(report):
    page = report[2]
    figures = page.all("figure")
    assert len(figures) >= 8
    for _, words in figures:
        assert "What this shows." in words
        assert "How to read it." in words
        assert "What would worry us." in words
        assert re.search(r"n: \S", words)
        assert "Its numbers as CSV" in words
        assert "Its numbers as a table" in words
    downloads = [a for a, _ in page.all("a") if "download" in a]
    assert len(downloads) == len(figures)
    titles = {a["id"] for a, words in page.all("title") if "id" in a and words.strip()}
    alternatives = {a["id"] for a, words in page.all("desc") if words.strip()}
    for attrs, _ in page.all("svg"):
        assert attrs["role"] == "img"
        title, description = (attrs["aria-labelledby"] or "").split()
        assert title in titles
        assert description in alternatives


def test_a_download_holds_the_numbers_that_are_drawn(reports):
    results, _, page = reports["oa"]
    link = next(a for a, _ in page.all("a") if "retention-by-subject" in (a.get("download") or ""))
    sheet = list(csv.DictReader(io.StringIO(unquote((link["href"] or "").partition(",")[2]))))
    known = results.listing("retention")
    assert known is not None
    drawn = [row for row in known.records() if row["MODEL"] == "compartments"]
    assert [row["VALUE"] for row in sheet] == [
        "" if row["VALUE"] is None else repr(row["VALUE"]) for row in drawn
    ]
    assert {row["DATA_STATUS"] for row in sheet} == {"SIMULATED"}


def test_every_result_is_shown_under_its_id_with_its_explain_command(report):
    results, html, page = report
    shown = {attrs.get("data-id") for _, attrs, _ in page.tags}
    for result in results.results:
        assert result.id in shown
        assert f"sojourn explain OUT {result.id}" in html


def _rows(results: Results) -> dict[str, dict[str, object]]:
    return {
        name or f"{item.id}/#{number}": row
        for item in results.listings
        for number, (name, row) in enumerate(
            zip(item.row_ids(), item.records(), strict=True), start=1
        )
    }


def test_each_number_on_the_page_is_the_number_in_the_results(report):
    results, _, page = report
    rows, checked = _rows(results), 0
    for _, attrs, _ in page.tags:
        if "data-value" not in attrs:
            continue
        number, text = attrs["data-id"] or "", attrs["data-value"] or ""
        if (result := results.result(number)) is not None:
            expected = getattr(result, attrs.get("data-field") or "rawValue")
        else:
            expected = rows[number][attrs["data-field"] or ""]
        assert float(text) == expected
        checked += 1
    assert checked > 100


def test_what_is_not_estimable_says_why_and_is_never_blank(reports):
    _, html, page = reports["oa"]
    assert "not estimable: no syringe assay was recorded" in html
    assert "not estimable: scanner down that day" in html
    for attrs, words in page.all("td"):
        assert words.strip(), f"an empty cell under {attrs.get('data-label')}"


def test_simulated_data_are_marked_on_every_section_and_picture(report):
    page = report[2]
    for _, words in page.all("h2"):
        assert "SIMULATED" in words
    for _, words in page.all("figure"):
        assert "SIMULATED" in words
    for _, words in page.all("svg"):
        assert "SIMULATED" in words
    assert "SIMULATED" in page.all("title")[0][1]


def test_real_data_carry_no_such_mark():
    html = render_report(oa_results(isSimulated=False, dataStatus="INTERIM"), {})
    assert "SIMULATED" not in html
    assert "INTERIM data" in html


def test_a_blinded_report_says_so_and_names_only_the_groups_given(reports):
    words = reports["oa"][2].all("body")[0][1]
    assert "This report is blinded" in words
    assert "--unblinded" in words
    assert "MSC" not in words
    assert "lacebo" not in words


def test_an_unblinded_report_shows_the_arms_as_given():
    html = render_report(
        oa_results(isBlinded=False, groups={"A": "Cells", "B": "Tracer alone"}), {}
    )
    assert "This report is blinded" not in html
    assert "Tracer alone" in html


def test_intervals_stand_before_p_values(reports):
    page = reports["oa"][2]
    heads = [words for _, words in page.all("th")]
    assert heads.index("Interval") < heads.index("p")


def test_the_words_keep_signal_iron_and_cells_apart(reports):
    html = reports["oa"][1]
    assert html.count("Signal is not iron, and iron is not living cells") >= 3
    assert "calibration-sample equivalents" in html
    assert "not a count of living cells" in html


def test_hostile_text_stays_text():
    bad = oa_results(
        title=EVIL,
        answer=EVIL,
        groups={"A": EVIL, "B": "B"},
        problems=(Problem(severity="error", where=EVIL, message=EVIL),),
        listings=(
            *(x for x in oa_results().listings if x.id not in {"adverse_events", "womac"}),
            listing(
                "adverse_events",
                EVIL,
                "USUBJID GROUP DAY TERM GRADE SERIOUS RELATED",
                [(EVIL, "A", 1, EVIL, 3, "Y", EVIL)],
            ),
            listing(
                "womac",
                EVIL,
                "USUBJID GROUP BASELINE FOLLOW_UP CHANGE NOTE",
                [(EVIL, "A", 40, 30, -10, EVIL), ("=cmd", "A", 1, 2, 1, "")],
                "USUBJID",
            ),
            listing("surprise", EVIL, "X Y", [(EVIL, 1.5)]),
        ),
    )
    html = render_report(bad, oa_panels())
    page = Page(html)
    assert page._names == []
    assert not [tag for tag, _, _ in page.tags if tag in {"script", "img"}]
    assert not [name for _, attrs, _ in page.tags for name in attrs if name.startswith("on")]
    assert "&lt;script&gt;" in html
    assert "%27%3Dcmd" in html


def test_a_listing_that_no_section_knows_is_shown_all_the_same():
    extra = listing("chimerism", "Donor chimerism", "USUBJID SHARE", [("P001", 0.98)])
    html = render_report(hsct_results(2, listings=(extra,)), {})
    assert "Donor chimerism" in html
    assert 'data-value="0.98"' in html


def test_results_without_listings_still_answer():
    page = Page(render_report(oa_results(listings=()), {}))
    sections = [attrs["id"] for attrs, _ in page.all("section")]
    assert sections == ["answer", "primary", "secondary", "methods", "provenance", "problems"]


def test_an_absent_primary_number_is_said_not_hidden():
    html = render_report(oa_results(primaryResultId="nothing/A/mean"), {})
    assert "There is no answer" in html
    assert "nothing/A/mean" in html


def test_a_study_of_full_size_stays_under_ten_megabytes(reports):
    assert len(reports["oa"][1].encode()) < 10e6
    assert len(render_report(hsct_results(68), {}).encode()) < 10e6


def test_the_same_results_give_the_same_bytes_in_any_process(tmp_path):
    program = (
        "import hashlib,sys;"
        "from deliverables.fixtures_hsct import hsct_results;"
        "from sojourn.deliverables.report import render_report;"
        "print(hashlib.sha256(render_report(hsct_results(4), {}).encode()).hexdigest())"
    )
    seen = {hashlib.sha256(render_report(hsct_results(4), {}).encode()).hexdigest()}
    for seed in ("1", "2"):
        environment = {
            **os.environ,
            "PYTHONHASHSEED": seed,
            "PYTHONPATH": os.pathsep.join(sys.path),
        }
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=environment,
            cwd=tmp_path,
            check=True,
            capture_output=True,
            text=True,
        )
        seen.add(done.stdout.strip())
    assert len(seen) == 1


def test_without_jinja2_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(PluginError, match=re.escape('pip install "sojourn[report]"')):
        render_report(hsct_results(1), {})
