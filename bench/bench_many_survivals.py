"""Kaplan-Meier of 68 subjects inside a simulation, beside scikit-survival and lifelines.

The question is the same for all: survival at one year with Greenwood's variance, trial by trial.
scikit-survival (GPL) is no dependency of sojourn; install it by hand to have its row.
"""

from time import perf_counter

import numpy as np
import pytest
from lifelines import KaplanMeierFitter

from sojourn.statistics.survival.many import survival_at

AT = 365.0


def simulated_trials(*, trials: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return SIMULATED whole days and events of 68 subjects a trial, a fifth of them lost."""
    rng = np.random.default_rng(seed)
    death = np.ceil(rng.exponential(900, (trials, 68)))
    end = np.minimum(np.ceil(rng.exponential(1500, (trials, 68))), 400.0)
    return np.minimum(death, end), death <= end


def by_lifelines(times: np.ndarray, events: np.ndarray) -> list[float]:
    """Return survival at one year of each trial."""
    made = []
    for one, happened in zip(times, events, strict=True):
        fitter = KaplanMeierFitter().fit(one, happened)
        made.append(float(fitter.predict(AT)))
    return made


def by_scikit_survival(times: np.ndarray, events: np.ndarray) -> list[float]:
    """Return survival at one year of each trial, with its interval."""
    from sksurv.nonparametric import kaplan_meier_estimator

    made = []
    for one, happened in zip(times, events, strict=True):
        at, survival, _ = kaplan_meier_estimator(happened, one, conf_type="log-log")
        made.append(float(survival[np.searchsorted(at, AT, side="right") - 1]))
    return made


@pytest.mark.parametrize(
    ("name", "theirs", "few"),
    [("lifelines", by_lifelines, 60), ("scikit-survival", by_scikit_survival, 1_000)],
)
def test_survival_inside_a_simulation(name, theirs, few):
    if name == "scikit-survival":
        pytest.importorskip("sksurv", reason="pip install scikit-survival to compare with it")
    times, events = simulated_trials(trials=10_000, seed=0)
    made = survival_at(times, events, AT).survival
    assert made[:few] == pytest.approx(theirs(times[:few], events[:few]), abs=1e-10)
    ours_s, theirs_s = [], []
    for _ in range(5):
        begin = perf_counter()
        survival_at(times, events, AT)
        ours_s.append((perf_counter() - begin) / 10_000)
        begin = perf_counter()
        theirs(times[:few], events[:few])
        theirs_s.append((perf_counter() - begin) / few)
    print(
        f"per trial: ours {1e6 * min(ours_s):.2f} us, {name} {1e6 * min(theirs_s):.0f} us, "
        f"ratio {min(theirs_s) / min(ours_s):.0f}"
    )
