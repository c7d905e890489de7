"""Sparsity-transformed and processed calibrations, and calibrations larger than memory."""

import json
import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy.fft import dctn

import synthetic_mpi as synthetic
from mdf_headers import HEADER, assert_strict
from sojourn.core.errors import DataError
from sojourn.core.signals import ArraySpectra
from sojourn.formats.mdf import (
    CalibrationPoints,
    MdfLayout,
    MdfSparsity,
    read_system_matrix,
    write_calibration_points,
    write_scan,
    write_system_matrix,
)

KINDS = ["DCT-I", "DCT-II", "DCT-III", "DCT-IV"]
EVERY = np.arange(17)


def sparse(n, kind="DCT-II", **changes):
    return MdfLayout(fast_frame_axis=True, sparsity=MdfSparsity(n, kind), **changes)


def all_rows(matrix):
    return np.stack([matrix.spectra.read(c, EVERY) for c in range(2)], axis=1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(3, 2, 2), (4, 1, 3), (1, 5, 1), (1, 1, 1)])
def test_all_coefficients_give_the_calibration_back(tmp_path, kind, shape):
    matrix = synthetic.matrix(3, shape)
    n_voxels = matrix.grid.n_voxels
    write_system_matrix(tmp_path / "a.mdf", matrix, HEADER, layout=sparse(n_voxels, kind))
    assert_strict(tmp_path / "a.mdf")
    found = read_system_matrix(tmp_path / "a.mdf")
    np.testing.assert_allclose(all_rows(found), all_rows(matrix), atol=1e-12)
    np.testing.assert_array_equal(found.is_background, matrix.is_background)
    with h5py.File(tmp_path / "a.mdf") as file:
        # J x C x K x (B + E), J x C x K x B by the specification
        assert file["measurement/data"].shape == (1, 2, 17, n_voxels + 2)
        assert file["measurement/subsamplingIndices"].shape == (1, 2, 17, n_voxels)
        assert file["measurement/sparsityTransformation"][()].decode() == kind


def test_each_row_keeps_its_own_largest_coefficients(tmp_path):
    matrix = synthetic.matrix(4, (3, 4, 2))
    write_system_matrix(tmp_path / "a.mdf", matrix, HEADER, layout=sparse(5, "DCT-II"))
    with h5py.File(tmp_path / "a.mdf") as file:
        data = file["measurement/data"][0]
        indices = file["measurement/subsamplingIndices"][0]
    empty = all_rows(matrix)[24:]
    for channel in range(2):
        rows = matrix.spectra.read(channel, EVERY)[:24]
        for row in range(17):
            # voxels stand x fastest: Fortran order of (x, y, z)
            grid = rows[:, row].reshape((3, 4, 2), order="F")
            exact = dctn(grid, type=2, norm="ortho").ravel(order="F")
            largest = np.sort(np.argsort(np.abs(exact))[-5:])
            np.testing.assert_array_equal(indices[channel, row], largest + 1)
            np.testing.assert_allclose(data[channel, row, :5], exact[largest], atol=1e-13)
            np.testing.assert_array_equal(data[channel, row, 5:], empty[:, channel, row])


def test_what_is_lost_is_the_energy_of_the_coefficients_left_out(tmp_path):
    matrix = synthetic.matrix(5, (4, 4, 2))
    write_system_matrix(tmp_path / "a.mdf", matrix, HEADER, layout=sparse(10, "DCT-IV"))
    found = read_system_matrix(tmp_path / "a.mdf")
    assert "10 of 32 coefficients" in found.metadata["notes"]
    rows, kept = all_rows(matrix)[:32, 0, 7], all_rows(found)[:32, 0, 7]
    exact = dctn(rows.reshape((4, 4, 2), order="F"), type=4, norm="ortho")
    smallest = np.sort(np.abs(exact).ravel())[:-10]
    # an orthonormal transformation keeps the norm (Parseval)
    assert np.sum(np.abs(rows - kept) ** 2) == pytest.approx(np.sum(smallest**2))


def test_a_row_of_few_cosines_loses_nothing(tmp_path):
    cosine = np.cos(np.pi / 6 * (np.arange(6) + 0.5) * 2)
    values = (3 + 2j * cosine)[:, None, None] * np.arange(1.0, 35).reshape(2, 17)
    matrix = synthetic.matrix(
        0, (6, 1, 1), background=(), spectra=ArraySpectra(values), is_background=np.zeros(6, bool)
    )
    write_system_matrix(tmp_path / "a.mdf", matrix, HEADER, layout=sparse(2))
    np.testing.assert_allclose(all_rows(read_system_matrix(tmp_path / "a.mdf")), values, rtol=1e-13)


def test_a_sparse_file_with_selected_bins_reads_back_in_order(tmp_path):
    matrix = synthetic.matrix(6, (2, 2, 2))
    layout = sparse(8, bins=(2, 5, 11), precision="single")
    write_system_matrix(tmp_path / "a.mdf", matrix, HEADER, layout=layout)
    assert_strict(tmp_path / "a.mdf")
    found = read_system_matrix(tmp_path / "a.mdf").spectra.read(1, np.array([11, 2]))
    np.testing.assert_allclose(found, matrix.spectra.read(1, np.array([11, 2])), atol=2e-5)


