"""Columns as a database hands them over, read as the kinds that the contract declares.

A value that does not read as its kind becomes nothing and is named, never guessed: NaN and Infinity are
no numbers, ``infinity`` and years outside 1900 to 2199 no instants, 1.5 no count. An instant written
without a zone is read in ``timezone``; where that clock shows an hour twice, as its first pass, and where
it skips one, as the instant after the gap; both are counted.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from custmeasure.engine.table import Table, query
from custmeasure.show.words import Text

INSTANT = pa.timestamp("us", "UTC")
TYPES: Mapping[str, pa.DataType] = {
    "text": pa.string(),
    "instant": INSTANT,
    "day": pa.date32(),
    "number": pa.float64(),
    "count": pa.int64(),
    "flag": pa.bool_(),
}
_NUMBER = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,4})?$"
_COUNT = r"^[+-]?[0-9]{1,18}(\.0*)?$"
_MOMENT = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?"
    r"(Z|[+-][0-9]{2}(:?[0-9]{2})?)?)?$"
)
_ZONED = r":.*(Z|[+-][0-9]{2}(:?[0-9]{2})?)$"
_MOMENTS = """
    SELECT CASE WHEN zoned THEN try_cast(value AS TIMESTAMPTZ) END AS zoned,
           CASE WHEN NOT zoned THEN try_cast(value AS TIMESTAMP) END AS local
    FROM rows"""
_FIRST, _AFTER = dt.date(1900, 1, 1), dt.date(2200, 1, 1)
_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_EXACT = 2**53  # the largest whole number below which a float holds every one

_TRUE = pa.array(["true", "t", "1", "yes", "y"])
_FALSE = pa.array(["false", "f", "0", "no", "n"])

RULES: Mapping[str, Text] = {
    "text": Text("글자가 아닙니다.", "is not a text."),
    "instant": Text(
        "1900~2199년의 날짜와 시각이 아닙니다. 예: 2026-01-31 09:00:00.",
        "is not a date and time of the years 1900 to 2199, such as 2026-01-31 09:00:00.",
    ),
    "day": Text(
        "1900~2199년의 날짜가 아닙니다. 예: 2026-01-31.",
        "is not a day of the years 1900 to 2199, such as 2026-01-31.",
    ),
    "number": Text(
        "끝이 있는 숫자가 아닙니다(NaN·무한대 포함).",
        "is not a finite number (NaN and Infinity are none).",
    ),
    "count": Text("정수가 아닙니다.", "is not a whole number."),
    "flag": Text("참도 거짓도 아닙니다.", "is neither true nor false."),
}
EMPTY = Text("꼭 있어야 하는 값이 비어 있습니다.", "is empty, and must not be.")


@dataclass(frozen=True)
class Declared:
    """One column read as its kind.

    Attributes
    ----------
    values
        (n,) of the kind's type; nothing where there is no value or it does not read.
    good
        (n,) flags; False where a value is there that does not read.
    n_uncertain
        Instants whose wall-clock time exists twice or not at all in the time zone.
    """

    values: pa.Array
    good: pa.Array
    n_uncertain: int = 0


def declared(column: pa.Array, kind: str, timezone: str = "UTC") -> Declared:
    """Return ``column`` read as ``kind``; an empty text counts as no value.

    Parameters
    ----------
    column
        (n,) of any type of `is_readable`.
    kind
        A kind of the contract: text, instant, day, number, count or flag.
    timezone
        The zone of instants written without one, and the one whose days count.
    """
    given = _plain(column)
    found, n_uncertain = _READERS[kind](given, timezone)
    good = pc.or_(pc.is_valid(found), pc.is_null(given))
    return Declared(found, good, n_uncertain)


def is_direct(given: pa.DataType, kind: str) -> bool:
    """Return whether a column of this type reads as ``kind`` without being made a text first."""
    if kind in ("instant", "day"):
        return bool(pa.types.is_timestamp(given) or pa.types.is_date(given))
    if kind in ("number", "count"):
        whole = pa.types.is_integer(given) and not pa.types.is_uint64(given)
        return bool(whole or pa.types.is_floating(given))
    return bool(pa.types.is_boolean(given) if kind == "flag" else pa.types.is_string(given))


def is_readable(given: pa.DataType) -> bool:
    """Return whether values of this type have one plain text: no bytes, no lists, no records."""
    binary = pa.types.is_binary(given) or pa.types.is_large_binary(given)
    return not (binary or pa.types.is_fixed_size_binary(given) or pa.types.is_nested(given))


def _plain(column: pa.Array) -> pa.Array:
    """Return the column without dictionaries and extension types, an empty text as nothing."""
    if isinstance(column, pa.ExtensionArray):
        return _plain(column.storage)
    if pa.types.is_dictionary(column.type):
        return _plain(column.dictionary_decode())
    if pa.types.is_large_string(column.type) or pa.types.is_string_view(column.type):
        return _plain(column.cast(pa.string()))
    if pa.types.is_string(column.type):
        return _where(pc.not_equal(column, ""), column)
    return column


def _where(good: pa.Array, values: pa.Array) -> pa.Array:
    """Return the values that are good, and nothing in place of the others."""
    return pc.if_else(good, values, pa.scalar(None, values.type))


def _text(given: pa.Array, _: str) -> tuple[pa.Array, int]:
    return given.cast(pa.string()), 0


def _number(given: pa.Array, _: str) -> tuple[pa.Array, int]:
    if pa.types.is_string(given.type):
        given = _where(pc.match_substring_regex(given, _NUMBER), given)
    found = given.cast(pa.float64(), safe=False)
    return _where(pc.is_finite(found), found), 0


def _count(given: pa.Array, _: str) -> tuple[pa.Array, int]:
    if pa.types.is_string(given.type):
        whole = _where(pc.match_substring_regex(given, _COUNT), given)
        return pc.replace_substring_regex(whole, r"\.0*$", "").cast(pa.int64()), 0
    if pa.types.is_floating(given.type):
        small = pc.less(pc.abs(given), _EXACT)
        given = _where(pc.and_(small, pc.equal(pc.floor(given), given)), given)
    return given.cast(pa.int64()), 0


def _flag(given: pa.Array, _: str) -> tuple[pa.Array, int]:
    if pa.types.is_boolean(given.type):
        return given, 0
    word = pc.utf8_lower(given)
    true, false = pc.is_in(word, _TRUE), pc.is_in(word, _FALSE)
    return _where(pc.or_(true, false), true), 0


def _instant(given: pa.Array, timezone: str) -> tuple[pa.Array, int]:
    if pa.types.is_string(given.type):
        return _written(given, timezone)
    moments = _known_years(given).cast(_in_microseconds(given.type), safe=False)
    if getattr(given.type, "tz", None):
        return moments.cast(INSTANT), 0
    return _local(moments, timezone)


def _day(given: pa.Array, timezone: str) -> tuple[pa.Array, int]:
    if pa.types.is_date(given.type) or (pa.types.is_timestamp(given.type) and not given.type.tz):
        return _known_years(given).cast(pa.date32(), safe=False), 0
    instants, n_uncertain = _instant(given, timezone)
    return local_day(instants, timezone), n_uncertain


def local_day(instants: pa.Array, timezone: str) -> pa.Array:
    """Return the days that the clock of ``timezone`` shows at the instants."""
    here = instants.cast(pa.timestamp("us", timezone))
    return pc.local_timestamp(here).cast(pa.date32(), safe=False)


def _in_microseconds(given: pa.DataType) -> pa.DataType:
    return pa.timestamp("us", getattr(given, "tz", None))


def _known_years(given: pa.Array) -> pa.Array:
    """Return the moments from 1900 to 2199; ``infinity`` arrives as a number far outside."""
    epoch = dt.date(1970, 1, 1)
    if pa.types.is_date(given.type):
        given, per_day = given.cast(pa.date32()), 1
        number = given.cast(pa.int32())
    else:
        per_day = 86_400 * _PER_SECOND[given.type.unit]
        number = given.cast(pa.int64())
    first, after = (_FIRST - epoch).days * per_day, (_AFTER - epoch).days * per_day
    inside = pc.and_(pc.greater_equal(number, first), pc.less(number, after))
    return _where(inside, given)


def _local(moments: pa.Array, timezone: str) -> tuple[pa.Array, int]:
    """Return wall-clock times as instants, and how many exist twice or not at all."""
    earliest, latest = (
        pc.assume_timezone(moments, timezone, ambiguous=which, nonexistent=which)
        for which in ("earliest", "latest")
    )
    twice = pc.sum(pc.not_equal(earliest, latest)).as_py() or 0
    chosen = pc.assume_timezone(moments, timezone, ambiguous="earliest", nonexistent="latest")
    return chosen.cast(INSTANT), int(twice)


def _written(given: pa.Array, timezone: str) -> tuple[pa.Array, int]:
    """Return ISO texts as instants; those without a zone are read in ``timezone``."""
    texts = _where(pc.match_substring_regex(given, _MOMENT), given)
    rows = pa.table({"value": texts, "zoned": pc.match_substring_regex(texts, _ZONED)})
    read = query(_MOMENTS, rows=Table("texts", rows, ("value", "zoned"))).combine_chunks()
    zoned, local = (_one(read[name]) for name in ("zoned", "local"))
    instants, n_uncertain = _local(_known_years(local), timezone)
    return pc.coalesce(_known_years(zoned).cast(INSTANT), instants), n_uncertain


def _one(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else pa.array([], column.type)


_READERS: Mapping[str, Callable[[pa.Array, str], tuple[pa.Array, int]]] = {
    "text": _text,
    "instant": _instant,
    "day": _day,
    "number": _number,
    "count": _count,
    "flag": _flag,
}
