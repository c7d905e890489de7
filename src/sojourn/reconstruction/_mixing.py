"""Which sums and differences of the drive frequencies a bin is: its mixing order."""

import math

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.core.signals import Acquisition

COHERENCE = 1e-6
"""Relative: a period must hold a whole number of drive cycles, up to how files round numbers."""
NEVER = -1
"""Mixing order of a bin that is no combination of the drive frequencies."""


def drive_bins(acquisition: Acquisition) -> NDArray[np.int64]:
    """Return the rFFT bin of each drive frequency in use, shape (frequency,), exact.

    Frequencies of no strength are left out, equal ones counted once.

    Raises
    ------
    DataError
        if no drive frequency is in use, or a period holds no whole number of drive cycles.
    """
    drive = acquisition.drive_field
    dividers = sorted({int(d) for d in drive.divider[drive.strength > 0]})
    if not dividers or dividers[0] < 1:
        raise DataError(
            "mixing orders need the drive frequencies, but none has both a strength and a "
            "divider; select frequencies by bins or bounds"
        )
    common = math.lcm(*dividers)
    cycles = acquisition.n_samples * drive.base_frequency / (2 * acquisition.bandwidth * common)
    if round(cycles) < 1 or abs(cycles - round(cycles)) > COHERENCE * cycles:
        raise DataError(
            f"a period of {acquisition.n_samples} samples holds {cycles:.6g} cycles of the drive "
            f"field (dividers {dividers}); mixing orders need a whole number"
        )
    return np.array([round(cycles) * (common // d) for d in dividers], dtype=np.int64)


def mixing_orders(acquisition: Acquisition) -> NDArray[np.int64]:
    r"""Return the mixing order of every rFFT bin, shape (bin,); -1 for no combination.

    Bin k has the least :math:`\sum_i |n_i|` of all integers with :math:`\sum_i n_i m_i = k`, where
    m_i is the bin of drive frequency i. All arithmetic is of integers. The steps of a combination
    can be ordered so that every partial sum stays within one step of the way from 0 to k; so
    a breadth-first search over that range finds the least.

    Raises
    ------
    DataError
        as `drive_bins` says.

    References
    ----------
    Rahmer et al., BMC Med. Imaging 9 (2009) 4; MPIFiles.jl, `mixingFactors` (restated).
    """
    steps = drive_bins(acquisition)
    margin = int(steps.max())
    orders = np.full(acquisition.n_bins + 2 * margin, NEVER, dtype=np.int64)
    orders[margin] = 0
    front = np.array([margin], dtype=np.int64)
    order = 0
    while len(front):
        order += 1
        moves = np.concatenate([front + sign * step for step in steps for sign in (1, -1)])
        inside = np.unique(moves[(moves >= 0) & (moves < len(orders))])
        front = inside[orders[inside] == NEVER]
        orders[front] = order
    return orders[margin : margin + acquisition.n_bins]
