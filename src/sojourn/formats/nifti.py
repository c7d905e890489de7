"""NIfTI-1 images and masks: RAS millimetres in the file, LPS metres inside.

Equal values give equal bytes, compressed or not. The header keeps its affine in single
precision: a position comes back to about 1e-8 m.
"""

import gzip
import io
import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.core.files import write_atomically, write_bytes
from sojourn.core.formats import Format
from sojourn.core.geometry import Grid
from sojourn.core.images import Mask
from sojourn.core.provenance import Provenance, digest
from sojourn.core.units import to_si

_nib: Any = nib
"""nibabel is typed in part only."""
LPS_FROM_RAS = np.diag((-1.0, -1.0, 1.0, 1.0))
UNITS = {"meter": "m", "mm": "mm", "micron": "um"}
PATIENT_CODES = (1, 2)
"""Scanner and aligned: the patient's own space. 3 to 5 are templates."""
AFFINE_TOLERANCE_MM = 1e-2
"""Largest distance of a corner voxel between qform and sform that is taken as rounding."""
MAX_VOXELS = 1 << 28
MAX_DESCRIPTION = 79


def write_image(
    path: Path, values: NDArray[np.generic], grid: Grid, *, description: str = ""
) -> None:
    """Write an image as NIfTI-1, `.nii` or `.nii.gz`, whole or not at all.

    Parameters
    ----------
    path
        where to; the ending decides on compression.
    values
        shape of `grid`; real numbers are stored as float64, integers and truths as the
        smallest integer that holds them.
    grid
        where the voxels lie, LPS, m; stored as RAS, mm, in sform and, without shear, qform.
    description
        at most 79 ASCII characters, kept in the header.

    Raises
    ------
    DataError
        if values are not finite or do not fit `grid`, or the description is too long.
    """
    path = Path(path)
    if values.shape != grid.shape:
        raise DataError(f"{path.name}: values have shape {values.shape}, grid has {grid.shape}")
    if values.dtype.kind == "f" and (n := int(np.sum(~np.isfinite(values)))):
        raise DataError(f"{path.name}: {n} voxels are not finite numbers; they are not written")
    if values.dtype.kind not in "fiub":
        raise DataError(f"{path.name}: values of type {values.dtype} cannot be written")
    if len(description) > MAX_DESCRIPTION or not description.isascii():
        raise DataError(f"{path.name}: a description has at most 79 ASCII characters")
    write_bytes(path, _compressed(path, _encoded(_storable(values), grid, description)))


def _storable(values: NDArray[np.generic]) -> NDArray[np.generic]:
    if values.dtype.kind == "f":
        return values.astype("<f8")
    low, high = int(values.min()), int(values.max())
    for dtype in ("u1", "<i2", "<i4"):
        bounds = np.iinfo(dtype)
        if bounds.min <= low and high <= bounds.max:
            return values.astype(dtype)
    raise DataError(f"integers from {low} to {high} do not fit 32 bits")


def _encoded(values: NDArray[np.generic], grid: Grid, description: str) -> bytes:
    affine = LPS_FROM_RAS @ grid.affine
    affine[:3] /= to_si(1.0, "mm", dimension="length")
    header = _nib.Nifti1Header(endianness="<")
    header.set_data_dtype(values.dtype)
    image = _nib.Nifti1Image(values, affine, header)
    image.header.set_xyzt_units("mm")
    image.set_sform(affine, code=1)
    axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    is_orthogonal = np.allclose(axes.T @ axes, np.eye(3), atol=1e-6)
    image.set_qform(affine, code=1 if is_orthogonal else 0)
    image.header["descrip"] = description.encode("ascii")
    content: bytes = image.to_bytes()
    return content


def _compressed(path: Path, content: bytes) -> bytes:
    if path.name.endswith(".nii"):
        return content
    if not path.name.endswith(".nii.gz"):
        raise DataError(f"{path.name}: a NIfTI file ends in .nii or .nii.gz")
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, mtime=0, compresslevel=6) as file:
        file.write(content)
    return buffer.getvalue()


