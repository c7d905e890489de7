"""Poor graft function, item by item.

Oracle: OURS, cases typed by hand from `reference/hsct-outcomes.md`, section 4; they need a named
haematologist's sign-off.
"""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blood_counts import counts, doses, events, g_csf, on, table, transfusions
from sojourn.core.errors import DataError
from sojourn.core.tables import CHIMERISM, EVENTS, GRAFTS, GROWTH_FACTORS, SUBJECTS
from sojourn.endpoints.poor_graft_function import ENDPOINT

GRAFT = -60
NOBODY = table(EVENTS, [])
NO_GROWTH_FACTOR = table(GROWTH_FACTORS, [])
GOOD = {"ANC": 2.0, "HGB": 110, "PLT": 150}
FULL = {
    "SOURCE": "PBSC",
    "ANC_RECOVERED": None,
    "HGB_RECOVERED": None,
    "PLT_RECOVERED": None,
    "CELLULARITY": "REDUCED",
    "OTHER_CAUSE": "N",
    "DIAGNOSED": None,
}


def blood(**lineages):
    """Return counts from {lineage: [(day, value)]}; a lineage not named is good all the time."""
    days = (*range(GRAFT + 1, 1, 3), 0)
    parts = [
        counts(
            lineages.get(name, [(day, good) for day in days]),
            column=name,
            scale=1.0 if name == "HGB" else 1e9,
        )
        for name, good in GOOD.items()
    ]
    frame = pl.concat(parts)
    return frame.with_columns(ROW=pl.int_range(2, len(frame) + 2, dtype=pl.Int64))


def donors(*measured):
    return table(CHIMERISM, [("01", on(day), name, share) for day, name, share in measured])


def judge(*, lineages=None, given=(), product="PLT", graft=GRAFT, record=None, rule=None, **tables):
    person = ("01", "F", 40, None, "Y", None if graft is None else on(graft))
    inputs = {
        "counts": blood(**(lineages or {})),
        "doses": doses(),
        "transfusions": transfusions(*given, product=product),
        "events": NOBODY,
        "subjects": table(SUBJECTS, [person]),
        "growth_factors": NO_GROWTH_FACTOR,
        "chimerism": donors((-5, "WHOLE", 99.0)),
        "grafts": table(GRAFTS, [("01", *(FULL | (record or {})).values())]),
    } | tables
    inputs = {name: frame for name, frame in inputs.items() if frame is not None}
    return {row["PARAMCD"]: row for row in ENDPOINT(inputs, rule=rule).iter_rows(named=True)}


def verdict(**case):
    return judge(**case)["PGF"]["AVALC"]


DEPENDENT = {"given": (-9, -3)}
PEKING = {"definition": "peking"}
LOW_FOR_3 = {"PLT": [(-40, 90), (-4, 12), (-3, 12), (-2, 12), (-1, 40)]}


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        pytest.param({}, "N", id="not-dependent"),
        pytest.param(DEPENDENT, "Y", id="two-transfusions-in-28-days"),
        pytest.param({"given": (-3,)}, "N", id="one-transfusion"),
        pytest.param({"given": (-28, -3)}, "Y", id="28-days-before"),
        pytest.param({"given": (-29, -3)}, "N", id="29-days-before"),
        pytest.param({"given": (0, -3)}, "N", id="not-the-day-of-the-dose"),
        pytest.param(DEPENDENT | {"product": "RBC"}, "Y", id="red-cells"),
        pytest.param({"growth_factors": g_csf(-9, -3)}, "Y", id="growth-factor"),
        pytest.param({"growth_factors": None}, None, id="no-table-of-growth-factors"),
        pytest.param(DEPENDENT | {"growth_factors": None}, "Y", id="one-lineage-suffices"),
        pytest.param(DEPENDENT | {"graft": -29}, "Y", id="29-days-after-the-graft"),
        pytest.param(DEPENDENT | {"graft": -28}, "N", id="28-days-after-the-graft"),
        pytest.param(DEPENDENT | {"record": {"OTHER_CAUSE": "Y"}}, "N", id="another-cause"),
        pytest.param(DEPENDENT | {"record": {"OTHER_CAUSE": None}}, None, id="cause-not-known"),
        pytest.param(DEPENDENT | {"record": {"CELLULARITY": None}}, "Y", id="no-marrow-needed"),
        pytest.param(DEPENDENT | {"grafts": None}, None, id="no-table-of-grafts"),
        pytest.param({"grafts": None}, "N", id="one-item-denies-whatever-is-missing"),
    ],
)
def test_consensus(case, expected):
    assert verdict(**case) == expected


