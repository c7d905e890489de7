"""Outcome rows as the rows of a regression: groups as indicators, covariates, who is left out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sojourn.core.analyses import GROUP, GroupEstimate
from sojourn.core.errors import DataError
from sojourn.core.estimates import Estimate
from sojourn.statistics._groups import plural, split_groups
from sojourn.statistics.regression._terms import ChiSquaredTest, Terms

Array = NDArray[np.float64]
EVERYBODY = "ALL"
"""Group of a number that belongs to all subjects, not to a contrast of groups."""


@dataclass(frozen=True, slots=True)
class TermName:
    """How a term is shown: its column in the model, and group, operation and label of its ratio."""

    name: str
    group: str
    suffix: str
    meaning: str


@dataclass(frozen=True, slots=True)
class ModelRows:
    """One row for each analysed subject, by USUBJID; `columns` the covariates' matrix by term."""

    rows: pl.DataFrame
    terms: tuple[TermName, ...]
    columns: Array
    notes: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Return the terms' names."""
        return tuple(term.name for term in self.terms)


def model_rows(
    outcomes: pl.DataFrame, covariates: Sequence[str], *, reference: str | None
) -> ModelRows:
    """Return the subjects with a time and all covariates, and the terms of the model.

    Groups enter as indicators against `reference` (the first by name). Subjects without a time or
    a covariate are left out and counted in `notes`.

    Raises
    ------
    DataError
        if a covariate is no column of numbers or not finite, or the reference group is not there.
    """
    groups = list(split_groups(outcomes, "AVAL"))
    names = [group.name for group in groups]
    if reference is not None and groups and reference not in names:
        raise DataError(f"there is no group {reference!r}; groups: {', '.join(names)}")
    _check_columns(outcomes, covariates)
    rows = pl.concat([group.rows for group in groups]) if groups else outcomes.clear()
    complete = rows.drop_nulls(list(covariates)) if covariates else rows
    complete = complete.sort("USUBJID")  # the same bits, whatever the order of rows
    first = reference if reference is not None else next(iter(names), "")
    others = [name for name in names if name != first]
    terms = [
        TermName(f"{GROUP}={name}", f"{name}-{first}", "", f"of {name} by that of {first}")
        for name in others
    ]
    terms += [
        TermName(name, EVERYBODY, f"_{name}", f"for one unit more of {name}") for name in covariates
    ]
    columns = [(complete[GROUP] == name).to_numpy().astype(np.float64) for name in others]
    columns += [complete[name].to_numpy().astype(np.float64) for name in covariates]
    notes = [f"{g.name}: {note}" for g in groups for note in g.missing_note]
    if lost := rows.height - complete.height:
        notes.append(f"{lost} of {rows.height} left out, a covariate is missing")
    size = complete.height
    return ModelRows(
        complete,
        tuple(terms),
        np.column_stack(columns) if columns else np.zeros((size, 0)),
        tuple(notes),
    )


def _check_columns(outcomes: pl.DataFrame, covariates: Sequence[str]) -> None:
    for name in covariates:
        if name not in outcomes.columns or not outcomes[name].dtype.is_numeric():
            raise DataError(
                f"there is no column {name!r} of numbers; columns: {', '.join(outcomes.columns)}"
            )
        wrong = outcomes.filter(~pl.col(name).cast(pl.Float64).is_finite())
        if wrong.height:
            raise DataError(
                f"subject {wrong['USUBJID'][0]!r}: {name} is {wrong[name][0]}; expected a number, "
                "or null where it is not known"
            )


def why_too_few(model: ModelRows, n_events: int, *, least: float) -> str:
    """Return why no model is fitted, or nothing: no term, no event, too few for the terms."""
    if model.rows.height == 0:
        return "nobody could be evaluated"
    if not model.terms:
        only = model.rows[GROUP].unique().to_list()
        return f"one group only, and no covariate: nobody to compare {', '.join(only)} with"
    if n_events == 0:
        return f"no event among {plural(model.rows.height, 'subject')}: hazards cannot be compared"
    if n_events < least * len(model.terms):
        return (
            f"too few events, {n_events} for {plural(len(model.terms), 'term')}: at least "
            f"{least:g} for each are asked (min_events_per_term)"
        )
    return ""


