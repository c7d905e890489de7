import numpy as np
import pytest

from sojourn.core.errors import DataError
from sojourn.statistics.operating.replicates import tally


def coins(rng, size):
    """Return heads of one coin and a uniform number, for each trial."""
    return np.column_stack([rng.random(size) < 0.25, rng.random(size)])


def not_finite(rng, size):
    return np.full((size, 1), np.nan) * rng.random()


def test_any_number_of_workers_gives_the_same_bytes():
    one, three = (
        tally(coins, 2_500, seed=3, name=("coins",), jobs=jobs, chunk=500) for jobs in (1, 3)
    )
    assert one.mean.tobytes() == three.mean.tobytes()
    assert one.error.tobytes() == three.error.tobytes()


def test_means_and_errors_are_those_of_the_binomial_and_the_uniform():
    made = tally(coins, 200_000, seed=1, name=("coins",))
    assert made.error == pytest.approx(
        [np.sqrt(0.25 * 0.75 / 200_000), np.sqrt(1 / 12 / 200_000)], rel=0.02
    )
    assert np.all(np.abs(made.mean - [0.25, 0.5]) < 4 * made.error)


def test_another_seed_and_another_name_draw_other_numbers():
    made = {
        tally(coins, 1_000, seed=seed, name=(name,)).mean.tobytes()
        for seed, name in ((1, "a"), (2, "a"), (1, "b"))
    }
    assert len(made) == 3


def test_chunks_of_one_seed_are_not_copies_of_each_other():
    whole = tally(coins, 1_000, seed=1, name=("a",), chunk=500)
    half = tally(coins, 500, seed=1, name=("a",), chunk=500)
    assert whole.mean[1] != half.mean[1]


def test_progress_is_told_of_every_chunk():
    told = []
    tally(coins, 1_200, seed=1, name=("coins",), chunk=500, progress=told.append)
    assert told == ["coins: 1 of 3", "coins: 2 of 3", "coins: 3 of 3"]


@pytest.mark.parametrize("counts", [{"replicates": 0}, {"jobs": 0}, {"chunk": 0}])
def test_counts_below_one_are_refused(counts):
    settings = {"replicates": 10, "jobs": 1, "chunk": 5} | counts
    with pytest.raises(DataError, match="expected >= 1"):
        tally(coins, settings.pop("replicates"), seed=1, name=("x",), **settings)


def test_a_number_that_is_not_finite_is_refused():
    with pytest.raises(DataError, match="not finite"):
        tally(not_finite, 10, seed=1, name=("x",))
