"""The clock of survival, and what competes within it."""

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blood_counts import DAY_0, doses, events, follow_up, on, table
from sojourn.core.errors import DataError
from sojourn.core.tables import EVENTS, FOLLOW_UP, SUBJECTS
from sojourn.endpoints.disease_free_survival import ENDPOINT as DFS
from sojourn.endpoints.non_relapse_mortality import ENDPOINT as NRM
from sojourn.endpoints.overall_survival import ENDPOINT as OS
from sojourn.endpoints.relapse import ENDPOINT as RELAPSE
from sojourn.statistics.competing.incidence import cumulative_incidence
from sojourn.statistics.survival.product_limit import find_survival, kaplan_meier

NOBODY = table(EVENTS, [])


def grafted(day, *, malignant="Y", subject="01"):
    """Return a subject transplanted on `day`."""
    return table(SUBJECTS, [(subject, "F", 40, None, malignant, None if day is None else on(day))])


def follow(endpoint, happened=NOBODY, seen=90, *, graft=-35, rule=None):
    tables = {"doses": doses(), "events": happened, "subjects": grafted(graft)}
    if seen is not None:
        tables["follow_up"] = follow_up(seen)
    return endpoint(tables, rule=rule).row(0, named=True)


FROM_GRAFT = {"origin": "transplant"}


@pytest.mark.parametrize(
    ("happened", "seen", "time"),
    [
        pytest.param(events((30, "DEATH")), None, (65.0, 0), id="death"),
        pytest.param(NOBODY, 90, (125.0, 1), id="censored"),
        pytest.param(events((0, "DEATH")), None, (35.5, 0), id="death-on-day-0-follows-entry"),
    ],
)
@pytest.mark.parametrize("endpoint", [OS, DFS])
def test_from_the_transplantation_with_the_first_dose_as_entry(endpoint, happened, seen, time):
    row = follow(endpoint, happened, seen, rule=FROM_GRAFT)
    assert (row["AVAL"], row["CNSR"]) == time
    assert row["ENTRY"] == 35
    assert row["AVAL"] > row["ENTRY"]
    assert row["DAY"] == (row["ADT"] - DAY_0).days == int(time[0]) - 35
    assert "from the transplantation" in row["REASON"]


def test_from_the_first_dose_nobody_enters_late():
    assert follow(OS, events((30, "DEATH")), None)["ENTRY"] is None


@pytest.mark.parametrize(
    ("graft", "part"), [(None, "HSCTDT"), (1, "transplantation 1 day after the first dose")]
)
def test_a_transplantation_not_known_or_after_the_dose_is_not_evaluable(graft, part):
    row = follow(OS, graft=graft, rule=FROM_GRAFT)
    assert (row["AVAL"], row["ENTRY"]) == (None, None)
    assert part in row["REASON"]
    assert follow(OS, graft=graft)["AVAL"] == 90


def test_a_transplantation_on_the_day_of_the_dose_is_day_0():
    assert follow(OS, graft=0, rule=FROM_GRAFT)["ENTRY"] == 0


def test_an_origin_without_dates_is_refused():
    with pytest.raises(DataError, match="needs the table subjects with the column HSCTDT"):
        OS({"doses": doses(), "events": NOBODY}, rule=FROM_GRAFT)
    people = grafted(-35).drop("HSCTDT")
    with pytest.raises(DataError, match="HSCTDT"):
        OS({"doses": doses(), "events": NOBODY, "subjects": people}, rule=FROM_GRAFT)


def test_a_subject_in_two_rows_is_refused():
    people = pl.concat([grafted(-35), grafted(-30)])
    with pytest.raises(DataError, match="'01' stands in several rows"):
        OS({"doses": doses(), "events": NOBODY, "subjects": people})


