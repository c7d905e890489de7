"""Each rule that `check_mdf` compares: broken it is a deviation, what is only odd is a note."""

import numpy as np
import pytest

import handmade_mdf as handmade
from mdf_headers import found_in
from sojourn.formats.mdf import check_mdf

FOURIER = handmade.fourier()


SELECTED = handmade.fourier(bins=[1, 2])


SPARSE = {
    **FOURIER,
    "/measurement/data": np.ones((1, 2, 5, 3), complex),
    "/measurement/isSparsityTransformed": np.int8(1),
    "/measurement/sparsityTransformation": "DCT-II",
    "/measurement/subsamplingIndices": np.tile([1, 4], (1, 2, 5, 1)),
}


def test_layouts_of_the_specification_have_no_deviation(tmp_path):
    for number, changes in enumerate((FOURIER, SELECTED, SPARSE, handmade.fourier(fast=False))):
        assert found_in(handmade.write(tmp_path / f"{number}.mdf", changes)) == []


DRIVE, RECEIVER = "/acquisition/drivefield", "/acquisition/receiver"


@pytest.mark.parametrize(
    ("changes", "without", "expected"),
    [
        pytest.param({}, ("/uuid",), ("/uuid", "missing"), id="missing"),
        pytest.param({}, ("/study",), ("/study/name", "missing"), id="missing-group"),
        pytest.param({}, ("/tracer/vendor",), ("/tracer/vendor", "missing"), id="tracer"),
        pytest.param({}, ("/calibration/method",), ("/calibration/method", "missing"), id="cal"),
        pytest.param({}, ("/measurement",), ("/measurement", "missing"), id="no-data"),
        pytest.param(
            {"/measurement/isFramePermutation": np.int8(1)}, (),
            ("/measurement/framePermutation", "missing"), id="conditional",
        ),
        pytest.param(
            {k: v for k, v in SPARSE.items() if not k.endswith("Indices")}, (),
            ("/measurement/subsamplingIndices", "missing"), id="conditional-sparse",
        ),
        pytest.param({"/study/number": np.int32(3)}, (), ("/study/number", "type int32"), id="i4"),
        pytest.param({"/study/number": "3"}, (), ("/study/number", "type object"), id="text"),
        pytest.param(
            {"/acquisition/numFrames": np.array(5, ">i8")}, (),
            ("/acquisition/numFrames", "type >i8"), id="big-endian",
        ),
        pytest.param(
            {"/experiment/isSimulation": True}, (),
            ("/experiment/isSimulation", "type bool"), id="hdf5-bool",
        ),
        pytest.param(
            {f"{RECEIVER}/bandwidth": np.float32(833333.3)}, (),
            (f"{RECEIVER}/bandwidth", "type float32"), id="float32",
        ),
        pytest.param(
            {"/calibration/size": np.array([2.0, 2, 1])}, (),
            ("/calibration/size", "type float64"), id="float-for-integer",
        ),
        pytest.param(
            {"/measurement/data": handmade.signals()[:, None].astype("u2")}, (),
            ("/measurement/data", "type uint16"), id="unsigned-data",
        ),
        pytest.param(
            {f"{DRIVE}/strength": np.full((2, 1), 0.012)}, (),
            (f"{DRIVE}/strength", "shape (2, 1)"), id="no-axis-of-periods",
        ),
        pytest.param(
            {f"{DRIVE}/divider": np.array([4, 6])}, (),
            (f"{DRIVE}/divider", "shape (2,)"), id="divider",
        ),
        pytest.param(
            {"/acquisition/gradient": np.zeros((3, 3))}, (),
            ("/acquisition/gradient", "shape (3, 3)"), id="gradient",
        ),
        pytest.param(
            {"/acquisition/gradient": np.zeros((1, 2, 3, 3)),
             "/acquisition/offsetField": np.zeros((1, 3, 3))}, (),
            ("/acquisition/offsetField", "shape (1, 3, 3)"), id="sub-intervals-differ",
        ),
        pytest.param(
            {"/tracer/volume": np.array([1e-6, 1e-6])}, (),
            ("/tracer/volume", "shape (2,)"), id="two-volumes-of-one-tracer",
        ),
        pytest.param(
            {f"{RECEIVER}/transferFunction": np.ones((2, 4), complex)}, (),
            (f"{RECEIVER}/transferFunction", "shape (2, 4)"), id="transfer-function",
        ),
        pytest.param(
            {"/calibration/snr": np.ones((2, 5))}, (),
            ("/calibration/snr", "shape (2, 5)"), id="snr",
        ),
        pytest.param(
            {"/calibration/positions": np.ones((3, 3))}, (),
            ("/calibration/positions", "shape (3, 3)"), id="positions",
        ),
        pytest.param(
            {"/measurement/isFastFrameAxis": np.int8(1)}, (),
            ("/measurement/data", "shape (5, 1, 2, 8)"), id="data-against-flag",
        ),
        pytest.param(
            {"/measurement/data": handmade.signals()[:, None, :1]}, (),
            ("/measurement/data", "shape (5, 1, 1, 8)"), id="data-channels",
        ),
        pytest.param(
            {"/measurement/data": np.zeros((5, 1, 2, 9))}, (),
            ("/measurement/data", "9 samples"), id="more-samples-than-received",
        ),
        pytest.param(
            {**FOURIER, "/measurement/isFourierTransformed": np.int8(0)}, (),
            ("/measurement/data", "type complex128"), id="complex-in-time",
        ),
        pytest.param(
            {**FOURIER, "/measurement/isFrequencySelection": np.int8(1),
             "/measurement/frequencySelection": np.arange(5)}, (),
            ("/measurement/frequencySelection", "5 values, 0 to 4"), id="zero-based-bins",
        ),
        pytest.param(
            {**SELECTED, "/measurement/frequencySelection": np.array([2, 2])}, (),
            ("/measurement/frequencySelection", "2 values, 2 to 2"), id="bin-twice",
        ),
        pytest.param(
            {**SELECTED, "/measurement/frequencySelection": np.array([2, 6])}, (),
            ("/measurement/frequencySelection", "2 values, 2 to 6"), id="bin-beyond",
        ),
        pytest.param(
            {"/measurement/isFramePermutation": np.int8(1),
             "/measurement/framePermutation": np.arange(5)}, (),
            ("/measurement/framePermutation", "5 values, 0 to 4"), id="zero-based-frames",
        ),
        pytest.param(
            {**SPARSE, "/measurement/subsamplingIndices": np.tile([0, 3], (1, 2, 5, 1))}, (),
            ("/measurement/subsamplingIndices", "goes outside 1 to 4, the number of voxels"),
            id="zero-based-coefficients",
        ),
        pytest.param(
            {**SPARSE, "/measurement/subsamplingIndices": np.tile([3, 3], (1, 2, 5, 1))}, (),
            ("/measurement/subsamplingIndices", "names a voxel twice in one row"),
            id="coefficient-twice",
        ),
        pytest.param(
            {**SPARSE, "/measurement/isFastFrameAxis": np.int8(0)}, (),
            ("/measurement/isSparsityTransformed", "1"), id="sparse-needs-fast-axis",
        ),
        pytest.param(
            {**SPARSE, "/measurement/sparsityTransformation": "DST"}, (),
            ("/measurement/sparsityTransformation", "'DST'"), id="transformation",
        ),
        pytest.param(
            {f"{DRIVE}/cycle": 12.1 / 2.5e6}, (),
            (f"{DRIVE}/cycle", "4.84e-06 s"), id="cycle",
        ),
        pytest.param(
            {f"{RECEIVER}/bandwidth": 0.9e6}, (),
            (f"{RECEIVER}/numSamplingPoints", "8"), id="samples",
        ),
        pytest.param(
            {f"{DRIVE}/phase": np.full((1, 2, 1), np.pi)}, (),
            (f"{DRIVE}/phase", "outside"), id="phase-of-pi",
        ),
        pytest.param(
            {f"{DRIVE}/waveform": [["sine"], ["square"]]}, (),
            (f"{DRIVE}/waveform", "'square'"), id="waveform",
        ),
        pytest.param({"/uuid": "no id"}, (), ("/uuid", "'no id'"), id="uuid"),
        pytest.param(
            {"/uuid": "1111111122224333844455555555555"}, (),
            ("/uuid", "'1111111122224333844455555555555'"), id="uuid-without-dashes",
        ),
        pytest.param(
            {"/time": "2026-01-02 03:04:05"}, (), ("/time", "'2026-01-02 03:04:05'"), id="time"
        ),
        pytest.param(
            {"/acquisition/startTime": "yesterday"}, (),
            ("/acquisition/startTime", "'yesterday'"), id="start-time",
        ),
        pytest.param({"/version": "2.0"}, (), ("/version", "'2.0'"), id="version"),
        pytest.param(
            {"/measurement/isBackgroundCorrected": np.int8(2)}, (),
            ("/measurement/isBackgroundCorrected", "[2]"), id="flag-of-two",
        ),
        pytest.param(
            {"/scanner/boreSize": 0.0}, (), ("/scanner/boreSize", "0.0"), id="bore-of-zero"
        ),
        pytest.param(
            {"/tracer/volume": np.array([np.nan])}, (),
            ("/tracer/volume", "1 values not finite"), id="nan",
        ),
        pytest.param(
            {"/measurement/isBackgroundFrame": np.array([1, 0, 0, 0, 0], np.int8)}, (),
            ("/measurement/isBackgroundFrame", "background frames between others"),
            id="background-first",
        ),
        pytest.param(
            {"/calibration/size": np.array([2, 3, 1])}, (),
            ("/calibration/size", "product 6"), id="size",
        ),
        pytest.param(
            {"/calibration/order": "xxy"}, (), ("/calibration/order", "'xxy'"), id="order"
        ),
        pytest.param({"/room": 1.0}, (), ("/room", "an unknown name"), id="unknown"),
        pytest.param(
            {"/custom/auxiliaryData": 1.0}, (),
            ("/custom/auxiliaryData", "an addition of the Julia packages"), id="julia",
        ),
        pytest.param(
            {"/reconstruction/data": np.ones((1, 3, 1)),
             "/reconstruction/size": np.array([2, 2, 1])}, (),
            ("/reconstruction/size", "product 4"), id="image-size",
        ),
        pytest.param(
            {"/reconstruction/data": np.ones((3, 1))}, (),
            ("/reconstruction/data", "shape (3, 1)"), id="image-axes",
        ),
    ],
)  # fmt: skip
def test_each_broken_rule_is_named(tmp_path, changes, without, expected):
    assert expected in found_in(handmade.write(tmp_path / "a.mdf", changes, without=without))


