"""One thread of linear algebra: equal bytes on every machine, and no pools that collide."""

from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits


@contextmanager
def single_threaded() -> Iterator[None]:
    """Hold numpy's and scipy's linear algebra to one thread.

    The order of a sum depends on the number of threads, so that its last digit does too; and
    several processes with a spinning pool each are slower than without.
    """
    with threadpool_limits(limits=1):
        yield
