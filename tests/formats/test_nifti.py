import gzip
import json
import time

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sojourn.core.errors import DataError
from sojourn.core.geometry import Grid
from sojourn.core.images import Mask
from sojourn.core.provenance import Provenance
from sojourn.formats import nifti
from sojourn.formats.nifti import (
    read_description,
    read_image,
    read_mask,
    write_image,
    write_mask,
)


def turned_grid():
    """Turned 30 degrees about z, uneven spacing, a centre off all axes."""
    c, s = np.cos(np.pi / 6), np.sin(np.pi / 6)
    affine = np.eye(4)
    affine[:3, :3] = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) * [0.001, 0.002, 0.003]
    affine[:3, 3] = [0.011, -0.022, 0.033]
    return Grid((2, 3, 4), affine)


def image(**changes):
    """Return a NIfTI image as another program would make it: RAS, mm, turned x and y."""
    affine = np.array([[2.0, 0, 0, 10], [0, 3, 0, 20], [0, 0, 4, 30], [0, 0, 0, 1]])
    values = changes.pop("values", np.arange(24.0).reshape(2, 3, 4))
    made = nibabel.Nifti1Image(values, changes.pop("affine", affine))
    made.header.set_xyzt_units(changes.pop("unit", "mm"))
    made.set_sform(made.affine, code=changes.pop("sform", 1))
    made.set_qform(changes.pop("qform_affine", made.affine), code=changes.pop("qform", 1))
    assert not changes
    return made


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_values_and_places_come_back(tmp_path, name):
    grid, values = turned_grid(), np.random.default_rng(0).standard_normal((2, 3, 4))
    write_image(tmp_path / name, values, grid, description="SIMULATED")
    found, where = read_image(tmp_path / name)
    np.testing.assert_array_equal(found, values)
    # the header is single precision: 33 mm to 2e-6 mm
    np.testing.assert_allclose(where.affine, grid.affine, atol=4e-9)


@pytest.mark.parametrize("text", ["", "SIMULATED sojourn fista", "x" * 79])
def test_a_description_comes_back(tmp_path, text):
    path = tmp_path / "a.nii.gz"
    write_image(path, np.zeros((2, 3, 4)), turned_grid(), description=text)
    assert read_description(path) == text


def test_the_file_is_ras_in_millimetres_to_other_programs(tmp_path):
    grid = turned_grid()
    write_image(tmp_path / "a.nii", np.zeros((2, 3, 4)), grid, description="made by hand")
    other = nibabel.load(tmp_path / "a.nii")
    corner = other.affine @ [1, 2, 3, 1]
    x, y, z = grid.affine[:3] @ [1, 2, 3, 1]
    np.testing.assert_allclose(corner[:3], [-1e3 * x, -1e3 * y, 1e3 * z], rtol=1e-6)
    assert other.header.get_xyzt_units()[0] == "mm"
    assert int(other.header["sform_code"]) == int(other.header["qform_code"]) == 1
    assert bytes(other.header["descrip"]).rstrip(b"\0") == b"made by hand"
    assert nibabel.aff2axcodes(other.affine) == ("L", "P", "S")


def test_right_and_anterior_become_minus_x_and_minus_y(tmp_path):
    nibabel.save(image(), tmp_path / "ras.nii")
    values, grid = read_image(tmp_path / "ras.nii")
    assert values[1, 2, 3] == 23
    # voxel 0 lies 10 mm right and 20 mm anterior; voxel (1, 0, 0) 2 mm further right
    np.testing.assert_allclose(grid.affine[:3, 3], [-0.010, -0.020, 0.030], atol=1e-9)
    np.testing.assert_allclose(grid.affine[:3, 0], [-0.002, 0, 0], atol=1e-12)


@pytest.mark.parametrize(
    ("unit", "factor"),
    [pytest.param("meter", 1.0, id="m"), pytest.param("micron", 1e-6, id="um")],
)
def test_other_units_of_length(tmp_path, unit, factor):
    nibabel.save(image(unit=unit), tmp_path / "a.nii")
    assert read_image(tmp_path / "a.nii")[1].affine[2, 3] == pytest.approx(30 * factor)


def test_a_missing_unit_is_not_guessed(tmp_path):
    nibabel.save(image(unit="unknown"), tmp_path / "a.nii")
    with pytest.raises(DataError, match="states no unit of length"):
        read_image(tmp_path / "a.nii")
    assert read_image(tmp_path / "a.nii", unit="mm")[1].affine[2, 3] == pytest.approx(0.030)
    nibabel.save(image(), tmp_path / "b.nii")
    with pytest.raises(DataError, match="exactly one of both"):
        read_image(tmp_path / "b.nii", unit="cm")


@pytest.mark.parametrize(
    ("shift_mm", "refused"),
    [pytest.param(0.009, False, id="rounding"), pytest.param(0.011, True, id="conflict")],
)
def test_sform_and_qform_must_agree(tmp_path, shift_mm, refused):
    moved = np.array(image().affine)
    moved[0, 3] += shift_mm
    nibabel.save(image(qform_affine=moved), tmp_path / "a.nii")
    if refused:
        with pytest.raises(DataError, match=r"sform and qform put a corner 0\.011 mm apart"):
            read_image(tmp_path / "a.nii")
    else:
        assert read_image(tmp_path / "a.nii")[1].affine[0, 3] == pytest.approx(-0.010)


