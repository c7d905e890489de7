"""A background that is estimated together with the image, from a dictionary of its shapes.

The rows are u = S x + D a + noise, D the dictionary. For any x the best a is known in closed
form; with it put in, the problem in x alone is that of other rows, T S x = T u. Every method then
solves the joint problem without knowing of it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError

LEAST_SHARE = 1e-12
"""Share of the largest singular value below which a shape is rounding error."""


@dataclass(frozen=True, slots=True, eq=False)
class BackgroundDictionary:
    r"""Shapes of the background and what is left of rows once it is estimated.

    The joint problem, for any other terms in x (a penalty, non-negativity),

    .. math:: \min_{x, a} \|S x + D a - u\|^2 + \beta \|a\|^2 + ...

    with D = U diag(d), U orthonormal, is the same for x as the minimum of
    :math:`\|T (S x - u)\|^2 + ...`, where

    .. math:: T = I - U\, \mathrm{diag}\left(1 - \sqrt{\beta / (d_l^2 + \beta)}\right) U^H .

    `shapes` (row, l) is U, `sizes` (l,) is d, `penalty` is beta.
    """

    shapes: NDArray[np.complex128]
    sizes: NDArray[np.float64]
    penalty: float

    @property
    def kept(self) -> NDArray[np.float64]:
        """Share of each shape that T leaves in rows, (l,), within (0, 1)."""
        share: NDArray[np.float64] = np.sqrt(self.penalty / (self.sizes**2 + self.penalty))
        return share

    def apply(self, rows: NDArray[np.complex128]) -> NDArray[np.complex128]:
        """Return T applied to each of `rows` (frame, row), same shape."""
        along = rows @ self.shapes.conj()
        return rows - (along * (1 - self.kept)) @ self.shapes.T

    def energy(self, columns: NDArray[np.complex128]) -> float:
        """Return the squared norm of the rows whose T they are, `columns` being (row, voxel)."""
        along = (np.abs(self.shapes.conj().T @ columns) ** 2).sum(axis=1)
        removed = float(((1 / self.kept**2 - 1) * along).sum())
        return float(np.vdot(columns, columns).real) + removed

    def coefficients(self, residual: NDArray[np.complex128]) -> NDArray[np.complex128]:
        """Return the jointly estimated a (l,) from the residual T (u - S x), (row,).

        The background itself is `(shapes * sizes) @ a`.
        """
        along = self.shapes.conj().T @ residual
        found: NDArray[np.complex128] = along * self.sizes / (self.sizes**2 + self.penalty)
        return found / self.kept


def learn_dictionary(
    empty: NDArray[np.complex128], *, size: int, penalty: float, name: str
) -> BackgroundDictionary:
    r"""Return the dictionary of empty frames (frame, row): their first singular vectors.

    .. math:: D = (u_1, u_2 \sqrt{s_2 / s_1}, ...)

    Parameters
    ----------
    empty
        background frames, as rows of the matrix are otherwise prepared (weights included, so that
        the penalty means the same whatever the weights).
    size
        number of shapes, at least 1.
    penalty
        beta, above 0.
    name
        what messages call the calibration.

    Raises
    ------
    DataError
        if the frames hold fewer shapes than asked for.

    References
    ----------
    Knopp et al., IEEE Trans. Med. Imaging 40 (2021) 3568; MPIReco.jl, `getBackgroundDictionary`
    (restated; size 2, beta 0.1).
    """
    if len(empty) == 0:
        raise DataError(
            f"{name}: a background dictionary is learned from background frames, and the "
            "calibration has none"
        )
    left, values, _ = np.linalg.svd(empty.T, full_matrices=False)
    found = int(np.sum(values > LEAST_SHARE * values[0]))
    if found < size:
        raise DataError(
            f"{name}: a dictionary of {size} shapes needs as many independent background frames, "
            f"the calibration holds {found}; lower dictionary_size"
        )
    sizes = np.sqrt(values[:size] / values[0])
    return BackgroundDictionary(np.ascontiguousarray(left[:, :size]), sizes, penalty)
