"""Ten subjects in two arms, as outcome rows for the regressions."""

import numpy as np
import polars as pl

from sojourn.testing import make_outcome_rows

DAYS = [5.0, 8.0, 8.0, 12.0, 15.0, 20.0, 21.0, 30.0, 33.0, 40.0]
CODES = [0, 0, 1, 0, 2, 0, 0, 1, 0, 0]
ARM = np.array([1, 0, 1, 0, 1, 1, 0, 0, 1, 0])
AGE = [40.0, 31, 60, 22, 45, 51, 38, 29, 33, 47]


def trial(codes=CODES, arm=ARM, entry=None, **columns):
    """Return ten subjects in arms A (arm 0) and B, with columns of their own."""
    rows = make_outcome_rows("A", aval=DAYS, cnsr=codes, entry=entry)
    rows = rows.with_columns(pl.Series("GROUP", ["AB"[i] for i in arm]))
    return rows.with_columns(**{name: pl.Series(values) for name, values in columns.items()})
