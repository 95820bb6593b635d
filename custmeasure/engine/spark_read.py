"""Tables of a shop on Spark: where they lie, and what becomes of every row.

As everywhere, a row that misses a required value or does not read as declared is left out and counted; of
rows that are the same under one key one stays, and rows that differ under one key are left out. The
counts take one pass over the rows, and a second one over the keys where some come again.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa

from custmeasure.engine.part import Changed
from custmeasure.engine.spark import Rows, on_spark, spark_table, start
from custmeasure.engine.spark_columns import column_of, functions, named
from custmeasure.engine.table import Table
from custmeasure.errors import DataError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession  # type: ignore[import-not-found, unused-ignore]

Session: TypeAlias = "SparkSession"
Master: TypeAlias = "SparkSession | str"

_WHOLE = ("tinyint", "smallint", "int", "bigint")
_NUMBERS = (*_WHOLE, "float", "double", "string")
_INSTANTS = ("timestamp", "timestamp_ntz", "date", "string")

# Kind → the types of Spark that it is read from; text is read from all that are one value.
_READ_FROM = {
    "instant": _INSTANTS, "day": _INSTANTS, "number": _NUMBERS, "count": _NUMBERS,
    "flag": ("boolean", "string"),
}  # fmt: skip
_MANY = ("array", "map", "struct", "binary", "variant")
_BAD, _ROW, _KEYS, _PLACE = "_bad", "_row", "_keys", "_place"


@dataclass(frozen=True)
class Wanted:
    """What a table must be.

    Attributes
    ----------
    name
        Of the table, in the contract.
    columns
        The contract's name (or a further column's) → the name on Spark.
    kinds
        Name → kind.
    required
        The columns that a row must have.
    key
        The column that names a row, or None.
    timezone
        Where instants without a zone were written.
    """

    name: str
    columns: Mapping[str, str]
    kinds: Mapping[str, str]
    required: Collection[str]
    key: str | None
    timezone: str


@dataclass(frozen=True)
class Examined:
    """A table and what became of its rows.

    Attributes
    ----------
    table
        The rows used, under the contract's names.
    n_rows, n_rejected, n_duplicate
        All rows; those left out; those that came again.
    missing, unreadable
        Column → rows in which a required value is missing, or a value does not read as declared.
    n_unclear
        Rows left out because others of the same key differ.
    """

    table: Table
    n_rows: int
    n_rejected: int
    n_duplicate: int
    missing: Mapping[str, int]
    unreadable: Mapping[str, int]
    n_unclear: int

    @property
    def n_used(self) -> int:
        """Rows used."""
        return self.n_rows - self.n_rejected - self.n_duplicate


def session_of(spark: Master) -> Session:
    """Return a session: the one given, or that of a master (see `spark.start`)."""
    return start(spark) if isinstance(spark, str) else spark


def lake_table(session: Session, *, relation: str = "", paths: Sequence[str] = ()) -> Table:
    """Return a table of Spark's catalog, or Parquet files wherever Spark finds them."""
    with on_spark({}):
        frame = session.table(relation) if relation else session.read.parquet(*paths)
    return spark_table(frame)


def first_rows(table: Table, n: int) -> pa.Table:
    """Return some rows, to look at."""
    with on_spark({}):
        return _frame(table).limit(n).toArrow()


def changed(table: Table, names: Sequence[str], change: Callable[[pa.Array], pa.Array]) -> Table:
    """Return the table with the texts of some columns changed, wherever its rows lie."""
    frame = _frame(table)
    with on_spark({}):
        new = frame.mapInArrow(Changed(tuple(names), change), frame.schema)
    return _with(table, new)


