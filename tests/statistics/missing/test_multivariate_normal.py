"""Draws against closed forms of the posterior, within the error of the simulation."""

import numpy as np
import pytest

from sojourn.core.errors import DataError
from sojourn.statistics.missing.multivariate_normal import complete, draw_parameters

RNG = np.random.default_rng(31)
ROOT = np.array([[2.0, 0, 0], [1.0, 1.5, 0], [0.5, 1.0, 1.0]])
VALUES = RNG.normal(size=(30, 3)) @ ROOT.T + [10, 12, 15]
ARM = np.repeat([0.0, 1.0], 15)
FIXED = np.column_stack([1 - ARM, ARM])
DRAWS = 3000


def draws(values, fixed=FIXED, **settings):
    given = {"draws": DRAWS, "rng": np.random.default_rng(1), "burn_in": 50, "thin": 2} | settings
    made = list(draw_parameters(values, fixed, **given))
    return np.array([d.coefficients for d in made]), np.array([d.covariance for d in made])


def test_complete_data_give_the_normal_inverse_wishart_posterior():
    b, sigma = draws(VALUES)
    means = np.array([VALUES[a == ARM].mean(axis=0) for a in (0, 1)])
    residual = VALUES - FIXED @ means
    squares = residual.T @ residual
    expected = squares / (30 - 2 - 3 - 1)  # mean of the inverse Wishart with 28 degrees
    np.testing.assert_allclose(sigma.mean(axis=0), expected, rtol=0.03)
    error = np.sqrt(np.diag(expected) / 15)
    np.testing.assert_allclose(b.mean(axis=0), means, atol=4 * error.max() / np.sqrt(DRAWS))
    np.testing.assert_allclose(b.std(axis=0), np.tile(error, (2, 1)), rtol=0.05)
    # variance of a diagonal element of the inverse Wishart: 2 s^2 / ((d-2)^2 (d-4)), d = 26
    spread = np.diag(squares) / 24 * np.sqrt(2 / 22)
    np.testing.assert_allclose(sigma[:, [0, 1, 2], [0, 1, 2]].std(axis=0), spread, rtol=0.1)


def test_drop_out_gives_the_regression_estimate_of_the_last_visit():
    y = VALUES[:, :2].copy()
    y[20:, 1] = np.nan
    one = np.ones((30, 1))
    b, _ = draws(y, one)
    seen = slice(0, 20)
    slope = np.polyfit(y[seen, 0], y[seen, 1], 1)[0]
    expected = y[seen, 1].mean() + slope * (y[:, 0].mean() - y[seen, 0].mean())
    assert b[:, 0, 1].mean() == pytest.approx(expected, abs=0.05)
    assert abs(y[seen, 1].mean() - expected) > 0.05  # complete cases answer otherwise


def test_draws_follow_the_seed_and_the_unit():
    y = VALUES.copy()
    y[3, 1] = y[7, 2] = np.nan
    one, _ = draws(y, draws=3)
    again, _ = draws(y, draws=3)
    other, _ = draws(y, draws=3, rng=np.random.default_rng(2))
    big, _ = draws(y * 1e9, draws=3)
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    np.testing.assert_allclose(big, one * 1e9, rtol=1e-9)


def test_observed_values_stay_and_gaps_are_drawn_from_the_conditional_normal():
    sigma = ROOT @ ROOT.T
    y = np.array([[11.0, np.nan, 16.0]])
    rng = np.random.default_rng(3)
    made = np.concatenate([complete(y, [[10.0, 12.0, 15.0]], sigma, rng=rng) for _ in range(4000)])
    assert np.all(made[:, [0, 2]] == [11.0, 16.0])
    there = [0, 2]
    slope = np.linalg.solve(sigma[np.ix_(there, there)], sigma[there, 1])
    mean = 12 + slope @ [1.0, 1.0]
    spread = np.sqrt(sigma[1, 1] - sigma[1, there] @ slope)
    assert made[:, 1].mean() == pytest.approx(mean, abs=4 * spread / np.sqrt(4000))
    assert made[:, 1].std() == pytest.approx(spread, rel=0.05)


def test_a_subject_without_any_visit_is_drawn_from_its_mean():
    rng = np.random.default_rng(3)
    y = np.full((4000, 2), np.nan)
    made = complete(y, np.tile([3.0, -1.0], (4000, 1)), [[1.0, 0.6], [0.6, 4.0]], rng=rng)
    np.testing.assert_allclose(made.mean(axis=0), [3.0, -1.0], atol=0.15)
    np.testing.assert_allclose(np.cov(made.T), [[1.0, 0.6], [0.6, 4.0]], atol=0.3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"values": np.ones((4, 2)), "fixed": np.ones((3, 1))}, "shape", id="shapes"),
        pytest.param({"fixed": np.full((30, 1), np.nan)}, "complete", id="covariate"),
        pytest.param({"draws": 0}, "at least 1", id="draws"),
        pytest.param({"values": np.full((30, 1), np.nan)}, "no value at all", id="visit"),
        pytest.param({"fixed": np.ones((30, 2))}, "told apart", id="rank"),
        pytest.param(
            {"values": VALUES[:5], "fixed": FIXED[10:][:5] + np.eye(5)[:, :2]}, "needs 6", id="few"
        ),
        pytest.param({"values": np.ones((30, 2))}, "no spread", id="constant"),
        pytest.param(
            {"values": np.where(np.arange(90).reshape(30, 3) % 30 == 1, 1.0, np.nan)[:, 1:2]},
            "too few values",
            id="rare",
        ),
    ],
)
def test_what_cannot_be_imputed_is_refused(change, message):
    given = {"values": VALUES, "fixed": FIXED, "draws": 1, "rng": RNG} | change
    with pytest.raises(DataError, match=message):
        list(draw_parameters(given.pop("values"), given.pop("fixed"), **given))


def test_the_smallest_number_of_subjects_is_accepted():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(6, 3))
    fixed = np.column_stack([np.ones(6), rng.normal(size=6)])
    assert len(list(draw_parameters(values, fixed, draws=2, rng=rng))) == 2
