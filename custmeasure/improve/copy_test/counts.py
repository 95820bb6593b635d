"""Who saw which variant and what they did then: counted in the engine, returned as moments.

A unit belongs to the variant it saw, from its first exposure. What it does within the window after
that, the end included, counts; what it did before does not (it may be a covariate). A unit that saw
two variants is *crossed* and counts in neither. A unit whose window is not over is *pending*.

One query measures a metric: the moments of every variant, of every day on which windows ended, and of
every segment come from one pass over the units.
"""

import datetime as dt
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa

from custmeasure.engine import Table, as_table, query
from custmeasure.improve.copy_test.metrics import NET, Metric, key_of

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
    entered AS (
        SELECT unit, min(variant) AS variant, min(moment) AS first_at,
               min(moment) + CAST($window AS INTERVAL) AS last_at,
               min(variant) <> max(variant) AS crossed
        FROM seen GROUP BY unit),
    chosen AS (
        SELECT *, $as_of IS NOT NULL AND last_at > CAST($as_of AS TIMESTAMPTZ) AS pending
        FROM entered
        WHERE ($start IS NULL OR first_at >= CAST($start AS TIMESTAMPTZ))
              AND ($before IS NULL OR first_at < CAST($before AS TIMESTAMPTZ)))"""

_ENROLLED = """
    SELECT variant,
           count(*) FILTER (WHERE NOT crossed) AS n_enrolled,
           count(*) FILTER (WHERE crossed) AS n_crossover,
           count(*) FILTER (WHERE NOT crossed AND pending) AS n_pending,
           count(*) FILTER (WHERE NOT crossed AND NOT pending) AS n_units,
           min(first_at) AS first_at, max(first_at) AS last_at
    FROM (SELECT DISTINCT variant FROM seen) AS variants LEFT JOIN chosen USING (variant)
    GROUP BY variant ORDER BY variant"""

# An order counts once: for the unit of its customer that entered the test last before it (an order from
# before the test, for the one that entered first after it).
_LINKED = """,
    owned AS (
        SELECT chosen.unit, items.moment, items.amount, items.other,
               row_number() OVER (
                   PARTITION BY items.row_id, items.moment >= chosen.first_at
                   ORDER BY CASE WHEN items.moment >= chosen.first_at THEN chosen.first_at END DESC,
                            chosen.first_at, chosen.unit) AS turn
        FROM chosen
        JOIN (SELECT DISTINCT unit, customer FROM links WHERE customer IS NOT NULL) AS links
             ON links.unit = chosen.unit
        JOIN items ON items.customer = links.customer
        WHERE items.moment BETWEEN chosen.first_at - CAST($lead AS INTERVAL) AND chosen.last_at),
    actions AS (
        SELECT unit, moment, CAST(NULL AS VARCHAR) AS what, amount, other FROM owned WHERE turn = 1)"""

# A refund that is not known yet at `as_of` does not count.
_NET = """,
    items AS (
        SELECT row_id, customer, moment, CAST(NULL AS DOUBLE) AS other,
               net_amount(amount, discount, CASE
                   WHEN $as_of IS NULL OR refunded_at IS NULL
                        OR refunded_at <= CAST($as_of AS TIMESTAMPTZ)
                   THEN refund END) AS amount
        FROM orders)"""

_NEAR = """,
    near AS (
        SELECT chosen.unit, actions.moment >= chosen.first_at AS inside, actions.amount,
               actions.other, $event IS NULL OR actions.what = $event AS top,
               $per IS NULL OR actions.what = $per AS bottom
        FROM chosen JOIN actions ON actions.unit = chosen.unit
        WHERE actions.moment BETWEEN chosen.first_at - CAST($lead AS INTERVAL) AND chosen.last_at)"""

_DONE = """,
    done AS (
        SELECT unit,
               CASE $top
                   WHEN 'any' THEN least(count(*) FILTER (WHERE inside AND top), 1)
                   WHEN 'count' THEN count(*) FILTER (WHERE inside AND top)
                   ELSE sum(amount) FILTER (WHERE inside AND top) END AS y,
               CASE $bottom
                   WHEN 'count' THEN count(*) FILTER (WHERE inside AND bottom)
                   ELSE sum(other) FILTER (WHERE inside AND bottom) END AS d,
               CASE $top
                   WHEN 'any' THEN least(count(*) FILTER (WHERE NOT inside AND top), 1)
                   WHEN 'count' THEN count(*) FILTER (WHERE NOT inside AND top)
                   ELSE sum(amount) FILTER (WHERE NOT inside AND top) END AS x,
               CASE $bottom
                   WHEN 'count' THEN count(*) FILTER (WHERE NOT inside AND bottom)
                   ELSE sum(other) FILTER (WHERE NOT inside AND bottom) END AS w
        FROM near GROUP BY unit)"""

# What a unit was when it entered; later marks could be made by the test itself. Of marks of the same
# instant the first by name counts.
_MARKED = """,
    marked AS (
        SELECT unit, min(mark) AS segment
        FROM (
            SELECT chosen.unit, marks.mark, marks.moment,
                   max(marks.moment) OVER (PARTITION BY chosen.unit) AS latest
            FROM chosen JOIN marks ON marks.unit = chosen.unit
            WHERE marks.moment <= chosen.first_at AND marks.mark IS NOT NULL) AS before
        WHERE moment = latest GROUP BY unit)"""

_UNMARKED = """,
    marked AS (SELECT unit, CAST(NULL AS VARCHAR) AS segment FROM chosen WHERE false)"""

_UNITS = """,
    counted AS (
        SELECT chosen.variant, marked.segment,
               CAST(timezone($timezone, chosen.last_at) AS DATE) AS day,
               CAST(coalesce(done.y, 0) AS DOUBLE) AS raw,
               CAST(coalesce(done.d, 0) AS DOUBLE) AS d,
               CAST(coalesce(done.x, 0) AS DOUBLE) AS before,
               CAST(coalesce(done.w, 0) AS DOUBLE) AS w
        FROM chosen LEFT JOIN done USING (unit) LEFT JOIN marked USING (unit)
        WHERE NOT crossed AND NOT pending),
    limits AS (
        SELECT coalesce(CAST($cap AS DOUBLE),
                        quantile_cont(raw, $cap_share) FILTER (WHERE raw > 0), 1e300) AS cap
        FROM counted),
    units AS (
        SELECT counted.*, limits.cap, least(raw, cap) AS y, least(before, cap) AS x
        FROM counted CROSS JOIN limits)"""

_MOMENTS = """
    SELECT variant, day, segment,
           CASE WHEN grouping(day) = 0 THEN 'day' WHEN grouping(segment) = 0 THEN 'segment'
                ELSE 'all' END AS part,
           count(*) AS n, count(*) FILTER (WHERE raw <> 0) AS n_did,
           max(cap) AS cap, count(*) FILTER (WHERE raw > cap) AS n_capped, sum(raw) AS total_raw,
           max(y) AS largest, skewness(y) AS skew,
           avg(y) AS y, avg(d) AS d, avg(x) AS x, avg(w) AS w,
           var_samp(y) AS yy, var_samp(d) AS dd, var_samp(x) AS xx, var_samp(w) AS ww,
           covar_samp(y, d) AS yd, covar_samp(y, x) AS yx, covar_samp(y, w) AS yw,
           covar_samp(d, x) AS dx, covar_samp(d, w) AS dw, covar_samp(x, w) AS xw
    FROM units
    GROUP BY GROUPING SETS ((variant), (variant, day), (variant, segment))
    ORDER BY part, variant, day, segment"""

_CLASSES = "SELECT y, d, x, w, count(*) AS n FROM units GROUP BY y, d, x, w ORDER BY y, d, x, w"

# The values of a quantile: rows, not units; a unit may have several.
_VALUED = """,
    valued AS (
        SELECT chosen.variant, chosen.unit, near.amount AS value
        FROM chosen JOIN near USING (unit)
        WHERE near.inside AND near.top AND near.amount IS NOT NULL
              AND NOT chosen.crossed AND NOT chosen.pending),
    middles AS (
        SELECT variant, quantile_disc(value, $share) AS middle FROM valued GROUP BY variant)"""

_BELOW = """,
    per_unit AS (
        SELECT variant, unit, middle, CAST(count(*) FILTER (WHERE value <= middle) AS DOUBLE) AS b,
               CAST(count(*) AS DOUBLE) AS m
        FROM valued JOIN middles USING (variant) GROUP BY variant, unit, middle)
    SELECT variant, middle, count(*) AS n, sum(m) AS n_values, avg(b) AS b, avg(m) AS m,
           var_samp(b) AS bb, var_samp(m) AS mm, covar_samp(b, m) AS bm
    FROM per_unit GROUP BY variant, middle ORDER BY variant"""

_RANKED = """,
    ranked AS (
        SELECT variant, value, row_number() OVER (PARTITION BY variant ORDER BY value) AS place
        FROM valued)
    SELECT variant, place, value FROM ranked JOIN wanted USING (variant, place)
    ORDER BY variant, place"""


# What units did near their exposure, by where it is written: in rows that name the unit, in rows of
# customers, or in orders, of which the net amount counts.
_NEARBY = {
    "unit": _CHOSEN + _NEAR,
    "customer": _CHOSEN + _LINKED + _NEAR,
    "net": _CHOSEN + _NET + _LINKED + _NEAR,
}
_SEGMENTED = {True: _MARKED, False: _UNMARKED}


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
    timezone
        In which days are counted.
    """

    experiment: str
    window: dt.timedelta
    start: dt.datetime | None
    before: dt.datetime | None
    as_of: dt.datetime | None
    timezone: str = "UTC"

    def parameters(self) -> dict[str, object]:
        """Return the values of the query's names."""
        return {
            "experiment": self.experiment,
            "window": _interval(self.window),
            "start": _iso(self.start),
            "before": _iso(self.before),
            "as_of": _iso(self.as_of),
        }


