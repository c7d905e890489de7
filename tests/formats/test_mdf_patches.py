"""Several patches, sub-intervals, receive chains, raw integers, points, images, extensions."""

from dataclasses import replace

import h5py
import numpy as np
import pytest

import handmade_mdf as handmade
import synthetic_mpi as synthetic
from mdf_headers import HEADER, assert_strict
from sojourn.core.errors import DataError
from sojourn.core.geometry import Grid
from sojourn.core.images import IronMap, SampleMap
from sojourn.core.provenance import Provenance
from sojourn.core.signals import ArraySpectra, TransferFunction
from sojourn.formats.mdf import (
    CalibrationPoints,
    MdfImages,
    MdfLayout,
    MdfTracer,
    images_of,
    map_of,
    read_calibration_points,
    read_extensions,
    read_header,
    read_images,
    read_patch_matrices,
    read_patches,
    read_scan,
    read_system_matrix,
    write_calibration_points,
    write_images,
    write_patch_matrices,
    write_patches,
    write_scan,
    write_system_matrix,
)

EVERY = np.arange(17)


def spectra_of(source, bins=EVERY):
    channels = range(source.acquisition.n_channels)
    return np.stack([source.spectra.read(c, bins) for c in channels], axis=1)


def patch(number, frames=3, **changes):
    """Return one patch of a scan; patches differ in offset field, gradient and strength."""
    drive = replace(synthetic.acquisition().drive_field, strength=np.array([[0.01 + number]]))
    taken = synthetic.acquisition(
        drive_field=drive,
        gradient=np.diag([-1.0, -1.0, 2.0]) * (1 + number),
        offset_field=np.array([number, 0.0, 0.5]),
        **changes,
    )
    rng = np.random.default_rng(number)
    return synthetic.scan(
        synthetic.random_spectra(rng, frames, taken), [False, True, False], acquisition=taken
    )


@pytest.mark.parametrize("domain", ["fourier", "time"])
@pytest.mark.parametrize("fast", [False, True])
def test_patches_come_back_each_with_its_field(tmp_path, domain, fast):
    scans = [patch(number) for number in range(3)]
    path = tmp_path / "a.mdf"
    write_patches(path, scans, HEADER, layout=MdfLayout(domain=domain, fast_frame_axis=fast))
    assert_strict(path)
    with h5py.File(path) as file:
        shape = file["measurement/data"].shape
        rows = 17 if domain == "fourier" else 32
        assert shape == ((3, 2, rows, 3) if fast else (3, 3, 2, rows))
        # J x Y x 3 x 3, J x Y x 3, J x D x F by the specification's table
        assert file["acquisition/gradient"].shape == (3, 1, 3, 3)
        assert file["acquisition/offsetField"].shape == (3, 1, 3)
        assert file["acquisition/drivefield/strength"].shape == (3, 1, 1)
        assert file["acquisition/numPeriodsPerFrame"][()] == 3
    found = read_patches(path)
    assert [scan.metadata["patch"] for scan in found] == ["0", "1", "2"]
    assert [scan.name for scan in found] == [f"a.mdf, patch {n}" for n in range(3)]
    for number, scan in enumerate(found):
        np.testing.assert_allclose(spectra_of(scan), spectra_of(scans[number]), atol=1e-12)
        ours, theirs = scan.acquisition, scans[number].acquisition
        np.testing.assert_array_equal(ours.gradient, theirs.gradient)
        np.testing.assert_array_equal(ours.offset_field, theirs.offset_field)
        np.testing.assert_array_equal(ours.drive_field.strength, theirs.drive_field.strength)
    with pytest.raises(DataError, match="read_patches reads a file of several patches"):
        read_scan(path)


