"""Registry records: real ones, the published schema as oracle, and hostile files."""

import copy
import json
import warnings

import jsonschema
import pytest
import yaml

from sojourn.core.errors import DataError
from sojourn.formats import registry_record as module
from sojourn.formats._registry_base import RegistryModel, Shape, Vocabulary
from sojourn.formats.registry_record import (
    RegistryRecord,
    RegistryWarning,
    outcomes,
    parse_eligibility,
    parse_registry_record,
    read_registry_record,
    unknown_keys,
    unknown_values,
)

PREDICTIONS = "derivedSection.miscInfoModule.modelPredictions"
MINIMAL = {"protocolSection": {"identificationModule": {"nctId": "NCT00000001"}}}


@pytest.fixture(scope="module")
def documents(shared):
    paths = sorted((shared / "data" / "registry").glob("NCT*.json"))
    assert len(paths) == 30
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}


@pytest.fixture(scope="module")
def schema(shared):
    """Return the API's own description as a closed JSON Schema: the oracle of every test here."""
    text = (shared / "data" / "registry" / "ctg-oas-v2.0.5.yaml").read_text(encoding="utf-8")
    parts = yaml.load(text.replace("#/components/schemas/", "#/$defs/"), yaml.CSafeLoader)
    definitions = parts["components"]["schemas"]
    for part in definitions.values():
        if part.get("type") == "object":
            part["additionalProperties"] = False
    return {"$ref": "#/$defs/Study", "$defs": definitions}


def quietly(document, **settings):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RegistryWarning)
        return parse_registry_record(document, **settings)


def changed(path, value, document=MINIMAL):
    """Return a copy of a document with one dotted path set."""
    result = copy.deepcopy(document)
    *parents, last = path.split(".")
    place = result
    for parent in parents:
        place = place.setdefault(parent, {})
    place[last] = value
    return result


def test_real_records_come_back_unchanged_with_one_warning_where_the_schema_lacks_a_key(
    shared, documents
):
    strict = 0
    for name, document in documents.items():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            record = read_registry_record(shared / "data" / "registry" / f"{name}.json")
        assert record.to_json_dict() == document
        assert record.nct_id == name
        assert unknown_values(record) == {}
        if caught:
            (warning,) = caught
            assert warning.category is RegistryWarning
            assert PREDICTIONS in str(warning.message)
            assert warning.filename == __file__
            assert unknown_keys(record) == (PREDICTIONS,)
        else:
            assert unknown_keys(record) == ()
            strict += 1
    assert strict == 20


def test_the_published_schema_finds_the_same_unknown_keys(documents, schema):
    validator = jsonschema.Draft4Validator(schema)
    for document in documents.values():
        errors = list(validator.iter_errors(document))
        extra = unknown_keys(quietly(document))
        assert len(errors) == len(extra)
        assert all(error.validator == "additionalProperties" for error in errors)


def described(kind, schema, name, seen):
    """Compare a model with its schema part, and follow its references."""
    if name in seen:
        return
    seen.add(name)
    part = schema["$defs"][name]
    fields = {field.alias: field for field in kind.model_fields.values()}
    assert fields.keys() == part["properties"].keys(), name
    for alias, prop in part["properties"].items():
        target = prop.get("items", prop).get("$ref", "").rpartition("/")[2]
        hints = flat(fields[alias].annotation, fields[alias].metadata)
        models = [hint for hint in hints if isinstance(hint, type) and issubclass(hint, BASE)]
        rules = [hint for hint in hints if isinstance(hint, Vocabulary | Shape)]
        if schema["$defs"].get(target, {}).get("enum"):
            assert rules[0].values == set(schema["$defs"][target]["enum"]), (name, alias)
        elif schema["$defs"].get(target, {}).get("type") == "object":
            described(models[0], schema, target, seen)
        elif pattern := prop.get("pattern"):
            assert rules[0].accepts("18 Years")
            assert not rules[0].accepts("18 years"), pattern


def flat(annotation, metadata=()):
    inner = getattr(annotation, "__args__", ()) + tuple(getattr(annotation, "__metadata__", ()))
    return [annotation, *metadata, *(hint for part in inner for hint in flat(part))]


BASE = RegistryModel


def test_every_field_and_every_vocabulary_is_the_published_schemas(schema):
    seen = set()
    described(RegistryRecord, schema, "Study", seen)
    assert len(seen) == 83  # object schemas reachable from Study in API 2.0.5


