"""ss_binomial.json, leaf by leaf. EXTERNAL: R 4.2.2 with exactci, exact2x2, clinfun.

Where R searches a root with `uniroot` at its default tolerance (mid-p intervals, odds ratios and
their intervals), R's number is up to 1e-4 from the root. There the leaf is compared twice: our
tails, searched as R searches, give R's number to 1e-8; and our own root, which meets the tail
probability to the last bits, lies within R's tolerance of it.
"""

import math

import pytest
from scipy.special import gammaincinv

from brent_zero import R_TOLERANCE, r_uniroot
from golden_walk import Golden
from sojourn.statistics.exact import binomial_intervals as intervals
from sojourn.statistics.exact.binomial_intervals import mid_p, mid_tails
from sojourn.statistics.exact.binomial_tests import p_greater, p_minlike
from sojourn.statistics.exact.blaker import blaker
from sojourn.statistics.exact.fisher import ConditionalTable, fisher
from sojourn.statistics.exact.poisson import (
    compare_rates,
    poisson_interval,
    poisson_mid_p,
    poisson_mid_tails,
)
from sojourn.statistics.exact.simon import simon_designs
from sojourn.statistics.exact.single_stage import single_stage_power

COVERS = ["ss_binomial.json"]

TOLERANCE = 1e-8  # SOURCES.md: estimates and intervals
BLAKER = 1e-6  # SOURCES.md: Blaker's interval
TAIL = 0.025
EPSILON = 2.0**-52


def finite(value):
    return value if math.isfinite(value) else None


def test_every_leaf_of_ss_binomial(shared):
    golden = Golden(shared / "data/hsct/golden/ss_binomial.json")
    for i in range(len(golden.at("binomial"))):
        check_binomial(golden, "binomial", i)
    for i in range(len(golden.at("fisher_2x2"))):
        check_fisher(golden, "fisher_2x2", i)
    for i in range(len(golden.at("poisson_rates", "single"))):
        check_poisson(golden, "poisson_rates", "single", i)
    check_ratio(golden)
    for i in range(len(golden.at("simon_two_stage"))):
        check_simon(golden, "simon_two_stage", i)
    for i in range(len(golden.at("one_stage_n68_alpha05_one_sided"))):
        check_one_stage(golden, "one_stage_n68_alpha05_one_sided", i)
    golden.leave_out("software", reason="names the programs, not a result")
    golden.finish()


def check_binomial(golden, *where):
    x, n, p0 = (golden.read(*where, key) for key in ("x", "n", "p0"))
    lower, upper = mid_p(x, n)
    as_r = r_mid_p(x, n)
    made = {
        "est": x / n,
        "clopper_pearson": intervals.clopper_pearson(x, n),
        "wilson": intervals.wilson(x, n),
        "wilson_cc": intervals.wilson_corrected(x, n),
        "agresti_coull_raw": intervals.agresti_coull(x, n),
        "jeffreys": intervals.jeffreys(x, n),
        "midp_central": as_r,
        "one_sided_lower_cp": intervals.clopper_pearson_lower(x, n),
        "p_two_sided_minlike": p_minlike(x, n, p0),
        "p_greater": p_greater(x, n, p0),
    }
    golden.check(made, *where, tolerance=TOLERANCE)
    golden.check({"blaker": blaker(x, n)}, *where, tolerance=BLAKER)
    assert (lower, upper) == pytest.approx(as_r, abs=R_TOLERANCE)
    if x > 0:
        assert mid_tails(x, n, lower)[1] == pytest.approx(TAIL, abs=1e-14)
    if x < n:
        assert mid_tails(x, n, upper)[0] == pytest.approx(TAIL, abs=1e-14)


def r_mid_p(x, n):
    """Return the mid-p interval by our tails and R's search."""
    lower = r_uniroot(lambda p: mid_tails(x, n, p)[1] - TAIL, 0, 1) if x > 0 else 0
    upper = r_uniroot(lambda p: mid_tails(x, n, p)[0] - TAIL, 0, 1) if x < n else 1
    return lower, upper


