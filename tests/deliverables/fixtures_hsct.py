"""A made-up transplant study: 68 patients with counts, marks and outcomes."""

from typing import Any

import numpy as np

from deliverables.fixtures import VERSIONS, listing, result, shared_listings, steps
from sojourn.core.results import Results


def _patient(rng: np.random.Generator, who: str) -> tuple[list[Any], list[Any], list[Any]]:
    last = int(rng.choice([60, 60, 60, 60, 33, 47]))
    speed = rng.uniform(0.02, 0.12)
    taken = [d for d in range(-6, last + 1) if rng.random() > 0.15]
    level = np.exp(speed * np.array(taken) + rng.normal(0, 0.25, len(taken)))
    counts = [
        (
            who,
            d,
            float(0.25e9 * v) if rng.random() > 0.05 else None,
            float(62 + 12 * min(v, 4) + rng.normal(0, 3)),
            float(min(14e9 * v, 250e9)),
        )
        for d, v in zip(taken, level, strict=True)
    ]
    marks: list[Any] = [(who, d, "DOSE", "1.0e6 cells/kg") for d in (0, 7, 14, 21)]
    marks += [(who, int(d), "RBC", "") for d in rng.integers(0, 20, 3)]
    marks += [(who, int(d), "PLT", "") for d in rng.integers(0, 25, 5)]
    marks += [(who, int(d), "G-CSF", "") for d in range(2, 9)]
    if rng.random() < 0.3:
        marks.append((who, int(rng.integers(5, 40)), "INFECTION", "grade 3, blood culture"))
    if rng.random() < 0.15:
        marks.append((who, int(rng.integers(20, 50)), "ACUTE_GVHD", "grade 2, skin"))
    if last < 60:
        marks.append((who, last, "DEATH", ""))
    outcomes: list[Any] = []
    for endpoint, param, rate in (
        ("anc", "ANCREC", 0.9),
        ("hgb", "HGBREC", 0.6),
        ("plt", "PLTCR", 0.45),
        ("plt", "PLTPR", 0.4),
    ):
        if speed * 8 * rate + rng.random() * 0.2 > 0.35:
            day = int(min(2 / speed, last - 8))
            outcomes.append(
                (
                    who,
                    "ALL",
                    endpoint,
                    param,
                    day,
                    float(day),
                    None,
                    0,
                    "first of three measured days in a row above the threshold within 7 days",
                    f"counts:{day},{day + 1},{day + 2}",
                )
            )
        else:
            outcomes.append(
                (
                    who,
                    "ALL",
                    endpoint,
                    param,
                    last,
                    float(last),
                    None,
                    1,
                    "longest run above the threshold was 2 measured days",
                    "counts:31,32",
                )
            )
    outcomes.append(
        (
            who,
            "ALL",
            "response",
            "OVERALL",
            40,
            None,
            "Y" if outcomes[0][7] == 0 else "N",
            None,
            "one affected lineage recovered"
            if outcomes[0][7] == 0
            else "no affected lineage recovered",
            "",
        )
    )
    return counts, marks, outcomes


