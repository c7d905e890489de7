"""Oracles: clinfun's Simon designs and R's exact power (EXTERNAL, golden)."""

import json

import pytest

from sojourn.statistics.exact.simon import simon_designs
from sojourn.statistics.exact.single_stage import single_stage_power
from sojourn.statistics.operating.stages import one_stage_rejection, two_stage_characteristics


@pytest.fixture(scope="module")
def golden(shared):
    return json.loads((shared / "data/hsct/golden/ss_binomial.json").read_text())


def test_expected_size_and_errors_of_two_stages_are_those_of_clinfun(golden):
    for case in golden["simon_two_stage"]:
        made = simon_designs(case["p0"], case["p1"], alpha=case["alpha"], beta=case["beta"])
        for design, expected in ((made.optimal, case["optimal"]), (made.minimax, case["minimax"])):
            rejects, size = two_stage_characteristics(design, [case["p0"], case["p1"]])
            assert size[0] == pytest.approx(expected["EN0"], abs=1e-8)
            assert rejects[0] <= case["alpha"]
            assert rejects[1] >= 1 - case["beta"]


def test_power_of_one_stage_is_that_of_r(golden):
    for case in golden["one_stage_n68_alpha05_one_sided"]:
        design = single_stage_power(case["n"], case["p0"], case["p1"])
        made = one_stage_rejection(design, [case["p0"], case["p1"]])
        assert made == pytest.approx([case["alpha_attained"], case["power"]], abs=1e-10)


def test_at_the_ends_nothing_or_everything_is_rejected():
    design = simon_designs(0.1, 0.3).optimal
    rejects, size = two_stage_characteristics(design, [0.0, 1.0])
    assert rejects == pytest.approx([0, 1])
    assert size == pytest.approx([design.n1, design.n])