def test_patches_of_a_calibration_come_back_each_with_its_snr(tmp_path):
    rng = np.random.default_rng(5)
    matrices = [
        synthetic.matrix(
            number,
            snr=rng.uniform(1, 9, (2, 17)),
            acquisition=synthetic.acquisition(offset_field=np.array([0, 0, number])),
        )
        for number in range(2)
    ]
    path = tmp_path / "a.mdf"
    layout = MdfLayout(fast_frame_axis=True, bins=(2, 3, 9))
    write_patch_matrices(path, matrices, HEADER, layout=layout)
    assert_strict(path)
    for found, expected in zip(read_patch_matrices(path), matrices, strict=True):
        bins = np.array([2, 3, 9])
        np.testing.assert_array_equal(spectra_of(found, bins), spectra_of(expected, bins))
        np.testing.assert_array_equal(found.snr[:, bins], expected.snr[:, bins])
        np.testing.assert_array_equal(
            found.acquisition.offset_field, expected.acquisition.offset_field
        )
    with pytest.raises(DataError, match="read_patch_matrices reads"):
        read_system_matrix(path)


def test_one_patch_is_what_read_scan_gives(tmp_path):
    scan = patch(1)
    write_scan(tmp_path / "a.mdf", scan, HEADER)
    (found,) = read_patches(tmp_path / "a.mdf")
    assert "patch" not in found.metadata
    assert found.name == "a.mdf"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"n_averages": 7}, "differ in n_averages", id="averages"),
        pytest.param({"unit": "A"}, "differ in unit", id="unit"),
        pytest.param(
            {"is_transfer_function_corrected": True}, "is_transfer_function_corrected", id="flag"
        ),
    ],
)
def test_patches_that_differ_in_more_than_their_field_are_refused(tmp_path, change, message):
    other = patch(1)
    other = replace(other, acquisition=replace(other.acquisition, **change))
    with pytest.raises(DataError, match=message):
        write_patches(tmp_path / "a.mdf", [patch(0), other], HEADER)
    assert list(tmp_path.iterdir()) == []


def test_patches_with_background_elsewhere_or_no_field_are_refused(tmp_path):
    moved = replace(patch(1), is_background=np.array([True, False, False]))
    with pytest.raises(DataError, match="background frames at different places"):
        write_patches(tmp_path / "a.mdf", [patch(0), moved], HEADER)
    bare = patch(1)
    bare = replace(bare, acquisition=replace(bare.acquisition, gradient=None))
    with pytest.raises(DataError, match="gradient has shapes"):
        write_patches(tmp_path / "a.mdf", [patch(0), bare], HEADER)
    with pytest.raises(DataError, match="no patch to write"):
        write_patches(tmp_path / "a.mdf", [], HEADER)


def test_sub_intervals_are_kept_and_never_made_one(tmp_path):
    rng = np.random.default_rng(0)
    gradients, offsets = rng.standard_normal((4, 3, 3)), rng.standard_normal((4, 3))
    taken = synthetic.acquisition(gradient_steps=gradients, offset_steps=offsets)
    scan = synthetic.scan(synthetic.random_spectra(rng, 2, taken), [False] * 2, acquisition=taken)
    write_scan(tmp_path / "a.mdf", scan, HEADER)
    assert_strict(tmp_path / "a.mdf")
    with h5py.File(tmp_path / "a.mdf") as file:
        assert file["acquisition/gradient"].shape == (1, 4, 3, 3)
        assert file["acquisition/offsetField"].shape == (1, 4, 3)
    found = read_scan(tmp_path / "a.mdf")
    assert found.acquisition.gradient is None
    assert found.acquisition.offset_field is None
    np.testing.assert_array_equal(found.acquisition.gradient_steps, gradients)
    np.testing.assert_array_equal(found.acquisition.offset_steps, offsets)
    assert "changes in 4 sub-intervals" in found.metadata["notes"]
    both = replace(taken, gradient=np.eye(3))
    with pytest.raises(DataError, match="both gradient and gradient_steps"):
        write_scan(tmp_path / "b.mdf", replace(scan, acquisition=both), HEADER)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        # version 2.0 gives the diagonal; axes of length one may be missing
        pytest.param([1.0, 2, -3], np.diag([1.0, 2, -3]), id="three"),
        pytest.param([[1.0, 2, -3]], np.diag([1.0, 2, -3]), id="one-by-three"),
        pytest.param(np.arange(9.0).reshape(3, 3), np.arange(9.0).reshape(3, 3), id="matrix"),
        pytest.param(np.ones((1, 3, 3)), np.ones((3, 3)), id="periods"),
    ],
)
def test_older_gradients_are_read(tmp_path, value, expected):
    path = handmade.write(tmp_path / "a.mdf", {"/acquisition/gradient": np.array(value)})
    np.testing.assert_array_equal(read_scan(path).acquisition.gradient, expected)


