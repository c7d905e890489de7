from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from sojourn.core.errors import DataError
from sojourn.study.bundled import bundled_studies
from sojourn.study.definition import (
    Study,
    assumptions,
    parse_study,
    read_study,
    with_data_status,
)

SMALL = """\
id = "TEST-1"
title = "A small study"
headline = "anc_40"

[day_zero]
event = "first_dose"
from = "record"
cites = "outcomesModule.primaryOutcomes[0].timeFrame"

[[arms]]
code = "CELLS"
name = "cells"
dose_cells_per_kg = 1.0e6
days = [0, 7]
from = "record"
cites = "armsInterventionsModule.armGroups[0]"

[[visits]]
name = "BASELINE"
day = 0
window_days = [-7, 0]
collects = ["counts"]
from = "assumption"
reason = "a week is usual"

[[visits]]
name = "DAY40"
day = 40
window_days = [38, 42]
from = "protocol"
cites = "section 8.1"
assumes = {window_days = "two days either side"}

[[endpoints]]
id = "anc"
use = "hemogram_response"
role = "primary"
rule = {by_day = 40, neutrophils = {threshold_per_l = 0.5e9}}
from = "record"
cites = "outcomesModule.primaryOutcomes[0]"
assumes = {"neutrophils.threshold_per_l" = "the usual limit"}

[[endpoints]]
id = "anc_reaching"
use = "hemogram_response"
base = "anc"
role = "sensitivity"
rule = {neutrophils = {comparison = "greater_equal"}}
from = "assumption"
reason = "as registries do"

[[analyses]]
id = "anc_40"
label = "Neutrophils by day 40"
endpoint = "anc"
param = "ANCREC40"
use = "proportion"
role = "primary"
settings = {success = ["Y"]}
by = "all"
from = "record"
cites = "outcomesModule.primaryOutcomes[0]"

[[criteria]]
id = "age"
kind = "inclusion"
rule = {item = "AGE", min = 18, max = 60, unit = "years"}
from = "record"
cites = "eligibilityModule.minimumAge"

[[open]]
binds = ["descriptionModule.briefSummary#mechanism"]
what = "mechanisms"
decision = "name an assay or drop it"
"""


def changed(old: str, new: str, *, count: int = 1) -> str:
    assert old in SMALL, f"the small study has no {old!r}"
    return SMALL.replace(old, new, count)


def refused(text: str) -> str:
    with pytest.raises(DataError) as caught:
        parse_study(text, source="file.toml")
    message = str(caught.value)
    assert message.startswith("file.toml: ")
    return message


