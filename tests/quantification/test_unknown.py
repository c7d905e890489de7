import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import nnls

from sojourn.quantification._measurement import read_signal
from sojourn.quantification._unknown import solve_non_negative
from sojourn.quantification.amount import prepare_amount
from sojourn.quantification.source_models import UnknownDistribution
from toy_scanner import response, toy_grid, toy_matrix, toy_scan, toy_settings


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 12), st.integers(1, 20))
def test_non_negative_least_squares_is_scipys(seed, n, m):
    rng = np.random.default_rng(seed)
    design, data = rng.normal(size=(m + n, n)), rng.normal(size=m + n)
    expected = nnls(design, data)[0]
    found = solve_non_negative(design.T @ design, design.T @ data)
    warm = solve_non_negative(design.T @ design, design.T @ data, np.abs(rng.normal(size=n)))
    assert found == pytest.approx(expected, abs=1e-7)
    assert warm == pytest.approx(expected, abs=1e-7)


def test_one_voxel_gives_the_closed_form():
    rng = np.random.default_rng(1)
    matrix = toy_matrix(rng, shape=(1, 1, 1), noise=1e-6)
    scan = toy_scan(rng, 3 * response(np.zeros((1, 3)))[0], noise=0.05)
    prepared = prepare_amount(matrix, UnknownDistribution(), toy_settings())
    amount = prepared.measure(scan)
    reading = read_signal(scan, prepared.calibration, prepared.settings)
    s, u = prepared.calibration.columns[:, 0], reading.signal
    variance = reading.variance + 9 * (reading.column_variance + reading.shared_variance)
    information = (2 * np.abs(s) ** 2 / variance).sum()
    best = (2 * (s.conj() * u).real / variance).sum() / information
    least = (2 * np.abs(u - best * s) ** 2 / variance).sum()
    reach = np.sqrt((stats.chi2.ppf(0.95, 24) - least) / information)
    e = amount.estimate
    assert (e.value, e.lower, e.upper) == pytest.approx(
        (best, best - reach, best + reach), rel=1e-3
    )


def test_intervals_cover_whatever_the_distribution():
    rng = np.random.default_rng(2)
    prepared = prepare_amount(toy_matrix(rng), UnknownDistribution(), toy_settings())
    columns = response(toy_grid().centers())
    hits, n = 0, 60
    for number in range(n):
        shape = (0.02, 1.0)[number % 2]
        truth = rng.dirichlet(np.full(len(columns), shape))
        amount = prepared.measure(toy_scan(rng, truth @ columns, noise=0.1))
        hits += amount.estimate.covers(1.0)
    assert stats.binomtest(hits, n, 0.95, alternative="less").pvalue > 0.01


def test_the_interval_is_said_to_be_all_that_there_is():
    rng = np.random.default_rng(3)
    prepared = prepare_amount(toy_matrix(rng), UnknownDistribution(), toy_settings())
    amount = prepared.measure(toy_scan(rng, response(np.zeros((1, 3)))[0], noise=0.1))
    assert any("use the interval" in note for note in amount.notes)
    assert "may be wide" in amount.statement


def test_where_the_scanner_is_blind_there_is_no_upper_end():
    rng = np.random.default_rng(4)
    matrix = toy_matrix(rng, shape=(3, 1, 1), noise=1e-6)
    values = np.array(matrix.spectra.values)
    values[1] = values[3:].mean(axis=0)
    blind = type(matrix)(
        type(matrix.spectra)(values),
        matrix.acquisition,
        matrix.is_background,
        matrix.grid,
        "blind",
        "b",
    )
    scan = toy_scan(rng, response(matrix.grid.centers()[:1])[0], noise=0.01)
    amount = prepare_amount(blind, UnknownDistribution(), toy_settings()).measure(scan)
    assert amount.estimate.upper > 1e3
    assert amount.estimate.lower == pytest.approx(1.0, abs=0.2)


def test_signal_that_no_tracer_makes_is_flagged():
    rng = np.random.default_rng(5)
    prepared = prepare_amount(
        toy_matrix(rng, shape=(3, 1, 1)), UnknownDistribution(), toy_settings()
    )
    amount = prepared.measure(toy_scan(rng, -response(np.zeros((1, 3)))[0], noise=0.01))
    assert amount.misfit.is_flagged
