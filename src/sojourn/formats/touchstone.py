"""Touchstone 1.x files (.s1p, .s2p, ... .s9p): what a network analyser measured of a receive chain.

Scattering parameters compare waves at ports of a stated impedance (usually 50 ohm). S21 is the
voltage ratio of a chain only between that source and load; a coil's own response is not in it.

References
----------
Touchstone File Format Specification, Rev 1.1, EIA/IBIS Open Forum, 2002.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sojourn.core.arrays import frozen
from sojourn.core.errors import DataError
from sojourn.core.files import write_text
from sojourn.core.formats import Format
from sojourn.core.signals import TransferFunction

MAX_BYTES = 16 << 20
UNITS: Mapping[str, float] = {"HZ": 1.0, "KHZ": 1e3, "MHZ": 1e6, "GHZ": 1e9}
FORMS = ("DB", "MA", "RI")
PARAMETERS = "SYZGH"
SUFFIX = re.compile(r"\.s([1-9])p", re.IGNORECASE)
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eEdD][+-]?\d+)?")
NAMED = re.compile(r"S([1-9])([1-9])")
NOISE_VALUES = 5
"""Numbers for each frequency of the noise parameters that may follow those of a two-port."""


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """Scattering parameters of a network of n ports.

    `frequencies` (K,) in Hz, ascending. `parameters` (K, n, n): element [k, i, j] is the wave out
    of port i + 1 for one into port j + 1. `impedance` of every port in ohm. `comments` are the
    file's own. `source` is the file's digest.
    """

    frequencies: NDArray[np.float64]
    parameters: NDArray[np.complex128]
    impedance: float = 50.0
    comments: tuple[str, ...] = field(default=())
    name: str = "network"
    source: str = ""

    def __post_init__(self) -> None:
        frequencies = np.asarray(self.frequencies, dtype=np.float64)
        parameters = np.asarray(self.parameters, dtype=np.complex128)
        n_ports = parameters.shape[-1] if parameters.ndim == 3 else 0
        if not n_ports or parameters.shape != (len(frequencies), n_ports, n_ports):
            raise DataError(
                f"{self.name}: parameters {parameters.shape} of {frequencies.shape} frequencies; "
                "expected (K, n, n) and (K,)"
            )
        is_finite = np.isfinite(parameters).all() and np.isfinite(frequencies).all()
        ascends = bool(np.all(np.diff(frequencies) > 0)) and np.all(frequencies >= 0)
        if not is_finite or not ascends or not 0 < self.impedance < np.inf:
            raise DataError(
                f"{self.name}: parameters must be finite, frequencies ascend from 0 Hz or above, "
                f"and the impedance of {self.impedance} ohm be positive"
            )
        object.__setattr__(self, "frequencies", frozen(frequencies))
        object.__setattr__(self, "parameters", frozen(parameters))

    @property
    def n_ports(self) -> int:
        """Number of ports."""
        return int(self.parameters.shape[1])


def read_touchstone(path: Path) -> Network:
    """Return the scattering parameters in a Touchstone file of version 1.

    The number of ports comes from the file's name (.s2p: two). Numbers may be in dB and degrees,
    magnitude and degrees, or real and imaginary; lines may be broken anywhere. Two ports come in
    the order S11 S21 S12 S22, more ports row by row. Noise parameters are left out.

    Raises
    ------
    DataError
        naming file and line, what was found and what was expected.
    """
    path = Path(path)
    match = SUFFIX.fullmatch(path.suffix)
    if match is None:
        raise DataError(f"{path.name}: the number of ports comes from the name, as in .s2p")
    if not path.is_file():
        raise DataError(f"{path} is not a file")
    if (size := path.stat().st_size) > MAX_BYTES:
        raise DataError(f"{path.name} has {size} bytes; expected at most {MAX_BYTES >> 20} MiB")
    content = path.read_bytes()
    return _parse(
        content.decode("latin-1"),
        n_ports=int(match[1]),
        name=path.name,
        source=hashlib.sha256(content).hexdigest(),
    )


def transfer_function_of(network: Network, parameter: str = "S21") -> TransferFunction:
    """Return one scattering parameter as the transfer function of a single channel.

    `core.signals.stack_channels` puts those of several channels together.

    Raises
    ------
    DataError
        if the network has no such parameter.
    """
    match = NAMED.fullmatch(parameter)
    if match is None or max(int(match[1]), int(match[2])) > network.n_ports:
        raise DataError(
            f"{network.name}: no parameter {parameter!r}; it has S11 to "
            f"S{network.n_ports}{network.n_ports}"
        )
    values = network.parameters[:, int(match[1]) - 1, int(match[2]) - 1]
    return TransferFunction(
        frequencies=network.frequencies,
        values=values[None],
        unit="1",
        name=f"{parameter} of {network.name}",
        source=network.source,
    )


def write_touchstone(path: Path, network: Network) -> None:
    """Write scattering parameters as a Touchstone file of version 1, real and imaginary, in Hz.

    Raises
    ------
    DataError
        if the ending of the name does not fit the number of ports.
    """
    path = Path(path)
    match = SUFFIX.fullmatch(path.suffix)
    if match is None or int(match[1]) != network.n_ports:
        raise DataError(
            f"{path.name}: a network of {network.n_ports} ports is a .s{network.n_ports}p"
        )
    lines = [f"!{' '.join(comment.splitlines())}" for comment in network.comments]
    lines.append(f"# Hz S RI R {float(network.impedance)!r}")
    for frequency, matrix in zip(network.frequencies, network.parameters, strict=True):
        rows = matrix.T if network.n_ports == 2 else matrix
        groups = [" ".join(f"{v.real!r} {v.imag!r}" for v in row.tolist()) for row in rows]
        groups[0] = f"{float(frequency)!r} {groups[0]}"
        lines += [" ".join(groups)] if network.n_ports == 2 else groups
    write_text(path, "\n".join(lines) + "\n")


@dataclass(frozen=True, slots=True)
class _Options:
    """What the line that starts with # says; these are its defaults."""

    scale: float = 1e9
    form: str = "MA"
    impedance: float = 50.0


