import doctest
import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "physics-fields.md"


def test_every_figure_of_the_page_comes_from_the_line_above_it():
    text = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    examples = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, PAGE.name, None, 0)
    assert len(examples.examples) > 20
    report: list[str] = []
    found = doctest.DocTestRunner().run(examples, out=report.append)
    assert found.failed == 0, "".join(report)