def read_image(path: Path, *, unit: str | None = None) -> tuple[NDArray[np.float64], Grid]:
    """Return values and grid of a 3-D NIfTI image.

    Parameters
    ----------
    path
        `.nii` or `.nii.gz`.
    unit
        of length, m, cm or mm, for a file that does not state it; refused if it does.

    Returns
    -------
        values (i, j, k), scaled as the header says, and where they lie (LPS, m).

    Raises
    ------
    DataError
        if the file is unreadable, has a fourth axis, holds NaN, does not state its unit of
        length, lies in a template's space, or contradicts itself on where it lies.
    """
    image = _opened(Path(path))
    grid = _grid(image, Path(path).name, unit)
    try:
        values = np.asarray(image.get_fdata(dtype=np.float64, caching="unchanged"))
    except (OSError, ValueError, EOFError, MemoryError, zlib.error) as error:
        raise DataError(f"{Path(path).name}: the image data are damaged or cut off") from error
    values = values.reshape(grid.shape)
    if n := int(np.sum(~np.isfinite(values))):
        raise DataError(f"{Path(path).name}: {n} voxels are not finite numbers")
    return values, grid


def read_description(path: Path) -> str:
    """Return the text in a NIfTI file's header, "" where it has none.

    Raises
    ------
    DataError
        if the file is unreadable.
    """
    text: bytes = _opened(Path(path)).header["descrip"].item()
    return text.decode("ascii", "replace").strip("\0 ")


def _opened(path: Path) -> Any:  # noqa: ANN401 - nibabel
    if not path.is_file():
        raise DataError(f"{path} does not exist or is not a file")
    try:
        image: Any = _nib.load(path, mmap=False)
    except (
        OSError,
        ValueError,
        EOFError,
        zlib.error,
        _nib.filebasedimages.ImageFileError,
    ) as error:
        reason = str(error).replace(str(path), path.name)
        raise DataError(f"{path.name} cannot be read as NIfTI: {reason}") from error
    except _nib.spatialimages.HeaderDataError as error:
        raise DataError(f"{path.name} has a damaged NIfTI header: {error}") from error
    if not isinstance(image, _nib.Nifti1Image):
        raise DataError(f"{path.name} is {type(image).__name__}, not a NIfTI file")
    shape = tuple(int(n) for n in image.shape)
    if len(shape) < 3 or any(n != 1 for n in shape[3:]) or min(shape) < 1:
        raise DataError(f"{path.name} has shape {shape}; expected one 3-D volume")
    if int(np.prod(shape, dtype=object)) > MAX_VOXELS:
        raise DataError(f"{path.name} claims {shape} voxels, more than {MAX_VOXELS}")
    if np.dtype(image.get_data_dtype()).kind not in "fiu":
        raise DataError(f"{path.name} holds {image.get_data_dtype()}; expected real numbers")
    return image


def _grid(image: Any, name: str, unit: str | None) -> Grid:  # noqa: ANN401
    stated = UNITS.get(image.header.get_xyzt_units()[0])
    if (stated is None) == (unit is None):
        raise DataError(
            f"{name} states {stated or 'no'} unit of length and the caller {unit or 'none'}; "
            "exactly one of both must say it (m, cm, mm)"
        )
    scale = 1e-6 if stated == "um" else to_si(1.0, str(stated or unit), dimension="length")
    affine = LPS_FROM_RAS @ _affine(image, name, scale)
    affine[:3] *= scale
    i, j, k = (int(n) for n in image.shape[:3])
    return Grid((i, j, k), affine)


def _affine(image: Any, name: str, scale: float) -> NDArray[np.float64]:  # noqa: ANN401
    """Return voxel to RAS in the file's unit, from the sform, else the qform."""
    sform, sform_code = image.header.get_sform(coded=True)
    try:
        qform, qform_code = image.header.get_qform(coded=True)
    except (ValueError, _nib.spatialimages.HeaderDataError) as error:
        raise DataError(f"{name}: its qform is damaged: {error}") from error
    codes = {"sform": int(sform_code or 0), "qform": int(qform_code or 0)}
    known = [code for code in codes.values() if code > 0]
    if not known:
        raise DataError(
            f"{name} does not say where it lies (sform and qform codes are 0); export it with "
            "its position"
        )
    if foreign := {form: code for form, code in codes.items() if code > 2 or code < 0}:
        raise DataError(f"{name} lies in a template's space ({foreign}), not the patient's")
    if len(known) == 2:
        away = _corner_distance(sform - qform, image.shape[:3]) * scale
        if not away <= AFFINE_TOLERANCE_MM * 1e-3:
            raise DataError(
                f"{name}: sform and qform put a corner {away * 1e3:.3g} mm apart; remove the wrong "
                "one"
            )
    chosen: NDArray[np.float64] = np.array(sform if codes["sform"] else qform, dtype=np.float64)
    if not np.isfinite(chosen).all():
        raise DataError(f"{name}: its position holds NaN or infinity")
    return chosen


