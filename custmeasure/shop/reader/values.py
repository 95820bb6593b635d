"""Texts read as declared types; a declared style decides, never a look at the data.

=========  ======================================================================================
type       what is read
=========  ======================================================================================
instant    ISO 8601, with or without an offset; or the declared format (``"%Y.%m.%d %H:%M"``)
day        the same; of a date with a time the date, of a date with an offset nothing
number     ``"1234.5"``, or as declared ``"1,234.5"``, ``"1.234,5"``, ``"₩1,234.5"``, ``"1,234.5원"``
count      a number without a fraction
flag       true, yes, y, 1 and false, no, n, 0
=========  ======================================================================================
"""

import functools
import math
import re
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from custmeasure.errors import UsageError
from custmeasure.shop.contract import Kind
from custmeasure.shop.reader import kernels

NUMBER_STYLES = ("1234.5", "1,234.5", "1.234,5")
TRUE, FALSE = ("true", "yes", "y", "1"), ("false", "no", "n", "0")

_NUMBER_STYLE = re.compile(r"(\D{0,4}?)(1234\.5|1,234\.5|1\.234,5)(\D{0,4})")
_PARTS = {
    "Y": kernels.YEAR, "m": kernels.MONTH, "d": kernels.DAY, "H": kernels.HOUR,
    "I": kernels.HOUR12, "M": kernels.MINUTE, "S": kernels.SECOND, "f": kernels.FRACTION,
    "p": kernels.HALF, "z": kernels.OFFSET, "y": kernels.YEAR2,
}  # fmt: skip
_DATE_PARTS = (kernels.YEAR, kernels.YEAR2, kernels.MONTH, kernels.DAY)
_DAY_MICROS = 86_400_000_000
_EXACT = 2.0**53

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int32]


class Cells(NamedTuple):
    """A column of texts: UTF-8 bytes, and (n_rows, 2) where each value starts and stops."""

    data: Bytes
    places: Ints

    @property
    def lengths(self) -> Ints:
        """(n_rows,) the bytes of each value."""
        lengths: Ints = self.places[:, 1] - self.places[:, 0]
        return lengths

    def text(self, row: int) -> str:
        """Return one value."""
        start, stop = self.places[row]
        return bytes(self.data[start:stop]).decode("utf-8", "replace")

    def keep(self, rows: npt.NDArray[np.bool_]) -> "Cells":
        """Return some of the rows."""
        return Cells(self.data, spaced(*self.places[rows].T))


class Column(NamedTuple):
    """A column read: ``values``, and for each row its `kernels` state."""

    values: npt.NDArray[Any]
    state: Bytes


@dataclass(frozen=True)
class DateStyle:
    """A declared date format, compiled: literal bytes and parts."""

    format: str
    parts: tuple[int, ...]
    day_parts: int


@dataclass(frozen=True)
class NumberStyle:
    """A declared number style: the byte between thousands (0: none), the point, what stands around."""

    name: str
    group: int
    decimal: int
    prefix: str
    suffix: str


def as_bytes(data: bytes | bytearray) -> Bytes:
    """Return bytes as an array that cannot be written to, as all cells are."""
    return np.frombuffer(bytes(data), np.uint8) if data else fixed(np.zeros(0, np.uint8))


def fixed(data: Bytes) -> Bytes:
    """Return a view that cannot be written to: the kernels are compiled for that alone."""
    view = data.view()
    view.flags.writeable = False
    return view


def spaced(start: Ints, stop: Ints) -> Ints:
    """Return places that lie apart in memory, as those of a record's fields do: one kernel serves both."""
    places = np.empty((len(start), 3), np.int32)[:, :2]
    places[:, 0], places[:, 1] = start, stop
    return places


def cells_of(values: list[str | None] | pa.Array) -> Cells:
    """Return texts as cells; null is empty."""
    texts = values if isinstance(values, pa.Array) else pa.array(values, pa.string())
    texts = texts.cast(pa.string())
    texts = texts.fill_null("") if texts.null_count else texts
    if not len(texts):
        return Cells(as_bytes(b""), spaced(np.zeros(0, np.int32), np.zeros(0, np.int32)))
    _, offsets, data = texts.buffers()
    ends = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    room = as_bytes(b"") if data is None or not data.size else np.frombuffer(data, np.uint8)
    return Cells(room, spaced(ends[:-1], ends[1:]))


@functools.lru_cache
def date_style(style: str) -> DateStyle:
    """Return a declared format such as ``"%Y.%m.%d %H:%M"``.

    Raises
    ------
    UsageError
        When it is none, or does not say the whole date.
    """
    parts: list[int] = []
    for directive, literal in re.findall(r"%(.)|([^%]+)", style):
        if directive and directive not in _PARTS:
            raise _not_a_format(style)
        parts += [_PARTS[directive]] if directive else list(literal.encode())
    known = set(parts)
    whole = {kernels.MONTH, kernels.DAY} < known and known & {kernels.YEAR, kernels.YEAR2}
    halves = (kernels.HOUR12 in known) == (kernels.HALF in known)
    repeated = len([p for p in parts if p < 0]) != len({p for p in parts if p < 0})
    if not whole or not halves or repeated or style.count("%") != len([p for p in parts if p < 0]):
        raise _not_a_format(style)
    return DateStyle(style, tuple(parts), _day_parts(parts))


