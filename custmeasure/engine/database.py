"""Tables of a database: PostgreSQL, SQLite and DuckDB files and other ADBC drivers, read only.

Rows arrive as Arrow batches and are read as their declared kinds one batch at a time. Only the columns
and the days that are needed are asked for. What one run reads it reads in one snapshot, so that two
tables never disagree; and the database itself says how many rows there are, so that fewer never pass
for all. A row that does not read as declared is left out, counted and named::

    shop_db = open_database("shop_db", {"uri_env": "SHOP_DB_URL"}, os.environ)
    with snapshot(shop_db) as shared:
        orders = database_table(shared, "shop.orders", {"order_id": "id"}, {}, required=["order_id"])
        items = database_table(shared, "SELECT * FROM items WHERE NOT test", {}, {})
"""

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

import adbc_driver_manager
import pyarrow as pa
from adbc_driver_manager.dbapi import Connection, Cursor

from custmeasure.engine.declared import is_readable
from custmeasure.engine.drivers import run
from custmeasure.engine.extract import Extract, Part, Refused, Wanted, condition, sort_out, together
from custmeasure.engine.source import DatabaseSource, open_database, parquet_files
from custmeasure.engine.statement import is_relation, quoted, relation_parts, rows_of, select
from custmeasure.errors import (
    CustmeasureError,
    DataError,
    EnvironmentProblem,
    UnknownName,
    UsageError,
    check_choice,
    listed,
)
from custmeasure.show.words import Text

__all__ = [
    "DatabaseSource", "Extract", "Refused", "Snapshot",
    "database_table", "open_database", "parquet_files", "snapshot",
]  # fmt: skip

_BATCH = 65_536  # rows that are read as declared at a time, at least
_SYSTEM = ("pg_catalog", "information_schema", "pg_toast")
_DEFAULT = ("public", "main", "")
_Answer = TypeVar("_Answer")


def database_table(
    source: "DatabaseSource | Snapshot",
    relation_or_query: str,
    columns: Mapping[str, str],
    kinds: Mapping[str, str],
    *,
    required: Collection[str] = (),
    key: str | None = None,
    at: str | None = None,
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
    timezone: str = "UTC",
) -> Extract:
    """Return the rows of a table or of a query that reads.

    Parameters
    ----------
    source
        A database, or a `snapshot` of one that several tables share.
    relation_or_query
        ``orders``, ``shop.orders``, or one SELECT, WITH, TABLE or VALUES.
    columns
        The contract's name → the name in the database; every column under its own name when empty.
    kinds
        The contract's name → its kind; text where none is given.
    required
        The columns that a row must have.
    key
        The column that names a row in `Extract.refused`.
    at, since, until
        The column whose instants (or days) must lie from ``since`` to ``until``, both inclusive and with
        a time zone. A row without one is not outside.
    timezone
        Where instants without a zone were written, and whose days count.

    Raises
    ------
    EnvironmentProblem
        When the database is not reached, refuses the login, takes too long, waits too long for a lock, has
        a role that is too strong, or stops before the last row.
    UsageError
        When the query is not one statement that reads, or a name does not exist.
    DataError
        When a column is of a type that has no text, or the database cannot finish a calculation.
    """
    _check_period(at, since, until, kinds)
    wanted = Wanted(
        relation_or_query, columns, kinds, frozenset(required), key, at, since, until, timezone
    )
    if isinstance(source, Snapshot):
        return source.extract(wanted)
    with snapshot(source) as shared:
        return shared.extract(wanted)


@contextmanager
def snapshot(source: DatabaseSource) -> Iterator["Snapshot"]:
    """Open one read-only transaction, in which every table is seen as at the same instant."""
    driver, limits = source.driver, source.limits
    connection = _ask(source, "", lambda: driver.connect(source.address, limits))
    try:
        cursor = connection.cursor()
        notes = _ask(source, "", lambda: driver.begin(cursor, limits, source.where))
        yield Snapshot(source, connection, cursor, notes)
    finally:
        driver.end(connection)