def test_three_rows_of_three_for_three_patches_are_ambiguous_but_in_version_2_0(tmp_path):
    data = np.repeat(handmade.signals()[:, None], 3, axis=1)
    changes = {
        "/acquisition/numPeriodsPerFrame": 3,
        "/acquisition/gradient": np.arange(9.0).reshape(3, 3),
        "/measurement/data": data,
    }
    path = handmade.write(tmp_path / "a.mdf", changes)
    with pytest.raises(DataError, match=r"gradient is of shape \(3, 3\)"):
        read_patches(path)
    path = handmade.write(tmp_path / "b.mdf", {**changes, "/version": "2.0"})
    second = read_patches(path)[1]
    np.testing.assert_array_equal(second.acquisition.gradient, np.diag([3.0, 4, 5]))


def transfer(n_bins=17, **changes):
    taken = synthetic.acquisition()
    rng = np.random.default_rng(8)
    values = rng.standard_normal((2, n_bins)) + 1j
    given = {"frequencies": taken.frequencies()[:n_bins], "values": values, "unit": "V"}
    return TransferFunction(**{**given, **changes})


@pytest.mark.parametrize("corrected", [False, True])
def test_a_transfer_function_and_its_flags_come_back_unapplied(tmp_path, corrected):
    chain = transfer(induction_factor=np.array([2.0, 3.0]))
    taken = synthetic.acquisition(
        transfer_function=chain,
        is_transfer_function_corrected=corrected,
        is_spectral_leakage_corrected=not corrected,
    )
    rng = np.random.default_rng(0)
    scan = synthetic.scan(synthetic.random_spectra(rng, 2, taken), [False] * 2, acquisition=taken)
    write_scan(tmp_path / "a.mdf", scan, HEADER)
    assert_strict(tmp_path / "a.mdf")
    found = read_scan(tmp_path / "a.mdf")
    np.testing.assert_array_equal(spectra_of(found), spectra_of(scan))
    assert found.acquisition.is_transfer_function_corrected is corrected
    assert found.acquisition.is_spectral_leakage_corrected is not corrected
    np.testing.assert_allclose(found.acquisition.transfer_function.values, chain.values, rtol=1e-14)
    np.testing.assert_array_equal(found.acquisition.transfer_function.induction_factor, [2, 3])
    assert "transfer function; it is not applied" in found.metadata["notes"]


def test_frequencies_without_a_measured_value_stay_unknown(tmp_path):
    full = transfer()
    # measured from bin 3 to bin 9 only
    part = transfer(frequencies=full.frequencies[3:10], values=full.values[:, 3:10])
    taken = synthetic.acquisition(transfer_function=part)
    rng = np.random.default_rng(0)
    scan = synthetic.scan(synthetic.random_spectra(rng, 2, taken), [False] * 2, acquisition=taken)
    write_scan(tmp_path / "a.mdf", scan, HEADER)
    assert_strict(tmp_path / "a.mdf")
    with h5py.File(tmp_path / "a.mdf") as file:
        stored = file["acquisition/receiver/transferFunction"][()]
        assert np.isnan(stored[:, [0, 1, 2, 10, 16]]).all()
        np.testing.assert_allclose(stored[:, 3:10], part.values, rtol=1e-14)
    found = read_scan(tmp_path / "a.mdf").acquisition.transfer_function
    np.testing.assert_allclose(found.frequencies, part.frequencies)
    np.testing.assert_allclose(found.values, part.values, rtol=1e-14)


