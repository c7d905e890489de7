"""What is estimated, what stops the trial, scales, complications: each listing has its place."""

import pytest

from deliverables.fixtures import listing, result
from deliverables.fixtures_hsct import hsct_results
from deliverables.fixtures_oa import oa_results
from sojourn.deliverables._blocks import Fold, Table
from sojourn.deliverables._book import Book
from sojourn.deliverables._classes import class_tables
from sojourn.deliverables._operations import kind_of, operation_words
from sojourn.deliverables._scores import scale_blocks
from sojourn.deliverables._sections_complications import complication_blocks
from sojourn.deliverables._sections_numbers import estimates_blocks, leading_results
from sojourn.deliverables._sections_plan import plan_section
from sojourn.deliverables._sections_safety import safety_section
from sojourn.deliverables.report import render_report

ESTIMANDS = listing(
    "estimands",
    "Estimands",
    "ESTIMAND POPULATION TREATMENT VARIABLE INTERCURRENT_EVENTS SUMMARY MAIN SENSITIVITY",
    [
        (
            "response",
            "dosed",
            "four infusions",
            "recovery",
            "death: composite (not recovered; shown); relapse: composite (not recovered)",
            "proportion",
            "overall_day40",
            "anc_day40, absent (not run)",
        )
    ],
    "ESTIMAND",
    notes=("response: Who recovers",),
)
POPULATIONS = listing(
    "populations",
    "Populations",
    "POPULATION GROUP N N_BEFORE LABEL MEANING",
    [("PP", None, 60, 68, "Per protocol", "whom no rule excludes")],
    "POPULATION GROUP",
)
EXCLUSIONS = listing(
    "exclusions",
    "Outside",
    "POPULATION USUBJID GROUP REASON EVIDENCE",
    [("PP", "P001", "ALL", "3 doses given, 4 planned", "doses:2")],
    "POPULATION USUBJID REASON",
)
NOTHING_TESTED = listing(
    "multiplicity",
    "Tests",
    "ORDER ANALYSIS RESULT P_VALUE ADJUSTED_P_VALUE DECISION",
    [],
    notes=("Estimation only: nothing is tested. [assumption]",),
)
STOPPING = listing(
    "stopping",
    "Stopping rules",
    "RULE EVENT AT_LEAST OF_FIRST VERDICT N WITH_EVENT REASON EVIDENCE",
    [("safety 1", "serious related", 3, 20, "met", 20, 3, "3 of 20", "adverse_events:4")],
    "RULE",
)


def cells(table: Table) -> list[str]:
    return [" | ".join(row.cells) for row in table.rows]


def test_the_estimand_table_holds_all_attributes_and_links_its_numbers():
    section = plan_section(Book(hsct_results(2, listings=(ESTIMANDS, POPULATIONS, EXCLUSIONS))))
    assert section is not None
    table = next(b for b in section.blocks if isinstance(b, Table))
    heads = [row.cells[0] for row in table.rows if not row.is_head]
    assert heads[:5] == ["Population", "Treatment", "Variable", "Events in between", "Summary"]
    words = " ".join(cells(table))
    assert "<li>death: composite (not recovered; shown)</li>" in words
    assert 'data-id="overall_day40/ALL/proportion"' in words
    assert "absent (not run)" in words


def test_nothing_of_the_plan_is_left_to_the_other_listings():
    parts = (ESTIMANDS, POPULATIONS, EXCLUSIONS, NOTHING_TESTED, STOPPING)
    html = render_report(hsct_results(2, listings=parts), {})
    assert 'id="other"' not in html
    assert "3 doses given, 4 planned" in html
    assert "Estimation only: nothing is tested." in html
    assert "60</span> of <span" in html


def test_a_stopping_rule_shows_verdict_count_and_evidence():
    section = safety_section(Book(hsct_results(2, listings=(STOPPING,))))
    assert section is not None
    table = next(b for b in section.blocks if isinstance(b, Table))
    assert "in 3 of the first 20" in cells(table)[0]
    assert '<span class="chip alarm">met</span>' in cells(table)[0]
    assert "adverse_events:4" in cells(table)[0]


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        ("incidence_at_40", "by day 40"),
        ("incidence_of_2_at_40", "death first, by day 40"),
        ("incidence_of_9_at_40", "competing event 9, by day 40"),
        ("quantile_0.5", "median: day by which half had the event"),
        ("quantile_0.25", "day by which 25 % had the event"),
        ("half_life", "half-life of the signal, not of cells"),
        ("something_else", ""),
    ],
)
def test_operations_have_clear_words(operation, words):
    assert operation_words(operation, {"2": "death first"}, is_signal=True) == words


def numbers():
    made = [
        ("incidence_at_20", 0.1),
        ("incidence_at_40", 0.2),
        ("incidence_of_2_at_40", 0.05),
        ("median_follow_up", 400.0),
        ("incidence_at_60", None),
    ]
    shared = {"unit": "1", "analysisSetId": "S", "boundNote": "", "notes": ("7 outside",)}
    return [
        result(
            "gvhd", "ALL", name, value, label="Disease" if i == 0 else f"Disease: {name}", **shared
        )
        for i, (name, value) in enumerate(made)
    ]


