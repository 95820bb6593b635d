"""A DuckDB that reaches some files and nothing else: one for each query, and the last is kept.

Starting DuckDB takes as long as reading a million rows, and the first query in a fresh one is slow. So the
database of a query that ended well waits for the next one over the same files. It is shut in before its first
query, and what a query creates is rolled back: between two there is nothing in it.
"""

import atexit
import contextlib
import os
import secrets
import tempfile
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb

from custmeasure.engine.lockdown import lock_down

MEMORY = "4GB"  # of one query; what needs more goes to disk
# Bytes of files. DuckDB keeps some 200 MB of what it used, and where more is read, starting hardly counts.
_WORTH_KEEPING = 256 << 20
_KEPT_BLOCK = 3 << 20  # bytes: more than a column of a batch has

# What a shop keeps of an order, said once: every query that adds up money calls it.
NET_AMOUNT = """
    CREATE MACRO net_amount(amount, discount, refund) AS
        coalesce(amount, 0) - coalesce(discount, 0) - coalesce(refund, 0)"""

_Files = frozenset[str]
_kept: list[tuple[_Files, duckdb.DuckDBPyConnection]] = []
_lock = threading.Lock()


@contextlib.contextmanager
def connected(files: Iterable[Path], *, rows: bool = True) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a connection that reads ``files`` and frames alone, and that nobody else has meanwhile.

    It is closed after an error and where there was much to read; else it is kept instead of the one before.
    Without ``rows`` only what the files say of themselves is read, which never is much.
    """
    wanted = frozenset(map(str, files))
    connection = _taken(wanted) or _connect(wanted)
    try:
        connection.begin()
        yield connection
        connection.rollback()
    except BaseException:
        connection.close()
        raise
    if not rows or _size(wanted) <= _WORTH_KEEPING:
        _swap((wanted, connection))
    else:
        connection.close()


def close() -> None:
    """Close the connection that is kept; the next query opens one."""
    _swap(None)


def _connect(files: _Files) -> duckdb.DuckDBPyConnection:
    _keep_freed_blocks()
    connection = duckdb.connect()
    # The time zone is set after connecting: as a start-up option DuckDB looks for it before ICU is there.
    connection.execute("SET TimeZone = 'UTC'")
    # What it may write, it may read: a folder of its own, which DuckDB makes and removes when it needs one.
    spill = f"custmeasure-spill-{secrets.token_hex(8)}"
    connection.execute("SET temp_directory = $1", [str(Path(tempfile.gettempdir(), spill))])
    connection.execute("SET streaming_buffer_size = '32MB'")  # so that all cores have work
    # It would be printed into reports. Where a notebook cannot draw one, it cannot be switched off either.
    with contextlib.suppress(duckdb.InvalidInputException):
        connection.execute("SET enable_progress_bar = false")
    connection.execute(NET_AMOUNT)
    lock_down(connection, sorted(files), memory=MEMORY)
    return connection


def _keep_freed_blocks() -> None:
    """Let the C library hold on to blocks of a few MB that are freed, for they are asked for again soon.

    glibc gives a large block back to the system when it is freed and asks for the next one anew, page by
    page: a tenth and more of a first query over 100 million rows. One block of some size that is freed makes
    it keep all that are smaller, and twice as much at the end of its heap (``M_MMAP_THRESHOLD`` in its
    manual). The block is not written to, so it takes no memory; elsewhere this does nothing.
    """
    bytes(_KEPT_BLOCK)


def _size(files: _Files) -> int:
    """Return how many bytes files have together; one that is gone has none."""
    return sum(Path(file).stat().st_size for file in files if Path(file).is_file())


def _taken(files: _Files) -> duckdb.DuckDBPyConnection | None:
    """Return the kept connection if it reaches just these files; it is kept no longer."""
    with _lock:
        return _kept.pop()[1] if _kept and _kept[0][0] == files else None


def _swap(kept: tuple[_Files, duckdb.DuckDBPyConnection] | None) -> None:
    """Keep this connection instead of the one that is kept, which is closed."""
    with _lock:
        before = _kept[:]
        _kept[:] = [kept] if kept else []
    for _, connection in before:
        connection.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=close)  # a fork takes no threads along, and DuckDB's would be missed
atexit.register(close)  # while everything that it may call is still there
