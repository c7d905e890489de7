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
        self._note(Step(key=key, kind="file", label=name))
        return key

    def _note(self, step: Step) -> None:
        """Note a step; files of equal content share one, which names them all."""
        known = self.steps.get(step.key)
        if known is not None and step.kind == "file":
            names = sorted(set(file_names(known)) | set(file_names(step)))
            step = known.model_copy(update={"label": ", ".join(names)})
        elif known is not None:
            return
        self.steps[step.key] = step

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
        for step in steps.values():
            self._note(step)


def file_names(step: Step) -> list[str]:
    """Return the names of the files that a file's step stands for: all those of its content."""
    return step.label.split(", ")
