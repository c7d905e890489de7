"""Colors of the report: one place, checked for contrast; no meaning rests on color alone."""

from collections.abc import Mapping
from dataclasses import dataclass

PALETTE: Mapping[str, str] = {
    "paper": "#ffffff",
    "ground": "#f4f6f8",
    "ink": "#17222d",
    "muted": "#51606e",
    "rule": "#d5dce3",
    "grid": "#e6eaee",
    "accent": "#12467b",
    "accent-soft": "#e8f0f8",
    "first": "#12467b",
    "second": "#8f5e00",
    "third": "#6b3f87",
    "fourth": "#2f6a5d",
    "neutral": "#5f6b76",
    "caution": "#6b4700",
    "caution-soft": "#fff5d9",
    "alarm": "#8f1d14",
    "alarm-soft": "#fdeeec",
    "simulated": "#5b2a86",
    "simulated-soft": "#f3ebfa",
}
"""Color by role; the style sheet gets each as a custom property of the same name."""


@dataclass(frozen=True, slots=True)
class GroupStyle:
    """How a group is drawn: color, line pattern and marker all differ."""

    color: str
    dash: str | None
    marker: str


_STYLES = (
    GroupStyle("first", None, "circle"),
    GroupStyle("second", "6 3", "square"),
    GroupStyle("third", "2 3", "triangle"),
    GroupStyle("fourth", "8 3 2 3", "diamond"),
)


def group_style(index: int) -> GroupStyle:
    """Return the style of the group at `index`; four differ, then they repeat."""
    return _STYLES[index % len(_STYLES)]


def color(name: str) -> str:
    """Return a palette color as a CSS value."""
    return f"var(--{name})"


def _luminance(hexadecimal: str) -> float:
    channels = [int(hexadecimal[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast_ratio(one: str, other: str) -> float:
    """Return the contrast of two ``#rrggbb`` colors, 1 to 21 (WCAG 2.2, relative luminance)."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)