@dataclass(frozen=True)
class Source:
    """The tables that say what units did, under the names that the queries give them.

    Attributes
    ----------
    exposures, actions
        Who saw what; what units did (or, with ``links``, what customers did).
    unit
        The column that names a unit in ``actions``.
    links
        Which customer a unit is, where rows belong to customers; None where they name the unit.
    marks
        A column of which table splits the units (table, column); None without.
    """

    exposures: Table
    actions: Table
    unit: str
    links: Table | None = None
    marks: tuple[Table, str] | None = None


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


def enrolment(exposures: Table, span: Span) -> pd.DataFrame:
    """Return, a variant, the units that entered, crossed, are pending, and are counted."""
    rows = query(_CHOSEN + _ENROLLED, span.parameters(), exposures=_seen(exposures))
    return pd.DataFrame(rows.to_pandas()).set_index("variant")


def moments(source: Source, metric: Metric, span: Span) -> pd.DataFrame:
    """Return the moments of a metric: a row a variant (``part`` "all"), a day, and a segment."""
    kind, parameters, tables = _prepared(source, metric, span)
    by = source.marks is not None
    rows = query(_NEARBY[kind] + _DONE + _SEGMENTED[by] + _UNITS + _MOMENTS, parameters, **tables)
    return pd.DataFrame(rows.to_pandas())


