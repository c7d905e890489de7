"""Files from outside are parsed in a child process with bounded memory and time.

The child (`_hdf5_worker.py`) starts on first use, serves many requests, ends with this process
and is replaced when it dies. Where the platform can fork, it lets a copy of itself touch the
files: a damaged file then costs a fresh copy, not a fresh start. Time is bounded everywhere,
memory where the platform has `RLIMIT_AS` (Linux, most Unix; not Windows).
"""

import atexit
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError

WORKER = Path(__file__).with_name("_hdf5_worker.py")
START_SECONDS = 60.0
MAX_HEAD_BYTES = 64 << 20
MAX_REPLY_BYTES = 64 << 20
ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "HDF5_PLUGIN_PRELOAD": "::",
    "HDF5_USE_FILE_LOCKING": "BEST_EFFORT",
}
"""One thread keeps the address space small; `::` turns HDF5's filter plug-ins off."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What reading one file may take: bytes of memory, and seconds for each request."""

    memory: int = 1 << 30
    seconds: float = 60.0

    def __post_init__(self) -> None:
        if self.memory < 1 or not self.seconds > 0:
            raise DataError(f"limits must be positive, got {self.memory} B and {self.seconds} s")


@dataclass(frozen=True, slots=True, eq=False)
class Reply:
    """An answer: its JSON head, and the array it carried, if any."""

    head: Mapping[str, Any]
    values: NDArray[Any] | None


class _Ended(Exception):  # noqa: N818 - internal signal
    """The child is gone."""


@dataclass(slots=True, eq=False)
class _Worker:
    """One child process.

    After a failure it is ended, since its state cannot be trusted; the next request starts
    another. So after a file that the HDF5 library could not follow, unless the child has already
    replaced itself. A plain refusal leaves it running.
    """

    limits: Limits
    process: subprocess.Popen[bytes] | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, request: Mapping[str, Any], name: str) -> Reply:
        """Return the answer; every limit and every death is a `DataError` naming the file."""
        with self.lock:
            process = self.process if self.process and self.process.poll() is None else None
            if process is None:
                self.stop()
                process = self.process = self._start()
            try:
                reply = self._exchange(process, request, name)
            except BaseException:
                self.stop()
                raise
            kind = reply.head.get("error")
            if kind in ("memory", "unreadable") and reply.head.get("renewed") is not True:
                self.stop()
        if kind is not None:
            raise self._refusal(str(kind), str(reply.head.get("detail", "")), name)
        return reply

    def _start(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-I", str(WORKER), str(self.limits.memory), str(self.limits.seconds)],
            process_group=0 if os.name == "posix" else None,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **ENVIRONMENT},
        )
        with _deadline(process, START_SECONDS):
            line = _stream(process.stdout).readline(MAX_HEAD_BYTES)
        if not line:
            _end(process)
            raise DataError(
                f"the process that reads HDF5 files did not start: {sys.executable} with h5py"
            )
        return process

    def _exchange(
        self, process: subprocess.Popen[bytes], request: Mapping[str, Any], name: str
    ) -> Reply:
        with _deadline(process, self.limits.seconds) as expired:
            try:
                sink = _stream(process.stdin)
                sink.write(json.dumps(request).encode() + b"\n")
                sink.flush()
                reply = _receive(_stream(process.stdout))
            except (_Ended, LookupError, OSError, ValueError, TypeError, RecursionError) as error:
                if expired.is_set():
                    raise DataError(
                        f"{name}: reading took longer than the limit of {self.limits.seconds:g} s"
                    ) from None
                raise DataError(
                    f"{name}: the process that read it ended unexpectedly (exit status "
                    f"{process.poll()}); the file is damaged, or needs more than the limit of "
                    f"{self.limits.memory >> 20} MiB"
                ) from error
        return reply

    def _refusal(self, kind: str, detail: str, name: str) -> DataError:
        clean = "".join(c if c.isprintable() else "?" for c in detail)
        if kind == "memory":
            return DataError(
                f"{name}: reading it needs more than the limit of {self.limits.memory >> 20} MiB"
            )
        if kind == "unreadable":
            return DataError(f"{name} cannot be read as HDF5, it is damaged or cut off: {clean}")
        if kind == "link":
            return DataError(f"{name}: {clean}; only data inside the file itself are read")
        return DataError(f"{name}: {clean}")

    def stop(self) -> None:
        """End the child, if there is one."""
        process, self.process = self.process, None
        if process is not None:
            _end(process)

    def forget(self) -> None:
        """Drop a parent's child after a fork: its pipes belong to the parent."""
        process, self.process, self.lock = self.process, None, threading.Lock()
        if process is not None:
            process.returncode = 0
            for stream in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):
                    _stream(stream).close()


def _stream(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise _Ended
    return stream


class _deadline:  # noqa: N801 - reads as a verb
    """Kill a process that outlasts some seconds; a thread, so that it works everywhere."""

    def __init__(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        self._process = process
        self._expired = threading.Event()
        self._timer = threading.Timer(seconds, self._expire)
        self._timer.daemon = True

    def _expire(self) -> None:
        self._expired.set()
        _kill(self._process)

    def __enter__(self) -> threading.Event:
        self._timer.start()
        return self._expired

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._timer.join()


def _receive(stream: IO[bytes]) -> Reply:
    """Return one reply; what does not keep the form raises."""
    line = stream.readline(MAX_HEAD_BYTES)
    if not line.endswith(b"\n"):
        raise _Ended
    head = json.loads(line)
    if "n_bytes" not in head:
        return Reply(head, None)
    dtype, shape = np.dtype(str(head["dtype"])), tuple(int(n) for n in head["shape"])
    n_bytes = int(head["n_bytes"])
    if dtype.str not in ("<i8", "<f8", "<c16") or min(shape, default=1) < 0:
        raise _Ended
    if n_bytes > MAX_REPLY_BYTES or n_bytes != dtype.itemsize * int(np.prod(shape, dtype=object)):
        raise _Ended
    content = stream.read(n_bytes)
    if len(content) != n_bytes:
        raise _Ended
    return Reply(head, np.frombuffer(content, dtype=dtype).reshape(shape))


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill the child with its copies; a child already waited for has none left."""
    if process.poll() is None and os.name == "posix":
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()


def _end(process: subprocess.Popen[bytes]) -> None:
    _kill(process)
    for stream in (process.stdin, process.stdout):
        with contextlib.suppress(OSError, ValueError):
            _stream(stream).close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=5)


_workers: dict[Limits, _Worker] = {}
_workers_lock = threading.Lock()


def ask(request: Mapping[str, Any], *, name: str, limits: Limits) -> Reply:
    """Return the child's answer to `request` about the file called `name`.

    Raises
    ------
    DataError
        if the file is refused or unreadable, or a limit is exceeded; names file and limit.
    """
    with _workers_lock:
        worker = _workers.setdefault(limits, _Worker(limits))
    return worker.ask(request, name)


def stop_workers() -> None:
    """End every child process; the next request starts a new one."""
    for worker in list(_workers.values()):
        worker.stop()
    _workers.clear()


def _forget_workers() -> None:
    global _workers_lock
    _workers_lock = threading.Lock()
    for worker in _workers.values():
        worker.forget()


atexit.register(stop_workers)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_workers)
