"""What `check_analysis` promises, for every plug-in."""

from dataclasses import replace

import polars as pl
import pytest

from outcome_rows import outcomes
from sojourn.core.analyses import Analysis
from sojourn.core.registry import Registry
from sojourn.statistics.mean import ANALYSIS as MEAN
from sojourn.testing import check_analysis

analyses: Registry[Analysis] = Registry("sojourn.statistics", "ANALYSIS")
SETTINGS = {
    "ancova": {"response": "value", "adjust_for_base": False},
    "mmrm": {"response": "value", "base": "none"},
    "multiple_imputation": {"response": "value"},
    "binomial_test": {"p0": 0.5},
    "spearman": {"covariates": ["DAY"]},
    "kaplan_meier": {"at": [10, 30], "quantiles": [0.25, 0.5], "follow_up": True},
    "landmark": {"landmark_day": 10, "known_on": "origin", "at": [20, 30]},
    "restricted_mean": {"tau_days": 25},
}
EVENTS = {"some": [0, 1, 0, 2], "all": [0, 0, 0, 0], "none": [1, 1, 1, 1]}


def rows(cnsr):
    size = len(cnsr)
    columns = {
        "aval": [10.0, 20.0, 30.0, 30.0][:size],
        "avalc": ["NY"[c == 0] for c in cnsr],
        "cnsr": cnsr,
        "day": [10, 20, 30, 40][:size],
    }
    return pl.concat([outcomes("A", **columns), outcomes("B", **columns)])


@pytest.mark.parametrize("cnsr", EVENTS.values(), ids=EVENTS)
@pytest.mark.parametrize("name", analyses.names())
def test_every_analysis_keeps_its_promises(name, cnsr):
    check_analysis(analyses.get(name), rows(cnsr), settings=SETTINGS.get(name))


@pytest.mark.parametrize("name", analyses.names())
def test_every_analysis_is_defined_for_one_subject_a_group(name):
    check_analysis(analyses.get(name), rows([0]), settings=SETTINGS.get(name))


@pytest.mark.parametrize("name", analyses.names())
def test_every_setting_is_described(name):
    settings = analyses.get(name).settings
    assert [f for f in settings.model_fields if f"`{f}`" not in settings.__doc__] == []


def test_importing_the_statistics_does_not_import_scipy_stats():
    import subprocess
    import sys

    modules = "; ".join(f"import sojourn.statistics.{name}" for name in analyses.names())
    code = f"{modules}; import sys; raise SystemExit('scipy.stats' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    "wrong",
    [
        lambda rows, s: [replace(m, estimate=None) for m in MEAN.estimate(rows, s)],
        lambda rows, s: MEAN.estimate(rows, s) * 2,
        lambda rows, s: MEAN.estimate(rows.with_columns(pl.col("AVAL").fill_null(0)), s),
        lambda rows, s: MEAN.estimate(rows.drop_nulls("AVAL"), s),
    ],
    ids=["no-reason", "one-name-twice", "missing-is-zero", "missing-not-counted"],
)
def test_a_broken_promise_is_caught(wrong):
    with pytest.raises(AssertionError):
        check_analysis(replace(MEAN, estimate=wrong), rows([0, 1]))
