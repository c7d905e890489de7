"""Opening and reading MDF through the isolated child, beside h5py in this process."""

from pathlib import Path
from time import perf_counter

import h5py
import numpy as np

import handmade_mdf as handmade
from sojourn.formats import mdf
from sojourn.formats._isolation import stop_workers


def timed(action: object, repeats: int = 20) -> float:
    """Return the median seconds of some calls."""
    times = []
    for _ in range(repeats):
        begin = perf_counter()
        action()
        times.append(perf_counter() - begin)
    return float(np.median(times))


def plain(path: Path) -> None:
    """Read every dataset of a file with h5py, in this process."""
    found = []
    with h5py.File(path) as file:
        file.visititems(
            lambda _, item: found.append(item[()]) if isinstance(item, h5py.Dataset) else None
        )
    assert len(found) > 40


def test_the_child_starts_fast_and_answers_faster(tmp_path):
    path = handmade.write(tmp_path / "a.mdf")
    stop_workers()
    start = timed(lambda: mdf.describe_mdf(path), repeats=1)
    opened = timed(lambda: mdf.read_scan(path))
    scan = mdf.read_scan(path)
    rows = timed(lambda: scan.spectra.read(0, np.arange(5)), repeats=100)
    direct = timed(lambda: plain(path))
    print(
        f"start and first file {start:.2f} s, open {1e3 * opened:.0f} ms, "
        f"rows {1e3 * rows:.1f} ms, h5py here, every dataset {1e3 * direct:.0f} ms"
    )
    assert start < 5
    assert rows < 0.1
