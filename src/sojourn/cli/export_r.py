"""`sojourn export-r`: an R program that recomputes the numbers of a run."""

from pathlib import Path
from typing import Annotated

import typer

from sojourn.cli._guard import guarded


@guarded
def export_r(
    output_of_run: Annotated[
        Path, typer.Argument(metavar="OUT", help="Folder that `sojourn run` wrote.")
    ],
    script: Annotated[
        Path, typer.Option("-o", "--output", help="R program to write; tables go beside it.")
    ] = Path("check.R"),
) -> None:
    """Write an R program that recomputes every number of a run and prints the differences."""
    from sojourn.study.exporting_r import export_r as write_program

    made = write_program(output_of_run, script)
    typer.echo(f"wrote {made.script} and {made.data}: {made.n_numbers} numbers", err=True)
    for name, reason in made.without.items():
        typer.echo(f"not recomputed: {name}: {reason}", err=True)
    typer.echo(f"next: Rscript {made.script}", err=True)
