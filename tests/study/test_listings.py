"""Listings of a run: what stands in them, and what their order must not tell."""

import polars as pl
import pytest

from sojourn.study.bundled import bundled_study
from sojourn.study.definition import Answer, read_study
from sojourn.study.groups import Groups
from sojourn.study.keyed import Keyed
from sojourn.study.listings import criteria, lots
from sojourn.study.shown import _change_rows, _decision

STUDY = read_study(bundled_study("NCT06171906"))


LOTS = {"F": "cells", "G": "tracer", "A": "tracer", "B": "cells"}


@pytest.mark.parametrize(
    ("is_blinded", "expected"),
    [
        pytest.param(False, [("A", "tracer"), ("B", "cells"), ("F", "cells"), ("G", "tracer")]),
        pytest.param(True, [(None, "cells")] * 2 + [(None, "tracer")] * 2),
    ],
    ids=["unblinded-by-name", "blinded-by-product"],
)
def test_lots_stand_in_an_order_that_tells_no_arm(is_blinded, expected):
    frame = pl.DataFrame({"EXLOT": list(LOTS), "PRODUCT": list(LOTS.values())}).with_columns(
        pl.lit(None).alias(name)
        for name in ("VIABILITY", "IRON_PER_CELL", "IRON_PER_CELL_SD", "CUSTODY")
    )
    groups = Groups({}, {}, is_blinded=is_blinded, arm_of={})
    made = lots({"lots": Keyed(frame, "k")}, groups)
    assert made is not None
    assert [row[:2] for row in made.rows] == expected


def test_every_criterion_says_what_it_asks():
    subjects = pl.DataFrame({"USUBJID": ["P1"], "AGE": [30], "SEX": ["F"]})
    asked = {row[0]: row[2] for row in criteria(STUDY, {"subjects": Keyed(subjects, "k")}).rows}
    assert all(asked.values())
    assert asked["investigator"].startswith("the investigator finds")
    assert asked["allergy"] == "severe acute allergy"


@pytest.mark.parametrize(
    ("path", "decision"),
    [
        ("protocolSection.outcomesModule.a", "here"),
        ("protocolSection.outcomesModule.b", "anywhere"),
        ("protocolSection.outcomesModule.c", "anywhere"),
    ],
)
def test_a_finding_has_the_decision_of_its_own_place(path, decision):
    answers = [
        Answer.model_validate(
            {"finding": "x.y", "decision": words, "from": "assumption", "reason": "r", **place}
        )
        for words, place in (("here", {"path": "outcomesModule.a"}), ("anywhere", {}))
    ]
    study = STUDY.model_copy(update={"answers": tuple(answers)})
    finding = {"code": "x.y", "path": path, "decision": "which?"}
    assert _decision(study, finding) == decision
    assert _decision(study, finding | {"code": "x.z"}) == "which?"


def test_a_score_leads_to_the_rows_behind_it():
    table = pl.DataFrame(
        [
            ("P1", "VASBL", 51.0, "", "pain_vas:2"),
            ("P1", "VASFU", 24.0, "", "pain_vas:4"),
            ("P1", "VASCHG", -27.0, "51 mm, then 24 mm", "pain_vas:2,4"),
            ("P2", "VASBL", 40.0, "", "pain_vas:5"),
        ],
        schema=["USUBJID", "PARAMCD", "AVAL", "REASON", "EVIDENCE"],
        orient="row",
    )
    groups = Groups({}, {"P1": "A"}, is_blinded=True, arm_of={})
    assert _change_rows(table, ("VASBL", "VASFU", "VASCHG"), groups) == [
        ("P1", "A", 51.0, 24.0, -27.0, "51 mm, then 24 mm", "pain_vas:2,4"),
        ("P2", None, 40.0, None, None, "", ""),
    ]
