"""Who belongs to which group, under dummy codes until somebody unblinds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from sojourn.core.errors import DataError
from sojourn.study.blinding import keyed
from sojourn.study.definition import Study

EVERYBODY = "ALL"
"""Group code of all subjects together."""


@dataclass(frozen=True, slots=True)
class Groups:
    """Groups of one run: `labels` by code, and each allocated subject's code in `of`.

    `actual` has the codes of those only who were treated as another arm than theirs.
    """

    labels: Mapping[str, str]
    of: Mapping[str, str]
    is_blinded: bool
    arm_of: Mapping[str, str]
    actual: Mapping[str, str] = field(default_factory=dict)

    @property
    def treated(self) -> dict[str, str]:
        """Return each allocated subject's code by the treatment that he got."""
        return {**self.of, **self.actual}

    def code(self, arm: str | None) -> str | None:
        """Return the group code of the study's `arm`, or None while blinded."""
        if self.is_blinded or arm is None:
            return None
        return next((code for code, name in self.arm_of.items() if name == arm), None)


def assign_groups(
    study: Study,
    subjects: pl.DataFrame,
    allocation: pl.DataFrame | None,
    *,
    secret: str = "",
    is_unblinded: bool = False,
) -> Groups:
    """Return the groups that this run shows.

    A study of one arm has one group. With several arms the groups are A, B, ... in an order that
    follows from `secret` (`sojourn.study.blinding`), so that neither the study file, nor the order
    of subjects, nor a printed key tells which is which; `is_unblinded` shows the arms by their
    codes instead.

    Raises
    ------
    DataError
        if several arms have no allocation table, or it names an arm that the study lacks.
    """
    everybody = subjects["USUBJID"].to_list()
    if len(study.arms) == 1:
        arm = study.arms[0]
        return Groups(
            {EVERYBODY: arm.name}, dict.fromkeys(everybody, EVERYBODY), False, {EVERYBODY: arm.code}
        )
    if allocation is None:
        raise DataError(
            f"{study.id} has {len(study.arms)} arms but no tables/allocation.csv "
            "(USUBJID, ARMCD); add it"
        )
    names = {arm.code: arm.name for arm in study.arms}
    given = _checked_arms(allocation, list(names))
    if is_unblinded:
        codes, labels = {code: code for code in names}, names
    else:
        shuffled = sorted(names, key=lambda code: keyed(secret, code))
        codes = {arm: "ABCDEFGHIJ"[i] for i, arm in enumerate(shuffled)}
        labels = {code: f"Arm {code} (blinded)" for code in sorted(codes.values())}
    of = {row["USUBJID"]: codes[row["ARMCD"]] for row in allocation.iter_rows(named=True)}
    actual = {subject: codes[arm] for subject, arm in given.items() if codes[arm] != of[subject]}
    return Groups(labels, of, not is_unblinded, {code: arm for arm, code in codes.items()}, actual)


def _checked_arms(allocation: pl.DataFrame, names: Sequence[str]) -> dict[str, str]:
    """Return the arm as treated of each subject that has one, every arm of the table checked."""
    given: dict[str, str] = {}
    for row in allocation.iter_rows(named=True):
        for column in ("ARMCD", "ACTARMCD"):
            arm = row.get(column)
            if arm is not None and arm not in names:
                raise DataError(
                    f"allocation.csv, row {row['ROW']}: subject {row['USUBJID']} has arm "
                    f"{arm!r} in {column}; the study file has {', '.join(names)}"
                )
        if row.get("ACTARMCD") is not None:
            given[row["USUBJID"]] = row["ACTARMCD"]
    return given
