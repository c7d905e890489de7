"""`sojourn design`: what a study can show, before the first patient."""

from pathlib import Path
from typing import Annotated

import typer

from sojourn.cli._guard import guarded


@guarded
def design(
    study: Annotated[str, typer.Argument(help="Study file, its folder, or a bundled study's id.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder for design.html and design.csv.")
    ] = None,
    replicates: Annotated[int, typer.Option(min=1, help="Simulated trials a truth.")] = 20_000,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same numbers.")] = 0,
    jobs: Annotated[int, typer.Option(min=1, help="Processes; the numbers do not change.")] = 1,
) -> None:
    """Show what each planned analysis can be expected to show: a table, with -o a page."""
    from sojourn.cli._progress import progress
    from sojourn.study.bundled import resolve_study
    from sojourn.study.definition import read_study
    from sojourn.study.designing import design_study, design_text, write_design

    definition = read_study(resolve_study(study))
    with progress("design") as show:
        made = design_study(definition, replicates=replicates, seed=seed, jobs=jobs, progress=show)
    typer.echo(design_text(made), nl=False)
    if output is not None:
        page = write_design(definition, made, output)
        typer.echo(f"wrote {page}", err=True)
