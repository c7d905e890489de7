"""Known truth: twenty seeds fixed beforehand; how often day-7 intervals hold the true share."""

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
from scipy.stats import binomtest

from sojourn.core.threads import single_threaded
from sojourn.study import measuring
from sojourn.study.bundled import bundled_study
from sojourn.study.definition import read_study
from sojourn.study.simulation import simulate_cohort

SEEDS = tuple(range(7313020, 7313040))


def shares_of_one_seed(seed):
    """Return (truth, estimate, lower, upper, flagged) of every subject's day-7 share."""
    study = read_study(bundled_study("NCT07313020"))
    imaging = study.imaging.model_dump(
        mode="json", exclude={"from_", "cites", "reason", "assumes", "binds"}
    )
    rows = []
    with single_threaded():
        cohort = simulate_cohort(study, seed=seed)
        scanner = measuring.prepare_scanner(cohort.calibration, imaging)
        for subject, mask in cohort.masks.items():
            ready = measuring.prepare_signal(scanner, mask, imaging)
            day_0, day_7 = (ready.measure(cohort.scans[subject, v]) for v in ("DAY0", "DAY7"))
            share = measuring.retain(day_7, day_0, imaging, dose=None)
            truth = cohort.truth["subjects"][subject]["retention"]["DAY7"]
            flagged = day_0.misfit.is_flagged or day_7.misfit.is_flagged
            rows.append((truth, share["value"], share["lower"], share["upper"], flagged))
    return rows


@pytest.mark.timeout(1500)
def test_day_7_intervals_hold_the_truth_as_often_as_they_say(record_property):
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        rows = np.array([row for rows in pool.map(shares_of_one_seed, SEEDS) for row in rows])
    truth, value, lower, upper, flagged = rows.T
    covered = int(np.sum((lower <= truth) & (truth <= upper)))
    p_value = binomtest(covered, len(rows), 0.95).pvalue
    width = (upper - lower) / 2
    record_property(
        "figure",
        f"day-7 retention, {len(SEEDS)} seeds: {covered} of {len(rows)} intervals hold the "
        f"truth (p = {p_value:.3f} against 95 %); half width {width.mean():.3f} "
        f"({width.min():.3f} to {width.max():.3f}); bias {np.mean(value - truth):+.4f}, "
        f"relative {np.mean(value / truth - 1):+.4f}; {int(flagged.sum())} flagged",
    )
    assert len(rows) == 10 * len(SEEDS)
    assert p_value > 0.01