def check_fisher(golden, *where):
    table = golden.read(*where, "table")
    found = fisher(table)
    r_ratio, r_lower, r_upper = r_fisher(table)
    interval = [finite(r_lower), finite(r_upper)]
    made = {
        "or_cmle": finite(r_ratio),
        "p_fisher_minlike": found.p_minlike,
        "ci_base_r_central": interval,
        "p_central": found.p_central,
        "ci_central": interval,
        "p_midp_central": found.p_mid,
    }
    golden.check(made, *where, tolerance=TOLERANCE)
    # R searches the ratio, or its inverse above 1, to R_TOLERANCE
    ours, theirs = (found.odds_ratio, found.lower, found.upper), (r_ratio, r_lower, r_upper)
    for one, other in zip(ours, theirs, strict=True):
        assert squeezed(one) == pytest.approx(squeezed(other), abs=R_TOLERANCE)
    law = ConditionalTable(table)
    _, equal, more = law.tails(math.log(found.lower))
    assert equal + more == pytest.approx(TAIL, abs=1e-13)
    if math.isfinite(found.odds_ratio):
        assert law.mean(math.log(found.odds_ratio)) == pytest.approx(law.observed, abs=1e-12)


def squeezed(ratio):
    return ratio if ratio <= 1 else 2 - 1 / ratio


def r_fisher(table):
    """Return odds ratio and bounds by our law and R's search."""
    law = ConditionalTable(table)

    def search(function):
        if function(1.0) > 0:
            return r_uniroot(function, 0, 1)
        return 1 / r_uniroot(lambda t: function(1 / t), EPSILON, 1)

    def log(ratio):
        return math.log(ratio) if ratio > 0 else -700.0

    def above(ratio):
        _, equal, more = law.tails(log(ratio))
        return equal + more - TAIL

    def below(ratio):
        less, equal, _ = law.tails(log(ratio))
        return TAIL - less - equal

    at_end = law.observed == law.highest
    ratio = math.inf if at_end else search(lambda ratio: law.mean(log(ratio)) - law.observed)
    return ratio, search(above), math.inf if at_end else search(below)


def check_poisson(golden, *where):
    events, days = golden.read(*where, "events"), golden.read(*where, "patient_days")
    lower, upper = r_poisson_mid_p(events)
    made = {
        "per_1000": 1000 * events / days,
        "exact_ci_per_1000": [1000 * bound for bound in poisson_interval(events, days)],
        "midp_ci_per_1000": [1000 * lower / days, 1000 * upper / days],
    }
    golden.check(made, *where, tolerance=TOLERANCE)
    assert poisson_mid_p(events, 1.0) == pytest.approx((lower, upper), abs=R_TOLERANCE)
    assert poisson_mid_tails(events, poisson_mid_p(events, 1.0)[1])[0] == pytest.approx(TAIL)


def r_poisson_mid_p(events):
    """Return the mid-p interval of a mean by our tails and R's search."""

    def search(side, most):
        return r_uniroot(lambda mean: poisson_mid_tails(events, mean)[side] - TAIL, 0, most)

    lower = search(1, gammaincinv(events, TAIL) + 1) if events else 0
    return lower, search(0, gammaincinv(events + 1, 1 - TAIL) + 1)


def check_ratio(golden):
    where = ("poisson_rates", "ratio_11_1420_vs_6_1610")
    found = compare_rates((11, 6), (1420, 1610))
    made = {"rr": found.ratio, "ci": [found.lower, found.upper], "p": found.p_two_sided}
    golden.check(made, *where, tolerance=TOLERANCE)


def check_simon(golden, *where):
    p0, p1, alpha, beta = (golden.read(*where, key) for key in ("p0", "p1", "alpha", "beta"))
    found = simon_designs(p0, p1, alpha=alpha, beta=beta)
    for name, design in (("minimax", found.minimax), ("optimal", found.optimal)):
        whole = {"r1": design.r1, "n1": design.n1, "r": design.r, "n": design.n}
        golden.check(whole, *where, name)
        means = {"EN0": design.expected_size, "PET0": design.early_stop}
        golden.check(means, *where, name, tolerance=TOLERANCE)
        assert design.alpha <= alpha
        assert design.power >= 1 - beta


def check_one_stage(golden, *where):
    n, p0, p1 = (golden.read(*where, key) for key in ("n", "p0", "p1"))
    found = single_stage_power(n, p0, p1, alpha=0.05)
    golden.check({"reject_if_x_ge": found.reject_from}, *where)
    made = {"alpha_attained": found.alpha, "power": found.power}
    golden.check(made, *where, tolerance=TOLERANCE)


@pytest.mark.parametrize("n", [5, 10, 68])
def test_mid_p_of_none_and_all_is_the_closed_form_that_r_stops_short_of(n):
    # half of (1 - p)^n is 0.025 at p = 1 - 0.05^(1/n)
    assert mid_p(0, n)[1] == pytest.approx(1 - 0.05 ** (1 / n), abs=1e-14)
    assert mid_p(n, n)[0] == pytest.approx(0.05 ** (1 / n), abs=1e-14)
