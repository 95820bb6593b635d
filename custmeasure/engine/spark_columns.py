"""Columns of a Spark frame as a table asks for them: types, filters, marks."""

from collections.abc import Mapping, Sequence
from typing import Any

from custmeasure.engine.filters import Filter
from custmeasure.engine.marks import Mark, asked_for
from custmeasure.engine.table import ZONED, Table

_TYPES = {
    "text": "string", "instant": "timestamp", "day": "date", "number": "double", "count": "bigint",
    "flag": "boolean",
}  # fmt: skip

_WHOLE = ("tinyint", "smallint", "int", "bigint")


def functions() -> Any:
    """Return PySpark's functions of columns."""
    from pyspark.sql import functions  # noqa: PLC0415  # type: ignore[import-not-found, unused-ignore]

    return functions


def picked(frame: Any, table: Table) -> Any:
    """Return a Spark frame's rows and columns as ``table`` asks for them."""
    if table.kept:
        frame = frame.filter(passes(table.kept))
    for _, column, marks in table.marks if table.marked_only else ():
        if names := asked_for(marks):
            frame = frame.filter(named(column).cast("string").isin(*names))
    if not table.picked:
        return frame
    if table.distinct:
        frame = frame.select(*map(named, table.read)).distinct()
    kinds: Mapping[str, str] = dict(frame.dtypes)
    chosen = [column_of(*each, kinds.get(each[1], ""), table.written_in) for each in table.picked]
    flags = [passes(flag).alias(new) for new, flag in table.flags]
    bits = [_mask(column, marks).alias(new) for new, column, marks in table.marks]
    return frame.select(*chosen, *flags, *bits)


def named(column: str) -> Any:
    """Return a column by its name, whatever is in it."""
    name = column.replace("`", "``")
    return functions().col(f"`{name}`")


def column_of(
    new: str, column: str, kind: str, given: str, written_in: str, *, careful: bool = False
) -> Any:
    """Return ``column``, on Spark of the type ``given``, as ``new``, read as ``kind``.

    Parameters
    ----------
    new, column, kind
        As `Table.pick`; without a column every value is null.
    given
        The column's type on Spark.
    written_in
        The time zone of instants without one.
    careful
        Whether a text that does not read so is null; otherwise it is an error.
    """
    f = functions()
    value = named(column) if column else f.lit(None)
    if kind == "instant":
        value = _instant(value, given, written_in, careful=careful)
    elif kind == "text":
        value = _text(value, given)
    elif kind == "key":
        value = _key(value, given)
    elif kind == "micros":
        value = f.unix_micros(_instant(value, given, written_in))
    elif kind == "count" and given in ("double", "float"):
        value = f.rint(value).cast(_TYPES[kind])
    elif kind != "any":
        value = value.try_cast(_TYPES[kind]) if careful else value.cast(_TYPES[kind])
    return value.alias(new)


def _text(value: Any, given: str) -> Any:
    """Return ``value`` as DuckDB writes it."""
    f = functions()

    text = value.cast("string")
    return f.concat(text, f.lit("+00")) if given == "timestamp" else text


def _key(value: Any, given: str) -> Any:
    """Return a whole number for an id: itself, or the hash of a text."""
    f = functions()
    if given in _WHOLE:
        return value.cast("bigint")
    text = value.cast("string")
    return f.when(text.isNotNull(), f.xxhash64(text))


def _instant(value: Any, given: str, written_in: str, *, careful: bool = False) -> Any:
    """Return ``value`` as an instant; without a zone it is ``written_in``'s."""
    f = functions()

    def cast(column: Any, kind: str) -> Any:
        return column.try_cast(kind) if careful else column.cast(kind)

    clock = cast(value, "timestamp_ntz")
    local = f.convert_timezone(f.lit(written_in), f.lit("UTC"), clock).cast("timestamp")
    if given == "string":
        return f.when(value.rlike(ZONED), cast(_spelled(value), "timestamp")).otherwise(local)
    return local if given in ("date", "timestamp_ntz") else value.cast("timestamp")


def _spelled(value: Any) -> Any:
    """Return a time of day with its zone as Spark reads it: with seconds, the zone's hours and minutes."""
    f = functions()
    colon = f.regexp_replace(value, "([+-][0-9]{2}):?([0-9]{2})$", "$1:$2")
    whole = f.regexp_replace(colon, "(:[0-9.]+ ?[+-][0-9]{2})$", "$1:00")
    return f.regexp_replace(whole, "^([^ T]+[ T][0-9]{2}:[0-9]{2})( ?[^:0-9 ].*)$", "$1:00$2")


def _mask(column: str, marks: Sequence[Mark]) -> Any:
    """Return the bits of a row (see `engine.marks`)."""
    f = functions()
    none = f.lit(0).cast("bigint")
    bits = none
    for place, mark in enumerate(marks):
        asked = bits == none if mark.rest else _fits(column, mark)
        bits = bits + f.when(asked, f.lit(1 << place).cast("bigint")).otherwise(none)
    return bits


def _fits(column: str, mark: Mark) -> Any:
    if not mark.any_of:
        return passes(mark.where)
    fits = named(column).cast("string").isin(*mark.any_of)
    return fits & passes(mark.where) if mark.where else fits


def passes(filters: Sequence[Filter]) -> Any:
    """Return whether a row passes every filter (see `engine.filters`), never null."""
    f = functions()

    passed = f.lit(True)
    for column, operator, value in filters:
        passed = passed & f.coalesce(_passes(column, operator, value), f.lit(False))
    return passed


def _passes(column: str, operator: str, value: object) -> Any:
    f = functions()

    if operator in ("!=", "not in"):
        asked = ("=", value) if operator == "!=" else ("in", value)
        return ~f.coalesce(_passes(column, *asked), f.lit(False))
    if isinstance(value, tuple):
        found = f.lit(False)
        for each in value:
            found = found | f.coalesce(_passes(column, "=", each), f.lit(False))
        return found
    if value is None:
        return named(column).isNull()
    return _compared(named(column), operator, value)


def _compared(column: Any, operator: str, value: Any) -> Any:
    f = functions()

    number = isinstance(value, int | float)
    kind = "boolean" if isinstance(value, bool) else "double" if number else "string"
    mine, other = column.cast(kind), f.lit(value).cast(kind)
    if operator == "=":
        return mine == other
    if operator.startswith("<"):
        return mine < other if operator == "<" else mine <= other
    return mine > other if operator == ">" else mine >= other
