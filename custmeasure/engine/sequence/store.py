"""Events kept until all have come: in parts that hold whole units, numbers in few bytes."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from custmeasure.engine.sequence.compiled import divided

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
        order, bounds, seen, several = divided(unit, mask, self._n_parts, self.keep_all)
        self.seen |= int(seen)
        self.several |= bool(several)
        self._batches.append((tuple(narrow(c)[order] for c in (unit, mask, *others)), bounds))

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


def narrow(column: Array) -> Array:
    """Return whole numbers in as few bytes as hold them all."""
    if column.dtype != np.int64 or not len(column):
        return column
    low, high = int(column.min()), int(column.max())
    if low < 0 or high >= 2**32:
        return column
    return column.astype(np.min_scalar_type(high))
