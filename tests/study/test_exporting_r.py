"""The exported R program recomputes what it is given, and fails where a number is not that.

EXTERNAL: R with survival and cmprsk is the oracle of every method here, on rows drawn at random.
"""

import json

import numpy as np
import pytest

from r_programs import arms, run_r, write_run
from sojourn.core.errors import DataError
from sojourn.deliverables.r_program import r_value
from sojourn.study.exporting_r import export_r

SUCCESS = {"success": ["Y"]}


def drawn(seed, sizes):
    """Return times with ties, codes, classes and numbers of two arms."""
    rng = np.random.default_rng(seed)
    columns = {"aval": [], "cnsr": [], "avalc": [], "day": [], "SITE": [], "AGE": []}
    for n in sizes:
        columns["aval"].append([float(v) for v in rng.integers(1, 40, n)])
        columns["cnsr"].append([int(v) for v in rng.choice([0, 0, 1, 2, 3], n)])
        columns["avalc"].append([str(v) for v in rng.choice(["Y", "N"], n)])
        columns["day"].append([int(v) for v in rng.integers(20, 60, n)])
        columns["SITE"].append([str(v) for v in rng.choice(["x", "y"], n)])
        columns["AGE"].append([float(v) for v in rng.normal(40, 9, n).round(1)])
    return columns


def times(seed=1, sizes=(30, 26)):
    made = drawn(seed, sizes)
    return arms(**{k: made[k] for k in ("aval", "cnsr", "SITE", "AGE")})


def late():
    made = drawn(4, (30, 30))
    rng = np.random.default_rng(9)
    entry = [[None if rng.random() < 0.5 else float(rng.integers(0, int(t))) for t in arm]
             for arm in made["aval"]]  # fmt: skip
    made["aval"] = [[t + 1 for t in arm] for arm in made["aval"]]
    return arms(aval=made["aval"], cnsr=made["cnsr"], entry=entry)


def exhausted():
    """Return an arm of which one is watched early and dies, and one of which that never happens."""
    return arms(aval=[[1.0, 300.0, 500.0], [1.0, 8.0, 90.0]], cnsr=[[0, 0, 1], [0, 2, 0]],
                entry=[[None, 20.0, 30.0], [None, 0.0, 1.0]])  # fmt: skip


def classes(seed=2, sizes=(11, 9)):
    made = drawn(seed, sizes)
    made["avalc"][0][3] = None
    return arms(avalc=made["avalc"])


