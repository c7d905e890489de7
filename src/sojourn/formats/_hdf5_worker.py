"""Child process that alone opens HDF5 files from outside.

Run by its path, isolated (`python -I`), so it imports nothing of this package. One JSON line
asks; one JSON line answers, then `n_bytes` raw little-endian bytes. It opens no file for
writing, follows no link, loads no filter plug-in and never unpickles.

Where the platform can fork, the process itself opens no file: a copy of it serves, and is
replaced by a fresh copy after each file that the HDF5 library could not follow.
"""

import json
import math
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import numpy as np
from numpy.typing import NDArray

MAX_OBJECTS = 10_000
MAX_DEPTH = 16
MAX_VALUE_BYTES = 1 << 12
MAX_TEXT = 1 << 16
MAX_VALUES_BYTES = 8 << 20
GAP_BYTES = 1 << 16
MAX_CHUNK_BYTES = 256 << 20
MAX_ARRAY_BYTES = 64 << 20
BLOCK_BYTES = 16 << 20
COMPRESSION = 1100
"""Deflate cannot shrink data by more than about 1032."""
FILTERS = {1: "deflate", 2: "shuffle", 3: "fletcher32", 32000: "lzf"}
KINDS = {"i": "int", "u": "int", "b": "int", "f": "float", "c": "complex"}
RENEW = 77
"""Exit status of a copy that wants to be replaced."""
LINKS = {h5py.h5l.TYPE_SOFT: "SoftLink", h5py.h5l.TYPE_EXTERNAL: "ExternalLink"}
WIRE = {"int": "<i8", "float": "<f8", "complex": "<c16"}


class Refused(Exception):  # noqa: N818 - a verdict, not a defect
    """The file asks for something that is not done; `kind` sorts the reasons."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind


def open_file(path: str, stamp: list[int] | None = None) -> h5py.File:
    """Open `path` for reading; refuse if it is no HDF5, or changed since `stamp`."""
    status = Path(path).stat()
    if stamp is not None and [status.st_size, status.st_mtime_ns] != stamp:
        raise Refused("changed", "the file changed while it was in use")
    if not h5py.is_hdf5(path):
        raise Refused("not_hdf5", "the file is not HDF5")
    return h5py.File(path, "r")


def walk(file: h5py.File) -> Iterator[tuple[str, Any]]:
    """Yield every group and dataset by path, as low-level objects; each group is entered once."""
    waiting: list[tuple[str, Any, int]] = [("", h5py.h5g.open(file.id, b"/"), 0)]
    seen: set[int] = set()
    n_objects = 0
    while waiting:
        folder, group, depth = waiting.pop()
        yield folder or "/", group
        for name in sorted(group):
            path, n_objects = f"{folder}/{name.decode('utf-8', 'surrogateescape')}", n_objects + 1
            link = group.links.get_info(name).type
            if link != h5py.h5l.TYPE_HARD:
                raise Refused("link", f"{path} is a {LINKS.get(link, 'UserLink')}")
            if n_objects > MAX_OBJECTS or depth > MAX_DEPTH:
                raise Refused("limit", f"more than {MAX_OBJECTS} objects, or {MAX_DEPTH} levels")
            child = h5py.h5o.open(group, name)
            if isinstance(child, h5py.h5d.DatasetID):
                yield path, child
            elif isinstance(child, h5py.h5g.GroupID):
                address = int(h5py.h5o.get_info(child).addr)
                if address not in seen:
                    seen.add(address)
                    waiting.append((path, child, depth + 1))


def kind_of(dtype: np.dtype[Any]) -> str:
    """Return int, float, complex, string or other."""
    if h5py.check_string_dtype(dtype) is not None:
        return "string"
    if h5py.check_ref_dtype(dtype) is not None or h5py.check_vlen_dtype(dtype) is not None:
        return "other"
    if dtype.itemsize > (16 if dtype.kind == "c" else 8):
        return "other"
    return KINDS.get(dtype.kind, "other")


def obstacle(name: str, data: Any, shape: tuple[int, ...], kind: str, itemsize: int) -> str:  # noqa: ANN401
    """Return why `data` is not read, or nothing; refuse storage outside the file at once."""
    plan = data.get_create_plist()
    if plan.get_layout() == h5py.h5d.VIRTUAL or plan.get_external_count() > 0:
        raise Refused("link", f"{name} keeps its data in another file")
    if kind == "other":
        return "its type is neither number nor text"
    filters = [plan.get_filter(i)[0] for i in range(plan.get_nfilters())]
    if unknown := [number for number in filters if number not in FILTERS]:
        return f"its HDF5 filters {unknown} are not among {', '.join(FILTERS.values())}"
    claimed, stored = math.prod(shape) * itemsize, data.get_storage_size()
    chunks = plan.get_chunk() if plan.get_layout() == h5py.h5d.CHUNKED else ()
    if math.prod(chunks) * itemsize > MAX_CHUNK_BYTES:
        return f"its chunks {chunks} are larger than {MAX_CHUNK_BYTES >> 20} MiB"
    if claimed > COMPRESSION * stored:
        return f"its shape {shape} claims {claimed} bytes where {stored} are stored"
    return ""


def texts(name: str, raw: NDArray[Any]) -> list[str]:
    """Return the strings of a small dataset, flat."""
    found = [v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in raw.flat]
    if sum(map(len, found)) > MAX_TEXT:
        raise Refused("limit", f"{name} holds more than {MAX_TEXT} characters")
    return found


def describe(request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Return shape and type of every dataset, the values of small ones, and every group."""
    status = Path(request["path"]).stat()
    stamp = [status.st_size, status.st_mtime_ns]
    items: dict[str, dict[str, Any]] = {}
    groups, attributed, budget = [], [], MAX_VALUES_BYTES
    with open_file(request["path"], stamp) as file:
        for name, found in walk(file):
            attributed += [name] if h5py.h5a.get_num_attrs(found) else []
            if isinstance(found, h5py.h5g.GroupID):
                groups.append(name)
                continue
            items[name] = describe_dataset(name, found, budget)
            budget -= items[name].pop("n_bytes")
    head = {"items": items, "groups": groups, "attributed": attributed, "pid": os.getpid()}
    return {**head, "stamp": stamp}, b""