def examine(table: Table, wanted: Wanted) -> Examined:
    """Read a table as declared, and count what does not.

    Raises
    ------
    DataError
        When a column is of a type that its kind is not read from.
    """
    frame, f = _frame(table), functions()
    given = dict(frame.dtypes)
    for new, old in wanted.columns.items():
        _check_type(wanted, new, old, given[old])
    missing = {new: _missing(old, given[old]) for new, old in wanted.columns.items()}
    unread = {
        new: ~missing[new] & _read(wanted, new, given).isNull()
        for new, old in wanted.columns.items()
        if given[old] == "string" and wanted.kinds[new] != "text"
    }
    required = {new: missing[new] for new in wanted.columns if new in wanted.required}
    bad = f.lit(False)
    for each in (*required.values(), *unread.values()):
        bad = bad | each
    with on_spark({wanted.name: table}):
        asked = {"n": f.count(f.lit(1)), _BAD: f.count_if(bad)}
        asked |= {f"m {new}": f.count_if(each) for new, each in required.items()}
        asked |= {f"u {new}": f.count_if(each) for new, each in unread.items()}
        if wanted.key is not None:
            key = f.when(~bad, _read(wanted, wanted.key, given))
            asked |= {"keys": f.count(key), "different": f.count_distinct(key)}
        counted = _one(frame, asked)
        columns = [_read(wanted, new, given).alias(new) for new in wanted.columns]
        used = (frame.filter(~bad) if counted[_BAD] else frame).select(*columns)
        used, n_duplicate, n_unclear = _once(
            used, wanted.key, counted.get("keys", 0), counted.get("different", 0)
        )
    read = replace(_with(table, used), name=wanted.name, columns=tuple(wanted.columns))
    return Examined(
        read,
        n_rows=counted["n"],
        n_rejected=counted[_BAD] + n_unclear,
        n_duplicate=n_duplicate,
        missing={new: counted[f"m {new}"] for new in required if counted[f"m {new}"]},
        unreadable={new: counted[f"u {new}"] for new in unread if counted[f"u {new}"]},
        n_unclear=n_unclear,
    )


def _frame(table: Table) -> Any:
    if isinstance(table.source, Rows):
        return table.source.frame
    raise TypeError(f"{table!r} does not lie on Spark")


def _with(table: Table, frame: Any) -> Table:
    source = table.source
    return (
        replace(table, source=replace(source, frame=frame)) if isinstance(source, Rows) else table
    )


def _check_type(wanted: Wanted, new: str, old: str, given: str) -> None:
    kind = wanted.kinds[new]
    plain = given.partition("(")[0].partition("<")[0]
    fits = plain not in _MANY if kind == "text" else plain in (*_READ_FROM[kind], *_decimals(kind))
    if not fits:
        raise DataError(
            ko=f"[tables.{wanted.name}]: 열 '{old}'의 형({given})은 {kind}(으)로 읽을 수 없습니다. "
            "형을 바꾸거나 다른 열을 적으십시오.",
            en=f"[tables.{wanted.name}]: column '{old}' is of type {given}, which is not read as "
            f"{kind}. Change its type, or name another column.",
        )


def _decimals(kind: str) -> tuple[str, ...]:
    return ("decimal",) if kind in ("number", "count") else ()


def _missing(old: str, given: str) -> Any:
    """Return whether a value is missing; a blank text is none."""
    missing = named(old).isNull()
    return missing | (functions().trim(named(old)) == "") if given == "string" else missing


def _read(wanted: Wanted, new: str, given: Mapping[str, str]) -> Any:
    """Return a column as declared, null where a text does not read so."""
    old = wanted.columns[new]
    return column_of(new, old, wanted.kinds[new], given[old], wanted.timezone, careful=True)


def _one(frame: Any, asked: Mapping[str, Any]) -> dict[str, int]:
    """Return one row of counts."""
    row = frame.agg(*(each.alias(str(place)) for place, each in enumerate(asked.values())))
    return dict(
        zip(asked, (int(column[0].as_py()) for column in row.toArrow().columns), strict=True)
    )


def _once(frame: Any, key: str | None, n: int, n_keys: int) -> tuple[Any, int, int]:
    """Return the rows with each key once, how many came again, and how many contradict each other."""
    if key is None or n == n_keys:
        return frame, 0, 0
    f = functions()
    row = f.xxhash64(*(named(name) for name in frame.columns)).alias(_ROW)
    keys = frame.filter(named(key).isNotNull()).select(named(key).alias(_KEYS), row)
    twice = keys.groupBy(_KEYS).agg(f.count(f.lit(1)).alias("n"), f.count_distinct(_ROW).alias("m"))
    same, more = f.col("m") == 1, f.col("n") > 1
    counted = _one(
        twice.filter(more),
        {
            "again": f.coalesce(f.sum(f.when(same, f.col("n") - 1)), f.lit(0)),
            "unclear": f.coalesce(f.sum(f.when(~same, f.col("n"))), f.lit(0)),
        },
    )
    if counted["unclear"]:
        unclear = twice.filter(~same).select(f.col(_KEYS).alias(_PLACE))
        frame = frame.join(unclear, named(key) == f.col(_PLACE), "left_anti")
    if counted["again"]:
        nobody = frame.filter(named(key).isNull())
        frame = frame.filter(named(key).isNotNull()).dropDuplicates([key]).unionByName(nobody)
    return frame, counted["again"], counted["unclear"]
