"""Several calibrations as one: the same rows, and one sample to count in."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.core.signals import SystemMatrix
from sojourn.reconstruction._matching import differences
from sojourn.reconstruction._rows import PreparedRows, RowSettings, prepare_rows
from sojourn.reconstruction._weighting import Weighting


def sample_ratios(matrices: Sequence[SystemMatrix]) -> NDArray[np.float64]:
    """Return the iron of each calibration's sample over that of the first, (calibration,).

    Where no calibration states its sample's iron, the samples are taken to hold the same.

    Raises
    ------
    DataError
        if some calibrations state their sample's iron and others do not.
    """
    irons = [matrix.sample_iron for matrix in matrices]
    known = [iron for iron in irons if iron is not None]
    if not known:
        return np.ones(len(matrices))
    if len(known) < len(irons):
        silent = ", ".join(m.name for m in matrices if m.sample_iron is None)
        raise DataError(
            f"{silent}: the sample's iron is not stated, but other calibrations state theirs; "
            "amounts of one cannot be added to those of the other. Set sample_iron in all or none"
        )
    return np.array(known) / known[0]


def prepare_common_rows(
    settings: RowSettings, matrices: Sequence[SystemMatrix]
) -> tuple[PreparedRows, ...]:
    """Return the rows that pass the settings in every calibration, weighted as in the first.

    Raises
    ------
    DataError
        if calibrations were taken differently, share no row, or a dictionary is asked for (each
        calibration would have its own).
    """
    if len(matrices) == 0:
        raise DataError("no calibration was given; at least one is needed")
    if settings.dictionary_size > 0:
        raise DataError(
            f"dictionary_size {settings.dictionary_size}: a background dictionary belongs to one "
            "calibration; use dictionary_size 0 with several"
        )
    first = matrices[0]
    for other in matrices[1:]:
        if found := differences(first.acquisition, other.acquisition):
            raise DataError(
                f"calibration {other.name} does not fit {first.name}: {'; '.join(found)}"
            )
    unweighted = {"weighting": Weighting.NONE, "channel_weights": None}
    passed = [
        prepare_rows(settings.model_copy(update=unweighted), matrix).selection.labels()
        for matrix in matrices
    ]
    common = tuple(sorted(set.intersection(*(set(labels) for labels in passed))))
    if not common:
        names = ", ".join(matrix.name for matrix in matrices)
        raise DataError(f"no frequency passes the selection in all of {names}; relax it")
    fixed = {"rows": common, "min_snr": None, "max_rows": None}
    leading = prepare_rows(settings.model_copy(update=fixed), first)
    others = [
        prepare_rows(settings.model_copy(update={**fixed, **unweighted}), matrix)
        for matrix in matrices[1:]
    ]
    weights = leading.weights
    return (
        leading,
        *(replace(o, weights=weights, columns=o.columns * weights[:, None]) for o in others),
    )