def test_one_broken_rule_is_one_deviation(tmp_path):
    path = handmade.write(tmp_path / "a.mdf", {"/study/number": np.int32(3)})
    (only,) = check_mdf(path)
    assert (only.dataset, only.expected, only.severity, only.section) == (
        "/study/number",
        "Int64, little-endian",
        "deviation",
        "/study",
    )
    assert str(only).startswith("deviation: /study/number: type int32; expected Int64")


@pytest.mark.parametrize(
    ("text", "exists"),
    [
        ("2024-02-29T23:59:59.999", True),
        ("2023-02-29T00:00:00.000", False),  # 2023 is no leap year
        ("2024-13-01T00:00:00.000", False),
        ("2024-01-01T24:00:00.000", False),
        ("٢٠٢٤-01-01T00:00:00.000", False),
    ],
)
def test_a_time_that_does_not_exist_is_a_deviation(tmp_path, text, exists):
    path = handmade.write(tmp_path / "a.mdf", {"/acquisition/startTime": text})
    named = [dataset for dataset, _ in found_in(path)]
    assert named == ([] if exists else ["/acquisition/startTime"])


ONE_FAULT = {
    "/measurement/frequencySelection": (SELECTED, {}, ("/measurement/frequencySelection",)),
    "/acquisition/receiver/numSamplingPoints": (
        SELECTED,
        {},
        ("/acquisition/receiver/numSamplingPoints",),
    ),
    "/acquisition/drivefield/cycle": ({}, {"/acquisition/drivefield/cycle": 24 / 2.5e6}, ()),
    "/acquisition/receiver/bandwidth": ({}, {"/acquisition/receiver/bandwidth": -1.0}, ()),
    "/calibration/size": ({}, {"/calibration/size": np.array([-2, 2, 1])}, ()),
    "/measurement/subsamplingIndices": (
        SPARSE,
        {"/measurement/subsamplingIndices": np.tile([1, 4], (1, 2, 4, 1))},
        (),
    ),
}


