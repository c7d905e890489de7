"""Slow check of Cox and Fine-Gray models against R on random data, SIMULATED.

Run `python verify/verify_regression.py [datasets] [seed]`; it needs `Rscript` with the packages
survival, cmprsk and jsonlite. Times are tied (whole days), entries late, strata and clusters
few. It prints the largest difference of each quantity over the data sets, absolute up to 1 and
relative above, and exits with 1 if one exceeds its limit. cmprsk is run twice: as it is (it stops
when the score is below 1e-6 of the likelihood) and with `gtol = 1e-12`.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sojourn.core.random import named_generator
from sojourn.statistics.regression import (
    cumulative_hazards,
    estimate_concordance,
    fit_cox,
    fit_fine_gray,
    robust_covariance,
    score_residuals,
    test_proportionality,
)

Array = NDArray[np.float64]
LIMITS = {"fine_gray stopped early": 1e-4}
LIMIT = 1e-6
"""R stops Cox at a relative change of the log-likelihood of 1e-9; the limit leaves room for it."""

PROGRAM = r"""
suppressMessages({library(survival); library(cmprsk); library(jsonlite)})
folder <- commandArgs(TRUE)[1]
one <- function(formula, d, ties) {
  f <- coxph(formula, d, ties = ties); s <- summary(f); z <- cox.zph(f)$table
  robust <- coxph(update(formula, . ~ . + cluster(cl)), d, ties = ties)
  h <- survfit(f, newdata = data.frame(x1 = 0.3, x2 = 1, st = sort(unique(d$st)))[1, ])
  h <- if (is.null(f$xlevels)) h else NULL
  list(coef = coef(f), se = sqrt(diag(f$var)), loglik = f$loglik, lr = s$logtest[[1]],
       wald = f$wald.test[[1]], score = s$sctest[[1]], concordance = s$concordance[[1]],
       zph = z[, 1], residuals = residuals(f, "score"), robust = c(robust$var),
       hazard = if (is.null(h)) NULL else h$cumhaz[h$n.event > 0])
}
fg <- function(d, gtol) { f <- crr(d$exit, d$cause, d[, c("x1", "x2")], gtol = gtol, maxiter = 50)
  list(coef = f$coef, var = c(f$var), loglik = f$loglik, null = f$loglik.null) }
