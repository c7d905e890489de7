"""Files appear whole or not at all."""

import os
from collections.abc import Callable
from pathlib import Path


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Have `write` fill a temporary file beside `path`, then give it its name.

    Whatever happens while writing, `path` holds either what it held before or the whole new
    content. The temporary name keeps the suffix, since some writers choose their form by it.
    """
    part = path.with_name(f".{os.getpid()}.part.{path.name}")
    try:
        write(part)
        part.replace(path)
    except OSError as error:
        if error.filename != str(part):
            raise
        # Say the name that was asked for, not that of the temporary file.
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        part.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` as UTF-8 with plain newlines, whole or not at all."""
    write_atomically(path, lambda part: _write(part, text.encode("utf-8")))


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path`, whole or not at all."""
    write_atomically(path, lambda part: _write(part, content))


def _write(part: Path, content: bytes) -> None:
    part.write_bytes(content)
