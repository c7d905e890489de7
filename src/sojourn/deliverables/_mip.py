"""Imaging quality: three projections of each scan with the outline of the cavity."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.deliverables._blocks import Figure
from sojourn.deliverables._book import Book
from sojourn.deliverables._lines import Line, cell
from sojourn.deliverables._markup import Attribute, Html, coordinate, element, joined
from sojourn.deliverables._numbers import format_number, plural
from sojourn.deliverables._png import png_uri
from sojourn.deliverables._svg import drawing, text

_PLANES = ("axial", "coronal", "sagittal")
_EDGES = (("R", "L", "A", "P"), ("R", "L", "S", "I"), ("A", "P", "S", "I"))
_WIDTH, _GAP, _TOP = 372.0, 12.0, 20.0
COLUMNS = (
    "USUBJID",
    "VISIT",
    "GRADE",
    "IMAGE",
    "PEAK",
    "FRAMES",
    "BACKGROUND_FRAMES",
    "SNR",
    "MISFIT_P",
    "FLAGGED",
    "NOTE",
)


@dataclass(frozen=True, slots=True, eq=False)
class ScanPanel:
    """Three maximum intensity projections of one reconstructed scan.

    `mips` are the axial (i, j), coronal (i, k) and sagittal (j, k) projections in kg/m^3 of an LPS
    volume; `outlines` the projections of the cavity's mask, same shapes; `spacing_mm` the voxel's
    size along i, j, k.
    """

    mips: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
    outlines: tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]
    spacing_mm: tuple[float, float, float]
    caption: str = ""

    def __post_init__(self) -> None:
        for plane, image, mask in zip(_PLANES, self.mips, self.outlines, strict=True):
            if image.ndim != 2 or image.shape != mask.shape:
                raise DataError(
                    f"{plane} projection has shape {image.shape}, its outline {mask.shape}; "
                    "both must be two-dimensional and equal"
                )
        if min(self.spacing_mm) <= 0:
            raise DataError(f"spacing_mm {self.spacing_mm} must be positive")

    @property
    def peak(self) -> float:
        """The highest value of the three projections, in kg/m^3; 0 if none is finite."""
        finite = [image[np.isfinite(image)] for image in self.mips]
        return max((float(values.max()) for values in finite if values.size), default=0.0)


def _upright(plane: int, values: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return a projection as rows and columns of a picture: head up, or front up for axial."""
    turned = values.T
    return turned if plane == 0 else turned[::-1]


def outline_path(mask: NDArray[np.bool_], size: tuple[float, float]) -> str:
    """Return the border of `mask` (rows, columns) as an SVG path over voxels of `size` (w, h)."""
    padded = np.pad(mask, 1)
    parts: list[str] = []
    across = padded[1:, 1:-1] != padded[:-1, 1:-1]
    for row, edges in enumerate(across):
        for start, stop in _runs(edges):
            y = coordinate(row * size[1])
            parts.append(f"M{coordinate(start * size[0])} {y}H{coordinate(stop * size[0])}")
    down = (padded[1:-1, 1:] != padded[1:-1, :-1]).T
    for column, edges in enumerate(down):
        for start, stop in _runs(edges):
            x = coordinate(column * size[0])
            parts.append(f"M{x} {coordinate(start * size[1])}V{coordinate(stop * size[1])}")
    return "".join(parts)


def _runs(edges: NDArray[np.bool_]) -> list[tuple[int, int]]:
    turns = np.flatnonzero(np.diff(np.concatenate(([0], edges.astype(np.int8), [0]))))
    return [(int(a), int(b)) for a, b in list(pairwise(turns))[::2]]


def _plane(panel: ScanPanel, plane: int, left: float, scale: float, high: float) -> Html:
    image = np.asarray(_upright(plane, panel.mips[plane]), dtype=np.float64)
    mask = np.asarray(_upright(plane, panel.outlines[plane]), dtype=np.bool_)
    size = _voxel(panel, plane, scale)
    width, height = image.shape[1] * size[0], image.shape[0] * size[1]
    border = outline_path(mask, size)
    pens = (("#000000", 3.0), ("#ffffff", 1.4))
    edges = _EDGES[plane]
    return joined(
        [
            text((left, _TOP - 6), _PLANES[plane], style="tick"),
            element(
                "g",
                {"transform": f"translate({coordinate(left)} {coordinate(_TOP)})"},
                element(
                    "image",
                    {
                        "href": png_uri(image, high),
                        "width": width,
                        "height": height,
                        "preserveAspectRatio": "none",
                        "class": "pixels",
                    },
                ),
                *(
                    element(
                        "path", {"d": border, "fill": "none", "stroke": ink, "stroke-width": pen}
                    )
                    for ink, pen in pens
                    if border
                ),
                _edge(3, height / 2, edges[0], "start"),
                _edge(width - 3, height / 2, edges[1], "end"),
                _edge(width / 2, 11, edges[2], "middle"),
                _edge(width / 2, height - 4, edges[3], "middle"),
            ),
        ]
    )


def _edge(x: float, y: float, letter: str, anchor: str) -> Html:
    place: dict[str, Attribute] = {"x": x, "y": y, "text-anchor": anchor, "class": "edge"}
    return element("text", place, letter)


def _voxel(panel: ScanPanel, plane: int, scale: float) -> tuple[float, float]:
    axes = ((0, 1), (0, 2), (1, 2))[plane]
    return panel.spacing_mm[axes[0]] * scale, panel.spacing_mm[axes[1]] * scale


