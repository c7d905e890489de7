"""Survival curves, quantiles, restricted means, log-rank tests against R (EXTERNAL).

R 4.2.2, survival 3.5-3, on public data sets; the golden files say which. Tolerance 1e-8, as
SOURCES.md suggests; degrees of freedom, counts and days of quantiles exactly.
"""

import csv

import numpy as np
import pytest

from golden_walk import SOFTWARE, Golden
from sojourn.statistics.survival.inputs import check_times
from sojourn.statistics.survival.intervals import survival_interval
from sojourn.statistics.survival.log_rank import log_rank
from sojourn.statistics.survival.product_limit import find_survival, product_limit
from sojourn.statistics.survival.quantiles import median_follow_up, survival_quantile
from sojourn.statistics.survival.restricted_mean import restricted_mean
from sojourn.statistics.survival.risk_sets import count_at_risk

COVERS = [
    "bmt_klein_os.json",
    "bmt_klein_dfs.json",
    "uci_children_os.json",
    "cmv_hsct_km.json",
    "ebmt3_delayed_entry.json",
]

TOLERANCE = 1e-8
SCALES = {"loglog": "log-log", "log": "log", "plain": "plain"}


def columns(shared, name, *wanted):
    with (shared / "data/hsct" / name).open(encoding="utf-8") as lines:
        records = list(csv.DictReader(lines))
    return tuple(np.array([record[column] for record in records]) for column in wanted)


def walk_curve(golden, where, times, is_event, *, entry=None):
    """Compare every leaf of one curve at `where` of the golden file."""
    people = check_times(times, is_event, entry=entry)
    curve = product_limit(people)
    golden.check(len(people), *where, "n")
    golden.check(int(curve.events.sum()), *where, "events")
    for key in golden.at(*where, "at"):
        walk_time(golden, (*where, "at", key), people, curve, float(key))
    for key, scale in SCALES.items():
        for i, quantile in enumerate(golden.at(*where, f"quantiles_{key}")):
            made = survival_quantile(curve, quantile["p"], scale=scale)
            asked = (*where, f"quantiles_{key}", i)
            golden.check({"p": made.p, "est": made.value, "ci": [made.lower, made.upper]}, *asked)
    if "rmst" in golden.at(*where):
        mean = restricted_mean(curve, tau=golden.at(*where, "rmst", "tau"))
        found = {"tau": mean.tau, "est": mean.value, "se": mean.standard_error}
        golden.check(found, *where, "rmst", tolerance=TOLERANCE)
    # R's script takes the reverse curve without late entry.
    follow_up = median_follow_up(times, ~np.asarray(is_event, bool)).value
    golden.check(follow_up, *where, "median_followup_reverse_km")


def walk_time(golden, where, people, curve, at):
    survival, variance = find_survival(curve, at)
    golden.check(int(count_at_risk(people, np.array(at))), *where, "n_risk")
    golden.check(float(survival), *where, "surv", tolerance=TOLERANCE)
    error = float(survival * np.sqrt(variance)) if survival > 0 else None
    golden.check(error, *where, "se_greenwood", tolerance=TOLERANCE)
    for key, scale in SCALES.items():
        bounds = [float(b) for b in survival_interval(survival, variance, scale=scale)]
        golden.check(bounds, *where, f"ci_{key}", tolerance=TOLERANCE)


def walk_groups(golden, where, times, is_event, groups):
    """Compare every leaf of the curves by group, and of the tests between them."""
    levels = golden.read(*where, "levels")
    assert levels == sorted(set(groups.tolist()))
    for level in levels:
        own = groups == level
        walk_curve(golden, (*where, "by", level), times[own], is_event[own])
    plain, peto = (log_rank(times, is_event, groups, rho=rho) for rho in (0, 1))
    assert list(plain.groups) == levels
    found = {
        "chisq": plain.chisq,
        "df": plain.degrees,
        "p": plain.p_value,
        "observed": plain.observed.tolist(),
        "expected": plain.expected.tolist(),
    }
    golden.check(found, *where, "logrank", tolerance=TOLERANCE)
    found = {"chisq": peto.chisq, "df": peto.degrees, "p": peto.p_value}
    golden.check(found, *where, "peto_peto_rho1", tolerance=TOLERANCE)


def begin(shared, name):
    golden = Golden(shared / "data/hsct/golden" / name)
    golden.leave_out("software", reason=SOFTWARE)
    return golden


@pytest.mark.parametrize(
    ("name", "group", "by"),
    [
        ("bmt_klein_os.json", "group", "by_group"),
        ("bmt_klein_dfs.json", "group", "by_group"),
        ("uci_children_os.json", "stem_cell_source", "by_source"),
    ],
)
def test_survival_overall_and_by_group(shared, name, group, by):
    golden = begin(shared, name)
    wanted = (golden.read("dataset"), golden.read("time"), golden.read("status"), group)
    times, status, groups = columns(shared, *wanted)
    times, is_event = times.astype(float), status == "1"
    walk_curve(golden, ("overall",), times, is_event)
    walk_groups(golden, (by,), times, is_event, groups)
    golden.finish()


def test_cytomegalovirus_in_months_by_activating_receptors(shared):
    golden = begin(shared, "cmv_hsct_km.json")
    golden.leave_out("note", reason="a remark, no number")
    assert golden.read("group") == "aKIRs>=5"
    wanted = (golden.read("dataset"), golden.read("time"), golden.read("status"), "aKIRs")
    times, status, receptors = columns(shared, *wanted)
    times, is_event = times.astype(float), status == "1"
    walk_curve(golden, ("overall",), times, is_event)
    groups = np.where(receptors.astype(float) >= 5, "1", "0")
    walk_groups(golden, ("by",), times, is_event, groups)
    golden.finish()


def recovered_platelets(golden, shared):
    """Return recovery, relapse or death, and its status, of those who recovered before it."""
    assert golden.read("subset") == "prstat==1 & prtime<rfstime"
    wanted = (golden.read("dataset"), golden.read("entry"), golden.read("exit"))
    entry, times, status, recovered = columns(shared, *wanted, golden.read("status"), "prstat")
    entry, times = entry.astype(float), times.astype(float)
    kept = (recovered == "1") & (entry < times)
    return entry[kept], times[kept], status[kept] == "1"


def test_delayed_entry_and_the_two_wrong_clocks(shared):
    golden = begin(shared, "ebmt3_delayed_entry.json")
    entry, times, is_event = recovered_platelets(golden, shared)
    walk_curve(golden, ("km_left_truncated",), times, is_event, entry=entry)
    walk_curve(golden, ("km_ignoring_truncation_biased",), times, is_event)
    walk_curve(golden, ("km_clock_reset_at_recovery",), times - entry, is_event)
    golden.finish()


def test_trap_immortal_time_before_entry_inflates_survival(shared):
    golden = begin(shared, "ebmt3_delayed_entry.json")
    entry, times, is_event = recovered_platelets(golden, shared)
    right = product_limit(check_times(times, is_event, entry=entry))
    naive = product_limit(check_times(times, is_event))
    reset = product_limit(check_times(times - entry, is_event))
    shown = [round(float(find_survival(curve, 365)[0]), 4) for curve in (right, naive, reset)]
    assert shown == [0.7716, 0.7797, 0.7640]
