import json
import tomllib
import warnings
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sojourn.formats.registry_record import (
    RegistryRecord,
    RegistryWarning,
    parse_registry_record,
    read_registry_record,
)
from sojourn.study._toml_text import toml_comment, toml_string, toml_table, toml_value
from sojourn.study.bundled import bundled_study
from sojourn.study.checking import check_study
from sojourn.study.definition import Study, parse_study
from sojourn.study.drafting import draft_study


def read_quietly(path: Path) -> RegistryRecord:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RegistryWarning)
        return read_registry_record(path)


def record_of(**modules: dict) -> RegistryRecord:
    section = {"identificationModule": {"nctId": "NCT00000001", "briefTitle": "A trial"}}
    return parse_registry_record({"protocolSection": section | modules})


def drafted(**modules: dict) -> Study:
    record = record_of(**modules)
    study = parse_study(draft_study(record))
    assert [item for item in check_study(study, record) if not item.is_declared] == []
    return study


def eligibility(text: str, **more: object) -> dict:
    return {"eligibilityModule": {"eligibilityCriteria": text, **more}}


def test_all_thirty_records_draft_load_and_leave_nothing_undeclared(shared: Path):
    files = sorted((shared / "data" / "registry").glob("NCT*.json"))
    assert len(files) == 30
    for file in files:
        record = read_quietly(file)
        text = draft_study(record)
        study = parse_study(text, source=file.name)
        silent = [item for item in check_study(study, record) if not item.is_declared]
        assert silent == [], file.name


def test_the_same_record_gives_the_same_bytes():
    file = bundled_study("NCT06171906").parent / "record.json"
    assert draft_study(read_quietly(file)) == draft_study(read_quietly(file))


def test_a_record_with_nothing_but_its_number_drafts():
    study = drafted()
    assert study.id == "NCT00000001"
    assert study.arms == study.endpoints == study.visits == ()


def test_the_knee_trial_drafts_what_is_certain_and_nothing_more():
    folder = bundled_study("NCT07313020").parent
    study = parse_study(draft_study(read_quietly(folder / "record.json")))
    assert [visit.day for visit in study.visits] == [0, 1, 3, 7, 30, 42]
    assert [endpoint.use for endpoint in study.endpoints] == ["womac"]
    assert study.endpoints[0].rule["visit"] == "DAY42"
    assert study.design is not None
    assert (study.design.allocation, study.design.enrollment) == ("randomized", 10)
    rules = {c.id: c.rule for c in study.criteria if c.rule is not None}
    assert (rules["exclusion_3"].item, rules["exclusion_3"].above) == ("BMI", 30.0)
    assert rules["age_min"].min == 18
    assert rules["age_max"].max == 75
    primary = next(o for o in study.open if o.binds == ("outcomesModule.primaryOutcomes[0]",))
    assert "cavity_retention" in primary.decision


def test_arms_get_their_interventions_and_codes_of_their_own():
    arms = {
        "armGroups": [
            {"label": "Cells, high dose"},
            {"label": "Cells, high dose!"},
            {"label": "8 mg"},
        ],
        "interventions": [
            {"name": "cells", "armGroupLabels": ["Cells, high dose"]},
            {"name": "advice", "armGroupLabels": []},
        ],
    }
    study = drafted(armsInterventionsModule=arms)
    assert [arm.code for arm in study.arms] == ["CELLS_HIGH_DOSE", "ARM2", "ARM3"]
    assert "armsInterventionsModule.interventions[0]" in study.arms[0].binds
    assert any(o.binds == ("armsInterventionsModule.interventions[1]",) for o in study.open)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("BMI \\> 30 kg/m²", {"item": "BMI", "above": 30.0, "unit": "kg/m^2"}),
        ("Body mass index (BMI) ≥ 35", {"item": "BMI", "min": 35.0, "unit": "kg/m^2"}),
        ("BMI >= 35", {"item": "BMI", "min": 35.0, "unit": "kg/m^2"}),
        ("BMI <= 18.5", {"item": "BMI", "max": 18.5, "unit": "kg/m^2"}),
        ("BMI < 18.5 kg/m2.", {"item": "BMI", "below": 18.5, "unit": "kg/m^2"}),
        ("BMI over 30 or diabetes", None),
        ("waist and BMI > 30", None),
        ("KPS score \\>60 points", {"item": "KARNOFSKY", "above": 60.0, "unit": "points"}),
        ("Karnofsky score ≥ 70%", {"item": "KARNOFSKY", "min": 70.0, "unit": "points"}),
        ("KPS score >60 points, expected survival >3 months", None),
        ("Age between 18 and 60 years, inclusive", {"item": "AGE", "min": 18.0, "max": 60.0}),
        ("Aged 18-60", {"item": "AGE", "min": 18.0, "max": 60.0}),
        ("Age 16 to 60 years", None),
        ("Age 18 to 60 years and fit", None),
        ("Adults", None),
    ],
)
def test_a_criterion_becomes_a_rule_only_where_all_of_it_is_certain(text, rule):
    study = drafted(
        **eligibility(
            f"Inclusion Criteria:\n\n* {text}", minimumAge="18 Years", maximumAge="60 Years"
        )
    )
    made = next(c for c in study.criteria if c.id == "inclusion_1")
    if rule is None:
        assert made.rule is None
        assert made.judgement
    else:
        assert made.rule is not None
        found = made.rule.model_dump(exclude_none=True, exclude_defaults=True)
        assert found == {"unit": "years"} | rule


