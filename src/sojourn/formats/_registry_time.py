"""Time frames of registered outcomes: a closed grammar, or an explicit `Unparsed`."""

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict

from sojourn.formats._registry_text import unescape_markdown

Kind = Literal["point", "points", "range", "up_to", "duration"]

DAYS = {
    "minute": 1 / 1440,
    "hour": 1 / 24,
    "day": 1.0,
    "week": 7.0,
    "month": 365 / 12,
    "year": 365.0,
}
"""Days in one unit; a month is a twelfth of 365 days."""

MAX_CHARACTERS = 1000
"""Longest text read as a time frame; the registry itself allows 254."""

_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_NUMBER = rf"(?:\d+(?:\.\d+)?|{'|'.join(_WORDS)})"
_UNIT = r"(minute|hour|day|week|month|year)s?"
_AMOUNT = re.compile(rf"({_NUMBER})[ -]?{_UNIT}(?: visit)?")
_LABEL = re.compile(rf"{_UNIT} ?\+?({_NUMBER})")
_ORDINAL = re.compile(rf"(?:the )?(\d+)(?:st|nd|rd|th) {_UNIT}")
_BARE = re.compile(rf"({_NUMBER})")
_RANGE = re.compile(
    r"(?:(?:change )?from )?(.+?)(?:\s+(?:to|through|until)\s+|\s*(?<=[\ds ])-\s*(?=\d))(.+)"
)
_BASELINE = re.compile(
    r"(?:(?:change|assessed) )?(?:from |at )?(?:baseline|screening|(?:immediately )?before \w+)"
)
_LEAD = re.compile(
    r"^(?:(?:assessed|measured|performed|evaluated|(?:\w+ )?(?:evaluation|assessment)) )?"
    r"(?:at|on|by|through) "
)
_STAGE = re.compile(r"^(?:mid|post|end|follow)[- ]?(?:of )?[- ]?(?:treatment|up) (?:at )?")
_ANCHOR = re.compile(r"\s*\b(?:after|following|since|post)[ -](?:the )?([a-z][a-z/ -]*)$")
_UP_TO = re.compile(
    rf"(?:every (?:{_NUMBER} )?{_UNIT} )?(?:up to|within|during|over)(?: the)?(?: first| initial)? "
    r"(?P<limit>.+)"
)
_HEAD = re.compile(r"^[a-z][\w -]{0,15}[:.] ")
_TOLERANCE = re.compile(rf"(.*?)\s*(?:±|\+/-)\s*({_NUMBER})\s*(?:{_UNIT})?(.*)")


class TimeFrame(BaseModel):
    """A time frame in days, counted from `anchor` (None where the text names no event).

    `kind` is point (a visit), points (several), range (first to last day), up_to (0 to a day) or
    duration (a bare length, which may mean at or over it).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    kind: Kind
    days: tuple[float, ...]
    from_baseline: bool = False
    anchor: str | None = None
    tolerance_days: float = 0.0

    @property
    def start_day(self) -> float:
        """First day of the window; 0 where it opens at baseline."""
        return 0.0 if self.from_baseline or self.kind == "duration" else min(self.days)

    @property
    def end_day(self) -> float:
        """Last day of the window."""
        return max(self.days)


class Unparsed(BaseModel):
    """A time frame that the grammar does not cover, and why; never a guess."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    reason: str


class _UnknownWordsError(Exception):
    pass


def parse_time_frame(text: str | None) -> TimeFrame | Unparsed:
    """Return the window that a time frame names, in days, or `Unparsed`.

    The grammar: amounts ("6 weeks", "Week 6", "Day +100", "12th week"), lists ("Day 1, 3, 7 and
    30", "3, 6 and 12 months"), ranges ("20~40 days", "Baseline to Week 6"), limits ("up to 28
    days"), an event after them ("after infusion", "post-injection"); several clauses separated by
    semicolons. Anything else (repetition, "approximately", "or further") is unparsed.

    Examples
    --------
    >>> parse_time_frame("Day 1, 3, 7 and 30 post-injection").days
    (1.0, 3.0, 7.0, 30.0)
    >>> parse_time_frame("Baseline to Week 6").end_day
    42.0
    >>> type(parse_time_frame("until progression")).__name__
    'Unparsed'
    """
    original = (text or "").strip()
    if len(original) > MAX_CHARACTERS:
        return Unparsed(text=f"{original[:80]}...", reason=f"{len(original)} characters long")
    clauses = [clause for clause in _normalized(original).split(";") if clause.strip()]
    if not clauses:
        return Unparsed(text=original, reason="empty")
    try:
        frames = [_clause(clause.strip(), original) for clause in clauses]
    except _UnknownWordsError as unknown:
        return Unparsed(text=original, reason=f"not understood: {unknown}")
    return frames[0] if len(frames) == 1 else _joined(frames, original)


