"""Every table of a shop, from wherever it comes: files, known exports, databases.

Each source has its own reader; what comes out is the same: a table that can be queried, and an account
of every record. Contact data stop at the door.
"""

import datetime as dt
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from custmeasure.engine import MissingTable, Table
from custmeasure.engine.database import Snapshot, database_table, open_database, snapshot
from custmeasure.engine.extract import Extract
from custmeasure.errors import UnknownName, UsageError
from custmeasure.shop import exports
from custmeasure.shop.contract import CLOCKS, KEYS, TABLES
from custmeasure.shop.delivered import Delivered
from custmeasure.shop.door import at_the_door, own_key
from custmeasure.shop.privacy import HIDDEN, contact_columns
from custmeasure.shop.reader import (
    Account,
    DataBlocked,
    Problem,
    Reading,
    delivered_columns,
    read_source,
    spec_for,
)
from custmeasure.shop.reader.account import too_many_rejected
from custmeasure.shop.settings import Settings
from custmeasure.show.words import Text

if TYPE_CHECKING:
    from custmeasure.shop.exports import Exported

SUFFIXES = (".parquet", ".csv", ".csv.gz", ".xlsx")


def read_tables(
    folder: Path,
    settings: Settings,
    until: dt.datetime | None = None,
    names: Collection[str] = tuple(TABLES),
) -> dict[str, Delivered | MissingTable]:
    """Return every table of the contract, as the shop has it or not.

    Parameters
    ----------
    folder, settings
        Of the shop.
    until
        The last instant that is wanted: a database is not asked for later rows, it only counts them.
    names
        The tables that are read here.

    Raises
    ------
    UnknownName
        When a file, column, export or database is named that does not exist.
    DataBlocked
        When a table cannot be used.
    UsageError
        When shop.toml names a file outside the folder, or says two sources of a table.
    EnvironmentProblem
        When a file or a database cannot be reached.
    """
    with ExitStack() as stack:
        room = _Room(folder, settings, until, stack)
        return {name: room.table(name) for name in names}


@dataclass
class _Room:
    """What tables share while they are read: an export's rows, a database's snapshot."""

    folder: Path
    settings: Settings
    until: dt.datetime | None
    stack: ExitStack
    exported: dict[tuple[object, ...], "Exported"] = field(default_factory=dict)
    snapshots: dict[str, Snapshot] = field(default_factory=dict)

    def table(self, name: str) -> Delivered | MissingTable:
        """Return one table, without its contact data."""
        section = self.settings.tables.get(name, {})
        if "database" in section:
            found: Delivered | None = self._from_database(name, section)
        else:
            paths = find_files(self.folder, name, section)
            found = self._from_files(name, section, paths) if paths else None
        return MissingTable(name) if found is None else at_the_door(found, own_key(self.folder))

    def _from_files(
        self, name: str, section: Mapping[str, Any], paths: tuple[Path, ...]
    ) -> Delivered | None:
        if "from" not in section:
            reading = _read(name, section, self.settings, paths)
            return self._delivered(name, section, paths, reading, {})
        exported = self._export(section, paths)
        if name not in exported.readings:
            raise UnknownName("table", name, exported.readings, f"from = {section['from']!r}")
        return self._delivered(name, section, paths, exported.readings[name], exported.dropped)

    def _export(self, section: Mapping[str, Any], paths: tuple[Path, ...]) -> "Exported":
        """Return what an export holds; tables that come from the same files read them once."""
        key = (section["from"], paths, str(sorted(section.items(), key=str)))
        if key not in self.exported:
            mapping = exports.load(str(section["from"]), self.folder)
            read = exports.read_export(mapping, paths, section, key=own_key(self.folder))
            self.exported[key] = read
        return self.exported[key]

    def _delivered(
        self,
        name: str,
        section: Mapping[str, Any],
        paths: tuple[Path, ...],
        reading: Reading,
        dropped: Mapping[str, Text],
    ) -> Delivered:
        return Delivered(
            table=self._table(name, section, reading),
            file=", ".join(path.relative_to(self.folder).as_posix() for path in paths),
            paths=paths,
            accounts=reading.accounts,
            notes=reading.notes,
            problems=reading.problems,
            merges=reading.merges,
            dropped=dropped,
            reading=reading,
        )

    def _table(self, name: str, section: Mapping[str, Any], reading: Reading) -> Table:
        return Table(
            name=name,
            source=reading.table,
            columns=reading.columns,
            timezone=self.settings.timezone,
            written_in=str(section.get("timezone", self.settings.timezone)),
            currency=self.settings.currency,
            delivered=reading.delivered,
        )

    def _from_database(self, name: str, section: Mapping[str, Any]) -> Delivered:
        shared = self._snapshot(str(section["database"]))
        what = str(section.get("relation", section.get("query", name)))
        known = list(shared.columns(what))
        columns = _mapped(name, section, known)
        extract = database_table(
            shared,
            what,
            columns,
            {column.name: column.kind for column in TABLES[name] if column.name in columns},
            required=[column.name for column in TABLES[name] if column.required],
            key=KEYS.get(name) if KEYS.get(name) in columns else None,
            at=CLOCKS.get(name) if CLOCKS.get(name) in columns else None,
            until=self.until if CLOCKS.get(name) in columns else None,
            timezone=str(section.get("timezone", self.settings.timezone)),
        )
        where = f"{shared.source.where} {section.get('relation', name)}"
        return _extracted(name, where, extract, shared.notes, self.settings)

    def _snapshot(self, name: str) -> Snapshot:
        """Return the one transaction in which every table of a database is read."""
        if name not in self.settings.sources:
            raise UnknownName("setting", name, self.settings.sources, "[sources]")
        if name not in self.snapshots:
            section = self.settings.sources[name]
            source = open_database(name, section, os.environ, folder=self.folder)
            self.snapshots[name] = self.stack.enter_context(snapshot(source))
        return self.snapshots[name]


