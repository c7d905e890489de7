"""Golden leaves of a Cox model, compared with what this package makes of the same rows."""

from sojourn.statistics.regression import estimate_concordance
from sojourn.statistics.regression import test_proportionality as zph

TOLERANCE = 1e-8  # SOURCES.md grants Cox 1e-5; R stops at a relative change of 1e-9


def cox_document(fit, together=None):
    """Return a fit as the golden files have it.

    R's `summary` rounds Wald's statistic to two digits, its p-value not; so does this.
    """
    lower, upper = fit.terms.ratio_interval()
    tests = zph(fit, together=together)
    parts = [*tests.terms.values(), tests.overall]
    wald = fit.wald_test
    return {
        "ties": fit.ties,
        "n": fit.n,
        "events": fit.n_events,
        "loglik": [fit.loglik_null, fit.loglik],
        "terms": list(fit.terms.names),
        "coef": fit.terms.coefficients.tolist(),
        "se": fit.terms.standard_errors.tolist(),
        "hr": fit.terms.ratios.tolist(),
        "lo": lower.tolist(),
        "hi": upper.tolist(),
        "p": fit.terms.p_values.tolist(),
        "lr_test": _leaves(fit.likelihood_ratio_test),
        "wald_test": [round(wald.statistic, 2), wald.degrees, wald.p_value],
        "score_test": _leaves(fit.score_test),
        "concordance": estimate_concordance(fit).value,
        "zph": {
            "rows": [*tests.terms, "GLOBAL"],
            "chisq": [part.statistic for part in parts],
            "p": [part.p_value for part in parts],
        },
    }


def _leaves(test):
    return [test.statistic, test.degrees, test.p_value]
