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
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_ZERO = _SPREAD  # the key of an id that is 0, which marks a free slot
_AHEAD = 64  # rows whose slots are looked at before the first is worked on
_PLACES = np.zeros(64, np.int64)
_PLACES[[((1 << bit) * 0x03F79D71B4CB0A89 & (1 << 64) - 1) >> 58 for bit in range(64)]] = range(64)


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
    slots
        (n_slots * width,) slot after slot: a unit's key (0 is a free slot), the periods in which it started
        and, unless everything that starts also returns, those in which it returned. They lie together, so
        that a row touches memory once.
    n_words
        How many numbers hold the bits of one kind.
    alike
        Whether everything that starts also returns.
    part, n_parts
        Which of so many parts of all units these are; their number is a power of 2.
    n_units
        Units seen.
    """

    slots: UInt64
    n_words: int
    alike: bool
    part: int = 0
    n_parts: int = 1
    n_units: int = 0

    @classmethod
    def empty(cls, n_periods: int, alike: bool, part: int = 0, n_parts: int = 1) -> "Masks":
        """Return masks of nobody, for periods 0 … ``n_periods``."""
        n_words = n_periods // WORD + 1
        slots = np.zeros(_FIRST_SLOTS * (1 + n_words * (2 - alike)), np.uint64)
        return cls(slots, n_words, alike, part, n_parts)

    @property
    def width(self) -> int:
        """How many numbers a slot has."""
        return 1 + self.n_words * (2 - self.alike)

    def add(
        self,
        units: UInt64,
        at: Int64,
        bounds: Int64,
        until: int,
        starts: Flags | None = None,
        returns: Flags | None = None,
    ) -> None:
        """Note rows (n_rows,) up to the instant ``until``: keys of units, instants, what each row is.

        Rows of other parts are passed over.
        """
        rows, done = _own(units, self.part, self.n_parts), 0
        while done < len(rows):
            n_slots = len(self.slots) // self.width
            if 10 * self.n_units >= 7 * n_slots:
                self._grow()
                continue
            room = n_slots // 8 * 7 - self.n_units
            if starts is None or returns is None:
                done, fresh, _ = _note(
                    units, at, bounds, until, rows, done, room, self.width, self.slots
                )
            else:
                done, fresh, _ = _note_both(
                    units, at, bounds, until, starts, returns, rows, done, room, self.n_words,
                    self.slots,
                )  # fmt: skip
            self.n_units += fresh

    def _grow(self) -> None:
        larger = np.zeros(2 * len(self.slots), np.uint64)
        _move(self.slots, larger, self.width)
        self.slots = larger

    def grid(self, n_cohorts: int, rule: Rule) -> Int64:
        """Return (n_cohorts, n_cells + 1) units, as `count_rows` does."""
        grid = np.zeros((n_cohorts, len(rule.ends) + 2), np.int64)
        mode, first, *_ = rule.numbers
        slots = self.slots.reshape(-1, self.width)
        _count_masks(slots, self.n_words, mode, first, rule.ends, grid)
        return grid


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
        (n_rows,) keys, instants, and whether a row starts or returns; every unit's rows together.
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
def _own(units, part, n_parts):
    """Return the rows whose units are of a part; no branch, for which part a row is of is chance."""
    rows, n = np.empty(len(units), np.int32), 0
    for row in range(len(units)):
        rows[n] = row
        # The highest bits of the product tell the part, others the slot in it (see `_home`).
        n += (units[row] * _SPREAD >> np.uint64(56)) & np.uint64(n_parts - 1) == part
    return rows[:n]


@numba.njit(cache=True, nogil=True)
def _home(key, last):
    """Return the slot in which a key is looked for first; ``last`` is the last slot."""
    # Fibonacci hashing (Knuth, TAOCP vol. 3, sec. 6.4): ids that are no hashes spread as well.
    return ((key * _SPREAD) >> np.uint64(24)) & last


@numba.njit(cache=True, nogil=True)
def _place(key, width, last, slots):
    """Return where a key's slot lies, or the free slot where it would; ``last`` is the last slot."""
    slot = _home(key, last)
    while True:
        found = slots[slot * width]
        if found == key:
            return slot * width
        if found == 0:
            return slot * width
        slot = (slot + np.uint64(1)) & last


@numba.njit(cache=True, nogil=True)
def _fetch(units, rows, begin, width, last, slots, touched):
    """Look at the slots of the next rows, and return where they end.

    One look does not wait for the other, so that memory answers many at once; the loop that follows, which
    must wait for each, finds them near. ``touched`` is for the compiler, which leaves out what nobody asks.
    """
    end = min(begin + _AHEAD, len(rows))
    for i in range(begin, end):
        touched ^= slots[_home(units[rows[i]], last) * width]
    return end, touched


