"""`sojourn study`: draft a study file from a record, check one."""

from pathlib import Path
from typing import Annotated

import typer

from sojourn.cli._guard import guarded

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.command()
@guarded
def draft(
    record: Annotated[Path, typer.Argument(help="ClinicalTrials.gov API v2 record, JSON.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Study file to write.")],
    force: Annotated[bool, typer.Option(help="Overwrite an existing file.")] = False,
) -> None:
    """Write the first version of a study file for any registry record."""
    from sojourn.core.errors import DataError
    from sojourn.core.files import write_text
    from sojourn.formats.registry_record import read_registry_record
    from sojourn.study.drafting import draft_study

    if output.exists() and not force:
        raise DataError(f"{output} exists; a person may have worked on it. Use --force to replace")
    write_text(output, draft_study(read_registry_record(record)))
    typer.echo(f"wrote {output}; next: sojourn study check {output} --record {record}", err=True)


@app.command()
@guarded
def check(
    study: Annotated[str, typer.Argument(help="Study file, its folder, or a bundled study's id.")],
    record: Annotated[
        Path | None, typer.Option(help="Its registry record; default: the one beside it.")
    ] = None,
    strict: Annotated[bool, typer.Option(help="Exit 1 if anything is open.")] = False,
) -> None:
    """Check a study file and list what of the record is not bound to a computable rule."""
    from sojourn.formats.registry_record import read_registry_record
    from sojourn.study.bundled import resolve_study
    from sojourn.study.checking import check_study
    from sojourn.study.definition import read_study

    file = resolve_study(study)
    definition = read_study(file)
    beside = file.parent / definition.record
    path = record or (beside if beside.is_file() else None)
    if path is None:
        typer.echo(f"{study}: valid; no record beside it, name one with --record", err=True)
        raise typer.Exit(1 if strict else 0)
    items = check_study(definition, read_registry_record(path))
    for item in items:
        typer.echo(f"open: {item.path}: {item.what}")
    typer.echo(f"{study}: valid; {len(items)} open items", err=True)
    if strict and items:
        raise typer.Exit(1)
