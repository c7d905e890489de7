"""SF-36 and RAND-36. Oracles: RAND's printed worked example, the printed recodes and norms, summed
by hand (EXTERNAL tables); whole forms are walked in tests/golden/test_patient_reported.py."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blood_counts import doses, on, table
from sojourn.core.errors import DataError
from sojourn.core.tables import SF36
from sojourn.endpoints._sf36 import (
    NORMS,
    SCALES,
    find_strange_answers,
    highest_answer,
    score_sf36,
)
from sojourn.endpoints.sf36 import ENDPOINT

VERSIONS = ["rand36_any_item", "rand36_half_rule", "sf36_v1", "sf36_v2"]
BETTER = {1: -1, 20: -1, 21: -1, 22: -1, 23: -1, 26: -1, 27: -1, 30: -1, 34: -1, 36: -1}
"""Items whose lower answers are better; Q2 is in no scale."""


def form(version, *, best=True, **changed):
    """Return a form of the best or the worst answers, some of them changed."""
    items = {}
    for i in range(1, 37):
        is_low = (BETTER.get(i, 1) > 0) is not best
        items[f"Q{i}"] = 1 if is_low else highest_answer(version, i)
    return items | changed


@pytest.mark.parametrize("version", VERSIONS)
def test_best_and_worst_forms_span_0_to_100(version):
    for best, expected in ((True, 100), (False, 0)):
        scores = score_sf36(form(version, best=best), version)
        assert [scores[s] for s in SCALES] == pytest.approx([expected] * 8, abs=1e-12)


def test_rand_s_worked_example_of_vitality():
    items = form("rand36_any_item", Q23=4, Q27=3, Q29=3, Q31=None)
    assert score_sf36(items, "rand36_any_item")["VT"] == pytest.approx(140 / 3)


def blank(version, scale, n_answered):
    items = form(version)
    for i in SCALES[scale][n_answered:]:
        items[f"Q{i}"] = None
    return items


@pytest.mark.parametrize(
    ("scale", "needed"),
    [("PF", 5), ("RP", 2), ("BP", 1), ("GH", 3), ("VT", 2), ("SF", 1), ("RE", 2), ("MH", 3)],
)
@pytest.mark.parametrize("version", ["rand36_half_rule", "sf36_v1", "sf36_v2"])
def test_half_of_the_items_is_enough_and_less_is_not(version, scale, needed):
    assert score_sf36(blank(version, scale, needed), version)[scale] == pytest.approx(100)
    assert score_sf36(blank(version, scale, needed - 1), version)[scale] is None


def test_rand_s_own_rule_takes_a_single_item():
    for scale in SCALES:
        one, none = (
            score_sf36(blank("rand36_any_item", scale, n), "rand36_any_item") for n in (1, 0)
        )
        assert (one[scale], none[scale]) == (100, None)


@pytest.mark.parametrize(
    ("severity", "interference", "total"),
    [
        pytest.param(1, 1, 12.0, id="none-and-none"),
        pytest.param(2, 1, 5.4 + 5, id="6-only-where-both-are-best"),
        pytest.param(1, 2, 6 + 4, id="interference-with-no-pain"),
        pytest.param(3, 3, 4.2 + 3, id="middle"),
        pytest.param(4, 4, 3.1 + 2, id="fourth"),
        pytest.param(5, 5, 2.2 + 1, id="fifth"),
        pytest.param(6, 5, 2.0, id="worst"),
        pytest.param(None, 1, 12.0, id="interference-alone-1"),
        pytest.param(None, 2, 2 * 4.75, id="interference-alone-2"),
        pytest.param(None, 3, 2 * 3.5, id="interference-alone-3"),
        pytest.param(None, 4, 2 * 2.25, id="interference-alone-4"),
        pytest.param(5, None, 2 * 2.2, id="severity-alone"),
    ],
)
@pytest.mark.parametrize("version", ["sf36_v1", "sf36_v2"])
def test_pain_depends_on_both_items(version, severity, interference, total):
    scores = score_sf36(form(version, Q21=severity, Q22=interference), version)
    assert scores["BP"] == pytest.approx((total - 2) * 10)


@pytest.mark.parametrize(("answer", "points"), [(1, 5), (2, 4.4), (3, 3.4), (4, 2), (5, 1)])
def test_general_health_weighs_its_first_item(answer, points):
    scores = score_sf36(form("sf36_v1", Q1=answer), "sf36_v1")
    assert scores["GH"] == pytest.approx((20 + points - 5) * 5)
    assert score_sf36(form("rand36_any_item", Q1=2), "rand36_any_item")["GH"] == 95


@pytest.mark.parametrize("version", ["sf36_v1", "sf36_v2"])
def test_the_norm_population_scores_50(version):
    scores = score_sf36(form(version), version)
    for scale, (mean, sd) in NORMS[version].items():
        assert scores[f"{scale}_T"] == pytest.approx(50 + 10 * (100 - mean) / sd)


def test_a_missing_scale_leaves_no_summary():
    for scale in SCALES:
        scores = score_sf36(blank("sf36_v1", scale, 0), "sf36_v1")
        assert scores["PCS"] is scores["MCS"] is scores[f"{scale}_T"] is None
        assert sum(scores[s] is None for s in SCALES) == 1


def test_rand_36_has_no_norms_and_no_summaries():
    for version in VERSIONS[:2]:
        assert set(score_sf36(form(version), version)) == set(SCALES)


@pytest.mark.parametrize(
    ("version", "item", "high"),
    [
        ("sf36_v1", 12, 3),
        ("sf36_v1", 13, 2),
        ("sf36_v2", 13, 5),
        ("sf36_v1", 19, 2),
        ("sf36_v2", 19, 5),
        ("sf36_v1", 20, 5),
        ("sf36_v2", 21, 6),
        ("sf36_v2", 22, 5),
        ("sf36_v1", 23, 6),
        ("sf36_v2", 31, 5),
        ("rand36_any_item", 31, 6),
        ("rand36_any_item", 32, 5),
        ("rand36_any_item", 2, 5),
    ],
)
def test_an_answer_that_the_form_does_not_offer_counts_as_missing(version, item, high):
    for answer in (0, high + 1):
        strange = form(version, **{f"Q{item}": answer})
        assert find_strange_answers(strange, version) == {item: answer}
        without = form(version, **{f"Q{item}": None})
        assert score_sf36(strange, version) == score_sf36(without, version)
    assert not find_strange_answers(form(version, **{f"Q{item}": high}), version)


def forms(version):
    each = {f"Q{i}": st.none() | st.integers(1, highest_answer(version, i)) for i in range(1, 37)}
    return st.fixed_dictionaries(each)


@pytest.mark.parametrize("version", VERSIONS)
@given(st.data())
@settings(max_examples=40)
def test_a_better_answer_never_lowers_its_scale(version, data):
    items = data.draw(forms(version))
    item = data.draw(st.sampled_from([i for i in range(1, 37) if i != 2]))
    step, answer = BETTER.get(item, 1), items[f"Q{item}"]
    if answer is None or not 1 <= answer + step <= highest_answer(version, item):
        return
    before = score_sf36(items, version)
    after = score_sf36({**items, f"Q{item}": answer + step}, version)
    for scale, numbers in SCALES.items():
        if item in numbers and before[scale] is not None:
            assert after[scale] > before[scale]
        else:
            assert after[scale] == before[scale]


@pytest.mark.parametrize("version", VERSIONS)
@given(st.data())
@settings(max_examples=40)
def test_scales_stay_within_0_to_100_whatever_is_missing(version, data):
    scores = score_sf36(data.draw(forms(version)), version)
    known = [scores[s] for s in SCALES if scores[s] is not None]
    assert all(-1e-12 <= score <= 100 + 1e-12 for score in known)


def outcomes(*rows, version="sf36_v2", dosed=True):
    tables = {"sf36": table(SF36, [("01", v, on(d), *f.values()) for v, d, f in rows])}
    if dosed:
        tables["doses"] = doses()
    made = ENDPOINT(tables, rule={"version": version})
    return {r["PARAMCD"]: r for r in made.iter_rows(named=True)}


def test_change_is_visit_minus_baseline_and_says_whose_norms():
    before, after = form("sf36_v2", best=False), form("sf36_v2")
    got = outcomes(("BASELINE", -2, before), ("WEEK6", 42, after))
    assert [got[p]["AVAL"] for p in ("SFPF", "SFPFBL", "SFPFFU")] == [100, 0, 100]
    mean, sd = NORMS["sf36_v2"]["PF"]
    assert got["SFPFT"]["AVAL"] == pytest.approx(1000 / sd)
    assert got["SFPFTBL"]["AVAL"] == pytest.approx(50 - 10 * mean / sd)
    assert got["SFPCS"]["AVAL"] == pytest.approx(got["SFPCSFU"]["AVAL"] - got["SFPCSBL"]["AVAL"])
    assert got["SFPCS"]["BASE"] == got["SFPCSBL"]["AVAL"]
    assert got["SFPCS"]["REASON"].endswith("norm: United States 1998")
    assert got["SFPF"]["REASON"] == "PF 0 at BASELINE; PF 100 at WEEK6"
    assert (got["SFPF"]["DAY"], got["SFPF"]["EVIDENCE"]) == (42, "sf36:2,3")


def test_a_summary_never_stands_without_the_other_and_the_scales():
    got = outcomes(("BASELINE", 0, form("sf36_v1")), version="sf36_v1")
    for suffix in ("", "BL", "FU"):
        names = [f"SF{s}" for s in (*SCALES, *(f"{s}T" for s in SCALES), "PCS", "MCS")]
        assert {n + suffix for n in names} <= set(got)
    assert len(got) == 3 * 18
    assert max(map(len, got)) <= 8
    rand = outcomes(("BASELINE", 0, form("rand36_any_item")), version="rand36_any_item")
    assert set(rand) == {f"SF{s}{x}" for s in SCALES for x in ("", "BL", "FU")}


def test_reasons_name_what_lacks_and_what_the_form_does_not_offer():
    early = form("sf36_v2", Q24=6, Q17=None, Q18=None)
    got = outcomes(("BASELINE", 0, early), ("WEEK6", 42, form("sf36_v2")))
    assert got["SFMHBL"]["REASON"] == "Q24 is 6, outside 1 to 5, taken as missing, at BASELINE"
    assert got["SFMHBL"]["AVAL"] == 100
    assert got["SFREBL"]["REASON"] == "too few answers for RE, at BASELINE"
    assert got["SFRE"]["REASON"] == "RE 100 at WEEK6; too few answers for RE, at BASELINE"
    assert (got["SFRE"]["AVAL"], got["SFPCS"]["AVAL"]) == (None, None)
    assert "too few answers for RE" in got["SFMCSBL"]["REASON"]
    assert "Q24 is 6" in got["SFMCSBL"]["REASON"]
    assert "Q24" not in got["SFPFBL"]["REASON"]


def test_a_visit_without_a_form():
    got = outcomes(("BASELINE", 0, form("sf36_v1")), version="sf36_v1", dosed=False)
    assert got["SFGHFU"]["REASON"] == "no sf36 at WEEK6"
    assert (got["SFGH"]["AVAL"], got["SFGHBL"]["AVAL"], got["SFGH"]["DAY"]) == (None, 100, None)


def test_two_baselines_are_refused():
    with pytest.raises(DataError, match="sf36: subject '01' has two rows for BASELINE"):
        outcomes(("BASELINE", 0, form("sf36_v2")), ("BASELINE", 1, form("sf36_v2")))


@pytest.mark.parametrize(
    "rule", [{}, {"version": "sf36"}, {"version": "sf36_v1", "visit": "B", "baseline": "B"}]
)
def test_the_version_is_never_guessed(rule):
    with pytest.raises(DataError, match="rule of SFPF"):
        ENDPOINT({"sf36": table(SF36, [])}, rule=rule)
