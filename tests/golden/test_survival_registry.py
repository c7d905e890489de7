"""Relapse-free survival of 2,204 registry patients, curves, tests and Cox model (EXTERNAL).

R 4.2.2, survival 3.5-3, on mstate's ebmt3. Tolerances as SOURCES.md suggests: 1e-8 for curves and
tests, 1e-5 for the Cox model, whose iterations R ends early.
"""

import numpy as np
import pytest

from golden_walk import SOFTWARE, Golden
from sojourn.statistics.regression.concordance import estimate_concordance
from sojourn.statistics.regression.cox_model import fit_cox
from sojourn.statistics.regression.proportionality import (
    test_proportionality as check_proportionality,
)
from sojourn.statistics.survival.log_rank import log_rank
from survival_columns import columns
from survival_walk import TOLERANCE, walk_curve, walk_groups

COVERS = ["ebmt3_rfs.json"]

COX = 1e-5
FACTORS = {
    "dissub": ("AML", "ALL", "CML"),
    "age": ("<=20", "20-40", ">40"),
    "tcd": ("No TCD", "TCD"),
}


def r_name(factor):
    """Return R's name of a factor's term."""
    levels = ", ".join(f'"{level}"' for level in FACTORS[factor])
    return f"factor({factor}, c({levels}))"


def walk_cox(golden, times, is_event, values):
    terms = [(factor, level) for factor in FACTORS for level in FACTORS[factor][1:]]
    names = [f"{r_name(factor)}{level}" for factor, level in terms]
    design = np.column_stack([values[factor] == level for factor, level in terms]).astype(float)
    fit = fit_cox(times, is_event, design, ties=golden.at("cox", "ties"), names=names)
    golden.check({"ties": fit.ties, "n": fit.n, "events": fit.n_events, "terms": names}, "cox")
    lower, upper = fit.terms.ratio_interval()
    found = {
        "loglik": [fit.loglik_null, fit.loglik],
        "coef": fit.terms.coefficients,
        "se": fit.terms.standard_errors,
        "hr": fit.terms.ratios,
        "lo": lower,
        "hi": upper,
        "p": fit.terms.p_values,
        "concordance": estimate_concordance(fit).value,
    }
    golden.check(found, "cox", tolerance=COX)
    assert fit.terms.p_values == pytest.approx(golden.at("cox", "p"), rel=1e-4)
    # R's summary rounds Wald's statistic, and nothing else, to two decimals.
    tests = {
        "lr_test": (fit.likelihood_ratio_test, COX),
        "score_test": (fit.score_test, COX),
        "wald_test": (fit.wald_test, 0.0051 / 50.16),
    }
    for key, (made, tolerance) in tests.items():
        walk_test(golden, ("cox", key), made, tolerance)
    walk_proportionality(golden, fit, terms, names)


def walk_test(golden, where, made, tolerance):
    golden.check([made.statistic, made.degrees, made.p_value], *where, tolerance=tolerance)
    assert made.p_value == pytest.approx(golden.at(*where, 2), rel=1e-4)


def walk_proportionality(golden, fit, terms, names):
    together = {
        r_name(factor): [n for n, (f, _) in zip(names, terms, strict=True) if f == factor]
        for factor in FACTORS
    }
    made = check_proportionality(fit, together=together)
    rows = [*together, "GLOBAL"]
    tests = [*(made.terms[name] for name in together), made.overall]
    found = {
        "rows": rows,
        "chisq": [each.statistic for each in tests],
        "p": [each.p_value for each in tests],
    }
    golden.check(found, "cox", "zph", tolerance=COX)
    assert found["p"] == pytest.approx(golden.at("cox", "zph", "p"), rel=1e-4)


def test_relapse_free_survival_of_the_registry(shared):
    golden = Golden(shared / "data/hsct/golden/ebmt3_rfs.json")
    golden.leave_out("software", reason=SOFTWARE)
    wanted = (golden.read("dataset"), golden.read("time"), golden.read("status"), *FACTORS)
    times, status, *factors = columns(shared, *wanted)
    values = dict(zip(FACTORS, factors, strict=True))
    times, is_event = times.astype(float), status == "1"
    walk_curve(golden, ("overall",), times, is_event)
    walk_groups(golden, ("by_dissub",), times, is_event, values["dissub"])
    made = log_rank(times, is_event, values["tcd"], strata=values["dissub"])
    found = {"chisq": made.chisq, "df": made.degrees, "p": made.p_value}
    golden.check(found, "stratified_logrank_tcd_by_dissub", tolerance=TOLERANCE)
    walk_cox(golden, times, is_event, values)
    golden.finish()
