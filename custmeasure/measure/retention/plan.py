"""What was asked of a retention table: checked once, then turned into periods, cells and their ends."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from custmeasure.errors import UsageError
from custmeasure.measure.retention.calendar import (
    Calendar,
    Int64,
    frequency,
    micros,
    rolling_width,
)
from custmeasure.measure.retention.kernels import Flags, Rule

COHORTS = ("first", "recurring")
CLOCKS = ("calendar", "rolling")

_DAY = dt.timedelta(days=1)
_MICRO = dt.timedelta(microseconds=1)
_NEVER = np.int64(2**62)


@dataclass(frozen=True)
class Plan:
    """The rules of one table.

    Attributes
    ----------
    period, week_start, clock
        What a period is.
    mode, cohort, times
        Who comes back, who joins, and how often one must return within a cell.
    brackets
        The last period of each cell; empty where every period is a cell.
    first, last
        The days of the first and the last cohort.
    as_of
        The last known instant.
    timezone
        Where days begin.
    """

    period: str
    timezone: str
    week_start: str = "monday"
    clock: str = "calendar"
    mode: str = "on"
    cohort: str = "first"
    times: int = 1
    brackets: tuple[int, ...] = ()
    first: dt.date | None = None
    last: dt.date | None = None
    as_of: dt.datetime | None = None

    @property
    def width(self) -> int:
        """µs of a rolling period; 0 where the calendar counts."""
        return rolling_width(self.period) if self.clock == "rolling" else 0

    def calendar(self, span: tuple[dt.datetime, dt.datetime] | None) -> Calendar | None:
        """Return the periods from the first cohort to the last known moment; None without any."""
        if span is None:
            return None
        begin, until = span
        freq = frequency(self.period, self.week_start)
        if self.first is not None:
            begin = dt.datetime.combine(self.first, dt.time())
        if pd.Period(begin, freq) > pd.Period(until, freq):
            return None
        return Calendar.of(begin, until, freq, self.timezone)

    def n_cohorts(self, calendar: Calendar) -> int:
        """Return how many of the calendar's periods are cohorts."""
        if self.last is None:
            return len(calendar)
        wall = dt.datetime.combine(self.last + _DAY, dt.time()) - _MICRO
        return min(len(calendar), calendar.place(wall) + 1)

    def rule(self, calendar: Calendar) -> Rule:
        """Return what the loops count; without brackets every period that can be is a cell."""
        most = len(calendar) - 1
        if self.width:
            most = int(self.known(calendar) - calendar.bounds[0]) // self.width
        ends = np.array(self.brackets or range(1, most + 1), np.int64)
        return Rule(self.mode, self.cohort == "first", self.times, self.width, ends)

    def known(self, calendar: Calendar) -> int:
        """Return the instant (µs) up to which all is known; the calendar's end when nobody said."""
        return int(calendar.bounds[-1]) - 1 if self.as_of is None else micros(self.as_of)

    def begun(self, calendar: Calendar, n_cohorts: int, rule: Rule) -> Flags:
        """Return (n_cohorts, n_cells): has the cell's time begun for anybody?"""
        k = np.concatenate([[0], 1 + np.concatenate([[0], rule.ends])[:-1]])
        if self.width:
            begins = calendar.bounds[:n_cohorts, None] + k * self.width
        else:
            begins = _begins(calendar, n_cohorts, k)
        return np.asarray(begins <= self.known(calendar))

    def mature(self, calendar: Calendar, n_cohorts: int, rule: Rule) -> Flags:
        """Return (n_cohorts, n_cells): is the cell's time over for everybody?"""
        k = np.concatenate([[0], rule.ends])
        if self.width:  # the last one may have joined when the cohort's period ended
            ends = calendar.bounds[1 : n_cohorts + 1, None] + (k + (k > 0)) * self.width
        else:
            ends = _begins(calendar, n_cohorts, k + 1)
        return np.asarray(ends - 1 <= self.known(calendar))


def _begins(calendar: Calendar, n_cohorts: int, k: Int64) -> Int64:
    """Return (n_cohorts, n_cells) instants at which the k-th period of a cohort begins."""
    places = np.arange(n_cohorts)[:, None] + k
    inside = places < len(calendar.bounds)
    return np.where(inside, calendar.bounds[np.where(inside, places, 0)], _NEVER)


def check_brackets(brackets: object) -> tuple[int, ...]:
    """Return the last periods of the cells, rising from 1 or later.

    Raises
    ------
    UsageError
        When they are not.
    """
    if brackets is None:
        return ()
    ends = (
        tuple(brackets) if isinstance(brackets, Sequence) and not isinstance(brackets, str) else ()
    )
    whole = all(isinstance(end, int) and not isinstance(end, bool) for end in ends)
    if ends and whole and ends[0] >= 1 and list(ends) == sorted(set(ends)):
        return ends
    raise UsageError(
        ko=f"brackets {brackets!r}: 1 이상에서 커지는 정수 목록이어야 합니다. "
        "예: [1, 3, 7]은 1, 2~3, 4~7입니다.",
        en=f"brackets {brackets!r} must be a list of whole numbers that rise from 1 or more: [1, 3, 7] "
        "means 1, 2 to 3, and 4 to 7.",
    )


def check_times(times: object) -> int:
    """Return how often a unit must return.

    Raises
    ------
    UsageError
        When it is not a whole number from 1 on.
    """
    if isinstance(times, int) and not isinstance(times, bool) and times >= 1:
        return times
    raise UsageError(
        ko=f"min_occurrences {times!r}: 1 이상의 정수여야 합니다.",
        en=f"min_occurrences {times!r} must be a whole number, 1 or more.",
    )


def check_by(by: str | None, columns: Sequence[str]) -> None:
    """Refuse to split by a column that the answer itself has.

    Raises
    ------
    UsageError
        When ``by`` is one of ``columns``.
    """
    if by in columns:
        raise UsageError(
            ko=f"by={by!r}: 결과의 열 이름과 같습니다. 그 열의 이름을 바꾸십시오.",
            en=f"by={by!r} is a column of the answer itself. Rename that column.",
        )
