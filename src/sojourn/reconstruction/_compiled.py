"""The compiled solver's host: codes of few bits, its memory, its second thread, its modes.

numba is imported only by `open_session`; `is_available` asks whether it is there.
"""

import threading
from dataclasses import dataclass
from importlib.util import find_spec
from queue import SimpleQueue
from types import ModuleType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.reconstruction._compression import CompressedMatrix

Bits = Literal[8, 16, 32]

REFRESH = 64
"""Frames after which a stream makes all products anew, so that rounding errors do not add up."""

SPAN = 1e3
"""A frame so many times larger or smaller than the one before starts from nothing."""

LARGEST = 1e12
"""Calibration samples that a frame may imply; more is a fault of the signal or of its unit."""

FORCING = 0.3
"""Share to which conjugate gradients reduce a Newton system's residual; fewest passes here."""


def is_available() -> bool:
    """Return whether the compiled solver can be used."""
    return find_spec("numba") is not None


@dataclass(frozen=True, slots=True, eq=False)
class Quantized:
    """Rows as integers of few bits (or as they are), `codes` (n, k), times `scale` (n,).

    `error`: Frobenius norm of the rounding error, relative.
    """

    codes: NDArray[Any]
    scale: NDArray[np.float32]
    error: float


def quantize(rows: NDArray[np.floating], bits: Bits) -> Quantized:
    """Return `rows` (n, k) rounded to 8 or 16 bits, scaled row by row, or in single precision."""
    if bits == 32:
        return Quantized(rows.astype(np.float32), np.ones(len(rows), dtype=np.float32), 0.0)
    kind = np.int8 if bits == 8 else np.int16
    largest = np.abs(rows).max(axis=1)
    scale = np.where(largest > 0, largest, 1).astype(np.float32) / np.float32(np.iinfo(kind).max)
    codes = np.rint(rows / scale[:, None])
    left = np.linalg.norm(rows - codes * scale[:, None]) / max(float(np.linalg.norm(rows)), 1e-300)
    return Quantized(codes.astype(kind), scale, float(left))


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """A compressed matrix as the kernels read it: filled up with zeros, `n_voxels` true ones."""

    operator: Any
    n_voxels: int
    unit: float
    error: float


