"""Lambda from the scan itself: discrepancy principle, L-curve, generalised cross-validation.

All three are rules for the linear problem, Tikhonov with real voxels of either sign:
minimise ||A x - b||^2 + lambda ||x||^2, A the prepared rows, real parts above imaginary ones. One
decomposition of A serves every lambda and every scan. A method with further constraints takes
the lambda that this problem would have.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from sojourn.core.errors import DataError
from sojourn.reconstruction._operators import stack_parts
from sojourn.reconstruction._prepared import Measured, PreparedMethod, ScanSolver, Solution, Solver
from sojourn.reconstruction._rows import PreparedRows
from sojourn.reconstruction.uncertainty.noise import estimate_row_noise

Array = NDArray[np.float64]

LOWEST, HIGHEST = 1e-10, 10.0
"""Range of lambda that is searched, in units of the largest squared singular value."""
N_LAMBDAS = 221
"""Values of lambda on the curve, 20 to a decade; the best is refined between its neighbours."""
GOLDEN = (np.sqrt(5) - 1) / 2
FEWEST_LAMBDAS = 3
"""With fewer between the squared singular values the L-curve is searched a decade beyond them."""
REFINEMENTS = 60
"""Steps of bisection or golden section: down to rounding."""


class RegularizationRule(StrEnum):
    """How lambda is found.

    DISCREPANCY leaves as much residual as there is noise. L_CURVE takes the sharpest bend of
    log residual against log norm of the image. GCV predicts each row from the others best.
    """

    DISCREPANCY = "discrepancy"
    L_CURVE = "l_curve"
    GCV = "gcv"


Regularization = Annotated[float, Field(ge=0, allow_inf_nan=False)] | RegularizationRule
"""Type of a setting: a relative lambda, or the rule that finds one."""


@dataclass(frozen=True, slots=True, eq=False)
class RegularizationChoice:
    """The lambda that a rule found, and the curve that it was found on.

    `regularization` is relative (lambda_absolute over the mean squared norm of a column).
    `lambdas` (n,) absolute, with `residuals` ||A x - b||^2, `norms` ||x||^2 and the rule's
    `scores` there: residual minus noise (zero is sought), curvature (greatest), GCV (least).
    `noise` is the squared norm that the discrepancy principle aimed at. `is_at_edge` where no
    lambda within the searched range is better than its end.
    """

    rule: RegularizationRule
    regularization: float
    lambda_absolute: float
    lambdas: Array
    residuals: Array
    norms: Array
    scores: Array
    noise: float | None
    is_at_edge: bool

    def report(self) -> dict[str, Any]:
        """Return what belongs into an image's provenance, as plain values."""
        return {
            "regularization_rule": self.rule.value,
            "regularization_found": self.regularization,
            "lambda_absolute": self.lambda_absolute,
            "regularization_at_edge": self.is_at_edge,
            **({} if self.noise is None else {"noise_norm": float(np.sqrt(self.noise))}),
        }


@dataclass(frozen=True, slots=True, eq=False)
class TikhonovSpectrum:
    """A = U diag(s) V^T without V: what residual, norm and rules need of a system matrix.

    `used` (2 row,) marks the rows of A that are not zero, `left` (used row, rank) is U, `values`
    (rank,) is s. `scale` is the mean squared norm of a column, the unit of relative lambdas.
    """

    used: NDArray[np.bool_]
    left: Array
    values: Array
    scale: float

    @property
    def n_rows(self) -> int:
        """Number of real rows that are not zero."""
        return int(self.used.sum())


def decompose_rows(columns: NDArray[np.complex128], scale: float) -> TikhonovSpectrum:
    """Return the spectrum of `columns` (row, voxel) for real voxels.

    The eigenvectors of the smaller of A A^T and A^T A are taken: singular values below about
    1e-8 of the largest, which no lambda of the searched range tells from 0, are lost.

    Raises
    ------
    DataError
        if every row is zero.
    """
    stacked = stack_parts(columns)
    used = np.any(stacked != 0, axis=1)
    if not used.any():
        raise DataError(f"all {len(columns)} selected rows of the system matrix are zero")
    stacked = stacked[used]
    is_tall = stacked.shape[1] <= stacked.shape[0]
    squares, vectors = np.linalg.eigh(stacked.T @ stacked if is_tall else stacked @ stacked.T)
    kept = squares > max(stacked.shape) * np.finfo(np.float64).eps * squares[-1]
    values = np.sqrt(squares[kept])[::-1]
    vectors = vectors[:, kept][:, ::-1]
    left = (stacked @ vectors) / values if is_tall else vectors
    return TikhonovSpectrum(used, left, values, scale)