def test_a_transfer_function_follows_the_selection_of_bins(tmp_path):
    taken = synthetic.acquisition(transfer_function=transfer())
    matrix = synthetic.matrix(acquisition=taken)
    layout = MdfLayout(fast_frame_axis=True, bins=(3, 4, 9))
    write_system_matrix(tmp_path / "a.mdf", matrix, HEADER, layout=layout)
    assert_strict(tmp_path / "a.mdf")
    found = read_system_matrix(tmp_path / "a.mdf").acquisition.transfer_function
    np.testing.assert_allclose(found.frequencies, taken.frequencies()[[3, 4, 9]])
    np.testing.assert_allclose(found.values, transfer().values[:, [3, 4, 9]], rtol=1e-14)


@pytest.mark.parametrize(
    ("value", "note"),
    [
        pytest.param(np.ones((2, 4), complex), r"shape (2, 4); it is left out", id="length"),
        pytest.param(np.ones((3, 5), complex), r"shape (3, 5); it is left out", id="channels"),
        pytest.param(np.full((2, 5), np.nan + 0j), "holds no finite value", id="nan"),
        pytest.param("file.h5", "cannot be read", id="text"),
    ],
)
def test_a_transfer_function_that_cannot_be_used_does_not_hide_the_data(tmp_path, value, note):
    path = handmade.write(tmp_path / "a.mdf", {"/acquisition/receiver/transferFunction": value})
    scan = read_scan(path)
    assert scan.acquisition.transfer_function is None
    assert note in scan.metadata["notes"]


def test_an_induction_factor_alone_is_kept(tmp_path):
    path = handmade.write(
        tmp_path / "a.mdf", {"/acquisition/receiver/inductionFactor": np.array([0.1, 2.0])}
    )
    write_scan(tmp_path / "b.mdf", read_scan(path), read_header(path))
    with h5py.File(tmp_path / "b.mdf") as file:
        np.testing.assert_array_equal(file["acquisition/receiver/inductionFactor"][()], [0.1, 2])


@pytest.mark.parametrize("precision", ["int8", "int16", "int32"])
def test_raw_integers_come_back_as_they_were(tmp_path, precision):
    rng = np.random.default_rng(1)
    taken = synthetic.acquisition()
    counts = rng.integers(-100, 100, (4, 2, 32))
    scale, offset = np.array([0.5, 2e-3])[:, None], np.array([0.25, -3.0])[:, None]
    scan = synthetic.scan(np.fft.rfft(scale * counts + offset), [False] * 4, acquisition=taken)
    layout = MdfLayout(domain="time", precision=precision, conversion=((0.5, 0.25), (2e-3, -3.0)))
    write_scan(tmp_path / "a.mdf", scan, HEADER, layout=layout)
    assert_strict(tmp_path / "a.mdf")
    with h5py.File(tmp_path / "a.mdf") as file:
        assert file["measurement/data"].dtype == precision
        np.testing.assert_array_equal(file["measurement/data"][:, 0], counts)
    np.testing.assert_allclose(spectra_of(read_scan(tmp_path / "a.mdf")), spectra_of(scan))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"conversion": ((1e-3, 0.0),) * 2}, "more than int8 holds"),
        ({"conversion": ((1.0, 0.0),)}, "conversion of 1 channels"),
    ],
)
def test_integers_that_do_not_fit_are_not_written(tmp_path, change, message):
    layout = MdfLayout(domain="time", precision="int8", **change)
    with pytest.raises(DataError, match=message):
        write_scan(tmp_path / "a.mdf", patch(0), HEADER, layout=layout)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"domain": "time", "precision": "int16"},
        {"domain": "time", "conversion": ((1.0, 0.0),)},
        {"precision": "int16", "conversion": ((1.0, 0.0),)},
        {"domain": "time", "precision": "int16", "conversion": ((0.0, 0.0),)},
    ],
)
def test_layouts_of_integers_need_the_time_domain_and_a_conversion(wrong):
    with pytest.raises(DataError, match=r"integers|scales"):
        MdfLayout(**wrong)


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


