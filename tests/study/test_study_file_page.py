import re
import tomllib
from pathlib import Path

import pytest

from sojourn.study import definition
from sojourn.study._definition_errors import keys_of

PAGE = (Path(__file__).parents[2] / "docs" / "study-file.md").read_text(encoding="utf-8")
MODELS = [
    definition.Study,
    definition.Entry,
    definition.Design,
    definition.DayZero,
    definition.Arm,
    definition.Visit,
    definition.StudyEndpoint,
    definition.StudyAnalysis,
    definition.IntercurrentEvent,
    definition.Population,
    definition.Estimand,
    definition.Multiplicity,
    definition.Imaging,
    definition.StudyCriterion,
    definition.CriterionRule,
    definition.Sharing,
    definition.Open,
    definition.Answer,
]


@pytest.mark.parametrize("model", MODELS)
def test_the_page_names_every_key_and_table(model):
    named = set(re.findall(r"`\[*([a-z_]+)\]*`", PAGE))
    assert [key for key in keys_of(model) if key not in named] == []


def test_the_examples_are_toml():
    for example in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL):
        tomllib.loads(example)
