"""One clear line for an error, an exit status that a script can rely on."""

import functools
import os
import sys
import warnings
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import typer

from sojourn.core.errors import SojournError, SojournWarning

P = ParamSpec("P")
R = TypeVar("R")


def _show(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: object = None,
    line: str | None = None,
) -> None:
    del file, line
    if issubclass(category, SojournWarning):
        typer.echo(f"sojourn: warning: {message}", err=True)
    else:
        typer.echo(f"{filename}:{lineno}: {category.__name__}: {message}", err=True)


def guarded(command: Callable[P, R]) -> Callable[P, R]:
    """Return `command` with errors raised on purpose turned into one line and exit status 2.

    Ctrl-C exits 130, a full disk or a folder without permission exits 2; any other exception is a
    defect and keeps its traceback.
    """

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(encoding="utf-8", errors="backslashreplace")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("always", SojournWarning)
                warnings.showwarning = _show
                return command(*args, **kwargs)
        except SojournError as error:
            typer.echo(f"sojourn: {error}", err=True)
            raise typer.Exit(2) from error
        except BrokenPipeError:
            # The reader, such as head, has enough; nothing is left to say, nor to flush.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None
        except OSError as error:
            where = f" ({error.filename})" if error.filename else ""
            typer.echo(f"sojourn: {error.strerror or error}{where}", err=True)
            raise typer.Exit(2) from error
        except KeyboardInterrupt:
            typer.echo(
                "sojourn: stopped; no file is half-written; a run takes up what it had finished",
                err=True,
            )
            raise typer.Exit(130) from None

    return wrapped
