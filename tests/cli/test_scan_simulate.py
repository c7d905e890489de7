from typer.testing import CliRunner

from sojourn.cli import app

RUN = CliRunner().invoke
SMALL = ["--seed", "1", "--voxels", "3x1x1", "--frames", "1", "--background-frames", "2"]


def test_a_simulation_is_written_checked_and_reconstructed(tmp_path):
    folder = tmp_path / "scan"
    done = RUN(app, ["scan", "simulate", "human_head", "-o", str(folder), *SMALL])
    assert done.exit_code == 0, done.output
    assert "SIMULATED" in done.output
    assert RUN(app, ["scan", "check", str(folder / "calibration.mdf")]).exit_code == 0
    again = RUN(app, ["scan", "simulate", "human_head", "-o", str(folder), *SMALL])
    assert again.exit_code == 2
    assert "use --force" in again.output
    forced = RUN(app, ["scan", "simulate", "human_head", "-o", str(folder), *SMALL, "--force"])
    assert forced.exit_code == 0


def test_what_can_be_chosen_is_listed():
    listed = RUN(app, ["scan", "simulate", "--list"])
    assert listed.exit_code == 0
    for word in ("preclinical", "single_sided", "ferucarbotran", "resolution"):
        assert word in listed.output


def test_wrong_words_end_with_one_line_and_what_there_is(tmp_path):
    for wrong, message in (
        (["mouse"], "known: preclinical"),
        (["knee", "--tracer", "gold"], "ferumoxytol"),
        (["knee", "--phantom", "cat"], "known: points"),
        (["knee", "--iron-ug", "nan"], "must be a positive number"),
        (["knee", "--voxels", "big"], "such as 9x9x5"),
        (["knee", "--voxels", "99999x99999x99999"], "ask for fewer voxels"),
        (["knee", "--threads", "0"], "must be 1 or more"),
    ):
        done = RUN(app, ["scan", "simulate", *wrong, "-o", str(tmp_path / "x"), "--seed", "1"])
        assert done.exit_code == 2, wrong
        assert message in done.output, (wrong, done.output)
        assert "Traceback" not in done.output
    assert not (tmp_path / "x").exists()
