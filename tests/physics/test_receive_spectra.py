from dataclasses import dataclass, replace

import numpy as np
import pytest

from sojourn.core.errors import DataError
from sojourn.physics import magnetization_kernels, receive_spectra
from sojourn.physics.core_sizes import CoreSizes
from sojourn.physics.field_sources import HomogeneousField, LinearField
from sojourn.physics.fields import KneeScanner
from sojourn.physics.langevin import BOLTZMANN
from sojourn.physics.particle_models import Equilibrium
from sojourn.physics.particles import FERUMOXYTOL
from sojourn.physics.receive_spectra import (
    Resolution,
    simulate_signal,
    simulate_spectra,
    strongest_bins,
)
from sojourn.physics.scanner_presets import field_free_line, knee, preset
from sojourn.physics.scanners import Scanner
from sojourn.physics.sequences import lissajous_sequence
from sojourn.physics.system_matrix import simulate_response

MODEL = Equilibrium(FERUMOXYTOL)
PLACES = np.random.default_rng(0).uniform(-0.05, 0.05, (20, 3))


def one_dimensional(amplitude, transfer=None):
    """Return a sine along x of 100 samples, no selection field, a receive coil of 2 T/A."""
    sequence = lissajous_sequence(np.array([amplitude]), np.array([100]))
    along = np.array([1.0, 0.0, 0.0])
    nothing = LinearField(np.zeros((3, 3)))
    coil, receive = HomogeneousField(along), HomogeneousField(2 * along)
    return Scanner(nothing, (coil,), (receive,), sequence, transfer)


def test_in_a_small_field_the_third_harmonic_is_xi_cubed_over_180():
    sizes = CoreSizes(np.array([20e-9]), np.array([1.0]))
    moment = sizes.saturation * np.pi * 20e-9**3 / 6
    xi = 0.2
    amplitude = xi * BOLTZMANN * 310.15 / moment
    spectrum = simulate_spectra(one_dimensional(amplitude), np.zeros((1, 3)), Equilibrium(sizes))
    omega = 2 * np.pi * 25e3
    induced = spectrum[0, 0] / 100 / (2 * sizes.moment_per_iron)
    # M = x/3 - x^3/45 + 2 x^5/945 with x = xi sin; sin(n w t) is -i/2 in the rFFT over its
    # samples, and the voltage is minus the derivative. Left out: x^7, and 4e-8 of M by the fit.
    first = -1j * omega * -0.5j * (xi / 3 - xi**3 / 60 + xi**5 / 756)
    third = -3j * omega * -0.5j * (xi**3 / 180 - xi**5 / 1512)
    assert induced[1] == pytest.approx(first, rel=1e-6)
    assert induced[3] == pytest.approx(third, rel=2e-4)
    assert abs(induced[2]) < 1e-9 * abs(first)


def test_the_transfer_function_multiplies_and_the_last_bin_is_empty():
    transfer = np.linspace(1, 2, 51)[None] * np.exp(0.4j)
    plain = simulate_spectra(one_dimensional(0.02), np.zeros((1, 3)), MODEL)
    found = simulate_spectra(one_dimensional(0.02, transfer), np.zeros((1, 3)), MODEL)
    np.testing.assert_allclose(found, plain * transfer, rtol=1e-12, atol=0)
    assert plain[0, 0, -1] == 0


@pytest.mark.parametrize(("single", "tolerance"), [(False, 1e-7), (True, 1e-5)])
def test_the_knee_preset_gives_the_knee_scanners_response(single, tolerance):
    # The other simulation interpolates a table of 16,384 points linearly: 4e-8 of the norm. Its
    # filter takes the strongest bins away, so that single precision counts tenfold.
    expected = simulate_response(PLACES, KneeScanner(), FERUMOXYTOL)
    resolution = Resolution(samples=512, single=single)
    found = simulate_spectra(knee(), PLACES, MODEL, resolution=resolution)
    assert np.linalg.norm(found - expected) < tolerance * np.linalg.norm(expected)


def test_threads_and_blocks_change_no_bit():
    one = simulate_spectra(knee(), PLACES, MODEL)
    two = simulate_spectra(knee(), PLACES, MODEL, resolution=Resolution(threads=3))
    np.testing.assert_array_equal(one, two)


def test_kept_bins_are_those_of_the_whole_spectrum():
    whole = simulate_spectra(knee(), PLACES, MODEL)
    for bins in (np.arange(20, 60), np.array([3, 30, 128])):
        some = simulate_spectra(knee(), PLACES, MODEL, bins=bins)
        np.testing.assert_array_equal(some, whole[..., bins])


@dataclass(frozen=True)
class WithoutCurve:
    """Equilibrium that hides its curve, as a model with memory has none."""

    inner: Equilibrium = MODEL

    @property
    def moment_per_iron(self):
        return self.inner.moment_per_iron

    def magnetization(self, flux_density, *, interval):
        assert interval == pytest.approx(0.4e-3 / 256)
        return self.inner.magnetization(flux_density, interval=interval)


def test_a_model_that_is_asked_itself_gives_what_its_fitted_curve_gives():
    fitted = simulate_spectra(knee(), PLACES, MODEL)
    asked = simulate_spectra(knee(), PLACES, WithoutCurve())
    assert np.linalg.norm(fitted - asked) < 1e-6 * np.linalg.norm(asked)


