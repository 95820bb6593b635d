"""A shop: its tables as attributes, its settings, and how far its data reach."""

import datetime as dt
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from custmeasure import dates
from custmeasure.engine import AnyTable, MissingTable, Table, extent, query
from custmeasure.engine.extents import Extent
from custmeasure.errors import UnknownName
from custmeasure.shop.check import Accounted, check_tables, provenance
from custmeasure.shop.contract import CLOCKS, TABLES
from custmeasure.shop.delivered import Delivered
from custmeasure.shop.reader import write_rejected
from custmeasure.shop.settings import FILE, Settings
from custmeasure.show.result import Listing

_AFTER = "SELECT count(*) AS n FROM rows WHERE moment > CAST($limit AS TIMESTAMPTZ)"

# The tables whose last record says how far a shop's data reach; one of them must be there.
LEADING = ("events", "orders")


class UnknownTable(UnknownName, AttributeError):
    """A shop has no table of that name, and the contract neither."""


@dataclass(frozen=True, repr=False)
class Shop:
    """A shop whose tables are attributes: ``shop.orders``, ``shop.events``.

    Attributes
    ----------
    folder
        Where ``shop.toml`` lies.
    settings
        What it says.
    limit
        The instant that a report may know up to, or None.
    """

    folder: Path
    settings: Settings
    limit: dt.datetime | None = None
    _tables: Mapping[str, Delivered | MissingTable] = field(default_factory=dict)
    _extents: dict[str, Extent] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The shop's name."""
        return self.settings.name

    @property
    def timezone(self) -> str:
        """The time zone in which its days are counted."""
        return self.settings.timezone

    @property
    def currency(self) -> str:
        """The currency of its amounts."""
        return self.settings.currency

    @property
    def language(self) -> str:
        """The language of its reports."""
        return self.settings.language

    @property
    def steps(self) -> list[str]:
        """The events of its funnel, in order."""
        return list(self.settings.steps)

    @property
    def targets(self) -> Mapping[str, float]:
        """Metric → the value aimed at."""
        return self.settings.targets

    @functools.cached_property
    def data_end(self) -> dt.datetime | None:
        """The end (UTC) of the day of the last visit or order, or None in an empty shop."""
        ends = [self._extent(name)[1] for name in LEADING]
        known = [end for end in ends if end is not None]
        last = dates.local(max(known), self.timezone) if known else None
        return dates.to_instant(last.date(), self.timezone) if last else None

    @property
    def as_of(self) -> dt.datetime | None:
        """The last instant (UTC) up to which the data are complete, never after `limit`."""
        ends = [end for end in (self.limit, self.data_end) if end is not None]
        return min(ends) if ends else None

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of the tables it has."""
        return tuple(self._found)

    def table(self, name: str) -> AnyTable:
        """Return the table ``name``, or a `MissingTable` when the shop does not have it.

        Raises
        ------
        UnknownTable
            When the contract has no such table, with the nearest one.
        """
        if name not in TABLES:
            raise UnknownTable("table", name, TABLES, FILE)
        found = self._tables.get(name, MissingTable(name))
        return found if isinstance(found, MissingTable) else replace(found.table, as_of=self.as_of)

    def __getattr__(self, name: str) -> AnyTable:
        if name.startswith("_"):
            raise AttributeError(name)
        return self.table(name)

    def __repr__(self) -> str:
        return f"Shop {self.name} ({self.timezone}): {', '.join(self.tables)}"

    def until(self, as_of: str | dt.date | dt.datetime | None) -> "Shop":
        """Return the shop as it was known at ``as_of``, or at its own limit if that is earlier."""
        asked = None if as_of is None else dates.to_instant(as_of, self.timezone)
        known = [end for end in (asked, self.limit) if end is not None]
        return replace(self, limit=min(known) if known else None)

    def with_tables(self, change: Callable[[Delivered], Delivered]) -> "Shop":
        """Return the shop with each of its tables as ``change`` makes it."""
        return replace(self, _tables={name: change(found) for name, found in self._found.items()})

    def check(self, *names: str) -> Listing:
        """Return, for each table, its rows in the file and what became of them.

        Parameters
        ----------
        *names
            The tables to list; all when none is named. A table that lost rows is listed anyway, and
            the others are counted in a note.

        Raises
        ------
        UnknownTable
            When the contract has no such table, with the nearest one.
        """
        for name in names:
            self.table(name)
        return check_tables(self.accounts(), self._local(self.as_of), self.timezone, names)

    def provenance(self) -> dict[str, dict[str, object]]:
        """Return, for each table, its files, their SHA-256 and its row accounting."""
        return {each.name: provenance(each) for each in self.accounts()}

    def write_rejected(self, folder: Path) -> tuple[Path, ...]:
        """Write the rejected rows of every table to ``folder/rejected/``; return the files."""
        readings = {
            id(found.reading): found.reading for found in self._found.values() if found.reading
        }
        return tuple(path for r in readings.values() for path in write_rejected(r, folder))

    @property
    def _found(self) -> dict[str, Delivered]:
        return {name: each for name, each in self._tables.items() if isinstance(each, Delivered)}

    def accounts(self) -> list[Accounted]:
        """Return each table with what became of its rows."""
        return [self._account(name, found) for name, found in self._found.items()]

    def _account(self, name: str, found: Delivered) -> Accounted:
        first_at, last_at = self._extent(name)
        return Accounted(
            name=name,
            found=found,
            n_outside=self._n_outside(name, found.table),
            first_at=self._local(first_at),
            last_at=self._local(last_at),
        )

    def _extent(self, name: str) -> Extent:
        """Return the first and the last instant of a table, read once."""
        if name not in self._extents:
            found = self._found.get(name) if name in CLOCKS else None
            self._extents[name] = extent(found.table, CLOCKS[name]) if found else (None, None)
        return self._extents[name]

    def _n_outside(self, name: str, table: Table) -> int:
        """Return how many rows lie after `limit`."""
        last = self._extent(name)[1]
        if self.limit is None or last is None or last <= self.limit:
            return 0
        rows = table.pick(moment=(CLOCKS[name], "instant"))
        return int(query(_AFTER, {"limit": self.limit.isoformat()}, rows=rows)["n"][0].as_py())

    def _local(self, instant: object) -> dt.datetime | None:
        return dates.local(instant if isinstance(instant, dt.datetime) else None, self.timezone)
