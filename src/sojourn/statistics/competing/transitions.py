"""Multi-state models: which transitions there are, and subjects' histories as intervals at risk."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sojourn.core.arrays import frozen
from sojourn.core.errors import DataError


@dataclass(frozen=True, slots=True)
class StateModel:
    """States, the first of them where everybody starts, and the possible transitions.

    `transitions` are pairs (from, to) of indices into `states`, ordered by from, then to; a state
    without a way out is absorbing. No state can be visited twice.
    """

    states: tuple[str, ...]
    transitions: tuple[tuple[int, int], ...]

    def ways_out(self, state: int) -> list[int]:
        """Return the indices of the transitions out of `state`."""
        return [k for k, (origin, _) in enumerate(self.transitions) if origin == state]


@dataclass(frozen=True, slots=True, eq=False)
class CountingProcess:
    """Rows at risk of one transition each, arrays of shape (rows,).

    A row is at risk after `start` up to and at `stop`, where `is_event` tells whether the
    transition happened. `subject` is the index of the subject's row in the data.
    """

    model: StateModel
    subject: NDArray[np.int64]
    transition: NDArray[np.int64]
    start: NDArray[np.float64]
    stop: NDArray[np.float64]
    is_event: NDArray[np.bool_]

    def __post_init__(self) -> None:
        for name in ("subject", "transition", "start", "stop", "is_event"):
            object.__setattr__(self, name, frozen(getattr(self, name)))

    @property
    def origin(self) -> NDArray[np.int64]:
        """Return the index of the state that each row may leave."""
        return np.array([a for a, _ in self.model.transitions], dtype=np.int64)[self.transition]

    @property
    def target(self) -> NDArray[np.int64]:
        """Return the index of the state that each row may enter."""
        return np.array([b for _, b in self.model.transitions], dtype=np.int64)[self.transition]


def state_model(ways: Mapping[str, Sequence[str]]) -> StateModel:
    """Return the model in which each state leads to some others.

    Parameters
    ----------
    ways
        for each state the states that can follow it directly; the first is where all start.

    Returns
    -------
        the model, states in the order of `ways`.

    Raises
    ------
    DataError
        if a state is not named as a key, follows itself, directly or by a way around, or cannot be
        reached.

    Examples
    --------
    >>> model = state_model({"Tx": ["GVHD", "Death"], "GVHD": ["Death"], "Death": []})
    >>> model.transitions
    ((0, 1), (0, 2), (1, 2))
    """
    states = tuple(ways)
    for state, nexts in ways.items():
        if strange := [name for name in nexts if name not in ways]:
            raise DataError(f"state {state!r} leads to {strange[0]!r}, which is no state; add it")
    pairs = {(states.index(a), states.index(b)) for a, nexts in ways.items() for b in nexts}
    model = StateModel(states, tuple(sorted(pairs)))
    reached = {0}
    for index in _order(model):
        if index in reached:
            reached |= {model.transitions[k][1] for k in model.ways_out(index)}
    if unreached := sorted(set(range(len(states))) - reached):
        raise DataError(f"state {states[unreached[0]]!r} cannot be reached from {states[0]!r}")
    return model


def prepare_counting_process(
    model: StateModel, times: ArrayLike, is_reached: ArrayLike
) -> CountingProcess:
    """Return the intervals at risk of subjects who all start in the first state at time 0.

    Parameters
    ----------
    model
        the states.
    times
        when each state was reached, or until when the subject was seen not to reach it; shape
        (subjects, states), 0 or more; the first column is not read.
    is_reached
        whether it was, same shape; the first column is not read.

    Returns
    -------
        rows by subject, time and transition: from each state that a subject was in, one row for
        each way out.

    Raises
    ------
    DataError
        if a time is no number or negative, a subject reached two states at once or the next state
        no later than the one before, was seen in a state for no time, or observation of one way out
        ended before another was taken; naming the subject.

    References
    ----------
    Putter, Fiocco and Geskus, Stat. Med. 26 (2007) 2389.
    """
    when, reached = np.asarray(times, dtype=np.float64), np.asarray(is_reached, dtype=bool)
    expected = (len(when), len(model.states))
    if when.shape != expected or reached.shape != expected:
        raise DataError(
            f"times have shape {when.shape}, is_reached {reached.shape}; expected a column for "
            f"each of the states {', '.join(model.states)}"
        )
    bad = ~(np.isfinite(when[:, 1:]) & (when[:, 1:] >= 0))
    if bad.any():
        i, state = np.argwhere(bad)[0]
        raise DataError(
            f"subject {i} (from 0): time {when[i, state + 1]:g} of state "
            f"{model.states[state + 1]!r}; expected 0 or more"
        )
    entered = np.full(when.shape, np.nan)
    entered[:, 0] = 0.0
    blocks = [_leave(model, state, when, reached, entered) for state in _order(model)]
    subject, transition, start, stop, event = (
        np.concatenate(parts) for parts in zip(*blocks, strict=True)
    )
    order = np.lexsort((transition, start, subject))
    return CountingProcess(
        model,
        subject[order].astype(np.int64),
        transition[order].astype(np.int64),
        start[order],
        stop[order],
        event[order].astype(bool),
    )


def count_transitions(process: CountingProcess) -> NDArray[np.int64]:
    """Return how often each way was taken, shape (states, states + 2).

    Row: from; columns: to each state, then how many stayed to the end, then how many ever came to
    the state of the row.
    """
    n_states = len(process.model.states)
    counts = np.zeros((n_states, n_states + 2), dtype=np.int64)
    taken = process.is_event
    np.add.at(counts, (process.origin[taken], process.target[taken]), 1)
    arrived = counts[:, :n_states].sum(axis=0)
    arrived[0] = len(np.unique(process.subject))
    counts[:, -1] = arrived
    counts[:, -2] = arrived - counts[:, :n_states].sum(axis=1)
    return counts


def _order(model: StateModel) -> list[int]:
    """Return the states so that each comes before those that follow it."""
    left, order = set(range(len(model.states))), list[int]()
    while left:
        targets = {b for a, b in model.transitions if a in left}
        if not (free := sorted(left - targets)):
            names = ", ".join(model.states[s] for s in sorted(left))
            raise DataError(f"the states {names} follow one another in a circle")
        order += free
        left -= set(free)
    return order


def _leave(
    model: StateModel,
    state: int,
    when: NDArray[np.float64],
    reached: NDArray[np.bool_],
    entered: NDArray[np.float64],
) -> tuple[NDArray[np.float64], ...]:
    """Return the rows of everybody who was in `state`; note in `entered` where they went."""
    ways = model.ways_out(state)
    who = np.flatnonzero(~np.isnan(entered[:, state]))
    if not ways or not len(who):
        return tuple(np.zeros(0) for _ in range(5))
    targets = [model.transitions[k][1] for k in ways]
    at, hit = when[who][:, targets], reached[who][:, targets]
    start = entered[who, state]
    stop = at.min(axis=1)
    event = hit & (at == stop[:, None])
    n_events = event.sum(axis=1)
    names = [model.states[t] for t in targets]
    here = model.states[state]
    _refuse(who, n_events > 1, f"left state {here!r} for several of {', '.join(names)} at once")
    lost = (n_events == 0) & hit.any(axis=1)
    _refuse(who, lost, f"in state {here!r}: one way was watched for less long than another lasted")
    _refuse(who, stop <= start, f"was in state {here!r} for no time; every stay needs a length")
    for j, target in enumerate(targets):
        entered[who[event[:, j]], target] = stop[event[:, j]]
    n = len(ways)
    return (
        np.repeat(who, n).astype(np.float64),
        np.tile(ways, len(who)).astype(np.float64),
        np.repeat(start, n),
        np.repeat(stop, n),
        event.ravel().astype(np.float64),
    )


def _refuse(who: NDArray[np.int64], wrong: NDArray[np.bool_], what: str) -> None:
    if wrong.any():
        raise DataError(f"subject {who[np.argmax(wrong)]} (from 0) {what}")
