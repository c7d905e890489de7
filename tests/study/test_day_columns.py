"""Which columns may pass as days: only those of times to an event. Expectations by hand (OURS)."""

import re

import polars as pl
import pytest

from plan_material import doses, groups, material, study, subjects
from sojourn.core.endpoints import OUTCOME
from sojourn.core.errors import DataError
from sojourn.statistics.landmark import ANALYSIS as LANDMARK
from sojourn.study._definition_day_columns import TIMES, day_columns
from sojourn.study.analysed import analysed_rows
from sojourn.study.outcomes import endpoints

ENDPOINTS = """
[[endpoints]]
id = "recovery"
use = "neutrophil_recovery"
role = "secondary"
from = "assumption"
reason = "small"

[[endpoints]]
id = "survival"
use = "overall_survival"
role = "secondary"
from = "assumption"
reason = "small"

[[endpoints]]
id = "survival_from_graft"
use = "overall_survival"
base = "survival"
role = "sensitivity"
rule = {origin = "transplant"}
from = "assumption"
reason = "small"

[[analyses]]
id = "by_status"
label = "Survival after the landmark"
endpoint = "survival"
param = "OS"
use = "landmark"
role = "secondary"
columns = {RESP = "recovery.ANCREC"}
settings = {landmark_day = 30.0, status_day = "RESP", at = [60.0]}
by = "all"
from = "assumption"
reason = "small"

[[populations]]"""


def planned(*changes):
    return study(("[[populations]]", ENDPOINTS), *changes)


def by_status(made):
    return next(a for a in made.analyses if a.id == "by_status")


def test_the_day_of_a_recovery_may_divide_a_landmark():
    assert day_columns(by_status(planned())) == ("RESP",)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param(
            ("recovery.ANCREC", "anc.OVERALL"),
            "(by_status).settings.status_day takes the column RESP (anc.OVERALL) as a day, but "
            "anc.OVERALL is no time to an event",
            id="a-response-is-no-day",
        ),
        pytest.param(
            ("recovery.ANCREC", "anc.ANCREC40"),
            "times in this file: recovery.ANCREC, survival.OS",
            id="recovered-by-day-40-is-no-day",
        ),
        pytest.param(
            ("recovery.ANCREC", "recovery.ANCREC40"), "is no time to an event", id="no-such-param"
        ),
        pytest.param(
            ('status_day = "RESP"', 'known_on = "RESP"'), None, id="known-on-a-recoverys-day"
        ),
        pytest.param(
            ('status_day = "RESP"', 'known_on = "origin"'), None, id="arms-known-at-the-origin"
        ),
        pytest.param(
            ('status_day = "RESP"', 'status_day = "origin"'),
            "'origin' is none of the analysis' columns",
            id="only-arms-are-known-at-the-origin",
        ),
        pytest.param(
            ('status_day = "RESP"', 'status_day = "BASE"'),
            "'BASE' is none of the analysis' columns",
            id="a-baseline-value-is-no-day",
        ),
        pytest.param(
            ('status_day = "RESP"', 'status_day = "AGE"'),
            "'AGE' is none of the analysis' columns",
            id="an-age-is-no-day",
        ),
        pytest.param(
            ('status_day = "RESP"', 'status_day = "RSP"'),
            "did you mean 'RESP'",
            id="misspelled",
        ),
        pytest.param(
            ('endpoint = "survival"', 'endpoint = "survival_from_graft"'),
            "takes days from the first dose (recovery), but the times of survival_from_graft count "
            "from the transplant",
            id="two-clocks",
        ),
    ],
)
def test_what_may_pass_as_a_day(change, says):
    if says is None:
        assert planned(change).analyses
        return
    with pytest.raises(DataError, match=re.escape(says)):
        planned(change)


@pytest.mark.parametrize("setting", ["changes_at", "status_day", "known_on"])
def test_a_known_on_of_a_response_and_a_change_of_a_cox_model_are_guarded_too(setting):
    wrong = ("recovery.ANCREC", "anc.OVERALL")
    if setting == "changes_at":
        use = ('use = "landmark"', 'use = "cox"')
        old = 'settings = {landmark_day = 30.0, status_day = "RESP", at = [60.0]}'
        with pytest.raises(DataError, match=r"anc\.OVERALL is no time to an event"):
            planned(wrong, use, (old, 'settings = {changes_at = "RESP"}'))
        return
    with pytest.raises(DataError, match=rf"settings.{setting} takes the column RESP"):
        planned(wrong, ('status_day = "RESP"', f'{setting} = "RESP"'))


def test_the_table_of_times_names_plugins_that_exist():
    assert set(TIMES) <= set(endpoints.names())


DAYS = doses(P1=[0], P2=[0], P3=[0], P4=[0])
TABLES = {"doses": DAYS, "subjects": subjects("P1", "P2", "P3", "P4")}
ARMS = groups(P1="A", P2="A", P3="B", P4="B")


def rows(param, **cells):
    made = [
        dict.fromkeys(OUTCOME) | {"USUBJID": s, "PARAMCD": param, "AVAL": x, "CNSR": c}
        for s, (x, c) in cells.items()
    ]
    return pl.DataFrame(made, schema=dict(OUTCOME))


SURVIVAL = rows("OS", P1=(50.0, 0), P2=(90.0, 1), P3=(70.0, 1), P4=(55.0, 0))


def taken(tmp_path, recovery):
    made = planned()
    outcomes = {"survival": SURVIVAL, "recovery": recovery}
    source, _ = material(tmp_path, made, TABLES, outcomes, ARMS)
    return analysed_rows(by_status(made), source).rows.sort("USUBJID")


def test_only_the_day_of_the_event_is_a_day_and_the_landmark_counts_nobody_else(tmp_path):
    recovery = rows("ANCREC", P1=(20.0, 0), P2=(25.0, 1), P3=(28.0, 2), P4=(29.0, 3))
    made = taken(tmp_path, recovery)
    assert made["RESP"].to_list() == [20.0, None, None, None]
    sizes = {e.group: e.n for e in LANDMARK(made, settings=by_status(planned()).settings)}
    assert sizes["ALL: RESP by day 30"] == 1
    assert sizes["ALL: no RESP by day 30"] == 3


def test_who_has_no_recovery_row_or_no_value_has_no_day(tmp_path):
    made = taken(tmp_path, rows("ANCREC", P1=(20.0, 0), P2=(None, None)))
    assert made["RESP"].to_list() == [20.0, None, None, None]


def test_a_run_refuses_a_number_without_cnsr_as_a_day(tmp_path):
    responses = rows("ANCREC", P1=(20.0, 0), P2=(0.0, None))
    with pytest.raises(DataError, match=r"no time to an event: subject P2 has the number 0 and no"):
        taken(tmp_path, responses)


def test_a_run_refuses_a_parameter_without_any_row_as_a_day(tmp_path):
    with pytest.raises(DataError, match=r"there is no such parameter; found OTHER"):
        taken(tmp_path, rows("OTHER", P1=(20.0, 0)))
