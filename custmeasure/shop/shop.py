"""A shop: its tables as attributes, its settings, and how far its data reach."""

import datetime as dt
import functools
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from custmeasure import dates
from custmeasure.engine import AnyTable, MissingTable, Table, extent, query
from custmeasure.engine.extent import Extent
from custmeasure.errors import UnknownName, UsageError
from custmeasure.shop.contract import CLOCKS, TABLES
from custmeasure.shop.read import Delivered, read_table
from custmeasure.shop.settings import FILE, Settings, read_settings
from custmeasure.show.result import Listing
from custmeasure.show.words import Text, Verdict

_AFTER = "SELECT count(*) AS n FROM rows WHERE moment > CAST($limit AS TIMESTAMPTZ)"

# The tables whose last record says how far a shop's data reach.
_LEADING = ("events", "orders")


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
        ends = [self._extent(name)[1] for name in _LEADING]
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
        return tuple(name for name, table in self._tables.items() if isinstance(table, Delivered))

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
        """Return the shop as it was known at ``as_of``."""
        limit = None if as_of is None else dates.to_instant(as_of, self.timezone)
        return replace(self, limit=limit)

    def check(self) -> Listing:
        """Return, for each table, its rows in the file and what became of them.

        Returns
        -------
        Listing
            Columns ``table, file, n_in_file, n_used, n_rejected, n_duplicate, n_outside, first_at,
            last_at``; the first number is the sum of the four after it.
        """
        frame = pd.DataFrame([self._account(name) for name in self.tables])
        missing = ", ".join(name for name in TABLES if name not in self.tables)
        notes = [Text(f"없는 표: {missing}.", f"Tables not here: {missing}.")] if missing else []
        rejected = int(frame["n_rejected"].sum()) if len(frame) else 0
        return Listing(
            frame,
            {"as_of": self._local(self.as_of), "timezone": self.timezone},
            tuple(notes),
            verdict=_check_verdict(len(frame), rejected),
        )

    def provenance(self) -> dict[str, dict[str, object]]:
        """Return, for each table, its file, that file's SHA-256 and its row accounting."""
        return {name: self._provenance(name) for name in self.tables}

    def _provenance(self, name: str) -> dict[str, object]:
        row = self._account(name)
        with (self.folder / str(row["file"])).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return {
            "file": row["file"],
            "sha256": digest,
            "rows_in_file": row["n_in_file"],
            "rows_used": row["n_used"],
            "rows_rejected": row["n_rejected"],
            "rows_duplicate": row["n_duplicate"],
            "rows_outside": row["n_outside"],
        }

    def _account(self, name: str) -> dict[str, object]:
        table = self._tables[name]
        if isinstance(table, MissingTable):
            raise UnknownTable("table", name, self.tables, FILE)
        outside = self._n_outside(name, table.table)
        first_at, last_at = self._extent(name)
        return {
            "table": name,
            "file": table.file,
            "n_in_file": table.n_in_file,
            "n_used": table.n_in_file - table.n_rejected - outside,
            "n_rejected": table.n_rejected,
            "n_duplicate": 0,
            "n_outside": outside,
            "first_at": self._local(first_at),
            "last_at": self._local(last_at),
        }

    def _extent(self, name: str) -> Extent:
        """Return the first and the last instant of a table, read once."""
        if name not in self._extents:
            found = self._tables.get(name)
            told = isinstance(found, Delivered) and name in CLOCKS
            self._extents[name] = extent(found.table, CLOCKS[name]) if told else (None, None)  # type: ignore[union-attr]
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


def open_shop(path: str | Path, *, as_of: str | dt.date | dt.datetime | None = None) -> Shop:
    """Open the shop whose folder is ``path``.

    Parameters
    ----------
    path
        A folder with ``shop.toml`` and Parquet or CSV files.
    as_of
        Nothing after this instant is known (a day is taken in to its end); when not given, the end
        of the last day that has a visit or an order.

    Raises
    ------
    UsageError
        When the folder or its ``shop.toml`` is missing or says something that cannot be.
    DataError
        When a table misses a required column or cannot be read, or when there is neither
        ``orders`` nor ``events``.
    """
    folder = Path(path).expanduser().resolve()
    if not folder.is_dir():
        raise UsageError(
            ko=f"폴더가 없습니다: {path}. 경로를 확인하십시오.",
            en=f"There is no folder {path}. Check the path.",
        )
    settings = read_settings(folder)
    tables = {name: read_table(folder, name, settings) for name in TABLES}
    shop = Shop(folder, settings, None, tables)
    if not set(_LEADING) & set(shop.tables):
        raise UsageError(
            ko=f"{folder.name}에 orders도 events도 없습니다. 둘 중 하나는 있어야 합니다. "
            f"파일을 두거나 {FILE}의 [tables.orders]에 적으십시오.",
            en=f"{folder.name} has neither orders nor events; one of them must be there. "
            f"Put the file there, or name it under [tables.orders] in {FILE}.",
        )
    return shop.until(as_of)


def find_shop(start: Path) -> Path:
    """Return the nearest folder at or above ``start`` that holds a shop, or a sample shop.

    Raises
    ------
    UsageError
        When there is none.
    """
    for folder in (start, *start.parents):
        for candidate in (folder, folder / "data" / "sample"):
            if (candidate / FILE).is_file():
                return candidate
    raise UsageError(
        ko=f"{start}에서 위로 {FILE}을 찾지 못했습니다. 상점 폴더를 적어 주십시오.",
        en=f"No {FILE} at or above {start}. Name the shop's folder.",
    )


def _check_verdict(n_tables: int, n_rejected: int) -> Verdict:
    if n_rejected:
        reason = Text(
            f"표 {n_tables}개를 읽었고, {n_rejected:,}행은 읽지 못해 뺐습니다.",
            f"{n_tables} tables read; {n_rejected:,} rows could not be read and were left out.",
        )
        return Verdict("cannot_tell", reason, code="ROWS_REJECTED")
    reason = Text(
        f"표 {n_tables}개를 모두 읽었습니다. 빠진 행이 없습니다.",
        f"All {n_tables} tables were read. No row was lost.",
    )
    return Verdict("no_difference", reason, code="CHECK")