@pytest.mark.parametrize("order", ["zyx", "yxz", "xyz"])
def test_other_voxel_orders_are_put_in_order(tmp_path, order):
    # sample (i, j) of a 2 x 2 x 1 grid gives the signal 10 i + j + 1
    values = {(i, j): 10 * i + j + 1 for i in range(2) for j in range(2)}
    fastest_first = [(i, j) for j in range(2) for i in range(2)]
    if order.index("y") < order.index("x"):
        fastest_first = [(i, j) for i in range(2) for j in range(2)]
    samples = np.zeros((5, 1, 2, 8))
    samples[:4, 0, :, 0] = np.array([values[at] for at in fastest_first])[:, None]
    path = handmade.write(
        tmp_path / "a.mdf", {"/measurement/data": samples, "/calibration/order": order}
    )
    rows = read_system_matrix(path).spectra.read(0, np.array([0]))[:, 0].real
    np.testing.assert_allclose(rows, [1, 11, 2, 12, 0])


@pytest.mark.parametrize(
    ("order", "place"),
    [
        # first letter fastest: where voxel (i, j, k) of 2 x 3 x 4 stands in the file
        ("xyz", lambda i, j, k: i + 2 * (j + 3 * k)),
        ("yzx", lambda i, j, k: j + 3 * (k + 4 * i)),
        ("zxy", lambda i, j, k: k + 4 * (i + 2 * j)),
        ("zyx", lambda i, j, k: k + 4 * (j + 3 * i)),
    ],
)
def test_voxels_of_unequal_axes_are_put_in_order(tmp_path, order, place):
    data = np.zeros((1, 24, 1))
    for i, j, k in np.ndindex(2, 3, 4):
        data[0, place(i, j, k), 0] = 100 * i + 10 * j + k
    base = {n: v for n, v in handmade.datasets().items() if "measurement" not in n}
    path = handmade.write(
        tmp_path / "a.mdf",
        {
            "/reconstruction/data": data,
            "/reconstruction/order": order,
            "/reconstruction/size": np.array([2, 3, 4]),
            "/reconstruction/fieldOfView": np.array([0.002, 0.003, 0.004]),
            "/reconstruction/fieldOfViewCenter": np.zeros(3),
        },
        base=base,
    )
    values = read_images(path).values[0, :, 0]
    expected = [100 * i + 10 * j + k for k in range(4) for j in range(3) for i in range(2)]
    np.testing.assert_array_equal(values, expected)


def test_points_on_no_grid_come_back(tmp_path):
    rng = np.random.default_rng(2)
    taken = synthetic.acquisition()
    scan = synthetic.scan(synthetic.random_spectra(rng, 6, taken), [False] * 5 + [True])
    tracer = MdfTracer.with_iron(3e-9, 1e-6, name="x", batch="y")
    points = CalibrationPoints(
        scan,
        positions=rng.standard_normal((5, 3)),
        offset_fields=rng.standard_normal((5, 3)),
        snr=rng.uniform(1, 2, (2, 17)),
        sample_iron=3e-9,
        method="hybrid",
    )
    path = tmp_path / "a.mdf"
    write_calibration_points(path, points, replace(HEADER, tracer=tracer))
    assert_strict(path)
    found = read_calibration_points(path)
    for name in ("positions", "offset_fields", "snr"):
        np.testing.assert_array_equal(getattr(found, name), getattr(points, name))
    np.testing.assert_array_equal(spectra_of(found.scan), spectra_of(scan))
    assert found.sample_iron == pytest.approx(3e-9)
    assert found.method == "hybrid"
    with pytest.raises(DataError, match="/calibration/size is missing"):
        read_system_matrix(path)
    with pytest.raises(DataError, match="positions, or offsetFields"):
        read_calibration_points(handmade.write(tmp_path / "b.mdf"))


