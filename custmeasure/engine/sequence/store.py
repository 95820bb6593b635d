"""Events kept until all have come: in parts that hold whole units, numbers in few bytes."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from custmeasure.engine.sequence.compiled import BLOCK, divided, gathered, placed, spread

Array = npt.NDArray[np.generic]
Int32 = npt.NDArray[np.int32]
Columns = tuple[Array, ...]

PARTS = 1024
SHARE = 40_000  # rows that are walked together: they fit a processor's cache
CHUNK = 1 << 23  # rows that have room in the first chunk, at least; room alone takes no memory
_SMALL = 100_000  # rows that are not worth dividing


@dataclass
class _Chunk:
    """Room for rows, in blocks that each hold rows of one part.

    Attributes
    ----------
    columns
        (n_blocks × BLOCK,) each.
    ends
        (n_parts,) the place behind the last row of each part; 0 before the first.
    owner
        (n_blocks,) the part of each block in use.
    n_blocks
        How many are in use.
    """

    columns: Columns
    ends: Int32
    owner: Int32
    n_blocks: int = 0

    @classmethod
    def of(cls, kinds: list[np.dtype], n_rows: int, n_parts: int) -> "_Chunk":
        """Return an empty chunk for at least ``n_rows``, wherever they go."""
        most = -(-n_rows // BLOCK) + n_parts
        columns = tuple(_room(kind, most * BLOCK) for kind in kinds)
        return cls(columns, np.zeros(n_parts, np.int32), np.empty(most, np.int32))

    def has_room(self, kinds: list[np.dtype], n_rows: int) -> bool:
        """Whether so many rows more fit, wherever they go, and so do their numbers."""
        most = -(-n_rows // BLOCK) + len(self.ends)
        fits = zip(kinds, self.columns, strict=True)
        return self.n_blocks + most <= len(self.owner) and all(
            np.can_cast(kind, column.dtype) for kind, column in fits
        )

    def add(self, columns: Columns, rows: Int32, part: Array) -> None:
        """Take in some rows of columns, each of a part."""
        places, self.n_blocks = placed(part, self.ends, self.owner, self.n_blocks)
        for column, out in zip(columns, self.columns, strict=True):
            spread(column, rows, places, out)

    def sorted(self) -> "_Sorted":
        """Return its blocks part by part, as they came."""
        owner = self.owner[: self.n_blocks]
        sizes = np.full(self.n_blocks, BLOCK, np.int32)
        used = np.flatnonzero(self.ends)
        sizes[(self.ends[used] - 1) // BLOCK] = (self.ends[used] - 1) % BLOCK + 1
        order = np.argsort(owner, kind="stable").astype(np.int32)
        starts = np.searchsorted(owner[order], np.arange(len(self.ends) + 1))
        return _Sorted(self.columns, order, sizes[order], starts)


@dataclass(frozen=True)
class _Sorted:
    """A full chunk: its blocks part by part, how many rows each has, and where each part's begin."""

    columns: Columns
    blocks: Int32
    sizes: Int32
    starts: npt.NDArray[np.int64]

    def between(self, first: int, last: int) -> slice:
        """Return the blocks of the parts from ``first`` to before ``last``."""
        return slice(self.starts[first], self.starts[last])


@dataclass
class Store:
    """Events, divided into parts by unit.

    Attributes
    ----------
    keep_all
        Whether events without a bit are kept too.
    seen
        The bits of all events that came.
    several
        Whether some event has more than one bit.
    """

    keep_all: bool
    seen: int = 0
    several: bool = False
    _waiting: list[Columns] = field(default_factory=list)
    _n_parts: int = 0
    _chunks: list[_Chunk] = field(default_factory=list)
    _sorted: list[_Sorted] = field(default_factory=list)

    def add(self, unit: Array, mask: Array, moment: Array, *others: Array) -> None:
        """Take in one batch of (n_rows,) columns."""
        self._waiting.append((unit, mask, moment, *others))
        if self._n_parts or sum(len(batch[0]) for batch in self._waiting) > _SMALL:
            self._divide(PARTS)

    def close(self) -> None:
        """Say that every event has come."""
        self._divide(self._n_parts or 1)
        self._sorted = [chunk.sorted() for chunk in self._chunks]

    def shares(self, rows: int = SHARE) -> list[tuple[int, int]]:
        """Return which parts, from one (included) to another (not), hold about so many rows together."""
        total = sum(int(each.sizes.sum()) for each in self._sorted)
        if not total:
            return []
        step = max(1, round(self._n_parts * rows / total))
        return [(at, min(at + step, self._n_parts)) for at in range(0, self._n_parts, step)]

    def columns(self, first: int, last: int) -> Columns:
        """Return the columns of the parts from ``first`` to before ``last``; rows as they came."""
        found = [(each, each.between(first, last)) for each in self._sorted]
        n = sum(int(each.sizes[inside].sum()) for each, inside in found)
        kinds = [column.dtype for column in self._sorted[0].columns]
        wide = [np.empty(n, np.float64 if kind.kind == "f" else np.int64) for kind in kinds]
        for place, out in enumerate(wide):
            end = 0
            for each, inside in found:
                blocks, sizes = each.blocks[inside], each.sizes[inside]
                end = gathered(each.columns[place], blocks, sizes, out, end)
        return tuple(wide)

    def _divide(self, n_parts: int) -> None:
        """Divide the batches that wait."""
        self._n_parts = n_parts
        for batch in self._waiting:
            self._put(batch)
        self._waiting.clear()

    def _put(self, batch: Columns) -> None:
        unit, mask, moment, *others = batch
        rows, part, (seen, several, low, high) = divided(unit, mask, self._n_parts, self.keep_all)
        self.seen |= int(seen)
        self.several |= bool(several)
        kinds = [smallest(int(low), int(high)), smallest(0, int(seen)), moment.dtype]
        kinds += map(_narrow, others)
        if not self._chunks or not self._chunks[-1].has_room(kinds, len(rows)):
            if self._chunks:
                before = [column.dtype for column in self._chunks[-1].columns]
                kinds = list(map(np.promote_types, kinds, before))
            room = max(CHUNK, sum(chunk.n_blocks for chunk in self._chunks) * BLOCK)
            room = len(rows) if self._n_parts == 1 else max(len(rows), room)
            self._chunks.append(_Chunk.of(kinds, room, self._n_parts))
        self._chunks[-1].add(batch, rows, part)


def _room(kind: np.dtype, n: int) -> Array:
    """Return (n,) numbers, not written yet, in Arrow's memory.

    For its own memory numpy asks Linux for huge pages, and the system is at times long in finding them.
    """
    return np.frombuffer(pa.allocate_buffer(n * kind.itemsize), kind)


def _narrow(column: Array) -> np.dtype:
    """Return the smallest type that holds a column."""
    if column.dtype != np.int64 or not len(column):
        return column.dtype
    return smallest(int(column.min()), int(column.max()))


def smallest(low: int, high: int) -> np.dtype:
    """Return a type of few bytes that holds the whole numbers from ``low`` to ``high``."""
    for kind in (np.uint8, np.uint32):
        if low >= 0 and high <= np.iinfo(kind).max:
            return np.dtype(kind)
    return np.dtype(np.int64)
