"""Fit a linear model with correlated values: random effects, or a covariance over visits."""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sojourn.core.errors import DataError
from sojourn.statistics.mixed._likelihood import (
    Block,
    Curvature,
    deviance_alone,
    evaluate,
    make_blocks,
)
from sojourn.statistics.mixed._newton import Minimum, minimize
from sojourn.statistics.mixed.structures import (
    CompoundSymmetry,
    FirstOrderAutoregressive,
    RandomEffects,
    Structure,
    Unstructured,
)

Floats = NDArray[np.float64]

COVARIANCES = ("unstructured", "ar1", "compound_symmetry")
"""Names of the covariances over visits that `fit_marginal` knows."""


@dataclass(frozen=True, slots=True, eq=False)
class MixedFit:
    """A fitted model: `coefficients` (p), their model-based `covariance` (p, p), `theta` (q).

    `names` are those of `theta`: variances and covariances in the data's units squared.
    `log_likelihood` is restricted where `method` is REML, with all its constants (as R's lme4 and
    nlme). `is_singular` where a variance of the random effects is estimated as zero.
    """

    coefficients: Floats
    covariance: Floats
    names: tuple[str, ...]
    theta: Floats
    log_likelihood: float
    method: str
    structure: str
    n_observations: int
    n_subjects: int
    iterations: int
    is_singular: bool
    curvature: Curvature = field(repr=False)
    basis: Floats = field(repr=False)
    free_hessian: Floats = field(repr=False)
    free_jacobian: Floats = field(repr=False)


@dataclass(frozen=True, slots=True)
class NoFit:
    """A model that the data do not carry, with the reason in words."""

    structure: str
    reason: str


def fit_random_effects(
    values: ArrayLike,
    fixed: ArrayLike,
    subjects: ArrayLike,
    *,
    random: ArrayLike | None = None,
    restricted: bool = True,
) -> MixedFit | NoFit:
    r"""Fit y = X beta + Z b + e with b ~ N(0, G), e ~ N(0, sigma^2 I), by REML or ML.

    .. math:: -2\ell_R = (N-p)\log 2\pi + \log|V| + \log|X'V^{-1}X| + r'V^{-1}r

    Parameters
    ----------
    values
        y (N), any unit.
    fixed
        X (N, p), of full column rank, the intercept among its columns.
    subjects
        which subject each row belongs to (N), integers or strings.
    random
        Z (N, d); a column of ones (random intercept) where None. G is a full matrix.
    restricted
        REML if true, else ML.

    Returns
    -------
        the fit; theta is the lower triangle of G row by row, then sigma^2. A variance that is best
        at zero is zero, said by `is_singular`. `NoFit` where the likelihood has no maximum.

    Raises
    ------
    DataError
        if shapes differ, a value is not finite, or X has not full column rank.

    References
    ----------
    Bates et al., J. Stat. Softw. 67 (2015) 1 (the criterion; our search is another).
    """
    data = _check(values, fixed, subjects)
    effects = np.ones((len(data.values), 1)) if random is None else _matrix(random)
    if len(effects) != len(data.values):
        raise DataError(f"{len(effects)} rows of random effects for {len(data.values)} values")
    scales = np.sqrt(np.mean(effects**2, axis=0))
    if np.any(scales == 0):
        raise DataError("a column of the random effects is zero throughout; leave it out")
    size = effects.shape[1]
    if np.unique(data.subjects).size < 2 or np.unique(data.subjects).size == len(data.values):
        return NoFit("random effects", "needs two subjects, and one with two values")
    units = np.append([1 / (scales[i] * scales[j]) for i in range(size) for j in range(i + 1)], 1)
    starts = [RandomEffects(size, scale) for scale in (0.5, 0.02)]
    fits = [
        _fit(data, one, effects / scales, units, "random effects", restricted) for one in starts
    ]
    made = [one for one in fits if isinstance(one, MixedFit)]
    return max(made, key=lambda one: one.log_likelihood) if made else fits[0]


