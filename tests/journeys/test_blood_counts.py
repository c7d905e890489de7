"""NCT06171906 from a simulated folder to the report: what a run promises."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sojourn.study.bundled import bundled_study
from sojourn.study.explaining import explain
from sojourn.study.run import default_store, run_study
from sojourn.study.simulation import simulate_trial

SUBJECTS = 12


@pytest.fixture(scope="module")
def trial(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hsct") / "trial"
    simulate_trial(bundled_study("NCT06171906"), folder, seed=11, n_subjects=SUBJECTS)
    return folder


@pytest.fixture(scope="module")
def first(trial, tmp_path_factory):
    return run_study(trial, tmp_path_factory.mktemp("first"))


def files(folder: Path) -> dict[str, bytes]:
    """Return every file below `folder` but the run's own log."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "run.json"
    }


def test_an_equal_run_elsewhere_gives_equal_bytes(trial, first, tmp_path):
    run_study(trial, tmp_path)
    assert files(tmp_path) == files(first.report.parent)


def test_a_second_run_computes_nothing(trial, first, tmp_path):
    again = run_study(trial, tmp_path, store=default_store(first.report.parent))
    assert (again.n_made, again.n_stages) == (0, first.n_stages)
    assert files(tmp_path) == files(first.report.parent)


def test_truth_is_read_by_nobody(trial, first, tmp_path):
    copy = tmp_path / "trial"
    shutil.copytree(trial, copy)
    (copy / "truth.json").unlink()
    run_study(copy, tmp_path / "out")
    assert files(tmp_path / "out") == files(first.report.parent)


def test_a_changed_table_recomputes_only_what_reads_it(trial, first, tmp_path):
    copy = tmp_path / "trial"
    shutil.copytree(trial, copy)
    path = copy / "tables" / "growth_factors.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:-1]) + "\n")
    again = run_study(copy, tmp_path / "out", store=default_store(first.report.parent))
    changed = {step.key: step for step in again.results.steps}
    old = {step.key for step in first.results.steps}
    new = {step.label for key, step in changed.items() if key not in old}
    assert 0 < again.n_made < first.n_stages
    assert not any("survival" in label for label in new if label.startswith("derive"))
    assert "read table growth_factors" in new
    assert "read table counts" not in new


def test_answer_names_the_primary_number_with_its_interval(first):
    result = first.results.result(first.results.primaryResultId)
    assert result is not None
    assert result.role == "primary"
    assert result.lower <= result.rawValue <= result.upper
    assert f"n = {result.n}" in first.results.answer


def test_every_number_leads_back_to_files(first):
    steps = {step.key: step for step in first.results.steps}
    for result in first.results.results:
        reached, todo = set(), [result.provenance]
        while todo:
            step = steps[todo.pop()]
            if step.kind == "file":
                reached.add(step.label)
            todo += step.inputs
        assert any(name.startswith("tables/") for name in reached), result.id


def test_explain_prints_stages_files_and_deciding_rows(first):
    text = explain(first.report.parent, "neutrophils_by_40/ALL/proportion")
    assert text.startswith("SIMULATED DATA")
    assert "derive hemogram_response" in text
    assert "file tables/counts.csv  sha256 " in text
    assert "USUBJID,ADT,ANC [10^9/L]" in text
    subject = first.results.listing("outcomes").records()[0]
    row = f"outcomes/{subject['ENDPOINT']}/{subject['USUBJID']}/{subject['PARAMCD']}"
    assert subject["REASON"] in explain(first.report.parent, row)


def test_everything_shown_says_simulated(first):
    assert first.results.isSimulated
    assert "SIMULATED" in first.report.read_text(encoding="utf-8")


def test_host_and_time_stand_in_the_log_only(trial, first):
    log = json.loads((first.report.parent / "run.json").read_text())
    others = b"".join(files(first.report.parent).values())
    assert log["host"].encode() not in others or len(log["host"]) < 4
    assert str(trial).encode() not in others
    assert log["started"].encode() not in others


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL on Windows")
@pytest.mark.parametrize("how", ["SIGKILL", "SIGINT"])
def test_a_run_that_was_stopped_is_finished_by_the_next(trial, first, tmp_path, how):
    store = tmp_path / "store"
    command = [sys.executable, "-m", "sojourn", "run", str(trial), "-o", str(tmp_path / "out")]
    with subprocess.Popen(
        [*command, "--store", str(store)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and len(list(store.glob("*.parquet"))) < 2:
            time.sleep(0.01)
        process.send_signal(getattr(signal, how))
        _, said = process.communicate(timeout=60)
        if how == "SIGINT" and process.returncode != 0:
            assert process.returncode == 130, said
            assert b"Traceback" not in said
    assert not list(tmp_path.glob("out/*.part*"))
    run_study(trial, tmp_path / "out", store=store)
    assert files(tmp_path / "out") == files(first.report.parent)
