"""Studies that come with the package: found in a wheel and in a checkout alike."""

from importlib import resources
from pathlib import Path

from sojourn.core.errors import DataError
from sojourn.study._definition_errors import suggestion


def bundled_studies() -> dict[str, Path]:
    """Return the study file of each bundled study, by registry number, sorted."""
    folder = _folder()
    files = sorted(folder.glob("*/study.toml")) if folder else []
    return {file.parent.name: file for file in files}


def bundled_study(name: str) -> Path:
    """Return the study file of the bundled study `name`, a registry number.

    Raises
    ------
    DataError
        if no such study comes with the package, naming those that do.
    """
    studies = bundled_studies()
    if name not in studies:
        raise DataError(f"no bundled study {name!r}{suggestion(name, studies)}")
    return studies[name]


def resolve_study(name_or_path: str | Path) -> Path:
    """Return the study file that `name_or_path` means: a file, a trial folder, a bundled study.

    A path that exists goes first; a folder means its ``study.toml``.

    Raises
    ------
    DataError
        if there is neither such a file nor such a bundled study.
    """
    path = Path(name_or_path)
    if path.is_dir() and (path / "study.toml").is_file():
        return path / "study.toml"
    if path.is_file():
        return path
    if path.is_dir():
        raise DataError(f"{path}: this folder holds no study.toml")
    if len(path.parts) == 1 and not path.suffix:
        return bundled_study(str(name_or_path))
    raise DataError(f"{path}: no such file; name a study.toml, a trial folder or a bundled study")


def _folder() -> Path | None:
    """Return the folder of the bundled studies: within the package, else beside its source."""
    package = Path(str(resources.files("sojourn")))
    for folder in (package / "studies", package.parents[1] / "studies"):
        if folder.is_dir():
            return folder
    return None
