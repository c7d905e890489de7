import json

import pytest

from sojourn.core.errors import DataError, PluginError
from sojourn.study.estimating import Columns, estimate_file, read_outcomes

SURVIVAL = Columns(time="t", status="d")


def csv(tmp_path, text, name="data.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_survival_of_a_published_data_set(shared):
    path = shared / "data/hsct/bmt_klein.csv"
    made = estimate_file("kaplan_meier", path, Columns(time="t1", status="d1"), at=[365])
    golden = json.loads((shared / "data/hsct/golden/bmt_klein_os.json").read_text())["overall"]
    expected = golden["at"]["365"]
    estimate = made.estimates[0].estimate
    assert estimate.value == pytest.approx(expected["surv"], abs=1e-10)
    assert [estimate.lower, estimate.upper] == pytest.approx(expected["ci_loglog"], abs=1e-10)
    assert made.estimates[0].n == golden["n"]


def test_json_names_method_file_settings_and_versions(tmp_path):
    path = csv(tmp_path, "t,d\n1,1\n2,0\n3,1\n")
    document = json.loads(estimate_file("kaplan_meier", path, SURVIVAL, at=[2]).to_json())
    assert document["method"] == "kaplan_meier"
    assert document["file"] == "data.csv"
    assert document["settings"]["at"] == [2.0]
    assert document["columns"] == {"time": "t", "status": "d"}
    assert {"sojourn", "numpy", "scipy", "python"} <= set(document["versions"])
    (number,) = [e for e in document["estimates"] if e["operation"] == "survival_at_2"]
    assert number["value"] == pytest.approx(2 / 3)
    assert number["n"] == 3


def test_an_unbounded_side_is_null_in_json(tmp_path):
    path = csv(tmp_path, "v\n4.0\n")
    (number,) = json.loads(estimate_file("mean", path, Columns(value="v")).to_json())["estimates"]
    assert (number["value"], number["lower"], number["upper"]) == (4.0, None, None)


def test_status_one_is_the_event_and_zero_is_censored(tmp_path):
    rows = read_outcomes(csv(tmp_path, "t,d\n1,1\n2,0\n3,2\n4,3\n5,\n"), SURVIVAL)
    assert rows["CNSR"].to_list() == [0, 1, 2, 3, None]


def test_a_missing_status_is_not_a_censored_time(tmp_path):
    made = estimate_file("kaplan_meier", csv(tmp_path, "t,d\n1,1\n2,0\n3,\n"), SURVIVAL, at=[1])
    assert made.estimates[0].n == 2
    assert any("1 of 3" in note for note in made.estimates[0].estimate.notes)


def test_text_values_are_classes_and_numbers_both(tmp_path):
    classes = read_outcomes(csv(tmp_path, "v\nY\nN\nNA\n"), Columns(value="v"))
    assert classes["AVALC"].to_list() == ["Y", "N", None]
    assert classes["AVAL"].to_list() == [None, None, None]
    numbers = read_outcomes(csv(tmp_path, "v\n1\n0.5\n\n"), Columns(value="v"))
    assert numbers["AVAL"].to_list() == [1.0, 0.5]


def test_what_counts_as_a_success_is_never_guessed(tmp_path):
    path = csv(tmp_path, "v\n1\n0\n1\n")
    with pytest.raises(DataError, match=r"values are 0, 1; say which count"):
        estimate_file("proportion", path, Columns(value="v"))
    made = estimate_file("proportion", path, Columns(value="v"), settings=['success=["1"]'])
    assert made.estimates[0].estimate.value == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("t,d\n1,1\nx,0\n", r"row 3, column t: 'x' is no finite number", id="text"),
        pytest.param("t,d\n1,1\ninf,0\n", r"row 3, column t: 'inf'", id="infinite"),
        pytest.param("t,d\n1,1\n2,dead\n", r"row 3, column d: status 'dead'", id="status-text"),
        pytest.param("t,d\n1,1\n2,-1\n", r"row 3, column d: status '-1'", id="status-negative"),
        pytest.param("t,d\n1,1\n-2,0\n", r"row 3", id="negative-time"),
        pytest.param("t,status\n1,1\n", r"column 'd' stands not at all", id="no-column"),
        pytest.param("t,t,d\n1,1,1\n", r"column 't' stands twice", id="column-twice"),
        pytest.param("t,d\n1,1,1\n", r"row 2: found 3 cells, expected 2", id="ragged"),
    ],
)
def test_hostile_files_get_one_clear_error(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        estimate_file("kaplan_meier", csv(tmp_path, text), SURVIVAL)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param({"time": "t"}, "needs its status", id="time-alone"),
        pytest.param({}, "expected either --time and --status", id="nothing"),
        pytest.param({"time": "t", "status": "d", "value": "v"}, "expected either", id="both"),
        pytest.param({"value": "v", "entry": "e"}, "--entry belongs", id="entry-alone"),
        pytest.param(
            {"time": "t", "status": "d", "exposure": "e"}, "--exposure belongs", id="exposure"
        ),
    ],
)
def test_contradicting_columns_are_refused(given, message):
    with pytest.raises(DataError, match=message):
        Columns(**given)


