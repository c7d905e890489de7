"""A covariance over visits, the first of a list named beforehand that the data carry."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from sojourn.core.errors import DataError
from sojourn.statistics.mixed.fitting import COVARIANCES, MixedFit, NoFit, fit_marginal
from sojourn.statistics.mixed.inference import kenward_roger_covariance

WORDS = {
    "unstructured": "unstructured covariance",
    "ar1": "first-order autoregressive covariance",
    "compound_symmetry": "compound symmetry",
}
"""What each covariance is called in a text."""


@dataclass(frozen=True, slots=True)
class Repeated:
    """The fit, which covariance it has, and why those before it in the list were not used."""

    fit: MixedFit | None
    covariance: str
    refused: tuple[NoFit, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """Return one statement for each covariance that was refused."""
        return tuple(f"no {WORDS[one.structure]}: {one.reason}" for one in self.refused)


def fit_repeated(
    values: ArrayLike,
    fixed: ArrayLike,
    subjects: ArrayLike,
    visits: ArrayLike,
    *,
    covariances: Sequence[str] = COVARIANCES,
) -> Repeated:
    """Fit the first of `covariances` that the data carry (see `fit_marginal`).

    A covariance is also refused where Kenward and Roger's adjusted covariance of the coefficients
    is not positive or larger than 100 times the model's: the data then say nothing about it.

    Parameters
    ----------
    values, fixed, subjects, visits
        as `fit_marginal` takes them.
    covariances
        names from `COVARIANCES`, in the order to try; fixed before the data were seen.

    Returns
    -------
        the fit and what was refused; no fit where all were.

    Raises
    ------
    DataError
        if the list is empty, or as `fit_marginal`.
    """
    if not covariances:
        raise DataError(f"name at least one covariance of {', '.join(COVARIANCES)}")
    refused: list[NoFit] = []
    for name in covariances:
        made = fit_marginal(values, fixed, subjects, visits, covariance=name)
        if isinstance(made, MixedFit) and (reason := _unusable(made)):
            made = NoFit(name, reason)
        if isinstance(made, MixedFit):
            return Repeated(made, name, tuple(refused))
        refused.append(made)
    return Repeated(None, "", tuple(refused))


def _unusable(fit: MixedFit) -> str:
    """Return why small-sample inference breaks down for this fit, or nothing."""
    model = np.diag(fit.covariance)
    ratio = np.diag(kenward_roger_covariance(fit)) / model
    if not np.all(np.isfinite(ratio)) or ratio.min() <= 0 or ratio.max() > 100:
        return "its small-sample correction is not usable, there are too few subjects for it"
    return ""
