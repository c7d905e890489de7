"""What the operations of analyses are called, and how the report ranks them."""

import re
from collections.abc import Callable, Mapping
from typing import Literal

Kind = Literal["main", "further", "competitor"]

_SHARES = re.compile(
    r"proportion|incidence_(of_\d+_)?at_.+|survival_at_.+|posterior_mean|probability_above_p0"
    r"|predictive_probability|success_assumed_of_.+"
)
"""Operations whose values, where they have no unit, are shares of a whole."""

_COMPETITOR = re.compile(r"incidence_of_(\d+)_at_(.+)")
_FURTHER = re.compile(
    r"quantile_.+|median_follow_up|intercept|slope.*|probability_above_p0|predictive_probability"
    r"|success_assumed_of_.+|tipping_point|delta_that_loses_.+"
)
"""Operations that stand in tables and in no figure."""

_Words = str | Callable[[re.Match[str]], str]


def _quantile(found: re.Match[str]) -> str:
    share = float(found[1])
    if share == 0.5:
        return "median: day by which half had the event"
    return f"day by which {100 * share:g} % had the event"


_WORDS: tuple[tuple[str, _Words], ...] = (
    ("mean", "mean"),
    ("proportion", "share"),
    ("rate", "rate"),
    ("difference", "difference"),
    ("shift", "typical difference (Hodges-Lehmann)"),
    ("adjusted_mean", "adjusted mean"),
    (r"incidence_at_(.+)", r"by day \1"),
    (r"survival_at_(.+)_from_(.+)", r"event-free at day \1, of those event-free on day \2"),
    (r"survival_at_(.+)", r"event-free at day \1"),
    (r"quantile_(.+)", _quantile),
    ("median_follow_up", "median follow-up (reverse Kaplan-Meier)"),
    (r"restricted_mean_(.+)_difference", r"difference of the mean days up to day \1"),
    (r"restricted_mean_(.+)", r"mean days up to day \1"),
    (r"rho_with_(.+)", lambda found: f"rank correlation with {_plain(found[1])}"),
    ("posterior_mean", "posterior mean"),
    (r"success_assumed_of_(\d+)_of_(\d+)_missing", r"\1 of \2 missing counted as success"),
    (r"mean_at_(.+)", r"adjusted mean at \1"),
    (r"difference_at_(.+)", r"difference at \1"),
    (r"difference_delta_(.+)", r"difference, imputed values shifted by \1"),
    ("intercept", "level at time 0"),
    ("slope", "change in one unit of time"),
    ("slope_difference", "difference of the changes"),
    ("half_life", "half-life"),
    ("log_rank", "log-rank test"),
    ("exact_log_rank", "log-rank test, exact"),
    ("peto_peto", "Peto-Peto test"),
    ("gray_test", "Gray's test"),
)

_OF_SIGNAL: Mapping[str, str] = {
    "intercept": "logarithm of the signal's share at time 0",
    "slope": "change of the signal's logarithm in a day",
    "slope_difference": "difference of the changes of the signal's logarithm",
    "half_life": "half-life of the signal, not of cells",
}
"""The same of a signal that decays: it is never said of cells."""


def is_share_operation(operation: str) -> bool:
    """Tell whether an operation's values, where they have no unit, are shares of a whole."""
    return _SHARES.fullmatch(operation) is not None


def kind_of(operation: str) -> Kind:
    """Tell a competitor's number and one that only tables show from a main number."""
    if _COMPETITOR.fullmatch(operation):
        return "competitor"
    return "further" if _FURTHER.fullmatch(operation) else "main"


def stem_of(operation: str) -> str:
    """Return an operation without its day, so that its days are recognized as one question."""
    return re.sub(r"_at_.+", "_at", operation)


def operation_words(operation: str, causes: Mapping[str, str], *, is_signal: bool) -> str:
    """Return an operation in words; empty where this module does not know it.

    Parameters
    ----------
    operation
        id of the operation, such as ``incidence_of_2_at_40``.
    causes
        what each competing cause is called, by its code.
    is_signal
        whether the value that is followed over time is a signal that decays.
    """
    if found := _COMPETITOR.fullmatch(operation):
        name = causes.get(found[1], f"competing event {found[1]}")
        return f"{name}, by day {found[2]}"
    if is_signal and operation in _OF_SIGNAL:
        return _OF_SIGNAL[operation]
    for pattern, words in _WORDS:
        if found := re.fullmatch(pattern, operation):
            return found.expand(words) if isinstance(words, str) else words(found)
    return ""


def _plain(name: str) -> str:
    return name.replace("_", " ").lower()
