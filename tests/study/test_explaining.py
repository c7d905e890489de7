"""Explaining numbers of results that somebody has altered: words, never a wrong row."""

import json

import pytest

from sojourn.core.errors import DataError
from sojourn.core.provenance import digest
from sojourn.core.results import Listing, Results, Step
from sojourn.study.explaining import explain

TABLE = b"USUBJID,ADT\n1,2030-01-01\n2,2030-01-02\n"


def results(evidence):
    file = Step(key=digest(TABLE), kind="file", label="tables/counts.csv")
    return Results(
        studyId="X",
        title="",
        isSimulated=False,
        isBlinded=False,
        groups={},
        primaryResultId="",
        answer="",
        results=(),
        listings=(
            Listing(id="plain", title="", columns=("A",), rows=((1,),), provenance=digest(TABLE)),
            Listing(
                id="row",
                title="",
                columns=("A", "EVIDENCE"),
                rows=((1, evidence),),
                provenance=digest(TABLE),
                keys=("A",),
            ),
        ),
        steps=(file,),
    )


@pytest.fixture
def out(tmp_path):
    (tmp_path / "trial/tables").mkdir(parents=True)
    (tmp_path / "trial/tables/counts.csv").write_bytes(TABLE)
    (tmp_path / "run.json").write_text(json.dumps({"folder": str(tmp_path / "trial")}))
    return tmp_path


def explained(out, evidence):
    (out / "results.json").write_text(results(evidence).model_dump_json())
    return explain(out, "row/1")


def test_the_deciding_rows_are_quoted(out):
    text = explained(out, "counts:2,3;transfusions:3")
    assert "line 2: 1,2030-01-01" in text
    assert "line 3: 2,2030-01-02" in text
    assert "rows of tables/transfusions.csv (1)" in text


@pytest.mark.parametrize("evidence", ["counts:x", "counts:-1", "counts:0", "../../x:1", ":1"])
def test_evidence_that_names_no_row_quotes_none(out, evidence):
    assert "2030-01" not in explained(out, evidence)


def test_a_table_that_has_changed_is_not_quoted(out):
    (out / "trial/tables/counts.csv").write_bytes(TABLE + b"3,2030-01-03\n")
    text = explained(out, "counts:2")
    assert "2030-01" not in text
    assert "has changed" in text


def test_an_empty_id_names_nothing(out):
    (out / "results.json").write_text(results("").model_dump_json())
    with pytest.raises(DataError, match="no number ''"):
        explain(out, "")
