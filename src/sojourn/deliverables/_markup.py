"""Markup built from values: every text and attribute is escaped, once, here."""

from collections.abc import Iterable, Mapping
from html import escape as _escape

Attribute = str | float | int | None


class Html(str):
    """Text that is markup already: it is not escaped again, by this module or by a template."""

    __slots__ = ()

    def __html__(self) -> "Html":
        """Tell the template engine that this is safe."""
        return self


def escaped(text: str) -> Html:
    """Return `text` as markup; control characters, which no page may hold, become U+FFFD."""
    if isinstance(text, Html):
        return text
    clean = "".join(c if c >= " " or c in "\n\t" else "\ufffd" for c in text)
    return Html(_escape(clean, quote=True))


def coordinate(value: float) -> str:
    """Return a drawing coordinate with at most two decimals."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def element(tag: str, attributes: Mapping[str, Attribute], *children: str) -> Html:
    """Return one element; attributes that are None are left out."""
    parts = [
        f' {name}="{escaped(value) if isinstance(value, str) else coordinate(value)}"'
        for name, value in attributes.items()
        if value is not None
    ]
    inner = "".join(escaped(child) for child in children)
    return Html(f"<{tag}{''.join(parts)}>{inner}</{tag}>")


def joined(parts: Iterable[str], separator: str = "") -> Html:
    """Return `parts` in order as one piece of markup."""
    return Html(escaped(separator).join(escaped(part) for part in parts))