@dataclass(frozen=True, slots=True, eq=False)
class _Curves:
    """Residual, norm and effective parameters of one signal as functions of lambda."""

    squares: Array
    powers: Array
    outside: float
    n_rows: int

    def residual(self, regularization: float) -> float:
        """Return ||A x - b||^2."""
        return float(((regularization / (self.squares + regularization)) ** 2) @ self.powers) + (
            self.outside
        )

    def norm(self, regularization: float) -> float:
        """Return ||x||^2."""
        return float((self.squares / (self.squares + regularization) ** 2) @ self.powers)

    def gcv(self, regularization: float) -> float:
        """Return n ||A x - b||^2 / (n - trace H)^2, H the matrix from b to A x."""
        left = self.n_rows - float((self.squares / (self.squares + regularization)).sum())
        return self.n_rows * self.residual(regularization) / left**2

    def curvature(self, regularization: float) -> float:
        """Return the curvature of log ||x|| over log ||A x - b||; above 0 at a corner.

        With n = ||x||^2 and r the squared residual, r' = -lambda n'.
        """
        below = self.squares + regularization
        weighted = self.squares * self.powers
        r, n = self.residual(regularization), float((weighted / below**2).sum())
        n1 = -2 * float((weighted / below**3).sum())
        n2 = 6 * float((weighted / below**4).sum())
        r1, r2 = -regularization * n1, -n1 - regularization * n2
        if r <= 0 or n <= 0:
            return 0.0
        u1, v1 = r1 / (2 * r), n1 / (2 * n)
        u2, v2 = (r2 * r - r1**2) / (2 * r**2), (n2 * n - n1**2) / (2 * n**2)
        speed = (u1**2 + v1**2) ** 1.5
        return (u1 * v2 - u2 * v1) / speed if speed > 0 else 0.0


def _curves(spectrum: TikhonovSpectrum, signal: NDArray[np.complex128]) -> _Curves:
    stacked = stack_parts(signal)[spectrum.used]
    powers = (spectrum.left.T @ stacked) ** 2
    total = float(stacked @ stacked)
    if not total > 0:
        raise DataError("the signal is zero in every row; there is no lambda to choose")
    outside = max(total - float(powers.sum()), 0.0)
    return _Curves(spectrum.values**2, powers, outside, spectrum.n_rows)


def find_regularization(
    spectrum: TikhonovSpectrum,
    signal: NDArray[np.complex128],
    rule: RegularizationRule,
    *,
    noise: float | None = None,
) -> RegularizationChoice:
    """Return the lambda that `rule` finds for one signal; see `choose_regularization`."""
    curves = _curves(spectrum, signal)
    lambdas = np.geomspace(LOWEST, HIGHEST, N_LAMBDAS) * spectrum.values[0] ** 2
    residuals = np.array([curves.residual(each) for each in lambdas])
    at_edge = False
    if rule is RegularizationRule.DISCREPANCY:
        found, scores = _by_discrepancy(curves, lambdas, residuals, noise)
    elif rule is RegularizationRule.GCV:
        found, scores, at_edge = _least(curves.gcv, lambdas)
    else:
        found, at_edge = _sharpest_bend(spectrum, curves, lambdas)
        scores = np.array([curves.curvature(each) for each in lambdas])
    return RegularizationChoice(
        rule=rule,
        regularization=found / spectrum.scale,
        lambda_absolute=found,
        lambdas=lambdas,
        residuals=residuals,
        norms=np.array([curves.norm(each) for each in lambdas]),
        scores=scores,
        noise=noise if rule is RegularizationRule.DISCREPANCY else None,
        is_at_edge=at_edge,
    )


def _by_discrepancy(
    curves: _Curves, lambdas: Array, residuals: Array, noise: float | None
) -> tuple[float, Array]:
    """Return the lambda whose residual is the noise, by bisection, and the curve."""
    if noise is None or not noise > 0:
        raise DataError(
            f"the discrepancy principle needs the noise of the signal, got {noise}; reconstruct "
            "a scan with background frames, or use the rule 'l_curve' or 'gcv'"
        )
    if residuals[0] >= noise:
        raise DataError(
            f"the best fit leaves a residual of {np.sqrt(residuals[0]):.3g} and noise explains "
            f"{np.sqrt(noise):.3g}: scan and calibration differ by more than noise, so that no "
            "lambda meets the discrepancy principle. Use the rule 'l_curve' or 'gcv'"
        )
    if residuals[-1] <= noise:
        raise DataError(
            f"the signal has a norm of {np.sqrt(residuals[-1]):.3g}, its noise "
            f"{np.sqrt(noise):.3g}: there is nothing to reconstruct beyond noise"
        )
    low, high = np.log(lambdas[0]), np.log(lambdas[-1])
    for _ in range(REFINEMENTS):
        middle = (low + high) / 2
        if curves.residual(float(np.exp(middle))) < noise:
            low = middle
        else:
            high = middle
    return float(np.exp((low + high) / 2)), residuals - noise


