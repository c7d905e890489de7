"""Files made by hand that break one rule: the error names what was found and expected."""

import h5py
import numpy as np
import pytest

import handmade_mdf as handmade
from handmade_mdf import read_all
from sojourn.core.errors import DataError
from sojourn.formats.mdf import describe_mdf, read_system_matrix


@pytest.mark.parametrize(
    ("changes", "without", "message"),
    [
        pytest.param(
            {"/measurement/data": handmade.signals()[:, None, :1]}, (),
            r"/measurement/data is of shape \(5, 1, 1, 8\); expected \(5, 1, 2, 8\)",
            id="channels-of-the-data",
        ),
        pytest.param(
            {"/measurement/data": handmade.signals()[:4, None]}, (),
            r"/measurement/data is of shape \(4, 1, 2, 8\)", id="frames-of-the-data",
        ),
        pytest.param(
            {"/measurement/isFastFrameAxis": np.int8(1)}, (),
            r"expected \(1, 2, 8, 5\)", id="flag-against-shape",
        ),
        pytest.param(
            {"/measurement/isFourierTransformed": np.int8(1)}, (),
            "of type float64; expected complex", id="real-data-called-fourier",
        ),
        pytest.param(
            {**handmade.fourier(), "/measurement/isFourierTransformed": np.int8(0)}, (),
            "of type complex128; expected real", id="complex-data-called-time",
        ),
        pytest.param(
            {"/measurement/isBackgroundFrame": np.zeros(4, np.int8)}, (),
            "isBackgroundFrame is of 4 frames; expected 5", id="background-mask",
        ),
        pytest.param(
            {"/measurement/isBackgroundFrame": np.zeros(5, np.int8)}, (),
            "/calibration/size is .2, 2, 1.; expected three numbers with product 5",
            id="positions-against-frames",
        ),
        pytest.param(
            {"/measurement/isFrequencySelection": np.int8(1)}, (),
            "isFrequencySelection is 1; expected 0 for data in the time domain",
            id="selection-in-time-domain",
        ),
        pytest.param(
            {**handmade.fourier(), "/measurement/isFrequencySelection": np.int8(1)}, (),
            "/measurement/frequencySelection is missing", id="selection-missing",
        ),
        pytest.param(
            {**handmade.fourier(bins=[1, 2]), "/measurement/frequencySelection": [0, 1]}, (),
            "expected different bins from 1 to 5", id="selection-is-one-based",
        ),
        pytest.param(
            {**handmade.fourier(bins=[1, 2]), "/measurement/frequencySelection": [5, 6]}, (),
            "expected different bins from 1 to 5", id="selection-beyond-nyquist",
        ),
        pytest.param(
            {**handmade.fourier(bins=[1, 2]), "/measurement/frequencySelection": [3, 3]}, (),
            "expected different bins", id="selection-twice",
        ),
        pytest.param(
            {**handmade.fourier(bins=[1, 2]), "/measurement/frequencySelection": [2]}, (),
            r"expected \(1, 2, 1, 5\)", id="selection-too-short",
        ),
        pytest.param(
            {"/measurement/isFramePermutation": np.int8(1)}, (),
            "/measurement/framePermutation is missing", id="permutation-missing",
        ),
        pytest.param(
            {
                "/measurement/isFramePermutation": np.int8(1),
                "/measurement/framePermutation": np.arange(5),
            }, (),
            "expected a permutation of 1 to 5", id="permutation-is-one-based",
        ),
        pytest.param(
            {"/measurement/isSparsityTransformed": np.int8(1)}, (),
            "expected 0, or Fourier transformed", id="sparse-needs-fourier",
        ),
        pytest.param(
            {"/acquisition/drivefield/cycle": 12.1 / 2.5e6}, (),
            "cycle is 4.84e-06; expected 4.8e-06 = lcm", id="cycle",
        ),
        pytest.param(
            {"/acquisition/receiver/bandwidth": 0.9e6}, (),
            "numSamplingPoints is 8; expected 8.64 = 2 x bandwidth x cycle", id="bandwidth",
        ),
        pytest.param(
            {"/acquisition/receiver/bandwidth": np.nan}, (),
            "bandwidth is not finite", id="nan-bandwidth",
        ),
        pytest.param(
            {"/acquisition/receiver/bandwidth": "wide"}, (),
            "bandwidth is of type object; expected float", id="text-for-a-number",
        ),
        pytest.param(
            {"/measurement/isBackgroundCorrected": np.int8(2)}, (),
            "isBackgroundCorrected is 2.0; expected 0 or 1", id="flag-of-two",
        ),
        pytest.param(
            {"/acquisition/numPeriodsPerFrame": 3}, (),
            "numPeriodsPerFrame is 3; expected 1; read_patch_matrices reads", id="multi-patch",
        ),
        pytest.param({"/version": "3.0"}, (), "expected 2.1, 2.0 or 1.x", id="version-3"),
        pytest.param({}, ("/version",), "not every HDF5 is MDF", id="no-version"),
        pytest.param({}, ("/measurement",), "metadata only", id="no-data"),
        pytest.param({}, ("/calibration",), "/calibration is missing", id="no-calibration"),
        pytest.param(
            {"/calibration/order": "zzx"}, (), "order is 'zzx'; expected xyz", id="order",
        ),
        pytest.param(
            {"/calibration/isMeanderingGrid": np.int8(1)}, (),
            "isMeanderingGrid is 1", id="meander",
        ),
        pytest.param(
            {"/calibration/fieldOfView": np.array([0.004, 0.0, 0.001])}, (),
            "expected extents above 0 m", id="flat-field-of-view",
        ),
        pytest.param(
            {}, ("/calibration/fieldOfViewCenter",), "fieldOfViewCenter is missing",
            id="no-centre",
        ),
        pytest.param(
            {"/calibration/positions": np.zeros((4, 3))}, (),
            r"/calibration/positions is \[0.0, 0.0, 0.0\] m in frame", id="positions-elsewhere",
        ),
        pytest.param(
            {"/calibration/snr": np.ones((1, 2, 4))}, (),
            r"/calibration/snr is of shape \(1, 2, 4\)", id="snr-shape",
        ),
        pytest.param(
            {"/acquisition/gradient": np.zeros((1, 2, 3, 2))}, (),
            r"gradient is of shape \(1, 2, 3, 2\)", id="gradient-of-two-columns",
        ),
        pytest.param(
            {"/acquisition/gradient": np.zeros((2, 1, 3, 3))}, (),
            r"gradient is of shape \(2, 1, 3, 3\)", id="gradient-of-two-patches",
        ),
        pytest.param(
            {"/acquisition/offsetField": np.zeros((2, 3))}, (),
            r"offsetField is of shape \(2, 3\)", id="offset-of-two-patches",
        ),
        pytest.param(
            {"/acquisition/receiver/dataConversionFactor": np.ones((1, 2))}, (),
            r"dataConversionFactor is of shape \(1, 2\); expected \(2, 2\)", id="conversion",
        ),
    ],
)  # fmt: skip
def test_a_broken_rule_is_named_with_what_was_found_and_expected(
    tmp_path, changes, without, message
):
    path = handmade.write(tmp_path / "broken.mdf", changes, without=without)
    with pytest.raises(DataError, match=message) as caught:
        read_system_matrix(path)
    assert str(caught.value).startswith("broken.mdf: /")


def test_subsampling_indices_outside_the_grid_are_refused(tmp_path):
    path = handmade.write(
        tmp_path / "a.mdf",
        {
            **handmade.fourier(),
            "/measurement/data": np.ones((1, 2, 5, 3), complex),
            "/measurement/isSparsityTransformed": np.int8(1),
            "/measurement/sparsityTransformation": "DCT-II",
            "/measurement/subsamplingIndices": np.full((1, 2, 5, 2), 5),
        },
    )
    with pytest.raises(DataError, match="outside 1 to 4"):
        read_all(path)


def test_another_hdf5_file_is_not_described_as_mdf(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["matrix"] = np.ones(3)
    with pytest.raises(DataError, match="this HDF5 file is something else"):
        describe_mdf(tmp_path / "a.h5")
