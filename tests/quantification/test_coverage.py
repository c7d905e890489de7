"""The quick version of `verify/verify_coverage.py`: SIMULATED, finer truth, other particles.

The full one holds the 99 % interval of the coverage within 93 to 97 % in each of six cells, at
2,500 scans a cell or more. Here fewer scans must not contradict 95 %, and a dropped term must.
"""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

N = 400


@pytest.fixture(scope="module")
def coverage():
    path = Path(__file__).resolve().parents[2] / "verify" / "verify_coverage.py"
    spec = importlib.util.spec_from_file_location("verify_coverage", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["verify_coverage"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["verify_coverage"]


@pytest.fixture(scope="module")
def study(coverage):
    return coverage.study(np.random.default_rng(11))


@pytest.mark.parametrize("name", ["linear", "constrained"])
@pytest.mark.parametrize("noise", ["low noise", "middle noise", "high noise"])
def test_intervals_hold_a_finer_truth_of_another_batch_95_times_of_100(
    coverage, study, name, noise
):
    cell = coverage.run_cell(
        study.methods[name], N, coverage.NOISE[noise], np.random.default_rng(12)
    )
    for column in range(2):
        hits = int(cell.hits[:, column].sum())
        assert stats.binomtest(hits, N, 0.95).pvalue > 0.002, (hits, N)
    assert np.median(cell.widths) < 0.8


@pytest.mark.parametrize("name", ["linear", "constrained"])
def test_without_its_tracer_term_the_interval_misses(coverage, study, name):
    cell = coverage.run_cell(
        study.dropped[name], 100, coverage.NOISE["low noise"], np.random.default_rng(13)
    )
    assert cell.hits.mean() < 0.7


def test_the_batch_solver_is_that_of_the_method(coverage, study):
    method = study.methods["constrained"].method
    rng = np.random.default_rng(14)
    truth = coverage.truths(4, rng)
    signals = truth.signals * method.rows.weights
    many = coverage.non_negative(method)(signals)
    alone = np.stack([method.solver(signal).values for signal in signals])
    assert np.abs(many - alone).max() < 2e-3 * alone.max()
