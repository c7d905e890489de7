import copy
import json
import tomllib
from pathlib import Path

import pytest

from sojourn.core.errors import DataError
from sojourn.formats.registry_record import RegistryRecord, parse_registry_record
from sojourn.study._record_items import record_items
from sojourn.study.bundled import bundled_study
from sojourn.study.checking import OpenItem, check_study
from sojourn.study.definition import Study, read_study

KNEE, BLOOD = "NCT07313020", "NCT06171906"

# Read from the two records by hand: what they promise and this version does not compute.
EXPECTED_OPEN = {
    KNEE: {
        "armsInterventionsModule.armGroups[0].description#MRI",
        "armsInterventionsModule.armGroups[0].description#guidance",
        "descriptionModule.briefSummary#cell-survival",
        "descriptionModule.briefSummary#correlation",
        "descriptionModule.briefSummary#prediction",
        "descriptionModule.briefSummary#mechanism",
    },
    BLOOD: {
        "descriptionModule.briefSummary#mechanism",
        "descriptionModule.briefSummary#complications",
    },
}


def restated(name: str) -> dict:
    return json.loads((bundled_study(name).parent / "record.json").read_text(encoding="utf-8"))


def record_of(document: dict) -> RegistryRecord:
    return parse_registry_record(document)


def undeclared(study: Study, document: dict) -> list[OpenItem]:
    return [item for item in check_study(study, record_of(document)) if not item.is_declared]


def entries_of(document: dict) -> list[dict]:
    found = []
    for value in document.values():
        found += [value] if isinstance(value, dict) else value if isinstance(value, list) else []
    return [entry for entry in found if isinstance(entry, dict)]


@pytest.mark.parametrize("name", [KNEE, BLOOD])
def test_a_finished_study_leaves_open_exactly_what_the_record_promises_beyond_it(name):
    items = check_study(read_study(bundled_study(name)), record_of(restated(name)))
    assert all(item.is_declared for item in items)
    assert {item.path for item in items} == EXPECTED_OPEN[name]
    assert all(item.what and item.decision for item in items)


@pytest.mark.parametrize("name", [KNEE, BLOOD])
def test_a_finished_study_fits_the_registered_record_too(name, shared: Path):
    text = (shared / "data" / "registry" / f"{name}.json").read_text(encoding="utf-8")
    items = check_study(read_study(bundled_study(name)), record_of(json.loads(text)))
    assert all(item.is_declared for item in items)
    assert {item.path for item in items} == EXPECTED_OPEN[name]


@pytest.mark.parametrize("name", [KNEE, BLOOD])
def test_the_restated_record_has_the_items_of_the_registered_one(name, shared: Path):
    text = (shared / "data" / "registry" / f"{name}.json").read_text(encoding="utf-8")
    registered = {(item.kind, item.path) for item in record_items(record_of(json.loads(text)))}
    ours = {(item.kind, item.path) for item in record_items(record_of(restated(name)))}
    elsewhere = {"promise", "day"}  # named in other sentences of the restatement
    assert {i for i in ours if i[0] not in elsewhere} == {
        i for i in registered if i[0] not in elsewhere
    }


@pytest.mark.parametrize(
    ("name", "path"),
    [
        (name, item.path)
        for name in (KNEE, BLOOD)
        for item in record_items(record_of(restated(name)))
    ],
)
def test_whatever_loses_its_binding_is_listed(name, path):
    """Nothing is silently dropped: each item of the record, unbound alone, appears alone."""
    record = record_of(restated(name))
    item = next(item for item in record_items(record) if item.path == path)
    places = {item.path, *item.places}
    document = tomllib.loads(bundled_study(name).read_text(encoding="utf-8"))
    for entry in entries_of(document):
        if "binds" in entry:
            entry["binds"] = [bind for bind in entry["binds"] if bind not in places]
    document["open"] = [entry for entry in document["open"] if entry["binds"]]
    if item.kind == "day":
        document["visits"] = [v for v in document["visits"] if v["day"] != item.day]
        for arm in document["arms"]:
            arm["days"] = [day for day in arm["days"] if day != item.day]
    items = undeclared(Study.model_validate(document), restated(name))
    assert [(found.path, found.kind) for found in items] == [(path, item.kind)]


@pytest.mark.parametrize("name", [KNEE, BLOOD])
def test_a_lint_finding_without_answer_is_listed_with_its_decision(name):
    document = tomllib.loads(bundled_study(name).read_text(encoding="utf-8"))
    dropped = document["answers"].pop(0)
    items = undeclared(Study.model_validate(document), restated(name))
    assert [item.kind for item in items] == ["finding"]
    assert items[0].what.startswith(f"{dropped['finding']}: ")
    assert items[0].decision


def test_an_answer_with_a_path_answers_there_only():
    document = tomllib.loads(bundled_study(KNEE).read_text(encoding="utf-8"))
    path = "armsInterventionsModule.armGroups[0].description"
    answers = [a for a in document["answers"] if a.get("path") == path]
    assert len(answers) == 1
    answers[0]["path"] = "descriptionModule.briefSummary"
    items = undeclared(Study.model_validate(document), restated(KNEE))
    assert [(item.kind, item.path) for item in items] == [("finding", path)]


