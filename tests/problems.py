"""Problems with real voxels that several solvers must agree on, and their oracle."""

import numpy as np
from scipy.optimize import nnls

import head_scanner
from sojourn.core.geometry import Grid
from sojourn.physics.particles import TracerParticles
from sojourn.physics.system_matrix import CalibrationProtocol, simulate_calibration

TRACER = TracerParticles((1.0,), (25e-9,), (0.1,))


def stacked(columns, signal, damping):
    """Return A and b of ||A x - b||^2 = ||S x - u||^2 + lambda ||x||^2 for real x."""
    voxels = columns.shape[1]
    matrix = np.vstack([columns.real, columns.imag, np.sqrt(damping) * np.eye(voxels)])
    return matrix, np.concatenate([signal.real, signal.imag, np.zeros(voxels)])


def non_negative_optimum(columns, signal, damping):
    """Return the minimum over x >= 0 by the active sets of Lawson and Hanson (SciPy)."""
    return nnls(*stacked(columns, signal, damping), maxiter=20 * columns.shape[1])[0]


def optimum(columns, signal, damping):
    """Return the minimum over real x, by LAPACK's least squares (SVD) on the stacked system."""
    return np.linalg.lstsq(*stacked(columns, signal, damping), rcond=None)[0]


def head_scanner_problem(shared, position=4):
    """Return S (run A) and u (run B): real, measured, 9 rows and 9 voxels."""
    bins = np.array(head_scanner.HARMONICS)
    first, second = (head_scanner.line_matrix(shared, run).spectra.read(0, bins) for run in "AB")
    return (first[:9] - first[9]).T.copy(), second[position] - second[9]


def simulated_matrix():
    """Return a SIMULATED knee calibration of 5 x 4 x 5 voxels of 15 mm."""
    return simulate_calibration(
        np.random.default_rng(3),
        grid=Grid.centered((5, 4, 5), (0.015, 0.01, 0.015)),
        particles=TRACER,
        protocol=CalibrationProtocol(background_frames=4),
    )


def simulated_problem():
    """Return S and u of two blobs with 2 % noise; strong rows only: 100 voxels."""
    matrix = simulated_matrix()
    rows = matrix.spectra.values[:100].reshape(100, -1).T
    strength = np.linalg.norm(rows, axis=1)
    columns = np.ascontiguousarray(rows[strength > 0.02 * strength.max()])
    amounts = np.zeros(100)
    amounts[[27, 28, 72]] = 1.0, 2.0, 1.5
    rng = np.random.default_rng(4)
    noise = rng.standard_normal(len(columns)) + 1j * rng.standard_normal(len(columns))
    signal = columns @ amounts
    return columns, signal + 0.02 * np.abs(signal).mean() * noise


def damping(columns, relative):
    return relative * np.sum(np.abs(columns) ** 2) / columns.shape[1]


def relative_error(found, expected):
    return np.linalg.norm(found - expected) / np.linalg.norm(expected)
