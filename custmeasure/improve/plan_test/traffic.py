"""How many different units come, and what they do: the shop's own past, counted in the engine.

Different units grow ever more slowly, because the same people come back: the second week brings fewer
new ones than the first. So the past is entered as a test would be, on the first day of each of several
weeks, and the units are counted that such a test would have had after one day, two days, and so on.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from custmeasure import dates
from custmeasure.engine import Table, query
from custmeasure.stats.tails import Floats

WEEK = 7
LEVEL_WEEKS = 8  # the latest weeks say how many come now
_MOST_STARTS = 26

# The days on which each unit came, each once.
_SPAN = """
    SELECT min(CAST(timezone($timezone, moment) AS DATE)) AS first_day,
           max(CAST(timezone($timezone, moment) AS DATE)) AS last_day
    FROM events
    WHERE unit IS NOT NULL AND ($event IS NULL OR event = $event) AND ($page IS NULL OR page = $page)
          AND ($as_of IS NULL OR moment <= CAST($as_of AS TIMESTAMPTZ))"""

# A unit is new on a day to every test that began after the unit's day before.
_NEW = """
    WITH seen AS (
        SELECT DISTINCT unit, CAST(timezone($timezone, moment) AS DATE) AS day
        FROM events
        WHERE unit IS NOT NULL AND ($event IS NULL OR event = $event)
              AND ($page IS NULL OR page = $page)
              AND moment >= CAST($since AS TIMESTAMPTZ)
              AND ($as_of IS NULL OR moment <= CAST($as_of AS TIMESTAMPTZ))),
    came AS (SELECT day, lag(day) OVER (PARTITION BY unit ORDER BY day) AS before FROM seen)
    SELECT day, before, count(*) AS n FROM came GROUP BY day, before ORDER BY day, before"""


@dataclass(frozen=True)
class Entry:
    """What lets a unit into the test.

    Attributes
    ----------
    unit
        The column that names a unit: ``visitor_id`` or ``customer_id``.
    event, page
        What it does and where; None where anything counts.
    """

    unit: str
    event: str | None
    page: str | None


@dataclass(frozen=True)
class Traffic:
    """Different units by the end of each day of a test.

    Attributes
    ----------
    by_day
        (n_days,) expected different units after 1, 2, … days.
    n_seen_days
        The longest test that the past could be entered with; beyond it the last week goes on.
    weeks
        Different units of each of the latest weeks, the oldest first.
    """

    by_day: Floats
    n_seen_days: int
    weeks: tuple[int, ...]


def read_traffic(
    events: Table, entry: Entry, timezone: str, as_of: dt.datetime | None, n_days: int
) -> Traffic | None:
    """Return the units that a test of up to ``n_days`` days gets, or None without one whole week."""
    given = {"timezone": timezone, "event": entry.event, "page": entry.page,
             "as_of": as_of.isoformat() if as_of else None}  # fmt: skip
    rows = events.pick(
        unit=(entry.unit, "text"), event=("event", "text"), page=("page", "text?"),
        moment=("at", "instant"),
    )  # fmt: skip
    span = query(_SPAN, given, events=rows).to_pylist()[0]
    if span["first_day"] is None:
        return None
    starts = _starts(span["first_day"], span["last_day"])
    if not starts:
        return None
    since = dates.day_start(starts[0], timezone).isoformat()
    counted = query(_NEW, given | {"since": since}, events=rows).to_pandas()
    return grown(_matrix(pd.DataFrame(counted), starts, span["last_day"], n_days), n_days)


def grown(new: Floats, n_days: int) -> Traffic:
    """Return the traffic from new units by (start, day of the test); NaN where the past ends.

    Each start's growth is measured against its own first week, the growths are averaged day by day,
    and the level is that of the latest weeks: so a shop that grew does not get the traffic of last year.
    """
    first_weeks = new[:, :WEEK].sum(axis=1)
    level = first_weeks[-LEVEL_WEEKS:].mean()
    seen = np.isfinite(new).any(axis=0)
    share = new[first_weeks > 0] / first_weeks[first_weeks > 0, None]
    steps = np.nanmean(share[:, seen], axis=0) if len(share) else np.zeros(int(seen.sum()))
    beyond = np.full(max(n_days - len(steps), 0), steps[-WEEK:].mean())
    by_day = level * np.cumsum(np.concatenate([steps, beyond])[:n_days])
    return Traffic(by_day, len(steps), tuple(int(n) for n in first_weeks[-LEVEL_WEEKS:]))


def _starts(first: dt.date, last: dt.date) -> list[dt.date]:
    """Return the days on which the past is entered: every seventh one, whole weeks before the end."""
    weeks = ((last - first).days + 1) // WEEK
    latest = last - dt.timedelta(days=WEEK - 1)
    return [latest - dt.timedelta(weeks=k) for k in range(min(weeks, _MOST_STARTS))][::-1]


def _matrix(counted: pd.DataFrame, starts: list[dt.date], last: dt.date, n_days: int) -> Floats:
    """Return new units (n_starts, days): 0 on a quiet day, NaN after the end of the data."""
    days = counted["day"].to_numpy("datetime64[D]")
    before = counted["before"].to_numpy("datetime64[D]")
    n = counted["n"].to_numpy(float)
    new = np.full((len(starts), min(n_days, (last - starts[0]).days + 1)), np.nan)
    for row, start in enumerate(starts):
        begin = np.datetime64(start, "D")
        width = min(new.shape[1], (last - start).days + 1)
        offset = (days - begin).astype(np.int64)
        mine = (offset >= 0) & (offset < width) & (np.isnat(before) | (before < begin))
        new[row, :width] = np.bincount(offset[mine], n[mine], width)
    return new


# --- what units do ----------------------------------------------------------------------------------

_ENTERED = """
    WITH entered AS (
        SELECT unit, min(moment) AS first_at, min(moment) + CAST($window AS INTERVAL) AS last_at,
               min(moment) - CAST($before AS INTERVAL) AS before_at
        FROM events
        WHERE unit IS NOT NULL AND ($entry IS NULL OR event = $entry)
              AND ($page IS NULL OR page = $page)
              AND moment >= CAST($start AS TIMESTAMPTZ) AND moment < CAST($end AS TIMESTAMPTZ)
        GROUP BY unit),"""

_BY_EVENT = """
    did AS (
        SELECT unit,
               max(CASE WHEN moment BETWEEN first_at AND last_at THEN 1 ELSE 0 END) AS y,
               count(*) FILTER (WHERE moment < first_at AND moment >= before_at) AS x
        FROM entered JOIN events USING (unit)
        WHERE events.event = $event AND moment BETWEEN before_at AND last_at
        GROUP BY unit)"""

_BY_RATIO = """
    did AS (
        SELECT unit,
               count(*) FILTER (WHERE event = $event AND moment BETWEEN first_at AND last_at) AS y,
               count(*) FILTER (WHERE event = $event AND moment < first_at) AS x,
               count(*) FILTER (WHERE event = $per AND moment BETWEEN first_at AND last_at) AS d
        FROM entered JOIN events USING (unit)
        WHERE moment BETWEEN before_at AND last_at
        GROUP BY unit)"""

# As in the copy test: an order counts once, for the unit of its customer that entered last before it.
_BY_AMOUNT = """
    links AS (
        SELECT DISTINCT events.unit, customer FROM events JOIN entered USING (unit)
        WHERE customer IS NOT NULL),
    paid AS (
        SELECT entered.unit, orders.moment >= entered.first_at AS inside,
               net_amount(orders.amount, orders.discount, CASE
                   WHEN $as_of IS NULL OR orders.refunded_at IS NULL
                        OR orders.refunded_at <= CAST($as_of AS TIMESTAMPTZ)
                   THEN orders.refund END) AS amount,
               row_number() OVER (
                   PARTITION BY orders.order_id, orders.moment >= entered.first_at
                   ORDER BY entered.first_at DESC, entered.unit) AS turn
        FROM entered JOIN links ON links.unit = entered.unit
        JOIN orders ON orders.customer = links.customer
        WHERE orders.moment BETWEEN entered.before_at AND entered.last_at),
    did AS (
        SELECT unit, sum(amount) FILTER (WHERE inside AND turn = 1) AS y,
               sum(amount) FILTER (WHERE NOT inside AND turn = 1) AS x
        FROM paid GROUP BY unit)"""

_PLAIN = """
    SELECT count(*) AS n, count(*) FILTER (WHERE coalesce(y, 0) > 0) AS k,
           avg(coalesce(y, 0)) AS mean_y, var_samp(coalesce(y, 0)) AS var_y,
           corr(coalesce(y, 0), coalesce(x, 0)) AS correlation
    FROM entered LEFT JOIN did USING (unit)"""

_RATIO = """
    SELECT count(*) AS n, count(*) FILTER (WHERE coalesce(y, 0) > 0) AS k,
           avg(coalesce(y, 0)) AS mean_y, var_samp(coalesce(y, 0)) AS var_y,
           corr(coalesce(y, 0), coalesce(x, 0)) AS correlation,
           avg(coalesce(d, 0)) AS mean_d, var_samp(coalesce(d, 0)) AS var_d,
           covar_samp(coalesce(y, 0), coalesce(d, 0)) AS cov_yd
    FROM entered LEFT JOIN did USING (unit)"""


@dataclass(frozen=True)
class Past:
    """Which units are measured: those that entered in [start, end), each within ``window``.

    Attributes
    ----------
    entry
        What lets a unit in.
    start, end, as_of
        Instants.
    window, before
        How long after its entry a unit's actions count, and how long before it they foresee.
    """

    entry: Entry
    start: dt.datetime
    end: dt.datetime
    as_of: dt.datetime | None
    window: dt.timedelta
    before: dt.timedelta

    def given(self, event: str | None) -> dict[str, object]:
        """Return the values of the queries' names."""
        return {
            "entry": self.entry.event, "page": self.entry.page, "start": self.start.isoformat(),
            "end": self.end.isoformat(), "window": _length(self.window),
            "before": _length(self.before), **({"event": event} if event is not None else {}),
        }  # fmt: skip