def test_a_figure_shows_the_last_day_and_no_competitor():
    assert [r.operationId for r in leading_results(numbers())] == ["incidence_at_40"]
    assert kind_of("incidence_of_2_at_40") == "competitor"


def test_an_analysis_is_one_head_with_its_denominator_and_short_rows():
    methods = listing("methods", "m", "TITLE TEXT", [("Analysis set S", "dosed and affected")])
    book = Book(hsct_results(2, results=tuple(numbers()), listings=(methods,)))
    main, fold = estimates_blocks(book, numbers(), "Secondary")
    assert isinstance(main, Table)
    assert isinstance(fold, Fold)
    assert main.rows[0].is_head
    assert "Among: dosed and affected (S); 7 outside" in main.rows[0].cells[0]
    assert '<span class="what">by day 20</span>' in main.rows[1].cells[0]
    assert "competing" not in " ".join(cells(main)).lower()


def test_every_scale_stands_by_group_with_its_own_n():
    columns = (
        "SCALE LABEL RANGE GROUP N N_BASELINE BASELINE N_FOLLOW_UP FOLLOW_UP N_CHANGE CHANGE "
        "CHANGE_SD CHANGE_LEAST CHANGE_MOST"
    )
    rows = [
        ("SFPF", "Physical functioning", "0 to 100", "A", 5, 5, 50.0, 4, 60.0, 4, 9.0, 2.0, 1.0, 9),
        (
            "SFPCS",
            "Physical summary",
            "US norm",
            "A",
            5,
            5,
            40.0,
            0,
            None,
            0,
            None,
            None,
            None,
            None,
        ),
    ]
    made = listing("scores_sf", "SF-36", columns, rows, "SCALE GROUP")
    _, plain, fold = scale_blocks(Book(oa_results(listings=(made,))))
    assert isinstance(plain, Table)
    assert isinstance(fold, Fold)
    assert "n = " in plain.rows[1].cells[3]
    assert 'data-field="N_FOLLOW_UP" data-value="4"' in plain.rows[1].cells[3]
    inner = fold.blocks[0]
    assert isinstance(inner, Table)
    assert "nobody has a value" in inner.rows[1].cells[3]


def test_infections_are_counted_by_site_and_grade_with_their_subjects():
    made = listing(
        "infections",
        "Infections",
        "USUBJID GROUP DAY ORGANISM SITE GRADE END_DAY EVIDENCE",
        [
            ("P1", "ALL", 3, "viral", "blood", 2, 9, "infections:2"),
            ("P1", "ALL", 20, "viral", "blood", 2, None, "infections:3"),
            ("P2", "ALL", 5, "bacterial", "lung", None, None, "infections:4"),
        ],
        "USUBJID EVIDENCE",
    )
    blocks = complication_blocks(Book(hsct_results(2, listings=(made,))))
    organism = blocks[1]
    assert isinstance(organism, Table)
    assert [head.text for head in organism.heads] == ["Organism", "grade 2", "not graded", "all"]
    assert ">2 (1)</span>" in organism.rows[1].cells[1]
    assert ">3 (2)</span>" in organism.rows[2].cells[3]


def test_an_organ_never_staged_is_not_stage_zero():
    made = listing(
        "gvhd_organs",
        "Organs",
        "USUBJID GROUP DISEASE ORGAN WORST DAY ASSESSMENTS EVIDENCE",
        [
            ("P1", "ALL", "acute", "SKIN", 2, 9, 3, "gvhd_stages:2"),
            ("P2", "ALL", "acute", "SKIN", None, None, 0, ""),
        ],
        "DISEASE ORGAN USUBJID",
    )
    table = complication_blocks(Book(hsct_results(2, listings=(made,))))[1]
    assert isinstance(table, Table)
    assert [h.text for h in table.heads] == [
        "Organ",
        "0",
        "1",
        "2",
        "3",
        "never staged",
        "subjects",
    ]
    assert table.rows[0].cells[1] == "\u00b7"
    assert ">1</span>" in table.rows[0].cells[5]


def test_the_two_domain_variant_is_named_as_such_and_counts_the_unknown():
    columns = "USUBJID GROUP ENDPOINT PARAMCD DAY AVAL AVALC CNSR REASON EVIDENCE"
    rows = [
        ("P1", "A", "response", "OARSIRSP", 42, None, "RESPONDER", None, "", ""),
        ("P2", "A", "response", "OARSIRSP", None, None, None, None, "no visit", ""),
    ]
    made = listing("outcomes", "Outcomes", columns, rows, "ENDPOINT USUBJID PARAMCD")
    (table,) = class_tables(Book(oa_results(listings=(made,))))
    assert isinstance(table, Table)
    assert "two-domain variant" in table.caption
    assert [row.cells[0] for row in table.rows] == ["responder", "no responder", "not evaluable"]
    assert ">1</span>" in table.rows[2].cells[1]


@pytest.mark.parametrize(
    ("method", "word"),
    [
        ("posterior mean, central credible interval", "95 % credible interval"),
        ("exact binomial (Clopper-Pearson)", "95 % CI"),
    ],
)
def test_a_credible_interval_is_not_headed_as_one_of_confidence(method, word):
    made = result("x", "ALL", "mean", 0.5, lower=0.4, upper=0.6, methodId=method, label="x")
    words = Book(hsct_results(2)).interval(made).replace("\u00a0", " ")
    assert f">{word} " in words