def test_without_numba_the_numpy_loop_gives_the_same(monkeypatch):
    compiled = simulate_spectra(knee(), PLACES, MODEL)
    monkeypatch.setattr(receive_spectra, "compiled_kernel", lambda: None)
    plain = simulate_spectra(knee(), PLACES, MODEL)
    np.testing.assert_allclose(compiled, plain, rtol=0, atol=1e-12 * np.abs(plain).max())


def test_numba_missing_is_no_error(monkeypatch):
    import builtins

    real = builtins.__import__

    def without(name, *rest):
        if "magnetization_numba" in name or "_magnetization_numba" in (rest[2] or ()):
            raise ImportError(name)
        return real(name, *rest)

    magnetization_kernels.compiled_kernel.cache_clear()
    monkeypatch.setattr(builtins, "__import__", without)
    assert magnetization_kernels.compiled_kernel() is None
    monkeypatch.undo()
    magnetization_kernels.compiled_kernel.cache_clear()


def test_the_signal_of_all_iron_is_the_sum_of_each_spectrum():
    iron = np.random.default_rng(1).uniform(0, 1e-6, len(PLACES))
    total = simulate_signal(knee(), PLACES, iron, MODEL)
    expected = np.tensordot(iron, simulate_spectra(knee(), PLACES, MODEL), axes=1)
    np.testing.assert_allclose(total, expected, rtol=0, atol=1e-12 * np.abs(expected).max())


def test_a_turned_field_free_line_sees_turned_iron_the_same():
    scanner = field_free_line(n_angles=4)
    turned = np.array([[0.0, 3e-3, 0.0], [3e-3, 0.0, 0.0]])
    first = simulate_spectra(scanner, turned[1:], MODEL, patch=0)[0]
    third = simulate_spectra(scanner, turned[:1], MODEL, patch=2)[0]
    # A quarter turn takes x to y and y to -x; the receive coils along x and y stand still.
    np.testing.assert_allclose(third[1], first[0], rtol=0, atol=1e-9 * np.abs(first).max())


def test_the_whole_field_counts_offset_and_switched_off_selection():
    scanner = preset("single_sided")
    place = np.array([[0.0, 0.0, 10e-3]])
    static, coils, receive = scanner.fields(place, patch=0)
    assert not static.any()
    assert coils.shape == receive.shape == (1, 1, 3)
    scanner = preset("human_head")
    patches = (replace(scanner.sequence.patches[0], offset=np.array([1e-3, 0.0, 0.0])),)
    shifted = replace(scanner, sequence=replace(scanner.sequence, patches=patches))
    np.testing.assert_allclose(shifted.fields(np.zeros((1, 3)))[0], [[1e-3, 0, 0]], atol=1e-18)
    np.testing.assert_allclose(shifted.acquisition().offset_field, [1e-3, 0, 0])


def test_progress_counts_to_the_end():
    seen = []
    simulate_spectra(knee(), PLACES, MODEL, progress=lambda done, n: seen.append((done, n)))
    assert seen[-1] == (20, 20)
    assert sorted(seen) == seen


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"patch": 1}, "patches 0 to 0, asked for 1"),
        ({"bins": np.array([5, 5])}, "bins must ascend"),
        ({"bins": np.array([129])}, "bins must ascend within 0 to 128"),
        ({"bins": np.array([100]), "resolution": Resolution(samples=64)}, "within 0 to 32"),
    ],
)
def test_what_cannot_be_simulated_is_refused(arguments, message):
    with pytest.raises(DataError, match=message):
        simulate_spectra(knee(), PLACES, MODEL, **arguments)


@pytest.mark.parametrize("places", [np.zeros((0, 3)), np.zeros(3), np.zeros((2, 2))])
def test_places_must_be_a_list_of_points(places):
    with pytest.raises(DataError, match="expected"):
        simulate_spectra(knee(), places, MODEL)


def test_iron_must_fit_the_places():
    with pytest.raises(DataError, match="iron has shape"):
        simulate_signal(knee(), PLACES, np.ones(3), MODEL)


@pytest.mark.parametrize("wrong", [{"threads": 0}, {"samples": 1}])
def test_a_resolution_is_positive(wrong):
    with pytest.raises(DataError, match="must be"):
        Resolution(**wrong)


def test_the_strongest_bins_are_those_of_most_energy():
    bins = np.arange(14, 129)
    found = strongest_bins(knee(), PLACES, MODEL, bins=bins, count=10)
    whole = simulate_spectra(knee(), PLACES, MODEL)
    energy = np.sum(np.abs(whole) ** 2, axis=(0, 1))
    assert np.all(np.diff(found) > 0)
    left = np.setdiff1d(bins, found)
    assert energy[found].min() >= energy[left].max()
    for count in (0, 116):
        with pytest.raises(DataError, match="cannot be chosen"):
            strongest_bins(knee(), PLACES, MODEL, bins=bins, count=count)


def test_iron_scales_the_spectrum():
    one = simulate_spectra(knee(), PLACES, MODEL)
    some = simulate_spectra(knee(), PLACES, MODEL, iron=3e-7)
    np.testing.assert_allclose(some, 3e-7 * one, rtol=1e-12, atol=0)
