"""Survival curves, quantiles, restricted means, log-rank tests against R (EXTERNAL).

R 4.2.2, survival 3.5-3, on public data sets; the golden files say which. Tolerance 1e-8, as
SOURCES.md suggests; degrees of freedom, counts and days of quantiles exactly.
"""

import numpy as np
import pytest

from golden_walk import SOFTWARE, Golden
from sojourn.statistics.survival.inputs import check_times
from sojourn.statistics.survival.product_limit import find_survival, product_limit
from survival_columns import columns
from survival_walk import walk_curve, walk_groups

COVERS = [
    "bmt_klein_os.json",
    "bmt_klein_dfs.json",
    "uci_children_os.json",
    "cmv_hsct_km.json",
    "ebmt3_delayed_entry.json",
]


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
