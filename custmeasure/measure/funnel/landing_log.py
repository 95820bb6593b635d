"""The counts behind the rule of the landing page: visits a day, and people, carts and orders, by page.

The page that counts is the first product page somebody sees: on a day (a *visit*), and in a period (the
person whose cart and order are waited for). So everybody counts on one page alone and pages add up.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from custmeasure import dates
from custmeasure.engine import Table, query
from custmeasure.engine.marks import Mark
from custmeasure.errors import UnknownName
from custmeasure.measure.funnel.cells import TOP
from custmeasure.measure.funnel.steps import Step

ALL = "(all)"
CHANNELS = 12  # rows of their own; a page times a channel is a small cell soon

_SEEN = "SELECT DISTINCT event FROM events WHERE event IS NOT NULL ORDER BY event"

_OBSERVED = """
    SELECT DISTINCT CAST(timezone($timezone, moment) AS DATE) AS day FROM events
    WHERE moment >= $begin AND moment <= $end ORDER BY day"""

# Looks at product pages by somebody; small pages and channels under one name.
_VIEWS = """
    WITH looked AS (
        SELECT unit, coalesce(page, '(none)') AS page, coalesce(channel, '(none)') AS channel, moment,
               moment >= $start AS is_now, CAST(timezone($timezone, moment) AS DATE) AS day
        FROM events
        WHERE (mask & 1) > 0 AND unit IS NOT NULL AND moment >= $begin AND moment <= $end
    ), first_of_day AS (
        SELECT * FROM looked
        QUALIFY row_number() OVER (PARTITION BY unit, day ORDER BY moment, page, channel) = 1
    ), pages AS (
        SELECT page, CASE WHEN n >= $min_cell AND row_number() OVER (ORDER BY n DESC, page) <= $top
                          THEN page ELSE '(others)' END AS shown
        FROM (SELECT page, count(DISTINCT unit) AS n FROM first_of_day WHERE is_now GROUP BY page)
    ), channels AS (
        SELECT channel, CASE WHEN n >= $min_cell AND row_number() OVER (ORDER BY n DESC, channel) <= $few
                             THEN channel ELSE '(others)' END AS shown
        FROM (SELECT channel, count(DISTINCT unit) AS n FROM first_of_day WHERE is_now GROUP BY channel)
    ), visits AS (
        SELECT unit, moment, is_now, day, coalesce(pages.shown, '(others)') AS page,
               coalesce(channels.shown, '(others)') AS channel
        FROM first_of_day LEFT JOIN pages ON first_of_day.page = pages.page
             LEFT JOIN channels ON first_of_day.channel = channels.channel
    )"""

_VISITS = (
    _VIEWS
    + """
    SELECT page, channel, day, count(*) AS n_visits FROM visits GROUP BY ALL ORDER BY ALL"""
)

_PEOPLE = (
    _VIEWS
    + """, entries AS (
        SELECT unit, page, channel, is_now, moment, moment + $window AS until,
               coalesce(moment + $window > CAST($as_of AS TIMESTAMPTZ), FALSE) AS is_pending
        FROM visits
        QUALIFY row_number() OVER (PARTITION BY unit, is_now ORDER BY moment) = 1
    ), carts AS (
        SELECT entries.unit AS unit, is_now, min(events.moment) AS cart_at, any_value(until) AS until
        FROM entries JOIN events ON entries.unit = events.unit AND (events.mask & 2) > 0
             AND events.moment >= entries.moment AND events.moment <= until
        GROUP BY entries.unit, is_now
    ), orders AS (
        SELECT DISTINCT carts.unit AS unit, is_now
        FROM carts JOIN events ON carts.unit = events.unit AND (events.mask & 4) > 0
             AND events.moment >= cart_at AND events.moment <= until
    )
    SELECT page, channel, entries.is_now AS is_now, is_pending, count(*) AS n_people,
           count(carts.unit) AS n_carts, count(orders.unit) AS n_orders
    FROM entries
         LEFT JOIN carts ON entries.unit = carts.unit AND entries.is_now = carts.is_now
         LEFT JOIN orders ON entries.unit = orders.unit AND entries.is_now = orders.is_now
    GROUP BY ALL ORDER BY ALL"""
)


@dataclass(frozen=True)
class LandingCounts:
    """What the rule is judged on.

    Attributes
    ----------
    visits
        ``page, channel, day, n_visits``
    people
        ``page, channel, is_now, n_people, n_carts, n_orders``, now and in the weeks before.
    past_days, days
        The days of the weeks before and of the period that hold any event at all.
    n_pending
        People of the period whose window is not over; they are not in ``people``.
    """

    visits: pd.DataFrame
    people: pd.DataFrame
    past_days: Sequence[dt.date]
    days: Sequence[dt.date]
    n_pending: int = 0


def count_landing(
    table: Table,
    steps: Sequence[Step],
    *,
    by: str | None,
    unit: str,
    window: dt.timedelta,
    start: dt.date,
    end: dt.date,
    weeks: int,
    as_of: dt.datetime | None,
    min_cell: int,
) -> LandingCounts:
    """Count the visits and the people of each page, in the period and in the weeks before.

    Parameters
    ----------
    table
        Events.
    steps
        What shows the page, what puts into the cart (may be left out), what orders.

    Raises
    ------
    UnknownName
        For a step or a column that does not exist.
    """
    marks = (steps[0].mark, steps[1].mark, steps[-1].mark)
    _check_steps(table, marks)
    events = table.pick(
        unit=(unit, "text"), moment=("at", "instant"), page=("page", "text"),
        channel=(by or "", "text" if by else "text?"),
    ).mark("mask", "event", marks)  # fmt: skip
    span = {
        "begin": dates.day_start(start - dt.timedelta(weeks=weeks), table.timezone),
        "end": dates.day_end(end, table.timezone),
        "timezone": table.timezone,
    }
    shown = {
        "start": dates.day_start(start, table.timezone), "min_cell": min_cell,
        "top": TOP, "few": CHANNELS, **span,
    }  # fmt: skip
    asked = {"window": window, "as_of": None if as_of is None else as_of.isoformat()}
    observed = [row["day"] for row in query(_OBSERVED, span, events=events).to_pylist()]
    visits = query(_VISITS, shown, events=events).to_pandas()
    people = query(_PEOPLE, {**shown, **asked}, events=events).to_pandas()
    if by is None:
        visits, people = visits.assign(channel=ALL), people.assign(channel=ALL)
    pending = people["is_pending"].to_numpy(bool)
    return LandingCounts(
        visits,
        people[~pending].drop(columns="is_pending"),
        [day for day in observed if day < start],
        [day for day in observed if day >= start],
        int(people["n_people"][pending & people["is_now"].to_numpy(bool)].sum()),
    )


def _check_steps(table: Table, marks: Sequence[Mark]) -> None:
    """Refuse a step that never happened in the whole table, unless nothing ever did."""
    rows = query(_SEEN, events=replace(table, kept=()).pick(event=("event", "text"))).to_pylist()
    seen = [row["event"] for row in rows]
    for name in (name for mark in marks for name in mark.any_of):
        if seen and name not in seen:
            raise UnknownName("step", name, seen, f"{table.name}.event")
