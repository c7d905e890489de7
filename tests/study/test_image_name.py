"""Names of images stay within the folder of images, whatever a site calls its subjects."""

import pytest

from sojourn.study.reconstructing import image_name


@pytest.mark.parametrize(
    ("subject", "visit", "name"),
    [
        pytest.param("SIM-KNEE-001", "DAY7", "SIM-KNEE-001_DAY7.nii.gz", id="plain"),
        pytest.param("../../x", "DAY7", "..%2F..%2Fx_DAY7.nii.gz", id="slash-in-subject"),
        pytest.param("x", "../../y", "x_..%2F..%2Fy.nii.gz", id="slash-in-visit"),
        pytest.param("a\\b", "DAY 7", "a%5Cb_DAY%207.nii.gz", id="backslash-and-space"),
        pytest.param("\u00e4", "C:", "%C3%A4_C%3A.nii.gz", id="letters-beyond-ascii"),
    ],
)
def test_only_plain_letters_stay(subject, visit, name):
    assert image_name(subject, visit) == name


def test_names_too_long_for_a_file_system_are_cut_and_stay_apart():
    one, other = image_name("x" * 5000, "DAY7"), image_name("x" * 5000, "DAY30")
    assert one != other
    assert max(len(one), len(other)) < 255