@pytest.mark.parametrize(
    ("measured", "expected"),
    [
        pytest.param([(-5, "WHOLE", 95.1)], "Y", id="above-95"),
        pytest.param([(-5, "WHOLE", 95.0)], "N", id="95-is-not-above"),
        pytest.param([(-5, "WHOLE", 99.0), (-5, "CD3", 90.0)], "N", id="every-lineage"),
        pytest.param([(-30, "WHOLE", 80.0), (-5, "WHOLE", 99.0)], "Y", id="the-last-counts"),
        pytest.param([(-60, "WHOLE", 99.0)], "Y", id="60-days-before"),
        pytest.param([(-61, "WHOLE", 99.0)], None, id="61-days-before"),
        pytest.param([(1, "WHOLE", 99.0)], None, id="after-entry"),
        pytest.param([(-5, "WHOLE", None)], None, id="null-is-not-measured"),
    ],
)
def test_full_donor_chimerism(measured, expected):
    assert verdict(**DEPENDENT, chimerism=donors(*measured)) == expected
    assert verdict(**DEPENDENT, chimerism=None) is None


@pytest.mark.parametrize(
    ("happened", "consensus", "peking"),
    [
        pytest.param((-10, "RELAPSE"), "N", "N", id="relapse"),
        pytest.param((-61, "RELAPSE"), "Y", "Y", id="relapse-before-the-graft"),
        pytest.param((1, "RELAPSE"), "Y", "Y", id="relapse-after-entry"),
        pytest.param((-10, "ACUTE_GVHD", 3), "Y", "N", id="severe-acute"),
        pytest.param((-10, "ACUTE_GVHD", 2), "Y", "Y", id="moderate-acute"),
        pytest.param((-10, "ACUTE_GVHD", None), "Y", None, id="acute-not-graded"),
        pytest.param((-10, "CHRONIC_GVHD", 3), "Y", "N", id="severe-chronic"),
    ],
)
def test_other_explanations(happened, consensus, peking):
    assert verdict(**DEPENDENT, events=events(happened)) == consensus
    assert verdict(**DEPENDENT, events=events(happened), rule=PEKING) == peking


@pytest.mark.parametrize(
    ("platelets", "expected"),
    [
        pytest.param([(-4, 12), (-3, 12), (-2, 12)], "Y", id="three-days"),
        pytest.param([(-5, 90), (-4, 12), (-3, 12), (-2, 90)], "N", id="two-days"),
        pytest.param([(-5, 90), (-4, 12), (-3, 20), (-2, 90)], "N", id="20-is-not-below"),
        pytest.param([(-4, 12), (-2, 12)], "Y", id="unmeasured-between"),
        pytest.param([(-7, 12), (-2, 12)], None, id="too-sparse"),
        pytest.param([(-5, 12), (-1, 12)], "Y", id="four-days-between"),
        pytest.param([(-1, 12)], None, id="one-low-count-tells-nothing"),
        pytest.param([(-2, 90), (-1, 12), (0, 90)], "N", id="one-day-between-good-ones"),
        pytest.param([(-28, 12), (-27, 12), (-26, 12), (-1, 90)], "Y", id="28-days-before"),
        pytest.param([(-31, 12), (-30, 12), (-29, 12), (-1, 90)], "N", id="29-days-before"),
        pytest.param([(-4, None), (-3, None)], None, id="not-measured"),
    ],
)
def test_low_for_three_days(platelets, expected):
    assert verdict(lineages={"PLT": platelets}, rule=PEKING) == expected


