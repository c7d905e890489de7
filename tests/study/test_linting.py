"""Lint rules: each with mutated neighbors on both sides of what it looks for."""

import copy
import json
import re
import warnings
from collections import Counter
from pathlib import Path

import pytest

from sojourn.formats.registry_record import parse_registry_record, parse_time_frame
from sojourn.study.linting import Finding, findings_document, lint_record, lint_rules

ROOT = Path(__file__).resolve().parents[2]
OURS = ("NCT06171906", "NCT07313020")
P = "protocolSection"
SUMMARY = f"{P}.descriptionModule.briefSummary"
DETAILS = f"{P}.descriptionModule.detailedDescription"
MASKING = f"{P}.designModule.designInfo.maskingInfo.masking"
ALLOCATION = f"{P}.designModule.designInfo.allocation"
MODEL = f"{P}.designModule.designInfo.interventionModel"
ARMS = f"{P}.armsInterventionsModule.armGroups"
GIVEN = f"{P}.armsInterventionsModule.interventions"
PRIMARY = f"{P}.outcomesModule.primaryOutcomes"
SECONDARY = f"{P}.outcomesModule.secondaryOutcomes"
CRITERIA = f"{P}.eligibilityModule.eligibilityCriteria"
SHARING = f"{P}.ipdSharingStatementModule"
STATUS = f"{P}.statusModule"
EXPORT = f"{P}.oversightModule.isUsExport"


@pytest.fixture(scope="module")
def registry(shared):
    paths = (shared / "data" / "registry").glob("NCT*.json")
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}


def parts(path):
    return [int(p) if p.isdigit() else p for p in re.findall(r"[^.\[\]]+", path)]


def changed(document, changes):
    """Return a copy with dotted paths set; None deletes, a leading "+" adds to a text."""
    result = copy.deepcopy(document)
    for path, value in changes.items():
        *parents, last = parts(path)
        place = result
        for parent in parents:
            place = place[parent] if isinstance(parent, int) else place.setdefault(parent, {})
        if value is None:
            del place[last]
        elif isinstance(value, str) and value.startswith("+"):
            place[last] = f"{place.get(last) or ''} {value[1:]}"
        else:
            place[last] = value
    return result


def record_of(document):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return parse_registry_record(document)


def found(document):
    return lint_record(record_of(document))


def places(document, code):
    """Return where one rule finds something; the other rules are not asked."""
    (rule,) = (rule for rule in lint_rules() if rule.code == code)
    return [path for path, _ in rule.find(record_of(document))]