@pytest.mark.parametrize(
    ("path", "value", "kept"),
    [
        ("protocolSection.designModule.designInfo.allocation", "RANDOMISED", True),
        ("protocolSection.designModule.designInfo.allocation", "RANDOMIZED", False),
        ("protocolSection.designModule.phases", ["PHASE2", "PHASE9"], True),
        ("protocolSection.statusModule.startDateStruct.date", "2024-1-1", True),
        ("protocolSection.statusModule.startDateStruct.date", "2024", False),
        ("protocolSection.eligibilityModule.minimumAge", "eighteen", True),
        ("protocolSection.eligibilityModule.minimumAge", "18 Years", False),
    ],
)
def test_a_code_outside_the_schema_is_kept_and_named(path, value, kept):
    document = changed(path, value)
    if not kept:
        assert unknown_values(parse_registry_record(document)) == {}
        return
    place, odd = (f"{path}[1]", value[1]) if isinstance(value, list) else (path, value)
    with pytest.warns(RegistryWarning, match=place.replace("[", r"\[")):
        record = parse_registry_record(document)
    assert unknown_values(record) == {place: odd}
    assert record.to_json_dict() == document


def test_unknown_keys_anywhere_are_kept_and_named_in_one_warning():
    document = changed("protocolSection.armsInterventionsModule.interventions", [{"dose": [1]}])
    document["futureSection"] = {"deep": {"er": None}}
    with pytest.warns(RegistryWarning) as caught:
        record = parse_registry_record(document)
    expected = {"protocolSection.armsInterventionsModule.interventions[0].dose", "futureSection"}
    assert len(caught) == 1
    assert set(unknown_keys(record)) == expected
    assert all(path in str(caught[0].message) for path in expected)
    assert record.to_json_dict() == document


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("protocolSection.outcomesModule", [], "protocolSection.outcomesModule is .*an object"),
        ("protocolSection.outcomesModule.primaryOutcomes", {}, "primaryOutcomes is .*an array"),
        ("protocolSection.outcomesModule.primaryOutcomes", [[]], r"primaryOutcomes\[0\].*an obj"),
        ("protocolSection.designModule.enrollmentInfo.count", "68", "count is '68' .*an integer"),
        ("protocolSection.designModule.enrollmentInfo.count", True, "count is True .*an integer"),
        ("hasResults", "no", "hasResults is 'no' .*true or false"),
        ("protocolSection.descriptionModule.briefSummary", 1, "briefSummary is 1 .*a string"),
        ("protocolSection.identificationModule.nctId", "NCT1", "nctId is 'NCT1'; expected NCT"),
        ("protocolSection.identificationModule", {}, "nctId is missing"),
    ],
)
def test_wrong_types_are_refused_with_their_place(path, value, says):
    with pytest.raises(DataError, match=says):
        parse_registry_record(changed(path, value), source="x.json")


def test_numbers_keep_their_kind():
    point = {"facility": "A", "geoPoint": {"lat": 20, "lon": 110.5}}
    document = changed("protocolSection.contactsLocationsModule.locations", [point])
    kept = parse_registry_record(document).to_json_dict()
    found = kept["protocolSection"]["contactsLocationsModule"]["locations"][0]["geoPoint"]
    assert [type(found["lat"]), type(found["lon"])] == [int, float]


GOOD = json.dumps(MINIMAL).encode()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(b"", "line 1, column 1: not JSON", id="empty"),
        pytest.param(b"<html>", "not JSON", id="web-page"),
        pytest.param(GOOD[:-2], "not JSON", id="truncated"),
        pytest.param(b"[]", "root is an array", id="list"),
        pytest.param(b"3", "root is int", id="number"),
        pytest.param(b"{}", "nctId is missing", id="nothing-in-it"),
        pytest.param(b'{"studies": []}', "nctId is missing", id="search-result"),
        pytest.param(b'{"a": NaN}', "NaN is not JSON", id="nan"),
        pytest.param(b'{"a": -Infinity}', "-Infinity is not JSON", id="infinity"),
        pytest.param(b'{"a": 1e999}', "not finite", id="overflow"),
        pytest.param(b'{"a": 1, "b": {"c": 1, "c": 2}}', "'c' stands twice", id="duplicate-key"),
        pytest.param(b'{"a": "\xff"}', "byte 7: not UTF-8", id="not-utf-8"),
        pytest.param(b'{"a": "\\ud800"}', "half a character", id="lone-surrogate"),
        pytest.param(b'{"\\udc00": 1}', "half a character", id="lone-surrogate-in-a-key"),
        pytest.param(b"[" * 200_000, "nested deeper", id="nesting-bomb"),
        pytest.param(b'{"a":' * 70 + b"1" + b"}" * 70, "nested deeper", id="too-deep"),
        pytest.param(b'{"a": ' + b"9" * 5000 + b"}", "not JSON", id="endless-integer"),
    ],
)
def test_hostile_files_get_one_clear_error(tmp_path, content, says):
    path = tmp_path / "record.json"
    path.write_bytes(content)
    with pytest.raises(DataError, match=says) as caught:
        read_registry_record(path)
    assert "record.json" in str(caught.value)
    assert len(str(caught.value)) < 400