def fit_marginal(
    values: ArrayLike,
    fixed: ArrayLike,
    subjects: ArrayLike,
    visits: ArrayLike,
    *,
    covariance: str = "unstructured",
) -> MixedFit | NoFit:
    """Fit y = X beta + e by REML, e correlated over the visits of a subject (an MMRM).

    Visits that were not made are left out; the likelihood is valid where they are missing at
    random. Neighboring visits count as one step apart in "ar1", whatever the days between.

    Parameters
    ----------
    values
        y (N), any unit.
    fixed
        X (N, p), of full column rank.
    subjects
        which subject each row belongs to (N).
    visits
        index of the visit of each row (N), 0 to m - 1; no subject has a visit twice.
    covariance
        one of `COVARIANCES`.

    Returns
    -------
        the fit, or `NoFit` with the reason: two visits that nobody made both, a likelihood without
        a maximum (a covariance that becomes singular), or a search that did not end.

    Raises
    ------
    DataError
        if shapes differ, a value is not finite, a visit stands twice, the name is unknown, or X
        has not full column rank.

    References
    ----------
    Mallinckrodt et al., Drug Inf. J. 42 (2008) 303.
    """
    data = _check(values, fixed, subjects)
    index = np.asarray(visits)
    if index.shape != data.values.shape or index.min(initial=0) < 0:
        raise DataError(f"visits have shape {index.shape}, expected {data.values.shape}, from 0")
    index = index.astype(np.int64)
    places = np.stack([data.subjects, index], axis=1)
    if len(np.unique(places, axis=0)) < len(places):
        raise DataError("a subject has a visit twice; expected one value for each visit")
    m = int(index.max()) + 1
    structures: dict[str, Structure] = {
        "unstructured": Unstructured(m),
        "ar1": FirstOrderAutoregressive(m),
        "compound_symmetry": CompoundSymmetry(m),
    }
    if covariance not in structures:
        raise DataError(f"covariance {covariance!r} is unknown; known: {', '.join(COVARIANCES)}")
    structure = Unstructured(1) if m == 1 else structures[covariance]
    if reason := _not_carried(places, m, covariance):
        return NoFit(covariance, reason)
    order = np.lexsort((index, data.subjects))
    data = _Data(data.values[order], data.fixed[order], data.subjects[order])
    units = np.ones(len(structure.names))
    return _fit(data, structure, index[order].astype(np.float64), units, covariance, True)


def _not_carried(places: NDArray[np.int64], m: int, covariance: str) -> str:
    """Return why the visits cannot carry the covariance, or nothing."""
    if m > 1 and len(places) == len(np.unique(places[:, 0])):
        return "no subject has two visits: their correlation is not known"
    made = np.zeros((int(places[:, 0].max()) + 1, m))
    made[places[:, 0], places[:, 1]] = 1
    together = made.T @ made
    if covariance == "unstructured" and np.any(together < 2):
        i, j = np.argwhere(together < 2)[0]
        return (
            f"visits {i + 1} and {j + 1} were both made by {int(together[i, j])} subjects, "
            "too few for a covariance of their own"
        )
    return ""


@dataclass(frozen=True, slots=True, eq=False)
class _Data:
    values: Floats
    fixed: Floats
    subjects: NDArray[np.int64]


def _matrix(values: ArrayLike) -> Floats:
    made = np.asarray(values, dtype=np.float64)
    return made[:, None] if made.ndim == 1 else made


def _check(values: ArrayLike, fixed: ArrayLike, subjects: ArrayLike) -> _Data:
    y, x = np.asarray(values, dtype=np.float64), _matrix(fixed)
    labels = np.asarray(subjects)
    if y.ndim != 1 or x.ndim != 2 or not len(y) == len(x) == len(labels):
        raise DataError(
            f"values have shape {y.shape}, fixed effects {x.shape}, subjects {labels.shape}; "
            "expected (N,), (N, p), (N,)"
        )
    if not (np.all(np.isfinite(y)) and np.all(np.isfinite(x))):
        raise DataError("a value or a covariate is not finite; leave missing rows out")
    scale = np.maximum(np.abs(x).max(axis=0, initial=0.0), 1e-300)
    rank = int(np.linalg.matrix_rank(x / scale)) if x.size else 0
    if rank < x.shape[1] or x.shape[1] == 0:
        raise DataError(
            f"the fixed effects have {x.shape[1]} columns of rank {rank}: some cannot be told "
            "apart by these rows; leave terms out"
        )
    _, codes = np.unique(labels, return_inverse=True)
    return _Data(y, x, codes.astype(np.int64).ravel())


