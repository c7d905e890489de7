"""Where the voxels of a calibration lie: their order, their places, points on no grid."""

from dataclasses import replace

import numpy as np
import pytest

import handmade_mdf as handmade
import synthetic_mpi as synthetic
from handmade_mdf import SPECTRA, read_all
from mdf_headers import HEADER, assert_strict
from sojourn.core.errors import DataError
from sojourn.formats.mdf import (
    CalibrationPoints,
    MdfTracer,
    read_calibration_points,
    read_images,
    read_system_matrix,
    write_calibration_points,
)
from written_mdf import spectra_of


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


def test_positions_that_agree_are_accepted(tmp_path):
    centers = [[x, y, 0.03] for y in (0.0185, 0.0215) for x in (0.009, 0.011)]
    path = handmade.write(tmp_path / "a.mdf", {"/calibration/positions": np.array(centers)})
    assert read_system_matrix(path).grid.shape == (2, 2, 1)


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