@pytest.mark.parametrize("corrected", [False, True])
def test_a_processed_calibration_says_what_was_done_to_it(tmp_path, corrected):
    taken = synthetic.acquisition(is_spectral_leakage_corrected=corrected)
    matrix = synthetic.matrix(
        7, background=(), is_background_corrected=corrected, acquisition=taken
    )
    write_system_matrix(tmp_path / "a.mdf", matrix, HEADER)
    found = read_system_matrix(tmp_path / "a.mdf")
    assert found.is_background_corrected is corrected
    assert found.acquisition.is_spectral_leakage_corrected is corrected
    assert not found.is_background.any()


def test_a_sparse_layout_needs_fourier_frames_last_and_a_grid(tmp_path):
    with pytest.raises(DataError, match="needs the Fourier domain and frames last"):
        MdfLayout(sparsity=MdfSparsity(3))
    with pytest.raises(DataError, match="needs coefficients"):
        MdfSparsity(0)
    with pytest.raises(DataError, match="13 coefficients of 12 voxels"):
        write_system_matrix(tmp_path / "a.mdf", synthetic.matrix(), HEADER, layout=sparse(13))
    taken = synthetic.acquisition()
    spectra = synthetic.random_spectra(np.random.default_rng(0), 2, taken)
    scan = synthetic.scan(spectra, [False] * 2)
    with pytest.raises(DataError, match="a measurement has none"):
        write_scan(tmp_path / "a.mdf", scan, HEADER, layout=sparse(1))
    points = CalibrationPoints(scan, positions=np.zeros((2, 3)))
    with pytest.raises(DataError, match="a calibration on no grid has none"):
        write_calibration_points(tmp_path / "a.mdf", points, HEADER, layout=sparse(1))
    assert list(tmp_path.iterdir()) == []


LARGE = '''
"""Write a calibration whose spectra do not fit into the memory allowed."""
import json, resource, sys
from pathlib import Path
import numpy as np
sys.path.insert(0, sys.argv[1])
import synthetic_mpi as synthetic
from mdf_headers import HEADER
from sojourn.core.geometry import Grid
from sojourn.core.signals import SystemMatrix
from sojourn.formats.mdf import MdfLayout, MdfSparsity, write_system_matrix

class Made:
    """Spectra that are made when they are asked for: frame + 1000 bin, 1 at 0 Hz."""
    shape = (SIDE**3, 1, N_SAMPLES // 2 + 1)
    def read(self, channel, bins):
        values = np.arange(self.shape[0], dtype=float)[:, None] + 1000.0 * bins + 0j
        values[:, bins == 0] = 1.0
        return values

layout = LAYOUT
taken = synthetic.acquisition(N_SAMPLES, 1)
made = Made()
matrix = SystemMatrix(made, taken, np.zeros(SIDE**3, bool), Grid.centered((SIDE,) * 3, (1e-3,) * 3),
                      "made", "made", is_simulated=True)
pages = int(Path("/proc/self/statm").read_text().split()[0])
used = pages * resource.getpagesize()
full = 16 * SIDE**3 * made.shape[2]
allowed = 160 << 20
resource.setrlimit(resource.RLIMIT_AS, (used + allowed, used + allowed))
write_system_matrix(Path(sys.argv[2]), matrix, HEADER, layout=layout)
(peak,) = (line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps({"full": full, "allowed": allowed, "peak": int(peak) << 10}))
'''
TIME = 'MdfLayout(domain="time", precision="single")'
SPARSE = 'MdfLayout(fast_frame_axis=True, sparsity=MdfSparsity(3), precision="single")'


@pytest.mark.skipif(sys.platform != "linux", reason="address-space limits are exact on Linux only")
@pytest.mark.parametrize(
    ("layout", "side", "n_samples"),
    [
        pytest.param("MdfLayout(fast_frame_axis=True, precision='single')", 20, 5000, id="fast"),
        pytest.param(TIME, 20, 5000, id="turned-on-disk"),
        pytest.param(SPARSE, 20, 5000, id="sparse"),
    ],
)
def test_a_calibration_larger_than_memory_is_written(tmp_path, layout, side, n_samples):
    script = LARGE.replace("LAYOUT", layout).replace("N_SAMPLES", str(n_samples))
    script = script.replace("SIDE", str(side))
    (tmp_path / "large.py").write_text(script)
    tests = Path(__file__).parents[1]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, str(tmp_path / "large.py"), str(tests), str(tmp_path / "a.mdf")],
        capture_output=True, text=True, timeout=240, env=environment, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout)
    assert told["full"] > 1.9 * told["allowed"]
    assert told["peak"] < told["full"]
    n_bins = n_samples // 2 + 1
    matrix = read_system_matrix(tmp_path / "a.mdf")
    assert matrix.spectra.shape == (side**3, 1, n_bins)
    asked = np.array([5, n_bins - 1])
    rows = matrix.spectra.read(0, asked)
    exact = np.arange(float(side**3))[:, None] + 1000.0 * asked
    if "sparsity" in layout:  # of the coefficients kept, the largest is the mean
        rows, exact = rows.mean(axis=0), exact.mean(axis=0)
    np.testing.assert_allclose(rows, exact, rtol=1e-4)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.mdf", "large.py"]
