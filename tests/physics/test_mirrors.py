import numpy as np
import pytest

from sojourn.core.errors import DataError
from sojourn.core.geometry import Grid
from sojourn.physics.effective_field import EffectiveField
from sojourn.physics.mirrors import find_mirrors, representatives
from sojourn.physics.particle_models import Equilibrium
from sojourn.physics.particles import FERUMOXYTOL
from sojourn.physics.receive_spectra import Resolution, sufficient_samples
from sojourn.physics.relaxation import Mobility
from sojourn.physics.scanner_presets import field_free_line, knee, preclinical, preset, single_sided
from sojourn.physics.simulation import simulate_system_matrix

MODEL = Equilibrium(FERUMOXYTOL)
GRID = Grid.centered((5, 4, 3), (0.004, 0.004, 0.002))


def difference(scanner, grid=GRID, model=MODEL, **resolution):
    """Return the largest difference that mirrors make, relative to the strongest value."""

    def values(mirrors):
        chosen = Resolution(mirrors=mirrors, **resolution)
        matrix = simulate_system_matrix(scanner, grid, model, sample_iron=1e-6, resolution=chosen)
        return matrix.spectra.values

    plain, mirrored = values(False), values(True)
    return np.abs(mirrored - plain).max() / np.abs(plain).max()


@pytest.mark.parametrize(
    ("scanner", "count"),
    [
        # 5, 6 and 4 cycles: half a period mirrors x, reversed time all axes, both of them y and z.
        pytest.param(preclinical(dividers=(12, 10, 15)), 3, id="one-odd-number-of-cycles"),
        # 33, 35 and 21: half a period mirrors all, as reversed time does.
        pytest.param(preclinical(dividers=(35, 33, 55)), 1, id="odd-numbers-of-cycles"),
        pytest.param(knee(), 3, id="knee-with-a-complex-receive-gain"),
        pytest.param(field_free_line(n_angles=1), 7, id="line"),
        pytest.param(preset("human_head"), 7, id="one-dimension"),
    ],
)
def test_mirrored_positions_have_the_signals_that_are_calculated(scanner, count):
    assert len(find_mirrors(scanner, GRID)) == count
    assert difference(scanner) < 1e-11
    assert difference(scanner, threads=2) < 1e-11


def test_the_real_trajectory_has_the_mirrors_of_its_dividers():
    # 528, 561 and 544 cycles in a period: half a period shifts only the second by half a cycle,
    # so that the y axis has a mirror; backwards in time, all change sign: point inversion.
    mirrors = find_mirrors(preclinical(), GRID)
    assert len(mirrors) == 3
    chosen, index, number = representatives(mirrors, GRID.n_voxels)
    assert len(chosen) == 60 // 4 + 1
    assert (number < 0).sum() == len(chosen)
    assert index.max() == len(chosen) - 1


def test_a_grid_beside_the_center_has_no_mirror():
    beside = Grid.centered((5, 4, 3), (0.004, 0.004, 0.002), (0.001, 0.001, 0.001))
    assert find_mirrors(preclinical(dividers=(12, 10, 15)), beside) == ()
    assert difference(preclinical(dividers=(12, 10, 15)), beside) == 0


def test_a_probe_has_only_the_mirrors_of_its_round_coils():
    mirrors = find_mirrors(single_sided(), Grid.centered((3, 3, 2), (0.01,) * 3, (0, 0, 0.02)))
    depth_kept = Grid.centered((3, 3, 2), (0.01,) * 3, (0, 0, 0.02)).centers()[:, 2]
    assert mirrors
    for mirror in mirrors:
        np.testing.assert_array_equal(depth_kept[mirror.images], depth_kept)


def test_particles_with_memory_are_calculated_everywhere():
    mobility = Mobility(viscosity=1e-3, shell=0.0, anisotropy=np.inf)
    model = EffectiveField(FERUMOXYTOL, mobility, nodes=2)
    grid = Grid.centered((3, 1, 1), (0.01,) * 3)
    assert difference(preset("human_head"), grid, model) == 0


def test_mirrors_of_another_grid_are_refused():
    mirrors = find_mirrors(preclinical(dividers=(12, 10, 15)), GRID)
    with pytest.raises(DataError, match="another grid"):
        representatives(mirrors, 8)


def test_the_samples_found_keep_aliasing_below_the_bound_and_fewer_do_not():
    scanner = preset("single_sided")
    probes = np.array([[0.0, 0.0, 0.005], [0.0, 0.0, 0.01], [0.01, 0.0, 0.02]])
    found = sufficient_samples(scanner, probes, MODEL, max_bin=8, tolerance=1e-5)
    assert 18 <= found <= 80
    for samples, fits in ((found, True), (18, False)):
        aliased = simulate(scanner, probes, samples)
        exact = simulate(scanner, probes, 320)
        worst = np.max(np.abs(aliased - exact), axis=(1, 2)) / np.abs(exact).max(axis=(1, 2))
        assert bool(worst.max() <= 1e-5) is fits
    strict = sufficient_samples(scanner, probes, MODEL, max_bin=8, tolerance=1e-12)
    assert strict == 80


def simulate(scanner, probes, samples):
    from sojourn.physics.receive_spectra import simulate_spectra

    return simulate_spectra(
        scanner, probes, MODEL, bins=np.arange(9), resolution=Resolution(samples=samples)
    )
