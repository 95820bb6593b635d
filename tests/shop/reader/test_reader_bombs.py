"""Small files that would unpack to more than memory holds: less than 1 GiB is ever used on them."""

import gzip
import io
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from reading import blocked, put

SHEET = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'


def gzip_bomb() -> bytes:
    buffer = io.BytesIO()
    with gzip.open(buffer, "wb", compresslevel=9) as file:
        file.write(b"customer_id\n")
        for _ in range(300):
            file.write(b"1\n" * 500_000)
    return buffer.getvalue()


def workbook_bomb() -> bytes:
    """Return a workbook with one row of a gigabyte."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "<workbook/>")
        with archive.open("xl/worksheets/sheet1.xml", "w") as part:
            part.write(SHEET.encode())
            for _ in range(1000):
                part.write(b"<c/>" * (1 << 18))
    return buffer.getvalue()


def parquet_bomb() -> bytes:
    """Return 50 million rows in some kilobytes: one value, repeated."""
    buffer = io.BytesIO()
    one = pa.DictionaryArray.from_arrays(np.zeros(50_000_000, np.int8), ["c"])
    pq.write_table(pa.table({"customer_id": one}), buffer, row_group_size=50_000_000)
    return buffer.getvalue()


BOMBS = {
    "customers.csv.gz": gzip_bomb,
    "customers.xlsx": workbook_bomb,
    "customers.parquet": parquet_bomb,
}
# What the kernel says of this very program; ru_maxrss would begin with the memory of its parent.
READ = """
import re, sys
from pathlib import Path
from custmeasure.shop.reader import DataBlocked, delivered_columns
try:
    delivered_columns(sys.argv[1])
    from custmeasure.shop.reader import read_source, Spec
    read_source(sys.argv[1], Spec("customers", {"customer_id": "customer_id"}, {"customer_id": "text"}))
except DataBlocked as error:
    print(error.message("en"))
print(int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc on this system")
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_takes_less_than_a_gibibyte_b31(tmp_path, name):
    path = put(tmp_path, BOMBS[name](), name)
    command = [sys.executable, "-c", READ, str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    *said, peak = done.stdout.splitlines()
    assert int(peak) < 1024
    if not name.endswith(".parquet"):  # those are looked through bit by bit
        assert said[0].startswith(f"{name}: the file")


def test_a_locked_archive_is_said_to_be_one(tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "<workbook/>")
    data = bytearray(buffer.getvalue())
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(signature)
        while at >= 0:
            data[at + place] |= 1
            at = data.find(signature, at + 1)
    error = blocked(put(tmp_path, bytes(data), "orders.xlsx"))
    assert "protected by a password" in error.message("en")
