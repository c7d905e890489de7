"""Compiled passes over one part of the voxels' codes; `_kernels` makes a solve of them.

numba's cache sees changes of a kernel's own file alone: after a change here, clear `__pycache__`.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sojourn.reconstruction._kernel_memory import BLOCK, Memory, Operator, compiled, prefetch

AHEAD = 4
"""Voxels between asking and using."""

LINE = 64
"""Bytes that memory gives at once."""


def _dot_four(
    codes: NDArray[Any], a: int, b: int, c: int, d: int, w: NDArray[np.float32]
) -> tuple[np.float32, np.float32, np.float32, np.float32]:
    """Return the products of four voxels' codes with `w`."""
    one, two, three, four = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
    for k in range(len(w)):
        one += np.float32(codes[a, k]) * w[k]
        two += np.float32(codes[b, k]) * w[k]
        three += np.float32(codes[c, k]) * w[k]
        four += np.float32(codes[d, k]) * w[k]
    return one, two, three, four


def _fetch(codes: NDArray[Any], indices: NDArray[np.int32], j: int, end: int, n: int) -> None:
    """Ask memory for the codes of the voxels j..end of a list of n: their order is irregular."""
    rank, step = codes.shape[1], LINE // codes.itemsize
    for i in range(j, min(end, n)):
        begin = np.int64(indices[i]) * rank
        for k in range(0, rank, step):
            prefetch(codes, begin + k)


def _project(part: int, operator: Operator, memory: Memory) -> None:
    """Write every second four elements of the projected signal."""
    basis, scale, found = operator.basis, operator.basis_scale, memory.projected
    for k in range(4 * part, basis.shape[0], 8):
        a, b, c, d = dot_four(basis, k, k + 1, k + 2, k + 3, memory.signal)
        found[k], found[k + 1] = a * scale[k], b * scale[k + 1]
        found[k + 2], found[k + 3] = c * scale[k + 2], d * scale[k + 3]


def _four_of(indices: NDArray[np.int32], j: int, n: int) -> tuple[int, int, int, int]:
    """Return four indices from the j-th on; at the end of the `n` the last one again."""
    last = n - 1
    return (
        indices[j],
        indices[min(j + 1, last)],
        indices[min(j + 2, last)],
        indices[min(j + 3, last)],
    )


def _curve(
    part: int,
    operator: Operator,
    memory: Memory,
    w: NDArray[np.float32],
    last: np.float32,
    parity: int,
) -> None:
    """Add up one part of B_A B_A^T v, w = singular * v; also add last * product to the change."""
    codes, scale = operator.codes, operator.scale
    total, active, n = memory.partial[parity, part], memory.lists[part, 0], memory.lengths[part, 0]
    for k in range(len(total)):
        total[k] = 0
    for j in range(n):
        fetch(codes, active, j + AHEAD, j + AHEAD + 1, n)
        i = active[j]
        found = np.float32(0)
        for k in range(len(w)):
            found += np.float32(codes[i, k]) * w[k]
        memory.change[i] += last * memory.product[i]
        memory.product[i] = found * scale[i]
        found *= scale[i] * scale[i]
        for k in range(len(w)):
            total[k] += found * np.float32(codes[i, k])


def _extend(
    part: int,
    operator: Operator,
    memory: Memory,
    w: NDArray[np.float32],
    last: np.float32,
    parity: int,
) -> None:
    """Complete the change u = B^T d: from CG where active, by a product elsewhere; sum the bend."""
    codes, scale = operator.codes, operator.scale
    active, idle = memory.lists[part, 0], memory.lists[part, 1]
    n = memory.lengths[part, 1]
    for j in range(0, n, 4):
        fetch(codes, idle, j + 2 * AHEAD, j + 2 * AHEAD + 4, n)
        at = four_of(idle, j, n)
        found = dot_four(codes, at[0], at[1], at[2], at[3], w)
        memory.change[at[0]] = found[0] * scale[at[0]]
        memory.change[at[1]] = found[1] * scale[at[1]]
        memory.change[at[2]] = found[2] * scale[at[2]]
        memory.change[at[3]] = found[3] * scale[at[3]]
    for j in range(memory.lengths[part, 0]):
        memory.change[active[j]] += last * memory.product[active[j]]
    bend(part, memory, np.float32(1), parity)