def test_a_rate_counts_events_over_days_at_risk(tmp_path):
    # 27 events in 2714 days: 9.9484 (6.5561 to 14.4744) per 1000 (R poisson.test, EXTERNAL).
    path = csv(tmp_path, "n,days\n20,2000\n7,714\n")
    made = estimate_file("poisson_rate", path, Columns(value="n", exposure="days"))
    estimate = made.estimates[0].estimate
    assert [estimate.value, estimate.lower, estimate.upper] == pytest.approx(
        [9.9484, 6.5561, 14.4744], abs=5e-5
    )


@pytest.mark.parametrize("days", ["0", "1.5", "-3", "x"])
def test_days_at_risk_are_whole_and_above_zero(tmp_path, days):
    with pytest.raises(DataError, match=r"row 2, column days: .* whole days at risk, 1 or more"):
        estimate_file(
            "poisson_rate",
            csv(tmp_path, f"n,days\n1,{days}\n"),
            Columns(value="n", exposure="days"),
        )


@pytest.mark.parametrize("success", ["YES", "yes"])
def test_values_that_differ_in_case_alone_are_not_told_apart(tmp_path, success):
    path = csv(tmp_path, "v\nYes\nNo\n")
    with pytest.raises(DataError, match="differ in case alone"):
        estimate_file("proportion", path, Columns(value="v"), settings=[f'success=["{success}"]'])
    made = estimate_file("proportion", path, Columns(value="v"), settings=['success=["Yes"]'])
    assert made.estimates[0].estimate.value == 0.5


def test_groups_that_differ_in_case_alone_are_refused(tmp_path):
    path = csv(tmp_path, "v,g\n1,a\n2,A\n")
    with pytest.raises(DataError, match="groups 'a' and 'A' differ in case alone"):
        estimate_file("mean", path, Columns(value="v", group="g"))


def test_an_empty_group_cell_is_refused(tmp_path):
    path = csv(tmp_path, "v,g\n1,A\n2,\n")
    with pytest.raises(DataError, match="row 3: no group"):
        estimate_file("mean", path, Columns(value="v", group="g"))


def test_a_subject_twice_is_refused(tmp_path):
    path = csv(tmp_path, "v,s\n1,01\n2,01\n")
    with pytest.raises(DataError, match="'01' has several rows"):
        estimate_file("mean", path, Columns(value="v", subject="s"))


def test_times_for_a_method_without_times_are_refused(tmp_path):
    path = csv(tmp_path, "v\n1\n2\n")
    with pytest.raises(DataError, match="has no at; its settings: "):
        estimate_file("mean", path, Columns(value="v"), at=[3])


def test_an_unknown_method_is_refused_with_the_nearest(tmp_path):
    with pytest.raises(PluginError, match="kaplan_meier"):
        estimate_file("kaplan_maier", csv(tmp_path, "t,d\n1,1\n"), SURVIVAL)


def test_a_column_that_a_setting_names_is_read_and_is_no_covariate(tmp_path):
    path = csv(tmp_path, "t,d,resp\n40,1,5\n50,1,\n90,0,\n")
    columns = Columns(time="t", status="d", covariates=("resp",))
    settings = ["landmark_day=30", "status_day=resp"]
    made = estimate_file("landmark", path, columns, at=[60], settings=settings)
    assert [each.estimate and each.estimate.value for each in made.estimates] == [0.0, 0.5, None]
    with pytest.raises(DataError, match="has no covariates"):
        estimate_file("landmark", path, columns, at=[60], settings=["landmark_day=30"])


@pytest.mark.parametrize("cell", [".", "nan", "inf", "1,234", "1_234", "N/A", "\u0663", "-"])
def test_one_cell_that_is_no_number_is_named_and_does_not_empty_the_column(tmp_path, cell):
    path = csv(tmp_path, f'v\n1.5\n2.5\n"{cell}"\n')
    with pytest.raises(DataError, match=r"row 4, column v: .* is no finite number"):
        estimate_file("mean", path, Columns(value="v"))


def test_numbers_may_have_a_sign_a_bare_point_or_an_exponent(tmp_path):
    path = csv(tmp_path, "v\n+1\n-1.\n.5\n15e-1\n")
    (number,) = estimate_file("mean", path, Columns(value="v")).estimates
    assert number.estimate.value == pytest.approx(0.5)


