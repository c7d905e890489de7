"""The header of an MDF file and what users added to it, to be written again."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sojourn.core.errors import DataError
from sojourn.formats._isolation import Limits
from sojourn.formats._mdf_header import MdfHeader, MdfTracer
from sojourn.formats._mdf_layout import is_extension
from sojourn.formats._mdf_tree import Tree, open_tree

LIMITS = Limits()
TEXTS: Mapping[str, str] = {
    "study_name": "/study/name",
    "study_description": "/study/description",
    "experiment_name": "/experiment/name",
    "experiment_description": "/experiment/description",
    "subject": "/experiment/subject",
    "facility": "/scanner/facility",
    "manufacturer": "/scanner/manufacturer",
    "scanner_name": "/scanner/name",
    "operator": "/scanner/operator",
    "topology": "/scanner/topology",
}
IDENTITY: Mapping[str, str] = {
    "uuid": "/uuid",
    "time": "/time",
    "study_uuid": "/study/uuid",
    "experiment_uuid": "/experiment/uuid",
}


def read_header(path: Path, *, limits: Limits = LIMITS) -> MdfHeader:
    """Return the header of an MDF file, with its tracers and its extensions.

    `write_scan(other, read_scan(path), read_header(path))` keeps all that a file says. A copy
    with other data should get a `uuid` and `time` of its own (`dataclasses.replace`).

    Raises
    ------
    DataError
        if ids or times are missing or have another form, as in files of version 1: make a header
        for these; if an extension is larger than 64 MiB.
    """
    tree = open_tree(Path(path), limits=limits)
    for name in IDENTITY.values():
        if name not in tree.items:
            raise tree.error(name, "missing", "an id or time; make an MdfHeader for this file")
    number = {
        key: tree.integer(name) if name in tree.items else 0
        for key, name in (
            ("study_number", "/study/number"),
            ("experiment_number", "/experiment/number"),
        )
    }
    bore = "/scanner/boreSize"
    tracers = _tracers(tree)
    return MdfHeader(
        **{key: tree.text(name) for key, name in IDENTITY.items()},
        **{key: tree.text(name, "n.a.") for key, name in TEXTS.items()},
        study_number=number["study_number"],
        experiment_number=number["experiment_number"],
        study_time=tree.text("/study/time", ""),
        bore_size=tree.number(bore) if bore in tree.items else None,
        tracer=tracers[0] if len(tracers) == 1 else tracers or None,
        extensions=_extensions(tree),
    )


def read_extensions(path: Path, *, limits: Limits = LIMITS) -> Mapping[str, Any]:
    """Return the groups and datasets of an MDF file whose names start with an underscore.

    A nested mapping by name: single values as int, float, complex or str, others as arrays, texts
    as nested lists. Extensions below a group of the specification stand under its name. Integers
    come with 64 bits, real and complex numbers in double precision.

    Raises
    ------
    DataError
        if one cannot be read, or is larger than 64 MiB.
    """
    return _extensions(open_tree(Path(path), limits=limits))


def _tracers(tree: Tree) -> tuple[MdfTracer, ...]:
    if not tree.has("/tracer"):
        return ()
    concentrations = tree.values("/tracer/concentration").astype(np.float64).ravel()
    n_tracers = len(concentrations)
    columns = {
        name: _column(tree, f"/tracer/{name}", n_tracers, default)
        for name, default in (
            ("name", "n.a."),
            ("batch", "n.a."),
            ("vendor", "n.a."),
            ("solute", "n.a."),
            ("injectionTime", ""),
        )
    }
    volumes = tree.values("/tracer/volume").astype(np.float64).ravel()
    if len(volumes) != n_tracers:
        raise tree.error("/tracer/volume", f"of {len(volumes)} tracers", f"{n_tracers}")
    return tuple(
        MdfTracer(
            concentration=float(concentrations[i]),
            volume=float(volumes[i]),
            name=columns["name"][i],
            batch=columns["batch"][i],
            vendor=columns["vendor"][i],
            solute=columns["solute"][i],
            injection_time=columns["injectionTime"][i],
        )
        for i in range(n_tracers)
    )


def _column(tree: Tree, name: str, n_tracers: int, default: str) -> tuple[str, ...]:
    found = tree.texts(name) if name in tree.items else (default,) * n_tracers
    if len(found) != n_tracers:
        raise tree.error(name, f"of {len(found)} tracers", f"{n_tracers}")
    return found


def _extensions(tree: Tree) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in sorted(tree.raw):
        if is_extension(name):
            _place(found, name.strip("/").split("/"), _value(tree, name))
    return found


def _place(mapping: dict[str, Any], parts: list[str], value: object) -> None:
    for part in parts[:-1]:
        mapping = mapping.setdefault(part, {})
    mapping[parts[-1]] = value


def _value(tree: Tree, name: str) -> object:
    item = tree.raw[name]
    if item.blocked:
        raise DataError(f"{tree.name}: extension {name!r} cannot be read: {item.blocked}")
    if item.kind == "string":
        texts = np.array(tree.texts(name), dtype=np.str_).reshape(item.shape)
        return texts.tolist()
    values = tree.values(name, is_finite=False)
    return values.item() if values.shape == () else values