def _not_a_format(style: str) -> UsageError:
    allowed = ", ".join(f"%{letter}" for letter in _PARTS)
    return UsageError(
        ko=f"dates {style!r}: 날짜 형식이 아닙니다. '%Y.%m.%d %H:%M'처럼 연·월·일을 모두 적고, "
        f"쓸 수 있는 것은 {allowed}입니다(%I는 %p와 함께).",
        en=f"dates {style!r} is not a date format. Write year, month and day, such as "
        f"'%Y.%m.%d %H:%M', with {allowed} (%I together with %p).",
    )


def _day_parts(parts: list[int]) -> int:
    """Return how many parts make a day without a time, or -1 when the time does not come last."""
    times = [k for k, part in enumerate(parts) if part < 0 and part not in _DATE_PARTS]
    end = times[0] if times else len(parts)
    if sum(part in _DATE_PARTS for part in parts[:end]) != 3:
        return -1
    while end and parts[end - 1] in tuple(b" T,("):
        end -= 1
    return end


@functools.lru_cache
def number_style(style: str) -> NumberStyle:
    """Return a declared number style.

    Raises
    ------
    UsageError
        When it is none.
    """
    match = _NUMBER_STYLE.fullmatch(style)
    if not match:
        raise UsageError(
            ko=f"numbers {style!r}: 숫자 형식이 아닙니다. {', '.join(NUMBER_STYLES)} 가운데 하나로 적고, "
            "앞뒤에 '₩'이나 '원'을 붙일 수 있습니다.",
            en=f"numbers {style!r} is not a number style. Write one of {', '.join(NUMBER_STYLES)}, "
            "with a currency sign around it when there is one.",
        )
    group, decimal = {"1234.5": b"\0.", "1,234.5": b",.", "1.234,5": b".,"}[match[2]]
    return NumberStyle(style, group, decimal, match[1], match[3])


def read(kind: Kind, cells: Cells, dates: DateStyle | None, numbers: NumberStyle) -> Column:
    """Return a column of texts read as ``kind``.

    Returns
    -------
    Column
        Instants as µs since 1970 (on the wall where the state is READ, UTC where AWARE), days as days
        since 1970, numbers as float, counts as int, flags as bool.
    """
    if kind == "number":
        return _numbers(cells, numbers)
    if kind == "count":
        return whole(_numbers(cells, numbers))
    if kind == "flag":
        return _flags(cells)
    column = _moments(cells, dates, kind)
    return _as_days(column) if kind == "day" else column


def _room(cells: Cells, dtype: type) -> tuple[npt.NDArray[Any], Bytes]:
    n = len(cells.places)
    return np.empty(n, dtype), np.empty(n, np.uint8)


def _moments(cells: Cells, style: DateStyle | None, kind: Kind) -> Column:
    values, state = _room(cells, np.int64)
    if style is None:
        kernels.iso(*cells, values, state)
    else:
        day_parts = style.day_parts if kind == "day" else -1
        kernels.declared(*cells, np.array(style.parts, np.int64), day_parts, values, state)
    return Column(values, state)


def _as_days(moments: Column) -> Column:
    state = np.where(moments.state == kernels.AWARE, kernels.WRONG, moments.state)
    return Column((moments.values // _DAY_MICROS).astype(np.int32), state.astype(np.uint8))


def _numbers(cells: Cells, style: NumberStyle) -> Column:
    values, state = _room(cells, np.float64)
    prefix, suffix = (as_bytes(word.encode()) for word in (style.prefix, style.suffix))
    kernels.numbers(*cells, style.group, style.decimal, prefix, suffix, values, state)
    for row in np.flatnonzero(state == kernels.LONG_NUMBER):
        values[row] = _long_number(cells.text(int(row)), style)
        state[row] = kernels.READ if math.isfinite(values[row]) else kernels.WRONG
    return Column(values, state)


def _long_number(text: str, style: NumberStyle) -> float:
    """Return a number whose form is known to be right, however many digits it has."""
    bare = text.strip(" ").replace(style.prefix, "", 1) if style.prefix else text.strip(" ")
    bare = bare.removesuffix(style.suffix)
    if style.group:
        bare = bare.replace(chr(style.group), "")
    return float(bare.replace(chr(style.decimal), "."))


def whole(numbers: Column) -> Column:
    """Return numbers as counts; one with a fraction is wrong."""
    exact = (numbers.values == np.floor(numbers.values)) & (np.abs(numbers.values) < _EXACT)
    wrong = (numbers.state == kernels.READ) & ~exact
    state = np.where(wrong, kernels.WRONG, numbers.state).astype(np.uint8)
    return Column(np.where(exact, numbers.values, 0).astype(np.int64), state)


def _flags(cells: Cells) -> Column:
    values, state = _room(cells, np.bool_)
    for row in range(len(state)):
        values[row], state[row] = _flag(cells.text(row))
    return Column(values, state)


@functools.lru_cache(maxsize=1024)
def _flag(text: str) -> tuple[bool, int]:
    word = text.strip(" ").lower()
    if not word:
        return False, kernels.MISSING
    return word in TRUE, kernels.READ if word in TRUE + FALSE else kernels.WRONG
