"""Hostile trial folders through the command line: one clear line, exit 2, nothing half-written."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from sojourn.cli import app
from sojourn.study.bundled import bundled_study
from sojourn.study.run import default_store
from sojourn.study.simulation import simulate_trial


@pytest.fixture(scope="module")
def trial(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hsct") / "trial"
    simulate_trial(bundled_study("NCT06171906"), folder, seed=3, n_subjects=4)
    return folder


def replace(path, old, new, *, count=1):
    text = path.read_text()
    assert old in text, f"{path.name} holds no {old!r}"
    path.write_text(text.replace(old, new, count))


def unknown_unit(folder):
    replace(folder / "tables/counts.csv", "ANC [10^9/L]", "ANC [K/uL]")


def no_unit(folder):
    replace(folder / "tables/counts.csv", "HGB [g/dL]", "HGB")


def stranger(folder):
    path = folder / "tables/follow_up.csv"
    path.write_text(path.read_text() + "SIM-HSCT-999,2030-05-01\n")


def doubled(folder):
    path = folder / "tables/follow_up.csv"
    path.write_text(path.read_text() + path.read_text().splitlines()[1] + "\n")


def typo(folder):
    replace(folder / "study.toml", "[[endpoints]]\nid =", "[[endpoints]]\nidd =")


def not_toml(folder):
    (folder / "study.toml").write_text("id = [")


def record_is_no_json(folder):
    (folder / "record.json").write_text("not json")


def count_is_text(folder):
    path = folder / "tables/counts.csv"
    lines = path.read_text().splitlines()
    lines[3] = "SIM-HSCT-001,2030-01-06,low,,"
    path.write_text("\n".join(lines) + "\n")


def not_a_number(folder):
    path = folder / "tables/counts.csv"
    lines = path.read_text().splitlines()
    lines[3] = "SIM-HSCT-001,2030-01-06,nan,,"
    path.write_text("\n".join(lines) + "\n")


def no_subjects(folder):
    (folder / "tables/subjects.csv").unlink()


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        pytest.param(unknown_unit, ["counts.csv", "K/uL", "10^9/L"], id="unknown-unit"),
        pytest.param(no_unit, ["counts.csv", "HGB", "g/L"], id="no-unit"),
        pytest.param(stranger, ["follow_up", "SIM-HSCT-999", "subjects"], id="unknown-subject"),
        pytest.param(doubled, ["follow_up.csv", "SIM-HSCT-001"], id="doubled-row"),
        pytest.param(typo, ["study.toml", "idd", "'id'"], id="typo-in-a-study-key"),
        pytest.param(not_toml, ["study.toml", "TOML"], id="study-file-is-no-toml"),
        pytest.param(record_is_no_json, ["record.json", "JSON"], id="record-is-no-json"),
        pytest.param(count_is_text, ["counts.csv", "row 4", "low"], id="text-in-a-count"),
        pytest.param(not_a_number, ["counts.csv", "row 4", "nan"], id="nan-in-a-count"),
        pytest.param(no_subjects, ["subjects.csv"], id="no-subjects"),
    ],
)
def test_one_clear_error(trial, tmp_path, spoil, says):
    folder = tmp_path / "trial"
    shutil.copytree(trial, folder)
    spoil(folder)
    result = CliRunner().invoke(app, ["run", str(folder), "-o", str(tmp_path / "out")])
    assert result.exit_code == 2, result.output
    errors = [line for line in result.stderr.splitlines() if line.startswith("sojourn: ")]
    assert len(errors) == 1, result.stderr
    for word in says:
        assert word in errors[0]
    assert not (tmp_path / "out").exists()


def test_a_store_that_is_a_file(trial, tmp_path):
    (tmp_path / "store").write_text("")
    result = CliRunner().invoke(
        app, ["run", str(trial), "-o", str(tmp_path / "out"), "--store", str(tmp_path / "store")]
    )
    assert result.exit_code == 2
    assert "cannot be used as a folder" in result.stderr


def test_a_damaged_store_entry_is_named(trial, tmp_path):
    out = tmp_path / "out"
    assert CliRunner().invoke(app, ["run", str(trial), "-o", str(out)]).exit_code == 0
    entry = sorted(default_store(out).glob("*.parquet"))[0]
    entry.write_bytes(entry.read_bytes()[:-3])
    result = CliRunner().invoke(app, ["run", str(trial), "-o", str(out)])
    assert result.exit_code == 2
    assert entry.name in result.stderr


def test_results_never_go_into_the_trial_folder(trial):
    result = CliRunner().invoke(app, ["run", str(trial), "-o", str(trial)])
    assert result.exit_code == 2
    assert "name another folder" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["explain", "nowhere", "x"], "results.json"),
        (["run", "nowhere", "-o", "out"], "no study.toml"),
        (["simulate", "NCT00000000", "-o", "out", "--seed", "1"], "no bundled study"),
        (["derive", "neutrofil_recovery", "--table", "counts=x.csv"], "did you mean"),
        (["derive", "neutrophil_recovery", "--table", "count=x.csv"], "NAME=FILE"),
        (["lint", "nowhere.json"], "nowhere.json"),
        (["study", "check", "nowhere.toml"], "nowhere.toml"),
        (["scan", "info", "nowhere.mdf"], "nowhere.mdf"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_what_is_not_there_is_named(arguments, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2, result.output
    assert says in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_run_without_events_says_so_beside_every_number(trial, tmp_path):
    folder = tmp_path / "trial"
    shutil.copytree(trial, folder)
    (folder / "tables/events.csv").unlink()
    made = CliRunner().invoke(app, ["run", str(folder), "-o", str(tmp_path / "out")])
    assert made.exit_code == 0, made.output
    words = "derived without the table events: deaths, relapses and lost grafts are not known"
    assert f"warning: hemogram: {words}" in made.stderr
    results = json.loads((tmp_path / "out/results.json").read_text(encoding="utf-8"))["results"]
    (primary,) = [r for r in results if r["analysisId"] == "overall_response"]
    assert any(words in note for note in primary["notes"])
