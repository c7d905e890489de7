"""Recovery of blood counts: hand-typed cases, and 68 simulated subjects with their analysis.

Oracle of days and classes: OURS. Our own R script (`shared/data/hsct/r/50_hemogram.R`) asserts them
against expectations typed by hand; they need a named haematologist's sign-off. EXTERNAL are the
worked example of the CIBMTR Forms Instruction Manual, and the numbers made of the outcomes (R
4.2.2, survival 3.5-3, cmprsk 2.2-11).
"""

import re

import numpy as np
import polars as pl
import pytest

from blood_counts import counts, doses, follow_up, simulated_cohort, transfusions
from competing_walk import check_incidence, golden_file, leave_out_software
from sojourn.endpoints.hemoglobin_recovery import ENDPOINT as HEMOGLOBIN
from sojourn.endpoints.hemogram_response import ENDPOINT as HEMOGRAM
from sojourn.endpoints.neutrophil_recovery import ENDPOINT as NEUTROPHILS
from sojourn.endpoints.overall_survival import ENDPOINT as SURVIVAL
from sojourn.endpoints.platelet_response import ENDPOINT as PLATELETS
from sojourn.statistics.exact.binomial_intervals import clopper_pearson, wilson
from survival_walk import walk_curve

COVERS = ["hemogram_edge_cases.json", "hemogram_sim_cohort.json"]
FOLLOWED_ON = 90
CIBMTR = {"rule": "cibmtr"}
LETTERS = {"Y": True, "N": False, None: None}
A_REMARK = "a remark, not a result"


def onset(row):
    return row["DAY"] if row["CNSR"] == 0 else None


def confirmed(row):
    """Return the day on which a run was complete, which the reason states."""
    found = re.search(r"on days \d+-(\d+), no transfusion", row["REASON"])
    return int(found[1]) if row["CNSR"] == 0 and found else None


def single(endpoint, column, days, values, given=(), *, end=FOLLOWED_ON, rule=None):
    """Return the rows of one subject by PARAMCD."""
    scale = 1.0 if column == "HGB" else 1e9
    product = "RBC" if column == "HGB" else "PLT"
    tables = {
        "counts": counts(list(zip(days, values, strict=True)), column=column, scale=scale),
        "doses": doses(),
        "follow_up": follow_up(end),
    }
    if column != "ANC":
        tables["transfusions"] = transfusions(*given, product=product)
    return {row["PARAMCD"]: row for row in endpoint(tables, rule=rule).iter_rows(named=True)}


def test_every_edge_case(shared):
    golden = golden_file(shared, "hemogram_edge_cases.json")
    for name, check in (("anc", check_neutrophils), ("hemoglobin", check_hemoglobin)):
        for i in range(len(golden.at(name))):
            golden.read(name, i, "id")
            check(golden, (name, i))
    for i in range(len(golden.at("platelet"))):
        golden.read("platelet", i, "id")
        check_platelets(golden, ("platelet", i))
    check_worked_example(golden, ("platelet_cibmtr",))
    golden.leave_out("rules", reason=A_REMARK)
    leave_out_software(golden)
    golden.finish()


def check_neutrophils(golden, at):
    days, values = (golden.read(*at, key) for key in ("day", "anc_1e9_L"))
    rules = {
        "expect_default": {},
        "expect_ge_threshold": {"comparison": "greater_equal"},
        "expect_calendar_days": {"mode": "calendar"},
    }
    for key, rule in rules.items():
        made = single(NEUTROPHILS, "ANC", days, values, rule=rule)
        golden.check(onset(made["ANCREC"]), *at, key)
    golden.leave_out(*at, "note", reason=A_REMARK)


def check_hemoglobin(golden, at):
    days, values, given = (golden.read(*at, k) for k in ("day", "hb_g_L", "rbc_transfusion_days"))
    rules = {f"w{w}": {"rule": "single", "single_washout_days": w} for w in (7, 14, 28)}
    made = single(HEMOGLOBIN, "HGB", days, values, given)
    golden.check(onset(made["HGBREC"]), *at, "expect_default_sustained_onset")
    for key, rule in rules.items():
        made = single(HEMOGLOBIN, "HGB", days, values, given, rule=rule)
        golden.check(onset(made["HGBREC"]), *at, f"expect_single_value_{key}")


