"""What a plan must not say: each refusal names the entry. Expectations by hand (OURS)."""

import inspect

import pytest

from plan_material import STUDY, study
from sojourn.core.errors import DataError
from sojourn.study._definition_plan_checks import AT_LANDMARK, TIME_TO_EVENT, immortal_time
from sojourn.study.definition import parse_study
from sojourn.study.outcomes import analyses

LATER = 'columns = {RESPONDED = "anc.ANCREC"}\n'


def timed(use):
    """Return a change that makes the first analysis a `use` split by what happened after day 0."""
    return ('use = "proportion"\nrole = "primary"', f'use = "{use}"\n{LATER}role = "primary"')


def test_the_study_of_these_tests_holds_together():
    assert study().estimands[0].main == "recovered"


def test_survival_from_day_0_is_not_split_by_a_later_response():
    with pytest.raises(DataError, match=r"known only later: .* spontaneous recovery .* landmark"):
        study(timed("kaplan_meier"))


@pytest.mark.parametrize("use", sorted(TIME_TO_EVENT))
def test_every_statistic_from_day_0_is_guarded(use):
    analysis = study().analyses[0].model_copy(update={"use": use, "columns": {"X": "anc.ANCREC"}})
    assert len(list(immortal_time("here", analysis))) == 1
    assert list(immortal_time("here", analysis.model_copy(update={"columns": {}}))) == []


def test_the_guarded_statistics_exist_and_none_that_takes_times_was_forgotten():
    known = set(analyses.names())
    assert known >= TIME_TO_EVENT | AT_LANDMARK
    takes_times = {
        name
        for name in known
        if "CNSR" in inspect.getsource(inspect.getmodule(analyses.get(name).estimate))
    }
    assert takes_times <= TIME_TO_EVENT | AT_LANDMARK


def test_a_landmark_may_be_divided_by_what_was_known_then():
    use, role = 'use = "proportion"', 'role = "primary"'
    settings = 'settings = {landmark_day = 40.0, status_day = "RESPONDED"}'
    later = LATER.replace("anc.", "recovery.")
    endpoint = (
        '[[endpoints]]\nid = "recovery"\nuse = "neutrophil_recovery"\nrole = "secondary"\n'
        'from = "assumption"\nreason = "small"\n\n[[populations]]'
    )
    made = study(
        (f"{use}\n{role}", f'use = "landmark"\n{settings}\n{later}{role}'),
        ("[[populations]]", endpoint),
    )
    assert made.analyses[0].use == "landmark"


