"""Files made by hand, apart from the package's writer: layouts, legacy forms, broken rules."""

import h5py
import numpy as np
import pytest
import scipy.fft

import handmade_mdf as handmade
from sojourn.core.errors import DataError
from sojourn.core.signals import stored_bins
from sojourn.formats.mdf import (
    describe_mdf,
    read_scan,
    read_system_matrix,
    read_transfer_function,
)

SPECTRA = np.fft.rfft(handmade.signals(), axis=-1)
ALL = np.arange(handmade.BINS)


def read_all(path, reader=read_system_matrix):
    spectra = reader(path).spectra
    return np.stack([spectra.read(c, stored_bins(spectra)) for c in range(2)], axis=1)


@pytest.mark.parametrize(
    ("changes", "bins"),
    [
        pytest.param({}, ALL, id="time"),
        pytest.param(
            {
                "/measurement/data": np.moveaxis(handmade.signals()[:, None], 0, -1),
                "/measurement/isFastFrameAxis": np.int8(1),
            },
            ALL,
            id="time-fast",
        ),
        pytest.param(handmade.fourier(), ALL, id="fourier-fast"),
        pytest.param(handmade.fourier(fast=False), ALL, id="fourier"),
        pytest.param(handmade.fourier(bins=[1, 3]), [1, 3], id="selection-fast"),
        pytest.param(handmade.fourier(bins=[4, 0, 2], fast=False), [0, 2, 4], id="unordered"),
        pytest.param(handmade.fourier(bins=[4, 0, 2]), [0, 2, 4], id="unordered-fast"),
    ],
)
def test_every_layout_gives_the_same_spectra(tmp_path, changes, bins):
    found = read_all(handmade.write(tmp_path / "a.mdf", changes))
    np.testing.assert_allclose(found, SPECTRA[:, :, bins], rtol=0, atol=1e-13)


CONVERSION = np.array([[0.5, 3.0], [2.0, -1.0]])


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="time"),
        pytest.param(handmade.fourier(), id="fourier"),
        pytest.param(handmade.fourier(fast=False), id="fourier-slow"),
        pytest.param(handmade.fourier(bins=[2, 1, 0, 4, 3]), id="zero-frequency-stored-third"),
    ],
)
def test_conversion_is_applied_once_and_its_offset_to_the_zero_frequency(tmp_path, changes):
    name = "/acquisition/receiver/dataConversionFactor"
    path = handmade.write(tmp_path / "a.mdf", {**changes, name: CONVERSION})
    volts = CONVERSION[:, 0, None] * handmade.signals() + CONVERSION[:, 1, None]
    np.testing.assert_allclose(read_all(path), np.fft.rfft(volts), rtol=0, atol=1e-12)


def test_without_the_zero_frequency_an_offset_changes_nothing(tmp_path):
    name = "/acquisition/receiver/dataConversionFactor"
    changes = {**handmade.fourier(bins=[1, 2]), name: CONVERSION}
    found = read_all(handmade.write(tmp_path / "a.mdf", changes))
    expected = SPECTRA[:, :, 1:3] * CONVERSION[:, 0, None]
    np.testing.assert_allclose(found, expected, atol=1e-13)


def test_raw_integers_are_converted(tmp_path):
    raw = np.round(1000 * handmade.signals()).astype(np.int16)
    name = "/acquisition/receiver/dataConversionFactor"
    changes = {"/measurement/data": raw[:, None], name: CONVERSION}
    volts = CONVERSION[:, 0, None] * raw + CONVERSION[:, 1, None]
    found = read_all(handmade.write(tmp_path / "a.mdf", changes))
    np.testing.assert_allclose(found, np.fft.rfft(volts), rtol=0, atol=1e-9)


def test_frames_of_a_measurement_come_in_the_order_of_acquisition(tmp_path):
    permutation = np.array([3, 1, 5, 2, 4])
    path = handmade.write(
        tmp_path / "a.mdf",
        {
            "/measurement/isFramePermutation": np.int8(1),
            "/measurement/framePermutation": permutation,
        },
    )
    scan = read_scan(path)
    found = scan.spectra.read(0, ALL)
    for place, original in enumerate(permutation):
        np.testing.assert_allclose(found[original - 1], SPECTRA[place, 0], atol=1e-13)
    # the stored frame 5 is the background frame; it was taken fourth
    assert list(scan.is_background) == [False, False, False, True, False]