def test_the_marrow_must_be_reduced():
    case = {"lineages": LOW_FOR_3, "rule": PEKING}
    assert verdict(**case) == "Y"
    assert verdict(**case, record={"CELLULARITY": "NORMAL"}) == "N"
    row = judge(**case, record={"CELLULARITY": None})["PGF"]
    assert row["AVALC"] is None
    assert row["REASON"] == "not decidable, missing: cellularity of the marrow not recorded"


def test_two_lineages_for_two_weeks():
    rule = {"definition": "peking_two_lineages"}
    low = [(day, 0.3) for day in range(-14, 0, 2)] + [(-1, 0.3)]
    both = {"ANC": low, "PLT": [(day, value * 40) for day, value in low]}
    assert verdict(lineages=both, rule=rule) == "Y"
    assert verdict(lineages={"ANC": low}, rule=rule) == "N"
    short = {name: [(-15, 100), *rows[1:], (0, 100)] for name, rows in both.items()}
    assert verdict(lineages=short, rule=rule) is None
    for name in short:
        short[name].insert(1, (-13, 100))
    assert verdict(lineages=short, rule=rule) == "N"


@pytest.mark.parametrize(
    ("platelets", "record", "kind"),
    [
        pytest.param([(-55, 12), (-20, 12)], {}, "PRIMARY", id="never-recovered"),
        pytest.param(
            [(-55, 12), (-40, 30), (-39, 30), (-38, 30), (-20, 12)], {}, "SECONDARY", id="lost"
        ),
        pytest.param([(-20, 12)], {}, None, id="counts-begin-late"),
        pytest.param([(-20, 12)], {"PLT_RECOVERED": "Y"}, "SECONDARY", id="recorded-yes"),
        pytest.param([(-20, 12)], {"PLT_RECOVERED": "N"}, "PRIMARY", id="recorded-no"),
        pytest.param([(-53, 12)], {}, "PRIMARY", id="counts-from-day-7"),
        pytest.param([(-52, 12)], {}, None, id="counts-from-day-8"),
    ],
)
def test_primary_or_secondary(platelets, record, kind):
    row = judge(**DEPENDENT, lineages={"PLT": platelets}, record=record)["PGFTYPE"]
    assert row["AVALC"] == kind
    assert row["AVAL"] == {"PRIMARY": 1, "SECONDARY": 2, None: None}[kind]


def test_no_kind_without_poor_graft_function():
    assert judge()["PGFTYPE"]["REASON"] == "no kind: no poor graft function"
    row = judge(**DEPENDENT, grafts=None)["PGFTYPE"]
    assert row["REASON"] == "no kind: it is not decidable"


def course(up_from):
    """Return neutrophils low until `up_from` days after the graft, then good."""
    return [(GRAFT + d, 2.0 if d >= up_from else 0.1) for d in range(1, 60)]


NEVER = 99
LOW_REST = {
    "HGB": [(GRAFT + d, 60) for d in range(1, 60)],
    "PLT": [(GRAFT + d, 10) for d in range(1, 60)],
}


@pytest.mark.parametrize(
    ("up_from", "source", "rest", "expected"),
    [
        pytest.param(NEVER, "PBSC", LOW_REST, "Y", id="never"),
        pytest.param(30, "BM", LOW_REST, "N", id="on-day-30"),
        pytest.param(31, "BM", LOW_REST, "Y", id="on-day-31"),
        pytest.param(31, "UCB", LOW_REST, "N", id="cord-blood-on-day-31"),
        pytest.param(43, "UCB", LOW_REST, "Y", id="cord-blood-on-day-43"),
        pytest.param(31, None, LOW_REST, None, id="source-decides-and-is-not-known"),
        pytest.param(20, None, LOW_REST, "N", id="source-does-not-matter"),
        pytest.param(NEVER, None, LOW_REST, "Y", id="never-whatever-the-source"),
        pytest.param(NEVER, "PBSC", {}, "N", id="one-lineage-is-no-pancytopenia"),
    ],
)
def test_primary_graft_failure(up_from, source, rest, expected):
    lineages = {"ANC": course(up_from), **rest}
    assert judge(lineages=lineages, record={"SOURCE": source})["GRFTFAIL"]["AVALC"] == expected


