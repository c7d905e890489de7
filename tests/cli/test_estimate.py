import json

from typer.testing import CliRunner

from sojourn.cli import app


def run(*arguments):
    return CliRunner().invoke(app, ["estimate", *map(str, arguments)])


def test_json_goes_to_stdout_and_can_be_read(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("t,d,g\n1,1,a\n2,0,a\n3,1,b\n4,1,b\n")
    made = run(
        "kaplan_meier", path, "--time", "t", "--status", "d", "--group", "g", "--at", 2, "--json"
    )
    assert made.exit_code == 0, made.output
    document = json.loads(made.stdout)
    assert {e["group"] for e in document["estimates"]} == {"a", "b"}


def test_text_names_number_interval_method_and_n(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("v\n1\n2\n3\n")
    made = run("mean", path, "--value", "v")
    assert made.exit_code == 0, made.output
    assert "mean  2 (95% CI -0.484138 to 4.48414)  (n = 3)" in made.stdout
    assert "t interval" in made.stdout


def test_bad_input_exits_with_two_and_one_line(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("v\nx\n")
    made = run("mean", path, "--time", "v")
    assert made.exit_code == 2
    assert made.stderr.count("\n") == 1


def test_codes_of_the_status_are_options(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("t,d\n1,2\n2,1\n3,2\n")
    given = ("kaplan_meier", path, "--time", "t", "--status", "d", "--at", 1)
    refused = run(*given)
    assert refused.exit_code == 2
    assert "holds 1 (1 times) and 2 (2), never 0" in refused.stderr
    made = run(*given, "--event", 2, "--censored", 1)
    assert made.exit_code == 0, made.output
    assert "survival_at_1  0.666667" in made.stdout
