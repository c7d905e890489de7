"""`sojourn --help` beside a bare interpreter that imports numpy: whole processes, best of five."""

import subprocess
import sys
import time


def best_of_five(*arguments: str) -> float:
    times = []
    for _ in range(5):
        began = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        times.append(time.perf_counter() - began)
    return min(times)


def test_help_is_answered_within_300_ms():
    own, baseline = best_of_five("-m", "sojourn", "--help"), best_of_five("-c", "import numpy")
    print(
        f"\n--help {1e3 * own:.0f} ms, import numpy {1e3 * baseline:.0f} ms, "
        f"ratio {own / baseline:.2f}"
    )
    assert own < 0.3