CASES = {
    "masking.blinding-unregistered": [
        ("NCT03751280", {}, []),
        ("NCT03751280", {MASKING: "NONE"}, [MASKING]),
        ("NCT04909229", {}, []),
        ("NCT04909229", {SUMMARY: "+Evaluators are blinded."}, [MASKING]),
        ("NCT04909229", {SUMMARY: "+Evaluators are not blinded."}, []),
        ("NCT04909229", {SUMMARY: "+The unblinded nurse injects without real blinding."}, []),
        ("NCT04909229", {SUMMARY: "+Blinded raters.", MASKING: "SINGLE"}, []),
    ],
    "masking.placebo-unmasked": [
        ("NCT00777179", {}, []),
        ("NCT00777179", {MASKING: "NONE"}, [MASKING]),
        ("NCT00777179", {MASKING: "NONE", f"{ARMS}[1].type": "ACTIVE_COMPARATOR"}, []),
        ("NCT03751280", {MASKING: "NONE"}, [MASKING]),
    ],
    "masking.open-label-masked": [
        ("NCT05309213", {}, []),
        ("NCT05309213", {MASKING: "SINGLE"}, [MASKING]),
        ("NCT05309213", {MASKING: "SINGLE", SUMMARY: "+The assessor is blinded."}, []),
        ("NCT06589271", {MASKING: "NONE"}, []),
    ],
    "allocation.ratio-missing": [
        ("NCT04042844", {}, []),
        ("NCT05739630", {}, [f"{P}.designModule.enrollmentInfo"]),
        ("NCT05739630", {SUMMARY: "+Patients are randomized 1:1."}, []),
        ("NCT05739630", {SUMMARY: "+Half of the patients get each regimen."}, []),
        ("NCT05739630", {SUMMARY: "+Visits start at 8:30."}, [f"{P}.designModule.enrollmentInfo"]),
        ("NCT05739630", {ALLOCATION: "NON_RANDOMIZED"}, []),
        ("NCT05739630", {MODEL: "CROSSOVER"}, []),
        ("NCT05335226", {}, []),
        (
            "NCT05335226",
            {f"{ARMS}[0].description": None, f"{ARMS}[1].description": None, DETAILS: None},
            [f"{P}.designModule.enrollmentInfo"],
        ),
    ],
    "design.model-contradicts-arms": [
        ("NCT05739630", {}, []),
        ("NCT05739630", {MODEL: "SINGLE_GROUP"}, [MODEL]),
        ("NCT05739630", {ALLOCATION: "NA"}, [ALLOCATION]),
        ("NCT05739630", {f"{ARMS}[1]": None}, [MODEL, ALLOCATION]),
        ("NCT05942599", {}, []),
        ("NCT05942599", {ALLOCATION: "RANDOMIZED"}, [ALLOCATION]),
        ("NCT05942599", {MODEL: "PARALLEL"}, [MODEL]),
        ("NCT04056520", {MODEL: "PARALLEL"}, []),  # observational
    ],
    "arms.placebo-matched-by-volume": [
        ("NCT04042844", {}, []),
        ("NCT04042844", {f"{ARMS}[1].description": "+An equal volume of saline."}, []),
        (
            "NCT04042844",
            {f"{ARMS}[1].description": "An equal volume of ferumoxytol, no cells."},
            [f"{ARMS}[1].description"],
        ),
        (
            "NCT04042844",
            {f"{ARMS}[1].description": "A volume-matched contrast agent solution."},
            [f"{ARMS}[1].description"],
        ),
        (
            "NCT04042844",
            {f"{ARMS}[1].description": "An equal volume of ferumoxytol with 0.5 mg iron."},
            [],
        ),
        ("NCT04042844", {f"{ARMS}[0].description": "An equal volume of ferumoxytol."}, []),
        ("NCT04042844", {f"{ARMS}[1].description": "Ferumoxytol without cells."}, []),
    ],
    "arms.control-cannot-show-outcome": [
        ("NCT04042844", {}, []),
        (
            "NCT04042844",
            {f"{GIVEN}[0].name": "Stem cells (hMSC)", f"{PRIMARY}[0].measure": "hMSC retained"},
            [f"{PRIMARY}[0].measure"],
        ),
        (
            "NCT04042844",
            {f"{GIVEN}[0].name": "Stem cells (hMSC)", f"{PRIMARY}[0].measure": "Pain"},
            [],
        ),
        (
            "NCT04042844",
            {
                f"{GIVEN}[0].name": "Stem cells (hMSC)",
                f"{PRIMARY}[0].measure": "hMSC retained",
                f"{ARMS}[1].type": "ACTIVE_COMPARATOR",
            },
            [],
        ),
    ],
    "time.outcome-off-visits": [
        ("NCT04042844", {}, []),
        (
            "NCT04042844",
            {f"{PRIMARY}[1].timeFrame": "Baseline through Week 40"},
            [f"{PRIMARY}[1].timeFrame"],
        ),
        ("NCT04042844", {f"{PRIMARY}[1].timeFrame": "Baseline through Week 26"}, []),
        ("NCT04042844", {f"{PRIMARY}[1].timeFrame": "Week 28"}, []),  # within a tenth
        ("NCT04042844", {f"{PRIMARY}[1].timeFrame": "Week 29"}, [f"{PRIMARY}[1].timeFrame"]),
        ("NCT05551195", {f"{PRIMARY}[0].timeFrame": "Week 20"}, []),  # two visits are no schedule
        ("NCT04747912", {}, []),  # the lists of days are doses
        ("NCT05309213", {SUMMARY: "+Followed after 5 mg/kg on Day 1, 8 and 15."}, []),
        (
            "NCT05309213",
            {SUMMARY: "+Followed after infusion on Day 1, 8 and 15."},
            [f"{rank}[{i}].timeFrame" for rank in (PRIMARY, SECONDARY) for i in (0, 1)],
        ),
    ],
    "time.rule-exceeds-window": [
        ("NCT05335226", {}, []),
        (
            "NCT05335226",
            {
                f"{SECONDARY}[3].description": "No response is 8 weeks without recovery",
                f"{SECONDARY}[3].timeFrame": "20-40 days after infusion",
            },
            [f"{SECONDARY}[3].description"],
        ),
        (
            "NCT05335226",
            {
                f"{SECONDARY}[3].description": "No response is 8 weeks without recovery",
                f"{SECONDARY}[3].timeFrame": "20-56 days after infusion",
            },
            [],
        ),
        (
            "NCT05335226",
            {
                f"{SECONDARY}[3].description": "No response in the last 8 weeks",
                f"{SECONDARY}[3].timeFrame": "20-40 days after infusion",
            },
            [],
        ),
        ("NCT02175381", {}, [f"{SECONDARY}[0].description"]),
        (
            "NCT02175381",
            {f"{SECONDARY}[0].timeFrame": "Week 14"},
            [f"{SECONDARY}[0].description"],
        ),
        ("NCT02175381", {f"{SECONDARY}[0].timeFrame": "Week 15"}, []),  # within a tenth
    ],
    "time.window-exceeds-study": [
        ("NCT05739630", {}, [f"{PRIMARY}[0].timeFrame"]),
        ("NCT05739630", {f"{STATUS}.primaryCompletionDateStruct.date": "2024-12-31"}, []),
        ("NCT05739630", {f"{STATUS}.primaryCompletionDateStruct.date": "2024-12-30"}, []),
        ("NCT05739630", {f"{STATUS}.primaryCompletionDateStruct.date": "2024-12"}, []),
        (
            "NCT05739630",
            {f"{STATUS}.primaryCompletionDateStruct.date": "2024-11"},
            [f"{PRIMARY}[0].timeFrame"],
        ),
        (
            "NCT05739630",
            {f"{STATUS}.primaryCompletionDateStruct.date": "2024-12-29"},
            [f"{PRIMARY}[0].timeFrame"],
        ),
        ("NCT05739630", {f"{STATUS}.startDateStruct": None}, []),
        (
            "NCT05335226",
            {f"{SECONDARY}[0].timeFrame": "3 years"},
            [f"{SECONDARY}[0].timeFrame"],
        ),
    ],
    "time.completion-unexplained": [
        ("NCT04056520", {}, [f"{STATUS}.completionDateStruct.date"]),
        ("NCT04056520", {f"{STATUS}.completionDateStruct.date": "2024-07-15"}, []),
        (
            "NCT04056520",
            {f"{STATUS}.completionDateStruct.date": "2024-07-31"},
            [f"{STATUS}.completionDateStruct.date"],
        ),
        ("NCT04056520", {f"{SECONDARY}[0].timeFrame": "every visit until progression"}, []),
        ("NCT04056520", {f"{SECONDARY}[0].timeFrame": "12 months"}, []),
    ],
    "time.unparsed": [
        ("NCT05739630", {}, []),
        (
            "NCT05739630",
            {f"{SECONDARY}[{i}].timeFrame": "until relapse" for i in (0, 2)},
            [f"{SECONDARY}[0].timeFrame"],
        ),
        ("NCT05739630", {f"{PRIMARY}[0].timeFrame": None}, [f"{PRIMARY}[0].timeFrame"]),
    ],
    "time.reference-event-ambiguous": [
        ("NCT05309213", {}, []),
        (
            "NCT05309213",
            {f"{SECONDARY}[0].timeFrame": "28 days after transplantation"},
            [f"{SECONDARY}[0].timeFrame"],
        ),
        (
            "NCT05309213",
            {f"{SECONDARY}[0].timeFrame": "28 days post-op"},
            [f"{SECONDARY}[0].timeFrame"],
        ),
        ("NCT05309213", {f"{SECONDARY}[0].timeFrame": "28 days after infusion"}, []),
        (
            "NCT05309213",
            {
                f"{SECONDARY}[0].timeFrame": "28 days after transplantation",
                f"{GIVEN}[0].description": "+Given at HSCT.",
            },
            [],
        ),
        ("NCT02300909", {}, []),  # post-op, and the intervention is surgery
    ],
    "outcomes.assessment-unregistered": [
        ("NCT06589271", {}, []),
        ("NCT06589271", {f"{SECONDARY}[0]": None}, []),  # no plan text names VAS
        (
            "NCT06589271",
            {f"{SECONDARY}[0]": None, SUMMARY: "+VAS and KOOS will be recorded."},
            [SUMMARY, SUMMARY],
        ),
        ("NCT06589271", {SUMMARY: "+SF-36 was recorded in previous studies."}, []),
        ("NCT03933150", {}, []),  # MRI is how the disease was diagnosed
    ],
    "outcomes.investigation-unregistered": [
        ("NCT05304754", {}, []),
        ("NCT05304754", {f"{SECONDARY}[2]": None, f"{SECONDARY}[1]": None}, [DETAILS, DETAILS]),
        ("NCT03974217", {}, []),  # mechanisms are background there
        ("NCT05309213", {SUMMARY: "+Cytokines will be measured."}, [SUMMARY]),
        ("NCT05309213", {SUMMARY: "+Cytokines were measured in previous studies."}, []),
    ],
    "outcomes.boilerplate-description": [
        ("NCT05335226", {}, []),
        (
            "NCT05335226",
            {f"{SECONDARY}[6].description": "Unanticipated problems involving risks to subjects"},
            [f"{SECONDARY}[6].description"],
        ),
        (
            "NCT05335226",
            {
                f"{SECONDARY}[6].measure": "Adverse events",
                f"{SECONDARY}[6].description": "Any untoward medical occurrence",
            },
            [],
        ),
        ("NCT05739630", {f"{SECONDARY}[1].measure": "Hemoglobin"}, []),
        (
            "NCT05739630",
            {f"{SECONDARY}[0].measure": "Hemoglobin"},
            [f"{SECONDARY}[0].description"],
        ),
    ],
    "outcomes.defined-not-measured": [
        ("NCT05335226", {}, []),
        (
            "NCT05335226",
            {f"{SECONDARY}[4].description": "GVHD is a serious complication"},
            [f"{SECONDARY}[4].description"],
        ),
        (
            "NCT05335226",
            {f"{SECONDARY}[4].description": "GVHD is a serious complication, graded by NIH"},
            [],
        ),
    ],
    "outcomes.denominator-without-reference-scan": [
        ("NCT05309213", {}, []),
        (
            "NCT05309213",
            {f"{PRIMARY}[1].description": "Percentage of the injected activity that remains"},
            [f"{PRIMARY}[1].description"],
        ),
        (
            "NCT05309213",
            {
                f"{PRIMARY}[1].description": "Percentage of the injected activity that remains",
                SUMMARY: "+A scan is made immediately after injection.",
            },
            [],
        ),
        (
            "NCT05309213",
            {f"{PRIMARY}[1].description": "Percentage of injected activity remaining from day 0"},
            [],
        ),
        (
            "NCT05309213",
            {
                f"{PRIMARY}[1].measure": "Persistence",
                f"{PRIMARY}[1].description": "Milligrams of the injected activity that remain",
            },
            [],
        ),
    ],
    "outcomes.boundary-gap": [
        ("NCT05335226", {}, []),
        (
            "NCT05335226",
            {f"{SECONDARY}[3].description": "Complete: ≥50 10\\^9/L; partial: 20\\~50 10\\^9/L"},
            [f"{SECONDARY}[3].description"],
        ),
        ("NCT05335226", {f"{SECONDARY}[3].description": "Complete: ≥50; partial: 20~49"}, []),
        ("NCT05335226", {f"{SECONDARY}[3].description": "Complete: ≥50; partial: ≥20, <50"}, []),
    ],
    "dose.maximum-tolerated-of-fixed": [
        ("NCT05304754", {}, []),  # doses are escalated
        ("NCT05309213", {f"{PRIMARY}[0].description": "At the maximum tolerated dose"}, []),
        (
            "NCT05309213",
            {
                f"{PRIMARY}[0].description": "At the maximum tolerated dose",
                f"{GIVEN}[0].description": "1 x 10\\^6/kg, once",
            },
            [f"{PRIMARY}[0].description"],
        ),
        (
            "NCT05309213",
            {
                f"{PRIMARY}[0].description": "At the maximum tolerated dose",
                f"{GIVEN}[0].description": "1 x 10\\^6/kg, then escalated",
            },
            [],
        ),
        (
            "NCT05309213",
            {
                f"{PRIMARY}[0].description": "At the maximum tolerated dose",
                f"{GIVEN}[0].description": "1 x 10\\^6/kg or 2 x 10\\^6/kg",
            },
            [],
        ),
    ],
    "conditions.is-intervention": [
        ("NCT05309213", {}, []),
        (
            "NCT05309213",
            {f"{P}.conditionsModule.conditions": ["Leukemia", "IM19 CAR-T Cells"]},
            [f"{P}.conditionsModule.conditions[1]"],
        ),
        *(
            (
                "NCT06589271",
                {
                    f"{P}.conditionsModule.conditions": [condition],
                    f"{GIVEN}[0].name": "mesenchymal stromal cells",
                },
                [f"{P}.conditionsModule.conditions[0]"] if hit else [],
            )
            for condition, hit in {"MSC": True, "MSCs": True, "MSD": False, "msc": False}.items()
        ),
        (
            "NCT06589271",
            {
                f"{P}.conditionsModule.conditions": ["TIL"],
                f"{GIVEN}[0].name": "lymphocytes from tumors (TIL)",
            },
            [f"{P}.conditionsModule.conditions[0]"],
        ),
    ],
    "product.source-ambiguous": [
        ("NCT06589271", {}, []),
        (
            "NCT06589271",
            {DETAILS: "+Bone marrow-derived mesenchymal stem cells are injected."},
            [DETAILS],
        ),
        ("NCT06589271", {DETAILS: "+MSCs from adipose tissue are injected."}, [DETAILS]),
        ("NCT06589271", {DETAILS: "+Bone marrow edema is read on MRI."}, []),
        ("NCT04042844", {}, []),
        ("NCT05335226", {}, []),
    ],
    "eligibility.disease-undefined": [
        ("NCT05005351", {}, []),  # by its abbreviation
        ("NCT05005351", {CRITERIA: "Inclusion Criteria:\n\n* adults"}, [CRITERIA]),
        ("NCT05005351", {CRITERIA: "Inclusion Criteria:\n\n* fibromyalgia"}, []),
        (
            "NCT05005351",
            {CRITERIA: "Inclusion Criteria:\n\n* adults\n\nExclusion Criteria:\n\n* fibromyalgia"},
            [CRITERIA],
        ),
        (
            "NCT05005351",
            {
                CRITERIA: "Inclusion Criteria:\n\n* adults",
                f"{P}.eligibilityModule.healthyVolunteers": True,
            },
            [],
        ),
        ("NCT01949129", {}, []),
        ("NCT06111625", {}, []),
        ("NCT05375201", {}, []),
    ],
    "sharing.data-not-shared": [
        ("NCT04909229", {}, []),
        ("NCT04909229", {f"{SHARING}.ipdSharing": "NO"}, [f"{SHARING}.ipdSharing"]),
        ("NCT04909229", {SHARING: None}, []),
    ],
    "sharing.undecided": [
        ("NCT04909229", {}, []),
        ("NCT04909229", {f"{SHARING}.ipdSharing": "UNDECIDED"}, [f"{SHARING}.ipdSharing"]),
    ],
    "oversight.us-export-unsupported": [
        ("NCT05304754", {}, []),
        ("NCT05304754", {EXPORT: True}, [EXPORT]),
        ("NCT05304754", {EXPORT: True, f"{P}.oversightModule.isFdaRegulatedDrug": True}, []),
        ("NCT05304754", {EXPORT: True, f"{P}.contactsLocationsModule.locations": []}, []),
        ("NCT05551195", {}, []),
        ("NCT05551195", {EXPORT: True}, [EXPORT]),  # a site in the US
    ],
}


