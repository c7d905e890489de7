from importlib import resources

import pytest

from sojourn.deliverables._palette import PALETTE, contrast_ratio, group_style

TEXT_PAIRS = [
    *((ink, "paper") for ink in ("ink", "muted", "accent", "first", "second", "third", "fourth")),
    *((ink, "ground") for ink in ("ink", "muted", "accent")),
    ("caution", "caution-soft"),
    ("alarm", "alarm-soft"),
    ("alarm", "paper"),
    ("simulated", "simulated-soft"),
    ("paper", "simulated"),
    ("paper", "accent"),
    ("ink", "accent-soft"),
    ("muted", "accent-soft"),
    ("neutral", "paper"),
]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        pytest.param("#000000", "#ffffff", 21.0, id="greatest"),
        pytest.param("#777777", "#ffffff", 4.48, id="grey-just-below-aa"),
        pytest.param("#767676", "#ffffff", 4.54, id="grey-just-above-aa"),
        pytest.param("#ffffff", "#ffffff", 1.0, id="none"),
    ],
)
def test_contrast_agrees_with_published_values(one, other, expected):
    assert contrast_ratio(one, other) == pytest.approx(expected, abs=0.005)
    assert contrast_ratio(other, one) == pytest.approx(expected, abs=0.005)


@pytest.mark.parametrize(("ink", "ground"), TEXT_PAIRS)
def test_text_reaches_wcag_aa(ink, ground):
    assert contrast_ratio(PALETTE[ink], PALETTE[ground]) >= 4.5


def test_groups_differ_in_color_line_and_marker():
    styles = [group_style(i) for i in range(4)]
    for part in ("color", "dash", "marker"):
        assert len({getattr(style, part) for style in styles}) == 4


def test_the_style_sheet_uses_only_known_colors():
    import re

    sheet = resources.files("sojourn.deliverables") / "templates" / "report.css"
    used = set(re.findall(r"var\(--([a-z-]+)\)", sheet.read_text(encoding="utf-8")))
    assert used <= set(PALETTE)
