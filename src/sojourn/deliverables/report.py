"""The study report: one self-contained page, made from results and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

from sojourn.core.errors import PluginError
from sojourn.core.results import Results
from sojourn.deliverables._answer import answer_of
from sojourn.deliverables._blocks import Section, numbered
from sojourn.deliverables._book import Book
from sojourn.deliverables._markup import Html
from sojourn.deliverables._mip import ScanPanel
from sojourn.deliverables._palette import PALETTE
from sojourn.deliverables._sections_hsct import strips_section
from sojourn.deliverables._sections_oa import imaging_section
from sojourn.deliverables._sections_open import (
    assumptions_section,
    lint_section,
    missing_section,
    open_section,
    other_section,
)
from sojourn.deliverables._sections_plan import plan_section
from sojourn.deliverables._sections_safety import safety_section
from sojourn.deliverables._sections_source import (
    methods_section,
    problems_section,
    provenance_section,
)
from sojourn.deliverables._sections_trial import (
    flow_section,
    primary_section,
    product_section,
    secondary_section,
)

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["ScanPanel", "render_report"]


@dataclass(frozen=True, slots=True)
class _Files:
    """Templates of this package, by name; nothing else can be loaded."""

    folder: str = "templates"

    def read(self, name: str) -> str:
        """Return the text of the template `name`."""
        place = resources.files("sojourn.deliverables") / self.folder / name
        return place.read_text(encoding="utf-8")


def page_environment() -> "Environment":
    """Return the template engine of every page; refuses, saying what to install, without it."""
    try:
        import jinja2
    except ImportError as error:
        raise PluginError(
            'the report needs jinja2, which is not installed; run: pip install "sojourn[report]"'
        ) from error
    return jinja2.Environment(
        loader=jinja2.FunctionLoader(_Files().read),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def read_template(name: str) -> str:
    """Return the text of one of this package's templates, styles or scripts."""
    return _Files().read(name)


def page_style(*more: str) -> Html:
    """Return the style of every page, with the palette's colors, and that of the files `more`."""
    roles = "".join(f"--{name}:{value};" for name, value in PALETTE.items())
    sheets = "".join(read_template(name) for name in ("report.css", *more))
    return Html(f":root{{{roles}}}\n{sheets}")


def _sections(book: Book, panels: Mapping[tuple[str, str], ScanPanel]) -> tuple[Section, ...]:
    made = (
        flow_section(book),
        plan_section(book),
        primary_section(book),
        secondary_section(book),
        safety_section(book),
        product_section(book),
        imaging_section(book, panels),
        strips_section(book),
        missing_section(book),
        assumptions_section(book),
        open_section(book),
        lint_section(book),
        other_section(book),
        methods_section(book),
        provenance_section(book),
        problems_section(book),
    )
    return numbered([section for section in made if section is not None])


def render_report(results: Results, panels: Mapping[tuple[str, str], ScanPanel]) -> str:
    """Return the report of one study as one self-contained HTML page.

    The page needs no network and no script. The same results and panels give the same text.

    Parameters
    ----------
    results
        every number, listing, problem and provenance step of the run.
    panels
        projections of the scans that have an image, by (USUBJID, VISIT); may be empty.

    Returns
    -------
        HTML; sections whose listings do not exist are left out.

    Raises
    ------
    PluginError
        if jinja2 is not installed; the message says how to install it.

    References
    ----------
    Order after the CONSORT statement (participant flow before outcomes) and the CDISC Analysis
    Results Standard (each number with its id).
    """
    book = Book(results)
    page: str = (
        page_environment()
        .get_template("report.html.j2")
        .render(
            results=results,
            answer=answer_of(book),
            sections=_sections(book, panels),
            style=page_style(),
            is_simulated=results.isSimulated,
        )
    )
    return page
