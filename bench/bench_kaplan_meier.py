"""Kaplan-Meier of a registry, beside lifelines in the same run."""

from time import perf_counter

import numpy as np
import polars as pl
import pytest
from lifelines import KaplanMeierFitter

from sojourn.statistics.kaplan_meier import ANALYSIS, curve
from sojourn.testing import make_outcome_rows

AT = [100.0, 365.0, 730.0]


def simulated_survival(*, subjects: int, seed: int) -> pl.DataFrame:
    """Return SIMULATED times in days, a third of them censored."""
    rng = np.random.default_rng(seed)
    death, lost = rng.exponential(800, subjects), rng.exponential(1600, subjects)
    return make_outcome_rows(
        aval=np.ceil(np.minimum(death, lost)).tolist(), cnsr=(lost < death).astype(int).tolist()
    )


def ours(rows: pl.DataFrame) -> list[float]:
    """Return survival and its bounds at the times, and make the whole curve."""
    curve(rows)
    made = [m.estimate for m in ANALYSIS(rows, settings={"at": AT})]
    return [x for estimate in made for x in (estimate.value, estimate.lower, estimate.upper)]


def theirs(rows: pl.DataFrame) -> list[float]:
    """Return the same from lifelines, whose interval is on the same scale."""
    fitter = KaplanMeierFitter()
    fitter.fit(rows["AVAL"].to_numpy(), (rows["CNSR"] == 0).to_numpy())
    bounds = fitter.confidence_interval_survival_function_
    values = []
    for at in AT:
        lower, upper = bounds[bounds.index <= at].iloc[-1]
        values += [float(fitter.predict(at)), lower, upper]
    return values


@pytest.mark.parametrize("subjects", [137, 10_000])
def test_a_curve_equals_that_of_lifelines_and_is_not_slower(subjects):
    rows = simulated_survival(subjects=subjects, seed=0)
    assert ours(rows) == pytest.approx(theirs(rows), abs=1e-8)
    times: dict[str, list[float]] = {"ours": [], "lifelines": []}
    for _ in range(7):
        for name, run in (("ours", ours), ("lifelines", theirs)):
            begin = perf_counter()
            run(rows)
            times[name].append(perf_counter() - begin)
    ours_s, theirs_s = min(times["ours"]), min(times["lifelines"])
    ratio = ours_s / theirs_s
    print(f"{subjects}: ours {ours_s:.4f} s, lifelines {theirs_s:.4f} s, ratio {ratio:.2f}")
    assert ratio < 1


def test_10000_subjects(benchmark):
    rows = simulated_survival(subjects=10_000, seed=0)
    assert len(benchmark(ours, rows)) == 9
