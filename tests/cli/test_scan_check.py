"""`sojourn scan check`: what it prints and how it ends."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

import handmade_mdf as handmade
from sojourn.cli.scan import app


def run(*words):
    return CliRunner().invoke(app, ["check", *map(str, words)])


def test_a_good_file_ends_with_0(tmp_path):
    result = run(handmade.write(tmp_path / "a.mdf", {"/_room": 1.0}))
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "extension: /_room: an addition; expected no more than a leading underscore "
        "[general conventions]",
        "a.mdf: no deviation from MDF 2.1.0",
    ]


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_deviations_are_listed_and_end_with_1(tmp_path, options):
    path = handmade.write(tmp_path / "a.mdf", {"/study/number": np.int32(1), "/version": "2.0"})
    result = run(path, *options)
    assert result.exit_code == 1
    if options:
        found = json.loads(result.stdout)["found"]
        assert [each["dataset"] for each in found] == ["/version", "/study/number"]
        assert found[1] == {
            "dataset": "/study/number",
            "found": "type int32",
            "expected": "Int64, little-endian",
            "severity": "deviation",
            "section": "/study",
        }
    else:
        assert result.stdout.endswith("a.mdf: 2 deviations from MDF 2.1.0\n")


def test_a_file_that_cannot_be_read_ends_with_2(tmp_path):
    (tmp_path / "a.mdf").write_text("no")
    assert run(tmp_path / "a.mdf").exit_code == 2
    assert run(tmp_path / "gone.mdf").exit_code == 2