def describe_dataset(name: str, data: Any, budget: int) -> dict[str, Any]:  # noqa: ANN401
    """Return kind, type, shape and obstacle of a dataset, and if it is small its values, flat.

    A complex number comes as two.
    """
    dtype, space = data.dtype, data.get_space()
    kind, is_empty = kind_of(dtype), space.get_simple_extent_type() == h5py.h5s.NULL
    shape = () if is_empty else space.shape
    blocked = "it is empty" if is_empty else obstacle(name, data, shape, kind, dtype.itemsize)
    item = {"kind": kind, "type": str(dtype)[:200], "shape": shape, "blocked": blocked}
    n_bytes = math.prod(shape) * dtype.itemsize
    if blocked or n_bytes > min(MAX_VALUE_BYTES, budget):
        return {**item, "n_bytes": 0}
    values = np.empty(shape, dtype)
    data.read(h5py.h5s.ALL, h5py.h5s.ALL, values)
    if kind == "string":
        return {**item, "n_bytes": n_bytes, "value": texts(name, values)}
    flat = values.astype(WIRE[kind]).ravel()
    flat = flat.view("<f8") if kind == "complex" else flat
    return {**item, "n_bytes": n_bytes, "value": flat.tolist()}


def checked(file: h5py.File, name: str) -> h5py.Dataset:
    """Return the dataset at `name`, reached by hard links only, readable."""
    found: Any = file
    for part in name.strip("/").split("/"):
        link = found.get(part, getlink=True) if isinstance(found, h5py.Group) else None
        if not isinstance(link, h5py.HardLink):
            raise Refused("link", f"{name} is not in the file itself")
        found = found[part]
    if not isinstance(found, h5py.Dataset) or found.shape is None:
        raise Refused("blocked", f"{name} is no array")
    kind, itemsize = kind_of(found.dtype), found.dtype.itemsize
    if reason := obstacle(found.name, found.id, found.shape, kind, itemsize):
        raise Refused("blocked", f"{name}: {reason}")
    return found