def _normalized(text: str) -> str:
    text = unescape_markdown(text).lower()
    text = re.sub(r"[~–—‐‑]", "-", text)  # noqa: RUF001  (dashes as typed in records)
    text = re.sub(r"\s*\((?:pre|post)[- ]?\w+\)", "", text)
    return re.sub(r"\s+", " ", text).rstrip(". ")


def _joined(frames: list[TimeFrame], text: str) -> TimeFrame | Unparsed:
    anchors = {frame.anchor for frame in frames}
    if len(anchors) > 1 or any(f.kind == "range" and not f.from_baseline for f in frames):
        return Unparsed(text=text, reason="clauses of different kinds")
    return TimeFrame(
        text=text,
        kind="points",
        days=tuple(sorted({f.end_day for f in frames})),
        from_baseline=any(f.from_baseline for f in frames),
        anchor=anchors.pop(),
    )


def _clause(clause: str, text: str) -> TimeFrame:
    clause = _HEAD.sub("", clause)
    if found := _TOLERANCE.fullmatch(clause):
        unit = found[3] or _unit(found[1])
        own = "" if re.search(_UNIT, found[1]) else f" {unit}s"
        frame = _clause(f"{found[1]}{own}{found[4]}", text)
        if frame.kind not in ("point", "duration"):
            raise _UnknownWordsError(clause)
        return frame.model_copy(update={"tolerance_days": _in_days(found[2], unit)})
    body, anchor = _without_anchor(clause)
    if limit := _UP_TO.fullmatch(body):
        return TimeFrame(text=text, kind="up_to", days=(0.0, _day(limit["limit"])), anchor=anchor)
    days: tuple[float, ...]
    if amount := _AMOUNT.fullmatch(body):
        days = (_in_days(amount[1], amount[2]),)
        one: Kind = "point" if anchor else "duration"
        return TimeFrame(text=text, kind=one, days=days, anchor=anchor)
    if (span := _range(body)) is not None:
        days, from_baseline = span
        return TimeFrame(
            text=text, kind="range", days=days, from_baseline=from_baseline, anchor=anchor
        )
    days, from_baseline = _list(body)
    kind: Kind = "point" if len(days) == 1 else "points"
    return TimeFrame(text=text, kind=kind, days=days, from_baseline=from_baseline, anchor=anchor)


def _without_anchor(clause: str) -> tuple[str, str | None]:
    found = _ANCHOR.search(clause)
    if found is None or not re.search(_NUMBER, clause[: found.start()]):
        return clause, None
    return clause[: found.start()].rstrip(), found[1].strip()


def _range(body: str) -> tuple[tuple[float, float], bool] | None:
    found = _RANGE.fullmatch(body)
    if found is None:
        return None
    first, last = found[1].strip(), _STAGE.sub("", found[2].strip())
    end = _day(last)
    if _BASELINE.fullmatch(first) or first == "change baseline":
        return (0.0, end), True
    if bare := _BARE.fullmatch(first):
        unit = re.search(_UNIT, last)
        if unit is None:
            raise _UnknownWordsError(first)
        return (_in_days(bare[1], unit[1]), end), False
    return (_day(first), end), False


def _day(item: str) -> float:
    item = _STAGE.sub("", _LEAD.sub("", item, count=1))
    if found := _AMOUNT.fullmatch(item) or _ORDINAL.fullmatch(item):
        return _in_days(found[1], found[2])
    if found := _LABEL.fullmatch(item):
        return _in_days(found[2], found[1])
    raise _UnknownWordsError(item)


def _list(body: str) -> tuple[tuple[float, ...], bool]:
    """Return the days of a list; a bare number takes the unit before it, else the one after it."""
    days: list[float] = []
    waiting: list[str] = []
    from_baseline, unit = False, None
    for item in re.split(r"\s*(?:,|&|\band\b)\s*(?:and\b\s*)?", body):
        item = _without_anchor(_STAGE.sub("", _LEAD.sub("", item, count=1)))[0]
        if _BASELINE.fullmatch(item):
            from_baseline = True
        elif bare := _BARE.fullmatch(item):
            if unit:
                days.append(_in_days(bare[1], unit))
            else:
                waiting.append(bare[1])
        else:
            days += [_in_days(number, _unit(item)) for number in waiting] + [_day(item)]
            waiting, unit = [], _unit(item) if _LABEL.fullmatch(item) else None
    if waiting or not days:
        raise _UnknownWordsError(body)
    return tuple(days), from_baseline


def _unit(item: str) -> str:
    found = re.search(_UNIT, item)
    if found is None:
        raise _UnknownWordsError(item)
    return found[1]


def _in_days(number: str, unit: str) -> float:
    value = float(_WORDS.index(number) + 1) if number in _WORDS else float(number)
    return value * DAYS[unit]
