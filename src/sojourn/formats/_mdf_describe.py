"""What an MDF file holds, lacks and does otherwise, for a person."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.core.signals import Acquisition
from sojourn.formats._mdf_acquisition import (
    DRIVE,
    check_version,
    read_acquisition,
    sample_iron,
    statements,
)
from sojourn.formats._mdf_calibration import read_grid, read_snr
from sojourn.formats._mdf_data import Layout, read_layout
from sojourn.formats._mdf_legacy import DATA
from sojourn.formats._mdf_receiver import RECEIVER
from sojourn.formats._mdf_rules import check_tree
from sojourn.formats._mdf_spectra import FileSpectra
from sojourn.formats._mdf_tree import Tree

NOISE_BYTES = 64 << 20
"""Noise is summarised only where a channel's data are smaller than this."""
GOOD_SNR = 5.0

JsonValue = str | int | float | bool | list[Any] | None


@dataclass(frozen=True, slots=True)
class ChannelSummary:
    """One receive channel: noise amplitude in the receiver's unit, and stored SNR.

    Noise is the median over the bins above zero of mean |background - its mean|, as the
    amplitude of a sine (times 2 / samples). None where the file does not allow it.
    """

    channel: int
    noise: float | None
    snr_median: float | None
    snr_max: float | None
    n_bins_snr_5: int | None


