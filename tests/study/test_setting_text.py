import pytest

from sojourn.core.errors import DataError
from sojourn.study._setting_text import parse_settings


def test_values_are_typed_as_in_a_study_file():
    made = parse_settings(["level=0.9", "at=[1, 2]", "interval=wilson", 'word="1"'])
    assert made == {"level": 0.9, "at": [1, 2], "interval": "wilson", "word": "1"}


@pytest.mark.parametrize("text", ["level", "=0.9", ""])
def test_a_setting_without_key_or_sign_is_refused(text):
    with pytest.raises(DataError, match="expected KEY=VALUE"):
        parse_settings([text])


def test_a_setting_given_twice_is_refused():
    with pytest.raises(DataError, match="level is given twice"):
        parse_settings(["level=0.9", "level=0.95"])
