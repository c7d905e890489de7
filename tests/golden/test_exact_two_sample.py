"""ss_two_sample.json, leaf by leaf. EXTERNAL: R 4.2.2 with coin, exactRankTests, survival.

Left out: R's Edgeworth p-value of Spearman for n = 10, which is an approximation (the exact one,
counted in R over subsets, stands beside it and is compared).
"""

import math

import pytest

from golden_walk import Golden
from sojourn.statistics.exact.correlation import bonett_wright, fieller, fisher_z, pearson_test
from sojourn.statistics.exact.hodges_lehmann import (
    hodges_lehmann,
    hodges_lehmann_conditional,
    shift_between_steps,
)
from sojourn.statistics.exact.kendall import kendall_normal_p, kendall_test
from sojourn.statistics.exact.permutation import permutation_test
from sojourn.statistics.exact.sign_flip import sign_flip_test
from sojourn.statistics.exact.signed_rank import pseudo_median, signed_rank_test
from sojourn.statistics.exact.spearman import spearman_test
from sojourn.statistics.exact.student import one_sample_test, pooled_test, welch_test
from sojourn.statistics.exact.wilcoxon import rank_sum_test
from sojourn.statistics.survival.exact_log_rank import exact_log_rank

COVERS = ["ss_two_sample.json"]

TOLERANCE = 1e-8  # SOURCES.md: estimates, intervals, statistics


def test_every_leaf_of_ss_two_sample(shared):
    golden = Golden(shared / "data/hsct/golden/ss_two_sample.json")
    for name in golden.at("two_sample"):
        check_two(golden, "two_sample", name)
    for i in range(len(golden.at("one_sample"))):
        check_one(golden, "one_sample", i)
    for name in golden.at("spearman"):
        check_spearman(golden, "spearman", name)
    for i in range(len(golden.at("exact_logrank"))):
        check_log_rank(golden, "exact_logrank", i)
    golden.check(smallest_p_values(), "critical", tolerance=TOLERANCE)
    golden.leave_out("software", reason="names the programs, not a result")
    golden.finish()


def check_two(golden, *where):
    x, y = golden.read(*where, "x"), golden.read(*where, "y")
    ranks, inverted = rank_sum_test(x, y), hodges_lehmann(x, y)
    conditional, permuted = hodges_lehmann_conditional(x, y), permutation_test(x, y)
    golden.check({"ties": ranks.tied, "n_permutations": permuted.n_splits}, *where)
    # R's wilcox.test has no exact answer with ties: null there
    untied = not ranks.tied
    interval = [inverted.lower, inverted.upper]
    of_coin = [conditional.lower, conditional.upper]
    made = {
        "W_R": ranks.w if untied else None,
        "p_wilcoxon_exact_base": ranks.p_doubled if untied else None,
        "hl_shift_base": inverted.shift if untied else None,
        "p_wilcoxon_exact_conditional": ranks.p_two_sided,
        "hl_exactRankTests": shift_between_steps(x, y),
        "ci_exactRankTests": of_coin,
        "p_wilcoxon_coin": ranks.p_two_sided,
        "hl_coin": conditional.shift,
        "ci_coin": of_coin,
        "median_of_pairwise_differences": inverted.shift,
        "mean_difference": permuted.difference,
        "p_permutation_mean_two_sided": permuted.p_two_sided,
        "p_permutation_coin": permuted.p_two_sided,
        "p_permutation_greater": permuted.p_greater,
        "welch": student(welch_test(x, y)),
        "pooled": student(pooled_test(x, y)),
        # of the sizes alone: the level for values without ties
        "attained_level_no_ties": hodges_lehmann(*ordered(len(x), len(y))).attained_level,
    }
    golden.check(made, *where, tolerance=TOLERANCE)
    if untied:
        golden.check(interval, *where, "hl_ci_base", tolerance=TOLERANCE)
        assert of_coin == pytest.approx(interval, abs=1e-12)
    else:
        golden.check(None, *where, "hl_ci_base")


def student(found):
    interval = [found.lower, found.upper]
    return {"t": found.t, "df": found.degrees, "p": found.p_two_sided, "ci": interval}


