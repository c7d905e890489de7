"""Outcome rows with a group, as the analyses take them."""

import polars as pl

from sojourn.core.analyses import GROUP
from sojourn.core.endpoints import OUTCOME
from sojourn.testing import make_outcome_rows


def outcomes(group="ALL", *, aval=None, avalc=None, cnsr=None, day=None):
    """Return one row for each element of the given lists, in `group`."""
    return make_outcome_rows(group, aval=aval, avalc=avalc, cnsr=cnsr, day=day)


def empty():
    return pl.DataFrame(schema={**OUTCOME, GROUP: pl.String})
