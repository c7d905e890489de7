import numpy as np
import pytest

from sojourn.core.errors import DataError
from sojourn.core.geometry import Grid
from sojourn.core.images import IronMap, Mask
from sojourn.core.provenance import Provenance
from sojourn.quantification.imported import (
    ImageQuality,
    accept_typed_amount,
    measure_iron_in_image,
)

SPACING = 0.002
GRID = Grid.centered((20, 20, 20), (SPACING,) * 3)
INSIDE = np.zeros((20, 20, 20), dtype=bool)
INSIDE[8:12, 8:12, 8:12] = True
MASK = Mask(INSIDE.astype(np.int32), GRID, {1: "cavity", 2: "empty"}, Provenance("t"))


def image(values):
    return IronMap(values, GRID, Provenance("t"))


def quality(**changes):
    stated = {"voxel_noise": 1e-4, "noise_length": 0.002, "scale_sd": 0.05, "source": "a blank"}
    return ImageQuality(**(stated | changes))


def blurred(width):
    """Return 1 kg/m^3 in the mask, blurred by its own separable sampled Gaussian."""
    sigma = width / 2.3548 / SPACING
    offsets = np.arange(-9, 10)
    kernel = np.exp(-0.5 * (offsets / sigma) ** 2)
    kernel /= kernel.sum()
    values = INSIDE.astype(float)
    for axis in range(3):
        values = np.apply_along_axis(np.convolve, axis, values, kernel, mode="same")
    return values


TRUTH = 64 * SPACING**3


@pytest.mark.parametrize("width", [0.002, 0.006, 0.010])
def test_a_blurred_filling_is_recovered_when_the_blur_is_stated(width):
    amount = measure_iron_in_image(
        image(blurred(width)), MASK, region="cavity", quality=quality(blur=width)
    )
    assert amount.estimate.value == pytest.approx(TRUTH, rel=0.02)
    assert amount.estimate.covers(TRUTH)
    assert amount.naive_sum < TRUTH
    assert amount.grade == "B"


def test_the_naive_sum_of_a_tight_mask_misses_most_at_10_mm():
    amount = measure_iron_in_image(image(blurred(0.010)), MASK, region="cavity", quality=quality())
    assert amount.naive_sum < 0.5 * TRUTH
    assert amount.estimate.covers(0.4 * TRUTH)


def test_without_the_blur_the_interval_is_wide_and_says_so():
    known = measure_iron_in_image(
        image(blurred(0.004)), MASK, region="cavity", quality=quality(blur=0.004)
    ).estimate
    unknown = measure_iron_in_image(
        image(blurred(0.004)), MASK, region="cavity", quality=quality()
    ).estimate
    assert unknown.covers(TRUTH)
    assert unknown.upper - unknown.lower > 1.5 * (known.upper - known.lower)
    assert any("blur is not known" in note for note in unknown.notes)


def test_noise_adds_over_correlated_voxels():
    fine = measure_iron_in_image(
        image(blurred(0.004)), MASK, region="cavity", quality=quality(blur=0.004)
    )
    coarse = measure_iron_in_image(
        image(blurred(0.004)),
        MASK,
        region="cavity",
        quality=quality(blur=0.004, noise_length=0.004),
    )
    ratio = coarse.components["noise"] / fine.components["noise"]
    assert ratio == pytest.approx(np.sqrt(8))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"quality": None}, "gives no interval", id="no-quality"),
        pytest.param({"region": "empty"}, "no voxel", id="empty-region"),
        pytest.param({"region": "knee"}, "no region", id="unknown-region"),
    ],
)
def test_a_volume_without_what_bounds_it_is_refused(changes, message):
    arguments = {"region": "cavity", "quality": quality()} | changes
    with pytest.raises(DataError, match=message):
        measure_iron_in_image(image(blurred(0.004)), MASK, **arguments)


def test_a_mask_on_another_grid_is_refused():
    other = Grid.centered((20, 20, 20), (SPACING,) * 3, (0.001, 0, 0))
    moved = Mask(MASK.labels, other, MASK.names, Provenance("t"))
    with pytest.raises(DataError, match="resample"):
        measure_iron_in_image(image(blurred(0.004)), moved, region="cavity", quality=quality())


def test_a_typed_number_keeps_its_uncertainty_and_its_grade():
    amount = accept_typed_amount(2e-7, 2e-8, region="cavity", source="console print-out")
    assert amount.grade == "C"
    assert amount.estimate.lower == pytest.approx(2e-7 - 1.959964 * 2e-8)
    assert amount.covariance[0, 0] == pytest.approx(4e-16)
    assert amount.misfit is None


@pytest.mark.parametrize(
    ("value", "sd", "source", "message"),
    [
        pytest.param(2e-7, None, "x", "without a standard uncertainty", id="no-uncertainty"),
        pytest.param(2e-7, 0.0, "x", "positive standard uncertainty", id="certain"),
        pytest.param(float("nan"), 1e-8, "x", "finite value", id="nan"),
        pytest.param(2e-7, 1e-8, " ", "needs its source", id="no-source"),
    ],
)
def test_a_typed_number_that_says_too_little_is_refused(value, sd, source, message):
    with pytest.raises(DataError, match=message):
        accept_typed_amount(value, sd, region="cavity", source=source)
