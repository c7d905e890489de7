"""Simon's two-stage designs: optimal and minimax, by complete search."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.statistics.exact.binomial_tests import binomial_probabilities
from sojourn.statistics.exact.single_stage import check_hypotheses

Array = NDArray[np.float64]
LARGEST_SEARCH = 400


@dataclass(frozen=True, slots=True)
class TwoStageDesign:
    """Stop for futility with `r1` responses or fewer of `n1`; reject p0 with more than `r` of `n`.

    `expected_size` and `early_stop` are the expected number of subjects and the probability to
    stop at the first stage, both under p0; `alpha` and `power` are attained.
    """

    r1: int
    n1: int
    r: int
    n: int
    expected_size: float
    early_stop: float
    alpha: float
    power: float


@dataclass(frozen=True, slots=True)
class TwoStageDesigns:
    """The two designs that Simon names, and the largest size searched."""

    minimax: TwoStageDesign
    optimal: TwoStageDesign
    largest: int


def simon_designs(
    p0: float, p1: float, *, alpha: float = 0.05, beta: float = 0.2, largest: int = 100
) -> TwoStageDesigns:
    """Return Simon's minimax and optimal two-stage designs.

    Every design of up to `largest` subjects is looked at. Of one n, n1 and r1 the smallest r that
    keeps alpha is taken, which has the largest power. Minimax: the smallest n, then the smallest
    expected size; optimal: the smallest expected size under p0.

    Parameters
    ----------
    p0, p1
        response that is of no interest, response hoped for; 0 < p0 < p1 < 1.
    alpha, beta
        bounds of the two errors, not exceeded.
    largest
        largest total size searched, 2 to 400; the optimum is that among these.

    Raises
    ------
    DataError
        if the hypotheses cannot be, or no design is that small.

    References
    ----------
    Simon, Control. Clin. Trials 10 (1989) 1; R clinfun `ph2simon`.

    Examples
    --------
    >>> best = simon_designs(0.1, 0.3).optimal
    >>> best.r1, best.n1, best.r, best.n
    (1, 10, 5, 29)
    """
    check_hypotheses(p0, p1, alpha, beta)
    if not 2 <= largest <= LARGEST_SEARCH:
        raise DataError(f"largest {largest}: expected 2 to {LARGEST_SEARCH} subjects")
    under = [[binomial_probabilities(n, p) for n in range(1, largest + 1)] for p in (p0, p1)]
    minimax: TwoStageDesign | None = None
    optimal: TwoStageDesign | None = None
    for n in range(2, largest + 1):
        if _best_power(under[0][n - 1], under[1][n - 1], alpha) < 1 - beta:
            continue
        bound = optimal.expected_size if optimal else math.inf
        best = _best_of_size(n, under, alpha, beta, bound)
        if best is not None:
            minimax, optimal = minimax or best, best
    if minimax is None or optimal is None:
        raise DataError(
            f"no two-stage design of up to {largest} subjects tells p1 {p1} from p0 {p0} with "
            f"alpha {alpha} and beta {beta}; search a larger one, or relax an error"
        )
    return TwoStageDesigns(minimax, optimal, largest)


def _best_power(under0: Array, under1: Array, alpha: float) -> float:
    """Return the power of the randomized most powerful test of all n, which no design exceeds."""
    size = np.cumsum(under0[::-1])[::-1]
    kept = size <= alpha
    if kept.all():
        return 1.0
    last = int(np.flatnonzero(~kept)[-1])
    left = alpha - (size[last + 1] if last + 1 < len(size) else 0.0)
    return float(under1[kept].sum() + under1[last] * left / under0[last]) + 1e-9


def _best_of_size(
    n: int, under: list[list[Array]], alpha: float, beta: float, bound: float
) -> TwoStageDesign | None:
    """Return the design of `n` subjects with the smallest expected size, if below `bound`."""
    best: TwoStageDesign | None = None
    for n1 in range(1, n):
        if n1 >= bound:
            break
        first = [each[n1 - 1] for each in under]
        stop = np.cumsum(first[0])
        # stopping under p1 costs power: later rows cannot keep beta
        rows = int(np.searchsorted(np.cumsum(first[1]), beta, side="right")) + 1
        size = (n1 + (1 - stop) * (n - n1))[:rows]
        if size.min() >= bound:
            continue
        reject0, reject1 = (
            _rejection(first[i], under[i][n - n1 - 1], n1, n)[:rows] for i in range(2)
        )
        smallest_r = np.argmax(reject0 <= alpha, axis=1)  # reject0 ends at 0 in every row
        good = reject1[np.arange(len(size)), smallest_r] >= 1 - beta
        r1 = int(np.argmin(np.where(good, size, math.inf)))
        if good[r1] and size[r1] < bound:
            r = int(smallest_r[r1])
            attained, power = float(reject0[r1, r]), float(reject1[r1, r])
            bound = float(size[r1])
            best = TwoStageDesign(r1, n1, r, n, bound, float(stop[r1]), attained, power)
    return best


def _rejection(first: Array, second: Array, n1: int, n: int) -> Array:
    """Return the probability to go on from r1 (axis 0) and to end above r (axis 1), r = 0..n."""
    beyond = np.concatenate([np.cumsum(second[::-1])[::-1], [0.0]])  # P(X2 >= k), k = 0..n2 + 1
    needed = np.arange(n + 1)[None, :] + 1 - np.arange(n1 + 1)[:, None]
    each = first[:, None] * beyond[np.clip(needed, 0, n - n1 + 1)]
    from_x = np.cumsum(each[::-1], axis=0)[::-1]  # sum over x >= row
    return np.vstack([from_x[1:], np.zeros(n + 1)])
