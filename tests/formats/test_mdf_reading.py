"""Files made by hand, apart from the package's writer: layouts, frames, types, descriptions."""

import numpy as np
import pytest
import scipy.fft

import handmade_mdf as handmade
from handmade_mdf import SPECTRA, read_all
from sojourn.formats.mdf import describe_mdf, read_scan, read_system_matrix

ALL = np.arange(handmade.BINS)


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


def test_fewer_samples_of_a_period_are_a_smaller_bandwidth(tmp_path):
    # A 200 kHz-like tone, bin 1 of 8 samples: kept with 4 samples it is the same tone.
    period = np.arange(8) / 8
    tone = np.broadcast_to(np.cos(2 * np.pi * period + 0.3) + 2.0, (5, 2, 8))
    path = handmade.write(tmp_path / "a.mdf", {"/measurement/data": tone[:, None, :, ::2]})
    scan = read_scan(path)
    assert list(scan.spectra.bins) == [0, 1]
    expected = np.fft.rfft(tone)[:, 0, :2]
    np.testing.assert_allclose(scan.spectra.read(0, np.array([0, 1])), expected, atol=1e-13)
    assert "4 of 8 samples of a period are stored" in scan.metadata["notes"]
