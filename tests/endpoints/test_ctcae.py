"""CTCAE v5 grades. Oracles: the bounds printed in CTCAE v5.0 (EXTERNAL, a published table); the
golden file that repeats them is walked in tests/golden by the transplant endpoints."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.core.errors import DataError
from sojourn.endpoints._ctcae import CTCAE, grade_lab

LLN = {"ANC": 2.0e9, "PLT": 150e9, "HGB": 120.0, "WBC": 4.0e9, "LYMPH": 1.0e9}
BOUNDS = {
    "ANC": [(2.0e9, 0), (1.5e9, 1), (1.0e9, 2), (0.5e9, 3)],
    "PLT": [(150e9, 0), (75e9, 1), (50e9, 2), (25e9, 3)],
    "HGB": [(120.0, 0), (100.0, 1), (80.0, 2)],
    "WBC": [(4.0e9, 0), (3.0e9, 1), (2.0e9, 2), (1.0e9, 3)],
    "LYMPH": [(1.0e9, 0), (0.8e9, 1), (0.5e9, 2), (0.2e9, 3)],
}


@pytest.mark.parametrize(
    ("test", "bound", "grade"), [(t, b, g) for t, bounds in BOUNDS.items() for b, g in bounds]
)
def test_a_lower_bound_belongs_to_the_milder_grade(test, bound, grade):
    assert grade_lab(test, bound, LLN[test]) == grade
    assert grade_lab(test, math.nextafter(bound, 0), LLN[test]) == grade + 1
    assert grade_lab(test, math.nextafter(bound, math.inf), LLN[test]) == grade


@pytest.mark.parametrize(("test", "worst"), [("ANC", 4), ("HGB", 3), ("LYMPH", 4)])
def test_a_value_of_0_has_the_highest_grade_that_a_value_can_have(test, worst):
    assert grade_lab(test, 0.0, LLN[test]) == worst


@pytest.mark.parametrize("lln", [1.5e9, 1.7e9, 2.0e9])
def test_the_limit_of_normal_is_the_laboratorys(lln):
    assert grade_lab("ANC", lln, lln) == 0
    assert grade_lab("ANC", math.nextafter(lln, 0), lln) == (1 if lln > 1.5e9 else 2)


@pytest.mark.parametrize(
    ("value", "lln", "message"),
    [
        pytest.param(-0.1, 2.0e9, "ANC is -0.1 1/L; expected a number not below 0", id="negative"),
        pytest.param(math.nan, 2.0e9, "expected a number", id="nan"),
        pytest.param(math.inf, 2.0e9, "expected a number", id="infinite"),
        pytest.param(1e9, 1.4e9, "below 1.5e[+]09 1/L, where grade 2 begins", id="limit-too-low"),
        pytest.param(1e9, 2.0, "is the limit in 1/L?", id="limit-in-other-units"),
        pytest.param(1e9, math.nan, "lower limit of normal", id="limit-nan"),
    ],
)
def test_what_cannot_be_graded_is_refused(value, lln, message):
    with pytest.raises(DataError, match=message):
        grade_lab("ANC", value, lln)


def test_an_unknown_test_is_refused():
    with pytest.raises(DataError, match="no CTCAE criteria for 'CRP'; known: ANC"):
        grade_lab("CRP", 1.0, 2.0)


@given(st.sampled_from(list(CTCAE)), st.floats(0, 3), st.floats(0, 3))
def test_a_lower_value_never_has_a_milder_grade(test, one, other):
    low, high = sorted((one, other))
    graded = [grade_lab(test, share * LLN[test], LLN[test]) for share in (low, high)]
    assert graded[0] >= graded[1]