def test_nesting_up_to_the_limit_is_read(tmp_path):
    path = tmp_path / "record.json"
    deep = b'{"a":' * 62 + b"1" + b"}" * 62
    path.write_bytes(GOOD[:-1] + b', "x": ' + deep + b"}")
    with pytest.warns(RegistryWarning, match="unknown keys x"):
        read_registry_record(path)


def test_a_file_larger_than_any_record_is_refused_unread(tmp_path, monkeypatch):
    path = tmp_path / "record.json"
    path.write_bytes(GOOD)
    monkeypatch.setattr(module, "MAX_BYTES", len(GOOD))
    assert read_registry_record(path).nct_id == "NCT00000001"
    monkeypatch.setattr(module, "MAX_BYTES", len(GOOD) - 1)
    with pytest.raises(DataError, match="one study, not a download of many"):
        read_registry_record(path)


def test_fifty_megabytes_are_refused(tmp_path):
    path = tmp_path / "bomb.json"
    with path.open("wb") as file:
        file.truncate(50 * 1024 * 1024)
    with pytest.raises(DataError, match="at most 33554432"):
        read_registry_record(path)


def test_a_byte_order_mark_is_accepted(tmp_path):
    path = tmp_path / "record.json"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD)
    assert read_registry_record(path).to_json_dict() == MINIMAL


def test_a_file_that_is_not_there_or_a_folder_is_a_data_error(tmp_path):
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(DataError, match="cannot be read"):
            read_registry_record(path)


def test_records_are_frozen_and_what_is_absent_is_empty():
    record = parse_registry_record(MINIMAL)
    assert record.protocol_section.outcomes_module.primary_outcomes == ()
    assert record.protocol_section.status_module.start_date_struct.date is None
    assert record.to_json_dict() == MINIMAL
    with pytest.raises(ValueError, match="frozen"):
        record.has_results = True


def test_outcomes_carry_their_path_in_the_order_of_their_rank(documents):
    found = outcomes(quietly(documents["NCT07313020"]))
    module_path = "protocolSection.outcomesModule"
    assert list(found) == [
        f"{module_path}.primaryOutcomes[0]",
        f"{module_path}.secondaryOutcomes[0]",
    ]
    assert found[f"{module_path}.secondaryOutcomes[0]"].time_frame.startswith("Baseline to Week 6")


@pytest.mark.parametrize(
    ("nct", "inclusion", "exclusion"),  # counted by hand in the registry's text
    [
        ("NCT07313020", 7, 10),
        ("NCT06171906", 6, 8),
        ("NCT04042844", 5, 35),
        ("NCT04747912", 9, 18),
        ("NCT03751280", 5, 9),
        ("NCT00777179", 4, 4),
    ],
)
def test_criteria_of_real_records_are_split_as_a_reader_counts_them(
    documents, nct, inclusion, exclusion
):
    text = documents[nct]["protocolSection"]["eligibilityModule"]["eligibilityCriteria"]
    found = parse_eligibility(text)
    assert (len(found.inclusion), len(found.exclusion)) == (inclusion, exclusion)
    assert len(found.criteria) == inclusion + exclusion


def test_criteria_lose_no_word_and_keep_their_place():
    text = (
        "Key Inclusion Criteria:\n\nAll must hold:\n\n1. age \\> 18\n\n   a. at consent\n2. pain"
        "\n\n   continued\n\nExclusion Criteria\n\n* BMI \\>30 kg/m²\n* patients outside the "
        "inclusion criteria\n\nInclusion Criteria: more\n"
    )
    found = parse_eligibility(text)
    assert [(c.kind, c.number, c.text, c.details) for c in found.criteria] == [
        ("inclusion", 1, "age > 18", ("at consent",)),
        ("inclusion", 2, "pain", ("continued",)),
        ("exclusion", 1, "BMI >30 kg/m²", ()),
        ("exclusion", 2, "patients outside the inclusion criteria", ()),
        ("inclusion", 3, "more", ()),
    ]
    assert found.notes == ("All must hold:",)


def test_text_without_headings_is_unsorted_and_none_is_empty():
    assert [c.kind for c in parse_eligibility("adults only").criteria] == ["unsorted"]
    assert parse_eligibility(None).criteria == ()
