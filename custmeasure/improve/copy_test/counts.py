"""Who saw which variant and what they did then: counted in the engine, one row a variant.

A unit belongs to the variant it saw, from its first exposure. What it does within the window after
that, the end included, counts; what it did before does not. A unit that saw two variants is
*crossed* and counts in neither. A unit whose window is not over is *pending*.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from custmeasure.engine import Table, query

UNITS = ("visitor_id", "customer_id")

_EXPERIMENTS = """
    SELECT experiment, count(*) AS n FROM exposures
    WHERE experiment IS NOT NULL GROUP BY experiment ORDER BY experiment"""

_EVENTS = "SELECT event, count(*) AS n FROM events GROUP BY event ORDER BY n DESC, event"

# Which units of the experiment exist at all in the table that is to say what they did.
_KNOWN = """
    WITH units AS (
        SELECT DISTINCT unit FROM exposures WHERE experiment = $experiment AND unit IS NOT NULL)
    SELECT count(*) AS n FROM units WHERE unit IN (SELECT unit FROM known)"""

_CHOSEN = """
    WITH seen AS (
        SELECT unit, variant, moment FROM exposures
        WHERE experiment = $experiment AND unit IS NOT NULL AND variant IS NOT NULL
              AND moment IS NOT NULL
              AND ($as_of IS NULL OR moment <= CAST($as_of AS TIMESTAMPTZ))),
    units AS (
        SELECT unit, min(variant) AS variant, min(moment) AS first_at,
               min(moment) + CAST($window AS INTERVAL) AS last_at,
               min(variant) <> max(variant) AS crossed
        FROM seen GROUP BY unit),
    chosen AS (
        SELECT *, $as_of IS NOT NULL AND last_at > CAST($as_of AS TIMESTAMPTZ) AS pending
        FROM units
        WHERE ($start IS NULL OR first_at >= CAST($start AS TIMESTAMPTZ))
              AND ($before IS NULL OR first_at < CAST($before AS TIMESTAMPTZ))),"""

# What units did within their window; each text gives `worth`, one row a unit that did something.
_BY_EVENT = """
    worth AS (
        SELECT unit, 1.0 AS amount
        FROM chosen JOIN actions USING (unit)
        WHERE actions.event = $event AND actions.moment BETWEEN first_at AND last_at
        GROUP BY unit)"""

_BY_ORDER = """
    worth AS (
        SELECT unit, 1.0 AS amount
        FROM chosen JOIN actions USING (unit)
        WHERE actions.moment BETWEEN first_at AND last_at
        GROUP BY unit)"""

# An order counts once: for the unit of its customer that entered the test last before it. A refund
# that is not known yet at `as_of` does not count.
_BY_AMOUNT = """
    paid AS (
        SELECT chosen.unit,
               net_amount(orders.amount, orders.discount, CASE
                   WHEN $as_of IS NULL OR orders.refunded_at IS NULL
                        OR orders.refunded_at <= CAST($as_of AS TIMESTAMPTZ)
                   THEN orders.refund END) AS amount,
               row_number() OVER (PARTITION BY orders.order_id
                                  ORDER BY chosen.first_at DESC, chosen.unit) AS turn
        FROM chosen
        JOIN (SELECT DISTINCT unit, customer FROM links WHERE customer IS NOT NULL) AS links
             ON links.unit = chosen.unit
        JOIN orders ON orders.customer = links.customer
        WHERE orders.moment BETWEEN chosen.first_at AND chosen.last_at),
    worth AS (SELECT unit, sum(amount) AS amount FROM paid WHERE turn = 1 GROUP BY unit)"""

_COUNTED = """
    SELECT variant,
           count(*) FILTER (WHERE NOT crossed) AS n_enrolled,
           count(*) FILTER (WHERE crossed) AS n_crossover,
           count(*) FILTER (WHERE NOT crossed AND pending) AS n_pending,
           count(*) FILTER (WHERE NOT crossed AND NOT pending) AS n_units,
           count(amount) FILTER (WHERE NOT crossed AND NOT pending) AS n_did,
           avg(coalesce(amount, 0)) FILTER (WHERE NOT crossed AND NOT pending) AS mean,
           var_samp(coalesce(amount, 0)) FILTER (WHERE NOT crossed AND NOT pending) AS var,
           max(amount) FILTER (WHERE NOT crossed AND NOT pending) AS largest,
           min(first_at) AS first_at, max(first_at) AS last_at
    FROM (SELECT DISTINCT variant FROM seen) AS variants
         LEFT JOIN chosen USING (variant) LEFT JOIN worth USING (unit)
    GROUP BY variant ORDER BY variant"""


@dataclass(frozen=True)
class Span:
    """Which units are counted, and how long after their first exposure.

    Attributes
    ----------
    experiment
        Its name.
    window
        How long after the first exposure an action counts.
    start, before
        The first exposure lies in [start, before).
    as_of
        The last instant that is known.
    """

    experiment: str
    window: dt.timedelta
    start: dt.datetime | None
    before: dt.datetime | None
    as_of: dt.datetime | None

    def parameters(self) -> dict[str, object]:
        """Return the values of the query's names."""
        return {
            "experiment": self.experiment,
            "window": f"{self.window // dt.timedelta(microseconds=1)} microseconds",
            "start": _iso(self.start),
            "before": _iso(self.before),
            "as_of": _iso(self.as_of),
        }


