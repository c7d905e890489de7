"""Thresholds of rules in another unit are refused. Bounds: those of the tables (OURS)."""

import pytest

from sojourn.core.errors import DataError
from sojourn.study.outcomes import endpoints

COUNT = (1e6, 1e13, "no threshold of a count")
HEMOGLOBIN = (30.0, 250.0, "no threshold of hemoglobin")

THRESHOLDS = [
    ("poor_graft_function", "anc_per_l", COUNT),
    ("poor_graft_function", "plt_per_l", COUNT),
    ("poor_graft_function", "hgb_g_per_l", HEMOGLOBIN),
    ("poor_graft_function", "recovered_hgb_g_per_l", HEMOGLOBIN),
]


def checked(endpoint, key, value):
    return getattr(endpoints.get(endpoint).check_rule({key: value}), key)


@pytest.mark.parametrize(("endpoint", "key", "bounds"), THRESHOLDS)
def test_a_threshold_that_no_laboratory_reports_is_refused(endpoint, key, bounds):
    low, high, message = bounds
    for wrong in (0.999 * low, 1.001 * high, float("nan")):
        with pytest.raises(DataError, match=f"{key}: .*{message}"):
            checked(endpoint, key, wrong)


@pytest.mark.parametrize(("endpoint", "key", "bounds"), THRESHOLDS)
def test_the_bounds_are_thresholds(endpoint, key, bounds):
    low, high, _ = bounds
    assert [checked(endpoint, key, value) for value in (low, high)] == [low, high]


@pytest.mark.parametrize("value", [0.95, 1.0, 100.0])
def test_a_share_in_place_of_a_percentage_is_refused(value):
    with pytest.raises(DataError, match=r"donor_percent: .*write 95 for a share of 0\.95"):
        checked("poor_graft_function", "donor_percent", value)


@pytest.mark.parametrize("value", [1.1, 99.9])
def test_a_percentage_is_taken(value):
    assert checked("poor_graft_function", "donor_percent", value) == value