@pytest.mark.parametrize(
    ("code", "nct", "changes", "expected"),
    [
        pytest.param(code, *case, id=f"{code}-{case[0]}-{number}")
        for code, cases in CASES.items()
        for number, case in enumerate(cases)
    ],
)
def test_a_rule_finds_what_it_names_and_nothing_beside_it(registry, code, nct, changes, expected):
    assert places(changed(registry[nct], changes), code) == expected


def test_every_rule_has_a_finding_and_a_silent_case():
    assert CASES.keys() == {rule.code for rule in lint_rules()}
    for code, cases in CASES.items():
        assert any(expected for *_, expected in cases), code
        assert any(not expected for *_, expected in cases), code


REQUIRED = {
    "NCT07313020": {
        "masking.blinding-unregistered": [MASKING],
        "outcomes.assessment-unregistered": [SUMMARY, f"{ARMS}[0].description", SUMMARY],
        "time.outcome-off-visits": [f"{SECONDARY}[0].timeFrame"],
        "outcomes.denominator-without-reference-scan": [f"{PRIMARY}[0].description"],
        "arms.placebo-matched-by-volume": [f"{ARMS}[1].description"],
        "allocation.ratio-missing": [f"{P}.designModule.enrollmentInfo"],
        "oversight.us-export-unsupported": [EXPORT],
    },
    "NCT06171906": {
        "time.rule-exceeds-window": [f"{PRIMARY}[0].description"],
        "dose.maximum-tolerated-of-fixed": [f"{PRIMARY}[0].description"],
        "conditions.is-intervention": [f"{P}.conditionsModule.conditions[0]"],
        "product.source-ambiguous": [f"{GIVEN}[0].description"],
        "eligibility.disease-undefined": [CRITERIA],
        "outcomes.boilerplate-description": [f"{SECONDARY}[0].description"],
        "sharing.data-not-shared": [f"{SHARING}.ipdSharing"],
        "outcomes.investigation-unregistered": [SUMMARY, SUMMARY],
        "outcomes.boundary-gap": [f"{PRIMARY}[0].description"],
        "time.reference-event-ambiguous": [
            f"{PRIMARY}[0].timeFrame",
            f"{SECONDARY}[0].timeFrame",
            f"{SECONDARY}[2].timeFrame",
        ],
    },
}


