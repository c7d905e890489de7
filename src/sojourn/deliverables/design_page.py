"""A page on a design: what each analysis can be expected to show, as curves and as a table."""

from collections.abc import Mapping, Sequence

from sojourn.core.errors import DataError
from sojourn.deliverables._blocks import Block, Figure, Head, Prose, Row, Section, Table, numbered
from sojourn.deliverables._markup import Html
from sojourn.deliverables._palette import group_style
from sojourn.deliverables._scales import Scale, linear
from sojourn.deliverables._svg import axes, dots, drawing, path, text
from sojourn.deliverables.report import page_environment, page_style
from sojourn.statistics.operating.characteristics import COLUMNS, Characteristic, as_row

Curves = dict[str, list[Characteristic]]


def render_design_page(
    study: str,
    title: str,
    characteristics: Sequence[Characteristic],
    without: Sequence[tuple[str, str]] = (),
    *,
    labels: Mapping[str, str],
) -> str:
    """Return one self-contained HTML page; the same numbers give the same text.

    Parameters
    ----------
    study, title
        the study's id and title.
    characteristics
        what `sojourn.study.designing.design_study` returned, in its order.
    without
        analyses that have no number, each with the reason.
    labels
        what each analysis is called in the study file, by id.

    Raises
    ------
    DataError
        if there is nothing to show.
    PluginError
        if jinja2 is not installed; the message says how to install it.
    """
    if not characteristics:
        raise DataError("a design page needs at least one number")
    analyses = list(dict.fromkeys(made.analysis for made in characteristics))
    sections = [
        _section(name, labels.get(name, name), [m for m in characteristics if m.analysis == name])
        for name in analyses
    ]
    if without:
        rows = tuple(Row(pair) for pair in without)
        table = Table("Analyses without a number here", (Head("analysis"), Head("reason")), rows)
        sections.append(Section("without", "Not looked at", (table,)))
    page: str = (
        page_environment()
        .get_template("scan.html.j2")
        .render(
            title=f"{study}: what the design can show",
            kicker=title,
            banner="Trials were simulated from the stated truths; no subject was observed.",
            sections=numbered(sections),
            style=page_style("scan.css"),
            script="",
            is_simulated=True,
        )
    )
    return page


def _section(analysis: str, label: str, made: Sequence[Characteristic]) -> Section:
    words = f"{made[0].method}. Every truth is an assumption of the study file, not a forecast."
    blocks: list[Block] = [Prose(words, tone="quiet")]
    for quantity in dict.fromkeys(m.quantity for m in made):
        own = [m for m in made if m.quantity == quantity]
        blocks += [_figure(analysis, quantity, own), _table(quantity, own)]
    return Section(analysis, f"{label} ({analysis})", tuple(blocks))


def _table(quantity: str, made: Sequence[Characteristic]) -> Table:
    """Return one row for each truth and one column for each curve."""
    curves = _curves(made)
    truths = sorted({m.truth for m in made})
    rows = []
    for truth in truths:
        found = [[m for m in points if m.truth == truth] for points in curves.values()]
        rows.append(Row((f"{truth:g}", *(_written(m[0]) if m else "\u2013" for m in found))))
    unit = "" if made[0].unit == "1" else f", {made[0].unit}"
    worst = max(m.error for m in made)
    basis = f"{made[0].basis}; largest Monte Carlo error {worst:.1g}" if worst else "Exact sums"
    return Table(
        f"{quantity}{unit}",
        (Head(made[0].truth_unit), *(Head(name, is_number=True) for name in curves)),
        tuple(rows),
        (f"{basis}.",),
    )


def _curves(made: Sequence[Characteristic]) -> Curves:
    curves: Curves = {}
    for m in made:
        curves.setdefault(f"n = {m.n}, {m.given}", []).append(m)
    return curves


def _written(made: Characteristic) -> str:
    """Return the value with no more digits than its Monte Carlo error leaves."""
    if 0 < made.value < 5e-4:
        return "<0.0005"
    return f"{made.value:.3f}" if made.unit == "1" else f"{made.value:.3g}"


def _shows(quantity: str, varied: str) -> str:
    """Return in words what a figure shows."""
    if quantity.startswith("half width"):
        return f"How far the interval reaches to either side on average, against the {varied}."
    if quantity.startswith("coverage"):
        return f"How often the interval holds what was assumed to be true, against the {varied}."
    if quantity.startswith("lower bound"):
        return f"How often the interval's {quantity} would be found, against the {varied}."
    return f"How often the {quantity}, against the {varied}."


def _figure(analysis: str, quantity: str, made: Sequence[Characteristic]) -> Figure:
    curves = _curves(made)
    unit = made[0].unit
    share = unit == "1"
    top = 1.0 if share and quantity != "half width" else 1.05 * max(m.value for m in made)
    x = linear(min(m.truth for m in made), max(m.truth for m in made), 64, 500, is_tight=True)
    low = min(m.value for m in made) - 0.02 if quantity.startswith("coverage") else 0.0
    y = linear(low, top, 230, 34)
    height = 282 + 18 * len(curves)
    label = quantity if share else f"{quantity}, {unit}"
    parts: list[str] = [
        axes(
            x, y, labels=(made[0].truth_unit, label), write=(lambda v: f"{v:g}", lambda v: f"{v:g}")
        )
    ]
    for i, (name, points) in enumerate(curves.items()):
        parts += _curve(i, name, points, x, y)
    name = f"{analysis}-{quantity}".replace(" ", "-").replace("'", "").replace(".", "_")
    return Figure(
        id=name,
        title=f"{analysis}: {quantity}",
        shows=_shows(quantity, made[0].truth_unit),
        reading="Each curve is one number of subjects and one set of further assumptions.",
        worry="The curve is as good as the truths that were assumed.",
        n=", ".join(dict.fromkeys(m.n for m in made)),
        drawing=drawing(
            name,
            (520, height),
            f"{analysis}: {quantity}",
            "; ".join(_in_words(name, points) for name, points in curves.items()),
            parts,
            is_simulated=True,
        ),
        columns=COLUMNS,
        rows=tuple(as_row(m) for m in made),
        is_simulated=True,
    )


def _curve(index: int, name: str, made: Sequence[Characteristic], x: Scale, y: Scale) -> list[Html]:
    style = group_style(index)
    ordered = sorted(made, key=lambda m: m.truth)
    points = [(x.at(m.truth), y.at(m.value)) for m in ordered]
    level = 286 + 18 * index
    return [
        path(points, style.color, dash=style.dash),
        dots(points, style.color, 5.0),
        path([(64, level - 4), (94, level - 4)], style.color, dash=style.dash),
        text((102, level), name),
    ]


def _in_words(name: str, made: Sequence[Characteristic]) -> str:
    first, last = made[0], made[-1]
    return f"{name}: {first.value:.3g} at {first.truth:g}, {last.value:.3g} at {last.truth:g}"
