"""One image from files: what `sojourn scan reconstruct` does."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from sojourn.core.errors import DataError
from sojourn.core.files import write_text
from sojourn.core.images import IronMap, SampleMap
from sojourn.core.methods import Method, Prepared
from sojourn.core.provenance import code_digest, digest, numeric_versions
from sojourn.core.random import named_generator
from sojourn.core.registry import Registry
from sojourn.core.signals import Scan, SystemMatrix
from sojourn.formats.mdf import read_scan, read_system_matrix
from sojourn.formats.nifti import read_description, write_image
from sojourn.reconstruction._prepared import PreparedMethod
from sojourn.reconstruction._rows import RowSettings
from sojourn.reconstruction.kaczmarz import Kaczmarz

methods: Registry[type[RowSettings]] = Registry("sojourn.reconstruction", "METHOD")
"""Every reconstruction method, by name."""

_LONGEST_STEM = 160


def method_settings(method: str, settings: Mapping[str, Any]) -> Method:
    """Return `settings` as those of the reconstruction method called `method`.

    Raises
    ------
    PluginError
        if there is no such method, naming the nearest.
    DataError
        if a key is unknown or a value does not fit, naming it.
    """
    kind = methods.get(method)
    try:
        return cast(Method, kind.model_validate(dict(settings)))
    except ValidationError as error:
        raise DataError(_refusal(method, kind, error)) from error


def _refusal(method: str, kind: type[RowSettings], error: ValidationError) -> str:
    """Return what is wrong with the first setting that does not fit, each way that it could."""
    first, *others = error.errors()
    setting, *inner = first["loc"]
    # a word within a setting names one of several types that it may be: of no use to a reader
    words = [first["msg"]]
    if any(isinstance(part, str) for part in inner):
        words += [each["msg"] for each in others if each["loc"][0] == setting]
    where = ".".join(map(str, [setting, *(part for part in inner if not isinstance(part, str))]))
    known = ", ".join(kind.model_fields)
    hint = f"; {method} takes {known}" if first["type"] == "extra_forbidden" else ""
    return f"{method}: {where} = {first['input']!r}: {'; or: '.join(words)}{hint}"


def kaczmarz_settings(settings: Mapping[str, Any]) -> Kaczmarz:
    """Return `settings` as those of a Kaczmarz reconstruction; errors as of `method_settings`."""
    made = method_settings("kaczmarz", settings)
    assert isinstance(made, Kaczmarz)
    return made


def image_name(subject: str, visit: str) -> str:
    """Return the name of a scan's image: a plain file name, whatever `subject` and `visit` hold.

    Letters, digits and ``_.-~`` stay; all else, a slash above all, is percent-encoded. A name too
    long for a file system is cut and ends in its digest.
    """
    stem = quote(f"{subject}_{visit}", safe="")
    if len(stem) > _LONGEST_STEM:
        stem = f"{stem[:_LONGEST_STEM]}~{digest(stem.encode())[:16]}"
    return f"{stem}.nii.gz"


def _file_digest(path: Path) -> str:
    """Return the SHA-256 of a file, which may be larger than memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def parameters_path(image: Path) -> Path:
    """Return where an image's parameters stand: the same name with .json."""
    return image.with_name(image.name.removesuffix(".gz").removesuffix(".nii") + ".json")


def image_statement(image: Path) -> tuple[str, bool]:
    """Return an image's unit, "" where it is not stated, and whether it is SIMULATED.

    The unit stands in the parameters beside the image. SIMULATED is an image of which they, or its
    own header, say so: a header goes wherever the image goes.

    Raises
    ------
    DataError
        if the image or the parameters beside it cannot be read.
    """
    is_simulated = read_description(image).startswith("SIMULATED")
    beside = parameters_path(image)
    if not beside.is_file():
        return "", is_simulated
    try:
        document = json.loads(beside.read_text(encoding="utf-8"))
        unit, stated = str(document.get("unit", "")), bool(document.get("is_simulated", False))
    except (ValueError, AttributeError, RecursionError) as error:
        raise DataError(f"{beside.name}: not the parameters of an image: {error}") from error
    return unit, stated or is_simulated


