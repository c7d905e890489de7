"""Variances of a cumulative incidence: three conventions, each named by who uses it.

All three are the spread of one linear form. With S the event-free probability, a change of the
hazards at time s moves the incidence F of cause k at a later time t by

    S(s-) * (dA_k(s) - (F(t) - F(s)) / S(s) * sum of dA(s) over all causes).

They differ in how the hazards dA(s) are taken to scatter.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from sojourn.statistics.competing.incidence import CumulativeIncidence

Floats = NDArray[np.float64]


def aalen_variance(curve: CumulativeIncidence) -> Floats:
    r"""Return the variance as cmprsk::cuminc reports it: binomial scatter, causes independent.

    At a time with d events of one cause among n at risk the hazard's variance is
    :math:`d/n^2 \cdot (n-d)/(n-1)`; the other causes are pooled.

    Parameters
    ----------
    curve
        of all causes.

    Returns
    -------
        shape (times, causes), of the incidence itself.

    References
    ----------
    Aalen, Ann. Stat. 6 (1978) 534. Gray, Ann. Stat. 16 (1988) 1141.
    """
    result = np.zeros(curve.incidence.shape)
    for k in range(len(curve.causes)):
        scale, own, other, slope = _slopes(curve, k)
        n = curve.at_risk
        d, rest = curve.events[:, k], curve.events.sum(axis=1) - curve.events[:, k]
        f = curve.incidence[:, k]
        result[:, k] = _quadratic(f, scale**2 * d * _shrink(d, n), own, slope)
        result[:, k] += _quadratic(f, scale**2 * rest * _shrink(rest, n), other, slope)
    return np.maximum(result, 0.0)


def greenwood_variance(curve: CumulativeIncidence) -> Floats:
    r"""Return the variance with multinomial scatter, as of a model of several states.

    At a time the hazards of all causes have the covariance
    :math:`(\delta_{kl} d_k - d_k d_l / n)/n^2`. With one cause it is Greenwood's formula.

    Parameters
    ----------
    curve
        of all causes.

    Returns
    -------
        shape (times, causes), of the incidence itself.

    References
    ----------
    Andersen, Borgan, Gill and Keiding, Statistical Models Based on Counting Processes, 4.4.1.3.
    """
    result = np.zeros(curve.incidence.shape)
    n = curve.at_risk
    for k in range(len(curve.causes)):
        scale, own, other, slope = _slopes(curve, k)
        d, rest = curve.events[:, k], curve.events.sum(axis=1) - curve.events[:, k]
        f = curve.incidence[:, k]
        result[:, k] = _quadratic(f, scale**2 * d, own, slope)
        result[:, k] += _quadratic(f, scale**2 * rest, other, slope)
        together = d * own + rest * other
        result[:, k] -= _quadratic(f, scale**2 / n, together, (d + rest) * slope)
    return np.maximum(result, 0.0)


def infinitesimal_jackknife_variance(curve: CumulativeIncidence) -> Floats:
    """Return the variance as R's survfit reports it for several states: squared influences summed.

    A subject's influence is the derivative of the incidence with respect to its weight.

    Parameters
    ----------
    curve
        of all causes.

    Returns
    -------
        shape (times, causes), of the incidence itself.

    References
    ----------
    Jaeckel, Bell Laboratories memorandum MM 72-1215-11 (1972). Therneau and Grambsch, Modeling
    Survival Data, Springer 2000, 7.2.
    """
    result = np.zeros(curve.incidence.shape)
    for k in range(len(curve.causes)):
        scale, own, other, slope = _slopes(curve, k)
        d, total = curve.events[:, k], curve.events.sum(axis=1)
        # Being at risk: minus the hazards passed. Own event: one jump at the end.
        passed_a = np.cumsum(scale * (d * own + (total - d) * other) / curve.at_risk)
        passed_b = np.cumsum(scale * total * slope / curve.at_risk)
        has_event = curve.column >= 0
        jump_a = np.where(curve.column == k, (scale * own)[curve.last], (scale * other)[curve.last])
        jump_b = (scale * slope)[curve.last]
        start_a = np.concatenate([[0.0], passed_a])[curve.first]
        start_b = np.concatenate([[0.0], passed_b])[curve.first]
        end_a = np.where(has_event, jump_a, 0.0) - passed_a[curve.last] + start_a
        end_b = np.where(has_event, jump_b, 0.0) - passed_b[curve.last] + start_b
        gone = _moments(end_a, end_b, curve.last, len(curve.times))
        staying = _staying(curve, passed_a, passed_b, start_a, start_b)
        f = curve.incidence[:, k]
        aa, ab, bb = gone + staying
        result[:, k] = aa - 2 * f * ab + f**2 * bb
    return np.maximum(result, 0.0)


VARIANCES: Mapping[str, Callable[[CumulativeIncidence], Floats]] = {
    "cmprsk": aalen_variance,
    "infinitesimal_jackknife": infinitesimal_jackknife_variance,
    "greenwood": greenwood_variance,
}
"""The conventions by name."""


def _slopes(curve: CumulativeIncidence, k: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Return scale, own, other, slope: own - F(t) slope times scale is what one event moves."""
    before = np.concatenate([[1.0], curve.event_free[:-1]])[: len(curve.times)]
    alive = curve.event_free > 0
    slope = np.where(alive, 1 / np.where(alive, curve.event_free, 1.0), 0.0)
    other = curve.incidence[:, k] * slope
    return before / curve.at_risk, 1 + other, other, slope


def _shrink(d: NDArray[np.int64], n: NDArray[np.int64]) -> Floats:
    return np.where(d > 1, 1 - (d - 1) / np.maximum(n - 1, 1), 1.0)


def _quadratic(f: Floats, weights: Floats, a: Floats, b: Floats) -> Floats:
    """Return the sum over s <= t of weights(s) (a(s) - f(t) b(s))^2, for every t."""
    aa, ab, bb = (np.cumsum(weights * x * y) for x, y in ((a, a), (a, b), (b, b)))
    return np.asarray(aa - 2 * f * ab + f**2 * bb)


def _moments(a: Floats, b: Floats, step: NDArray[np.int64], n_steps: int) -> Floats:
    """Return the running sums of a^2, ab, b^2 over subjects whose `step` has come, (3, steps)."""
    pairs = (a * a, a * b, b * b)
    sums = [np.bincount(step, weights=pair, minlength=n_steps + 1) for pair in pairs]
    return np.cumsum(np.array(sums, dtype=np.float64), axis=1)[:, :n_steps]


def _staying(
    curve: CumulativeIncidence, passed_a: Floats, passed_b: Floats, start_a: Floats, start_b: Floats
) -> Floats:
    """Return the sums of a^2, ab, b^2 over subjects still at risk after each step."""
    n_steps = len(curve.times)

    def total(values: Floats) -> Floats:
        came = np.bincount(curve.first, weights=values, minlength=n_steps + 1)
        went = np.bincount(curve.last, weights=values, minlength=n_steps + 1)
        return np.cumsum(came - went)[:n_steps]

    n, a, b = total(np.ones(curve.n)), total(start_a), total(start_b)
    return np.array(
        [
            total(start_a**2) - 2 * passed_a * a + n * passed_a**2,
            total(start_a * start_b) - passed_a * b - passed_b * a + n * passed_a * passed_b,
            total(start_b**2) - 2 * passed_b * b + n * passed_b**2,
        ]
    )
