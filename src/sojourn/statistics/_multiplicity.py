"""P-values of a family of tests, adjusted so that one level holds for all of them."""

from collections.abc import Callable, Mapping, Sequence

from sojourn.core.errors import DataError

PValues = Sequence[float | None]
"""P-values in the order of the family; None where a test could not be made."""


def bonferroni(p_values: PValues) -> list[float | None]:
    """Return each p-value times the number of tests, at most 1.

    Parameters
    ----------
    p_values
        of the whole family, shape (tests,), each within 0 to 1. A test that could not be made
        (None) counts in the family and gets None.

    Raises
    ------
    DataError
        if a p-value lies outside 0 to 1.

    Examples
    --------
    >>> bonferroni([0.01, 0.04, None])
    [0.03, 0.12, None]
    """
    checked = _checked(p_values)
    return [None if p is None else min(1.0, len(checked) * p) for p in checked]


def holm(p_values: PValues) -> list[float | None]:
    """Return the p-values adjusted by stepping down from the smallest.

    Holds the level under any dependence of the tests. A test that could not be made counts as
    p = 1, so that the others pay for it.

    Raises
    ------
    DataError
        if a p-value lies outside 0 to 1.

    References
    ----------
    Holm, Scandinavian Journal of Statistics 6 (1979) 65.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    checked = _checked(p_values)
    ascending = _order(checked)
    adjusted, largest = [1.0] * len(checked), 0.0
    for rank, i in enumerate(ascending):
        largest = max(largest, (len(checked) - rank) * _number(checked[i]))
        adjusted[i] = min(1.0, largest)
    return [None if p is None else a for p, a in zip(checked, adjusted, strict=True)]


def hochberg(p_values: PValues) -> list[float | None]:
    """Return the p-values adjusted by stepping up from the largest.

    Holds the level where the tests are independent or positively dependent; never larger than
    Holm's. A test that could not be made counts as p = 1.

    Raises
    ------
    DataError
        if a p-value lies outside 0 to 1.

    References
    ----------
    Hochberg, Biometrika 75 (1988) 800.

    Examples
    --------
    >>> hochberg([0.01, 0.04, 0.03])
    [0.03, 0.04, 0.04]
    """
    checked = _checked(p_values)
    adjusted, smallest = [1.0] * len(checked), 1.0
    for rank, i in enumerate(reversed(_order(checked)), start=1):
        smallest = min(smallest, rank * _number(checked[i]))
        adjusted[i] = smallest
    return [None if p is None else a for p, a in zip(checked, adjusted, strict=True)]


def fixed_sequence(p_values: PValues) -> list[float | None]:
    """Return the p-values adjusted by testing in the given order until one is not significant.

    Each is the largest so far; a test that could not be made stops the sequence, so that every
    later one gets 1.

    Raises
    ------
    DataError
        if a p-value lies outside 0 to 1.

    References
    ----------
    Maurer, Hothorn and Lehmacher, in Vollmar (ed.), Biometrie in der chemisch-pharmazeutischen
    Industrie 6 (1995) 3.

    Examples
    --------
    >>> fixed_sequence([0.01, 0.20, 0.03])
    [0.01, 0.2, 0.2]
    """
    adjusted: list[float | None] = []
    largest = 0.0
    for p in _checked(p_values):
        largest = max(largest, _number(p))
        adjusted.append(None if p is None else largest)
    return adjusted


PROCEDURES: Mapping[str, Callable[[PValues], list[float | None]]] = {
    "bonferroni": bonferroni,
    "holm": holm,
    "hochberg": hochberg,
    "fixed_sequence": fixed_sequence,
}
"""Every procedure by the name that a study file uses."""


def _checked(p_values: PValues) -> PValues:
    for p in p_values:
        if p is not None and not 0 <= p <= 1:
            raise DataError(f"p-value {p} lies outside 0 to 1")
    return p_values


def _order(p_values: PValues) -> list[int]:
    return sorted(range(len(p_values)), key=lambda i: _number(p_values[i]))


def _number(p_value: float | None) -> float:
    return 1.0 if p_value is None else p_value