@pytest.mark.parametrize("nct", OURS)
def test_the_two_trials_show_every_finding_asked_for_with_its_path(registry, nct):
    for code, paths in REQUIRED[nct].items():
        assert places(registry[nct], code) == paths, code


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("outcomes.assessment-unregistered", ["MRI is", "SF-36 is", "VAS is"]),
        ("time.outcome-off-visits", ["day 42"]),
    ],
)
def test_a_message_names_what_was_found(registry, code, words):
    messages = [f.message for f in found(registry["NCT07313020"]) if f.code == code]
    assert len(messages) == len(words)
    assert all(word in message for word, message in zip(words, messages, strict=True))


def restated(nct):
    text = (ROOT / "studies" / nct / "record.json").read_text(encoding="utf-8")
    return json.loads(text)


@pytest.mark.parametrize("nct", OURS)
def test_our_restatement_lints_like_the_original(registry, nct):
    ours, original = found(restated(nct)), found(registry[nct])
    assert [(f.code, f.path) for f in ours] == [(f.code, f.path) for f in original]


@pytest.mark.parametrize("nct", OURS)
def test_our_restatement_needs_no_shared_data_to_show_the_findings(nct):
    ours = {finding.code for finding in found(restated(nct))}
    assert REQUIRED[nct].keys() <= ours


