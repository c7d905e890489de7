"""What the registry adds to a record: annotations, documents, derived terms.

Source: OpenAPI description of the ClinicalTrials.gov API, version 2.0.5.
"""

from sojourn.formats._registry_base import (
    BrowseLeafRelevance,
    Date,
    DateStruct,
    DateTimeMinutes,
    Many,
    RegistryModel,
    UnpostedEventType,
    ViolationEventType,
)


class UnpostedEvent(RegistryModel):
    """One step of results submitted but not yet posted."""

    type: UnpostedEventType | None = None
    date: Date | None = None
    date_unknown: bool | None = None


class UnpostedAnnotation(RegistryModel):
    """Results submitted but not yet posted."""

    unposted_responsible_party: str | None = None
    unposted_events: Many[UnpostedEvent] = ()


class ViolationEvent(RegistryModel):
    """One step of an FDAAA 801 violation."""

    type: ViolationEventType | None = None
    description: str | None = None
    creation_date: Date | None = None
    issued_date: Date | None = None
    release_date: Date | None = None
    posted_date: Date | None = None


class ViolationAnnotation(RegistryModel):
    """FDAAA 801 violations."""

    violation_events: Many[ViolationEvent] = ()


class AnnotationModule(RegistryModel):
    """The registry's annotations."""

    unposted_annotation: UnpostedAnnotation = UnpostedAnnotation()
    violation_annotation: ViolationAnnotation = ViolationAnnotation()


class AnnotationSection(RegistryModel):
    """What the registry notes about the record."""

    annotation_module: AnnotationModule = AnnotationModule()


class LargeDoc(RegistryModel):
    """One uploaded document (protocol, analysis plan, consent form)."""

    type_abbrev: str | None = None
    has_protocol: bool | None = None
    has_sap: bool | None = None
    has_icf: bool | None = None
    label: str | None = None
    date: Date | None = None
    upload_date: DateTimeMinutes | None = None
    filename: str | None = None
    size: int | None = None


class LargeDocumentModule(RegistryModel):
    """Uploaded documents."""

    no_sap: bool | None = None
    large_docs: Many[LargeDoc] = ()


class DocumentSection(RegistryModel):
    """Documents of the study."""

    large_document_module: LargeDocumentModule = LargeDocumentModule()


class FirstMcpInfo(RegistryModel):
    """First release of results after quality control."""

    post_date_struct: DateStruct = DateStruct()


class SubmissionInfo(RegistryModel):
    """One release or reset of submitted results."""

    release_date: Date | None = None
    unrelease_date: Date | None = None
    unrelease_date_unknown: bool | None = None
    reset_date: Date | None = None
    mcp_release_n: int | None = None


class SubmissionTracking(RegistryModel):
    """Results on their way through quality control."""

    estimated_results_first_submit_date: Date | None = None
    first_mcp_info: FirstMcpInfo = FirstMcpInfo()
    submission_infos: Many[SubmissionInfo] = ()


class MiscInfoModule(RegistryModel):
    """Date of the registry's data and results tracking."""

    version_holder: Date | None = None
    removed_countries: Many[str] = ()
    submission_tracking: SubmissionTracking = SubmissionTracking()


class Mesh(RegistryModel):
    """A MeSH term."""

    id: str | None = None
    term: str | None = None


class BrowseLeaf(RegistryModel):
    """A term of the registry's browse tree."""

    id: str | None = None
    name: str | None = None
    as_found: str | None = None
    relevance: BrowseLeafRelevance | None = None


class BrowseBranch(RegistryModel):
    """A branch of the registry's browse tree."""

    abbrev: str | None = None
    name: str | None = None


class BrowseModule(RegistryModel):
    """Terms under which the registry files the study."""

    meshes: Many[Mesh] = ()
    ancestors: Many[Mesh] = ()
    browse_leaves: Many[BrowseLeaf] = ()
    browse_branches: Many[BrowseBranch] = ()


class DerivedSection(RegistryModel):
    """What the registry derives from the record."""

    misc_info_module: MiscInfoModule = MiscInfoModule()
    condition_browse_module: BrowseModule = BrowseModule()
    intervention_browse_module: BrowseModule = BrowseModule()
