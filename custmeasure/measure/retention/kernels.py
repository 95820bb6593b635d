"""The loops behind retention, compiled: who joined when, and in which periods each came back.

They see plain arrays, so that every engine can call them. Instants are µs; ``bounds`` are the instants
at which the periods begin (and the last one ends). A unit's period 0 lies before the first bound.
Filling the masks and the grid may be done part by part: grids of different units add up.
"""

# Numba takes arrays by position and finds their types itself.
# ruff: noqa: ANN001, ANN202
# mypy: allow-untyped-defs, allow-untyped-decorators, allow-untyped-calls

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

Int64 = npt.NDArray[np.int64]
UInt64 = npt.NDArray[np.uint64]
Flags = npt.NDArray[np.bool_]

MODES = ("on", "on_or_after", "on_or_before")
WORD = 64  # periods that one number holds, a bit each
_FIRST_SLOTS = 1 << 14


@dataclass(frozen=True)
class Rule:
    """What counts as coming back.

    Attributes
    ----------
    mode
        One of `MODES`.
    first
        Whether a unit joins once, or in every period in which it starts.
    times
        How often a unit must return within a cell's own time.
    width
        µs of a period that runs from the unit's own start; 0 where periods are those of the calendar.
    ends
        (n_cells - 1,) the last period of each cell after cell 0.
    """

    mode: str
    first: bool
    times: int
    width: int
    ends: Int64

    @property
    def numbers(self) -> tuple[int, bool, int, int]:
        """The rule as the compiled loops take it."""
        return MODES.index(self.mode), self.first, self.times, self.width