def experiments(exposures: Table) -> list[str]:
    """Return the names of the experiments."""
    names = exposures.pick(experiment=("experiment", "text"))
    return [str(row["experiment"]) for row in query(_EXPERIMENTS, exposures=names).to_pylist()]


def events_seen(events: Table) -> list[str]:
    """Return the names of the events, the most frequent first."""
    names = events.pick(event=("event", "text"))
    return [str(row["event"]) for row in query(_EVENTS, events=names).to_pylist()]


def n_known(exposures: Table, table: Table, unit: str, experiment: str) -> int:
    """Return how many units of the experiment are found in ``table`` as ``unit``."""
    rows = exposures.pick(experiment=("experiment", "text"), unit=("unit_id", "text"))
    known = table.pick(unit=(unit, "text"))
    found = query(_KNOWN, {"experiment": experiment}, exposures=rows, known=known)
    return int(found.to_pylist()[0]["n"])


def count_events(
    exposures: Table, events: Table, unit: str, event: str, span: Span
) -> pd.DataFrame:
    """Return, a variant, the units and those with ``event`` in their window (``n_did``)."""
    actions = events.pick(unit=(unit, "text"), moment=("at", "instant"), event=("event", "text"))
    parameters = {**span.parameters(), "event": event}
    return _counted(_BY_EVENT, parameters, exposures, actions=actions)


def count_orders(exposures: Table, orders: Table, span: Span) -> pd.DataFrame:
    """Return, a variant, the customers and those with an order in their window (``n_did``)."""
    actions = orders.pick(unit=("customer_id", "text"), moment=("at", "instant"))
    return _counted(_BY_ORDER, span.parameters(), exposures, actions=actions)


def sum_orders(
    exposures: Table, orders: Table, links: Table, unit: str, span: Span
) -> pd.DataFrame:
    """Return, a variant, the mean and variance of the net amount a unit in its window.

    ``links`` says which customer a unit is: events for visitors, orders for customers.
    """
    rows = orders.pick(
        order_id=("order_id", "text"),
        customer=("customer_id", "text"),
        moment=("at", "instant"),
        amount=("amount", "number"),
        discount=("discount_amount", "number?"),
        refund=("refund_amount", "number?"),
        refunded_at=("refunded_at", "instant?"),
    )
    pairs = links.pick(unit=(unit, "text"), customer=("customer_id", "text"))
    return _counted(_BY_AMOUNT, span.parameters(), exposures, orders=rows, links=pairs)


def _counted(
    worth: str, parameters: Mapping[str, object], exposures: Table, **tables: Table
) -> pd.DataFrame:
    seen = exposures.pick(
        experiment=("experiment", "text"),
        unit=("unit_id", "text"),
        variant=("variant", "text"),
        moment=("at", "instant"),
    )
    rows = query(_CHOSEN + worth + _COUNTED, parameters, exposures=seen, **tables)
    return pd.DataFrame(rows.to_pandas()).set_index("variant")


def _iso(instant: dt.datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()
