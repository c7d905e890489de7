"""The texts and numbers of an MDF file that do not come with the signal."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.formats._mdf_acquisition import IRON_KG_PER_MOL
from sojourn.formats._mdf_layout import VERSION, is_extension

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class MdfTracer:
    """Tracer in the scanner: `concentration` in mol of solute per litre, `volume` in litres.

    Both are MDF's own units, not SI. `injection_time` is UTC text, or empty.
    """

    concentration: float
    volume: float
    name: str = "n.a."
    batch: str = "n.a."
    vendor: str = "n.a."
    solute: str = "Fe"
    injection_time: str = ""

    def __post_init__(self) -> None:
        if not self.concentration >= 0 or not self.volume >= 0:
            raise DataError(
                f"tracer concentration {self.concentration} mol/L and volume {self.volume} L must "
                "not be negative"
            )
        if self.injection_time:
            check_time("injection_time", self.injection_time)

    @classmethod
    def with_iron(cls, iron: float, volume: float, *, name: str, batch: str) -> "MdfTracer":
        """Return a tracer of `iron` kg dissolved in `volume` litres.

        Raises
        ------
        DataError
            if the volume is not positive, or the iron negative.
        """
        if not volume > 0:
            raise DataError(f"a tracer volume of {volume} L holds no iron")
        return cls(iron / IRON_KG_PER_MOL / volume, volume, name=name, batch=batch)

    @property
    def iron(self) -> float:
        """Iron in kg; meaningful where the solute is Fe."""
        return self.concentration * self.volume * IRON_KG_PER_MOL


@dataclass(frozen=True, slots=True)
class MdfHeader:
    """What a strict MDF 2.1.0 file must say; ids and times are arguments, never made here.

    `uuid` and the others are RFC 4122 text; `time` is UTC, `yyyy-mm-ddThh:mm:ss.ms`. `tracer`
    None means an empty bore; several tracers may be given. `bore_size` is a diameter in m.
    `extensions` is a nested mapping of further groups and datasets (numbers, texts, arrays), each
    under a name that starts with an underscore, as `read_extensions` gives it.
    """

    uuid: str
    time: str
    study_uuid: str
    experiment_uuid: str
    study_name: str = "n.a."
    study_number: int = 0
    study_description: str = "n.a."
    experiment_name: str = "n.a."
    experiment_number: int = 0
    experiment_description: str = "n.a."
    subject: str = "n.a."
    facility: str = "n.a."
    manufacturer: str = "n.a."
    scanner_name: str = "n.a."
    operator: str = "n.a."
    topology: str = "FFP"
    tracer: MdfTracer | tuple[MdfTracer, ...] | None = None
    study_time: str = ""
    bore_size: float | None = None
    extensions: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if each.name.endswith("uuid"):
                check_uuid(each.name, value)
            if isinstance(value, str) and "\0" in value:
                raise DataError(f"MDF header: {each.name} holds a NUL character")
        check_time("time", self.time)
        if self.study_time:
            check_time("study_time", self.study_time)
        if self.bore_size is not None and not self.bore_size > 0:
            raise DataError(f"MDF header: bore_size is {self.bore_size}; expected metres above 0")
        flat_extensions(self.extensions)

    @property
    def tracers(self) -> tuple[MdfTracer, ...]:
        """Every tracer in the scanner."""
        if self.tracer is None:
            return ()
        return self.tracer if isinstance(self.tracer, tuple) else (self.tracer,)


def check_uuid(name: str, value: str) -> None:
    """Refuse what is not a UUID in its usual form, 8-4-4-4-12 hexadecimal digits."""
    try:
        fits = str(UUID(value)) == value.lower()
    except ValueError:
        fits = False
    if not fits:
        raise DataError(f"MDF header: {name} is {value!r}; expected a UUID, 8-4-4-4-12")


def is_time(text: str) -> bool:
    """Tell whether `text` is a time that exists, of the form yyyy-mm-ddThh:mm:ss.ms."""
    if not TIME.fullmatch(text):
        return False
    try:
        datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")
    except ValueError:
        return False
    return True


def check_time(name: str, value: str) -> None:
    """Refuse what is not a time of the form yyyy-mm-ddThh:mm:ss.ms, or does not exist."""
    if not is_time(value):
        raise DataError(f"MDF header: {name} is {value!r}; expected yyyy-mm-ddThh:mm:ss.ms (UTC)")


def header_datasets(header: MdfHeader, *, is_simulated: bool) -> Mapping[str, Any]:
    """Return the datasets of the header by path."""
    found: dict[str, Any] = {
        "/time": header.time,
        "/uuid": header.uuid,
        "/version": VERSION,
        "/study/description": header.study_description,
        "/study/name": header.study_name,
        "/study/number": header.study_number,
        "/study/uuid": header.study_uuid,
        "/experiment/description": header.experiment_description,
        "/experiment/isSimulation": is_simulated,
        "/experiment/name": header.experiment_name,
        "/experiment/number": header.experiment_number,
        "/experiment/subject": header.subject,
        "/experiment/uuid": header.experiment_uuid,
        "/scanner/facility": header.facility,
        "/scanner/manufacturer": header.manufacturer,
        "/scanner/name": header.scanner_name,
        "/scanner/operator": header.operator,
        "/scanner/topology": header.topology,
    }
    if header.study_time:
        found["/study/time"] = header.study_time
    if header.bore_size is not None:
        found["/scanner/boreSize"] = header.bore_size
    if header.tracers:
        found |= _tracer_datasets(header.tracers)
    return found


def _tracer_datasets(tracers: tuple[MdfTracer, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {
        f"/tracer/{name}": [getattr(tracer, name) for tracer in tracers]
        for name in ("batch", "name", "solute", "vendor", "concentration", "volume")
    }
    times = [tracer.injection_time for tracer in tracers]
    if all(times):
        found["/tracer/injectionTime"] = times
    elif any(times):
        raise DataError(f"MDF header: injection times {times}; state one for each tracer, or none")
    return found


def flat_extensions(extensions: Mapping[str, Any], prefix: str = "") -> dict[str, NDArray[Any]]:
    """Return a nested mapping of extensions as arrays by path.

    Raises
    ------
    DataError
        if a path has no part that starts with an underscore, a name cannot stand in HDF5, or a
        value is neither number nor text.
    """
    found: dict[str, NDArray[Any]] = {}
    for name, value in extensions.items():
        path = f"{prefix}/{name}"
        if not name or "/" in name or name == "." or "\0" in name:
            raise DataError(f"MDF extension {path!r}: {name!r} cannot be a name")
        if isinstance(value, Mapping):
            found |= flat_extensions(value, path)
            continue
        array = np.asarray(value)
        if array.dtype.kind not in "Ubiufc" or array.dtype.char in "gG":
            raise DataError(f"MDF extension {path}: {array.dtype} is no number and no text")
        if not is_extension(path):
            raise DataError(f"MDF extension {path}: no part of its name starts with an underscore")
        found[path] = array
    return found
