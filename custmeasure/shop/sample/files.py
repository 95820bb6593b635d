"""The Parquet files: one writer a table, with the columns and types of the contract."""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from custmeasure.shop.contract import TABLES

Columns = Mapping[str, pa.Array | NDArray[Any]]

_TYPES = {
    "text": pa.string(),
    "instant": pa.timestamp("us", tz="UTC"),
    "day": pa.date32(),
    "number": pa.float64(),
    "count": pa.int64(),
    "flag": pa.bool_(),
}


def schema(table: str) -> pa.Schema:
    """Return the Arrow schema of a contract table; required columns hold no null."""
    fields = [pa.field(c.name, _TYPES[c.kind], nullable=not c.required) for c in TABLES[table]]
    return pa.schema(fields)


def named(names: tuple[str | None, ...], code: NDArray[Any]) -> pa.Array:
    """Return the name of each code; a code below 0 has none."""
    at = pa.array(np.asarray(code, np.int64), mask=np.asarray(code) < 0)
    return pa.array(names, pa.string()).take(at)


def only(values: pa.Array, known: NDArray[np.bool_]) -> pa.Array:
    """Return the values, null where they are not known."""
    return pc.if_else(pa.array(known), values, pa.scalar(None, values.type))


class Files:
    """The files of all contract tables in one folder; rows are appended block by block."""

    def __init__(self, folder: Path) -> None:
        self.n_rows = dict.fromkeys(TABLES, 0)
        self._writers = {
            name: pq.ParquetWriter(folder / f"{name}.parquet", schema(name), compression="zstd",
                                   compression_level=9)
            for name in TABLES
        }  # fmt: skip

    def add(self, table: str, columns: Columns) -> None:
        """Append rows to ``table``: every column of the contract, in any order."""
        wanted = schema(table)
        arrays = [pa.array(columns[name], from_pandas=True) for name in wanted.names]
        rows = pa.Table.from_arrays(
            [array.cast(kind) for array, kind in zip(arrays, wanted.types, strict=True)],
            schema=wanted,
        )
        self.n_rows[table] += rows.num_rows
        if rows.num_rows:
            self._writers[table].write_table(rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for writer in self._writers.values():
            writer.close()
