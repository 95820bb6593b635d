"""The loops of `kernels` over the rows of some units, wherever these lie; grids of different units add up."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from custmeasure.engine.ahead import ahead
from custmeasure.measure.retention import kernels
from custmeasure.measure.retention.calendar import Int64
from custmeasure.measure.retention.kernels import Masks, Rule, UInt64

# A power of 2: each notes the units of one part, so that no two write to one table.
THREADS = 1 << min(2, (os.cpu_count() or 1).bit_length() - 1)

Rows: TypeAlias = pa.RecordBatch | pa.Table
Counted: TypeAlias = tuple[Int64, int]  # a grid, and the rows that name no unit


@dataclass(frozen=True)
class MaskPart:
    """Counts rows that come in whatever order: ``unit, moment`` (and ``starts, returns``).

    Attributes
    ----------
    bounds
        The instants at which the periods begin.
    until
        The last instant that is known.
    n_periods, n_cohorts
        How many there are.
    rule
        What counts.
    alike
        Whether everything that starts also returns.
    """

    bounds: Int64
    until: int
    n_periods: int
    n_cohorts: int
    rule: Rule
    alike: bool

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Counted:
        """Return (1, n_cohorts, n_cells + 1) units."""
        masks = [Masks.empty(self.n_periods, self.alike, k, THREADS) for k in range(THREADS)]
        n_nobody = 0
        with ThreadPoolExecutor(THREADS) as pool:
            for batch in ahead(batches):
                rows, without = _known(batch, self.until)
                n_nobody += without
                flags = () if self.alike else (_flags(rows, 2), _flags(rows, 3))
                given = (_keys(rows), rows[1].to_numpy(), self.bounds, self.until, *flags)
                noted = [pool.submit(each.add, *given) for each in masks]
                for each in noted:
                    each.result()
            grids = pool.map(lambda each: each.grid(self.n_cohorts, self.rule), masks)
            return np.sum(list(grids), axis=0)[None], n_nobody


@dataclass(frozen=True)
class SortedPart:
    """Counts rows sorted by unit and instant: ``unit, moment, starts, returns, segment``.

    Attributes
    ----------
    bounds
        The instants at which the periods begin.
    codes
        (n_segments,) the hashes of the segments.
    n_cohorts
        How many there are.
    rule
        What counts.
    """

    bounds: Int64
    codes: UInt64
    n_cohorts: int
    rule: Rule

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Counted:
        """Return (n_segments, n_cohorts, n_cells + 1) units."""
        grid = np.zeros((len(self.codes), self.n_cohorts, len(self.rule.ends) + 2), np.int64)
        order = np.argsort(self.codes)
        n_nobody = 0
        for rows in _whole_units(ahead(batches)):
            known, without = _known(rows)
            n_nobody += without
            segments = order[np.searchsorted(self.codes[order], known[4].to_numpy())]
            kernels.count_rows(
                _keys(known), known[1].to_numpy(), _flags(known, 2), _flags(known, 3), segments,
                self.bounds, self.rule, grid,
            )  # fmt: skip
        return grid, n_nobody


def added(parts: Sequence[Counted]) -> Counted:
    """Return the grids of parts that share no unit, added up."""
    return np.sum([grid for grid, _ in parts], axis=0), sum(n_nobody for _, n_nobody in parts)


def _whole_units(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Yield sorted rows so that no unit is cut in two."""
    kept: pa.Table | None = None
    for batch in batches:
        new = pa.Table.from_batches([batch])
        rows = new if kept is None else pa.concat_tables([kept, new])
        cut = _last_unit(rows[0])
        yield rows.slice(0, cut)
        kept = rows.slice(cut)
    if kept is not None:
        yield kept


def _last_unit(units: pa.ChunkedArray) -> int:
    """Return the row where the last unit begins; those who are nobody stand together too."""
    if not len(units):
        return 0
    keys = units.fill_null(0).to_numpy() if units.null_count else units.to_numpy()
    changes = np.flatnonzero(keys[1:] != keys[:-1])
    return int(changes[-1]) + 1 if len(changes) else 0


def _known(rows: Rows, until: int | None = None) -> tuple[Rows, int]:
    """Return the rows that name a unit and an instant, and how many (up to ``until``) name no unit."""
    if not rows[0].null_count and not rows[1].null_count:
        return rows, 0
    dated = rows.filter(pc.is_valid(rows[1]))
    nobody = pc.is_null(dated[0])
    within = nobody if until is None else pc.and_(nobody, pc.less_equal(dated[1], until))
    return dated.filter(pc.invert(nobody)), int(pc.sum(within).as_py() or 0)


def _keys(rows: Rows) -> UInt64:
    return np.asarray(rows[0].to_numpy()).view(np.uint64)


def _flags(rows: Rows, place: int) -> np.ndarray:
    column = rows[place]
    whole = isinstance(rows, pa.Table)
    return np.asarray(column.to_numpy() if whole else column.to_numpy(zero_copy_only=False))
