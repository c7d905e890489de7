"""Small literal tables of a transplant trial, by day from the first dose."""

import json
from datetime import date, timedelta

import polars as pl

from sojourn.core.tables import COUNTS, DOSES, EVENTS, FOLLOW_UP, GROWTH_FACTORS, ROW, TRANSFUSIONS

DAY_0 = date(2026, 3, 1)


def on(day):
    return DAY_0 + timedelta(day)


def table(schema, rows):
    """Return `rows` (without ROW) as a table that stands in lines 2, 3, ... of its file."""
    numbered = [(line, *row) for line, row in enumerate(rows, start=2)]
    return pl.DataFrame(numbered, schema=schema.schema, orient="row")


def counts(rows, *, column="ANC", scale=1e9, subject="01"):
    """Return counts from (day, value) pairs; values are times `scale` in the table's unit."""
    values = [(day, None if v is None else v * scale) for day, v in rows]
    at = ("ANC", "HGB", "PLT").index(column)
    return table(
        COUNTS,
        [
            (subject, on(day), *(value if i == at else None for i in range(3)))
            for day, value in values
        ],
    )


def doses(*subjects, day=0):
    return table(
        DOSES, [(s, on(day), None, None, None, None, None, None) for s in subjects or ("01",)]
    )


def transfusions(*days, product="PLT", subject="01"):
    return table(TRANSFUSIONS, [(subject, on(day), product) for day in days])


def events(*dated, subject="01"):
    """Return events from (day, code) or (day, code, grade) or (day, code, grade, detail)."""
    full = [(*e, None, None)[:4] for e in dated]
    return table(EVENTS, [(subject, on(day), code, grade, text) for day, code, grade, text in full])


def follow_up(day, *, subject="01"):
    return table(FOLLOW_UP, [(subject, on(day))])


def g_csf(*days, subject="01"):
    return table(GROWTH_FACTORS, [(subject, on(day), "G-CSF") for day in days])


def golden(shared, name):
    return json.loads((shared / "data" / "hsct" / "golden" / f"{name}.json").read_text())


def simulated_cohort(shared):
    """Return the 68 simulated subjects of the golden file as tables."""
    folder = shared / "data" / "hsct"
    text = {"schema_overrides": {"id": pl.String}}
    labs = pl.read_csv(folder / "hemogram_sim_labs.csv", infer_schema_length=None, **text)
    given = pl.read_csv(folder / "hemogram_sim_transfusions.csv", **text)
    people = pl.read_csv(folder / "hemogram_sim_subjects.csv", infer_schema_length=None, **text)
    died = people.drop_nulls("death_day")
    return {
        "counts": table(
            COUNTS,
            [
                (s, on(d), None if a is None else a * 1e9, h, None if p is None else p * 1e9)
                for s, d, a, h, p in labs.rows()
            ],
        ),
        "doses": doses(*people["id"]),
        "transfusions": table(TRANSFUSIONS, [(s, on(d), p) for s, d, p in given.rows()]),
        "events": table(EVENTS, [(s, on(d), "DEATH", None, None) for s, d, _ in died.iter_rows()]),
        "follow_up": table(FOLLOW_UP, [(s, on(d)) for s, _, d in people.iter_rows()]),
    }


def without_rows(frame):
    return frame.drop(ROW)
