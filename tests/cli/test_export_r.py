"""`sojourn export-r` from the command line; R itself is not needed here."""

from typer.testing import CliRunner

from r_programs import arms, write_run
from sojourn.cli import app

VALUES = arms(aval=[[1.0, 2.0, 4.0], [3.0, 3.5, 9.0]])


def call(*arguments):
    return CliRunner().invoke(app, ["export-r", *map(str, arguments)])


def test_the_program_and_its_tables_are_written_and_the_next_step_is_said(tmp_path):
    out = write_run(tmp_path / "out", {"average": ("mean", {}, VALUES)})
    done = call(out, "-o", tmp_path / "check.R")
    assert done.exit_code == 0, done.output
    assert "2 numbers" in done.stderr
    assert f"next: Rscript {tmp_path / 'check.R'}" in done.stderr
    tables = sorted(path.name for path in (tmp_path / "check_data").iterdir())
    assert tables == ["average.csv", "numbers.csv"]
    header = (tmp_path / "check_data/numbers.csv").read_text().splitlines()[0]
    assert header == "ID,ROLE,VALUE,LOWER,UPPER,P,N,TOLERANCE,REASON"


def test_what_r_does_not_recompute_is_said_with_its_reason(tmp_path):
    rows = arms(aval=[[1.0, 2.0, 4.0]] * 2, base=[[1.0, 3.0, 2.0]] * 2)
    out = write_run(
        tmp_path / "out", {"by_visit": ("mmrm", {"response": "value", "base": "none"}, rows)}
    )
    done = call(out, "-o", tmp_path / "check.R")
    assert "not recomputed: by_visit: " in done.stderr


def test_a_folder_without_results_is_one_line_and_status_2(tmp_path):
    done = call(tmp_path, "-o", tmp_path / "check.R")
    assert done.exit_code == 2
    assert done.stderr.startswith("sojourn: ")
    assert not (tmp_path / "check.R").exists()
