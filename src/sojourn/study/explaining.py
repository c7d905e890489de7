"""The chain of one number: from the report down to files, rows and parameters."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sojourn.core.errors import DataError
from sojourn.core.provenance import digest
from sojourn.core.results import Listing, Result, Results
from sojourn.study.blinding import TELLING
from sojourn.study.ledger import file_names

_SHOWN_ROWS = 12
_EVIDENCE = re.compile(r"(?:^|; ?)([a-z_]+):([0-9]{1,9}(?:,[0-9]{1,9})*)(?=;|$)")


def read_results(out: Path) -> Results:
    """Return the results that a run wrote into the folder `out`.

    Raises
    ------
    DataError
        if there are none, or they are not what a run writes.
    """
    path = out / "results.json"
    try:
        return Results.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}); `sojourn run` writes it"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        raise DataError(
            f"{path}: no results of this version: {first['loc']}: {first['msg']}"
        ) from (error)


def explain(out: Path, number_id: str) -> str:
    """Return the chain of the number `number_id` of the report in `out`, as text.

    Parameters
    ----------
    out
        folder that `sojourn run` wrote.
    number_id
        an id of the report: ``<analysis>/<group>/<operation>``, or that of a listing's row.

    Raises
    ------
    DataError
        if no number has that id, naming the nearest.
    """
    results = read_results(out)
    if (result := results.result(number_id)) is not None:
        head = list(_result_lines(result))
        key, evidence = result.provenance, _evidence_of_analysis(results, result)
    else:
        listing, index = _row(results, number_id)
        head = [f"{number_id}: {listing.title}"]
        cells = zip(listing.columns, listing.rows[index], strict=True)
        head += [f"  {column} = {cell}" for column, cell in cells if cell is not None]
        key = listing.rowProvenance[index] if listing.rowProvenance else listing.provenance
        evidence = [str(listing.records()[index].get("EVIDENCE") or "")]
    lines = [*head, "", "made by"]
    lines += _chain(results, key)
    lines += _rows_behind(out, results, [text for text in evidence if text])
    if results.isSimulated:
        lines.insert(0, "SIMULATED DATA")
    return "\n".join(lines)


def _result_lines(result: Result) -> Iterator[str]:
    yield f"{result.id}: {result.label}"
    yield f"  value = {result.rawValue} {result.unit}".rstrip()
    if result.level is not None:
        yield f"  {100 * result.level:.12g}% interval = {result.lower} to {result.upper}"
    yield f"  n = {result.n}; analysis set {result.analysisSetId}; method {result.methodId}"
    if result.pValue is not None:
        yield f"  p = {result.pValue}"
    if result.boundNote:
        yield f"  {result.boundNote}"
    for note in result.notes:
        yield f"  note: {note}"


def _row(results: Results, number_id: str) -> tuple[Listing, int]:
    for listing in results.listings:
        ids = listing.row_ids()
        if number_id and number_id in ids:
            return listing, ids.index(number_id)
    import difflib

    known = [r.id for r in results.results]
    known += [i for listing in results.listings for i in listing.row_ids() if i]
    near = difflib.get_close_matches(number_id, known, n=3)
    hint = f"; nearest: {', '.join(near)}" if near else f"; for instance {known[0]}" * bool(known)
    raise DataError(f"no number {number_id!r} in this report{hint}")


def _chain(results: Results, key: str) -> list[str]:
    steps = {step.key: step for step in results.steps}
    lines: list[str] = []
    seen: set[str] = set()

    def walk(key: str, depth: int) -> None:
        indent = "  " * depth
        step = steps.get(key)
        if step is None:
            lines.append(f"{indent}{key} (not noted)")
            return
        if step.kind == "file":
            kind = step.parameters.get("digest", "sha256")
            lines.append(f"{indent}file {step.label}  {kind} {step.key}")
            return
        if key in seen:
            lines.append(f"{indent}{step.label} (see above)  key {key[:16]}")
            return
        seen.add(key)
        lines.append(f"{indent}{step.label}  key {key[:16]}  code {step.code[:16]}")
        lines.extend(
            f"{indent}  | {name} = {json.dumps(value, sort_keys=True, ensure_ascii=False)}"
            for name, value in sorted(step.parameters.items())
        )
        for upstream in step.inputs:
            walk(upstream, depth + 1)

    walk(key, 1)
    return lines


def _evidence_of_analysis(results: Results, result: Result) -> list[str]:
    """Return the evidence of every subject whose outcome entered `result`."""
    outcomes = results.listing("outcomes")
    step = next((s for s in results.steps if s.key == result.provenance), None)
    if outcomes is None or step is None:
        return []
    param = step.parameters.get("param")
    endpoint = step.parameters.get("endpoint")
    return [
        str(row["EVIDENCE"] or "")
        for row in outcomes.records()
        if row["PARAMCD"] == param
        and row["ENDPOINT"] == endpoint
        and (result.groupId not in results.groups or row["GROUP"] == result.groupId)
    ]


def _rows_behind(out: Path, results: Results, evidence: list[str]) -> list[str]:
    """Return the deciding rows, quoted from the tables where those are still as they were."""
    wanted: dict[str, set[int]] = {}
    for text in evidence:
        for table, rows in _EVIDENCE.findall(text):
            wanted.setdefault(table, set()).update(int(row) for row in rows.split(","))
    lines: list[str] = []
    for table, numbers in sorted(wanted.items()):
        name = f"tables/{table}.csv"
        lines += ["", f"rows of {name} ({len(numbers)})"]
        source = _unchanged(out, results, name)
        shown = sorted(numbers)[:_SHOWN_ROWS]
        if source is None:
            lines.append(f"  {', '.join(map(str, shown))}  ({_why_not_quoted(results, name)})")
            continue
        lines.append(f"  line 1: {source[0]}")
        lines += [f"  line {row}: {source[row - 1]}" for row in shown if 0 < row <= len(source)]
        if len(numbers) > len(shown):
            more = ", ".join(map(str, sorted(numbers)[_SHOWN_ROWS:]))
            lines.append(f"  and lines {more}")
    return lines


def _why_not_quoted(results: Results, name: str) -> str:
    if results.isBlinded and name in TELLING:
        return "not quoted while arms are blinded"
    return "the file is not where the run found it, or has changed"


def _unchanged(out: Path, results: Results, name: str) -> list[str] | None:
    """Return the lines of the table `name` if it still is what the run read."""
    step = next((s for s in results.steps if s.kind == "file" and name in file_names(s)), None)
    try:
        noted: dict[str, Any] = json.loads((out / "run.json").read_text(encoding="utf-8"))
        content = (Path(noted["folder"]) / name).read_bytes()
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if step is None or digest(content) != step.key:
        return None
    return content.decode("utf-8-sig", errors="replace").splitlines()
