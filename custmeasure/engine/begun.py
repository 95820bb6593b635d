"""What is begun now and waited for later, so that something else is done meanwhile."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

_T = TypeVar("_T")


@contextmanager
def begun(answer: Callable[[], _T]) -> Iterator["Future[_T]"]:
    """Begin ``answer`` in another thread and give its future; leaving waits for it in any case."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(answer)
