"""Who belongs to an analysis set: outcome rows of others leave the denominator, and are counted."""

from dataclasses import dataclass

import polars as pl

from sojourn.study.definition import Study, StudyAnalysis

_PARAMS = {
    "AFFECTED_ANC": "ANCREC",
    "AFFECTED_HGB": "HGBREC",
    "AFFECTED_PLT": "PLTREC",
    "AFFECTED_ANY": "OVERALL",
}
"""The outcome of hemogram_response that tells who was affected, by its PARAMCD's beginning."""

_OUTSIDE = r"^not affected|^no lineage was affected at baseline$"
_INSIDE = r"^\d of [1-9] affected lineages"
"""Reason of a composite that is open for want of a further baseline: a member, by those known."""


@dataclass(frozen=True, slots=True)
class SetMembers:
    """Members of one analysis set.

    `outside` are known not to belong to it. Of `unknown` nobody can tell: they stay in the table
    without a value, so that they are reported as not evaluable. `words` say what the others are.
    """

    outside: frozenset[str] = frozenset()
    unknown: frozenset[str] = frozenset()
    words: str = ""

    def restrict(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return the outcome rows of members, values of `unknown` ones null."""
        rows = rows.filter(~pl.col("USUBJID").is_in(list(self.outside)))
        is_unknown = pl.col("USUBJID").is_in(list(self.unknown))
        return rows.with_columns(
            pl.when(is_unknown).then(None).otherwise(pl.col(name)).alias(name)
            for name in ("AVAL", "AVALC")
        )

    def note(self, rows: pl.DataFrame) -> str:
        """Return how many subjects of `rows` are outside, or nothing."""
        subjects = rows["USUBJID"].unique()
        count = subjects.is_in(list(self.outside)).sum()
        return f"{count} of {len(subjects)} {self.words}" if count else ""


def baseline_endpoint(study: Study, analysis: StudyAnalysis) -> str | None:
    """Return the endpoint that tells who was affected: the analysis' own, else the first one.

    None where the set is everybody, or no endpoint tells.
    """
    if analysis.set not in _PARAMS:
        return None
    telling = [e.id for e in study.endpoints if e.use == "hemogram_response"]
    if analysis.endpoint in telling:
        return analysis.endpoint
    return telling[0] if telling else None


def set_members(analysis: StudyAnalysis, outcomes: pl.DataFrame) -> SetMembers:
    """Return the members of the analysis' set, from the outcomes of `baseline_endpoint`."""
    rows = outcomes.filter(pl.col("PARAMCD").str.starts_with(_PARAMS[analysis.set]))
    is_outside = pl.col("REASON").str.contains(_OUTSIDE) & pl.col("AVALC").is_null()
    outside = rows.filter(is_outside)["USUBJID"]
    is_inside = pl.col("REASON").str.contains(_INSIDE)
    unknown = rows.filter(~is_outside & ~is_inside & pl.col("AVALC").is_null())["USUBJID"]
    words = "not affected at baseline, outside this set"
    return SetMembers(frozenset(outside), frozenset(unknown), words)