@pytest.mark.parametrize("named", ONE_FAULT)
def test_one_fault_is_named_once_without_what_follows_from_it(tmp_path, named):
    layout, changes, without = ONE_FAULT[named]
    path = handmade.write(tmp_path / "a.mdf", {**layout, **changes}, without=without)
    assert [dataset for dataset, _ in found_in(path)] == [named]


@pytest.mark.parametrize(
    ("changes", "dataset"),
    [
        ({"/scanner/topology": "single-sided"}, "/scanner/topology"),
        ({"/calibration/method": "by hand"}, "/calibration/method"),
        ({"/uuid": "11111111-2222-1333-8444-555555555555"}, "/uuid"),
        ({"/tracer/concentration": np.zeros(1)}, "/tracer/concentration"),
        ({"/measurement/framePermutation": np.arange(1, 6)}, "/measurement/framePermutation"),
        (
            {"/acquisition/gradient": np.ones((1, 1, 3, 3))},
            "/acquisition/gradient",
        ),
        (
            {f"{RECEIVER}/transferFunction": np.full((2, 5), np.nan + 0j)},
            f"{RECEIVER}/transferFunction",
        ),
        (
            {"/reconstruction/data": np.ones((1, 3, 1))},
            "/reconstruction",
        ),
    ],
)
def test_what_is_allowed_but_worth_knowing_is_a_note(tmp_path, changes, dataset):
    (only,) = check_mdf(handmade.write(tmp_path / "a.mdf", changes))
    assert (only.dataset, only.severity) == (dataset, "note")


CORNERS = np.array([[9, 18.5, 30], [11, 18.5, 30], [9, 21.5, 30], [11, 21.5, 30]]) * 1e-3
"""Centres of 2 x 2 x 1 voxels of 2 x 3 x 1 mm about (10, 20, 30) mm, x fastest."""


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("/calibration/positions", CORNERS, CORNERS[::-1].copy()),
        ("/calibration/deltaSampleSize", np.full(3, 1e-3), np.array([1e-3, 0.0, 1e-3])),
        (
            "/acquisition/receiver/dataConversionFactor",
            np.array([[1.0, 0.0], [2.0, 0.0]]),
            np.array([[1.0, 0.0], [0.0, 2.0]]),
        ),
    ],
)
def test_what_is_allowed_and_cannot_be_used_is_a_note(tmp_path, name, good, bad):
    assert check_mdf(handmade.write(tmp_path / "good.mdf", {name: good})) == ()
    (found,) = check_mdf(handmade.write(tmp_path / "bad.mdf", {name: bad}))
    assert (found.dataset, found.severity) == (name, "note")
