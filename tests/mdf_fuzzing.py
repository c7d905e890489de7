"""Broken and hostile MDF files, the same for one seed; run as a program, read them all.

`python mdf_fuzzing.py COUNT SEED FOLDER` prints how many files gave what, as JSON. Every file is
read in every way the package has; each way gives a value or a SojournError, anything else ends
the program with a traceback.
"""

import collections
import json
import resource
import sys
import time
import warnings
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np

import handmade_mdf as handmade
import synthetic_mpi as synthetic
from mdf_headers import HEADER
from sojourn.core.errors import SojournError
from sojourn.core.signals import Scan, TransferFunction, stored_bins
from sojourn.formats import mdf
from sojourn.formats._isolation import Limits, stop_workers

LIMITS = Limits(memory=256 << 20, seconds=4.0)


def write_bases(folder):
    """Write good files of every kind; return their bytes by name."""
    matrix = synthetic.matrix(snr=np.ones((2, 17)))
    chain = TransferFunction(matrix.acquisition.frequencies(), np.ones((2, 17)) + 1j)
    taken = replace(matrix.acquisition, transfer_function=chain, gradient=np.eye(3))
    extended = replace(HEADER, extensions={"_room": {"temperature": np.arange(9.0), "name": "a"}})
    spectra = synthetic.random_spectra(np.random.default_rng(0), 4, taken)
    scan = synthetic.scan(spectra, [False, True, False, True], acquisition=taken)
    sparse = mdf.MdfLayout(fast_frame_axis=True, sparsity=mdf.MdfSparsity(4))
    selected = mdf.MdfLayout(fast_frame_axis=True, bins=(2, 3, 9))
    image = mdf.MdfImages(np.ones((2, 12, 1)), matrix.grid)
    writers = {
        "scan": lambda p: mdf.write_scan(p, scan, extended),
        "time": lambda p: mdf.write_scan(p, scan, HEADER, layout=mdf.MdfLayout(domain="time")),
        "matrix": lambda p: mdf.write_system_matrix(p, matrix, HEADER, layout=selected),
        "sparse": lambda p: mdf.write_system_matrix(p, matrix, HEADER, layout=sparse),
        "patches": lambda p: mdf.write_patches(p, [scan, scan, scan], HEADER),
        "image": lambda p: mdf.write_images(p, image, HEADER, taken),
        "hand": handmade.write,
    }
    for name, write in writers.items():
        write(folder / f"base-{name}.mdf")
    return {name: (folder / f"base-{name}.mdf").read_bytes() for name in writers}


def flip_bits(content, rng):
    broken = bytearray(content)
    for at in rng.integers(0, len(broken), rng.integers(1, 33)):
        broken[at] ^= 1 << rng.integers(8)
    return bytes(broken)


def flip_head(content, rng):
    """Change bytes of the first objects: superblock, root group, headers."""
    broken = bytearray(content)
    for at in rng.integers(0, min(len(broken), 4096), rng.integers(1, 9)):
        broken[at] = rng.integers(256)
    return bytes(broken)


def cut(content, rng):
    return content[: rng.integers(0, len(content))]


def overwrite(content, rng):
    """Put zeros, ones, or another part of the file over a part of it."""
    broken, length = bytearray(content), int(rng.integers(1, 513))
    at, other = rng.integers(0, max(1, len(broken) - length), 2)
    filled = [bytes(length), b"\xff" * length, content[other : other + length]][rng.integers(3)]
    broken[at : at + len(filled)] = filled
    return bytes(broken)