def classes(source: Source, metric: Metric, span: Span) -> pd.DataFrame:
    """Return how many units, of all variants, have each value: what random splits are drawn from."""
    kind, parameters, tables = _prepared(source, metric, span)
    tables.pop("marks", None)
    rows = query(_NEARBY[kind] + _DONE + _UNMARKED + _UNITS + _CLASSES, parameters, **tables)
    return pd.DataFrame(rows.to_pandas())


def middles(source: Source, metric: Metric, span: Span) -> pd.DataFrame:
    """Return, a variant, a quantile and how many of each unit's values lie at or below it."""
    kind, parameters, tables = _valued(source, metric, span)
    return pd.DataFrame(query(_NEARBY[kind] + _VALUED + _BELOW, parameters, **tables).to_pandas())


def ranked(
    source: Source, metric: Metric, span: Span, wanted: list[tuple[str, int]]
) -> dict[tuple[str, int], float]:
    """Return the values at the wanted (variant, rank) places of a quantile's values."""
    kind, parameters, tables = _valued(source, metric, span)
    places = pa.table({
        "variant": pa.array([variant for variant, _ in wanted], pa.string()),
        "place": pa.array([place for _, place in wanted], pa.int64()),
    })  # fmt: skip
    asked = as_table(places)
    if not isinstance(asked, Table):
        return {}
    rows = query(_NEARBY[kind] + _VALUED + _RANKED, parameters, wanted=asked, **tables).to_pylist()
    return {(str(row["variant"]), int(row["place"])): float(row["value"]) for row in rows}


