"""Events kept until all have come: in parts that hold whole units, numbers in few bytes."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from custmeasure.engine.sequence.compiled import divided, spread

Array = npt.NDArray[np.generic]
Columns = tuple[Array, ...]

PARTS = 1024
SHARE = 100_000  # rows that are walked together: they fit a processor's cache
_SMALL = 100_000  # rows that are not worth dividing


@dataclass
class Store:
    """Batches of events, each divided into the same parts by unit.

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
    _batches: list[tuple[Columns, npt.NDArray[np.int64]]] = field(default_factory=list)
    _n_parts: int = 0

    def add(self, unit: Array, mask: Array, *others: Array) -> None:
        """Take in one batch of (n_rows,) columns."""
        self._n_parts = self._n_parts or (PARTS if len(unit) > _SMALL else 1)
        rows, part, bounds, found = divided(unit, mask, self._n_parts, self.keep_all)
        seen, several, low, high = found
        self.seen |= int(seen)
        self.several |= bool(several)

        def by_part(column: Array, kind: np.dtype) -> Array:
            out = np.empty(len(rows), kind)
            spread(column, rows, part, bounds[:-1].copy(), out)
            return out

        kinds = [_smallest(int(low), int(high)), _smallest(0, int(seen)), *map(_narrow, others)]
        columns = tuple(map(by_part, (unit, mask, *others), kinds))
        self._batches.append((columns, bounds))

    def shares(self, rows: int = SHARE) -> list[tuple[int, int]]:
        """Return which parts, from one (included) to another (not), hold about so many rows together."""
        total = sum(bounds[-1] for _, bounds in self._batches)
        step = max(1, round(self._n_parts * rows / max(1, total)))
        return [(at, min(at + step, self._n_parts)) for at in range(0, self._n_parts, step)]

    def columns(self, first: int, last: int) -> Columns:
        """Return the columns of the parts from ``first`` to before ``last``; rows as they came."""
        slices = [
            tuple(column[bounds[first] : bounds[last]] for column in columns)
            for columns, bounds in self._batches
        ]
        wide = [np.float64 if c.dtype.kind == "f" else np.int64 for c in self._batches[0][0]]
        return tuple(
            np.concatenate(pieces, dtype=kind)
            for pieces, kind in zip(zip(*slices, strict=True), wide, strict=True)
        )


def _narrow(column: Array) -> np.dtype:
    """Return the smallest type that holds a column."""
    if column.dtype != np.int64 or not len(column):
        return column.dtype
    return _smallest(int(column.min()), int(column.max()))


def _smallest(low: int, high: int) -> np.dtype:
    """Return a type of few bytes that holds the whole numbers from ``low`` to ``high``."""
    for kind in (np.uint8, np.uint32):
        if low >= 0 and high <= np.iinfo(kind).max:
            return np.dtype(kind)
    return np.dtype(np.int64)
