"""Amounts through an image: recovery and spill undone, intervals closed and drawn alike."""

from dataclasses import replace

import numpy as np
import pytest

from sojourn.core.errors import DataError
from sojourn.quantification._image_errors import relative_errors
from sojourn.quantification._image_regions import Texture, draw_textures, texture_covariances
from sojourn.quantification.calibration import CalibrationRepeatability
from sojourn.quantification.image_amount import (
    Doubts,
    Variation,
    prepare_image_amount,
    tracer_variation,
)
from sojourn.quantification.retention import Denominator, estimate_retention
from sojourn.quantification.source_models import Compartments
from sojourn.reconstruction._background import Background
from sojourn.reconstruction.fista import Fista
from sojourn.reconstruction.tikhonov import Tikhonov
from sojourn.reconstruction.uncertainty.noise import stack
from toy_scanner import (
    EXACT,
    ROWS,
    response,
    toy_grid,
    toy_mask,
    toy_matrix,
    toy_scan,
)

BINS = tuple(range(1, ROWS + 1))
SHAPE = (6, 4, 1)
REGIONS = ("cavity", "outside")
LABELS = np.zeros(SHAPE, dtype=int)
LABELS[0:3, 1:3, 0] = 1
LABELS[4:6, 0:3, 0] = 2
WAVE = 25.0
"""A smooth scanner, so that interpolation is no issue."""


def method(kind=Tikhonov, *, noise=EXACT, sample_iron=None, **changes):
    matrix = toy_matrix(np.random.default_rng(1), shape=SHAPE, noise=noise, sample_iron=sample_iron)
    grid = matrix.grid
    rows = matrix.spectra.values.copy()
    rows[: grid.n_voxels, 0] += response(grid.centers(), wave=WAVE) - response(grid.centers())
    matrix = replace(matrix, spectra=type(matrix.spectra)(rows))
    values = {"background": Background.OWN_MEAN, "bins": BINS, "regularization": 1e-2}
    return kind(**(values | changes)).prepare(matrix)


def source(**changes):
    mask = toy_mask(LABELS, toy_grid(SHAPE))
    values = {"texture_lengths": (0.01, 0.03), "texture_sizes": (0.1, 0.3)}
    return Compartments(mask, REGIONS, **(values | changes))


def spread(region, amount, n=8):
    """Return the signal of `amount` spread evenly over a region, integrated finely."""
    centers = toy_grid(SHAPE).centers()[(region + 1 == LABELS).ravel(order="F")]
    steps = ((np.arange(n) + 0.5) / n - 0.5) * 0.01
    points = centers[:, None, None] + np.stack(
        np.meshgrid(steps, steps, [0.0], indexing="ij"), axis=-1
    ).reshape(1, -1, 3)[:, :, None].swapaxes(1, 2)
    return amount * response(points.reshape(-1, 3), wave=WAVE).mean(axis=0)


def prepared(kind=Tikhonov, *, doubts=None, seed=0, draws=199, made=None, **changes):
    return prepare_image_amount(
        made or method(kind, **changes),
        source(),
        rng=np.random.default_rng(seed),
        doubts=doubts,
        draws=draws,
    )


def measured(ready, amounts=(3.0, 1.0), *, noise=EXACT, seed=2):
    rng = np.random.default_rng(seed)
    signal = sum(spread(r, amount) for r, amount in enumerate(amounts))
    return ready.measure(toy_scan(rng, signal, noise=noise), rng=rng)


@pytest.mark.parametrize("kind", [Tikhonov, Fista], ids=["linear", "constrained"])
def test_even_regions_give_their_amounts_with_spill_undone(kind):
    changes = {"regularization": 0.03} if kind is Tikhonov else {"regularization": 0.3}
    amount = measured(prepared(kind, draws=39, **changes))
    values = [amount.by_compartment[name].value for name in REGIONS]
    assert values == pytest.approx([3.0, 1.0], rel=0.08)
    assert amount.estimate.value == pytest.approx(4.0, rel=0.03)


def test_sums_over_regions_alone_are_off():
    seen = prepared(regularization=0.03).regions.seen
    assert np.abs(seen - np.eye(2)).max() > 0.03


def test_a_linear_method_has_a_closed_form_and_a_constrained_one_draws():
    assert prepared(Tikhonov).map is not None
    drawn = prepared(Fista, draws=39, iterations=50)
    assert drawn.map is None
    assert "39 draws" in measured(drawn).estimate.method


def as_drawn(ready, n=3000):
    """Return a linear method's errors as those of any other: by draws."""
    rng = np.random.default_rng(7)
    direct = np.array([ready.method.solver(e).values for e in np.eye(ROWS)])
    turned = np.array([ready.method.solver(1j * e).values for e in np.eye(ROWS)])

    def solve(signals):
        return signals.real @ direct + signals.imag @ turned

    pool = draw_textures(ready.regions, 3000, rng)
    relative = relative_errors(ready.regions, pool, ready.seen, solve, n, rng)
    return replace(
        ready, map=None, growing=None, pool=pool, relative=relative, draws=n, solve_many=solve
    )


REPEAT = CalibrationRepeatability(
    gain=0.03, row=0.05, delay=2e-8, tilt=0.04, sample_iron=0.0, source="test"
)


@pytest.mark.parametrize("noise", [EXACT, 2.0], ids=["noiseless", "noisy"])
def test_closed_form_and_draws_agree(noise):
    ready = prepared(doubts=Doubts(repeatability=REPEAT, mismatch=np.full(ROWS, 0.03)))
    closed = measured(ready, noise=noise)
    drawn = measured(as_drawn(ready), noise=noise)
    for one, other in (
        (closed.estimate, drawn.estimate),
        *((closed.by_compartment[n], drawn.by_compartment[n]) for n in REGIONS),
    ):
        width = one.upper - one.lower
        assert other.upper - other.lower == pytest.approx(width, rel=0.1)
        assert other.lower == pytest.approx(one.lower, abs=0.08 * width)
    np.testing.assert_allclose(np.diag(drawn.covariance), np.diag(closed.covariance), rtol=0.15)


