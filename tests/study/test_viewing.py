import base64
import dataclasses
import functools
import http.server
import json
import re
import shutil
import subprocess
import threading

import numpy as np
import pytest

import head_scanner
import synthetic_mpi as synthetic
from sojourn.core.errors import DataError
from sojourn.core.geometry import Grid
from sojourn.core.signals import ArraySpectra
from sojourn.deliverables.scan_page import ViewedFile, Volume, render_scan_page
from sojourn.formats.nifti import write_image
from sojourn.study.viewing import (
    as_volume,
    channel_drift,
    channel_spectra,
    view_files,
    view_image,
)


def scan_of(samples, is_background):
    """Return a scan of real samples (frame, channel, time)."""
    return synthetic.scan(np.fft.rfft(samples, axis=-1), is_background)


def test_a_sine_has_its_own_amplitude():
    taken = synthetic.acquisition()
    time = np.arange(taken.n_samples)
    sine = 0.25 * np.sin(2 * np.pi * 3 * time / taken.n_samples)
    samples = np.zeros((3, 2, taken.n_samples))
    samples[0, 1] = sine
    spectra = channel_spectra(scan_of(samples, [False, True, True]))
    third = int(np.flatnonzero(spectra[1].frequencies == 3 * 1e6 / 32)[0])
    assert spectra[1].signal[third] == pytest.approx(0.25)
    assert spectra[0].signal[third] == 0
    assert not spectra[1].noise.any()


def test_noise_is_the_spread_of_the_empty_bore():
    rng = np.random.default_rng(2)
    frames = rng.standard_normal((4001, 2, 32))
    spectra = channel_spectra(scan_of(frames, np.arange(4001) > 0))
    # white noise of variance 1: a sine's amplitude of 2/V has a mean square of 4/V
    expected = np.sqrt(4 / 32)
    np.testing.assert_allclose(spectra[0].noise[:-1], expected, rtol=0.05)


def test_drift_exceeds_its_noise_and_stillness_does_not():
    rng = np.random.default_rng(3)
    still = rng.standard_normal((400, 2, 32))
    moving = still + np.linspace(0, 20, 400)[:, None, None] * np.sin(np.arange(32) * np.pi / 4)
    # a ramp of standard deviation 20 / sqrt(12) in one of 16 bins, each with noise of 4/32
    ramp = np.sqrt(1 + (20**2 / 12 / 16) / (4 / 32))
    for samples, expected in ((still, 1.0), (moving, ramp)):
        drift = channel_drift(scan_of(samples, np.ones(400, dtype=bool)))[0]
        ratio = np.sqrt(np.mean(drift.departure**2)) / drift.noise
        assert ratio == pytest.approx(expected, rel=0.05)


def test_two_background_frames_show_no_drift():
    assert channel_drift(scan_of(np.zeros((2, 2, 32)), [True, True])) == []


def test_axes_are_turned_to_left_back_and_head():
    values = np.arange(24.0).reshape(2, 3, 4)
    affine = np.zeros((4, 4))
    # i runs to the head, j to the right, k to the front
    affine[2, 0], affine[0, 1], affine[1, 2], affine[3, 3] = 1e-3, -2e-3, -3e-3, 1.0
    affine[:3, 3] = (0.01, 0.02, 0.03)
    grid = Grid((2, 3, 4), affine)
    volume = as_volume("image", values, grid, "kg/m^3", is_simulated=False)
    assert volume.values.shape == (3, 4, 2)
    assert volume.spacing_mm == pytest.approx((2, 3, 1))
    assert volume.first_mm == pytest.approx((10 - 4, 20 - 9, 30))
    for i, j, k in ((0, 0, 0), (1, 2, 3), (1, 0, 2)):
        place = affine[:3, :3] @ (i, j, k) + affine[:3, 3]
        index = np.rint((1e3 * place - volume.first_mm) / volume.spacing_mm).astype(int)
        assert volume.values[tuple(index)] == values[i, j, k]


def test_an_oblique_image_is_refused():
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]]
    grid = Grid((2, 2, 2), turn)
    with pytest.raises(DataError, match="oblique"):
        as_volume("image", np.zeros((2, 2, 2)), grid, "1", is_simulated=False)


def hot_spot():
    values = np.zeros((5, 4, 3))
    values[3, 1, 2] = 2.0
    return values


def test_slices_carry_every_voxel_scaled_to_the_largest():
    page = render_scan_page(
        [
            ViewedFile(
                "a.nii.gz",
                "image",
                False,
                volume=Volume("a", hot_spot(), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), "kg/m^3"),
            )
        ]
    )
    packed = re.search(r'data-volume="([^"]+)"', page)
    levels = np.frombuffer(base64.b64decode(packed.group(1)), dtype=np.uint8)
    assert levels.size == 60
    assert levels[3 + 5 * (1 + 4 * 2)] == 255
    assert levels.sum() == 255
    assert "SIMULATED" not in page


def test_a_page_of_simulated_data_says_so_above_everything():
    page = render_scan_page([ViewedFile("a.mdf", "measurement", True)])
    assert "SIMULATED DATA" in page
    assert "a.mdf: computed, not measured" in page