def _fit(
    data: _Data,
    structure: Structure,
    design: Floats,
    units: Floats,
    name: str,
    restricted: bool,
) -> MixedFit | NoFit:
    """Fit in a basis of unit scale: orthonormal columns, residuals of variance one."""
    n, p = data.fixed.shape
    if n <= p + 1:
        return NoFit(name, f"{n} values for {p} coefficients: nothing is left for the variances")
    scale = np.abs(data.fixed).max(axis=0)
    columns, upper = np.linalg.qr(data.fixed / scale)
    projection = columns.T @ data.values
    spread = math.sqrt(float(np.sum((data.values - columns @ projection) ** 2)) / (n - p))
    if spread <= 1e-12 * float(np.abs(data.values).max()):
        return NoFit(name, "the values show no spread about the fixed effects")
    blocks = make_blocks(data.values / spread, columns, data.subjects, design)
    end = _search(structure, blocks, restricted)
    theta, jacobian, bends = structure.natural(end.point)
    found = evaluate(structure, theta, blocks, restricted=restricted)
    if not end.is_converged or found is None:
        return NoFit(name, _why(structure, theta, end))
    free = jacobian.T @ found.hessian @ jacobian + np.einsum("k,kab->ab", found.gradient, bends)
    basis = np.linalg.inv(upper) * spread / scale[:, None]
    power = structure.variance_scale()
    kept = n - p if restricted else n
    constant = kept * math.log(2 * math.pi * spread**2)
    if restricted:
        constant += 2 * float(np.log(np.abs(np.diag(upper)) * scale).sum())
    return MixedFit(
        coefficients=basis @ found.beta,
        covariance=basis @ found.phi @ basis.T,
        names=structure.names,
        theta=theta * units * spread ** (2 * power),
        log_likelihood=-(constant + found.deviance) / 2,
        method="REML" if restricted else "ML",
        structure=name,
        n_observations=n,
        n_subjects=int(np.unique(data.subjects).size),
        iterations=end.iterations,
        is_singular=isinstance(structure, RandomEffects) and _is_singular(structure, theta),
        curvature=found,
        basis=basis,
        free_hessian=free,
        free_jacobian=jacobian,
    )


def _search(structure: Structure, blocks: tuple[Block, ...], restricted: bool) -> Minimum:
    q = len(structure.names)

    def curve(phi: Floats) -> tuple[float, Floats, Floats]:
        theta, jacobian, bends = structure.natural(phi)
        at = evaluate(structure, theta, blocks, restricted=restricted)
        if at is None:
            return math.inf, np.zeros(q), np.eye(q)
        bent = np.einsum("k,kab->ab", at.gradient, bends)
        return at.deviance, jacobian.T @ at.gradient, jacobian.T @ at.hessian @ jacobian + bent

    def height(phi: Floats) -> float:
        return deviance_alone(structure, structure.natural(phi)[0], blocks, restricted=restricted)

    end = minimize(curve, structure.start(), height=height, max_iterations=100)
    # A variance that vanishes is set to zero where the likelihood is no worse for it.
    clean = np.where(np.abs(end.point) < 1e-5, 0.0, end.point)
    if end.is_converged and np.any(clean != end.point):
        value, _, hessian = curve(clean)
        if value <= end.value + 1e-9:
            return Minimum(clean, value, hessian, end.iterations, True)
    return end


def _is_singular(structure: RandomEffects, theta: Floats) -> bool:
    """Tell whether the covariance of the random effects has lost rank (1e-4 in its root)."""
    size = structure.size
    inner = np.zeros((size, size))
    rows, columns = np.tril_indices(size)
    inner[rows, columns] = inner[columns, rows] = theta[:-1]
    least = float(np.linalg.eigvalsh(inner)[0])
    return least < 1e-8 * float(theta[-1])


def _why(structure: Structure, theta: Floats, end: Minimum) -> str:
    """Return in words why a search has no good end."""
    if isinstance(structure, Unstructured):
        whole = structure.covariance(theta, np.arange(structure.visits, dtype=np.float64))
        if float(np.linalg.cond(whole)) > 1e6:
            return (
                "the estimated covariance becomes singular: the likelihood has no maximum, there "
                "are too few subjects for it"
            )
    return f"the search for the covariance did not converge in {end.iterations} steps"