def _parse(text: str, *, n_ports: int, name: str, source: str) -> Network:
    options, comments, numbers = None, [], []
    for line, content in enumerate(text.splitlines(), start=1):
        content, mark, comment = content.partition("!")
        if mark:
            comments.append("".join(c for c in comment if c.isprintable()))
        words = content.split()
        if not words:
            continue
        if words[0].startswith("["):
            raise DataError(
                f"{name}, line {line}: {words[0][:40]!r} is of Touchstone 2; expected version 1"
            )
        if words[0].startswith("#"):
            # The standard: only the first such line counts.
            options = options or _options(content, f"{name}, line {line}")
            continue
        numbers += [_number(word, f"{name}, line {line}") for word in words]
    frequencies, pairs = _points(np.array(numbers), n_ports, name)
    options = options or _Options()
    return Network(
        frequencies=frequencies * options.scale,
        parameters=_matrices(_complex(pairs, options.form, name), n_ports),
        impedance=options.impedance,
        comments=tuple(comments),
        name=name,
        source=source,
    )


def _options(content: str, where: str) -> _Options:
    """Return what the option line says; unit, parameter, form and impedance in any order."""
    found: dict[str, float | str] = {}
    words = iter(content.replace("#", " ", 1).upper().split())
    for word in words:
        if word in UNITS:
            found["scale"] = UNITS[word]
        elif word in FORMS:
            found["form"] = word
        elif word == "R":
            found["impedance"] = _number(next(words, ""), where)
        elif word in PARAMETERS:
            if word != "S":
                raise DataError(f"{where}: parameters {word}; expected scattering parameters, S")
        else:
            known = ", ".join([*UNITS, *FORMS, "S", "R <ohm>"])
            raise DataError(f"{where}: option {word[:40]!r}; expected {known}")
    scale, form, impedance = (found.get(key) for key in ("scale", "form", "impedance"))
    default = _Options()
    return _Options(
        scale=float(scale or default.scale),
        form=str(form or default.form),
        impedance=float(default.impedance if impedance is None else impedance),
    )


def _number(word: str, where: str) -> float:
    """Return a finite decimal number; a D may stand for the E of its exponent."""
    if len(word) > 64 or not NUMBER.fullmatch(word):
        raise DataError(f"{where}: {word[:40]!r} is no number")
    value = float(word.upper().replace("D", "E"))
    if not np.isfinite(value):
        raise DataError(f"{where}: {word[:40]!r} is too large")
    return value


def _points(
    numbers: NDArray[np.float64], n_ports: int, name: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return frequencies (K,) in the file's unit and pairs (K, n * n, 2)."""
    width = 1 + 2 * n_ports**2
    n_points = len(numbers) // width
    if n_ports == 2:
        falls = np.flatnonzero(np.diff(numbers[: n_points * width : width]) <= 0)
        n_points = int(falls[0]) + 1 if len(falls) else n_points
    if n_points == 0 or not _is_noise(numbers[n_points * width :], n_ports):
        raise DataError(
            f"{name}: {len(numbers)} numbers; expected {width} for each of ascending frequencies "
            f"of {n_ports} ports. Is the ending of the name right, the file whole?"
        )
    points = numbers[: n_points * width].reshape(n_points, width)
    return points[:, 0], points[:, 1:].reshape(n_points, n_ports**2, 2)


def _is_noise(rest: NDArray[np.float64], n_ports: int) -> bool:
    """Tell whether what follows the parameters is nothing, or the noise of a two-port."""
    if not len(rest):
        return True
    if n_ports != 2 or len(rest) % NOISE_VALUES:
        return False
    return bool(np.all(np.diff(rest[::NOISE_VALUES]) > 0))


def _complex(pairs: NDArray[np.float64], form: str, name: str) -> NDArray[np.complex128]:
    first, second = pairs[..., 0], pairs[..., 1]
    if form == "RI":
        return np.asarray(first + 1j * second)
    with np.errstate(over="ignore", invalid="ignore"):
        magnitude = 10 ** (first / 20) if form == "DB" else first
        values = magnitude * np.exp(1j * np.deg2rad(second))
    if not np.isfinite(values).all():
        raise DataError(f"{name}: numbers in {form} are too large to be of a network")
    return np.asarray(values)


def _matrices(values: NDArray[np.complex128], n_ports: int) -> NDArray[np.complex128]:
    """Return (K, n, n); two ports stand column by column in the file."""
    matrices = values.reshape(len(values), n_ports, n_ports)
    return np.asarray(np.swapaxes(matrices, 1, 2) if n_ports == 2 else matrices)


def _lines(head: bytes) -> Iterator[bytes]:
    return (line.strip() for line in head.splitlines())


def _sniff(head: bytes) -> bool:
    """Tell whether comments and an option line come first; the option line may be farther on."""
    is_text = b"\0" not in head
    first = next((line for line in _lines(head) if line and not line.startswith(b"!")), b"")
    has_option = first.startswith(b"#") and b"R" in first.upper().split()
    return is_text and (has_option or (not first and head.lstrip().startswith(b"!")))


FORMAT = Format(
    label="Touchstone 1, scattering parameters",
    suffixes=tuple(f".s{n}p" for n in range(1, 10)),
    sniff=_sniff,
    read=read_touchstone,
    write=write_touchstone,
)
