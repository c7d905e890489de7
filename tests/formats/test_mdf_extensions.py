"""Extensions, names that start with an underscore, are written, read and kept."""

from dataclasses import replace

import numpy as np
import pytest

from mdf_headers import HEADER, assert_strict
from sojourn.core.errors import DataError
from sojourn.formats.mdf import MdfTracer, read_extensions, read_header, read_scan, write_scan
from written_mdf import patch

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
