"""A header for MDF files of tests, what every written file must keep, and what breaks it."""

from sojourn.formats.mdf import MdfHeader, check_mdf

HEADER = MdfHeader(
    uuid="11111111-2222-4333-8444-555555555555",
    time="2026-01-02T03:04:05.678",
    study_uuid="21111111-2222-4333-8444-555555555555",
    experiment_uuid="31111111-2222-4333-8444-555555555555",
    study_name="Étude",
    subject="01-007",
    scanner_name="scanner",
)


def assert_strict(path, extensions=0):
    """Assert that a file has no deviation from MDF 2.1.0, and so many extensions."""
    found = check_mdf(path)
    assert [str(d) for d in found if d.severity == "deviation"] == []
    assert sum(d.severity == "extension" for d in found) == extensions


def found_in(path):
    """Return (dataset, what was found) of every deviation."""
    return [(d.dataset, d.found) for d in check_mdf(path) if d.severity == "deviation"]
