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
from custmeasure.improve.copy_test.texts import (
    BELOW,
    CELLS,
    CHANGING,
    CHOSEN,
    CLASSES,
    COUNTED,
    DONE,
    DRAWN,
    ENROLLED,
    EVENTS,
    EXPERIMENTS,
    KNOWN,
    MOMENTS,
    NEARBY,
    RANKED,
    SEGMENTED,
    STRATA_CLASSES,
    UNMARKED,
    VALUED,
)

UNITS = ("visitor_id", "customer_id")


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
    return [str(row["experiment"]) for row in query(EXPERIMENTS, exposures=names).to_pylist()]


def events_seen(events: Table) -> list[str]:
    """Return the names of the events, the most frequent first."""
    names = events.pick(event=("event", "text"))
    return [str(row["event"]) for row in query(EVENTS, events=names).to_pylist()]


def n_known(exposures: Table, table: Table, unit: str, experiment: str) -> int:
    """Return how many units of the experiment are found in ``table`` as ``unit``."""
    rows = exposures.pick(experiment=("experiment", "text"), unit=("unit_id", "text"))
    known = table.pick(unit=(unit, "text"))
    found = query(KNOWN, {"experiment": experiment}, exposures=rows, known=known)
    return int(found.to_pylist()[0]["n"])


def enrolment(exposures: Table, span: Span) -> pd.DataFrame:
    """Return, a variant, the units that entered, crossed, are pending, and are counted."""
    rows = query(CHOSEN + ENROLLED, span.parameters(), exposures=_seen(exposures))
    return pd.DataFrame(rows.to_pandas()).set_index("variant")


def moments(source: Source, metric: Metric, span: Span) -> pd.DataFrame:
    """Return the moments of a metric: a row a variant (``part`` "all"), a day, and a segment."""
    kind, parameters, tables = _prepared(source, metric, span)
    by = source.marks is not None
    rows = query(NEARBY[kind] + DONE + SEGMENTED[by] + COUNTED + MOMENTS, parameters, **tables)
    return pd.DataFrame(rows.to_pandas())


def classes(source: Source, metric: Metric, span: Span) -> pd.DataFrame:
    """Return how many units, of all variants, have each value: what random splits are drawn from."""
    kind, parameters, tables = _prepared(source, metric, span)
    tables.pop("marks", None)
    rows = query(NEARBY[kind] + DONE + UNMARKED + COUNTED + CLASSES, parameters, **tables)
    return pd.DataFrame(rows.to_pandas())


def cells(source: Source, metric: Metric, span: Span) -> pd.DataFrame:
    """Return the moments of a metric by variant, day and stratum, which ``source.marks`` names."""
    kind, parameters, tables = _prepared(source, metric, span)
    rows = query(NEARBY[kind] + DONE + SEGMENTED[True] + COUNTED + CELLS, parameters, **tables)
    return pd.DataFrame(rows.to_pandas())


def strata_classes(source: Source, metric: Metric, span: Span) -> pd.DataFrame:
    """Return the same as `classes`, by stratum."""
    kind, parameters, tables = _prepared(source, metric, span)
    rows = query(
        NEARBY[kind] + DONE + SEGMENTED[True] + COUNTED + STRATA_CLASSES, parameters, **tables
    )
    return pd.DataFrame(rows.to_pandas())


def n_changing(exposures: Table, marks: tuple[Table, str], unit: str, experiment: str) -> int:
    """Return how many units of the experiment have several values of a column."""
    table, column = marks
    rows = exposures.pick(experiment=("experiment", "text"), unit=("unit_id", "text"))
    named = "unit_id" if table.name == "exposures" else unit
    seen = table.pick(unit=(named, "text"), mark=(column, "text"))
    found = query(CHANGING, {"experiment": experiment}, exposures=rows, marks=seen)
    return int(found.to_pylist()[0]["n"])


def middles(source: Source, metric: Metric, span: Span) -> pd.DataFrame:
    """Return, a variant, a quantile and how many of each unit's values lie at or below it."""
    kind, parameters, tables = _valued(source, metric, span)
    return pd.DataFrame(query(NEARBY[kind] + VALUED + BELOW, parameters, **tables).to_pandas())


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
    rows = query(NEARBY[kind] + VALUED + RANKED, parameters, wanted=asked, **tables).to_pylist()
    return {(str(row["variant"]), int(row["place"])): float(row["value"]) for row in rows}


def drawn(source: Source, metric: Metric, span: Span) -> pd.DataFrame:
    """Return every value of a quantile (``value``) with its unit as a number (``place``)."""
    kind, parameters, tables = _valued(source, metric, span)
    return pd.DataFrame(query(NEARBY[kind] + VALUED + DRAWN, parameters, **tables).to_pandas())


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
    """Return where the rows are written (a key of `NEARBY`), the query's values and its tables."""
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
