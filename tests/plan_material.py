"""Small studies and tables for the tests of populations, sets and analyses."""

from datetime import date, timedelta

import polars as pl

from sojourn.core.endpoints import OUTCOME
from sojourn.core.provenance import Provenance
from sojourn.core.tables import TABLES
from sojourn.study.analysed import Material
from sojourn.study.definition import parse_study
from sojourn.study.groups import Groups
from sojourn.study.keyed import Keyed
from sojourn.study.ledger import Ledger
from sojourn.study.populations import find_populations

DAY_0 = date(2030, 1, 1)

STUDY = """\
id = "TEST-1"
title = "A small study"
headline = "recovered"

[day_zero]
event = "first_dose"
from = "assumption"
reason = "usual"

[[arms]]
code = "ALPHA"
name = "cells"
days = [0, 7]
dose_window_days = 2
from = "assumption"
reason = "planned"

[[arms]]
code = "BETA"
name = "no cells"
days = [0, 7]
dose_window_days = 2
from = "assumption"
reason = "planned"

[[visits]]
name = "DAY40"
day = 40
window_days = [38, 42]
collects = ["counts"]
from = "assumption"
reason = "two days either side"

[[visits]]
name = "WEEK6"
day = 42
window_days = [39, 45]
collects = ["womac"]
from = "assumption"
reason = "three days either side"

[[endpoints]]
id = "anc"
use = "hemogram_response"
role = "primary"
from = "assumption"
reason = "small"

[[populations]]
id = "ITT"
label = "Intention to treat"
kind = "intention_to_treat"
from = "assumption"
reason = "everybody"

[[populations]]
id = "SAFETY"
label = "Safety"
kind = "safety"
from = "assumption"
reason = "dosed"

[[populations]]
id = "PP"
label = "Per protocol"
kind = "per_protocol"
doses_as_planned = true
no_major_deviation = true
visits = ["DAY40", "WEEK6"]
from = "assumption"
reason = "as planned"

[[analyses]]
id = "recovered"
label = "Recovered by day 40"
endpoint = "anc"
param = "ANCREC40"
use = "proportion"
role = "primary"
by = "all"
from = "assumption"
reason = "small"

[[analyses]]
id = "recovered_itt"
label = "Recovered by day 40, nobody left out"
endpoint = "anc"
param = "ANCREC40"
use = "proportion"
role = "sensitivity"
population = "ITT"
missing_as = "N"
by = "arm"
from = "assumption"
reason = "who was not dosed did not recover"

[[intercurrent_events]]
id = "death"
event = "death before recovery"
endpoints = ["anc"]
strategy = "composite"
handling = "counts as not recovered"
from = "assumption"
reason = "who died did not recover"

[[estimands]]
id = "response"
label = "Recovery in who was dosed"
population = "ALL"
treatment = "cells, all that were tolerated"
endpoint = "anc"
param = "ANCREC40"
intercurrent_events = ["death"]
summary = "proportion"
main = "recovered"
sensitivity = ["recovered_itt"]
from = "assumption"
reason = "small"

[multiplicity]
procedure = "none"
from = "assumption"
reason = "no hypothesis is registered"
"""


def study(*changes):
    """Return the study; each change is a pair (old, new) of texts."""
    text = STUDY
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return parse_study(text)


def table(name, *rows):
    """Return a table of its schema from dictionaries, lines numbered from 2."""
    schema = TABLES[name].schema
    full = [dict.fromkeys(schema) | {"ROW": n} | row for n, row in enumerate(rows, start=2)]
    return pl.DataFrame(full, schema=schema, orient="row")


def on(subject, day, **cells):
    """Return a row dated `day` days after day 0."""
    return {"USUBJID": subject, "ADT": DAY_0 + timedelta(day), **cells}


def subjects(*names, **cells):
    return table("subjects", *({"USUBJID": name, **cells} for name in names))


def doses(**days):
    """Return doses of each subject on the given days."""
    return table("doses", *(on(s, d) for s, given in days.items() for d in given))


def outcome(param="ANCREC40", **classes):
    """Return one row of a class for each subject."""
    rows = [
        dict.fromkeys(OUTCOME)
        | {"USUBJID": s, "PARAMCD": param, "AVALC": c, "REASON": "", "EVIDENCE": ""}
        for s, c in classes.items()
    ]
    return pl.DataFrame(rows, schema=dict(OUTCOME))


def groups(*, is_blinded=False, treated=None, **arms):
    """Return two groups A (ALPHA) and B (BETA) with the subjects of `arms`."""
    labels = {"A": "Arm A", "B": "Arm B"}
    return Groups(labels, arms, is_blinded, {"A": "ALPHA", "B": "BETA"}, treated or {})


def keyed(ledger, **frames):
    return {name: Keyed(frame, ledger.stage(Provenance(name))) for name, frame in frames.items()}


def material(tmp_path, made, tables, outcomes, arms):
    """Return the material of a run, and its ledger."""
    ledger = Ledger(tmp_path)
    kept = keyed(ledger, **tables)
    derived = keyed(ledger, **outcomes)
    found = find_populations(made, kept, arms, None, ledger)
    return Material(made, kept, derived, arms, None, found), ledger