def reconstruct_file(
    measurement: Path,
    system_matrix: Path,
    output: Path,
    *,
    settings: Mapping[str, Any],
    method: str = "kaczmarz",
    empty: tuple[Path, ...] = (),
    uncertainty_seed: int | None = None,
    show: Callable[[str], None] | None = None,
    tell: Callable[[str], None] | None = None,
) -> IronMap | SampleMap:
    """Reconstruct one MDF file and write the image, and every parameter beside it as JSON.

    With an `uncertainty_seed` two more images are written beside it: `<image>_sd.nii.gz`, the
    standard deviation of each voxel in the image's unit, -1 where the voxel is blind, and
    `<image>_recovery.nii.gz`, the share of a small source that appears in its own voxel. The
    JSON says what the standard deviation includes and what not.

    Parameters
    ----------
    measurement, system_matrix
        MDF files.
    output
        .nii or .nii.gz; iron concentration in kg/m^3 (mg/mL) where the calibration states its
        sample's iron, else calibration samples per voxel. The JSON says which.
    settings
        of the method.
    method
        name of the reconstruction.
    empty
        empty-bore scans, for an external background.
    uncertainty_seed
        of the draws that a method which is not linear needs; None writes no uncertainty.
    show
        given the parameters as JSON text before the work begins.
    tell
        told what is being done.

    Raises
    ------
    DataError
        if a file cannot be used, or they do not fit each other; nothing is then written.
    """
    tell = tell or (lambda _: None)
    if not output.name.endswith((".nii", ".nii.gz")):
        raise DataError(f"{output.name}: an image file ends in .nii or .nii.gz")
    chosen = method_settings(method, settings)
    if settings.get("average") is not None:
        raise DataError(
            f"average = {settings['average']!r} makes a series of images, and this writes one, of "
            "all frames; leave it out, or call reconstruct_series in Python"
        )
    tell(f"reading and preparing {system_matrix.name}")
    prepared = chosen.prepare(read_system_matrix(system_matrix))
    document: dict[str, Any] = {
        "method": method,
        "parameters": prepared.parameters(),
        "measurement": {"name": measurement.name, "sha256": _file_digest(measurement)},
        "system_matrix": {"name": system_matrix.name, "sha256": _file_digest(system_matrix)},
        "empty": [{"name": p.name, "sha256": _file_digest(p)} for p in empty],
        "code": code_digest(),
        "versions": dict(numeric_versions()),
    }
    if show is not None:
        show(json.dumps(document, indent=1, ensure_ascii=False))
    tell(f"reconstructing {measurement.name} by {method}")
    scan = read_scan(measurement)
    scans = [read_scan(path) for path in empty]
    image: IronMap | SampleMap
    if prepared.matrix.sample_iron is None:
        image = prepared.reconstruct_relative(scan, empty=scans)
        document["unit"] = "calibration samples per voxel"
    else:
        image = prepared.reconstruct(scan, empty=scans)
        document["unit"] = "kg/m^3 iron, in the state of the calibration sample"
    beside: dict[Path, NDArray[np.float64]] = {}
    if uncertainty_seed is not None:
        tell("finding the uncertainty of every voxel")
        beside = _uncertainty(prepared, scan, scans, output, uncertainty_seed, document)
    # what the method found on its way (lambda by a rule, a certificate) belongs to the image
    document["parameters"] = dict(image.provenance.parameters)
    sources: tuple[Scan | SystemMatrix, ...] = (prepared.matrix, scan, *scans)
    document["is_simulated"] = any(source.is_simulated for source in sources)
    label = "SIMULATED " if document["is_simulated"] else ""
    write_image(output, image.values, image.grid, description=f"{label}sojourn {method}")
    for path, values in beside.items():
        write_image(path, values, image.grid, description=f"{label}sojourn {method}, see JSON")
    text = json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False)
    write_text(parameters_path(output), text + "\n")
    return image


def beside_path(image: Path, what: str) -> Path:
    """Return where a companion of an image stands: `<image>_<what>`, with the image's ending."""
    ending = ".nii.gz" if image.name.endswith(".gz") else ".nii"
    return image.with_name(f"{image.name.removesuffix(ending)}_{what}{ending}")


def _uncertainty(
    prepared: Prepared,
    scan: Scan,
    empty: list[Scan],
    output: Path,
    seed: int,
    document: dict[str, Any],
) -> dict[Path, NDArray[np.float64]]:
    """Return the companions of an image by path, and describe them in its document."""
    from sojourn.reconstruction.uncertainty.images import image_uncertainty

    if not isinstance(prepared, PreparedMethod):
        raise DataError(
            f"{document['method']}: its images cannot be given an uncertainty here; leave it out"
        )
    rng = named_generator(seed, "image uncertainty")
    found = image_uncertainty(prepared, scan, rng=rng, empty=empty)
    paths = {what: beside_path(output, what) for what in ("sd", "recovery")}
    document["uncertainty"] = {
        "statement": found.statement,
        "seed": seed,
        "unit": found.unit,
        "blind_voxels": int(found.is_blind.sum()),
        "blind_is_written_as": -1,
        "files": {what: path.name for what, path in paths.items()},
    }
    return {
        paths["sd"]: np.where(found.is_blind, -1.0, found.standard_deviation),
        paths["recovery"]: found.recovery,
    }
