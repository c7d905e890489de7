"""Beta mixtures: prior and posterior of a proportion, in closed form."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaincc, betaln, gammaln, logsumexp, xlog1py, xlogy

from sojourn.core.errors import DataError


@dataclass(frozen=True, slots=True)
class BetaMixture:
    """A distribution on 0 to 1: beta components (weight, a, b), the weights summing to one."""

    components: tuple[tuple[float, float, float], ...]

    def __post_init__(self) -> None:
        total = math.fsum(weight for weight, _, _ in self.components)
        if not self.components or abs(total - 1) > 1e-9:
            raise DataError(f"weights of a mixture sum to {total}; expected 1")
        for weight, a, b in self.components:
            if not (weight >= 0 and 0 < a < math.inf and 0 < b < math.inf):
                raise DataError(
                    f"component (weight {weight}, a {a}, b {b}); expected weight >= 0, a, b > 0"
                )

    @property
    def mean(self) -> float:
        """Return the mean."""
        return math.fsum(w * a / (a + b) for w, a, b in self.components)

    @property
    def variance(self) -> float:
        """Return the variance."""
        squares = (w * a * (a + 1) / ((a + b) * (a + b + 1)) for w, a, b in self.components)
        return math.fsum(squares) - self.mean**2

    @property
    def effective_size(self) -> float:
        """Return a + b of the one beta with this mean and variance: as many subjects it is worth.

        References
        ----------
        Morita, Thall and Mueller, Biometrics 64 (2008) 595 (a beta is worth a + b); matching of
        moments as in Schmidli et al., Biometrics 70 (2014) 1023.
        """
        return self.mean * (1 - self.mean) / self.variance - 1

    def below(self, p: float) -> float:
        """Return the probability of a value up to `p`."""
        return math.fsum(w * float(betainc(a, b, p)) for w, a, b in self.components)

    def above(self, p: float) -> float:
        """Return the probability of a value beyond `p`."""
        return math.fsum(w * float(betaincc(a, b, p)) for w, a, b in self.components)

    def density(self, p: float) -> float:
        """Return the density at `p`, infinite where a component is."""
        parts = []
        for w, a, b in self.components:
            if (p == 0 and a < 1) or (p == 1 and b < 1):
                return math.inf
            log = float(xlogy(a - 1, p) + xlog1py(b - 1, -p) - betaln(a, b))
            parts.append(w * math.exp(log))
        return math.fsum(parts)

    def quantile(self, probability: float) -> float:
        """Return the value with `probability` below it, to 1e-14."""
        if not 0 <= probability <= 1:
            raise DataError(f"probability {probability} is not within 0 to 1")
        return float(self._quantiles(np.array([probability]))[0])

    def _quantiles(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        low, high = np.zeros(len(probabilities)), np.ones(len(probabilities))
        for _ in range(50):
            middle = (low + high) / 2
            below = sum(w * betainc(a, b, middle) for w, a, b in self.components)
            is_low = below < probabilities
            low, high = np.where(is_low, middle, low), np.where(is_low, high, middle)
        return (low + high) / 2

    def central_interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return the interval with equal probability left on both sides."""
        return self.quantile((1 - level) / 2), self.quantile((1 + level) / 2)

    def shortest_interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return the shortest interval that holds `level`; of one peak, that of highest density.

        Of a mixture with two peaks the region of highest density may be two intervals; this is the
        shortest single one, found on 400 places of its lower end, then between the neighbors of
        the best.
        """

        def widths(left: NDArray[np.float64]) -> NDArray[np.float64]:
            return self._quantiles(np.minimum(left + level, 1.0)) - self._quantiles(left)

        low, high = 0.0, 1 - level
        for _ in range(5):
            tails = np.linspace(low, high, 401)
            best = int(np.argmin(widths(tails)))
            low, high = float(tails[max(best - 1, 0)]), float(tails[min(best + 1, 400)])
        left = float(tails[best])
        return self.quantile(left), self.quantile(min(left + level, 1.0))

    def updated(self, successes: int, n: int) -> "BetaMixture":
        r"""Return the posterior after `successes` of `n`.

        .. math:: w_k' \propto w_k \frac{B(a_k + x,\, b_k + n - x)}{B(a_k, b_k)}

        Raises
        ------
        DataError
            if the counts cannot be.
        """
        _check_counts(successes, n)
        logs = [
            math.log(w) + float(betaln(a + successes, b + n - successes) - betaln(a, b))
            if w > 0
            else -math.inf
            for w, a, b in self.components
        ]
        whole = float(logsumexp(logs))
        weights = [math.exp(log - whole) for log in logs]
        scale = math.fsum(weights)
        return BetaMixture(
            tuple(
                (weight / scale, a + successes, b + n - successes)
                for weight, (_, a, b) in zip(weights, self.components, strict=True)
            )
        )

    def predicted(self, n: int) -> NDArray[np.float64]:
        """Return the probability of 0 to `n` successes among `n` new subjects (n + 1)."""
        _check_counts(0, n)
        x = np.arange(n + 1)
        choose = gammaln(n + 1) - gammaln(x + 1) - gammaln(n - x + 1)
        made = np.zeros(n + 1)
        for w, a, b in self.components:
            made += w * np.exp(choose + betaln(a + x, b + n - x) - betaln(a, b))
        return made


def robust_prior(
    successes: float,
    n: float,
    *,
    vague_weight: float = 0.2,
    discount: float = 1.0,
    initial: tuple[float, float] = (1.0, 1.0),
    vague: tuple[float, float] = (1.0, 1.0),
) -> BetaMixture:
    """Return a prior from a historical control that gives way where new data disagree with it.

    Parameters
    ----------
    successes, n
        of the historical control, 0 <= `successes` <= `n`.
    vague_weight
        prior probability that the control does not apply, 0 to 1.
    discount
        share of the control's subjects that counts (power prior), 0 to 1: one past study cannot say
        how far studies differ, so that this is a judgement, to be varied.
    initial, vague
        beta before the control was seen; vague component.

    Returns
    -------
        ``(1 - vague_weight) Beta(a + d x, b + d (n - x)) + vague_weight Beta(vague)``.

    Raises
    ------
    DataError
        if counts, weight or discount cannot be.

    References
    ----------
    Schmidli et al., Biometrics 70 (2014) 1023. Ibrahim and Chen, Stat. Sci. 15 (2000) 46.

    Examples
    --------
    >>> prior = robust_prior(14, 27)
    >>> prior.components
    ((0.8, 15.0, 14.0), (0.2, 1.0, 1.0))
    """
    if not 0 <= successes <= n or not 0 <= vague_weight <= 1 or not 0 <= discount <= 1:
        raise DataError(
            f"control {successes} of {n}, vague weight {vague_weight}, discount {discount}: "
            "expected 0 <= successes <= n, shares within 0 to 1"
        )
    a, b = initial
    informed = (1 - vague_weight, a + discount * successes, b + discount * (n - successes))
    return BetaMixture((informed, (vague_weight, *vague)))


def predictive_probability(
    prior: BetaMixture,
    successes: int,
    n: int,
    *,
    planned: int,
    p0: float,
    threshold: float = 0.975,
) -> float:
    """Return the probability that the trial ends with P(p > `p0`) above `threshold`.

    Parameters
    ----------
    prior
        of the proportion.
    successes, n
        so far.
    planned
        subjects at the end, at least `n`.
    p0, threshold
        the proportion to exceed and how surely.

    Returns
    -------
        0 to 1; 0 or 1 once all planned subjects are there.

    Raises
    ------
    DataError
        if the counts cannot be.

    References
    ----------
    Lee and Liu, Clin. Trials 5 (2008) 93.
    """
    _check_counts(successes, n)
    if planned < n:
        raise DataError(f"{planned} planned subjects, {n} are there already")
    more = planned - n
    ahead = prior.updated(successes, n).predicted(more)
    ends = (prior.updated(successes + x, planned).above(p0) > threshold for x in range(more + 1))
    return min(1.0, math.fsum(p for p, wins in zip(ahead, ends, strict=True) if wins))


def _check_counts(successes: int, n: int) -> None:
    if not 0 <= successes <= n:
        raise DataError(f"{successes} successes of {n}: expected 0 <= successes <= n")