out <- lapply(list.files(folder, "csv$", full.names = TRUE), function(path) {
  d <- read.csv(path); made <- list()
  for (ties in c("efron", "breslow")) {
    made[[ties]] <- list(plain = one(Surv(exit, event) ~ x1 + x2, d, ties),
      stratified = one(Surv(exit, event) ~ x1 + x2 + strata(st), d, ties),
      late = one(Surv(entry, exit, event) ~ x1 + x2, d, ties),
      late_stratified = one(Surv(entry, exit, event) ~ x1 + x2 + strata(st), d, ties)) }
  made$fg <- fg(d, 1e-12); made$fg_early <- fg(d, 1e-6); made
})
write_json(out, file.path(folder, "out.json"), digits = NA, auto_unbox = TRUE, null = "null")
"""


def simulated(rng: np.random.Generator) -> dict[str, Array]:
    """Return one data set: 30 to 150 subjects, three causes, whole days."""
    n = int(rng.integers(30, 150))
    x1, x2 = rng.normal(size=n), rng.integers(0, 2, n).astype(float)
    days = int(rng.choice([8, 40, 400]))
    rate = np.exp(0.5 * x1 - 0.4 * x2)
    exits = np.minimum(np.ceil(rng.exponential(days / 2 / rate)), days)
    cause = np.where(exits == days, 0, rng.choice([0, 1, 1, 2, 3], n))
    entry = np.floor(exits * rng.uniform(0, 0.9, n) * rng.integers(0, 2, n))
    return {
        "exit": exits,
        "entry": entry,
        "cause": cause.astype(float),
        "event": (cause == 1).astype(float),
        "x1": x1,
        "x2": x2,
        "st": rng.integers(1, 4, n).astype(float),
        "cl": rng.integers(1, 15, n).astype(float),
    }


def in_r(datasets: list[dict[str, Array]]) -> list[dict]:
    """Return what R computes for each data set."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "program.R").write_text(PROGRAM, encoding="utf-8")
        for i, data in enumerate(datasets):
            rows = zip(*(column.tolist() for column in data.values()), strict=True)
            lines = [",".join(data), *(",".join(map(repr, row)) for row in rows)]
            (folder / f"{i:04d}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        command = ["Rscript", str(folder / "program.R"), str(folder)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return json.loads((folder / "out.json").read_text(encoding="utf-8"))


def cox_values(data: dict[str, Array], kind: str, ties: str) -> dict[str, object]:
    """Return our values under R's names."""
    fit = fit_cox(
        data["exit"],
        data["event"] == 1,
        np.column_stack([data["x1"], data["x2"]]),
        entry=data["entry"] if kind.startswith("late") else None,
        strata=data["st"] if kind.endswith("stratified") else None,
        ties=ties,
    )
    zph = test_proportionality(fit)
    made = {
        "coef": fit.terms.coefficients,
        "se": fit.terms.standard_errors,
        "loglik": [fit.loglik_null, fit.loglik],
        "lr": fit.likelihood_ratio_test.statistic,
        "wald": fit.wald_test.statistic,
        "score": fit.score_test.statistic,
        "concordance": estimate_concordance(fit).value,
        "zph": [*(test.statistic for test in zph.terms.values()), zph.overall.statistic],
        "residuals": score_residuals(fit),
        "robust": robust_covariance(fit, data["cl"]).ravel(),
    }
    if not kind.endswith("stratified"):
        made["hazard"] = cumulative_hazards(fit, np.array([0.3, 1.0]))[0].values
    return made


def fine_gray_values(data: dict[str, Array]) -> dict[str, object]:
    """Return our values under R's names."""
    x = np.column_stack([data["x1"], data["x2"]])
    fit = fit_fine_gray(data["exit"], data["cause"].astype(int), x)
    covariance = fit.terms.covariance.ravel()
    return {
        "coef": fit.terms.coefficients,
        "var": covariance,
        "loglik": fit.loglik,
        "null": fit.loglik_null,
    }


def difference(ours: object, theirs: object) -> float:
    """Return the largest difference, absolute up to 1 and relative above."""
    values = list(theirs.values()) if isinstance(theirs, dict) else theirs
    golden = np.asarray(values, dtype=float)
    return float(np.max(np.abs(np.asarray(ours) - golden) / np.maximum(1, np.abs(golden))))


def main(n: int, seed: int) -> int:
    """Print the largest differences; return the exit code."""
    if shutil.which("Rscript") is None:
        sys.stdout.write("no Rscript: nothing was compared\n")
        return 2
    datasets = [simulated(named_generator(seed, "regression", str(i))) for i in range(n)]
    largest: dict[str, float] = {}

    def note(name: str, ours: object, theirs: object) -> None:
        largest[name] = max(largest.get(name, 0.0), difference(ours, theirs))

    for data, golden in zip(datasets, in_r(datasets), strict=True):
        for ties in ("efron", "breslow"):
            for kind, theirs in golden[ties].items():
                for name, value in cox_values(data, kind, ties).items():
                    if theirs[name] is not None:
                        note(f"cox {name}", value, theirs[name])
        for name, value in fine_gray_values(data).items():
            note(f"fine_gray {name}", value, golden["fg"][name])
            note("fine_gray stopped early", value, golden["fg_early"][name])
    for name, value in sorted(largest.items()):
        sys.stdout.write(f"{name:28s} {value:.1e}\n")
    return int(any(value > LIMITS.get(name, LIMIT) for name, value in largest.items()))


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    raise SystemExit(main(*(given + [40, 0][len(given) :])))