def encode(compressed: CompressedMatrix, regularization: float, bits: Bits) -> Coded:
    """Return `compressed` as codes of `bits`; `regularization` is the absolute lambda."""
    kernels = _kernels()
    voxels, rank = compressed.loadings.shape
    wide, long_ = -(-rank // 16) * 16, -(-voxels // kernels.BLOCK) * kernels.BLOCK
    unit = float(compressed.singular[0])
    loadings = quantize(compressed.loadings, bits)
    basis = quantize(compressed.basis, 16 if bits == 8 else bits)
    operator = kernels.Operator(
        codes=_filled(loadings.codes, (long_, wide)),
        scale=_filled(loadings.scale, (long_,)),
        singular=_filled((compressed.singular / unit).astype(np.float32), (wide,)),
        basis=_filled(basis.codes, (wide, basis.codes.shape[1])),
        basis_scale=_filled(basis.scale, (wide,)),
        regularization=float(regularization / unit**2),
    )
    return Coded(operator, voxels, unit, float(np.hypot(loadings.error, basis.error)))


def _filled(values: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    found = np.zeros(shape, dtype=values.dtype)
    found[tuple(slice(n) for n in values.shape)] = values
    return found


def _kernels() -> ModuleType:
    from sojourn.reconstruction import _kernels as kernels

    return kernels


@dataclass(frozen=True, slots=True)
class Limits:
    """When a solve ends: relative gradient of the compressed dual, and passes over the matrix."""

    tolerance: float
    max_passes: float


@dataclass(slots=True)
class FrameReport:
    """What the last frame took; made anew in place by each frame.

    `gradient`: norm of the dual gradient relative to the projected signal; it certifies the
    compressed problem alone. `is_capped`: the passes ran out before the tolerance.
    """

    gradient: float = 0.0
    active: float = 0.0
    passes: float = 0.0
    steps: int = 0
    products: int = 0
    is_converged: bool = True
    is_capped: bool = False
    is_cold: bool = True


class Session:
    """Frames in, images out; keeps the last dual, so that frames alike are solved in few passes.

    Not for two callers at once. `threads` 2 starts one helper thread; `close` ends it. The bytes
    of the images do not depend on `threads`.
    """

    def __init__(self, coded: Coded, limits: Limits, threads: Literal[1, 2]) -> None:
        self._kernels = _kernels()
        self._coded, self._limits, self._threads = coded, limits, threads
        self._memory = self._kernels.new_memory(coded.operator, threads)
        rows = len(self._memory.signal) // 2
        self._real, self._imaginary = self._memory.signal[:rows], self._memory.signal[rows:]
        self._magnitude = np.zeros(rows)
        self._image = self._memory.image[: coded.n_voxels]
        self._unit, self._since, self._mode = 1.0, 0, self._kernels.COLD
        self.report = FrameReport()
        self._helper: _Helper | None = None
        if threads == 2:
            self._helper = _Helper(self._kernels.solve, coded.operator, self._memory, limits)

    def solve(self, signal: NDArray[np.complex128], out: NDArray[np.float64]) -> None:
        """Write the image of `signal` (row,) to `out` (voxel,), and what it took to `report`.

        Raises
        ------
        DataError
            if the signal is not finite or absurdly large; the session then starts anew.
        """
        peak = self._peak(signal)
        self._choose_mode(peak)
        factor = 1.0 / (self._unit * self._coded.unit)
        np.multiply(signal.real, factor, out=self._real, casting="same_kind")
        np.multiply(signal.imag, factor, out=self._imaginary, casting="same_kind")
        status = self._run()
        if status == self._kernels.BROKEN:
            self._mode = self._kernels.COLD
            raise RuntimeError("the solver's second thread did not answer; use one thread")
        self._note(status)
        np.multiply(self._image, self._unit, out=out)
        if peak == 0:
            self.reset()

    def reset(self) -> None:
        """Forget the last frame."""
        self._mode = self._kernels.COLD

    def close(self) -> None:
        """End the helper thread."""
        if self._helper is not None:
            self._helper.stop()
            self._helper = None
            self._threads = 1

    def _peak(self, signal: NDArray[np.complex128]) -> float:
        if signal.shape != self._magnitude.shape:
            self.reset()
            raise DataError(
                f"a frame has shape {signal.shape}; expected ({len(self._magnitude)},), one value "
                "for each selected row"
            )
        np.abs(signal, out=self._magnitude)
        peak = float(self._magnitude.max()) / self._coded.unit
        if not peak < LARGEST:
            self.reset()
            at = int(np.argmax(self._magnitude))  # of the first NaN, where there is one
            raise DataError(
                f"a frame holds {signal[at]} (row {at}); expected finite values below "
                f"{LARGEST:.0e} times the calibration's. Drop the frame, or check its unit"
            )
        return peak

    def _choose_mode(self, peak: float) -> None:
        kernels = self._kernels
        near = self._unit / SPAN < peak < self._unit * SPAN
        if self._mode == kernels.COLD or not near:
            self._mode, self._unit, self._since = kernels.COLD, peak if peak > 0 else 1.0, 0
        elif self._since >= REFRESH:
            self._mode, self._since = kernels.FRESH, 0
        else:
            self._mode = kernels.WARM

    def _run(self) -> int:
        memory, limits, operator = self._memory, self._limits, self._coded.operator
        if self._helper is not None:
            self._helper.start(self._mode)
        status = self._kernels.solve(
            0,
            self._threads,
            operator,
            memory,
            self._mode,
            limits.tolerance,
            FORCING,
            limits.max_passes,
        )
        if self._helper is not None:
            self._helper.wait()
        return int(status)

    def _note(self, status: int) -> None:
        kernels, facts, report = self._kernels, self._memory.facts[0], self.report
        size = facts[kernels.LENGTH]
        report.gradient = float(facts[kernels.GRADIENT] / size) if size > 0 else 0.0
        report.active = float(facts[kernels.SHARE_ACTIVE])
        report.passes = float(facts[kernels.PASSES])
        report.steps = int(facts[kernels.STEPS])
        report.products = int(facts[kernels.PRODUCTS])
        report.is_converged = status == kernels.CONVERGED
        report.is_capped = status == kernels.CAPPED
        report.is_cold = self._mode == kernels.COLD
        self._since += 1
        stalled = status == kernels.STALLED
        self._mode = kernels.WARM
        if stalled:
            self._since = REFRESH


class _Helper:
    """The second thread: sleeps until a frame comes, then runs the same kernel."""

    def __init__(self, solve: Any, operator: Any, memory: Any, limits: Limits) -> None:  # noqa: ANN401
        self._orders: SimpleQueue[int | None] = SimpleQueue()
        self._done = threading.Semaphore(0)
        self._thread = threading.Thread(
            target=_serve,
            args=(self._orders, self._done, solve, operator, memory, limits),
            daemon=True,
        )
        self._thread.start()

    def start(self, mode: int) -> None:
        self._orders.put(mode)

    def wait(self) -> None:
        self._done.acquire()

    def stop(self) -> None:
        self._orders.put(None)
        self._thread.join()


def _serve(
    orders: "SimpleQueue[int | None]",
    done: threading.Semaphore,
    solve: Any,  # noqa: ANN401
    operator: Any,  # noqa: ANN401
    memory: Any,  # noqa: ANN401
    limits: Limits,
) -> None:
    while (mode := orders.get()) is not None:
        solve(1, 2, operator, memory, mode, limits.tolerance, FORCING, limits.max_passes)
        done.release()
