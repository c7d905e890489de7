"""`sojourn lint`: what a registry record contradicts, leaves out or cannot compute."""

import json
from pathlib import Path
from typing import Annotated

import typer

from sojourn.cli._guard import guarded


@guarded
def lint(
    record: Annotated[Path, typer.Argument(help="ClinicalTrials.gov API v2 record, JSON.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List contradictions, gaps and uncomputable statements of a registry record."""
    from sojourn.formats.registry_record import read_registry_record
    from sojourn.study.linting import findings_document, lint_record

    findings = lint_record(read_registry_record(record))
    if as_json:
        typer.echo(json.dumps(findings_document(findings), indent=1, ensure_ascii=False))
        return
    for finding in findings:
        typer.echo(f"{finding.severity}: {finding.code}")
        typer.echo(f"    where: {finding.path}")
        typer.echo(f"    found: {finding.message}")
        typer.echo(f"    decide: {finding.decision}")
    typer.echo(f"{len(findings)} findings", err=True)