@pytest.mark.parametrize(
    ("happened", "seen", "relapse", "death"),
    [
        pytest.param(events((30, "RELAPSE")), 90, (30, 0), (30, 3), id="relapse"),
        pytest.param(events((60, "DEATH")), 60, (60, 2), (60, 0), id="death-in-remission"),
        pytest.param(
            events((30, "RELAPSE"), (60, "DEATH")), 60, (30, 0), (30, 3), id="death-of-relapse"
        ),
        pytest.param(
            events((60, "DEATH"), (60, "RELAPSE")), 60, (60, 0), (60, 3), id="on-one-day-a-relapse"
        ),
        pytest.param(NOBODY, 90, (90, 1), (90, 1), id="neither"),
        pytest.param(events((-9, "RELAPSE")), 90, (90, 1), (90, 1), id="before-day-0-is-history"),
    ],
)
def test_relapse_and_death_without_it_compete(happened, seen, relapse, death):
    for endpoint, expected in ((RELAPSE, relapse), (NRM, death)):
        row = follow(endpoint, happened, seen)
        assert (row["DAY"], row["CNSR"]) == expected
    both = (follow(e, happened, seen) for e in (DFS, RELAPSE, NRM))
    assert len({(row["AVAL"], row["AVALC"], row["REASON"]) for row in both}) == 1


@pytest.mark.parametrize(
    ("day", "evaluable"),
    [
        pytest.param(-36, True, id="before-the-graft-is-history"),
        pytest.param(-35, False, id="on-the-day-of-the-graft"),
        pytest.param(-1, False, id="the-day-before-the-dose"),
        pytest.param(0, True, id="on-day-0-is-an-event"),
    ],
)
def test_who_failed_between_graft_and_dose_never_was_at_risk_from_the_graft_on(day, evaluable):
    for endpoint in (DFS, RELAPSE, NRM):
        row = follow(endpoint, events((day, "RELAPSE")), rule=FROM_GRAFT)
        assert (row["AVAL"] is not None) == evaluable
        assert follow(endpoint, events((day, "RELAPSE")))["AVAL"] is not None
        if not evaluable:
            days = f"relapse {-day} days before the first dose, so never at risk"
            assert row["REASON"].startswith(days)
    assert follow(OS, events((day, "RELAPSE")), rule=FROM_GRAFT)["AVAL"] is not None


def test_graft_failure_stands_for_relapse_in_nonmalignant_disease():
    tables = {
        "doses": doses(),
        "events": events((20, "GRAFT_REJECTION")),
        "follow_up": follow_up(9),
    }
    tables["subjects"] = grafted(-35, malignant="N")
    assert RELAPSE(tables).row(0, named=True)["CNSR"] == 0
    assert NRM(tables).row(0, named=True)["CNSR"] == 3


@st.composite
def trials(draw):
    """Return tables of up to 12 subjects with deaths, relapses and grafts."""
    n = draw(st.integers(1, 12))
    happened, seen, people = [], [], []
    for i in range(n):
        end = draw(st.integers(0, 40))
        if draw(st.booleans()):
            happened.append((f"{i:02d}", on(draw(st.integers(-5, end))), "RELAPSE"))
        if draw(st.booleans()):
            happened.append((f"{i:02d}", on(end), "DEATH"))
        seen.append((f"{i:02d}", on(end)))
        graft = on(-draw(st.integers(0, 60)))
        people.append((f"{i:02d}", "F", 40, None, draw(st.sampled_from("YN")), graft))
    return {
        "doses": doses(*(f"{i:02d}" for i in range(n))),
        "events": table(EVENTS, happened),
        "follow_up": table(FOLLOW_UP, seen),
        "subjects": table(SUBJECTS, people),
    }


