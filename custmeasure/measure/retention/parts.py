"""The loops of `kernels` over the rows of some units, wherever these lie; grids of different units add up."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from custmeasure.measure.retention import kernels
from custmeasure.measure.retention.calendar import Int64
from custmeasure.measure.retention.kernels import Masks, Rule, UInt64

Counted = tuple[Int64, int]  # a grid, and the rows that name no unit


@dataclass(frozen=True)
class MaskPart:
    """Counts rows that come in whatever order: ``unit, moment`` (and ``starts, returns``).

    Attributes
    ----------
    bounds
        The instants at which the periods begin.
    n_periods, n_cohorts
        How many there are.
    rule
        What counts.
    alike
        Whether everything that starts also returns.
    """

    bounds: Int64
    n_periods: int
    n_cohorts: int
    rule: Rule
    alike: bool

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Counted:
        """Return (1, n_cohorts, n_cells + 1) units."""
        masks = Masks.empty(self.n_periods, self.alike)
        for batch in batches:
            starts, returns = (None, None) if self.alike else (_flags(batch, 2), _flags(batch, 3))
            masks.add(batch[0].to_numpy(), batch[1].to_numpy(), self.bounds, starts, returns)
        return masks.grid(self.n_cohorts, self.n_periods, self.rule)[None], masks.n_nobody


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
        for rows in _whole_units(batches):
            units = rows[0].to_numpy()
            n_nobody += int((units == 0).sum())
            known = units != 0
            segments = order[np.searchsorted(self.codes[order], rows[4].to_numpy()[known])]
            kernels.count_rows(
                units[known], rows[1].to_numpy()[known], _flags(rows, 2)[known],
                _flags(rows, 3)[known], segments, self.bounds, self.rule, grid,
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
        units = rows[0].to_numpy()
        cut = int(np.searchsorted(units, units[-1])) if len(units) else 0
        yield rows.slice(0, cut)
        kept = rows.slice(cut)
    if kept is not None:
        yield kept


def _flags(rows: pa.RecordBatch | pa.Table, place: int) -> np.ndarray:
    column = rows[place]
    return np.asarray(
        column.to_numpy() if isinstance(rows, pa.Table) else column.to_numpy(zero_copy_only=False)
    )
