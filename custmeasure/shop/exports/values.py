"""Texts of an export read as the types that its mapping declares, by the reader's one table of styles."""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import unquote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from custmeasure.shop.contract import Kind
from custmeasure.shop.reader import kernels
from custmeasure.shop.reader.reasons import Reason, why_not
from custmeasure.shop.reader.values import Column, cells_of, date_style, number_style, read
from custmeasure.shop.reader.zones import to_utc

TYPES = {
    "text": pa.string(),
    "instant": pa.timestamp("us", tz="UTC"),
    "day": pa.date32(),
    "number": pa.float64(),
    "count": pa.int64(),
    "flag": pa.bool_(),
}

Values: TypeAlias = pa.ChunkedArray
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Styles:
    """How an export writes numbers and dates; ISO 8601 dates are always read.

    ``table`` is whose section of shop.toml may say otherwise.
    """

    numbers: str
    dates: tuple[str, ...]
    timezone: str
    table: str

    def why_not(self, kind: Kind, text: str) -> Reason:
        """Return why a text does not read as ``kind``."""
        return why_not(kind, text, None, number_style(self.numbers), self.table)


def tidy(column: Values) -> Values:
    """Return texts without spaces around them, and nothing where there is none."""
    if pa.types.is_null(column.type) or pa.types.is_dictionary(column.type):
        column = column.cast(pa.string())
    if not _is_text(column.type):
        return column
    trimmed = pc.utf8_trim_whitespace(column.cast(pa.string()))
    return pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)


def typed(column: Values, kind: Kind, styles: Styles) -> tuple[Values, Flags]:
    """Return a column read as ``kind``, and which of its rows could not be read.

    A column that comes with a type of its own (Parquet) is cast.
    """
    nothing_wrong = np.zeros(len(column), bool)
    if kind == "text":
        return column.cast(pa.string()), nothing_wrong
    if not _is_text(column.type):
        return _cast(column, kind, styles), nothing_wrong
    found = _read(column, kind, styles)
    wrong = found.state == kernels.WRONG
    missing = wrong | (found.state == kernels.MISSING)
    values = pa.array(found.values, mask=missing)
    if kind == "instant":
        values = pa.array(found.values, pa.int64(), mask=missing).cast(pa.timestamp("us"))
        values = pc.assume_timezone(values, "UTC")
    return pa.chunked_array([values.cast(TYPES[kind])]), wrong


def _read(column: Values, kind: Kind, styles: Styles) -> Column:
    """Read texts, dates as ISO 8601 or else in the first declared format that fits."""
    cells, numbers = cells_of(column.combine_chunks()), number_style(styles.numbers)
    found = read(kind, cells, None, numbers)
    for written in styles.dates if kind in ("instant", "day") else ():
        wrong = found.state == kernels.WRONG
        if not wrong.any():
            break
        other = read(kind, cells.keep(wrong), date_style(written), numbers)
        found.values[wrong], found.state[wrong] = other.values, other.state
    if kind == "instant":
        on_the_wall = found.state == kernels.READ
        found.values[on_the_wall] = to_utc(found.values[on_the_wall], styles.timezone).micros
    return found


def _cast(column: Values, kind: Kind, styles: Styles) -> Values:
    if kind in ("instant", "day") and pa.types.is_timestamp(column.type):
        instants = _instants(column, styles)
        here = instants.cast(pa.timestamp("us", tz=styles.timezone))
        return pc.local_timestamp(here).cast(TYPES["day"]) if kind == "day" else instants
    return column.cast(TYPES[kind])


def _instants(column: Values, styles: Styles) -> Values:
    if column.type.tz:
        return column.cast(TYPES["instant"])
    micros = column.cast(pa.timestamp("us")).cast(pa.int64())
    wall = pc.fill_null(micros, 0).to_numpy()
    mask = pc.is_null(column).to_numpy()
    utc = pa.array(to_utc(wall, styles.timezone).micros, pa.int64(), mask=mask)
    return pa.chunked_array([pc.assume_timezone(utc.cast(pa.timestamp("us")), "UTC")])


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def styled(column: Values, style: str) -> Values:
    """Return a column as a style of a mapping reads it."""
    if style == "epoch_us":
        instants = column.cast(pa.int64()).cast(pa.timestamp("us"))
        return pc.assume_timezone(instants, "UTC")
    if style == "before_last_dash":
        return pc.replace_substring_regex(column, r"-[^-]*$", "")
    return map_texts(column, _PLAIN[style])


def _without_tags(text: str) -> str:
    """Return what a reader of a web page sees."""
    seen = re.sub(r"<(script|style)\b.*?</\1>|<[^<>]*>", " ", text, flags=re.DOTALL | re.IGNORECASE)
    return " ".join(html.unescape(seen).split())


def _path(address: str) -> str:
    """Return the path of a web address; what follows ``?`` or ``#`` may name a person."""
    path = re.sub(r"^[a-z][a-z0-9+.-]*://[^/?#]*", "", address, flags=re.IGNORECASE)
    return unquote(re.sub(r"[?#].*", "", path)) or "/"


_PLAIN: dict[str, Callable[[str], str]] = {"html": _without_tags, "path": _path}


def map_texts(column: Values, change: Callable[[str], str]) -> Values:
    """Return a column with every distinct text changed; an empty text is nothing."""
    known = column.combine_chunks().dictionary_encode()
    changed = pa.array([change(t) or None for t in known.dictionary.to_pylist()], pa.string())
    return pa.chunked_array([changed.take(known.indices)], pa.string())
