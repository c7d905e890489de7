import pytest

from sojourn.core.errors import DataError
from sojourn.core.provenance import Provenance, digest
from sojourn.study.ledger import Ledger, file_names


def test_a_file_is_known_by_its_sha_256(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"content")
    ledger = Ledger(tmp_path)
    key = ledger.file("a.csv")
    assert key == digest(b"content")
    assert (ledger.steps[key].kind, ledger.steps[key].label) == ("file", "a.csv")


def test_files_of_equal_content_are_all_named_whatever_their_order(tmp_path):
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_bytes(b"same")
    here, there = Ledger(tmp_path), Ledger(tmp_path)
    key = here.file("b.json")
    there.file("a.json")
    here.merge(there.steps)
    there.merge(here.steps)
    assert file_names(here.steps[key]) == file_names(there.steps[key]) == ["a.json", "b.json"]


def test_a_stage_needs_inputs_that_were_noted(tmp_path):
    with pytest.raises(LookupError, match="never noted"):
        Ledger(tmp_path).stage(Provenance("sum", ("0" * 64,)))


@pytest.mark.parametrize("name", ["../outside.csv", "absent.csv"])
def test_what_lies_outside_or_is_absent_is_refused(tmp_path, name):
    (tmp_path.parent / "outside.csv").write_text("")
    with pytest.raises(DataError, match=name.replace("../", "")):
        Ledger(tmp_path).file(name)
