"""EXTERNAL oracles bmt_klein_platelet_recovery.json and bmt_klein_agvhd.json.

R 4.2.2 with cmprsk 2.2-11 and survival 3.5-3, on the 137 leukemia patients of Klein and
Moeschberger.
"""

import numpy as np

from competing_walk import (
    check_fine_gray,
    check_incidence,
    golden_file,
    leave_out_software,
    numbers,
    rows_of,
)

COVERS = ["bmt_klein_platelet_recovery.json", "bmt_klein_agvhd.json"]


def first_of(rows, time, status):
    """Return times and causes: the event, else relapse or death, else censored."""
    has_event, ended = numbers(rows, status) == 1, numbers(rows, "d3") == 1
    times = np.where(has_event, numbers(rows, time), numbers(rows, "t2"))
    return times, np.where(has_event, 1, np.where(ended, 2, 0))


def test_platelet_recovery_with_relapse_or_death_competing(shared):
    golden = golden_file(shared, "bmt_klein_platelet_recovery.json")
    rows = rows_of(shared, golden)
    assert golden.read("time") == "if dp==1 tp else t2"
    assert golden.read("event") == "1 platelet recovery, 2 relapse/death first, 0 censored"
    times, causes = first_of(rows, "tp", "dp")
    check_incidence(golden, ("overall",), times, causes)
    check_incidence(golden, ("by_group",), times, causes, rows["group"])
    columns = [rows["group"] == "2", rows["group"] == "3", numbers(rows, "z10")]
    assert golden.at("fine_gray", "terms") == ["g2", "g3", "z10"]
    check_fine_gray(golden, ("fine_gray",), times, causes, columns)
    leave_out_software(golden)
    golden.finish()


def test_acute_gvhd_with_relapse_or_death_competing(shared):
    golden = golden_file(shared, "bmt_klein_agvhd.json")
    rows = rows_of(shared, golden)
    assert golden.read("time") == "if da==1 ta else t2"
    assert golden.read("event") == "1 aGVHD, 2 relapse/death first, 0 censored"
    times, causes = first_of(rows, "ta", "da")
    check_incidence(golden, ("overall",), times, causes)
    check_incidence(golden, ("by_mtx_z10",), times, causes, rows["z10"])
    leave_out_software(golden)
    golden.finish()
