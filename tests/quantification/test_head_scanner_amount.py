"""Real bytes: one sample at nine places must give one amount; what is elsewhere is flagged.

Run A's centre line is the matrix, its own row 0 taken off, the run's three empty rows kept for
their noise. Run B (the nine) and run A's neighbouring lines (the eighteen) are measured as one
frame of their whole run. Run B is not used by the calibration. Truth: 1 calibration sample.
"""

import sys

import numpy as np
import pytest
from scipy.optimize import nnls

import head_scanner
from sojourn.core.signals import Scan, SystemMatrix
from sojourn.quantification._measurement import read_signal
from sojourn.quantification.amount import AmountSettings, prepare_amount
from sojourn.quantification.calibration import CalibrationRepeatability
from sojourn.quantification.source_models import CompactSource, UnknownDistribution
from sojourn.reconstruction._background import Background

CENTER = head_scanner.CENTER_LINE
NEIGHBOURS = (0, 2)
SAMPLING_STEP = 1 / (2 * 1.953125e6)
STATED = {
    "gain": 0.02,
    "row": 0.02,
    "tilt": 0.02,
    "delay": SAMPLING_STEP / 12**0.5,
    "sample_iron": 0.0,
    "source": "test-retest difference of two calibrations, 1.96 %; start within a sampling step",
}


def line_matrix(shared):
    """Return run A's centre line with its own background taken off."""
    rows = head_scanner.counts(shared, "A")
    used = np.concatenate([rows[CENTER, 1:], rows[:, 0]]) - rows[CENTER, 0]
    return SystemMatrix(
        spectra=head_scanner.spectra(used),
        acquisition=head_scanner.acquisition(),
        is_background=np.arange(len(used)) >= head_scanner.POSITIONS,
        grid=head_scanner.grid(),
        name="head-scanner run A, center line",
        source="run A",
        is_background_corrected=True,
    )


def measure(shared, run, line, position, prepared):
    rows = head_scanner.counts(shared, run).reshape(-1, head_scanner.SAMPLES)
    scan = Scan(
        spectra=head_scanner.spectra(rows),
        acquisition=head_scanner.acquisition(),
        is_background=np.arange(len(rows)) % (head_scanner.POSITIONS + 1) == 0,
        name=f"run {run} line {line} position {position}",
        source=run,
    )
    frame = line * (head_scanner.POSITIONS + 1) + position + 1
    return prepared.measure(scan, frames=(frame,)), scan, frame


def settings(**changes):
    stated = {k: changes.pop(k) for k in list(changes) if k in STATED}
    return AmountSettings(
        background=Background.OWN_LINEAR,
        repeatability=CalibrationRepeatability(**(STATED | stated)),
        bins=head_scanner.HARMONICS,
        **changes,
    )


def table(shared, source, cases, **changes):
    prepared = prepare_amount(line_matrix(shared), source, settings(**changes))
    return [measure(shared, *case, prepared)[0] for case in cases]


NINE = [("B", CENTER, i) for i in range(9)]
EIGHTEEN = [("A", line, i) for line in NEIGHBOURS for i in range(9)]


def show(title, amounts):
    """Print the table that the closing note quotes (`pytest -s`)."""
    sys.stdout.write(f"\n{title}\n")
    for number, amount in enumerate(amounts):
        e, m = amount.estimate, amount.misfit
        flag = "  FLAGGED" if m.is_flagged else ""
        sys.stdout.write(
            f"{number:3d}  {e.value:.4f} ({e.lower:.3f} to {e.upper:.3f})  p {m.p_value:.1e}  "
            f"residual {100 * m.relative_residual:4.1f} %  summed Kaczmarz {amount.naive_sum:.2f}"
            f"{flag}\n"
        )


@pytest.fixture(scope="module")
def nine(shared):
    return table(shared, CompactSource(), NINE)


@pytest.fixture(scope="module")
def eighteen(shared):
    return table(shared, CompactSource(), EIGHTEEN)


def test_one_sample_gives_one_amount_at_all_nine_places(nine):
    show("compact source, place unknown: nine places", nine)
    assert all(0.98 <= amount.estimate.value <= 1.02 for amount in nine)


def test_every_interval_of_the_nine_covers_the_truth_and_is_narrow(nine):
    for amount in nine:
        e = amount.estimate
        assert e.covers(1.0)
        assert max(e.upper - e.value, e.value - e.lower) <= 0.10 * e.value


