"""Periods on the wall clock of a time zone, and the instants at which they begin.

A cohort is named by its period's first moment on the wall clock. Instants are µs since 1970 in UTC, so
that counting needs no calendar: a day of 23 or 25 hours is as long as its two ends say.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

PERIODS = ("hour", "day", "week", "month")
WEEK_STARTS = ("monday", "sunday")

Int64 = npt.NDArray[np.int64]

_FREQUENCY = {"hour": "h", "day": "D", "month": "M"}
_WEEKS = {"monday": "W-SUN", "sunday": "W-SAT"}  # pandas names a week by its last day
_HOUR = 3_600_000_000  # µs
_ROLLING = {"hour": _HOUR, "day": 24 * _HOUR, "week": 7 * 24 * _HOUR, "month": 30 * 24 * _HOUR}
_MICRO = dt.timedelta(microseconds=1)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def frequency(period: str, week_start: str = "monday") -> str:
    """Return pandas' code of a period."""
    return _WEEKS[week_start] if period == "week" else _FREQUENCY[period]


def rolling_width(period: str) -> int:
    """Return the µs of a period that runs from each unit's own start: a month is 30 times 24 hours."""
    return _ROLLING[period]


def micros(instant: dt.datetime) -> int:
    """Return an instant as µs since 1970 in UTC."""
    return (instant - _EPOCH) // _MICRO


@dataclass(frozen=True)
class Calendar:
    """Consecutive periods in a time zone.

    Attributes
    ----------
    periods
        (n_periods,) the periods.
    bounds
        (n_periods + 1,) the instants (µs) at which each begins, and at which the last one ends.
    """

    periods: pd.PeriodIndex
    bounds: Int64

    @classmethod
    def of(cls, first: dt.datetime, last: dt.datetime, freq: str, timezone: str) -> Self:
        """Return the periods from that of ``first`` to that of ``last`` (wall clock)."""
        periods = pd.period_range(pd.Period(first, freq), pd.Period(last, freq))
        walls = periods.union(periods[-1:] + 1).to_timestamp()
        summer = np.ones(len(walls), bool)  # of an hour that comes twice the first
        begun = walls.tz_localize(timezone, ambiguous=summer, nonexistent="shift_forward")
        bounds = begun.tz_convert("UTC").as_unit("us").asi8
        return cls(periods, np.maximum.accumulate(bounds))

    def __len__(self) -> int:
        return len(self.periods)

    def place(self, wall: dt.datetime | dt.date) -> int:
        """Return which period ``wall`` falls into: 0 is the first, -1 before it."""
        return int(self.periods.to_timestamp().searchsorted(pd.Timestamp(wall), "right")) - 1
