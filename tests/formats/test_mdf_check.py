"""`check_mdf` on whole files: real ones, ones of this package, extensions, version 1."""

import h5py
import pytest

import handmade_mdf as handmade
import head_scanner
import synthetic_mpi as synthetic
from mdf_headers import HEADER, assert_strict, found_in
from sojourn.core.errors import DataError
from sojourn.formats.mdf import MdfLayout, MdfSparsity, check_mdf, write_system_matrix


def test_a_file_made_by_hand_from_the_tables_has_no_deviation(tmp_path):
    # scalars () and UTF-8 strings of any length, int64 and float64 as numpy's defaults
    assert check_mdf(handmade.write(tmp_path / "a.mdf")) == ()


def test_the_real_file_of_version_2_0(shared):
    """By hand from its datasets against the tables of the specification.

    Version; two names of 2.0; one flag of 2.1 missing; three arrays without their leading axes;
    six tracer datasets without the axis of tracers (its seventh, injectionTime, has it). The
    tracer's zeros stand for an empty bore, which is allowed but worth a note.
    """
    path = head_scanner.folder(shared) / "systemMatrix_no-signal.mdf"
    found = check_mdf(path)
    of_one = [("/tracer/" + n, "shape ()", "A = (1)") for n in (
        "batch", "concentration", "name", "solute", "vendor", "volume")]  # fmt: skip
    assert [(d.dataset, d.found, d.expected) for d in found if d.severity == "deviation"] == [
        ("/version", "'2.0'", "'2.1.0'"),
        *of_one,
        ("/acquisition/gradient", "shape (1, 3)", "J x Y x 3 x 3 = (1, any, 3, 3)"),
        ("/acquisition/offsetField", "shape (1, 3)", "J x Y x 3 = (1, any, 3)"),
        ("/acquisition/drivefield/waveform", "shape ()", "D x F = (1, 1)"),
        ("/measurement/isSparsityTransformed", "missing", "a flag dataset"),
        (
            "/acquisition/numPeriods",
            "a name of an older version",
            "/acquisition/numPeriodsPerFrame",
        ),
        (
            "/measurement/isTransposed",
            "a name of an older version",
            "/measurement/isFastFrameAxis",
        ),
    ]
    assert [(d.dataset, d.found) for d in found if d.severity != "deviation"] == [
        ("/tracer/concentration", "[0.0]"),
        ("/tracer/volume", "[0.0]"),
    ]


def test_the_simulated_example_keeps_the_specification(shared):
    # 125 MHz / 5000 = 25 kHz, 40 us; 2 x 7.8125 MHz x 40 us = 625 samples; no optional group
    assert check_mdf(head_scanner.folder(shared) / "simulated_mdf-2.1.0_example.mdf") == ()


@pytest.mark.parametrize("transformation", ["DCT-I", "DCT-II", "DCT-III", "DCT-IV"])
def test_what_is_written_sparse_has_no_deviation(tmp_path, transformation):
    layout = MdfLayout(fast_frame_axis=True, sparsity=MdfSparsity(4, transformation))
    write_system_matrix(tmp_path / "a.mdf", synthetic.matrix(), HEADER, layout=layout)
    assert_strict(tmp_path / "a.mdf")


def test_names_with_an_underscore_are_extensions(tmp_path):
    path = handmade.write(tmp_path / "a.mdf", {"/_room/temperature": 1.0, "/study/_id": "x"})
    assert [(d.dataset, d.severity) for d in check_mdf(path)] == [
        ("/_room/temperature", "extension"),
        ("/study/_id", "extension"),
    ]


def test_attributes_and_empty_unknown_groups_are_named(tmp_path):
    path = handmade.write(tmp_path / "a.mdf")
    with h5py.File(path, "a") as file:
        file.attrs["title"] = "x"
        file["study/name"].attrs["unit"] = "x"
        file.create_group("vendor")
        file.create_group("_vendor")
    assert found_in(path) == [
        ("/study/name", "has HDF5 attributes"),
        ("/", "has HDF5 attributes"),
        ("/vendor", "an unknown group"),
    ]


def test_a_file_of_version_1_lists_its_names_and_what_it_lacks(tmp_path):
    path = handmade.write(
        tmp_path / "a.mdf",
        base={"/version": "1.0.5", "/date": "2016-01-02T03:04:05", "/measurement/dataTD": [1.0]},
    )
    found = dict(found_in(path))
    assert found["/version"] == "'1.0.5'"
    assert found["/date"] == "a name of an older version"
    assert found["/measurement/dataTD"] == "a name of an older version"
    assert found["/uuid"] == "missing"
    assert "/time" not in found
    assert "/measurement/data" not in found


def test_control_characters_of_names_do_not_reach_the_terminal(tmp_path):
    path = handmade.write(tmp_path / "a.mdf", {"/\x1b[31mred": 1.0, "/study/name": "ok"})
    assert not any("\x1b" in str(d) for d in check_mdf(path))


def test_what_is_not_hdf5_cannot_be_checked(tmp_path):
    (tmp_path / "a.mdf").write_text("no")
    with pytest.raises(DataError, match="not HDF5"):
        check_mdf(tmp_path / "a.mdf")