class Snapshot:
    """One read-only transaction, made by `snapshot`; `notes` says what the reader must know of it."""

    def __init__(
        self,
        source: DatabaseSource,
        connection: Connection,
        cursor: Cursor,
        notes: tuple[Text, ...],
    ) -> None:
        self.source = source
        self.notes = notes
        self._connection = connection
        self._cursor = cursor
        self._failed = False

    def __repr__(self) -> str:
        return f"Snapshot of {self.source!r}"

    def columns(self, relation_or_query: str) -> dict[str, str]:
        """Return the columns of a table or query, and their types in the database's words."""
        schema = self._schema(relation_or_query)
        return {column.name: _type_name(column) for column in schema}

    def extract(self, wanted: Wanted) -> Extract:
        """Return what `database_table` describes."""
        schema = self._schema(wanted.what)
        wanted, left_out = self._mapped(wanted, schema)
        inside = condition(wanted, schema)
        n_in_source, n_asked = self._counts(wanted.what, inside)
        columns = [
            " ".join([self._expression(schema.field(old), wanted.kind(new)), "AS", quoted(new)])
            for new, old in wanted.columns.items()
        ]
        where = " ".join(["WHERE", inside]) if inside else ""
        parts = self._parts(wanted, select(columns, rows_of(wanted.what), where))
        n_received = sum(part.n_received for part in parts)
        if n_received != n_asked:
            raise _short(self._place(wanted.what), n_received, n_asked)
        return together(wanted, parts, n_in_source, (*self.notes, *left_out))

    def _schema(self, what: str) -> pa.Schema:
        statement = select(["*"], rows_of(what), "LIMIT 0")
        try:
            schema = self._ask(what, lambda: _described(self._cursor, statement))
        except (UsageError, DataError) as problem:
            raise self._unknown(what) or problem from None
        twice = sorted({name for name in schema.names if schema.names.count(name) > 1})
        if twice:
            raise DataError(
                ko=f"{self._place(what)}: 열 이름이 두 번 나옵니다: {listed(twice)}. "
                "query에서 이름을 바꾸십시오.",
                en=f"{self._place(what)}: column names occur twice: {listed(twice)}. "
                "Rename one of them in the query.",
            )
        return schema

    def _mapped(self, wanted: Wanted, schema: pa.Schema) -> tuple[Wanted, tuple[Text, ...]]:
        """Return ``wanted`` with every column named, and a note of those that have no text."""
        unreadable = [column for column in schema if not is_readable(column.type)]
        names = [column.name for column in unreadable]
        for old in wanted.columns.values():
            if old not in schema.names:
                raise UnknownName("column", old, schema.names, self._place(wanted.what))
            if old in names:
                raise _no_text(self._place(wanted.what), schema.field(old))
        every = {name: name for name in schema.names if name not in names}
        mapped = replace(wanted, columns=dict(wanted.columns) or every)
        if mapped.at is not None:
            check_choice("column", mapped.at, list(mapped.columns))
        return mapped, (_left_out(unreadable),) if unreadable and not wanted.columns else ()

    def _counts(self, what: str, inside: str) -> tuple[int, int]:
        """Return how many rows there are, and how many of them are asked for."""
        chosen = " ".join(["count(*) FILTER (WHERE", inside, ")"]) if inside else "count(*)"
        statement = select(["count(*) AS n_all", " ".join([chosen, "AS n_asked"])], rows_of(what))
        n_all, n_asked = self._ask(what, lambda: run(self._cursor, statement))[0]
        return int(n_all), int(n_asked)

    def _expression(self, column: pa.Field, kind: str) -> str:
        return self.source.driver.expression(column, kind)

    def _parts(self, wanted: Wanted, statement: str) -> list[Part]:
        parts: list[Part] = []
        n_before = 0
        for batch in _large(self._batches(wanted.what, statement)):
            parts.append(sort_out(wanted, batch, n_before))
            n_before += batch.num_rows
        return parts

    def _batches(self, what: str, statement: str) -> Iterator[pa.RecordBatch]:
        """Yield the rows as they arrive; an error of the server in the middle is one here."""
        reader = self._ask(what, lambda: _reader(self._cursor, statement))
        while (batch := self._ask(what, lambda: next(reader, None))) is not None:
            yield batch

    def _unknown(self, what: str) -> UnknownName | None:
        """Return that a table does not exist, with the nearest that does; None when that is not it."""
        if not is_relation(what):
            return None
        run(self._cursor, "ROLLBACK")
        known = _ask(self.source, what, lambda: _relations(self._connection))
        name = ".".join(relation_parts(what))
        return None if name in known else UnknownName("table", name, known, self.source.where)

    def _place(self, what: str) -> str:
        return f"{self.source.where} {what if is_relation(what) else 'query'}"

    def _ask(self, what: str, question: Callable[[], _Answer]) -> _Answer:
        """Return the answer; after a failure there is no snapshot any more, and nothing else is asked."""
        if self._failed:
            raise _over(self.source.where)
        self._failed = True
        answer = _ask(self.source, what, question)
        self._failed = False
        return answer


