"""The markdown of a registry record's free texts."""

import re

_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")


def unescape_markdown(text: str) -> str:
    r"""Return `text` with markdown's backslash escapes resolved.

    The registry's API escapes ASCII punctuation in its markdown fields (CommonMark 0.28,
    section 6.1).

    Examples
    --------
    >>> unescape_markdown(r"BMI \> 30, 10\^9/L")
    'BMI > 30, 10^9/L'
    """
    return _ESCAPED.sub(r"\1", text)
