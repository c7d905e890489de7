"""Both bundled studies, simulated and run: R recomputes their numbers.

EXTERNAL: R with survival and cmprsk, from the rows that the run wrote.
"""

import re

import pytest

from r_programs import run_r
from sojourn.study.bundled import bundled_study
from sojourn.study.explaining import read_results
from sojourn.study.exporting_r import export_r
from sojourn.study.run import run_study
from sojourn.study.simulation import simulate_trial

MUST = ("primary", "secondary")


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("study", "seed", "subjects"), [("NCT06171906", 171906, 68), ("NCT07313020", 313020, 6)]
)
def test_r_recomputes_every_number(tmp_path, record_property, study, seed, subjects):
    folder, out = tmp_path / "trial", tmp_path / "out"
    simulate_trial(bundled_study(study), folder, seed=seed, n_subjects=subjects)
    run_study(folder, out, jobs=2)
    made = export_r(out, tmp_path / "check.R")
    done = run_r(made.script)
    assert done.returncode == 0, done.stdout + done.stderr
    largest = re.search(r"^largest difference: .*$", done.stdout, re.MULTILINE)
    counted = done.stdout.strip().splitlines()[-1]
    assert largest is not None
    record_property("figure", f"{study}, R against sojourn: {largest[0]}; {counted}")
    results = read_results(out)
    exported = "".join(p.read_text() for p in made.data.glob("*.csv")) + made.script.read_text()
    assert results.isBlinded == (study == "NCT07313020")
    assert "allocation" not in exported
    numbers = [n for n in results.results if n.rawValue is not None]
    left = [n.id for n in numbers if n.role in MUST and n.analysisId in made.without]
    assert left == []
    assert all(f" {n.id} " in done.stdout for n in numbers)
