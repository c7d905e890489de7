"""The per-frame solve as one compiled function: no Python, no allocation, its own two threads.

Import this module only where numba is installed; `_dual_newton` is its oracle and stands in for
it elsewhere. The notation is that module's. Voxels are dealt to two fixed parts, block by block;
each part has its own partial sums, added in a fixed order, so that one thread or two give equal
bytes. Between steps the gradient is not made anew: it is linear in the step but for the voxels
whose sign changes, and only these are visited.
"""

import numpy as np
from numpy.typing import NDArray

from sojourn.reconstruction._kernel_memory import (
    BLOCK,
    BROKEN,
    CAPPED,
    COLD,
    CONVERGED,
    FRESH,
    GRADIENT,
    LENGTH,
    PASSES,
    PRODUCTS,
    SHARE,
    SHARE_ACTIVE,
    STALLED,
    START,
    STEPS,
    WARM,
    D,
    G,
    H,
    M,
    Memory,
    Operator,
    R,
    V,
    W,
    Y,
    Z,
    compiled,
    meet,
    new_memory,
)
from sojourn.reconstruction._kernel_passes import advance, bend, curve, extend, project, refresh

__all__ = [
    "BLOCK",
    "BROKEN",
    "CAPPED",
    "COLD",
    "CONVERGED",
    "FRESH",
    "GRADIENT",
    "LENGTH",
    "PASSES",
    "PRODUCTS",
    "SHARE_ACTIVE",
    "STALLED",
    "STEPS",
    "WARM",
    "Memory",
    "Operator",
    "new_memory",
    "solve",
]


def _norm(vector: NDArray[np.float32]) -> float:
    total = 0.0
    for k in range(len(vector)):
        total += np.float64(vector[k]) * np.float64(vector[k])
    return float(np.sqrt(total))


