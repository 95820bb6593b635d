"""DuckDB shut in: it reads what it was given and reaches nothing else.

No other file, no network, no extension that is not built in, no variable of the program, bounded memory;
and no query can switch any of this back on.
"""

from collections.abc import Sequence
from pathlib import Path

import duckdb

SHUT = (
    "SET enable_external_access = false",
    "SET allow_community_extensions = false",
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET lock_configuration = true",
)


def lock_down(
    connection: duckdb.DuckDBPyConnection,
    files: Sequence[str | Path] = (),
    *,
    memory: str | None = None,
    threads: int | None = None,
) -> None:
    """Close everything that ``connection`` does not need any more, for good.

    Parameters
    ----------
    connection
        A connection whose views are in place.
    files
        The files that those views still read when they are asked.
    memory
        The most it may use, such as ``"4GB"``; DuckDB's own default (80 % of the machine) when not given.
    threads
        How many threads it may use; one a core when not given.
    """
    if memory is not None:
        connection.execute("SET memory_limit = $1", [memory])
    if threads is not None:
        connection.execute("SET threads = $1", [threads])
    connection.execute("SET allowed_paths = $1", [[str(file) for file in files]])
    connection.execute("SET python_enable_replacements = false")
    for statement in SHUT:
        connection.execute(statement)
