"""What breaks a rule is not written, and an unfinished file is left nowhere."""

from dataclasses import replace

import numpy as np
import pytest

import synthetic_mpi as synthetic
from mdf_headers import HEADER
from sojourn.core.errors import DataError
from sojourn.core.geometry import Grid
from sojourn.core.signals import ArraySpectra
from sojourn.formats.mdf import MdfLayout, MdfTracer, write_scan, write_system_matrix
from written_mdf import written


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"uuid": "not-a-uuid"}, "uuid is 'not-a-uuid'", id="uuid"),
        pytest.param({"study_uuid": "1" * 32}, "8-4-4-4-12", id="uuid-without-hyphens"),
        pytest.param({"time": "2026-01-02 03:04:05"}, "yyyy-mm-ddThh", id="time"),
        pytest.param({"subject": "a\0b"}, "NUL", id="nul"),
    ],
)
def test_headers_are_checked(change, message):
    with pytest.raises(DataError, match=message):
        replace(HEADER, **change)


def test_a_tracer_that_is_not_the_calibrations_is_refused(tmp_path):
    matrix = synthetic.matrix(sample_iron=1e-8)
    other = MdfTracer.with_iron(1.00001e-8, 2e-6, name="x", batch="x")
    for header in (HEADER, replace(HEADER, tracer=other)):
        with pytest.raises(DataError, match="holds 1e-08 kg of iron"):
            write_system_matrix(tmp_path / "a.mdf", matrix, header)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("taken", "message"),
    [
        pytest.param({"start_time": ""}, "start_time", id="no-start-time"),
        pytest.param({"bandwidth": 0.6e6}, "samples, 2 x bandwidth x cycle", id="samples"),
    ],
)
def test_a_scan_that_breaks_a_rule_is_not_written(tmp_path, taken, message):
    acquisition = synthetic.acquisition(**taken)
    scan = synthetic.scan(np.ones((1, 2, 17)), [False], acquisition=acquisition)
    with pytest.raises(DataError, match=message):
        write_scan(tmp_path / "a.mdf", scan, HEADER)
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_cycle_is_not_written(tmp_path):
    taken = synthetic.acquisition()
    drive = replace(taken.drive_field, cycle=33e-6)
    scan = synthetic.scan(
        np.ones((1, 2, 17)), [False], acquisition=replace(taken, drive_field=drive)
    )
    with pytest.raises(DataError, match="cycle, lcm"):
        write_scan(tmp_path / "a.mdf", scan, HEADER)


def test_a_turned_grid_is_not_written(tmp_path):
    affine = synthetic.matrix().grid.affine.copy()
    affine[0, 1] = 1e-4
    matrix = synthetic.matrix(grid=Grid((3, 2, 2), affine))
    with pytest.raises(DataError, match="along the axes only"):
        write_system_matrix(tmp_path / "a.mdf", matrix, HEADER)


def test_nan_is_not_written_and_the_old_file_stays(tmp_path):
    path = written(tmp_path)
    before = path.read_bytes()
    values = np.ones((1, 2, 17), complex)
    values[0, 1, 16] = np.nan
    for layout in (MdfLayout(), MdfLayout(domain="time")):
        with pytest.raises(DataError, match="channel 1"):
            write_scan(path, synthetic.scan(values, [False]), HEADER, layout=layout)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["strict.mdf"]


def test_a_spectrum_of_no_real_signal_has_no_time_domain(tmp_path):
    values = np.ones((1, 2, 17), complex)
    values[0, 0, 0] = 1j
    with pytest.raises(DataError, match="not the spectrum of a real signal"):
        write_scan(
            tmp_path / "a.mdf",
            synthetic.scan(values, [False]),
            HEADER,
            layout=MdfLayout(domain="time"),
        )


def test_an_exception_while_writing_leaves_nothing(tmp_path):
    class Breaking(ArraySpectra):
        def read(self, channel, bins):
            if channel == 1:
                raise RuntimeError("the source broke")
            return super().read(channel, bins)

    scan = synthetic.scan(np.ones((1, 2, 17)), [False])
    scan = replace(scan, spectra=Breaking(scan.spectra.values))
    with pytest.raises(RuntimeError, match="the source broke"):
        write_scan(tmp_path / "a.mdf", scan, HEADER)
    assert list(tmp_path.iterdir()) == []
