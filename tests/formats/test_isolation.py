"""The child process: bounded in memory and time, replaced when it dies, safe to fork."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import h5py
import numpy as np
import pytest

import handmade_mdf as handmade
from sojourn.core.errors import DataError
from sojourn.formats import _isolation as isolation
from sojourn.formats._isolation import Limits, ask, stop_workers
from sojourn.formats.mdf import describe_mdf, read_scan


def describe(path, limits):
    return ask({"ask": "describe", "path": str(path)}, name=path.name, limits=limits)


def child(limits):
    """Return the process id of the child that serves `limits`."""
    return isolation._workers[limits].process.pid


def test_one_child_serves_many_requests(tmp_path):
    path, limits = handmade.write(tmp_path / "a.mdf"), Limits(seconds=50)
    first = describe(path, limits).head["pid"]
    assert describe(path, limits).head["pid"] == first
    assert first not in (os.getpid(), 0)


def test_a_refusal_leaves_the_child_and_damage_replaces_it(tmp_path):
    path, limits = handmade.write(tmp_path / "a.mdf"), Limits(seconds=51)
    text = tmp_path / "text.mdf"
    text.write_text("no HDF5")
    first, server = describe(path, limits).head["pid"], child(limits)
    with pytest.raises(DataError, match="is not HDF5"):
        describe(text, limits)
    assert describe(path, limits).head["pid"] == first
    cut = tmp_path / "cut.mdf"
    cut.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(DataError, match=r"cut\.mdf cannot be read as HDF5"):
        describe(cut, limits)
    assert describe(path, limits).head["pid"] != first
    # where the platform forks, only the copy that touched the damaged file is gone
    assert (child(limits) == server) == hasattr(os, "fork")


def test_a_killed_child_is_replaced(tmp_path):
    path, limits = handmade.write(tmp_path / "a.mdf"), Limits(seconds=52)
    describe(path, limits)
    isolation._workers[limits].process.kill()
    isolation._workers[limits].process.wait()
    assert describe(path, limits).head["items"]


def test_a_child_that_dies_at_work_gives_one_error(tmp_path, monkeypatch):
    path, limits = handmade.write(tmp_path / "a.mdf"), Limits(seconds=53)
    (tmp_path / "dying.py").write_text(
        "import sys\nprint('{}', flush=True)\nsys.stdin.readline()\nsys.exit(9)\n"
    )
    monkeypatch.setattr(isolation, "WORKER", tmp_path / "dying.py")
    with pytest.raises(DataError, match=r"a\.mdf: the process that read it ended unexpectedly"):
        describe(path, limits)


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(b"no json\\n", id="no-json"),
        pytest.param(b"[" * 100_000 + b"\\n", id="deeply-nested"),
        pytest.param(b'{"n_bytes": 8, "dtype": "|O", "shape": [1]}\\n12345678', id="objects"),
        pytest.param(b'{"n_bytes": 9, "dtype": "<f8", "shape": [1]}\\n123456789', id="size"),
        pytest.param(
            b'{"n_bytes": 800000000, "dtype": "<f8", "shape": [100000000]}\\n', id="too-large"
        ),
        pytest.param(b'{"n_bytes": -8, "dtype": "<f8", "shape": [-1]}\\n', id="negative"),
        pytest.param(b'{"n_bytes": 8, "dtype": "<f8"}\\n', id="no-shape"),
    ],
)
def test_a_reply_that_breaks_the_form_is_not_believed(tmp_path, monkeypatch, reply):
    path, limits = handmade.write(tmp_path / "a.mdf"), Limits(seconds=54)
    stop_workers()
    text = reply.decode()
    (tmp_path / "lying.py").write_text(
        f"import sys\nprint('{{}}', flush=True)\nsys.stdin.readline()\n"
        f"sys.stdout.write('{text}')\nsys.stdout.flush()\n"
    )
    monkeypatch.setattr(isolation, "WORKER", tmp_path / "lying.py")
    with pytest.raises(DataError, match=r"a\.mdf: the process that read it ended"):
        describe(path, limits)


def test_a_child_over_the_time_limit_is_killed(tmp_path, monkeypatch):
    path, limits = handmade.write(tmp_path / "a.mdf"), Limits(seconds=0.2)
    (tmp_path / "hanging.py").write_text(
        "import sys, time\nprint('{}', flush=True)\nsys.stdin.readline()\ntime.sleep(60)\n"
    )
    monkeypatch.setattr(isolation, "WORKER", tmp_path / "hanging.py")
    with pytest.raises(DataError, match=r"a\.mdf: reading took longer than the limit of 0\.2 s"):
        describe(path, limits)
    assert isolation._workers[limits].process is None


def test_real_work_over_the_time_limit_is_stopped(tmp_path):
    path = tmp_path / "many.mdf"
    with h5py.File(path, "w") as file:
        for i in range(2000):
            file[f"_d{i}"] = i
    with pytest.raises(DataError, match=r"many\.mdf: reading took longer than the limit of 0\.001"):
        describe_mdf(path, limits=Limits(seconds=0.001))


@pytest.mark.skipif(sys.platform != "linux", reason="address-space limits are exact on Linux only")
def test_a_child_over_the_memory_limit_is_refused(tmp_path):
    frames = 200_000
    changes = {
        "/acquisition/numFrames": frames,
        "/measurement/data": np.zeros((frames, 1, 2, 8)),
        "/measurement/isBackgroundFrame": np.zeros(frames, np.int8),
    }
    path = handmade.write(tmp_path / "a.mdf", changes)
    scan = read_scan(path, limits=Limits(memory=8 << 20))
    with pytest.raises(DataError, match=r"a\.mdf: reading it needs more than the limit of 8 MiB"):
        scan.spectra.read(0, np.arange(5))
    assert read_scan(path).spectra.read(0, np.array([1])).shape == (frames, 1)


def read_spectrum(path):
    scan = read_scan(path)
    return os.getpid(), scan.spectra.read(1, np.array([2]))[0, 0]


@pytest.mark.parametrize(
    "method", sorted({"fork", "spawn"} & set(multiprocessing.get_all_start_methods()))
)
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork.*:DeprecationWarning")
def test_pool_workers_have_children_of_their_own(tmp_path, method):
    path = handmade.write(tmp_path / "a.mdf")
    _, expected = read_spectrum(path)
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        found = list(pool.map(read_spectrum, [path] * 6))
    assert {value for _, value in found} == {expected}
    assert os.getpid() not in {pid for pid, _ in found}
    assert read_spectrum(path)[1] == expected


def test_threads_share_a_child(tmp_path):
    path = handmade.write(tmp_path / "a.mdf")
    scan, found = read_scan(path), []

    def work(k):
        found.append(scan.spectra.read(0, np.array([k]))[0, 0])

    threads = [threading.Thread(target=work, args=(k % 5,)) for k in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = np.fft.rfft(handmade.signals()[0, 0])
    np.testing.assert_allclose(np.sort_complex(found), np.sort_complex(np.repeat(expected, 4)))


def test_the_child_runs_isolated_from_the_folder_it_starts_in(tmp_path, monkeypatch):
    (tmp_path / "h5py.py").write_text("raise SystemExit('wrong module')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    path, limits = handmade.write(tmp_path / "a.mdf"), Limits(seconds=55)
    assert describe(path, limits).head["items"]


def test_the_parent_never_opens_a_file_with_h5py(tmp_path, monkeypatch):
    path = handmade.write(tmp_path / "a.mdf")

    def refuse(*_, **__):
        raise AssertionError("the parent opened an HDF5 file")

    monkeypatch.setattr(h5py, "File", refuse)
    read_scan(path).spectra.read(0, np.array([1]))


def test_control_characters_of_a_file_do_not_reach_the_terminal(tmp_path):
    path = tmp_path / "a.mdf"
    with h5py.File(path, "w") as file:
        file["\x1b[31mred"] = h5py.SoftLink("/nowhere")
    with pytest.raises(DataError) as caught:
        describe_mdf(path)
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("wrong", [{"memory": 0}, {"seconds": 0}, {"seconds": float("nan")}])
def test_limits_are_positive(wrong):
    with pytest.raises(DataError, match="must be positive"):
        Limits(**wrong)


def test_the_worker_needs_nothing_of_this_package():
    text = Path(isolation.WORKER).read_text()
    assert "import sojourn" not in text
    assert "from sojourn" not in text
    assert "pickle" not in text.replace("unpickles", "")


HANG = """
import importlib.util, sys, time
spec = importlib.util.spec_from_file_location("worker", sys.argv[3])
worker = importlib.util.module_from_spec(spec)
spec.loader.exec_module(worker)
worker.ANSWERS["hang"] = lambda _: time.sleep(60)
sys.exit(worker.main())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="copies and alarms need POSIX")
def test_a_copy_that_hangs_ends_by_itself_even_if_nobody_waits():
    command = [sys.executable, "-c", HANG, str(1 << 30), "0.2", str(isolation.WORKER)]
    began = time.monotonic()
    done = subprocess.run(
        command, input=b'{"ask": "hang"}\n', capture_output=True, timeout=50, check=False
    )
    # 128 + 14, the number of SIGALRM, as a shell gives it
    assert done.returncode == 142
    assert time.monotonic() - began < 40


@pytest.mark.skipif(not hasattr(os, "fork"), reason="copies need POSIX")
def test_a_copy_killed_at_work_leaves_no_process_behind(tmp_path):
    path, limits = handmade.write(tmp_path / "a.mdf"), Limits(seconds=56)
    copy = describe(path, limits).head["pid"]
    assert copy != child(limits)
    os.kill(copy, signal.SIGKILL)
    with pytest.raises(DataError, match="ended unexpectedly"):
        describe(path, limits)
    assert describe(path, limits).head["pid"] != copy
    stop_workers()
    assert isolation._workers == {}
    for _ in range(100):
        if not Path(f"/proc/{copy}").exists():
            return
        time.sleep(0.05)
    pytest.fail(f"process {copy} is still there")