def test_counts_that_begin_late_tell_no_graft_failure():
    late = {name: rows[40:] for name, rows in ({"ANC": course(NEVER)} | LOW_REST).items()}
    row = judge(lineages=late)["GRFTFAIL"]
    assert row["AVALC"] is None
    assert "counts of neutrophils begin 41 days after the graft" in row["REASON"]
    assert judge(lineages=late, record={"ANC_RECOVERED": "Y"})["GRFTFAIL"]["AVALC"] == "N"


@pytest.mark.parametrize(
    ("graft", "part"), [(None, "HSCTDT"), (1, "the transplantation lies after the first dose")]
)
def test_without_a_graft_before_the_dose_nothing_is_decidable(graft, part):
    for row in judge(graft=graft).values():
        assert row["AVALC"] is None
        assert part in row["REASON"]


def test_reason_and_evidence():
    row = judge(**DEPENDENT, record={"DIAGNOSED": "N"})["PGF"]
    assert row["REASON"] == (
        "poor graft function: first dose 60 days after the graft; platelets transfused 2 times in "
        "28 days; donor chimerism WHOLE 99 %; no relapse; another cause (drugs, infection): no; "
        "the investigator says N"
    )
    assert row["EVIDENCE"] == "transfusions:2,3;chimerism:2;grafts:2"
    assert (row["DAY"], row["ADT"]) == (0, on(0))


@pytest.mark.parametrize("highest", [0.978, 1.0])
def test_shares_in_place_of_percentages_are_refused(highest):
    rows = donors((-5, "WHOLE", highest), (-5, "CD3", 0.2), (-4, "CD3", None))
    message = rf"chimerism, rows 2, 3: the highest DONOR_PERCENT is {highest:g} %: that is a share"
    with pytest.raises(DataError, match=message):
        judge(chimerism=rows)


@pytest.mark.parametrize("highest", [1.1, 97.8])
def test_one_percentage_above_1_shows_that_they_are_percentages(highest):
    rows = donors((-5, "WHOLE", highest), (-5, "CD3", 0.2))
    assert judge(chimerism=rows)["PGF"]["AVALC"] == "N"


def test_no_donor_cell_at_all_is_0_in_either_unit():
    assert verdict(**DEPENDENT, chimerism=donors((-5, "WHOLE", 0.0))) == "N"


def test_a_subject_in_two_rows_is_refused():
    people = table(SUBJECTS, [("01", "F", 40, None, "Y", on(day)) for day in (-60, -50)])
    with pytest.raises(DataError, match="subjects: '01' stands in several rows"):
        judge(subjects=people)


ITEMS = {
    "SOURCE": ("PBSC", "UCB"),
    "ANC_RECOVERED": "YN",
    "PLT_RECOVERED": "YN",
    "CELLULARITY": ("REDUCED", "NORMAL"),
    "OTHER_CAUSE": "YN",
}


@given(st.data(), st.sampled_from(["consensus", "peking", "peking_two_lineages"]))
@settings(max_examples=60, deadline=None)
def test_what_is_missing_opens_a_verdict_and_never_turns_it(data, definition):
    record = {name: data.draw(st.sampled_from(codes)) for name, codes in ITEMS.items()}
    share = data.draw(st.sampled_from([90.0, 99.0]))
    hidden = data.draw(st.sets(st.sampled_from([*ITEMS, "chimerism", "growth_factors"])))
    days = data.draw(st.lists(st.integers(-60, -1), max_size=4))
    case = {"given": tuple(days), "rule": {"definition": definition}}
    full = judge(**case, record=record, chimerism=donors((-5, "WHOLE", share)))
    less = judge(
        **case,
        record={name: None if name in hidden else code for name, code in record.items()},
        chimerism=None if "chimerism" in hidden else donors((-5, "WHOLE", share)),
        growth_factors=None if "growth_factors" in hidden else NO_GROWTH_FACTOR,
    )
    for code, row in less.items():
        assert row["AVALC"] in (None, full[code]["AVALC"]), code
