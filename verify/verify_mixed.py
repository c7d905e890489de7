"""Slow comparison of mixed models and MMRM with R (lme4, lmerTest, pbkrtest, nlme, mice).

Run `python verify/verify_mixed.py [data sets] [seed]`; needs Rscript on the path with those
packages and jsonlite. All data are SIMULATED: 6 to 20 subjects, five times, 15 % of the values
missing, variances of the random effects down to zero. Printed are the largest differences; where
both searches end on a slope their last digits are R's, so that the likelihoods are compared too:
ours is never the lower by more than rounding. Exits with 1 where a difference exceeds its bound.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sojourn.statistics.missing.rubin import pool
from sojourn.statistics.mixed.fitting import (
    COVARIANCES,
    MixedFit,
    NoFit,
    fit_marginal,
    fit_random_effects,
)
from sojourn.statistics.mixed.inference import kenward_roger, kenward_roger_test, satterthwaite

Floats = NDArray[np.float64]

TIMES = np.array([0.0, 1, 3, 7, 14])
SPREADS = [(1.0, 0.1), (0.05, 0.02), (1.0, 0.0), (0.0, 0.0)]
"""Standard deviations of random intercepts and slopes."""
BOUNDS = {
    "random intercept": 1e-6,
    "random slope": 2e-2,  # lme4's search ends at 1e-5 of the variances, df are their slopes
    "unstructured": 1e-4,
    "ar1": 1e-5,
    "compound_symmetry": 1e-5,
    "pool": 1e-10,
}
LOWER = 1e-8
"""By how much our log likelihood may lie below R's."""

PROGRAM = r"""
suppressMessages({library(lmerTest); library(pbkrtest); library(nlme); library(jsonlite)
  library(mice)})
ct <- lmerControl(optCtrl = list(xtol_abs = 1e-12, ftol_abs = 1e-14, maxeval = 1e5))
gc <- glsControl(tolerance = 1e-10, msTol = 1e-12, maxIter = 500, msMaxIter = 500)
one <- function(d, f) { m <- suppressMessages(suppressWarnings(
    lmerTest::lmer(as.formula(f), d, control = ct)))
  k <- KRmodcomp(as(m, "lmerMod"), rbind(c(0, 1, 0, 0), c(0, 0, 0, 1)))$stats
  list(loglik = as.numeric(logLik(m)), kr = unname(coef(summary(m, ddf = "Kenward-Roger"))[, 1:3]),
    sat = unname(coef(summary(m, ddf = "Satterthwaite"))[, 1:3]),
    F = unlist(k[c("Fstat", "ddf", "F.scaling")])) }
marginal <- function(d, cor, w) { m <- try(gls(y ~ 0 + f + g, d, correlation = cor, weights = w,
    control = gc), silent = TRUE)
  if (inherits(m, "try-error")) list(loglik = NA) else list(loglik = as.numeric(logLik(m)),
    coef = unname(coef(m)), se = unname(sqrt(diag(vcov(m))))) }
files <- sort(list.files(pattern = "[.]csv$"))
out <- lapply(files, function(path) { d <- read.csv(path); d$f <- factor(d$v); d$k <- d$v + 1
  p <- pool.scalar(d$y[1:8], abs(d$y[2:9]) + .1, n = 12, k = 2)
  list(intercept = one(d, "y ~ g * x + (1 | s)"), slope = one(d, "y ~ g * x + (x | s)"),
    unstructured = marginal(d, corSymm(form = ~ k | s), varIdent(form = ~ 1 | f)),
    ar1 = marginal(d, corAR1(form = ~ k | s), NULL),
    compound_symmetry = marginal(d, corCompSymm(form = ~ 1 | s), NULL),
    pool = c(p$qbar, p$t, p$df)) })
write(toJSON(out, digits = NA, auto_unbox = TRUE), "out.json")
"""


def say(line: str) -> None:
    """Write a line."""
    sys.stdout.write(f"{line}\n")