@pytest.mark.parametrize(
    "method",
    ["kaplan_meier", "log_rank", "restricted_mean", "cox", "cumulative_incidence", "fine_gray"],
)
@pytest.mark.parametrize("codes", [(1, 2, 1), (2, 2, 2)])
def test_status_one_and_two_without_zero_is_refused(tmp_path, method, codes):
    path = csv(
        tmp_path, "t,d\n" + "".join(f"{t},{d}\n" for t, d in zip((5, 6, 7), codes, strict=True))
    )
    told = f"column d holds 1 \\({codes.count(1)} times\\) and 2 \\({codes.count(2)}\\), never 0"
    with pytest.raises(DataError, match=f"{told}: .* --event 2 --censored 1; .* --event 1"):
        estimate_file(method, path, SURVIVAL)


def test_status_one_and_two_mean_what_the_user_says(tmp_path):
    path = csv(tmp_path, "t,d\n1,2\n2,1\n3,2\n4,1\n")
    as_in_r = Columns(time="t", status="d", event=2, censored=1)
    assert read_outcomes(path, as_in_r)["CNSR"].to_list() == [0, 1, 0, 1]
    # deaths at 1 of 4 and at 3 of 2
    made = estimate_file("kaplan_meier", path, as_in_r, at=[3])
    assert made.estimates[0].estimate.value == pytest.approx(3 / 4 * 1 / 2)
    competing = Columns(time="t", status="d", event=1, censored=0)
    assert read_outcomes(path, competing)["CNSR"].to_list() == [2, 0, 2, 0]
    made = estimate_file("cumulative_incidence", path, competing, at=[3])
    assert made.estimates[0].estimate.value == pytest.approx(1 / 4)
    # 1 is then neither the event nor censored, and no competing event has that code
    with pytest.raises(DataError, match=r"row 3, column d: status '1'; expected 0 censored, 2 the"):
        read_outcomes(path, Columns(time="t", status="d", event=2))


def test_any_codes_may_be_named(tmp_path):
    path = csv(tmp_path, "t,d\n1,7\n2,9\n3,2\n4,\n")
    columns = Columns(time="t", status="d", event=7, censored=9)
    assert read_outcomes(path, columns)["CNSR"].to_list() == [0, 1, 2, None]
    for cell in ("0", "1"):
        path = csv(tmp_path, f"t,d\n1,7\n2,9\n3,{cell}\n")
        with pytest.raises(DataError, match=f"row 4, column d: status '{cell}'"):
            read_outcomes(path, columns)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"value": "v", "event": 1}, "codes of --status"),
        ({"value": "v", "censored": 0}, "codes of --status"),
        ({"time": "t", "status": "d", "event": 0}, "status 0 cannot be both"),
        ({"time": "t", "status": "d", "censored": 1}, "status 1 cannot be both"),
        ({"time": "t", "status": "d", "event": 3, "censored": 3}, "status 3 cannot be both"),
    ],
)
def test_codes_that_contradict_are_refused(given, message):
    with pytest.raises(DataError, match=message):
        Columns(**given)


def test_a_status_that_is_not_one_and_two_alone_needs_no_codes(tmp_path):
    third = csv(tmp_path, "t,d\n1,1\n2,3\n3,1\n")
    assert estimate_file("kaplan_meier", third, SURVIVAL, at=[2]).estimates
    events = csv(tmp_path, "t,d\n1,1\n2,1\n3,1\n")
    assert estimate_file("kaplan_meier", events, SURVIVAL, at=[2]).estimates
    censored = csv(tmp_path, "t,d\n1,1\n2,2\n3,0\n")
    assert estimate_file("kaplan_meier", censored, SURVIVAL, at=[2]).estimates


def test_times_are_no_values(tmp_path):
    with pytest.raises(DataError, match="mean takes a --value"):
        estimate_file("mean", csv(tmp_path, "t,d\n1,1\n2,0\n"), SURVIVAL)


def test_a_file_without_rows_is_refused(tmp_path):
    with pytest.raises(DataError, match="a header and no row"):
        estimate_file("kaplan_meier", csv(tmp_path, "t,d\n"), SURVIVAL)


@pytest.mark.parametrize("at", [-1.0, float("nan"), float("inf")])
def test_a_time_before_the_origin_or_no_number_is_refused(tmp_path, at):
    path = csv(tmp_path, "t,d\n1,1\n2,0\n")
    with pytest.raises(DataError, match="expected times of 0 or more"):
        estimate_file("kaplan_meier", path, SURVIVAL, at=[1.0, at])