def _bend_of(before: np.float32, change: np.float32) -> np.float32:
    """Return [p + u]_+^2 - [p]_+^2 - 2 [p]_+ u, which is never negative, without cancellation."""
    after = before + change
    if before > 0:
        if after > 0:
            return change * change
        return -before * (after + change)
    if after > 0:
        return after * after
    return np.float32(0)


def _bend(part: int, memory: Memory, length: np.float32, parity: int) -> None:
    """Sum the bend of a step of this length."""
    found = 0.0
    for begin_at in range(part * BLOCK, len(memory.weights), 2 * BLOCK):
        for i in range(begin_at, begin_at + BLOCK):
            found += bend_of(memory.weights[i], length * memory.change[i])
    memory.sums[parity, part, 0] = found


def _list_voxel(memory: Memory, part: int, i: int) -> None:
    """Put voxel `i` on its part's list of active or of idle voxels; clear its sums."""
    which = 0 if memory.weights[i] > 0 else 1
    memory.lists[part, which, memory.lengths[part, which]] = i
    memory.lengths[part, which] += 1
    memory.change[i] = 0
    memory.product[i] = 0


def _advance(
    part: int, operator: Operator, memory: Memory, length: np.float32, parity: int
) -> None:
    """Take the step; add up the columns of voxels whose sign changed, and list all anew."""
    codes, scale = operator.codes, operator.scale
    total = memory.partial[parity, part]
    for k in range(len(total)):
        total[k] = 0
    memory.lengths[part, 0], memory.lengths[part, 1] = 0, 0
    n_changed = 0
    for begin_at in range(part * BLOCK, len(scale), 2 * BLOCK):
        for i in range(begin_at, begin_at + BLOCK):
            before = memory.weights[i]
            after = before + length * memory.change[i]
            memory.weights[i] = after
            list_voxel(memory, part, i)
            if (after > 0) != (before > 0):
                n_changed += 1
                found = abs(after) * scale[i]
                for k in range(len(total)):
                    total[k] += found * np.float32(codes[i, k])
    memory.sums[parity, part, 1] = memory.lengths[part, 0]
    memory.sums[parity, part, 2] = n_changed


def _refresh(
    part: int, operator: Operator, memory: Memory, w: NDArray[np.float32], parity: int
) -> None:
    """Make p = B^T y and one part of B [p]_+ anew: the fused pass (dot, clip, accumulate)."""
    codes, scale = operator.codes, operator.scale
    total = memory.partial[parity, part]
    for k in range(len(total)):
        total[k] = 0
    memory.lengths[part, 0], memory.lengths[part, 1] = 0, 0
    for begin_at in range(part * BLOCK, len(scale), 2 * BLOCK):
        for i in range(begin_at, begin_at + BLOCK):
            found = np.float32(0)
            for k in range(len(w)):
                found += np.float32(codes[i, k]) * w[k]
            found *= scale[i]
            memory.weights[i] = found
            list_voxel(memory, part, i)
            if found > 0:
                found *= scale[i]
                for k in range(len(w)):
                    total[k] += found * np.float32(codes[i, k])
    memory.sums[parity, part, 1] = memory.lengths[part, 0]


bend_of = compiled(_bend_of)
dot_four = compiled(_dot_four)
project = compiled(_project)
four_of = compiled(_four_of)
fetch = compiled(_fetch)
list_voxel = compiled(_list_voxel)
curve = compiled(_curve)
bend = compiled(_bend)
extend = compiled(_extend)
advance = compiled(_advance)
refresh = compiled(_refresh)