@pytest.mark.parametrize(
    ("codes", "x"),
    [
        pytest.param({"sform": 2, "qform": 0}, -0.010, id="sform-alone"),
        pytest.param({"sform": 0, "qform": 1}, -0.015, id="qform-alone"),
    ],
)
def test_the_one_form_that_is_set_is_used(tmp_path, codes, x):
    moved = np.array(image().affine)
    moved[0, 3] += 5
    nibabel.save(image(qform_affine=moved, **codes), tmp_path / "a.nii")
    assert read_image(tmp_path / "a.nii")[1].affine[0, 3] == pytest.approx(x)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"sform": 0, "qform": 0}, "does not say where it lies", id="no-position"),
        pytest.param({"sform": 4}, "template's space", id="mni"),
        pytest.param({"sform": 3, "qform": 0}, "template's space", id="talairach"),
        pytest.param({"values": np.zeros((2, 3, 4, 5))}, "one 3-D volume", id="four-axes"),
        pytest.param({"values": np.zeros((2, 3))}, "one 3-D volume", id="two-axes"),
        pytest.param({"values": np.full((2, 3, 4), np.nan)}, "24 voxels are not", id="nan"),
        pytest.param({"values": np.zeros((2, 3, 4), np.complex64)}, "real numbers", id="complex"),
    ],
)
def test_what_cannot_be_used_is_refused(tmp_path, changes, message):
    nibabel.save(image(**changes), tmp_path / "a.nii")
    with pytest.raises(DataError, match=message):
        read_image(tmp_path / "a.nii")


def test_a_fourth_axis_of_one_is_a_volume(tmp_path):
    nibabel.save(image(values=np.ones((2, 3, 4, 1))), tmp_path / "a.nii")
    assert read_image(tmp_path / "a.nii")[0].shape == (2, 3, 4)


def test_scaled_integers_come_scaled(tmp_path):
    made = image(values=np.arange(24, dtype=np.int16).reshape(2, 3, 4))
    made.header.set_slope_inter(0.5, 3)
    nibabel.save(made, tmp_path / "a.nii")
    stored = nibabel.load(tmp_path / "a.nii").get_fdata()
    np.testing.assert_array_equal(read_image(tmp_path / "a.nii")[0], stored)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("a.nii", b"not an image" * 40, id="text"),
        pytest.param("a.nii.gz", b"not compressed" * 40, id="not-gzip"),
        pytest.param("a.nii.gz", gzip.compress(b"short"), id="short"),
        pytest.param("a.nii", b"", id="empty"),
    ],
)
def test_a_file_that_is_no_image_gives_one_clear_error(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=r"^a\.nii"):
        read_image(tmp_path / name)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_a_cut_file_gives_one_clear_error(tmp_path, name):
    values = np.random.default_rng(0).standard_normal((2, 3, 4))
    write_image(tmp_path / name, values, turned_grid())
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[:-40])
    with pytest.raises(DataError, match=r"^a\.nii.*(cut off|cannot be read as NIfTI)"):
        read_image(tmp_path / name)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"gone\.nii does not exist"):
        read_image(tmp_path / "gone.nii")


def test_a_huge_claim_is_refused_before_reading(tmp_path):
    made = image()
    made.to_filename(tmp_path / "a.nii")
    content = bytearray((tmp_path / "a.nii").read_bytes())
    content[42:48] = np.array([30000, 30000, 30000], "<i2").tobytes()
    (tmp_path / "a.nii").write_bytes(content)
    with pytest.raises(DataError, match="claims"):
        read_image(tmp_path / "a.nii")


