"""What MDF 2.1.0 asks of a file: one table for the reader and the writer.

Restated from the summary of the specification (arXiv:1602.06072, version 2.1.0). Letters are
its dimensions: A tracers, N frames, J periods per frame, Y sub-intervals, C receive channels,
D drive channels, F frequencies per drive channel, V samples, K stored frequencies, O
calibration positions, Q frames, P voxels and S channels of a reconstruction.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

VERSION = "2.1.0"
REQUIRED_GROUPS = ("/study", "/experiment", "/scanner", "/acquisition")


class Field(NamedTuple):
    """One dataset: its kind, its shape, and R required, O optional, or the flag that asks it."""

    kind: str
    shape: tuple[str | int, ...] = ()
    need: str = "R"


FIELDS: Mapping[str, Field] = {
    "/time": Field("string"),
    "/uuid": Field("string"),
    "/version": Field("string"),
    "/study/description": Field("string"),
    "/study/name": Field("string"),
    "/study/number": Field("int"),
    "/study/time": Field("string", need="O"),
    "/study/uuid": Field("string"),
    "/experiment/description": Field("string"),
    "/experiment/isSimulation": Field("flag"),
    "/experiment/name": Field("string"),
    "/experiment/number": Field("int"),
    "/experiment/subject": Field("string"),
    "/experiment/uuid": Field("string"),
    "/tracer/batch": Field("string", ("A",)),
    "/tracer/concentration": Field("float", ("A",)),
    "/tracer/injectionTime": Field("string", ("A",), "O"),
    "/tracer/name": Field("string", ("A",)),
    "/tracer/solute": Field("string", ("A",)),
    "/tracer/vendor": Field("string", ("A",)),
    "/tracer/volume": Field("float", ("A",)),
    "/scanner/boreSize": Field("float", need="O"),
    "/scanner/facility": Field("string"),
    "/scanner/manufacturer": Field("string"),
    "/scanner/name": Field("string"),
    "/scanner/operator": Field("string"),
    "/scanner/topology": Field("string"),
    "/acquisition/gradient": Field("float", ("J", "Y", 3, 3), "O"),
    "/acquisition/numAverages": Field("int"),
    "/acquisition/numFrames": Field("int"),
    "/acquisition/numPeriodsPerFrame": Field("int"),
    "/acquisition/offsetField": Field("float", ("J", "Y", 3), "O"),
    "/acquisition/startTime": Field("string"),
    "/acquisition/drivefield/baseFrequency": Field("float"),
    "/acquisition/drivefield/cycle": Field("float"),
    "/acquisition/drivefield/divider": Field("int", ("D", "F")),
    "/acquisition/drivefield/numChannels": Field("int"),
    "/acquisition/drivefield/phase": Field("float", ("J", "D", "F")),
    "/acquisition/drivefield/strength": Field("float", ("J", "D", "F")),
    "/acquisition/drivefield/waveform": Field("string", ("D", "F")),
    "/acquisition/receiver/bandwidth": Field("float"),
    "/acquisition/receiver/dataConversionFactor": Field("float", ("C", 2), "O"),
    "/acquisition/receiver/inductionFactor": Field("float", ("C",), "O"),
    "/acquisition/receiver/numChannels": Field("int"),
    "/acquisition/receiver/numSamplingPoints": Field("int"),
    "/acquisition/receiver/transferFunction": Field("complex", ("C", "*"), "O"),
    "/acquisition/receiver/unit": Field("string"),
    "/measurement/data": Field("number", ("*", "*", "*", "*")),
    "/measurement/framePermutation": Field("int", ("N",), "isFramePermutation"),
    "/measurement/frequencySelection": Field("int", ("K",), "isFrequencySelection"),
    "/measurement/isBackgroundCorrected": Field("flag"),
    "/measurement/isBackgroundFrame": Field("flag", ("N",)),
    "/measurement/isFastFrameAxis": Field("flag"),
    "/measurement/isFourierTransformed": Field("flag"),
    "/measurement/isFramePermutation": Field("flag"),
    "/measurement/isFrequencySelection": Field("flag"),
    "/measurement/isSparsityTransformed": Field("flag"),
    "/measurement/isSpectralLeakageCorrected": Field("flag"),
    "/measurement/isTransferFunctionCorrected": Field("flag"),
    "/measurement/sparsityTransformation": Field("string", need="isSparsityTransformed"),
    "/measurement/subsamplingIndices": Field("int", ("J", "C", "*", "*"), "isSparsityTransformed"),
    "/calibration/deltaSampleSize": Field("float", (3,), "O"),
    "/calibration/fieldOfView": Field("float", (3,), "O"),
    "/calibration/fieldOfViewCenter": Field("float", (3,), "O"),
    "/calibration/method": Field("string"),
    "/calibration/offsetFields": Field("float", ("O", 3), "O"),
    "/calibration/order": Field("string", need="O"),
    "/calibration/positions": Field("float", ("O", 3), "O"),
    "/calibration/size": Field("int", (3,), "O"),
    "/calibration/snr": Field("float", ("J", "C", "*"), "O"),
    "/reconstruction/data": Field("number", ("Q", "P", "S")),
    "/reconstruction/fieldOfView": Field("float", (3,), "O"),
    "/reconstruction/fieldOfViewCenter": Field("float", (3,), "O"),
    "/reconstruction/isOverscanRegion": Field("flag", ("P",), "O"),
    "/reconstruction/order": Field("string", need="O"),
    "/reconstruction/positions": Field("float", ("P", 3), "O"),
    "/reconstruction/size": Field("int", (3,), "O"),
}
"""Every dataset of the specification. A `*` depends on flags and is checked where it is used."""

ALIASES: Mapping[str, str] = {
    "/acquisition/numPeriods": "/acquisition/numPeriodsPerFrame",
    "/measurement/isTransposed": "/measurement/isFastFrameAxis",
}
"""Names of version 2.0 and what they became."""

EXTRAS = frozenset(
    {
        "/acquisition/receiver/transferFunctionFileName",
        "/acquisition/drivefield/customWaveform",
        "/calibration/isMeanderingGrid",
        "/custom/auxiliaryData",
    }
)
"""Not in the specification, but written by the common Julia packages."""

ACCEPTED_KINDS: Mapping[str, tuple[str, ...]] = {
    "string": ("string",),
    "int": ("int",),
    "flag": ("int",),
    "float": ("float", "int"),
    "complex": ("complex",),
    "number": ("int", "float", "complex"),
}
"""What a reader takes; an integer is a valid real number."""

HDF5_TYPES: Mapping[str, NDArray[np.generic]] = {
    "int": np.zeros((), "<i8"),
    "flag": np.zeros((), "<i1"),
    "float": np.zeros((), "<f8"),
    "complex": np.zeros((), "<c16"),
}
"""What a writer writes; `number` keeps the type of its data, strings have fixed length."""


def group_of(name: str) -> str:
    """Return the first group of a path, or `/` for a dataset of the root."""
    parts = name.split("/")
    return "/" if len(parts) == 2 else f"/{parts[1]}"


def is_extension(name: str) -> bool:
    """Tell whether some part of a path starts with an underscore, as extensions must."""
    return any(part.startswith("_") for part in name.split("/"))