def test_a_calibration_taken_in_another_order_keeps_its_voxels(tmp_path):
    meander = np.array([1, 2, 4, 3, 5])
    path = handmade.write(
        tmp_path / "a.mdf",
        {"/measurement/isFramePermutation": np.int8(1), "/measurement/framePermutation": meander},
    )
    np.testing.assert_allclose(read_all(path), SPECTRA, atol=1e-13)
    assert list(read_system_matrix(path).is_background) == [False] * 4 + [True]


def test_voxels_are_placed_by_extent_and_centre(tmp_path):
    grid = read_system_matrix(handmade.write(tmp_path / "a.mdf")).grid
    expected = [[x, y, 0.03] for y in (0.0185, 0.0215) for x in (0.009, 0.011)]
    np.testing.assert_allclose(grid.centers(), expected, atol=1e-15)


@pytest.mark.parametrize("kind", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(4, 1, 1), (2, 2, 1), (1, 2, 2), (3, 2, 2)])
def test_sparsity_transformed_calibrations_are_decoded(tmp_path, kind, size):
    rng = np.random.default_rng(kind)
    voxels, kept = int(np.prod(size)), max(1, int(np.prod(size)) - 1)
    matrix = rng.standard_normal((2, 5, voxels)) + 1j * rng.standard_normal((2, 5, voxels))
    data = np.empty((1, 2, 5, kept + 1), complex)
    indices = np.empty((1, 2, 5, kept), np.int32)
    for c, k in np.ndindex(2, 5):
        image = matrix[c, k].reshape([n for n in size if n > 1], order="F")
        forward = scipy.fft.dctn(image.real, type=kind, norm="ortho", orthogonalize=True)
        forward = forward + 1j * scipy.fft.dctn(
            image.imag, type=kind, norm="ortho", orthogonalize=True
        )
        coefficients = forward.ravel(order="F")
        dropped = rng.integers(voxels)
        coefficients[dropped] = 0
        inverse = coefficients.reshape(image.shape, order="F")
        back = [
            scipy.fft.dctn(p, type={1: 1, 2: 3, 3: 2, 4: 4}[kind], norm="ortho", orthogonalize=True)
            for p in (inverse.real, inverse.imag)
        ]
        matrix[c, k] = (back[0] + 1j * back[1]).ravel(order="F")
        order = rng.permutation(np.delete(np.arange(voxels), dropped))
        indices[0, c, k] = order + 1
        data[0, c, k, :kept] = coefficients[order]
        data[0, c, k, kept] = 7 + k
    roman = {1: "I", 2: "II", 3: "III", 4: "IV"}[kind]
    path = handmade.write(
        tmp_path / "a.mdf",
        {
            **handmade.fourier(),
            "/measurement/data": data,
            "/measurement/isSparsityTransformed": np.int8(1),
            "/measurement/sparsityTransformation": f"DCT-{roman}",
            "/measurement/subsamplingIndices": indices,
            "/measurement/isBackgroundFrame": np.array([0] * voxels + [1], np.int8),
            "/acquisition/numFrames": voxels + 1,
            "/calibration/size": np.array(size),
            "/acquisition/receiver/dataConversionFactor": np.array([[2.0, 1.0], [1.0, 0.0]]),
        },
    )
    found = read_all(path)
    expected = np.concatenate([np.moveaxis(matrix, -1, 0), np.tile(np.arange(7, 12), (1, 2, 1))])
    expected[:, 0] *= 2
    expected[:, 0, 0] += 8
    np.testing.assert_allclose(found, expected, atol=1e-12)


LEGACY = {
    "/acquisition/numPeriods": 1,
    "/measurement/isTransposed": np.int8(0),
    "/acquisition/gradient": np.array([[-1.0, -1.0, 2.0]]),
    "/acquisition/drivefield/waveform": "sine",
    "/version": "2.0",
}


