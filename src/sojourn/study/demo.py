"""The demonstration: both bundled trials, simulated, from record to report."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from sojourn.core.files import write_text
from sojourn.core.provenance import code_digest
from sojourn.study.bundled import bundled_study
from sojourn.study.run import Run, run_study
from sojourn.study.simulation import simulate_trial

STUDIES = ("NCT07313020", "NCT06171906")


def run_demo(
    out: Path, *, seed: int, jobs: int | None = None, progress: Callable[[str], None]
) -> list[Run]:
    """Simulate both bundled trials below `out` and run them; return both runs.

    A folder simulated before from the same seed by the same code is used as it is.
    """
    workers = jobs or os.cpu_count() or 1
    runs = []
    for name in STUDIES:
        folder = out / name / "trial"
        _simulate_once(name, folder, seed=seed, progress=progress)
        runs.append(
            run_study(
                folder,
                out / name / "report",
                jobs=workers,
                progress=lambda text, name=name: progress(f"{name} {text}"),  # type: ignore[misc]
            )
        )
    return runs


def _simulate_once(name: str, folder: Path, *, seed: int, progress: Callable[[str], None]) -> None:
    marker = folder.parent / "simulated-by.txt"
    wanted = f"seed {seed}\ncode {code_digest()}\n"
    if folder.is_dir() and marker.is_file():
        if marker.read_text(encoding="utf-8") == wanted:
            return
        # Only what a marker shows to be an earlier demo's own work is removed.
        shutil.rmtree(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    marker.unlink(missing_ok=True)
    study = bundled_study(name)
    simulate_trial(
        study, folder, seed=seed, progress=lambda text: progress(f"{name} simulating: {text}")
    )
    write_text(marker, wanted)
