"""One lineage between a graft and the first dose: is it poor now, did it ever recover."""

from dataclasses import dataclass

from sojourn.endpoints._days import Daily, Dated
from sojourn.endpoints._runs import Criterion, Quantity
from sojourn.endpoints._three_valued import Item


@dataclass(frozen=True, slots=True)
class Low:
    """What a low lineage is: values below `threshold` for `days` days, `max_gap` between two."""

    quantity: Quantity
    threshold: float
    days: int
    max_gap: int


@dataclass(frozen=True, slots=True)
class Support:
    """What keeps a lineage up: `number` times within `days` days before the first dose.

    `given` are the days and rows known; None where no table tells. `table` names it.
    """

    name: str
    table: str
    given: list[Dated] | None
    number: int
    days: int


def judge_low(daily: Daily, low: Low) -> Item:
    """Return whether the counts of `daily` were low for so many days in a row.

    True: low counts at most `low.max_gap` days apart span the days. False: none is low, or every
    stretch of low counts, even with the unmeasured days around it, is shorter. Else not known.

    Parameters
    ----------
    daily
        the days that may be looked at; unmeasured ones are neither low nor good.
    low
        threshold and length.
    """
    name = low.quantity.name
    if not daily.days:
        return Item(None, f"{name} not measured")
    level = low.quantity.text(low.threshold)
    is_low = [value < low.threshold for value in daily.values]
    longest = _longest_run(daily, is_low, low.max_gap)
    if longest is not None and daily.days[longest[1]] - daily.days[longest[0]] >= low.days - 1:
        first, last = longest
        words = f"{name} below {level} on days {daily.days[first]} to {daily.days[last]}"
        return Item(True, words, {"counts": daily.rows[first : last + 1]})
    if not any(is_low):
        return Item(False, f"{name} not below {level}", {"counts": daily.rows})
    rows = {"counts": [row for row, bad in zip(daily.rows, is_low, strict=True) if bad]}
    if _widest_stretch(daily, is_low) >= low.days:
        words = f"{name} low, but counts are too sparse to tell {low.days} days in a row"
        return Item(None, words, rows)
    return Item(False, f"{name} below {level} for less than {low.days} days", rows)


def _longest_run(daily: Daily, is_low: list[bool], max_gap: int) -> tuple[int, int] | None:
    best: tuple[int, int] | None = None
    start = -1
    for i, bad in enumerate(is_low):
        if not bad:
            start = -1
            continue
        if start < 0 or daily.days[i] - daily.days[i - 1] > max_gap:
            start = i
        longest = -1 if best is None else daily.days[best[1]] - daily.days[best[0]]
        if daily.days[i] - daily.days[start] > longest:
            best = (start, i)
    return best


def _widest_stretch(daily: Daily, is_low: list[bool]) -> float:
    """Return the most days that may have been low in a row around a low count."""
    widest, good = 0.0, float("-inf")
    pending = False
    for day, bad in zip(daily.days, is_low, strict=True):
        if bad:
            pending = True
        else:
            widest = max(widest, day - good - 1) if pending else widest
            good, pending = day, False
    return float("inf") if pending else widest


def judge_support(support: Support) -> Item:
    """Return whether a lineage depended on support before the first dose (day 0 left out)."""
    if support.given is None:
        return Item(None, f"no table {support.table}")
    recent = [g for g in support.given if -support.days <= g.day < 0]
    times = f"{support.name} {len(recent)} times in {support.days} days"
    rows = {support.table: [g.row for g in recent]}
    return Item(len(recent) >= support.number, times, rows)


def either(low: Item, support: Item) -> Item:
    """Return whether a lineage is poor: low, or kept up by support."""
    for item in (low, support):
        if item.verdict:
            return item
    verdict = None if None in (low.verdict, support.verdict) else False
    open_ = [item for item in (low, support) if item.verdict is verdict]
    rows = {table: rows for item in open_ for table, rows in item.rows.items()}
    return Item(verdict, ", ".join(item.words for item in open_), rows)


def judge_recovered(
    daily: Daily,
    transfusions: list[Dated],
    criterion: Criterion,
    *,
    recorded: str | None,
    graft: int,
    from_days: int,
    name: str,
) -> Item:
    """Return whether a lineage recovered once between the graft and the first dose.

    Parameters
    ----------
    daily, transfusions
        counts since the graft up to day 0, and transfusions of this product.
    criterion
        what recovery is.
    recorded
        Y or N: recovered before the counts at hand begin; None: not recorded.
    graft
        day of the graft, 0 or less.
    from_days
        counts that begin so many days after the graft show all of the course.
    name
        of the lineage.
    """
    found = criterion.find(daily, transfusions)
    if found.onset is not None:
        words = f"{name} recovered {found.onset - graft} days after the graft"
        return Item(True, words, {"counts": found.count_rows})
    if recorded == "Y":
        return Item(True, f"{name} recovered once by the record")
    if recorded == "N" or (daily.days and daily.days[0] - graft <= from_days):
        return Item(False, f"{name} never recovered", {"counts": found.count_rows})
    begin = f"begin {daily.days[0] - graft} days after the graft" if daily.days else "are absent"
    return Item(None, f"counts of {name} {begin} and no earlier recovery is recorded")
