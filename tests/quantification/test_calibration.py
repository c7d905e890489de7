import math

import pytest
from pydantic import ValidationError

from sojourn.core.errors import DataError
from sojourn.core.estimates import Estimate
from sojourn.quantification.calibration import CalibrationRepeatability, estimate_labelled_cells

Z = 1.959963984540054


def iron(value, sd, unit="kg", upper=None):
    return Estimate(value, unit, value - Z * sd, upper or value + Z * sd, 0.95, "t")


def test_cells_are_iron_over_iron_per_cell_with_fiellers_interval():
    cells = estimate_labelled_cells(
        iron(300e-9, 15e-9), iron_per_cell=5e-15, iron_per_cell_sd=0.5e-15
    )
    assert cells.value == pytest.approx(6e7)
    for bound in (cells.lower, cells.upper):
        contrast = (300e-9 - bound * 5e-15) / math.hypot(15e-9, bound * 0.5e-15)
        assert abs(contrast) == pytest.approx(Z)
    assert any("not a count of living cells" in note for note in cells.notes)


@pytest.mark.parametrize(
    ("amount", "per_cell", "sd", "message"),
    [
        pytest.param(iron(3, 1, "calibration samples"), 5e-15, 0, "need iron in kg", id="unit"),
        pytest.param(iron(3, 1), 0, 0, "must be positive", id="no-iron-per-cell"),
        pytest.param(iron(3, 1), 5e-15, -1e-16, "not negative", id="negative-sd"),
        pytest.param(iron(3, 1, upper=math.inf), 5e-15, 0, "bounded", id="unbounded"),
    ],
)
def test_what_gives_no_count_is_refused(amount, per_cell, sd, message):
    with pytest.raises(DataError, match=message):
        estimate_labelled_cells(amount, iron_per_cell=per_cell, iron_per_cell_sd=sd)


@pytest.mark.parametrize("field", ["gain", "row", "delay", "tilt", "sample_iron"])
def test_repeatability_is_never_negative(field):
    stated = dict.fromkeys(("gain", "row", "delay", "tilt", "sample_iron"), 0.0)
    with pytest.raises(ValidationError):
        CalibrationRepeatability(**(stated | {field: -0.01}), source="test")


def test_repeatability_needs_its_source():
    with pytest.raises(ValidationError):
        CalibrationRepeatability(gain=0, row=0, delay=0, tilt=0, sample_iron=0, source="")
