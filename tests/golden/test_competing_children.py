"""EXTERNAL oracles uci_children_recovery.json and uci_children_first68_single_arm.json.

R 4.2.2 with cmprsk 2.2-11 and survival 3.5-3, on 187 transplanted children.
"""

import numpy as np

from competing_walk import (
    TOLERANCE,
    check_fine_gray,
    check_incidence,
    first_event,
    golden_file,
    leave_out_software,
    numbers,
    rows_of,
)
from sojourn.statistics.survival.intervals import survival_interval
from sojourn.statistics.survival.product_limit import find_survival, kaplan_meier
from sojourn.statistics.survival.quantiles import median_follow_up, survival_quantile
from sojourn.statistics.survival.restricted_mean import restricted_mean

COVERS = ["uci_children_recovery.json", "uci_children_first68_single_arm.json"]

EVENTS = {"anc": "ANC_recovery", "plt": "PLT_recovery", "agvhd34": "time_to_acute_GvHD_III_IV"}


def test_recovery_and_severe_gvhd_with_death_competing(shared):
    golden = golden_file(shared, "uci_children_recovery.json")
    rows = rows_of(shared, golden)
    assert golden.read("note").startswith("value 1000000 means never recovered")
    covariates = [
        rows["stem_cell_source"] == "peripheral_blood",
        np.log(numbers(rows, "CD34_x1e6_per_kg")),
    ]
    for name, column in EVENTS.items():
        times, causes = first_event(rows, column)
        check_incidence(golden, (name, "overall"), times, causes)
        check_incidence(golden, (name, "by_source"), times, causes, rows["stem_cell_source"])
        if name != "agvhd34":
            assert golden.at(name, "fine_gray", "terms") == ["peripheral_blood", "log_cd34"]
            check_fine_gray(golden, (name, "fine_gray"), times, causes, covariates)
    leave_out_software(golden)
    golden.finish()


def test_a_single_arm_of_68(shared):
    golden = golden_file(shared, "uci_children_first68_single_arm.json")
    rows = rows_of(shared, golden)
    assert golden.read("subset") == "id<=68"
    rows = {name: column[numbers(rows, "id") <= 68] for name, column in rows.items()}
    for key, column in (("anc_by_40", "ANC_recovery"), ("plt_by_40", "PLT_recovery")):
        check_incidence(golden, (key,), *first_event(rows, column))
    check_survival(golden, numbers(rows, "survival_time"), numbers(rows, "survival_status") == 1)
    leave_out_software(golden)
    golden.finish()


def check_survival(golden, times, died):
    curve = kaplan_meier(times, died)
    golden.check({"n": len(times), "events": int(died.sum())}, "os")
    for key in golden.at("os", "at"):
        value, variance = (float(v[0]) for v in find_survival(curve, [float(key)]))
        golden.check(int((times >= float(key)).sum()), "os", "at", key, "n_risk")
        found = {"surv": value, "se_greenwood": value * np.sqrt(variance)}
        for scale in ("log-log", "log", "plain"):
            bounds = survival_interval(value, variance, scale=scale)
            found[f"ci_{scale.replace('-', '')}"] = [float(b) for b in bounds]
        golden.check(found, "os", "at", key, tolerance=TOLERANCE)
    for scale in ("log-log", "log", "plain"):
        quantiles = [survival_quantile(curve, p, scale=scale) for p in (0.25, 0.5, 0.75)]
        found = [{"p": q.p, "est": q.value, "ci": [q.lower, q.upper]} for q in quantiles]
        golden.check(found, "os", f"quantiles_{scale.replace('-', '')}", tolerance=TOLERANCE)
    mean = restricted_mean(curve, tau=golden.read("os", "rmst", "tau"))
    found = {"est": mean.value, "se": mean.standard_error}
    golden.check(found, "os", "rmst", tolerance=TOLERANCE)
    median = median_follow_up(times, ~died).value
    golden.check(median, "os", "median_followup_reverse_km", tolerance=TOLERANCE)