def array(request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Return a whole dataset, numeric or of texts, or the part asked for along its first axis."""
    with open_file(request["path"], request["stamp"]) as file:
        data = checked(file, request["name"])
        kind = kind_of(data.dtype)
        if kind == "string" and data.size <= MAX_TEXT:
            return {"texts": texts(data.name, np.asarray(data[()], dtype=object))}, b""
        first, last = request.get("part") or (0, len(data) if data.shape else 1)
        n_values = data.size // max(1, data.shape[0] if data.shape else 1) * (last - first)
        if kind not in WIRE or n_values * np.dtype(WIRE[kind]).itemsize > MAX_ARRAY_BYTES:
            raise Refused("blocked", f"{data.name} of shape {data.shape} is too large to be read")
        part = data[first:last] if data.shape else data[()]
        return reply(np.asarray(part).astype(WIRE[kind]))


class View:
    """Data seen with the four axes of version 2.

    Version 1 has no axis of periods, and splits complex numbers over a last axis of two.
    """

    def __init__(self, data: h5py.Dataset, request: dict[str, Any]) -> None:
        self.data, self.pairs = data, request["pairs"]
        self.period_axis = 0 if request["fast"] else 1
        self.has_periods = request["has_periods"]
        self.dtype = np.dtype("c16") if self.pairs else data.dtype

    def __getitem__(self, at: tuple[int | slice, ...]) -> NDArray[Any]:
        kept = [i for axis, i in enumerate(at) if self.has_periods or axis != self.period_axis]
        found = self.data[tuple(kept)]
        return np.asarray(found[..., 0] + 1j * found[..., 1] if self.pairs else found)


def reply(values: NDArray[Any]) -> tuple[dict[str, Any], bytes]:
    """Return the answer that carries `values`."""
    content = np.ascontiguousarray(values).tobytes()
    head = {"dtype": values.dtype.str, "shape": list(values.shape), "n_bytes": len(content)}
    return head, content


def runs(wanted: NDArray[np.int64], gap: int) -> Iterator[NDArray[np.int64]]:
    """Yield positions in groups that are read at once, with gaps of at most `gap` between."""
    yield from np.split(wanted, np.flatnonzero(np.diff(wanted) > gap) + 1)


def fast_rows(data: View, wanted: NDArray[np.int64], request: dict[str, Any]) -> NDArray[Any]:
    """Return rows of data (period, channel, row, frame), shape (frame, row)."""
    (first, last), period, channel = request["frames"], request["period"], request["channel"]
    found = np.empty((last - first, len(wanted)), dtype=data.dtype)
    n_bytes = max(1, (last - first) * data.dtype.itemsize)
    size = max(1, BLOCK_BYTES // n_bytes)
    start = 0
    for run in runs(wanted, max(1, GAP_BYTES // n_bytes)):
        for low in range(int(run[0]), int(run[-1]) + 1, size):
            part = run[(run >= low) & (run < low + size)]
            if len(part):
                block = data[period, channel, int(part[0]) : int(part[-1]) + 1, first:last]
                found[:, start : start + len(part)] = block[part - part[0]].T
                start += len(part)
    return found


def slow_rows(
    data: View, wanted: NDArray[np.int64], request: dict[str, Any]
) -> Iterator[NDArray[Any]]:
    """Yield rows of data (frame, period, channel, row), some frames at a time."""
    frames, period, channel = request["frames"], request["period"], request["channel"]
    low, high = int(wanted[0]), int(wanted[-1]) + 1
    step = max(1, BLOCK_BYTES // max(1, (high - low) * data.dtype.itemsize))
    for first in range(frames[0], frames[1], step):
        block = data[first : min(first + step, frames[1]), period, channel, low:high]
        yield block[:, wanted - low]


def spectrum(samples: NDArray[Any], request: dict[str, Any]) -> NDArray[np.complex128]:
    """Return the asked-for bins of the plain rFFT of converted samples (frame, sample).

    Where processing kept fewer samples of a period, the spectrum is that of all of them.
    """
    scale, offset = request["conversion"]
    values = np.fft.rfft(scale * samples.astype(np.float64) + offset, axis=1)
    found = values[:, np.asarray(request["wanted"], dtype=np.int64)]
    return np.asarray(found * (request["n_samples"] / samples.shape[1]))


def convert(found: NDArray[Any], request: dict[str, Any]) -> NDArray[Any]:
    """Return rows in the file's unit: scaled, the offset on the zero frequency only."""
    if request["domain"] == "index":
        return found.astype("<i8")
    scale, offset = request["conversion"]
    converted = found.astype("<c16") * scale
    if request["zero_at"] is not None and offset:
        at = np.flatnonzero(np.asarray(request["wanted"]) == request["zero_at"])
        converted[:, at] += offset * request["n_samples"]
    return np.asarray(converted)


def rows(request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Return some rows of one channel, shape (frame, row)."""
    with open_file(request["path"], request["stamp"]) as file:
        data = checked(file, request["name"])
        if list(data.shape) != request["shape"]:
            raise Refused("changed", f"{data.name} has shape {data.shape}")
        wanted = np.asarray(request["wanted"], dtype=np.int64)
        view = View(data, request)
        if request["domain"] == "time":
            found = time_rows(view, request)
        elif request["fast"]:
            found = convert(fast_rows(view, wanted, request), request)
        else:
            blocks = slow_rows(view, wanted, request)
            found = np.concatenate([convert(block, request) for block in blocks])
    if found.dtype.kind == "c" and not np.isfinite(found).all():
        frame, _ = np.argwhere(~np.isfinite(found))[0]
        frame += request["frames"][0]
        raise Refused("nan", f"{request['name']} holds NaN or infinity in frame {frame + 1}")
    return reply(found)


def time_rows(data: View, request: dict[str, Any]) -> NDArray[np.complex128]:
    """Return rows of time-domain data, transformed."""
    (first, last), n_stored = request["frames"], request["n_stored_samples"]
    if not request["fast"]:
        blocks = slow_rows(data, np.arange(n_stored), request)
        return np.concatenate([spectrum(block, request) for block in blocks])
    period, channel = request["period"], request["channel"]
    step = max(1, BLOCK_BYTES // (8 * n_stored))
    return np.concatenate(
        [
            spectrum(data[period, channel, :, i : min(i + step, last)].T, request)
            for i in range(first, last, step)
        ]
    )


ANSWERS = {"describe": describe, "array": array, "rows": rows}


def answer(request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Answer one request; every refusal and every failure is an answer too."""
    try:
        return ANSWERS[request["ask"]](request)
    except Refused as verdict:
        return {"error": verdict.kind, "detail": str(verdict)[:500]}, b""
    except MemoryError:
        return {"error": "memory", "detail": ""}, b""
    except (ArithmeticError, LookupError, OSError, RuntimeError, TypeError, ValueError) as error:
        return {"error": "unreadable", "detail": f"{type(error).__name__}: {error}"[:500]}, b""


def limit_memory(extra: int) -> int | None:
    """Bound the address space to what is used now plus `extra` bytes; None where impossible."""
    try:
        import resource
    except ImportError:
        return None
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        used = pages * resource.getpagesize()
    except OSError:
        used = 1 << 30
    try:
        resource.setrlimit(resource.RLIMIT_AS, (used + extra, used + extra))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (OSError, ValueError):
        return None
    return extra


def serve(requests: BinaryIO, replies: BinaryIO, seconds: float, *, renews: bool) -> int:
    """Answer requests until there are no more, or until this copy wants to be replaced.

    An alarm ends it should whoever asked be gone and a file keep the library busy.
    """
    alarm = getattr(signal, "setitimer", lambda *_: None)
    for line in requests:
        alarm(0, seconds + 1.0)  # 0 is ITIMER_REAL, a name that Windows lacks
        head, content = answer(json.loads(line))
        is_spoiled = renews and head.get("error") in ("memory", "unreadable")
        replies.write(json.dumps({**head, "renewed": is_spoiled}).encode() + b"\n" + content)
        replies.flush()
        alarm(0, 0.0)
        if is_spoiled:
            return RENEW
    return 0


def serve_by_copies(requests: BinaryIO, replies: BinaryIO, seconds: float) -> int:
    """Let a copy of this process serve, and a fresh one after each that wants to be replaced.

    Any other end of a copy is the end of all: what it had begun to answer is lost.
    """
    status = RENEW
    while status == RENEW:
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                status = serve(requests, replies, seconds, renews=True)
            finally:
                os._exit(status)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return status if status >= 0 else 128 - status


def main() -> int:
    """Limit memory, say so, serve."""
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    sys.stdout = sys.stderr
    memory, seconds = limit_memory(int(sys.argv[1])), float(sys.argv[2])
    replies.write(json.dumps({"memory": memory}).encode() + b"\n")
    replies.flush()
    if hasattr(os, "fork"):
        return serve_by_copies(sys.stdin.buffer, replies, seconds)
    return serve(sys.stdin.buffer, replies, seconds, renews=False)


if __name__ == "__main__":
    sys.exit(main())
