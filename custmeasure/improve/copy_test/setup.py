"""An experiment of a shop: which units it counts, and which tables say what they did."""

import datetime as dt
from dataclasses import dataclass, replace
from typing import Self

from custmeasure import dates
from custmeasure.engine import AnyTable, MissingTable, Table
from custmeasure.errors import UnknownName, check_choice
from custmeasure.improve.copy_test import counts
from custmeasure.improve.copy_test.metrics import PURCHASE, Metric
from custmeasure.shop import Shop
from custmeasure.shop.contract import TABLES


@dataclass(frozen=True)
class Setup:
    """An experiment of a shop, and which units of it are measured."""

    shop: Shop
    exposures: Table
    experiment: str
    unit: str
    start: dt.date | None
    end: dt.date | None
    as_of: dt.datetime | None
    by: str | None = None

    @classmethod
    def of(
        cls,
        shop: Shop,
        exposures: Table,
        experiment: str,
        *,
        start: str | dt.date | None,
        end: str | dt.date | None,
        as_of: str | dt.date | dt.datetime | None,
        by: str | None = None,
    ) -> Self:
        """Check what was asked for, and find which unit the experiment counts."""
        first, last = dates.parse_span(start, end)
        seen = counts.experiments(exposures)
        if experiment not in seen:
            raise UnknownName("experiment", experiment, seen, "exposures.experiment")
        unit = _unit(shop, exposures, experiment)
        setup = cls(shop, exposures, experiment, unit, first, last, _known(shop, as_of), by)
        setup.marks()
        return setup

    @property
    def entry_end(self) -> dt.datetime | None:
        """The instant after which nobody enters any more; None without a planned end."""
        return dates.day_end(self.end, self.shop.timezone) if self.end else None

    def span(self, metric: Metric) -> counts.Span:
        """Return which units are counted, for a metric's window."""
        zone = self.shop.timezone
        return counts.Span(
            self.experiment,
            dates.parse_window(metric.window),
            dates.day_start(self.start, zone) if self.start else None,
            dates.day_start(self.end + dt.timedelta(days=1), zone) if self.end else None,
            self.as_of,
            zone,
        )

    def definition(self, metric: Metric) -> dict[str, object]:
        """Return everything that changes a metric's number."""
        zone = self.shop.timezone
        more: dict[str, object] = {}
        if metric.kind == "quantile":
            more["quantile"] = metric.quantile
        if metric.direction == "down":
            more["direction"] = metric.direction
        if metric.covariate:
            more["covariate"] = f"{metric.covariate / dt.timedelta(days=1):g}d"
        if metric.is_money:
            more["currency"] = self.shop.currency
        return {
            "experiment": self.experiment, "metric": metric.name, "unit": self.unit,
            "window": str(metric.window), "start": self.start, "end": self.end,
            "as_of": dates.local(self.as_of, zone), "timezone": zone, "engine": self.exposures.engine, **more,
        }  # fmt: skip

    def marks(self) -> tuple[Table, str] | None:
        """Return which column splits the units: of the exposures, or of the events before them."""
        if self.by is None:
            return None
        events = self.shop.table("events")
        known = [*self.exposures.columns, *(events.columns if isinstance(events, Table) else ())]
        if self.by in self.exposures.columns:
            return self.exposures, self.by
        if isinstance(events, Table) and self.by in events.columns and self.unit in events.columns:
            return events, self.by
        if self.by in {column.name for column in TABLES["events"]}:
            return None  # a column that a shop may do without
        raise UnknownName("column", self.by, known, where="exposures, events")

    def by_order(self, metric: Metric) -> Metric:
        """Return the metric; customers who *purchase* are counted by their orders."""
        if self.unit == "customer_id" and metric.table == "events" and metric.event == PURCHASE:
            return replace(metric, table="orders", event=None)
        return metric

    def missing(self, metric: Metric) -> str | None:
        """Return the first table that a metric needs and the shop does not have."""
        names = [metric.table]
        if metric.table != "events" and self.unit == "visitor_id":
            names.append("events")
        return next(
            (name for name in names if isinstance(self.shop.table(name), MissingTable)), None
        )

    def source(self, metric: Metric) -> counts.Source:
        """Return the tables that say what units did, for a metric that misses none."""
        actions = there(self.shop.table(metric.table))
        marks = self.marks()
        if metric.table == "events":
            return counts.Source(self.exposures, actions, self.unit, None, marks)
        links = actions if self.unit == "customer_id" else there(self.shop.table("events"))
        return counts.Source(self.exposures, actions, self.unit, links, marks)


def _known(shop: Shop, as_of: str | dt.date | dt.datetime | None) -> dt.datetime | None:
    asked = None if as_of in (None, "") else dates.to_instant(as_of, shop.timezone)
    ends = [end for end in (asked, shop.as_of) if end is not None]
    return min(ends) if ends else None


def _unit(shop: Shop, exposures: Table, experiment: str) -> str:
    """Return the declared unit, or the one in which more of the exposed units are found."""
    declared = shop.settings.experiments.get(experiment, {}).get("unit")
    if declared is not None:
        return check_choice("column", declared, counts.UNITS)
    found = {}
    for unit, name in zip(counts.UNITS, ("events", "orders"), strict=True):
        table = shop.table(name)
        if isinstance(table, Table):
            found[unit] = counts.n_known(exposures, table, unit, experiment)
    return max(found, key=lambda unit: found[unit])


def there(table: AnyTable) -> Table:
    """Return a table that is known not to be missing."""
    if isinstance(table, MissingTable):
        raise UnknownName("table", table.name, [])
    return table
