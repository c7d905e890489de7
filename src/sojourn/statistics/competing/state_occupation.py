"""Probability of being in each state of a multi-state model, by Aalen and Johansen."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sojourn.core.arrays import frozen
from sojourn.core.errors import DataError
from sojourn.statistics.competing.transitions import CountingProcess, StateModel

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class TransitionHazards:
    """Hazards of every transition at each time that any happened.

    `times`, shape (times,), ascending; `at_risk`, shape (times, states), in each state just before;
    `events`, shape (times, transitions); `cumulative`, same shape, Nelson-Aalen's sum of events by
    those at risk.
    """

    model: StateModel
    times: Floats
    at_risk: NDArray[np.int64]
    events: NDArray[np.int64]
    cumulative: Floats

    def __post_init__(self) -> None:
        for name in ("times", "at_risk", "events", "cumulative"):
            object.__setattr__(self, name, frozen(getattr(self, name)))


@dataclass(frozen=True, slots=True, eq=False)
class StateOccupation:
    """Probabilities to be in each state, for who is in one of them at `start`.

    `times`, shape (times,): `start`, then each later time of any transition; `probability` and
    `variance`, shape (times, states).
    """

    start: float
    times: Floats
    probability: Floats
    variance: Floats

    def __post_init__(self) -> None:
        for name in ("times", "probability", "variance"):
            object.__setattr__(self, name, frozen(getattr(self, name)))

    def step(self, time: float) -> int:
        """Return the step that holds at `time`; a transition at `time` counts.

        Raises
        ------
        DataError
            if `time` lies before the start.
        """
        if time < self.start:
            raise DataError(f"time {time:g} lies before the start, {self.start:g}")
        return int(np.searchsorted(self.times, time, side="right")) - 1


def estimate_hazards(process: CountingProcess) -> TransitionHazards:
    """Return the cumulative hazard of every transition (Nelson-Aalen).

    Parameters
    ----------
    process
        intervals at risk; a row at risk after `start` counts at its `stop`, not at its `start`.

    Returns
    -------
        hazards at the times of transitions.

    References
    ----------
    Aalen, Ann. Stat. 6 (1978) 701.
    """
    model = process.model
    times = np.unique(process.stop[process.is_event])
    events = np.zeros((len(times), len(model.transitions)), dtype=np.int64)
    at_risk = np.zeros((len(times), len(model.states)), dtype=np.int64)
    taken = process.is_event
    np.add.at(events, (np.searchsorted(times, process.stop[taken]), process.transition[taken]), 1)
    for state in range(len(model.states)):
        if not (ways := model.ways_out(state)):
            continue
        rows = process.transition == ways[0]
        came = np.searchsorted(np.sort(process.start[rows]), times, side="left")
        gone = np.searchsorted(np.sort(process.stop[rows]), times, side="left")
        at_risk[:, state] = came - gone
    origin = [a for a, _ in model.transitions]
    with np.errstate(invalid="ignore"):
        steps = np.where(events > 0, events / at_risk[:, origin], 0.0)
    return TransitionHazards(model, times, at_risk, events, np.cumsum(steps, axis=0))


def estimate_occupation(
    hazards: TransitionHazards,
    *,
    start: float = 0.0,
    state: int = 0,
    increments: Literal["multinomial", "poisson"] = "multinomial",
) -> StateOccupation:
    r"""Return the probability of each state after `start`, for who is in `state` at `start`.

    .. math:: \hat p(t) = \hat p(s) \prod_{s < u \le t} (I + d\hat A(u))

    with the covariance carried along,

    .. math:: C(u) = (I + d\hat A)^T C(u^-) (I + d\hat A)
              + \sum_g \hat p_g(u^-)^2 \, \mathrm{cov}(d\hat A_g).

    Parameters
    ----------
    hazards
        of the transitions.
    start, state
        time s, and the index of the state at that time.
    increments
        how the hazards out of one state scatter: ``"multinomial"`` as Greenwood's formula;
        ``"poisson"``, events by the square of those at risk (Aalen's), which mstate's `msfit` hands
        to `probtrans` by default.

    Returns
    -------
        probabilities, which sum to 1 at every time, and their variances. From a late start the
        process is taken to forget how long the state has lasted (Markov).

    Raises
    ------
    DataError
        if there is no such state.

    References
    ----------
    Aalen and Johansen, Scand. J. Stat. 5 (1978) 141. Andersen, Borgan, Gill and Keiding,
    Statistical Models Based on Counting Processes, Springer 1993, 4.4.1.3.
    """
    n_states = len(hazards.model.states)
    if not 0 <= state < n_states:
        raise DataError(f"state {state}; expected an index below {n_states}")
    inside = np.flatnonzero(hazards.times > start)
    p, c = np.eye(n_states)[state], np.zeros((n_states, n_states))
    probability, variance = [p], [np.zeros(n_states)]
    for i in inside:
        step = np.eye(n_states)
        scatter = np.zeros_like(c)
        for origin in range(n_states):
            if n := int(hazards.at_risk[i, origin]):
                moved = _moved(hazards, int(i), origin)
                step[origin] += moved / n
                scatter += p[origin] ** 2 * _scatter(moved, n, origin, increments)
        p, c = p @ step, step.T @ c @ step + scatter
        probability.append(p)
        variance.append(np.diag(c))
    times = np.concatenate([[start], hazards.times[inside]])
    return StateOccupation(start, times, np.array(probability), np.maximum(variance, 0.0))


def _moved(hazards: TransitionHazards, i: int, origin: int) -> Floats:
    """Return how many came to each state from `origin` at one time, minus who left it."""
    moved = np.zeros(len(hazards.model.states))
    for k in hazards.model.ways_out(origin):
        moved[hazards.model.transitions[k][1]] += hazards.events[i, k]
    moved[origin] -= moved.sum()
    return moved


def _scatter(moved: Floats, n: int, origin: int, increments: str) -> Floats:
    """Return the covariance of one row of the hazards' matrix, shape (states, states)."""
    others = moved.copy()
    others[origin] = 0.0
    inner = np.diag(others)
    if increments == "multinomial":
        inner = inner - np.outer(others, others) / n
    # Whoever comes to another state leaves the origin: the row sums to 0.
    spread = np.eye(len(moved))
    spread[:, origin] -= 1.0
    return np.asarray(spread.T @ inner @ spread) / n**2
