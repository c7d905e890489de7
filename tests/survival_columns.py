"""Columns of the public transplant data sets, as text arrays."""

import csv

import numpy as np


def columns(shared, name, *wanted):
    """Return the named columns of a data set, each an array of text."""
    with (shared / "data/hsct" / name).open(encoding="utf-8") as lines:
        records = list(csv.DictReader(lines))
    return tuple(np.array([record[column] for record in records]) for column in wanted)
