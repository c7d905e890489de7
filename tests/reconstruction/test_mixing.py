import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import synthetic_mpi as synthetic
from sojourn.core.errors import DataError
from sojourn.core.signals import DriveField
from sojourn.reconstruction._mixing import drive_bins, mixing_orders


def driven(dividers, n_samples, *, cycles=1, strength=None):
    """Return an acquisition whose period holds `cycles` cycles of a drive at 2.5 MHz / divider."""
    divider = np.array(dividers).reshape(-1, 1)
    common = int(np.lcm.reduce(divider.ravel()))
    drive = DriveField(
        base_frequency=2.5e6,
        divider=divider,
        strength=np.full(divider.shape, 0.012) if strength is None else np.array(strength),
        phase=np.zeros(divider.shape),
        cycle=common / 2.5e6,
    )
    period = cycles * common / 2.5e6
    return synthetic.acquisition(n_samples, drive_field=drive, bandwidth=n_samples / period / 2)


def test_bins_of_the_preclinical_scanner_are_exact():
    # 2.5 MHz over 102, 96, 99: lcm 53856 = 528 x 102 = 561 x 96 = 544 x 99
    acquisition = driven([102, 96, 99], 53856)
    assert sorted(drive_bins(acquisition)) == [528, 544, 561]
    orders = mixing_orders(acquisition)
    assert orders[0] == 0
    assert set(orders[[528, 544, 561]]) == {1}
    assert orders[561 - 544] == 2
    assert orders[3 * 528] == 3
    assert orders[2 * 561 - 528] == 3
    assert orders.min() == 0, "528, 544 and 561 share no divisor: every bin is a combination"


def brute_force(steps, n_bins, limit):
    """Every combination with factors up to `limit`."""
    found = np.full(n_bins, -1)
    for factors in itertools.product(range(-limit, limit + 1), repeat=len(steps)):
        k, order = int(np.dot(factors, steps)), sum(map(abs, factors))
        if 0 <= k < n_bins and (found[k] < 0 or order < found[k]):
            found[k] = order
    return found


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(2, 9), min_size=1, max_size=3, unique=True), st.integers(1, 3))
def test_orders_are_those_of_all_combinations(dividers, cycles):
    acquisition = driven(dividers, 48, cycles=cycles)
    steps = drive_bins(acquisition)
    # a least combination needs no factor beyond the sum of the largest step and the last bin
    limit = 30 if len(steps) < 3 else 14
    expected = brute_force(steps, acquisition.n_bins, limit)
    orders = mixing_orders(acquisition)
    known = (orders <= limit) & (orders >= 0)
    np.testing.assert_array_equal(orders[known], expected[known])
    assert np.all(expected[orders < 0] == -1)


def test_harmonics_of_one_drive_count_themselves_and_others_never_occur():
    orders = mixing_orders(driven([10], 64, cycles=2))
    np.testing.assert_array_equal(orders[::2], np.arange(17))
    assert np.all(orders[1::2] == -1)


def test_a_channel_that_does_not_drive_counts_for_nothing():
    acquisition = driven([102, 96, 99], 53856, strength=[[0.012], [0.012], [0.0]])
    assert sorted(drive_bins(acquisition)) == [528, 561]
    assert mixing_orders(acquisition)[544] == -1, "528 and 561 are multiples of 33, 544 is not"


def test_a_period_of_no_whole_number_of_cycles_is_refused():
    acquisition = replace(driven([10, 8], 64), bandwidth=1.1e5)
    with pytest.raises(DataError, match="cycles of the drive field"):
        mixing_orders(acquisition)


def test_a_scan_without_drive_has_no_mixing_orders():
    with pytest.raises(DataError, match="none has both a strength and a divider"):
        mixing_orders(driven([10], 64, strength=[[0.0]]))
