import numpy as np
import pytest
from scipy import stats

from sojourn.core.errors import DataError
from sojourn.core.geometry import Grid
from sojourn.quantification._measurement import read_signal
from sojourn.quantification.amount import measure_iron, prepare_amount
from sojourn.quantification.source_models import Compartments
from toy_scanner import (
    EXACT,
    SPACING,
    response,
    toy_grid,
    toy_mask,
    toy_matrix,
    toy_scan,
    toy_settings,
)

SHAPE = (6, 4, 3)
LABELS = np.zeros(SHAPE)
LABELS[:3], LABELS[4:] = 1, 2
REGIONS = ("cavity", "outside")
NO_TEXTURE = {"texture_sizes": (1e-6,), "texture_lengths": (0.01,)}


def columns(region):
    """Return the spectra (point, bin) of points that fill a region evenly, 125 to a voxel."""
    steps = SPACING * (np.array(list(np.ndindex(5, 5, 5))) - 2) / 5
    voxels = toy_grid().centers()[(region == LABELS).ravel(order="F")]
    return response((voxels[:, None] + steps).reshape(-1, 3))


def measured(signal, source, *, noise=EXACT, seed=1, **changes):
    rng = np.random.default_rng(seed)
    matrix = toy_matrix(rng)
    return measure_iron(
        toy_scan(rng, signal, noise=noise), matrix, source, settings=toy_settings(**changes)
    )


def test_even_fillings_without_noise_are_exact():
    signal = 3 * columns(1).mean(axis=0) + 0.5 * columns(2).mean(axis=0)
    source = Compartments(toy_mask(LABELS, toy_grid()), REGIONS, **NO_TEXTURE)
    amount = measured(signal, source)
    assert amount.by_compartment["cavity"].value == pytest.approx(3, rel=0.01)
    assert amount.by_compartment["outside"].value == pytest.approx(0.5, abs=0.02)
    assert amount.estimate.value == pytest.approx(3.5, rel=0.01)


def test_two_compartments_give_generalized_least_squares():
    rng = np.random.default_rng(2)
    matrix = toy_matrix(rng, noise=1e-9)
    scan = toy_scan(rng, 3 * columns(1).mean(axis=0) + columns(2).mean(axis=0), noise=0.05)
    settings = toy_settings()
    source = Compartments(toy_mask(LABELS, toy_grid()), REGIONS, **NO_TEXTURE)
    prepared = prepare_amount(matrix, source, settings)
    amount = prepared.measure(scan)
    reading = read_signal(scan, prepared.calibration, settings)
    doubt = prepared.regions.doubt @ np.array([9.0, 1.0])
    root = np.tile(np.sqrt((reading.variance + doubt) / 2), 2)
    design = prepared.regions.means / root[:, None]
    data = np.concatenate([reading.signal.real, reading.signal.imag]) / root
    by_hand = np.linalg.lstsq(design, data, rcond=None)[0]
    covariance = np.linalg.inv(design.T @ design) * amount.misfit.widening**2
    values = [amount.by_compartment[r].value for r in REGIONS]
    assert values == pytest.approx(by_hand, rel=1e-3)
    choice = amount.by_compartment["cavity"].components["background choice"]
    choice *= amount.misfit.widening
    assert amount.covariance[0, 0] == pytest.approx(covariance[0, 0] + choice**2, rel=0.01)
    assert amount.misfit.statistic == pytest.approx(
        float(((data - design @ by_hand) ** 2).sum()), rel=1e-3
    )
    assert amount.misfit.degrees_of_freedom == 24 - 2


def test_the_total_is_the_sum_of_its_compartments():
    signal = columns(1).mean(axis=0) + columns(2).mean(axis=0)
    amount = measured(signal, Compartments(toy_mask(LABELS, toy_grid()), REGIONS), noise=0.05)
    total = sum(e.value for e in amount.by_compartment.values())
    assert amount.estimate.value == pytest.approx(total)
    assert np.all(np.linalg.eigvalsh(amount.covariance) > 0)


def test_a_finer_mask_of_the_same_regions_gives_the_same_amount():
    fine = Grid.centered((24, 16, 12), (SPACING / 4,) * 3)
    labels = np.kron(LABELS, np.ones((4, 4, 4)))
    signal = 2 * columns(1).mean(axis=0)
    values = [
        measured(signal, Compartments(mask, REGIONS, **NO_TEXTURE)).by_compartment["cavity"].value
        for mask in (toy_mask(LABELS, toy_grid()), toy_mask(labels, fine))
    ]
    assert values[0] == pytest.approx(values[1], rel=0.02)


