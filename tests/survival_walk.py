"""Leaves of a golden file on survival: one curve, curves by group, tests between them."""

import numpy as np

from sojourn.statistics.survival.inputs import check_times
from sojourn.statistics.survival.intervals import survival_interval
from sojourn.statistics.survival.log_rank import log_rank
from sojourn.statistics.survival.product_limit import find_survival, product_limit
from sojourn.statistics.survival.quantiles import median_follow_up, survival_quantile
from sojourn.statistics.survival.restricted_mean import restricted_mean
from sojourn.statistics.survival.risk_sets import count_at_risk

TOLERANCE = 1e-8  # SOURCES.md: estimates, intervals, statistics
SCALES = {"loglog": "log-log", "log": "log", "plain": "plain"}


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
