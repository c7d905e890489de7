import numpy as np
import pytest
from scipy import stats

from sojourn.core.errors import DataError
from sojourn.quantification._measurement import read_signal
from sojourn.quantification.amount import measure_iron, prepare_amount
from sojourn.quantification.calibration import CalibrationRepeatability
from sojourn.quantification.source_models import CompactSource
from toy_scanner import (
    EXACT,
    response,
    toy_grid,
    toy_matrix,
    toy_scan,
    toy_settings,
)

PLACE = np.array([[0.005, 0.005, 0.0]])
LINE, ON_LINE = (6, 1, 1), np.array([[0.005, 0.0, 0.0]])
"""A quick scanner, and a calibrated place of it."""
BETWEEN = np.array([[0.0031, -0.0022, 0.0017]])


def stated(**changes):
    zero = dict.fromkeys(("gain", "row", "delay", "tilt", "sample_iron"), 0.0)
    return CalibrationRepeatability(**(zero | changes), source="test")


def measured(signal, *, noise=EXACT, seed=1, matrix_noise=EXACT, sample_iron=None, **changes):
    rng = np.random.default_rng(seed)
    matrix = toy_matrix(rng, noise=matrix_noise, sample_iron=sample_iron)
    scan = toy_scan(rng, signal, noise=noise)
    return measure_iron(scan, matrix, CompactSource(), settings=toy_settings(**changes))


@pytest.mark.parametrize("truth", [0.3, 1.0, 7.0])
def test_a_noiseless_source_at_a_calibrated_place_is_exact(truth):
    amount = measured(truth * response(PLACE)[0])
    assert amount.estimate.value == pytest.approx(truth, rel=1e-4)
    assert amount.place == pytest.approx(PLACE[0], abs=1e-9)


def test_between_calibrated_places_the_interval_covers_and_the_place_is_found():
    amount = measured(2.0 * response(BETWEEN)[0])
    assert amount.estimate.covers(2.0)
    assert amount.estimate.value == pytest.approx(2.0, rel=0.02)
    assert amount.place == pytest.approx(BETWEEN[0], abs=1.5e-3)


def test_one_position_gives_the_closed_form():
    rng = np.random.default_rng(2)
    matrix = toy_matrix(rng, shape=(1, 1, 1), noise=1e-6, frames=40)
    scan = toy_scan(rng, 3 * response(np.zeros((1, 3)))[0], noise=0.05)
    settings = toy_settings()
    prepared = prepare_amount(matrix, CompactSource(), settings)
    amount = prepared.measure(scan)
    reading = read_signal(scan, prepared.calibration, settings)
    s, u = prepared.calibration.columns[:, 0], reading.signal
    weight = 1 / (reading.variance + 9 * (reading.column_variance + reading.shared_variance))
    by_hand = (weight * (s.conj() * u).real).sum() / (weight * np.abs(s) ** 2).sum()
    sd = 1 / np.sqrt(2 * (weight * np.abs(s) ** 2).sum())
    e = amount.estimate
    assert e.value == pytest.approx(by_hand, rel=1e-6)
    half = np.hypot(1.959964 * sd, 1.959964 * e.components["background choice"])
    assert (e.upper - e.lower) / 2 == pytest.approx(half, rel=1e-4)
    assert any("one position along i, j, k" in note for note in amount.notes)


def test_the_amount_is_linear_in_the_signal():
    once = measured(response(PLACE)[0]).estimate.value
    thrice = measured(3 * response(PLACE)[0]).estimate.value
    assert thrice == pytest.approx(3 * once, rel=1e-4)


def test_known_sample_iron_gives_kg_and_its_error_widens_the_interval():
    bare = measured(2 * response(PLACE)[0], sample_iron=1e-6, noise=0.01)
    wide = measured(
        2 * response(PLACE)[0],
        sample_iron=1e-6,
        noise=0.01,
        repeatability=stated(sample_iron=0.1),
    )
    assert bare.estimate.unit == "kg"
    assert bare.estimate.value == pytest.approx(2e-6, rel=0.02)
    assert wide.components["calibration sample"] == pytest.approx(0.1 * wide.estimate.value)
    half = (wide.estimate.upper - wide.estimate.lower) / 2
    assert half == pytest.approx(1.96 * 0.1 * wide.estimate.value, rel=0.05)
    assert wide.common_relative == 0.1


