"""From rows to the cells of a retention table: the engine reads, the loops of `kernels` count.

Where a cell asks only whether somebody returned in a period of the calendar, each unit is a few bits in
memory and the rows pass by in whatever order. Otherwise the engine sorts them by unit and instant.
"""

import datetime as dt
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from custmeasure import dates
from custmeasure.engine import Filter, Table, extent, in_parts, query
from custmeasure.errors import UsageError
from custmeasure.measure.retention import kernels
from custmeasure.measure.retention.calendar import Calendar, Int64
from custmeasure.measure.retention.kernels import Flags, Rule
from custmeasure.measure.retention.parts import MaskPart, SortedPart, added
from custmeasure.measure.retention.plan import Plan

NONE = "(none)"
MOST_CELLS = 3_000_000
_MOST_WORDS = 8  # of 64 periods a unit

# Rows that come in whatever order are left out by the loop, which is faster than leaving them out here.
_PASSING = "SELECT unit, moment FROM rows"
_PASSING_BOTH = "SELECT unit, moment, starts, returns FROM rows"
_KNOWN = """
    FROM rows
    WHERE moment <= $until AND (starts OR returns)
    ORDER BY unit, moment"""
_SORTED = "SELECT unit, moment, starts, returns, CAST(0 AS UBIGINT) AS segment" + _KNOWN
# Of starts at one instant the first by the segment's name counts, on every engine.
_SORTED_SPLIT = (
    "SELECT unit, moment, starts, returns, hash(segment) AS segment" + _KNOWN + ", rows.segment"
)
_SEGMENTS = """
    SELECT segment, hash(segment) AS code FROM rows GROUP BY ALL ORDER BY segment NULLS LAST"""


@dataclass(frozen=True)
class Log:
    """What is counted: rows named unit, moment, starts, returns (and segment)."""

    rows: Table
    at: str
    as_of: dt.datetime | None
    alike: bool
    split: bool

    @classmethod
    def of(
        cls,
        table: Table,
        unit: str,
        at: str,
        as_of: dt.datetime | None,
        starts: tuple[Filter, ...],
        returns: tuple[Filter, ...],
        by: str | None,
    ) -> "Log":
        """Pick the columns of ``table`` that are needed."""
        columns = {"unit": (unit, "key"), "moment": (at, "micros")}
        if by:
            columns["segment"] = (by, "text")
        rows = table.pick(**columns)
        alike = starts == returns
        if alike:
            rows, starts, returns = rows.keep(starts), (), ()
        return cls(rows.flag(starts=starts, returns=returns), at, as_of, alike, bool(by))

    def span(self) -> tuple[dt.datetime, dt.datetime] | None:
        """Return the first moment and the last that is known, on the wall clock; None without rows."""
        first, last = extent(self.rows, self.at)
        if first is None or last is None or (self.as_of is not None and first > self.as_of):
            return None
        zone = dates.zone(self.rows.timezone)
        until = last if self.as_of is None else self.as_of
        return tuple(each.astimezone(zone).replace(tzinfo=None) for each in (first, until))  # type: ignore[return-value]

    def segments(self) -> tuple[list[str], np.ndarray]:
        """Return the segments' names and hashes."""
        if not self.split:
            return [""], np.zeros(1, np.uint64)
        found = query(_SEGMENTS, rows=self.rows)
        names = [NONE if name is None else name for name in found["segment"].to_pylist()]
        return names, found["code"].to_numpy()


@dataclass(frozen=True)
class Cells:
    """Counted cells.

    Attributes
    ----------
    segments
        The names of the segments; one, ``""``, where nothing is split.
    counts
        (n_segments, n_cohorts, n_cells): column 0 is the cohort's size.
    cohorts
        (n_cohorts,) the first moment of each cohort's period on the wall clock.
    ends
        (n_cells - 1,) the last period of each cell after cell 0.
    begun, mature
        (n_cohorts, n_cells): has the cell's time begun for anybody, is it over for everybody?
    """

    segments: list[str]
    counts: Int64
    cohorts: pd.DatetimeIndex
    ends: Int64
    begun: Flags
    mature: Flags

    def trimmed(self, head: bool, tail: bool) -> "Cells":
        """Return the cells without the cohorts of nobody before the first and after the last."""
        sizes = self.counts[:, :, 0].sum(axis=0)
        alive = np.flatnonzero(sizes) if sizes.any() else np.arange(len(sizes))
        first = alive[0] if head and len(alive) else 0
        until = alive[-1] + 1 if tail and len(alive) else len(sizes)
        return replace(
            self,
            counts=self.counts[:, first:until],
            cohorts=self.cohorts[first:until],
            begun=self.begun[first:until],
            mature=self.mature[first:until],
        )


def count_cells(log: Log, plan: Plan) -> tuple[Cells | None, int]:
    """Count the cells that ``plan`` asks for, and the rows that name no unit; None where there is none.

    Raises
    ------
    UsageError
        When the table would have millions of cells.
    """
    calendar = plan.calendar(log.span())
    n_cohorts = plan.n_cohorts(calendar) if calendar else 0
    if calendar is None or n_cohorts < 1:
        return None, 0
    rule = plan.rule(calendar)
    names, counts, n_nobody = _counted(log, calendar, n_cohorts, rule, plan.known(calendar))
    cells = Cells(
        names,
        counts,
        calendar.periods[:n_cohorts].to_timestamp(),
        rule.ends,
        plan.begun(calendar, n_cohorts, rule),
        plan.mature(calendar, n_cohorts, rule),
    )
    return cells.trimmed(plan.first is None, plan.last is None), n_nobody


def _counted(
    log: Log, calendar: Calendar, n_cohorts: int, rule: Rule, until: int
) -> tuple[list[str], Int64, int]:
    """Count the cells of the first ``n_cohorts`` periods from what is known ``until`` an instant.

    Raises
    ------
    UsageError
        When the table would have millions of cells.
    """
    names, codes = log.segments()
    if len(names) * n_cohorts * len(rule.ends) > MOST_CELLS:
        raise UsageError(
            ko="기간에 비해 단위(period)가 너무 짧아 표가 너무 큽니다. 더 긴 단위를 고르거나 "
            "start를 늦추십시오.",
            en="The period is too short for so long a time: the table would be too large. Choose a "
            "longer period or a later start.",
        )
    bits = not log.split and not rule.width and rule.times == 1
    if bits and len(calendar) < _MOST_WORDS * kernels.WORD:
        some = MaskPart(calendar.bounds, until, len(calendar), n_cohorts, rule, log.alike)
        parts = in_parts(some, "unit", _PASSING if log.alike else _PASSING_BOTH, rows=log.rows)
    else:
        text, bound = _SORTED_SPLIT if log.split else _SORTED, {"until": until}
        whole = SortedPart(calendar.bounds, codes, n_cohorts, rule)
        parts = in_parts(whole, "unit", text, bound, rows=log.rows)
    grid, n_nobody = added(parts)
    return names, kernels.cumulated(grid, rule.mode), n_nobody