def simulate(i: int, rng: np.random.Generator) -> Floats:
    """Return SIMULATED rows (subject, group, visit, time, value)."""
    intercept, slope = SPREADS[i % 4]
    rows = []
    for s in range((6, 10, 14, 20)[i // 4 % 4]):
        a, b = rng.normal(0, intercept or 1e-300), rng.normal(0, slope or 1e-300)
        for v, x in enumerate(TIMES):
            value = 2 + a + (0.2 * (s % 2) - 0.3 + b) * x + rng.normal(0, 0.5)
            if rng.random() > 0.15:
                rows.append((s, s % 2, v, x, value))
    return np.array(rows)


class Differences:
    """The largest difference of each kind, and how far our likelihoods lie below R's."""

    def __init__(self) -> None:
        self.largest: dict[str, float] = {}
        self.lower = 0.0
        self.better = 0.0
        self.told: list[str] = []

    def add(self, kind: str, ours: ArrayLike, theirs: ArrayLike) -> None:
        """Compare numbers: absolute up to 1, relative above."""
        one, other = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
        found = float(np.max(np.abs(one - other) / np.maximum(1, np.abs(other))))
        self.largest[kind] = max(self.largest.get(kind, 0.0), found)

    def likelihood(self, ours: float, theirs: float) -> None:
        """Compare log likelihoods, the higher being right."""
        self.lower = max(self.lower, theirs - ours)
        self.better = max(self.better, ours - theirs)


def compare_random(kind: str, rows: Floats, r: dict[str, Any], found: Differences) -> None:
    """Compare one mixed model."""
    s, g, _, x, y = rows.T
    fixed = np.column_stack([np.ones(len(y)), g, x, g * x])
    random = fixed[:, [0, 2]] if kind == "random slope" else None
    fit = fit_random_effects(y, fixed, s.astype(int), random=random)
    assert isinstance(fit, MixedFit), fit
    found.likelihood(fit.log_likelihood, r["loglik"])
    for name, test in (("kr", kenward_roger), ("sat", satterthwaite)):
        made = [test(fit, row) for row in np.eye(4)]
        found.add(kind, [(m.value, m.standard_error, m.degrees) for m in made], r[name])
    joint = kenward_roger_test(fit, np.eye(4)[[1, 3]])
    found.add(kind, [joint.statistic, joint.denominator_degrees, joint.scaling], r["F"])


def compare_marginal(kind: str, rows: Floats, r: dict[str, Any], found: Differences) -> None:
    """Compare one covariance over visits; where R or we find no maximum, say so."""
    s, g, v, _, y = rows.T
    visit = np.eye(len(TIMES))[v.astype(int)]
    fixed = np.column_stack([visit, g])
    fit = fit_marginal(y, fixed, s.astype(int), v, covariance=kind)
    if isinstance(fit, NoFit) or r["loglik"] in (None, "NA"):
        ours = fit.reason if isinstance(fit, NoFit) else f"log likelihood {fit.log_likelihood:.6f}"
        found.told.append(f"{kind}, {len(np.unique(s))} subjects: R {r['loglik']}, ours: {ours}")
        return
    found.likelihood(fit.log_likelihood, r["loglik"])
    found.add(kind, fit.coefficients, r["coef"])
    found.add(kind, np.sqrt(np.diag(fit.covariance)), r["se"])


def main(n: int, seed: int) -> int:
    """Compare `n` data sets and print; return the exit code."""
    if shutil.which("Rscript") is None:
        say("no Rscript on the path: nothing compared")
        return 1
    rng = np.random.default_rng(seed)
    tables = [simulate(i, rng) for i in range(n)]
    with tempfile.TemporaryDirectory() as folder:
        for i, rows in enumerate(tables):
            path = Path(folder) / f"d{i:04d}.csv"
            np.savetxt(path, rows, delimiter=",", header="s,g,v,x,y", comments="", fmt="%.17g")
        (Path(folder) / "program.R").write_text(PROGRAM)
        subprocess.run(["Rscript", "program.R"], cwd=folder, check=True)
        results = json.loads((Path(folder) / "out.json").read_text())
    found = Differences()
    for rows, r in zip(tables, results, strict=True):
        compare_random("random intercept", rows, r["intercept"], found)
        compare_random("random slope", rows, r["slope"], found)
        for kind in COVARIANCES:
            compare_marginal(kind, rows, r[kind], found)
        y = rows[:, 4]
        made = pool(y[:8], np.abs(y[1:9]) + 0.1, complete_degrees=10)
        found.add("pool", [made.value, made.variance, made.degrees], r["pool"])
    say(f"{n} SIMULATED data sets, seed {seed}; largest difference (absolute, relative above 1)")
    for kind, value in found.largest.items():
        say(f"  {kind:20s} {value:.1e}  (bound {BOUNDS[kind]:.0e})")
    say(f"  log likelihood: below R's by {found.lower:.1e}, above by {found.better:.1e} at most")
    say("\n".join(f"  {line}" for line in found.told))
    within = all(value <= BOUNDS[kind] for kind, value in found.largest.items())
    return 0 if within and found.lower <= LOWER else 1


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:]]
    sys.exit(main(*(given + [16, 1][len(given) :])))