@given(trials(), st.sampled_from(["first_dose", "transplant"]))
@settings(max_examples=60, deadline=None)
def test_relapse_non_relapse_mortality_and_disease_free_survival_add_up_to_1(tables, origin):
    rule = {"origin": origin}
    free, back, dead = (e(tables, rule=rule) for e in (DFS, RELAPSE, NRM))
    known = free["AVAL"].is_not_null()
    assert (back["AVAL"].is_not_null() == known).all()
    assert (dead["AVAL"].is_not_null() == known).all()
    free, back, dead = (frame.filter(known) for frame in (free, back, dead))
    times, entry = free["AVAL"].to_numpy(), free["ENTRY"].fill_null(0.0).to_numpy()
    late = entry if origin == "transplant" else None
    for frame in (back, dead):
        assert frame["AVAL"].to_list() == free["AVAL"].to_list()
        assert frame["ENTRY"].to_list() == free["ENTRY"].to_list()
    pair = {(0, 3): 1, (2, 0): 2, (1, 1): 0}
    causes = np.array([pair[c] for c in zip(back["CNSR"], dead["CNSR"], strict=True)])
    assert ((causes > 0) == (free["CNSR"].to_numpy() == 0)).all()
    curve = cumulative_incidence(times, causes, entry=late, codes=(1, 2))
    days = np.arange(0.5, 110.0, 0.5)
    alive, _ = find_survival(kaplan_meier(times, causes > 0, entry=late), days)
    steps = np.concatenate([[0.0], curve.incidence.sum(axis=1)])
    incidence = steps[np.searchsorted(curve.times, days, side="right")]
    np.testing.assert_allclose(incidence + alive, 1.0, atol=1e-12)


@given(trials(), st.permutations(range(12)))
@settings(max_examples=25, deadline=None)
def test_codes_of_subjects_carry_no_meaning(tables, order):
    names = {f"{i:02d}": f"{order[i]:02d}" for i in range(12)}
    again = {n: t.with_columns(pl.col("USUBJID").replace_strict(names)) for n, t in tables.items()}
    for endpoint in (OS, DFS, RELAPSE, NRM):
        one = endpoint(tables).with_columns(pl.col("USUBJID").replace_strict(names))
        assert endpoint(again).equals(one.sort("USUBJID"))


class TestDatesKnownInPart:
    def row(self, code, day, flag, seen=None, more=()):
        rows = [("01", day, code, None, None, flag), *more]
        tables = {"doses": doses(), "events": table(EVENTS, rows)}
        if seen is not None:
            tables["follow_up"] = table(FOLLOW_UP, [("01", seen)])
        return DFS(tables).row(0, named=True)

    # Day 0 is 1 March 2026.
    @pytest.mark.parametrize(
        ("seen", "day"),
        [
            pytest.param(None, date(2026, 5, 15), id="the-15th"),
            pytest.param(date(2026, 4, 30), date(2026, 5, 15), id="seen-before"),
            pytest.param(date(2026, 5, 10), date(2026, 5, 15), id="seen-before-the-15th"),
            pytest.param(date(2026, 5, 20), date(2026, 5, 20), id="never-before-the-last-contact"),
        ],
    )
    def test_the_15th_stands_for_a_day_not_known(self, seen, day):
        row = self.row("DEATH", date(2026, 5, 1), "D", seen)
        assert (row["ADT"], row["CNSR"]) == (day, 0)
        assert "day of the month not known" in row["REASON"]

    def test_a_contact_of_a_later_month_contradicts_it(self):
        row = self.row("DEATH", date(2026, 5, 1), "D", date(2026, 6, 1))
        assert row["AVAL"] is None
        assert "contradict" in row["REASON"]

    def test_an_event_of_the_month_of_death_does_not_lie_after_it(self):
        death = ("01", date(2026, 5, 4), "DEATH", None, None, None)
        row = self.row("RELAPSE", date(2026, 5, 1), "D", more=[death])
        assert (row["ADT"], row["AVALC"]) == (date(2026, 5, 4), "RELAPSE")

    def test_a_year_alone_is_no_time(self):
        row = self.row("DEATH", date(2026, 5, 1), "M")
        assert row["AVAL"] is None
        assert row["REASON"] == "DEATH is dated by its year alone: find out the month"
