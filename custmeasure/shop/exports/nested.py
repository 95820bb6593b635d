"""Columns inside columns, as in the Parquet files of Google Analytics: ``device.category``.

A path names fields of records one after another. In a repeated record of ``key`` and ``value`` (such as
``event_params``) the next word of the path is the key: ``event_params.page_location``.
"""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

# Where a value of unknown type lies in the export of Google Analytics.
_VALUES = ("string_value", "int_value", "double_value", "float_value")


def flat(table: pa.Table, paths: Iterable[str]) -> pa.Table:
    """Return the columns that ``paths`` name, each under its path; what is not there is left out."""
    found = {path: leaf(table, path) for path in paths}
    return pa.table({path: column for path, column in found.items() if column is not None})


def leaf(table: pa.Table, path: str) -> pa.ChunkedArray | None:
    """Return the column or the field within columns that ``path`` names, or None."""
    if path in table.column_names:
        return table[path]
    first, *rest = path.split(".")
    if first not in table.column_names:
        return None
    column = table[first]
    kind = _leaf_type(column.type, rest)
    if kind is None:
        return None
    return pa.chunked_array([_walk(chunk, rest) for chunk in column.chunks], kind)


def _leaf_type(kind: pa.DataType, rest: list[str]) -> pa.DataType | None:
    """Return the type at the end of a path, or None when the path does not exist or ends in a record."""
    for word in rest:
        if _is_keyed(kind):
            kind = pa.string()
        elif pa.types.is_struct(kind) and kind.get_field_index(word) >= 0:
            kind = kind.field(word).type
        else:
            return None
    return None if pa.types.is_nested(kind) else kind


def _is_keyed(kind: pa.DataType) -> bool:
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind)):
        return False
    inner = kind.value_type
    return pa.types.is_struct(inner) and {"key", "value"} <= {field.name for field in inner}


def _walk(array: pa.Array, rest: list[str]) -> pa.Array:
    for word in rest:
        array = _of_key(array, word) if _is_keyed(array.type) else pc.struct_field(array, word)
    return array


def _of_key(array: pa.Array, key: str) -> pa.Array:
    """Return, for each list of keys and values, the first value of ``key`` as text."""
    pairs = array.flatten()
    hits = np.flatnonzero(pc.fill_null(pc.equal(pc.struct_field(pairs, "key"), key), False))
    owner = pc.list_parent_indices(array).to_numpy()[hits]
    where = np.full(len(array), -1)
    where[owner[::-1]] = hits[::-1]  # written backwards, so that the first one stays
    value = _as_text(pc.struct_field(pairs, "value"))
    return value.take(pa.array(where, mask=where < 0))


def _as_text(value: pa.Array) -> pa.Array:
    if not pa.types.is_struct(value.type):
        return value.cast(pa.string())
    named = [name for name in _VALUES if value.type.get_field_index(name) >= 0]
    parts = [pc.struct_field(value, name).cast(pa.string()) for name in named]
    return pc.coalesce(*parts) if parts else pa.nulls(len(value), pa.string())
