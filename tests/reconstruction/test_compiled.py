"""The compiled solver beside its oracle, plain numpy; the kernels have no tests but these."""

import threading
import tracemalloc

import numpy as np
import pytest

import newton_problems
import problems
from sojourn.core.errors import DataError
from sojourn.reconstruction import _compiled
from sojourn.reconstruction._compiled import REFRESH, Limits, Session, encode, quantize
from sojourn.reconstruction._compression import CompressedMatrix, compress
from sojourn.reconstruction._dual_newton import solve_dual

needs_numba = pytest.mark.skipif(not _compiled.is_available(), reason="numba is not installed")

RANK = 70
RELATIVE = 1e-2


@pytest.fixture(scope="module")
def columns():
    return newton_problems.columns()


@pytest.fixture(scope="module")
def compressed(columns):
    return compress(columns, max_rank=RANK, rng=np.random.default_rng(0))


@pytest.fixture(scope="module")
def lam(columns):
    return problems.damping(columns, RELATIVE)


@pytest.fixture
def open_session(compressed, lam):
    opened = []

    def make(bits=32, tolerance=1e-5, max_passes=200.0, threads=1):
        coded = encode(compressed, lam, bits)
        opened.append(Session(coded, Limits(tolerance, max_passes), threads))
        return opened[-1]

    yield make
    for session in opened:
        session.close()


def image(session, frame):
    found = np.empty(newton_problems.VOXELS)
    session.solve(frame, found)
    return found


def exact(compressed, lam, frames):
    """Return images by the oracle in double precision (direct Newton steps)."""
    double = CompressedMatrix(
        compressed.basis.astype(float),
        compressed.singular,
        compressed.loadings.astype(float),
        compressed.truncation,
    )
    z = double.project(frames)
    found = solve_dual(double.loadings, double.singular, lam, z, tolerance=1e-12, max_passes=200)
    assert found.is_converged.all()
    return found.values


@pytest.mark.parametrize(
    ("bits", "error"),
    [
        # uniform rounding to 1/127 or 1/32767 of the largest value: largest / root 12 of it, and
        # the largest value of a row is some 2 to 6 times its root mean square
        pytest.param(8, (1 / 127 / 3.47 * 2, 1 / 127 / 3.47 * 6), id="int8"),
        pytest.param(16, (1 / 32767 / 3.47 * 2, 1 / 32767 / 3.47 * 6), id="int16"),
        pytest.param(32, (0.0, 0.0), id="single-precision"),
    ],
)
def test_codes_round_each_row_to_its_own_scale(bits, error):
    rows = (
        np.random.default_rng(0).standard_normal((50, 80))
        * 10.0 ** np.arange(-10, 15, 0.5)[:, None]
    )
    rows = rows.astype(np.float32)
    found = quantize(rows, bits)
    left = rows - found.codes * found.scale[:, None].astype(float)
    each = np.linalg.norm(left, axis=1) / np.linalg.norm(rows, axis=1)
    assert (error[0] <= each).all()
    assert (each <= error[1]).all()
    assert found.error == pytest.approx(np.linalg.norm(left) / np.linalg.norm(rows), rel=1e-3)


def test_rows_of_zeros_have_codes_of_zero():
    found = quantize(np.zeros((2, 3)), 16)
    assert not found.codes.any()
    assert found.error == 0


@needs_numba
@pytest.mark.parametrize(("bits", "error"), [(32, 2e-4), (16, 1e-3), (8, 0.1)])
def test_the_compiled_solution_is_that_of_numpy(
    open_session, columns, compressed, lam, bits, error
):
    frames = newton_problems.signals(columns, 3)
    expected = exact(compressed, lam, frames)
    session = open_session(bits)
    for frame, values in zip(frames, expected, strict=True):
        found = image(session, frame)
        assert session.report.is_converged
        # single precision, or codes of few bits: a small change of the matrix
        assert problems.relative_error(found, values) < error
        assert session.report.active == pytest.approx((found > 0).mean(), abs=0.02)


@needs_numba
def test_products_kept_from_frame_to_frame_stay_true(open_session, columns, compressed, lam):
    frames = newton_problems.signals(columns, REFRESH - 1)
    session = open_session(32, tolerance=1e-5)
    for frame in frames:
        found = image(session, frame)
    expected = exact(compressed, lam, frames[-1:])[0]
    # the same bound as for a frame solved from nothing
    assert problems.relative_error(found, expected) < 2e-4


