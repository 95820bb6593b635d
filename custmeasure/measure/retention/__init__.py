"""Do customers come back?

A unit joins the cohort of the period in which it was first active and comes back in period k when it is
active again k periods later. Periods are those of the calendar (hour, day, week from Monday, month)
in the shop's time zone. Cell 0 is the cohort's size. A cell whose period is not over at ``as_of`` is
blank and marked not ``mature``; it is never 0.

Frame, one row a cohort and period: ``cohort`` (its first day), ``period`` (k), ``cohort_size``,
``n_retained``, ``retained_rate`` ÷ ``cohort_size`` with its Wilson interval, ``mature``. The pooled row
(`RetentionResult.pooled`) divides by the cohorts that reached k, and by no others.
"""

import datetime as dt

from custmeasure import dates
from custmeasure.engine import MissingTable, Readable, as_table
from custmeasure.errors import check_choice
from custmeasure.measure.retention.cells import COHORTS, MODES, PERIODS, count_cells, reach
from custmeasure.measure.retention.gaps import CohortGaps, cohort_gaps
from custmeasure.measure.retention.result import RetentionResult, missing_retention
from custmeasure.show.result import missing_verdict

__all__ = ["CohortGaps", "RetentionResult", "cohort_gaps", "retention"]


def retention(
    activity: Readable,
    *,
    unit: str,
    at: str,
    period: str,
    mode: str = "on",
    cohort: str = "first",
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
        ``"hour"``, ``"day"``, ``"week"`` (from Monday) or ``"month"``.
    mode
        ``"on"`` (in period k), ``"on_or_after"`` (ever from k on), ``"on_or_before"`` (by k).
    cohort
        ``"first"`` (a unit belongs to the period of its first activity) or ``"recurring"`` (to every
        period in which it was active).
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
        For a column, period, mode, cohort rule or time zone that does not exist.
    UsageError
        For a day that cannot be read.
    """
    check_choice("period", period, PERIODS)
    check_choice("mode", mode, MODES)
    check_choice("cohort", cohort, COHORTS)
    first, last = dates.parse_span(start, end)
    if timezone is not None:
        dates.zone(timezone)
    table = as_table(activity, timezone)
    if isinstance(table, MissingTable):
        return missing_retention(missing_verdict(table.name))
    rows = table.pick(unit=(unit, "text"), moment=(at, "instant"))
    known = table.as_of if as_of is None else dates.to_instant(as_of, table.timezone)
    seen = reach(rows, table.timezone, known)
    cells = count_cells(rows, period, mode, cohort, table.timezone, known)
    return RetentionResult.from_cells(
        cells,
        period=period,
        mode=mode,
        first=first or seen.first,
        last=last,
        known=seen.last,
        as_of=dates.local(known, table.timezone),
        alpha=alpha,
        definition={
            "unit": unit,
            "mode": mode,
            "cohort": cohort,
            "start": first,
            "end": last,
            "timezone": table.timezone,
            "engine": "DuckDB",
        },
        n_without_unit=seen.n_without_unit,
    )
