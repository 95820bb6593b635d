"""The only room that runs queries: DuckDB by default, Spark for rows that lie there.

Names are loaded when they are first used: settings and readers of files need no query.
"""

from typing import TYPE_CHECKING

from custmeasure import lazy

if TYPE_CHECKING:
    from custmeasure.engine.extents import extent, n_rows
    from custmeasure.engine.filters import Filter, Filters
    from custmeasure.engine.spark import spark_table
    from custmeasure.engine.table import (
        SUFFIXES,
        AnyTable,
        MissingTable,
        Readable,
        Table,
        as_table,
        file_table,
        in_parts,
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
    "in_parts",
    "n_rows",
    "query",
    "spark_table",
    "stream",
]

__getattr__, __dir__ = lazy.attach(
    __name__,
    {
        "custmeasure.engine.extents": ("extent", "n_rows"),
        "custmeasure.engine.filters": ("Filter", "Filters"),
        "custmeasure.engine.spark": ("spark_table",),
        "custmeasure.engine.table": (
            "SUFFIXES",
            "AnyTable",
            "MissingTable",
            "Readable",
            "Table",
            "as_table",
            "file_table",
            "in_parts",
            "query",
            "stream",
        ),
    },
)
