"""Batches fetched while the one before is worked on."""

import contextlib
import queue
import threading
from collections.abc import Generator, Iterator
from typing import TypeVar

_T = TypeVar("_T")


def ahead(items: Iterator[_T], most: int = 2) -> Iterator[_T]:
    """Yield ``items``, up to ``most`` of them fetched beforehand by another thread.

    What the fetching raises is raised here. Whoever stops early leaves nothing running.
    """
    ready: queue.Queue[tuple[_T | None, BaseException | None]] = queue.Queue(most)
    stopped = threading.Event()

    def put(item: _T | None, error: BaseException | None = None) -> None:
        while not stopped.is_set():
            with contextlib.suppress(queue.Full):
                ready.put((item, error), timeout=0.1)
                return

    def fetch() -> None:
        try:
            for item in items:
                if stopped.is_set():
                    return
                put(item)
            put(None)
        except BaseException as error:  # noqa: BLE001 - raised again where the items are wanted
            put(None, error)
        finally:
            if isinstance(items, Generator):
                items.close()

    worker = threading.Thread(target=fetch, daemon=True)
    worker.start()
    try:
        while True:
            item, error = ready.get()
            if error is not None:
                raise error
            if item is None:
                return
            yield item
    finally:
        stopped.set()
        worker.join()