def counts(seed=3, sizes=(8, 7)):
    made = drawn(seed, sizes)
    made["aval"] = [[v // 10 for v in arm] for arm in made["aval"]]
    return arms(aval=made["aval"], day=made["day"])


def values(seed=5, sizes=(5, 5), *, is_tied=False):
    rng = np.random.default_rng(seed)
    aval = [[round(float(v), 0 if is_tied else 4) for v in rng.normal(i, 2, n)]
            for i, n in enumerate(sizes)]  # fmt: skip
    base = [[float(v) for v in rng.normal(0, 2, n)] for n in sizes]
    age = [[float(v) for v in rng.integers(30, 40 if is_tied else 90, n)] for n in sizes]
    return arms(aval=aval, base=base, AGE=age)


def constant(size=4):
    base = [[float(v % 3) for v in range(size)]] * 2
    return arms(aval=[[0.1] * size, [1.0] * size], base=base)


INTERVALS = ["clopper_pearson", "wilson", "wilson_corrected", "mid_p", "jeffreys", "agresti_coull",
             "agresti_coull_clipped"]  # fmt: skip

CASES = {
    **{f"share_{kind}": ("proportion", {"interval": kind}, classes()) for kind in INTERVALS},
    "share_of_none": ("proportion", {}, arms(avalc=[["N"] * 5, ["Y"] * 4])),
    "tested": ("binomial_test", {"p0": 0.3}, classes()),
    "tested_greater": ("binomial_test", {"p0": 0.3, "alternative": "greater"}, classes()),
    "tested_less": ("binomial_test", {"p0": 0.3, "alternative": "less"}, classes()),
    "rate": ("poisson_rate", {}, counts()),
    "rate_mid_p": ("poisson_rate", {"interval": "mid_p"}, counts()),
    "ratio_of_rates": ("rate_ratio", {}, counts()),
    "odds": ("fisher", {}, classes()),
    "odds_central": ("fisher", {"test": "central"}, classes()),
    "odds_zero": ("fisher", {}, arms(avalc=[["N"] * 5, ["Y", "N"] * 3])),
    "odds_infinite": ("fisher", {}, arms(avalc=[["Y"] * 5, ["Y", "N"] * 3])),
    "tipping": ("tipping_point", {"exceeds": 0.2}, classes()),
    "posterior": ("bayes_proportion", {"p0": 0.3, "planned": 20}, classes()),
    "posterior_robust": (
        "bayes_proportion",
        {"control": {"successes": 14, "n": 27, "vague_weight": 0.5, "discount": 0.5}, "level": 0.9},
        classes(),
    ),
    "average": ("mean", {}, values()),
    "one_value": ("mean", {}, values(sizes=(1, 3))),
    "equal_values": ("mean", {}, constant()),
    "welch_of_equal_values": ("mean_difference", {}, constant()),
    "welch_of_one_equal": ("mean_difference", {}, arms(aval=[[3.0] * 3, [1.0, 2.0, 4.0]])),
    "permuted_equal_values": ("permutation_test", {}, constant()),
    "flipped_equal_values": ("sign_flip", {}, constant(7)),
    "shift_of_equal_values": ("hodges_lehmann", {}, constant()),
    "adjusted_equal_values": ("ancova", {"response": "value"}, constant()),
    "welch": ("mean_difference", {}, values()),
    "welch_swapped": ("mean_difference", {"groups": ["B", "A"]}, values()),
    "permuted": ("permutation_test", {}, values()),
    "permuted_uneven": ("permutation_test", {"level": 0.9}, values(7, (4, 7))),
    "shift": ("hodges_lehmann", {}, values()),
    "shift_of_few": ("hodges_lehmann", {}, values(5, (3, 3))),
    "shift_of_two": ("hodges_lehmann", {}, values(5, (1, 1))),
    "permuted_few": ("permutation_test", {}, values(5, (3, 3))),
    "permuted_two": ("permutation_test", {}, values(5, (1, 2))),
    "flipped_few": ("sign_flip", {}, values(5, (1, 4))),
    "shift_tied": ("hodges_lehmann", {"interval": "conditional"}, values(8, is_tied=True)),
    "flipped": ("sign_flip", {}, values()),
    "flipped_change": ("sign_flip", {"from_base": True}, values(6, (8, 7))),
    "rho": ("spearman", {"covariates": ["AGE"]}, values(5, (7, 8))),
    "rho_tied": ("spearman", {"covariates": ["AGE"], "interval": "fieller"},
                 values(5, (7, 6), is_tied=True)),
    "adjusted": ("ancova", {"response": "change"}, values(5, (9, 8))),
    "adjusted_value": ("ancova", {"response": "value", "covariates": ["AGE"]}, values(5, (9, 8))),
    "survival": ("kaplan_meier",
                 {"at": [1, 20, 39, 99], "quantiles": [0.25, 0.5], "follow_up": True}, times()),
    "survival_log": ("kaplan_meier", {"at": [20], "interval": "log"}, times()),
    "survival_late": ("kaplan_meier", {"at": [10, 20]}, late()),
    "survival_exhausted": ("kaplan_meier",
                           {"at": [0.5, 1, 9, 365], "quantiles": [0.5], "follow_up": True},
                           exhausted()),
    "days_exhausted": ("restricted_mean", {"tau_days": 90}, exhausted()),
    "days_up_to_the_end": ("restricted_mean", {"tau_days": 1}, exhausted()),
    "incidence_exhausted": ("cumulative_incidence", {"at": [0.5, 1, 9, 365]}, exhausted()),
    "no_death": ("kaplan_meier", {"at": [5]}, arms(aval=[[9.0] * 4, [3.0, 4.0]],
                                                   cnsr=[[1] * 4, [0, 0]])),
    "days": ("restricted_mean", {"tau_days": 25}, times()),
    "days_before_any_event": (
        "restricted_mean",
        {"tau_days": 5},
        arms(aval=[[9.0, 7.0], [5.0, 6.0]], cnsr=[[0, 1], [0, 0]]),
    ),
    "never_together": ("log_rank", {}, arms(aval=[[1.0, 1.0], [8.0, 9.0]], cnsr=[[1, 1], [0, 0]])),
    "ranked_late_deaths": ("log_rank", {}, arms(aval=[[1.0, 9.0], [2.0, 8.0]],
                                                cnsr=[[1, 0], [1, 0]])),
    "ranked": ("log_rank", {}, times()),
    "ranked_peto": ("log_rank", {"weight": "peto-peto"}, times()),
    "ranked_strata": ("log_rank", {"strata": ["SITE"]}, times()),
    "ranked_exactly": ("log_rank", {}, times(11, (6, 7))),
    "from_landmark": ("landmark", {"landmark_day": 8, "known_on": "origin", "at": [20]}, times()),
    "incidence": ("cumulative_incidence", {"at": [0.5, 10, 20, 39, 99]}, times()),
    "incidence_other": ("cumulative_incidence",
                        {"at": [10, 30], "causes": [0, 2, 3, 4], "interval": "log_log_incidence",
                         "variance": "infinitesimal_jackknife"}, times(12)),
    "incidence_late": (
        "cumulative_incidence",
        {"at": [3, 10, 30], "variance": "infinitesimal_jackknife"},
        late(),
    ),
    "incidence_late_aalen": ("cumulative_incidence", {"at": [10]}, late()),
    "incidence_all": ("cumulative_incidence", {"at": [4, 9]},
                      arms(aval=[[1.0, 2.0, 3.0], [1.0, 1.0, 2.0]], cnsr=[[0, 0, 0], [0, 2, 2]])),
    "gray": ("gray_test", {}, times()),
    "gray_strata": ("gray_test", {"cause": 2, "rho": 1, "strata": ["SITE"]}, times()),
    "hazards": ("cox", {"covariates": ["AGE"]}, times()),
    "hazards_breslow": ("cox", {"ties": "breslow", "strata": ["SITE"], "cause": 2}, times()),
    "hazards_late": ("cox", {}, late()),
    "hazards_monotone": ("cox", {}, arms(aval=[[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]],
                                         cnsr=[[0, 0, 0, 0], [1, 1, 1, 1]])),
    "subdistribution": ("fine_gray", {"covariates": ["AGE"]}, times()),
}  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("run") / "out", CASES)


def test_r_agrees_with_every_method_that_it_can_recompute(run, tmp_path):
    made = export_r(run, tmp_path / "check it.R")
    assert made.without == {}
    done = run_r(made.script)
    assert "FAILED" not in done.stdout, done.stdout + done.stderr
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    said = done.stdout
    assert "largest difference: " in said
    assert "SIMULATED" in said.splitlines()[0]
    named = {number["analysisId"] for number in read(run)["results"]}
    assert {line.split("/")[0].strip() for line in said.splitlines() if "/" in line} >= named


def read(folder):
    return json.loads((folder / "results.json").read_text())


def test_each_number_that_was_changed_is_found(tmp_path):
    fields = ["rawValue", "lower", "upper", "pValue", "n"]
    out = write_run(tmp_path / "out", {f"of_{name}": CASES["welch"] for name in [*fields, "none"]})
    document = read(out)
    for number, field in zip(document["results"], fields, strict=False):
        number[field] = number[field] + (1 if field == "n" else 1e-6)
    (out / "results.json").write_text(json.dumps(document))
    done = run_r(export_r(out, tmp_path / "check.R").script)
    assert done.returncode == 1, done.stdout
    found = [line for line in done.stdout.splitlines() if line.startswith("FAILED: ")]
    what = ["value", "lower", "upper", "p", "n"]
    expected = [f"{w} of of_{f}/A-B/difference" for w, f in zip(what, fields, strict=True)]
    assert found == [f"FAILED: {line}" for line in expected]
    assert "5 beyond tolerance" in done.stdout


def test_a_number_that_r_finds_and_the_run_has_not_is_a_difference(tmp_path):
    out = write_run(tmp_path / "out", {"average": CASES["average"]})
    document = read(out)
    for name in ("rawValue", "lower", "upper"):
        document["results"][0][name] = None
    (out / "results.json").write_text(json.dumps(document))
    done = run_r(export_r(out, tmp_path / "check.R").script)
    assert done.returncode == 1, done.stdout


def test_what_base_r_cannot_do_is_listed_with_its_reason(tmp_path):
    cases = {
        "blaker": ("proportion", {"interval": "blaker"}, classes()),
        "mixed": (
            "mmrm",
            {"response": "value", "base": "none"},
            arms(aval=[[1.0, 2.0, 4.0]] * 2, base=[[1.0, 3.0, 2.0]] * 2),
        ),
    }
    made = export_r(write_run(tmp_path / "out", cases), tmp_path / "check.R")
    assert list(made.without) == ["mixed"]
    done = run_r(made.script)
    assert done.returncode == 0, done.stdout
    assert "base R has no interval blaker" in done.stdout
    assert "Kenward-Roger" in done.stdout


def test_nobody_to_analyse_is_no_failure(tmp_path):
    cases = {"average": ("mean", {}, arms(aval=[[None], [None, None]]))}
    done = run_r(export_r(write_run(tmp_path / "out", cases), tmp_path / "check.R").script)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nobody could be evaluated" in done.stdout


def test_equal_runs_give_equal_bytes_and_only_ascii(run, tmp_path):
    folders = [tmp_path / name for name in "ab"]
    for folder in folders:
        folder.mkdir()
        export_r(run, folder / "check.R")
    first, second = (
        {p.relative_to(f): p.read_bytes() for p in f.rglob("*") if p.is_file()} for f in folders
    )
    assert first == second
    assert first[next(p for p in first if p.name == "check.R")].isascii()


def test_texts_cannot_become_code(tmp_path):
    out = write_run(tmp_path / "out", {"share": ("proportion", {}, classes())})
    document = read(out)
    document["title"] = 'quit(status = 3)\nquit(status = 3) # "\\'
    document["results"][0]["label"] = "x\nquit(status = 3)\n\u00e9"
    document["steps"][0]["parameters"]["settings"] = {"success": ["Y", '"); quit(status = 3); c("']}
    (out / "results.json").write_text(json.dumps(document))
    done = run_r(export_r(out, tmp_path / "check.R").script)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "NULL"),
        (False, "FALSE"),
        (0.95, "0.95"),
        (1000.0, "1000"),
        (1e-9, "1e-09"),
        (["a b", 'c"d'], 'c("a b", "c\\"d")'),
        ((), "c()"),
        ({2: "death"}, 'list("2" = "death")'),
        ("\u00e9\n", '"\\u00e9\\n"'),
    ],
)
def test_settings_as_r_text(value, text):
    assert r_value(value) == text


