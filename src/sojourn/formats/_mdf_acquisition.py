"""How an MDF file was taken: sequence, receiver and texts, with the rules they must keep."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sojourn.core.signals import Acquisition, DriveField
from sojourn.formats._mdf_receiver import RECEIVER, read_transfer_function
from sojourn.formats._mdf_selection import read_selection
from sojourn.formats._mdf_tree import Tree

RELATIVE_TOLERANCE = 1e-6
"""Between frequencies, samples and cycle, which come from one clock."""
MAX_DRIVES = 4096
MAX_BINS = 1 << 24
MAX_LCM = 1 << 62
"""What no scanner reaches; a file that claims more is damaged, or hostile."""
IRON_KG_PER_MOL = 55.845e-3
"""Standard atomic weight of iron, IUPAC."""
DRIVE = "/acquisition/drivefield"


def check_version(tree: Tree) -> str:
    """Return the file's version; refuse files that are neither MDF 2 nor MDF 1."""
    if "/version" not in tree.items:
        raise tree.error("/version", "missing", "an MDF file of version 2 (not every HDF5 is MDF)")
    version = tree.text("/version")
    if version.split(".")[0] not in ("1", "2"):
        raise tree.error("/version", repr(version), "2.1, 2.0 or 1.x")
    return version


def read_acquisition(tree: Tree, period: int = 0) -> Acquisition:
    """Return sequence and receiver of one period (patch) of each frame.

    Raises
    ------
    DataError
        naming the dataset, what was found and what was expected.
    """
    n_periods = tree.integer("/acquisition/numPeriodsPerFrame", least=1)
    drive = _drive_field(tree, period, n_periods)
    n_channels = tree.integer(f"{RECEIVER}/numChannels", least=1)
    bandwidth = tree.number(f"{RECEIVER}/bandwidth")
    n_samples = tree.integer(f"{RECEIVER}/numSamplingPoints", least=2)
    if n_channels * (n_samples // 2 + 1) > MAX_BINS:
        raise tree.error(
            f"{RECEIVER}/numSamplingPoints", n_samples, f"{n_channels} spectra of {MAX_BINS} bins"
        )
    _close(
        tree,
        f"{RECEIVER}/numSamplingPoints",
        n_samples,
        2 * bandwidth * drive.cycle,
        "2 x bandwidth x cycle",
    )
    selection = read_selection(tree, period, n_periods)
    return Acquisition(
        drive_field=drive,
        n_channels=n_channels,
        n_samples=n_samples,
        bandwidth=bandwidth,
        unit=tree.text(f"{RECEIVER}/unit"),
        n_averages=tree.integer("/acquisition/numAverages", least=1),
        start_time=tree.text("/acquisition/startTime", ""),
        transfer_function=read_transfer_function(tree)[0],
        is_transfer_function_corrected=_is_set(tree, "isTransferFunctionCorrected"),
        is_spectral_leakage_corrected=_is_set(tree, "isSpectralLeakageCorrected"),
        gradient=selection.gradient,
        offset_field=selection.offset_field,
        gradient_steps=selection.gradient_steps,
        offset_steps=selection.offset_steps,
    )


def _close(tree: Tree, name: str, found: float, expected: float, rule: str) -> None:
    if not abs(found - expected) <= RELATIVE_TOLERANCE * abs(expected):
        raise tree.error(name, f"{found:.12g}", f"{expected:.12g} = {rule}")


def _is_set(tree: Tree, flag: str) -> bool:
    name = f"/measurement/{flag}"
    return name in tree.items and tree.flag(name)


def _drive_field(tree: Tree, period: int, n_periods: int) -> DriveField:
    n_channels = tree.integer(f"{DRIVE}/numChannels", least=1)
    divider = tree.values(f"{DRIVE}/divider")
    if not 0 < divider.size <= MAX_DRIVES or divider.size % n_channels or np.any(divider < 1):
        raise tree.error(f"{DRIVE}/divider", divider.tolist(), f"{n_channels} rows of integers > 0")
    shape = (n_channels, divider.size // n_channels)
    base = tree.number(f"{DRIVE}/baseFrequency")
    cycle = tree.number(f"{DRIVE}/cycle")
    if not base > 0 or not cycle > 0:
        raise tree.error(f"{DRIVE}/baseFrequency", base, f"above 0, with a cycle {cycle} above 0")
    _close(
        tree, f"{DRIVE}/cycle", cycle, common_period(divider, base), "lcm(divider) / baseFrequency"
    )
    return DriveField(
        base_frequency=base,
        divider=divider.reshape(shape),
        strength=_per_channel(tree, f"{DRIVE}/strength", shape, period, n_periods),
        phase=_per_channel(tree, f"{DRIVE}/phase", shape, period, n_periods),
        cycle=cycle,
        waveform=_waveform(tree),
    )


def common_period(divider: NDArray[np.int64], base_frequency: float) -> float:
    """Return the period of all drive frequencies together, lcm(divider) / base frequency, s."""
    common = 1
    for each in np.unique(divider).tolist():
        common = math.lcm(common, int(each))
        if common > MAX_LCM:
            return math.inf
    return common / base_frequency


def _waveform(tree: Tree) -> str:
    """Return the one waveform, or where they differ those of all frequencies, with commas."""
    names = tree.texts(f"{DRIVE}/waveform")
    return names[0] if len(set(names)) == 1 else ",".join(names)


def _per_channel(
    tree: Tree, name: str, shape: tuple[int, int], period: int, n_periods: int
) -> NDArray[np.float64]:
    """Return (D, F) values of one period; where a file gives one for all, they are of each."""
    values = tree.values(name)
    size = shape[0] * shape[1]
    if values.size not in (size, n_periods * size) or np.iscomplexobj(values):
        raise tree.error(name, f"of shape {values.shape}", f"shape {(n_periods, *shape)}")
    of_periods = values.astype(np.float64).reshape(-1, *shape)
    return np.asarray(of_periods[period if len(of_periods) == n_periods else 0])


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
    induction = f"{RECEIVER}/inductionFactor"
    if induction in tree.items and f"{RECEIVER}/transferFunction" not in tree.items:
        found["induction_factor"] = " ".join(map(repr, tree.values(induction).ravel().tolist()))
    if "/calibration/deltaSampleSize" in tree.items:
        size = tree.array("/calibration/deltaSampleSize", (3,))
        found["delta_sample_size_m"] = " ".join(repr(float(edge)) for edge in size)
    found["notes"] = "; ".join(notes)
    return found


def statements(tree: Tree, taken: Acquisition) -> list[str]:
    """Return what a user of the file's data must know, one sentence each."""
    notes = list(tree.notes)
    if taken.gradient_steps is not None:
        notes.append(
            f"the gradient changes in {len(taken.gradient_steps)} sub-intervals of a period; "
            "gradient_steps holds all of them, no single gradient stands for them"
        )
    elif taken.gradient is None:
        notes.append("the file states no gradient; none is assumed")
    elif not taken.gradient.any():
        notes.append("the file states a gradient of zero")
    if taken.offset_steps is not None:
        notes.append(f"the offset field changes in {len(taken.offset_steps)} sub-intervals")
    elif taken.offset_field is None:
        notes.append("the file states no offset field; none is assumed")
    return [*notes, *read_transfer_function(tree)[1]]