def test_a_criterion_with_points_under_it_is_judged_as_a_whole():
    study = drafted(**eligibility("Exclusion Criteria:\n\n* BMI > 30\n  * unless an athlete"))
    assert study.criteria[0].judgement == "BMI > 30; unless an athlete"


def test_ages_in_other_units_stay_apart():
    study = drafted(**eligibility("", minimumAge="6 Months", maximumAge="16 Years"))
    rules = {c.id: c.rule for c in study.criteria}
    assert (rules["age_min"].min, rules["age_min"].unit) == (6.0, "months")
    assert (rules["age_max"].max, rules["age_max"].unit) == (16.0, "years")


def test_a_line_in_neither_list_is_open():
    study = drafted(**eligibility("Healthy adults\n\nInclusion Criteria:\n\nFor all:\n\n* consent"))
    listed = {bind for entry in study.open for bind in entry.binds}
    assert "eligibilityModule.eligibilityCriteria#unsorted-1" in listed
    assert "eligibilityModule.eligibilityCriteria#note-1" in listed


@pytest.mark.parametrize(
    ("outcome", "uses"),
    [
        ({"measure": "Overall survival", "timeFrame": "1 year"}, ["overall_survival"]),
        (
            {"measure": "1-year overall survival (OS) rate", "timeFrame": "1 year"},
            ["overall_survival"],
        ),
        ({"measure": "Disease-free survival", "timeFrame": "2 years"}, ["disease_free_survival"]),
        ({"measure": "Overall survival, stratum 2", "timeFrame": "1 year"}, []),
        ({"measure": "Overall survival", "timeFrame": "until progression"}, []),
        ({"measure": "Progression-free survival", "timeFrame": "1 year"}, []),
        ({"measure": "Infections", "timeFrame": "1 year"}, []),
        (
            {
                "measure": "WOMAC total score",
                "description": "from 0 (best) to 96",
                "timeFrame": "Baseline to Week 6",
            },
            ["womac"],
        ),
        (
            {
                "measure": "WOMAC total score",
                "description": "0 to 2400",
                "timeFrame": "Baseline to Week 6",
            },
            [],
        ),
        (
            {"measure": "WOMAC pain", "description": "0 to 96", "timeFrame": "Baseline to Week 6"},
            [],
        ),
    ],
)
def test_an_outcome_is_matched_only_where_it_is_certain(outcome, uses):
    study = drafted(outcomesModule={"primaryOutcomes": [outcome]})
    assert [endpoint.use for endpoint in study.endpoints] == uses
    assert (study.headline is None) == (not uses)
    is_open = any(
        o.binds == ("outcomesModule.primaryOutcomes[0]",) for o in study.open if not o.finding
    )
    assert is_open == (not uses)


@settings(deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_any_text_survives_writing_and_reading(text):
    document = f"{toml_comment(text)}key = {toml_string(text)}\n{toml_string(text)} = 1\n"
    if text == "key":
        return
    assert tomllib.loads(document) == {"key": text, text: 1}


@settings(deadline=None, max_examples=40)  # a shared machine may stall
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_hostile_texts_of_a_record_cannot_break_out_of_their_string(text):
    study = drafted(
        descriptionModule={"briefSummary": f"KOOS will be measured. {text}"},
        armsInterventionsModule={"armGroups": [{"label": f'"]\n[[open]]\n# {text}'}]},
        outcomesModule={"primaryOutcomes": [{"measure": f'"""\n{text}', "timeFrame": text}]},
    )
    assert len(study.arms) == 1


def test_values_keep_their_type():
    values = {
        "float": 1e6,
        "whole": 7,
        "truth": True,
        "none": [],
        "table": {"a b": [1.5, "x"], "is": False},
        "long": [f"armsInterventionsModule.interventions[{i}]" for i in range(9)],
    }
    assert tomllib.loads(toml_table("[t]", values)) == {"t": values}
    assert isinstance(tomllib.loads(toml_table("[t]", values))["t"]["float"], float)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_number_that_is_not_finite_is_refused(number):
    with pytest.raises(ValueError, match="cannot stand"):
        toml_value(number)


def test_a_draft_names_every_lint_finding_as_open():
    folder = bundled_study("NCT06171906").parent
    document = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    study = parse_study(draft_study(parse_registry_record(document)))
    codes = {entry.finding for entry in study.open if entry.finding}
    assert {"conditions.is-intervention", "eligibility.disease-undefined"} <= codes
