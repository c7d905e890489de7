"""`sojourn scan`: look at MPI files, reconstruct an image."""

import json
from pathlib import Path
from typing import Annotated

import typer

from sojourn.cli._guard import guarded
from sojourn.cli._progress import progress

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

BACKGROUNDS = "none, own_mean, own_linear, external_mean, external_linear"


@app.command()
@guarded
def info(
    file: Annotated[Path, typer.Argument(help="MDF file.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell what an MDF file holds, what it lacks, and where it departs from the format."""
    from sojourn.formats.mdf import describe_mdf

    described = describe_mdf(file)
    if as_json:
        typer.echo(json.dumps(described.to_json_dict(), indent=1, ensure_ascii=False))
    else:
        typer.echo(str(described))


@app.command()
@guarded
def check(
    file: Annotated[Path, typer.Argument(help="MDF file.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Name each deviation of an MDF file from MDF 2.1.0.

    Ends with 0 where there is none, 1 where there are some, 2 where the file cannot be read.
    """
    from dataclasses import asdict

    from sojourn.formats.mdf import check_mdf

    found = check_mdf(file)
    n_deviations = sum(each.severity == "deviation" for each in found)
    if as_json:
        listed = [asdict(each) for each in found]
        typer.echo(json.dumps({"file": file.name, "found": listed}, indent=1, ensure_ascii=False))
    else:
        for each in found:
            typer.echo(f"{each} [{each.section}]")
        count = "no deviation" if n_deviations == 0 else f"{n_deviations} deviations"
        typer.echo(f"{file.name}: {count} from MDF 2.1.0")
    if n_deviations:
        raise typer.Exit(1)


def _list(asked: bool) -> None:
    """Print methods and presets, and end."""
    if not asked:
        return
    from sojourn.study.presets import PRESETS
    from sojourn.study.reconstructing import methods

    typer.echo("methods: " + ", ".join(methods.names()))
    for name, preset in PRESETS.items():
        typer.echo(f"preset {name}: {preset.method}; {preset.source}")
    raise typer.Exit


def _check_output(*files: Path, force: bool) -> None:
    """Refuse, before any work, what cannot be written or stands there already."""
    from sojourn.core.errors import DataError

    for file in files:
        if file.is_dir():
            raise DataError(f"{file} is a folder; name a file")
        if file.exists() and not force:
            raise DataError(f"{file} exists; use --force to replace it")
        if not file.parent.is_dir():
            raise DataError(f"{file}: there is no folder {file.parent}; make it first")


def _number_or_rule(text: str | None) -> float | str | None:
    if text is None:
        return None
    try:
        return float(text)
    except ValueError:
        return text


@app.command()
@guarded
def reconstruct(
    measurement: Annotated[Path, typer.Argument(help="Measurement, MDF.")],
    system_matrix: Annotated[Path, typer.Option(help="Calibration, MDF.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Image, .nii or .nii.gz.")],
    background: Annotated[
        str, typer.Option(help=f"What is subtracted, a choice without default: {BACKGROUNDS}.")
    ],
    matrix_background: Annotated[
        str | None, typer.Option(help="The same for the calibration; default: its own frames.")
    ] = None,
    empty: Annotated[
        list[Path] | None, typer.Option(help="Empty-bore scan for an external background.")
    ] = None,
    method: Annotated[
        str | None, typer.Option(help="Method; kaczmarz by default. `--list` names all.")
    ] = None,
    preset: Annotated[str | None, typer.Option(help="Named settings; `--list` names all.")] = None,
    iterations: Annotated[
        int | None, typer.Option(help="Sweeps or iterations at most; the method's default.")
    ] = None,
    regularization: Annotated[
        str | None,
        typer.Option(help="Relative lambda, or a rule: discrepancy, l_curve, gcv."),
    ] = None,
    min_snr: Annotated[float | None, typer.Option(help="Keep rows of at least this SNR.")] = None,
    min_frequency_hz: Annotated[float | None, typer.Option(help="Lowest frequency.")] = None,
    max_frequency_hz: Annotated[float | None, typer.Option(help="Highest frequency.")] = None,
    channels: Annotated[
        list[int] | None, typer.Option(help="Receive channel, 0-based; may be repeated.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Any setting of the method, KEY=VALUE; may be repeated."),
    ] = None,
    uncertainty_seed: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Also write the standard deviation and the recovery of every voxel; the seed of "
            "the draws that a constrained method needs.",
        ),
    ] = None,
    show_params: Annotated[bool, typer.Option(help="Print every parameter first.")] = False,
    list_all: Annotated[  # noqa: ARG001 - its callback answers
        bool,
        typer.Option("--list", help="List methods and presets.", is_eager=True, callback=_list),
    ] = False,
    force: Annotated[
        bool, typer.Option(help="Overwrite an existing image and its parameters.")
    ] = False,
) -> None:
    """Reconstruct an image, by Kaczmarz or another method; every parameter goes beside it.

    The image is to look at. An amount is not its sum: it comes from `sojourn run`.
    """
    from sojourn.study.presets import settings_of
    from sojourn.study.reconstructing import parameters_path, reconstruct_file

    _check_output(output, parameters_path(output), force=force)
    given = {
        "background": background,
        "matrix_background": matrix_background,
        "iterations": iterations,
        "regularization": _number_or_rule(regularization),
        "min_snr": min_snr,
        "min_frequency": min_frequency_hz,
        "max_frequency": max_frequency_hz,
        "channels": tuple(channels) if channels else None,
    }
    chosen, values = settings_of(preset, method, given, settings or ())
    with progress("scan reconstruct") as tell:
        reconstruct_file(
            measurement,
            system_matrix,
            output,
            method=chosen,
            settings=values,
            empty=tuple(empty or ()),
            uncertainty_seed=uncertainty_seed,
            show=(lambda text: typer.echo(text, err=True)) if show_params else None,
            tell=tell,
        )
    beside = "its parameters"
    if uncertainty_seed is not None:
        beside += ", standard deviation (_sd) and recovery (_recovery)"
    typer.echo(f"wrote {output} and {beside} beside it", err=True)


@app.command()
@guarded
def view(
    files: Annotated[list[Path], typer.Argument(help="MDF files and images (.nii, .nii.gz).")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Page, .html.")],
    force: Annotated[bool, typer.Option(help="Overwrite an existing page.")] = False,
) -> None:
    """Show files on one page: projections and slices, spectrum with SNR, background drift.

    The page holds everything in itself and needs no network.
    """
    from sojourn.core.errors import DataError
    from sojourn.study.viewing import view_files

    if output.suffix not in {".html", ".htm"}:
        raise DataError(f"{output.name}: a page ends in .html")
    _check_output(output, force=force)
    view_files(files, output, show=lambda words: typer.echo(words, err=True))
    typer.echo(f"wrote {output}", err=True)


@app.command()
@guarded
def compare(
    first: Annotated[Path, typer.Argument(help="A: MDF file or image.")],
    second: Annotated[Path, typer.Argument(help="B: a file of the same kind.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell in what two measurements, two calibrations or two images differ."""
    from sojourn.study.comparing import compare_files

    compared = compare_files(first, second)
    if as_json:
        typer.echo(json.dumps(compared.to_json_dict(), indent=1, ensure_ascii=False))
    else:
        typer.echo(str(compared))


def _list_simulations(asked: bool) -> None:
    """Print presets, tracers and phantoms of a simulation, and end."""
    if not asked:
        return
    from sojourn.study.simulating_scans import listed_simulations

    typer.echo(listed_simulations())
    raise typer.Exit


@app.command()
@guarded
def simulate(
    scanner: Annotated[str, typer.Argument(help="Preset of a scanner; see --list.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder.")],
    seed: Annotated[int, typer.Option(help="Equal seeds give equal bytes.")],
    tracer: Annotated[str, typer.Option(help="Tracer of the library.")] = "ferumoxytol",
    phantom: Annotated[str, typer.Option(help="What is measured.")] = "ball",
    iron_ug: Annotated[float, typer.Option(help="Iron in the phantom.")] = 100.0,
    sample_iron_ug: Annotated[float, typer.Option(help="Iron of the calibration's sample.")] = 10.0,
    snr: Annotated[float, typer.Option(help="Of the strongest frequency, in a frame.")] = 1000.0,
    frames: Annotated[int, typer.Option(help="Frames that show the phantom.")] = 10,
    background_frames: Annotated[int, typer.Option(help="Empty frames, before and after.")] = 10,
    voxels: Annotated[str | None, typer.Option(help="Of the calibration, such as 9x9x5.")] = None,
    threads: Annotated[int, typer.Option(help="They change no byte.")] = 1,
    force: Annotated[bool, typer.Option(help="Overwrite existing files.")] = False,
    listed: Annotated[
        bool,
        typer.Option("--list", callback=_list_simulations, is_eager=True, help="Names to choose."),
    ] = False,
) -> None:
    """Write a SIMULATED calibration and measurement, MDF 2.1, and what is true of them."""
    del listed
    from sojourn.cli._progress import progress
    from sojourn.core.errors import DataError
    from sojourn.study.simulating_scans import FILES, SimulatedScan, parse_voxels, simulate_files

    plan = SimulatedScan(
        scanner=scanner,
        seed=seed,
        tracer=tracer,
        phantom=phantom,
        iron_ug=iron_ug,
        sample_iron_ug=sample_iron_ug,
        snr=snr,
        frames=frames,
        background_frames=background_frames,
        voxels=parse_voxels(voxels) if voxels else None,
    )
    if not force and (there := [name for name in FILES if (output / name).exists()]):
        raise DataError(f"{output} holds {', '.join(there)}; use --force to replace it")
    with progress("simulating") as show:
        simulate_files(plan, output, threads=threads, show=show)
    typer.echo(f"wrote {', '.join(FILES)} into {output}, all SIMULATED", err=True)