def test_a_setting_without_r_text_is_refused():
    with pytest.raises(DataError, match="has no R text"):
        r_value({1, 2})


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(DataError, match=r"results\.json"):
        export_r(tmp_path, tmp_path / "check.R")
    out = write_run(tmp_path / "out", {"average": CASES["average"]})
    with pytest.raises(DataError, match=r"ends in \.R"):
        export_r(out, tmp_path / "check.py")
    with pytest.raises(DataError, match="is no folder"):
        export_r(out, tmp_path / "nowhere" / "check.R")
    (out / "analysis_rows.csv").unlink()
    with pytest.raises(DataError, match=r"analysis_rows\.csv: cannot be read"):
        export_r(out, tmp_path / "check.R")


def test_rows_or_steps_of_another_run_are_refused(tmp_path):
    out = write_run(tmp_path / "out", {"average": CASES["average"]})
    other = write_run(tmp_path / "other", {"share": CASES["share_of_none"]})
    (out / "analysis_rows.csv").write_text((other / "analysis_rows.csv").read_text())
    with pytest.raises(DataError, match="no rows of average"):
        export_r(out, tmp_path / "check.R")
    document = read(other)
    document["steps"] = []
    (other / "results.json").write_text(json.dumps(document))
    with pytest.raises(DataError, match="how share was estimated"):
        export_r(other, tmp_path / "check.R")
    assert not (tmp_path / "check.R").exists()