@pytest.mark.parametrize(
    ("values", "name", "description", "message"),
    [
        pytest.param(np.full((2, 3, 4), np.inf), "a.nii", "", "24 voxels", id="infinite"),
        pytest.param(np.zeros((3, 3, 4)), "a.nii", "", "values have shape", id="shape"),
        pytest.param(np.zeros((2, 3, 4)), "a.img", "", "ends in", id="ending"),
        pytest.param(np.zeros((2, 3, 4)), "a.nii", "x" * 80, "79", id="description"),
        pytest.param(np.zeros((2, 3, 4), complex), "a.nii", "", "cannot be written", id="complex"),
        pytest.param(np.full((2, 3, 4), 2**40), "a.nii", "", "32 bits", id="huge-integer"),
    ],
)
def test_nothing_is_written_if_it_cannot_be_written(tmp_path, values, name, description, message):
    with pytest.raises(DataError, match=message):
        write_image(tmp_path / name, values, turned_grid(), description=description)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.nii"
    write_image(path, np.ones((2, 3, 4)), turned_grid())
    before = path.read_bytes()

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr("pathlib.Path.replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_image(path, np.zeros((2, 3, 4)), turned_grid())
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.nii"]


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_equal_values_give_equal_bytes_at_any_time_and_name(tmp_path, name, monkeypatch):
    values = np.random.default_rng(1).standard_normal((2, 3, 4))
    write_image(tmp_path / name, values, turned_grid())
    monkeypatch.setattr(time, "time", lambda: 4e9)
    write_image(tmp_path / f"other_{name}", values, turned_grid())
    assert (tmp_path / name).read_bytes() == (tmp_path / f"other_{name}").read_bytes()


def test_a_sheared_grid_keeps_its_sform(tmp_path):
    affine = turned_grid().affine.copy()
    affine[0, 1] += 0.001
    write_image(tmp_path / "a.nii", np.zeros((2, 3, 4)), Grid((2, 3, 4), affine))
    assert int(nibabel.load(tmp_path / "a.nii").header["qform_code"]) == 0
    np.testing.assert_allclose(read_image(tmp_path / "a.nii")[1].affine, affine, atol=4e-9)


def mask(labels=None):
    if labels is None:
        labels = np.zeros((2, 3, 4), np.int32)
        labels[0, 1, 2], labels[1, 2, 3] = 1, 300
    return Mask(labels, turned_grid(), {1: "joint_cavity", 300: "periarticular"}, Provenance("x"))


@pytest.mark.parametrize("name", ["knee.nii", "knee.nii.gz"])
def test_a_mask_keeps_labels_and_names(tmp_path, name):
    write_mask(tmp_path / name, mask())
    names = json.loads((tmp_path / "knee.labels.json").read_text())
    assert names == {"1": "joint_cavity", "300": "periarticular"}
    found = read_mask(tmp_path / name)
    np.testing.assert_array_equal(found.labels, mask().labels)
    assert found.names == {1: "joint_cavity", 300: "periarticular"}
    assert found.region("joint_cavity").sum() == 1
    assert len(found.provenance.inputs) == 2
    assert sorted(p.name for p in tmp_path.iterdir()) == ["knee.labels.json", name]


def test_masks_use_the_smallest_integer(tmp_path):
    write_mask(tmp_path / "a.nii", mask())
    assert nibabel.load(tmp_path / "a.nii").get_data_dtype() == np.int16


def test_a_mask_of_another_program_takes_names_from_the_caller(tmp_path):
    nibabel.save(image(values=np.eye(4)[None, :3].repeat(2, 0)), tmp_path / "a.nii")
    with pytest.raises(DataError, match="names of its labels are missing"):
        read_mask(tmp_path / "a.nii")
    assert read_mask(tmp_path / "a.nii", names={1: "cavity"}).region("cavity").sum() == 6
    (tmp_path / "a.labels.json").write_text('{"1": "other"}')
    with pytest.raises(DataError, match="given twice"):
        read_mask(tmp_path / "a.nii", names={1: "cavity"})


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param(0.5, "whole numbers, found 0.5", id="half"),
        pytest.param(2.0**31, "whole numbers, found 2147483648", id="too-large"),
        pytest.param(2.0, "labels \\[2\\] without a name", id="unnamed"),
    ],
)
def test_a_mask_holds_named_whole_numbers(tmp_path, value, message):
    values = np.zeros((2, 3, 4))
    values[0, 0, 0] = value
    nibabel.save(image(values=values), tmp_path / "a.nii")
    with pytest.raises(DataError, match=message):
        read_mask(tmp_path / "a.nii", names={1: "cavity"})


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[1, 2]", id="a-list"),
        pytest.param('{"one": "cavity"}', id="label-is-a-word"),
        pytest.param('{"1": 5}', id="name-is-a-number"),
        pytest.param('{"1": ""}', id="empty-name"),
        pytest.param('{"1": "a", "2": "a"}', id="same-name-twice"),
        pytest.param('{"0": "outside"}', id="zero-is-no-region"),
        pytest.param("{", id="not-json"),
    ],
)
def test_a_broken_sidecar_is_refused(tmp_path, text):
    write_mask(tmp_path / "a.nii", mask(np.zeros((2, 3, 4), np.int32)))
    (tmp_path / "a.labels.json").write_text(text)
    with pytest.raises(DataError, match=r"a\.labels\.json"):
        read_mask(tmp_path / "a.nii")


def test_a_failed_mask_leaves_neither_file(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr(nifti, "write_image", fail)
    with pytest.raises(OSError, match="disk full"):
        write_mask(tmp_path / "a.nii", mask())
    assert list(tmp_path.iterdir()) == []


@given(
    spacing=st.tuples(*[st.floats(1e-4, 1e-1)] * 3),
    center=st.tuples(*[st.floats(-1, 1)] * 3),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=25, deadline=None)
def test_any_image_comes_back(tmp_path_factory, spacing, center, seed):
    path = tmp_path_factory.mktemp("nifti") / "a.nii.gz"
    values = np.random.default_rng(seed).standard_normal((3, 1, 2)) * 10.0 ** (seed % 30 - 15)
    grid = Grid.centered((3, 1, 2), spacing, center)
    write_image(path, values, grid)
    found, where = read_image(path)
    np.testing.assert_array_equal(found, values)
    assert where.is_same_as(grid, tolerance=2e-7)  # single precision at 1.1 m
