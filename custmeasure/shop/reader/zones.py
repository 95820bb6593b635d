"""From the clock on the wall to UTC, by one rule that loses nothing.

A time that a clock shows twice (the hour repeated in autumn) is read as the first one. A time that no
clock shows (the hour skipped in spring) is read one gap later, as a clock that was not set would say it:
02:30 becomes 03:30. Both are counted.
"""

import datetime as dt
import functools
import itertools
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from custmeasure import dates

Longs = npt.NDArray[np.int64]

_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class Shifted(NamedTuple):
    """Instants in UTC (µs), and how many had to be decided by the rule."""

    micros: Longs
    n_gap: int
    n_fold: int


def to_utc(wall: Longs, timezone: str) -> Shifted:
    """Return the instants at which clocks in ``timezone`` show ``wall`` (µs since 1970)."""
    if not len(wall):
        return Shifted(wall, 0, 0)
    first, last = int(wall.min()) // _DAY, int(wall.max()) // _DAY
    days = range(first - 2, last + 3)
    changes = [c for a, b in itertools.pairwise(days) for c in _changes(a, b, timezone)]
    if not changes:
        return Shifted(wall - _offset(days[0] * _DAY, timezone), 0, 0)
    offsets = np.array([_offset(days[0] * _DAY, timezone), *(after for _, _, after in changes)])
    begins = np.array([at + max(before, after) for at, before, after in changes], np.int64)
    micros = wall - offsets[np.searchsorted(begins, wall, side="right")]
    n_gap = sum(_between(wall, at + before, at + after) for at, before, after in changes)
    n_fold = sum(_between(wall, at + after, at + before) for at, before, after in changes)
    return Shifted(micros, n_gap, n_fold)


def _between(wall: Longs, first: int, end: int) -> int:
    return int(((wall >= first) & (wall < end)).sum()) if first < end else 0


@functools.lru_cache(maxsize=100_000)
def _changes(day: int, next_day: int, timezone: str) -> tuple[tuple[int, int, int], ...]:
    """Return (instant, offset before, offset after) of the changes between two UTC midnights."""
    low, high = day * _DAY, next_day * _DAY
    before, after = _offset(low, timezone), _offset(high, timezone)
    if before == after:
        return ()
    while high - low > _SECOND:
        middle = (low + high) // (2 * _SECOND) * _SECOND
        low, high = (low, middle) if _offset(middle, timezone) != before else (middle, high)
    return ((high, before, after),)


@functools.lru_cache(maxsize=100_000)
def _offset(micros: int, timezone: str) -> int:
    moment = _EPOCH + dt.timedelta(microseconds=micros)
    offset = moment.astimezone(dates.zone(timezone)).utcoffset()
    return (offset or dt.timedelta()) // dt.timedelta(microseconds=1)
