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
DECREMENT = 1e-18
"""Gain that Newton's step promises, relative to the log-likelihood: rounding, no more."""


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
    beta = last = np.zeros(n_terms)
    start = here = evaluate(beta)
    for _ in range(MAX_STEPS):
        step = _newton_step(here)
        is_small = np.max(np.abs(step) / np.maximum(1.0, np.abs(beta)), initial=0.0) < STEP
        before = here
        if is_small or here.score @ step < DECREMENT * max(1.0, abs(here.loglik)):
            beta, _, here = _halved(evaluate, beta, step, before)
            break
        beta, last, here = _halved(evaluate, beta, step, before)
        if (
            here.loglik - before.loglik < GAIN
            and np.max(np.abs(step)) > 1e-5
            and is_recession(step)
        ):
            return Maximum(beta, start, here, step, True)
        if here is before:
            return Maximum(beta, start, here, None, False)
    else:
        return Maximum(beta, start, here, None, False)
    # So steep a likelihood may be flat at once, its score and step 0 up to rounding.
    for direction in (step, last, beta):
        if np.any(np.abs(direction) > 1e-5) and is_recession(direction):
            return Maximum(beta, start, here, direction, True)
    return Maximum(beta, start, here, None, True)


def _newton_step(here: Evaluation) -> Array:
    scale = 1 / np.sqrt(np.maximum(np.diag(here.information), np.finfo(float).tiny))
    scaled = here.information * np.outer(scale, scale)
    step: Array = scale * lstsq(scaled, scale * here.score, cond=1e-14, check_finite=False)[0]
    return step


def _halved(
    evaluate: Callable[[Array], Evaluation], beta: Array, step: Array, here: Evaluation
) -> tuple[Array, Array, Evaluation]:
    """Return the next coefficients, the step that led there, and `here` itself if none gains."""
    rounding = 1e-12 * max(1.0, abs(here.loglik))
    for _ in range(40):
        there = evaluate(beta + step)
        if np.isfinite(there.loglik) and there.loglik >= here.loglik - rounding:
            return beta + step, step, there
        step = step / 2
    return beta, step, here
