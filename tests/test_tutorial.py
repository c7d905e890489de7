"""The tutorial's lines run on the measured data, and show what the page says."""

import re
from pathlib import Path

import matplotlib as mpl
import numpy as np

PAGE = Path(__file__).resolve().parents[1] / "docs" / "tutorial.md"


def test_ten_lines_lead_from_bytes_to_a_figure(shared, tmp_path, monkeypatch):
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    after_imports = [line for line in code.split("\n\n", 1)[1].splitlines() if line.strip()]
    assert len(after_imports) <= 10
    mpl.use("Agg")
    monkeypatch.setenv("SOJOURN_SHARED", str(shared))
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    exec(code, names)
    assert (tmp_path / "places.png").read_bytes().startswith(b"\x89PNG")
    images = names["images"]
    # SOURCES.md: run B on run A, the maximum is at the true place 9 times of 9
    np.testing.assert_array_equal(images.argmax(axis=1), np.arange(9))
    sums = images.sum(axis=1)
    assert sums.min() < 0.9
    assert sums.max() > 1.2