def test_points_need_as_many_places_as_frames():
    taken = synthetic.acquisition()
    spectra = synthetic.random_spectra(np.random.default_rng(0), 3, taken)
    scan = synthetic.scan(spectra, [False] * 3)
    with pytest.raises(DataError, match="need positions or offset fields"):
        CalibrationPoints(scan)
    with pytest.raises(DataError, match=r"positions of shape \(2, 3\)"):
        CalibrationPoints(scan, positions=np.zeros((2, 3)))


EXTENSIONS = {
    "_probe": {"pose": np.arange(12.0).reshape(3, 4), "name": "single-sided", "turns": 7},
    "measurement": {"_monitoring": {"temperature": np.array([20.5, 21.0])}},
    "_labels": ["knee", "Nadel é"],
    "_phase": 1 - 2j,
}


def test_extensions_are_written_read_and_kept_on_rewriting(tmp_path):
    tracers = (MdfTracer(0.1, 1e-6, name="a"), MdfTracer(0.2, 2e-6, name="b", solute="Co"))
    header = replace(
        HEADER,
        extensions=EXTENSIONS,
        tracer=tracers,
        bore_size=0.12,
        study_time="2026-01-01T00:00:00.0",
    )
    write_scan(tmp_path / "a.mdf", patch(0), header)
    assert_strict(tmp_path / "a.mdf", extensions=6)
    again = read_header(tmp_path / "a.mdf")
    assert again.tracers == tracers
    assert (again.bore_size, again.study_time) == (0.12, "2026-01-01T00:00:00.0")
    write_scan(tmp_path / "b.mdf", read_scan(tmp_path / "a.mdf"), again)
    assert (tmp_path / "a.mdf").read_bytes() == (tmp_path / "b.mdf").read_bytes()
    found = read_extensions(tmp_path / "b.mdf")
    np.testing.assert_array_equal(found["_probe"]["pose"], EXTENSIONS["_probe"]["pose"])
    np.testing.assert_array_equal(
        found["measurement"]["_monitoring"]["temperature"], np.array([20.5, 21.0])
    )
    assert found["_probe"]["name"] == "single-sided"
    assert found["_probe"]["turns"] == 7
    assert found["_labels"] == ["knee", "Nadel é"]
    assert found["_phase"] == 1 - 2j


def test_long_texts_and_arrays_of_an_extension_come_back(tmp_path):
    extensions = {"_note": "x" * 9000, "_track": np.arange(5000.0)}
    write_scan(tmp_path / "a.mdf", patch(0), replace(HEADER, extensions=extensions))
    found = read_extensions(tmp_path / "a.mdf")
    assert found["_note"] == "x" * 9000
    np.testing.assert_array_equal(found["_track"], np.arange(5000.0))


@pytest.mark.parametrize(
    ("extensions", "message"),
    [
        ({"room": 1.0}, "starts with an underscore"),
        ({"_a/b": 1.0}, "cannot be a name"),
        ({"_a": object()}, "is no number and no text"),
        ({"_a": {"": 1}}, "cannot be a name"),
        ({"_a": np.longdouble(1)}, "is no number and no text"),
    ],
)
def test_what_cannot_be_an_extension_is_refused(extensions, message):
    with pytest.raises(DataError, match=message):
        replace(HEADER, extensions=extensions)


def test_several_waveforms_come_back(tmp_path):
    drive = replace(
        synthetic.acquisition().drive_field,
        divider=np.array([[32, 16]]),
        strength=np.array([[0.01, 0.02]]),
        phase=np.array([[0.5, 0.1]]),
        waveform="sine,triangle",
    )
    taken = synthetic.acquisition(drive_field=drive)
    spectra = synthetic.random_spectra(np.random.default_rng(0), 1, taken)
    scan = synthetic.scan(spectra, [False], acquisition=taken)
    write_scan(tmp_path / "a.mdf", scan, HEADER)
    assert_strict(tmp_path / "a.mdf")
    assert read_scan(tmp_path / "a.mdf").acquisition.drive_field.waveform == "sine,triangle"
    wrong = replace(taken, drive_field=replace(drive, waveform="sine,sine,sine"))
    with pytest.raises(DataError, match="names 3; expected one, or 2"):
        write_scan(tmp_path / "a.mdf", replace(scan, acquisition=wrong), HEADER)


