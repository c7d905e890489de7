"""Multiple imputation of visits under a multivariate normal model."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sojourn.core.errors import DataError

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Parameters:
    """One draw of the posterior: `coefficients` (p, m), `covariance` (m, m) over visits."""

    coefficients: Floats
    covariance: Floats


def draw_parameters(
    values: ArrayLike,
    fixed: ArrayLike,
    *,
    draws: int,
    rng: np.random.Generator,
    burn_in: int = 200,
    thin: int = 10,
) -> Iterator[Parameters]:
    r"""Yield draws of (B, Sigma) given the observed values, by data augmentation.

    The model is :math:`y_i \sim N(B' x_i, \Sigma)` with the prior
    :math:`p(B, \Sigma) \propto |\Sigma|^{-(m+1)/2}`; values missing at random are drawn and the
    parameters drawn again, in turn. Any pattern of missing visits will do.

    Parameters
    ----------
    values
        (n, m), one row for each subject; NaN where missing.
    fixed
        X (n, p), complete, of full column rank: arms, baseline, covariates.
    draws
        how many, at least 1.
    rng
        the randomness.
    burn_in, thin
        steps before the first draw and from one draw to the next.

    Raises
    ------
    DataError
        if `fixed` is not complete or not of full rank, a visit has no value at all, fewer than
        m + p + 1 subjects are there, or the observed values leave no spread.

    References
    ----------
    Schafer, Analysis of Incomplete Multivariate Data, Chapman and Hall 1997, chapter 5.
    """
    y, x = np.array(values, dtype=np.float64), np.asarray(fixed, dtype=np.float64)
    _check(y, x, draws)
    scale = np.nanstd(y, axis=0)
    if np.any(scale <= 0):
        raise DataError("the values of a visit have no spread: nothing to impute from")
    y = y / scale
    basis, upper = np.linalg.qr(x)
    back = np.linalg.inv(upper)
    missing = np.isnan(y)
    patterns = _patterns(missing)
    filled = np.where(missing, np.nanmean(y, axis=0), y)
    # The start has spread in what is filled in: a mean alone has none where few are observed.
    filled = filled + missing * rng.standard_normal(y.shape)
    for step in range(burn_in + draws * thin):
        coefficients, covariance = _posterior_draw(filled, basis, rng)
        filled = _fill(filled, basis @ coefficients, covariance, patterns, rng)
        if step >= burn_in and (step - burn_in + 1) % thin == 0:
            yield Parameters(back @ coefficients * scale, covariance * np.outer(scale, scale))


def complete(
    values: ArrayLike, means: ArrayLike, covariance: ArrayLike, *, rng: np.random.Generator
) -> Floats:
    """Return `values` (n, m) with what is NaN drawn from its distribution given the rest.

    Parameters
    ----------
    values
        (n, m), NaN where missing.
    means
        (n, m), of each subject under the assumption made for it.
    covariance
        (m, m).
    rng
        the randomness.

    Returns
    -------
        (n, m) without NaN; observed values are as they were.
    """
    y = np.array(values, dtype=np.float64)
    expected, sigma = np.asarray(means, dtype=np.float64), np.asarray(covariance, dtype=np.float64)
    return _fill(y, expected, sigma, _patterns(np.isnan(y)), rng)


def _check(y: Floats, x: Floats, draws: int) -> None:
    if y.ndim != 2 or x.ndim != 2 or len(y) != len(x):
        raise DataError(f"values have shape {y.shape}, fixed effects {x.shape}")
    if not np.all(np.isfinite(x)) or np.any(np.isinf(y)):
        raise DataError("fixed effects must be complete, values finite or NaN")
    if draws < 1:
        raise DataError(f"{draws} draws; expected at least 1")
    (n, m), p = y.shape, x.shape[1]
    if empty := [j + 1 for j in range(m) if np.isnan(y[:, j]).all()]:
        raise DataError(f"visit {empty[0]} has no value at all: nothing to impute from")
    if np.linalg.matrix_rank(x) < p:
        raise DataError(
            "some fixed effects cannot be told apart by these subjects; leave terms out"
        )
    if n < m + p + 1:
        raise DataError(f"{n} subjects for {m} visits and {p} fixed effects; needs {m + p + 1}")
    if np.any((~np.isnan(y)).sum(axis=0) < p + 2):
        raise DataError(f"a visit has too few values for {p} fixed effects")


def _patterns(missing: Booleans) -> list[tuple[NDArray[np.intp], Booleans]]:
    """Return the subjects of each pattern with something missing."""
    found, index = np.unique(missing, axis=0, return_inverse=True)
    index = index.ravel()
    return [(np.flatnonzero(index == i), one) for i, one in enumerate(found) if one.any()]


def _fill(
    y: Floats,
    means: Floats,
    sigma: Floats,
    patterns: list[tuple[NDArray[np.intp], Booleans]],
    rng: np.random.Generator,
) -> Floats:
    made = y.copy()
    for rows, gone in patterns:
        there = ~gone
        slope = np.linalg.solve(sigma[np.ix_(there, there)], sigma[np.ix_(there, gone)])
        left = sigma[np.ix_(gone, gone)] - sigma[np.ix_(gone, there)] @ slope
        root = np.linalg.cholesky((left + left.T) / 2)
        away = (y[rows] - means[rows])[:, there]
        noise = rng.standard_normal((len(rows), int(gone.sum()))) @ root.T
        made[np.ix_(rows, np.flatnonzero(gone))] = means[rows][:, gone] + away @ slope + noise
    return made


def _posterior_draw(y: Floats, basis: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return (B, Sigma) given complete values: inverse Wishart, then normal."""
    n, p = basis.shape
    m = y.shape[1]
    estimate = basis.T @ y
    residual = y - basis @ estimate
    squares = residual.T @ residual
    root = np.linalg.inv(np.linalg.cholesky(squares)).T
    lower = np.tril(rng.standard_normal((m, m)), -1)
    lower[np.diag_indices(m)] = np.sqrt(rng.chisquare(n - p - np.arange(m)))
    precision_root = root @ lower
    inverse = np.linalg.inv(precision_root)
    covariance = inverse.T @ inverse
    noise = rng.standard_normal((p, m)) @ np.linalg.cholesky(covariance).T
    return estimate + noise, covariance
