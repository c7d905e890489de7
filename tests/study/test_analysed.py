"""The rows that an analysis takes: who is in, who is counted, which columns. By hand (OURS)."""

import polars as pl
import pytest

from plan_material import doses, groups, material, outcome, study, subjects, table
from sojourn.core.analyses import GROUP
from sojourn.core.endpoints import OUTCOME
from sojourn.core.errors import DataError
from sojourn.study.analysed import analysed_rows

ARMS = groups(P1="A", P2="B", P3="B")
TABLES = {"subjects": subjects("P1", "P2", "P3"), "doses": doses(P1=[0, 7], P2=[0, 7])}
OUTCOMES = {"anc": outcome(P1="Y", P2="N")}


def analysis(made, name, **changes):
    return next(a for a in made.analyses if a.id == name).model_copy(update=changes)


def taken(tmp_path, name, *, tables=TABLES, outcomes=OUTCOMES, arms=ARMS, **changes):
    made = study()
    source, _ = material(tmp_path, made, tables, outcomes, arms)
    return analysed_rows(analysis(made, name, **changes), source)


def classes(analysed):
    return dict(analysed.rows.select("USUBJID", "AVALC").iter_rows())


def test_without_a_population_only_the_dosed_are_analysed(tmp_path):
    assert classes(taken(tmp_path, "recovered")) == {"P1": "Y", "P2": "N"}


def test_intention_to_treat_has_a_row_for_who_was_never_dosed(tmp_path):
    made = taken(tmp_path, "recovered_itt", missing_as=None)
    assert classes(made) == {"P1": "Y", "P2": "N", "P3": None}
    assert dict(made.rows.select("USUBJID", GROUP).iter_rows())["P3"] == "B"


def test_missing_as_gives_the_class_and_says_how_many_got_it(tmp_path):
    made = taken(tmp_path, "recovered_itt")
    assert classes(made)["P3"] == "N"
    assert made.notes["B"] == ("1 of 2 without a value counted as N",)
    assert made.notes["A"] == ()


def test_a_class_that_is_known_stays(tmp_path):
    made = taken(tmp_path, "recovered_itt", missing_as="Y")
    assert classes(made) == {"P1": "Y", "P2": "N", "P3": "Y"}


def test_who_is_outside_the_population_is_counted_in_the_note(tmp_path):
    made = taken(tmp_path, "recovered", population="SAFETY", by="arm")
    assert made.notes == {"A": (), "B": ()}
    outcomes = {"anc": outcome(P1="Y", P2="N", P3="Y")}
    made = taken(tmp_path, "recovered", population="SAFETY", by="arm", outcomes=outcomes)
    assert classes(made) == {"P1": "Y", "P2": "N"}
    assert made.notes["B"] == ("1 of 2 outside population SAFETY",)


def test_safety_puts_subjects_where_they_were_treated(tmp_path):
    arms = groups(treated={"P2": "A"}, P1="A", P2="B", P3="B")
    for population, group in (("SAFETY", "A"), ("ITT", "B")):
        made = taken(tmp_path, "recovered", population=population, by="arm", arms=arms)
        assert dict(made.rows.select("USUBJID", GROUP).iter_rows())["P2"] == group


def test_a_population_and_a_set_both_narrow(tmp_path):
    reasons = {"P2": "not affected: neutrophils 3e9/L on day 0"}
    frame = outcome(P1="Y", P2=None, P3="Y").with_columns(
        REASON=pl.col("USUBJID").replace_strict(reasons, default="affected")
    )
    made = taken(
        tmp_path, "recovered", population="SAFETY", set="AFFECTED_ANC", outcomes={"anc": frame}
    )
    assert classes(made) == {"P1": "Y"}
    assert analysis(study(), "recovered", population="SAFETY", set="AFFECTED_ANC").set_id == (
        "SAFETY & AFFECTED_ANC"
    )


def visits(*cells):
    rows = [
        dict.fromkeys(OUTCOME) | {"USUBJID": s, "PARAMCD": "ANCREC40", "AVISIT": v, "AVAL": x}
        for s, v, x in cells
    ]
    return {"anc": pl.DataFrame(rows, schema=dict(OUTCOME))}