GRID = Grid.centered((2, 3, 4), (0.001, 0.002, 0.003), (0.01, 0.02, 0.03))


@pytest.mark.parametrize("kind", [IronMap, SampleMap])
def test_images_come_back_with_what_their_numbers_mean(tmp_path, kind):
    rng = np.random.default_rng(3)
    maps = [kind(rng.standard_normal((2, 3, 4)), GRID, Provenance("test")) for _ in range(3)]
    write_images(tmp_path / "a.mdf", images_of(maps), HEADER, synthetic.acquisition())
    assert_strict(tmp_path / "a.mdf", extensions=1)
    with h5py.File(tmp_path / "a.mdf") as file:
        assert file["reconstruction/data"].shape == (3, 24, 1)
        # x fastest: the second voxel is (1, 0, 0)
        assert file["reconstruction/data"][1, 1, 0] == maps[1].values[1, 0, 0]
    found = read_images(tmp_path / "a.mdf")
    image = map_of(found, frame=2)
    assert type(image) is kind
    np.testing.assert_array_equal(image.values, maps[2].values)
    assert image.grid.is_same_as(GRID, tolerance=1e-12)
    with pytest.raises(DataError, match="frame 3, channel 0"):
        map_of(found, frame=3)


def test_numbers_of_unknown_meaning_are_no_iron(tmp_path):
    values = np.ones((1, 24, 2))
    positions = np.arange(72.0).reshape(24, 3)
    overscan = np.arange(24) % 2 == 0
    images = MdfImages(values, None, positions, is_overscan=overscan, is_simulated=True)
    write_images(tmp_path / "a.mdf", images, HEADER, synthetic.acquisition())
    assert_strict(tmp_path / "a.mdf")
    found = read_images(tmp_path / "a.mdf")
    np.testing.assert_array_equal(found.positions, positions)
    np.testing.assert_array_equal(found.is_overscan, overscan)
    assert found.is_simulated
    with pytest.raises(DataError, match="a signal is not iron"):
        map_of(found)
    with pytest.raises(DataError, match="by position, not on a grid"):
        map_of(replace(found, quantity="calibration samples"))


def test_a_large_reconstruction_comes_in_parts(tmp_path):
    rng = np.random.default_rng(3)
    grid = Grid.centered((40, 40, 40), (0.001,) * 3)
    images = MdfImages(rng.standard_normal((150, 64000, 1)).astype("f4"), grid)
    assert images.values.size * 8 > 64 << 20
    write_images(tmp_path / "a.mdf", images, HEADER, synthetic.acquisition())
    np.testing.assert_array_equal(read_images(tmp_path / "a.mdf").values, images.values)


def test_what_is_no_reconstruction_is_refused(tmp_path):
    with pytest.raises(DataError, match="/reconstruction/data is of shape"):
        read_images(handmade.write(tmp_path / "a.mdf"))
    with pytest.raises(DataError, match="24 voxels on a grid"):
        MdfImages(np.ones((1, 24, 1)), Grid.centered((2, 2, 2), (1.0,) * 3))
    with pytest.raises(DataError, match="a grid or positions"):
        MdfImages(np.ones((1, 24, 1)), None)
    with pytest.raises(DataError, match="no image"):
        images_of([])


