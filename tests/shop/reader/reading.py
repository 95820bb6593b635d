"""What the tests of the reader share: a file written, read as a shop's table, its sentences taken."""

import io
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import settings

from custmeasure.shop.reader import DataBlocked, Reading, delivered_columns, read_source, spec_for
from custmeasure.shop.settings import Settings

SEOUL = Settings("가게")
calm = settings(deadline=None)  # the first call compiles
ORDERS = "order_id,customer_id,at,amount\n"


def put(folder, data, name="orders.csv"):
    """Write one file and return its path."""
    path = Path(folder) / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def read(paths, table="orders", **section) -> Reading:
    """Read files as ``[tables.<table>]`` of shop.toml says."""
    spec = spec_for(table, section, SEOUL, delivered_columns(paths, section))
    return read_source(paths, spec)


def rows(reading) -> list[dict]:
    """Return the rows of a reading; None where nothing is there."""
    return reading.table.to_pylist()


def blocked(paths, table="orders", **section) -> DataBlocked:
    """Return the error of a table that cannot be used."""
    with pytest.raises(DataBlocked) as caught:
        read(paths, table, **section)
    return caught.value


def both(error) -> tuple[list[str], list[str]]:
    """Return the lines of an error in Korean and in English."""
    return error.message("ko").splitlines(), error.message("en").splitlines()


def order(at="2026-03-04", amount="5", order_id="A1", customer_id="c1") -> str:
    """Return one line of orders."""
    return f"{order_id},{customer_id},{at},{amount}\n"


def good_orders(n: int, first: int = 0) -> str:
    """Return ``n`` lines of orders that read well, so that one bad line is a small share."""
    return "".join(order(order_id=f"G{first + i}") for i in range(n))


def book(*rows, change=None) -> bytes:
    """Return a workbook whose first sheet, Sheet1, holds these rows."""
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet.title = "Sheet1"
    for row in rows:
        sheet.append(list(row))
    if change:
        change(workbook, sheet)
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


def parquet(**columns) -> bytes:
    """Return a Parquet file."""
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()
