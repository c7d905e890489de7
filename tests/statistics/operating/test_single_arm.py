"""Oracles: R's exact power at n = 68 (EXTERNAL, golden); an interval by hand."""

import json

import numpy as np
import pytest

from sojourn.core.errors import DataError
from sojourn.statistics.operating.single_arm import proportion_design


def test_the_lower_bound_above_a_reference_is_the_exact_one_sided_test(shared):
    golden = json.loads((shared / "data/hsct/golden/ss_binomial.json").read_text())
    for case in golden["one_stage_n68_alpha05_one_sided"]:
        made = proportion_design(
            case["n"], [case["p0"], case["p1"]], reference=case["p0"], level=0.90
        )
        assert made.fewest == case["reject_if_x_ge"]
        expected = [case["alpha_attained"], case["power"]]
        assert made.above_reference == pytest.approx(expected, abs=1e-10)


def test_coverage_is_never_below_the_level():
    made = proportion_design(68, np.linspace(0.01, 0.99, 99).tolist())
    assert made.coverage.min() >= 0.95


def test_half_width_of_one_subject_by_hand():
    # x = 0: 0 to 1 - 0.025; x = 1: 0.025 to 1; both intervals are 0.975 wide.
    made = proportion_design(1, [0.3])
    assert made.half_width == pytest.approx([0.4875], abs=1e-12)


def test_no_count_may_be_enough():
    made = proportion_design(3, [0.9], reference=0.5)
    assert made.fewest is None
    assert made.above_reference == pytest.approx([0.0])


@pytest.mark.parametrize(("n", "truths"), [(0, [0.5]), (10, []), (10, [1.1]), (10, [-0.1])])
def test_impossible_designs_are_refused(n, truths):
    with pytest.raises(DataError, match="expected n >= 1"):
        proportion_design(n, truths)