def _inner(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    total = 0.0
    for k in range(len(one)):
        total += np.float64(one[k]) * np.float64(other[k])
    return total


def _begin(thread: int, threads: int, operator: Operator, memory: Memory, mode: int) -> bool:
    """Project the signal and bring the gradient to it, as `mode` says."""
    own, facts = memory.vectors[thread], memory.facts[thread]
    for part in range(thread, 2, threads):
        project(part, operator, memory)
    if not meet(memory, thread, threads):
        return False
    facts[PASSES:] = 0
    rank = own.shape[1]
    for k in range(rank):
        if mode == COLD:
            s = operator.singular[k]
            curvature = np.float32(START) * s * s / np.float32(operator.regularization)
            own[Y, k] = memory.projected[k] / (1 + curvature)
        own[W, k] = operator.singular[k] * own[Y, k]
        own[G, k] += own[Z, k] - memory.projected[k]
        own[Z, k] = memory.projected[k]
    if mode == WARM:
        return True
    parity = memory.turns[thread, 0] & 1
    for part in range(thread, 2, threads):
        refresh(part, operator, memory, own[W], parity)
    if not meet(memory, thread, threads):
        return False
    for k in range(rank):
        total = memory.partial[parity, 0, k] + memory.partial[parity, 1, k]
        product = operator.singular[k] * total / np.float32(operator.regularization)
        own[G, k] = own[Y, k] + product - own[Z, k]
    count_active(memory, thread, parity, len(operator.scale))
    facts[PASSES] = (1 + facts[SHARE_ACTIVE]) / 2
    return True


def _count_active(memory: Memory, thread: int, parity: int, voxels: int) -> None:
    active = memory.sums[parity, 0, 1] + memory.sums[parity, 1, 1]
    memory.facts[thread, SHARE_ACTIVE] = active / voxels


def _direction(
    thread: int, threads: int, operator: Operator, memory: Memory, target: float, cap: float
) -> np.float32:
    """Solve (1 + B_A B_A^T / lambda) d = -g by conjugate gradients; return the last step length."""
    own, facts = memory.vectors[thread], memory.facts[thread]
    share, scale = facts[SHARE_ACTIVE], np.float32(1 / operator.regularization)
    energy = 0.0
    for k in range(own.shape[1]):
        s = operator.singular[k]
        own[M, k] = 1 / (1 + np.float32(share) * s * s * scale)
        own[D, k], own[R, k] = np.float32(0), -own[G, k]
        own[V, k] = own[M, k] * own[R, k]
        energy += np.float64(own[V, k]) * np.float64(own[R, k])
    length = np.float32(0)
    while facts[PASSES] < cap:
        for k in range(own.shape[1]):
            own[W, k] = operator.singular[k] * own[V, k]
        parity = memory.turns[thread, 0] & 1
        for part in range(thread, 2, threads):
            curve(part, operator, memory, own[W], length, parity)
        if not meet(memory, thread, threads):
            return np.float32(np.nan)
        facts[PASSES] += share
        facts[PRODUCTS] += 1
        for k in range(own.shape[1]):
            total = memory.partial[parity, 0, k] + memory.partial[parity, 1, k]
            own[H, k] = own[V, k] + operator.singular[k] * total * scale
        length = np.float32(energy / inner(own[V], own[H]))
        for k in range(own.shape[1]):
            own[D, k] += length * own[V, k]
            own[R, k] -= length * own[H, k]
        if norm(own[R]) <= target:
            break
        energy = turn_direction(own, energy)
    return length


def _turn_direction(own: NDArray[np.float32], energy: float) -> float:
    """Make the next conjugate direction; return the residual's new energy."""
    found = 0.0
    for k in range(own.shape[1]):
        found += np.float64(own[M, k] * own[R, k]) * np.float64(own[R, k])
    ratio = np.float32(found / energy)
    for k in range(own.shape[1]):
        own[V, k] = own[M, k] * own[R, k] + ratio * own[V, k]
    return found


def _search(
    thread: int, threads: int, operator: Operator, memory: Memory, last: np.float32
) -> float:
    """Return a step length of enough descent (Armijo); 0 if there is none, below 0 if broken."""
    own, facts = memory.vectors[thread], memory.facts[thread]
    slope, square = inner(own[G], own[D]), inner(own[D], own[D])
    for k in range(own.shape[1]):
        own[W, k] = operator.singular[k] * own[D, k]
    length = 1.0
    parity = memory.turns[thread, 0] & 1
    for part in range(thread, 2, threads):
        extend(part, operator, memory, own[W], last, parity)
    facts[PASSES] += (1 - facts[SHARE_ACTIVE]) / 2
    for _ in range(20):
        if not meet(memory, thread, threads):
            return -1.0
        bent = memory.sums[parity, 0, 0] + memory.sums[parity, 1, 0]
        curved = (length * length * square + bent / operator.regularization) / 2
        if length * slope + curved <= SHARE * length * slope:
            return length
        length *= max(0.1, min(0.5, -length * slope / (2 * curved)))
        parity = memory.turns[thread, 0] & 1
        for part in range(thread, 2, threads):
            bend(part, memory, np.float32(length), parity)
    meet(memory, thread, threads)
    return 0.0


def _step(thread: int, threads: int, operator: Operator, memory: Memory, length: float) -> bool:
    """Take the step: the gradient is linear in it but for voxels whose sign changes."""
    own, facts = memory.vectors[thread], memory.facts[thread]
    parity, size = memory.turns[thread, 0] & 1, np.float32(length)
    for part in range(thread, 2, threads):
        advance(part, operator, memory, size, parity)
    if not meet(memory, thread, threads):
        return False
    scale = np.float32(1 / operator.regularization)
    for k in range(own.shape[1]):
        total = memory.partial[parity, 0, k] + memory.partial[parity, 1, k]
        own[Y, k] += size * own[D, k]
        own[G, k] += operator.singular[k] * total * scale - size * (own[G, k] + own[R, k])
    changed = memory.sums[parity, 0, 2] + memory.sums[parity, 1, 2]
    facts[PASSES] += changed / (2 * len(operator.scale))
    facts[STEPS] += 1
    count_active(memory, thread, parity, len(operator.scale))
    return True


def _solve(
    thread: int,
    threads: int,
    operator: Operator,
    memory: Memory,
    mode: int,
    tolerance: float,
    forcing: float,
    cap: float,
) -> int:
    """Solve one frame, `memory.signal` to `memory.image`; each thread calls it with its number.

    Returns CONVERGED, CAPPED, STALLED (no descent: the end of single precision) or BROKEN.
    """
    own, facts = memory.vectors[thread], memory.facts[thread]
    if not begin(thread, threads, operator, memory, mode):
        return BROKEN
    goal, status = tolerance * norm(own[Z]), CONVERGED
    while norm(own[G]) > goal:
        if facts[PASSES] >= cap:
            status = CAPPED
            break
        target = max(forcing * norm(own[G]), goal / 2)
        last = direction(thread, threads, operator, memory, target, cap)
        length = search(thread, threads, operator, memory, last) if np.isfinite(last) else -1.0
        if length <= 0:
            status = STALLED if length == 0 else BROKEN
            break
        if not step(thread, threads, operator, memory, length):
            return BROKEN
    facts[GRADIENT], facts[LENGTH] = norm(own[G]), norm(own[Z])
    for begin_at in range(thread * BLOCK, len(operator.scale), threads * BLOCK):
        for i in range(begin_at, min(begin_at + BLOCK, len(operator.scale))):
            weight = max(memory.weights[i], np.float32(0))
            memory.image[i] = weight / np.float32(operator.regularization)
    return status


norm = compiled(_norm)
inner = compiled(_inner)
count_active = compiled(_count_active)
turn_direction = compiled(_turn_direction)
begin = compiled(_begin)
direction = compiled(_direction)
search = compiled(_search)
step = compiled(_step)
solve = compiled(_solve)