def _sharpest_bend(
    spectrum: TikhonovSpectrum, curves: _Curves, lambdas: Array
) -> tuple[float, bool]:
    """Return the lambda of greatest curvature between the squared singular values.

    Beyond them the curve only runs into its ends, and may bend there without meaning.
    """
    low, high = spectrum.values[-1] ** 2, spectrum.values[0] ** 2
    inside = lambdas[(lambdas >= low) & (lambdas <= high)]
    if len(inside) < FEWEST_LAMBDAS:
        inside = np.geomspace(low / 10, high * 10, N_LAMBDAS)
    found, _, at_edge = _least(lambda each: -curves.curvature(each), inside)
    return found, at_edge


def _least(function: Callable[[float], float], lambdas: Array) -> tuple[float, Array, bool]:
    """Return where `function` is least, its values at `lambdas`, and whether that is an end."""
    values = np.array([function(each) for each in lambdas])
    best = int(np.argmin(values))
    if best in (0, len(lambdas) - 1):
        return float(lambdas[best]), values, True
    low, high = np.log(lambdas[best - 1]), np.log(lambdas[best + 1])
    for _ in range(REFINEMENTS):
        left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        if function(float(np.exp(left))) <= function(float(np.exp(right))):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2)), values, False


def choose_regularization(
    rows: PreparedRows,
    signal: NDArray[np.complex128],
    rule: RegularizationRule,
    *,
    noise: float | None = None,
) -> RegularizationChoice:
    r"""Return the lambda that `rule` finds for a signal, with its curve.

    Discrepancy: :math:`\|A x_\lambda - b\|^2 = \delta^2`. L-curve: the greatest curvature of
    :math:`(\log \|A x_\lambda - b\|, \log \|x_\lambda\|)` with lambda between the least and the
    largest squared singular value. GCV, with n real rows: the least
    :math:`n \|A x_\lambda - b\|^2 / (n - \mathrm{tr} H_\lambda)^2`.

    Parameters
    ----------
    rows
        prepared rows of the calibration.
    signal
        as `rows.signal` gives it, one frame or a mean, shape (row,).
    rule
        which rule.
    noise
        expected squared norm of the signal's noise, sum over rows of E|.|^2, as prepared rows
        count it; for the discrepancy principle.

    Raises
    ------
    DataError
        if the signal is zero; for the discrepancy principle also if noise is missing, less than
        the best fit leaves, or more than the signal.

    References
    ----------
    Morozov, Soviet Math. Dokl. 7 (1966) 414; Hansen and O'Leary, SIAM J. Sci. Comput. 14 (1993)
    1487; Golub, Heath and Wahba, Technometrics 21 (1979) 215.
    """
    spectrum = decompose_rows(rows.columns, rows.lambda_absolute(1.0))
    return find_regularization(spectrum, signal, rule, noise=noise)


def measure_noise(prepared: PreparedMethod, measured: Measured) -> float:
    """Return the expected squared norm of the noise of a measured signal, from empty frames.

    Noise of the object's and the subtracted frames, and drift between blocks of empty frames.

    Raises
    ------
    DataError
        if neither scan, empty scans nor calibration hold repeated empty frames.
    """
    scan = measured.scan
    noise = estimate_row_noise(prepared, scan, empty=measured.empty)
    n_all = int((~scan.is_background).sum())
    share = noise.share - 1 / n_all + 1 / measured.n_frames
    drift = sum(float(variance.sum()) for variance in noise.diagonal.values())
    return share * float(noise.frame.variance.sum()) + drift


def automatic_solvers(
    rule: RegularizationRule, rows: PreparedRows, build: Callable[[float], Solver]
) -> tuple[Solver, ScanSolver]:
    """Return a method's solvers that choose lambda for each signal, for `PreparedMethod`.

    Parameters
    ----------
    rule
        which rule.
    rows
        prepared rows; they are decomposed now.
    build
        from an absolute lambda to the method's solver.

    Returns
    -------
        for a signal alone, which the discrepancy principle refuses, and for a scan. What was
        chosen joins the report of each solution.
    """
    spectrum = decompose_rows(rows.columns, rows.lambda_absolute(1.0))

    def solve(signal: NDArray[np.complex128], noise: float | None = None) -> Solution:
        choice = find_regularization(spectrum, signal, rule, noise=noise)
        found = build(choice.lambda_absolute)(signal)
        report: Mapping[str, Any] = {**choice.report(), **found.report}
        return Solution(found.values, report)

    def solve_scan(prepared: PreparedMethod, measured: Measured) -> Solution:
        known = rule is RegularizationRule.DISCREPANCY
        return solve(measured.signal, measure_noise(prepared, measured) if known else None)

    return solve, solve_scan
