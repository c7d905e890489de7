import itertools

import numpy as np
import pytest

import newton_problems
import problems
from sojourn.core.errors import DataError
from sojourn.reconstruction import _compiled
from sojourn.reconstruction.kaczmarz import Kaczmarz
from sojourn.reconstruction.newton import Newton
from sojourn.reconstruction.streaming.stream import LATENCIES, open_stream


@pytest.fixture(scope="module")
def columns():
    return newton_problems.columns()


def prepared(columns, **changes):
    settings = newton_problems.settings_of(columns, **changes)
    return Newton(**settings).prepare(newton_problems.calibration(columns))


@pytest.fixture(params=["compiled", "numpy"])
def solver_kind(request, monkeypatch):
    if request.param == "numpy":
        monkeypatch.setattr(_compiled, "find_spec", lambda _: None)
    elif not _compiled.is_available():
        pytest.skip("numba is not installed")
    return request.param


def test_images_are_those_of_single_frames_within_the_tolerance(columns, solver_kind):
    ready = prepared(columns, tolerance=1e-4, bits=32, max_passes=400)
    assert ready.parameters()["is_compiled"] is (solver_kind == "compiled")
    with open_stream(ready) as stream:
        for frame in newton_problems.signals(columns, 3):
            found = stream.push(frame)
            assert problems.relative_error(found, ready.solver(frame).values) < 0.03
            assert stream.report.gradient <= 1e-4
    assert stream.n_frames == 3
    assert stream.n_capped == 0


def test_the_same_frames_give_the_same_bytes_whatever_the_threads(columns, solver_kind):
    frames = newton_problems.signals(columns, 5)
    ready = prepared(columns)
    found = []
    for threads in (1, 2, 2):
        with open_stream(ready, threads=threads) as stream:
            stream.warm_up()
            found.append([stream.push(frame).copy().tobytes() for frame in frames])
    assert found[0] == found[1] == found[2], solver_kind


def test_the_image_is_overwritten_by_the_next_frame(columns):
    frames = newton_problems.signals(columns, 2, noise=0.3)
    with open_stream(prepared(columns), threads=1) as stream:
        first = stream.push(frames[0])
        kept = first.copy()
        second = stream.push(frames[1])
    assert first is second
    assert not np.array_equal(kept, second)


def test_a_reset_stream_knows_nothing_of_earlier_frames(columns, solver_kind):
    frames = newton_problems.signals(columns, 2)
    ready = prepared(columns)
    with open_stream(ready, threads=1) as one, open_stream(ready, threads=1) as other:
        one.push(frames[0])
        one.reset()
        assert np.array_equal(one.push(frames[1]), other.push(frames[1])), solver_kind


def test_frames_that_run_out_of_passes_are_counted(columns, solver_kind):
    ready = prepared(columns, tolerance=1e-5, max_passes=2.0)
    with open_stream(ready, threads=1) as stream:
        stream.push(newton_problems.signals(columns)[0])
        assert stream.report.is_capped, solver_kind
        assert stream.n_capped == 1


def test_latencies_are_those_of_the_clock_given(columns):
    ticks = itertools.accumulate(itertools.cycle([1.0, 0.25]))
    frame = newton_problems.signals(columns)[0]
    with open_stream(prepared(columns), threads=1, clock=lambda: next(ticks)) as stream:
        stream.warm_up()
        assert len(stream.latencies()) == 0
        for _ in range(3):
            stream.push(frame)
        np.testing.assert_allclose(stream.latencies(), 0.25)
        for _ in range(LATENCIES):
            stream.push(frame)
        assert len(stream.latencies()) == LATENCIES
    with open_stream(prepared(columns), threads=1) as stream:
        stream.push(frame)
        assert len(stream.latencies()) == 0


def test_a_region_is_streamed_into_the_whole_grid(columns, solver_kind):
    ready = prepared(columns, roi=((2, 8), (1, 6), (0, 7)), tolerance=1e-3)
    frame = newton_problems.signals(columns)[0]
    with open_stream(ready, threads=1) as stream:
        found = stream.push(frame)
    assert found.shape == (newton_problems.VOXELS,), solver_kind
    assert problems.relative_error(found, ready.solver(frame).values) < 0.05


def test_frames_that_are_not_finite_or_too_long_are_refused(columns, solver_kind):
    frame = newton_problems.signals(columns)[0]
    bad = frame.copy()
    bad[4] = np.nan
    with open_stream(prepared(columns), threads=1) as stream:
        with pytest.raises(DataError, match="row 4"):
            stream.push(bad)
        with pytest.raises(DataError, match=r"expected \(180,\)"):
            stream.push(frame[1:])
        assert stream.push(frame).any(), solver_kind


def test_certified_images_and_other_methods_are_not_live(columns):
    with pytest.raises(DataError, match="purpose guidance or review"):
        open_stream(prepared(columns, purpose="quantification"))
    settings = newton_problems.settings_of(columns)
    other = Kaczmarz(**settings).prepare(newton_problems.calibration(columns))
    with pytest.raises(DataError, match="got reconstruct_kaczmarz"):
        open_stream(other)
