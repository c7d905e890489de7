"""Data sharing and export."""

from collections.abc import Iterator

from sojourn.formats.registry_record import RegistryRecord
from sojourn.study.lint_rules._rule import Hit, Rule
from sojourn.study.lint_rules._texts import PROTOCOL

_SHARING = f"{PROTOCOL}.ipdSharingStatementModule.ipdSharing"


def _not_shared(record: RegistryRecord) -> Iterator[Hit]:
    if record.protocol_section.ipd_sharing_statement_module.ipd_sharing == "NO":
        yield _SHARING, "individual participant data will not be shared (NO)"


def _undecided(record: RegistryRecord) -> Iterator[Hit]:
    if record.protocol_section.ipd_sharing_statement_module.ipd_sharing == "UNDECIDED":
        yield _SHARING, "whether participant data will be shared is UNDECIDED"


def _export(record: RegistryRecord) -> Iterator[Hit]:
    oversight = record.protocol_section.oversight_module
    countries = {
        location.country
        for location in record.protocol_section.contacts_locations_module.locations
        if location.country
    }
    if not oversight.is_us_export or not countries:
        return
    path = f"{PROTOCOL}.oversightModule.isUsExport"
    if "United States" in countries:
        yield path, "export from the US is flagged, though a site lies in the United States"
    elif not (oversight.is_fda_regulated_drug or oversight.is_fda_regulated_device):
        yield (
            path,
            f"export from the US is flagged, but every site lies in {', '.join(sorted(countries))} "
            "and neither drug nor device is FDA-regulated: no product or site needs the flag",
        )


RULES = (
    Rule(
        "sharing.data-not-shared",
        "note",
        "Build no package for others from this study; a package for the sponsor stays possible.",
        _not_shared,
    ),
    Rule(
        "sharing.undecided",
        "note",
        "Ask for the decision before a sharing package is built; until then share nothing.",
        _undecided,
    ),
    Rule(
        "oversight.us-export-unsupported",
        "note",
        "Ask which product is made in and exported from the US; name its lot and maker, or have "
        "the flag withdrawn.",
        _export,
    ),
)