def test_the_small_study_is_valid():
    study = parse_study(SMALL)
    assert study.arms[0].dose_cells_per_kg == 1e6
    assert study.visits[1].window_days == (38, 42)
    assert study.criteria[0].rule is not None
    assert study.criteria[0].rule.max == 60
    assert study.data_status == "PLANNED"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        pytest.param(
            "threshold_per_l = 0.5e9}}",
            "treshold_per_l = 0.5e9}}",
            (
                "endpoints[0] (anc).rule.neutrophils: unknown key 'treshold_per_l'",
                "did you mean 'threshold_per_l'?",
                "span_days",
            ),
            id="in-a-plug-in's-rule",
        ),
        pytest.param(
            "by_day = 40,",
            "by_days = 40,",
            ("endpoints[0] (anc).rule: unknown key 'by_days'", "did you mean 'by_day'?"),
            id="in-a-rule",
        ),
        pytest.param(
            "settings = {success",
            "settings = {succes",
            ("analyses[0] (anc_40).settings: unknown key 'succes'", "did you mean 'success'?"),
            id="in-settings",
        ),
        pytest.param(
            'collects = ["counts"]',
            'colects = ["counts"]',
            ("visits[0] (BASELINE): unknown key 'colects'", "did you mean 'collects'?", "reason"),
            id="in-an-entry",
        ),
        pytest.param(
            "[[criteria]]",
            "[[criterias]]",
            ("the file: unknown key 'criterias'", "did you mean 'criteria'?"),
            id="a-table",
        ),
        pytest.param(
            'unit = "years"}',
            'units = "years"}',
            ("criteria[0] (age).rule: unknown key 'units'", "did you mean 'unit'?"),
            id="in-a-criterion",
        ),
        pytest.param(
            'from = "protocol"',
            'from_ = "protocol"',
            ("visits[1] (DAY40): unknown key 'from_'", "did you mean 'from'?"),
            id="python's-name-of-from",
        ),
    ],
)
def test_a_typo_in_a_key_is_refused_with_place_suggestion_and_accepted_keys(old, new, said):
    message = refused(changed(old, new))
    for part in said:
        assert part in message
    assert "accepted: " in message


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        pytest.param(
            'reason = "a week is usual"\n', "", "needs a reason", id="assumption-without-reason"
        ),
        pytest.param(
            'reason = "a week is usual"', 'reason = " "', "reason", id="assumption-blank-reason"
        ),
        pytest.param('cites = "section 8.1"\n', "", "needs cites", id="protocol-without-place"),
        pytest.param(
            'from = "record"\ncites = "armsInterventionsModule.armGroups[0]"',
            'from = "record"',
            'from = "record" needs cites',
            id="record-without-place",
        ),
        pytest.param(
            'from = "protocol"',
            'from = "hearsay"',
            "'record', 'protocol' or 'assumption'",
            id="from",
        ),
        pytest.param('from = "protocol"\n', "", "visits[1] (DAY40).from is missing", id="no-from"),
    ],
)
def test_every_entry_says_where_it_comes_from(old, new, said):
    assert said in refused(changed(old, new))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("day = 40", 'day = "40"', "visits[1] (DAY40).day is '40'; expected: a whole number"),
        ("day = 40", "day = true", "expected: a whole number"),
        ("day = 40", "day = 40.0", "expected: a whole number"),
        ("dose_cells_per_kg = 1.0e6", "dose_cells_per_kg = nan", "arms[0] (CELLS)"),
        ("dose_cells_per_kg = 1.0e6", "dose_cells_per_kg = -1.0", "arms[0] (CELLS)"),
        ("days = [0, 7]", "days = 0", "expected: a list"),
        ('by = "all"', 'by = "sex"', "'arm' or 'all'"),
        ('id = "TEST-1"', 'id = "../x"', "id is '../x'"),
        ('title = "A small study"', 'record = "../r.json"\ntitle = "x"', "record is"),
        ("rule = {by_day = 40", 'rule = {by_day = "forty"', "endpoints[0] (anc).rule.by_day"),
    ],
)
def test_a_value_of_another_kind_is_refused(old, new, said):
    assert said in refused(changed(old, new))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        pytest.param(
            'use = "proportion"', 'use = "propotion"', "did you mean 'proportion'?", id="statistic"
        ),
        pytest.param(
            'use = "hemogram_response"',
            'use = "hemogram_respons"',
            "did you mean 'hemogram_response'?",
            id="endpoint-plug-in",
        ),
        pytest.param(
            'endpoint = "anc"', 'endpoint = "plt"', "no 'plt' in this file", id="endpoint"
        ),
        pytest.param('by = "all"', 'by = "arm"\narm = "PLACEBO"', "no 'PLACEBO'", id="arm"),
        pytest.param('base = "anc"', 'base = "anc_reaching"', "no 'anc_reaching'", id="own-base"),
        pytest.param(
            'headline = "anc_40"', 'headline = "anc"', "headline: there is no", id="headline"
        ),
        pytest.param('headline = "anc_40"\n', "", "headline is missing", id="no-headline"),
        pytest.param(
            'role = "primary"\nsettings',
            'role = "secondary"\nsettings',
            "headline: there is no 'anc_40'",
            id="headline-is-not-primary",
        ),
        pytest.param(
            'role = "primary"\nrule',
            'role = "secondary"\nrule',
            "its endpoint anc is not",
            id="rank",
        ),
        pytest.param(
            'role = "sensitivity"',
            'role = "primary"',
            "endpoint anc_reaching is primary but has no primary analysis",
            id="primary-without-analysis",
        ),
        pytest.param('id = "anc_reaching"', 'id = "anc"', "as is endpoints[0]", id="same-id"),
        pytest.param('name = "DAY40"', 'name = "BASELINE"', "as is visits[0]", id="same-visit"),
        pytest.param(
            'collects = ["counts"]', 'collects = ["count"]', "did you mean 'counts'?", id="tables"
        ),
        pytest.param(
            "assumes = {window_days",
            "assumes = {window_day",
            "did you mean 'window_days'?",
            id="assumes",
        ),
        pytest.param(
            '"neutrophils.threshold_per_l" =',
            '"neutrophils.span_days" =',
            "there is no 'neutrophils.span_days'",
            id="assumes-an-unstated-setting",
        ),
    ],
)
def test_entries_must_fit_each_other_and_the_plug_ins(old, new, said):
    assert said in refused(changed(old, new))


