"""A table that can be queried: a shop's table, a pandas frame, an Arrow table or a Parquet or CSV file.

Rows that lie on Spark are queried there (see `engine.spark`); everything else here is DuckDB.

Nothing is read until a query asks, and then only the columns it names. Each query runs in a DuckDB
connection of its own, so two notebooks or two threads never meet. SQL is a constant text over the
names that the query's tables are given; values travel as bound parameters.
"""

import contextlib
import datetime as dt
import re
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeAlias, TypeGuard, TypeVar, Union

import duckdb
from duckdb import sqltypes

from custmeasure import engine, lazy
from custmeasure.engine.connection import connected
from custmeasure.engine.filters import Filter, check_filters, passes
from custmeasure.engine.marks import Mark, mask, named
from custmeasure.errors import DataError, EnvironmentProblem, UnknownName, UsageError, listed

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

SQL_TYPES = {
    "text": sqltypes.VARCHAR,
    "instant": sqltypes.TIMESTAMP_TZ,
    "day": sqltypes.DATE,
    "number": sqltypes.DOUBLE,
    "count": sqltypes.BIGINT,
    "flag": sqltypes.BOOLEAN,
}
# Two more types, for kernels that see numbers alone: "key" is a whole number that stands for an id (a
# number itself, of a text its hash), "micros" an instant in µs since 1970 in UTC.
_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER")

SUFFIXES = (".parquet", ".csv")

BATCH = 122_880  # rows: as many as DuckDB keeps together
FIRST_ROWS = 20_480  # of which a first guess is made

# How CSV is written; DuckDB would otherwise guess it, row skipping and comments included.
_CSV = {"header": True, "delimiter": ",", "quotechar": '"', "escapechar": '"', "skiprows": 0}

# DuckDB's types of an instant that says no time zone.
_CLOCKS = ("DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS")

# A time of day that says its time zone: 09:00Z, 09:00:00+09:00, 09:00 Asia/Seoul.
ZONED = r":[0-9]{2}([.][0-9]+)? ?(Z|[+-][0-9]{2}(:?[0-9]{2})?|[A-Za-z_/]{3,})$"

Answer = TypeVar("Answer")
Part: TypeAlias = Callable[[Iterator["pa.RecordBatch"]], Answer]


class Elsewhere(ABC):
    """Rows that another engine holds and queries; arguments as the functions of this module."""

    engine: str

    @abstractmethod
    def answer(
        self, sql: str, parameters: Mapping[str, object], tables: Mapping[str, "Table"]
    ) -> "pa.Table":
        """Return what `query` returns."""

    @abstractmethod
    def batches(
        self, sql: str, parameters: Mapping[str, object], tables: Mapping[str, "Table"]
    ) -> Iterator["pa.RecordBatch"]:
        """Yield what `stream` yields."""

    @abstractmethod
    def in_parts(
        self,
        part: "Part[Answer]",
        unit: str,
        sql: str,
        parameters: Mapping[str, object],
        tables: Mapping[str, "Table"],
    ) -> list[Answer]:
        """Return what `in_parts` returns."""

    @abstractmethod
    def sums(
        self, table: "Table", group: str, columns: Sequence[str], pairs: Sequence[tuple[int, int]]
    ) -> tuple[list[float], list[tuple[object, ...]]]:
        """Return what `engine.moments` asks for: a guess of each column's mean, and sums by group."""


