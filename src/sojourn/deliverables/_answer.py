"""The answer box: the primary number first, its interval, n, and one plain sentence."""

from dataclasses import dataclass

from sojourn.core.results import Result
from sojourn.deliverables._book import Book
from sojourn.deliverables._forest import entry_of, forest_drawing
from sojourn.deliverables._markup import Html
from sojourn.deliverables._numbers import decimals_of, format_level, format_number
from sojourn.deliverables._onset import first_days

_CAUTION = "It is a share of signal. Signal is not iron, and iron is not living cells."
_ALONE = (
    "There was no comparison group: these data do not tell what would have happened without the "
    "product."
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What stands in the box; `others` are the primary analyses' other numbers."""

    sentence: str
    label: str
    group: str
    value: Html
    interval: Html
    p_value: Html
    meaning: str
    caution: str
    n: int | None
    drawing: Html
    alarms: int
    cautions: int


def _meaning(book: Book, result: Result) -> str:
    """Return what the interval says, in plain words."""
    if result.rawValue is None:
        return "There is no number to report; the reason stands above."
    if result.lower is None or result.upper is None:
        return "The data bound this number on one side at most; read it with great care."
    decimals = decimals_of(result.lower, result.upper, book.unit(result))
    low = format_number(result.lower, book.unit(result), decimals, is_bare=True)
    high = format_number(result.upper, book.unit(result), decimals)
    return (
        f"Anything from {low} to {high} is compatible with these data "
        f"(confidence {format_level(result.level)})."
    )


def _caution(book: Book) -> str:
    """Return what the number must not be taken for, or nothing."""
    said = (
        _CAUTION if book.has("retention") else "",
        "" if len(book.results.groups) > 1 else _ALONE,
        first_days(book),
    )
    return " ".join(words for words in said if words)


def _shown(book: Book, primary: Result) -> tuple[Result, ...]:
    same = [
        r
        for r in book.with_role("primary")
        if book.unit(r) == book.unit(primary)
        and not book.is_contrast(r)
        and r.id != primary.id
        and r.rawValue is not None
    ]
    return (primary, *same[:7])


def answer_of(book: Book) -> Answer | None:
    """Return the answer box, or None if the results name no existing primary number."""
    primary = book.primary
    if primary is None:
        return None
    shown = _shown(book, primary)
    problems = book.results.problems
    return Answer(
        sentence=book.results.answer.replace(" %", "\u00a0%"),
        label=book.label(primary),
        group=book.group(primary.groupId),
        value=book.value(primary),
        interval=book.interval(primary),
        p_value=book.p_value(primary) if primary.pValue is not None else Html(""),
        meaning=_meaning(book, primary),
        caution=_caution(book),
        n=primary.n,
        drawing=forest_drawing(
            "answer",
            [entry_of(book, result) for result in shown],
            "The primary numbers with their intervals",
            is_simulated=book.is_simulated,
        ),
        alarms=sum(p.severity == "error" for p in problems),
        cautions=sum(p.severity == "warning" for p in problems),
    )
