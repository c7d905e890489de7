"""An R program that recomputes the numbers of a study with survival, cmprsk and base R.

The program is text: a frame that reads, compares and reports, one function for each method that
the study uses, and one block for each analysis.
"""

import json
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sojourn.core.errors import DataError
from sojourn.core.results import Result
from sojourn.deliverables import _r_exact, _r_means, _r_survival
from sojourn.deliverables._r_frame import FRAME, HEAD, REPORT

NUMBER_COLUMNS = ("ID", "ROLE", "VALUE", "LOWER", "UPPER", "P", "N", "TOLERANCE", "REASON")
"""Columns of numbers.csv. TOLERANCE is absolute up to 1 and relative above."""

TOLERANCE = 1e-8
"""Both programs solve closed forms, or search to more digits than this."""

ITERATED = 1e-5
"""R's own searches of a maximum end here."""

_METHODS: Mapping[str, tuple[str, ...]] = {
    **_r_exact.METHODS,
    **_r_means.METHODS,
    **_r_survival.METHODS,
}
_NAMES = {"mean": "mean_of_group"}  # R has a function mean
_ITERATED_METHODS = frozenset({"cox", "fine_gray"})

_REML = (
    "restricted maximum likelihood with Kenward-Roger degrees of freedom is in neither survival, "
    "cmprsk nor base R (lme4 with pbkrtest has it)"
)
_DRAWN = "random imputations: R's generator draws other numbers than the one that was used"
WITHOUT_R: Mapping[str, str] = {
    "mixed_model": _REML,
    "mmrm": _REML,
    "multiple_imputation": _DRAWN,
    "delta_adjustment": _DRAWN,
}
"""Methods that these packages cannot recompute, and why."""


@dataclass(frozen=True, slots=True)
class RAnalysis:
    """One analysis: the method `use`, its whole settings, and the numbers that it gave."""

    id: str
    use: str
    settings: Mapping[str, Any]
    numbers: tuple[Result, ...]

    @property
    def reason(self) -> str:
        """Return why R does not recompute it, or nothing where it does."""
        if self.use in _METHODS:
            return ""
        return WITHOUT_R.get(self.use, f"there is no R text for the method {self.use}")


def r_script(
    analyses: Sequence[RAnalysis], *, name: str, data: str, title: str, status: str
) -> str:
    """Return the R program.

    Parameters
    ----------
    analyses
        in the order of the blocks.
    name, data
        file name of the script, and of the folder beside it that holds the tables.
    title, status
        of the study: what it is called, and what its data are, SIMULATED for instance.

    Returns
    -------
        the text, ASCII only. It depends on nothing but the arguments.

    Raises
    ------
    DataError
        if a setting is no number, text, truth, list or table of these.
    """
    heading = [f"Recomputation in R: {title}", f"Data: {status}"]
    parts = [_comment(heading), HEAD.format(name=name, data=data), FRAME]
    texts = (text for a in analyses if not a.reason for text in _METHODS[a.use])
    parts += list(dict.fromkeys(texts))
    parts.append(f'cat({_text(f"{title}; data: {status}")}, sep = "\\n")\n')
    parts += [_block(analysis) for analysis in analyses]
    parts.append(REPORT)
    return "\n".join(part.strip("\n") + "\n" for part in parts)


def number_rows(analyses: Iterable[RAnalysis]) -> list[tuple[str, ...]]:
    """Return the rows of numbers.csv, columns `NUMBER_COLUMNS`; an empty cell is no number."""
    return [
        (
            number.id,
            number.role,
            *map(_cell, (number.rawValue, number.lower, number.upper, number.pValue, number.n)),
            _cell(ITERATED if analysis.use in _ITERATED_METHODS else TOLERANCE),
            number.boundNote,
        )
        for analysis in analyses
        for number in analysis.numbers
    ]


def r_value(value: object) -> str:
    """Return a setting as R text.

    Raises
    ------
    DataError
        if the value has no such form.

    Examples
    --------
    >>> r_value(("Y", "CR")), r_value([28.0, 365]), r_value(None), r_value(True)
    ('c("Y", "CR")', 'c(28, 365)', 'NULL', 'TRUE')
    """
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return repr(value).removesuffix(".0")
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list | tuple):
        return f"c({', '.join(map(r_value, value))})"
    if isinstance(value, Mapping):
        items = (f"{_text(str(key))} = {r_value(inner)}" for key, inner in value.items())
        return f"list({', '.join(items)})"
    raise DataError(f"{value!r} has no R text; expected numbers, texts, lists or tables")


def _block(analysis: RAnalysis) -> str:
    first = analysis.numbers[0]
    heading = f"# ---- {analysis.id} ({first.role}) "
    words = [first.label, f"method {analysis.use}; analysis set {first.analysisSetId}"]
    lines = ["", heading.ljust(99, "-"), _comment(words).rstrip("\n")]
    if analysis.reason:
        lines += [
            f"not_recomputed({_text(number.id)}, {_text(analysis.reason)})"
            for number in analysis.numbers
        ]
        return "\n".join(lines) + "\n"
    settings = [f"{key} = {r_value(value)}" for key, value in analysis.settings.items()]
    arguments = [_NAMES.get(analysis.use, analysis.use), _text(analysis.id), *settings]
    return "\n".join([*lines, *_call("recompute", arguments)]) + "\n"


def _call(function: str, arguments: Sequence[str]) -> list[str]:
    """Return a call as lines of some 98 characters, broken between arguments only."""
    lines = [f"{function}({arguments[0]}"]
    for argument in arguments[1:]:
        if len(lines[-1]) + len(argument) > 96:
            lines[-1] += ","
            lines.append(" " * (len(function) + 1) + argument)
        else:
            lines[-1] += f", {argument}"
    lines[-1] += ")"
    return lines


def _comment(texts: Sequence[str]) -> str:
    """Return texts as comments: no line of them can become code."""
    lines = []
    for text in texts:
        plain = " ".join(text.split()).encode("ascii", "backslashreplace").decode()
        lines += textwrap.wrap(plain, 97) or [""]
    return "".join(f"# {line}\n" for line in lines)


def _text(value: str) -> str:
    """Return a text as an R literal, ASCII only."""
    quoted = json.dumps(value)  # \uXXXX, \n and \" mean the same in R
    return quoted.replace("\\/", "/")


def _cell(value: float | None) -> str:
    return "" if value is None else repr(value)