@pytest.mark.parametrize(
    ("window", "is_valid"),
    [
        ("[40, 40]", True),
        ("[39, 40]", True),
        ("[40, 41]", True),
        ("[41, 42]", False),
        ("[38, 39]", False),
        ("[42, 38]", False),
        ("[38]", False),
    ],
)
def test_a_visit_lies_within_its_window_ends_included(window, is_valid):
    text = changed("window_days = [38, 42]", f"window_days = {window}")
    if is_valid:
        parse_study(text)
    else:
        assert "visits[1] (DAY40)" in refused(text)


@pytest.mark.parametrize(("day", "is_valid"), [(0, True), (40, True), (41, False)])
def test_visits_are_ordered_by_day(day, is_valid):
    text = changed(
        "day = 0\nwindow_days = [-7, 0]", f"day = {day}\nwindow_days = [{day - 7}, {day}]"
    )
    if is_valid:
        parse_study(text)
    else:
        assert "order visits by day" in refused(text)


def test_two_visits_may_share_a_day_and_its_window():
    study = parse_study(
        changed("day = 0\nwindow_days = [-7, 0]", "day = 40\nwindow_days = [38, 42]")
    )
    assert [visit.day for visit in study.visits] == [40, 40]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ('rule = {item = "AGE", min = 60, max = 60, unit = "years"}', None),
        ('rule = {item = "AGE", min = 61, max = 60, unit = "years"}', "exceeds upper bound"),
        ('rule = {item = "AGE", above = 61, below = 60, unit = "years"}', "exceeds upper bound"),
        ('rule = {item = "AGE", min = 18}', "needs a unit"),
        ('rule = {item = "AGE"}', "exactly one of"),
        ('rule = {item = "AGE", min = 18, unit = "years", is = true}', "exactly one of"),
        ('rule = {item = "AGE", is = false}', None),
        ('rule = {item = "KL", one_of = [2, 3]}', None),
        ('rule = {item = "KL", one_of = []}', "exactly one of"),
        ('judgement = "a person decides"', None),
        ('rule = {item = "X", is = true}\njudgement = "a person"', "either a rule or a judgement"),
        ("", "either a rule or a judgement"),
    ],
)
def test_a_criterion_is_one_test_or_a_judgement(rule, said):
    text = changed('rule = {item = "AGE", min = 18, max = 60, unit = "years"}', rule)
    if said is None:
        parse_study(text)
    else:
        assert said in refused(text)


def test_a_base_gives_the_rule_that_its_variant_does_not_change():
    study = parse_study(SMALL)
    assert study.endpoints[1].rule == {
        "by_day": 40,
        "neutrophils": {"threshold_per_l": 0.5e9, "comparison": "greater_equal"},
    }
    assert "comparison" not in study.endpoints[0].rule["neutrophils"]


