"""The maximum of a concave log-likelihood by Newton's method, or the direction it runs off to."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lstsq

Array = NDArray[np.float64]

MAX_STEPS = 100
GAIN = 1e-10
"""Of the log-likelihood, absolute: a step that gains less is either the last one or a drift."""
STEP = 1e-10
"""Of a standardized coefficient, relative above 1: no further step is taken below it."""


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """A log-likelihood, its gradient (terms,) and the negative of its Hessian (terms, terms)."""

    loglik: float
    score: Array
    information: Array


@dataclass(frozen=True, slots=True, eq=False)
class Maximum:
    """Where the search ended.

    `direction` is None at a maximum. It is the last step where each further one gained next to
    nothing and yet did not shrink; `is_converged` is False if neither happened in time.
    """

    coefficients: Array
    start: Evaluation
    end: Evaluation
    direction: Array | None
    is_converged: bool


def maximize(
    evaluate: Callable[[Array], Evaluation],
    n_terms: int,
    *,
    is_recession: Callable[[Array], bool],
) -> Maximum:
    """Return the maximum of a concave log-likelihood, from coefficients of 0.

    A step that does not gain is halved. `is_recession` tells for a direction whether the
    log-likelihood never falls along it, however far: then there is no finite maximum.
    """
    beta = np.zeros(n_terms)
    start = here = evaluate(beta)
    for _ in range(MAX_STEPS):
        step = _newton_step(here)
        if np.max(np.abs(step) / np.maximum(1.0, np.abs(beta)), initial=0.0) < STEP:
            return Maximum(beta, start, here, None, True)
        beta, there = _halved(evaluate, beta, step, here)
        gain, here = there.loglik - here.loglik, there
        if gain < GAIN and np.max(np.abs(step)) > 1e-5 and is_recession(step):
            return Maximum(beta, start, here, step, True)
    return Maximum(beta, start, here, None, False)


def _newton_step(here: Evaluation) -> Array:
    scale = 1 / np.sqrt(np.maximum(np.diag(here.information), np.finfo(float).tiny))
    scaled = here.information * np.outer(scale, scale)
    step: Array = scale * lstsq(scaled, scale * here.score, cond=1e-14, check_finite=False)[0]
    return step


def _halved(
    evaluate: Callable[[Array], Evaluation], beta: Array, step: Array, here: Evaluation
) -> tuple[Array, Evaluation]:
    rounding = 1e-12 * max(1.0, abs(here.loglik))
    for _ in range(40):
        there = evaluate(beta + step)
        if np.isfinite(there.loglik) and there.loglik >= here.loglik - rounding:
            return beta + step, there
        step = step / 2
    return beta, here
