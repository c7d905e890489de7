"""Live images: each frame starts from the last one's solution, and takes bounded time.

Frames are signals as `PreparedRows.signal` makes them, (row,). The image of a frame depends on
the frames before it only within the solver's tolerance; a stream that is fed the same frames
gives the same bytes, with one thread or two.
"""

from collections.abc import Callable
from types import TracebackType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.reconstruction import _compiled
from sojourn.reconstruction._compiled import FrameReport, Session
from sojourn.reconstruction._prepared import PreparedMethod
from sojourn.reconstruction.newton import NewtonSolver, check_finite

LATENCIES = 4096
"""Frames whose latency is kept, the latest ones."""

Clock = Callable[[], float]


class Stream:
    """One scanner's frames, in order; made by `open_stream`, and closed after use.

    `report` is of the last frame. `n_capped` counts the frames whose passes ran out: their images
    are less exact than the tolerance says.
    """

    def __init__(
        self, solver: NewtonSolver, *, threads: Literal[1, 2], clock: Clock | None
    ) -> None:
        self._solver, self._clock = solver, clock
        self._session: Session | None = None
        if solver.coded is not None:
            self._session = Session(solver.coded, solver.limits, threads)
        self._full = np.zeros(solver.n_voxels)
        self._found = self._full if _is_whole(solver) else np.zeros(len(solver.voxels))
        self._latencies = np.full(LATENCIES, np.nan)
        self.report = FrameReport() if self._session is None else self._session.report
        self.n_frames, self.n_capped = 0, 0

    def push(self, row: NDArray[np.complex128]) -> NDArray[np.float64]:
        """Return the image (voxel,) of one frame (row,), in calibration samples.

        The image is overwritten by the next frame: copy what is to stay. Work is bounded by the
        settings' `max_passes` (plus what one step takes); a frame that would need more comes back
        less exact, and `report.is_capped` says so.

        Raises
        ------
        DataError
            if the frame has another shape, or is not finite; the next one starts from nothing.
        """
        begin = 0.0 if self._clock is None else self._clock()
        if self._session is None:
            self._plain(row)
        else:
            self._session.solve(row, self._found)
            if self._found is not self._full:
                self._full[self._solver.voxels] = self._found
        if self._clock is not None:
            self._latencies[self.n_frames % LATENCIES] = self._clock() - begin
        self.n_frames += 1
        self.n_capped += self.report.is_capped
        return self._full

    def warm_up(self) -> None:
        """Compile and touch everything, so that the first frame is as fast as a later one.

        Solves three frames: one from nothing, one from the last, one with all products anew.
        """
        row = self._solver.compressed.basis[0].astype(np.float64)
        half = len(row) // 2
        frame = self._solver.compressed.singular[0] * (row[:half] + 1j * row[half:])
        for _ in range(3):
            self.push(frame)
        self.reset()
        self.n_frames, self.n_capped = 0, 0
        self._latencies[:] = np.nan

    def reset(self) -> None:
        """Forget the last frame: the next one starts from nothing."""
        if self._session is not None:
            self._session.reset()

    def latencies(self) -> NDArray[np.float64]:
        """Return the seconds that the latest frames took, oldest first; none without a clock."""
        n = min(self.n_frames, LATENCIES)
        rolled = np.roll(self._latencies, -(self.n_frames % LATENCIES))
        found: NDArray[np.float64] = rolled[LATENCIES - n :]
        return found[np.isfinite(found)]

    def close(self) -> None:
        """End the helper thread."""
        if self._session is not None:
            self._session.close()

    def __enter__(self) -> "Stream":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _plain(self, row: NDArray[np.complex128]) -> None:
        rows = self._solver.compressed.basis.shape[1] // 2
        if row.shape != (rows,):
            raise DataError(f"a frame has shape {row.shape}; expected ({rows},)")
        check_finite(row)
        solution = self._solver.batch(row[None])[0]
        self._full[:] = solution.values
        found = solution.report
        self.report.gradient = found["compressed_dual_gradient"]
        self.report.active, self.report.passes = found["active_fraction"], found["passes"]
        self.report.is_converged = found["is_compressed_converged"]
        self.report.is_capped = not self.report.is_converged


def open_stream(
    prepared: PreparedMethod, *, threads: Literal[1, 2] = 2, clock: Clock | None = None
) -> Stream:
    """Return a stream of images from a calibration prepared by the method `newton`.

    Parameters
    ----------
    prepared
        with purpose guidance or review.
    threads
        of the compiled solver; keep numpy's linear algebra at one thread beside it
        (`single_threaded`): pools that spin slow each other down.
    clock
        seconds, such as `time.perf_counter`, to record latencies with; None records none.

    Raises
    ------
    DataError
        if `prepared` is of another method, or for quantification: certified images are not live.
    """
    solver = prepared.solver
    if not isinstance(solver, NewtonSolver) or solver.whole is not None:
        raise DataError(
            f"a stream needs the method 'newton' with purpose guidance or review, got "
            f"{prepared.stage}; quantify from the stored frames"
        )
    return Stream(solver, threads=threads, clock=clock)


def is_compiled() -> bool:
    """Return whether streams here use compiled kernels; else plain numpy, many times slower."""
    return _compiled.is_available()


def _is_whole(solver: NewtonSolver) -> bool:
    return len(solver.voxels) == solver.n_voxels
