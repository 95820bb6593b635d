"""What is begun now and waited for later, and what is done side by side."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

_T = TypeVar("_T")


@contextmanager
def begun(answer: Callable[[], _T]) -> Iterator["Future[_T]"]:
    """Begin ``answer`` in another thread and give its future; leaving waits for it in any case."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(answer)


def in_threads(work: Callable[..., _T], given: Iterable[tuple[object, ...]]) -> list[_T]:
    """Return what ``work`` makes of each tuple of arguments, as many at a time as there are cores."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda arguments: work(*arguments), given))
