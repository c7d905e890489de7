"""Several compact sources: how many, where, and how much in all."""

import numpy as np
import pytest
from scipy import stats

from sojourn.core.errors import DataError
from sojourn.quantification._compact import Repeat
from sojourn.quantification._compact_several import fit_sources
from sojourn.quantification._measurement import read_signal
from sojourn.quantification.amount import prepare_amount
from sojourn.quantification.source_models import CompactSources
from toy_scanner import response, toy_matrix, toy_scan, toy_settings

SHAPE = (6, 4, 1)
ONE, TWO = np.array([-0.0121, 0.0043, 0.0]), np.array([0.0172, -0.0068, 0.0])
NO_REPEAT = Repeat(0.0, 0.0, 0.0)


@pytest.fixture(scope="module")
def prepared():
    matrix = toy_matrix(np.random.default_rng(1), shape=SHAPE, noise=1e-4)
    return prepare_amount(matrix, CompactSources(3), toy_settings())


def signal(*sources):
    return sum(amount * response(place[None])[0] for amount, place in sources)


def fits(prepared, clean, noise=0.01, seed=2):
    scan = toy_scan(np.random.default_rng(seed), clean, noise=noise)
    reading = read_signal(scan, prepared.calibration, prepared.settings)
    return fit_sources(reading, prepared.calibration, NO_REPEAT, 3)


def test_two_sources_are_found_where_they_lie(prepared):
    two = fits(prepared, signal((2.0, ONE), (1.0, TWO)))[1]
    grid = prepared.calibration.grid
    places = two.index @ grid.affine[:3, :3].T + grid.affine[:3, 3]
    order = np.argsort(places[:, 0])
    np.testing.assert_allclose(places[order], [ONE, TWO], atol=5e-4)
    np.testing.assert_allclose(two.amounts[order], [2.0, 1.0], rtol=0.05)


def test_the_number_of_sources_is_told(prepared):
    for sources, number in (([(2.0, ONE)], 1), ([(2.0, ONE), (1.0, TWO)], 2)):
        found = fits(prepared, signal(*sources), noise=0.05)
        assert 1 + int(np.argmin([fit.score for fit in found])) == number


def test_the_total_names_its_sources(prepared):
    scan = toy_scan(np.random.default_rng(3), signal((2.0, ONE), (1.0, TWO)), noise=0.02)
    amount = prepared.measure(scan)
    assert amount.estimate.value == pytest.approx(3.0, rel=0.03)
    assert amount.estimate.covers(3.0)
    assert any("probability of each number" in note for note in amount.notes)
    assert {"noise", "calibration and places", "number of sources"} <= set(amount.components)


def test_totals_are_covered_as_often_as_stated(prepared):
    rng = np.random.default_rng(4)
    hits, n = 0, 40
    for _ in range(n):
        one, two = rng.uniform((-0.022, -0.012, 0), (-0.005, 0.012, 0), (2, 3)) * [[1], [1]]
        two = two * [-1, 1, 1]
        a, b = rng.uniform(0.5, 2, 2)
        amount = prepared.measure(toy_scan(rng, signal((a, one), (b, two)), noise=0.1))
        hits += amount.estimate.covers(a + b)
    assert stats.binomtest(hits, n, 0.95).pvalue > 0.005, hits


@pytest.mark.parametrize("most", [1, 6])
def test_a_number_out_of_range_is_refused(most):
    with pytest.raises(DataError, match="between 2 and 5"):
        CompactSources(most)