def ordered(m, n):
    """Return values whose differences are all distinct."""
    return [2.0**k for k in range(m)], [3.0**k for k in range(1, n + 1)]


def check_one(golden, *where):
    d = golden.read(*where, "d")
    ranks, center, t = signed_rank_test(d), pseudo_median(d), one_sample_test(d)
    made = {
        "V": ranks.v,
        "p_signed_rank_exact": ranks.p_two_sided,
        "hl": center.shift,
        "ci": [center.lower, center.upper],
        "p_sign_flip_mean": sign_flip_test(d).p_two_sided,
        "t": {"t": t.t, "p": t.p_two_sided, "ci": [t.lower, t.upper]},
    }
    golden.check(made, *where, tolerance=TOLERANCE)
    golden.leave_out(
        *where,
        "attained",
        reason="the level asked for, which R's wilcox.test repeats; it computes no attained one",
    )
    # the true level: 1 - 2 P(V <= 0) of 5, 1 - 2 P(V <= 8) = 1 - 2 * 25 / 1024 of 10
    truth = {5: 1 - 2 / 32, 10: 1 - 50 / 1024}[len(d)]
    assert center.attained_level == pytest.approx(truth, abs=1e-12)


def check_spearman(golden, *where):
    x, y = golden.read(*where, "x"), golden.read(*where, "y")
    found, kendall, pearson = spearman_test(x, y), kendall_test(x, y), pearson_test(x, y)
    golden.check({"n": found.n, "ties": found.tied}, *where)
    exact, small = found.p_two_sided, found.n <= 8  # R's own enumeration stops there
    made = {
        "rho": found.rho,
        "p_full_permutation_abs_rho": exact if small else None,
        "p_exact_dp": None if found.tied else exact,
        "ci_fisher_z_pearson_se": fisher_z(found.rho, found.n),
        "ci_fieller": fieller(found.rho, found.n),
        "ci_bonett_wright": bonett_wright(found.rho, found.n),
        "kendall_tau": kendall.tau,
        "p_kendall": kendall_normal_p(x, y) if found.tied else kendall.p_two_sided,
        "pearson": {
            "r": pearson.r,
            "p": pearson.p_two_sided,
            "ci": [pearson.lower, pearson.upper],
        },
    }
    golden.check(made, *where, tolerance=TOLERANCE)
    r_p = "p_cor_test_R_edgeworth_if_n_ge_10"
    if found.n >= 10:
        golden.leave_out(*where, r_p, reason="an Edgeworth approximation, 0.0159 for 0.01493")
        assert golden.at(*where, r_p) - exact > 9e-4
    else:
        golden.check(None if found.tied else exact, *where, r_p, tolerance=TOLERANCE)


def check_log_rank(golden, *where):
    t1, e1, t2, e2 = (golden.read(*where, key) for key in ("t1", "e1", "t2", "e2"))
    found = exact_log_rank(t1, e1, t2, e2)
    made = {
        "chisq": found.chisq,
        "p_asymptotic": found.p_asymptotic,
        "p_exact_permutation_abs_O_minus_E": found.p_value,
        "p_coin_exact_logrank_scores": found.p_scores,
    }
    golden.check(made, *where, tolerance=TOLERANCE)


def smallest_p_values():
    """Return the smallest two-sided p-values: complete separation, perfect order."""
    sizes = {"5v5": (5, 5), "4v6": (4, 6), "3v7": (3, 7)}
    apart = {
        name: rank_sum_test(range(m), range(m, m + n)).p_two_sided for name, (m, n) in sizes.items()
    }
    perfect = {f"n{n}": spearman_test(range(n), range(n)).p_two_sided for n in (5, 10)}
    return {"wilcoxon_min_two_sided_p": apart, "spearman_min_p": perfect}


def test_the_smallest_p_of_ten_subjects_is_two_in_252():
    assert smallest_p_values()["wilcoxon_min_two_sided_p"]["5v5"] == pytest.approx(
        2 / math.comb(10, 5)
    )
