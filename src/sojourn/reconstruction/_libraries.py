"""Where arrays lie: in NumPy, or on a GPU through CuPy or PyTorch, if one of them is there."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError


class ArrayLibrary(StrEnum):
    """What does the linear algebra; results agree to rounding, all in double precision."""

    NUMPY = "numpy"
    CUPY = "cupy"
    TORCH = "torch"


@dataclass(frozen=True, slots=True)
class Library:
    """`put` takes a NumPy array to where the library computes, `get` brings a real one back."""

    put: Callable[[NDArray[Any]], Any]
    get: Callable[[Any], NDArray[np.float64]]


def array_library(name: ArrayLibrary) -> Library:
    """Return how arrays go to `name` and come back; the library is imported now, not before.

    Raises
    ------
    DataError
        if the library is not installed or sees no GPU.
    """
    if name is ArrayLibrary.NUMPY:
        return Library(np.asarray, np.asarray)
    try:
        module = importlib.import_module(name.value)
        present = _sees_gpu(name, module)
    except Exception as error:  # absent drivers raise errors of every kind
        raise DataError(
            f"array_library {name.value!r} cannot be used here ({error}); install it with its "
            "GPU runtime, or leave array_library 'numpy'"
        ) from error
    if not present:
        raise DataError(
            f"array_library {name.value!r} sees no GPU; leave array_library 'numpy', which needs "
            "none"
        )
    if name is ArrayLibrary.CUPY:
        return Library(module.asarray, module.asnumpy)
    return Library(
        lambda array: module.asarray(array, device="cuda"),
        lambda array: np.asarray(array.cpu().numpy()),
    )


def _sees_gpu(name: ArrayLibrary, module: ModuleType) -> bool:
    if name is ArrayLibrary.CUPY:
        return int(module.cuda.runtime.getDeviceCount()) > 0
    return bool(module.cuda.is_available())