@numba.njit(cache=True, nogil=True)
def _note(units, at, bounds, until, rows, done, room, n_numbers, slots):
    """Note ``rows`` from ``done`` on until ``room`` new units have come; return where it stopped."""
    width, last = np.uint64(n_numbers), np.uint64(len(slots) // n_numbers - 1)
    low, high = np.int64(-(2**62)), bounds[0]
    word, bit = np.uint64(1), np.uint64(1)
    fresh, fetched, touched = 0, done, np.uint64(0)
    for i in range(done, len(rows)):
        if i == fetched:
            fetched, touched = _fetch(units, rows, i, width, last, slots, touched)
        row = rows[i]
        moment = at[row]
        if moment > until:
            continue
        if moment < low or moment >= high:
            period = np.searchsorted(bounds, moment, "right")
            low = bounds[period - 1] if period else np.int64(-(2**62))
            high = bounds[period] if period < len(bounds) else np.int64(2**62)
            word, bit = np.uint64(1 + (period >> 6)), np.uint64(1) << np.uint64(period & 63)
        key = units[row] if units[row] else _ZERO
        place = _place(key, width, last, slots)
        if slots[place] != key:
            if fresh == room:
                return i, fresh, touched
            slots[place] = key
            fresh += 1
        slots[place + word] |= bit
    return len(rows), fresh, touched


@numba.njit(cache=True, nogil=True)
def _note_both(units, at, bounds, until, starts, returns, rows, done, room, n_words, slots):
    """Note rows as `_note` does, where some start and some return."""
    width = np.uint64(1 + 2 * n_words)
    last = np.uint64(len(slots) // (1 + 2 * n_words) - 1)
    fresh, fetched, touched = 0, done, np.uint64(0)
    for i in range(done, len(rows)):
        if i == fetched:
            fetched, touched = _fetch(units, rows, i, width, last, slots, touched)
        row = rows[i]
        if at[row] > until or not (starts[row] or returns[row]):
            continue
        key = units[row] if units[row] else _ZERO
        place = _place(key, width, last, slots)
        if slots[place] != key:
            if fresh == room:
                return i, fresh, touched
            slots[place] = key
            fresh += 1
        period = np.searchsorted(bounds, at[row], "right")
        word, bit = place + np.uint64(1 + (period >> 6)), np.uint64(1) << np.uint64(period & 63)
        if starts[row]:
            slots[word] |= bit
        if returns[row]:
            slots[word + np.uint64(n_words)] |= bit
    return len(rows), fresh, touched


@numba.njit(cache=True, nogil=True)
def _move(old, new, n_numbers):
    """Put the slots of a table into a larger one."""
    width, last = np.uint64(n_numbers), np.uint64(len(new) // n_numbers - 1)
    for i in range(0, len(old), n_numbers):
        if old[i] != 0:
            place = _place(old[i], width, last, new)
            for j in range(n_numbers):
                new[place + np.uint64(j)] = old[i + j]


@numba.njit(cache=True, nogil=True)
def _lowest(bits):
    """Return the place of the lowest bit that is set: Leiserson, Prokop and Randall (1998)."""
    alone = bits & (~bits + np.uint64(1))
    return _PLACES[(alone * np.uint64(0x03F79D71B4CB0A89)) >> np.uint64(58)]


@numba.njit(cache=True, nogil=True)
def _count_masks(slots, n_words, mode, first, ends, grid):
    """Add every unit to each of its cohorts, straight from its bits."""
    apart = slots.shape[1] - 1 - n_words  # 0 where everything that starts also returns
    for slot in range(len(slots)):
        if slots[slot, 0] == 0:
            continue
        for word in range(n_words):
            started = slots[slot, 1 + word]
            while started:
                bit = _lowest(started)
                started &= started - np.uint64(1)
                cohort = 64 * word + bit
                if 1 <= cohort <= len(grid):
                    grid[cohort - 1, 0] += 1
                    _came_back(
                        slots[slot, 1 + apart :], n_words, word, bit, mode, ends, grid[cohort - 1]
                    )
                if first:
                    started = np.uint64(0)
            if first and slots[slot, 1 + word]:
                break


@numba.njit(cache=True, nogil=True)
def _came_back(bits, n_words, word, bit, mode, ends, cells):
    """Add one unit of one cohort to the cells in whose periods it has a bit after the cohort's own."""
    beyond = len(ends) + 1
    cell = earliest = 0
    left = bits[word] & ~((np.uint64(2) << np.uint64(bit)) - np.uint64(1))
    for here in range(word, n_words):
        if here > word:
            left = bits[here]
        while left:
            k = 64 * (here - word) + _lowest(left) - bit
            left &= left - np.uint64(1)
            found = k if k < beyond and ends[k - 1] == k else 1 + np.searchsorted(ends, k)
            if found != cell and mode == 0 and found < beyond:
                cells[found] += 1
            cell = found
            earliest = earliest if earliest else found
    if mode == 1 and cell:
        cells[cell] += 1
    if mode == 2 and 0 < earliest < beyond:
        cells[earliest] += 1


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
