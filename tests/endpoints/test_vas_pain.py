"""Pain on a visual analogue scale. Oracles: differences and percentages by hand (OURS)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blood_counts import doses, on, table
from sojourn.core.errors import DataError, SojournWarning, UnitsError
from sojourn.core.tables import PAIN_VAS
from sojourn.endpoints.vas_pain import ENDPOINT
from sojourn.formats.csv import parse_table


def changes(*rows):
    visits = table(PAIN_VAS, [("01", v, on(d), mm) for v, d, mm in rows])
    outcome = ENDPOINT({"pain_vas": visits, "doses": doses()})
    return {row["PARAMCD"]: row for row in outcome.iter_rows(named=True)}


@pytest.mark.parametrize(
    ("before", "after", "change", "percent"),
    [
        pytest.param(60.0, 45.0, -15.0, -25.0, id="better"),
        pytest.param(40.0, 50.0, 10.0, 25.0, id="worse"),
        pytest.param(0.0, 10.0, 10.0, None, id="no-percentage-of-0"),
        pytest.param(100.0, 0.0, -100.0, -100.0, id="bounds-are-in"),
        pytest.param(None, 10.0, None, None, id="baseline-missing"),
        pytest.param(10.0, None, None, None, id="follow-up-missing"),
    ],
)
def test_change_in_mm_and_percent(before, after, change, percent):
    got = changes(("BASELINE", 0, before), ("WEEK6", 42, after))
    assert (got["VASCHG"]["AVAL"], got["VASPCT"]["AVAL"]) == (change, percent)


@pytest.mark.parametrize("score", [100.5, -0.5, float("nan")])
def test_a_score_outside_0_to_100_is_refused_not_clipped(score):
    with pytest.raises(DataError, match=f"pain_vas, row 3: subject '01', WEEK6: .* {score:g} mm"):
        changes(("BASELINE", 0, 10.0), ("WEEK6", 42, score))


def test_centimetres_are_declared_by_their_unit():
    text = "USUBJID,VISIT,ADT,VAS [{}]\n01,BASELINE,2026-03-01,{}\n"
    read = parse_table(text.format("cm", "5.5"), "pain_vas.csv", PAIN_VAS)
    assert read["VAS"].to_list() == [pytest.approx(55.0)]
    with pytest.raises(DataError, match="outside the plausible range"):
        parse_table(text.format("cm", "55"), "pain_vas.csv", PAIN_VAS)
    with pytest.raises(UnitsError, match="VAS"):
        parse_table(text.replace(" [{}]", "").format("5.5"), "pain_vas.csv", PAIN_VAS)


@pytest.mark.parametrize("highest", [10.0, 0.5])
def test_values_that_look_like_centimetres_are_said_and_stay(highest):
    visits = [("BASELINE", 0, highest), ("WEEK6", 42, 0.0), ("DAY30", 30, 0.5)]
    message = rf"pain_vas: all 3 values of VAS are {highest:g} mm or less, .* VAS \[cm\]"
    with pytest.warns(SojournWarning, match=message):
        got = changes(*visits)
    assert got["VASCHG"]["AVAL"] == -highest


@pytest.mark.parametrize(
    "values",
    [
        pytest.param((10.1, 0.0, 5.0), id="one-above-10"),
        pytest.param((0.0, 0.0, 0.0), id="0-in-either-unit"),
        pytest.param((10.0, 9.0, None), id="two-values-tell-nothing"),
    ],
)
def test_values_that_may_well_be_millimetres_raise_no_warning(values):
    visits = zip(("BASELINE", "WEEK6", "DAY30"), (0, 42, 30), values, strict=True)
    assert changes(*visits)["VASCHG"]["AVAL"] == values[1] - values[0]


def test_changes_to_several_visits_stand_in_one_parameter():
    visits = [("BASELINE", 0, 60.0), ("WEEK6", 42, 45.0), ("DAY30", 30, None)]
    rows = [("01", v, on(d), mm) for v, d, mm in visits]
    rule = {"visits": ["DAY30", "WEEK6"]}
    outcome = ENDPOINT({"pain_vas": table(PAIN_VAS, rows)}, rule=rule)
    later = outcome.filter(PARAMCD="VASVIS").sort("AVISIT")
    assert later.select("AVISIT", "AVAL", "BASE").rows() == [
        ("DAY30", None, 60.0),
        ("WEEK6", -15.0, 60.0),
    ]
    assert later["REASON"][0] == "no pain score at DAY30"
    for bad in (["BASELINE"], ["WEEK6", "WEEK6"]):
        with pytest.raises(DataError, match="must differ"):
            ENDPOINT.check_rule({"visits": bad})


@given(st.floats(0.5, 100), st.floats(0, 100))
def test_percent_is_the_change_over_the_baseline(before, after):
    got = changes(("BASELINE", 0, before), ("WEEK6", 42, after))
    assert got["VASCHG"]["AVAL"] == after - before
    assert got["VASPCT"]["AVAL"] == pytest.approx(100 * (after / before - 1), abs=1e-9)
    assert got["VASCHG"]["BASE"] == got["VASPCT"]["BASE"] == before


def test_reasons():
    got = changes(("BASELINE", 0, 60.0), ("WEEK6", 42, 45.0))
    assert got["VASCHG"]["REASON"] == "60 mm at BASELINE, 45 mm at WEEK6"
    assert (got["VASCHG"]["DAY"], got["VASCHG"]["EVIDENCE"]) == (42, "pain_vas:2,3")
    assert (got["VASBL"]["AVAL"], got["VASFU"]["AVAL"]) == (60.0, 45.0)
    got = changes(("BASELINE", 0, 0.0), ("WEEK6", 42, 45.0))
    assert got["VASPCT"]["REASON"] == "baseline is 0: no percentage exists"
    got = changes(("WEEK6", 42, None))
    assert got["VASCHG"]["REASON"] == "no pain_vas at BASELINE; no pain score at WEEK6"


def test_a_change_needs_two_visits():
    with pytest.raises(DataError, match="must differ"):
        ENDPOINT.check_rule({"visit": "BASELINE"})
    with pytest.raises(DataError, match="two rows for BASELINE"):
        changes(("BASELINE", 0, 1.0), ("BASELINE", 1, 2.0))
