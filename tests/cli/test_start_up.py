import subprocess
import sys

import pytest
from typer.testing import CliRunner

from sojourn.cli import app

HEAVY = ("numpy", "scipy", "polars", "h5py", "nibabel", "matplotlib", "jinja2", "pydantic")

PROBE = """
import sys
from typer.testing import CliRunner
from sojourn.cli import app
result = CliRunner().invoke(app, ["--help"])
assert result.exit_code == 0, result.output
print(",".join(sorted(name for name in {heavy!r} if name in sys.modules)))
"""


def test_help_loads_no_heavy_module():
    made = subprocess.run(
        [sys.executable, "-c", PROBE.format(heavy=HEAVY)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert made.stdout.strip() == ""


@pytest.mark.parametrize(
    "command",
    [
        ["lint"],
        ["study", "draft"],
        ["study", "check"],
        ["scan", "info"],
        ["scan", "reconstruct"],
        ["simulate"],
        ["derive"],
        ["run"],
        ["explain"],
        ["demo"],
    ],
    ids=" ".join,
)
def test_every_command_explains_itself(command):
    result = CliRunner().invoke(app, [*command, "--help"])
    assert result.exit_code == 0
    assert "Usage" in result.output


def test_version_is_the_installed_one():
    from importlib.metadata import version

    result = CliRunner().invoke(app, ["--version"])
    assert result.output.strip() == f"sojourn {version('sojourn')}"
