"""How a command ends when its reader goes away."""

import subprocess
import sys

import pytest

from sojourn.study.bundled import bundled_study


@pytest.mark.skipif(sys.platform == "win32", reason="pipes break in another way on Windows")
def test_a_reader_that_has_enough_is_no_error():
    record = bundled_study("NCT06171906").with_name("record.json")
    command = [sys.executable, "-m", "sojourn", "lint", str(record)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
    assert process.returncode == 0
    assert b"Broken pipe" not in said
    assert b"Traceback" not in said
