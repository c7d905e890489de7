"""How an MDF file was taken: sequence, receiver and texts, with the rules they must keep."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.core.signals import Acquisition, DriveField
from sojourn.formats._mdf_tree import Tree

RELATIVE_TOLERANCE = 1e-6
"""Between frequencies, samples and cycle, which come from one clock."""
IRON_KG_PER_MOL = 55.845e-3
"""Standard atomic weight of iron, IUPAC."""
RECEIVER = "/acquisition/receiver"
DRIVE = "/acquisition/drivefield"


def check_version(tree: Tree) -> str:
    """Return the file's version; refuse files that are no MDF 2."""
    if "/version" not in tree.items:
        raise tree.error("/version", "missing", "an MDF file of version 2 (not every HDF5 is MDF)")
    version = tree.text("/version")
    if version.split(".")[0] != "2":
        raise tree.error("/version", repr(version), "2.0 or 2.1 (1.x has another layout)")
    return version


def check_single_patch(tree: Tree) -> None:
    """Refuse files with several periods (patches) per frame."""
    name = "/acquisition/numPeriodsPerFrame"
    if (n := tree.integer(name, least=1)) != 1:
        raise tree.error(name, n, "1; multi-patch files can be described, not yet be read")


def read_acquisition(tree: Tree) -> Acquisition:
    """Return sequence and receiver of a single-patch file.

    Raises
    ------
    DataError
        naming the dataset, what was found and what was expected.
    """
    check_single_patch(tree)
    drive = _drive_field(tree)
    bandwidth = tree.number(f"{RECEIVER}/bandwidth")
    n_samples = tree.integer(f"{RECEIVER}/numSamplingPoints", least=2)
    _close(
        tree,
        f"{RECEIVER}/numSamplingPoints",
        n_samples,
        2 * bandwidth * drive.cycle,
        "2 x bandwidth x cycle",
    )
    return Acquisition(
        drive_field=drive,
        n_channels=tree.integer(f"{RECEIVER}/numChannels", least=1),
        n_samples=n_samples,
        bandwidth=bandwidth,
        unit=tree.text(f"{RECEIVER}/unit"),
        n_averages=tree.integer("/acquisition/numAverages", least=1),
        gradient=read_gradient(tree),
        start_time=tree.text("/acquisition/startTime", ""),
    )


def _close(tree: Tree, name: str, found: float, expected: float, rule: str) -> None:
    if not abs(found - expected) <= RELATIVE_TOLERANCE * abs(expected):
        raise tree.error(name, f"{found:.12g}", f"{expected:.12g} = {rule}")