def check_platelets(golden, at):
    days, values = (golden.read(*at, key) for key in ("day", "plt_1e9_L"))
    given, end = golden.read(*at, "plt_transfusion_days"), golden.read(*at, "end_of_observation")
    case = (PLATELETS, "PLT", days, values, given)
    made = single(*case, end=end or FOLLOWED_ON)
    washed = single(*case, end=end or FOLLOWED_ON, rule={"washout_days": 7})
    found = {
        "best_by_cut": made["PLTRSP40"]["AVALC"],
        "best_by_nr_day": made["PLTRSP56"]["AVALC"],
        "cr_onset": onset(made["PLTCR"]),
        "cr_confirmed": confirmed(made["PLTCR"]),
        "pr_onset": onset(made["PLTPR"]),
        "pr_confirmed": confirmed(made["PLTPR"]),
        "cr_onset_with_7d_washout": onset(washed["PLTCR"]),
    }
    golden.check(found, *at, "expect")
    golden.leave_out(*at, "note", reason=A_REMARK)


def check_worked_example(golden, at):
    golden.leave_out(*at, "id", reason=A_REMARK)
    golden.leave_out(*at, "source", reason=A_REMARK)
    days, values = (golden.read(*at, key) for key in ("day", "plt_1e9_L"))
    given = golden.read(*at, "plt_transfusion_days")
    made = single(PLATELETS, "PLT", days, values, given, rule=CIBMTR)
    golden.check(onset(made["PLTPR"]), *at, "first_of_3_ge_20")
    golden.check(onset(made["PLTCR"]), *at, "first_of_3_ge_50")


@pytest.fixture(scope="module")
def cohort(shared):
    return simulated_cohort(shared)


def by_subject(endpoint, tables, rule=None):
    """Return the rows of an endpoint by subject and PARAMCD."""
    outcome = endpoint(tables, rule=rule)
    return {(row["USUBJID"], row["PARAMCD"]): row for row in outcome.iter_rows(named=True)}


def derived(tables):
    """Return what the golden file calls each column, by subject."""
    week = {w: {"rule": "single", "single_washout_days": w} for w in (7, 14)}
    made = {
        "anc": by_subject(NEUTROPHILS, tables),
        "anc_ge": by_subject(NEUTROPHILS, tables, {"comparison": "greater_equal"}),
        "anc_calendar": by_subject(NEUTROPHILS, tables, {"mode": "calendar"}),
        "hgb": by_subject(HEMOGLOBIN, tables),
        "hgb_7": by_subject(HEMOGLOBIN, tables, week[7]),
        "hgb_14": by_subject(HEMOGLOBIN, tables, week[14]),
        "plt": by_subject(PLATELETS, tables),
        "cibmtr": by_subject(PLATELETS, tables, CIBMTR),
        "all": by_subject(HEMOGRAM, tables),
        "os": by_subject(SURVIVAL, tables),
    }
    return {s: columns(made, s) for s in sorted({subject for subject, _ in made["os"]})}


def columns(made, s):
    response = {p: made["all"][s, p] for p in ("ANCREC40", "HGBREC40", "PLTREC40")}
    affected = [affected_at_baseline(row) for row in response.values()]
    letters = [LETTERS[row["AVALC"]] for row in response.values()]
    end = made["os"][s, "OS"]
    return {
        "id": s,
        **dict(zip(("base_anc", "base_hb", "base_plt"), affected, strict=True)),
        "anc_day": onset(made["anc"][s, "ANCREC"]),
        "anc_day_ge": onset(made["anc_ge"][s, "ANCREC"]),
        "anc_day_calendar": onset(made["anc_calendar"][s, "ANCREC"]),
        "hb_day": onset(made["hgb"][s, "HGBREC"]),
        "hb_day_w7": onset(made["hgb_7"][s, "HGBREC"]),
        "hb_day_w14": onset(made["hgb_14"][s, "HGBREC"]),
        "plt_best_40": made["plt"][s, "PLTRSP40"]["AVALC"],
        "plt_best_56": made["plt"][s, "PLTRSP56"]["AVALC"],
        "plt_cr_onset": onset(made["plt"][s, "PLTCR"]),
        "plt_pr_onset": onset(made["plt"][s, "PLTPR"]),
        "plt_cibmtr20": onset(made["cibmtr"][s, "PLTPR"]),
        "plt_cibmtr50": onset(made["cibmtr"][s, "PLTCR"]),
        **dict(zip(("rec_anc", "rec_hb", "rec_plt"), letters, strict=True)),
        "n_affected": sum(letter is not None for letter in letters),
        "overall": LETTERS[made["all"][s, "OVERALL"]["AVALC"]],
        "complete": LETTERS[made["all"][s, "COMPLETE"]["AVALC"]],
        "death_day": end["DAY"] if end["CNSR"] == 0 else None,
        "last": end["DAY"],
    }