def _ask(source: DatabaseSource, what: str, question: Callable[[], _Answer]) -> _Answer:
    """Return the driver's answer; its error is left behind here, with the address and values in it."""
    place = what if is_relation(what) else "query" if what else ""
    where = " ".join(filter(None, [source.where, place]))
    problem: CustmeasureError
    try:
        return question()
    except (adbc_driver_manager.Error, pa.ArrowException) as error:
        problem = source.driver.problem(error, where, source.limits)
    raise problem  # outside the handler, so that nothing refers to the driver's error any more


def _described(cursor: Cursor, statement: str) -> pa.Schema:
    cursor.execute(statement)
    return cursor.fetch_arrow_table().schema


def _reader(cursor: Cursor, statement: str) -> Iterator[pa.RecordBatch]:
    cursor.execute(statement)
    # The cursor's public reader turns the server's errors into plain OSError without their code.
    return iter(cursor._results.reader)  # type: ignore[union-attr]


def _large(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield small batches joined, so that each costs little."""
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(part.num_rows for part in held) >= _BATCH:
            yield pa.concat_batches(held)
            held = []
    if held:
        yield pa.concat_batches(held)


def _relations(connection: Connection) -> list[str]:
    """Return the tables and views, those of the default schema without it."""
    catalogs = connection.adbc_get_objects(depth="tables").read_all().to_pylist()
    found = [
        (schema["db_schema_name"] or "", table["table_name"])
        for catalog in catalogs
        for schema in catalog["catalog_db_schemas"] or ()
        for table in schema["db_schema_tables"] or ()
    ]
    return [
        name
        for schema, table in found
        if not schema.startswith(_SYSTEM)
        for name in ([table] if schema in _DEFAULT else [f"{schema}.{table}"])
    ]


def _check_period(
    at: str | None,
    since: dt.datetime | None,
    until: dt.datetime | None,
    kinds: Mapping[str, str],
) -> None:
    bounds = [bound for bound in (since, until) if bound is not None]
    if any(bound.tzinfo is None for bound in bounds):
        raise UsageError(
            ko="since와 until에는 시간대가 있어야 합니다.",
            en="since and until must have a time zone.",
        )
    if bounds and kinds.get(at or "") not in ("instant", "day"):
        raise UsageError(
            ko="since와 until에는 시각이나 날짜 열의 이름(at)이 필요합니다.",
            en="since and until need the name of a column of instants or days (at).",
        )


def _type_name(column: pa.Field) -> str:
    name = (column.metadata or {}).get(b"POSTGRESQL:type")
    return name.decode() if name else str(column.type)


def _no_text(place: str, column: pa.Field) -> DataError:
    kind = _type_name(column)
    return DataError(
        ko=f"{place}: 열 '{column.name}'의 형({kind})은 읽을 수 없습니다. 그 열을 빼거나, "
        "글자로 바꾸는 query를 적으십시오.",
        en=f"{place}: column '{column.name}' is of type {kind}, which cannot be read. Leave it out, "
        "or write a query that turns it into text.",
    )


def _left_out(columns: list[pa.Field]) -> Text:
    names = listed([f"{column.name} ({_type_name(column)})" for column in columns])
    return Text(
        f"읽을 수 없는 형이라 뺀 열: {names}.", f"Columns left out, of types without text: {names}."
    )


def _over(where: str) -> EnvironmentProblem:
    return EnvironmentProblem(
        ko=f"{where}: 앞의 읽기가 실패해 이 연결은 끝났습니다. 새 snapshot을 여십시오.",
        en=f"{where}: an earlier read failed, which ended this snapshot. Open a new one.",
    )


def _short(place: str, n_received: int, n_asked: int) -> EnvironmentProblem:
    return EnvironmentProblem(
        ko=f"{place}: 데이터베이스가 센 행은 {n_asked:,}개인데 {n_received:,}개가 왔습니다. "
        "아무것도 쓰지 않았습니다. 다시 하고, 또 그러면 query가 매번 다른 행을 주는지 보십시오.",
        en=f"{place}: the database counts {n_asked:,} rows but {n_received:,} arrived. Nothing is used. "
        "Try again; if it stays so, check whether the query gives other rows each time.",
    )
