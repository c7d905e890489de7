"""One endpoint from files: what `sojourn derive` does."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from sojourn.core.errors import DataError
from sojourn.core.tables import TABLES
from sojourn.formats.csv import check_subjects, read_table
from sojourn.study._setting_text import parse_settings
from sojourn.study.outcomes import endpoints


def derive_from_files(endpoint: str, tables: Sequence[str], rule: Sequence[str]) -> pl.DataFrame:
    """Return the outcomes of `endpoint` from tables given as ``NAME=FILE``.

    Parameters
    ----------
    endpoint
        name of the plug-in.
    tables
        ``NAME=FILE.csv`` for each table; the names are those of `sojourn.core.tables.TABLES`.
    rule
        ``KEY=VALUE`` for each changed setting; values are written as in a study file (TOML), and
        text may stand without quotes.

    Returns
    -------
        columns of `OUTCOME`, sorted by parameter and subject.

    Raises
    ------
    PluginError
        if no endpoint has that name.
    DataError
        if a table or a rule is not valid, or a needed table is missing.
    """
    plugin = endpoints.get(endpoint)
    read: dict[str, pl.DataFrame] = {}
    for text in tables:
        name, _, file = text.partition("=")
        if name not in TABLES or not file:
            raise DataError(
                f"--table {text!r}: expected NAME=FILE with NAME one of {', '.join(TABLES)}; "
                f"{endpoint} reads {', '.join(plugin.inputs)}"
            )
        if name in read:
            raise DataError(f"--table {name} is given twice")
        read[name] = read_table(Path(file), TABLES[name])
    if "subjects" in read:
        check_subjects(read)
    return plugin(read, rule=parse_settings(rule, option="--rule")).sort("PARAMCD", "USUBJID")
