"""Listings of a transplant's complications: infections, organs of graft-versus-host, chimerism."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from sojourn.core.results import Listing
from sojourn.study.groups import Groups
from sojourn.study.keyed import Keyed, Tables
from sojourn.study.listings import day_zeros, make_listing

INFECTIONS = ("USUBJID", "GROUP", "DAY", "ORGANISM", "SITE", "GRADE", "END_DAY", "EVIDENCE")
ORGANS = ("USUBJID", "GROUP", "DISEASE", "ORGAN", "WORST", "DAY", "ASSESSMENTS", "EVIDENCE")
CHIMERISM = ("USUBJID", "GROUP", "LINEAGE", "DAY", "DONOR_PERCENT", "EVIDENCE")

_DISEASES = {
    "gvhd_stages": ("acute", ("SKIN", "LIVER", "UPPER_GI", "LOWER_GI")),
    "chronic_gvhd": (
        "chronic",
        ("SKIN", "MOUTH", "EYES", "GI", "LIVER", "JOINTS_FASCIA", "GENITAL", "LUNG"),
    ),
}


def complication_listings(tables: Tables, groups: Groups) -> Iterator[Listing]:
    """Yield infections since day 0, each organ's worst stage since then, chimerism at entry.

    Parameters
    ----------
    tables
        tables of the folder; what is not there yields nothing.
    groups
        the group of each subject.
    """
    zeros = day_zeros(tables)
    if "infections" in tables:
        yield _infections(tables["infections"], groups, zeros)
    found = [name for name in _DISEASES if name in tables]
    if found:
        yield _organs(tables, found, groups, zeros)
    if "chimerism" in tables:
        yield _chimerism(tables["chimerism"], groups, zeros)


def _infections(keyed: Keyed, groups: Groups, zeros: dict[str, date]) -> Listing:
    rows: list[tuple[Any, ...]] = []
    for row in keyed.table.sort("USUBJID", "ADT", "ROW").iter_rows(named=True):
        zero = zeros.get(row["USUBJID"])
        if zero is None or row["ADT"] < zero:
            continue
        end = row.get("AENDT")
        rows.append(
            (
                row["USUBJID"],
                groups.of.get(row["USUBJID"]),
                (row["ADT"] - zero).days,
                row["ORGANISM"],
                row["SITE"],
                row.get("GRADE"),
                None if end is None else (end - zero).days,
                f"infections:{row['ROW']}",
            )
        )
    return make_listing(
        "infections",
        "Infections since day 0",
        INFECTIONS,
        rows,
        keyed.key,
        keys=("USUBJID", "EVIDENCE"),
        units=("", "", "d", "", "", "", "d", ""),
        notes=("Records of all of follow-up; the rate counts episodes within its own window.",),
    )


def _organs(tables: Tables, found: list[str], groups: Groups, zeros: dict[str, date]) -> Listing:
    rows: list[tuple[Any, ...]] = []
    keys: list[str] = []
    for name in found:
        disease, organs = _DISEASES[name]
        by_subject: dict[str, list[dict[str, Any]]] = {}
        for row in tables[name].table.sort("USUBJID", "ADT", "ROW").iter_rows(named=True):
            zero = zeros.get(row["USUBJID"])
            if zero is not None and row["ADT"] >= zero:
                by_subject.setdefault(row["USUBJID"], []).append(row)
        for subject, own in by_subject.items():
            for organ in organs:
                staged = [row for row in own if row.get(organ) is not None]
                worst = max(staged, key=lambda row: int(row[organ]), default=None)
                stage = None if worst is None else worst[organ]
                day = (worst["ADT"] - zeros[subject]).days if worst is not None and stage else None
                evidence = f"{name}:{worst['ROW']}" if worst is not None else ""
                who = (subject, groups.of.get(subject))
                rows.append((*who, disease, organ, stage, day, len(staged), evidence))
                keys.append(tables[name].key)
    return make_listing(
        "gvhd_organs",
        "Graft-versus-host disease: worst stage of each organ since day 0",
        ORGANS,
        rows,
        tables[found[0]].key,
        keys=("DISEASE", "ORGAN", "USUBJID"),
        notes=("An organ that was never staged has no worst stage; it is not stage 0.",),
    ).model_copy(update={"rowProvenance": tuple(keys)})


def _chimerism(keyed: Keyed, groups: Groups, zeros: dict[str, date]) -> Listing:
    """Return each subject's last share of donor cells up to day 0, by lineage."""
    last: dict[tuple[str, str], tuple[Any, ...]] = {}
    for row in keyed.table.sort("USUBJID", "LINEAGE", "ADT", "ROW").iter_rows(named=True):
        zero = zeros.get(row["USUBJID"])
        if zero is None or row["ADT"] > zero or row["DONOR_PERCENT"] is None:
            continue
        last[row["USUBJID"], row["LINEAGE"]] = (
            row["USUBJID"],
            groups.of.get(row["USUBJID"]),
            row["LINEAGE"],
            (row["ADT"] - zero).days,
            row["DONOR_PERCENT"],
            f"chimerism:{row['ROW']}",
        )
    return make_listing(
        "chimerism",
        "Donor cells: last measurement up to day 0, by lineage",
        CHIMERISM,
        (last[key] for key in sorted(last)),
        keyed.key,
        keys=("USUBJID", "LINEAGE"),
        units=("", "", "", "d", "fraction", ""),
    )
