"""Throw bytes at the reader, at the parsers of dates and numbers, and at shop.toml.

Only an error that says what is wrong may come out. By hand, with a folder that collects interesting bytes::

    python tests/fuzz/fuzz_reader.py corpus/ -max_total_time=600
"""

import gzip
import io
import sys
import tempfile
from pathlib import Path

import atheris
import openpyxl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

COMPILED = ["custmeasure.shop.reader.kernels", "custmeasure.shop.reader.scan"]

with atheris.instrument_imports(include=["custmeasure.shop"], exclude=COMPILED):
    from custmeasure.errors import CustmeasureError
    from custmeasure.shop.reader import delivered_columns, read_source, spec_for, write_rejected
    from custmeasure.shop.reader.reasons import why_not
    from custmeasure.shop.reader.values import cells_of, date_style, number_style, read
    from custmeasure.shop.settings import Settings, read_settings

KINDS = ("instant", "day", "number", "count", "flag")
NAMES = ("f.csv", "f.csv.gz", "f.xlsx", "f.parquet", "f.xls")
TABLES = ("customers", "orders", "events", "copy_days")
FOLDER = Path(tempfile.mkdtemp())
ROWS = [["order_id", "customer_id", "at", "amount"], ["A1", "c", "2026-03-04", "5"]]


def read_file(data: bytes) -> None:
    """Read the bytes as a file of some name, as some table."""
    name, table = NAMES[data[0] % len(NAMES)], TABLES[data[1] % len(TABLES)]
    path = FOLDER / name
    path.write_bytes(data[2:])
    columns = delivered_columns(path)
    contract = ("customer_id", "visitor_id", "order_id", "at", "event", "amount")
    mapped = dict(zip(contract, columns, strict=False)) if data[1] & 1 else {}
    known = {new: old for new, old in mapped.items() if data[1] & 2}
    reading = read_source(path, spec_for(table, {"columns": known}, Settings("s"), columns))
    write_rejected(reading, FOLDER)
    if isinstance(reading.table, pa.Table):
        _check_finite(reading.table)


def _check_finite(table: pa.Table) -> None:
    table.validate(full=True)
    for column in table.columns:
        if pa.types.is_floating(column.type) and pc.all(pc.is_finite(column)).as_py() is False:
            raise RuntimeError("a number that is not finite came through")


def read_value(data: bytes) -> None:
    """Read the bytes as a value of every type, in a style that they name too."""
    style, _, text = data.decode("utf-8", "ignore").partition("\n")
    dates, numbers = None, number_style("1234.5")
    for kind in KINDS:
        read(kind, cells_of([text]), dates, numbers)
        why_not(kind, text, dates, numbers, "orders")
    declared = date_style(style)
    read("instant", cells_of([text]), declared, numbers)
    why_not("instant", text, declared, numbers, "orders")


def read_number(data: bytes) -> None:
    """Read the bytes as a number in a style that they name."""
    style, _, text = data.decode("utf-8", "ignore").partition("\n")
    numbers = number_style(style)
    read("number", cells_of([text]), None, numbers)
    why_not("number", text, None, numbers, "orders")


def read_shop(data: bytes) -> None:
    """Read the bytes as shop.toml."""
    (FOLDER / "shop.toml").write_bytes(data)
    read_settings(FOLDER)


TARGETS = (read_file, read_file, read_value, read_number, read_shop)


def one_input(data: bytes) -> None:
    """Give the bytes to the target that their first byte names."""
    if len(data) > 3:
        try:
            TARGETS[data[0] % len(TARGETS)](data[1:])
        except CustmeasureError as error:
            if not (error.message("ko") and error.message("en")):
                raise RuntimeError("an error without words") from error


def seeds(folder: Path) -> None:
    """Write one good example for each target and kind of file."""
    text = "\n".join(",".join(row) for row in ROWS).encode()
    workbook, sheet, columns = io.BytesIO(), openpyxl.Workbook(), io.BytesIO()
    for row in ROWS:
        sheet.active.append(row)
    sheet.save(workbook)
    pq.write_table(pa.table({name: [value] for name, value in zip(*ROWS, strict=True)}), columns)
    files = (text, gzip.compress(text, mtime=0), workbook.getvalue(), columns.getvalue(), b"<html>")
    examples = [bytes([0, i, 1]) + data for i, data in enumerate(files)]
    examples += [
        b"\x02%Y.%m.%d %p %I:%M\n2026.03.04 \xec\x98\xa4\xed\x9b\x84 3:05",
        b"\x03\xe2\x82\xa91,234.5\n\xe2\x82\xa91,200.50",
        b'\x04name = "s"\n[tables.orders]\nfile = "o.csv"\n[funnel]\nsteps = ["a", "b"]\n',
    ]
    for i, example in enumerate(examples):
        (folder / f"seed{i}").write_bytes(example)


if __name__ == "__main__":
    corpus = Path(tempfile.mkdtemp())
    seeds(corpus)
    atheris.Setup([*sys.argv, str(corpus)], one_input)
    atheris.Fuzz()
