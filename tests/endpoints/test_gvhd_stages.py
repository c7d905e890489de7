"""Stages at their borders.

Oracle: EXTERNAL, the staging of Harris et al. 2016 (MAGIC), its borders typed by hand.
"""

import pytest

from sojourn.core.errors import DataError
from sojourn.endpoints._gvhd_stages import (
    bilirubin_mg_per_dl,
    keystone_grade,
    liver_stage,
    lower_gi_stage,
    lower_gi_stage_by_episodes,
    magic_grade,
    mean_stool_volume,
    skin_stage,
    upper_gi_stage,
)


@pytest.mark.parametrize(
    ("bilirubin", "stage"),
    [
        *[(0, 0), (1.949, 0), (1.95, 1), (2.0, 1), (3.049, 1), (3.05, 2)],
        *[(6.04, 2), (6.05, 3), (15.04, 3), (15.05, 4)],
    ],
)
def test_bilirubin_is_rounded_to_a_tenth_first_and_a_half_goes_up(bilirubin, stage):
    assert liver_stage(bilirubin) == stage


def test_bilirubin_in_umol_per_l():
    assert bilirubin_mg_per_dl(34.2) == pytest.approx(2.0)
    # 33.345 / 17.1 is 1.95 on paper.
    assert liver_stage(bilirubin_mg_per_dl(33.345)) == 1


def test_stage_4_needs_more_than_a_value():
    assert (skin_stage(60), skin_stage(60, has_blisters=True)) == (3, 4)
    assert skin_stage(50, has_blisters=True) == 2
    assert lower_gi_stage(0, is_severe=True) == 4
    assert lower_gi_stage_by_episodes(0, is_severe=True) == 4


@pytest.mark.parametrize(("n", "stage"), [(0, 0), (2.9, 0), (3, 1), (4, 1), (5, 2), (7, 2), (8, 3)])
def test_episodes_of_diarrhea(n, stage):
    assert lower_gi_stage_by_episodes(n) == stage


def test_upper_gut_has_one_stage():
    assert (upper_gi_stage(is_persistent=False), upper_gi_stage(is_persistent=True)) == (0, 1)


def test_three_days_are_averaged_and_a_mixture_counts_half():
    assert mean_stool_volume([300, 600, 900]) == 600
    assert mean_stool_volume([300, 600, 900], is_mixed=True) == 300
    with pytest.raises(DataError, match="at least one day"):
        mean_stool_volume([])


@pytest.mark.parametrize(
    "call",
    [
        lambda: skin_stage(100.1),
        lambda: skin_stage(-1),
        lambda: liver_stage(float("nan")),
        lambda: bilirubin_mg_per_dl(-1),
        lambda: lower_gi_stage(float("inf")),
        lambda: lower_gi_stage_by_episodes(-1),
        lambda: magic_grade(5, 0, 0, 0),
        lambda: keystone_grade(0, 0, 2, 0),
        lambda: magic_grade(0, -1, 0, 0),
    ],
)
def test_what_cannot_be_is_refused(call):
    with pytest.raises(DataError, match="expected"):
        call()
