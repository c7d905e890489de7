"""Fixtures of every test: where real data lie; figures that a run prints at its end."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine is slow, not wrong: no example has a deadline.
settings.register_profile("sojourn", deadline=None)
settings.load_profile("sojourn")

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of real data; skip, naming it, where it is absent."""
    named = os.environ.get("SOJOURN_SHARED")
    folder = Path(named) if named else REPOSITORY.parent / "shared"
    if not (folder / "data").is_dir():
        source = "SOJOURN_SHARED" if named else "default; set SOJOURN_SHARED to change it"
        pytest.skip(f"no real data: {folder / 'data'} ({source}) is not a folder")
    return folder


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests recorded as a figure, whoever captured their output."""
    reports = [r for kind in ("passed", "failed") for r in terminalreporter.stats.get(kind, [])]
    lines = [
        text
        for report in reports
        for name, text in getattr(report, "user_properties", ())
        if name == "figure" and report.when == "call"
    ]
    if lines:
        terminalreporter.section("figures")
        for line in lines:
            terminalreporter.write_line(line)