def test_an_open_entry_may_stand_for_a_lint_finding():
    document = tomllib.loads(bundled_study(KNEE).read_text(encoding="utf-8"))
    dropped = document["answers"].pop(0)
    study = Study.model_validate(document)
    silent = undeclared(study, restated(KNEE))
    document["open"].append(
        {
            "binds": [silent[0].path],
            "finding": dropped["finding"],
            "what": "left open",
            "decision": "ask the sponsor",
        }
    )
    assert undeclared(Study.model_validate(document), restated(KNEE)) == []


def test_an_answer_to_a_finding_that_is_not_there_is_listed_with_the_nearest():
    document = tomllib.loads(bundled_study(KNEE).read_text(encoding="utf-8"))
    extra = copy.deepcopy(document["answers"][0])
    extra["finding"] = "masking.blinding-unregistred"
    document["answers"].append(extra)
    items = undeclared(Study.model_validate(document), restated(KNEE))
    assert [item.kind for item in items] == ["answer"]
    assert "did you mean 'masking.blinding-unregistered'?" in items[0].what


def test_a_primary_outcome_asks_for_a_primary_endpoint():
    document = tomllib.loads(bundled_study(KNEE).read_text(encoding="utf-8"))
    document["endpoints"][0]["role"] = "exploratory"
    items = undeclared(Study.model_validate(document), restated(KNEE))
    assert [item.path for item in items] == ["outcomesModule.primaryOutcomes[0]"]
    assert "role = 'primary'" in items[0].decision


def test_an_outcome_is_not_bound_by_a_visit():
    document = tomllib.loads(bundled_study(KNEE).read_text(encoding="utf-8"))
    document["endpoints"][1]["binds"] = []
    document["visits"][0]["binds"] = ["outcomesModule.secondaryOutcomes[0]"]
    items = undeclared(Study.model_validate(document), restated(KNEE))
    assert [item.path for item in items] == ["outcomesModule.secondaryOutcomes[0]"]


def added_outcome(section: dict) -> str:
    outcomes = section["outcomesModule"]["secondaryOutcomes"]
    outcomes.append({"measure": "Grip strength", "timeFrame": "Day 7 post-injection"})
    return f"outcomesModule.secondaryOutcomes[{len(outcomes) - 1}]"


def added_arm(section: dict) -> str:
    arms = section["armsInterventionsModule"]["armGroups"]
    arms.append({"label": "Third", "type": "OTHER"})
    return f"armsInterventionsModule.armGroups[{len(arms) - 1}]"


def added_intervention(section: dict) -> str:
    members = section["armsInterventionsModule"]["interventions"]
    members.append({"name": "Physiotherapy", "type": "OTHER"})
    return f"armsInterventionsModule.interventions[{len(members) - 1}]"


def added_criterion(section: dict) -> str:
    section["eligibilityModule"]["eligibilityCriteria"] += "\n11. A tattoo on the knee."
    return "eligibilityModule.eligibilityCriteria#exclusion-11"


def added_promise(section: dict) -> str:
    section["descriptionModule"]["briefSummary"] += " KOOS will be recorded as well."
    return "descriptionModule.briefSummary#KOOS"


def added_day(section: dict) -> str:
    section["descriptionModule"]["briefSummary"] += " A nurse calls on day 77."
    return "descriptionModule.briefSummary#day-77"


@pytest.mark.parametrize(
    "add",
    [added_outcome, added_arm, added_intervention, added_criterion, added_promise, added_day],
)
def test_what_a_newer_record_adds_is_listed(add):
    document = restated(KNEE)
    path = add(document["protocolSection"])
    items = undeclared(read_study(bundled_study(KNEE)), document)
    assert path in [item.path for item in items if item.kind != "finding"]


def test_a_study_of_another_record_is_refused():
    with pytest.raises(DataError, match=r"NCT07313020, the record of NCT06171906"):
        check_study(read_study(bundled_study(KNEE)), record_of(restated(BLOOD)))


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("binds", "outcomesModule.secondaryOutcomes[1]"),
        ("binds", "outcomesModule.secondaryOutcome[0]"),
        ("binds", "eligibilityModule.eligibilityCriteria#exclusion-11"),
        ("binds", "descriptionModule.briefSummary#SF-36"),
        ("binds", "descriptionModule.briefSummary#nonsense"),
        ("binds", "descriptionModule.briefSummary#day-8"),
        ("cites", "outcomesModule"[:-1]),
    ],
)
def test_a_place_that_the_record_lacks_is_refused_with_the_entry(key, path):
    document = tomllib.loads(bundled_study(KNEE).read_text(encoding="utf-8"))
    document["endpoints"][1][key] = [path] if key == "binds" else path
    with pytest.raises(DataError) as caught:
        check_study(Study.model_validate(document), record_of(restated(KNEE)))
    assert f"endpoints[1] {key} {path!r}" in str(caught.value)


def test_a_protocol_section_is_no_path_of_the_record():
    document = tomllib.loads(bundled_study(KNEE).read_text(encoding="utf-8"))
    document["endpoints"][1] |= {"from": "protocol", "cites": "section 8.2"}
    assert undeclared(Study.model_validate(document), restated(KNEE)) == []


def test_paths_may_start_with_protocol_section():
    document = tomllib.loads(bundled_study(KNEE).read_text(encoding="utf-8"))
    for entry in entries_of(document):
        if "binds" in entry:
            entry["binds"] = [f"protocolSection.{bind}" for bind in entry["binds"]]
    assert undeclared(Study.model_validate(document), restated(KNEE)) == []