@dataclass
class Masks:
    """Every unit seen, and in which periods it started and returned, a bit a period.

    Attributes
    ----------
    keys
        (n_slots,) hashes of units; 0 is a free slot.
    starts, returns
        (n_slots, n_words); the same array where everything that starts also returns.
    n_units, n_nobody
        Units seen; rows that name no unit.
    """

    keys: UInt64
    starts: UInt64
    returns: UInt64
    n_units: int = 0
    n_nobody: int = 0

    @classmethod
    def empty(cls, n_periods: int, alike: bool) -> "Masks":
        """Return masks of nobody, for periods 0 … ``n_periods``."""
        shape = (_FIRST_SLOTS, n_periods // WORD + 1)
        starts = np.zeros(shape, np.uint64)
        returns = starts if alike else np.zeros(shape, np.uint64)
        return cls(np.zeros(_FIRST_SLOTS, np.uint64), starts, returns)

    @property
    def alike(self) -> bool:
        """Whether everything that starts also returns."""
        return self.starts is self.returns

    def add(
        self, units: UInt64, at: Int64, bounds: Int64, starts: Flags | None, returns: Flags | None
    ) -> None:
        """Note rows (n_rows,): hashes of units (0 is nobody), instants, and what each row is."""
        done = 0
        while done < len(units):
            if 2 * self.n_units >= len(self.keys):
                self._grow()
            room = len(self.keys) // 4 * 3 - self.n_units
            if starts is None or returns is None:
                seen = _note(units, at, bounds, done, room, self.keys, self.starts)
            else:
                seen = _note_both(
                    units, at, bounds, starts, returns, done, room, self.keys, self.starts,
                    self.returns,
                )  # fmt: skip
            done, fresh, nobody = seen
            self.n_units += fresh
            self.n_nobody += nobody

    def _grow(self) -> None:
        n_slots = 4 * len(self.keys)
        keys = np.zeros(n_slots, np.uint64)
        places = _places(self.keys, keys)
        taken = places >= 0
        moved = [
            np.zeros((n_slots, self.starts.shape[1]), np.uint64) for _ in range(2 - self.alike)
        ]
        for old, new in zip((self.starts, self.returns), moved, strict=False):
            new[places[taken]] = old[taken]
        self.keys, self.starts, self.returns = keys, moved[0], moved[-1]

    def grid(self, n_cohorts: int, n_periods: int, rule: Rule) -> Int64:
        """Return (n_cohorts, n_cells + 1) units, as `count_rows` does."""
        grid = np.zeros((1, n_cohorts, len(rule.ends) + 2), np.int64)
        mode, first, times, _ = rule.numbers
        _count_masks(self.starts, self.returns, n_periods, mode, first, times, rule.ends, grid)
        return np.asarray(grid[0], np.int64)


def count_rows(
    units: UInt64,
    at: Int64,
    starts: Flags,
    returns: Flags,
    segments: Int64,
    bounds: Int64,
    rule: Rule,
    grid: Int64,
) -> None:
    """Add the cells of rows, sorted by unit and then by instant, to ``grid``.

    Parameters
    ----------
    units, at, starts, returns
        (n_rows,) hashes, instants, and whether a row starts or returns; every unit's rows together.
    segments
        (n_rows,) the segment of each row; a cohort belongs to that of its first start.
    bounds
        (n_periods + 1,) instants.
    rule
        What counts.
    grid
        (n_segments, n_cohorts, n_cells + 1): column 0 is the cohort's size; the last one holds what lies
        beyond the last cell. In mode ``on_or_after`` a unit adds one at its last return, in
        ``on_or_before`` at its first: `cumulated` adds these up.
    """
    _count_rows(units, at, starts, returns, segments, bounds, *rule.numbers, rule.ends, grid)


def cumulated(grid: Int64, mode: str) -> Int64:
    """Return (…, n_cells) units of each cell."""
    cells = grid.copy()
    if mode == "on_or_after":
        cells[..., 1:] = cells[..., :0:-1].cumsum(axis=-1)[..., ::-1]
    if mode == "on_or_before":
        cells[..., 1:] = cells[..., 1:].cumsum(axis=-1)
    return cells[..., :-1]


@numba.njit(cache=True, nogil=True)
def _slot(key, keys):
    """Return where a key lies, or the free slot where it would."""
    last = len(keys) - 1
    # Fibonacci hashing (Knuth, TAOCP vol. 3, sec. 6.4): ids that are no hashes spread as well.
    slot = ((key * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(16)) & np.uint64(last)
    while keys[slot] != 0 and keys[slot] != key:
        slot = (slot + np.uint64(1)) & np.uint64(last)
    return slot


@numba.njit(cache=True, nogil=True)
def _note(units, at, bounds, done, room, keys, masks):
    """Note rows from ``done`` on until ``room`` new units have come; return where it stopped."""
    period, low, high = 0, np.int64(-(2**62)), bounds[0]
    fresh = nobody = 0
    for row in range(done, len(units)):
        if units[row] == 0:
            nobody += 1
            continue
        if at[row] < low or at[row] >= high:
            period = np.searchsorted(bounds, at[row], "right")
            low = bounds[period - 1] if period else np.int64(-(2**62))
            high = bounds[period] if period < len(bounds) else np.int64(2**62)
        slot = _slot(units[row], keys)
        if keys[slot] == 0:
            if fresh == room:
                return row, fresh, nobody
            keys[slot] = units[row]
            fresh += 1
        masks[slot, period >> 6] |= np.uint64(1) << np.uint64(period & 63)
    return len(units), fresh, nobody


@numba.njit(cache=True, nogil=True)
def _note_both(units, at, bounds, starts, returns, done, room, keys, joined, back):
    """Note rows as `_note` does, where some start and some return."""
    fresh = nobody = 0
    for row in range(done, len(units)):
        if units[row] == 0:
            nobody += 1
            continue
        period = np.searchsorted(bounds, at[row], "right")
        slot = _slot(units[row], keys)
        if keys[slot] == 0:
            if fresh == room:
                return row, fresh, nobody
            keys[slot] = units[row]
            fresh += 1
        bit = np.uint64(1) << np.uint64(period & 63)
        if starts[row]:
            joined[slot, period >> 6] |= bit
        if returns[row]:
            back[slot, period >> 6] |= bit
    return len(units), fresh, nobody


@numba.njit(cache=True, nogil=True)
def _places(old, keys):
    """Put old keys into a larger table; return where each went, -1 for a free slot."""
    places = np.full(len(old), -1, np.int64)
    for i in range(len(old)):
        if old[i] != 0:
            slot = _slot(old[i], keys)
            keys[slot] = old[i]
            places[i] = slot
    return places


@numba.njit(cache=True, nogil=True)
def _count_masks(starts, returns, n_periods, mode, first, times, ends, grid):
    """Unfold each unit's bits into its periods, and count them."""
    period = np.zeros(n_periods + 1, np.int64)
    joined = np.zeros(n_periods + 1, np.bool_)
    back = np.zeros(n_periods + 1, np.bool_)
    segments = np.zeros(n_periods + 1, np.int64)
    for slot in range(len(starts)):
        n = 0
        for word in range(starts.shape[1]):
            both = starts[slot, word] | returns[slot, word]
            if both == 0:
                continue
            for bit in range(64):
                one = np.uint64(1) << np.uint64(bit)
                if both < one:
                    break
                if both & one:
                    period[n] = 64 * word + bit
                    joined[n] = (starts[slot, word] & one) != 0
                    back[n] = (returns[slot, word] & one) != 0
                    n += 1
        if n:
            _unit(period, period, joined, back, segments, 0, n, mode, first, times, 1, ends, grid)


@numba.njit(cache=True, nogil=True)
def _count_rows(
    units, at, starts, returns, segments, bounds, mode, first, times, width, ends, grid
):
    period = np.searchsorted(bounds, at, "right")
    clock, step = (at, width) if width else (period, 1)
    low = 0
    while low < len(units):
        high = low + 1
        while high < len(units) and units[high] == units[low]:
            high += 1
        _unit(
            period,
            clock,
            starts,
            returns,
            segments,
            low,
            high,
            mode,
            first,
            times,
            step,
            ends,
            grid,
        )
        low = high


@numba.njit(cache=True, nogil=True)
def _unit(
    period, clock, starts, returns, segments, low, high, mode, first, times, step, ends, grid
):
    """Add one unit to each of its cohorts."""
    row = low
    while row < high:
        if not starts[row]:
            row += 1
            continue
        cohort = period[row]
        if 1 <= cohort <= grid.shape[1]:
            cells = grid[segments[row], cohort - 1]
            cells[0] += 1
            _returned(clock, returns, row, high, mode, times, step, ends, cells)
        if first:
            return
        while row < high and period[row] == cohort:
            row += 1


@numba.njit(cache=True, nogil=True)
def _returned(clock, returns, row, high, mode, times, step, ends, cells):
    """Add one unit of one cohort to the cells in which it came back often enough."""
    beyond = len(ends) + 1
    cell = seen = 0
    earliest = latest = 0
    for i in range(row + 1, high + 1):
        here = 0
        if i < high:
            if not returns[i]:
                continue
            k = (clock[i] - clock[row]) // step
            if k == 0:
                continue
            here = k if k < beyond and ends[k - 1] == k else 1 + np.searchsorted(ends, k)
        if here != cell:
            if cell and seen >= times:
                if mode == 0 and cell < beyond:
                    cells[cell] += 1
                earliest = earliest if earliest else cell
                latest = cell
            cell, seen = here, 0
        seen += 1
    if mode == 1 and latest:
        cells[latest] += 1
    if mode == 2 and 0 < earliest < beyond:
        cells[earliest] += 1
