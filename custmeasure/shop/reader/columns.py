"""Arrow columns built block by block.

A text column begins as a dictionary of its few distinct values and is spelled out as soon as they are
many; that saves memory and changes nothing that can be seen.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from custmeasure.shop.contract import Kind
from custmeasure.shop.reader import kernels
from custmeasure.shop.reader.values import Cells, Column

TYPES: dict[Kind, pa.DataType] = {
    "text": pa.string(),
    "instant": pa.timestamp("us", tz="UTC"),
    "day": pa.date32(),
    "number": pa.float64(),
    "count": pa.int64(),
    "flag": pa.bool_(),
}

_DISTINCT = 4096  # more are spelled out
_WORDS = 1 << 20  # bytes of their letters
_SMALLEST, _LARGEST = 1 << 16, 1 << 24  # bytes of a room


class Rooms:
    """Memory for what grows block by block, taken in ever larger pieces.

    Large pieces come from the system in huge pages, which cost a hundredth of what small ones cost.
    """

    def __init__(self) -> None:
        self._room = np.empty(0, np.uint8)
        self._size = _SMALLEST

    def take(self, n: int, dtype: Any) -> npt.NDArray[Any]:
        """Return room for ``n`` values."""
        size = -(-n * np.dtype(dtype).itemsize // 64) * 64
        if size > len(self._room):
            self._room = np.empty(max(size, self._size), np.uint8)
            self._size = min(2 * self._size, _LARGEST)
        room, self._room = self._room[:size], self._room[size:]
        values: npt.NDArray[Any] = room.view(dtype)[:n]
        return values

    def keep(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return a copy of ``values`` that lies here."""
        room = self.take(len(values), values.dtype)
        room[:] = values
        return room


class TextColumn:
    """A column of texts; an empty one is missing."""

    def __init__(self) -> None:
        self._slots = np.full(4 * _DISTINCT, -1, np.int32)
        self._hashes = np.empty(_DISTINCT, np.uint64)
        self._offsets = np.zeros(_DISTINCT + 1, np.int32)
        self._words = np.empty(_WORDS, np.uint8)
        self._rooms = Rooms()
        self._n = 0
        self._codes: list[npt.NDArray[np.int16]] | None = []
        self._chunks: list[pa.Array] = []

    def add(self, cells: Cells) -> None:
        """Append the texts of a block."""
        if self._codes is not None:
            codes = self._rooms.take(len(cells.places), np.int16)
            known = (self._slots, self._hashes, self._offsets, self._words)
            n = kernels.encode(*cells, codes, *known, self._n)
            if n >= 0:
                self._n = n
                self._codes.append(codes)
                return
            self._spell_out()
        self._chunks.append(_spelled(cells, self._rooms))

    def finish(self) -> pa.ChunkedArray:
        """Return the column."""
        if self._codes is not None and 2 * self._n > sum(map(len, self._codes)):
            self._spell_out()
        if self._codes is None or not self._codes:
            return pa.chunked_array(self._chunks, pa.string())
        return pa.chunked_array([self._coded(codes) for codes in self._codes])

    def _spell_out(self) -> None:
        codes, self._codes = self._codes or [], None
        self._chunks = [self._coded(each).cast(pa.string()) for each in codes]

    def _coded(self, codes: npt.NDArray[np.int16]) -> pa.Array:
        offsets = self._offsets[: self._n + 1]
        data = self._words[: offsets[-1]]
        words = pa.Array.from_buffers(
            pa.string(), self._n, [None, pa.py_buffer(offsets), pa.py_buffer(data)]
        )
        indices = _fixed(pa.int16(), codes, codes >= 0)
        return pa.DictionaryArray.from_arrays(indices, words)


class FixedColumn:
    """A column of instants, days, numbers, counts or flags."""

    def __init__(self, kind: Kind) -> None:
        self._type = TYPES[kind]
        self._rooms = Rooms()
        self._chunks: list[pa.Array] = []

    def add(self, column: Column) -> None:
        """Append the values of a block."""
        known = column.state != kernels.MISSING
        if pa.types.is_boolean(self._type):
            self._chunks.append(pa.array(column.values, mask=~known))
        else:
            self._chunks.append(_fixed(self._type, self._rooms.keep(column.values), known))

    def finish(self) -> pa.ChunkedArray:
        """Return the column."""
        return pa.chunked_array(self._chunks, self._type)


def _spelled(cells: Cells, rooms: Rooms) -> pa.Array:
    """Return texts as an Arrow array of their own."""
    lengths = cells.lengths
    offsets = rooms.take(len(lengths) + 1, np.int32)
    data = rooms.take(int(lengths.sum(dtype=np.int64)), np.uint8)
    kernels.gather(*cells, offsets, data)
    buffers = [_bits(lengths > 0), pa.py_buffer(offsets), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.string(), len(lengths), buffers)


def _fixed(type_: pa.DataType, values: npt.NDArray[Any], known: npt.NDArray[np.bool_]) -> pa.Array:
    return pa.Array.from_buffers(type_, len(values), [_bits(known), pa.py_buffer(values)])


def _bits(known: npt.NDArray[np.bool_]) -> pa.Buffer | None:
    """Return which values are there, a bit each; None when all are."""
    return None if known.all() else pa.py_buffer(np.packbits(known, bitorder="little"))
