import numpy as np
import pytest

import head_scanner
import synthetic_mpi as synthetic
from sojourn.core.errors import DataError
from sojourn.reconstruction._rows import RowSettings, prepare_rows
from sojourn.reconstruction.kaczmarz import Kaczmarz


def series(matrix, amounts):
    """Return a scan whose frames hold so many times the same object, one background frame last."""
    values = matrix.spectra.values
    empty = values[12:].mean(axis=0)
    object_ = np.tensordot(np.linspace(0.5, 1, 12), values[:12] - empty, axes=1)
    frames = [amount * object_ + empty for amount in amounts]
    return synthetic.scan([*frames, empty], [False] * len(frames) + [True])


@pytest.mark.parametrize(
    ("average", "expected", "firsts", "counts"),
    [
        pytest.param(1, [1, 2, 3, 4, 6], [0, 1, 2, 3, 4], [1] * 5, id="each-frame"),
        pytest.param(2, [1.5, 3.5, 6], [0, 2, 4], [2, 2, 1], id="a-short-block-at-the-end"),
        pytest.param(5, [3.2], [0], [5], id="all"),
        pytest.param(9, [3.2], [0], [5], id="more-than-there-are"),
        pytest.param(None, [3.2], [0], [5], id="not-stated"),
    ],
)
def test_a_series_has_one_image_for_each_block(average, expected, firsts, counts):
    matrix = synthetic.matrix()
    prepared = Kaczmarz(background="own_mean", average=average).prepare(matrix)
    scan = series(matrix, [1, 2, 3, 4, 6])
    one = prepared.reconstruct_relative(series(matrix, [1])).values
    images = prepared.reconstruct_series(scan)
    assert len(images) == len(expected)
    for image, amount in zip(images, expected, strict=True):
        # Kaczmarz from zero with lambda is linear in a positive factor
        np.testing.assert_allclose(image.values, amount * one, rtol=1e-10, atol=1e-12)
    told = [image.provenance.parameters for image in images]
    assert [each["first_frame"] for each in told] == firsts
    assert [each["frames_averaged"] for each in told] == counts


def test_one_image_is_of_all_frames_whatever_the_blocks():
    matrix = synthetic.matrix()
    scan = series(matrix, [1, 2, 3])
    images = [
        Kaczmarz(background="own_mean", average=average).prepare(matrix).reconstruct_relative(scan)
        for average in (None, 1)
    ]
    np.testing.assert_array_equal(images[0].values, images[1].values)
    assert images[1].provenance.parameters["frames_averaged"] == 3


def test_frames_are_prepared_as_a_signal_is_with_nothing_taken_off():
    matrix = synthetic.matrix(background=(True,) * 4)
    settings = RowSettings(
        background="own_mean", weighting="whitening", dictionary_size=2, channel_weights=(1, 2)
    )
    prepared = prepare_rows(settings, matrix)
    scan = series(matrix, [1, 2, 3])
    frames = prepared.frames(scan)
    assert frames.shape == (4, 34)
    np.testing.assert_allclose(frames[:3] - frames[3], prepared.signal(scan), atol=1e-9)
    calibration = prepared.frames(matrix)
    np.testing.assert_allclose(
        calibration[:12] - calibration[12:].mean(axis=0), prepared.columns.T, atol=1e-9
    )


def test_frames_of_another_scanner_are_refused():
    matrix = synthetic.matrix()
    other = synthetic.acquisition(unit="counts")
    scan = synthetic.scan(matrix.spectra.values[:1], [True], acquisition=other)
    with pytest.raises(DataError, match="unit: matrix 'V', scan 'counts'"):
        prepare_rows(RowSettings(background="none"), matrix).frames(scan)


# ---- acceptance on the real head scanner


def test_two_runs_of_the_calibration_differ_by_what_the_reference_found(shared):
    settings = RowSettings(background="none", bins=head_scanner.HARMONICS)
    first, second = (
        prepare_rows(settings, head_scanner.line_matrix(shared, run)).columns for run in "AB"
    )
    difference = np.linalg.norm(second - first) / np.linalg.norm(first)
    assert difference == pytest.approx(0.0196, abs=5e-5)


SUMS = [
    # the shared reference's sums of x = 156 mm by background (lambda 1e-2, 100 sweeps)
    pytest.param("external_mean", ["own"], 1.203, id="own-row"),
    pytest.param("external_mean", ["before"], 1.145, id="row-before"),
    pytest.param("external_mean", ["after"], 1.204, id="row-after"),
    pytest.param("external_mean", ["other"], 1.182, id="other-session"),
    pytest.param("external_linear", ["own", "own"], 1.203, id="own-row-twice"),
    pytest.param("none", [], 1.329, id="none"),
]


@pytest.mark.parametrize(("background", "names", "expected"), SUMS)
def test_empty_scans_move_the_sum_as_own_frames_do(shared, background, names, expected):
    scans = {
        "own": head_scanner.empty_scan(shared, "B", 1),
        "before": head_scanner.empty_scan(shared, "B", 0),
        "after": head_scanner.empty_scan(shared, "B", 2),
        "other": head_scanner.empty_scan(shared, "A", 1),
    }
    settings = Kaczmarz(
        background=background, iterations=100, regularization=1e-2, bins=head_scanner.HARMONICS
    )
    prepared = settings.prepare(head_scanner.line_matrix(shared, "A"))
    image = prepared.reconstruct_relative(
        head_scanner.line_scan(shared, "B", 1, 4), empty=[scans[name] for name in names]
    )
    assert image.values.sum() == pytest.approx(expected, rel=5e-3)


def test_between_a_row_before_and_one_after_lies_what_is_between_their_sums(shared):
    settings = Kaczmarz(
        background="external_linear",
        iterations=100,
        regularization=1e-2,
        bins=head_scanner.HARMONICS,
    )
    prepared = settings.prepare(head_scanner.line_matrix(shared, "A"))
    empty = [head_scanner.empty_scan(shared, "B", line) for line in (0, 2)]
    image = prepared.reconstruct_relative(head_scanner.line_scan(shared, "B", 1, 4), empty=empty)
    assert 1.145 < image.values.sum() < 1.204
