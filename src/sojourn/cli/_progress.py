"""Progress on stderr: a line that changes in a terminal, plain lines elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress(title: str) -> Iterator[Callable[[str], None]]:
    """Yield a function that shows what is being done now."""
    if not sys.stderr.isatty():
        last: list[str] = []

        def line(text: str) -> None:
            # One line for each kind of step: a log is read, not watched.
            step = text.partition(":")[0]
            if not last or last[-1] != step:
                last.append(step)
                sys.stderr.write(f"{title}: {text}\n")
                sys.stderr.flush()

        yield line
        return
    from rich.console import Console

    with Console(stderr=True).status(f"{title} ...") as status:
        yield lambda text: status.update(f"{title}: {text}")
