"""Listings of scored instruments: each scale by group, with who has a value."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from sojourn.core.results import Listing
from sojourn.study.definition import Study
from sojourn.study.groups import Groups
from sojourn.study.keyed import Keyed
from sojourn.study.listings import make_listing

SCORES = (
    "SCALE",
    "LABEL",
    "RANGE",
    "GROUP",
    "N",
    "N_BASELINE",
    "BASELINE",
    "N_FOLLOW_UP",
    "FOLLOW_UP",
    "N_CHANGE",
    "CHANGE",
    "CHANGE_SD",
    "CHANGE_LEAST",
    "CHANGE_MOST",
)


@dataclass(frozen=True, slots=True)
class Scale:
    """One scale: its parameter (the change), its name and its range in words."""

    param: str
    label: str
    range: str


_EIGHT = {
    "PF": "Physical functioning",
    "RP": "Role, physical",
    "BP": "Bodily pain",
    "GH": "General health",
    "VT": "Vitality",
    "SF": "Social functioning",
    "RE": "Role, emotional",
    "MH": "Mental health",
}
_BEST = "0 to 100 (best)"
_NORM = "US norm: 50, SD 10; higher is better"

SCALES: Mapping[str, Sequence[Scale]] = {
    "sf36": (
        *(Scale(f"SF{code}", words, _BEST) for code, words in _EIGHT.items()),
        *(Scale(f"SF{code}T", f"{words}, norm-based", _NORM) for code, words in _EIGHT.items()),
        Scale("SFPCS", "Physical summary (PCS)", _NORM),
        Scale("SFMCS", "Mental summary (MCS)", _NORM),
    ),
    "womac": (
        Scale("WOMPAIN", "Pain", "lower is better"),
        Scale("WOMSTIF", "Stiffness", "lower is better"),
        Scale("WOMFUNC", "Function", "lower is better"),
        Scale("WOMTOT", "Total", "lower is better"),
    ),
    "vas_pain": (Scale("VASCHG", "Pain", "0 (none) to 100 mm"),),
}
"""Scales of each instrument by endpoint plug-in, in the order in which they are read."""

_ENDS = {"VASCHG": ("VASBL", "VASFU")}

NOTES: Mapping[str, tuple[str, ...]] = {
    "sf36": (
        "The eight scales from 0 to 100 first; norms and weights are those of the United States, "
        "so that a norm-based 50 is not the average of another country.",
        "The physical summary has negative weights for mental scales and moves with them: it is "
        "read with the mental summary and the eight scales, never alone.",
    ),
}
_MEANS = "Means of whoever has the value; nothing is filled in. No test is made of single scales."


def score_listings(
    study: Study, outcomes: Mapping[str, Keyed], groups: Groups
) -> Iterator[Listing]:
    """Yield one listing for each scored instrument: scales by group, n, means, change.

    Parameters
    ----------
    study
        whose endpoints are looked through for instruments of `SCALES`.
    outcomes
        derived rows by endpoint id.
    groups
        the group of each subject; subjects outside every group are left out.
    """
    for endpoint in study.endpoints:
        if endpoint.use not in SCALES or endpoint.id not in outcomes:
            continue
        keyed = outcomes[endpoint.id]
        yield make_listing(
            f"scores_{endpoint.id}",
            f"{endpoint.label or endpoint.id}: every scale",
            SCORES,
            _rows(keyed.table, SCALES[endpoint.use], groups),
            keyed.key,
            keys=("SCALE", "GROUP"),
            notes=(*NOTES.get(endpoint.use, ()), _MEANS),
        )


def _rows(
    table: pl.DataFrame, scales: Sequence[Scale], groups: Groups
) -> Iterator[tuple[Any, ...]]:
    for scale in scales:
        before, after, change = _values(table, scale.param)
        for code in groups.labels if change else ():
            own = [subject for subject in change if groups.of.get(subject) == code]
            first, last, ends = (
                [v for s in own if (v := values.get(s)) is not None]
                for values in (before, after, change)
            )
            yield (
                *(scale.param, scale.label, scale.range, code, len(own)),
                *_summary(first),
                *_summary(last),
                *_summary(ends),
                statistics.stdev(ends) if len(ends) > 1 else None,
                min(ends, default=None),
                max(ends, default=None),
            )


_Values = dict[str, float | None]


def _values(table: pl.DataFrame, param: str) -> tuple[_Values, _Values, _Values]:
    """Return baseline, follow-up and change by subject.

    Where an endpoint does not derive both ends, the baseline is the change's BASE, and the
    follow-up both together.
    """
    own = table.filter(pl.col("PARAMCD") == param).select("USUBJID", "AVAL", "BASE")
    change: _Values = dict(own.select("USUBJID", "AVAL").iter_rows())
    ends: list[_Values] = []
    for name in _ENDS.get(param, (f"{param}BL", f"{param}FU")):
        rows = table.filter(pl.col("PARAMCD") == name)
        ends.append(dict(rows.select("USUBJID", "AVAL").iter_rows()))
    if all(ends):
        return ends[0], ends[1], change
    base: _Values = dict(own.select("USUBJID", "BASE").iter_rows())
    after = {s: None if b is None or (c := change[s]) is None else b + c for s, b in base.items()}
    return base, after, change


def _summary(values: Sequence[float]) -> tuple[int, float | None]:
    return len(values), statistics.fmean(values) if values else None
