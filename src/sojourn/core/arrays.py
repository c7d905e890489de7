"""Arrays that cannot change under a value that holds them."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

S = TypeVar("S", bound=np.generic)


def frozen(values: NDArray[S]) -> NDArray[S]:
    """Return a read-only copy; the caller's array stays the caller's."""
    copy = np.array(values)
    copy.flags.writeable = False
    return copy
