"""How a number is written: one function for all, the digits that its interval supports."""

import math
import re

_MINUS = "\u2212"
_THIN = "\u202f"
_NBSP = "\u00a0"
_SUPERSCRIPT = str.maketrans(
    "-0123456789", "\u207b\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079"
)

_DISPLAY: dict[str, tuple[float, str]] = {
    "share": (100.0, "%"),
    "fraction": (100.0, "%"),
    "proportion": (100.0, "%"),
    "probability": (100.0, "%"),
    "percent": (1.0, "%"),
    "difference of shares": (100.0, "percentage points"),
    "kg/m^3": (1.0, "kg/m\u00b3"),
    "1/L": (1e-9, "10\u2079/L"),
    "ug": (1.0, "\u00b5g"),
    "1": (1.0, ""),
    "": (1.0, ""),
    "d": (1.0, "days"),
    "day": (1.0, "days"),
}


def display(unit: str) -> tuple[float, str]:
    """Return the factor and the symbol with which values in `unit` are shown."""
    if rate := re.fullmatch(r"1/\((\d+) d\)", unit):
        return 1.0, f"per {rate.group(1)} days"
    return _DISPLAY.get(unit, (1.0, unit))


def is_share(unit: str) -> bool:
    """Tell whether values in `unit` are shares of a whole, 0 to 1, shown in percent."""
    return display(unit) == (100.0, "%")


def _grouped(text: str) -> str:
    whole, point, rest = text.partition(".")
    if len(whole.lstrip("-")) > 4:
        whole = f"{int(whole):,}".replace(",", _THIN)
    return (whole + point + rest).replace("-", _MINUS)


def _plain(value: float, decimals: int | None) -> str:
    if value == 0:
        return "0"
    exponent = math.floor(math.log10(abs(value)))
    if exponent >= 6 or exponent < -3:
        mantissa = f"{value / 10.0**exponent:.2f}".rstrip("0").rstrip(".").replace("-", _MINUS)
        return f"{mantissa}{_NBSP}\u00d7{_NBSP}10{str(exponent).translate(_SUPERSCRIPT)}"
    digits = max(0, 2 - exponent) if decimals is None else decimals
    text = f"{value:.{digits}f}"
    if decimals is None and "." in text:
        text = text.rstrip("0").rstrip(".")
    return _grouped("0" if float(text) == 0 and decimals in {None, 0} else text)


def format_number(
    value: float, unit: str = "", decimals: int | None = None, *, is_bare: bool = False
) -> str:
    """Return `value`, kept in `unit`, as a reader sees it, with its unit unless `is_bare`.

    Shares are shown in percent and cell counts in 10^9/L. Without `decimals` three significant
    digits are kept; very large and small numbers get a power of ten.
    """
    factor, symbol = display(unit)
    text = _plain(value * factor, decimals)
    if symbol == "%" and text == "100" and value * factor < 100 and decimals is None:
        text = "> 99.9"
    space = " " if len(symbol) > 10 else _NBSP
    return f"{text}{space}{symbol}" if symbol and not is_bare else text


def decimals_of(lower: float | None, upper: float | None, unit: str = "") -> int | None:
    """Return the decimals that an interval supports: two significant digits of its width.

    More where a bound would else round to zero, so that no interval seems to reach a zero that it
    excludes.
    """
    if lower is None or upper is None or not upper > lower:
        return None
    factor = display(unit)[0]
    digits = min(6, max(0, 1 - math.floor(math.log10((upper - lower) * factor))))
    while digits < 6 and any(end and not round(end * factor, digits) for end in (lower, upper)):
        digits += 1
    return digits


def exact(value: float) -> str:
    """Return the shortest text that reads back as exactly `value`."""
    return repr(value)


def plural(count: int, singular: str, several: str = "") -> str:
    """Return a count with its noun."""
    return f"{count}{_NBSP}{singular if count == 1 else several or singular + 's'}"


def format_level(level: float | None) -> str:
    """Return a confidence level as a percentage."""
    return "" if level is None else f"{100 * level:.4g}{_NBSP}%"


def format_p(value: float) -> str:
    """Return a p-value; small ones as a bound."""
    if value < 0.001:
        return "< 0.001"
    return f"{value:.3f}" if value < 0.1 else f"{value:.2f}"
