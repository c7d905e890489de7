"""What a listing must hold together."""

import pytest
from pydantic import ValidationError

from sojourn.core.results import Listing


def listing(keys):
    return Listing(id="l", title="", columns=("A", "B"), rows=((1, 2),), provenance="", keys=keys)


def test_a_row_is_named_by_its_key_columns():
    assert listing(("B", "A")).row_ids() == ["l/2/1"]


def test_a_key_that_is_no_column_is_refused():
    with pytest.raises(ValidationError, match="keys C are no columns"):
        listing(("A", "C"))
