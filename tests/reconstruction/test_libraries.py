import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

import synthetic_mpi as synthetic
from sojourn.core.errors import DataError
from sojourn.reconstruction._libraries import ArrayLibrary, array_library
from sojourn.reconstruction.cgnr import Cgnr
from sojourn.reconstruction.fista import Fista


class Device(np.ndarray):
    """An array that NumPy's own functions refuse, as those of a GPU do."""

    def __array_function__(self, function, types, arguments, options):
        raise TypeError(f"{function.__name__} of NumPy was given an array of the device")

    def __array__(self, *arguments, **options):
        raise TypeError("an array of the device was read by the host")


def stand_in(devices=1):
    """Return a module that looks like CuPy and computes with NumPy."""
    module = ModuleType("cupy")
    module.asarray = lambda array: np.array(array).view(Device)
    module.asnumpy = lambda array: array.view(np.ndarray).copy()
    module.cuda = SimpleNamespace(runtime=SimpleNamespace(getDeviceCount=lambda: devices))
    return module


def scan_of(matrix):
    rows = matrix.spectra.values
    empty = rows[matrix.is_background].mean(axis=0)
    signal = np.tensordot(np.arange(12.0), rows[~matrix.is_background] - empty, axes=1)
    return synthetic.scan([signal + empty, empty], [False, True])


@pytest.mark.parametrize("method", [Cgnr, Fista])
def test_the_image_does_not_depend_on_where_arrays_lie(monkeypatch, method):
    monkeypatch.setitem(sys.modules, "cupy", stand_in())
    matrix = synthetic.matrix()
    images = [
        method(background="own_mean", array_library=name)
        .prepare(matrix)
        .reconstruct_relative(scan_of(matrix))
        for name in ("numpy", "cupy")
    ]
    assert type(images[1].values) is np.ndarray
    np.testing.assert_allclose(images[1].values, images[0].values, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("method", [Cgnr, Fista])
@pytest.mark.parametrize("name", [ArrayLibrary.CUPY, ArrayLibrary.TORCH])
def test_a_gpu_gives_the_image_of_the_processor(method, name):
    try:
        array_library(name)
    except DataError as error:
        pytest.skip(f"no GPU here: {error}")
    matrix = synthetic.matrix()
    images = [
        method(background="own_mean", array_library=each)
        .prepare(matrix)
        .reconstruct_relative(scan_of(matrix))
        for each in (ArrayLibrary.NUMPY, name)
    ]
    np.testing.assert_allclose(images[1].values, images[0].values, rtol=1e-8, atol=1e-10)


def test_a_library_that_is_absent_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(DataError, match="array_library 'torch' cannot be used here"):
        Cgnr(background="own_mean", array_library="torch").prepare(synthetic.matrix())


def test_a_library_without_a_gpu_is_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", stand_in(devices=0))
    with pytest.raises(DataError, match="sees no GPU"):
        array_library(ArrayLibrary.CUPY)
