import subprocess
import sys

import pytest

import sojourn


@pytest.mark.parametrize("name", sojourn.__all__)
def test_every_public_name_loads_and_is_documented(name):
    assert getattr(sojourn, name) is not None
    assert name in dir(sojourn)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'measure_irony'"):
        _ = sojourn.measure_irony


def test_importing_the_package_loads_nothing_heavy():
    probe = "import sys, sojourn; print('numpy' in sys.modules, 'polars' in sys.modules)"
    made = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert made.stdout.split() == ["False", "False"]
