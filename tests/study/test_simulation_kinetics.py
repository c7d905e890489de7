from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from sojourn.study._simulate_kinetics import KneeKinetics, draw_kinetics

TYPICAL = KneeKinetics(
    cavity_share=0.9,
    fast_share=0.25,
    fast_half_life=2.0,
    slow_half_life=60.0,
    track_half_life=5.0,
    drained_share=0.2,
    drain_half_life=8.0,
)


def test_at_injection_everything_is_in_cavity_and_track():
    assert TYPICAL.iron_at(0.0, 300.0) == pytest.approx(
        {"joint_cavity": 270.0, "needle_track": 30.0, "popliteal_fossa": 0.0}
    )


def test_cavity_halves_as_stated():
    one_phase = KneeKinetics(1.0, 0.0, 2.0, 60.0, 5.0, 0.2, 8.0)
    assert one_phase.iron_at(60.0, 300.0)["joint_cavity"] == pytest.approx(150.0)
    # Day 7 by hand: 270 (0.25 2^-3.5 + 0.75 2^(-7/60)) = 270 (0.0220971 + 0.6917361) = 192.735.
    assert TYPICAL.iron_at(7.0, 300.0)["joint_cavity"] == pytest.approx(192.735, rel=1e-5)


@pytest.mark.parametrize("drain_half_life", [8.0, 2.0, 60.0])
def test_drain_agrees_with_the_integrated_equations(drain_half_life):
    # 2.0 and 60.0 equal a half-life of the cavity: the closed form has its limit there.
    kinetics = KneeKinetics(0.9, 0.25, 2.0, 60.0, 5.0, 0.2, drain_half_life)
    rates = np.log(2) / np.array([2.0, 60.0])
    drain = np.log(2) / drain_half_life

    def change(_, state):
        fast, slow, drained = state
        outflow = rates @ (fast, slow)
        return [-rates[0] * fast, -rates[1] * slow, 0.2 * outflow - drain * drained]

    solved = solve_ivp(change, (0, 30), [67.5, 202.5, 0.0], rtol=1e-10, atol=1e-10)
    found = kinetics.iron_at(30.0, 300.0)["popliteal_fossa"]
    assert found == pytest.approx(solved.y[2, -1], rel=1e-6)


@given(st.integers(0, 10_000), st.booleans())
def test_iron_in_the_knee_never_rises(seed, has_cells):
    kinetics = draw_kinetics(np.random.default_rng(seed), has_cells=has_cells)
    totals = [sum(kinetics.iron_at(day, 1.0).values()) for day in (0, 0.5, 1, 3, 7, 15, 30, 90)]
    assert totals[0] == pytest.approx(1.0)
    assert all(later <= earlier for earlier, later in pairwise(totals))


def test_day_7_shares_lie_where_the_priors_say():
    # handheld-mpi.md 6.1: median 0.65, 90 % within 0.35 to 0.9, in both arms; cells a bit higher.
    def shares(has_cells):
        rng = np.random.default_rng(3)
        drawn = [draw_kinetics(rng, has_cells=has_cells) for _ in range(400)]
        return np.array([k.iron_at(7.0, 1.0)["joint_cavity"] for k in drawn])

    cells, free = shares(True), shares(False)
    for found in (cells, free):
        low, median, high = np.quantile(found, (0.05, 0.5, 0.95))
        assert 0.35 < low < high < 0.9
        assert 0.5 < median < 0.8
    assert 0.03 < np.median(cells) - np.median(free) < 0.2
