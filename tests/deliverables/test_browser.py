"""The page in a real browser: no network, no message in its console, no overflow on a phone."""

import functools
import http.server
import re
import shutil
import subprocess
import threading

import pytest

from deliverables.fixtures_hsct import hsct_results
from deliverables.fixtures_oa import oa_panels, oa_results
from sojourn.deliverables.report import render_report

FRAME = """<!DOCTYPE html><html><body style="margin:0">
<iframe src="report.html" width="360" height="800" style="border:0"></iframe><pre id="out"></pre>
<script>
onload = () => {
  const page = document.querySelector("iframe").contentDocument;
  const wide = [...page.querySelectorAll("body *")].filter(e => {
    const box = e.getBoundingClientRect();
    return box.width && box.right > page.documentElement.clientWidth + 1
      && !e.closest(".scroll, .plot, details:not([open]), .skip");
  });
  const loads = page.defaultView.performance.getEntriesByType("resource")
    .filter(e => !e.name.startsWith("data:"));
  document.getElementById("out").textContent =
    `overflow ${wide.length}; loads ${loads.length}; width ${page.documentElement.scrollWidth}`;
};
</script></body></html>"""


@pytest.fixture
def chromium() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    pytest.skip("no browser on PATH: install chromium to run this test")


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.mark.timeout(90)
@pytest.mark.parametrize("study", ["oa", "hsct"])
def test_a_phone_shows_the_page_without_overflow_or_complaint(chromium, tmp_path, study):
    made = (oa_results(), oa_panels()) if study == "oa" else (hsct_results(6), {})
    (tmp_path / "report.html").write_text(render_report(*made), encoding="utf-8")
    (tmp_path / "frame.html").write_text(FRAME, encoding="utf-8")
    handler = functools.partial(Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        done = subprocess.run(
            [
                chromium,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
                "--enable-logging=stderr",
                f"--user-data-dir={tmp_path / 'profile'}",
                "--window-size=500,900",
                "--dump-dom",
                f"http://127.0.0.1:{server.server_port}/frame.html",
            ],
            capture_output=True,
            text=True,
            timeout=80,
            check=False,
        )
        server.shutdown()
    found = re.search(r"overflow (\d+); loads (\d+); width (\d+)", done.stdout.split("<pre")[1])
    assert found, done.stderr[-2000:]
    assert found.group(1, 2) == ("0", "0")
    assert int(found.group(3)) <= 360
    assert "CONSOLE" not in re.sub(r".*favicon.*", "", done.stderr)
