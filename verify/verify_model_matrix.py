"""How far a model is from the real head scanner's calibration: every figure of docs/model-based.md.

Run `python verify/verify_model_matrix.py [shared]` with the folder of the shared data (by default
`../shared`). The data are described in `mpi/SOURCES.md` there.
"""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import head_scanner as head  # noqa: E402
from sojourn.physics.axial_scanner import (  # noqa: E402
    AxialScanner,
    fit_axial_scanner,
    model_axial_calibration,
)
from sojourn.physics.model_matrix import (  # noqa: E402
    estimate_gains,
    left_out_residuals,
    relative_difference,
    smooth_gains,
)

BINS = np.array(head.HARMONICS)
X = 0.116 + 0.010 * np.arange(9)
START = AxialScanner(gradient=0.12, center=0.155)


def say(*words: object) -> None:
    """Write one line."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")


def calibration(shared: Path, run: str, line: int) -> NDArray[np.complex128]:
    """Return the rows (position, harmonic) of a line, V, its own background taken off."""
    rows = head.counts(shared, run)[line]
    volts = head.VOLTS_PER_COUNT * (rows[1:] - rows[:1])
    return np.fft.rfft(volts, axis=-1)[:, BINS]


def percent(value: float) -> str:
    """Return a share in per cent."""
    return f"{100 * value:.1f} %"


def main(shared: Path) -> None:
    """Print the fit, what it misses in and out of sample, and what fewer numbers miss."""
    taken = head.acquisition()
    rows = calibration(shared, "A", head.CENTER_LINE)
    fit = fit_axial_scanner(rows, X, BINS, taken, start=START)
    for name, uncertainty in zip(fit.free, fit.uncertainty, strict=True):
        say(f"{name} {getattr(fit.scanner, name):.4g} +- {uncertainty:.2g}")
    modelled = fit.scanner.rows(X, BINS, taken)
    gains = estimate_gains(modelled, rows)
    found = modelled * gains.values
    say(f"in sample {percent(fit.mismatch)}, {fit.n_parameters} + {2 * len(BINS)} parameters")
    say("gains' relative uncertainty", (gains.uncertainty / np.abs(gains.values)).round(3))
    left = left_out_residuals(modelled, rows)
    say(f"gains left out {percent(relative_difference(rows - left, rows))}")
    model = model_axial_calibration(rows, X, BINS, taken, start=START, grid=head.grid())
    say(f"gains and scanner left out {percent(model.mismatch)}")
    say("by harmonic", model.relative_mismatch.round(3))
    for run in "AB":
        for line in range(3):
            other = calibration(shared, run, line)
            factor = np.vdot(found, other) / np.vdot(found, found)
            say(
                f"run {run} line {line}: {percent(relative_difference(found, other))}, times one "
                f"factor of {abs(factor):.3f} {percent(relative_difference(factor * found, other))}"
                f"; measured run A instead {percent(relative_difference(rows, other))}"
            )
    for kept in ((4,), (2, 6), (1, 4, 7), (0, 2, 4, 6, 8)):
        seen = np.isin(np.arange(9), kept)
        few = estimate_gains(modelled[seen], rows[seen]).values
        miss = relative_difference(modelled[~seen] * few, rows[~seen])
        say(f"gains from positions {kept}: {percent(miss)} at the others")
    frequencies = BINS * 125e6 / 4864
    for degree in (1, 2, 3, 4):
        smooth = smooth_gains(gains, frequencies, degree=degree).at(frequencies)[0]
        miss = relative_difference(modelled * smooth, rows)
        say(f"smooth gains of degree {degree} ({2 * degree + 2} numbers): {percent(miss)}")
    for free in (("gradient", "center", "diameter"), fit.free[:5], (*fit.free[:4], *fit.free[5:])):
        less = fit_axial_scanner(rows, X, BINS, taken, start=_instant(free), free=free)
        say(f"free {', '.join(free)}: {percent(less.mismatch)} in sample")


def _instant(free: tuple[str, ...]) -> AxialScanner:
    """Return a start without delay where the delay is not free."""
    if "relaxation_time" in free:
        return START
    return AxialScanner(gradient=0.12, center=0.155, relaxation_time=1e-7)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT.parent / "shared")
