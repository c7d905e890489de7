"""One trial, from its folder to results and report."""

import os
import platform
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from sojourn.core.errors import DataError
from sojourn.core.files import write_text
from sojourn.core.provenance import Provenance, code_digest, numeric_versions
from sojourn.core.results import Listing, Problem, Results
from sojourn.study.analysed import Material
from sojourn.study.analysis_rows import FILE, analysis_rows_csv
from sojourn.study.answer import answer_sentence, primary_result
from sojourn.study.blinding import blinding_secret, cover_arms
from sojourn.study.day_zero import COUNTED
from sojourn.study.definition import Study
from sojourn.study.folder import TrialFolder, check_folder, read_folder
from sojourn.study.groups import Groups, assign_groups
from sojourn.study.imaging import Imaged, run_imaging
from sojourn.study.keyed import Keyed
from sojourn.study.ledger import Ledger
from sojourn.study.outcomes import derive_outcomes, endpoints, run_analyses, tables_without
from sojourn.study.populations import find_populations
from sojourn.study.shown import study_listings
from sojourn.study.store import Store

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Run:
    """What a run left: the results, the report's path, and how much had to be computed."""

    results: Results
    report: Path
    n_made: int
    n_stages: int


def default_store(out: Path) -> Path:
    """Return the store of the results in `out`: a folder beside it, ``<out>.store``.

    Beside it and not in it, because the store holds the allocation and the doses: whoever is
    given `out` of a blinded run must not be given those.
    """
    return out.with_name(f"{out.name}.store")


def run_study(
    folder: Path,
    out: Path,
    *,
    store: Path | None = None,
    jobs: int = 1,
    is_unblinded: bool = False,
    progress: Progress | None = None,
) -> Run:
    """Run the trial in `folder` and write results.json, report.html and the rest into `out`.

    Parameters
    ----------
    folder
        trial folder: study.toml, record.json, tables, scans.
    out
        folder for the results; files of an earlier run are replaced one by one, each whole.
    store
        where computed values are kept, by default the folder that `default_store` names. A second
        run of the same inputs computes nothing; one changed input recomputes what depends on it.
    jobs
        number of processes for the imaging part.
    is_unblinded
        show arms by their codes instead of A and B.
    progress
        told what is being done.

    Returns
    -------
        the results; everything but ``run.json`` is byte-identical between equal runs.

    Raises
    ------
    DataError
        if the folder, the study file, a table, the calibration or the store cannot be used. A
        subject whose scans are unusable is reported in the results and does not stop the others.
    """
    began = time.monotonic(), datetime.now(UTC)
    show = progress or _silent
    if out.resolve() == folder.resolve():
        raise DataError(f"{out}: results would mix with the trial's own files; name another folder")
    check_folder(folder)
    ledger = Ledger(folder)
    kept = Store(store or default_store(out)).open()
    trial = read_folder(folder, kept, ledger, show)
    secret = blinding_secret(ledger)
    allocation = trial.tables.get("allocation")
    groups = assign_groups(
        trial.study,
        trial.tables["subjects"].table,
        allocation.table if allocation else None,
        secret=secret,
        is_unblinded=is_unblinded,
    )
    imaged = run_imaging(trial, groups, kept, ledger, jobs=jobs, progress=show)
    results, rows = _assemble(trial, groups, imaged, kept, ledger, show)
    if groups.is_blinded:
        results = cover_arms(results, secret)
    show("report")
    report = _write(out, results, rows, imaged)
    _write_run_log(out, folder, began, jobs, len(kept.made) + imaged.n_made)
    return Run(results, report, len(kept.made) + imaged.n_made, len(kept.asked) + imaged.n_asked)


def _silent(text: str) -> None:
    del text