def version_1(tmp_path, data, name, **changes):
    """Write a file of version 1 as the Julia reader of that version expects it."""
    datasets = {
        "/version": "1.0.5",
        "/date": "2016-01-02T03:04:05",
        "/study/name": "old",
        "/study/simulation": 0,
        "/scanner/model": "old scanner",
        "/acquisition/time": "2016-01-02T03:04:00",
        "/acquisition/gradient": np.array([1.25, 1.25, -2.5]),
        "/acquisition/drivefield/averages": 10,
        "/acquisition/drivefield/baseFrequency": 2.5e6,
        "/acquisition/drivefield/divider": np.array([4, 6]),
        "/acquisition/drivefield/numChannels": 2,
        "/acquisition/drivefield/period": 12 / 2.5e6,
        "/acquisition/drivefield/strength": np.array([0.014, 0.014]),
        "/acquisition/receiver/bandwidth": 8 / 2 / (12 / 2.5e6),
        "/acquisition/receiver/numChannels": 2,
        "/acquisition/receiver/numSamplingPoints": 8,
        name: data,
        **changes,
    }
    return handmade.write(tmp_path / "old.mdf", base=datasets)


def halves(values):
    return np.stack([values.real, values.imag], axis=-1)


@pytest.mark.parametrize("periods", [False, True])
@pytest.mark.parametrize("domain", ["TD", "FD"])
def test_measurements_of_version_1_are_read(tmp_path, domain, periods):
    samples = handmade.signals()
    spectra = np.fft.rfft(samples)
    data = samples if domain == "TD" else halves(spectra)
    path = version_1(tmp_path, data[:, None] if periods else data, f"/measurement/data{domain}")
    scan = read_scan(path)
    np.testing.assert_allclose(spectra_of(scan, np.arange(5)), spectra, atol=1e-13)
    taken = scan.acquisition
    np.testing.assert_array_equal(taken.gradient, np.diag([1.25, 1.25, -2.5]))
    assert (taken.n_averages, taken.start_time) == (10, "2016-01-02T03:04:00")
    assert scan.metadata["scanner_name"] == "old scanner"
    assert "states no drive-field phase: 0 stands for it" in scan.metadata["notes"]
    assert not scan.is_background.any()


def test_calibrations_of_version_1_are_read(tmp_path):
    spectra = np.fft.rfft(handmade.signals(frames=4))
    path = version_1(
        tmp_path,
        halves(np.moveaxis(spectra, 0, 2)),
        "/calibration/dataFD",
        **{
            "/calibration/size": np.array([2, 2, 1]),
            "/calibration/fieldOfView": np.array([0.004, 0.006, 0.001]),
            "/calibration/fieldOfViewCenter": np.zeros(3),
            "/calibration/snrFD": np.arange(10.0).reshape(2, 5),
        },
    )
    matrix = read_system_matrix(path)
    np.testing.assert_allclose(spectra_of(matrix, np.arange(5)), spectra, atol=1e-13)
    np.testing.assert_array_equal(matrix.snr, np.arange(10.0).reshape(2, 5))
    assert matrix.is_background_corrected
    assert matrix.sample_iron is None
    assert "taken as so" in matrix.metadata["notes"]


def test_data_of_version_1_that_cannot_be_reached_are_named(tmp_path):
    samples = handmade.signals()
    both = {"/measurement/dataFD": halves(np.fft.rfft(samples))}
    scan = read_scan(version_1(tmp_path, samples, "/measurement/dataTD", **both))
    assert "/measurement/dataTD is read; /measurement/dataFD in the" in scan.metadata["notes"]


def test_the_header_of_version_1_has_no_ids_to_keep(tmp_path):
    path = version_1(tmp_path, handmade.signals(), "/measurement/dataTD")
    with pytest.raises(DataError, match="make an MdfHeader for this file"):
        read_header(path)


def test_spectra_of_several_patches_are_not_mixed(tmp_path):
    frames, channels = 2, 2
    values = np.arange(3 * frames * channels * 17).reshape(3, frames, channels, 17) * (1 + 0j)
    scans = [
        replace(patch(j), spectra=ArraySpectra(values[j]), is_background=np.zeros(2, bool))
        for j in range(3)
    ]
    write_patches(tmp_path / "a.mdf", scans, HEADER)
    for j, scan in enumerate(read_patches(tmp_path / "a.mdf")):
        np.testing.assert_array_equal(spectra_of(scan), values[j])
