"""What of a registry record a study file binds, and what stays open."""

from collections.abc import Iterator
from dataclasses import dataclass

from sojourn.core.errors import DataError
from sojourn.formats.registry_record import RegistryRecord
from sojourn.study._definition_base import Entry
from sojourn.study._definition_entries import Answer, Study
from sojourn.study._definition_errors import suggestion
from sojourn.study._record_items import RecordItem, RecordPlaces, record_items, short
from sojourn.study.linting import Finding, lint_record

_BINDERS: dict[str, tuple[str, ...]] = {
    "design": ("design",),
    "arm": ("arms",),
    "intervention": ("arms",),
    "outcome": ("endpoints",),
    "population": ("criteria",),
    "criterion": ("criteria",),
    "promise": ("endpoints", "imaging", "criteria"),
    "day": ("visits", "arms"),
    "sharing": ("sharing",),
}
"""The tables whose entries may account for each kind of item."""

_MAX_LISTED = 5


@dataclass(frozen=True, slots=True)
class OpenItem:
    """Something of the record that no rule computes yet.

    `is_declared`: the study file lists it as open, with the decision it waits for; otherwise the
    file is silent about it.
    """

    path: str
    kind: str
    what: str
    decision: str
    is_declared: bool


def check_study(study: Study, record: RegistryRecord) -> list[OpenItem]:
    """Return what of `record` is open in `study`: first what it is silent about.

    Every design fact, arm, intervention, outcome, bound of the population, criterion, promise,
    named day and the sharing statement must be bound by an entry of the table that computes it;
    every lint finding needs an answer. What an ``[[open]]`` entry names is open and declared.

    Parameters
    ----------
    study
        the study file, as `read_study` gives it.
    record
        the study's registry record.

    Returns
    -------
        open items: undeclared ones in the record's order, then declared ones in the file's order.

    Raises
    ------
    DataError
        if the study was made for another record, or an entry binds or cites a place that the
        record does not have.
    """
    _check_paths(study, record)
    declared = {short(path) for entry in study.open for path in entry.binds}
    silent = [
        OpenItem(item.path, item.kind, item.what, _missing_entry(item), is_declared=False)
        for item in record_items(record)
        if not _is_bound(item, study) and not declared & {item.path, *item.places}
    ]
    findings = lint_record(record)
    silent += [_as_open(finding) for finding in findings if not _is_answered(finding, study)]
    silent += _stale_answers(study, findings)
    listed = [
        OpenItem(short(entry.binds[0]), "open", entry.what, entry.decision, is_declared=True)
        for entry in study.open
    ]
    return silent + listed


def _check_paths(study: Study, record: RegistryRecord) -> None:
    if study.id != record.nct_id:
        raise DataError(f"the study file is of {study.id}, the record of {record.nct_id}")
    places = RecordPlaces.of(record)
    missing = [
        f"{where} {key} {path!r}" for where, key, path in _paths(study) if path not in places
    ]
    if missing:
        more = len(missing) - _MAX_LISTED
        raise DataError(
            f"{record.nct_id} has no such place: {'; '.join(missing[:_MAX_LISTED])}"
            f"{f' ({more} more)' if more > 0 else ''}; write JSON paths below protocolSection, "
            "parts of texts after '#' (docs/study-file.md)"
        )


def _paths(study: Study) -> Iterator[tuple[str, str, str]]:
    for where, entry in study.entries():
        for path in entry.binds:
            yield where, "binds", path
        if entry.from_ == "record" and entry.cites:
            yield where, "cites", entry.cites
    for i, item in enumerate(study.open):
        for path in item.binds:
            yield f"open[{i}]", "binds", path


def _is_bound(item: RecordItem, study: Study) -> bool:
    if item.kind == "day" and item.day in _days(study):
        return True
    places = {item.path, *item.places}
    return any(
        places & {short(path) for path in entry.binds} and _ranks(item, entry)
        for where, entry in study.entries()
        if where.partition("[")[0] in _BINDERS[item.kind]
    )


def _ranks(item: RecordItem, entry: Entry) -> bool:
    """Tell whether `entry` may stand for `item`: a primary outcome asks for a primary endpoint."""
    if ".primaryOutcomes[" not in item.path:
        return True
    return getattr(entry, "role", None) == "primary"


def _days(study: Study) -> set[int]:
    return {visit.day for visit in study.visits} | {day for arm in study.arms for day in arm.days}


def _missing_entry(item: RecordItem) -> str:
    tables = " or ".join(f"[{t}]" if t in _SINGLE else f"[[{t}]]" for t in _BINDERS[item.kind])
    rank = " with role = 'primary'" if ".primaryOutcomes[" in item.path else ""
    return f"bind it in {tables}{rank}, or list it in [[open]]"


_SINGLE = frozenset({"design", "imaging", "sharing"})


def _is_answered(finding: Finding, study: Study) -> bool:
    return any(_meets(answer, finding) for answer in study.answers) or any(
        entry.finding == finding.code
        and short(finding.path) in {short(path) for path in entry.binds}
        for entry in study.open
    )


def _meets(answer: Answer, finding: Finding) -> bool:
    same_place = answer.path is None or short(answer.path) == short(finding.path)
    return answer.finding == finding.code and same_place


def _as_open(finding: Finding) -> OpenItem:
    what = f"{finding.code}: {finding.message}"
    return OpenItem(short(finding.path), "finding", what, finding.decision, is_declared=False)


def _stale_answers(study: Study, findings: list[Finding]) -> list[OpenItem]:
    codes = sorted({finding.code for finding in findings})
    return [
        OpenItem(
            f"answers[{i}]",
            "answer",
            f"answers {answer.finding!r}, which the linter does not find in this record"
            f"{suggestion(answer.finding, codes)}",
            "remove the answer, or correct its finding and path",
            is_declared=False,
        )
        for i, answer in enumerate(study.answers)
        if not any(_meets(answer, finding) for finding in findings)
    ]
