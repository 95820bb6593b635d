"""Do customers come back?

A unit joins the cohort of the period in which it first started and comes back in period k when it
returns k periods later. Periods are those of the calendar (hour, day, week, month) in the shop's time
zone, or run from each unit's own start (``clock="rolling"``). Cell 0 is the cohort's size. A cell whose
period is not over at ``as_of`` is blank and marked not ``mature``; it is never 0.

Frame, one row a cohort and period (and segment): ``cohort`` (its first day), ``period`` (k, of a bracket
its last one), ``cohort_size``, ``n_retained``, ``retained_rate`` ÷ ``cohort_size`` with its Wilson
interval, ``mature``. The pooled row (`RetentionResult.pooled`) divides by the cohorts that reached k, and
by no others.

Beside it: `cohort_gaps` and `cohort_change` (which cohort is worse, and since when), `order_steps` (1st →
2nd → 3rd order), `lifecycle` (new, current, resurrected, dormant), `value_curve` (cumulative net revenue a
customer), `time_to_next_order` (Kaplan–Meier), `churn_cutoff` (after which silence is a customer lost?),
and `without_cancelled`, which leaves out the orders that were cancelled.
"""

import datetime as dt
from collections.abc import Sequence

from custmeasure import dates
from custmeasure.engine import Filters, MissingTable, Readable, as_table
from custmeasure.errors import check_choice
from custmeasure.measure.retention.calendar import PERIODS, WEEK_STARTS
from custmeasure.measure.retention.change import CohortChange, cohort_change
from custmeasure.measure.retention.count import Log, count_cells
from custmeasure.measure.retention.cutoff import ChurnCutoff, churn_cutoff
from custmeasure.measure.retention.events import as_filters, as_text, check_events
from custmeasure.measure.retention.gaps import CohortGaps, cohort_gaps
from custmeasure.measure.retention.kernels import MODES
from custmeasure.measure.retention.next_order import NextOrder, time_to_next_order
from custmeasure.measure.retention.orders import without_cancelled
from custmeasure.measure.retention.phases import Lifecycle, lifecycle
from custmeasure.measure.retention.plan import (
    CLOCKS,
    COHORTS,
    Plan,
    check_brackets,
    check_by,
    check_times,
)
from custmeasure.measure.retention.result import RetentionResult, missing_retention
from custmeasure.measure.retention.steps import OrderSteps, order_steps
from custmeasure.measure.retention.value import ValueCurve, value_curve
from custmeasure.show.result import missing_verdict

__all__ = [
    "ChurnCutoff",
    "CohortChange",
    "CohortGaps",
    "Lifecycle",
    "NextOrder",
    "OrderSteps",
    "RetentionResult",
    "ValueCurve",
    "churn_cutoff",
    "cohort_change",
    "cohort_gaps",
    "lifecycle",
    "order_steps",
    "retention",
    "time_to_next_order",
    "value_curve",
    "without_cancelled",
]


def retention(
    activity: Readable,
    *,
    unit: str,
    at: str,
    period: str,
    mode: str = "on",
    cohort: str = "first",
    clock: str = "calendar",
    brackets: Sequence[int] | None = None,
    min_occurrences: int = 1,
    start_event: str | Filters | None = None,
    return_event: str | Filters | None = None,
    where: Filters | None = None,
    by: str | None = None,
    week_start: str = "monday",
    start: str | dt.date | None = None,
    end: str | dt.date | None = None,
    as_of: str | dt.date | dt.datetime | None = None,
    timezone: str | None = None,
    alpha: float = 0.05,
) -> RetentionResult:
    """Count how many units of each cohort come back, period by period.

    Parameters
    ----------
    activity
        A shop's table, a pandas frame, an Arrow table or a path; one row is one activity.
    unit, at
        The columns that say who was active, and when.
    period
        ``"hour"``, ``"day"``, ``"week"`` or ``"month"``.
    mode
        ``"on"`` (in period k), ``"on_or_after"`` (ever from k on), ``"on_or_before"`` (by k).
    cohort
        ``"first"`` (a unit belongs to the period of its first start) or ``"recurring"`` (to every
        period in which it started).
    clock
        ``"calendar"``; or ``"rolling"``: period k begins k times 24 hours (an hour; 7 or 30 times 24
        hours) after the unit's own first start within its cohort's period.
    brackets
        The last period of each cell: ``[1, 3, 7]`` asks for period 1, 2 to 3, and 4 to 7.
    min_occurrences
        How often a unit must return within a cell's own time. Joining takes one start.
    start_event, return_event
        What joins and what counts as coming back: an event's name (column ``event``) or filters; every
        row when not given. Period 0 is the joining itself, whatever returns within it.
    where
        Filters, (column, operator, value), that every row must pass (see `engine.filters`).
    by
        A column; a unit belongs to its value at the start that puts it into the cohort.
    week_start
        ``"monday"`` or ``"sunday"``.
    start, end
        Days; the cohorts from the period of the first to the period of the second, both included.
    as_of
        The last instant that is known; the shop's own when not given. Of a bare frame nobody knows
        it: then the period of the last activity counts as over.
    timezone
        Where days begin and end; the table's own when not given.
    alpha
        1 - the confidence of the intervals.

    Raises
    ------
    UnknownName
        For a column, event, operator, period, mode, cohort rule or time zone that does not exist.
    UsageError
        For a day, a filter, brackets or a number of times that cannot be read.
    """
    for kind, value, allowed in (
        ("period", period, PERIODS), ("mode", mode, MODES), ("cohort", cohort, COHORTS),
        ("clock", clock, CLOCKS), ("week_start", week_start, WEEK_STARTS),
    ):  # fmt: skip
        check_choice(kind, value, allowed)
    first, last = dates.parse_span(start, end)
    cells, times = check_brackets(brackets), check_times(min_occurrences)
    check_by(by, RetentionResult.COLUMNS)
    if timezone is not None:
        dates.zone(timezone)
    table = as_table(activity, timezone)
    if isinstance(table, MissingTable):
        return missing_retention(missing_verdict(table.name))
    known = table.as_of if as_of is None else dates.to_instant(as_of, table.timezone)
    plan = Plan(
        period, table.timezone, week_start, clock, mode, cohort, times, cells, first, last, known
    )
    starts, returns = (
        as_filters(start_event, "start_event"),
        as_filters(return_event, "return_event"),
    )
    log = Log.of(table.keep(where), unit, at, known, starts, returns, by)
    counted, n_nobody = count_cells(log, plan)
    check_events(table, starts, returns)
    return RetentionResult.from_cells(
        counted,
        plan,
        alpha=alpha,
        by=by,
        n_nobody=n_nobody,
        definition={
            "unit": unit,
            "start_event": as_text(start_event),
            "return_event": as_text(return_event),
            "where": as_text(where),
            "by": by,
            "engine": table.engine,
        },
    )
