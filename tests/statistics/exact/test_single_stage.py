"""EXTERNAL: A'Hern, Stat. Med. 20 (2001) 859, table 1; scipy.stats."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sojourn.core.errors import DataError
from sojourn.statistics.exact.single_stage import ahern_design, single_stage_power

# p0, p1, beta: reject from r of n, alpha 0.05
PUBLISHED = [
    (0.05, 0.20, 0.2, 4, 27),
    (0.10, 0.30, 0.2, 6, 25),
    (0.20, 0.40, 0.2, 12, 35),
    (0.30, 0.50, 0.2, 17, 39),
    (0.05, 0.20, 0.1, 5, 38),
    (0.10, 0.30, 0.1, 7, 33),
    (0.20, 0.40, 0.1, 15, 47),
    (0.30, 0.50, 0.1, 22, 53),
]


@pytest.mark.parametrize(("p0", "p1", "beta", "r", "n"), PUBLISHED)
def test_the_designs_that_ahern_tabulates(p0, p1, beta, r, n):
    found = ahern_design(p0, p1, beta=beta)
    assert (found.reject_from, found.n) == (r, n)


@settings(deadline=None)
@given(n=st.integers(1, 200), p0=st.floats(0.05, 0.6), alpha=st.floats(0.001, 0.3))
def test_the_cut_off_is_the_smallest_that_keeps_alpha(n, p0, alpha):
    found = single_stage_power(n, p0, p0 + 0.2, alpha=alpha)
    assert found.alpha <= alpha
    assert found.alpha == pytest.approx(stats.binom.sf(found.reject_from - 1, n, p0), abs=1e-12)
    assert found.power == pytest.approx(
        stats.binom.sf(found.reject_from - 1, n, p0 + 0.2), abs=1e-12
    )
    assert stats.binom.sf(found.reject_from - 2, n, p0) > alpha - 1e-12


def test_too_few_subjects_never_reject():
    found = single_stage_power(2, 0.5, 0.9)
    assert (found.reject_from, found.alpha, found.power) == (3, 0.0, 0.0)


def test_a_larger_n_may_have_less_power():
    powers = [single_stage_power(n, 0.3, 0.5).power for n in range(39, 60)]
    assert any(b < a for a, b in pairwise(powers))


def test_hostile_input_is_refused():
    with pytest.raises(DataError, match="0 < p0 < p1 < 1"):
        single_stage_power(68, 0.5, 0.5)
    with pytest.raises(DataError, match="n >= 1"):
        single_stage_power(0, 0.3, 0.5)
    with pytest.raises(DataError, match="no single-stage design of up to 24"):
        ahern_design(0.1, 0.3, largest=24)
