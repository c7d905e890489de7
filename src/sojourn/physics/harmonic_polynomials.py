"""Real solid harmonics, their gradients and their Hessians, in Cartesian coordinates."""

from functools import lru_cache
from math import factorial, sqrt

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.physics.field_sources import checked_positions


def n_harmonics(degree: int) -> int:
    """Return the number of harmonics of degrees 1 to `degree`: L (L + 2)."""
    return degree * (degree + 2)


def solid_harmonics(positions: NDArray[np.float64], degree: int) -> NDArray[np.float64]:
    r"""Return the real regular solid harmonics, Schmidt semi-normalised.

    .. math::

        S_{lm} = N_{lm} \Re R_l^m,\quad S_{l,-m} = N_{lm} \Im R_l^m,\quad
        N_{lm} = \sqrt{(2 - \delta_{m0}) (l - m)! (l + m)!}

    with R_m^m = (x + iy)^m / (2^m m!) and
    (l + m + 1)(l - m + 1) R_{l+1}^m = (2 l + 1) z R_l^m - r^2 R_{l-1}^m: no Condon-Shortley sign.

    Parameters
    ----------
    positions
        shape (n, 3), dimensionless.
    degree
        L, from 1.

    Returns
    -------
        shape (n, L (L + 2)): l = 1 ... L, m = -l ... l; the first three are y, z, x.

    Raises
    ------
    DataError
        if `degree` is below 1.

    References
    ----------
    Helgaker, Jorgensen and Olsen, Molecular Electronic-Structure Theory, Wiley 2000, section 6.4.

    Examples
    --------
    >>> solid_harmonics(np.array([[1.0, 2.0, 3.0]]), 1)
    array([[2., 3., 1.]])
    """
    return _real_parts(_complex_harmonics(positions, degree), degree)


def harmonic_gradients(positions: NDArray[np.float64], degree: int) -> NDArray[np.float64]:
    """Return the gradient of every solid harmonic.

    Parameters
    ----------
    positions, degree
        as for `solid_harmonics`.

    Returns
    -------
        shape (n, 3, L (L + 2)).

    References
    ----------
    The ladder dR_l^m/dz = R_{l-1}^m, (d/dx - i d/dy) R_l^m = R_{l-1}^{m-1}, (d/dx + i d/dy) R_l^m =
    -R_{l-1}^{m+1} (Helgaker et al., section 9.13).
    """
    harmonics = _complex_harmonics(positions, degree)
    parts = [_real_parts(_derivative(harmonics, axis), degree) for axis in range(3)]
    return np.stack(parts, axis=1)


def harmonic_hessians(positions: NDArray[np.float64], degree: int) -> NDArray[np.float64]:
    """Return the second derivatives of every solid harmonic, shape (n, 3, 3, L (L + 2)).

    Symmetric and without trace. `positions` and `degree` as for `solid_harmonics`.
    """
    harmonics = _complex_harmonics(positions, degree)
    result = np.empty((len(harmonics), 3, 3, n_harmonics(degree)))
    for i in range(3):
        first = _derivative(harmonics, i)
        for j in range(i, 3):
            result[:, i, j] = _real_parts(_derivative(first, j), degree)
            result[:, j, i] = result[:, i, j]
    return result


def _complex_harmonics(positions: NDArray[np.float64], degree: int) -> NDArray[np.complex128]:
    """Return R_l^m, shape (n, L + 1, L + 2), for l, m from 0; 0 where m > l."""
    if degree < 1:
        raise DataError(f"solid harmonics have degrees from 1, got {degree}")
    x, y, z = checked_positions(positions).T
    square = x**2 + y**2 + z**2
    values = np.zeros((len(x), degree + 1, degree + 2), dtype=np.complex128)
    values[:, 0, 0] = 1.0
    for m in range(degree + 1):
        if m > 0:
            values[:, m, m] = values[:, m - 1, m - 1] * (x + 1j * y) / (2 * m)
        for k in range(m, degree):
            below = values[:, k - 1, m] if k > m else 0.0
            raised = (2 * k + 1) * z * values[:, k, m] - square * below
            values[:, k + 1, m] = raised / ((k + m + 1) * (k - m + 1))
    return values


def _derivative(values: NDArray[np.complex128], axis: int) -> NDArray[np.complex128]:
    """Return the derivative of a combination that `values` hold as R_l^m, in the same layout."""
    down = np.zeros_like(values)
    down[:, 1:] = values[:, :-1]
    if axis == 2:
        return down
    higher = np.zeros_like(values)
    higher[..., :-1] = down[..., 1:]
    lower = np.zeros_like(values)
    lower[..., 1:] = down[..., :-1]
    lower[..., 0] = -down[..., 1].conj()
    result: NDArray[np.complex128]
    result = (lower - higher) / 2.0 if axis == 0 else 0.5j * (lower + higher)
    return result


def _real_parts(values: NDArray[np.complex128], degree: int) -> NDArray[np.float64]:
    """Return the normalised real harmonics in order of l, then m."""
    rows, columns, norms, is_sine = _order(degree)
    chosen = values[:, rows, columns]
    parts: NDArray[np.float64] = norms * np.where(is_sine, chosen.imag, chosen.real)
    return parts


@lru_cache(maxsize=32)
def _order(
    degree: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]:
    """Return l, |m|, the norm, and whether m is negative, of every harmonic in order."""
    pairs = [(k, m) for k in range(1, degree + 1) for m in range(-k, k + 1)]
    norms = [
        sqrt((1 if m == 0 else 2) * factorial(k - abs(m)) * factorial(k + abs(m))) for k, m in pairs
    ]
    rows, orders = np.array(pairs).T
    return rows, np.abs(orders), np.array(norms), orders < 0
