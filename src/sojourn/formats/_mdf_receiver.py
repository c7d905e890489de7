"""The receive chain of an MDF file: its transfer function, kept beside the data, not applied."""

import numpy as np
from numpy.typing import NDArray

from sojourn.core.signals import TransferFunction
from sojourn.formats._mdf_tree import Tree

RECEIVER = "/acquisition/receiver"
FUNCTION = f"{RECEIVER}/transferFunction"
INDUCTION = f"{RECEIVER}/inductionFactor"
MAX_HERTZ = 1e15
SELECTION = "/measurement/frequencySelection"


def read_transfer_function(tree: Tree) -> tuple[TransferFunction | None, list[str]]:
    """Return the transfer function at the file's frequencies, or None, and what to know of it.

    Frequencies at which it is no number (often 0 Hz) are left out. One that fits no frequency
    axis is left out whole: data can be read without it.
    """
    item = tree.items.get(FUNCTION)
    if item is None:
        return None, []
    if item.blocked or item.kind not in ("complex", "float", "int"):
        return None, [f"the file's transfer function cannot be read: {item.blocked or item.type}"]
    values = np.asarray(tree.values(FUNCTION, is_finite=False))
    if not np.iscomplexobj(values) and values.ndim == 3 and values.shape[2] == 2:
        values = values[..., 0] + 1j * values[..., 1]
    frequencies = _frequencies(tree, values.shape)
    if frequencies is None:
        return None, [f"the file's transfer function has shape {values.shape}; it is left out"]
    known = np.isfinite(values).all(axis=0)
    notes = ["the file holds a transfer function; it is not applied"]
    if not known.any():
        return None, ["the file's transfer function holds no finite value; it is left out"]
    if not known.all():
        notes.append(f"it is not finite at {int(np.sum(~known))} frequencies, which are left out")
    factor, note = _induction_factor(tree, len(values))
    transfer = TransferFunction(
        frequencies=frequencies[known],
        values=values[:, known].astype(np.complex128),
        unit=tree.text(f"{RECEIVER}/unit"),
        induction_factor=factor,
        name=f"transfer function of {tree.name}",
    )
    return transfer, notes + note


def _frequencies(tree: Tree, shape: tuple[int, ...]) -> NDArray[np.float64] | None:
    """Return the frequency axis (K,), Hz: every bin, or the selected ones; None for neither."""
    n_samples = tree.integer(f"{RECEIVER}/numSamplingPoints", least=2)
    n_channels = tree.integer(f"{RECEIVER}/numChannels", least=1)
    if len(shape) != 2 or shape[0] != n_channels or shape[1] < 1:
        return None
    step = tree.number(f"{RECEIVER}/bandwidth") / n_samples * 2.0
    if not 0 < step < MAX_HERTZ:
        return None
    if shape[1] == n_samples // 2 + 1:
        return np.asarray(np.arange(shape[1]) * step, dtype=np.float64)
    if SELECTION not in tree.items:
        return None
    selected = tree.values(SELECTION).ravel()
    is_ascending = len(selected) == shape[1] and bool(np.all(np.diff(selected) > 0))
    if not is_ascending or selected.dtype.kind != "i" or selected[0] < 1:
        return None
    frequencies: NDArray[np.float64] = (selected - 1) * step
    return frequencies


def _induction_factor(tree: Tree, n_channels: int) -> tuple[NDArray[np.float64] | None, list[str]]:
    if INDUCTION not in tree.items:
        return None, []
    values = tree.values(INDUCTION, is_finite=False).ravel()
    is_usable = values.shape == (n_channels,) and not np.iscomplexobj(values)
    if not is_usable or not np.all(np.isfinite(values) & (values != 0)):
        return None, [f"its induction factors {values[:5].tolist()} are left out"]
    return values.astype(np.float64), []
