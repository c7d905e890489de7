"""What compiled kernels share: the operator's and the memory's layout, and how two threads meet.

numba's cache sees changes of a kernel's own file alone: after a change here, clear `__pycache__`.
"""

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

NUMBA: Any = import_module("numba")
CGUTILS: Any = import_module("numba.core.cgutils")
INTRINSIC: Any = import_module("numba.extending").intrinsic
IR: Any = import_module("llvmlite.ir")

BLOCK = 32
"""Voxels dealt out at once: the two parts see the same mix of active and idle voxels."""

OPTIONS: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"reassoc", "contract", "nsz"},
}
"""Sums of single precision in any order; NaN and infinity keep their meaning."""

SPINS = 2_000
PATIENCE = 20_000_000
"""Turns a thread waits for its fellow before it yields the processor, and before it gives up."""

Y, G, Z, D, R, V, H, W, M = range(9)
"""Rows of `Memory.vectors`: dual, gradient, projected signal, step, residual, direction, ..."""

SHARE_ACTIVE, PASSES, STEPS, PRODUCTS, GRADIENT, LENGTH = range(6)
"""Columns of `Memory.facts`, each thread its own row, with equal content."""

CONVERGED, CAPPED, STALLED, BROKEN = range(4)
COLD, FRESH, WARM = range(3)
"""Start: from nothing; from the last dual with all products made anew; from all that was kept."""

SHARE, START = 0.1, 0.5
"""Armijo's share and the active share of the first guess, as in `_dual_newton`."""


class Operator(NamedTuple):
    """The compressed matrix in units of its largest singular value, voxel-major.

    Voxel i's column is `scale[i] * singular * codes[i]`; `codes` (voxel, rank) int8, int16 or
    float32, filled up with zeros to a multiple of `BLOCK` voxels and of 16 ranks. A projected
    signal is `basis_scale * (basis @ signal)`, `basis` (rank, 2 row). `regularization` is lambda
    over the largest singular value squared.
    """

    codes: NDArray[Any]
    scale: NDArray[np.float32]
    singular: NDArray[np.float32]
    basis: NDArray[Any]
    basis_scale: NDArray[np.float32]
    regularization: float


class Memory(NamedTuple):
    """All that a solve writes to: `vectors` (thread, 9, rank), voxel arrays, partial sums."""

    vectors: NDArray[np.float32]
    weights: NDArray[np.float32]
    change: NDArray[np.float32]
    product: NDArray[np.float32]
    image: NDArray[np.float32]
    lists: NDArray[np.int32]
    lengths: NDArray[np.int64]
    partial: NDArray[np.float32]
    sums: NDArray[np.float64]
    signal: NDArray[np.float32]
    projected: NDArray[np.float32]
    counters: NDArray[np.int64]
    turns: NDArray[np.int64]
    facts: NDArray[np.float64]


def new_memory(operator: Operator, threads: int) -> Memory:
    """Return zeroed memory for `operator` and one or two `threads`."""
    voxels, rank = operator.codes.shape
    half = (voxels // BLOCK + 1) // 2 * BLOCK
    weights, change, product, image = np.zeros((4, voxels), dtype=np.float32)
    return Memory(
        np.zeros((threads, 9, rank), dtype=np.float32),
        weights,
        change,
        product,
        image,
        np.zeros((2, 2, half), dtype=np.int32),
        np.zeros((2, 16), dtype=np.int64),
        np.zeros((2, 2, rank), dtype=np.float32),
        np.zeros((2, 2, 8)),
        np.zeros(operator.basis.shape[1], dtype=np.float32),
        np.zeros(rank, dtype=np.float32),
        np.zeros(32, dtype=np.int64),
        np.zeros((threads, 16), dtype=np.int64),
        np.zeros((threads, 16)),
    )


def compiled(function: Callable[..., Any]) -> Any:  # noqa: ANN401 - numba has no types
    """Return `function` compiled at its first call, kept on disk where there is a place for it."""
    try:
        return NUMBA.njit(cache=True, **OPTIONS)(function)
    except RuntimeError:  # numba: no folder that can be written to
        return NUMBA.njit(**OPTIONS)(function)


def _atomic_load(_context: Any, array: Any, index: Any) -> Any:  # noqa: ANN401
    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        view = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = CGUTILS.gep_inbounds(builder, view.data, arguments[1])
        return builder.load_atomic(place, "acquire", 8)

    return NUMBA.types.int64(array, index), build


def _atomic_store(_context: Any, array: Any, index: Any, value: Any) -> Any:  # noqa: ANN401
    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        view = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = CGUTILS.gep_inbounds(builder, view.data, arguments[1])
        builder.store_atomic(arguments[2], place, "release", 8)
        return context.get_dummy_value()

    return NUMBA.types.void(array, index, value), build


def _prefetch(_context: Any, array: Any, index: Any) -> Any:  # noqa: ANN401
    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        view = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = CGUTILS.gep_inbounds(builder, view.data, arguments[1])
        word, pointer = IR.IntType(32), CGUTILS.voidptr_t
        kind = IR.FunctionType(IR.VoidType(), [pointer, word, word, word])
        fetch = CGUTILS.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        to_read = [word(0), word(3), word(1)]
        builder.call(fetch, [builder.bitcast(place, pointer), *to_read])
        return context.get_dummy_value()

    return NUMBA.types.void(array, index), build


prefetch = INTRINSIC(_prefetch)
load_atomic = INTRINSIC(_atomic_load)
store_atomic = INTRINSIC(_atomic_store)
if sys.platform == "win32":
    yield_processor = compiled(lambda: 0)
else:
    yield_processor = NUMBA.types.ExternalFunction("sched_yield", NUMBA.types.int32())


def _meet(memory: Memory, thread: int, threads: int) -> bool:
    """Take the next turn together; false if the other thread never comes."""
    memory.turns[thread, 0] += 1
    if threads == 1:
        return True
    turn = memory.turns[thread, 0]
    store_atomic(memory.counters, 16 * thread, turn)
    waited = 0
    while load_atomic(memory.counters, 16 * (1 - thread)) < turn:
        waited += 1
        if waited > SPINS:
            yield_processor()
        if waited > PATIENCE:
            return False
    return True


meet = compiled(_meet)
