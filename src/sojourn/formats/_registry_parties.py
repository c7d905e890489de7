"""Who is behind a study, and where: sponsors, contacts, sites, references.

Source: OpenAPI description of the ClinicalTrials.gov API, version 2.0.5.
"""

from pydantic import Field

from sojourn.formats._registry_base import (
    AgencyClass,
    ContactRole,
    Many,
    OfficialRole,
    RecruitmentStatus,
    ReferenceType,
    RegistryModel,
    ResponsiblePartyType,
)


class ResponsibleParty(RegistryModel):
    """Who answers for the record."""

    type: ResponsiblePartyType | None = None
    investigator_full_name: str | None = None
    investigator_title: str | None = None
    investigator_affiliation: str | None = None
    old_name_title: str | None = None
    old_organization: str | None = None


class Sponsor(RegistryModel):
    """A sponsor or collaborator."""

    name: str | None = None
    agency_class: AgencyClass | None = Field(default=None, alias="class")


class SponsorCollaboratorsModule(RegistryModel):
    """Responsible party, sponsor and collaborators."""

    responsible_party: ResponsibleParty = ResponsibleParty()
    lead_sponsor: Sponsor = Sponsor()
    collaborators: Many[Sponsor] = ()


class Contact(RegistryModel):
    """A person to ask; name, phone and e-mail are personal data."""

    name: str | None = None
    role: ContactRole | None = None
    phone: str | None = None
    phone_ext: str | None = None
    email: str | None = None


class Official(RegistryModel):
    """An official of the study."""

    name: str | None = None
    affiliation: str | None = None
    role: OfficialRole | None = None


class GeoPoint(RegistryModel):
    """Latitude and longitude, in degrees."""

    lat: int | float | None = None
    lon: int | float | None = None


class Location(RegistryModel):
    """One site."""

    facility: str | None = None
    status: RecruitmentStatus | None = None
    city: str | None = None
    state: str | None = None
    zip: str | None = None
    country: str | None = None
    contacts: Many[Contact] = ()
    geo_point: GeoPoint = GeoPoint()


class ContactsLocationsModule(RegistryModel):
    """Contacts, officials and sites."""

    central_contacts: Many[Contact] = ()
    overall_officials: Many[Official] = ()
    locations: Many[Location] = ()


class Retraction(RegistryModel):
    """Notice that a cited article was retracted."""

    pmid: str | None = None
    source: str | None = None


class Reference(RegistryModel):
    """One cited article."""

    pmid: str | None = None
    type: ReferenceType | None = None
    citation: str | None = None
    retractions: Many[Retraction] = ()


class SeeAlsoLink(RegistryModel):
    """A link to a page."""

    label: str | None = None
    url: str | None = None


class AvailIpd(RegistryModel):
    """Participant data already available elsewhere."""

    id: str | None = None
    type: str | None = None
    url: str | None = None
    comment: str | None = None


class ReferencesModule(RegistryModel):
    """Articles, links and available data."""

    references: Many[Reference] = ()
    see_also_links: Many[SeeAlsoLink] = ()
    avail_ipds: Many[AvailIpd] = ()
