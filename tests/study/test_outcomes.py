from datetime import date

import polars as pl
import pytest

from sojourn.core.endpoints import OUTCOME
from sojourn.core.provenance import Provenance
from sojourn.study.analysed import Material
from sojourn.study.bundled import bundled_study
from sojourn.study.definition import read_study
from sojourn.study.groups import Groups
from sojourn.study.keyed import Keyed
from sojourn.study.ledger import Ledger
from sojourn.study.outcomes import estimate_analysis
from sojourn.study.store import Store

GROUPS = Groups({"A": "Arm A", "B": "Arm B"}, {"01": "A", "02": "A", "03": "A"}, True, {})


def shares(**values):
    rows = [
        (s, "MPIRET", None, 7, v, None, None, "", "", None, None, None) for s, v in values.items()
    ]
    return pl.DataFrame(rows, schema=OUTCOME, orient="row")


def doses(*subjects):
    rows = [(n, s, date(2030, 1, 1)) for n, s in enumerate(subjects, start=2)]
    schema = {"ROW": pl.Int64, "USUBJID": pl.String, "ADT": pl.Date}
    return pl.DataFrame(rows, schema=schema, orient="row")


def analysed(tmp_path, *dosed):
    ledger = Ledger(tmp_path)
    outcomes, given = (Provenance(name) for name in ("outcomes", "doses"))
    study = read_study(bundled_study("NCT07313020"))
    analysis = next(a for a in study.analyses if a.id == "retention_msc")
    material = Material(
        study,
        {"doses": Keyed(doses(*dosed), ledger.stage(given))},
        {"retention": Keyed(shares(**{"01": 0.4, "02": 0.6, "03": 0.9}), ledger.stage(outcomes))},
        GROUPS,
    )
    numbers, _ = estimate_analysis(analysis, material, Store(tmp_path / "store").open(), ledger)
    return numbers


def test_a_subject_without_a_dose_is_in_no_analysis_set(tmp_path):
    (mean,) = analysed(tmp_path, "01", "02")
    assert (mean.rawValue, mean.n) == (pytest.approx(0.5), 2)
    assert "1 of 3 without a dose, outside every set" in mean.notes


def test_all_dosed_all_analysed(tmp_path):
    (mean,) = analysed(tmp_path, "01", "02", "03")
    assert (mean.rawValue, mean.n) == (pytest.approx(19 / 30), 3)
    assert not any("without a dose" in note for note in mean.notes)


def test_nobody_dosed_nothing_estimated(tmp_path):
    assert all(number.rawValue is None for number in analysed(tmp_path))