def _drive_field(tree: Tree) -> DriveField:
    n_channels = tree.integer(f"{DRIVE}/numChannels", least=1)
    divider = tree.values(f"{DRIVE}/divider")
    if divider.size == 0 or divider.size % n_channels or np.any(divider < 1):
        raise tree.error(f"{DRIVE}/divider", divider.tolist(), f"{n_channels} rows of integers > 0")
    shape = (n_channels, divider.size // n_channels)
    base = tree.number(f"{DRIVE}/baseFrequency")
    cycle = tree.number(f"{DRIVE}/cycle")
    if not base > 0 or not cycle > 0:
        raise tree.error(f"{DRIVE}/baseFrequency", base, f"above 0, with a cycle {cycle} above 0")
    period = math.lcm(*(int(d) for d in divider.ravel())) / base
    _close(tree, f"{DRIVE}/cycle", cycle, period, "lcm(divider) / baseFrequency")
    return DriveField(
        base_frequency=base,
        divider=divider.reshape(shape),
        strength=_per_channel(tree, f"{DRIVE}/strength", shape),
        phase=_per_channel(tree, f"{DRIVE}/phase", shape),
        cycle=cycle,
        waveform=",".join(dict.fromkeys(tree.texts(f"{DRIVE}/waveform"))),
    )


def _per_channel(tree: Tree, name: str, shape: tuple[int, int]) -> NDArray[np.float64]:
    values = tree.values(name)
    if values.size != shape[0] * shape[1] or np.iscomplexobj(values):
        raise tree.error(name, f"of shape {values.shape}", f"shape {(1, *shape)}")
    return values.astype(np.float64).reshape(shape)


def read_gradient(tree: Tree) -> NDArray[np.float64] | None:
    """Return the gradient (3, 3) in T/m of a single-patch file, or None where it is not stated.

    Version 2.0 gives the three diagonal elements. Several sub-intervals (Y > 1) are refused.
    """
    name = "/acquisition/gradient"
    if name not in tree.items:
        return None
    values = tree.values(name).astype(np.float64)
    if values.size == 3:
        return np.diag(values.ravel())
    if values.size != 9:
        raise tree.error(name, f"of shape {values.shape}", "(1, 1, 3, 3): one static patch")
    return values.reshape(3, 3)


def sample_iron(tree: Tree) -> tuple[float | None, str]:
    """Return the iron of the calibration sample in kg, or None, and where it comes from.

    It is the tracer's concentration in mol(Fe)/L times its volume. `/tracer/volume` is
    used; only where it is missing or 0, the box `/calibration/deltaSampleSize`, since a sample
    of that extent need not be a box. Placeholders (0, another solute, several tracers) give
    None.
    """
    if "/tracer/concentration" not in tree.items:
        return None, "sample iron unknown: the file states no tracer concentration"
    concentration = tree.values("/tracer/concentration").astype(np.float64).ravel()
    if concentration.size != 1 or not concentration[0] > 0:
        return None, f"sample iron unknown: tracer concentration {concentration.tolist()} mol/L"
    solutes = tree.texts("/tracer/solute") if "/tracer/solute" in tree.items else ()
    if solutes != ("Fe",):
        return None, f"sample iron unknown: tracer solute {list(solutes)}, not Fe"
    litres, origin = _sample_volume(tree)
    if litres is None:
        return None, "sample iron unknown: the file states no tracer volume and no sample size"
    return float(concentration[0]) * litres * IRON_KG_PER_MOL, f"sample iron from {origin}"


def _sample_volume(tree: Tree) -> tuple[float | None, str]:
    if "/tracer/volume" in tree.items:
        volume = tree.values("/tracer/volume").astype(np.float64).ravel()
        if volume.size == 1 and volume[0] > 0:
            return float(volume[0]), "concentration x /tracer/volume"
    if "/calibration/deltaSampleSize" in tree.items:
        size = tree.array("/calibration/deltaSampleSize", (3,))
        if np.all(size > 0):
            return float(np.prod(size)) * 1e3, "concentration x box of deltaSampleSize"
    return None, ""


TEXTS = {
    "uuid": "/uuid",
    "version": "/version",
    "study_name": "/study/name",
    "experiment_name": "/experiment/name",
    "experiment_uuid": "/experiment/uuid",
    "subject": "/experiment/subject",
    "scanner_name": "/scanner/name",
}


def read_metadata(tree: Tree, notes: Sequence[str]) -> dict[str, str]:
    """Return texts of the file, correction flags ("0"/"1") and statements for a reader.

    The operator's name is left out on purpose.
    """
    found = {key: tree.text(name, "") for key, name in TEXTS.items()}
    for key, name in (
        ("is_transfer_function_corrected", "/measurement/isTransferFunctionCorrected"),
        ("is_spectral_leakage_corrected", "/measurement/isSpectralLeakageCorrected"),
    ):
        found[key] = str(int(name in tree.items and tree.flag(name)))
    found["tracer_name"] = (
        ", ".join(tree.texts("/tracer/name")) if "/tracer/name" in tree.items else ""
    )
    if "/calibration/deltaSampleSize" in tree.items:
        size = tree.array("/calibration/deltaSampleSize", (3,))
        found["delta_sample_size_m"] = " ".join(repr(float(edge)) for edge in size)
    found["notes"] = "; ".join(notes)
    return found


def statements(tree: Tree, gradient: NDArray[np.float64] | None) -> list[str]:
    """Return what a user of the file's data must know, one sentence each."""
    notes = []
    if gradient is None:
        notes.append("the file states no gradient; none is assumed")
    elif not gradient.any():
        notes.append("the file states a gradient of zero")
    if f"{RECEIVER}/transferFunction" in tree.items:
        notes.append("the file holds a transfer function; it is not applied")
    return notes


def read_transfer_function(tree: Tree) -> NDArray[np.complex128] | None:
    """Return the receive chain's transfer function (channel, bin), or None."""
    name = f"{RECEIVER}/transferFunction"
    if name not in tree.items:
        return None
    values = tree.values(name)
    if values.ndim != 2:
        raise DataError(f"{tree.name}: {name} has shape {values.shape}; expected (C, K)")
    return values.astype(np.complex128)
