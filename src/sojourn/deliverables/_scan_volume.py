"""Looking at an image: three projections, and slices that a reader moves through."""

import base64
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.deliverables._markup import Html, element, joined
from sojourn.deliverables._mip import ScanPanel, panel_picture
from sojourn.deliverables._numbers import format_number
from sojourn.deliverables._png import cividis

_PLANES = (("axial", 2), ("coronal", 1), ("sagittal", 0))
_AXES = ("to the left (L)", "to the back (P)", "to the head (S)")
MAX_VOXELS = 3_000_000
"""Of the slices within a page; a larger image is thinned, and the page says so."""


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """An image to look at: `values` (i, j, k) in `unit`, first voxel's centre and steps in mm, LPS.

    Axes i, j, k run to the left, to the back and to the head.
    """

    name: str
    values: NDArray[np.float64]
    first_mm: tuple[float, float, float]
    spacing_mm: tuple[float, float, float]
    unit: str
    is_simulated: bool = False

    def __post_init__(self) -> None:
        if self.values.ndim != 3 or not np.isfinite(self.values).all():
            raise DataError(
                f"{self.name}: an image has three axes and finite values, got shape "
                f"{self.values.shape}"
            )
        if min(self.spacing_mm) <= 0:
            raise DataError(f"{self.name}: spacing {self.spacing_mm} mm must be positive")


def projections(volume: Volume, index: int) -> Html:
    """Return the maximum intensity projections of `volume` along the three axes."""
    values = volume.values
    empty = tuple(np.zeros(np.delete(values.shape, axis), dtype=np.bool_) for _, axis in _PLANES)
    panel = ScanPanel(
        (values.max(axis=2), values.max(axis=1), values.max(axis=0)),
        (empty[0], empty[1], empty[2]),
        volume.spacing_mm,
    )
    return panel_picture(
        f"mip-{index}",
        f"Projections of {volume.name}",
        panel,
        panel.peak,
        is_simulated=volume.is_simulated,
        unit=volume.unit,
        has_mask=False,
    )


def slices(volume: Volume) -> Html:
    """Return three slices with a slider each; without a script the projections remain."""
    values, step = _thinned(volume)
    high = float(values.max())
    share = values / high if high > 0 else np.zeros_like(values)
    levels = np.rint(np.clip(share, 0, 1) * 255).astype(np.uint8)
    spacing = [edge * n for edge, n in zip(volume.spacing_mm, step, strict=True)]
    boxes = [
        _box(plane, axis, values.shape, volume.first_mm[axis], spacing) for plane, axis in _PLANES
    ]
    viewer = element(
        "div",
        {
            "class": "slices",
            "data-shape": ",".join(map(str, values.shape)),
            "data-volume": base64.b64encode(levels.ravel(order="F").tobytes()).decode("ascii"),
            "data-palette": base64.b64encode(cividis().tobytes()).decode("ascii"),
        },
        *boxes,
    )
    ends = element(
        "p",
        {"class": "colorbar-ends"},
        element("span", {}, f"{format_number(0.0, volume.unit)}, and below"),
        element("span", {}, f"{format_number(high, volume.unit)}"),
    )
    bar = element("span", {"class": "colorbar", "role": "presentation"})
    return joined([viewer, bar, ends])


def thinning(volume: Volume) -> tuple[int, int, int]:
    """Return the step of the slices' voxels along each axis: 1 where the image is small."""
    step = int(np.ceil((volume.values.size / MAX_VOXELS) ** (1 / 3)))
    i, j, k = (step if n > 1 else 1 for n in volume.values.shape)
    return i, j, k


def _thinned(volume: Volume) -> tuple[NDArray[np.float64], tuple[int, int, int]]:
    i, j, k = thinning(volume)
    return volume.values[::i, ::j, ::k], (i, j, k)


def _box(plane: str, axis: int, shape: tuple[int, ...], first: float, spacing: list[float]) -> Html:
    columns, rows = {0: (1, 2), 1: (0, 2), 2: (0, 1)}[axis]
    ratio = f"{shape[columns] * spacing[columns]:.4f} / {shape[rows] * spacing[rows]:.4f}"
    return element(
        "div",
        {
            "class": "slice",
            "style": f"flex-grow:{shape[columns] * spacing[columns]:.4f}",
            "data-plane": plane,
            "data-first": repr(first),
            "data-step": repr(spacing[axis]),
        },
        element(
            "canvas",
            {
                "width": shape[columns],
                "height": shape[rows],
                "style": f"aspect-ratio:{ratio}",
                "role": "img",
                "aria-label": f"{plane} slice",
            },
        ),
        element(
            "label",
            {},
            f"{plane}, {_AXES[axis]} ",
            element("output", {}, ""),
            element(
                "input",
                {"type": "range", "min": 0, "max": shape[axis] - 1, "value": shape[axis] // 2},
            ),
        ),
    )
