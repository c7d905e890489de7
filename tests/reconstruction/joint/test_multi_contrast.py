from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

import head_scanner
import problems
import synthetic_mpi as synthetic
from sojourn.core.errors import DataError
from sojourn.core.geometry import Grid
from sojourn.core.signals import ArraySpectra, SystemMatrix
from sojourn.reconstruction.joint.multi_contrast import MultiContrast
from sojourn.reconstruction.joint.separability import Verdict

EMPTY = (True, True, True, True)


def calibration(seed, **changes):
    """A random calibration with little noise in its background frames."""
    made = synthetic.matrix(seed, background=EMPTY, **changes)
    values = made.spectra.values.copy()
    values[12:] *= 1e-3
    return replace(made, spectra=ArraySpectra(values), name=f"state {seed}")


def columns(matrix):
    rows = matrix.spectra.values
    return rows[:12] - rows[12:].mean(axis=0)


def scan_of(*parts):
    """A scan of amounts (12,) in each state, over an empty bore."""
    signal = sum(np.tensordot(amounts, columns(m), axes=1) for m, amounts in parts)
    return synthetic.scan([signal + 1.0, np.full_like(signal, 1.0)], [False, True])


def settings(**changes):
    values = {"background": "own_mean", "regularization": 1e-5, "calibration_error": 0.0}
    values |= {"calibration_delay_s": 0.0}
    return MultiContrast(**(values | {"tolerance": 1e-6, "iterations": 50_000} | changes))


def test_amounts_in_two_states_come_back():
    one, two = calibration(0), calibration(1)
    first, second = np.arange(12.0), np.arange(12.0)[::-1] / 2
    made = settings().prepare([one, two]).reconstruct_relative(scan_of((one, first), (two, second)))
    assert made.separability.verdict is Verdict.SEPARABLE
    np.testing.assert_allclose(made.images[0].values.ravel(order="F"), first, atol=0.01)
    np.testing.assert_allclose(made.images[1].values.ravel(order="F"), second, atol=0.01)
    np.testing.assert_allclose(made.total.values.ravel(order="F"), first + second, atol=0.01)


def test_not_separable_is_an_answer_with_a_sum_and_without_parts():
    one = calibration(0)
    twin = replace(one, source="another", name="twin")
    amounts = np.arange(12.0)
    made = settings().prepare([one, twin]).reconstruct_relative(scan_of((one, amounts)))
    assert made.separability.verdict is Verdict.NOT_SEPARABLE
    assert made.images is None
    np.testing.assert_allclose(made.total.values.ravel(order="F"), amounts, atol=0.01)
    assert made.total.provenance.parameters["verdict"] == "not separable"


def test_the_sum_of_inseparable_states_is_known_within_their_range_only():
    one = calibration(0)
    values = one.spectra.values.copy()
    values[:12] = 0.5 * columns(one) + values[12:].mean(axis=0)
    weak = replace(one, spectra=ArraySpectra(values), name="half the signal")
    amounts = np.arange(12.0)
    made = settings().prepare([one, weak]).reconstruct_relative(scan_of((one, amounts)))
    assert made.images is None
    np.testing.assert_allclose(made.totals_alone, [66, 132], rtol=1e-3)


def test_one_state_alone_leaves_the_other_empty():
    one, two = calibration(0), calibration(1)
    made = settings().prepare([one, two]).reconstruct_relative(scan_of((two, np.ones(12))))
    assert made.images[0].values.sum() < 0.01
    assert made.images[1].values.sum() == pytest.approx(12, rel=1e-3)


def test_amounts_are_counted_in_samples_of_the_first_calibration():
    one, two = calibration(0, sample_iron=2e-9), calibration(1, sample_iron=6e-9)
    # one sample of the second calibration holds three of the first
    made = settings().prepare([one, two]).reconstruct_relative(scan_of((two, np.ones(12))))
    assert made.images[1].values.sum() == pytest.approx(36, rel=1e-3)


def lines(shared, run):
    """The centre line of a run with all three backgrounds of that run."""
    rows = head_scanner.counts(shared, run)
    line = head_scanner.line_matrix(shared, run)
    frames = np.concatenate([rows[1, 1:], rows[:, 0]])
    return replace(
        line,
        spectra=head_scanner.spectra(frames),
        is_background=np.arange(12) >= 9,
        name=f"run {run}",
        source=f"run-{run}",
    )


@pytest.mark.parametrize("regularization", [1e-1, 1e-2, 1e-3, 1e-4, 1e-6, 1e-8])
def test_two_runs_of_one_tracer_are_not_two_states(shared, regularization):
    prepared = MultiContrast(
        background="own_mean", bins=head_scanner.HARMONICS, regularization=regularization
    ).prepare([lines(shared, "A"), lines(shared, "B")])
    found = prepared.separability
    assert found.verdict is Verdict.NOT_SEPARABLE
    scan = head_scanner.line_scan(shared, "B", 1, 4)
    made = prepared.reconstruct_relative(scan)
    assert made.images is None
    # one sample: the sums of all, of run A alone and of run B alone agree within 15 %, the spread
    # that sums over images of this scanner have anyway (0.79 to 1.32 by the place of the sample)
    assert made.totals_alone == pytest.approx([made.total.values.sum()] * 2, rel=0.15)


