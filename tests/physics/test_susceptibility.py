import numpy as np
import pytest

from sojourn.core.errors import DataError
from sojourn.physics.susceptibility import DistributionSettings, relaxation_distribution

FREQUENCIES = np.geomspace(10, 1e6, 100)


def debye(times, weights, constant=0.0):
    omega = 2 * np.pi * FREQUENCIES[:, None]
    return constant + (np.asarray(weights) / (1 + 1j * omega * np.asarray(times))).sum(axis=1)


def noisy(clean, error, seed=0):
    noise = np.random.default_rng(seed).normal(size=(2, len(clean))) * error
    return clean + noise[0] + 1j * noise[1], np.full(len(clean), error)


def test_one_relaxation_time_is_found_where_it_is():
    data, errors = noisy(debye([1e-5], [0.1], 0.02), 1e-3)
    found = relaxation_distribution(FREQUENCIES, data, standard_errors=errors)
    assert found.median_time == pytest.approx(1e-5, rel=0.05)
    assert found.weights.sum() == pytest.approx(0.1, rel=0.03)
    assert found.instantaneous == pytest.approx(0.02, abs=1.5e-3)
    assert found.warnings == ()
    width = np.ptp(np.log10(found.times[found.density >= found.density.max() / 2]))
    # What is seen of a single time is as wide as the stated resolution (within two grid steps).
    assert width == pytest.approx(found.resolution_decades, abs=0.2)


def test_two_times_apart_by_more_than_the_resolution_are_told_apart():
    data, errors = noisy(debye([3e-6, 1e-3], [0.06, 0.06]), 5e-4)
    found = relaxation_distribution(FREQUENCIES, data, standard_errors=errors)
    assert np.log10(1e-3 / 3e-6) > 2 * found.resolution_decades
    slow = found.times > np.sqrt(3e-6 * 1e-3)
    for part, time in ((~slow, 3e-6), (slow, 1e-3)):
        assert found.weights[part].sum() == pytest.approx(0.06, rel=0.05)
        peak = found.times[part][found.weights[part].argmax()]
        assert peak == pytest.approx(time, rel=0.3)
    middle = found.density[np.argmin(np.abs(np.log(found.times / np.sqrt(3e-9))))]
    assert middle < 0.05 * found.density.max()


def test_more_noise_gives_less_resolution():
    sharp, blunt = (
        relaxation_distribution(FREQUENCIES, data, standard_errors=errors).resolution_decades
        for data, errors in (noisy(debye([1e-5], [0.1]), error) for error in (2e-4, 5e-3))
    )
    assert sharp < blunt


def test_discrepancy_principle_uses_up_the_errors():
    data, errors = noisy(debye([1e-5, 1e-4], [0.1, 0.05]), 1e-3)
    found = relaxation_distribution(FREQUENCIES, data, standard_errors=errors)
    assert found.n_data == 200
    assert 0.9 * 200 < found.chi_square <= 1.05 * 200


def test_nanoflowers_relax_as_published(shared):
    # Bender et al., J. Phys. Chem. C 122 (2018) 3068: broad, no static part below 10 Hz.
    table = np.loadtxt(shared / "data/mpi/particles/NF-ACS_data.txt")
    found = relaxation_distribution(
        table[:, 0] / (2 * np.pi), table[:, 1] - 1j * table[:, 3], standard_errors=table[:, 2]
    )
    # The peak of chi'' lies near 1/tau: the largest chi'' of the table is the outside witness.
    witness = 1 / table[table[:, 3].argmax(), 0]
    assert abs(np.log10(found.times[found.weights.argmax()] / witness)) < found.resolution_decades
    static = found.weights.sum() + found.instantaneous
    assert static == pytest.approx(table[0, 1], rel=0.02)
    assert any("scatter is 0.4" in note for note in found.warnings)
    assert any("faster than the highest" in note for note in found.warnings)
    assert 0.8 < found.resolution_decades < 1.4


def test_what_relaxes_outside_the_measured_band_is_flagged():
    data, errors = noisy(debye([1e-5, 0.05], [0.1, 0.05]), 1e-3)
    found = relaxation_distribution(FREQUENCIES, data, standard_errors=errors)
    assert any("slower than the lowest" in note for note in found.warnings)


def test_a_resonance_is_no_distribution_of_relaxations():
    omega = 2 * np.pi * FREQUENCIES
    resonance = 0.1 / (1 - (omega / 1e4) ** 2 + 0.3j * omega / 1e4)
    found = relaxation_distribution(
        FREQUENCIES, resonance, standard_errors=np.full(len(omega), 1e-3)
    )
    assert any("no distribution fits" in note for note in found.warnings)


def test_stated_smoothing_is_used():
    data, errors = noisy(debye([1e-5], [0.1]), 1e-3)
    rough, smooth = (
        relaxation_distribution(
            FREQUENCIES,
            data,
            standard_errors=errors,
            settings=DistributionSettings(smoothing=smoothing, points=60),
        )
        for smoothing in (1e-4, 1e2)
    )
    assert rough.resolution_decades < smooth.resolution_decades
    assert rough.chi_square < smooth.chi_square
    assert len(rough.times) == 60


@pytest.mark.parametrize(
    ("frequencies", "values", "errors"),
    [
        pytest.param(FREQUENCIES, np.ones(3), np.ones(100), id="lengths-differ"),
        pytest.param(-FREQUENCIES, np.ones(100), np.ones(100), id="negative-frequency"),
        pytest.param(FREQUENCIES, np.ones(100), np.zeros(100), id="no-errors"),
        pytest.param(FREQUENCIES, np.full(100, np.nan), np.ones(100), id="not-a-number"),
        pytest.param(np.ones(100), np.ones(100), np.ones(100), id="one-frequency"),
        pytest.param(FREQUENCIES, -np.ones(100), np.ones(100), id="nothing-relaxes"),
    ],
)
def test_unusable_data_are_refused(frequencies, values, errors):
    with pytest.raises(DataError):
        relaxation_distribution(frequencies, values.astype(complex), standard_errors=errors)
