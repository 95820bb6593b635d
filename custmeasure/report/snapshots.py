"""One snapshot of every database for a whole run: its kernels all read the same instant."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from custmeasure.engine.database import open_database, snapshot
from custmeasure.engine.source import snapshot_variable
from custmeasure.report.order import Order


@contextmanager
def shared_snapshots(order: Order) -> Iterator[None]:
    """Hold a snapshot of each database open, and name it in the environment that kernels get.

    Raises
    ------
    EnvironmentProblem
        When a database is not reached, before any kernel starts.
    """
    with ExitStack() as stack:
        for name, section in order.settings.sources.items():
            source = open_database(name, section, os.environ, folder=order.folder)
            shared = stack.enter_context(snapshot(source)).share()
            if shared is not None:
                stack.enter_context(_told(snapshot_variable(name), shared))
        yield


@contextmanager
def _told(variable: str, value: str) -> Iterator[None]:
    os.environ[variable] = value
    try:
        yield
    finally:
        del os.environ[variable]