def test_what_is_no_time_to_an_event_may_have_a_later_column():
    assert study(timed("proportion")).analyses[0].columns == {"RESPONDED": "anc.ANCREC"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param(
            ('population = "ITT"', 'population = "ITTT"'),
            "analyses.1. .recovered_itt..population: there is no 'ITTT'; did you mean 'ITT'",
            id="unknown-population",
        ),
        pytest.param(
            ('id = "ITT"', 'id = "ALL"'), "ALL is the name of an analysis set", id="name-of-a-set"
        ),
        pytest.param(
            ('visits = ["DAY40", "WEEK6"]', 'visits = ["DAY41"]'),
            "populations.2. .PP..visits: there is no 'DAY41'",
            id="unknown-visit",
        ),
        pytest.param(
            ('kind = "safety"', 'kind = "safety"\ndoses_as_planned = true'),
            "rules of a per_protocol population",
            id="rule-of-another-kind",
        ),
        pytest.param(
            ('doses_as_planned = true\nno_major_deviation = true\nvisits = ["DAY40", "WEEK6"]', ""),
            "which needs at least one",
            id="per-protocol-without-a-rule",
        ),
        pytest.param(
            ('population = "ALL"', 'population = "ITT"'),
            "population is 'ITT'; its main analysis recovered has 'ALL'",
            id="estimand-of-another-population",
        ),
        pytest.param(
            ('param = "ANCREC40"\nintercurrent', 'param = "OVERALL"\nintercurrent'),
            "param is 'OVERALL'; its main analysis recovered has 'ANCREC40'",
            id="estimand-of-another-parameter",
        ),
        pytest.param(
            ('main = "recovered"', 'main = "recovered_itt"'),
            "is a sensitivity analysis",
            id="sensitivity-as-main",
        ),
        pytest.param(
            ('sensitivity = ["recovered_itt"]', 'sensitivity = ["recovered"]'),
            "recovered has the role primary",
            id="main-as-sensitivity",
        ),
        pytest.param(
            ('intercurrent_events = ["death"]', "intercurrent_events = []"),
            "death touches anc, and is not named",
            id="event-not-named",
        ),
        pytest.param(
            ('intercurrent_events = ["death"]', 'intercurrent_events = ["relapse"]'),
            "there is no 'relapse'",
            id="unknown-event",
        ),
        pytest.param(('id = "death"\n', ""), "there is no 'death'", id="event-without-an-id"),
        pytest.param(
            ('procedure = "none"', 'procedure = "holm"'), "needs alpha and family", id="no-family"
        ),
        pytest.param(
            ('procedure = "none"', 'procedure = "none"\nalpha = 0.05'),
            "tests nothing",
            id="level-without-a-test",
        ),
        pytest.param(
            ('procedure = "none"', 'procedure = "holm"\nalpha = 0.05\nfamily = ["recovered_itt"]'),
            "recovered_itt is sensitivity; only primary and secondary decide",
            id="sensitivity-in-the-family",
        ),
        pytest.param(
            ('procedure = "none"', 'procedure = "holm"\nalpha = 0.05\nfamily = ["x"]'),
            "multiplicity.family: there is no 'x'",
            id="unknown-member",
        ),
        pytest.param(
            (
                'procedure = "none"',
                'procedure = "holm"\nalpha = 0.05\nfamily = ["recovered", "recovered"]',
            ),
            "recovered is named twice",
            id="member-twice",
        ),
        pytest.param(
            ('event = "first_dose"', 'event = "first_dose"\ntable = "subjects"\ncolumn = "HSCTDT"'),
            "the first dose stands in doses.ADT",
            id="first-dose-elsewhere",
        ),
        pytest.param(
            ('event = "first_dose"', 'event = "transplantation"\ncolumn = "AGE"'),
            "day_zero.column: there is no 'AGE'.*accepted: HSCTDT",
            id="no-date",
        ),
        pytest.param(
            ('event = "first_dose"', 'event = "transplantation"\ntable = "graft"'),
            "day_zero.table: there is no 'graft'; did you mean 'grafts'",
            id="no-table",
        ),
        pytest.param(
            (
                'use = "proportion"\nrole = "primary"',
                'use = "proportion"\ncolumns = {X = "anc"}\nrole = "primary"',
            ),
            "expected 'endpoint.PARAM'",
            id="column-without-a-parameter",
        ),
        pytest.param(
            (
                'use = "proportion"\nrole = "primary"',
                'use = "proportion"\ncolumns = {AVAL = "anc.X"}\nrole = "primary"',
            ),
            "AVAL is a column already",
            id="column-that-is-there",
        ),
        pytest.param(
            (
                'use = "proportion"\nrole = "primary"',
                'use = "proportion"\ncolumns = {X = "ane.X"}\nrole = "primary"',
            ),
            "there is no 'ane'; did you mean 'anc'",
            id="column-of-no-endpoint",
        ),
    ],
)
def test_it_is_refused(change, says):
    with pytest.raises(DataError, match=says):
        study(change)


def test_a_primary_analysis_without_an_estimand_is_named():
    more = STUDY[
        STUDY.index("[[analyses]]") : STUDY.index("[[analyses]]", STUDY.index("recovered_itt") - 20)
    ]
    second = more.split("[[analyses]]")[1].replace('id = "recovered"', 'id = "again"')
    with pytest.raises(DataError, match="analysis again is primary, but no estimand has it"):
        parse_study(f"{STUDY}\n[[analyses]]{second}")


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ("first_dose", "first_dose (doses.ADT)"),
        ("transplantation", "transplantation (subjects.HSCTDT)"),
        ("randomization", "randomization (subjects.RANDDT)"),
    ],
)
def test_each_origin_has_its_date(event, words):
    made = study(('event = "first_dose"', f'event = "{event}"'))
    assert made.day_zero.words == words
