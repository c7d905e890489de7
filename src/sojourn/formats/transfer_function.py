"""Transfer functions in HDF5, as the common Julia packages keep them.

Datasets `/frequencies` (K,) in Hz, `/transferFunction` and, optionally, `/inductionFactor` (C,).
Older files split complex numbers over a last axis of two, (C, K, 2); newer ones keep them whole,
(C, K). No unit is stored; this package adds `/_unit`. Files are parsed in a child process.
"""

import hashlib
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from sojourn.core.files import write_atomically
from sojourn.core.formats import Format
from sojourn.core.signals import TransferFunction
from sojourn.formats._isolation import Limits
from sojourn.formats._mdf_put import LIBRARY_VERSIONS, put_text
from sojourn.formats._mdf_tree import Tree, open_tree

LIMITS = Limits()
FREQUENCIES = "/frequencies"
FUNCTION = "/transferFunction"
INDUCTION = "/inductionFactor"
UNIT = "/_unit"
HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def read_transfer_function_file(path: Path, *, limits: Limits = LIMITS) -> TransferFunction:
    """Return the transfer function in an HDF5 file of either layout.

    Where no unit is stored, `unit` is empty: values of such files are ratios like V/(A m^2) of a
    scale that only their maker knows.

    Raises
    ------
    DataError
        naming file and dataset, what was found and what was expected.
    """
    tree = open_tree(Path(path), limits=limits)
    frequencies = _real(tree, FREQUENCIES)
    values = _complex(tree, len(frequencies))
    induction = _real(tree, INDUCTION) if INDUCTION in tree.items else None
    with tree.path.open("rb") as file:
        source = hashlib.file_digest(file, "sha256").hexdigest()
    return TransferFunction(
        frequencies=frequencies,
        values=values,
        unit=tree.text(UNIT, ""),
        induction_factor=induction,
        name=tree.name,
        source=source,
    )


def write_transfer_function_file(path: Path, transfer: TransferFunction) -> None:
    """Write a transfer function in the newer layout, whole or not at all."""

    def fill(part: Path) -> None:
        with h5py.File(part, "w", libver=LIBRARY_VERSIONS) as file:
            arrays = {FREQUENCIES: transfer.frequencies, FUNCTION: transfer.values}
            if transfer.induction_factor is not None:
                arrays[INDUCTION] = transfer.induction_factor
            for name, values in arrays.items():
                file.create_dataset(name, data=values, track_times=False)
            put_text(file, UNIT, transfer.unit)

    write_atomically(Path(path), fill)


def _real(tree: Tree, name: str) -> NDArray[np.float64]:
    """Return real numbers (n,); a single number counts as one."""
    if name not in tree.items:
        raise tree.error(name, "missing", "a dataset of a transfer function's file")
    values = tree.values(name)
    if np.iscomplexobj(values) or values.ndim > 1:
        raise tree.error(name, f"of shape {values.shape}", "real numbers along one axis")
    return np.atleast_1d(values).astype(np.float64)


def _complex(tree: Tree, n_frequencies: int) -> NDArray[np.complex128]:
    """Return complex values (C, K)."""
    if FUNCTION not in tree.items:
        raise tree.error(FUNCTION, "missing", "a dataset of a transfer function's file")
    values = tree.values(FUNCTION)
    if not np.iscomplexobj(values):
        if values.shape[-1:] != (2,) or values.ndim not in (2, 3):
            raise tree.error(
                FUNCTION, f"real, of shape {values.shape}", "complex (C, K), or real (C, K, 2)"
            )
        values = values[..., 0] + 1j * values[..., 1]
    values = values[None] if values.ndim == 1 else values
    if values.ndim != 2 or values.shape[1] != n_frequencies:
        raise tree.error(
            FUNCTION, f"of shape {values.shape}", f"(channels, {n_frequencies}), by {FREQUENCIES}"
        )
    return values.astype(np.complex128)


def _sniff(head: bytes) -> bool:
    return head.startswith(HDF5_SIGNATURE)


FORMAT = Format(
    label="HDF5 transfer function of a receive chain",
    suffixes=(".h5", ".hdf5"),
    sniff=_sniff,
    read=read_transfer_function_file,
    write=write_transfer_function_file,
)