def measure_event(events: Table, past: Past, event: str) -> Mapping[str, float]:
    """Return how many units entered and did ``event``, and how well the time before foresees it."""
    return _one(
        query(_ENTERED + _BY_EVENT + _PLAIN, past.given(event), events=_picked(events, past))
    )


def measure_ratio(events: Table, past: Past, event: str, per: str) -> Mapping[str, float]:
    """Return ``event`` ÷ ``per``, all units together: their moments a unit and their covariance."""
    rows = _picked(events, past)
    return _one(query(_ENTERED + _BY_RATIO + _RATIO, past.given(event) | {"per": per}, events=rows))


def measure_amount(events: Table, orders: Table, past: Past) -> Mapping[str, float]:
    """Return the net amount a unit, with what it paid before."""
    paid = orders.pick(
        order_id=("order_id", "text"), customer=("customer_id", "text"), moment=("at", "instant"),
        amount=("amount", "number"), discount=("discount_amount", "number?"),
        refund=("refund_amount", "number?"), refunded_at=("refunded_at", "instant?"),
    )  # fmt: skip
    given = past.given(None) | {"as_of": past.as_of.isoformat() if past.as_of else None}
    rows = _picked(events, past)
    return _one(query(_ENTERED + _BY_AMOUNT + _PLAIN, given, events=rows, orders=paid))


def _picked(events: Table, past: Past) -> Table:
    return events.pick(
        unit=(past.entry.unit, "text"), event=("event", "text"), page=("page", "text?"),
        moment=("at", "instant"), customer=("customer_id", "text?"),
    )  # fmt: skip


def _one(table: object) -> Mapping[str, float]:
    return table.to_pylist()[0]  # type: ignore[attr-defined, no-any-return]


def _length(span: dt.timedelta) -> str:
    return f"{span // dt.timedelta(microseconds=1)} microseconds"
