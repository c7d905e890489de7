"""Golden leaves of competing risks, compared with what this package makes of the same rows."""

import csv

import numpy as np

from golden_walk import SOFTWARE, Golden
from sojourn.statistics.competing.gray import gray_test
from sojourn.statistics.competing.incidence import cumulative_incidence
from sojourn.statistics.competing.intervals import log_log_event_free, log_log_incidence
from sojourn.statistics.competing.variances import (
    aalen_variance,
    infinitesimal_jackknife_variance,
)
from sojourn.statistics.regression.fine_gray_model import fit_fine_gray
from sojourn.statistics.survival.product_limit import find_survival, kaplan_meier

TOLERANCE = 1e-8  # SOURCES.md: estimates, intervals, statistics
REGRESSION = 1e-5  # SOURCES.md: Fine-Gray
NO_INTERVAL = "incidence 0: a scale of log(-log) has no interval there, we state an exact bound"
NEVER = 1_000_000


def golden_file(shared, name):
    return Golden(shared / "data/hsct/golden" / name)


def rows_of(shared, golden):
    """Return the data set of a golden file as columns of text."""
    with (shared / "data/hsct" / golden.read("dataset")).open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def numbers(rows, name):
    return rows[name].astype(float)


def first_event(rows, name):
    """Return times and causes of the children: recovery, else death competing, else censored."""
    days, died = numbers(rows, name), numbers(rows, "survival_status") == 1
    has_event = days < NEVER
    times = np.where(has_event, days, numbers(rows, "survival_time"))
    return times, np.where(has_event, 1, np.where(died, 2, 0))


def check_incidence(golden, where, times, causes, groups=None):
    """Compare counts, curves, Gray's test, survfit's curves and the naive complement."""
    golden.check(len(times), *where, "n")
    counts = {str(c): int((causes == c).sum()) for c in np.unique(causes)}
    golden.check(counts, *where, "counts")
    labels = np.full(len(times), "all") if groups is None else groups
    for label in np.unique(labels):
        inside = labels == label
        for cause in (1, 2):
            place = (*where, "curves", f"{label} {cause}")
            _check_curve(golden, place, times[inside], causes[inside], cause)
    if groups is not None:
        for i in range(len(golden.at(*where, "gray"))):
            made = gray_test(times, causes, groups, cause=i + 1)
            found = {"stat": made.statistic, "df": made.degrees, "p": made.p_value}
            assert golden.read(*where, "gray", i, "cause") == str(i + 1)
            golden.check(found, *where, "gray", i, tolerance=TOLERANCE)
    first = next(iter(golden.at(*where, "curves").values()))
    _check_survfit(golden, where, times, causes, [leaf["time"] for leaf in first])
    golden.leave_out(*where, "note", reason="says what null means, not a result")


def _check_curve(golden, place, times, causes, cause):
    curve = cumulative_incidence(times, causes, codes=(1, 2))
    variances = aalen_variance(curve)
    for i, leaf in enumerate(golden.at(*place)):
        at = golden.read(*place, i, "time")
        if leaf["cif"] is None:
            # cmprsk stops at the last time; so does the plug-in, unless nobody is left to have one.
            assert at > curve.times[-1]
            golden.check(
                {"cif": None, "var_cmprsk": None, "ci_loglog_1minusF": [None, None],
                 "ci_logF_choudhury": [None, None]}, *place, i)  # fmt: skip
            continue
        step = curve.step(at)
        value, variance = 0.0, 0.0
        if step >= 0:
            value, variance = curve.incidence[step, cause - 1], variances[step, cause - 1]
        golden.check({"cif": value, "var_cmprsk": variance}, *place, i, tolerance=TOLERANCE)
        kinds = {"ci_loglog_1minusF": log_log_event_free, "ci_logF_choudhury": log_log_incidence}
        for key, interval in kinds.items():
            bounds = interval(value, variance)
            if bounds is None:
                golden.leave_out(*place, i, key, reason=NO_INTERVAL)
                assert value == 0
            else:
                golden.check(list(bounds), *place, i, key, tolerance=TOLERANCE)


def _check_survfit(golden, where, times, causes, at):
    curve = cumulative_incidence(times, causes)
    variances = infinitesimal_jackknife_variance(curve)
    steps = [curve.step(t) for t in at]
    for k, cause in enumerate(curve.causes):
        found = {
            "cif": [curve.incidence[s, k] if s >= 0 else 0.0 for s in steps],
            "se_ij": [np.sqrt(variances[s, k]) if s >= 0 else 0.0 for s in steps],
        }
        assert golden.read(*where, "aalen_johansen_survfit", k, "state") == str(cause)
        golden.check(found, *where, "aalen_johansen_survfit", k, tolerance=TOLERANCE)
    naive, _ = find_survival(kaplan_meier(times, causes == 1), at)
    golden.check((1 - naive).tolist(), *where, "naive_1_minus_km", tolerance=TOLERANCE)
    incidence = golden.at(*where, "aalen_johansen_survfit", 0, "cif")
    assert (1 - naive >= np.array(incidence) - 1e-12).all()


def check_fine_gray(golden, where, times, causes, covariates):
    """Compare a Fine-Gray model of cause 1."""
    assert golden.read(*where, "failcode") == 1
    assert golden.read(*where, "converged") is True
    names = golden.read(*where, "terms")
    fit = fit_fine_gray(times, causes, np.column_stack(covariates), names=names)
    lower, upper = fit.terms.ratio_interval()
    found = {
        "n": fit.n,
        "coef": fit.terms.coefficients.tolist(),
        "se": fit.terms.standard_errors.tolist(),
        "shr": fit.terms.ratios.tolist(),
        "lo": lower.tolist(),
        "hi": upper.tolist(),
        "p": fit.terms.p_values.tolist(),
        "loglik": fit.loglik,
        "loglik_null": fit.loglik_null,
    }
    golden.check(found, *where, tolerance=REGRESSION)


def leave_out_software(golden):
    golden.leave_out("software", reason=SOFTWARE)
