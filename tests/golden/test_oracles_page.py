"""docs/oracles.md names every golden file and its module; every module says whose oracle it is."""

import ast
import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PAGE = (HERE.parents[1] / "docs" / "oracles.md").read_text(encoding="utf-8")


def covers(path):
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "COVERS":
            return ast.literal_eval(node.value)
    return []


WALKS = [path for path in sorted(HERE.glob("test_*.py")) if covers(path)]


@pytest.mark.parametrize("path", WALKS, ids=lambda path: path.stem)
def test_a_walk_says_whose_oracle_it_is_and_stands_on_the_page(path):
    about = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert re.search(r"\b(EXTERNAL|OURS)\b", about)
    for name in covers(path):
        row = next((line for line in PAGE.splitlines() if f"`{name}`" in line and "|" in line), "")
        assert f"`{path.stem}`" in row, name
        assert re.search(r"\b(EXTERNAL|OURS)\b", row)


def test_every_test_that_the_page_names_is_there():
    tests = HERE.parent
    for name in re.findall(r"`(tests/[^`*]*?)`", PAGE):
        assert (tests.parent / name).exists(), name