def ratio_estimates(
    model: ModelRows,
    terms: Terms,
    *,
    operation: str,
    label: str,
    method: str,
    level: float,
    notes: Sequence[str],
    infinite: Mapping[str, tuple[str, float | None]],
) -> list[GroupEstimate]:
    """Return one ratio for each term; `infinite` gives reason and p-value of infinite ones."""
    lower, upper = terms.ratio_interval(level=level)
    n = model.rows.height
    made = []
    for i, term in enumerate(model.terms):
        named = (term.group, operation + term.suffix, f"{label} {term.meaning}")
        if term.name in infinite:
            reason, p_value = infinite[term.name]
            reason = "; ".join([reason, *model.notes])
            made.append(GroupEstimate(*named, None, n, p_value, reason))
            continue
        if term.name in terms.undetermined:
            reason = "; ".join([why_undetermined(model, term, terms), *model.notes])
            made.append(GroupEstimate(*named, None, n, reason=reason))
            continue
        size = f"coefficient {terms.coefficients[i]:.6g}, {terms.standard_errors[i]:.6g} standard"
        estimate = Estimate(
            value=float(terms.ratios[i]),
            unit="1",
            lower=float(lower[i]),
            upper=float(upper[i]),
            level=level,
            method=method,
            n=n,
            notes=(f"{size} error", *notes, *model.notes),
        )
        made.append(GroupEstimate(*named, estimate, n, float(terms.p_values[i])))
    return made


def why_undetermined(model: ModelRows, term: TermName, terms: Terms) -> str:
    """Return why a ratio may have any value where others are infinite."""
    shown = [
        each.group if each.group != EVERYBODY else each.name
        for each in model.terms
        if each.name in terms.infinite
    ]
    others = f"the ratio{'s' if shown[1:] else ''} of {', '.join(shown)}" if shown else "a ratio"
    return (
        f"not determined by the data: where {others} goes to 0 or infinity, no event compares "
        f"subjects by {term.group if term.group != EVERYBODY else term.name} (as two groups "
        "without events)"
    )


def no_ratios(model: ModelRows, *, operation: str, label: str, reason: str) -> list[GroupEstimate]:
    """Return every ratio of the model without a number, for one reason."""
    reason = "; ".join([reason, *model.notes])
    n = model.rows.height
    if not model.terms:
        names = model.rows[GROUP].unique().sort().to_list()
        return [GroupEstimate(",".join(names), operation, label, None, n, reason=reason)]
    return [
        GroupEstimate(
            term.group, operation + term.suffix, f"{label} {term.meaning}", None, n, reason=reason
        )
        for term in model.terms
    ]


def as_test(
    group: str, operation: str, label: str, test: ChiSquaredTest, n: int, notes: Sequence[str] = ()
) -> GroupEstimate:
    """Return a test as a result: a p-value, and its statistic in words."""
    if np.isnan(test.statistic):
        return GroupEstimate(group, operation, label, None, n, None, "; ".join(["no test", *notes]))
    words = f"chi-squared {test.statistic:.6g} on {plural(test.degrees, 'degree')} of freedom"
    return GroupEstimate(group, operation, label, None, n, test.p_value, "; ".join([words, *notes]))


def events_note(n_events: int, n: int, n_terms: int) -> str:
    """Return how many events carry the model, and a warning where that is few."""
    few = f": fewer than 10 for each of {plural(n_terms, 'term')}, asymptotics are doubtful"
    said = f"{plural(n_events, 'event')} in {plural(n, 'subject')}"
    return said + (few if n_events < 10 * n_terms else "")
