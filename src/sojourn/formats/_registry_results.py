"""The results section of a registry record, field by field.

Source: OpenAPI description of the ClinicalTrials.gov API, version 2.0.5, schema `ResultsSection`.
"""

from sojourn.formats._registry_base import (
    AgreementRestrictionType,
    AnalysisDispersionType,
    ConfidenceIntervalNumSides,
    EventAssessment,
    Many,
    MeasureDispersionType,
    MeasureParam,
    NonInferiorityType,
    OutcomeMeasureType,
    PartialDate,
    RegistryModel,
    ReportingStatus,
)


class FlowGroup(RegistryModel):
    """A group of the participant flow (`FG...`)."""

    id: str | None = None
    title: str | None = None
    description: str | None = None


class FlowStats(RegistryModel):
    """Participants of one group at one milestone; counts are strings."""

    group_id: str | None = None
    comment: str | None = None
    num_subjects: str | None = None
    num_units: str | None = None


class FlowMilestone(RegistryModel):
    """A milestone, such as STARTED or COMPLETED."""

    type: str | None = None
    comment: str | None = None
    achievements: Many[FlowStats] = ()


class DropWithdraw(RegistryModel):
    """Withdrawals for one reason."""

    type: str | None = None
    comment: str | None = None
    reasons: Many[FlowStats] = ()


class FlowPeriod(RegistryModel):
    """One period of the participant flow."""

    title: str | None = None
    milestones: Many[FlowMilestone] = ()
    drop_withdraws: Many[DropWithdraw] = ()


class ParticipantFlowModule(RegistryModel):
    """Participants from assignment to completion."""

    pre_assignment_details: str | None = None
    recruitment_details: str | None = None
    type_units_analyzed: str | None = None
    groups: Many[FlowGroup] = ()
    periods: Many[FlowPeriod] = ()


class MeasureGroup(RegistryModel):
    """A group of a baseline or outcome table (`BG...`, `OG...`)."""

    id: str | None = None
    title: str | None = None
    description: str | None = None


class DenomCount(RegistryModel):
    """Number analyzed in one group; a string."""

    group_id: str | None = None
    value: str | None = None


class Denom(RegistryModel):
    """Numbers analyzed, in one kind of unit."""

    units: str | None = None
    counts: Many[DenomCount] = ()


class Measurement(RegistryModel):
    """One cell of a result table; numbers are strings."""

    group_id: str | None = None
    value: str | None = None
    spread: str | None = None
    lower_limit: str | None = None
    upper_limit: str | None = None
    comment: str | None = None


class MeasureCategory(RegistryModel):
    """One row of a result table."""

    title: str | None = None
    measurements: Many[Measurement] = ()


class MeasureClass(RegistryModel):
    """A block of rows with one title."""

    title: str | None = None
    denoms: Many[Denom] = ()
    categories: Many[MeasureCategory] = ()


class BaselineMeasure(RegistryModel):
    """One baseline characteristic."""

    title: str | None = None
    description: str | None = None
    population_description: str | None = None
    param_type: MeasureParam | None = None
    dispersion_type: MeasureDispersionType | None = None
    unit_of_measure: str | None = None
    calculate_pct: bool | None = None
    denom_units_selected: str | None = None
    denoms: Many[Denom] = ()
    classes: Many[MeasureClass] = ()


class BaselineCharacteristicsModule(RegistryModel):
    """Baseline characteristics by group."""

    population_description: str | None = None
    type_units_analyzed: str | None = None
    groups: Many[MeasureGroup] = ()
    denoms: Many[Denom] = ()
    measures: Many[BaselineMeasure] = ()


