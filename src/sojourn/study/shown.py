"""What a report shows beside its numbers: flow, outcomes, curves, gaps, grounds, methods."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from sojourn.core.provenance import Provenance
from sojourn.core.results import Listing, Result
from sojourn.formats.registry_record import read_registry_record
from sojourn.study import listings
from sojourn.study._record_items import short
from sojourn.study.analysed import Analysed, Material
from sojourn.study.definition import Study, assumptions
from sojourn.study.estimands import estimand_listing, population_words
from sojourn.study.folder import TrialFolder
from sojourn.study.gaps import table_gaps
from sojourn.study.groups import Groups
from sojourn.study.imaging import Imaged
from sojourn.study.keyed import Keyed
from sojourn.study.ledger import Ledger
from sojourn.study.linting import lint_record
from sojourn.study.multiplicity import multiplicity_listing
from sojourn.study.populations import first_doses, population_listings
from sojourn.study.shown_clinical import clinical_listings
from sojourn.study.shown_complications import complication_listings
from sojourn.study.shown_scores import score_listings
from sojourn.study.stopping import stopping_listing
from sojourn.study.store import Store


def study_listings(
    trial: TrialFolder,
    material: Material,
    taken: Mapping[str, Analysed],
    imaged: Imaged,
    numbers: Sequence[Result],
    store: Store,
    ledger: Ledger,
) -> list[Listing]:
    """Return every listing but those of the imaging part."""
    tables, groups, outcomes = trial.tables, material.groups, material.outcomes
    made = [
        _flow(trial, groups, imaged, numbers),
        _outcomes(outcomes, groups),
        estimand_listing(trial.study, numbers, trial.study_key),
        *population_listings(trial.study, material.populations, groups),
        multiplicity_listing(trial.study, numbers, ledger, trial.study_key),
        *_curves(trial.study, taken, ledger),
        *_changes(trial, outcomes, groups),
        *score_listings(trial.study, outcomes, groups),
        *clinical_listings(trial.study, taken, outcomes, groups, ledger),
        *complication_listings(tables, groups),
        listings.adverse_events(tables, groups),
        stopping_listing(material),
        listings.doses(tables, groups),
        listings.lots(tables, groups),
        listings.counts(tables),
        listings.marks(tables),
        listings.criteria(trial.study, tables),
        _missing(trial, imaged, outcomes),
        _assumptions(trial),
        _open(trial),
        _lint(trial, store, ledger),
        _methods(trial, numbers),
    ]
    return [listing for listing in made if listing is not None]


def _flow(trial: TrialFolder, groups: Groups, imaged: Imaged, numbers: Sequence[Result]) -> Listing:
    """Return how many subjects reached each step, together and by group."""
    tables = trial.tables
    enrolled = tables["subjects"].table["USUBJID"].to_list()
    steps: list[tuple[str, list[str], str]] = [("enrolled", enrolled, "rows of subjects.csv")]
    if "allocation" in tables:
        steps.append(("allocated", sorted(groups.of), "rows of allocation.csv"))
    steps.append(("dosed", sorted(first_doses(tables)), "at least one row of doses.csv"))
    steps += imaged.flow
    rows: list[tuple[str, str | None, int, str]] = []
    for step, subjects, detail in steps:
        rows.append((step, None, len(subjects), detail))
        rows += [
            (step, code, sum(groups.of.get(s) == code for s in subjects), detail)
            for code in groups.labels
            if len(groups.labels) > 1 and step != "enrolled"
        ]
    headline = [n for n in numbers if n.analysisId == trial.study.headline]
    for number in headline:
        if number.operationId == headline[0].operationId:
            code = number.groupId if len(groups.labels) > 1 else None
            rows.append(("analysed", code, number.n or 0, number.label))
    return listings.make_listing(
        "flow",
        "Participant flow",
        ("STEP", "GROUP", "N", "DETAIL"),
        rows,
        tables["subjects"].key,
        keys=("STEP", "GROUP"),
    )


OUTCOME_COLUMNS = ("PARAMCD", "DAY", "AVAL", "AVALC", "CNSR", "REASON", "EVIDENCE")


def _outcomes(outcomes: Mapping[str, Keyed], groups: Groups) -> Listing | None:
    rows: list[tuple[Any, ...]] = []
    keys: list[str] = []
    for endpoint, keyed in outcomes.items():
        for row in keyed.table.sort("PARAMCD", "USUBJID").iter_rows(named=True):
            subject = row["USUBJID"]
            cells = (row[column] for column in OUTCOME_COLUMNS)
            rows.append((subject, groups.of.get(subject), endpoint, *cells))
            keys.append(keyed.key)
    if not rows:
        return None
    return Listing(
        id="outcomes",
        title="Outcome of every subject",
        columns=("USUBJID", "GROUP", "ENDPOINT", *OUTCOME_COLUMNS),
        rows=tuple(rows),
        provenance=keys[0],
        keys=("ENDPOINT", "USUBJID", "PARAMCD"),
        rowProvenance=tuple(keys),
    )


CURVE = ("GROUP", "TIME", "AT_RISK", "EVENTS", "CENSORED", "SURVIVAL", "LOWER", "UPPER")


def _curves(study: Study, taken: Mapping[str, Analysed], ledger: Ledger) -> Iterator[Listing]:
    """Yield the curve of every Kaplan-Meier analysis, from the rows that the analysis used."""
    from sojourn.statistics.kaplan_meier import curve

    for analysis in study.analyses:
        if analysis.use != "kaplan_meier" or analysis.id not in taken:
            continue
        analysed = taken[analysis.id]
        provenance = Provenance(
            "kaplan_meier curve",
            analysed.keys,
            {"analysis": analysis.id, "param": analysis.param, "set": analysis.set_id},
        )
        yield listings.make_listing(
            f"km_{analysis.id}",
            analysis.label,
            CURVE,
            curve(analysed.rows).select(CURVE).iter_rows(),
            ledger.stage(provenance),
            keys=("GROUP", "TIME"),
            units=("", "d", "", "", "", "1", "1", "1"),
        )


_CHANGES = {"womac": ("womac", "WOMAC total (0 best to 96)"), "vas_pain": ("pain_vas", "Pain (mm)")}


def _changes(
    trial: TrialFolder, outcomes: Mapping[str, Keyed], groups: Groups
) -> Iterator[Listing]:
    """Yield baseline, follow-up and change of the scored instruments, from their outcomes."""
    for endpoint in trial.study.endpoints:
        if endpoint.use not in _CHANGES or endpoint.id not in outcomes:
            continue
        listing_id, title = _CHANGES[endpoint.use]
        keyed = outcomes[endpoint.id]
        rows = _change_rows(keyed.table, _change_params(endpoint.use), groups)
        yield listings.make_listing(
            listing_id,
            title,
            ("USUBJID", "GROUP", "BASELINE", "FOLLOW_UP", "CHANGE", "NOTE", "EVIDENCE"),
            rows,
            keyed.key,
            keys=("USUBJID",),
        )


def _change_rows(
    table: pl.DataFrame, params: tuple[str, str, str], groups: Groups
) -> list[tuple[Any, ...]]:
    """Return each subject's baseline, follow-up and change, with the change's grounds."""
    by_subject: dict[str, dict[str, Any]] = {}
    for row in table.iter_rows(named=True):
        by_subject.setdefault(row["USUBJID"], {})[row["PARAMCD"]] = row
    rows: list[tuple[Any, ...]] = []
    for subject, found in sorted(by_subject.items()):
        values = [found[p]["AVAL"] if p in found else None for p in params]
        grounds = found.get(params[2], {"REASON": "", "EVIDENCE": ""})
        why = (grounds["REASON"], grounds["EVIDENCE"])
        rows.append((subject, groups.of.get(subject), *values, *why))
    return rows


def _change_params(use: str) -> tuple[str, str, str]:
    """Return the PARAMCDs of baseline, follow-up and change."""
    if use == "womac":
        return "WOMTOTBL", "WOMTOTFU", "WOMTOT"
    return "VASBL", "VASFU", "VASCHG"


def _missing(trial: TrialFolder, imaged: Imaged, outcomes: Mapping[str, Keyed]) -> Listing:
    """Return what is not there: scans, doses, counts, and outcomes that have no value."""
    rows: list[tuple[Any, ...]] = [*imaged.missing, *table_gaps(trial.study, trial.tables)]
    for endpoint in trial.study.endpoints:
        if endpoint.id not in outcomes or endpoint.use == "cavity_retention":
            continue
        table = outcomes[endpoint.id].table
        # A lineage that was not low at baseline has nothing to recover: that is no gap.
        absent = table.filter(
            pl.col("AVAL").is_null()
            & (pl.col("AVALC").is_null() | (pl.col("AVALC") == "NE"))
            & ~pl.col("REASON").str.starts_with("not affected")
        )
        rows += [
            (f"{endpoint.id} {row['PARAMCD']}", row["USUBJID"], None, row["REASON"])
            for row in absent.sort("PARAMCD", "USUBJID").iter_rows(named=True)
        ]
    return listings.make_listing(
        "missing",
        "Missing data and outcomes that could not be evaluated",
        ("WHAT", "USUBJID", "VISIT", "WHY"),
        rows,
        trial.tables["subjects"].key,
        keys=("WHAT", "USUBJID", "VISIT"),
        notes=("Nothing is carried forward and nothing is imputed.",),
    )


def _assumptions(trial: TrialFolder) -> Listing:
    rows = [(a.where, a.statement, a.from_, a.grounds) for a in assumptions(trial.study)]
    return listings.make_listing(
        "assumptions",
        "Assumptions: what neither record nor protocol settles",
        ("WHERE", "STATEMENT", "FROM", "GROUNDS"),
        rows,
        trial.study_key,
    )


def _open(trial: TrialFolder) -> Listing:
    rows = [("; ".join(item.binds), item.what, item.decision) for item in trial.study.open]
    return listings.make_listing(
        "open",
        "Open: what the record promises and this study file leaves undecided",
        ("PATH", "WHAT", "DECISION"),
        rows,
        trial.study_key,
    )


def _lint(trial: TrialFolder, store: Store, ledger: Ledger) -> Listing | None:
    """Return the findings on the record, each with what the study file decided about it."""
    path = trial.root / trial.study.record
    if not Path(path).is_file():
        return None
    provenance = Provenance("lint record", (ledger.file(trial.study.record),))
    key = ledger.stage(provenance)
    found = store.document(
        provenance,
        lambda: [finding.model_dump(mode="json") for finding in lint_record(_record(path))],
    )
    rows = [
        (f["code"], f["severity"], f["path"], f["message"], _decision(trial.study, f))
        for f in found
    ]
    return listings.make_listing(
        "lint",
        "Findings on the registry record, and what the study file decided",
        ("CODE", "SEVERITY", "PATH", "MESSAGE", "DECISION"),
        rows,
        key,
    )


def _decision(study: Study, finding: Mapping[str, Any]) -> str:
    """Return what the study file decided at this place, else the decision that it must take."""
    own = [a for a in study.answers if a.finding == finding["code"]]
    here = [a for a in own if a.path and short(a.path) == short(finding["path"])]
    chosen = here or [a for a in own if a.path is None]
    return chosen[0].decision if chosen else str(finding["decision"])


def _record(path: Path) -> Any:  # noqa: ANN401, the record's type is its reader's
    return read_registry_record(path)


def _words(settings: Mapping[str, Any]) -> str:
    """Return settings as ``name = value``, tables within them joined by a dot."""
    parts = []
    for name, value in settings.items():
        if isinstance(value, Mapping):
            parts += [f"{name}.{inner}" for inner in _words(value).split("; ") if inner]
        elif isinstance(value, list | tuple):
            parts.append(f"{name} = {', '.join(map(str, value))}")
        else:
            parts.append(f"{name} = {value}")
    return "; ".join(parts)


_ORIGIN_WORDS = {
    "first_dose": "the first dose",
    "transplantation": "the transplantation",
    "randomization": "the randomization",
}


def _day_zero_words(study: Study) -> str:
    table, column = study.day_zero.place
    words = _ORIGIN_WORDS[study.day_zero.event]
    return (
        f"Day 0 is the date of {words} ({table}.{column}); it exists, and days are date "
        "differences. An outcome with another origin names it in its rule."
    )


def _methods(trial: TrialFolder, numbers: Sequence[Result]) -> Listing:
    """Return the methods in words, from the study file and the methods that were used."""
    study = trial.study
    rows: list[tuple[str, str]] = [
        ("Day 0", _day_zero_words(study)),
        *(
            (f"Analysis set {name}", population_words(study, name))
            for name in sorted({analysis.set_id for analysis in study.analyses})
        ),
        *(
            (
                f"Endpoint {endpoint.id}",
                f"{endpoint.label or endpoint.use}: {_words(endpoint.rule)}",
            )
            for endpoint in study.endpoints
        ),
    ]
    used: dict[str, str] = {}
    for number in numbers:
        used.setdefault(number.analysisId, number.methodId)
    rows += [(f"Analysis {name}", method) for name, method in used.items()]
    if study.imaging is not None:
        choices = study.imaging.model_dump(
            mode="json", exclude={"from_", "cites", "reason", "assumes", "binds"}
        )
        rows.append(("Imaging", _words(choices)))
    return listings.make_listing("methods", "Methods", ("TITLE", "TEXT"), rows, trial.study_key)
