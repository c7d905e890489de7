import math

import numpy as np
import pytest

from sojourn.core.errors import DataError
from sojourn.core.estimates import Estimate
from sojourn.quantification.amount import Amount, Misfit
from sojourn.quantification.retention import Denominator, estimate_retention

Z = 1.959963984540054
SCAN, ASSAY = Denominator.POST_INJECTION_SCAN, Denominator.SYRINGE_ASSAY


def normal(value, sd, unit="kg"):
    return Estimate(value, unit, value - Z * sd, value + Z * sd, 0.95, "test")


def amount(cavity, outside, sd=0.01, *, common=0.0, grade="A", misfit=None, covariance=None):
    parts = {"cavity": normal(cavity, sd), "outside": normal(outside, sd)}
    return Amount(
        estimate=normal(cavity + outside, sd * 2**0.5),
        grade=grade,
        source_model="test",
        statement="",
        misfit=misfit,
        naive_sum=None,
        by_compartment=parts,
        covariance=np.eye(2) * sd**2 if covariance is None else covariance,
        common_relative=common,
        detection_limit=None,
        settings={},
        notes=(),
    )


def retention(follow_up, baseline, denominator=SCAN, **changes):
    return estimate_retention(
        follow_up, baseline, region="cavity", denominator=denominator, **changes
    )


def test_retention_is_the_cavitys_share_of_all_that_day_0_shows():
    assert retention(amount(0.6, 0.9), amount(0.8, 0.2)).value == pytest.approx(0.6)


def test_named_regions_alone_make_the_denominator():
    share = retention(amount(0.6, 0.9), amount(0.8, 0.2), denominator_regions=("cavity",))
    assert share.value == pytest.approx(0.75)


def test_the_interval_is_fiellers():
    share = retention(amount(0.6, 0.9), amount(0.8, 0.2))
    for bound in (share.lower, share.upper):
        contrast = (0.6 - bound * 1.0) / math.sqrt(1e-4 + bound**2 * 2e-4)
        assert abs(contrast) == pytest.approx(Z)


def test_covariance_between_regions_enters_the_denominator():
    apart = retention(amount(0.6, 0.9, 0.1), amount(0.8, 0.2, 0.1))
    opposed = np.array([[0.01, -0.0099], [-0.0099, 0.01]])
    known_sum = retention(amount(0.6, 0.9, 0.1), amount(0.8, 0.2, 0.1, covariance=opposed))
    assert known_sum.upper - known_sum.lower < apart.upper - apart.lower


def test_the_calibration_samples_error_leaves_a_ratio_of_two_scans():
    without = retention(amount(0.6, 0.9), amount(0.8, 0.2))
    common = retention(amount(0.6, 0.9, common=0.2), amount(0.8, 0.2, common=0.2))
    assert (common.lower, common.upper) == pytest.approx((without.lower, without.upper))


def test_against_an_assay_it_stays():
    assay = normal(1.0, 0.01)
    without = retention(amount(0.6, 0.9), assay, ASSAY)
    common = retention(amount(0.6, 0.9, common=0.2), assay, ASSAY)
    assert common.upper - common.lower > 5 * (without.upper - without.lower)
    assert any("do not cancel" in note for note in common.notes)


def test_scales_of_different_grades_do_not_cancel():
    same = retention(amount(0.6, 0.9, common=0.2), amount(0.8, 0.2, common=0.2))
    mixed = retention(amount(0.6, 0.9, common=0.2, grade="B"), amount(0.8, 0.2, common=0.2))
    assert mixed.upper - mixed.lower > 5 * (same.upper - same.lower)
    assert any("grades" in note for note in mixed.notes)


@pytest.mark.parametrize(
    ("cavity", "word"), [(1.2, "above 1"), (-0.1, "below 0")], ids=["above", "below"]
)
def test_an_impossible_share_is_shown_and_said_never_clipped(cavity, word):
    share = retention(amount(cavity, 0.0), amount(0.8, 0.2))
    assert share.value == pytest.approx(cavity)
    assert any(word in note for note in share.notes)


@pytest.mark.parametrize("cavity", [0.999, 0.001])
def test_a_possible_share_is_not_called_impossible(cavity):
    assert not any("clipped" in n for n in retention(amount(cavity, 0.0), amount(0.8, 0.2)).notes)


def test_a_denominator_in_the_noise_bounds_nothing():
    share = retention(amount(0.6, 0.0, 0.1), amount(0.1, 0.05, 0.1))
    assert (share.lower, share.upper) == (-math.inf, math.inf)
    assert any("do not bound" in note for note in share.notes)


def test_signal_is_said_to_be_no_count_of_cells():
    assert any(
        "not a share of cells alive" in n for n in retention(amount(1, 0), amount(1, 0)).notes
    )


def test_a_misfit_of_either_scan_is_carried_on():
    misfit = Misfit(99.0, 10, 1e-9, 0.01, 0.2, 0.05, True, 3.0)
    share = retention(amount(0.6, 0.9), amount(0.8, 0.2, misfit=misfit))
    assert any("MISFIT" in note and "denominator" in note for note in share.notes)


@pytest.mark.parametrize(
    ("baseline", "denominator", "message"),
    [
        pytest.param(normal(1, 0.1), SCAN, "takes the amount of a scan", id="assay-as-scan"),
        pytest.param(amount(1, 0), ASSAY, "takes the assayed iron", id="scan-as-assay"),
        pytest.param(normal(1, 0.1, "ug"), ASSAY, "one unit", id="units"),
        pytest.param(amount(0, 0), SCAN, "no amount given", id="nothing-given"),
        pytest.param(
            Estimate(1, "kg", 0, math.inf, 0.95, "t"), ASSAY, "bounds no share", id="unbounded"
        ),
    ],
)
def test_what_makes_no_ratio_is_refused(baseline, denominator, message):
    with pytest.raises(DataError, match=message):
        retention(amount(0.6, 0.9), baseline, denominator)


def test_an_unknown_region_is_refused():
    with pytest.raises(DataError, match="no compartment"):
        estimate_retention(amount(1, 0), amount(1, 0), region="knee", denominator=SCAN)


def test_within_one_scan_the_compartments_own_covariance_counts():
    scan = amount(0.8, 0.2, 0.01)
    share = retention(scan, scan)
    # Delta method of a / (a + b), a and b independent: sd = s sqrt(a^2 + b^2) / (a + b)^2.
    assert (share.upper - share.lower) / 2 / Z == pytest.approx(
        0.01 * math.hypot(0.8, 0.2), rel=1e-2
    )
    apart = retention(scan, amount(0.8, 0.2, 0.01))
    assert share.upper - share.lower < apart.upper - apart.lower


def test_a_common_error_of_one_scan_leaves_its_share():
    common = np.array([[0.64, 0.16], [0.16, 0.04]]) * 0.03**2
    scan = amount(0.8, 0.2, covariance=common)
    share = retention(scan, scan)
    assert (share.lower, share.upper) == (pytest.approx(0.8), pytest.approx(0.8))


def test_all_over_all_of_one_scan_is_one_for_certain():
    scan = amount(0.8, 0.2)
    share = retention(scan, scan, denominator_regions=("cavity",))
    assert (share.lower, share.upper) == (pytest.approx(1.0), pytest.approx(1.0))