def test_texture_widens_the_interval_and_is_named():
    signal = columns(1)
    uneven = signal.T @ np.random.default_rng(3).dirichlet(np.full(len(signal), 0.05))
    mask = toy_mask(LABELS, toy_grid())
    plain = measured(uneven, Compartments(mask, ("cavity",), **NO_TEXTURE), noise=0.02)
    textured = measured(uneven, Compartments(mask, ("cavity",)), noise=0.02)
    assert plain.misfit.is_flagged
    assert not textured.misfit.is_flagged
    assert textured.components["texture"] > 1e3 * plain.components["texture"]
    assert textured.estimate.covers(1.0)


def test_intervals_cover_textures_of_the_model_as_often_as_they_say():
    rng = np.random.default_rng(5)
    grid = toy_grid()
    places = grid.centers()[(LABELS == 1).ravel(order="F")]
    apart = ((places[:, None] - places[None]) ** 2).sum(axis=2)
    root = np.linalg.cholesky(np.exp(-0.5 * apart / 0.01**2) + 1e-9 * np.eye(len(places)))
    voxels = columns(1).reshape(len(places), 125, -1).mean(axis=1)
    outside = 0.5 * columns(2).mean(axis=0)
    source = Compartments(
        toy_mask(LABELS, grid), REGIONS, texture_lengths=(0.01,), texture_sizes=(0.3, 1.0)
    )
    prepared = prepare_amount(toy_matrix(rng), source, toy_settings())
    hits, n = 0, 150
    for _ in range(n):
        filled = 3 * (1 + 0.3 * root @ rng.normal(size=len(places))) / len(places)
        signal = filled @ voxels + outside
        amount = prepared.measure(toy_scan(rng, signal, noise=0.1))
        hits += amount.by_compartment["cavity"].covers(filled.sum())
    assert stats.binomtest(hits, n, 0.95).pvalue > 0.01


def test_tracer_outside_all_regions_is_flagged():
    labels = np.zeros(SHAPE)
    labels[0] = 1
    source = Compartments(toy_mask(labels, toy_grid()), ("cavity",), texture_sizes=(0.1,))
    amount = measured(5 * columns(2).mean(axis=0), source, noise=0.02)
    assert amount.misfit.is_flagged


def test_parts_of_a_region_have_amounts_of_their_own():
    labels = np.zeros(SHAPE)
    labels[0], labels[5] = 1, 1
    one_sided = columns(2)[np.tile(np.repeat([False, True], 125), 12)].mean(axis=0)
    source = Compartments(toy_mask(labels, toy_grid()), ("cavity",), **NO_TEXTURE)
    amount = measured(4 * one_sided, source)
    assert amount.estimate.value == pytest.approx(4, rel=0.02)
    assert amount.misfit.degrees_of_freedom == 24 - 2


def test_a_mask_beyond_the_calibration_is_refused():
    wide = Grid.centered((8, 4, 3), (SPACING,) * 3)
    source = Compartments(toy_mask(np.ones((8, 4, 3)), wide), ("cavity",))
    with pytest.raises(DataError, match="beyond the calibrated"):
        measured(columns(1)[0], source)


def test_a_drifting_background_widens_the_interval_and_is_covered():
    rng = np.random.default_rng(8)
    matrix = toy_matrix(rng, noise=0.01)
    scan = toy_scan(rng, columns(1).mean(axis=0), noise=0.01)
    values = np.array(scan.spectra.values)
    values += 0.5 * np.linspace(0, 1, len(values))[:, None, None] * (1 + 1j)
    drifting = type(scan)(
        type(scan.spectra)(values), scan.acquisition, scan.is_background, "drifting", "d"
    )
    source = Compartments(toy_mask(LABELS, toy_grid()), ("cavity",), **NO_TEXTURE)
    amount = measure_iron(drifting, matrix, source, settings=toy_settings())
    steady = measure_iron(scan, matrix, source, settings=toy_settings())
    assert amount.components["noise"] > 2 * steady.components["noise"]
    assert amount.estimate.covers(1.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"regions": ()}, "named once each"),
        ({"regions": ("cavity", "cavity")}, "named once each"),
        ({"regions": ("knee",)}, "no region"),
        ({"texture_sizes": (0.0,)}, "texture sizes"),
        ({"texture_lengths": ()}, "texture lengths"),
    ],
)
def test_a_source_model_that_says_nothing_is_refused(changes, message):
    arguments = {"regions": REGIONS} | changes
    with pytest.raises(DataError, match=message):
        Compartments(toy_mask(LABELS, toy_grid()), **arguments)


def test_a_region_without_voxels_is_refused():
    with pytest.raises(DataError, match="no voxel"):
        Compartments(toy_mask(np.ones(SHAPE), toy_grid()), ("outside",))
