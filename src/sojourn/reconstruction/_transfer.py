"""The receive chain's transfer function, divided out of rows where a caller asks for it.

Never by default: divided out of one of scan and calibration it inverts images.
"""

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.core.signals import Scan, SystemMatrix
from sojourn.reconstruction._selection import Selection

NEAR_ZERO = 1e-4
"""Share of a channel's largest magnitude (-80 dB) below which a row is refused: dividing by it
would let this row's noise outweigh all others."""


class TransferCorrection(StrEnum):
    """What becomes of the receive chain's transfer function.

    NONE leaves rows as they are stored. DIVIDE divides the rows of each file by the transfer
    function that came with this file, then by its induction factor where there is one.
    """

    NONE = "none"
    DIVIDE = "divide"


def receive_gain(source: Scan | SystemMatrix, selection: Selection) -> NDArray[np.complex128]:
    """Return what divides each selected row: transfer function times induction factor, (row,).

    Raises
    ------
    DataError
        if the file holds no transfer function or was divided by it before, a selected frequency
        was not measured, or the receive chain passes next to nothing there.

    References
    ----------
    MDF 2.1, `/acquisition/receiver/transferFunction` and `inductionFactor`; MPIFiles.jl,
    `getMeasurementsFD` (tfCorrection), where it is on as soon as a file holds one.
    """
    acquisition = source.acquisition
    transfer = acquisition.transfer_function
    if acquisition.is_transfer_function_corrected:
        raise DataError(
            f"{source.name}: its transfer function was divided out before; use transfer_function "
            "'none'"
        )
    if transfer is None:
        raise DataError(
            f"{source.name}: transfer_function 'divide' needs a transfer function and the file "
            "has none; set one in its acquisition, or use transfer_function 'none' for all files"
        )
    frequencies = acquisition.frequencies()
    gains = []
    for channel, bins in zip(selection.channels, selection.bins, strict=True):
        values = transfer.at(frequencies[bins])[channel]
        largest = float(np.abs(transfer.values[channel]).max())
        weak = np.abs(values) <= NEAR_ZERO * largest
        if weak.any():
            raise DataError(
                f"{source.name}: channel {channel} of {transfer.name} passes less than "
                f"{NEAR_ZERO:g} of its best at {int(weak.sum())} of {len(bins)} selected bins, "
                f"first at {frequencies[bins][weak][0]:.6g} Hz; leave them out (min_frequency, "
                "stop_bands)"
            )
        factor = transfer.induction_factor
        gains.append(values if factor is None else values * factor[channel])
    return np.concatenate(gains)


def check_same_gain(matrix: SystemMatrix, scan: Scan) -> None:
    """Refuse to divide two files of which one alone states an induction factor.

    Raises
    ------
    DataError
        naming which one does.
    """
    stated = [
        source.acquisition.transfer_function is not None
        and source.acquisition.transfer_function.induction_factor is not None
        for source in (matrix, scan)
    ]
    if stated[0] != stated[1]:
        with_it, without = (matrix, scan) if stated[0] else (scan, matrix)
        raise DataError(
            f"{with_it.name} states an induction factor and {without.name} none: divided rows "
            "would differ by it. Set the same transfer function in both acquisitions, or use "
            "transfer_function 'none'"
        )