def find_files(folder: Path, name: str, section: Mapping[str, Any]) -> tuple[Path, ...]:
    """Return the files of a table, sorted by name; none when the shop does not have it.

    Raises
    ------
    UsageError
        When shop.toml names a file that is not there, or not inside the folder.
    """
    if "file" not in section:
        usual = [folder / f"{name}{suffix}" for suffix in SUFFIXES]
        here = [path for path in usual if path.is_file()]
        return tuple(_inside(folder, path, name) for path in here[:1])
    asked = section["file"] if isinstance(section["file"], list) else [section["file"]]
    return tuple(path for pattern in asked for path in _matching(folder, name, str(pattern)))


def _matching(folder: Path, name: str, pattern: str) -> Iterator[Path]:
    exact = folder / pattern
    found = [exact] if exact.is_file() else _globbed(folder, pattern) if pattern else []
    if not found:
        raise UsageError(
            ko=f"[tables.{name}] file: {pattern!r}이(가) 상점 폴더에 없습니다. 이름을 확인하십시오.",
            en=f"[tables.{name}] file: there is no {pattern!r} in the shop's folder. Check the name.",
        )
    for path in found:
        yield _inside(folder, path, name)


def _globbed(folder: Path, pattern: str) -> list[Path]:
    try:
        return sorted(path for path in folder.glob(pattern) if path.is_file())
    except (NotImplementedError, ValueError, IndexError):  # an absolute pattern, or none
        return []


def _inside(folder: Path, path: Path, name: str) -> Path:
    """Return a file's true place, refusing one that a link or a path leads out of the folder."""
    place = path.resolve()
    if place.is_relative_to(folder) and place.name.endswith(
        (*SUFFIXES, ".gz", ".tsv", ".txt", ".xls")
    ):
        return place
    raise UsageError(
        ko=f"[tables.{name}] file: {path.name!r}은(는) 상점 폴더의 .parquet·.csv·.xlsx가 아닙니다.",
        en=f"[tables.{name}] file: {path.name!r} is not a .parquet, .csv or .xlsx file inside the shop's "
        "folder.",
    )


def _read(
    name: str, section: Mapping[str, Any], settings: Settings, paths: Sequence[Path]
) -> Reading:
    spec = spec_for(name, section, settings, delivered_columns(paths, section))
    reading = read_source(paths, spec)
    if reading.blocked:
        raise DataBlocked(reading.problems, reading.n_more, reading)
    return reading


def _mapped(name: str, section: Mapping[str, Any], known: Sequence[str]) -> dict[str, str]:
    """Return contract (or further) name → the name in the database, contact columns left out."""
    mapped = {str(new): str(old) for new, old in section.get("columns", {}).items()}
    contract = [column.name for column in TABLES[name]]
    for new, old in mapped.items():
        if new not in contract:
            raise UnknownName("column", new, contract, f"[tables.{name}.columns]")
        if old not in known:
            raise UnknownName("column", old, known, f"[tables.{name}]")
    taken = set(mapped.values()) | contact_columns(known)
    return {**{column: column for column in known if column not in taken}, **mapped}


def _extracted(
    name: str, where: str, extract: Extract, notes: Sequence[Text], settings: Settings
) -> Delivered:
    problems = tuple(
        Problem(
            where, refused.rule, _CORRECT, row=refused.row, column=refused.column,
            value=HIDDEN if contact_columns([refused.column]) else refused.value,
        )
        for refused in extract.refused
    )  # fmt: skip
    if too_many_rejected(extract.n_rejected, extract.n_in_source):
        raise DataBlocked(problems, max(0, extract.n_rejected - len(problems)))
    account = Account(
        where, extract.n_in_source, extract.n_used, extract.n_rejected, 0, extract.n_outside
    )
    return Delivered(
        table=Table(
            name=name,
            source=extract.table,
            columns=tuple(extract.table.column_names),
            timezone=settings.timezone,
            currency=settings.currency,
        ),
        file=where,
        paths=(),
        accounts=(account,),
        notes=tuple(dict.fromkeys((*notes, *extract.notes))),
        problems=problems,
    )


_CORRECT = Text("데이터베이스의 그 값을 고치십시오.", "Correct that value in the database.")
