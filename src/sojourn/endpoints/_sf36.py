"""Scoring of the 36 items: RAND-36, and SF-36 versions 1 and 2 with US norms.

Items are Q1 to Q36 in RAND's numbering; no wording of the instrument is part of this package.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

Version = Literal["rand36_any_item", "rand36_half_rule", "sf36_v1", "sf36_v2"]
Answers = Mapping[str, int | None]

SCALES: Mapping[str, tuple[int, ...]] = {
    "PF": tuple(range(3, 13)),
    "RP": (13, 14, 15, 16),
    "BP": (21, 22),
    "GH": (1, 33, 34, 35, 36),
    "VT": (23, 27, 29, 31),
    "SF": (20, 32),
    "RE": (17, 18, 19),
    "MH": (24, 25, 26, 28, 30),
}
"""Numbers of the items by scale, in the order of the norms below; Q2 is in no scale."""

NORMS: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "sf36_v1": {
        "PF": (84.52404, 22.89490),
        "RP": (81.19907, 33.79729),
        "BP": (75.49196, 23.55879),
        "GH": (72.21316, 20.16964),
        "VT": (61.05453, 20.86942),
        "SF": (83.59753, 22.37642),
        "RE": (81.29467, 33.02717),
        "MH": (74.84212, 18.01189),
    },
    "sf36_v2": {
        "PF": (83.29094, 23.75883),
        "RP": (82.50964, 25.52028),
        "BP": (71.32527, 23.66224),
        "GH": (70.84570, 20.97821),
        "VT": (58.31411, 20.01923),
        "SF": (84.30250, 22.91921),
        "RE": (87.39733, 21.43778),
        "MH": (74.98685, 17.75604),
    },
}
"""Mean and standard deviation of the 0-100 scales in the general population of the United States:
of 1990 for version 1, of 1998 for version 2. They are no norms of any other country."""

NORM_YEAR: Mapping[str, int] = {"sf36_v1": 1990, "sf36_v2": 1998}

SUMMARIES: Mapping[str, Mapping[str, float]] = {
    "PCS": {
        "PF": 0.42402,
        "RP": 0.35119,
        "BP": 0.31754,
        "GH": 0.24954,
        "VT": 0.02877,
        "SF": -0.00753,
        "RE": -0.19206,
        "MH": -0.22069,
    },
    "MCS": {
        "PF": -0.22999,
        "RP": -0.12329,
        "BP": -0.09731,
        "GH": -0.01571,
        "VT": 0.23534,
        "SF": 0.26876,
        "RE": 0.43407,
        "MH": 0.48581,
    },
}
"""Factor score coefficients of the two summaries, the same in both versions. Some are negative: the
physical summary moves with mental scales, so neither is read without the other and the scales."""

_RAND: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = (
    ((1, 2, 20, 22, 34, 36), (100, 75, 50, 25, 0)),
    (tuple(range(3, 13)), (0, 50, 100)),
    (tuple(range(13, 20)), (0, 100)),
    ((21, 23, 26, 27, 30), (100, 80, 60, 40, 20, 0)),
    ((24, 25, 28, 29, 31), (0, 20, 40, 60, 80, 100)),
    ((32, 33, 35), (0, 25, 50, 75, 100)),
)

_GH1 = (5.0, 4.4, 3.4, 2.0, 1.0)
_BP1 = (6.0, 5.4, 4.2, 3.1, 2.2, 1.0)
_BP2_ALONE = (6.0, 4.75, 3.5, 2.25, 1.0)


def highest_answer(version: Version, item: int) -> int:
    """Return the highest answer to an item; the lowest is 1.

    Parameters
    ----------
    version
        form and scoring; version 2 has five options where version 1 has two (role) or six.
    item
        1 to 36.
    """
    if 3 <= item <= 12:
        return 3
    if 13 <= item <= 19:
        return 5 if version == "sf36_v2" else 2
    if 23 <= item <= 31:
        return 5 if version == "sf36_v2" else 6
    return 6 if item == 21 else 5


def find_strange_answers(answers: Answers, version: Version) -> dict[int, int]:
    """Return the answers that the form does not offer, by item."""
    given = {item: answers[f"Q{item}"] for item in range(1, 37)}
    return {
        item: answer
        for item, answer in given.items()
        if answer is not None and not 1 <= answer <= highest_answer(version, item)
    }


def score_sf36(answers: Answers, version: Version) -> dict[str, float | None]:
    """Return the scores of one answered form; higher is better health.

    Parameters
    ----------
    answers
        answers by item, Q1 ... Q36, or None. An answer that the form does not offer counts as
        missing (`find_strange_answers` names them).
    version
        "rand36_any_item": RAND's rule, the mean of whatever items of a scale were answered;
        "rand36_half_rule": at least half of them; "sf36_v1", "sf36_v2": Ware's scoring, at least
        half, the others replaced by the person's mean.

    Returns
    -------
        the eight scales PF, RP, BP, GH, VT, SF, RE, MH, 0 to 100; for the SF-36 also PF_T ... MH_T
        and PCS, MCS, with mean 50 and standard deviation 10 in the United States. None where too
        few items were answered; both summaries where one scale is. Nothing is rounded.

    References
    ----------
    RAND Health Care, 36-Item Short Form Survey, scoring instructions. Ware, Snow, Kosinski, Gandek,
    SF-36 Health Survey Manual and Interpretation Guide, 1993; Ware, Kosinski, Dewey, How to Score
    Version 2 of the SF-36 Health Survey, 2000. Norms and coefficients were read in independent
    public scoring programs (SAS, Stata, R) that agree, not in the manuals themselves.
    """
    strange = find_strange_answers(answers, version)
    known = {item: None if item in strange else answers[f"Q{item}"] for item in range(1, 37)}
    if version in ("rand36_any_item", "rand36_half_rule"):
        return _rand_scores(known, needs_half=version == "rand36_half_rule")
    scores = _scales(known, is_second=version == "sf36_v2")
    norms = NORMS[version]
    z = {s: None if v is None else (v - norms[s][0]) / norms[s][1] for s, v in scores.items()}
    scores |= {f"{s}_T": None if v is None else 50 + 10 * v for s, v in z.items()}
    return scores | {name: _summary(z, weights) for name, weights in SUMMARIES.items()}


Known = Mapping[int, int | None]


def _rand_scores(known: Known, *, needs_half: bool) -> dict[str, float | None]:
    points = {item: recode for items, recode in _RAND for item in items}
    scores: dict[str, float | None] = {}
    for scale, items in SCALES.items():
        given = [points[i][a - 1] for i in items if (a := known[i]) is not None]
        needed = (len(items) + 1) // 2 if needs_half else 1
        scores[scale] = sum(given) / len(given) if len(given) >= needed else None
    return scores


def _scales(known: Known, *, is_second: bool) -> dict[str, float | None]:
    """Return the eight scales, 0 to 100; version 2 has five options for role, vitality, mood."""
    top, role = (5, 5) if is_second else (6, 2)

    def sums(scale: str, recode: Callable[[int, int], float], low: float, high: float) -> None:
        items = SCALES[scale]
        points = [None if (a := known[i]) is None else recode(i, a) for i in items]
        scores[scale] = _percent(_half_sum(points), low, high)

    scores: dict[str, float | None] = {}
    sums("PF", _as_is, 10, 30)
    sums("RP", _as_is, 4, 4 * role)
    scores["BP"] = _percent(_pain_sum(known[21], known[22]), 2, 12)
    sums("GH", _general, 5, 25)
    sums("VT", _reversing((23, 27), top), 4, 4 * top)
    sums("SF", _reversing((20,), 5), 2, 10)
    sums("RE", _as_is, 3, 3 * role)
    sums("MH", _reversing((26, 30), top), 5, 5 * top)
    return scores


def _as_is(item: int, answer: int) -> float:
    del item
    return float(answer)


def _reversing(items: Iterable[int], top: int) -> Callable[[int, int], float]:
    reversed_items = frozenset(items)
    return lambda item, answer: float(top + 1 - answer if item in reversed_items else answer)


def _general(item: int, answer: int) -> float:
    return _GH1[answer - 1] if item == 1 else float(6 - answer if item in (34, 36) else answer)


def _pain_sum(severity: int | None, interference: int | None) -> float | None:
    """Return the sum of the two items of pain; one that lacks is as the other."""
    if severity is None:
        return None if interference is None else 2 * _BP2_ALONE[interference - 1]
    first = _BP1[severity - 1]
    if interference is None:
        return 2 * first
    return first + (6.0 if interference == severity == 1 else 6.0 - interference)


def _half_sum(points: Sequence[float | None]) -> float | None:
    given = [p for p in points if p is not None]
    if 2 * len(given) < len(points):
        return None
    return sum(given) / len(given) * len(points)


def _percent(total: float | None, low: float, high: float) -> float | None:
    return None if total is None else (total - low) / (high - low) * 100


def _summary(z: Mapping[str, float | None], weights: Mapping[str, float]) -> float | None:
    parts = [None if (score := z[s]) is None else w * score for s, w in weights.items()]
    return None if None in parts else 50 + 10 * sum(p for p in parts if p is not None)
