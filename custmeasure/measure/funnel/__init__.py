"""Where do visitors stop on the way to a purchase?

A visitor enters with the first step and has ``window`` to take the others. Other events may happen
between the steps. A step needs an event of its own, not earlier than the one before. A visitor who
tries several times counts with the attempt that got furthest. Dates select entries; a conversion may
fall after ``end``. An entry whose window is not over at ``as_of`` is *pending*: neither a success nor a
drop-off, and outside every rate.

Frame, one row a step (and segment): ``n_reached`` visitors; ``step_rate`` ÷ those at the step before;
``overall_rate`` ÷ those at the first step; Wilson intervals; ``median_hours_to_step`` from the step
before, in the best attempt. On the first step there is no step before, so those cells are blank.

>>> FunnelResult.from_counts(["visit", "cart", "buy"], [1000, 300, 60]).said("en")
'6.00% (4.69% to 7.65%) of 1,000 got from visit to buy.'
"""

import datetime as dt
from collections.abc import Sequence

from custmeasure import dates
from custmeasure.engine import MissingTable, Readable, as_table
from custmeasure.engine.sequence import ORDERS
from custmeasure.errors import UsageError, check_choice
from custmeasure.measure.funnel.compare import FunnelChange, FunnelParts, compare_funnels
from custmeasure.measure.funnel.gaps import FunnelGaps, funnel_gaps
from custmeasure.measure.funnel.landing_rule import LandingResult, landing
from custmeasure.measure.funnel.log import Log, reduce_attempts
from custmeasure.measure.funnel.periods import two_periods
from custmeasure.measure.funnel.result import FunnelResult, missing_funnel
from custmeasure.measure.funnel.stops import LastPages, StoppedResult, stopped
from custmeasure.measure.funnel.traits import StoppingResult, stopping
from custmeasure.show.result import missing_verdict

__all__ = [
    "FunnelChange",
    "FunnelGaps",
    "FunnelParts",
    "FunnelResult",
    "LandingResult",
    "LastPages",
    "StoppedResult",
    "StoppingResult",
    "compare_funnels",
    "funnel",
    "funnel_gaps",
    "landing",
    "stopped",
    "stopping",
    "two_periods",
]

TIES = ("together", "later")


def funnel(
    events: Readable,
    steps: Sequence[str],
    *,
    window: str | dt.timedelta,
    start: str | dt.date | None = None,
    end: str | dt.date | None = None,
    as_of: str | dt.date | dt.datetime | None = None,
    by: str | None = None,
    unit: str = "visitor_id",
    order: str = "ordered",
    ties: str = "together",
    target: float | None = None,
    alpha: float = 0.05,
) -> FunnelResult:
    """Count how many units take each step of a funnel.

    Parameters
    ----------
    events
        A shop's table, a pandas frame, an Arrow table or a path, with the contract's columns.
    steps
        The events in order; an event may stand more than once.
    window
        How long a unit may take from the first step, the end included: ``"7d"``.
    start, end
        The days (both included) on which an attempt may begin.
    as_of
        The last instant that is known; the shop's own when not given. Of a bare frame nobody knows
        it: then every window counts as over.
    by
        A column; a unit belongs to its value at the event its best attempt began with.
    unit
        The column that names who is counted.
    order
        ``"ordered"``; ``"strict"`` (nothing between); ``"any"`` (in whatever order: the k-th row counts
        those who took at least k of the steps).
    ties
        ``"together"`` (events of the same instant may follow each other) or ``"later"`` (not with
        ``order="any"``, where no step comes before another).
    target
        The overall rate aimed at.
    alpha
        1 - the confidence of the intervals.

    Returns
    -------
    FunnelResult
        ``definition["n_pending"]`` counts the units left out because their window is not over.

    Raises
    ------
    UnknownName
        For a step, column, order or tie rule that does not exist.
    UsageError
        For a window or a day that cannot be read, no steps, or ``ties="later"`` in any order.
    """
    table = as_table(events)
    if isinstance(table, MissingTable):
        return missing_funnel(list(steps), missing_verdict(table.name))
    names = _names(steps)
    check_choice("order", order, ORDERS)
    check_choice("ties", ties, TIES)
    _check_ties(order, ties)
    length = dates.parse_window(window)
    first, last = dates.parse_span(start, end)
    known = table.as_of if as_of is None else dates.to_instant(as_of, table.timezone)
    log = Log.of(table, unit, by)
    log.check(names)
    attempts, segments = log.walk(
        names,
        length=length,
        order=order,
        later=ties == "later",
        first=dates.day_start(first, table.timezone) if first else None,
        last=dates.day_end(last, table.timezone) if last else None,
        as_of=known,
    )
    parts = reduce_attempts(attempts, segments if by else None)
    counts = {segment: reached for segment, (reached, _) in parts.items()}
    hours = {segment: median for segment, (_, median) in parts.items()}
    nobody = [0] * len(names)
    n_pending = int(attempts.pending.sum())
    return FunnelResult.from_counts(
        names,
        counts if by else counts.get("", nobody),
        median_hours=hours if by else hours.get(""),
        by=by or "segment",
        target=target,
        alpha=alpha,
        definition={
            "unit": unit,
            "window": str(window),
            "order": order,
            "ties": ties,
            "start": first,
            "end": last,
            "as_of": dates.local(known, table.timezone),
            "by": by,
            "timezone": table.timezone,
            "engine": "DuckDB",
            "n_pending": n_pending,
        },
        notes=log.notes(known, n_pending),
    )


def _check_ties(order: str, ties: str) -> None:
    if order == "any" and ties == "later":
        raise UsageError(
            ko="order='any'에서는 앞뒤 단계가 없으므로 ties='later'를 쓸 수 없습니다. ties를 빼십시오.",
            en="With order='any' no step comes before another, so ties='later' says nothing. "
            "Leave ties out.",
        )


def _names(steps: Sequence[str]) -> list[str]:
    """Return the steps' names, refusing what is no list of names."""
    if not isinstance(steps, str) and steps and all(isinstance(step, str) for step in steps):
        return list(steps)
    raise UsageError(
        ko=f"steps {steps!r}: 단계를 차례로 적은 목록이어야 합니다. 예: ['visit', 'purchase'].",
        en=f"steps {steps!r} must be a list of events in order, such as ['visit', 'purchase'].",
    )
