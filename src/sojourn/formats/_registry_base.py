"""What every part of a registry record shares: tolerance, vocabularies, dates.

Python names are the registry's camelCase names in snake_case (`nctId` is `nct_id`); the aliases
are generated, so that JSON paths keep the registry's spelling.
"""

import re
from dataclasses import dataclass
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

T = TypeVar("T")


class RegistryModel(BaseModel):
    """A part of a record: frozen, every field optional, unknown keys kept as they came."""

    model_config = ConfigDict(
        alias_generator=to_camel, extra="allow", frozen=True, strict=True, defer_build=True
    )


class Vocabulary:
    """The values that the registry's schema lists for a field; others are kept, and reported."""

    def __init__(self, *values: str) -> None:
        self.values = frozenset(values)

    def accepts(self, text: str) -> bool:
        """Return whether `text` is listed."""
        return text in self.values


@dataclass(frozen=True, slots=True)
class Shape:
    """The form that the registry's schema asks of a text; other texts are kept, and reported."""

    pattern: str

    def accepts(self, text: str) -> bool:
        """Return whether `text` has the form."""
        return re.fullmatch(self.pattern, text) is not None


Many = Annotated[tuple[T, ...], Field(strict=False)]
"""A JSON array; lax only in that a list may become a tuple."""

