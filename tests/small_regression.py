"""Twelve hand-made rows and what R makes of them; random rows; a Cox likelihood by plain loops.

EXTERNAL: R 4.2.2, survival 3.5-3 (`coxph(Surv(entry, exit, cause == 1) ~ x + g + strata(st) +
cluster(cl))` with eps = 1e-14, `cox.zph`, `survfit`, `residuals`), cmprsk 2.2-11 (`crr(gtol =
1e-14)`). verify/verify_regression.py compares the same on random data.
"""

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

ENTRY = np.array([0, 0, 0, 1, 2, 0, 0, 3, 0, 4, 0, 0], dtype=float)
EXIT = np.array([3, 3, 3, 5, 5, 5, 5, 6, 7, 7, 8, 9], dtype=float)
CAUSE = np.array([1, 1, 2, 1, 0, 1, 1, 2, 1, 0, 1, 0])
COVARIATES = np.array(
    [
        [1, 0],
        [3, 1],
        [2, 1],
        [0, 1],
        [2, 0],
        [3, 0],
        [1, 0],
        [0, 1],
        [0, 1],
        [1, 0],
        [2, 0],
        [0, 1],
    ],
    dtype=float,
)
STRATA = np.array([1, 1, 2, 1, 2, 2, 1, 2, 1, 2, 2, 1])
CLUSTERS = np.array([1, 2, 3, 1, 2, 3, 4, 4, 5, 5, 6, 6])

R = {
    "efron": {
        "coef": [1.15886651604644, -0.884660139657496],
        "covariance": [
            [0.31372736752273, -0.0947915167797303],
            [-0.0947915167797303, 1.1475520728212],
        ],
        "robust": [
            [0.194066350893659, -0.105139877794191],
            [-0.105139877794191, 0.294801170183842],
        ],
        "loglik": [-8.1886891244442, -5.25806861038835],
        "zph": [0.0933172803024786, 0.9051739974381557, 1.2117471464595029],
        "hazards": [
            ([3, 5, 7], [0.166356555728897, 0.964730578120996, 2.55789037129668]),
            ([5, 8], [0.023384771584988, 0.152955723621874]),
        ],
        "residuals": {
            0: [-0.7802642609051575, -0.475774962750499020],
            2: [0.0, 0.0],
            3: [-0.4413987532013309, 0.530340372181849040],
            9: [0.0851744933113779, 0.000415699927019554],
        },
    },
    "breslow": {
        "coef": [1.03432804289931, -0.795485882359328],
        "covariance": [
            [0.306045492370113, -0.0898560223230236],
            [-0.0898560223230236, 1.14750868368698],
        ],
        "robust": [
            [0.168024527310092, -0.0980316466258837],
            [-0.0980316466258837, 0.250601499786878],
        ],
        "loglik": [-8.65869275368994, -6.25620473468577],
        "zph": [0.125284959874929, 1.011600437848366, 1.369498877237834],
        "hazards": [
            ([3, 5, 7], [0.149124528349026, 0.758525261648945, 2.16513288185136]),
            ([5, 8], [0.030702688138375, 0.191146107603919]),
        ],
        "residuals": {
            0: [-0.7370322611968597, -0.448380284255392447],
            2: [0.0, 0.0],
            3: [-0.4174806470668609, 0.511321595130358686],
            9: [0.0985297517250090, 0.000742377789601717],
        },
    },
}
CONCORDANCE = 0.882352941176471
FINE_GRAY = {
    "coef": [0.269457937572349, -0.212904901750203],
    "covariance": [
        [0.188657631325226, 0.323639516827534],
        [0.323639516827534, 0.917861723317802],
    ],
    "loglik": [-14.8793013316903, -14.4655619804835],
}


def random_rows(seed, n=40, days=12):
    """Return tied, late-entry rows in strata with two covariates, for which a maximum exists."""
    rng = np.random.default_rng(seed)
    exits = rng.integers(1, days, n).astype(float)
    x = np.column_stack([rng.normal(size=n), rng.integers(0, 2, n)])
    cause = rng.choice([0, 1, 1, 2], n)
    entry = np.floor(exits * rng.uniform(0, 0.9, n))
    return entry, exits, cause, x, rng.integers(0, 3, n)


few = settings(max_examples=20, deadline=None)
seeds = st.integers(0, 10_000)


def likelihood_by_loops(entry, exits, is_event, x, strata, beta, *, ties):
    """Return Cox's log partial likelihood, one event after the other."""
    total = 0.0
    risk = np.exp(x @ beta)
    for stratum in set(strata.tolist()):
        for time in sorted(set(exits[is_event & (strata == stratum)].tolist())):
            at_risk = (entry < time) & (exits >= time) & (strata == stratum)
            dying = at_risk & is_event & (exits == time)
            d = int(dying.sum())
            for k in range(d):
                share = k / d if ties == "efron" else 0.0
                total -= np.log(risk[at_risk].sum() - share * risk[dying].sum())
            total += (x[dying] @ beta).sum()
    return total
