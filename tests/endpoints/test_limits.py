"""Thresholds of rules in another unit are refused. Bounds: those of the tables (OURS)."""

import pytest

from sojourn.core.errors import DataError
from sojourn.study.outcomes import endpoints

COUNT = (1e6, 1e13, "no threshold of a count")
HEMOGLOBIN = (30.0, 250.0, "no threshold of hemoglobin")

THRESHOLDS = [
    ("neutrophil_recovery", "threshold_per_l", COUNT),
    ("hemoglobin_recovery", "threshold_g_per_l", HEMOGLOBIN),
    ("platelet_response", "complete_per_l", COUNT),
    ("platelet_response", "partial_per_l", COUNT),
    ("immune_reconstitution", "cd4_per_l", COUNT),
    ("hemogram_response", "affected_anc_per_l", COUNT),
    ("hemogram_response", "affected_plt_per_l", COUNT),
    ("hemogram_response", "affected_hgb_g_per_l", HEMOGLOBIN),
    ("poor_graft_function", "anc_per_l", COUNT),
    ("poor_graft_function", "plt_per_l", COUNT),
    ("poor_graft_function", "hgb_g_per_l", HEMOGLOBIN),
    ("poor_graft_function", "recovered_hgb_g_per_l", HEMOGLOBIN),
]


def checked(endpoint, key, value):
    # A complete response lies above a partial one.
    other = {"complete_per_l": {"partial_per_l": 1e6}, "partial_per_l": {"complete_per_l": 1e13}}
    rule = other.get(key, {}) | {key: value}
    return getattr(endpoints.get(endpoint).check_rule(rule), key)


@pytest.mark.parametrize(("endpoint", "key", "bounds"), THRESHOLDS)
def test_a_threshold_that_no_laboratory_reports_is_refused(endpoint, key, bounds):
    low, high, message = bounds
    for wrong in (0.999 * low, 1.001 * high, float("nan")):
        with pytest.raises(DataError, match=f"{key}: .*{message}"):
            checked(endpoint, key, wrong)


@pytest.mark.parametrize(("endpoint", "key", "bounds"), THRESHOLDS)
def test_the_bounds_are_thresholds(endpoint, key, bounds):
    low, high, _ = bounds
    low, high = {"complete_per_l": (2e6, high), "partial_per_l": (low, 9e12)}.get(key, (low, high))
    assert [checked(endpoint, key, value) for value in (low, high)] == [low, high]


@pytest.mark.parametrize("value", [0.95, 1.0, 100.0])
def test_a_share_in_place_of_a_percentage_is_refused(value):
    with pytest.raises(DataError, match=r"donor_percent: .*write 95 for a share of 0\.95"):
        checked("poor_graft_function", "donor_percent", value)


@pytest.mark.parametrize("value", [1.1, 99.9])
def test_a_percentage_is_taken(value):
    assert checked("poor_graft_function", "donor_percent", value) == value


@pytest.mark.parametrize(
    "rule",
    [
        {"neutrophils": {"threshold_per_l": 0.5}},
        {"hemoglobin": {"threshold_g_per_l": 7}},
        {"platelets": {"complete_per_l": 50, "partial_per_l": 20}},
    ],
)
def test_a_lineage_of_the_hemogram_is_held_to_the_same(rule):
    with pytest.raises(DataError, match="is no threshold of"):
        endpoints.get("hemogram_response").check_rule(rule)


@pytest.mark.parametrize(("measurements", "span"), [(3, 1), (2, 0), (9, 7)])
def test_a_row_that_cannot_fit_into_its_span_is_refused(measurements, span):
    rule = {"measurements": measurements, "span_days": span}
    with pytest.raises(DataError, match=f"{measurements} days in a row .* span_days = {span}"):
        endpoints.get("neutrophil_recovery").check_rule(rule)
    # Successive dates need no span.
    endpoints.get("neutrophil_recovery").check_rule(rule | {"mode": "calendar"})


@pytest.mark.parametrize(("measurements", "span"), [(3, 2), (2, 1), (1, 0), (8, 7)])
def test_a_row_that_just_fits_into_its_span_is_a_rule(measurements, span):
    rule = {"measurements": measurements, "span_days": span}
    assert endpoints.get("neutrophil_recovery").check_rule(rule).span_days == span
