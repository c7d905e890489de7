"""`sojourn study check`: a study may be named as anywhere else."""

import shutil

import pytest
from typer.testing import CliRunner

from sojourn.cli import app
from sojourn.study.bundled import bundled_study


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(bundled_study("NCT06171906").parent, tmp_path / "study")
    return tmp_path / "study"


@pytest.mark.parametrize("name", ["", "study.toml"])
def test_a_folder_or_a_file_will_do(folder, name):
    result = CliRunner().invoke(app, ["study", "check", str(folder / name)])
    assert result.exit_code == 0, result.output
    assert "valid" in result.stderr


def test_a_registry_number_means_the_bundled_study(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["study", "check", "NCT06171906"])
    assert result.exit_code == 0, result.output
    assert "open items" in result.stderr  # the record beside it was found


def test_an_unknown_registry_number_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["study", "check", "NCT00000000"])
    assert result.exit_code == 2
    assert "NCT00000000" in result.stderr
