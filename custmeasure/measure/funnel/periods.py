"""The last finished period, and the equally long one before it: the days to compare."""

import datetime as dt
from typing import TypedDict

from custmeasure import dates
from custmeasure.engine import MissingTable, Readable, Table, as_table, extent
from custmeasure.errors import UsageError

DAY = dt.timedelta(days=1)


class Days(TypedDict):
    """The first and the last day of a period, both included."""

    start: dt.date | None
    end: dt.date | None


def two_periods(
    events: Readable,
    *,
    days: int = 28,
    window: str | dt.timedelta | None = None,
    start: str | dt.date | None = None,
    end: str | dt.date | None = None,
    as_of: str | dt.date | dt.datetime | None = None,
) -> tuple[Days, Days]:
    """Return the days of the period before, and of the period to look at.

    Parameters
    ----------
    events
        The table that says how far the data reach, when ``as_of`` and the table itself do not.
    days
        The length; whole weeks hold the same weekdays. Not used when ``start`` is given.
    window
        How long a unit may take: the period ends where every window is over.
    start, end
        The days to look at; the last finished ``days`` when not given.
    as_of
        The last instant that is known; the shop's own when not given.

    Returns
    -------
    tuple of Days
        ``{"start": …, "end": …}`` of the period before and of the period, to be passed on: empty where
        there is no data.

    Raises
    ------
    UsageError
        When a day cannot be read, or ``days`` is not 1 or more.

    Examples
    --------
    >>> import pandas as pd
    >>> two_periods(pd.DataFrame({"at": []}), start="2026-03-02", end="2026-03-08")[0]["start"]
    datetime.date(2026, 2, 23)
    """
    if isinstance(days, bool) or not isinstance(days, int) or days < 1:
        raise UsageError(
            ko=f"days {days!r}: 1 이상의 정수(일)여야 합니다.",
            en=f"days {days!r} must be a whole number of days, 1 or more.",
        )
    first, last = dates.parse_span(start, end)
    table = as_table(events)
    if last is None and not isinstance(table, MissingTable):
        last = _last_finished(table, as_of, window)
    if last is None:
        return Days(start=None, end=None), Days(start=None, end=None)
    first = min(first, last) if first else last - (days - 1) * DAY
    length = last - first + DAY
    return Days(start=first - length, end=first - DAY), Days(start=first, end=last)


def _last_finished(
    table: Table, as_of: str | dt.date | dt.datetime | None, window: str | dt.timedelta | None
) -> dt.date | None:
    """Return the last whole day that lies a window before the end of the data."""
    known = table.as_of if as_of is None else dates.to_instant(as_of, table.timezone)
    reached = known or extent(table, "at")[1]
    if reached is None:
        return None
    until = dates.local(
        reached - (dates.parse_window(window) if window else 0 * DAY), table.timezone
    )
    if until is None or known is None:
        return until.date() if until else None
    return (until + dt.timedelta(microseconds=1)).date() - DAY
