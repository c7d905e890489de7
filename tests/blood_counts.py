"""Small literal tables of a transplant trial, by day from the first dose."""

import json
import random
from datetime import date, timedelta

import polars as pl

from sojourn.core.tables import (
    ADVERSE_EVENTS,
    CHIMERISM,
    CHRONIC_GVHD,
    COUNTS,
    DOSES,
    EVENTS,
    FOLLOW_UP,
    GRAFTS,
    GROWTH_FACTORS,
    GVHD_STAGES,
    INFECTIONS,
    KL_READINGS,
    LYMPHOCYTES,
    PAIN_VAS,
    PATIENT_GLOBAL,
    ROW,
    SF36,
    SUBJECTS,
    TRANSFUSIONS,
    WOMAC,
)

DAY_0 = date(2026, 3, 1)
NO_DOSE = (None,) * 6


def on(day):
    return DAY_0 + timedelta(day)


def table(schema, rows):
    """Return `rows` (without ROW) as a table that stands in lines 2, 3, ... of its file.

    Columns at the end that a row lacks are null.
    """
    width = len(schema.columns)
    numbered = [
        (line, *row, *[None] * (width - len(row))) for line, row in enumerate(rows, start=2)
    ]
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
    return table(DOSES, [(s, on(day), *NO_DOSE) for s in subjects or ("01",)])


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


def small_trial():
    """Return tables of seven subjects: recovered, slow, transfused, died, lost, unlike the rest."""
    rng = random.Random(7)
    measured, visits = [], []
    for i in range(6):
        for day in range(-5, 60, 1 + i % 3):
            anc, hgb, plt = rng.uniform(0, 1), rng.uniform(60, 90), rng.uniform(5, 80)
            better = day > 20 and i < 4
            values = (anc + better, hgb + 10 * better, plt + 30 * better)
            measured.append((f"0{i}", on(day), values[0] * 1e9, values[1], values[2] * 1e9))
            if day == 3:
                measured.append((f"0{i}", on(day), 0.2e9, None, 11e9))
        visits.append((f"0{i}", "BASELINE", on(0), *([2] * 24)))
        visits.append((f"0{i}", "WEEK6", on(42), *([None] * i), *([1] * (24 - i))))
    return {
        "subjects": table(
            SUBJECTS,
            [
                (f"0{i}", "F", 40, None, "YN"[i % 2], None if i == 6 else on(-60 - i))
                for i in range(7)
            ],
        ),
        "counts": table(COUNTS, measured),
        "doses": table(
            DOSES,
            [(f"0{i}", on(0), *NO_DOSE) for i in range(7)]
            + [("00", on(7), *NO_DOSE), ("01", on(7), *NO_DOSE)],
        ),
        "transfusions": table(
            TRANSFUSIONS,
            [(f"0{i}", on(day), "RBC") for i in range(4) for day in (-2, 5, 9)]
            + [(f"0{i}", on(day), "PLT") for i in range(4) for day in (1, 12)],
        ),
        "growth_factors": g_csf(2, 4),
        "events": table(
            EVENTS,
            [
                ("00", on(10), "INFECTION", 3, "E. coli, blood"),
                ("00", on(10), "INFECTION", 2, "Candida, mouth"),
                ("01", on(22), "RELAPSE", None, None),
                ("01", on(55), "DEATH", None, None),
                ("02", on(30), "ACUTE_GVHD", 2, "skin"),
                ("02", on(33), "ACUTE_GVHD", 3, "gut"),
                ("03", on(15), "SECOND_GRAFT", None, None),
                ("04", on(0), "DEATH", None, None),
                ("05", on(3), "GRAFT_REJECTION", None, None),
            ],
        ),
        "follow_up": table(FOLLOW_UP, [(f"0{i}", on(60)) for i in (0, 2, 3)] + [("05", on(2))]),
        **transplant_tables(),
        "womac": table(WOMAC, visits),
        "pain_vas": table(PAIN_VAS, [(s, v, d, 50.0 - x[0]) for s, v, d, *x in visits if x[0]]),
        **reported_tables(),
    }


def reported_tables():
    """Return questionnaires, readings and adverse events of the small trial."""
    visits = [(f"0{i}", v, on(d)) for i in range(4) for v, d in (("BASELINE", 0), ("WEEK6", 42))]
    films = [("R1", "READER", 2), ("R2", "READER", 3), ("J", "ADJUDICATOR", 3)]
    return {
        "sf36": table(
            SF36, [(*v, *([None] * i), *([1 + i % 2] * (36 - i))) for i, v in enumerate(visits)]
        ),
        "patient_global": table(
            PATIENT_GLOBAL, [(*v, 80.0 - 20 * i if i < 4 else None) for i, v in enumerate(visits)]
        ),
        "kl_readings": table(
            KL_READINGS,
            [
                (f"0{i}", "BASELINE", on(-1), reader, role, "FIXED_FLEXION", grade)
                for i in range(3)
                for reader, role, grade in films[: i + 1]
            ],
        ),
        "adverse_events": table(
            ADVERSE_EVENTS,
            [
                ("00", on(-3), "fever", 1, "N", "NOT RELATED", on(2), "NONE"),
                ("00", on(1), "fever", 1, "N", "RELATED", None, "NONE"),
                ("00", on(8), "rash", 2, "N", None, None, "HYPERSENSITIVITY"),
                ("01", on(4), "sepsis", 4, "Y", "POSSIBLY", on(9), None),
            ],
        ),
    }


def transplant_tables():
    """Return organs, infections, lymphocytes, chimerism and grafts of the small trial."""
    cells = [(1.0, 0.1, 0.8, None, 0.2), (1.2, 0.3, 0.8, 0.1, 0.2), (1.4, None, 0.9, 0.2, 0.3)]
    return {
        "gvhd_stages": table(
            GVHD_STAGES,
            [
                ("00", on(20), 1, None, 0, 0),
                ("02", on(30), 3, 0, 1, 0),
                ("02", on(33), 3, 0, 1, 2),
                ("03", on(9), 0, 0, 0, 4),
            ],
        ),
        "chronic_gvhd": table(
            CHRONIC_GVHD,
            [
                ("00", on(59), 1, 0, 0, 0, 0, 0, 0, 1, None),
                ("03", on(50), 0, 3, None, 0, 2, 0, 0, 0, "MOUTH LIVER"),
            ],
        ),
        "infections": table(
            INFECTIONS,
            [
                ("00", on(10), on(14), "E. coli", "blood", 3),
                ("00", on(27), on(30), "E. coli", "blood", None),
                ("02", on(5), None, "CMV", "blood", 2),
            ],
        ),
        "lymphocytes": table(
            LYMPHOCYTES,
            [
                (f"0{i}", on(day), *(None if c is None else c * 1e9 for c in cells[k]))
                for i in range(4)
                for k, day in enumerate((-2, 29 + i, 57))
            ],
        ),
        "chimerism": table(
            CHIMERISM,
            [
                ("00", on(-3), "WHOLE", 99.0),
                ("00", on(-3), "CD3", 95.0),
                ("01", on(-9), "WHOLE", 98.5),
                ("02", on(-40), "WHOLE", None),
            ],
        ),
        "grafts": table(
            GRAFTS,
            [
                ("00", "PBSC", "Y", "N", "N", "REDUCED", "N", "Y"),
                ("01", "UCB", "N", None, "N", "REDUCED", "N", "Y"),
                ("02", None, None, None, None, None, None, None),
            ],
        ),
    }
