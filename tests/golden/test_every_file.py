"""Every golden file has a test that walks it: a test module here names the files it covers."""

import ast
from pathlib import Path

HERE = Path(__file__).parent


def named_files() -> list[str]:
    """Return the names in `COVERS` of every test module of this folder."""
    found: list[str] = []
    for module in sorted(HERE.glob("test_*.py")):
        for node in ast.parse(module.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "COVERS":
                found += ast.literal_eval(node.value)
    return found


def test_every_golden_file_is_walked_once(shared):
    folder = shared / "data/hsct"
    files = {path.name for path in (folder / "golden").glob("*.json")}
    files |= {path.name for path in folder.glob("golden_*.csv")}
    assert sorted(named_files()) == sorted(files)