def test_the_nine_are_found_where_they_lie(nine):
    found = [amount.place[0] for amount in nine]
    assert found == pytest.approx([0.116 + 0.01 * i for i in range(9)], abs=1e-3)


def test_none_of_the_nine_is_called_a_misfit(nine):
    assert [amount.misfit.is_flagged for amount in nine] == [False] * 9


def test_most_samples_beside_the_line_are_called_a_misfit(eighteen):
    show("compact source: eighteen places beside the matrix", eighteen)
    assert sum(amount.misfit.is_flagged for amount in eighteen) >= 15


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"row": 0.01, "tilt": 0.01}, id="rows-halved"),
        pytest.param({"row": 0.04, "tilt": 0.04}, id="rows-doubled"),
        pytest.param({"delay": STATED["delay"] / 2}, id="delay-halved"),
        pytest.param({"delay": STATED["delay"] * 2}, id="delay-doubled"),
        pytest.param({"gain": 0.04}, id="gain-doubled"),
        pytest.param({"misfit_level": 0.005}, id="level-halved"),
        pytest.param({"misfit_level": 0.02}, id="level-doubled"),
    ],
)
def test_the_verdicts_do_not_hang_on_one_stated_number(shared, changes):
    nine = table(shared, CompactSource(), NINE, **changes)
    beside = table(shared, CompactSource(), EIGHTEEN, **changes)
    assert not any(amount.misfit.is_flagged for amount in nine)
    assert sum(amount.misfit.is_flagged for amount in beside) >= 15
    assert all(amount.estimate.covers(1.0) for amount in nine)


def test_an_unknown_distribution_covers_the_truth_and_is_wide(shared):
    amounts = table(shared, UnknownDistribution(), NINE)
    show("unknown distribution: nine places", amounts)
    widths = [f"{a.estimate.upper - a.estimate.lower:.2f}" for a in amounts]
    sys.stdout.write(f"widths {' '.join(widths)}\n")
    assert all(amount.estimate.covers(1.0) for amount in amounts)
    assert min(a.estimate.upper - a.estimate.lower for a in amounts) > 0.2


def test_naive_sums_scatter_as_known(shared, nine):
    chosen = settings()
    prepared = prepare_amount(line_matrix(shared), UnknownDistribution(), chosen)
    columns = prepared.calibration.columns
    stacked = np.concatenate([columns.real, columns.imag])
    sums = []
    for case in NINE:
        _, scan, frame = measure(shared, *case, prepared)
        signal = read_signal(scan, prepared.calibration, chosen, frames=(frame,)).signal
        sums.append(nnls(stacked, np.concatenate([signal.real, signal.imag]))[0].sum())
    kaczmarz = [amount.naive_sum for amount in nine]
    sys.stdout.write(f"\nsummed Kaczmarz {np.round(kaczmarz, 2)} summed NNLS {np.round(sums, 2)}\n")
    assert (min(kaczmarz), max(kaczmarz)) == pytest.approx((0.79, 1.32), abs=0.02)
    assert max(sums) - min(sums) > 0.5


def test_without_a_stated_repeatability_the_result_says_so(shared):
    bare = settings().model_copy(update={"repeatability": None})
    prepared = prepare_amount(line_matrix(shared), CompactSource(), bare)
    amount, _, _ = measure(shared, *NINE[3], prepared)
    assert any("repeatability was not stated" in note for note in amount.notes)
    assert "session gain" in amount.components
    assert amount.components["session gain"] == 0


BACKGROUNDS = {
    "own row": {},
    "row before": {"background_line": 0},
    "row after": {"background_line": 2},
    "row of the other session": {"background_run": "A"},
}


def test_the_interval_at_156_mm_covers_every_background_recommended(shared, nine):
    e = nine[4].estimate
    followed = settings().model_copy(update={"background": Background.OWN_MEAN})
    prepared = prepare_amount(line_matrix(shared), CompactSource(), followed)
    values = {
        name: prepared.measure(head_scanner.line_scan(shared, "B", CENTER, 4, **how)).estimate.value
        for name, how in BACKGROUNDS.items()
    }
    sys.stdout.write(f"\nx = 156 mm: {e}; by background {values}\n")
    assert max(values.values()) - min(values.values()) > 0.02
    assert all(e.covers(value) for value in values.values())
    assert e.covers(1.0)