@dataclass(frozen=True, slots=True)
class MdfInfo:
    """What an MDF file holds.

    `kind` is measurement, calibration, reconstruction or metadata. `facts` are sections of
    label and value; None is "not stated". `missing` are required datasets that are not there,
    `deviations` what differs from MDF 2.1.0, `problems` why the data cannot be used, `notes`
    what a user of the data must know.
    """

    name: str
    version: str
    kind: str
    is_simulated: bool | None
    facts: Mapping[str, Mapping[str, Any]]
    channels: tuple[ChannelSummary, ...]
    missing: tuple[str, ...]
    deviations: tuple[str, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...]

    def to_json_dict(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        return asdict(self)

    def __str__(self) -> str:
        simulated = {True: "  SIMULATED", False: "", None: "  (simulated or measured: not stated)"}
        lines = [f"{self.name}: MDF {self.version}, {self.kind}{simulated[self.is_simulated]}"]
        for title, section in self.facts.items():
            lines.append(f"{title}:")
            lines += [f"  {label}: {_show(value)}" for label, value in section.items()]
        if self.channels:
            lines.append("receive channels:")
            lines += [f"  {_channel_line(channel)}" for channel in self.channels]
        for title, entries in (
            ("notes", self.notes),
            ("missing, required by MDF 2.1.0", self.missing),
            ("deviations from MDF 2.1.0", self.deviations),
            ("problems", self.problems),
        ):
            lines.append(f"{title}: {'none' if not entries else ''}".rstrip())
            lines += [f"  {entry}" for entry in entries]
        return "\n".join(lines)


def _show(value: object) -> str:
    if value is None:
        return "not stated"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        return "[" + ", ".join(_show(v) for v in value) + "]"
    return str(value)


def _channel_line(channel: ChannelSummary) -> str:
    noise = "unknown" if channel.noise is None else f"{channel.noise:.3g}"
    snr = "no SNR stored"
    if channel.snr_max is not None:
        snr = (
            f"SNR median {channel.snr_median:.3g}, largest {channel.snr_max:.3g}, "
            f"{channel.n_bins_snr_5} bins at {GOOD_SNR:g} or more"
        )
    return f"channel {channel.channel}: noise amplitude {noise}; {snr}"


@dataclass(frozen=True, slots=True, eq=False)
class _Examined:
    """What could be read as a scan or calibration, and why the rest could not."""

    acquisition: Acquisition | None
    layout: Layout | None
    channels: tuple[ChannelSummary, ...]
    problems: tuple[str, ...]


def describe(tree: Tree) -> MdfInfo:
    """Return what the file holds; tolerant of legacy, partial and metadata-only files."""
    if "/version" not in tree.items and not tree.has("/acquisition"):
        raise tree.error("/version", "missing", "an MDF file; this HDF5 file is something else")
    examined = _examine(tree)
    facts = {
        "identity": _identity(tree),
        "sequence": _sequence(tree),
        "receiver": _receiver(tree),
        "frames": _frames(tree, examined.layout),
        "tracer": _tracer(tree),
        "calibration": _calibration(tree),
    }
    simulated = _fact(tree, "/experiment/isSimulation")
    broken = [each for each in check_tree(tree) if each.severity == "deviation"]
    return MdfInfo(
        name=tree.name,
        version=str(_fact(tree, "/version") or "not stated"),
        kind=_kind(tree),
        is_simulated=None if simulated is None else bool(simulated),
        facts={title: section for title, section in facts.items() if section},
        channels=examined.channels,
        missing=tuple(each.dataset for each in broken if each.found == "missing"),
        deviations=tuple(
            f"{each.dataset}: {each.found}; expected {each.expected}"
            for each in broken
            if each.found != "missing"
        ),
        problems=examined.problems,
        notes=_notes(tree, examined.acquisition),
    )


def _examine(tree: Tree) -> _Examined:
    """Read the file as `read_scan` and `read_system_matrix` do, keeping each refusal."""
    taken, layout, snr = None, None, None
    channels: tuple[ChannelSummary, ...] = ()
    problems: list[str] = []
    try:
        check_version(tree)
        taken = read_acquisition(tree)
        if DATA in tree.items:
            layout = read_layout(tree, taken)
        if layout is not None and tree.has("/calibration"):
            snr = read_snr(tree, layout, taken.n_channels, taken.n_bins)
            read_grid(tree, int(np.sum(~layout.is_background)))
    except DataError as error:
        problems.append(str(error))
    if taken is not None and layout is not None:
        spectra = FileSpectra(tree.path, tree.stamp, tree.limits, layout, taken.n_samples)
        try:
            channels = tuple(_summary(spectra, snr, c) for c in range(taken.n_channels))
        except DataError as error:
            problems.append(str(error))
    return _Examined(taken, layout, channels, tuple(problems))


def _kind(tree: Tree) -> str:
    if DATA in tree.items:
        return "calibration" if tree.has("/calibration") else "measurement"
    return "reconstruction" if tree.has("/reconstruction") else "metadata"


def _fact(tree: Tree, name: str) -> JsonValue:
    """Return a small dataset as a plain value or nested list; None where there is none."""
    item = tree.items.get(name)
    if item is None or item.value is None or item.kind == "complex":
        return None
    if len(item.value) == 1:
        single: JsonValue = item.value[0]
        return single
    return list(np.array(item.value, dtype=object).reshape(item.shape).tolist())


def _identity(tree: Tree) -> dict[str, Any]:
    names = {
        "study": "/study/name",
        "experiment": "/experiment/name",
        "experiment number": "/experiment/number",
        "subject": "/experiment/subject",
        "file created": "/time",
        "scanner": "/scanner/name",
        "manufacturer": "/scanner/manufacturer",
        "facility": "/scanner/facility",
        "topology": "/scanner/topology",
        "bore diameter [m]": "/scanner/boreSize",
    }
    return {label: _fact(tree, name) for label, name in names.items()}


def _sequence(tree: Tree) -> dict[str, Any]:
    base, divider = _fact(tree, f"{DRIVE}/baseFrequency"), _fact(tree, f"{DRIVE}/divider")
    frequencies = None
    if isinstance(base, float) and divider is not None:
        dividers = np.atleast_1d(np.array(divider, dtype=np.float64)).ravel()
        frequencies = [base / d for d in dividers.tolist() if d > 0]
    return {
        "started": _fact(tree, "/acquisition/startTime"),
        "drive frequencies [Hz]": frequencies,
        "drive field [T]": _fact(tree, f"{DRIVE}/strength"),
        "waveform": _fact(tree, f"{DRIVE}/waveform"),
        "cycle [s]": _fact(tree, f"{DRIVE}/cycle"),
        "gradient [T/m]": _fact(tree, "/acquisition/gradient"),
        "periods per frame (patches)": _fact(tree, "/acquisition/numPeriodsPerFrame"),
        "averages": _fact(tree, "/acquisition/numAverages"),
    }


def _receiver(tree: Tree) -> dict[str, Any]:
    return {
        "channels": _fact(tree, f"{RECEIVER}/numChannels"),
        "samples per period": _fact(tree, f"{RECEIVER}/numSamplingPoints"),
        "bandwidth [Hz]": _fact(tree, f"{RECEIVER}/bandwidth"),
        "unit": _fact(tree, f"{RECEIVER}/unit"),
        "conversion factor": _fact(tree, f"{RECEIVER}/dataConversionFactor"),
        "transfer function": "present" if f"{RECEIVER}/transferFunction" in tree.items else None,
    }


def _frames(tree: Tree, layout: Layout | None) -> dict[str, Any]:
    item = tree.items.get(DATA)
    found: dict[str, Any] = {"frames": _fact(tree, "/acquisition/numFrames")}
    if item is not None:
        found |= {"data shape": list(item.shape), "data type": item.type}
    if layout is not None:
        n_background = int(layout.is_background.sum())
        found |= {
            "foreground": len(layout.is_background) - n_background,
            "background": n_background,
            "domain": "Fourier" if layout.is_fourier else "time",
            "frame axis last": layout.is_fast,
            "stored bins": len(layout.bins) if layout.is_fourier else "all",
            "sparsity transformed": bool(layout.dct),
            "background corrected": _fact(tree, "/measurement/isBackgroundCorrected") == 1,
        }
    return found


def _tracer(tree: Tree) -> dict[str, Any]:
    if not tree.has("/tracer"):
        return {}
    names = {
        "name": "/tracer/name",
        "batch": "/tracer/batch",
        "vendor": "/tracer/vendor",
        "solute": "/tracer/solute",
        "concentration [mol/L]": "/tracer/concentration",
        "volume [L]": "/tracer/volume",
    }
    return {label: _fact(tree, name) for label, name in names.items()}


def _calibration(tree: Tree) -> dict[str, Any]:
    if not tree.has("/calibration"):
        return {}
    names = {
        "method": "/calibration/method",
        "grid": "/calibration/size",
        "field of view [m]": "/calibration/fieldOfView",
        "centre [m]": "/calibration/fieldOfViewCenter",
        "sample size [m]": "/calibration/deltaSampleSize",
    }
    return {label: _fact(tree, name) for label, name in names.items()}


def _notes(tree: Tree, acquisition: Acquisition | None) -> tuple[str, ...]:
    notes = statements(tree, acquisition) if acquisition is not None else []
    if tree.has("/calibration"):
        try:
            notes.append(sample_iron(tree)[1])
        except DataError as error:
            notes.append(str(error))
    if DATA not in tree.items:
        notes.append("the file holds no measured data")
    return tuple(notes)


def _noise(spectra: FileSpectra, channel: int) -> float | None:
    """Return the channel's noise amplitude, or None where it cannot be known cheaply."""
    background = np.zeros(spectra.shape[0], dtype=np.bool_)
    background[:] = spectra.layout.is_background[spectra.layout.order]
    bins = spectra.bins[spectra.bins > 0]
    if background.sum() < 2 or 16 * spectra.shape[0] * len(bins) > NOISE_BYTES or not len(bins):
        return None
    empty = spectra.read(channel, bins)[background]
    noise = np.abs(empty - empty.mean(axis=0)).mean(axis=0)
    return float(np.median(noise) * 2 / spectra.n_samples)


def _summary(spectra: FileSpectra, snr: NDArray[np.float64] | None, channel: int) -> ChannelSummary:
    noise = _noise(spectra, channel)
    if snr is None:
        return ChannelSummary(channel, noise, None, None, None)
    stored = snr[channel][spectra.layout.bins]
    return ChannelSummary(
        channel,
        noise,
        float(np.median(stored)),
        float(np.max(stored)),
        int(np.sum(stored >= GOOD_SNR)),
    )