def test_each_cause_is_named():
    ready = prepared(doubts=Doubts(repeatability=REPEAT, mismatch=np.full(ROWS, 0.03)), noise=0.1)
    amount = measured(ready, noise=0.5)
    assert set(amount.components) == {
        "noise",
        "background drift",
        "calibration noise",
        "interpolation",
        "session gain",
        "tilt",
        "delay",
        "row repeatability",
        "model mismatch",
        "texture",
    }
    assert amount.components["session gain"] == pytest.approx(
        0.03 * amount.estimate.value, rel=1e-6
    )
    assert any("matrix is modelled" in note for note in amount.notes)


def test_a_modelled_matrix_gives_a_wider_interval():
    plain = measured(prepared()).estimate
    modelled = measured(prepared(doubts=Doubts(mismatch=np.full(ROWS, 0.1)))).estimate
    assert modelled.upper - modelled.lower > 1.2 * (plain.upper - plain.lower)


def test_what_was_not_stated_is_said():
    notes = measured(prepared()).notes
    assert any("repeatability was not stated" in note for note in notes)
    assert any("no variation of the tracer" in note for note in notes)
    assert any("not cells" in note for note in notes)


def test_a_variation_moves_the_amount_by_its_own_size():
    made = method()
    columns = made.rows.columns
    variation = tracer_variation(columns, [1.1 * columns], [0.9 * columns])
    np.testing.assert_allclose(variation.shift, 0, atol=1e-12)
    ready = prepared(made=made, doubts=Doubts(variations={"tracer batch": variation}))
    amount = measured(ready)
    assert amount.components["tracer batch"] == pytest.approx(0.1 * 4.0, rel=0.05)


def test_a_change_that_does_not_cancel_shifts_the_amount():
    made = method()
    columns = made.rows.columns
    variation = tracer_variation(columns, [1.1 * columns], [1.1 * columns])
    ready = prepared(made=made, doubts=Doubts(variations={"tracer batch": variation}))
    assert measured(ready).estimate.value == pytest.approx(4.0 / 1.1, rel=0.02)


@pytest.mark.parametrize(("up", "down"), [(1, 2), (0, 0)])
def test_variations_need_matrices_in_pairs(up, down):
    columns = np.ones((3, 2), dtype=complex)
    with pytest.raises(DataError, match="as many of both"):
        tracer_variation(columns, [columns] * up, [columns] * down)


def test_a_variation_of_another_shape_is_refused():
    with pytest.raises(DataError, match="mode, row, voxel"):
        Variation(np.ones((1, 3, 2), dtype=complex), np.ones((2, 2), dtype=complex))


@pytest.mark.parametrize(
    "changes", [{"draws": 38}, {"level": 1.0}], ids=["too-few-draws", "no-level"]
)
def test_settings_out_of_range_are_refused(changes):
    with pytest.raises(DataError, match=r"draws|level"):
        prepare_image_amount(method(), source(), rng=np.random.default_rng(0), **changes)


def test_iron_is_in_kilograms_where_the_sample_states_it():
    iron, bare = measured(prepared(sample_iron=2e-9)), measured(prepared())
    assert iron.estimate.unit == "kg"
    assert iron.estimate.value == pytest.approx(2e-9 * bare.estimate.value)
    np.testing.assert_allclose(iron.covariance, 4e-18 * bare.covariance)


def test_two_visits_give_a_share():
    ready = prepared()
    before, after = measured(ready, (3.0, 1.0)), measured(ready, (2.0, 0.4))
    share = estimate_retention(
        after, before, region="cavity", denominator=Denominator.POST_INJECTION_SCAN
    )
    assert share.covers(2.0 / 4.0)


def test_lognormal_texture_has_the_stated_mean_and_covariance():
    texture = Texture(0.01, 0.3)
    centers = np.array([[0.0, 0, 0], [0.005, 0, 0], [0.03, 0, 0]])
    rng = np.random.default_rng(0)
    field = np.linalg.cholesky(texture.correlation(centers)) @ rng.standard_normal((3, 200_000))
    drawn = np.exp(texture.log_sd * field - texture.log_sd**2 / 2)
    np.testing.assert_allclose(drawn.mean(axis=1), 1, atol=0.003)
    np.testing.assert_allclose(np.cov(drawn), texture.covariance(centers), atol=0.002)
    assert texture.covariance(centers)[0, 0] == pytest.approx(0.09)


def test_texture_covariance_is_that_of_drawn_textures():
    ready = prepared()
    pool = draw_textures(ready.regions, 20_000, np.random.default_rng(0))
    found = texture_covariances(ready.regions, ready.map).mean(axis=0)
    for s in range(2):
        errors = stack(pool.signals[:, s].T).T @ ready.map.T
        errors[:, s] -= pool.totals[:, s]
        expected = found[s] + ready.growing.common["interpolation"][s, s]
        np.testing.assert_allclose(np.cov(errors.T), expected, rtol=0.1, atol=1e-4)


def test_a_region_beyond_the_calibration_is_refused():
    from sojourn.core.geometry import Grid

    far = toy_mask(LABELS, Grid.centered(SHAPE, (0.02, 0.01, 0.01)))
    with pytest.raises(DataError, match="beyond the calibrated"):
        prepare_image_amount(method(), Compartments(far, REGIONS), rng=np.random.default_rng(0))
