"""A made-up knee study: 10 subjects, 6 visits, one scan missing, one flagged."""

from typing import Any

import numpy as np

from deliverables.fixtures import VERSIONS, listing, result, shared_listings, steps
from sojourn.core.results import Problem, Results
from sojourn.deliverables.report import ScanPanel

VISITS = {"BASELINE": -1, "DAY0": 0, "DAY1": 1, "DAY3": 3, "DAY7": 7, "DAY30": 30}


def oa_results(**changes: Any) -> Results:
    """Return a blinded knee study: 10 subjects, 6 visits, one scan missing, one flagged."""
    rng = np.random.default_rng(20)
    people = [(f"SIM-{i:02d}", "AB"[i % 2]) for i in range(1, 11)]
    retention, amounts, imaging, missing = [], [], [], []
    for who, group in people:
        life = rng.uniform(5, 14) if group == "A" else rng.uniform(3, 9)
        for visit, day in VISITS.items():
            is_missing = (who, visit) == ("SIM-04", "DAY7")
            is_flagged = (who, visit) == ("SIM-07", "DAY3")
            p = 0.0004 if is_flagged else float(rng.uniform(0.05, 0.95))
            note = (
                "scanner down that day"
                if is_missing
                else "misfit beyond noise"
                if is_flagged
                else ""
            )
            if is_missing:
                missing.append(("scan", who, visit, note))
            imaging.append(
                (
                    who,
                    visit,
                    "MISSING" if is_missing else "A",
                    None if is_missing else f"images/{who}_{visit}.nii.gz",
                    None if is_missing else float(rng.uniform(0.1, 0.9)),
                    None if is_missing else 200,
                    None if is_missing else 50,
                    None if is_missing else float(rng.uniform(3, 60)),
                    None if is_missing else p,
                    is_flagged,
                    note,
                )
            )
            if day < 0:
                continue
            share = float(0.97 * 2 ** (-day / life) + rng.normal(0, 0.015))
            half = 0.03 + 0.04 * share + (0.2 if is_flagged else 0)
            for model, factor in (("compartments", 1.0), ("unknown distribution", 3.5)):
                value = None if is_missing else share
                low = None if is_missing else max(0.0, share - half * factor)
                high = None if is_missing else share + half * factor
                if model != "compartments" and day != 7:
                    continue
                retention.append(
                    (
                        who,
                        group,
                        visit,
                        day,
                        "MISSING" if is_missing else "A",
                        model,
                        value,
                        low,
                        high,
                        is_flagged,
                        note,
                    )
                )
            for region, part in (("joint_cavity", share), ("periarticular", 0.1 * share)):
                ug = None if is_missing else 480 * part
                ends = (None, None) if ug is None else (ug * 0.9, ug * 1.1 + 4)
                naive = None if ug is None else ug * 1.27
                amounts.append(
                    (
                        who,
                        group,
                        visit,
                        day,
                        region,
                        "A",
                        "compartments",
                        ug,
                        *ends,
                        naive,
                        None if is_missing else p,
                        is_flagged,
                        note,
                    )
                )
    womac = []
    for who, group in people:
        before = int(rng.integers(38, 66))
        after = None if who == "SIM-09" else before - int(rng.integers(2, 24))
        change = None if after is None else after - before
        womac.append(
            (
                who,
                group,
                before,
                after,
                change,
                "" if after is not None else "withdrew before week 6",
            )
        )
    events = [
        ("SIM-02", "A", 0, "injection site pain", 1, "N", "RELATED"),
        ("SIM-03", "B", 1, "knee effusion", 2, "N", "POSSIBLY"),
        ("SIM-05", "B", 2, "injection site pain", 1, "N", "RELATED"),
        ("SIM-08", "A", 19, "appendicitis", 3, "Y", "NOT RELATED"),
    ]
    doses = [
        (
            who,
            group,
            0,
            None,
            None,
            float(rng.integers(55, 92)),
            None,
            float(rng.uniform(480, 530)),
            float(rng.uniform(4, 22)),
        )
        for who, group in people
    ]
    flow = [
        ("enrolled", "ALL", 10, ""),
        ("allocated", "A", 5, ""),
        ("allocated", "B", 5, ""),
        ("dosed", "A", 5, ""),
        ("dosed", "B", 5, ""),
        ("scanned at DAY7", "A", 4, "1 scanner down"),
        ("scanned at DAY7", "B", 5, ""),
        ("analysed", "A", 4, "1 without a day-7 scan"),
        ("analysed", "B", 5, ""),
    ]
    results = [
        result(
            "retention_day7",
            "A",
            "mean",
            0.5234567,
            lower=0.391,
            upper=0.6559,
            n=4,
            label="Share of the day-0 signal in the joint cavity at day 7: mean",
            role="primary",
        ),
        result(
            "retention_day7",
            "B",
            "mean",
            0.3441,
            lower=0.221,
            upper=0.467,
            label="Share of the day-0 signal in the joint cavity at day 7: mean",
            role="primary",
        ),
        result(
            "retention_difference",
            "A-B",
            "mean_difference",
            0.1793,
            lower=0.02,
            upper=0.3391,
            n=9,
            pValue=0.0317,
            label="Share at day 7: difference of means",
            role="primary",
            methodId="Welch interval; exact permutation",
        ),
        result(
            "retention_day7_unknown",
            "A",
            "mean",
            0.51,
            lower=0.18,
            upper=0.84,
            n=4,
            label="Share at day 7, unknown distribution: mean",
            role="sensitivity",
            notes=("wide by design: no source model is assumed",),
        ),
        result(
            "retention_day7_syringe",
            "A",
            "mean",
            None,
            n=0,
            label="Share of the assayed dose at day 7: mean",
            role="sensitivity",
            boundNote="no syringe assay was recorded",
        ),
        result(
            "womac_change",
            "A",
            "mean",
            -9.8,
            lower=-18.2,
            upper=-1.4,
            unit="points",
            label="WOMAC total, change to week 6: mean",
            role="secondary",
        ),
        result(
            "womac_change",
            "B",
            "mean",
            -7.25,
            lower=-16.0,
            upper=1.5,
            unit="points",
            n=4,
            label="WOMAC total, change to week 6: mean",
            role="secondary",
        ),
    ]
    listings = [
        listing("flow", "Participant flow", "STEP GROUP N DETAIL", flow, "STEP GROUP"),
        listing(
            "retention",
            "Share of the day-0 signal",
            "USUBJID GROUP VISIT DAY GRADE MODEL VALUE LOWER UPPER FLAGGED NOTE",
            retention,
            "USUBJID VISIT MODEL",
        ),
        listing(
            "amounts",
            "Amounts",
            "USUBJID GROUP VISIT DAY REGION GRADE MODEL VALUE LOWER UPPER NAIVE_SUM MISFIT_P "
            "FLAGGED NOTE",
            amounts,
            "USUBJID VISIT REGION",
        ),
        listing(
            "decay",
            "Half-life of the signal",
            "USUBJID GROUP HALF_LIFE LOWER UPPER NOTE",
            [(w, g, 7.9, 5.1, 12.7 if w != "SIM-03" else None, "") for w, g in people],
            "USUBJID",
        ),
        listing(
            "cells",
            "Labelled-cell equivalents",
            "USUBJID GROUP VISIT VALUE LOWER UPPER NOTE",
            [
                (w, g, "DAY7", None, None, None, "blinded: iron per cell would tell the arm")
                for w, g in people
            ],
            "USUBJID VISIT",
        ),
        listing(
            "womac", "WOMAC total", "USUBJID GROUP BASELINE FOLLOW_UP CHANGE NOTE", womac, "USUBJID"
        ),
        listing(
            "adverse_events",
            "Adverse events",
            "USUBJID GROUP DAY TERM GRADE SERIOUS RELATED",
            events,
        ),
        listing(
            "lots",
            "Product lots",
            "EXLOT PRODUCT VIABILITY IRON_PER_CELL IRON_PER_CELL_SD CUSTODY",
            [("LOT-1", None, None, None, None, "received cold, unbroken seal")],
            "EXLOT",
            notes=("Columns that would reveal the arm are empty while blinded.",),
        ),
        listing(
            "imaging",
            "Imaging quality",
            "USUBJID VISIT GRADE IMAGE PEAK FRAMES BACKGROUND_FRAMES SNR MISFIT_P FLAGGED NOTE",
            imaging,
            "USUBJID VISIT",
        ),
        listing(
            "missing",
            "Missing data",
            "WHAT USUBJID VISIT WHY",
            [*missing, ("WOMAC", "SIM-09", "WEEK6", "withdrew")],
            "WHAT USUBJID VISIT",
        ),
        *shared_listings(doses),
    ]
    fields: dict[str, Any] = {
        "studyId": "NCT07313020",
        "title": "Labelled cells in the knee, followed by magnetic particle imaging",
        "isSimulated": True,
        "isBlinded": True,
        "dataStatus": "SIMULATED",
        "groups": {"A": "Arm A (blinded)", "B": "Arm B (blinded)"},
        "primaryResultId": "retention_day7/A/mean",
        "answer": "In Arm A, 52 % of the day-0 signal was still in the joint cavity at day 7 "
        "(95 % CI 39 to 66 %, 4 subjects).",
        "results": tuple(results),
        "listings": tuple(listings),
        "problems": (
            Problem(
                severity="warning",
                where="scans/SIM-07/DAY3.mdf",
                message="misfit beyond noise, p = 0.0004; the amount is flagged",
            ),
        ),
        "steps": steps("measure amounts", {}),
        "versions": VERSIONS,
    }
    return Results(**(fields | changes))


def oa_panels() -> dict[tuple[str, str], ScanPanel]:
    """Return images for every scan of the knee study that exists: two spots and a mask."""
    made = {}
    z = np.indices((37, 37, 19)).astype(float)
    cavity = ((z[0] - 18) / 11) ** 2 + ((z[1] - 17) / 8) ** 2 + ((z[2] - 9) / 6) ** 2 < 1
    for i in range(1, 11):
        for visit, day in VISITS.items():
            if (i, visit) == (4, "DAY7"):
                continue
            height = 0.0 if day < 0 else 0.8 * 2 ** (-day / 8)
            spot = np.exp(-((z[0] - 15) ** 2 + (z[1] - 16) ** 2 + (z[2] - 8) ** 2) / 18)
            leak = 0.4 * np.exp(-((z[0] - 31) ** 2 + (z[1] - 28) ** 2 + (z[2] - 14) ** 2) / 6)
            volume = height * (spot + leak)
            made[f"SIM-{i:02d}", visit] = ScanPanel(
                mips=(volume.max(2), volume.max(1), volume.max(0)),
                outlines=(cavity.any(2), cavity.any(1), cavity.any(0)),
                spacing_mm=(2.0, 2.0, 2.0),
                caption="",
            )
    return made
