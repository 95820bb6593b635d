"""Files that are not what they seem: disguised, cut off, swollen, still being written."""

import gzip
import io
import threading
import zipfile

import pytest
from reading import ORDERS, blocked, book, both, good_orders, order, parquet, put, read

from custmeasure.errors import EnvironmentProblem
from custmeasure.shop.reader import delivered_columns
from custmeasure.shop.reader.sniff import while_still


def zipped(**parts):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name.replace("__", "/").replace("_xml", ".xml"), part)
    return buffer.getvalue()


HTML = b"\xef\xbb\xbf\r\n<html><head></head><table><tr><td>1</td></tr></table></html>"
DISGUISES = [
    ("report.xls", HTML, "an HTML table (a web page)", "HTML 표"),
    ("orders.csv", zipped(a_csv=b"x"), "a ZIP archive", "ZIP 압축 파일"),
    ("orders.csv", book(["a"], ["b"]), "an Excel workbook (xlsx)", "Excel 통합 문서"),
    ("orders.xls", b"order_id\tamount\n1\t2\n", "plain text (CSV)", "일반 텍스트"),
    ("orders.xlsx", b"order_id,amount\n1,2\n", "plain text (CSV)", "일반 텍스트"),
    ("orders.csv", b"%PDF-1.7 ...", "a PDF document", "PDF 문서"),
    ("orders.csv", gzip.compress(b"a\n1\n", mtime=0), "a gzip file", "gzip 압축 파일"),
    ("orders.csv.gz", b"a,b\n1,2\n", "plain text (CSV)", "일반 텍스트"),
    ("orders.csv", parquet(a=[1]), "a Parquet file", "Parquet 파일"),
    ("orders.parquet", b"a,b\n1,2\n", "plain text (CSV)", "일반 텍스트"),
    ("orders.csv", b"SQLite format 3\0", "a database file", "데이터베이스 파일"),
    ("orders.csv", b"\x80\x04\x95\x05\0", "a Python pickle", "Python pickle"),
    ("orders.csv", b'[{"order_id": 1}]', "JSON data", "JSON 자료"),
    ("orders.xls", b'<?xml version="1.0"?><Workbook/>', "an XML document", "XML 문서"),
]


@pytest.mark.parametrize(
    ("name", "data", "en", "ko"),
    DISGUISES,
    ids=[f"{name} is {what}" for name, _, what, _ in DISGUISES],  # of bytes, pytest makes odd ones
)
def test_a_disguised_file_is_named_for_what_it_is_b32(tmp_path, name, data, en, ko):
    korean, english = both(blocked(put(tmp_path, data, name)))
    assert english[0].startswith(f"{name}: the file is named ")
    assert f"but is {en}" in english[0]
    assert ko in korean[0]


@pytest.mark.parametrize("name", ["orders.pkl", "orders.json", "orders", "orders.xlsx.gz"])
def test_other_kinds_are_never_opened_s30(tmp_path, name):
    error = blocked(put(tmp_path, b"\x80\x04\x95", name))
    assert "the file is of no kind that can be read" in error.message("en")


@pytest.mark.parametrize("kept", [0.2, 0.6, 0.99])
def test_gzip_that_is_cut_off_blocks_b31(tmp_path, kept):
    data = gzip.compress((ORDERS + good_orders(3000)).encode())
    ko, en = both(blocked(put(tmp_path, data[: int(len(data) * kept)], "orders.csv.gz")))
    assert en == ["orders.csv.gz: the compressed file is cut off or broken. Download it again."]
    assert ko[0].startswith("orders.csv.gz: 압축 파일이 중간에 끊기거나 깨졌습니다.")


def test_gzip_that_swells_blocks_b31(tmp_path, monkeypatch):
    monkeypatch.setattr("custmeasure.shop.reader.encoding._RATIO_FROM", 8 << 20)
    buffer = io.BytesIO()
    with gzip.open(buffer, "wb") as file:
        file.write(b"customer_id\n")
        for _ in range(12):
            file.write(b"1\n" * 500_000)
    error = blocked(put(tmp_path, buffer.getvalue(), "customers.csv.gz"), "customers")
    assert "the file grows more than 250-fold when unpacked" in error.message("en")
    assert "250배 넘게 커집니다" in error.message("ko")


def test_a_workbook_that_swells_is_not_opened_b31(tmp_path):
    sheet = b"<worksheet><sheetData>" + b" " * (32 << 20)
    data = zipped(
        **{"[Content_Types]_xml": b"<Types/>", "xl__workbook_xml": b"<workbook/>",
           "xl__worksheets__sheet1_xml": sheet}
    )  # fmt: skip
    ko, en = both(blocked(put(tmp_path, data, "orders.xlsx")))
    assert en[0].startswith("orders.xlsx: the file unpacks to 32 MB, too much for its kind.")
    assert "너무 커집니다" in ko[0]


def test_xml_entities_are_refused_b31(tmp_path):
    laughs = b'<!DOCTYPE w [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(book(["order_id"], ["A"]))) as old,
        zipfile.ZipFile(buffer, "w") as new,
    ):
        for name in old.namelist():
            part = old.read(name)
            new.writestr(name, laughs + part if name.endswith("sheet1.xml") else part)
    ko, en = both(blocked(put(tmp_path, buffer.getvalue(), "orders.xlsx")))
    assert en[0].startswith("orders.xlsx: it declares XML entities and is not opened.")
    assert "XML 엔터티 선언" in ko[0]


@pytest.mark.parametrize("kept", [0.5, 0.95])
def test_a_workbook_that_is_cut_off_blocks_b31(tmp_path, kept):
    data = book(["order_id"], *([f"A{i}"] for i in range(500)))
    error = blocked(put(tmp_path, data[: int(len(data) * kept)], "orders.xlsx"))
    assert error.message("en") == "orders.xlsx: the file is cut off or damaged. Download it again."


def test_a_file_that_keeps_growing_blocks_b33(tmp_path):
    path = put(tmp_path, ORDERS + good_orders(200_000))
    stop = threading.Event()

    def append():
        with path.open("a") as file:
            while not stop.wait(0.001):
                file.write(order(order_id="Z"))
                file.flush()

    writer = threading.Thread(target=append)
    writer.start()
    try:
        ko, en = both(blocked(path))
    finally:
        stop.set()
        writer.join()
    assert en[0].startswith("orders.csv: the file changed while it was read. Run again")
    assert ko[0].startswith("orders.csv: 읽는 동안 파일이 바뀌었습니다.")


def test_a_file_that_grew_once_is_read_again_b33(tmp_path):
    path = put(tmp_path, ORDERS + order())
    tries = []

    def work():
        tries.append(path.read_text())
        if len(tries) == 1:
            put(tmp_path, ORDERS + order() + order(order_id="B"))
        return tries[-1]

    assert while_still(path, work).count("\n") == 3


def test_a_file_that_is_not_there_is_a_matter_of_the_machine(tmp_path):
    with pytest.raises(EnvironmentProblem, match="There is no file"):
        delivered_columns(tmp_path / "orders.csv")
    with pytest.raises(EnvironmentProblem, match="cannot be read"):
        while_still(tmp_path / "gone.csv", (tmp_path / "gone.csv").read_bytes)
    assert read(put(tmp_path, ORDERS + order())).accounts