def test_a_rule_that_names_an_unknown_visit_is_refused():
    text = changed(
        'use = "hemogram_response"\nbase = "anc"\nrole = "sensitivity"\n'
        'rule = {neutrophils = {comparison = "greater_equal"}}',
        'use = "cavity_retention"\nrole = "sensitivity"\nrule = {visit = "DAY04"}',
    )
    assert "rule.visit: there is no 'DAY04' in this file; did you mean 'DAY40'?" in refused(text)


def test_toml_that_is_broken_is_refused_with_its_line():
    assert "line 2" in refused('id = "X"\ntitle = "unclosed\n')
    assert "not TOML" in refused('id = "X"\nid = "Y"\n')


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path):
    with pytest.raises(DataError, match="cannot be read"):
        read_study(tmp_path / "absent.toml")
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b'id = "X"\ntitle = "caf\xe9"\n')
    with pytest.raises(DataError, match="not UTF-8"):
        read_study(latin)


def test_a_byte_order_mark_and_windows_line_ends_are_accepted(tmp_path: Path):
    file = tmp_path / "study.toml"
    file.write_bytes(b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").encode())
    assert read_study(file) == parse_study(SMALL)


@settings(deadline=None)  # a shared machine may stall
@given(st.text())
def test_any_text_is_a_study_or_one_clear_error(text):
    with pytest.raises(DataError):
        parse_study(text)


def test_a_study_cannot_be_changed():
    study = parse_study(SMALL)
    with pytest.raises(ValidationError, match="frozen"):
        study.title = "another"  # type: ignore[misc]


def test_entries_are_listed_under_their_place():
    places = [where for where, _ in parse_study(SMALL).entries()]
    assert places == [
        "day_zero",
        "arms[0]",
        "visits[0]",
        "visits[1]",
        "endpoints[0]",
        "endpoints[1]",
        "analyses[0]",
        "criteria[0]",
    ]


def test_assumptions_are_whole_entries_single_keys_and_silent_defaults():
    found = {a.where: a for a in assumptions(parse_study(SMALL))}
    assert found["visits[0]"].grounds == "a week is usual"
    assert found["visits[1].window_days"].statement == "Visit DAY40: window days = 38 to 42."
    threshold = found["endpoints[0].neutrophils.threshold_per_l"]
    assert threshold.statement == "Endpoint anc: neutrophils threshold per l = 500000000."
    variant = found["endpoints[1]"].statement
    assert "neutrophils comparison greater_equal" in variant
    assert "by day" not in variant
    assert found["endpoints[0].rule.neutrophils.span_days"].from_ == "default"
    assert "endpoints[0].rule.by_day" not in found
    assert not {"arms[0]", "analyses[0]", "criteria[0]", "day_zero"} & set(found)


@pytest.mark.parametrize("status", ["SIMULATED", "INTERIM", "FINAL"])
def test_the_data_status_changes_alone(status):
    text = SMALL.replace('title = "A small', 'data_status = "PLANNED"\ntitle = "A small')
    made = with_data_status(text, status)
    assert parse_study(made).data_status == status
    assert made == text.replace('"PLANNED"', f'"{status}"')


def test_the_data_status_is_added_where_it_is_not_stated():
    assert parse_study(with_data_status(SMALL, "FINAL")).data_status == "FINAL"


def test_an_unknown_data_status_is_refused():
    with pytest.raises(DataError, match="data_status"):
        with_data_status(SMALL, "GUESSED")


@pytest.mark.parametrize("name", bundled_studies())
def test_bundled_studies_state_every_setting(name):
    study = read_study(bundled_studies()[name])
    assert isinstance(study, Study)
    assert [a for a in assumptions(study) if a.from_ == "default"] == []


@pytest.mark.parametrize("name", bundled_studies())
def test_bundled_studies_survive_a_round_trip(name):
    study = read_study(bundled_studies()[name])
    document = study.model_dump(mode="json", by_alias=True, exclude_none=True)
    assert Study.model_validate(document) == study