def affected_at_baseline(row):
    if row["REASON"].startswith("affected: "):
        return True
    return False if row["REASON"].startswith("not affected: ") else None


def test_the_simulated_cohort(shared, cohort):
    golden = golden_file(shared, "hemogram_sim_cohort.json")
    assert len(golden.read("files")) == 3
    people = derived(cohort)
    assert len(people) == len(golden.at("per_subject")) == 68
    for i, (subject, found) in enumerate(people.items()):
        # `keys` bound together: no column of the golden file is forgotten.
        assert set(found) == set(golden.at("per_subject", i)), subject
        golden.check(found, "per_subject", i)
    check_proportions(golden, list(people.values()))
    check_curves(golden, list(people.values()))
    golden.leave_out("seed", reason="of the R script that drew the cohort, whose files are read")
    golden.leave_out("note", reason=A_REMARK)
    leave_out_software(golden)
    golden.finish()


def check_proportions(golden, people):
    verdicts = {
        "anc": [p["rec_anc"] for p in people],
        "hb": [p["rec_hb"] for p in people],
        "plt_cr_or_pr": [p["rec_plt"] for p in people],
        "plt_cr": [p["plt_best_40"] == "CR" if p["base_plt"] else None for p in people],
        "overall_any_lineage": [p["overall"] for p in people],
        "complete_all_affected": [p["complete"] for p in people],
    }
    assert set(verdicts) == set(golden.at("proportions_by_day40"))
    for key, all_ in verdicts.items():
        known = [v for v in all_ if v is not None]
        x, n = sum(known), len(known)
        golden.check({"x": x, "n": n, "est": x / n}, "proportions_by_day40", key, tolerance=1e-12)
        # 1e-8: SOURCES.md.
        for name, interval in (("clopper_pearson", clopper_pearson), ("wilson", wilson)):
            bounds = list(interval(x, n))
            golden.check(bounds, "proportions_by_day40", key, name, tolerance=1e-8)


def check_curves(golden, people):
    """Compare incidences; the golden file censors at the last contact, not at the last count."""
    lineages = (
        ("cif_anc", "anc_day", "base_anc"),
        ("cif_hb", "hb_day", "base_hb"),
        ("cif_plt20", "plt_pr_onset", "base_plt"),
        ("cif_plt50", "plt_cr_onset", "base_plt"),
    )
    for key, day, base in lineages:
        affected = [p for p in people if p[base]]
        times = [p["last"] if p[day] is None else p[day] for p in affected]
        causes = [1 if p[day] is not None else 0 if p["death_day"] is None else 2 for p in affected]
        check_incidence(golden, (key,), np.maximum(times, 0.5), np.array(causes))
    died = np.array([p["death_day"] is not None for p in people])
    walk_curve(golden, ("km_os_from_day0",), np.array([max(p["last"], 0.5) for p in people]), died)


def test_who_is_censored_at_the_last_count_is_no_later_than_the_last_contact(cohort):
    outcome = NEUTROPHILS(cohort).filter(pl.col("CNSR") == 1)
    last = SURVIVAL(cohort).select("USUBJID", END=pl.col("DAY"))
    both = outcome.join(last, on="USUBJID")
    assert both.height == outcome.height > 0
    assert (both["DAY"] <= both["END"]).all()
