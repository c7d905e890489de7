"""Outcome rows of subjects with several visits, from literal tables."""

import polars as pl

from sojourn.core.analyses import GROUP
from sojourn.core.endpoints import OUTCOME


def visit_outcomes(group, table, *, base=None, days=None, visits=None, **extra):
    """Return rows of one group: `table` has a list of values (None: not measured) per subject."""
    rows = []
    for i, values in enumerate(table):
        for v, value in enumerate(values):
            row = dict.fromkeys(OUTCOME) | {
                "USUBJID": f"{group}{i:03d}",
                "PARAMCD": "X",
                "REASON": "",
                "EVIDENCE": "",
                "AVAL": value,
                "AVISIT": visits[v] if visits else f"V{v + 1}",
                "DAY": days[v] if days else 7 * (v + 1),
                "BASE": base[i] if base else None,
                GROUP: group,
            }
            rows.append(row | {name: column[i] for name, column in extra.items()})
    schema = {**OUTCOME, GROUP: pl.String} | dict.fromkeys(extra, pl.Float64)
    return pl.DataFrame(rows, schema=schema)


def of_change(analysis):
    """Return `analysis` of the change from baseline, unless its settings say otherwise."""

    def analyse(rows, settings=None):
        return analysis(rows, settings={"response": "change", **(settings or {})})

    return analyse
