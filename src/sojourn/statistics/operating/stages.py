"""What tests of a proportion in one or two stages do at each truth: exact sums."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sojourn.statistics.exact.binomial_tests import binomial_probabilities
from sojourn.statistics.exact.simon import TwoStageDesign
from sojourn.statistics.exact.single_stage import SingleStageDesign


def one_stage_rejection(design: SingleStageDesign, truths: Sequence[float]) -> NDArray[np.float64]:
    """Return the probability that the one-stage test rejects, shape (truths,).

    Parameters
    ----------
    design
        from `single_stage_power` or `ahern_design`.
    truths
        true proportions, each from 0 to 1.

    Examples
    --------
    >>> from sojourn.statistics.exact.single_stage import single_stage_power
    >>> design = single_stage_power(68, 0.5, 0.65)
    >>> one_stage_rejection(design, [0.65]).round(6).tolist()
    [0.755792]
    """
    return np.array(
        [binomial_probabilities(design.n, p)[design.reject_from :].sum() for p in truths]
    )


def two_stage_characteristics(
    design: TwoStageDesign, truths: Sequence[float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the probability to reject and the expected number of subjects, shape (truths,).

    Parameters
    ----------
    design
        from `simon_designs`.
    truths
        true proportions, each from 0 to 1.

    References
    ----------
    Simon, Control. Clin. Trials 10 (1989) 1.

    Examples
    --------
    >>> from sojourn.statistics.exact.simon import simon_designs
    >>> rejects, size = two_stage_characteristics(simon_designs(0.1, 0.3).optimal, [0.1])
    >>> rejects.round(4).tolist(), size.round(2).tolist()
    ([0.0471], [15.01])
    """
    rejects, sizes = [], []
    for p in truths:
        first = binomial_probabilities(design.n1, p)
        second = binomial_probabilities(design.n - design.n1, p)
        beyond = np.concatenate([np.cumsum(second[::-1])[::-1], [0.0]])
        counts = np.arange(design.r1 + 1, design.n1 + 1)
        needed = np.clip(design.r + 1 - counts, 0, len(second))
        rejects.append(float(first[counts] @ beyond[needed]))
        goes_on = float(first[design.r1 + 1 :].sum())
        sizes.append(design.n1 + goes_on * (design.n - design.n1))
    return np.array(rejects), np.array(sizes)