def _assemble(
    trial: TrialFolder,
    groups: Groups,
    imaged: Imaged,
    store: Store,
    ledger: Ledger,
    progress: Progress,
) -> tuple[Results, str]:
    study = trial.study
    tables = {**trial.tables, **imaged.tables}
    problems = [*trial.problems, *imaged.problems]
    outcomes, underived = _derive(study, tables, store, ledger, progress)
    grouping = _grouping_key(trial, groups, ledger)
    material = Material(
        study,
        tables,
        outcomes,
        groups,
        grouping,
        find_populations(study, trial.tables, groups, grouping, ledger),
    )
    numbers, taken = run_analyses(material, store, ledger)
    listings: list[Listing] = [
        *imaged.listings,
        *study_listings(trial, material, taken, imaged, numbers, store, ledger),
    ]
    primary = primary_result(study, numbers, groups)
    results = Results(
        studyId=study.id,
        title=study.title,
        isSimulated=study.data_status == "SIMULATED",
        isBlinded=groups.is_blinded,
        dataStatus=study.data_status,
        groups=dict(groups.labels),
        primaryResultId=primary.id if primary else "",
        answer=answer_sentence(study, numbers, groups),
        results=tuple(numbers),
        listings=tuple(listings),
        problems=(*problems, *underived),
        steps=tuple(ledger.steps[key] for key in sorted(ledger.steps)),
        versions={"sojourn": version("sojourn"), "code": code_digest(), **numeric_versions()},
    )
    return results, analysis_rows_csv(taken, study.data_status)


def _derive(
    study: Study,
    tables: Mapping[str, Keyed],
    store: Store,
    ledger: Ledger,
    progress: Progress,
) -> tuple[dict[str, Keyed], list[Problem]]:
    """Return the outcomes of every endpoint by its id, and which endpoints lack a table."""
    read = {**tables, "doses": tables[COUNTED]} if COUNTED in tables else tables
    outcomes: dict[str, Keyed] = {}
    problems: list[Problem] = []
    for endpoint in study.endpoints:
        progress(f"endpoint: {endpoint.id}")
        plugin = endpoints.get(endpoint.use)
        needed = [name for name in plugin.inputs if name not in plugin.optional]
        if absent := [name for name in needed if name not in read]:
            message = f"not derived: the folder has no table {', '.join(absent)}"
            problems.append(Problem(severity="error", where=endpoint.id, message=message))
            continue
        outcomes[endpoint.id] = derive_outcomes(endpoint, read, store, ledger, study.day_zero)
        problems += [
            Problem(severity="warning", where=endpoint.id, message=message)
            for message in tables_without(endpoint, read)
        ]
    return outcomes, problems


def _grouping_key(trial: TrialFolder, groups: Groups, ledger: Ledger) -> str | None:
    """Return the key of what put subjects into groups: while blinded also the doses order them."""
    if "allocation" not in trial.tables:
        return None
    names = ("allocation", "doses") if groups.is_blinded else ("allocation",)
    inputs = tuple(trial.tables[name].key for name in names if name in trial.tables)
    return ledger.stage(Provenance("assign groups", inputs, {"is_blinded": groups.is_blinded}))


def _write(out: Path, results: Results, rows: str, imaged: Imaged) -> Path:
    from sojourn.deliverables.report import render_report

    text, page = results.model_dump_json(indent=1) + "\n", render_report(results, imaged.panels)
    out.mkdir(parents=True, exist_ok=True)
    imaged.copy_images(out / "images")
    write_text(out / "results.json", text)
    write_text(out / FILE, rows)
    report = out / "report.html"
    write_text(report, page)
    return report


def _write_run_log(
    out: Path, folder: Path, began: tuple[float, datetime], jobs: int, n_made: int
) -> None:
    """Write what differs between equal runs, and only here: host, times, command."""
    import json

    log = {
        "folder": str(folder.resolve()),
        "host": platform.node(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "command": sys.argv[1:],
        "processes": jobs,
        "cores": os.cpu_count(),
        "started": began[1].isoformat(timespec="seconds"),
        "wall_seconds": round(time.monotonic() - began[0], 3),
        "stages_computed": n_made,
    }
    write_text(out / "run.json", json.dumps(log, indent=1) + "\n")
