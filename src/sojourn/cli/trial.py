"""`sojourn simulate`, `run`, `explain`, `derive`, `demo`: one trial from folder to report."""

from pathlib import Path
from typing import Annotated

import typer

from sojourn.cli._guard import guarded

STUDY = Annotated[str, typer.Argument(help="Study file, its folder, or a bundled study's id.")]


@guarded
def simulate(
    study: STUDY,
    output: Annotated[Path, typer.Option("-o", "--output", help="Trial folder to make.")],
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same bytes.")],
    subjects: Annotated[
        int | None, typer.Option(min=1, help="Number of subjects; default: the study's.")
    ] = None,
) -> None:
    """Make a synthetic trial folder, labelled SIMULATED, with its truth in a file of its own."""
    from sojourn.cli._progress import progress
    from sojourn.study.bundled import resolve_study
    from sojourn.study.simulation import simulate_trial

    with progress("simulating") as show:
        simulate_trial(resolve_study(study), output, seed=seed, n_subjects=subjects, progress=show)
    typer.echo(f"wrote {output} (SIMULATED); next: sojourn run {output} -o OUT", err=True)


@guarded
def run(
    folder: Annotated[Path, typer.Argument(help="Trial folder: study.toml, tables, scans.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the results.")],
    jobs: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    store: Annotated[
        Path | None, typer.Option(help="Where computed values are kept; default OUT.store.")
    ] = None,
    unblinded: Annotated[bool, typer.Option(help="Show arms by name.")] = False,
) -> None:
    """Run a trial from its folder to results.json and report.html."""
    from sojourn.cli._progress import progress
    from sojourn.study.run import run_study

    with progress("running") as show:
        made = run_study(
            folder, output, store=store, jobs=jobs, is_unblinded=unblinded, progress=show
        )
    for problem in made.results.problems:
        typer.echo(f"{problem.severity}: {problem.where}: {problem.message}", err=True)
    typer.echo(made.results.answer)
    typer.echo(f"report: {made.report}")
    typer.echo(f"{made.n_made} of {made.n_stages} stages computed, the rest was stored", err=True)


@guarded
def explain(
    output: Annotated[Path, typer.Argument(help="Folder that `sojourn run` wrote.")],
    number_id: Annotated[str, typer.Argument(help="Id of a number of the report.")],
) -> None:
    """Print the chain of one number down to files, rows and parameters."""
    from sojourn.study.explaining import explain as explain_number

    typer.echo(explain_number(output, number_id))


@guarded
def derive(
    endpoint: Annotated[str, typer.Argument(help="Name of the endpoint.")],
    table: Annotated[list[str], typer.Option(help="NAME=FILE.csv; one for each table.")],
    rule: Annotated[list[str] | None, typer.Option(help="KEY=VALUE of the rule.")] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="CSV to write; default: print it.")
    ] = None,
) -> None:
    """Derive one endpoint from tables and print it as CSV, one row per subject and parameter."""
    from sojourn.core.files import write_text
    from sojourn.study.deriving import derive_from_files

    text = derive_from_files(endpoint, table, rule or []).write_csv()
    if output is None:
        typer.echo(text, nl=False)
    else:
        write_text(output, text)
        typer.echo(f"wrote {output}", err=True)


@guarded
def demo(
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to fill.")] = Path("demo"),
    seed: Annotated[int, typer.Option(min=0, help="Seed of the simulation.")] = 20260101,
    jobs: Annotated[int, typer.Option(min=0, help="Processes; 0: one for each core.")] = 0,
) -> None:
    """Simulate both bundled trials and run them from record to report."""
    from sojourn.cli._progress import progress
    from sojourn.study.demo import run_demo

    with progress("demo") as show:
        runs = run_demo(output, seed=seed, jobs=jobs or None, progress=show)
    for made in runs:
        typer.echo(f"\n{made.results.studyId}  {made.results.title}")
        typer.echo(f"  SIMULATED: {made.results.answer}")
        typer.echo(f"  report: {made.report}")
    primary = runs[0].results.primaryResultId
    typer.echo(f"\nnext: {_own_command()} explain {runs[0].report.parent} {primary}")


def _own_command() -> str:
    """Return how this very installation is called from here."""
    import os
    import sys

    own = Path(sys.executable).with_name("sojourn.exe" if os.name == "nt" else "sojourn")
    if not own.is_file():
        return "sojourn"
    near = os.path.relpath(own)
    return str(own) if near.startswith("..") else near