def huge_numbers(content, rng):
    """Put absurd lengths and addresses where 8-byte numbers stand."""
    broken = bytearray(content)
    for at in rng.integers(0, len(broken) // 8, rng.integers(1, 7)) * 8:
        value = int(rng.choice([2**63 - 1, 2**40, 2**32, 2**31, 0xFFFFFFFF, 1 << 56]))
        broken[at : at + 8] = value.to_bytes(8, "little")
    return bytes(broken)


BYTES = (flip_bits, flip_head, cut, overwrite, huge_numbers)


def odd_values(rng):
    """Return values that no dataset of the specification expects."""
    return [
        np.float64(np.nan), np.float64(-1), np.float64(1e308), np.int64(2**62), np.int64(-(2**62)),
        np.int64(0), np.int64(2**31), "text", "", np.array([], "f8"), np.zeros((0, 3)),
        np.array(["a", "b"], "S1"), np.zeros((1,) * 20), np.full((3, 3, 3), -1),
        np.uint64(2**64 - 1),
        np.float16(3), np.complex128(1j), True, np.ones(3000), np.arange(7, dtype=">i4"),
        np.void(b"opaque"), np.array([2**40, 2**40, 2**40]), np.array([(1, 2.0)], "i4,f8"),
    ][rng.integers(23)]  # fmt: skip


def replace_dataset(path, rng):
    with h5py.File(path, "a") as file:
        names = []
        file.visititems(lambda n, o: names.append(n) if isinstance(o, h5py.Dataset) else None)
        for name in rng.choice(names, rng.integers(1, 4), replace=False):
            del file[name]
            if rng.random() < 0.9:
                file[name] = odd_values(rng)


def absurd_sizes(path, rng):
    """Claim enormous or compressed arrays, and counts to match."""
    with h5py.File(path, "a") as file:
        name = rng.choice(["measurement/data", "calibration/snr", "acquisition/gradient", "_x/y"])
        if name in file:
            del file[name]
        n = int(10 ** rng.integers(3, 13))
        shape = [(n, 1, 2, 32), (1, 2, 17, n), (n,), (3, n), (1, n, 3, 3)][rng.integers(5)]
        chunks = tuple(min(k, 1 << 12) for k in shape)
        packed = {"chunks": chunks, "compression": 9} if rng.random() < 0.5 else {}
        if packed or n < 10**6:
            file.create_dataset(name, shape, rng.choice(["f8", "i1", "c16"]), **packed)
        for counted in ("numFrames", "numPeriodsPerFrame", "receiver/numSamplingPoints"):
            if rng.random() < 0.5:
                del file[f"acquisition/{counted}"]
                file[f"acquisition/{counted}"] = n


def bomb(path, rng):
    """Store many zeros in few bytes, as a flag, a mask, texts or data."""
    name = rng.choice(["measurement/isBackgroundFrame", "study/name", "measurement/data", "uuid"])
    with h5py.File(path, "a") as file:
        if name in file:
            del file[name]
        n = int(rng.integers(1, 60)) << 20
        dtype = rng.choice(["i1", "f8", "S64", "i8"])
        data = file.create_dataset(name, (n,), dtype, chunks=(1 << 16,), compression=9)
        data[: 1 << 16] = np.zeros(1 << 16, data.dtype)


def links(path, rng):
    """Add cycles, links outside, links to nothing, and many names."""
    with h5py.File(path, "a") as file:
        kind = rng.integers(6)
        if kind == 0:
            file["_loop/again"] = file["/"]
            file["study/_loop"] = file["/acquisition"]
        elif kind == 1:
            del file["study/name"]
            file["study/name"] = h5py.ExternalLink("/etc/passwd", "/")
        elif kind == 2:
            file["study/_soft"] = h5py.SoftLink("/study/_soft")
        elif kind == 3:
            group = file.create_group("_many")
            for i in range(int(rng.integers(10, 300))):
                group[f"{i}"] = i
        elif kind == 4:
            file.create_group("_deep/" + "/".join("x" * int(rng.integers(2, 40))))
        else:
            file["_ref"] = np.array([file.ref], dtype=h5py.ref_dtype)


def nested_types(path, rng):
    """Store compounds within compounds, arrays of arrays, variable lengths."""
    with h5py.File(path, "a") as file:
        dtype = np.dtype("f8")
        for _ in range(int(rng.integers(1, 10))):
            dtype = np.dtype([("r", dtype), ("i", dtype)])
        name = rng.choice(["measurement/data", "tracer/volume", "_nested"])
        if name in file:
            del file[name]
        if rng.random() < 0.5:
            file.create_dataset(name, (1,), dtype)
        else:
            file.create_dataset(name, (3,), h5py.vlen_dtype(np.dtype("f8")))


BY_HDF5 = (replace_dataset, replace_dataset, absurd_sizes, bomb, links, nested_types)


def make(path, bases, number, seed):
    """Write broken file `number` to `path`: three of four by bytes, one by HDF5.

    Return the kind of file that it was made from.
    """
    rng = np.random.default_rng([seed, number])
    name = list(bases)[rng.integers(len(bases))]
    if number % 4:
        path.write_bytes(BYTES[rng.integers(len(BYTES))](bases[name], rng))
    else:
        path.write_bytes(bases[name])
        BY_HDF5[rng.integers(len(BY_HDF5))](path, rng)
    return name


def look(path):
    """Examine a file as a whole: what it says, and where it departs from the format."""
    str(mdf.describe_mdf(path, limits=LIMITS))


def read_signal(path):
    for source in mdf.read_patches(path, limits=LIMITS)[:2]:
        rows(source)


def read_calibration(path):
    rows(mdf.read_patch_matrices(path, limits=LIMITS)[0])


def rows(source: Scan):
    bins = stored_bins(source.spectra)
    if source.spectra.shape[0] * min(len(bins), 3) < 1 << 20:
        source.spectra.read(source.spectra.shape[1] - 1, bins[:3])


def read_rest(path):
    mdf.read_header(path, limits=LIMITS)


def read_images(path):
    mdf.read_images(path, limits=LIMITS)


def ways(base):
    """Return the ways in which a file of this kind is read."""
    if base == "image":
        return {"look": look, "images": read_images}
    is_calibration = base in ("matrix", "sparse", "hand")
    read = read_calibration if is_calibration else read_signal
    return {"look": look, "rows": read} | ({"header": read_rest} if base == "scan" else {})


def try_every_way(path, base):
    """Return which ways gave a value; an error other than ours goes through."""
    given = []
    for name, read in ways(base).items():
        try:
            read(path)
            given.append(name)
        except SojournError:
            if name == "look":
                break  # it does not open, for the others neither
    return given


def peak_memory():
    """Return this program's own largest memory, KiB; `ru_maxrss` counts its parent's too."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def main():
    count, seed, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    warnings.simplefilter("error")
    bases = write_bases(folder)
    for name in bases:
        given = try_every_way(folder / f"base-{name}.mdf", name)
        assert given == list(ways(name)), (name, given)
    before = peak_memory()
    outcomes, slowest, start = collections.Counter(), 0.0, time.monotonic()
    path = folder / "broken.mdf"
    for number in range(count):
        name = make(path, bases, number, seed)
        began = time.monotonic()
        given = try_every_way(path, name)
        slowest = max(slowest, time.monotonic() - began)
        outcomes["values" if len(given) > 1 else "described" if given else "refused"] += 1
    seconds = time.monotonic() - start
    stop_workers()
    spent = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    report = {
        "files": count,
        "outcomes": dict(outcomes),
        "seconds": round(seconds, 1),
        "cpu_seconds": round(sum(use.ru_utime + use.ru_stime for use in spent), 1),
        "slowest": round(slowest, 1),
        "grown_mib": (peak_memory() - before) >> 10,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
