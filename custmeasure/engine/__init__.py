"""The only room that runs queries: DuckDB by default."""

from custmeasure.engine.extent import extent, n_rows
from custmeasure.engine.filters import Filter, Filters
from custmeasure.engine.table import (
    SUFFIXES,
    AnyTable,
    MissingTable,
    Readable,
    Table,
    as_table,
    file_table,
    query,
    stream,
)

__all__ = [
    "SUFFIXES",
    "AnyTable",
    "Filter",
    "Filters",
    "MissingTable",
    "Readable",
    "Table",
    "as_table",
    "extent",
    "file_table",
    "n_rows",
    "query",
    "stream",
]
