"""One table of a shop: its file found, its columns mapped, its texts read as declared types.

Parquet carries its types and is scanned where it lies. CSV is read as text and converted here; a row
whose required value is missing or whose value does not read as its declared type is rejected and
counted, never dropped silently.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from custmeasure.engine import SUFFIXES, MissingTable, Table, file_table, n_rows, query
from custmeasure.errors import DataError, UnknownName, UsageError, listed, nearest
from custmeasure.shop.contract import TABLES, Column
from custmeasure.shop.settings import Settings

# One constant text a type: what a text reads as, or nothing when it does not.
_CONVERSIONS = {
    "text": "SELECT nullif(value, '') AS value FROM rows",
    "instant": """
        SELECT CASE WHEN NOT regexp_full_match(trim(value), '[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}'
                        || '([ T][0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?(Z|[+-][0-9:]{2,5})?)?') THEN NULL
                    WHEN regexp_matches(trim(value), ':[0-9.]+(Z|[+-][0-9:]+)$')
                        THEN try_cast(value AS TIMESTAMPTZ)
                    ELSE timezone($written_in, try_cast(value AS TIMESTAMP)) END AS value
        FROM rows""",
    "day": """
        SELECT CASE WHEN regexp_matches(value, '^ *[0-9]') THEN try_cast(value AS DATE) END AS value
        FROM rows""",
    "number": """
        SELECT CASE WHEN regexp_full_match(trim(value), '[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?')
                    AND isfinite(try_cast(value AS DOUBLE)) THEN try_cast(value AS DOUBLE) END AS value
        FROM rows""",
    "count": """
        SELECT CASE WHEN regexp_full_match(trim(value), '[+-]?[0-9]+') THEN try_cast(value AS BIGINT) END
               AS value FROM rows""",
    "flag": """
        SELECT CASE WHEN lower(value) IN ('true', '1', 'y', 'yes') THEN true
                    WHEN lower(value) IN ('false', '0', 'n', 'no') THEN false END AS value
        FROM rows""",
}


@dataclass(frozen=True)
class Delivered:
    """A table as it came in, with its rows accounted for.

    Attributes
    ----------
    table
        What can be queried: the rows used.
    file
        Where they come from, relative to the shop's folder.
    n_in_file, n_rejected
        Rows in the file; rows that could not be read as declared.
    """

    table: Table
    file: str
    n_in_file: int
    n_rejected: int


def read_table(folder: Path, name: str, settings: Settings) -> Delivered | MissingTable:
    """Return the shop's table ``name``.

    Raises
    ------
    UnknownName
        When a mapped column is not in the file.
    DataError
        When a required column is missing or the file is not what its name says.
    UsageError
        When shop.toml names a file outside the folder or of another kind.
    """
    section = settings.tables.get(name, {})
    path = _file(folder, name, section)
    if path is None:
        return MissingTable(name)
    written_in = str(section.get("timezone", settings.timezone))
    raw = file_table(path, name=name, timezone=settings.timezone)
    columns = _columns(raw, name, section, path)
    used = _typed_csv(raw, columns, written_in) if path.suffix == ".csv" else raw.source
    delivered = () if path.suffix == ".csv" else tuple(columns.items())
    table = Table(
        name=name,
        source=used,
        columns=tuple(columns),
        timezone=settings.timezone,
        written_in=written_in,
        currency=settings.currency,
        delivered=delivered,
    )
    n_in_file = n_rows(raw)
    return Delivered(table, str(path.relative_to(folder)), n_in_file, n_in_file - n_rows(table))


def _file(folder: Path, name: str, section: Mapping[str, Any]) -> Path | None:
    files = [section["file"]] if "file" in section else [f"{name}{suffix}" for suffix in SUFFIXES]
    for file in files:
        path = (folder / str(file)).resolve()
        if "file" not in section and not path.is_file():
            continue
        if not path.is_relative_to(folder) or path.suffix not in SUFFIXES:
            raise UsageError(
                ko=f"[tables.{name}] file: {file!r}은(는) 상점 폴더 안의 .parquet·.csv가 아닙니다.",
                en=f"[tables.{name}] file: {file!r} is not a .parquet or .csv file inside the shop's "
                "folder.",
            )
        return path
    return None


def _columns(raw: Table, name: str, section: Mapping[str, Any], path: Path) -> dict[str, str]:
    """Return contract (or extra) name → delivered name, for every column of the file."""
    mapped = {str(new): str(old) for new, old in section.get("columns", {}).items()}
    contract = [column.name for column in TABLES[name]]
    for new, old in mapped.items():
        if new not in contract:
            raise UnknownName("column", new, contract, f"[tables.{name}.columns]")
        if old not in raw.columns:
            raise UnknownName("column", old, raw.columns, path.name)
    taken = set(mapped.values())
    rest = {column: column for column in raw.columns if column not in taken}
    columns = {**rest, **mapped}
    _check_required(columns, name, path)
    return columns


def _check_required(columns: Mapping[str, str], name: str, path: Path) -> None:
    for column in TABLES[name]:
        if column.required and column.name not in columns:
            near = nearest(column.name, list(columns))
            hint_ko = f" 혹시 '{near}' 열인가요?" if near else ""
            hint_en = f" Is it '{near}'?" if near else ""
            raise DataError(
                ko=f"{path.name}: 필요한 열 '{column.name}'이 없습니다.{hint_ko} "
                f"있는 열: {listed(list(columns))}. [tables.{name}.columns]에서 연결하십시오.",
                en=f"{path.name}: the required column '{column.name}' is missing.{hint_en} "
                f"Seen: {listed(list(columns))}. Map it under [tables.{name}.columns].",
            )


def _typed_csv(raw: Table, columns: Mapping[str, str], written_in: str) -> pa.Table:
    """Return the rows of a CSV whose values all read as declared."""
    declared = {column.name: column for column in TABLES[raw.name]}
    data: dict[str, pa.ChunkedArray] = {}
    good = None
    for name, delivered in columns.items():
        column = declared.get(name, Column(name, "text"))
        data[name], readable = _converted(raw, delivered, column, written_in)
        good = readable if good is None else pc.and_(good, readable)
    table = pa.table(data)
    return table if good is None else table.filter(good)


def _converted(
    raw: Table, delivered: str, column: Column, written_in: str
) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    """Return one column converted, and which of its rows could be read."""
    rows = raw.pick(value=(delivered, "text"))
    parameters = {"written_in": written_in} if column.kind == "instant" else {}
    value = query(_CONVERSIONS[column.kind], parameters, rows=rows)["value"]
    if column.required:
        return value, pc.is_valid(value)
    text = query(_CONVERSIONS["text"], rows=rows)["value"]
    return value, pc.or_(pc.is_valid(value), pc.is_null(text))