def test_names_and_shapes_of_version_2_0_are_read_and_listed(tmp_path):
    without = (
        "/acquisition/numPeriodsPerFrame",
        "/measurement/isFastFrameAxis",
        "/measurement/isSparsityTransformed",
    )
    path = handmade.write(tmp_path / "a.mdf", LEGACY, without=without)
    matrix = read_system_matrix(path)
    np.testing.assert_array_equal(matrix.acquisition.gradient, np.diag([-1.0, -1, 2]))
    np.testing.assert_allclose(read_all(path), SPECTRA, atol=1e-13)
    info = describe_mdf(path)
    assert info.missing == ("/measurement/isSparsityTransformed",)
    assert len(info.deviations) == 5


@pytest.mark.parametrize(
    "gradient",
    [
        pytest.param(np.diag([1.0, 2, -3])[None, None], id="2.1"),
        pytest.param(np.diag([1.0, 2, -3])[None], id="without-sub-intervals"),
        pytest.param(np.array([1.0, 2, -3]), id="diagonal"),
    ],
)
def test_gradient_forms(tmp_path, gradient):
    path = handmade.write(tmp_path / "a.mdf", {"/acquisition/gradient": gradient})
    np.testing.assert_array_equal(read_scan(path).acquisition.gradient, np.diag([1.0, 2, -3]))


def test_no_gradient_is_assumed(tmp_path):
    scan = read_scan(handmade.write(tmp_path / "a.mdf"))
    assert scan.acquisition.gradient is None
    assert "states no gradient" in scan.metadata["notes"]


def test_scalars_of_one_element_unsigned_flags_and_fixed_strings_are_read(tmp_path):
    changes = {}
    for name, value in handmade.datasets().items():
        if isinstance(value, str):
            changes[name] = np.array([value.encode()])
        elif isinstance(value, np.int8):
            changes[name] = np.array([value], np.uint8)
        elif isinstance(value, (int, float)):
            changes[name] = np.array([value])
    changes["/measurement/isBackgroundFrame"] = np.array([0, 0, 0, 0, 1], np.uint8)
    path = handmade.write(tmp_path / "a.mdf", changes)
    np.testing.assert_allclose(read_all(path), SPECTRA, atol=1e-13)
    # uint8 for Int8 is all that the specification does not allow; it names ten flags
    assert len(describe_mdf(path).deviations) == 10
    assert all("type uint8; expected Int8" in d for d in describe_mdf(path).deviations)
    assert read_scan(path).is_simulated


def test_hdf5_booleans_are_read(tmp_path):
    changes = {"/experiment/isSimulation": False}
    changes["/measurement/isBackgroundFrame"] = np.array([False] * 4 + [True])
    scan = read_scan(handmade.write(tmp_path / "a.mdf", changes))
    assert not scan.is_simulated
    assert list(scan.is_background) == [False] * 4 + [True]


@pytest.mark.parametrize(
    ("changes", "without", "expected"),
    [
        # 0.1 mol/L x 2e-6 L x 55.845 g/mol = 11.169 ug
        pytest.param({}, (), 11.169e-9, id="volume"),
        pytest.param(
            {"/calibration/deltaSampleSize": np.array([0.002, 0.001, 0.003])},
            (),
            11.169e-9,
            id="volume-goes-before-the-box",
        ),
        pytest.param(
            {"/calibration/deltaSampleSize": np.array([0.002, 0.001, 0.003])},
            ("/tracer/volume",),
            # 6 uL box
            33.507e-9,
            id="box",
        ),
        pytest.param({"/tracer/volume": np.array([0.0])}, (), None, id="no-volume"),
        pytest.param({"/tracer/concentration": np.array([0.0])}, (), None, id="placeholder"),
        pytest.param({"/tracer/solute": ["Gd"]}, (), None, id="not-iron"),
        pytest.param({}, ("/tracer",), None, id="no-tracer"),
        pytest.param(
            {
                "/tracer/concentration": np.array([0.1, 0.2]),
                "/tracer/volume": np.array([1e-6, 1e-6]),
                "/tracer/solute": ["Fe", "Fe"],
            },
            (),
            None,
            id="two-tracers",
        ),
    ],
)
def test_iron_of_the_sample(tmp_path, changes, without, expected):
    matrix = read_system_matrix(handmade.write(tmp_path / "a.mdf", changes, without=without))
    if expected is None:
        assert matrix.sample_iron is None
        assert "sample iron unknown" in matrix.metadata["notes"]
    else:
        assert matrix.sample_iron == pytest.approx(expected, rel=1e-12)


