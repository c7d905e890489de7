"""EXTERNAL: Simon, Control. Clin. Trials 10 (1989) 1, tables 1 and 2 (p1 - p0 = 0.20)."""

from itertools import product

import pytest
from scipy import stats

from sojourn.core.errors import DataError
from sojourn.statistics.exact.simon import simon_designs

# p0, alpha, beta: optimal r1/n1 r/n EN PET, minimax the same
PUBLISHED = [
    (0.05, 0.10, 0.10, (0, 9, 2, 24, 14.5, 0.63), (0, 13, 2, 20, 16.4, 0.51)),
    (0.05, 0.05, 0.20, (0, 9, 2, 17, 12.0, 0.63), (0, 12, 2, 16, 13.8, 0.54)),
    (0.05, 0.05, 0.10, (0, 9, 3, 30, 16.8, 0.63), (0, 15, 3, 25, 20.4, 0.46)),
    (0.10, 0.05, 0.20, (1, 10, 5, 29, 15.0, 0.74), (1, 15, 5, 25, 19.5, 0.55)),
    (0.10, 0.05, 0.10, (2, 18, 6, 35, 22.5, 0.73), (2, 22, 6, 33, 26.2, 0.62)),
    (0.20, 0.05, 0.20, (3, 13, 12, 43, 20.6, 0.75), (4, 18, 10, 33, 22.3, 0.72)),
    (0.30, 0.05, 0.20, (5, 15, 18, 46, 23.6, 0.72), (6, 19, 16, 39, 25.7, 0.67)),
    (0.40, 0.05, 0.20, (7, 16, 23, 46, 24.5, 0.72), (17, 34, 20, 39, 34.4, 0.91)),
    (0.50, 0.05, 0.20, (8, 15, 26, 43, 23.5, 0.70), (12, 23, 23, 37, 27.7, 0.66)),
    (0.60, 0.05, 0.20, (7, 11, 30, 43, 20.5, 0.70), (8, 13, 25, 35, 20.8, 0.65)),
    (0.70, 0.05, 0.20, (4, 6, 22, 27, 14.8, 0.58), (19, 23, 21, 26, 23.2, 0.95)),
]


def rejection(design, p):
    """Return the chance to reject under response p, by the definition, sum by sum."""
    second = design.n - design.n1
    return sum(
        stats.binom.pmf(x, design.n1, p) * stats.binom.sf(design.r - x, second, p)
        for x in range(design.r1 + 1, design.n1 + 1)
    )


@pytest.mark.parametrize(("p0", "alpha", "beta", "optimal", "minimax"), PUBLISHED)
def test_the_designs_that_simon_tabulates(p0, alpha, beta, optimal, minimax):
    found = simon_designs(p0, p0 + 0.2, alpha=alpha, beta=beta)
    for design, published in ((found.optimal, optimal), (found.minimax, minimax)):
        assert (design.r1, design.n1, design.r, design.n) == published[:4]
        assert design.expected_size == pytest.approx(published[4], abs=0.051)
        assert design.early_stop == pytest.approx(published[5], abs=0.0051)
        assert design.alpha == pytest.approx(rejection(design, p0), abs=1e-12)
        assert design.power == pytest.approx(rejection(design, p0 + 0.2), abs=1e-12)


def test_a_complete_search_by_hand_finds_the_same():
    p0, p1, alpha, beta, largest = 0.1, 0.6, 0.1, 0.2, 8
    feasible = []
    for n in range(2, largest + 1):
        for n1, r in product(range(1, n), range(n + 1)):
            for r1 in range(n1 + 1):
                design = type("D", (), {"r1": r1, "n1": n1, "r": r, "n": n})
                if rejection(design, p0) <= alpha and rejection(design, p1) >= 1 - beta:
                    stop = stats.binom.cdf(r1, n1, p0)
                    feasible.append((n1 + (1 - stop) * (n - n1), n))
    found = simon_designs(p0, p1, alpha=alpha, beta=beta, largest=largest)
    smallest = min(n for _, n in feasible)
    assert found.optimal.expected_size == pytest.approx(min(feasible)[0], abs=1e-12)
    assert found.minimax.n == smallest
    best = min(size for size, n in feasible if n == smallest)
    assert found.minimax.expected_size == pytest.approx(best, abs=1e-12)


def test_the_limit_of_the_search_is_kept_and_named():
    assert simon_designs(0.05, 0.25, largest=16).optimal.n == 16
    with pytest.raises(DataError, match="no two-stage design of up to 15 subjects"):
        simon_designs(0.05, 0.25, largest=15)


@pytest.mark.parametrize(
    ("p0", "p1", "wrong"),
    [
        (0.3, 0.3, {}),
        (0.4, 0.3, {}),
        (0.0, 0.3, {}),
        (0.3, 1.0, {}),
        (0.3, float("nan"), {}),
        (0.1, 0.3, {"alpha": 0.0}),
        (0.1, 0.3, {"beta": 1.0}),
        (0.1, 0.3, {"largest": 1}),
        (0.1, 0.3, {"largest": 401}),
    ],
)
def test_hypotheses_that_cannot_be_are_refused(p0, p1, wrong):
    with pytest.raises(DataError, match="expected"):
        simon_designs(p0, p1, **wrong)
