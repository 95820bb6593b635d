"""The tables of a shop that lie on Spark: Parquet files or tables of its catalog.

They are read by the same rules as files: required columns are there, values read as declared, each key
stands once, contact data stay outside, and every row is accounted for. What lies elsewhere (CSV, Excel, known
exports, databases) is read as always and brought to Spark when a question needs both.

.. code-block:: toml

    [tables.events]
    relation = "lake.shop.events"          # a table of the catalog

    [tables.orders]
    file = "s3a://bucket/shop/orders"      # Parquet, wherever Spark finds it

Without a section, ``events.parquet`` (a file or a folder) beside ``shop.toml`` is read.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from custmeasure.engine import Table
from custmeasure.engine.spark_read import (
    Examined,
    Master,
    Session,
    Wanted,
    changed,
    examine,
    first_rows,
    lake_table,
    session_of,
)
from custmeasure.errors import UsageError
from custmeasure.shop import privacy
from custmeasure.shop.contract import TABLES
from custmeasure.shop.delivered import Delivered
from custmeasure.shop.door import Key, at_the_door, own_key
from custmeasure.shop.reader import Account, DataBlocked, Problem, spec_for
from custmeasure.shop.reader.account import too_many_rejected
from custmeasure.shop.settings import Settings
from custmeasure.show.words import Text

_LOOKED_AT = 10_000  # rows that are looked at for contact data
_STYLES = ("encoding", "delimiter", "sheet", "dates", "numbers", "aliases", "constants")
_CORRECT = Text("그 값을 고치십시오.", "Correct those values.")


@dataclass(frozen=True)
class Place:
    """Where a table lies on Spark: a name of the catalog, or paths of Parquet files."""

    relation: str = ""
    paths: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.relation or ", ".join(path.rpartition("/")[2] for path in self.paths)


def read_lake(folder: Path, settings: Settings, spark: Master) -> dict[str, Delivered]:
    """Return the tables of a shop that lie on Spark.

    Parameters
    ----------
    folder, settings
        Of the shop.
    spark
        A session, or a master: ``"spark://host:7077"``, ``"local[*]"``.

    Raises
    ------
    EnvironmentProblem
        When PySpark or Java is missing, or Spark cannot reach a table.
    DataError
        When a required column is missing, or a column cannot be read as declared.
    DataBlocked
        When too many rows do not read as declared.
    UsageError
        When a section says how to read text: a table on Spark is read as it lies.
    """
    places = {name: find_place(folder, settings.tables.get(name, {}), name) for name in TABLES}
    session = session_of(spark)
    return {
        name: _delivered(folder, settings, name, place, session)
        for name, place in places.items()
        if place is not None
    }


def find_place(folder: Path, section: Mapping[str, Any], name: str) -> Place | None:
    """Return where a table lies on Spark, or None when it lies elsewhere or nowhere."""
    if "database" in section or "from" in section:
        return None
    if "relation" in section:
        return Place(relation=str(section["relation"]))
    if "file" not in section:
        here = folder / f"{name}.parquet"
        return Place(paths=(here.as_uri(),)) if here.exists() else None
    asked = section["file"] if isinstance(section["file"], list) else [section["file"]]
    files = [str(each) for each in asked]
    if not all("://" in each or each.lower().endswith(".parquet") for each in files):
        return None
    return Place(paths=tuple(each if "://" in each else (folder / each).as_uri() for each in files))


def _delivered(
    folder: Path, settings: Settings, name: str, place: Place, session: Session
) -> Delivered:
    section = settings.tables.get(name, {})
    _check_section(name, section)
    lying = lake_table(session, relation=place.relation, paths=place.paths)
    spec = spec_for(name, section, settings, lying.columns)
    columns = {new: old for new, old in spec.read_columns.items() if old not in spec.contact}
    wanted = Wanted(name, columns, spec.kinds, spec.required, spec.key, spec.timezone)
    found = examine(lying, wanted)
    problems = _problems(str(place), found)
    if too_many_rejected(found.n_rejected, found.n_rows):
        raise DataBlocked(problems, 0)
    account = Account(str(place), found.n_rows, found.n_used, found.n_rejected, found.n_duplicate)
    table = replace(
        found.table,
        timezone=settings.timezone,
        written_in=spec.timezone,
        currency=settings.currency,
    )
    delivered = Delivered(table, str(place), (), (account,), problems=problems)
    return _inside(delivered, own_key(folder))


def _check_section(name: str, section: Mapping[str, Any]) -> None:
    for key in _STYLES:
        if key in section:
            raise UsageError(
                ko=f"[tables.{name}] {key}: Spark의 표는 있는 그대로 읽습니다. 이 설정을 빼십시오.",
                en=f"[tables.{name}] {key}: a table on Spark is read as it lies. Leave this out.",
            )


def _inside(found: Delivered, key: Key) -> Delivered:
    """Return the table without contact data, as some of its rows tell."""
    table = found.table
    looked = Table(table.name, first_rows(table, _LOOKED_AT), table.columns)
    seen = at_the_door(replace(found, table=looked), key)
    kept = replace(table, columns=seen.table.columns)
    if seen.pseudonyms:
        secret = functools.partial(privacy.pseudonyms, key=key())
        kept = changed(kept, seen.pseudonyms, secret)
    return replace(seen, table=kept)


def _problems(where: str, found: Examined) -> tuple[Problem, ...]:
    """Return what keeps rows out, one a column."""
    parts = [(column, n, ("비어 있습니다", "is empty")) for column, n in found.missing.items()] + [
        (column, n, ("적힌 형으로 읽을 수 없습니다", "does not read as declared"))
        for column, n in found.unreadable.items()
    ]
    if found.n_unclear:
        parts.append((
            "", found.n_unclear,
            ("같은 번호에 값이 다른 행들입니다", "differs between rows of one key"),
        ))  # fmt: skip
    return tuple(
        Problem(
            where, Text(f"{n:,}행에서 {ko}", f"{n:,} rows: {en}"), _CORRECT, column=column or None
        )
        for column, n, (ko, en) in parts
    )
