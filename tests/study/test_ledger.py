"""Files of a trial folder: plain files within it, and nothing else, are read."""

import os

import pytest

from sojourn.core.errors import DataError
from sojourn.study.ledger import Ledger


@pytest.fixture
def trial(tmp_path):
    (tmp_path / "trial").mkdir()
    (tmp_path / "secret").write_text("s")
    return tmp_path / "trial"


def test_a_files_key_is_its_sha_256(trial):
    (trial / "a").write_bytes(b"abc")
    ledger = Ledger(trial)
    # FIPS 180-2, example B.1.
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert ledger.file("a") == expected
    assert ledger.steps[expected].label == "a"


def test_a_link_within_the_folder_is_followed(trial):
    (trial / "a").write_bytes(b"abc")
    (trial / "b").symlink_to("a")
    assert Ledger(trial).file("b") == Ledger(trial).file("a")


@pytest.mark.parametrize("name", ["../secret", "x/../../secret", "link"])
def test_what_lies_outside_is_refused(trial, name):
    (trial / "link").symlink_to(trial.parent / "secret")
    with pytest.raises(DataError, match="outside the trial folder"):
        Ledger(trial).file(name)


def test_an_absolute_path_is_refused(trial):
    with pytest.raises(DataError, match="outside the trial folder"):
        Ledger(trial).file(str(trial.parent / "secret"))


def test_a_link_to_itself_is_refused(trial):
    (trial / "loop").symlink_to("loop")
    with pytest.raises(DataError, match="loop: "):
        Ledger(trial).file("loop")


def test_a_folder_is_refused(trial):
    (trial / "folder").mkdir()
    with pytest.raises(DataError, match="folder: is no plain file"):
        Ledger(trial).file("folder")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this platform has no named pipes")
def test_a_pipe_is_refused_and_not_waited_for(trial):
    os.mkfifo(trial / "pipe")
    with pytest.raises(DataError, match="pipe: is no plain file"):
        Ledger(trial).file("pipe")


def test_an_absent_file_is_named(trial):
    with pytest.raises(DataError, match="absent: cannot be read"):
        Ledger(trial).file("absent")
