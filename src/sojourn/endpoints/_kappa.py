"""Agreement of two readers beyond chance: Cohen's weighted kappa."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError


def agreement_table(
    first: Sequence[int], second: Sequence[int], *, grades: Sequence[int]
) -> NDArray[np.float64]:
    """Return how often the readers gave each pair of grades.

    Parameters
    ----------
    first, second
        the two readers' grades of the same films, in the same order.
    grades
        every grade of the scale, in order.

    Returns
    -------
        counts, shape (n_grades, n_grades): rows by `first`, columns by `second`.

    Raises
    ------
    DataError
        if the lists differ in length or hold another grade.
    """
    if len(first) != len(second):
        raise DataError(f"{len(first)} first and {len(second)} second grades; expected pairs")
    at = {grade: i for i, grade in enumerate(grades)}
    if strange := sorted({*first, *second} - at.keys()):
        raise DataError(f"found the grades {strange}; expected some of {list(grades)}")
    table = np.zeros((len(at), len(at)))
    for one, other in zip(first, second, strict=True):
        table[at[one], at[other]] += 1
    return table


def linear_weights(n_grades: int) -> NDArray[np.float64]:
    """Return disagreement as the distance of two grades, shape (n_grades, n_grades)."""
    grade = np.arange(n_grades, dtype=np.float64)
    return np.abs(grade[:, None] - grade)


def quadratic_weights(n_grades: int) -> NDArray[np.float64]:
    """Return disagreement as the squared distance of two grades, shape (n_grades, n_grades)."""
    return linear_weights(n_grades) ** 2


def weighted_kappa(table: NDArray[np.float64], weights: NDArray[np.float64]) -> float | None:
    r"""Return agreement beyond chance: 1 is perfect, 0 what chance gives.

    .. math:: \kappa_w = 1 - \sum_{ij} w_{ij} n_{ij} \Big/ \sum_{ij} w_{ij} n_{i.} n_{.j} / n

    Parameters
    ----------
    table
        counts of pairs of grades, shape (n_grades, n_grades); see `agreement_table`.
    weights
        disagreement of each pair, 0 on the diagonal, same shape.

    Returns
    -------
        at most 1; None where chance alone would agree always: nobody was read, or both readers
        gave everybody one grade.

    Raises
    ------
    DataError
        if the shapes differ or are not square.

    References
    ----------
    Cohen, Weighted kappa, Psychological Bulletin 70 (1968) 213.
    """
    if table.ndim != 2 or table.shape[0] != table.shape[1] or table.shape != weights.shape:
        raise DataError(f"table {table.shape} and weights {weights.shape} must be one square")
    n = float(table.sum())
    by_chance = np.outer(table.sum(axis=1), table.sum(axis=0)) / n if n else table
    expected = float((weights * by_chance).sum())
    return 1.0 - float((weights * table).sum()) / expected if expected > 0 else None
