import pytest

from sojourn.conduct.eligibility import check_bounds, check_choice, satisfies


@pytest.mark.parametrize(
    ("age", "verdict"),
    [
        pytest.param(17, "failed", id="one-year-too-young"),
        pytest.param(18, "met", id="youngest-counts"),
        pytest.param(75, "met", id="oldest-counts"),
        pytest.param(76, "failed", id="one-year-too-old"),
        pytest.param(None, "unknown", id="age-not-recorded"),
    ],
)
def test_age_bounds_are_inclusive(age, verdict):
    assert check_bounds(age, low=18, high=75) == verdict


@pytest.mark.parametrize(("score", "verdict"), [(60, "failed"), (70, "met")])
def test_exclusive_lower_bound(score, verdict):
    assert check_bounds(score, above=60) == verdict


@pytest.mark.parametrize(("value", "verdict"), [(30.0, "failed"), (29.9, "met")])
def test_exclusive_upper_bound(value, verdict):
    assert check_bounds(value, below=30.0) == verdict


def test_choice():
    assert check_choice("II", ("II", "III")) == "met"
    assert check_choice("IV", ("II", "III")) == "failed"
    assert check_choice(None, ("II", "III")) == "unknown"


@pytest.mark.parametrize(
    ("kind", "verdict", "expected"),
    [
        ("inclusion", "met", "met"),
        ("exclusion", "met", "failed"),
        ("exclusion", "failed", "met"),
        ("exclusion", "unknown", "unknown"),
        ("inclusion", "unknown", "unknown"),
    ],
)
def test_an_exclusion_criterion_must_fail(kind, verdict, expected):
    assert satisfies(kind, verdict) == expected
