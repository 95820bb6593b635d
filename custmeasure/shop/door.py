"""Personal data at the door: contact columns do not enter, ids made of contact data become pseudonyms.

A column is kept out by its name, or by its values when they are phones, e-mails or numbers of persons.
The ids that join tables keep joining: the same phone gets the same pseudonym in every table.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from custmeasure.engine import Table
from custmeasure.shop import privacy
from custmeasure.shop.contract import TABLES
from custmeasure.shop.delivered import Delivered
from custmeasure.show.words import Text

Key = Callable[[], bytes]

_PERSONS = ("customer_id", "visitor_id", "unit_id", "referrer_id", "referred_id", "agent")
_LOOKED_AT = 10_000  # values that are looked at in a Parquet file

BY_NAME = Text("이름이 연락처입니다", "its name is that of contact data")
BY_VALUE = Text("값이 연락처입니다", "its values are contact data")


def own_key(folder: Path) -> Key:
    """Return what gives this user's key, which may not lie in the shop's ``folder``."""
    return lambda: privacy.pseudonym_key(os.environ, Path.home(), folder)


def at_the_door(found: Delivered, key: Key) -> Delivered:
    """Return the table without contact data.

    Parameters
    ----------
    found
        A table as it was read.
    key
        Gives the key of the pseudonyms; asked only when one is needed.
    """
    contract = {column.name for column in TABLES[found.table.name]}
    further = [name for name in found.table.columns if name not in contract]
    named = privacy.contact_columns(further)
    dropped = dict.fromkeys(sorted(named), BY_NAME)
    texts = [name for name in found.table.columns if name not in named]
    contact = [name for name in texts if privacy.looks_like_contact(_values(found.table, name))]
    dropped |= {name: BY_VALUE for name in contact if name not in contract}
    persons = [name for name in contact if name in _PERSONS]
    table = _without(found.table, dropped)
    if persons:
        table = _renamed(table, persons, key())
    return replace(
        found,
        table=table,
        dropped={**found.dropped, **dropped},
        pseudonyms=(*found.pseudonyms, *persons),
    )


def _values(table: Table, name: str) -> pa.ChunkedArray:
    """Return the texts of a column; of a Parquet file the first ones."""
    if isinstance(table.source, pa.Table):
        column = table.source[name]
        return column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column
    delivered = dict(table.delivered).get(name, name)
    paths = table.source if isinstance(table.source, tuple) else ()
    parts = [_first_values(path, delivered) for path in paths]
    return pa.chunked_array(parts) if parts else pa.chunked_array([[]], pa.string())


def _first_values(path: Path, column: str) -> pa.Array:
    file = pq.ParquetFile(path)
    if not pa.types.is_string(file.schema_arrow.field(column).type):
        return pa.array([], pa.string())
    first = next(iter(file.iter_batches(batch_size=_LOOKED_AT, columns=[column])), None)
    return pa.array([], pa.string()) if first is None else first.column(0)


def _without(table: Table, dropped: Mapping[str, object]) -> Table:
    if not dropped:
        return table
    source = table.source
    if isinstance(source, pa.Table):
        source = source.drop_columns([name for name in dropped if name in source.column_names])
    kept = tuple(name for name in table.columns if name not in dropped)
    return replace(table, source=source, columns=kept)


def _renamed(table: Table, persons: list[str], key: bytes) -> Table:
    """Return the table, in memory, with the values of ``persons`` replaced by their pseudonyms."""
    rows = _in_memory(table)
    for name in persons:
        place = rows.column_names.index(name)
        rows = rows.set_column(place, name, privacy.pseudonyms(rows[name].cast(pa.string()), key))
    return replace(table, source=rows, delivered=())


def _in_memory(table: Table) -> pa.Table:
    if isinstance(table.source, pa.Table):
        return table.source
    names = dict(table.delivered)
    paths = table.source if isinstance(table.source, tuple) else ()
    wanted = [names.get(name, name) for name in table.columns]
    parts = [pq.read_table(path, columns=wanted).select(wanted) for path in paths]
    return pa.concat_tables(parts, promote_options="permissive").rename_columns(list(table.columns))