def _valued(
    source: Source, metric: Metric, span: Span
) -> tuple[str, dict[str, object], dict[str, Table]]:
    kind, parameters, tables = _prepared(source, metric, span)
    tables.pop("marks", None)
    kept = {key: value for key, value in parameters.items() if key in _ASKED_BY_VALUES}
    return kind, {**kept, "share": metric.quantile}, tables


_ASKED_BY_VALUES = ("experiment", "window", "start", "before", "as_of", "lead", "event", "per")


def _prepared(
    source: Source, metric: Metric, span: Span
) -> tuple[str, dict[str, object], dict[str, Table]]:
    """Return where the rows are written (a key of `_NEARBY`), the query's values and its tables."""
    parameters = {
        **span.parameters(),
        "lead": _interval(metric.covariate or dt.timedelta(0)),
        "event": metric.event if metric.table == "events" else None,
        "per": metric.per if metric.table == "events" else None,
        "top": metric.top,
        "bottom": metric.bottom or "sum",
        "cap": metric.cap if metric.cap is not None and metric.cap >= 1 else None,
        "cap_share": metric.cap if metric.cap is not None and metric.cap < 1 else 1.0,
        "timezone": span.timezone,
    }
    tables = {"exposures": _seen(source.exposures)}
    if source.marks:
        table, column = source.marks
        unit = "unit_id" if table.name == "exposures" else source.unit
        tables["marks"] = table.pick(
            unit=(unit, "text"), moment=("at", "instant"), mark=(column, "text")
        )
    if source.links is None:
        return "unit", parameters, {**tables, "actions": _actions(source, metric)}
    tables["links"] = source.links.pick(
        unit=(source.unit, "text"), customer=("customer_id", "text")
    )
    if metric.column == NET:
        return "net", parameters, {**tables, "orders": _orders(source.actions)}
    return "customer", parameters, {**tables, "items": _items(source.actions, metric)}


def _seen(exposures: Table) -> Table:
    return exposures.pick(
        experiment=("experiment", "text"),
        unit=("unit_id", "text"),
        variant=("variant", "text"),
        moment=("at", "instant"),
    )


def _actions(source: Source, metric: Metric) -> Table:
    return source.actions.pick(
        unit=(source.unit, "text"),
        moment=("at", "instant"),
        what=("event", "text?"),
        amount=_number(metric.column),
        other=_number(metric.per_column),
    )


def _items(table: Table, metric: Metric) -> Table:
    return table.pick(
        row_id=(key_of(metric.table), "text"),
        customer=("customer_id", "text"),
        moment=("at", "instant"),
        amount=_number(metric.column),
        other=_number(metric.per_column),
    )


def _orders(orders: Table) -> Table:
    return orders.pick(
        row_id=("order_id", "text"),
        customer=("customer_id", "text"),
        moment=("at", "instant"),
        amount=("amount", "number"),
        discount=("discount_amount", "number?"),
        refund=("refund_amount", "number?"),
        refunded_at=("refunded_at", "instant?"),
    )


def _number(column: str | None) -> tuple[str, str]:
    """Return how to pick a column of numbers; one that nobody named is null in every row."""
    return (column, "number") if column else ("", "number?")


def _interval(length: dt.timedelta) -> str:
    return f"{length // dt.timedelta(microseconds=1)} microseconds"


def _iso(instant: dt.datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()
