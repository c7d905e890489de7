import hashlib
import json
import tomllib

import numpy as np
import polars as pl
import pytest

from sojourn.core.errors import DataError
from sojourn.core.tables import TABLES
from sojourn.formats.csv import check_subjects, read_table
from sojourn.formats.mdf import read_scan, read_system_matrix
from sojourn.formats.nifti import read_mask
from sojourn.study.bundled import bundled_study
from sojourn.study.definition import read_study
from sojourn.study.simulation import simulate_cohort, simulate_trial

OA, HSCT = "NCT07313020", "NCT06171906"


def tree(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("simulated")
    simulate_trial(OA, root / OA, seed=3, n_subjects=4)
    simulate_trial(HSCT, root / HSCT, seed=3, n_subjects=6)
    return root


@pytest.mark.parametrize(("name", "n_subjects"), [(OA, 4), (HSCT, 6)])
def test_same_seed_same_bytes_and_another_seed_others(folders, tmp_path, name, n_subjects):
    first = tree(folders / name)
    simulate_trial(name, tmp_path / "again", seed=3, n_subjects=n_subjects)
    assert tree(tmp_path / "again") == first
    simulate_trial(name, tmp_path / "other", seed=4, n_subjects=1)
    other = tree(tmp_path / "other")
    assert set(other) >= {"study.toml", "truth.json", "tables/subjects.csv"}
    same = {path for path in first if first[path] == other.get(path)}
    assert same <= {"study.toml", "record.json"} | {p for p in first if p.endswith("labels.json")}


def collected(name):
    """Return the tables that the study's visits collect."""
    visits = read_study(bundled_study(name)).visits
    return {table for visit in visits for table in visit.collects}


@pytest.mark.parametrize("name", [OA, HSCT])
def test_tables_obey_their_schemas_with_the_units_of_a_site(folders, name):
    found = {
        path.stem: read_table(path, TABLES[path.stem])
        for path in (folders / name / "tables").glob("*.csv")
    }
    check_subjects(found)
    expected = {
        OA: {"allocation", *collected(OA)},
        HSCT: {
            *("counts", "transfusions", "growth_factors", "events", "gvhd_stages", "chronic_gvhd"),
            *("infections", "lymphocytes", "chimerism", "grafts"),
        },
    }[name]
    assert collected(OA) >= {"scans", "womac", "pain_vas"}
    assert set(found) == expected | {
        "subjects",
        "doses",
        "lots",
        "adverse_events",
        "follow_up",
    }


def test_site_units_are_read_back_as_the_values_in_memory(folders):
    header = (folders / HSCT / "tables" / "counts.csv").read_text().splitlines()[0]
    assert header == "USUBJID,ADT,ANC [10^9/L],HGB [g/dL],PLT [10^9/L]"
    study = read_study(bundled_study(HSCT))
    cohort = simulate_cohort(study, seed=3, n_subjects=6)
    read = read_table(folders / HSCT / "tables" / "counts.csv", TABLES["counts"])
    for name in ("ANC", "HGB", "PLT"):
        wanted, found = (
            frame[name].fill_null(-1).to_numpy() for frame in (cohort.tables["counts"], read)
        )
        np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_study_file_is_the_same_but_for_its_status(folders):
    for name in (OA, HSCT):
        original = bundled_study(name).read_text(encoding="utf-8").splitlines()
        copied = (folders / name / "study.toml").read_text(encoding="utf-8").splitlines()
        differing = [c for o, c in zip(original, copied, strict=True) if o != c]
        assert differing == ['data_status = "SIMULATED"']
        assert tomllib.loads("\n".join(copied))["data_status"] == "SIMULATED"


def test_files_of_the_register_can_be_read_and_say_simulated(folders):
    root = folders / OA
    scans = read_table(root / "tables" / "scans.csv", TABLES["scans"])
    kept = scans.filter(pl.col("GRADE") == "A")
    assert kept.height == 4 * 6 - 2
    matrix = read_system_matrix(root / "calibration" / "system_matrix.mdf")
    assert matrix.is_simulated
    assert matrix.grid.shape == (12, 8, 12)
    assert matrix.sample_iron == pytest.approx(1e-6)
    for row in kept.head(7).iter_rows(named=True):
        scan = read_scan(root / row["FILE"])
        assert scan.is_simulated
        assert scan.is_background.sum() == 20
        mask = read_mask(root / row["MASK"])
        assert set(mask.names.values()) == {"joint_cavity", "periarticular"}


def test_a_scan_read_back_is_the_scan_in_memory(folders):
    study = read_study(bundled_study(OA))
    cohort = simulate_cohort(study, seed=3, n_subjects=1)
    (subject, visit), scan = next(iter(cohort.scans.items()))
    read = read_scan(folders / OA / "scans" / subject / f"{visit}.mdf")
    bins = np.arange(129)
    for channel in range(3):
        wanted, found = scan.spectra.read(channel, bins), read.spectra.read(channel, bins)
        # Stored as single precision samples: 2^-24 of the largest, summed over 256 samples.
        assert np.abs(found - wanted).max() < 256 * 2.0**-24 * np.abs(wanted).max()


def test_truth_is_a_file_of_its_own_that_nothing_points_to(folders):
    for name in (OA, HSCT):
        root = folders / name
        truth = json.loads((root / "truth.json").read_text(encoding="utf-8"))
        assert truth["seed"] == 3
        assert truth["studyId"] == name
        subjects = read_table(root / "tables" / "subjects.csv", TABLES["subjects"])
        assert list(truth["subjects"]) == subjects["USUBJID"].to_list()
        texts = [*root.glob("tables/*"), root / "study.toml"]
        assert not any("truth" in path.read_text(encoding="utf-8") for path in texts[:-1])
        assert "SIMULATED" in (root / "NOTICE.txt").read_text(encoding="utf-8")


def test_a_folder_that_holds_something_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(DataError, match="not empty"):
        simulate_trial(HSCT, tmp_path, seed=1, n_subjects=1)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "new").mkdir()
    simulate_trial(HSCT, tmp_path / "new", seed=1, n_subjects=1)
    assert (tmp_path / "new" / "tables" / "counts.csv").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


def test_a_failure_leaves_nothing(tmp_path):
    with pytest.raises(DataError, match="no bundled study"):
        simulate_trial("NCT00000000", tmp_path / "new", seed=1)

    def stop(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate_trial(HSCT, tmp_path / "new", seed=1, n_subjects=1, progress=stop)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("seed", "n_subjects"),
    [
        pytest.param(-1, 1, id="negative-seed"),
        pytest.param(0, 0, id="nobody"),
        pytest.param(0, 1000, id="codes-have-three-digits"),
    ],
)
def test_impossible_requests_are_refused(tmp_path, seed, n_subjects):
    with pytest.raises(DataError, match="must"):
        simulate_trial(HSCT, tmp_path / "new", seed=seed, n_subjects=n_subjects)
