"""Single-stage designs of a proportion: exact cut-off, attained alpha and power."""

from dataclasses import dataclass

from scipy.special import bdtrc

from sojourn.core.errors import DataError
from sojourn.statistics.exact.checks import check_probability, check_successes


@dataclass(frozen=True, slots=True)
class SingleStageDesign:
    """Reject p0 with `reject_from` or more responses of `n`; `alpha` and `power` are attained.

    `reject_from` is n + 1 where no number of responses is enough.
    """

    n: int
    reject_from: int
    alpha: float
    power: float


def single_stage_power(n: int, p0: float, p1: float, *, alpha: float = 0.05) -> SingleStageDesign:
    """Return the exact one-sided test of p0 with `n` subjects and its power at p1.

    Parameters
    ----------
    n
        number of subjects, 1 or more.
    p0, p1
        response of no interest, response hoped for; 0 < p0 < p1 < 1.
    alpha
        bound of the one-sided error, not exceeded.

    Raises
    ------
    DataError
        if the numbers cannot be.

    References
    ----------
    A'Hern, Stat. Med. 20 (2001) 859.

    Examples
    --------
    >>> design = single_stage_power(68, 0.5, 0.65)
    >>> design.reject_from, round(design.alpha, 4), round(design.power, 4)
    (42, 0.0341, 0.7558)
    """
    check_hypotheses(p0, p1, alpha, 0.5)
    _, n = check_successes(0, n)
    # bisection over the cut-off: P(X >= cut) falls with it, and is 0 at n + 1
    low, high = 0, n + 1
    while high - low > 1:
        middle = (low + high) // 2
        if _at_least(middle, n, p0) <= alpha:
            high = middle
        else:
            low = middle
    return SingleStageDesign(n, high, _at_least(high, n, p0), _at_least(high, n, p1))


def ahern_design(
    p0: float, p1: float, *, alpha: float = 0.05, beta: float = 0.2, largest: int = 1000
) -> SingleStageDesign:
    """Return A'Hern's single-stage design: the smallest n that keeps both errors.

    Power is no monotone function of n: some larger n fall short again.

    Parameters
    ----------
    p0, p1
        response of no interest, response hoped for; 0 < p0 < p1 < 1.
    alpha, beta
        bounds of the two errors, not exceeded.
    largest
        largest n searched.

    Raises
    ------
    DataError
        if the hypotheses cannot be, or no design is that small.

    References
    ----------
    A'Hern, Stat. Med. 20 (2001) 859.

    Examples
    --------
    >>> design = ahern_design(0.1, 0.3)
    >>> design.reject_from, design.n
    (6, 25)
    """
    check_hypotheses(p0, p1, alpha, beta)
    for n in range(1, largest + 1):
        design = single_stage_power(n, p0, p1, alpha=alpha)
        if design.power >= 1 - beta:
            return design
    raise DataError(
        f"no single-stage design of up to {largest} subjects tells p1 {p1} from p0 {p0} with "
        f"alpha {alpha} and beta {beta}"
    )


def check_hypotheses(p0: float, p1: float, alpha: float, beta: float) -> None:
    """Check that 0 < p0 < p1 < 1 and that both errors lie between 0 and 1.

    Raises
    ------
    DataError
        if they do not.
    """
    check_probability(p0, "p0")
    check_probability(p1, "p1")
    if not 0 < p0 < p1 < 1:
        raise DataError(f"p0 {p0} and p1 {p1}: expected 0 < p0 < p1 < 1")
    if not (0 < alpha < 1 and 0 < beta < 1):
        raise DataError(f"alpha {alpha} and beta {beta}: expected both between 0 and 1")


def _at_least(k: int, n: int, p: float) -> float:
    if k > n:
        return 0.0
    return float(bdtrc(k - 1, n, p)) if k > 0 else 1.0
