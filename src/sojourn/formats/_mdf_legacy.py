"""Files of version 1 and 2.0 under the names of MDF 2.1.

Names and axes of version 1 are those that the common Julia reader (MPIFiles.jl, `MDFFileV1`)
expects. What version 1 cannot say is filled in where a reader needs it, and each time a note
says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sojourn.formats._mdf_layout import ALIASES

DATA = "/measurement/data"
NAMES_1: Mapping[str, str] = {
    "/date": "/time",
    "/scanner/model": "/scanner/name",
    "/study/experiment": "/experiment/name",
    "/study/subject": "/experiment/subject",
    "/study/simulation": "/experiment/isSimulation",
    "/tracer/time": "/tracer/injectionTime",
    "/acquisition/time": "/acquisition/startTime",
    "/acquisition/numPatches": "/acquisition/numPeriodsPerFrame",
    "/acquisition/drivefield/averages": "/acquisition/numAverages",
    "/acquisition/drivefield/period": "/acquisition/drivefield/cycle",
    "/calibration/snrFD": "/calibration/snr",
}
"""Names of version 1 and what they became."""
DATA_1 = ("/calibration/dataFD", "/measurement/dataTD", "/measurement/dataFD")
"""Where version 1 keeps data: axes (J, C, K, O, 2), (N, J, C, V), (N, J, C, K, 2), J optional."""


@dataclass(frozen=True, slots=True)
class Item:
    """One dataset: kind, HDF5 type, shape, why it cannot be read, and its values if small."""

    kind: str
    type: str
    shape: tuple[int, ...]
    blocked: str
    value: tuple[Any, ...] | None


@dataclass(frozen=True, slots=True)
class StoredData:
    """Where the measured data are: path, shape there, and what differs from four axes."""

    name: str = DATA
    shape: tuple[int, ...] = ()
    has_periods: bool = True
    pairs: bool = False


def is_version_1(items: Mapping[str, Item]) -> bool:
    """Tell whether a file says that it is of version 1."""
    version = items.get("/version")
    if version is None or not version.value:
        return False
    return str(version.value[0]).startswith("1.")


def modernized(raw: Mapping[str, Item]) -> tuple[dict[str, Item], StoredData, tuple[str, ...]]:
    """Return the datasets of a file under their names of 2.1, where its data are, and notes."""
    if is_version_1(raw):
        return _from_version_1(raw)
    items = {ALIASES.get(name, name): item for name, item in raw.items()}
    stored = StoredData(shape=items[DATA].shape) if DATA in items else StoredData()
    return items, stored, ()


def _from_version_1(
    raw: Mapping[str, Item],
) -> tuple[dict[str, Item], StoredData, tuple[str, ...]]:
    renamed = {NAMES_1.get(name, name): item for name, item in raw.items()}
    items = {name: item for name, item in renamed.items() if name not in DATA_1}
    name = next((name for name in DATA_1 if name in raw), None)
    notes = ["version 1 states no unit and no waveform: n.a. and sine stand for them"]
    if "/acquisition/drivefield/phase" not in items and "/acquisition/drivefield/divider" in items:
        shape = items["/acquisition/drivefield/divider"].shape
        n_values = _product(shape)
        items["/acquisition/drivefield/phase"] = _number("float", *[0.0] * min(n_values, 4096))
        notes.append("version 1 states no drive-field phase: 0 stands for it")
    for path, item in (
        ("/acquisition/receiver/unit", Item("string", "text", (), "", ("n.a.",))),
        ("/acquisition/drivefield/waveform", Item("string", "text", (), "", ("sine",))),
        ("/acquisition/numPeriodsPerFrame", _number("int", 1)),
        ("/acquisition/numAverages", _number("int", 1)),
    ):
        items.setdefault(path, item)
    if name is None:
        return items, StoredData(), tuple(notes)
    data, stored = _data_of_version_1(name, raw[name])
    if others := [other for other in DATA_1 if other in raw and other != name]:
        notes.append(f"{name} is read; {' and '.join(others)} in the same file cannot be reached")
    items[DATA] = data
    is_calibration = name.startswith("/calibration")
    if is_calibration:
        notes.append(
            "version 1 does not say whether a calibration's background was subtracted: taken as so"
        )
    n_frames = data.shape[-1 if is_calibration else 0] if data.shape else 0
    items["/acquisition/numFrames"] = _number("int", n_frames)
    flags = {
        "isBackgroundCorrected": is_calibration,
        "isFastFrameAxis": is_calibration,
        "isFourierTransformed": name.endswith("FD"),
        "isFramePermutation": False,
        "isFrequencySelection": False,
        "isSparsityTransformed": False,
        "isSpectralLeakageCorrected": False,
        "isTransferFunctionCorrected": False,
    }
    items |= {f"/measurement/{flag}": _number("int", int(on)) for flag, on in flags.items()}
    return items, stored, tuple(notes)


def _data_of_version_1(name: str, item: Item) -> tuple[Item, StoredData]:
    """Return the data as if they had four axes; with another shape they stay as they are."""
    pairs = name.endswith("FD")
    shape = item.shape
    if pairs and shape[-1:] != (2,):
        return item, StoredData(name, shape)
    seen = shape[:-1] if pairs else shape
    has_periods = len(seen) == 4
    if len(seen) == 3:
        seen = (1, *seen) if name.startswith("/calibration") else (seen[0], 1, *seen[1:])
    kind = "complex" if pairs and item.kind in ("float", "int") else item.kind
    return Item(kind, item.type, seen, item.blocked, None), StoredData(
        name, shape, has_periods, pairs
    )


def _number(kind: str, *values: float) -> Item:
    return Item(kind, kind, () if len(values) == 1 else (len(values),), "", values)


def _product(shape: tuple[int, ...]) -> int:
    n = 1
    for length in shape:
        n *= length
    return n