@pytest.mark.parametrize(
    ("noise", "place"),
    [
        pytest.param(0.1, ON_LINE, id="on-a-node"),
        pytest.param(0.1, ON_LINE + np.array([0.0031, 0, 0]), id="between-nodes"),
    ],
)
def test_intervals_cover_as_often_as_they_say(noise, place):
    rng = np.random.default_rng(3)
    matrix = toy_matrix(rng, shape=LINE, noise=0.005)
    settings = toy_settings(repeatability=stated(gain=0.03))
    prepared = prepare_amount(matrix, CompactSource(), settings)
    hits, n = 0, 80
    for _ in range(n):
        truth = 2.0
        signal = truth * (1 + 0.03 * rng.normal()) * response(place)[0]
        hits += prepared.measure(toy_scan(rng, signal, noise=noise)).estimate.covers(truth)
    assert stats.binomtest(hits, n, 0.95, alternative="less").pvalue > 0.01


def test_misfits_by_chance_are_as_rare_as_stated():
    rng = np.random.default_rng(4)
    settings = toy_settings(misfit_level=0.05)
    prepared = prepare_amount(toy_matrix(rng, shape=LINE), CompactSource(), settings)
    signal = 2 * response(ON_LINE)[0]
    n = 80
    flags = sum(
        prepared.measure(toy_scan(rng, signal, noise=0.1)).misfit.is_flagged for _ in range(n)
    )
    assert stats.binomtest(flags, n, 0.05, alternative="greater").pvalue > 0.01


@pytest.mark.parametrize("kind", ["two-places", "another-response"])
def test_what_is_no_compact_source_is_flagged_and_the_interval_widened(kind):
    if kind == "two-places":
        signal = response(PLACE)[0] + response(-2 * PLACE - 0.01)[0]
    else:
        signal = response(PLACE, seed=9)[0]
    amount = measured(signal, noise=0.02)
    assert amount.misfit.is_flagged
    assert amount.misfit.p_value < 0.01 or amount.misfit.unexplained > 0.1
    assert any("MISFIT" in note for note in amount.notes)


def test_another_tracer_is_flagged_or_covered():
    signal = response(PLACE)[0] * np.linspace(1.0, 0.7, 13)
    amount = measured(signal, noise=0.02, repeatability=stated(row=0.01))
    assert amount.misfit.is_flagged
    assert amount.misfit.widening > 1


@pytest.mark.parametrize("delay", [-1.5e-7, 2e-7])
def test_a_delay_is_found_out_if_allowed_and_flagged_if_not(delay):
    frequencies = np.arange(13) * 25e3
    signal = 2 * response(PLACE)[0] * np.exp(2j * np.pi * frequencies * delay)
    allowed = measured(signal, noise=0.01, repeatability=stated(delay=2e-7))
    assert allowed.estimate.value == pytest.approx(2.0, rel=0.01)
    assert not allowed.misfit.is_flagged
    assert measured(signal, noise=0.01).misfit.is_flagged


def test_a_blank_lies_below_the_detection_limit_and_covers_zero():
    amount = measured(np.zeros(13), noise=0.1)
    assert amount.is_detected is False
    assert amount.estimate.covers(0.0)
    assert not amount.misfit.is_flagged


def test_a_background_common_to_all_frames_does_not_matter():
    rng = np.random.default_rng(6)
    matrix = toy_matrix(rng)
    scans = [
        toy_scan(np.random.default_rng(7), response(PLACE)[0], noise=0.01, offset=offset)
        for offset in (0.0, 5.0 + 2.0j)
    ]
    values = [
        measure_iron(scan, matrix, CompactSource(), settings=toy_settings()).estimate.value
        for scan in scans
    ]
    assert values[0] == pytest.approx(values[1], rel=1e-9)


@pytest.mark.parametrize("subdivisions", [0, 1, 3])
def test_steps_per_voxel_must_be_even(subdivisions):
    with pytest.raises(DataError, match="even"):
        CompactSource(subdivisions=subdivisions)


def test_values_that_are_no_numbers_are_refused():
    signal = response(PLACE)[0]
    signal[4] = np.nan
    with pytest.raises(DataError, match="no numbers"):
        measured(signal)


def test_the_settings_travel_with_the_amount_whole():
    amount = measured(response(PLACE)[0])
    assert amount.settings["background"] == "own_linear"
    assert amount.settings["misfit_level"] == 0.01
    assert toy_grid().n_voxels == 72
