import numpy as np
import pytest

import synthetic_mpi as synthetic
from sojourn.core.errors import DataError
from sojourn.core.signals import ArraySpectra
from sojourn.reconstruction._background import Background, corrected_rows
from sojourn.reconstruction._selection import Selection, select_rows

ROW = Selection((0,), (np.array([1]),))


def flat(levels, is_background, **changes):
    """Return a scan whose frames are constant: each bin of a frame is its level."""
    spectra = np.asarray(levels, dtype=complex)[:, None, None] * np.ones((1, 2, 17))
    return synthetic.scan(spectra, is_background, **changes)


B, F = True, False


@pytest.mark.parametrize(
    ("method", "levels", "frames", "expected"),
    [
        pytest.param("none", [5, 7, 1], [F, F, B], [5, 7], id="none"),
        pytest.param("own_mean", [5, 7, 1, 2], [F, F, B, B], [3.5, 5.5], id="mean-of-all"),
        # blocks at places 0.5 (mean 1) and 4 (mean 8): slope 2, so 4 at frame 2 and 6 at frame 3
        pytest.param(
            "own_linear", [0, 2, 10, 10, 8], [B, B, F, F, B], [6, 4], id="between-block-centres"
        ),
        pytest.param(
            "own_linear", [10, 2, 10, 4, 10], [F, B, F, B, F], [8, 7, 6], id="constant-outside"
        ),
        pytest.param("own_linear", [10, 3, 5, 10], [F, B, B, F], [6, 6], id="one-block"),
    ],
)
def test_own_background(method, levels, frames, expected):
    rows = corrected_rows(flat(levels, frames), ROW, Background(method))
    np.testing.assert_allclose(rows[:, 0], expected, rtol=1e-14)


def test_external_mean_takes_marked_frames_or_all_of_an_unmarked_scan():
    scan = flat([10, 12], [F, F])
    marked, unmarked = flat([99, 4], [F, B]), flat([1, 3], [F, F])
    for empty, expected in (
        ([marked], [6, 8]),
        ([unmarked], [8, 10]),
        ([marked, unmarked], [7, 9]),
    ):
        rows = corrected_rows(scan, ROW, Background.EXTERNAL_MEAN, empty=empty)
        np.testing.assert_allclose(rows[:, 0], expected)


def test_external_linear_goes_from_before_to_after():
    scan = flat([10, 10], [F, F])
    before, after = flat([0], [B]), flat([4], [B])
    rows = corrected_rows(scan, ROW, Background.EXTERNAL_LINEAR, empty=[before, after])
    np.testing.assert_allclose(rows[:, 0], [9, 7])


@pytest.mark.parametrize(("method", "count"), [("external_mean", 1), ("external_linear", 2)])
def test_an_empty_scan_without_its_background_is_refused(method, count):
    empty = [flat([0, 0], [B, B])] * (count - 1)
    empty.append(flat([0, 0], [B, B], is_background_corrected=True))
    with pytest.raises(DataError, match=r"empty scan .*: its background is already subtracted"):
        corrected_rows(flat([1, 2], [F, F]), ROW, Background(method), empty=empty)


@pytest.mark.parametrize(
    ("method", "n_empty", "changes", "message"),
    [
        pytest.param("own_mean", 0, {}, "needs background frames", id="no-own-frames"),
        pytest.param("own_linear", 0, {}, "needs background frames", id="no-own-blocks"),
        pytest.param("external_mean", 0, {}, "at least one empty-bore", id="no-empty-scan"),
        pytest.param("external_linear", 1, {}, "two empty-bore", id="one-is-not-two"),
        pytest.param("external_linear", 3, {}, "two empty-bore", id="three-are-not-two"),
        pytest.param("none", 1, {}, "no empty-bore scan, got 1", id="given-but-unused"),
        pytest.param(
            "external_mean", 1, {"is_background_corrected": True}, "already", id="not-twice"
        ),
    ],
)
def test_a_background_that_cannot_be_had_is_refused(method, n_empty, changes, message):
    scan = flat([1, 2], [F, F], **changes)
    empty = [flat([0], [B])] * n_empty
    with pytest.raises(DataError, match=message):
        corrected_rows(scan, ROW, Background(method), empty=empty)


def test_an_empty_scan_of_another_sequence_is_refused():
    empty = flat([0], [B], acquisition=synthetic.acquisition(unit="counts"))
    with pytest.raises(DataError, match="empty scan scan does not fit"):
        corrected_rows(flat([1], [F]), ROW, Background.EXTERNAL_MEAN, empty=[empty])


def test_a_corrected_file_may_be_used_as_it_is():
    scan = flat([5, 1], [F, B], is_background_corrected=True)
    assert corrected_rows(scan, ROW, Background.NONE)[0, 0] == 5


def test_a_calibration_is_followed_in_the_order_of_its_measurement():
    """A background that rises by 1 a frame, measured empty, voxels in a meander, empty."""
    measured = ["empty", 0, 1, 3, 2, "empty"]
    stored = [0, 1, 2, 3, "empty", "empty"]
    at = np.array([1, 2, 4, 3, 0, 5])
    assert [measured[i] for i in at] == stored
    signal = np.arange(4.0)
    rows = np.concatenate([signal, [0, 0]]) * 100 + at
    values = np.repeat(rows[:, None, None], 17, axis=2).astype(complex)
    values = np.repeat(values, 2, axis=1)
    changes = {"shape": (2, 2, 1), "spectra": ArraySpectra(values)}
    followed = synthetic.matrix(**changes, measured_at=at)
    selection = select_rows(followed, bins=[3], channels=[0])
    found = corrected_rows(followed, selection, Background.OWN_LINEAR)[:, 0]
    np.testing.assert_allclose(found, 100 * signal, atol=1e-12)
    unknown = synthetic.matrix(**changes)
    found = corrected_rows(unknown, selection, Background.OWN_LINEAR)[:, 0]
    np.testing.assert_allclose(found, 100 * signal + at[:4] - 2.5, atol=1e-12)


@pytest.mark.parametrize("at", [[0, 1, 2, 3, 4, 4], [0, 1, 2], [1, 2, 3, 4, 5, 6]])
def test_an_order_of_measurement_names_each_frame_once(at):
    with pytest.raises(DataError, match="measured_at"):
        synthetic.matrix(shape=(2, 2, 1), measured_at=np.array(at))
