"""Looking at a signal: its spectrum against noise, and how the empty bore drifts."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.deliverables._blocks import Figure
from sojourn.deliverables._markup import Html
from sojourn.deliverables._numbers import format_number, plural
from sojourn.deliverables._palette import group_style
from sojourn.deliverables._scales import Scale, linear, logarithmic
from sojourn.deliverables._svg import axes, dots, drawing, line, path, text

_SIZE = (720.0, 300.0)
_LEFT, _RIGHT, _BOTTOM, _TOP = 62.0, 700.0, 248.0, 34.0
_SNR_BOTTOM, _SNR_TOP = 430.0, 320.0
_USUAL_SNR = 5.0
_DECADES = 9.0
MAX_DRAWN = 600
"""Values drawn along an axis; of more, each stretch shows its largest."""


@dataclass(frozen=True, slots=True, eq=False)
class ChannelSpectrum:
    """One receive channel: amplitudes as those of a sine, in `unit`, over `frequencies` (bin,), Hz.

    `signal` is the root mean square over the frames of the object, after the mean of the empty
    bore; `noise` the same of the empty bore around its mean, None without background frames.
    `snr` is a calibration's (of its file, or by the rule of MPIFiles.jl) or, of a measurement,
    signal over noise; None where it cannot be had.
    """

    channel: int
    frequencies: NDArray[np.float64]
    signal: NDArray[np.float64]
    noise: NDArray[np.float64] | None
    snr: NDArray[np.float64] | None
    unit: str
    n_bins: int

    def __post_init__(self) -> None:
        for values in (self.signal, self.noise, self.snr):
            if values is not None and values.shape != self.frequencies.shape:
                raise DataError(
                    f"channel {self.channel}: {values.shape} values for "
                    f"{self.frequencies.shape} frequencies"
                )


@dataclass(frozen=True, slots=True, eq=False)
class ChannelDrift:
    """Background frames of a channel: `frames` (n,) their places, `departure` (n,) from their mean.

    `departure` is the root mean square over the stored bins of |frame - mean of all background
    frames|, as a sine's amplitude in `unit`; `noise` the same from differences of neighbouring
    background frames over the root of 2, which a slow drift hardly changes.
    """

    channel: int
    frames: NDArray[np.int64]
    departure: NDArray[np.float64]
    noise: float
    unit: str


def spectrum_figure(channel: ChannelSpectrum, *, is_simulated: bool) -> Figure:
    """Return the spectrum of one receive channel with its noise, and its SNR below."""
    title = f"Receive channel {channel.channel}: spectrum"
    noise, snr = channel.noise, channel.snr
    parts = _curves(channel)
    strongest = int(np.argmax(channel.signal)) if channel.signal.size else 0
    where = (
        f"strongest {format_number(float(channel.signal[strongest]), channel.unit)} at "
        f"{format_number(float(channel.frequencies[strongest]) / 1e3, 'kHz')}"
    )
    return Figure(
        id=f"spectrum-{channel.channel}",
        title=title,
        shows=(
            "Amplitude of the object's frames after the mean of the empty bore (line), and of the "
            f"empty bore around its own mean (dots), in {channel.unit}; {where}."
        ),
        reading=(
            "Tracer shows at harmonics of the drive frequencies and their sums, far above the "
            "dots. Where the line runs among the dots there is noise alone. The lower curve, where "
            "there is one, is the SNR, with the threshold of 5 that is often chosen. "
            f"Where more than {MAX_DRAWN} frequencies are shown, each stretch shows its largest."
        ),
        worry=(
            "No line above the dots beyond the drive frequencies; single peaks that are no "
            "multiple of a drive frequency; noise that grows with frequency without reason."
        ),
        n=f"{len(channel.frequencies)} of {plural(channel.n_bins, 'frequency', 'frequencies')}",
        drawing=drawing(
            f"spectrum-{channel.channel}",
            _SIZE if channel.snr is None else (_SIZE[0], _SNR_BOTTOM + 52),
            title,
            where,
            parts,
            is_simulated=is_simulated,
            widths=(420, 860),
        ),
        columns=("FREQUENCY_HZ", "SIGNAL", "NOISE", "SNR"),
        rows=tuple(
            (
                float(channel.frequencies[i]),
                float(channel.signal[i]),
                None if noise is None else float(noise[i]),
                None if snr is None or not np.isfinite(snr[i]) else float(snr[i]),
            )
            for i in _kept(channel)
        ),
        is_simulated=is_simulated,
    )


def _kept(channel: ChannelSpectrum) -> list[int]:
    """Return the places of the largest values of each stretch, ascending."""
    return _largest(channel.signal, MAX_DRAWN)


def _largest(values: NDArray[np.float64], count: int) -> list[int]:
    edges = np.linspace(0, len(values), min(count, len(values)) + 1).astype(int)
    return [int(a + np.argmax(values[a:b])) for a, b in pairwise(edges)]


def _curves(channel: ChannelSpectrum) -> list[Html]:
    if not channel.signal.size or not (channel.signal > 0).any():
        return [text((100, 140), "no frequency holds a signal", fill="alarm")]
    top = float(channel.signal.max())
    bottoms = [v[v > 0].min() for v in (channel.signal, channel.noise) if v is not None and v.any()]
    low = max(float(min(bottoms)), top / 10**_DECADES)
    x = linear(0.0, float(channel.frequencies.max()) / 1e3, _LEFT, _RIGHT, is_tight=True)
    y = logarithmic(low, top, _BOTTOM, _TOP)
    kept = _kept(channel)
    places = [x.at(float(channel.frequencies[i]) / 1e3) for i in kept]
    style = group_style(0)
    parts = [
        axes(x, y, labels=("frequency, kHz", f"amplitude, {channel.unit}"), write=(_short, _power))
    ]
    if channel.noise is not None:
        noise = channel.noise
        tops = _largest(noise, MAX_DRAWN)
        parts.append(
            dots(
                [
                    (x.at(float(channel.frequencies[i]) / 1e3), y.at(float(noise[i])))
                    for i in tops
                    if noise[i] > 0
                ],
                "neutral",
                2.0,
            )
        )
    levels = [y.at(max(float(channel.signal[i]), low)) for i in kept]
    parts.append(path(list(zip(places, levels, strict=True)), style.color, 1.2))
    return [*parts, *_snr_curve(channel, x)]


def _snr_curve(channel: ChannelSpectrum, x: Scale) -> list[Html]:
    """Return the SNR below the spectrum, with the usual threshold of selection."""
    snr = channel.snr
    if snr is None or not (np.isfinite(snr) & (snr > 0)).any():
        return []
    finite = np.where(np.isfinite(snr), snr, 0.0)
    high = max(float(finite.max()), 10.0)
    y = logarithmic(0.1, high, _SNR_BOTTOM, _SNR_TOP)
    points = [
        (x.at(float(channel.frequencies[i]) / 1e3), y.at(max(float(finite[i]), 0.1)))
        for i in _largest(finite, MAX_DRAWN)
    ]
    level = y.at(_USUAL_SNR)
    return [
        axes(x, y, labels=("frequency, kHz", "SNR"), write=(_short, _power)),
        line((x.start, level), (x.end, level), "neutral", dash="4 3"),
        text((x.end - 4, level - 4), f"SNR {_USUAL_SNR:g}", anchor="end", style="tick"),
        path(points, "second", 1.2),
    ]


def drift_figure(channels: Sequence[ChannelDrift], *, is_simulated: bool) -> Figure:
    """Return how far each background frame lies from their mean, for every receive channel."""
    title = "Background drift"
    values = np.concatenate([c.departure for c in channels])
    frames = np.concatenate([c.frames for c in channels])
    unit = channels[0].unit
    high = max(float(values.max(initial=0)), max(c.noise for c in channels))
    x = linear(float(frames.min()), float(frames.max()), _LEFT, _RIGHT)
    y = linear(0.0, high or 1.0, _BOTTOM, _TOP)
    parts = [axes(x, y, labels=("frame", f"amplitude, {unit}"), write=(_short, _power_or_plain))]
    for number, channel in enumerate(channels):
        style = group_style(number)
        points = [
            (x.at(float(f)), y.at(float(d)))
            for f, d in zip(channel.frames, channel.departure, strict=True)
        ]
        parts.append(dots(points, style.color, 5.0))
        level = y.at(channel.noise)
        parts.append(line((x.start, level), (x.end, level), style.color, dash="4 3"))
        parts.append(
            text(
                (x.end - 4, 16 + 13 * number),
                f"channel {channel.channel}",
                anchor="end",
                style="tick",
                fill=style.color,
            )
        )
    return Figure(
        id="background-drift",
        title=title,
        shows=(
            "How far each frame of the empty bore lies from the mean of them all (dots), and how "
            "far noise alone would put it (dashed, from neighbouring frames)."
        ),
        reading=(
            "Dots on the dashed line: the background stands still. Dots far above it, falling and "
            "rising: it drifts, and the choice of what is subtracted changes an amount."
        ),
        worry="Blocks of dots far above the dashed line; a single frame far from its neighbours.",
        n=plural(len({int(f) for f in frames}), "background frame"),
        drawing=drawing(
            "background-drift",
            _SIZE,
            title,
            "; ".join(
                f"channel {c.channel}: {float(np.sqrt(np.mean(c.departure**2))) / c.noise:.2f} "
                "times noise"
                for c in channels
                if c.noise > 0
            ),
            parts,
            is_simulated=is_simulated,
            widths=(420, 860),
        ),
        columns=("CHANNEL", "FRAME", "DEPARTURE", "NOISE"),
        rows=tuple(
            (c.channel, int(f), float(d), c.noise)
            for c in channels
            for f, d in zip(c.frames, c.departure, strict=True)
        ),
        is_simulated=is_simulated,
    )


def _short(value: float) -> str:
    return format_number(value)


def _power(value: float) -> str:
    return f"10{str(round(np.log10(value))).translate(_RAISED)}"


def _power_or_plain(value: float) -> str:
    return format_number(value)


_RAISED = str.maketrans(
    "0123456789-", "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079\u207b"
)
