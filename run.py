#!/usr/bin/env python3
"""Set up and run sojourn from a fresh clone: `python3 run.py demo` or `python3 run.py test`.

Needs Python 3.11 or newer and nothing else; makes a virtual environment in .venv and installs the
project there (with uv if it is on the PATH, else with pip). Running it again installs nothing
unless pyproject.toml changed.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
EXTRAS = {"demo": ("report",), "test": ("report", "fast", "test")}
GATES = (
    ("ruff", "format", "--check", "."),
    ("ruff", "check", "."),
    ("mypy",),
    ("importlinter.cli",),
)


def python_of_venv() -> Path:
    """Return the virtual environment's interpreter."""
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def fingerprint() -> str:
    """Return what an installation depends on: the project file and this Python."""
    content = (ROOT / "pyproject.toml").read_bytes() + sys.version.encode()
    return hashlib.sha256(content).hexdigest()


def make_venv() -> None:
    """Make .venv, or say what the system lacks."""
    command = [sys.executable, "-m", "venv", "--clear", str(VENV)]
    if uv := shutil.which("uv"):
        command = [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(VENV)]
    if subprocess.run(command, check=False).returncode != 0:
        sys.exit(
            "run.py: no virtual environment could be made in .venv. On Debian and Ubuntu:\n"
            "    sudo apt install python3-venv\nthen run this command again."
        )


def install(extras: tuple[str, ...]) -> None:
    """Install the project with `extras` into .venv, unless that was done before."""
    markers = [VENV / f".installed-{extra}" for extra in extras]
    wanted = fingerprint()
    if all(m.is_file() and m.read_text(encoding="utf-8") == wanted for m in markers):
        return
    print(f"run.py: installing sojourn[{','.join(extras)}] into .venv (once) ...", flush=True)
    if not python_of_venv().is_file():
        make_venv()
    target = f"{ROOT}[{','.join(extras)}]"
    if uv := shutil.which("uv"):
        command = [uv, "pip", "install", "--quiet", "--python", str(python_of_venv()), "-e", target]
    else:
        command = [str(python_of_venv()), "-m", "pip", "install", "--quiet"]
        command += ["--disable-pip-version-check", "-e", target]
    if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
        sys.exit("run.py: the installation failed; its messages stand above.")
    for marker in markers:
        marker.write_text(wanted, encoding="utf-8")


def run(*arguments: str) -> int:
    """Run the environment's Python with `arguments`; return its exit status."""
    return subprocess.run([str(python_of_venv()), *arguments], cwd=ROOT, check=False).returncode


def demo(rest: list[str]) -> int:
    """Simulate both trials and run them from record to report."""
    return run("-m", "sojourn", "demo", *rest)


def test(rest: list[str]) -> int:
    """Run the checks on the code, then the tests; every one runs, the worst status returns."""
    status = 0
    if not rest:
        for gate in GATES:
            print(f"run.py: {' '.join(gate)}", flush=True)
            if gate[0] == "importlinter.cli":
                code = run("-c", "from importlinter.cli import lint_imports_command as m; m()")
            else:
                code = run("-m", *gate)
            status = status or code
    # One process for each core: threads of linear algebra would only wait for each other.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    parallel = () if rest else ("-n", "auto", "-p", "no:benchmark", "--durations=12")
    return run("-m", "pytest", "-q", *parallel, *rest) or status


def main() -> int:
    """Parse the command line and do it."""
    parser = argparse.ArgumentParser(description="Set up and run sojourn from a fresh clone.")
    parser.add_argument("command", choices=("demo", "test"))
    known, rest = parser.parse_known_args()
    if sys.version_info < (3, 11):  # noqa: UP036, this file runs before the version is settled
        sys.exit(f"run.py: needs Python 3.11 or newer, this is {sys.version.split()[0]}")
    install(EXTRAS[known.command])
    return demo(rest) if known.command == "demo" else test(rest)


if __name__ == "__main__":
    sys.exit(main())
