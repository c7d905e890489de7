"""The protocol section of a registry record, field by field.

Source: OpenAPI description of the ClinicalTrials.gov API, version 2.0.5, schema `ProtocolSection`.
"""

from pydantic import Field

from sojourn.formats._registry_base import (
    Age,
    AgencyClass,
    ArmGroupType,
    BioSpecRetention,
    Date,
    DateStruct,
    DateType,
    DesignAllocation,
    DesignMasking,
    DesignTimePerspective,
    EnrollmentType,
    ExpandedAccessStatus,
    InterventionalAssignment,
    InterventionType,
    IpdSharing,
    IpdSharingInfoType,
    Many,
    ObservationalModel,
    OrgStudyIdType,
    PartialDate,
    Phase,
    PrimaryPurpose,
    RegistryModel,
    SamplingMethod,
    SecondaryIdType,
    Sex,
    StandardAge,
    Status,
    StudyType,
    WhoMasked,
)
from sojourn.formats._registry_parties import (
    ContactsLocationsModule,
    ReferencesModule,
    SponsorCollaboratorsModule,
)


class OrgStudyIdInfo(RegistryModel):
    """The sponsor's own number of the study."""

    id: str | None = None
    type: OrgStudyIdType | None = None
    link: str | None = None


class SecondaryIdInfo(RegistryModel):
    """Another registry's or a funder's number of the study."""

    id: str | None = None
    type: SecondaryIdType | None = None
    domain: str | None = None
    link: str | None = None


class Organization(RegistryModel):
    """Who registered the study."""

    full_name: str | None = None
    agency_class: AgencyClass | None = Field(default=None, alias="class")


class IdentificationModule(RegistryModel):
    """Numbers, titles and owner of the study."""

    nct_id: str | None = None
    nct_id_aliases: Many[str] = ()
    org_study_id_info: OrgStudyIdInfo = OrgStudyIdInfo()
    secondary_id_infos: Many[SecondaryIdInfo] = ()
    brief_title: str | None = None
    official_title: str | None = None
    acronym: str | None = None
    organization: Organization = Organization()


class ExpandedAccessInfo(RegistryModel):
    """Whether the product is available outside the study."""

    has_expanded_access: bool | None = None
    nct_id: str | None = None
    status_for_nct_id: ExpandedAccessStatus | None = None


class PartialDateStruct(RegistryModel):
    """A date given to the year, month or day, actual or estimated."""

    date: PartialDate | None = None
    type: DateType | None = None


class StatusModule(RegistryModel):
    """Recruitment status and every date of the study's life."""

    status_verified_date: PartialDate | None = None
    overall_status: Status | None = None
    last_known_status: Status | None = None
    delayed_posting: bool | None = None
    why_stopped: str | None = None
    expanded_access_info: ExpandedAccessInfo = ExpandedAccessInfo()
    start_date_struct: PartialDateStruct = PartialDateStruct()
    primary_completion_date_struct: PartialDateStruct = PartialDateStruct()
    completion_date_struct: PartialDateStruct = PartialDateStruct()
    study_first_submit_date: Date | None = None
    study_first_submit_qc_date: Date | None = None
    study_first_post_date_struct: DateStruct = DateStruct()
    results_waived: bool | None = None
    results_first_submit_date: Date | None = None
    results_first_submit_qc_date: Date | None = None
    results_first_post_date_struct: DateStruct = DateStruct()
    disp_first_submit_date: Date | None = None
    disp_first_submit_qc_date: Date | None = None
    disp_first_post_date_struct: DateStruct = DateStruct()
    last_update_submit_date: Date | None = None
    last_update_post_date_struct: DateStruct = DateStruct()


class OversightModule(RegistryModel):
    """Data monitoring committee and FDA oversight."""

    oversight_has_dmc: bool | None = None
    is_fda_regulated_drug: bool | None = None
    is_fda_regulated_device: bool | None = None
    is_unapproved_device: bool | None = None
    is_ppsd: bool | None = None
    is_us_export: bool | None = None
    fdaaa_801_violation: bool | None = None


class DescriptionModule(RegistryModel):
    """Free-text summary and description."""

    brief_summary: str | None = None
    detailed_description: str | None = None


class ConditionsModule(RegistryModel):
    """Conditions studied and keywords."""

    conditions: Many[str] = ()
    keywords: Many[str] = ()