class MeasureAnalysis(RegistryModel):
    """One statistical analysis of an outcome; numbers are strings."""

    param_type: str | None = None
    param_value: str | None = None
    dispersion_type: AnalysisDispersionType | None = None
    dispersion_value: str | None = None
    statistical_method: str | None = None
    statistical_comment: str | None = None
    p_value: str | None = None
    p_value_comment: str | None = None
    ci_num_sides: ConfidenceIntervalNumSides | None = None
    ci_pct_value: str | None = None
    ci_lower_limit: str | None = None
    ci_upper_limit: str | None = None
    ci_lower_limit_comment: str | None = None
    ci_upper_limit_comment: str | None = None
    estimate_comment: str | None = None
    tested_non_inferiority: bool | None = None
    non_inferiority_type: NonInferiorityType | None = None
    non_inferiority_comment: str | None = None
    other_analysis_description: str | None = None
    group_description: str | None = None
    group_ids: Many[str] = ()


class OutcomeMeasure(RegistryModel):
    """One posted outcome with its table and analyses."""

    type: OutcomeMeasureType | None = None
    title: str | None = None
    description: str | None = None
    population_description: str | None = None
    reporting_status: ReportingStatus | None = None
    anticipated_posting_date: PartialDate | None = None
    param_type: MeasureParam | None = None
    dispersion_type: str | None = None
    unit_of_measure: str | None = None
    calculate_pct: bool | None = None
    time_frame: str | None = None
    type_units_analyzed: str | None = None
    denom_units_selected: str | None = None
    groups: Many[MeasureGroup] = ()
    denoms: Many[Denom] = ()
    classes: Many[MeasureClass] = ()
    analyses: Many[MeasureAnalysis] = ()


class OutcomeMeasuresModule(RegistryModel):
    """All posted outcomes."""

    outcome_measures: Many[OutcomeMeasure] = ()


class EventGroup(RegistryModel):
    """A group of the adverse event tables (`EG...`)."""

    id: str | None = None
    title: str | None = None
    description: str | None = None
    deaths_num_affected: int | None = None
    deaths_num_at_risk: int | None = None
    serious_num_affected: int | None = None
    serious_num_at_risk: int | None = None
    other_num_affected: int | None = None
    other_num_at_risk: int | None = None


class EventStats(RegistryModel):
    """How many of a group had one adverse event."""

    group_id: str | None = None
    num_events: int | None = None
    num_affected: int | None = None
    num_at_risk: int | None = None


class AdverseEvent(RegistryModel):
    """One adverse event term, by group."""

    term: str | None = None
    organ_system: str | None = None
    source_vocabulary: str | None = None
    assessment_type: EventAssessment | None = None
    notes: str | None = None
    stats: Many[EventStats] = ()


class AdverseEventsModule(RegistryModel):
    """Deaths, serious and other adverse events."""

    frequency_threshold: str | None = None
    time_frame: str | None = None
    description: str | None = None
    all_cause_mortality_comment: str | None = None
    event_groups: Many[EventGroup] = ()
    serious_events: Many[AdverseEvent] = ()
    other_events: Many[AdverseEvent] = ()


class LimitationsAndCaveats(RegistryModel):
    """Limits that the sponsor states."""

    description: str | None = None


class CertainAgreement(RegistryModel):
    """Agreements that restrict the investigators' publication."""

    pi_sponsor_employee: bool | None = None
    restriction_type: AgreementRestrictionType | None = None
    restrictive_agreement: bool | None = None
    other_details: str | None = None


class PointOfContact(RegistryModel):
    """Whom to ask about the results."""

    title: str | None = None
    organization: str | None = None
    email: str | None = None
    phone: str | None = None
    phone_ext: str | None = None


class MoreInfoModule(RegistryModel):
    """Caveats, agreements and contact of the results."""

    limitations_and_caveats: LimitationsAndCaveats = LimitationsAndCaveats()
    certain_agreement: CertainAgreement = CertainAgreement()
    point_of_contact: PointOfContact = PointOfContact()


class ResultsSection(RegistryModel):
    """What was posted after the study."""

    participant_flow_module: ParticipantFlowModule = ParticipantFlowModule()
    baseline_characteristics_module: BaselineCharacteristicsModule = BaselineCharacteristicsModule()
    outcome_measures_module: OutcomeMeasuresModule = OutcomeMeasuresModule()
    adverse_events_module: AdverseEventsModule = AdverseEventsModule()
    more_info_module: MoreInfoModule = MoreInfoModule()
