"""`sojourn estimate`: one statistical method on the columns of a CSV file."""

from pathlib import Path
from typing import Annotated

import typer

from sojourn.cli._guard import guarded


@guarded
def estimate(
    method: Annotated[str, typer.Argument(help="Name of the method, such as kaplan_meier.")],
    file: Annotated[Path, typer.Argument(help="CSV file with a header line.")],
    time: Annotated[str | None, typer.Option(metavar="COL", help="Time to event or end.")] = None,
    status: Annotated[
        str | None,
        typer.Option(metavar="COL", help="0 censored, 1 the event, 2 and above competing events."),
    ] = None,
    event: Annotated[
        int | None,
        typer.Option(metavar="CODE", min=0, help="Status of the event, where it is not 1."),
    ] = None,
    censored: Annotated[
        int | None,
        typer.Option(
            metavar="CODE",
            min=0,
            help="Status of who is censored, where it is not 0. Where all are 1 or 2, name "
            "both: R's Surv takes 1 as censored and 2 as the event (--event 2 --censored 1); "
            "without anybody censored, 2 may be a competing event (--event 1 --censored 0).",
        ),
    ] = None,
    entry: Annotated[
        str | None, typer.Option(metavar="COL", help="Time of late entry (left truncation).")
    ] = None,
    value: Annotated[
        str | None, typer.Option(metavar="COL", help="The value, where no time is analysed.")
    ] = None,
    exposure: Annotated[
        str | None, typer.Option(metavar="COL", help="Days at risk, where the value counts events.")
    ] = None,
    group: Annotated[str | None, typer.Option(metavar="COL", help="Group.")] = None,
    subject: Annotated[
        str | None, typer.Option(metavar="COL", help="Subject; default: a subject a row.")
    ] = None,
    visit: Annotated[
        str | None, typer.Option(metavar="COL", help="Visit, for repeated measures.")
    ] = None,
    baseline: Annotated[str | None, typer.Option(metavar="COL", help="Baseline value.")] = None,
    covariate: Annotated[
        list[str] | None, typer.Option(metavar="COL", help="Numeric covariate; repeatable.")
    ] = None,
    stratum: Annotated[
        list[str] | None, typer.Option(metavar="COL", help="Stratum; repeatable.")
    ] = None,
    at: Annotated[
        list[float] | None, typer.Option(metavar="T", help="Time of an estimate; repeatable.")
    ] = None,
    setting: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="Setting of the method.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Estimate with one method from a CSV file: number, interval, method, n, versions."""
    from sojourn.study.estimating import Columns, estimate_file

    columns = Columns(
        time=time,
        status=status,
        event=event,
        censored=censored,
        entry=entry,
        value=value,
        exposure=exposure,
        group=group,
        subject=subject,
        visit=visit,
        baseline=baseline,
        covariates=tuple(covariate or ()),
        strata=tuple(stratum or ()),
    )
    made = estimate_file(method, file, columns, at=at or (), settings=setting or ())
    typer.echo(made.to_json() if as_json else made.to_text(), nl=False)
