"""Which terms the data still determine once others have run off to infinity."""

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
NOTHING = 1e-10
"""Information for each event, of standardized covariates, that is none: as `check_identified`."""
SHARE = 1e-6
"""Share of a term in a direction without information that is more than rounding."""


def limit_information(
    sets: Iterable[NDArray[np.int64]], covariates: Array, along: Array, *, slack: float
) -> Array:
    """Return the information that is left where a direction has run off, (terms, terms).

    In the limit a risk set holds those alone who have the largest `along` of all in it. They are
    weighted equally: whether a direction has any information does not depend on the weights.

    Parameters
    ----------
    sets
        for each event, the rows at risk.
    covariates
        standardized, shape (rows, terms).
    along
        the rows' values along the direction, shape (rows,).
    slack
        how far below the largest still counts as equal.
    """
    terms = covariates.shape[1]
    made = np.zeros((terms, terms))
    for members in sets:
        here = along[members]
        left = covariates[members[here >= here.max() - slack]]
        away = left - left.mean(axis=0)
        made += away.T @ away / len(left)
    return made


def is_undetermined(
    direction: Array,
    *,
    information: Callable[[Array], Array],
    is_recession: Callable[[Array], bool],
) -> NDArray[np.bool_]:
    """Tell which terms have any value where `direction` (terms,) has run off, shape (terms,).

    Along what has no information in the limit the likelihood is flat. A term that does not run off,
    yet has a share in that, ended where Newton's method happened to stop. A term that runs off is
    as open if the same limit is reached without it: it drifted along with another.
    """
    flat = _flat(information(direction))
    made = np.asarray((np.abs(flat) > SHARE).any(axis=1), dtype=np.bool_)
    for j in np.flatnonzero(direction):
        without = direction.copy()
        without[j] = 0
        made[j] = bool(
            without.any()
            and is_recession(without)
            and _flat(information(without)).shape == flat.shape
        )
    return made


def _flat(information: Array) -> Array:
    """Return an orthonormal basis of what has no information, (terms, directions)."""
    values, directions = np.linalg.eigh(information)
    made: Array = directions[:, values < NOTHING]
    return made