def hsct_results(n_patients: int = 68, **changes: Any) -> Results:
    """Return a transplant study of one arm with counts, marks and outcomes of every patient."""
    rng = np.random.default_rng(68)
    counts, marks, outcomes = [], [], []
    for i in range(1, n_patients + 1):
        made = _patient(rng, f"P{i:03d}")
        counts += made[0]
        marks += made[1]
        outcomes += made[2]
    recovery = {"fields": {"unit": "proportion", "methodId": "Clopper-Pearson", "role": "primary"}}[
        "fields"
    ]
    results = [
        result(
            "overall_day40",
            "ALL",
            "proportion",
            0.7058823529411765,
            lower=0.583,
            upper=0.8095,
            n=68,
            label="At least one affected lineage recovered by day 40",
            **recovery,
        ),
        result(
            "anc_day40",
            "ALL",
            "proportion",
            0.77,
            lower=0.6401,
            upper=0.8712,
            n=58,
            analysisSetId="AFFECTED_ANC",
            label="Neutrophils recovered by day 40",
            **recovery,
        ),
        result(
            "hgb_day40",
            "ALL",
            "proportion",
            0.4412,
            lower=0.3,
            upper=0.59,
            n=47,
            analysisSetId="AFFECTED_HGB",
            label="Hemoglobin recovered by day 40",
            **recovery,
        ),
        result(
            "plt_day40",
            "ALL",
            "proportion",
            0.3871,
            lower=0.27,
            upper=0.515,
            n=62,
            analysisSetId="AFFECTED_PLT",
            label="Platelets recovered (CR or PR) by day 40",
            **recovery,
        ),
        result(
            "overall_day40_gcsf",
            "ALL",
            "proportion",
            0.62,
            lower=0.49,
            upper=0.74,
            n=68,
            label="Overall response, days near G-CSF dropped",
            **(recovery | {"role": "sensitivity"}),
        ),
        result(
            "os",
            "ALL",
            "survival_at_365",
            0.812,
            lower=0.69,
            upper=0.888,
            unit="probability",
            n=68,
            label="Overall survival at day 365",
            role="secondary",
            methodId="Kaplan-Meier, log-log",
        ),
        result(
            "infection",
            "ALL",
            "rate",
            0.42,
            lower=0.29,
            upper=0.59,
            unit="episodes per 100 days at risk",
            n=68,
            label="Infection rate, days 0 to 40",
            role="secondary",
            methodId="Poisson",
        ),
        result(
            "gvhd",
            "ALL",
            "cumulative_incidence_60",
            0.14,
            lower=0.07,
            upper=0.24,
            unit="probability",
            n=68,
            label="Acute GVHD grade II to IV by day 60",
            role="secondary",
            methodId="Aalen-Johansen",
        ),
    ]
    at_risk, survival = [68], [1.0]
    km: list[Any] = [("ALL", 0, 68, 0, 0, 1.0, None, None)]
    for day in sorted(rng.choice(np.arange(20, 365), 22, replace=False).tolist()):
        died = rng.random() < 0.5
        value = survival[-1] * (1 - 1 / at_risk[-1]) if died else survival[-1]
        km.append(
            (
                "ALL",
                day,
                at_risk[-1],
                int(died),
                int(not died),
                value,
                max(0.0, value - 0.1),
                min(1.0, value + 0.07),
            )
        )
        at_risk.append(at_risk[-1] - 1)
        survival.append(value)
    km.append(
        (
            "ALL",
            365,
            at_risk[-1],
            0,
            at_risk[-1],
            survival[-1],
            survival[-1] - 0.11,
            survival[-1] + 0.08,
        )
    )
    doses = [
        (f"P{i:03d}", "ALL", d, "LOT-7", 6.1e7, 61.0, 1.0e6, None, None)
        for i in range(1, n_patients + 1)
        for d in (0, 7, 14, 21)
    ]
    listings = [
        listing(
            "flow",
            "Participant flow",
            "STEP GROUP N DETAIL",
            [
                ("enrolled", "ALL", n_patients, ""),
                ("dosed", "ALL", n_patients, "all four doses in 61"),
                (
                    "analysed",
                    "ALL",
                    n_patients,
                    "58 neutrophils, 47 hemoglobin, 62 platelets affected",
                ),
            ],
            "STEP GROUP",
        ),
        listing("counts", "Blood counts", "USUBJID DAY ANC HGB PLT", counts),
        listing("marks", "Marks", "USUBJID DAY KIND DETAIL", marks),
        listing(
            "outcomes",
            "Outcomes",
            "USUBJID GROUP ENDPOINT PARAMCD DAY AVAL AVALC CNSR REASON EVIDENCE",
            outcomes,
            "USUBJID PARAMCD",
        ),
        listing(
            "km_os",
            "Overall survival from the first MSC dose",
            "GROUP TIME AT_RISK EVENTS CENSORED SURVIVAL LOWER UPPER",
            km,
            "GROUP TIME",
        ),
        listing(
            "adverse_events", "Adverse events", "USUBJID GROUP DAY TERM GRADE SERIOUS RELATED", []
        ),
        listing(
            "lots",
            "Product lots",
            "EXLOT PRODUCT VIABILITY IRON_PER_CELL IRON_PER_CELL_SD CUSTODY",
            [("LOT-7", "cord-derived MSC", 0.94, None, None, "liquid nitrogen, two signatures")],
            "EXLOT",
        ),
        listing("missing", "Missing data", "WHAT USUBJID VISIT WHY", [], "WHAT USUBJID VISIT"),
        *shared_listings(doses),
    ]
    fields: dict[str, Any] = {
        "studyId": "NCT06171906",
        "title": "Mesenchymal cells for poor graft function after allogeneic transplantation",
        "isSimulated": True,
        "isBlinded": False,
        "dataStatus": "SIMULATED",
        "groups": {"ALL": "MSC treatment group"},
        "primaryResultId": "overall_day40/ALL/proportion",
        "answer": "48 of 68 patients (71 %, 95 % CI 58 to 81 %) recovered at least one affected "
        "blood lineage by day 40.",
        "results": tuple(results),
        "listings": tuple(listings),
        "steps": steps(
            "derive hemogram_response",
            {
                "neutrophil_recovery": {"threshold_per_l": 5e8},
                "platelet_response": {"complete_per_l": 5e10, "partial_per_l": 2e10},
                "hemoglobin_recovery": {"threshold_g_per_l": 70.0},
            },
        ),
        "versions": VERSIONS,
    }
    return Results(**(fields | changes))
