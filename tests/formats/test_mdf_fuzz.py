"""Two thousand broken and hostile MDF files: each gives a value or a SojournError, in time."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[1] / "mdf_fuzzing.py"
PARTS = ((1000, 1), (1000, 2))
"""Files and seed of each process; two, for two cores."""


@pytest.mark.skipif(sys.platform != "linux", reason="address-space limits are exact on Linux only")
@pytest.mark.timeout(900)
def test_two_thousand_broken_files_do_no_harm(tmp_path, capsys):
    running = []
    for count, seed in PARTS:
        folder = tmp_path / str(seed)
        folder.mkdir()
        command = [sys.executable, str(PROGRAM), str(count), str(seed), str(folder)]
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
        running.append(
            subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
            )
        )
    reports = []
    for process in running:
        out, trouble = process.communicate(timeout=850)
        assert process.returncode == 0, trouble.decode()[-2000:]
        reports.append(json.loads(out))
    with capsys.disabled():
        print("\n", *reports, sep="\n")
    assert sum(report["files"] for report in reports) == 2000
    for report in reports:
        outcomes = report["outcomes"]
        assert sum(outcomes.values()) == report["files"]
        # the files are neither all harmless nor all beyond reading
        assert outcomes["refused"] > 300
        assert outcomes["values"] > 100
        assert outcomes["described"] > 50
        # one request is bounded by 4 s; a file takes a few
        assert report["slowest"] < 30
        assert report["grown_mib"] < 256