_UNIT = "(Year|Month|Week|Day|Hour|Minute)s?"
Date = Annotated[str, Shape(r"\d{4}-\d{2}-\d{2}")]
PartialDate = Annotated[str, Shape(r"\d{4}(-\d{2}(-\d{2})?)?")]
DateTimeMinutes = Annotated[str, Shape(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}")]
Age = Annotated[str, Shape(rf"\d+ {_UNIT}")]

AgencyClass = Annotated[
    str,
    Vocabulary(
        "NIH", "FED", "OTHER_GOV", "INDIV", "INDUSTRY", "NETWORK", "AMBIG", "OTHER", "UNKNOWN"
    ),
]
AgreementRestrictionType = Annotated[str, Vocabulary("LTE60", "GT60", "OTHER")]
AnalysisDispersionType = Annotated[str, Vocabulary("STANDARD_DEVIATION", "STANDARD_ERROR_OF_MEAN")]
ArmGroupType = Annotated[
    str,
    Vocabulary(
        "EXPERIMENTAL",
        "ACTIVE_COMPARATOR",
        "PLACEBO_COMPARATOR",
        "SHAM_COMPARATOR",
        "NO_INTERVENTION",
        "OTHER",
    ),
]
BioSpecRetention = Annotated[
    str, Vocabulary("NONE_RETAINED", "SAMPLES_WITH_DNA", "SAMPLES_WITHOUT_DNA")
]
BrowseLeafRelevance = Annotated[str, Vocabulary("LOW", "HIGH")]
ConfidenceIntervalNumSides = Annotated[str, Vocabulary("ONE_SIDED", "TWO_SIDED")]
ContactRole = Annotated[
    str,
    Vocabulary(
        "STUDY_CHAIR", "STUDY_DIRECTOR", "PRINCIPAL_INVESTIGATOR", "SUB_INVESTIGATOR", "CONTACT"
    ),
]
DateType = Annotated[str, Vocabulary("ACTUAL", "ESTIMATED")]
DesignAllocation = Annotated[str, Vocabulary("RANDOMIZED", "NON_RANDOMIZED", "NA")]
DesignMasking = Annotated[str, Vocabulary("NONE", "SINGLE", "DOUBLE", "TRIPLE", "QUADRUPLE")]
DesignTimePerspective = Annotated[
    str, Vocabulary("RETROSPECTIVE", "PROSPECTIVE", "CROSS_SECTIONAL", "OTHER")
]
EnrollmentType = Annotated[str, Vocabulary("ACTUAL", "ESTIMATED")]
EventAssessment = Annotated[str, Vocabulary("NON_SYSTEMATIC_ASSESSMENT", "SYSTEMATIC_ASSESSMENT")]
ExpandedAccessStatus = Annotated[
    str,
    Vocabulary(
        "AVAILABLE", "NO_LONGER_AVAILABLE", "TEMPORARILY_NOT_AVAILABLE", "APPROVED_FOR_MARKETING"
    ),
]
InterventionType = Annotated[
    str,
    Vocabulary(
        "BEHAVIORAL",
        "BIOLOGICAL",
        "COMBINATION_PRODUCT",
        "DEVICE",
        "DIAGNOSTIC_TEST",
        "DIETARY_SUPPLEMENT",
        "DRUG",
        "GENETIC",
        "PROCEDURE",
        "RADIATION",
        "OTHER",
    ),
]
InterventionalAssignment = Annotated[
    str, Vocabulary("SINGLE_GROUP", "PARALLEL", "CROSSOVER", "FACTORIAL", "SEQUENTIAL")
]
IpdSharing = Annotated[str, Vocabulary("YES", "NO", "UNDECIDED")]
IpdSharingInfoType = Annotated[
    str, Vocabulary("STUDY_PROTOCOL", "SAP", "ICF", "CSR", "ANALYTIC_CODE")
]
MeasureDispersionType = Annotated[
    str,
    Vocabulary(
        "NA",
        "STANDARD_DEVIATION",
        "STANDARD_ERROR",
        "INTER_QUARTILE_RANGE",
        "FULL_RANGE",
        "CONFIDENCE_80",
        "CONFIDENCE_90",
        "CONFIDENCE_95",
        "CONFIDENCE_975",
        "CONFIDENCE_99",
        "CONFIDENCE_OTHER",
        "GEOMETRIC_COEFFICIENT",
    ),
]
MeasureParam = Annotated[
    str,
    Vocabulary(
        "GEOMETRIC_MEAN",
        "GEOMETRIC_LEAST_SQUARES_MEAN",
        "LEAST_SQUARES_MEAN",
        "LOG_MEAN",
        "MEAN",
        "MEDIAN",
        "NUMBER",
        "COUNT_OF_PARTICIPANTS",
        "COUNT_OF_UNITS",
    ),
]
NonInferiorityType = Annotated[
    str,
    Vocabulary(
        "SUPERIORITY",
        "NON_INFERIORITY",
        "EQUIVALENCE",
        "OTHER",
        "NON_INFERIORITY_OR_EQUIVALENCE",
        "SUPERIORITY_OR_OTHER",
        "NON_INFERIORITY_OR_EQUIVALENCE_LEGACY",
        "SUPERIORITY_OR_OTHER_LEGACY",
    ),
]
ObservationalModel = Annotated[
    str,
    Vocabulary(
        "COHORT",
        "CASE_CONTROL",
        "CASE_ONLY",
        "CASE_CROSSOVER",
        "ECOLOGIC_OR_COMMUNITY",
        "FAMILY_BASED",
        "DEFINED_POPULATION",
        "NATURAL_HISTORY",
        "OTHER",
    ),
]
OfficialRole = Annotated[
    str, Vocabulary("STUDY_CHAIR", "STUDY_DIRECTOR", "PRINCIPAL_INVESTIGATOR", "SUB_INVESTIGATOR")
]
OrgStudyIdType = Annotated[str, Vocabulary("NIH", "FDA", "VA", "CDC", "AHRQ", "SAMHSA")]
OutcomeMeasureType = Annotated[
    str, Vocabulary("PRIMARY", "SECONDARY", "OTHER_PRE_SPECIFIED", "POST_HOC")
]
Phase = Annotated[str, Vocabulary("NA", "EARLY_PHASE1", "PHASE1", "PHASE2", "PHASE3", "PHASE4")]
PrimaryPurpose = Annotated[
    str,
    Vocabulary(
        "TREATMENT",
        "PREVENTION",
        "DIAGNOSTIC",
        "ECT",
        "SUPPORTIVE_CARE",
        "SCREENING",
        "HEALTH_SERVICES_RESEARCH",
        "BASIC_SCIENCE",
        "DEVICE_FEASIBILITY",
        "OTHER",
    ),
]
RecruitmentStatus = Annotated[
    str,
    Vocabulary(
        "ACTIVE_NOT_RECRUITING",
        "COMPLETED",
        "ENROLLING_BY_INVITATION",
        "NOT_YET_RECRUITING",
        "RECRUITING",
        "SUSPENDED",
        "TERMINATED",
        "WITHDRAWN",
        "AVAILABLE",
    ),
]
ReferenceType = Annotated[str, Vocabulary("BACKGROUND", "RESULT", "DERIVED")]
ReportingStatus = Annotated[str, Vocabulary("NOT_POSTED", "POSTED")]
ResponsiblePartyType = Annotated[
    str, Vocabulary("SPONSOR", "PRINCIPAL_INVESTIGATOR", "SPONSOR_INVESTIGATOR")
]
SamplingMethod = Annotated[str, Vocabulary("PROBABILITY_SAMPLE", "NON_PROBABILITY_SAMPLE")]
SecondaryIdType = Annotated[
    str,
    Vocabulary(
        "NIH",
        "FDA",
        "VA",
        "CDC",
        "AHRQ",
        "SAMHSA",
        "OTHER_GRANT",
        "EUDRACT_NUMBER",
        "CTIS",
        "REGISTRY",
        "OTHER",
    ),
]
Sex = Annotated[str, Vocabulary("FEMALE", "MALE", "ALL")]
StandardAge = Annotated[str, Vocabulary("CHILD", "ADULT", "OLDER_ADULT")]
Status = Annotated[
    str,
    Vocabulary(
        "ACTIVE_NOT_RECRUITING",
        "COMPLETED",
        "ENROLLING_BY_INVITATION",
        "NOT_YET_RECRUITING",
        "RECRUITING",
        "SUSPENDED",
        "TERMINATED",
        "WITHDRAWN",
        "AVAILABLE",
        "NO_LONGER_AVAILABLE",
        "TEMPORARILY_NOT_AVAILABLE",
        "APPROVED_FOR_MARKETING",
        "WITHHELD",
        "UNKNOWN",
    ),
]
StudyType = Annotated[str, Vocabulary("EXPANDED_ACCESS", "INTERVENTIONAL", "OBSERVATIONAL")]
UnpostedEventType = Annotated[str, Vocabulary("RESET", "RELEASE", "UNRELEASE")]
ViolationEventType = Annotated[
    str,
    Vocabulary(
        "VIOLATION_IDENTIFIED",
        "CORRECTION_CONFIRMED",
        "PENALTY_IMPOSED",
        "ISSUES_IN_LETTER_ADDRESSED_CONFIRMED",
    ),
]
WhoMasked = Annotated[
    str, Vocabulary("PARTICIPANT", "CARE_PROVIDER", "INVESTIGATOR", "OUTCOMES_ASSESSOR")
]


class DateStruct(RegistryModel):
    """A full date, actual or estimated."""

    date: Date | None = None
    type: DateType | None = None
