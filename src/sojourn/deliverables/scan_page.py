"""A page to look at MPI files: facts, spectra, drift, the patterns of a calibration, images."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.deliverables._blocks import (
    Block,
    Head,
    Heading,
    Prose,
    Raw,
    Row,
    Section,
    Table,
    numbered,
)
from sojourn.deliverables._markup import Html, element, joined
from sojourn.deliverables._png import png_uri
from sojourn.deliverables._scan_signal import (
    ChannelDrift,
    ChannelSpectrum,
    drift_figure,
    spectrum_figure,
)
from sojourn.deliverables._scan_volume import Volume, projections, slices, thinning
from sojourn.deliverables.report import page_environment, page_style, read_template

__all__ = [
    "ChannelDrift",
    "ChannelSpectrum",
    "Pattern",
    "ViewedFile",
    "Volume",
    "render_scan_page",
]


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """Where one frequency of a calibration is received: `mips` of |signal| along i, j and k."""

    label: str
    mip: NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.mip.ndim != 2:
            raise DataError(f"{self.label}: a projection has two axes, got {self.mip.shape}")


@dataclass(frozen=True, slots=True, eq=False)
class ViewedFile:
    """What a page shows of one file; parts that a file does not have are empty.

    `facts` are (section, label, value) as text. `notes` are shown above everything.
    """

    name: str
    kind: str
    is_simulated: bool
    facts: tuple[tuple[str, str, str], ...] = ()
    notes: tuple[str, ...] = ()
    spectra: tuple[ChannelSpectrum, ...] = ()
    drift: tuple[ChannelDrift, ...] = ()
    patterns: tuple[Pattern, ...] = ()
    volume: Volume | None = None


def render_scan_page(files: Sequence[ViewedFile]) -> str:
    """Return one self-contained HTML page of some files.

    The page needs no network; without a script it lacks the slices only. The same files give
    the same text.

    Raises
    ------
    DataError
        if there is no file.
    PluginError
        if jinja2 is not installed; the message says how to install it.
    """
    if not files:
        raise DataError("a page shows at least one file")
    sections = numbered([_section(number, file) for number, file in enumerate(files)])
    has_slices = any(file.volume is not None for file in files)
    simulated = [file.name for file in files if file.is_simulated]
    page: str = (
        page_environment()
        .get_template("scan.html.j2")
        .render(
            title=", ".join(file.name for file in files),
            kicker="sojourn scan view",
            banner=f"{', '.join(simulated)}: computed, not measured.",
            sections=sections,
            style=page_style("scan.css"),
            script=Html(read_template("scan.js")) if has_slices else "",
            is_simulated=bool(simulated),
        )
    )
    return page


def _section(number: int, file: ViewedFile) -> Section:
    blocks: list[Block] = [Prose(note, tone="caution") for note in file.notes]
    if file.volume is not None:
        blocks += _volume(number, file.volume)
    blocks += [spectrum_figure(c, is_simulated=file.is_simulated) for c in file.spectra]
    if file.drift:
        blocks.append(drift_figure(file.drift, is_simulated=file.is_simulated))
    if file.patterns:
        blocks.append(Heading("Where single frequencies are received", f"patterns-{number}"))
        blocks.append(Raw(_patterns(file.patterns)))
    if file.facts:
        rows = tuple(Row(fact) for fact in file.facts)
        heads = (Head("part"), Head("fact"), Head("value"))
        blocks.append(Table("What the file states", heads, rows))
    return Section(f"file-{number}", f"{file.name} ({file.kind})", tuple(blocks))


def _volume(number: int, volume: Volume) -> list[Block]:
    blocks: list[Block] = [Raw(element("div", {"class": "views"}, projections(volume, number)))]
    if max(step := thinning(volume)) > 1:
        blocks.append(Prose(f"Slices show every {step}th voxel along i, j, k.", tone="quiet"))
    below = float(volume.values.min())
    if below < 0:
        blocks.append(
            Prose(
                f"Values below zero (down to {below:.3g} {volume.unit}) have the color of zero.",
                tone="quiet",
            )
        )
    blocks += [Heading("Slices", f"slices-{number}"), Raw(slices(volume))]
    return blocks


def _patterns(patterns: Sequence[Pattern]) -> Html:
    boxes = [
        element(
            "div",
            {},
            element(
                "img",
                {"src": png_uri(p.mip.T[::-1], float(p.mip.max())), "alt": f"pattern of {p.label}"},
            ),
            element("p", {}, p.label),
        )
        for p in patterns
    ]
    words = (
        "Largest amplitude along the axis with the fewest positions, each picture scaled to its "
        "own maximum."
    )
    return joined(
        [element("p", {"class": "prose"}, words), element("div", {"class": "patterns"}, *boxes)]
    )
