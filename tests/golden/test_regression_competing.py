"""EXTERNAL oracle bmt_klein_relapse_nrm.json.

R 4.2.2 with cmprsk 2.2-11 and survival 3.5-3 on the 137 leukemia patients of Klein and
Moeschberger: incidence curves, Gray's test, Fine-Gray and cause-specific Cox models.
"""

import numpy as np

from competing_walk import check_incidence, golden_file, leave_out_software, numbers, rows_of
from cox_walk import TOLERANCE, cox_document
from sojourn.statistics.regression import fit_cox, fit_fine_gray

COVERS = ["bmt_klein_relapse_nrm.json"]

STOPPED = 1e-5
"""SOURCES.md. `crr` stops once the score is below 1e-6 of the likelihood, 2e-6 from the maximum
for non-relapse mortality; with `gtol = 1e-12` it agrees to 1e-10 (verify/verify_regression.py)."""


def test_relapse_and_death_without_it(shared):
    golden = golden_file(shared, "bmt_klein_relapse_nrm.json")
    rows = rows_of(shared, golden)
    assert golden.read("time") == "t2"
    assert golden.read("event").startswith("1 relapse (d2), 2 death without relapse")
    relapsed, died = numbers(rows, "d2") == 1, numbers(rows, "d1") == 1
    times, causes = numbers(rows, "t2"), np.where(relapsed, 1, np.where(died, 2, 0))
    check_incidence(golden, ("overall",), times, causes)
    check_incidence(golden, ("by_group",), times, causes, rows["group"])
    indicators = [(rows["group"] == level).astype(float) for level in "23"]
    x = np.column_stack([*indicators, numbers(rows, "z1"), numbers(rows, "z8")])
    names = ["g2", "g3", "z1", "z8"]
    for cause, name in ((1, "relapse"), (2, "nrm")):
        fit = fit_fine_gray(times, causes, x, cause=cause, names=names)
        check_fine_gray(golden, f"fine_gray_{name}", fit)
        specific = fit_cox(times, causes == cause, x, names=names)
        key = f"cause_specific_{name}"
        golden.check(cox_document(specific), key, tolerance=TOLERANCE)
    leave_out_software(golden)
    golden.finish()


def check_fine_gray(golden, key, fit):
    assert golden.read(key, "converged") is True
    lower, upper = fit.terms.ratio_interval()
    found = {
        "failcode": fit.cause,
        "n": fit.n,
        "terms": list(fit.terms.names),
        "coef": fit.terms.coefficients.tolist(),
        "se": fit.terms.standard_errors.tolist(),
        "shr": fit.terms.ratios.tolist(),
        "lo": lower.tolist(),
        "hi": upper.tolist(),
        "p": fit.terms.p_values.tolist(),
        "loglik": fit.loglik,
        "loglik_null": fit.loglik_null,
    }
    golden.check(found, key, tolerance=STOPPED)
