"""Day 0: the first dose, or another date of each subject. Expectations by hand (OURS)."""

from datetime import date

import polars as pl
import pytest

from plan_material import DAY_0, doses, keyed, study, table
from sojourn.core.errors import DataError
from sojourn.endpoints._days import find_day_zeros
from sojourn.study.day_zero import COUNTED, counted_doses, with_origin
from sojourn.study.ledger import Ledger
from sojourn.study.listings import day_zeros
from sojourn.study.outcomes import origin_of
from sojourn.study.store import Store

GRAFT = date(2029, 11, 1)
TRANSPLANT = ('event = "first_dose"', 'event = "transplantation"')


def people(**dates):
    return table("subjects", *({"USUBJID": s, "HSCTDT": d} for s, d in dates.items()))


def test_endpoints_count_from_the_origin_and_doses_keep_their_dates():
    made = with_origin(doses(P1=[0, 7]), people(P1=GRAFT), "HSCTDT")
    assert find_day_zeros(made) == {"P1": GRAFT}
    assert made["ADT"].to_list() == doses(P1=[0, 7])["ADT"].to_list()


def test_who_has_the_date_but_no_dose_has_a_day_0_and_no_dose():
    made = with_origin(doses(P1=[0]), people(P1=GRAFT, P2=GRAFT), "HSCTDT")
    assert find_day_zeros(made) == {"P1": GRAFT, "P2": GRAFT}
    assert made.filter(pl.col("USUBJID") == "P2")["ADT"].to_list() == [None]


def test_who_was_dosed_but_has_no_date_has_no_day_0():
    made = with_origin(doses(P1=[0], P2=[0]), people(P1=GRAFT, P2=None), "HSCTDT")
    assert find_day_zeros(made) == {"P1": GRAFT}


def test_without_doses_the_dates_stand_alone():
    assert find_day_zeros(with_origin(None, people(P1=GRAFT), "HSCTDT")) == {"P1": GRAFT}


@pytest.mark.parametrize(
    ("change", "zero"), [((), DAY_0), ((TRANSPLANT,), GRAFT)], ids=["first-dose", "transplantation"]
)
def test_the_study_file_chooses_the_origin(tmp_path, change, zero):
    made, ledger = study(*change), Ledger(tmp_path)
    tables = keyed(ledger, subjects=people(P1=GRAFT), doses=doses(P1=[0]))
    counted = counted_doses(made.day_zero, tables, Store(tmp_path / "store").open(), ledger)
    assert (COUNTED in counted) == bool(change)
    assert day_zeros(tables | counted) == {"P1": zero}
    origins = [s.parameters["origin"] for s in ledger.steps.values() if s.label == "day 0"]
    assert origins == ["transplantation (subjects.HSCTDT)"] * bool(change)


def test_the_table_of_the_date_must_be_there(tmp_path):
    made, ledger = study(TRANSPLANT), Ledger(tmp_path)
    with pytest.raises(DataError, match=r"no tables/subjects\.csv"):
        counted_doses(made.day_zero, keyed(ledger, doses=doses(P1=[0])), Store(tmp_path), ledger)


def test_every_derivation_names_its_origin():
    made = study()
    assert origin_of(made.endpoints[0], made.day_zero) == "first_dose (doses.ADT)"


def test_an_endpoint_with_another_origin_names_both():
    made = study(
        ('use = "hemogram_response"', 'use = "overall_survival"\nrule = {origin = "transplant"}'),
        ('param = "ANCREC40"', 'param = "OS"'),
        ('param = "ANCREC40"\nintercurrent', 'param = "OS"\nintercurrent'),
    )
    assert origin_of(made.endpoints[0], made.day_zero) == (
        "transplant (the endpoint's own rule; day 0 is first_dose (doses.ADT))"
    )
