import pytest

from sojourn.deliverables._numbers import decimals_of, format_level, format_number, format_p

NBSP, THIN, MINUS = "\u00a0", "\u202f", "\u2212"


@pytest.mark.parametrize(
    ("value", "unit", "decimals", "expected"),
    [
        pytest.param(0.5234567, "share", None, f"52.3{NBSP}%", id="share-in-percent"),
        pytest.param(0.5234567, "share", 0, f"52{NBSP}%", id="decimals-as-told"),
        pytest.param(0.999, "fraction", 0, f"100{NBSP}%", id="rounds-up"),
        pytest.param(0.52e9, "1/L", None, f"0.52{NBSP}10\u2079/L", id="count-in-giga-per-litre"),
        pytest.param(12.4, "ug", None, f"12.4{NBSP}\u00b5g", id="microgram"),
        pytest.param(-9.8, "points", None, f"{MINUS}9.8{NBSP}points", id="true-minus"),
        pytest.param(0.0, "share", None, f"0{NBSP}%", id="zero-is-zero"),
        pytest.param(1234.0, "", None, "1234", id="four-digits-ungrouped"),
        pytest.param(61000.0, "", None, f"61{THIN}000", id="five-digits-grouped"),
        pytest.param(6.1e7, "cells", None, f"6.1{NBSP}\u00d7{NBSP}10\u2077{NBSP}cells", id="power"),
        pytest.param(0.0004, "", None, f"4{NBSP}\u00d7{NBSP}10\u207b\u2074", id="small-power"),
        pytest.param(-0.04, "points", 0, f"0{NBSP}points", id="no-minus-zero"),
        pytest.param(99.96, "", 1, "100.0", id="decimals-kept-after-carry"),
    ],
)
def test_a_number_is_written_as_a_reader_expects(value, unit, decimals, expected):
    assert format_number(value, unit, decimals) == expected


@pytest.mark.parametrize(
    ("lower", "upper", "unit", "expected"),
    [
        pytest.param(0.39, 0.66, "share", 0, id="27-points-wide-whole-percent"),
        pytest.param(0.30, 0.39, "share", 1, id="9-points-wide-one-decimal"),
        pytest.param(0.0, 0.1, "share", 0, id="exactly-ten-wide"),
        pytest.param(1.0, 1.5, "", 2, id="half-wide-two-decimals"),
        pytest.param(-0.2458, -0.0033, "share", 1, id="a-bound-near-zero-stays-off-zero"),
        pytest.param(-0.2458, 0.0, "share", 0, id="a-bound-at-zero-is-zero"),
        pytest.param(None, 1.0, "", None, id="open-below"),
        pytest.param(1.0, None, "", None, id="open-above"),
        pytest.param(1.0, 1.0, "", None, id="no-width"),
    ],
)
def test_the_interval_decides_the_digits(lower, upper, unit, expected):
    assert decimals_of(lower, upper, unit) == expected


@pytest.mark.parametrize(
    ("p", "expected"),
    [(0.0009, "< 0.001"), (0.001, "0.001"), (0.0317, "0.032"), (0.1, "0.10"), (0.5, "0.50")],
)
def test_small_p_values_are_bounds(p, expected):
    assert format_p(p) == expected


def test_a_level_is_a_percentage():
    assert format_level(0.95) == f"95{NBSP}%"
    assert format_level(0.975) == f"97.5{NBSP}%"
    assert format_level(None) == ""
