"""What made what: the provenance graph of one run."""

from dataclasses import dataclass, field
from pathlib import Path

from sojourn.core.errors import DataError
from sojourn.core.provenance import Provenance, digest
from sojourn.core.results import Step


@dataclass(frozen=True, slots=True)
class Ledger:
    """Every file and stage that a run used, by key; a file's key is its SHA-256."""

    root: Path
    steps: dict[str, Step] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    def file(self, name: str) -> str:
        """Return the SHA-256 of the file `name` within the trial folder, and note its use.

        Raises
        ------
        DataError
            if the file is absent, unreadable, or lies outside the folder.
        """
        if known := self.files.get(name):
            return known
        key = digest(self._content(name))
        self.files[name] = key
        self.steps.setdefault(key, Step(key=key, kind="file", label=name))
        return key

    def _content(self, name: str) -> bytes:
        try:
            path = (self.root / name).resolve()
            is_inside = path.is_relative_to(self.root.resolve())
            # A pipe would be waited for, a device read without end.
            if is_inside and (path.is_file() or not path.exists()):
                return path.read_bytes()
        except OSError as error:
            raise DataError(
                f"{name}: cannot be read from the trial folder ({error.strerror})"
            ) from error
        except RuntimeError as error:
            raise DataError(
                f"{name}: is a link that leads to itself; put the file there"
            ) from error
        if not is_inside:
            raise DataError(f"{name}: lies outside the trial folder {self.root.name}; move it in")
        raise DataError(f"{name}: is no plain file in the trial folder; put the file there")

    def stage(self, provenance: Provenance) -> str:
        """Note a stage and return its key; its inputs must have been noted before."""
        key = provenance.key
        if key not in self.steps:
            if absent := [i for i in provenance.inputs if i not in self.steps]:
                raise LookupError(f"{provenance.stage}: inputs {absent} were never noted")
            self.steps[key] = Step(
                key=key,
                kind="stage",
                label=provenance.stage,
                inputs=provenance.inputs,
                parameters=dict(provenance.parameters),
                code=provenance.code,
            )
        return key

    def merge(self, steps: dict[str, Step]) -> None:
        """Take over the steps that a worker noted."""
        for key, step in steps.items():
            self.steps.setdefault(key, step)
