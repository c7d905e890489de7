"""EXTERNAL: a grid over the published definition (Blaker 2000); exactci in the golden walk."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sojourn.core.errors import DataError
from sojourn.statistics.exact.blaker import acceptability, blaker


def by_definition(x, n, p):
    """Return the acceptability: chance of counts whose smaller tail is no larger."""
    counts = np.arange(n + 1)
    smaller = np.minimum(stats.binom.cdf(counts, n, p), stats.binom.sf(counts - 1, n, p))
    chances = stats.binom.pmf(counts, n, p)
    return float(chances[smaller <= smaller[x] * (1 + 1e-12)].sum())


@settings(deadline=None)
@given(
    count=st.integers(1, 40).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    p=st.floats(0.001, 0.999),
)
def test_acceptability_is_the_chance_of_a_tail_no_larger(count, p):
    assert acceptability(*count, p) == pytest.approx(by_definition(*count, p), abs=1e-9)


@settings(max_examples=12, deadline=None)
@given(
    count=st.integers(1, 30).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    level=st.sampled_from([0.5, 0.8, 0.95, 0.99]),
)
def test_the_interval_is_the_hull_of_the_accepted_proportions(count, level):
    grid = np.linspace(0.002, 0.998, 250)
    accepted = grid[[by_definition(*count, p) > 1 - level for p in grid]]
    lower, upper = blaker(*count, level=level)
    step = grid[1] - grid[0]
    assert lower - 1e-9 <= accepted[0] <= lower + step + 1e-9
    assert upper + 1e-9 >= accepted[-1] >= upper - step - 1e-9


def test_a_bound_where_the_acceptability_jumps():
    # 0 of 5: at 1/2 the other tail, 5 of 5, becomes as likely: 2 / 32 > 0.05
    assert blaker(0, 5) == (0.0, 0.5)
    assert acceptability(0, 5, 0.5) == pytest.approx(2 / 32)
    assert acceptability(0, 5, 0.5001) < 0.05


def test_hostile_input_is_refused():
    with pytest.raises(DataError, match="expected 0 <= successes <= n"):
        blaker(6, 5)
    with pytest.raises(DataError, match=r"p is 1\.5"):
        acceptability(1, 5, 1.5)