def test_stored_snr_follows_the_selection(tmp_path):
    changes = {
        **handmade.fourier(bins=[4, 1]),
        "/calibration/snr": np.array([[[40.0, 10.0], [41.0, 11.0]]]),
    }
    matrix = read_system_matrix(handmade.write(tmp_path / "a.mdf", changes))
    np.testing.assert_array_equal(matrix.snr, [[0, 10, 0, 0, 40], [0, 11, 0, 0, 41]])
    channel = describe_mdf(tmp_path / "a.mdf").channels[0]
    assert (channel.snr_median, channel.snr_max, channel.n_bins_snr_5) == (25.0, 40.0, 2)


def test_a_transfer_function_is_kept_and_not_applied(tmp_path):
    function = np.full((2, 5), 2 + 1j)
    name = "/acquisition/receiver/transferFunction"
    path = handmade.write(tmp_path / "a.mdf", {name: function})
    np.testing.assert_allclose(read_all(path), SPECTRA, atol=1e-13)
    assert "transfer function; it is not applied" in read_scan(path).metadata["notes"]
    found = read_transfer_function(path)
    np.testing.assert_array_equal(found.values, function)
    # bin k of 8 samples in 4.8 us lies at k / 4.8 us
    np.testing.assert_allclose(found.frequencies, np.arange(5) / 4.8e-6)
    taken = read_scan(path).acquisition
    np.testing.assert_array_equal(taken.transfer_function.values, function)
    assert not taken.is_transfer_function_corrected
    assert read_transfer_function(handmade.write(tmp_path / "b.mdf")) is None


def test_noise_is_summarised_from_background_frames(tmp_path):
    changes = {"/measurement/isBackgroundFrame": np.array([0, 0, 0, 1, 1], np.int8)}
    path = handmade.write(tmp_path / "a.mdf", changes, without=("/calibration",))
    channels = describe_mdf(path).channels
    for c in range(2):
        # half the distance of two frames is their mean distance from the mean
        noise = np.abs(SPECTRA[3, c, 1:] - SPECTRA[4, c, 1:]) / 2
        assert channels[c].noise == pytest.approx(np.median(noise) * 2 / 8)
    one = describe_mdf(handmade.write(tmp_path / "b.mdf"))
    assert one.channels[0].noise is None


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


def test_positions_that_agree_are_accepted(tmp_path):
    centers = [[x, y, 0.03] for y in (0.0185, 0.0215) for x in (0.009, 0.011)]
    path = handmade.write(tmp_path / "a.mdf", {"/calibration/positions": np.array(centers)})
    assert read_system_matrix(path).grid.shape == (2, 2, 1)


def test_description_lists_missing_fields_deviations_and_problems(tmp_path):
    changes = {
        "/vendor/secret": 1.0,
        "/_room/temperature": 20.0,
        "/acquisition/receiver/transferFunctionFileName": "tf.h5",
        "/study/number": 1.5,
        "/acquisition/numPeriodsPerFrame": 2,
    }
    path = handmade.write(tmp_path / "a.mdf", changes, without=("/study/name", "/scanner/operator"))
    info = describe_mdf(path)
    assert info.missing == ("/study/name", "/scanner/operator")
    assert [d.split(":")[0] for d in info.deviations] == [
        "/study/number",
        "/acquisition/drivefield/phase",
        "/acquisition/drivefield/strength",
        "/measurement/data",
        "/acquisition/receiver/transferFunctionFileName",
        "/vendor/secret",
    ]
    assert len(info.problems) == 1
    assert "/measurement/data is of shape" in info.problems[0]
    assert "/scanner/operator" in str(info)
    assert info.to_json_dict()["kind"] == "calibration"


def test_another_hdf5_file_is_not_described_as_mdf(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["matrix"] = np.ones(3)
    with pytest.raises(DataError, match="this HDF5 file is something else"):
        describe_mdf(tmp_path / "a.h5")
