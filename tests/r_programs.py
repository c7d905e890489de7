"""Folders of results for the R program, and R itself where it is installed."""

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path

import polars as pl
import pytest

from sojourn.core.results import Result, Results, Step, bound
from sojourn.study.analysed import Analysed
from sojourn.study.analysis_rows import FILE, analysis_rows_csv
from sojourn.study.outcomes import analyses
from sojourn.testing import make_outcome_rows

PACKAGES = ("survival", "cmprsk")


@cache
def rscript() -> str:
    """Return the path of Rscript; skip, saying so, where R or a package of it is absent."""
    found = shutil.which("Rscript")
    if found is None:
        pytest.skip("no Rscript on the PATH (Debian: r-base-core)")
    code = f"for (p in c({str(PACKAGES)[1:-1]})) library(p, character.only = TRUE)"
    if subprocess.run([found, "-e", code], check=False, capture_output=True).returncode:
        pytest.skip(f"R lacks one of the packages {', '.join(PACKAGES)}")
    return found


def run_r(script: Path) -> subprocess.CompletedProcess[str]:
    """Run an R program from another folder than its own."""
    return subprocess.run(
        [rscript(), str(script)], check=False, capture_output=True, text=True, cwd="/", timeout=300
    )


def write_run(out: Path, cases: dict[str, tuple[str, dict, pl.DataFrame]]) -> Path:
    """Write into `out` what a run with these analyses (method, settings, rows) would have."""
    numbers, steps, taken = [], [], {}
    for name, (use, settings, rows) in cases.items():
        key = f"{len(steps):064x}"
        parameters = {"analysis": name, "settings": json.loads(json.dumps(settings))}
        steps.append(Step(key=key, kind="stage", label=f"estimate {use}", parameters=parameters))
        taken[name] = Analysed(rows, (), {})
        numbers += [number(name, key, made) for made in analyses.get(use)(rows, settings=settings)]
    results = Results(
        studyId="TEST",
        title="rows made up for a test",
        isSimulated=True,
        isBlinded=False,
        dataStatus="SIMULATED",
        groups={"A": "A", "B": "B"},
        primaryResultId="",
        answer="",
        results=tuple(numbers),
        steps=tuple(steps),
    )
    out.mkdir(parents=True, exist_ok=True)
    (out / "results.json").write_text(results.model_dump_json(indent=1))
    (out / FILE).write_text(analysis_rows_csv(taken, "SIMULATED"))
    return out


def number(name, key, made):
    estimate = made.estimate
    return Result(
        id=f"{name}/{made.group}/{made.operation}",
        analysisId=name,
        groupId=made.group,
        operationId=made.operation,
        analysisSetId="ALL",
        methodId="",
        label=made.label,
        role="primary",
        rawValue=estimate and estimate.value,
        unit="",
        lower=bound(estimate.lower) if estimate else None,
        upper=bound(estimate.upper) if estimate else None,
        level=estimate and estimate.level,
        boundNote=made.reason,
        pValue=made.p_value,
        n=made.n,
        provenance=key,
    )


def arms(**columns):
    """Return rows of arm A and arm B; each column is a pair of lists."""
    parts = []
    for i, group in enumerate("AB"):
        here = {name: values[i] for name, values in columns.items()}
        extra = {name: here.pop(name) for name in list(here) if name.isupper()}
        rows = make_outcome_rows(group, **here)
        parts.append(rows.with_columns(**{k: pl.Series(v) for k, v in extra.items()}))
    return pl.concat(parts)