def _corner_distance(difference: NDArray[np.float64], shape: tuple[int, ...]) -> float:
    corners = np.array([[i, j, k, 1] for i in (0, 1) for j in (0, 1) for k in (0, 1)])
    corners[:, :3] *= np.array(shape) - 1
    return float(np.linalg.norm(corners @ difference[:3].T, axis=1).max())


def labels_path(path: Path) -> Path:
    """Return where the names of a mask's labels stand: `<name>.labels.json` beside it."""
    stem = path.name.removesuffix(".gz").removesuffix(".nii")
    return path.with_name(f"{stem}.labels.json")


def write_mask(path: Path, mask: Mask, *, description: str = "") -> None:
    """Write a mask as NIfTI-1 and the names of its labels beside it, `<name>.labels.json`.

    Raises
    ------
    DataError
        as `write_image`.
    """
    path = Path(path)
    names = {str(label): mask.names[label] for label in sorted(mask.names)}
    text = json.dumps(names, indent=1, ensure_ascii=False) + "\n"

    def fill(part: Path) -> None:
        part.write_bytes(text.encode())
        write_image(path, mask.labels, mask.grid, description=description)

    write_atomically(labels_path(path), fill)


def read_mask(
    path: Path, *, names: Mapping[int, str] | None = None, unit: str | None = None
) -> Mask:
    """Return a mask of named regions.

    Parameters
    ----------
    path
        NIfTI file of whole numbers; 0 is no region.
    names
        of the labels, where no `<name>.labels.json` stands beside the file.
    unit
        as `read_image`.

    Raises
    ------
    DataError
        if a value is not a whole number of 32 bits, a label has no name, names are given twice
        or not at all, or as `read_image`.
    """
    path = Path(path)
    values, grid = read_image(path, unit=unit)
    if len(wrong := values[(values != np.round(values)) | (np.abs(values) >= 2**31)]):
        raise DataError(f"{path.name}: a mask holds whole numbers, found {float(wrong[0]):.12g}")
    sidecar = labels_path(path)
    inputs = [digest(path.read_bytes())]
    if sidecar.exists() == (names is not None):
        raise DataError(
            f"{path.name}: names of its labels are {'given twice' if names else 'missing'}; give "
            f'either {sidecar.name}, {{"1": "joint_cavity"}}, or names'
        )
    if names is None:
        names = _read_names(sidecar)
        inputs.append(digest(sidecar.read_bytes()))
    provenance = Provenance(
        "read_mask", tuple(inputs), {"names": {str(k): v for k, v in names.items()}}
    )
    return Mask(values.astype(np.int32), grid, names, provenance)


def _read_names(path: Path) -> dict[int, str]:
    try:
        found = json.loads(path.read_text("utf-8"))
        names = {int(label): name for label, name in found.items()}
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise DataError(f'{path.name} must read {{"1": "joint_cavity", ...}}: {error}') from error
    if not all(isinstance(name, str) and name for name in names.values()):
        raise DataError(f"{path.name}: every label needs a name, got {names}")
    if len(set(names.values())) != len(names) or 0 in names:
        raise DataError(f"{path.name}: names must differ and 0 is no region, got {names}")
    return names


def _sniff(head: bytes) -> bool:
    return head[344:347] in (b"n+1", b"ni1") or head.startswith(b"\x1f\x8b")


FORMAT = Format(
    label="NIfTI-1 image",
    suffixes=(".nii", ".nii.gz"),
    sniff=_sniff,
    read=read_image,
    write=write_image,
)
