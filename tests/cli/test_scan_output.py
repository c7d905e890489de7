"""`sojourn scan`: output is looked at before any work, and nothing of the user's is lost."""

import pytest
from typer.testing import CliRunner

from sojourn.cli.scan import app


def run(*words):
    return CliRunner().invoke(app, list(map(str, words)))


def reconstruct(output, *words):
    return run(
        "reconstruct", "gone.mdf", "--system-matrix", "gone.mdf", "--background", "none",
        "-o", output, *words,
    )  # fmt: skip


def view(output, *words):
    return run("view", "gone.mdf", "-o", output, *words)


@pytest.mark.parametrize(("command", "name"), [(reconstruct, "a.nii.gz"), (view, "a.html")])
def test_output_that_cannot_be_written_is_refused_before_files_are_read(tmp_path, command, name):
    (tmp_path / name).mkdir()
    for path, message in (
        (tmp_path / name, "is a folder; name a file"),
        (tmp_path / "gone" / name, "there is no folder"),
    ):
        done = command(path, "--force")
        assert done.exit_code == 2
        assert message in done.stderr
        assert "gone.mdf" not in done.stderr  # the input was not looked at
        assert len(done.stderr.splitlines()) == 1


def test_parameters_of_another_image_are_not_overwritten_unasked(tmp_path):
    # a.nii and a.nii.gz share a.json
    (tmp_path / "a.json").write_text("{}")
    done = reconstruct(tmp_path / "a.nii")
    assert done.exit_code == 2
    assert "a.json exists; use --force" in done.stderr
    assert "gone.mdf does not exist" in reconstruct(tmp_path / "a.nii", "--force").stderr
