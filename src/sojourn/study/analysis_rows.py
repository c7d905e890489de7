"""The rows behind every number, as a table that another program can recompute from."""

import csv
import io
from collections.abc import Mapping

import polars as pl

from sojourn.core.analyses import GROUP
from sojourn.core.endpoints import OUTCOME
from sojourn.study.analysed import Analysed

COLUMNS = (
    "ANALYSIS",
    "USUBJID",
    "GROUP",
    "PARAMCD",
    "AVISIT",
    "AVAL",
    "AVALC",
    "CNSR",
    "ENTRY",
    "BASE",
    "DAY",
)
"""Columns of every row; those that covariates, strata and columns add follow in their order."""

STATUS = "DATA_STATUS"
"""Last column: what the data are, SIMULATED for instance."""

FILE = "analysis_rows.csv"
"""Name of the file in the folder of the results."""


def analysis_rows_csv(taken: Mapping[str, Analysed], status: str) -> str:
    """Return the rows that each analysis took, as CSV.

    Parameters
    ----------
    taken
        rows by the id of the analysis, in the study's order.
    status
        the study's data status, which stands in every row.

    Returns
    -------
        one line for each analysis, subject, parameter and visit; analyses in the given order, then
        by PARAMCD, USUBJID and AVISIT. Numbers have every digit, an empty cell is a missing value.
        Groups are as in the results: A and B while arms are blinded.
    """
    frames = {name: analysed.rows for name, analysed in taken.items()}
    known = {*OUTCOME, GROUP}
    further = sorted({c for frame in frames.values() for c in frame.columns} - known)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*COLUMNS, *further, STATUS])
    for name, frame in frames.items():
        for row in frame.sort("PARAMCD", "USUBJID", "AVISIT", nulls_last=True).iter_rows(
            named=True
        ):
            cells = [name, *(_cell(row[c]) for c in COLUMNS[1:])]
            writer.writerow([*cells, *(_cell(row.get(c)) for c in further), status])
    return out.getvalue()


def _cell(value: object) -> str:
    return "" if value is None else repr(value) if isinstance(value, float) else str(value)


def read_analysis_rows(text: str) -> pl.DataFrame:
    """Return the rows of `analysis_rows_csv`, every column as text.

    Examples
    --------
    >>> read_analysis_rows(analysis_rows_csv({}, "SIMULATED")).columns[:3]
    ['ANALYSIS', 'USUBJID', 'GROUP']
    """
    return pl.read_csv(text.encode(), infer_schema=False)
