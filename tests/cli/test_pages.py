"""Commands that README.md and docs show: what they name exists."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from sojourn.cli import app
from sojourn.cli.scan import BACKGROUNDS

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def shown(page):
    """Return the words of every command that `page` shows."""
    text = page.read_text(encoding="utf-8")
    found = re.findall(r"`sojourn ([^`\n]+)`|^ +(?:\.venv/bin/)?sojourn ([^#\n]+)", text, re.M)
    return [re.split(r"[\s\[\]|]+", (one or other).strip()) for one, other in found]


def resolved(words):
    """Return the command that `words` call, or None where they name none."""
    command = get_command(app)
    for word in words:
        if not hasattr(command, "commands"):
            return command
        if word not in command.commands:
            return None
        command = command.commands[word]
    return command


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_and_option_exists(page):
    for words in shown(page):
        if words[0].startswith("-"):
            continue
        command = resolved([word for word in words if not word.startswith("-")])
        assert command is not None, " ".join(words)
        options = {name for parameter in command.params for name in parameter.opts}
        named = {word for word in words if re.fullmatch(r"--?[a-z][a-z-]*", word)}
        assert named <= options | {"--help"}, " ".join(words)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_background_is_accepted(page):
    for words in shown(page):
        if "--background" in words[:-1]:
            value = words[words.index("--background") + 1]
            assert value in BACKGROUNDS.split(", ") or not value.islower(), " ".join(words)
