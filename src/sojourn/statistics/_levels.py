"""The level that an exact interval attains, as stated."""


def stated_level(attained: float, asked: float) -> tuple[float, tuple[str, ...]]:
    """Return the level to state for an exact interval, and what to say of it.

    An exact interval has one of few levels: the one attained is stated, also where it is below the
    one asked for. An unbounded one is stated with the level asked for.
    """
    if attained >= 1:
        return asked, ("unbounded: no exact bound for so many or so few subjects",)
    note = f"attained level {100 * attained:.6g}%, asked for {100 * asked:.12g}%"
    return attained, (note,)
