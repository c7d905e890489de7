"""What simulated adverse events carry besides: their end, and whether of special interest."""

import datetime as dt
from collections.abc import Sequence

import numpy as np

from sojourn.study._simulated import Row


def complete_events(
    rng: np.random.Generator,
    subject: str,
    events: Sequence[Row],
    doses: Sequence[dt.date],
    last: dt.date,
    *,
    p_hypersensitivity: float = 0.0,
) -> list[Row]:
    """Return adverse events with their last day and their code of special interest.

    Parameters
    ----------
    rng
        of this purpose alone: no other simulated number depends on it.
    subject
        code.
    events
        rows of adverse_events; they stay as they are and none is left out.
    doses
        dates of the subject's doses.
    last
        last contact; an event that lasts longer has no known end.
    p_hypersensitivity
        probability that a dose is followed, on its day, by a reaction that an investigator codes as
        hypersensitivity [assumption].

    Returns
    -------
        in order of onset. Events last 1 to 14 days, one of grade 3 or more up to 28; one end in ten
        is not recorded [assumption].
    """
    listed = [dict(event) | {"AESI": "NONE"} for event in events]
    for date in doses:
        if rng.random() < p_hypersensitivity:
            listed.append(
                {
                    "USUBJID": subject,
                    "ADT": date,
                    "AETERM": "urticaria",
                    "AETOXGR": 1 + int(rng.random() < 0.3),
                    "AESER": "N",
                    "AEREL": "RELATED",
                    "AESI": "HYPERSENSITIVITY",
                }
            )
    listed.sort(key=lambda row: str(row["ADT"]))
    for row in listed:
        onset, grade = row["ADT"], row["AETOXGR"]
        assert isinstance(onset, dt.date)
        assert isinstance(grade, int)
        days = int(rng.integers(1, 29 if grade >= 3 else 15))
        end = onset + dt.timedelta(days=days)
        row["AEENDT"] = None if rng.random() < 0.1 or end > last else end
    return listed
