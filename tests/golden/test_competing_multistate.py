"""EXTERNAL oracles ebmt3_multistate.json and ebmt4_multistate.json.

R 4.2.2 with mstate 0.3.3 and survival 3.5-3, on EBMT's patients: illness-death, and six states.
The files' standard errors are `probtrans(method = "greenwood")` of `msfit` with its default,
Aalen's variance of the hazards: our increments "poisson".
"""

import numpy as np
import pytest

from competing_walk import REGRESSION, TOLERANCE, golden_file, leave_out_software, numbers, rows_of
from sojourn.statistics.competing.state_occupation import estimate_hazards, estimate_occupation
from sojourn.statistics.competing.transitions import (
    count_transitions,
    prepare_counting_process,
    state_model,
)
from sojourn.statistics.regression.concordance import estimate_concordance
from sojourn.statistics.regression.cox_model import fit_cox
from sojourn.statistics.regression.proportionality import test_proportionality as zph

COVERS = ["ebmt3_multistate.json", "ebmt4_multistate.json"]

ILLNESS_DEATH = {"Tx": ["PR", "RelDeath"], "PR": ["RelDeath"], "RelDeath": []}
SIX_STATES = {
    "Tx": ["Rec", "AE", "Rel", "Death"],
    "Rec": ["Rec+AE", "Rel", "Death"],
    "AE": ["Rec+AE", "Rel", "Death"],
    "Rec+AE": ["Rel", "Death"],
    "Rel": [],
    "Death": [],
}
COVARIATES = {
    "dissubALL": ("dissub", "ALL"),
    "dissubCML": ("dissub", "CML"),
    "age20-40": ("age", "20-40"),
    "age>40": ("age", ">40"),
}
FACTORS = {"dissub": ["dissubALL", "dissubCML"], "age": ["age20-40", "age>40"]}


def histories(rows, model, times, statuses):
    origin = np.zeros(len(rows["id"]))
    when = np.column_stack([origin, *(numbers(rows, name) for name in times)])
    reached = np.column_stack([origin, *(numbers(rows, name) for name in statuses)])
    return prepare_counting_process(model, when, reached == 1)


def check_occupation(golden, hazards, key, start):
    made = estimate_occupation(hazards, start=start, increments="poisson")
    assert made.probability.sum(axis=1) == pytest.approx(1, abs=1e-12)
    for i in range(len(golden.at(key))):
        step = made.step(golden.read(key, i, "time"))
        se = np.sqrt(made.variance[step])
        found = {"p": made.probability[step].tolist(), "se": se.tolist()}
        golden.check(found, key, i, tolerance=TOLERANCE)


def test_six_states(shared):
    golden = golden_file(shared, "ebmt4_multistate.json")
    rows = rows_of(shared, golden)
    model = state_model(SIX_STATES)
    assert golden.read("states") == list(model.states)
    names = ["rec", "ae", "recae", "rel", "srv"]
    process = histories(rows, model, names, [f"{name}.s" for name in names])
    golden.check(count_transitions(process).tolist(), "event_counts")
    hazards = estimate_hazards(process)
    check_occupation(golden, hazards, "from_0", 0)
    check_occupation(golden, hazards, "from_100", 100)
    leave_out_software(golden)
    golden.finish()


def test_illness_and_death(shared):
    golden = golden_file(shared, "ebmt3_multistate.json")
    rows = rows_of(shared, golden)
    model = state_model(ILLNESS_DEATH)
    assert golden.read("states") == list(model.states)
    assert golden.read("transitions") == "1:Tx->PR 2:Tx->RelDeath 3:PR->RelDeath"
    assert model.transitions == ((0, 1), (0, 2), (1, 2))
    process = histories(rows, model, ["prtime", "rfstime"], ["prstat", "rfsstat"])
    golden.check(count_transitions(process).tolist(), "event_counts")
    hazards = estimate_hazards(process)
    check_occupation(golden, hazards, "from_0", 0)
    check_occupation(golden, hazards, "from_28", 28)
    year = np.searchsorted(hazards.times, 365, side="right") - 1
    golden.check(hazards.cumulative[year].tolist(), "cumhaz_365", tolerance=TOLERANCE)
    golden.check([row_of(rows, process, i) for i in range(9)], "counting_process_head")
    for k in range(3):
        check_cox(golden, k, rows, process)
    leave_out_software(golden)
    golden.finish()


def row_of(rows, process, i):
    """Return one row of the counting process as mstate prints it, numbered from 1."""
    return {
        "id": int(rows["id"][process.subject[i]]),
        "from": int(process.origin[i]) + 1,
        "to": int(process.target[i]) + 1,
        "trans": int(process.transition[i]) + 1,
        "Tstart": process.start[i],
        "Tstop": process.stop[i],
        "status": int(process.is_event[i]),
    }


def check_cox(golden, k, rows, process):
    """Compare the Cox model of one transition."""
    where = ("cox_by_transition", k)
    inside = process.transition == k
    who = process.subject[inside]
    assert golden.read(*where, "terms") == list(COVARIATES)
    assert golden.read(*where, "ties") == "breslow"
    x = np.column_stack([(rows[name] == level)[who] for name, level in COVARIATES.values()])
    fit = fit_cox(
        process.stop[inside],
        process.is_event[inside],
        x.astype(float),
        entry=process.start[inside],
        ties="breslow",
        names=list(COVARIATES),
    )
    lower, upper = fit.terms.ratio_interval()
    tests = {
        "lr_test": fit.likelihood_ratio_test,
        "wald_test": fit.wald_test,
        "score_test": fit.score_test,
    }
    found = {
        "n": fit.n,
        "events": fit.n_events,
        "loglik": [fit.loglik_null, fit.loglik],
        "coef": fit.terms.coefficients.tolist(),
        "se": fit.terms.standard_errors.tolist(),
        "hr": fit.terms.ratios.tolist(),
        "lo": lower.tolist(),
        "hi": upper.tolist(),
        "p": fit.terms.p_values.tolist(),
        "concordance": estimate_concordance(fit).value,
        **{key: [t.statistic, t.degrees, t.p_value] for key, t in tests.items()},
    }
    found["wald_test"][0] = round(found["wald_test"][0], 2)  # as R prints it
    golden.check(found, *where, tolerance=REGRESSION)
    made = zph(fit, together=FACTORS)
    assert golden.read(*where, "zph", "rows") == [*made.terms, "GLOBAL"]
    parts = [*made.terms.values(), made.overall]
    values = {"chisq": [t.statistic for t in parts], "p": [t.p_value for t in parts]}
    golden.check(values, *where, "zph", tolerance=REGRESSION)
