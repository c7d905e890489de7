"""Compare survival methods with R's survival and coin on random data with heavy ties.

Run `python verify/verify_survival.py [cases] [seed]`; needs `Rscript` with survival, jsonlite and
(for the exact test) coin, and says so where it is absent. All data are SIMULATED: small integer
times, half of the cases with late entry, some with a single subject, only events or none. Prints
the largest difference of each quantity; exits with 1 if one exceeds 1e-9.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sojourn.statistics.survival.exact_log_rank import exact_log_rank
from sojourn.statistics.survival.inputs import check_times
from sojourn.statistics.survival.intervals import survival_interval
from sojourn.statistics.survival.log_rank import log_rank
from sojourn.statistics.survival.product_limit import product_limit
from sojourn.statistics.survival.quantiles import survival_quantile
from sojourn.statistics.survival.restricted_mean import restricted_mean

TOLERANCE = 1e-9
PROBABILITIES = (0.1, 0.25, 0.5, 0.75, 0.9)

Case = dict[str, Any]
Largest = dict[str, float]


def simulate_case(rng: np.random.Generator, i: int) -> Case:
    """Return one SIMULATED trial; late entry in every second one."""
    n = int(rng.integers(1, 40)) if i % 10 else int(rng.integers(1, 4))
    time = rng.integers(1, int(rng.choice([4, 10, 40])) + 1, n)
    event = rng.random(n) < rng.choice([0.0, 0.3, 0.7, 1.0], p=[0.1, 0.4, 0.3, 0.2])
    case: Case = {
        "time": time.tolist(),
        "event": event.astype(int).tolist(),
        "group": rng.integers(1, int(rng.integers(2, 5)), n).tolist(),
        "stratum": rng.integers(1, 4, n).tolist(),
    }
    # One record is written as a list too, so that R reads vectors everywhere.
    if i % 2:
        case["entry"] = (rng.random(n) * 0.9 * time).astype(int).tolist()
    case["group"][0] = 1
    if n > 1:
        case["group"][1] = 2
    return case


def simulate_pair(rng: np.random.Generator) -> Case:
    """Return one SIMULATED trial of two small groups, with ties."""
    n, n_a = int(rng.integers(4, 16)), int(rng.integers(1, 3))
    group = np.where(np.arange(n) < max(n_a, n // 2), 1, 2)
    event = (rng.random(n) < 0.7).astype(int)
    event[0] = 1
    time = rng.integers(1, 8, n)
    return {"time": time.tolist(), "event": event.tolist(), "group": group.tolist()}


def note(
    largest: Largest, name: str, ours: ArrayLike | list[float | None], theirs: ArrayLike
) -> None:
    """Keep the largest difference of `name`, relative above 1; infinite where one is missing."""
    a = np.array([np.nan if x is None else x for x in np.atleast_1d(ours)], float)
    b = np.array([np.nan if x is None else x for x in np.atleast_1d(theirs)], float)
    if a.shape != b.shape or (np.isnan(a) != np.isnan(b)).any():
        largest[name] = np.inf
        return
    gap = np.abs(a - b) / np.maximum(1, np.abs(b))
    largest[name] = max(largest.get(name, 0.0), float(np.nanmax(np.append(gap, 0.0))))


def compare_curve(largest: Largest, case: Case, theirs: dict[str, Any]) -> None:
    """Compare curve, intervals, quantiles and mean of one case."""
    people = check_times(case["time"], case["event"], entry=case.get("entry"))
    curve = product_limit(people)
    for scale in ("log-log", "log", "plain"):
        for level in (0.95, 0.99):
            want = theirs[f"{scale} {level:g}"]
            lower, upper = survival_interval(
                curve.survival, curve.variance, scale=scale, level=level
            )
            with np.errstate(invalid="ignore"):
                error = curve.survival * np.sqrt(curve.variance)
            note(largest, "times", curve.times, want["time"])
            note(largest, "at risk", curve.at_risk, want["risk"])
            note(largest, "survival", curve.survival, want["surv"])
            note(largest, "Greenwood", error, want["se"])
            note(largest, f"lower {scale}", lower, want["lower"])
            note(largest, f"upper {scale}", upper, want["upper"])
            made = [survival_quantile(curve, p, scale=scale, level=level) for p in PROBABILITIES]
            note(largest, "quantiles", [m.value for m in made], want["q"])
            note(largest, f"quantiles lower {scale}", [m.lower for m in made], want["qlower"])
            note(largest, f"quantiles upper {scale}", [m.upper for m in made], want["qupper"])
    if "rmean" in theirs:
        mean = restricted_mean(curve, tau=theirs["rmean"]["tau"])
        note(largest, "restricted mean", mean.value, theirs["rmean"]["est"])
        note(largest, "its standard error", mean.standard_error, theirs["rmean"]["se"])


def compare_tests(largest: Largest, case: Case, theirs: dict[str, Any]) -> None:
    """Compare the tests between groups of one case, where both have one."""
    times, events, groups = case["time"], case["event"], case["group"]
    if "entry" in case:
        made = log_rank(times, events, groups, entry=case["entry"])
        if made.chisq is not None and theirs.get("score") is not None:
            note(largest, "log-rank, late entry (Cox exact score)", made.chisq, theirs["score"])
        return
    for rho in (0, 1):
        if (want := theirs.get(f"test{rho}")) is None:
            continue
        for prefix, strata in (("", None), ("z", case["stratum"])):
            made = log_rank(times, events, groups, strata=strata, rho=rho)
            name = f"rho {rho}" + (", strata" if strata else "")
            note(largest, f"observed, {name}", made.observed, want[f"{prefix}obs"])
            note(largest, f"expected, {name}", made.expected, want[f"{prefix}exp"])
            if made.chisq is not None:
                note(largest, f"chi-square, {name}", made.chisq, want[f"{prefix}chisq"])


def main() -> int:
    """Simulate, run R, compare, print."""
    if shutil.which("Rscript") is None:
        sys.stdout.write("no Rscript here: nothing was compared\n")
        return 0
    n_cases = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    rng = np.random.default_rng(int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    curves = [simulate_case(rng, i) for i in range(n_cases)]
    pairs = [simulate_pair(rng) for _ in range(n_cases // 4)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cases.json"
        path.write_text(json.dumps({"curves": curves, "exact": pairs}), encoding="utf-8")
        script = Path(__file__).with_suffix(".R")
        done = subprocess.run(
            ["Rscript", str(script), str(path)], capture_output=True, text=True, check=True
        )
    theirs = json.loads(done.stdout)
    largest: Largest = {}
    for case, want in zip(curves, theirs["curves"], strict=True):
        compare_curve(largest, case, want)
        compare_tests(largest, case, want)
    for pair, want in zip(pairs, theirs.get("exact", []), strict=False):
        time, event = np.array(pair["time"]), np.array(pair["event"])
        first = np.array(pair["group"]) == 1
        made = exact_log_rank(time[first], event[first], time[~first], event[~first])
        if not want or want["p"] is None:
            continue  # all scores are equal: coin has no test, the permutation p is 1
        # coin counts both tails of a difference of 0 twice, and gives a p above 1.
        note(largest, "exact log-rank p (coin)", made.p_scores, min(want["p"], 1.0))
    for name, gap in largest.items():
        sys.stdout.write(f"{name:45s} {gap:.2e}\n")
    worst = max(largest.values())
    sys.stdout.write(f"{n_cases} SIMULATED cases; largest difference {worst:.2e}\n")
    return int(worst > TOLERANCE)


if __name__ == "__main__":
    raise SystemExit(main())
