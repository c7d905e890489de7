"""What a regression returns for its terms, and the tests of all terms at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, erfc

from sojourn.core.errors import DataError
from sojourn.statistics._distributions import normal_quantile


class NotEstimableError(DataError):
    """The data are legal, but do not determine the model: no event, or collinear covariates."""


@dataclass(frozen=True, slots=True)
class ChiSquaredTest:
    """A statistic that is chi-squared with `degrees` of freedom if the hypothesis holds.

    `statistic` and `p_value` are NaN where the test does not exist.
    """

    statistic: float
    degrees: int
    p_value: float


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """Coefficients of a regression (logarithms of ratios) and their covariance.

    `coefficients` has shape (terms,), `covariance` (terms, terms). `infinite` names the terms whose
    likelihood has no maximum at any finite value: their coefficient is plus or minus infinity,
    their row and column of `covariance` NaN, and no test or interval by standard error exists.
    `undetermined` names those on which nothing is left to say once these are infinite, as the ratio
    of two groups that both have no event: coefficient, row and column are NaN.
    """

    names: tuple[str, ...]
    coefficients: NDArray[np.float64]
    covariance: NDArray[np.float64]
    infinite: tuple[str, ...] = ()
    undetermined: tuple[str, ...] = ()

    @property
    def without_value(self) -> tuple[str, ...]:
        """Return the names of the terms that are infinite or undetermined."""
        return (*self.infinite, *self.undetermined)

    @property
    def standard_errors(self) -> NDArray[np.float64]:
        """Return the standard error of each coefficient, shape (terms,); NaN if infinite."""
        return np.sqrt(np.diag(self.covariance))

    @property
    def z(self) -> NDArray[np.float64]:
        """Return coefficient by standard error, shape (terms,); NaN if infinite."""
        return np.where(np.isfinite(self.coefficients), self.coefficients, np.nan) / (
            self.standard_errors
        )

    @property
    def p_values(self) -> NDArray[np.float64]:
        """Return the two-sided p-value of `z` under the normal law, shape (terms,)."""
        return np.asarray(erfc(np.abs(self.z) / np.sqrt(2)), dtype=np.float64)

    @property
    def ratios(self) -> NDArray[np.float64]:
        """Return the ratios (of hazards) for one unit more, exp(coefficient), shape (terms,)."""
        with np.errstate(over="ignore"):  # beyond the largest float is infinity
            return np.exp(self.coefficients)

    def ratio_interval(
        self, *, level: float = 0.95
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return lower and upper bounds of `ratios` by Wald, each of shape (terms,).

        NaN for an infinite or undetermined term: its Wald interval does not exist.
        """
        half = normal_quantile((1 + level) / 2) * self.standard_errors
        finite = np.where(np.isfinite(self.coefficients), self.coefficients, np.nan)
        with np.errstate(over="ignore"):  # beyond the largest float is infinity
            return np.exp(finite - half), np.exp(finite + half)


def chi_squared_test(statistic: float, degrees: int) -> ChiSquaredTest:
    """Return the test whose statistic is chi-squared with `degrees` of freedom.

    Examples
    --------
    >>> round(chi_squared_test(3.841458820694124, 1).p_value, 10)
    0.05
    """
    return ChiSquaredTest(statistic, degrees, float(chdtrc(degrees, statistic)))


def checked_names(names: Sequence[str] | None, n_terms: int) -> tuple[str, ...]:
    """Return `names`, or x1, x2, ... where None is given.

    Raises
    ------
    DataError
        if their number is wrong or one stands twice.
    """
    given = tuple(names) if names is not None else tuple(f"x{i + 1}" for i in range(n_terms))
    if len(given) != n_terms or len(set(given)) != n_terms:
        raise DataError(f"{n_terms} covariates have the names {given}; expected one name for each")
    return given


def checked_covariates(
    covariates: NDArray[np.float64], n: int, names: tuple[str, ...]
) -> NDArray[np.float64]:
    """Return `covariates` as floats, shape (n, terms).

    Raises
    ------
    DataError
        if the shape is wrong or a value is not finite, naming row and covariate.
    """
    values = np.asarray(covariates, dtype=np.float64)
    if values.shape != (n, len(names)):
        raise DataError(
            f"covariates have shape {values.shape}; expected {(n, len(names))}, a row for each time"
        )
    wrong = np.argwhere(~np.isfinite(values))
    if len(wrong):
        row, column = wrong[0]
        raise DataError(
            f"row {row}: covariate {names[column]} is {values[row, column]}; expected a number. "
            "Leave the row out, or impute it by a named method"
        )
    return values


def check_identified(information: NDArray[np.float64], names: tuple[str, ...]) -> None:
    """Refuse terms that the others determine, by name.

    Parameters
    ----------
    information
        at coefficients of 0, of standardized covariates, by event, shape (terms, terms).
    names
        of the terms.

    Raises
    ------
    NotEstimableError
        if a term does not vary where events happen, or is a linear combination of those before.
    """
    kept: list[int] = []
    for j, name in enumerate(names):
        if information[j, j] < 1e-10:
            raise NotEstimableError(
                f"covariate {name} is the same for all subjects at risk at every event: it has no "
                "estimate; leave it out"
            )
        if not kept:
            kept.append(j)
            continue
        inner = information[np.ix_(kept, kept)]
        weights = np.linalg.solve(inner, information[kept, j])
        if information[j, j] - information[kept, j] @ weights < 1e-9 * information[j, j]:
            others = [names[k] for k, w in zip(kept, weights, strict=True) if abs(w) > 1e-6]
            raise NotEstimableError(
                f"covariate {name} is a linear combination of {', '.join(others)} wherever events "
                "happen: leave one of them out"
            )
        kept.append(j)