def test_a_simulated_image_says_so_without_its_parameters(tmp_path):
    grid = Grid.centered((2, 2, 2), (1e-3,) * 3)
    for name, description in (("sim_sd.nii.gz", "SIMULATED sojourn tikhonov"), ("m.nii", "x")):
        write_image(tmp_path / name, np.ones((2, 2, 2)), grid, description=description)
    made = [view_image(tmp_path / name) for name in ("sim_sd.nii.gz", "m.nii")]
    assert [each.is_simulated for each in made] == [True, False]
    assert made[0].volume.is_simulated


def test_a_background_that_was_subtracted_is_not_subtracted_again():
    samples = np.ones((3, 2, 32)) * np.sin(np.arange(32) * np.pi / 8)
    plain = scan_of(samples, [False, True, True])
    corrected = dataclasses.replace(plain, is_background_corrected=True)
    assert channel_spectra(plain)[0].signal.max() == 0
    assert channel_spectra(corrected)[0].signal.max() == pytest.approx(1)


def test_a_name_cannot_smuggle_markup():
    page = render_scan_page([ViewedFile("<script>alert(1)</script>", "image", False)])
    assert "<script>alert" not in page


def test_nothing_is_written_when_a_file_cannot_be_read(tmp_path):
    broken = tmp_path / "broken.nii"
    broken.write_bytes(b"no image")
    with pytest.raises(DataError):
        view_files([broken], tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()


def test_the_unit_of_an_image_comes_from_the_parameters_beside_it(tmp_path):
    grid = Grid.centered((5, 4, 3), (1e-3,) * 3)
    write_image(tmp_path / "a.nii.gz", hot_spot(), grid, description="")
    (tmp_path / "a.json").write_text(json.dumps({"unit": "kg/m^3 iron", "is_simulated": True}))
    view_files([tmp_path / "a.nii.gz"], tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "kg/m^3 iron" in page
    assert "SIMULATED DATA" in page


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
def test_a_browser_draws_the_slices_and_asks_for_nothing(chromium, tmp_path):
    volume = Volume("a", hot_spot(), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), "kg/m^3")
    page = render_scan_page([ViewedFile("a.nii.gz", "image", False, volume=volume)])
    probe = """<script>onload = () => {
      const boxes = [...document.querySelectorAll("[data-plane]")];
      for (const [box, at] of boxes.map((b, n) => [b, [2, 1, 3][n]])) {
        const slider = box.querySelector("input");
        slider.value = at; slider.dispatchEvent(new Event("input"));
      }
      const bright = boxes.map(b => { const c = b.querySelector("canvas");
        const d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
        let n = 0; for (let i = 0; i < d.length; i += 4) if (d[i] > 250) n++; return n; });
      document.body.dataset.found = `bright ${bright}; loads ${
        performance.getEntriesByType("resource").filter(e => !e.name.startsWith("data:")).length}`;
    };</script></body>"""
    (tmp_path / "page.html").write_text(page.replace("</body>", probe), encoding="utf-8")
    handler = functools.partial(Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        done = subprocess.run(
            [
                chromium,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                f"--user-data-dir={tmp_path / 'profile'}",
                "--dump-dom",
                f"http://127.0.0.1:{server.server_port}/page.html",
            ],
            capture_output=True,
            text=True,
            timeout=80,
            check=True,
        )
        server.shutdown()
    assert 'data-found="bright 1,1,1; loads 0"' in done.stdout


def test_the_head_scanners_background_moves_more_than_its_noise(shared):
    """SOURCES.md: background rows of one run differ by 13 to 81 counts rms, frame by frame."""
    matrix = head_scanner.whole_matrix(shared, "A")
    drift = channel_drift(matrix)[0]
    counts = head_scanner.counts(shared, "A")[:, 0]
    assert len(drift.frames) == 3
    # Parseval: a sine's amplitude a in a bin is a**2 / 2 of the mean square
    deviation = counts - counts.mean(axis=0)
    deviation -= deviation.mean(axis=1, keepdims=True)
    expected = np.sqrt(2 * np.mean(deviation**2, axis=1) / 76)
    scale = matrix_scale(matrix, counts)
    np.testing.assert_allclose(drift.departure, expected * scale, rtol=0.02)


def matrix_scale(matrix, counts):
    """Return receiver units per count."""
    stored = np.abs(matrix.spectra.read(0, np.array([2])))[matrix.is_background, 0]
    return float((stored / np.abs(np.fft.rfft(counts, axis=1)[:, 2])).mean())


def test_a_file_larger_than_the_limit_is_shown_in_part(monkeypatch):
    monkeypatch.setattr("sojourn.study.viewing.MAX_BYTES", 16 * 100 * 70)
    taken = synthetic.acquisition(n_samples=512)
    values = np.ones((100, 2, taken.n_bins), dtype=complex)
    large = synthetic.scan(values, np.zeros(100, dtype=bool), acquisition=taken)
    large = dataclasses.replace(large, spectra=ArraySpectra(values))
    shown = channel_spectra(large)[0]
    assert len(shown.frequencies) in {69, 70}
    assert shown.n_bins == 257
