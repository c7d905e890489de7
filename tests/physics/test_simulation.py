import numpy as np
import pytest

from sojourn.core.errors import DataError
from sojourn.core.geometry import Grid
from sojourn.core.signals import stored_bins
from sojourn.physics.particle_models import Equilibrium
from sojourn.physics.particles import FERUMOXYTOL
from sojourn.physics.receive_spectra import Resolution, simulate_spectra
from sojourn.physics.scanner_presets import human_head, knee
from sojourn.physics.simulated_spectra import KeptSpectra
from sojourn.physics.simulation import simulate_measurement, simulate_system_matrix
from sojourn.reconstruction.kaczmarz import Kaczmarz

MODEL = Equilibrium(FERUMOXYTOL)
GRID = Grid.centered((5, 4, 3), (0.012, 0.01, 0.012))
IRON = 1e-6


def test_columns_are_the_spectrum_of_the_samples_iron_in_voxel_order():
    matrix = simulate_system_matrix(knee(), GRID, MODEL, sample_iron=IRON)
    expected = IRON * simulate_spectra(knee(), GRID.centers(), MODEL)
    found = matrix.spectra.read(1, np.arange(129))
    np.testing.assert_allclose(found, expected[:, 1], rtol=1e-12, atol=0)
    assert matrix.is_simulated
    assert matrix.is_background_corrected
    assert matrix.sample_iron == IRON
    assert matrix.acquisition.unit == "V"


def test_only_kept_bins_can_be_read():
    bins = np.arange(20, 40)
    matrix = simulate_system_matrix(knee(), GRID, MODEL, sample_iron=IRON, bins=bins)
    np.testing.assert_array_equal(stored_bins(matrix.spectra), bins)
    assert matrix.spectra.shape == (60, 3, 129)
    whole = simulate_system_matrix(knee(), GRID, MODEL, sample_iron=IRON)
    asked = np.array([39, 20, 25])
    np.testing.assert_array_equal(matrix.spectra.read(2, asked), whole.spectra.read(2, asked))
    for wrong in (19, 40):
        with pytest.raises(DataError, match=f"bin {wrong} was not simulated"):
            matrix.spectra.read(0, np.array([25, wrong]))


def test_a_cube_of_gauss_points_averages_over_the_voxel():
    fine = Grid.centered((1, 1, 1), (0.01, 0.01, 0.01))
    cube = simulate_system_matrix(knee(), fine, MODEL, sample_iron=IRON, points_per_edge=4)
    parts = Grid.centered((20, 20, 20), (0.0005, 0.0005, 0.0005))
    mean = IRON * simulate_spectra(knee(), parts.centers(), MODEL).mean(axis=0)
    found = cube.spectra.read(0, np.arange(129))[0]
    # The midpoint rule of 20 parts errs by (h/edge)^2 / 24 of the curvature: below 1e-3.
    assert np.linalg.norm(found - mean[0]) < 1e-3 * np.linalg.norm(mean[0])
    point = simulate_system_matrix(knee(), fine, MODEL, sample_iron=IRON)
    difference = point.spectra.read(0, np.arange(129))[0] - mean[0]
    assert np.linalg.norm(difference) > 1e-2 * np.linalg.norm(mean[0])


def test_noise_has_the_stated_deviation_in_the_time_domain():
    rng = np.random.default_rng(3)
    scan = simulate_measurement(
        human_head(),
        np.zeros((1, 3)),
        np.zeros(1),
        MODEL,
        rng,
        noise=2e-6,
        frames=1,
        background_frames=400,
    )
    samples = np.fft.irfft(scan.spectra.read(0, np.arange(77)), n=152)
    # 801 x 152 values: relative standard error of a standard deviation 1/sqrt(2 n) = 0.2 %.
    assert samples.std() == pytest.approx(2e-6, rel=0.01)
    white = np.abs(scan.spectra.read(0, np.arange(77))) ** 2
    np.testing.assert_allclose(white.mean(axis=0), 152 * 4e-12, rtol=0.2)


def test_background_frames_of_a_calibration_hold_noise_only():
    matrix = simulate_system_matrix(
        knee(),
        GRID,
        MODEL,
        sample_iron=IRON,
        rng=np.random.default_rng(0),
        noise=1e-9,
        background_frames=10,
    )
    assert matrix.is_background.sum() == 10
    assert matrix.is_background[-10:].all()
    rows = matrix.spectra.read(0, np.arange(20, 40))
    clean = simulate_system_matrix(knee(), GRID, MODEL, sample_iron=IRON)
    expected = np.sqrt(256) * 1e-9
    rest = rows[:60] - clean.spectra.read(0, np.arange(20, 40))
    for part in (rows[60:], rest):
        assert np.sqrt(np.mean(np.abs(part) ** 2)) == pytest.approx(expected, rel=0.15)