def panel_picture(
    name: str,
    title: str,
    panel: ScanPanel,
    high: float,
    *,
    is_simulated: bool,
    unit: str = "kg/m^3",
    has_mask: bool = True,
) -> Html:
    """Return the three projections side by side, colors from 0 to `high`, true to scale."""
    millimetres = [_voxel(panel, p, 1.0)[0] * panel.mips[p].shape[0] for p in range(3)]
    scale = (_WIDTH - 2 * _GAP) / sum(millimetres)
    parts: list[str] = []
    left = 0.0
    for plane, width in enumerate(millimetres):
        parts.append(_plane(panel, plane, left, scale, high))
        left += width * scale + _GAP
    heights = [_voxel(panel, p, scale)[1] * panel.mips[p].shape[1] for p in range(3)]
    bottom = _TOP + max(heights)
    parts.append(_scale_bar(scale, bottom + 14))
    peak = f"peak {format_number(panel.peak, unit)}; yellow at {format_number(high, unit)}"
    parts.append(text((0, bottom + 33), peak, style="tick"))
    if is_simulated:
        at = (_WIDTH, bottom + 18)
        parts.append(text(at, "SIMULATED", anchor="end", style="strong", fill="simulated"))
    outline = "The outline is the joint cavity's mask. " if has_mask else ""
    described = (
        f"Axial, coronal and sagittal maximum intensity projections. {peak}. "
        f"{outline}{panel.caption}"
    )
    return drawing(
        name,
        (_WIDTH, bottom + 40),
        title,
        described,
        parts,
        is_simulated=False,
        widths=(240, 460),
    )


def _scale_bar(scale: float, y: float) -> Html:
    pen = {"d": f"M0 {coordinate(y)}h{coordinate(10 * scale)}", "class": "bar"}
    return joined([element("path", pen), text((10 * scale + 5, y + 4), "10 mm", style="tick")])


def _card(book: Book, row: Line, index: int, panel: ScanPanel | None, high: float) -> Html:
    who, visit = row.text("USUBJID"), row.text("VISIT")
    flag = row.is_set("FLAGGED")
    title = f"{who}, {visit}"
    words = [element("p", {"class": "card-title"}, title, _flag(flag))]
    if panel is None:
        why = row.text("NOTE") or "no reason was recorded"
        words.append(element("p", {"class": "absent"}, f"No image: {why}"))
    else:
        words.append(
            panel_picture(f"mip-{index}", title, panel, high, is_simulated=book.is_simulated)
        )
    facts = [
        ("grade", cell(row, "GRADE")),
        ("SNR", cell(row, "SNR")),
        ("misfit p", cell(row, "MISFIT_P")),
        (
            "frames",
            joined([cell(row, "FRAMES"), " + ", cell(row, "BACKGROUND_FRAMES"), " background"]),
        ),
    ]
    shown = [element("span", {}, f"{name} ", value) for name, value in facts]
    words.append(element("p", {"class": "facts"}, joined(shown, " \u00b7 ")))
    if panel is not None and (note := _note(row, title, panel)):
        words.append(element("p", {"class": "facts"}, note))
    return element("div", {"class": "card flagged" if flag else "card"}, *words)


def _note(row: Line, title: str, panel: ScanPanel) -> str:
    caption = "" if panel.caption == title else panel.caption
    return "; ".join(filter(None, (row.text("NOTE"), caption)))


def _flag(is_flagged: bool) -> Html:
    return element("span", {"class": "chip alarm"}, "\u2691 flagged") if is_flagged else Html("")


def mip_figure(
    book: Book,
    rows: Sequence[tuple[int, Line]],
    panels: Mapping[tuple[str, str], ScanPanel],
    *,
    name: str,
    title: str,
) -> Figure:
    """Return the cards of some scans; a subject's scans share one color scale."""
    keyed = [(i, row, panels.get((row.text("USUBJID"), row.text("VISIT")))) for i, row in rows]
    tops: dict[str, float] = {}
    for (who, _), panel in sorted(panels.items(), key=lambda item: item[0]):
        tops[who] = max(tops.get(who, 0.0), panel.peak)
    cards = [
        _card(book, row, i, panel, tops.get(row.text("USUBJID"), 0.0)) for i, row, panel in keyed
    ]
    return Figure(
        id=name,
        title=title,
        shows=(
            "Where each scan finds tracer: the brightest value along each line of sight, in "
            "calibration-sample equivalents. Images are to look at; no amount is summed from them."
        ),
        reading=(
            "Dark blue is none, yellow is the subject's own highest value over all visits, so a "
            "late scan that looks dark holds little signal. The white line is the cavity's mask. "
            "Letters: R/L patient's right and left, A/P front and back, S/I up and down. Misfit p "
            "is how often noise alone would leave so much unexplained."
        ),
        worry=(
            "Signal outside the outline; a blank scan that is not dark; a low misfit p, which "
            "says that the stated source model does not explain the scan; an outline that misses "
            "the bright spot by a constant shift."
        ),
        n=f"{plural(sum(p is not None for _, _, p in keyed), 'image')} of "
        f"{plural(len(keyed), 'planned scan')}",
        drawing=joined(cards),
        columns=("ID", *COLUMNS),
        rows=tuple((row.id, *(row.values.get(c) for c in COLUMNS)) for _, row, _ in keyed),
        row_ids=tuple(row.id for _, row, _ in keyed),
        layout="cards",
        is_simulated=book.is_simulated,
    )