def free_texts(document):
    section = document[P]
    arms = section["armsInterventionsModule"]
    described = [*arms["armGroups"], *arms["interventions"], section["descriptionModule"]]
    described += [section["eligibilityModule"], section.get("ipdSharingStatementModule", {})]
    described += [o for rank in section["outcomesModule"].values() for o in rank]
    named = ("label", "name", "type")
    yield from (section["identificationModule"][t] for t in ("briefTitle", "officialTitle"))
    for part in described:
        yield from (v for k, v in part.items() if isinstance(v, str) and k not in named)


def runs(document, length=8):
    for text in free_texts(document):
        words = re.findall(r"\w+", text.lower())
        yield from (tuple(words[i : i + length]) for i in range(len(words) - length + 1))


@pytest.mark.parametrize("nct", OURS)
def test_our_restatement_shares_no_run_of_eight_words(registry, nct):
    assert set(runs(restated(nct))).isdisjoint(runs(registry[nct]))


@pytest.mark.parametrize("nct", OURS)
def test_our_restatement_keeps_the_facts(registry, nct):
    """Dates, codes and numbers of both are the same; persons and citations are left out."""

    def facts(document):
        section = copy.deepcopy(document[P])
        design = section["designModule"]
        given = section["armsInterventionsModule"]
        return (
            section["statusModule"],
            section["oversightModule"],
            section["conditionsModule"],
            design,
            [(arm["label"], arm["type"], arm["interventionNames"]) for arm in given["armGroups"]],
            [(g["name"], g["type"], g["armGroupLabels"]) for g in given["interventions"]],
            [reference["pmid"] for reference in section["referencesModule"]["references"]],
            [
                end
                for rank in section["outcomesModule"].values()
                for o in rank
                for end in getattr(parse_time_frame(o["timeFrame"]), "days", ("open",))
            ],
            section["identificationModule"]["nctId"],
            document["derivedSection"],
        )

    ours = restated(nct)
    assert facts(ours) == facts(registry[nct])
    assert nct in ours[P]["descriptionModule"]["detailedDescription"]
    assert "Restatement" in ours[P]["descriptionModule"]["detailedDescription"]
    persons = r"@|\d{3}-\d{4}|investigatorFullName|overallOfficials|citation\""
    assert not re.search(persons, json.dumps(ours))