def delayed(matrix, time):
    """The same calibration of particles that follow the field late (Debye, one time)."""
    frequency = matrix.acquisition.frequencies()
    values = matrix.spectra.values.copy()
    empty = ~matrix.is_background
    values[empty] /= 1 + 2j * np.pi * frequency * time
    return replace(matrix, spectra=ArraySpectra(values), name="SIMULATED bound", source="bound")


@pytest.mark.parametrize(
    ("time", "verdict"),
    [
        pytest.param(1e-7, Verdict.NOT_SEPARABLE, id="twice-the-delay-of-a-calibration"),
        pytest.param(3e-7, Verdict.WITH_CROSS_TALK, id="six-times"),
        pytest.param(3e-6, Verdict.SEPARABLE, id="sixty-times"),
    ],
)
def test_a_state_must_relax_longer_than_calibrations_are_late(time, verdict):
    free = problems.simulated_matrix()
    prepared = MultiContrast(
        background="none",
        matrix_background="none",
        min_frequency=4e4,
        weighting="whitening",
        regularization=1e-3,
    ).prepare([free, delayed(free, time)])
    assert prepared.separability.verdict is verdict


def test_a_relaxing_state_is_told_apart_within_the_stated_cross_talk():
    free = problems.simulated_matrix()
    bound = delayed(free, 3e-6)
    prepared = MultiContrast(
        background="none",
        matrix_background="none",
        min_frequency=4e4,
        weighting="whitening",
        regularization=1e-3,
    ).prepare([free, bound])
    found = prepared.separability
    assert found.verdict is not Verdict.NOT_SEPARABLE
    rows = bound.spectra.values
    scan = synthetic.scan(
        [rows[42] + rows[43]], [False], acquisition=free.acquisition, is_background_corrected=True
    )
    made = prepared.reconstruct_relative(scan)
    wrong, right = (float(image.values.sum()) for image in made.images)
    assert right == pytest.approx(2, rel=0.2)
    assert abs(wrong) <= max(2 * found.worst_cross_talk * (wrong + right), 0.05)


def test_the_parameters_name_the_states_and_the_verdict():
    made = settings().prepare([calibration(0), calibration(1)]).parameters()
    assert made["states"] == ["state 0", "state 1"]
    assert made["verdict"] == "separable"
    assert made["lambda_absolute"] == pytest.approx(
        1e-5 * sum(np.sum(np.abs(columns(calibration(s))) ** 2) for s in (0, 1)) / 24
    )


def test_inputs_are_all_calibrations_and_the_scan():
    one, two = calibration(0), calibration(1)
    made = settings().prepare([one, two]).reconstruct_relative(scan_of((two, np.ones(12))))
    assert made.total.provenance.inputs == ("matrix-0", "matrix-1", "scan-0")


def other_grid():
    made = calibration(1)
    return replace(made, grid=Grid.centered((3, 2, 2), (0.002, 0.003, 0.0041)))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        pytest.param(lambda: [calibration(0)], "states need one each", id="one-state"),
        pytest.param(lambda: [calibration(0), other_grid()], "another grid", id="grids-differ"),
        pytest.param(
            lambda: [calibration(0), calibration(1, sample_iron=1e-9)],
            "state 0: the sample's iron is not stated",
            id="iron-of-one-unknown",
        ),
        pytest.param(
            lambda: [calibration(0), calibration(1, acquisition=synthetic.acquisition(unit="A"))],
            "unit: matrix 'V', scan 'A'",
            id="other-scanner",
        ),
    ],
)
def test_calibrations_that_do_not_fit_are_refused(wrong, message):
    with pytest.raises(DataError, match=message):
        settings().prepare(wrong())


def test_without_repeated_background_frames_there_is_no_verdict():
    made: SystemMatrix = synthetic.matrix(background=(True,))
    with pytest.raises(DataError, match="degrees of freedom"):
        settings().prepare([made, made])


def test_a_background_dictionary_is_refused():
    with pytest.raises(DataError, match="use dictionary_size 0"):
        settings(dictionary_size=2).prepare([calibration(0), calibration(1)])


def test_rows_must_pass_in_every_calibration():
    snr = np.zeros((2, 17))
    snr[0, 3:9] = 10
    other = np.zeros((2, 17))
    other[0, 6:12] = 10
    one, two = calibration(0, snr=snr), calibration(1, snr=other)
    assert settings(min_snr=5).prepare([one, two]).parameters()["n_rows"] == 3
    with pytest.raises(DataError, match="passes the selection in all"):
        settings(min_snr=5).prepare([one, calibration(1, snr=np.roll(snr, 6, axis=1))])


@pytest.mark.parametrize("wrong", [{"regularization": 0}, {"separable_cross_talk": 0}, {"x": 1}])
def test_settings_are_checked(wrong):
    with pytest.raises(ValidationError):
        MultiContrast(background="none", **wrong)