def test_visits_choose_rows_and_who_has_none_gets_an_empty_row_for_each(tmp_path):
    rows = visits(("P1", "V1", 1.0), ("P1", "V2", 2.0), ("P2", "V1", 3.0), ("P2", "V3", 4.0))
    made = taken(tmp_path, "recovered_itt", visits=("V1", "V2"), missing_as=None, outcomes=rows)
    cells = made.rows.sort("USUBJID", "AVISIT").select("USUBJID", "AVISIT", "AVAL").rows()
    assert cells == [
        ("P1", "V1", 1.0),
        ("P1", "V2", 2.0),
        ("P2", "V1", 3.0),
        ("P3", "V1", None),
        ("P3", "V2", None),
    ]


def test_further_parameters_bring_their_rows(tmp_path):
    rows = {"anc": pl.concat([outcome(P1="Y"), outcome("OVERALL", P1="Y"), outcome("X", P1="Y")])}
    made = taken(tmp_path, "recovered", params=("OVERALL",), outcomes=rows)
    assert made.rows["PARAMCD"].to_list() == ["ANCREC40", "OVERALL"]


def test_covariates_are_numbers_and_strata_are_text_of_the_subjects(tmp_path):
    people = table(
        "subjects",
        {"USUBJID": "P1", "AGE": 40, "SEX": "F"},
        {"USUBJID": "P2", "AGE": None, "SEX": "M"},
    )
    made = taken(
        tmp_path,
        "recovered",
        tables=TABLES | {"subjects": people},
        arms=groups(P1="A", P2="B"),
        settings={"covariates": ["AGE"], "strata": ["SEX"]},
    )
    assert made.rows.select("AGE", "SEX").rows() == [(40.0, "F"), (None, "M")]
    assert made.rows.schema["AGE"] == pl.Float64


def test_a_text_is_no_covariate(tmp_path):
    with pytest.raises(DataError, match="covariate SEX holds String, not numbers; name it among"):
        taken(tmp_path, "recovered", settings={"covariates": ["SEX"]})


def test_a_column_of_no_table_is_named(tmp_path):
    with pytest.raises(DataError, match="settings name the column 'BMI', unknown"):
        taken(tmp_path, "recovered", settings={"covariates": ["BMI"]})


def timed(**cells):
    rows = [
        dict.fromkeys(OUTCOME) | {"USUBJID": s, "PARAMCD": "T", "AVAL": x, "CNSR": c}
        for s, (x, c) in cells.items()
    ]
    return pl.DataFrame(rows, schema=dict(OUTCOME))


def test_a_column_of_another_outcome_is_null_where_the_event_was_not_seen(tmp_path):
    other = timed(P1=(9.0, 0), P2=(30.0, 1))
    made = taken(
        tmp_path, "recovered", outcomes=OUTCOMES | {"t": other}, columns={"REACHED": "t.T"}
    )
    assert made.rows["REACHED"].to_list() == [9.0, None]


def test_a_column_of_another_outcome_needs_one_row_of_each_subject(tmp_path):
    other = pl.concat([timed(P1=(9.0, 0)), timed(P1=(10.0, 0))])
    with pytest.raises(DataError, match="several rows of subject P1"):
        taken(tmp_path, "recovered", outcomes=OUTCOMES | {"t": other}, columns={"X": "t.T"})


def test_a_column_of_an_outcome_that_was_not_derived_is_named(tmp_path):
    with pytest.raises(DataError, match="endpoint t was not derived"):
        taken(tmp_path, "recovered", columns={"X": "t.T"})


@pytest.mark.parametrize("order", [("P1", "P2", "P3"), ("P3", "P1", "P2")])
def test_every_key_behind_the_rows_is_an_input(tmp_path, order):
    tables = TABLES | {"subjects": subjects(*order)}
    made = study()
    source, ledger = material(tmp_path, made, tables, OUTCOMES, ARMS)
    keys = analysed_rows(analysis(made, "recovered_itt"), source).keys
    assert source.populations["ITT"].key in keys
    assert source.outcomes["anc"].key in keys
    assert set(keys) <= set(ledger.steps)