def test_the_neighbors_show_the_counts_that_the_documentation_judges(registry):
    counts = Counter(
        finding.code
        for nct, document in registry.items()
        if nct not in OURS
        for finding in found(document)
    )
    table = (ROOT / "docs" / "linting.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w.-]+)` \| (\d+) \| \d+ \|", table, re.MULTILINE)
    assert {code: int(n) for code, n in rows if int(n)} == counts
    assert {code for code, _ in rows} == {rule.code for rule in lint_rules()}


def test_no_rule_knows_a_trial():
    for path in (ROOT / "src" / "sojourn" / "study" / "lint_rules").glob("*.py"):
        assert not re.search(r"NCT\d|soochow|xinqiao", path.read_text(encoding="utf-8"), re.I)


def test_findings_are_ordered_repeatable_and_become_json(registry):
    findings = found(registry["NCT06171906"])
    assert findings == found(registry["NCT06171906"])
    grave = {"error": 0, "warning": 1, "note": 2}
    keys = [(grave[f.severity], f.code) for f in findings]
    assert keys == sorted(keys)
    document = json.loads(json.dumps(findings_document(findings)))
    assert list(document) == ["findings"]
    first = document["findings"][0]
    assert list(first) == ["code", "severity", "path", "message", "decision"]
    assert Finding(**first) == findings[0]


def test_an_empty_record_is_linted_without_an_error():
    empty = {P: {"identificationModule": {"nctId": "NCT00000001"}}}
    assert found(empty) == []


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "word", ["a", "a ", "1, ", "1", "day 1, ", "a (", "MSC of ", "treatment of "]
)
def test_a_hostile_text_is_linted_in_time_that_grows_with_its_length(registry, word):
    text = word * (8000 // len(word))
    places_of_text = (SUMMARY, DETAILS, CRITERIA, f"{GIVEN}[0].name", f"{ARMS}[0].description")
    changes = dict.fromkeys((*places_of_text, f"{PRIMARY}[0].description"), text)
    assert found(changed(registry["NCT04042844"], changes))