@needs_numba
@pytest.mark.parametrize("bits", [8, 16, 32])
def test_one_thread_and_two_give_equal_bytes(open_session, columns, bits):
    one, two = open_session(bits, threads=1), open_session(bits, threads=2)
    for frame in newton_problems.signals(columns, 8):
        assert image(one, frame).tobytes() == image(two, frame).tobytes()


@needs_numba
def test_a_frame_like_the_last_takes_fewer_passes(open_session, columns):
    frames = newton_problems.signals(columns, 2, noise=1e-3)
    session = open_session(16, tolerance=1e-3)
    image(session, frames[0])
    assert session.report.is_cold
    cold = session.report.passes
    image(session, frames[1])
    assert not session.report.is_cold
    assert session.report.passes < cold
    image(session, frames[1])
    assert session.report.passes == 0


@needs_numba
def test_passes_are_capped_and_the_report_says_so(open_session, columns):
    frame = newton_problems.signals(columns)[0]
    session = open_session(16, tolerance=1e-5, max_passes=3.0)
    image(session, frame)
    assert session.report.is_capped
    assert not session.report.is_converged
    # the cap stops new work; the step under way is finished
    assert session.report.passes <= 3.0 + 1.5
    free = open_session(16, tolerance=1e-5)
    image(free, frame)
    assert free.report.passes > 3.0
    assert not free.report.is_capped


@needs_numba
def test_all_products_are_made_anew_from_time_to_time(open_session, columns):
    session = open_session(16, tolerance=1e-2)
    frame = newton_problems.signals(columns)[0]
    passes = []
    for _ in range(2 * REFRESH + 2):
        image(session, frame)
        passes.append(session.report.passes > 0)
    # one cold start, then one fused pass in REFRESH frames
    assert np.flatnonzero(passes).tolist() == [0, REFRESH, 2 * REFRESH]


@needs_numba
@pytest.mark.parametrize(
    ("row", "value", "message"),
    [
        pytest.param(3, np.nan, "nan", id="not-a-number"),
        pytest.param(0, complex(0, np.inf), "inf", id="infinite"),
        pytest.param(7, 1e30, "1e\\+30", id="absurdly-large"),
    ],
)
def test_a_frame_that_cannot_be_is_refused_and_the_next_one_is_solved(
    open_session, columns, row, value, message
):
    frames = newton_problems.signals(columns, 2)
    session, fresh = open_session(16), open_session(16)
    image(session, frames[0])
    bad = frames[0].copy()
    bad[row] = value
    with pytest.raises(DataError, match=f"{message}.*row {row}"):
        image(session, bad)
    assert image(session, frames[1]).tobytes() == image(fresh, frames[1]).tobytes()


@needs_numba
def test_a_frame_of_another_length_is_refused(open_session):
    with pytest.raises(DataError, match=r"shape \(5,\); expected \(180,\)"):
        image(open_session(), np.ones(5, dtype=complex))


@needs_numba
@pytest.mark.parametrize("scale", [1e-20, 1e-6, 1e9])
def test_images_scale_with_the_signal(open_session, columns, scale):
    frame = newton_problems.signals(columns)[0]
    session = open_session(16)
    one = image(session, frame)
    np.testing.assert_allclose(
        image(session, scale * frame), scale * one, rtol=1e-3, atol=0.02 * scale
    )


@needs_numba
def test_a_dead_receiver_gives_zeros_and_the_next_frame_is_solved(open_session, columns):
    frame = newton_problems.signals(columns)[0]
    session, fresh = open_session(16), open_session(16)
    image(session, frame)
    assert not image(session, np.zeros_like(frame)).any()
    assert session.report.is_converged
    assert image(session, frame).tobytes() == image(fresh, frame).tobytes()


@needs_numba
@pytest.mark.parametrize("threads", [1, 2])
def test_frames_allocate_nothing(open_session, columns, threads):
    frames = newton_problems.signals(columns, 4)
    session = open_session(16, threads=threads)
    out = np.empty(newton_problems.VOXELS)
    for frame in frames:
        session.solve(frame, out)
    tracemalloc.start()
    before = tracemalloc.take_snapshot()
    for _ in range(5):
        for frame in frames:
            session.solve(frame, out)
    _, peak = tracemalloc.get_traced_memory()
    kept = sum(s.size_diff for s in tracemalloc.take_snapshot().compare_to(before, "filename"))
    tracemalloc.stop()
    # one image is 4 kB, one vector of the rank 280 B; what is left is the views of a call
    assert peak < 30_000
    assert kept < 30_000


@needs_numba
def test_closing_ends_the_second_thread(open_session):
    before = threading.active_count()
    session = open_session(16, threads=2)
    assert threading.active_count() == before + 1
    session.close()
    session.close()
    assert threading.active_count() == before
