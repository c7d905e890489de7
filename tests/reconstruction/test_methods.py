import pytest

from sojourn.core.methods import Method
from sojourn.core.registry import Registry
from sojourn.testing import check_reconstruction

methods: Registry[type[Method]] = Registry("sojourn.reconstruction", "METHOD")


@pytest.mark.parametrize("name", methods.names())
def test_every_method_keeps_its_promises(name):
    check_reconstruction(methods.get(name)(background="own_mean"))
