import numpy as np
import pytest

import synthetic_mpi as synthetic
from sojourn.core.errors import DataError
from sojourn.core.signals import ArraySpectra
from sojourn.reconstruction._selection import Selection, load_rows, select_rows


class Stored:
    """Spectra of which only bins 2, 3 and 5 were kept."""

    bins = np.array([2, 3, 5])

    def __init__(self, values):
        self.values, self.shape = values, values.shape

    def read(self, channel, bins):
        assert set(bins) <= {2, 3, 5}
        return self.values[:, channel, bins]


def test_all_bins_of_channel_0_come_before_channel_1():
    matrix = synthetic.matrix()
    selection = select_rows(matrix, bins=[7, 3])
    assert selection.labels() == ((0, 3), (0, 7), (1, 3), (1, 7))
    rows = load_rows(matrix, selection)
    values = matrix.spectra.values
    expected = np.stack([values[:, c, k] for c, k in selection.labels()], axis=1)
    np.testing.assert_array_equal(rows, expected)


def test_everything_is_kept_without_a_rule():
    assert select_rows(synthetic.matrix()).n_rows == 2 * 17


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        # bin k lies at 31.25 kHz k
        pytest.param({"min_frequency": 93_750.0}, range(3, 17), id="at-the-lower-bound"),
        pytest.param({"min_frequency": 93_750.1}, range(4, 17), id="above-the-lower-bound"),
        pytest.param({"max_frequency": 93_750.0}, range(4), id="at-the-upper-bound"),
        pytest.param({"max_frequency": 93_749.9}, range(3), id="below-the-upper-bound"),
    ],
)
def test_frequency_bounds_are_inclusive(bounds, expected):
    assert list(select_rows(synthetic.matrix(), **bounds).bins[0]) == list(expected)


def test_snr_threshold_is_inclusive_and_by_channel():
    snr = np.zeros((2, 17))
    snr[0, 4], snr[0, 5], snr[1, 6] = 3.0, 2.999, 8.0
    selection = select_rows(synthetic.matrix(snr=snr), min_snr=3.0)
    assert selection.labels() == ((0, 4), (1, 6))


def test_channels_are_zero_based_and_a_channel_without_rows_is_left_out():
    snr = np.zeros((2, 17))
    snr[1, 6] = 8.0
    matrix = synthetic.matrix(snr=snr)
    assert select_rows(matrix, channels=[1]).channels == (1,)
    assert select_rows(matrix, min_snr=1).channels == (1,)


def test_bins_that_the_file_lacks_are_never_selected():
    matrix = synthetic.matrix(spectra=Stored(synthetic.matrix().spectra.values))
    assert [list(b) for b in select_rows(matrix).bins] == [[2, 3, 5], [2, 3, 5]]
    with pytest.raises(DataError, match=r"bins \[4\] are not in the file"):
        select_rows(matrix, bins=[2, 4])


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        pytest.param({"channels": [2]}, "channels 0 to 1", id="no-such-channel"),
        pytest.param({"channels": [-1]}, "channels 0 to 1", id="negative-channel"),
        pytest.param({"channels": []}, "channels 0 to 1", id="no-channel"),
        pytest.param({"bins": [17]}, "bins \\[17\\]", id="bin-beyond-nyquist"),
        pytest.param({"min_frequency": 1e9}, "no frequency is left", id="nothing-left"),
    ],
)
def test_a_selection_that_cannot_be_met_is_refused(rule, message):
    with pytest.raises(DataError, match=message):
        select_rows(synthetic.matrix(), **rule)


def test_a_selection_cannot_be_changed():
    bins = np.array([1, 2])
    selection = Selection((0,), (bins,))
    bins[0] = 9
    assert list(selection.bins[0]) == [1, 2]
    with pytest.raises(ValueError, match="read-only"):
        selection.bins[0][0] = 5


def test_only_selected_rows_are_read():
    values = synthetic.matrix().spectra.values
    asked = []

    class Watched(ArraySpectra):
        def read(self, channel, bins):
            asked.append((channel, list(bins)))
            return super().read(channel, bins)

    load_rows(synthetic.matrix(spectra=Watched(values)), Selection((1,), (np.array([4, 9]),)))
    assert asked == [(1, [4, 9])]


