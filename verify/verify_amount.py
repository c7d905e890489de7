"""Slow study of amounts: coverage over simulated knees, and what the stated numbers move.

Run `python verify/verify_amount.py [knees] [seed]`; all data are SIMULATED. Nothing is asserted: it
prints tables for a person to read.
"""

import sys
from collections.abc import Iterator

import numpy as np
from scipy import stats

from sojourn.core.random import named_generator
from sojourn.core.signals import SystemMatrix
from sojourn.physics.knee_scans import (
    INJECTED_PARTICLES,
    knee_response,
    relative_signal,
    simulate_knee_scan,
)
from sojourn.physics.particles import FERUMOXYTOL
from sojourn.physics.phantoms import simulate_knee
from sojourn.physics.system_matrix import simulate_calibration
from sojourn.quantification.amount import Amount, AmountSettings, prepare_amount
from sojourn.quantification.calibration import CalibrationRepeatability
from sojourn.quantification.retention import Denominator, estimate_retention
from sojourn.quantification.source_models import Compartments, UnknownDistribution
from sojourn.reconstruction._background import Background

REGIONS = ("joint_cavity", "periarticular")
STATED = {"gain": 0.0, "row": 0.02, "tilt": 0.02, "delay": 74e-9, "sample_iron": 0.03}
VARIANTS = {
    "as stated": {},
    "rows and tilt halved": {"row": 0.01, "tilt": 0.01},
    "rows and tilt doubled": {"row": 0.04, "tilt": 0.04},
    "gain 3 %": {"gain": 0.03},
}
UG = 1e-9


def settings(**changes: float) -> AmountSettings:
    """Return the settings of the study, some stated numbers changed."""
    return AmountSettings(
        background=Background.OWN_LINEAR,
        repeatability=CalibrationRepeatability(**(STATED | changes), source="study"),
        min_snr=5.0,
        min_frequency=80e3,
        sample_size=(0.01, 0.01, 0.01),
    )


def knees(n: int, seed: int) -> Iterator[tuple[object, dict[float, tuple[object, np.ndarray]]]]:
    """Yield each knee's mask and, for day 0 and 7, its scan and true iron by region, kg."""
    for number in range(n):
        rng = named_generator(seed, "verify", str(number))
        knee = simulate_knee(rng)
        response = knee_response(knee)
        days = {}
        cavity, track = rng.uniform(150, 500) * UG, rng.uniform(10, 80) * UG
        for day, kept, behind in ((0.0, 1.0, 0.0), (7.0, rng.uniform(0.4, 0.9), 0.03)):
            iron = {
                "joint_cavity": cavity * kept,
                "needle_track": track * kept**2,
                "popliteal_fossa": cavity * behind,
            }
            scan = simulate_knee_scan(knee, iron, rng, day=day, response=response)
            outside = iron["needle_track"] + iron["popliteal_fossa"]
            days[day] = (scan, np.array([iron["joint_cavity"], outside]))
        yield knee.mask, days


def study(matrix: SystemMatrix, n: int, seed: int, title: str, **changes: float) -> None:
    """Print coverage and widths of amounts and of retention for one set of stated numbers."""
    scale = relative_signal(INJECTED_PARTICLES, FERUMOXYTOL)
    shares, cavities, flags = [], [], 0
    for mask, days in knees(n, seed):
        prepared = prepare_amount(matrix, Compartments(mask, REGIONS), settings(**changes))
        found: dict[float, Amount] = {d: prepared.measure(scan) for d, (scan, _) in days.items()}
        flags += sum(a.misfit.is_flagged for a in found.values() if a.misfit)
        for day, (_, iron) in days.items():
            cavities.append((scale * iron[0], found[day].by_compartment[REGIONS[0]]))
        share = estimate_retention(
            found[7.0],
            found[0.0],
            region=REGIONS[0],
            denominator=Denominator.POST_INJECTION_SCAN,
        )
        shares.append((days[7.0][1][0] / days[0.0][1].sum(), share))
    sys.stdout.write(f"\n{title}: {n} SIMULATED knees, {flags} of {2 * n} scans flagged\n")
    for name, rows in (("cavity amount", cavities), ("day-7 share", shares)):
        hits = sum(e.covers(truth) for truth, e in rows)
        p = stats.binomtest(hits, len(rows), 0.95).pvalue
        bias = np.mean([e.value / truth - 1 for truth, e in rows])
        width = np.mean([(e.upper - e.lower) / truth for truth, e in rows])
        sys.stdout.write(
            f"  {name:14s} covered {hits}/{len(rows)} (p {p:.2g} against 95 %)  mean relative "
            f"bias {100 * bias:+.1f} %  mean relative width {100 * width:.0f} %\n"
        )


def unknown(matrix: SystemMatrix, n: int, seed: int) -> None:
    """Print the bounds of the total without any assumption about place."""
    scale = relative_signal(INJECTED_PARTICLES, FERUMOXYTOL)
    prepared = prepare_amount(matrix, UnknownDistribution(), settings())
    sys.stdout.write("\nunknown distribution, total at day 0 (ug): truth, interval\n")
    for _, days in knees(n, seed):
        scan, iron = days[0.0]
        e = prepared.measure(scan).estimate
        truth = scale * iron.sum()
        sys.stdout.write(
            f"  {truth / UG:6.0f}  {e.lower / UG:6.0f} to {e.upper / UG:6.0f}  "
            f"{'covered' if e.covers(truth) else 'MISSED'}\n"
        )


def main() -> None:
    """Run the study."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    matrix = simulate_calibration(named_generator(seed, "verify", "calibration"))
    for title, changes in VARIANTS.items():
        study(matrix, n, seed, title, **changes)
    unknown(matrix, min(n, 5), seed)


if __name__ == "__main__":
    main()
