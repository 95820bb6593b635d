"""A table that can be queried: a shop's table, a pandas frame, an Arrow table or a Parquet or CSV file.

Nothing is read until a query asks, and then only the columns it names. Each query runs in a DuckDB
connection of its own, so two notebooks or two threads never meet. SQL is a constant text over the
names that the query's tables are given; values travel as bound parameters.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self, TypeAlias

import duckdb
import pandas as pd
import pyarrow as pa

from custmeasure.errors import DataError, EnvironmentProblem, UnknownName, UsageError

SQL_TYPES = {
    "text": "VARCHAR",
    "instant": "TIMESTAMPTZ",
    "day": "DATE",
    "number": "DOUBLE",
    "count": "BIGINT",
    "flag": "BOOLEAN",
}

Source: TypeAlias = pa.Table | pd.DataFrame | tuple[Path, ...]


@dataclass(frozen=True)
class MissingTable:
    """A table of the contract that a shop does not have; asking anything of it gives no answer."""

    name: str


@dataclass(frozen=True)
class Table:
    """Rows and the names of their columns, with what is needed to count them.

    Attributes
    ----------
    name
        The table's name in the contract, or ``"frame"``.
    source
        An Arrow table, a pandas frame, or the paths of Parquet or CSV files.
    columns
        The columns' names.
    timezone
        The time zone in which days are counted.
    written_in
        The time zone of instants that were written without one.
    as_of
        The last complete instant, or None when nobody knows it.
    currency
        The currency of its amounts, or None when nobody knows it.
    delivered
        (column, its name in the source) where the two differ.
    picked
        (new name, column, type) of a table reduced by `pick`.
    """

    name: str
    source: Source
    columns: tuple[str, ...]
    timezone: str = "UTC"
    written_in: str = "UTC"
    as_of: dt.datetime | None = None
    currency: str | None = None
    delivered: tuple[tuple[str, str], ...] = ()
    picked: tuple[tuple[str, str, str], ...] = ()

    def pick(self, **columns: tuple[str, str]) -> Self:
        """Return the table reduced to ``new_name=(column, type)``.

        Raises
        ------
        UnknownName
            When a column does not exist, with the nearest one.
        """
        for column, _ in columns.values():
            if column not in self.columns:
                raise UnknownName("column", column, self.columns, where=self.name)
        names = dict(self.delivered)
        picked = tuple(
            (new, names.get(column, column), kind) for new, (column, kind) in columns.items()
        )
        return replace(self, picked=picked)

    def frame(self, *columns: str, limit: int = 1000) -> pd.DataFrame:
        """Return the first ``limit`` rows as a pandas frame, for looking at."""
        wanted = columns or self.columns
        shown = self.pick(**{column: (column, "any") for column in wanted})
        rows = query("SELECT * FROM rows LIMIT $n", {"n": limit}, rows=shown)
        return pd.DataFrame(rows.to_pandas())

    def __repr__(self) -> str:
        return f"Table {self.name}: {', '.join(self.columns)}"


AnyTable: TypeAlias = Table | MissingTable
Readable: TypeAlias = AnyTable | pd.DataFrame | pa.Table | str | Path


def as_table(source: Readable, timezone: str | None = None) -> AnyTable:
    """Return ``source`` as a table.

    Parameters
    ----------
    source
        A table of a shop (kept as it is), a pandas frame, an Arrow table, or the path of a
        Parquet or CSV file.
    timezone
        The time zone in which days are counted; the table's own, or UTC, when not given.

    Raises
    ------
    UsageError
        When ``source`` is none of these.
    """
    if isinstance(source, MissingTable):
        return source
    if isinstance(source, Table):
        return replace(source, timezone=timezone) if timezone else source
    if isinstance(source, str | Path):
        return file_table(Path(source), timezone=timezone or "UTC")
    if isinstance(source, pd.DataFrame):
        return Table("frame", source, tuple(map(str, source.columns)), timezone or "UTC")
    if isinstance(source, pa.Table):
        return Table("frame", source, tuple(source.column_names), timezone or "UTC")
    raise UsageError(
        ko=f"{type(source).__name__}은(는) 표가 아닙니다. "
        "상점의 표, pandas 표, Arrow 표, 파일 경로를 주십시오.",
        en=f"{type(source).__name__} is not a table. Give a table of a shop, a pandas frame, "
        "an Arrow table or the path of a file.",
    )


def file_table(*paths: Path, name: str = "", timezone: str = "UTC") -> Table:
    """Return the rows of Parquet or CSV files that share their columns.

    Raises
    ------
    EnvironmentProblem
        When a file is not there.
    DataError
        When a file is not what its name says.
    """
    for path in paths:
        if not path.is_file():
            raise EnvironmentProblem(
                ko=f"파일이 없습니다: {path}. 경로를 확인하십시오.",
                en=f"There is no file {path}. Check the path.",
            )
    with _connect() as connection:
        columns = tuple(_scan(connection, paths).columns)
    return Table(name or paths[0].stem, paths, columns, timezone)


def query(sql: str, parameters: Mapping[str, object] | None = None, /, **tables: Table) -> pa.Table:
    """Run one constant SQL text over ``tables``, each under the name it is given here.

    Parameters
    ----------
    sql
        The text; values appear only as ``$name``.
    parameters
        The values of ``$name``.
    **tables
        Tables reduced by `Table.pick`, or whole.

    Returns
    -------
    pyarrow.Table
        The rows, in the order that the text asks for.

    Raises
    ------
    DataError
        When a value cannot be read as the type that its column declares.
    """
    with _connect() as connection:
        for name, table in tables.items():
            _view(connection, name, table)
        try:
            return connection.sql(sql, params=dict(parameters or {})).to_arrow_table()
        except duckdb.ConversionException as error:
            raise _unreadable(error, tables) from None


def _connect() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    # The time zone is set after connecting: as a start-up option DuckDB looks for it before ICU is there.
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET autoinstall_known_extensions = false")
    return connection


def _view(connection: duckdb.DuckDBPyConnection, name: str, table: Table) -> None:
    relation = _scan(connection, table.source, [column for _, column, _ in table.picked])
    if table.picked:
        types = dict(zip(relation.columns, map(str, relation.types), strict=True))
        chosen = [_column(*pick, types[pick[1]], table.written_in) for pick in table.picked]
        relation = relation.select(*chosen)
    relation.create_view(name)


def _column(new: str, column: str, kind: str, given: str, written_in: str) -> duckdb.Expression:
    """Return ``column`` as ``new``, read as ``kind``; an instant without a zone gets one."""
    value = duckdb.ColumnExpression(column)
    if kind == "instant" and given.startswith("TIMESTAMP") and "ZONE" not in given:
        zone = duckdb.ConstantExpression(written_in)
        value = duckdb.FunctionExpression("timezone", zone, value.cast(duckdb.type("TIMESTAMP")))
    elif kind != "any":
        value = value.cast(duckdb.type(SQL_TYPES[kind]))
    return value.alias(new)


def _scan(
    connection: duckdb.DuckDBPyConnection, source: Source, columns: Sequence[str] = ()
) -> duckdb.DuckDBPyRelation:
    if isinstance(source, pd.DataFrame):
        return connection.from_arrow(_arrow(source, columns))
    if isinstance(source, pa.Table):
        return connection.from_arrow(source)
    files = [str(path) for path in source]
    try:
        if files[0].endswith(".parquet"):
            return connection.read_parquet(files)
        return connection.read_csv(list(files), all_varchar=True, header=True, strict_mode=True)
    except duckdb.Error as error:
        first = str(error).splitlines()[0]
        raise DataError(
            ko=f"{files[0]}을(를) 읽을 수 없습니다: {first}",
            en=f"{files[0]} cannot be read: {first}",
        ) from None


def _arrow(frame: pd.DataFrame, columns: Sequence[str]) -> pa.Table:
    """Return the columns of a pandas frame; a column of mixed things becomes text."""
    named = frame.rename(columns=str)
    part = named[list(dict.fromkeys(columns))] if columns else named
    mixed = [name for name in part.columns if part[name].dtype == object]
    for name in mixed:
        text = part[name].map(str, na_action="ignore")
        part = part.assign(**{name: text.astype("str")})
    return pa.Table.from_pandas(part, preserve_index=False)


def _unreadable(error: duckdb.Error, tables: Mapping[str, Table]) -> DataError:
    """Word a failed conversion: the value and its type, and which tables were read."""
    first = str(error).splitlines()[0].removeprefix("Conversion Error: ")
    names = ", ".join(sorted({table.name for table in tables.values()}))
    return DataError(
        ko=f"{names}: 값을 읽을 수 없습니다 ({first}). 그 열의 값을 고치십시오.",
        en=f"{names}: a value cannot be read ({first}). Correct that column's values.",
    )
