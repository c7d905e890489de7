"""Named settings of reconstructions: where to begin, and where each comes from."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sojourn.core.errors import DataError


@dataclass(frozen=True, slots=True)
class Preset:
    """A method with some of its settings; `background` is never among them: it is a choice."""

    method: str
    settings: Mapping[str, Any]
    source: str


PRESETS: Mapping[str, Preset] = {
    "mpireco-tutorial": Preset(
        "kaczmarz",
        {
            "iterations": 1,
            "regularization": 0.0,
            "min_snr": 5.0,
            "min_frequency": 80e3,
            "channels": (0, 1),
        },
        "tutorials of MPIReco.jl: one sweep, no lambda, SNR 5, 80 kHz, channels 1 and 2",
    ),
    "mpireco-gui": Preset(
        "kaczmarz",
        {
            "iterations": 4,
            "regularization": 1e-2,
            "min_snr": 2.0,
            "min_frequency": 80e3,
            "max_frequency": 1.25e6,
        },
        "former defaults of its user interface: lambda 1e-2, 4 sweeps, SNR 2, 80 kHz to 1.25 MHz",
    ),
    "mpireco-online": Preset(
        "kaczmarz",
        {"iterations": 1, "regularization": 1e-2, "min_snr": 5.0},
        "online reconstruction there: 1 sweep, SNR 5; lambda is ours",
    ),
    "smooth": Preset(
        "total_variation",
        {"min_snr": 3.0},
        "edges kept, speckle removed: total variation with its defaults",
    ),
    "guidance": Preset(
        "newton",
        {"purpose": "guidance", "min_snr": 3.0},
        "the fast solver for live frames: few directions, loose tolerance",
    ),
    "review": Preset(
        "newton",
        {"purpose": "review", "min_snr": 3.0},
        "the fast solver for a picture to look at",
    ),
    "quantification": Preset(
        "newton",
        {"purpose": "quantification", "min_snr": 3.0},
        "proved to lie within 1 % of the optimum on the whole matrix, or refused",
    ),
    "linear": Preset(
        "tikhonov",
        {"min_snr": 3.0},
        "the linear image: negative values stay, and uncertainty is exact",
    ),
}


def settings_of(
    preset: str | None, method: str | None, given: Mapping[str, Any], pairs: Sequence[str] = ()
) -> tuple[str, dict[str, Any]]:
    """Return the method and its settings; what is `given` or in `pairs` beats the preset.

    Parameters
    ----------
    preset
        name in `PRESETS`, or None.
    method
        name of a method; the preset's, else kaczmarz, where it is None.
    given
        settings; those that are None are left to the preset or the method.
    pairs
        "key=value" with a value in JSON, or text.

    Raises
    ------
    DataError
        if the preset is unknown, a pair is none, or one setting is stated twice, differently.
    """
    start = Preset(method or "kaczmarz", {}, "")
    if preset is not None:
        if preset not in PRESETS:
            raise DataError(f"no preset {preset!r}; there are {', '.join(PRESETS)}")
        start = PRESETS[preset]
        if method is not None and method != start.method:
            raise DataError(
                f"preset {preset!r} is of method {start.method!r}, not {method!r}; leave one out"
            )
    stated = {key: value for key, value in given.items() if value is not None}
    for key, value in map(_pair, pairs):
        if key in stated and _plain(stated[key]) != _plain(value):
            raise DataError(
                f"{key} is stated twice, as {stated[key]!r} and as {value!r}; state it once"
            )
        stated[key] = value
    return start.method, {**start.settings, **stated}


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _pair(words: str) -> tuple[str, Any]:
    key, equals, value = words.partition("=")
    if not equals or not key:
        raise DataError(f"--set {words!r}: expected KEY=VALUE, as in --set iterations=3")
    try:
        return key, json.loads(value)
    except (ValueError, RecursionError):
        return key, value