def test_mixing_order_is_an_upper_bound_and_leaves_out_what_is_no_combination():
    # one drive at 1 MHz / 32 in 32 samples: bin k is its k-th harmonic
    assert list(select_rows(synthetic.matrix(), max_mixing_order=3).bins[0]) == [0, 1, 2, 3]
    two = synthetic.acquisition(cycles=2)
    chosen = select_rows(synthetic.matrix(acquisition=two), max_mixing_order=3)
    assert list(chosen.bins[0]) == [0, 2, 4, 6]


@pytest.mark.parametrize(
    ("bands", "left"),
    [
        pytest.param([(62_500.0, 93_750.0)], [1, 4, 5], id="both-ends-are-out"),
        pytest.param([(62_500.1, 93_749.9)], [1, 2, 3, 4, 5], id="between-two-bins"),
        pytest.param([(0, 40e3), (150e3, 1e9)], [2, 3, 4], id="two-bands"),
    ],
)
def test_stop_bands_are_left_out_ends_included(bands, left):
    chosen = select_rows(synthetic.matrix(), bins=range(1, 6), stop_bands=bands)
    assert list(chosen.bins[0]) == left


def test_a_list_of_rows_equals_the_filter_that_finds_them():
    matrix = synthetic.matrix(snr=np.random.default_rng(0).uniform(0, 9, (2, 17)))
    by_filter = select_rows(matrix, min_snr=4.0, min_frequency=1e5)
    listed = select_rows(matrix, rows=by_filter.labels()[::-1])
    assert listed.labels() == by_filter.labels()


def test_a_list_of_rows_and_other_rules_must_both_hold():
    rows = [(0, 3), (1, 3), (1, 9)]
    assert select_rows(synthetic.matrix(), rows=rows, channels=[1], bins=[3, 4]).labels() == (
        (1, 3),
    )


def test_the_best_rows_are_taken_over_all_channels_and_ties_in_row_order():
    snr = np.zeros((2, 17))
    snr[0, 4], snr[1, 6], snr[0, 9], snr[1, 2], snr[1, 3] = 9.0, 8.0, 5.0, 5.0, 5.0
    matrix = synthetic.matrix(snr=snr)
    assert select_rows(matrix, max_rows=2).labels() == ((0, 4), (1, 6))
    assert select_rows(matrix, max_rows=4).labels() == ((0, 4), (0, 9), (1, 2), (1, 6))
    assert select_rows(matrix, max_rows=2, channels=[1]).labels() == ((1, 2), (1, 6))
    assert select_rows(matrix, max_rows=9, min_snr=6).labels() == ((0, 4), (1, 6))


def test_the_best_rows_come_from_a_computed_snr_where_the_file_holds_none():
    values = np.array(synthetic.matrix().spectra.values)
    values[:12, 1, 7] *= 1000
    matrix = synthetic.matrix(spectra=ArraySpectra(values))
    assert select_rows(matrix, max_rows=1).labels() == ((1, 7),)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        pytest.param({"rows": [(2, 3)]}, r"channel 2, bin 3\) is not in the file", id="channel"),
        pytest.param({"rows": [(-1, 3)]}, "channel -1, bin 3", id="negative-channel"),
        pytest.param({"rows": [(0, 17)]}, "channel 0, bin 17", id="bin"),
        pytest.param({"stop_bands": [(2e5, 1e5)]}, "the lower end comes first", id="upside-down"),
        pytest.param({"rows": [(0, 3)], "bins": [4]}, "no frequency is left", id="nothing-left"),
        pytest.param({"stop_bands": [(0, 1e9)]}, "no frequency is left", id="all-stopped"),
    ],
)
def test_a_list_that_cannot_be_met_is_refused(rule, message):
    with pytest.raises(DataError, match=message):
        select_rows(synthetic.matrix(), **rule)


def test_an_snr_that_is_no_number_is_not_taken_for_a_small_one():
    snr = np.full((2, 17), 10.0)
    snr[1, 3] = np.nan
    matrix = synthetic.matrix(snr=snr)
    with pytest.raises(DataError, match="NaN in 1 of 34 rows"):
        select_rows(matrix, min_snr=5)
    assert select_rows(matrix, min_snr=5, channels=[0]).n_rows == 17
