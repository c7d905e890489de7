from dataclasses import replace

import numpy as np
import pytest

import synthetic_mpi as synthetic
from sojourn.core.errors import DataError
from sojourn.reconstruction._matching import check_match, differences

BASE = synthetic.acquisition(
    gradient=np.diag([-1.0, -1.0, 2.0]),
    offset_field=np.zeros(3),
    gradient_steps=np.diag([-1.0, -1.0, 2.0])[None],
    offset_steps=np.zeros((1, 3)),
)


def drive(**changes):
    return {"drive_field": replace(BASE.drive_field, **changes)}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        pytest.param({"n_samples": 34}, "samples per period", id="samples"),
        pytest.param({"n_channels": 3}, "receive channels", id="channels"),
        pytest.param({"bandwidth": 0.5e6 * (1 + 2e-6)}, "bandwidth", id="bandwidth"),
        pytest.param({"unit": "counts"}, "unit", id="unit"),
        pytest.param({"gradient": np.diag([-1.0, -1.0, 2.01])}, "gradient", id="gradient"),
        pytest.param(drive(strength=np.array([[0.01002]])), "drive field", id="strength"),
        pytest.param(drive(phase=np.array([[0.502]])), "drive phase", id="phase"),
        pytest.param(drive(base_frequency=1.0001e6), "base frequency", id="base-frequency"),
        pytest.param(drive(divider=np.array([[16]])), "divider", id="divider"),
        pytest.param(drive(waveform="triangle"), "waveform", id="waveform"),
        pytest.param({"offset_field": np.array([0, 6e-4, 0])}, "offset field", id="offset"),
        pytest.param(
            {"offset_steps": np.array([[0, 6e-4, 0]])}, "offset field in a period", id="offsets"
        ),
        pytest.param(
            {"gradient_steps": 1.01 * BASE.gradient[None]}, "gradient in a period", id="gradients"
        ),
    ],
)
def test_each_difference_is_named(changes, named):
    found = differences(BASE, replace(BASE, **changes))
    assert [f.split(":")[0] for f in found] == [named]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="equal"),
        pytest.param({"bandwidth": 0.5e6 * (1 + 5e-7)}, id="clock-rounding"),
        pytest.param({"gradient": np.diag([-1.0, -1.0, 2.001])}, id="gradient-rounding"),
        pytest.param({"gradient": None}, id="gradient-not-stated"),
        pytest.param({"offset_field": np.array([0, 4.9e-4, 0])}, id="offset-of-a-twentieth"),
        pytest.param({"offset_field": None}, id="offset-not-stated"),
        pytest.param(
            {"offset_steps": None, "gradient_steps": None}, id="fields-in-a-period-not-stated"
        ),
        pytest.param(drive(phase=np.array([[0.5 + 2 * np.pi]])), id="a-full-turn"),
        pytest.param(drive(strength=np.array([[0.010005]])), id="read-back-field"),
        pytest.param({"n_averages": 50, "start_time": "later"}, id="averages-and-time"),
    ],
)
def test_what_does_not_matter_is_no_difference(changes):
    assert differences(BASE, replace(BASE, **changes)) == ()


def test_a_scan_with_its_field_free_point_elsewhere_is_refused():
    matrix = synthetic.matrix(acquisition=BASE)
    moved = replace(BASE, offset_field=np.array([0.01, 0, 0]))
    scan = synthetic.scan(np.zeros((1, 2, 17)), [False], acquisition=moved)
    with pytest.raises(DataError, match="offset field"):
        check_match(matrix, scan)


def test_a_gradient_that_the_calibration_leaves_out_is_not_compared():
    assert differences(replace(BASE, gradient=None), BASE) == ()


def test_all_differences_come_in_one_error():
    matrix = synthetic.matrix(metadata={"is_transfer_function_corrected": "1"})
    spectra = np.zeros((1, 1, 17))
    taken = synthetic.acquisition(n_channels=1, unit="counts")
    scan = synthetic.scan(spectra, [False], acquisition=taken)
    with pytest.raises(DataError, match=r"channels.*unit.*transfer function corrected"):
        check_match(matrix, scan)


@pytest.mark.parametrize("corrected", ["matrix", "scan"])
def test_a_transfer_function_divided_out_of_one_file_alone_is_refused(corrected):
    divided = synthetic.acquisition(is_transfer_function_corrected=True)
    plain = synthetic.acquisition()
    matrix = synthetic.matrix(acquisition=divided if corrected == "matrix" else plain)
    taken = divided if corrected == "scan" else plain
    scan = synthetic.scan(np.zeros((1, 2, 17)), [False], acquisition=taken)
    with pytest.raises(DataError, match=r"transfer function corrected: matrix (True|False)"):
        check_match(matrix, scan)
    both = synthetic.matrix(acquisition=divided)
    check_match(both, synthetic.scan(np.zeros((1, 2, 17)), [False], acquisition=divided))
