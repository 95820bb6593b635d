"""How much there is in a table and when it happened, from what its file already says.

Parquet keeps the number of rows and, for each block, the smallest and largest value of a column. Where
that says enough nothing is scanned.
"""

import datetime as dt
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from custmeasure.engine.table import Table, query

_EXTENT = "SELECT min(moment) AS first, max(moment) AS last FROM rows"

Extent = tuple[dt.datetime | None, dt.datetime | None]


def n_rows(table: Table) -> int:
    """Return how many rows a table has."""
    source = table.source
    if isinstance(source, pa.Table):
        return int(source.num_rows)
    if isinstance(source, pd.DataFrame):
        return len(source)
    if isinstance(source, tuple) and all(path.suffix.lower() == ".parquet" for path in source):
        return sum(pq.read_metadata(path).num_rows for path in source)
    rows = table.pick(value=(table.columns[0], "any"))
    return int(query("SELECT count(*) AS n FROM rows", rows=rows)["n"][0].as_py())


def extent(table: Table, column: str) -> Extent:
    """Return the first and the last instant (UTC) of ``column``; None, None where it has none."""
    known = None if table.kept else _known(table, dict(table.delivered).get(column, column))
    if known is not None:
        return known
    rows = query(_EXTENT, rows=table.pick(moment=(column, "instant"))).to_pylist()[0]
    return rows["first"], rows["last"]


def _known(table: Table, column: str) -> Extent | None:
    """Return the extent that the source says by itself, if it does."""
    source = table.source
    if isinstance(source, tuple):
        return _of_parquet(source, column, table.written_in)
    if isinstance(source, pa.Table) and _dated(source.schema.field(column).type, table.written_in):
        ends = pc.min_max(source[column]).as_py()
        return _in_utc(ends["min"]), _in_utc(ends["max"])
    return None


def _of_parquet(paths: tuple[Path, ...], column: str, written_in: str) -> Extent | None:
    if not all(path.suffix.lower() == ".parquet" for path in paths):
        return None
    ends: list[dt.datetime] = []
    for path in paths:
        schema, metadata = pq.read_schema(path), pq.read_metadata(path)
        if not _dated(schema.field(column).type, written_in):
            return None
        place = schema.get_field_index(column)
        for block in range(metadata.num_row_groups):
            kept = metadata.row_group(block).column(place)
            if (
                kept.path_in_schema != column
                or kept.statistics is None
                or not kept.statistics.has_min_max
            ):
                return None
            ends += [kept.statistics.min, kept.statistics.max]
    return (_in_utc(min(ends)), _in_utc(max(ends))) if ends else (None, None)


def _dated(kind: pa.DataType, written_in: str) -> bool:
    """Whether a column's values are instants as they stand: a clock without a zone is, where it is UTC's."""
    return bool(pa.types.is_timestamp(kind) and (kind.tz or written_in == "UTC"))


def _in_utc(moment: dt.datetime | None) -> dt.datetime | None:
    return moment.replace(tzinfo=dt.UTC) if moment is not None and moment.tzinfo is None else moment
