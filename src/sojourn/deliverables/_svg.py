"""Drawings: an accessible SVG with its frame, axes and markers."""

from collections.abc import Callable, Sequence

from sojourn.deliverables._markup import Attribute, Html, coordinate, element, joined
from sojourn.deliverables._palette import color
from sojourn.deliverables._scales import Scale

Point = tuple[float, float]


def drawing(
    name: str,
    size: tuple[float, float],
    title: str,
    description: str,
    children: Sequence[str],
    *,
    is_simulated: bool,
    widths: tuple[int, int] = (280, 520),
) -> Html:
    """Return an SVG with its text alternative; simulated data carry a watermark.

    `name` makes its ids unique in the page. `widths` are the least and the greatest width in CSS
    pixels at which it is shown; below the least its frame scrolls.
    """
    width, height = size
    mark = [_watermark(width, height)] if is_simulated else []
    return element(
        "svg",
        {
            "role": "img",
            "aria-labelledby": f"{name}-t {name}-d",
            "viewBox": f"0 0 {coordinate(width)} {coordinate(height)}",
            "preserveAspectRatio": "xMinYMin meet",
            "style": f"min-width:{widths[0]}px;max-width:{widths[1]}px",
        },
        element("title", {"id": f"{name}-t"}, title),
        element("desc", {"id": f"{name}-d"}, description),
        *mark,
        *children,
    )


def _watermark(width: float, height: float) -> Html:
    x, y = width / 2, height / 2
    size = min(width / 7.5, height / 2)
    slope = -18 if height > width / 3 else 0
    return element(
        "text",
        {
            "class": "watermark",
            "x": x,
            "y": y,
            "text-anchor": "middle",
            "dominant-baseline": "middle",
            "style": f"font-size:{coordinate(size)}px",
            "transform": f"rotate({slope} {coordinate(x)} {coordinate(y)})",
            "aria-hidden": "true",
        },
        "SIMULATED",
    )


def line(a: Point, b: Point, stroke: str, width: float = 1.0, *, dash: str | None = None) -> Html:
    """Return a straight line from `a` to `b` in a palette color."""
    return element(
        "line",
        {
            "x1": a[0],
            "y1": a[1],
            "x2": b[0],
            "y2": b[1],
            "stroke": color(stroke),
            "stroke-width": width,
            "stroke-dasharray": dash,
        },
    )


def path(
    points: Sequence[Point], stroke: str, width: float = 1.5, *, dash: str | None = None
) -> Html:
    """Return an open line through `points`."""
    return element(
        "path",
        {
            "d": "M" + "L".join(f"{coordinate(x)} {coordinate(y)}" for x, y in points),
            "fill": "none",
            "stroke": color(stroke),
            "stroke-width": width,
            "stroke-dasharray": dash,
            "stroke-linejoin": "round",
        },
    )


def dots(points: Sequence[Point], stroke: str, width: float = 3.0) -> Html:
    """Return a round dot at each point, as one path."""
    return element(
        "path",
        {
            "d": "".join(f"M{coordinate(x)} {coordinate(y)}h0" for x, y in points),
            "stroke": color(stroke),
            "stroke-width": width,
            "stroke-linecap": "round",
        },
    )


def text(
    at: Point, words: str, *, anchor: str = "start", style: str = "", fill: str = "ink"
) -> Html:
    """Return words at a point; `style` names classes of the style sheet."""
    return element(
        "text",
        {
            "x": at[0],
            "y": at[1],
            "text-anchor": None if anchor == "start" else anchor,
            "class": style or None,
            "style": None if fill == "ink" else f"fill:{color(fill)}",
        },
        words,
    )


def rectangle(corner: Point, size: Point, fill: str, *, stroke: str | None = None) -> Html:
    """Return a rectangle with its top left `corner`."""
    return element(
        "rect",
        {
            "x": corner[0],
            "y": corner[1],
            "width": size[0],
            "height": size[1],
            "fill": color(fill),
            "stroke": color(stroke) if stroke else None,
        },
    )


_SHAPES: dict[str, Callable[[float, float, float], str]] = {
    "square": lambda x, y, r: _closed(
        [(x - r, y - r), (x + r, y - r), (x + r, y + r), (x - r, y + r)]
    ),
    "triangle": lambda x, y, r: _closed(
        [(x, y - 1.2 * r), (x + 1.15 * r, y + r), (x - 1.15 * r, y + r)]
    ),
    "diamond": lambda x, y, r: _closed(
        [(x, y - 1.35 * r), (x + 1.35 * r, y), (x, y + 1.35 * r), (x - 1.35 * r, y)]
    ),
    "cross": lambda x, y, r: (
        f"M{coordinate(x - r)} {coordinate(y - r)}L{coordinate(x + r)} {coordinate(y + r)}"
        f"M{coordinate(x - r)} {coordinate(y + r)}L{coordinate(x + r)} {coordinate(y - r)}"
    ),
    "tick": lambda x, y, r: f"M{coordinate(x)} {coordinate(y - r)}V{coordinate(y + r)}",
}


def _closed(points: list[Point]) -> str:
    return "M" + "L".join(f"{coordinate(x)} {coordinate(y)}" for x, y in points) + "Z"


def marker(
    at: Point, shape: str, fill: str, radius: float = 4.0, *, is_hollow: bool = False
) -> Html:
    """Return a marker; hollow ones stand for what is flagged or censored."""
    inside = color("paper") if is_hollow else color(fill)
    pen: dict[str, Attribute] = {
        "fill": inside,
        "stroke": color(fill),
        "stroke-width": 1.6 if is_hollow else 1.0,
    }
    if shape == "circle":
        return element("circle", {"cx": at[0], "cy": at[1], "r": radius, **pen})
    if shape in {"cross", "tick"}:
        pen = {"fill": "none", "stroke": color(fill), "stroke-width": 2.0}
    return element("path", {"d": _SHAPES[shape](at[0], at[1], radius), **pen})


def axes(
    x: Scale,
    y: Scale,
    *,
    labels: tuple[str, str],
    write: tuple[Callable[[float], str], Callable[[float], str]],
) -> Html:
    """Return grid, ticks and axis labels; the y label stands level above its axis."""
    parts: list[str] = []
    for tick in y.ticks:
        level = y.at(tick)
        parts.append(line((x.start, level), (x.end, level), "grid"))
        parts.append(text((x.start - 6, level + 4), write[1](tick), anchor="end", style="tick"))
    for tick in x.ticks:
        place = x.at(tick)
        parts.append(line((place, y.start), (place, y.start + 4), "neutral"))
        parts.append(text((place, y.start + 17), write[0](tick), anchor="middle", style="tick"))
    parts.append(line((x.start, y.start), (x.end, y.start), "neutral"))
    parts.append(text((x.end, y.start + 33), labels[0], anchor="end", style="axis"))
    parts.append(text((max(0.0, x.start - 34), y.end - 10), labels[1], style="axis"))
    return joined(parts)
