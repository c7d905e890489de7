"""What one arm of n subjects can show of a proportion: sums over every possible count."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.statistics.exact.binomial_tests import binomial_probabilities
from sojourn.statistics.exact.many import clopper_pearson_table


@dataclass(frozen=True, slots=True, eq=False)
class ProportionDesign:
    """Exact characteristics of `n` subjects at each true proportion, shape (truths,).

    `half_width` is the mean half width of the interval. `above_reference` is the probability that
    its lower bound exceeds the reference; None without one. `fewest` is the least count for which
    it does, None where no count is enough.
    """

    n: int
    truths: NDArray[np.float64]
    half_width: NDArray[np.float64]
    coverage: NDArray[np.float64]
    above_reference: NDArray[np.float64] | None
    fewest: int | None


def proportion_design(
    n: int, truths: Sequence[float], *, reference: float | None = None, level: float = 0.95
) -> ProportionDesign:
    """Return what the exact interval of a proportion can be expected to show.

    Parameters
    ----------
    n
        subjects, 1 or more.
    truths
        true proportions, each from 0 to 1.
    reference
        proportion that the lower bound should exceed, or None.
    level
        of the two-sided Clopper-Pearson interval; its lower bound alone is a one-sided test of
        level (1 - `level`) / 2.

    Raises
    ------
    DataError
        if `n` is below 1 or a proportion is none.

    References
    ----------
    Clopper and Pearson, Biometrika 26 (1934) 404: the interval. The sums are over all counts.
    """
    p = np.asarray(truths, dtype=np.float64)
    if n < 1 or p.size == 0 or not np.all((p >= 0) & (p <= 1)):
        raise DataError(f"n is {n}, true proportions {list(truths)}: expected n >= 1 and 0 to 1")
    bounds = clopper_pearson_table(n, level=level)
    weights = np.array([binomial_probabilities(n, truth) for truth in truths])
    inside = (bounds[None, :, 0] <= p[:, None]) & (p[:, None] <= bounds[None, :, 1])
    above, fewest = None, None
    if reference is not None:
        exceeds = bounds[:, 0] > reference
        above = weights @ exceeds.astype(np.float64)
        fewest = int(np.argmax(exceeds)) if exceeds.any() else None
    return ProportionDesign(
        n=n,
        truths=p,
        half_width=weights @ ((bounds[:, 1] - bounds[:, 0]) / 2),
        coverage=(weights * inside).sum(axis=1),
        above_reference=above,
        fewest=fewest,
    )