Source: TypeAlias = "pa.Table | pd.DataFrame | tuple[Path, ...] | Elsewhere"


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
        An Arrow table, a pandas frame, the paths of Parquet or CSV files, or rows elsewhere.
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
    kept
        The filters (on the source's columns) that every row passes.
    flags
        (new name, filters): columns that say whether a row passes the filters.
    marks
        (new name, column, marks): columns that hold a row's bits (see `engine.marks`).
    marked_only
        Whether rows without any bit may be left out.
    distinct
        Whether rows whose picked columns are the same count as one.
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
    kept: tuple[Filter, ...] = ()
    flags: tuple[tuple[str, tuple[Filter, ...]], ...] = ()
    marks: tuple[tuple[str, str, tuple[Mark, ...]], ...] = ()
    marked_only: bool = False
    distinct: bool = False

    @property
    def engine(self) -> str:
        """The engine that counts its rows: ``"DuckDB"`` or ``"Spark"``."""
        return self.source.engine if isinstance(self.source, Elsewhere) else "DuckDB"

    @property
    def read(self) -> tuple[str, ...]:
        """The columns of the source that `pick` asked for, each once."""
        return tuple(dict.fromkeys(old for _, old, _ in self.picked if old))

    def pick(self, /, **columns: tuple[str, str]) -> Self:
        """Return the table reduced to ``new_name=(column, type)``.

        A type with a question mark (``"number?"``) may name a column that is not there: then every
        value is null.

        Raises
        ------
        UnknownName
            When a column does not exist, with the nearest one.
        """
        picked = tuple((new, *self._source(*wanted)) for new, wanted in columns.items())
        return replace(self, picked=picked)

    def pick_distinct(self, /, **columns: tuple[str, str]) -> Self:
        """Return the table reduced as `pick` does, each combination of the columns' values once."""
        return replace(self.pick(**columns), distinct=True)

    def keep(self, filters: object, name: str = "where") -> Self:
        """Return the table reduced to the rows that pass ``filters`` (see `engine.filters`).

        Raises
        ------
        UnknownName
            When a column or an operator does not exist, with the nearest one.
        UsageError
            When ``filters`` are no triples.
        """
        return replace(self, kept=self.kept + self._filters(filters, name))

    def flag(self, /, **flags: object) -> Self:
        """Return the table with ``new_name=filters`` as further columns: does a row pass them?"""
        added = tuple((new, self._filters(filters, new)) for new, filters in flags.items())
        return replace(self, flags=self.flags + added)

    def mark(self, new: str, column: str, marks: Sequence[Mark], *, only: bool = False) -> Self:
        """Return the table with the bits of each row as a further column ``new``.

        Parameters
        ----------
        new
            The new column's name.
        column
            The column in which the names of the marks stand.
        marks
            What sets each bit.
        only
            Whether rows without any bit may be left out.
        """
        found = tuple(replace(mark, where=self._filters(mark.where, "where")) for mark in marks)
        added = (new, self._source(column, "text")[0], found)
        return replace(self, marks=(*self.marks, added), marked_only=only)

    def _filters(self, filters: object, name: str) -> tuple[Filter, ...]:
        checked = check_filters(filters, name)
        return tuple((self._source(column, "any")[0], *rest) for column, *rest in checked)  # type: ignore[misc]

    def _source(self, column: str, kind: str) -> tuple[str, str]:
        """Return a column's name in the source (empty when it may be absent and is) and its type."""
        if column in self.columns:
            return dict(self.delivered).get(column, column), kind.removesuffix("?")
        if kind.endswith("?"):
            return "", kind.removesuffix("?")
        raise UnknownName("column", column, self.columns, where=self.name)

    def frame(self, *columns: str, limit: int = 1000) -> "pd.DataFrame":
        """Return the first ``limit`` rows as a pandas frame, for looking at."""
        wanted = columns or self.columns
        shown = self.pick(**{column: (column, "any") for column in wanted})
        rows = query("SELECT * FROM rows LIMIT $n", {"n": limit}, rows=shown)
        return rows.to_pandas()  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        return f"Table {self.name}: {', '.join(self.columns)}"


AnyTable: TypeAlias = Table | MissingTable
Readable: TypeAlias = Union[AnyTable, "pd.DataFrame", "pa.Table", str, Path]  # noqa: UP007 - so that | None works


def as_table(source: Readable, timezone: str | None = None) -> AnyTable:
    """Return ``source`` as a table.

    Parameters
    ----------
    source
        A table of a shop (kept as it is), a pandas frame, an Arrow table, a Spark frame, or the path
        of a Parquet or CSV file.
    timezone
        The time zone in which days are counted; the table's own, or UTC, when not given.

    Raises
    ------
    UsageError
        When ``source`` is none of these, or two of its columns have one name.
    """
    if isinstance(source, MissingTable):
        return source
    if isinstance(source, Table):
        return replace(source, timezone=timezone) if timezone else source
    if isinstance(source, str | Path):
        return file_table(Path(source), timezone=timezone or "UTC")
    if _is_frame(source):
        return Table("frame", source, _distinct(source.columns), timezone or "UTC")
    if _is_arrow(source):
        return Table("frame", source, _distinct(source.column_names), timezone or "UTC")
    if type(source).__module__.startswith("pyspark."):
        return engine.spark_table(source, timezone=timezone or "UTC")
    raise UsageError(
        ko=f"{type(source).__name__}은(는) 표가 아닙니다. "
        "상점의 표, pandas 표, Arrow 표, Spark 표, 파일 경로를 주십시오.",
        en=f"{type(source).__name__} is not a table. Give a table of a shop, a pandas frame, "
        "an Arrow table, a Spark frame or the path of a file.",
    )


def _is_frame(source: object) -> TypeGuard["pd.DataFrame"]:
    """Say whether this is a pandas frame; where pandas is not loaded, nobody has made one."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(source, pandas.DataFrame)


def _is_arrow(source: object) -> TypeGuard["pa.Table"]:
    arrow = sys.modules.get("pyarrow")
    return arrow is not None and isinstance(source, arrow.Table)


def _distinct(columns: Iterable[object]) -> tuple[str, ...]:
    names = tuple(map(str, columns))
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(
            ko=f"이름이 같은 열이 있습니다: {listed(twice)}. 하나의 이름을 바꾸십시오.",
            en=f"Two columns have one name: {listed(twice)}. Rename one of them.",
        )
    return names


def file_table(*paths: Path, name: str = "", timezone: str = "UTC") -> Table:
    """Return the rows of Parquet or CSV files that share their columns.

    Raises
    ------
    UsageError
        When a file is neither ``.parquet`` nor ``.csv``.
    EnvironmentProblem
        When a file is not there.
    DataError
        When a file is not what its name says.
    """
    for path in paths:
        if path.suffix.lower() not in SUFFIXES:
            raise UsageError(
                ko=f"{path.name}: .parquet이나 .csv 파일만 읽습니다. 둘 중 하나로 저장하십시오.",
                en=f"{path.name}: only .parquet and .csv files are read. Save it as one of them.",
            )
        if not path.is_file():
            raise EnvironmentProblem(
                ko=f"파일이 없습니다: {path}. 경로를 확인하십시오.",
                en=f"There is no file {path}. Check the path.",
            )
    return Table(name or paths[0].stem, paths, _header(paths), timezone)


def _header(paths: tuple[Path, ...]) -> tuple[str, ...]:
    """Return the names of the files' columns."""
    with connected(paths, rows=False) as connection:
        return tuple(_scan(connection, paths).columns)


def query(
    sql: str, parameters: Mapping[str, object] | None = None, /, **tables: Table
) -> "pa.Table":
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
    if elsewhere := _elsewhere(tables):
        return elsewhere.answer(sql, parameters or {}, tables)
    with opened(tables) as connection:
        try:
            return connection.sql(sql, params=dict(parameters or {})).to_arrow_table()
        except (duckdb.ConversionException, duckdb.InvalidInputException) as error:
            raise _unreadable(error, tables) from None


def stream(
    sql: str, parameters: Mapping[str, object] | None = None, /, **tables: Table
) -> Iterator["pa.RecordBatch"]:
    """Yield the rows of `query` in batches, so that they need never lie in memory together."""
    if elsewhere := _elsewhere(tables):
        yield from elsewhere.batches(sql, parameters or {}, tables)
        return
    with opened(tables) as connection:
        try:
            rows = connection.sql(sql, params=dict(parameters or {}))
            yield from rows.to_arrow_reader(BATCH)
        except (duckdb.ConversionException, duckdb.InvalidInputException) as error:
            raise _unreadable(error, tables) from None


def in_parts(
    part: Part[Answer],
    unit: str,
    sql: str,
    parameters: Mapping[str, object] | None = None,
    /,
    **tables: Table,
) -> list[Answer]:
    """Return what ``part`` makes of the rows of `query`, part by part of the units.

    Parameters
    ----------
    part
        What is called with the batches of all rows of some units, in the order that the text asks for. It
        may be called where the rows lie, so it must be picklable, and its answers small. It must be right
        without rows too.
    unit
        The column of the answer that names the unit.
    sql, parameters, **tables
        As `query`; a text that orders must order by ``unit`` first.

    Returns
    -------
    list
        One answer a part, at least one; DuckDB has one part.
    """
    if elsewhere := _elsewhere(tables):
        return elsewhere.in_parts(part, unit, sql, parameters or {}, tables)
    return [part(stream(sql, parameters, **tables))]


def _elsewhere(tables: Mapping[str, Table]) -> Elsewhere | None:
    """Return who runs a query: another engine, as soon as one of the tables lies there."""
    sources = [table.source for table in tables.values()]
    return next((source for source in sources if isinstance(source, Elsewhere)), None)


@contextlib.contextmanager
def opened(tables: Mapping[str, Table]) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a connection that has these tables, and nothing else."""
    sources = [table.source for table in tables.values()]
    files = [path for source in sources if isinstance(source, tuple) for path in source]
    with connected(files) as connection:
        for name, table in tables.items():
            _view(connection, name, table)
        yield connection


def _view(connection: duckdb.DuckDBPyConnection, name: str, table: Table) -> None:
    relation = _scan(connection, table.source, _named(table) if table.picked else ())
    if table.kept:
        relation = relation.filter(passes(table.kept))
    types = dict(zip(relation.columns, map(str, relation.types), strict=True))
    if table.marked_only and not _all_numbers(table, types):
        for _, column, marks in table.marks:
            wanted = named(column, marks)
            relation = relation if wanted is None else relation.filter(wanted)
    if table.distinct:  # before anything is computed of them: they are few then
        relation = relation.select(*map(duckdb.ColumnExpression, table.read)).distinct()
    if table.picked:
        chosen = [_column(*pick, types.get(pick[1], ""), table.written_in) for pick in table.picked]
        flags = [passes(flag).alias(new) for new, flag in table.flags]
        bits = [mask(column, marks).alias(new) for new, column, marks in table.marks]
        relation = relation.select(*chosen, *flags, *bits)
    relation.create_view(name)


def _all_numbers(table: Table, types: Mapping[str, str]) -> bool:
    """Say whether rows are a few numbers: leaving rows out then costs more than passing them.

    The first column decides most: the ids of units are many, and as texts they are slow to read.
    """
    first, *others = table.picked
    plain = types.get(first[1]) in _WHOLE
    kinds = {kind: types.get(column) for _, column, kind in others}
    return plain and kinds.keys() <= {"key", "micros"} and kinds.get("micros") in _CLOCKS


def _named(table: Table) -> list[str]:
    """Return the columns of the source that a picked table reads."""
    marks = [mark for _, _, marks in table.marks for mark in marks]
    filters = [*table.kept, *(each for _, flag in table.flags for each in flag)]
    filters += [each for mark in marks for each in mark.where]
    columns = [*table.read, *(column for column, _, _ in filters)]
    return columns + [column for _, column, _ in table.marks]


def _column(new: str, column: str, kind: str, given: str, written_in: str) -> duckdb.Expression:
    """Return ``column`` as ``new``, read as ``kind``."""
    value = duckdb.ColumnExpression(column) if column else duckdb.ConstantExpression(None)
    if kind == "instant":
        value = _instant(value, given, written_in)
    elif kind == "key":
        value = _key(value, given)
    elif kind == "micros":
        value = _micros(value, given, written_in)
    elif kind != "any":
        value = value.cast(SQL_TYPES[kind])
    return value.alias(new)


def _key(value: duckdb.Expression, given: str) -> duckdb.Expression:
    """Return a whole number for an id; two of 40 million texts share a hash with a chance of 0.00004."""
    if given in _WHOLE:
        return value.cast(sqltypes.BIGINT)
    text = value.cast(sqltypes.VARCHAR)
    missing, hashed = duckdb.ConstantExpression(None), duckdb.FunctionExpression("hash", text)
    return duckdb.CaseExpression(text.isnull(), missing).otherwise(hashed)  # noqa: PD003


def _micros(value: duckdb.Expression, given: str, written_in: str) -> duckdb.Expression:
    """Return an instant in µs; a clock that shows UTC needs no look at the time zones."""
    plain = given in _CLOCKS and written_in == "UTC"
    clock = value.cast(sqltypes.TIMESTAMP) if plain else _instant(value, given, written_in)
    return duckdb.FunctionExpression("epoch_us", clock)


def _instant(value: duckdb.Expression, given: str, written_in: str) -> duckdb.Expression:
    """Return ``value`` of the type ``given`` as an instant; without a zone it is ``written_in``'s."""
    zoned = value.cast(SQL_TYPES["instant"])
    zone, clock = duckdb.ConstantExpression(written_in), value.cast(sqltypes.TIMESTAMP)
    local = duckdb.FunctionExpression("timezone", zone, clock)
    if given == "VARCHAR":
        says = duckdb.FunctionExpression("regexp_matches", value, duckdb.ConstantExpression(ZONED))
        return duckdb.CaseExpression(says, zoned).otherwise(local)
    return local if given in _CLOCKS else zoned


def _scan(
    connection: duckdb.DuckDBPyConnection, source: Source, columns: Sequence[str] = ()
) -> duckdb.DuckDBPyRelation:
    if isinstance(source, Elsewhere):
        raise TypeError(f"{source!r} is no source of DuckDB")
    if _is_arrow(source):
        return connection.from_arrow(source)
    if not isinstance(source, tuple):
        return connection.from_arrow(_arrow(source, columns))
    files = [str(path) for path in source]
    try:
        if files[0].lower().endswith(".parquet"):
            return connection.read_parquet(files)
        return connection.read_csv(files, all_varchar=True, strict_mode=True, **_CSV)  # type: ignore[arg-type]
    except duckdb.Error as error:
        raise _broken(error, source) from None


def _broken(error: Exception, paths: Sequence[Path]) -> DataError:
    """Word a file that cannot be read: which, and what is expected of it."""
    names = ", ".join(path.name for path in paths)
    if not names.lower().endswith(".csv"):
        first = str(error).splitlines()[0]
        return DataError(
            ko=f"{names}을(를) 읽을 수 없습니다: {first}", en=f"{names} cannot be read: {first}"
        )
    line = re.search(r"on Line: ([0-9]+)", str(error))
    where_ko, where_en = (f" {line[1]}번째 줄:", f" line {line[1]}:") if line else ("", "")
    return DataError(
        ko=f"{names}:{where_ko} 쉼표로 나눈 UTF-8 CSV여야 하고, 모든 줄의 칸 수가 머리글과 같아야 합니다. "
        "따옴표는 닫혀 있어야 합니다.",
        en=f"{names}:{where_en} it must be comma-separated UTF-8 text in which every row has as many "
        "fields as the header and every quote is closed.",
    )


def _arrow(frame: "pd.DataFrame", columns: Sequence[str]) -> "pa.Table":
    """Return the columns of a pandas frame; a column of mixed things becomes text."""
    named = frame.rename(columns=str)
    part = named[list(dict.fromkeys(columns))] if columns else named
    mixed = [name for name in part.columns if part[name].dtype == object]
    for name in mixed:
        text = part[name].map(str, na_action="ignore")
        part = part.assign(**{name: text.astype("str")})
    return lazy.loaded("pyarrow").Table.from_pandas(part, preserve_index=False)


def _unreadable(error: duckdb.Error, tables: Mapping[str, Table]) -> DataError:
    """Word a failed conversion: the value and its type, and which tables were read."""
    if "CSV Error" in str(error):
        files = [table.source for table in tables.values() if isinstance(table.source, tuple)]
        return _broken(error, [path for paths in files for path in paths])
    first = str(error).splitlines()[0].removeprefix("Conversion Error: ")
    names = ", ".join(sorted({table.name for table in tables.values()}))
    return DataError(
        ko=f"{names}: 값을 읽을 수 없습니다 ({first}). 그 열의 값을 고치십시오.",
        en=f"{names}: a value cannot be read ({first}). Correct that column's values.",
    )