def test_only_the_middle_frames_show_the_iron_and_background_is_in_all():
    background = np.full((7, 3, 129), 1 + 2j)
    scan = simulate_measurement(
        knee(),
        np.array([[0.01, 0.0, 0.0]]),
        np.array([IRON]),
        MODEL,
        np.random.default_rng(0),
        frames=3,
        background_frames=2,
        background=background,
    )
    np.testing.assert_array_equal(scan.is_background, [True, True, False, False, False, True, True])
    rows = scan.spectra.read(1, np.arange(129)) - (1 + 2j)
    signal = IRON * simulate_spectra(knee(), np.array([[0.01, 0.0, 0.0]]), MODEL)[0, 1]
    assert not rows[[0, 1, 5, 6]].any()
    np.testing.assert_allclose(rows[3], signal, rtol=0, atol=1e-9)
    assert scan.is_simulated


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_ones():
    def source(seed):
        rng = np.random.default_rng(seed)
        places, iron = np.zeros((1, 3)), np.array([IRON])
        scan = simulate_measurement(knee(), places, iron, MODEL, rng, noise=1e-9)
        rng = np.random.default_rng(seed)
        matrix = simulate_system_matrix(knee(), GRID, MODEL, sample_iron=IRON, rng=rng, noise=1e-9)
        return scan.source, matrix.source

    assert source(1) == source(1)
    assert not set(source(1)) & set(source(2))


def test_known_iron_goes_through_simulation_and_reconstruction():
    matrix = simulate_system_matrix(knee(), GRID, MODEL, sample_iron=IRON)
    place = 27
    scan = simulate_measurement(
        knee(),
        GRID.centers()[place : place + 1],
        np.array([3e-7]),
        MODEL,
        np.random.default_rng(0),
    )
    method = Kaczmarz(background="none", regularization=1e-6, iterations=300)
    image = method.prepare(matrix).reconstruct(scan)
    amounts = image.values.ravel(order="F") * GRID.voxel_volume
    # Noiseless data on the matrix's own grid: what is left is the solver's convergence.
    assert amounts.argmax() == place
    assert amounts.sum() == pytest.approx(3e-7, rel=0.05)


def test_progress_runs_once_over_all_passes():
    seen = []
    simulate_system_matrix(
        knee(),
        Grid.centered((3, 3, 1), (0.01,) * 3),
        MODEL,
        sample_iron=IRON,
        points_per_edge=2,
        progress=lambda done, n: seen.append((done, n)),
    )
    assert seen[-1] == (72, 72)
    assert sorted(seen) == seen


@pytest.mark.parametrize(
    "wrong",
    [
        {"sample_iron": 0.0},
        {"sample_iron": IRON, "noise": -1.0},
        {"sample_iron": IRON, "background_frames": -1},
        {"sample_iron": IRON, "points_per_edge": 0},
        {"sample_iron": float("nan")},
    ],
)
def test_numbers_out_of_range_are_refused(wrong):
    with pytest.raises(DataError, match="must be"):
        simulate_system_matrix(knee(), GRID, MODEL, **wrong)


def test_noise_without_a_generator_is_refused():
    with pytest.raises(DataError, match="state rng"):
        simulate_system_matrix(knee(), GRID, MODEL, sample_iron=IRON, noise=1e-9)


@pytest.mark.parametrize(
    "wrong",
    [
        {"frames": 0},
        {"background_frames": -1},
        {"noise": -1.0},
        {"background": np.zeros((2, 3, 9))},
    ],
)
def test_a_measurement_out_of_range_is_refused(wrong):
    with pytest.raises(DataError):
        simulate_measurement(
            knee(), np.zeros((1, 3)), np.ones(1), MODEL, np.random.default_rng(0), **wrong
        )


def test_kept_spectra_are_read_only_and_their_bins_ascend():
    values = np.zeros((2, 1, 3), dtype=np.complex64)
    spectra = KeptSpectra(values, np.array([1, 4, 7]), 9)
    with pytest.raises(ValueError, match="read-only"):
        values[0, 0, 0] = 1
    assert spectra.read(0, np.array([7])).dtype == np.complex128
    for bins, n_bins in (([1, 1, 2], 9), ([0, 1, 9], 9), ([-1, 1, 2], 9)):
        with pytest.raises(DataError, match="ascend"):
            KeptSpectra(np.zeros((2, 1, 3), dtype=np.complex64), np.array(bins), n_bins)
    with pytest.raises(DataError, match="axes"):
        KeptSpectra(np.zeros((2, 1, 3), dtype=np.complex64), np.array([1, 2]), 9)


def test_single_precision_is_within_its_stated_error():
    exact = simulate_system_matrix(knee(), GRID, MODEL, sample_iron=IRON)
    resolution = Resolution(single=True)
    single = simulate_system_matrix(knee(), GRID, MODEL, sample_iron=IRON, resolution=resolution)
    assert single.spectra.values.dtype == np.complex64
    gain = np.abs(knee().gain())
    for channel in range(3):
        difference = np.abs(
            single.spectra.read(channel, np.arange(1, 128))
            - exact.spectra.read(channel, np.arange(1, 128))
        )
        moments = difference / gain[channel, 1:128]
        strongest = (
            np.abs(exact.spectra.read(channel, np.arange(1, 128))) / gain[channel, 1:128]
        ).max()
        assert moments.max() < 2e-6 * strongest
