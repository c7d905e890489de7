"""Listings of a run: what stands in them, and what their order must not tell."""

import polars as pl
import pytest

from sojourn.study.bundled import bundled_study
from sojourn.study.definition import Answer, read_study
from sojourn.study.listings import criteria, lots
from sojourn.study.outcomes import Keyed
from sojourn.study.shown import _decision

STUDY = read_study(bundled_study("NCT06171906"))


def test_lots_stand_by_name_since_their_order_in_the_file_tells_arms():
    frame = pl.DataFrame({"EXLOT": ["F", "A"], "PRODUCT": ["cells", "tracer"]}).with_columns(
        pl.lit(None).alias(name)
        for name in ("VIABILITY", "IRON_PER_CELL", "IRON_PER_CELL_SD", "CUSTODY")
    )
    made = lots({"lots": Keyed(frame, "k")})
    assert made is not None
    assert [row[0] for row in made.rows] == ["A", "F"]


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
