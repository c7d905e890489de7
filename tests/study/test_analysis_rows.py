"""The rows behind every number: complete, ordered, exact. Expectations by hand (OURS)."""

import polars as pl
import pytest

from sojourn.core.analyses import GROUP
from sojourn.core.endpoints import OUTCOME
from sojourn.study.analysed import Analysed
from sojourn.study.analysis_rows import COLUMNS, analysis_rows_csv, read_analysis_rows


def rows(*cells, extra=()):
    """Return outcome rows of (subject, param, visit, value); `extra` columns by name."""
    schema = {**OUTCOME, GROUP: pl.String}
    full = [
        dict.fromkeys(schema) | {"USUBJID": s, "PARAMCD": p, "AVISIT": v, "AVAL": x, GROUP: "A"}
        for s, p, v, x in cells
    ]
    return pl.DataFrame(full, schema=schema).with_columns(**dict(extra))


def taken(**frames):
    return {name: Analysed(frame, (), {}) for name, frame in frames.items()}


def test_analyses_keep_their_order_and_rows_are_sorted_within():
    frame = rows(("02", "P", "V2", 1.0), ("02", "P", "V1", 2.0), ("01", "P", "V1", 3.0))
    read = read_analysis_rows(analysis_rows_csv(taken(z=frame, a=frame), "FINAL"))
    assert read["ANALYSIS"].to_list() == ["z"] * 3 + ["a"] * 3
    order = [("01", "V1"), ("02", "V1"), ("02", "V2")]
    assert read.select("USUBJID", "AVISIT").rows() == order * 2


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_the_order_of_rows_does_not_reach_the_file(order):
    cells = [("02", "P", None, 1.0), ("01", "P", None, 2.0), ("01", "Q", None, 3.0)]
    text = analysis_rows_csv(taken(a=rows(*(cells[i] for i in order))), "FINAL")
    assert text == analysis_rows_csv(taken(a=rows(*cells)), "FINAL")


def test_numbers_come_back_as_the_same_floats_and_a_missing_one_is_empty():
    values = [0.1 + 0.2, 1e-300, 5e11, -0.0]
    frame = rows(*((f"0{i}", "P", None, v) for i, v in enumerate([*values, None])))
    read = read_analysis_rows(analysis_rows_csv(taken(a=frame), "FINAL"))
    assert [float(v) for v in read["AVAL"][:4]] == values
    assert read["AVAL"][4] is None


def test_further_columns_stand_by_name_and_are_empty_where_an_analysis_has_none():
    with_age = rows(("01", "P", None, 1.0), extra={"AGE": pl.lit(40.0), "SITE": pl.lit("x,y")})
    without = rows(("01", "P", None, 1.0))
    read = read_analysis_rows(analysis_rows_csv(taken(a=with_age, b=without), "SIMULATED"))
    assert read.columns == [*COLUMNS, "AGE", "SITE", "DATA_STATUS"]
    assert read.select("AGE", "SITE").rows() == [("40.0", "x,y"), (None, None)]
    assert set(read["DATA_STATUS"]) == {"SIMULATED"}


def test_no_analysis_leaves_the_header():
    assert analysis_rows_csv({}, "FINAL") == ",".join([*COLUMNS, "DATA_STATUS"]) + "\n"
