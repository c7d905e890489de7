import pytest

from sojourn.core.files import write_atomically, write_text


def test_text_is_utf8_with_plain_newlines(tmp_path):
    write_text(tmp_path / "a.txt", "µg\n")
    assert (tmp_path / "a.txt").read_bytes() == b"\xc2\xb5g\n"


def test_a_failing_writer_leaves_the_old_content_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail(part):
        part.write_text("half")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_atomically(path, fail)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_an_error_names_the_file_that_was_asked_for(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        write_text(tmp_path / "absent" / "results.json", "{}")
    assert caught.value.filename == str(tmp_path / "absent" / "results.json")
