"""Real bytes again: the nine places by a modelled matrix.

The model is fitted to run A's centre line, each place left out in turn for its mismatch; run B is
not used by it. The measured matrix of the same line is the comparison.
"""

import sys

import numpy as np
import pytest

import head_scanner
from sojourn.core.signals import Scan
from sojourn.physics.axial_scanner import AxialScanner, model_axial_calibration
from sojourn.quantification.amount import AmountSettings, prepare_amount
from sojourn.quantification.calibration import CalibrationRepeatability
from sojourn.quantification.source_models import CompactSource, UnknownDistribution
from sojourn.reconstruction._background import Background

CENTER = head_scanner.CENTER_LINE
REPEATABILITY = CalibrationRepeatability(
    gain=0.02,
    row=0.02,
    tilt=0.02,
    delay=1 / (2 * 1.953125e6) / 12**0.5,
    sample_iron=0.0,
    source="test-retest difference of two calibrations, 1.96 %; start within a sampling step",
)


def settings():
    return AmountSettings(
        background=Background.OWN_LINEAR, repeatability=REPEATABILITY, bins=head_scanner.HARMONICS
    )


def run_b(shared):
    """Return run B as one scan with its three empty rows."""
    rows = head_scanner.counts(shared, "B").reshape(-1, head_scanner.SAMPLES)
    return Scan(
        spectra=head_scanner.spectra(rows),
        acquisition=head_scanner.acquisition(),
        is_background=np.arange(len(rows)) % (head_scanner.POSITIONS + 1) == 0,
        name="run B",
        source="B",
    )


def nine(shared, prepared):
    first = CENTER * (head_scanner.POSITIONS + 1) + 1
    return [prepared.measure(run_b(shared), frames=(first + i,)) for i in range(9)]


@pytest.fixture(scope="module")
def model(shared):
    rows = head_scanner.counts(shared, "A")[CENTER]
    volts = head_scanner.VOLTS_PER_COUNT * (rows[1:] - rows[:1])
    bins = np.array(head_scanner.HARMONICS)
    return model_axial_calibration(
        np.fft.rfft(volts, axis=-1)[:, bins],
        0.116 + 0.010 * np.arange(9),
        bins,
        head_scanner.acquisition(),
        start=AxialScanner(gradient=0.12, center=0.155),
        grid=head_scanner.grid(),
        name="model of run A",
    )


@pytest.fixture(scope="module")
def modelled(shared, model):
    return nine(shared, prepare_amount(model, CompactSource(), settings()))


@pytest.fixture(scope="module")
def measured(shared):
    matrix = head_scanner.line_matrix(shared, "A", CENTER)
    return nine(shared, prepare_amount(matrix, CompactSource(), settings()))


def show(title, amounts):
    sys.stdout.write(f"\n{title}\n")
    for number, amount in enumerate(amounts):
        e = amount.estimate
        flag = "  FLAGGED" if amount.misfit.is_flagged else ""
        sys.stdout.write(f"{number:3d}  {e.value:.4f} ({e.lower:.3f} to {e.upper:.3f}){flag}\n")


def test_a_modelled_matrix_covers_the_truth_at_all_nine_places(modelled):
    show("modelled matrix, compact source: nine places", modelled)
    assert all(amount.estimate.covers(1.0) for amount in modelled)


def test_its_intervals_are_wider_than_a_measured_matrixs_and_say_why(modelled, measured):
    wide, narrow = (
        np.median([a.estimate.upper - a.estimate.lower for a in amounts])
        for amounts in (modelled, measured)
    )
    assert wide > 1.3 * narrow
    for amount in modelled:
        assert amount.components["model mismatch"] > 0
        assert any("The calibration is a model, not a measurement" in n for n in amount.notes)
    for amount in measured:
        assert "model mismatch" not in amount.components
        assert not any("is a model" in note for note in amount.notes)


def test_without_its_mismatch_a_modelled_matrix_is_contradicted(shared, model):
    bare = nine(shared, prepare_amount(model.matrix, CompactSource(), settings()))
    flagged = sum(amount.misfit.is_flagged for amount in bare)
    missed = sum(not amount.estimate.covers(1.0) for amount in bare)
    assert flagged + missed >= 4


def test_any_distribution_by_a_modelled_matrix_covers_the_truth(shared, model):
    amounts = nine(shared, prepare_amount(model, UnknownDistribution(), settings()))
    assert all(amount.estimate.covers(1.0) for amount in amounts)
