import shutil
from pathlib import Path

import pytest

from sojourn.core.errors import DataError
from sojourn.study import bundled
from sojourn.study.bundled import bundled_studies, bundled_study, resolve_study


def test_both_studies_come_with_the_package():
    assert list(bundled_studies()) == ["NCT06171906", "NCT07313020"]
    assert bundled_study("NCT07313020").name == "study.toml"
    assert (bundled_study("NCT07313020").parent / "record.json").is_file()


def test_an_unknown_study_is_refused_with_the_nearest():
    with pytest.raises(DataError, match="did you mean 'NCT07313020'"):
        bundled_study("NCT07313021")


def test_a_name_a_file_and_a_folder_lead_to_the_study_file(tmp_path: Path):
    shutil.copy(bundled_study("NCT06171906"), tmp_path / "study.toml")
    assert resolve_study("NCT06171906") == bundled_study("NCT06171906")
    assert resolve_study(tmp_path) == tmp_path / "study.toml"
    assert resolve_study(tmp_path / "study.toml") == tmp_path / "study.toml"


@pytest.mark.parametrize("name", ["absent.toml", "no/such/folder"])
def test_a_path_that_leads_nowhere_is_refused(name):
    with pytest.raises(DataError, match="no such file"):
        resolve_study(name)


def test_a_folder_without_a_study_file_is_refused(tmp_path: Path):
    with pytest.raises(DataError, match=r"holds no study\.toml"):
        resolve_study(tmp_path)


def test_a_wheel_holds_the_studies_inside_the_package(tmp_path: Path, monkeypatch):
    package = tmp_path / "site-packages" / "sojourn"
    study = package / "studies" / "NCT00000001" / "study.toml"
    study.parent.mkdir(parents=True)
    study.write_text("", encoding="utf-8")
    monkeypatch.setattr(bundled.resources, "files", lambda _: package)
    assert bundled_studies() == {"NCT00000001": study}
