"""The selection field of an MDF file: gradient and offset of each period and sub-interval."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sojourn.formats._mdf_tree import Tree

GRADIENT = "/acquisition/gradient"
OFFSET = "/acquisition/offsetField"
SUM_TOLERANCE = 1e-6
"""Trace of a gradient, relative to its largest element: that of a source-free field is zero."""


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """Selection field of one period, as `Acquisition` holds it."""

    gradient: NDArray[np.float64] | None
    offset_field: NDArray[np.float64] | None
    gradient_steps: NDArray[np.float64] | None
    offset_steps: NDArray[np.float64] | None


def read_selection(tree: Tree, period: int, n_periods: int) -> Selection:
    """Return gradient and offset field of one period, with all sub-intervals.

    Older files give the diagonal of the gradient, or leave out axes of length one.

    Raises
    ------
    DataError
        if a shape could mean several things, or nothing.
    """
    gradient, gradients = _static_or_steps(_gradients(tree, n_periods), period)
    offset, offsets = _static_or_steps(_offsets(tree, n_periods), period)
    return Selection(gradient, offset, gradients, offsets)


def _static_or_steps(
    values: NDArray[np.float64] | None, period: int
) -> tuple[NDArray[np.float64] | None, NDArray[np.float64] | None]:
    """Return the value of a static field, or those of all sub-intervals (Y, ...)."""
    if values is None:
        return None, None
    of_period = values[period if len(values) > 1 else 0]
    return (of_period[0], None) if len(of_period) == 1 else (None, of_period)


def _gradients(tree: Tree, n_periods: int) -> NDArray[np.float64] | None:
    """Return gradients (J or 1, Y, 3, 3), T/m, or None where the file states none."""
    values = _values(tree, GRADIENT)
    if values is None:
        return None
    shape = values.shape
    if values.size == 3:
        return np.diag(values.ravel())[None, None]
    if shape == (n_periods, 3) and not (n_periods == 3 and _has_matrices(tree)):
        return np.stack([np.diag(row) for row in values])[:, None]
    if shape == (3, 3) and n_periods != 3:
        return values[None, None]
    if shape == (n_periods, 3, 3):
        return values[:, None]
    if len(shape) == 4 and shape[0] in (1, n_periods) and shape[1] > 0 and shape[2:] == (3, 3):
        return values
    raise tree.error(GRADIENT, f"of shape {shape}", f"{(n_periods, 1, 3, 3)}, or sub-intervals")


def _has_matrices(tree: Tree) -> bool:
    """Tell whether the file's version gives gradients as matrices, not as diagonals."""
    return tree.text("/version", "").startswith("2.1")


def _offsets(tree: Tree, n_periods: int) -> NDArray[np.float64] | None:
    """Return offset fields (J or 1, Y, 3), T, or None where the file states none."""
    values = _values(tree, OFFSET)
    if values is None:
        return None
    shape = values.shape
    if values.size == 3:
        return values.reshape(1, 1, 3)
    if shape == (n_periods, 3):
        return values[:, None]
    if len(shape) == 3 and shape[0] in (1, n_periods) and shape[1] > 0 and shape[2] == 3:
        return values
    raise tree.error(OFFSET, f"of shape {shape}", f"{(n_periods, 1, 3)}, or sub-intervals")


def _values(tree: Tree, name: str) -> NDArray[np.float64] | None:
    if name not in tree.items:
        return None
    values = tree.values(name)
    if np.iscomplexobj(values):
        raise tree.error(name, "complex", "real numbers")
    return values.astype(np.float64)
