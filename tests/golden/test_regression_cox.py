"""EXTERNAL oracle bmt_klein_cox_dfs.json.

R 4.2.2 with survival 3.5-3 on the 137 leukemia patients of Klein and Moeschberger: Efron, Breslow,
strata, a covariate that changes, and the score test of proportional hazards.
"""

import numpy as np

from competing_walk import golden_file, leave_out_software, numbers, rows_of
from cox_walk import TOLERANCE, cox_document
from sojourn.statistics.regression import fit_cox, split_at

COVERS = ["bmt_klein_cox_dfs.json"]


def test_disease_free_survival(shared):
    golden = golden_file(shared, "bmt_klein_cox_dfs.json")
    rows = rows_of(shared, golden)
    assert golden.read("derived") == "g2=1[group==2]; g3=1[group==3]; age28=z1-28; FAB=z8"
    columns = {
        "g2": (rows["group"] == "2").astype(float),
        "g3": (rows["group"] == "3").astype(float),
        "age28": numbers(rows, "z1") - 28,
        "z8": numbers(rows, "z8"),
    }
    times, is_event = numbers(rows, "t2"), numbers(rows, "d3") == 1
    for key, left_out, settings in (
        ("efron", None, {}),
        ("breslow", None, {"ties": "breslow"}),
        ("stratified_by_z3", "z8", {"strata": rows["z3"]}),
    ):
        names = [name for name in columns if name != left_out]
        x = np.column_stack([columns[name] for name in names])
        fit = fit_cox(times, is_event, x, names=names, **settings)
        golden.check(cox_document(fit), key, tolerance=TOLERANCE)
    check_platelet_recovery(golden, rows, columns, times, is_event)
    leave_out_software(golden)
    golden.finish()


def check_platelet_recovery(golden, rows, columns, times, is_event):
    """Compare the model whose subjects count as recovered only from the day of recovery on."""
    recovered = np.where(numbers(rows, "dp") == 1, numbers(rows, "tp"), np.nan)
    process = split_at(times, is_event, recovered)
    names = ["g2", "g3", "z8", "plt"]
    x = [columns[name][process.subject] for name in names[:-1]]
    fit = fit_cox(
        process.exit,
        process.is_event,
        np.column_stack([*x, process.has_changed.astype(float)]),
        entry=process.entry,
        names=names,
    )
    found = cox_document(fit) | {"rows_in_counting_process": len(process.exit)}
    golden.check(found, "time_dependent_platelet", tolerance=TOLERANCE)