class ExpandedAccessTypes(RegistryModel):
    """Kinds of expanded access."""

    individual: bool | None = None
    intermediate: bool | None = None
    treatment: bool | None = None


class MaskingBlock(RegistryModel):
    """Masking as registered, and who is masked."""

    masking: DesignMasking | None = None
    masking_description: str | None = None
    who_masked: Many[WhoMasked] = ()


class DesignInfo(RegistryModel):
    """Allocation, model, purpose and masking."""

    allocation: DesignAllocation | None = None
    intervention_model: InterventionalAssignment | None = None
    intervention_model_description: str | None = None
    primary_purpose: PrimaryPurpose | None = None
    observational_model: ObservationalModel | None = None
    time_perspective: DesignTimePerspective | None = None
    masking_info: MaskingBlock = MaskingBlock()


class BioSpec(RegistryModel):
    """Biospecimens kept."""

    retention: BioSpecRetention | None = None
    description: str | None = None


class EnrollmentInfo(RegistryModel):
    """How many participants, planned or actual."""

    count: int | None = None
    type: EnrollmentType | None = None


class DesignModule(RegistryModel):
    """Type, phase, design and size of the study."""

    study_type: StudyType | None = None
    n_ptrs_to_this_exp_acc_nct_id: int | None = None
    expanded_access_types: ExpandedAccessTypes = ExpandedAccessTypes()
    patient_registry: bool | None = None
    target_duration: Age | None = None
    phases: Many[Phase] = ()
    design_info: DesignInfo = DesignInfo()
    bio_spec: BioSpec = BioSpec()
    enrollment_info: EnrollmentInfo = EnrollmentInfo()


class ArmGroup(RegistryModel):
    """One arm or observed group."""

    label: str | None = None
    type: ArmGroupType | None = None
    description: str | None = None
    intervention_names: Many[str] = ()


class Intervention(RegistryModel):
    """One intervention, with the labels of the arms that get it."""

    type: InterventionType | None = None
    name: str | None = None
    description: str | None = None
    arm_group_labels: Many[str] = ()
    other_names: Many[str] = ()


class ArmsInterventionsModule(RegistryModel):
    """Arms and interventions."""

    arm_groups: Many[ArmGroup] = ()
    interventions: Many[Intervention] = ()


class Outcome(RegistryModel):
    """One registered outcome: measure, description, time frame."""

    measure: str | None = None
    description: str | None = None
    time_frame: str | None = None


class OutcomesModule(RegistryModel):
    """Registered outcomes, by rank."""

    primary_outcomes: Many[Outcome] = ()
    secondary_outcomes: Many[Outcome] = ()
    other_outcomes: Many[Outcome] = ()


class EligibilityModule(RegistryModel):
    """Age, sex and the criteria as one markdown text."""

    eligibility_criteria: str | None = None
    healthy_volunteers: bool | None = None
    sex: Sex | None = None
    gender_based: bool | None = None
    gender_description: str | None = None
    minimum_age: Age | None = None
    maximum_age: Age | None = None
    std_ages: Many[StandardAge] = ()
    study_population: str | None = None
    sampling_method: SamplingMethod | None = None


class IpdSharingStatementModule(RegistryModel):
    """Plan for sharing individual participant data."""

    ipd_sharing: IpdSharing | None = None
    description: str | None = None
    info_types: Many[IpdSharingInfoType] = ()
    time_frame: str | None = None
    access_criteria: str | None = None
    url: str | None = None


class ProtocolSection(RegistryModel):
    """What was registered before and during the study."""

    identification_module: IdentificationModule = IdentificationModule()
    status_module: StatusModule = StatusModule()
    sponsor_collaborators_module: SponsorCollaboratorsModule = SponsorCollaboratorsModule()
    oversight_module: OversightModule = OversightModule()
    description_module: DescriptionModule = DescriptionModule()
    conditions_module: ConditionsModule = ConditionsModule()
    design_module: DesignModule = DesignModule()
    arms_interventions_module: ArmsInterventionsModule = ArmsInterventionsModule()
    outcomes_module: OutcomesModule = OutcomesModule()
    eligibility_module: EligibilityModule = EligibilityModule()
    contacts_locations_module: ContactsLocationsModule = ContactsLocationsModule()
    references_module: ReferencesModule = ReferencesModule()
    ipd_sharing_statement_module: IpdSharingStatementModule = IpdSharingStatementModule()
