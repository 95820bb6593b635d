"""Workbooks: values as they were saved, cells named in every sentence, nothing lost without a word."""

import datetime as dt
import io
import re
import zipfile

import openpyxl
import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from reading import blocked, book, both, put, read, rows

HEADER = ["order_id", "customer_id", "at", "amount", "memo"]
AT = dt.datetime(2026, 3, 4, 9, tzinfo=None)  # noqa: DTZ001 - a cell has no zone
GOOD = ["A1", "c1", AT, 1200, "x"]


def orders(tmp_path, *rows, change=None):
    return put(tmp_path, book(HEADER, *rows, change=change), "orders.xlsx")


def rewritten(data, name, change):
    """Return a workbook with one of its parts changed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w", 8) as new:
        for item in old.namelist():
            part = old.read(item)
            new.writestr(item, change(part) if item == name else part)
    return buffer.getvalue()


def test_values_keep_their_types_and_texts_are_read_as_declared(tmp_path):
    path = orders(
        tmp_path, GOOD, ["A2", "c2", "2026-03-04 10:00", "1200.5", None], [None] * 5,
        ["A3", "c1", dt.date(2026, 3, 5), 7, 3],
    )  # fmt: skip
    reading = read(path)
    assert [row["amount"] for row in rows(reading)] == [1200, 1200.5, 7]
    assert [row["at"].strftime("%d %H") for row in rows(reading)] == ["04 00", "04 01", "04 15"]
    assert [row["memo"] for row in rows(reading)] == ["x", None, "3"]
    assert reading.accounts[0].n_in_file == 3


def test_numbers_and_texts_in_an_id_column_block_with_both_cells_b02(tmp_path):
    path = orders(tmp_path, [123, *GOOD[1:]], ["00123", *GOOD[1:]])
    ko, en = both(blocked(path))
    assert en[0].startswith(
        'orders.xlsx Sheet1!A2 column "order_id": numbers (Sheet1!A2) and texts'
    )
    assert "Sheet1!A3" in en[0]
    assert "숫자(Sheet1!A2)와 텍스트(Sheet1!A3)가 섞여" in ko[0]


def test_mixed_ids_are_found_however_far_apart_b02(tmp_path):
    many = [[f"A{i}", *GOOD[1:]] for i in range(5000)]
    assert "numbers (Sheet1!A5002)" in blocked(orders(tmp_path, *many, [7, *GOOD[1:]])).message(
        "en"
    )


def test_leading_zeros_that_only_a_format_draws_block_b02(tmp_path):
    def pad(_, sheet):
        sheet["A2"].number_format = "00000"

    error = blocked(orders(tmp_path, [123, *GOOD[1:]], change=pad))
    assert "Sheet1!A2" in error.message("en")
    assert "its format (00000) shows with leading zeros" in error.message("en")


def test_whole_number_ids_become_their_digits(tmp_path):
    assert (
        rows(read(orders(tmp_path, [2026030412345, 7, *GOOD[2:]])))[0]["order_id"]
        == "2026030412345"
    )


@pytest.mark.parametrize("number", [12345678901234567890, 2**53, 1.2345678901234568e16])
def test_an_id_that_excel_has_already_changed_blocks_b29(tmp_path, number):
    ko, en = both(blocked(orders(tmp_path, [number, *GOOD[1:]])))
    assert "Sheet1!A2" in en[0]
    assert "a number of 2^53 or more: Excel has already changed its last digits" in en[0]
    assert "2^53 이상의 숫자라 Excel이 뒷자리를 이미 바꾸었습니다" in ko[0]


def test_long_ids_in_csv_keep_every_digit_b29(tmp_path):
    text = "order_id,customer_id,at,amount\n1234567890123456789,,2026-03-04,5\n".replace(
        ",,", ",c,"
    )
    assert rows(read(put(tmp_path, text)))[0]["order_id"] == "1234567890123456789"


def test_a_merged_row_of_totals_blocks_b27(tmp_path):
    def total(_, sheet):
        sheet.append(["합계", None, None, 1200])
        sheet.merge_cells("A3:C3")

    ko, en = both(blocked(orders(tmp_path, GOOD, change=total)))
    assert en == [
        "orders.xlsx Sheet1!A3: the row '합계' is a total, not a record. Delete that row."
    ]
    assert ko == [
        "orders.xlsx Sheet1!A3: '합계' 행은 기록이 아니라 합계입니다. 그 행을 지우십시오."
    ]


def test_the_notes_tell_which_sheet_and_which_hidden_ones_b27(tmp_path):
    def hide(workbook, sheet):
        sheet.row_dimensions[3].hidden = True
        workbook.create_sheet("raw").sheet_state = "hidden"
        workbook.create_sheet("둘째").append(["a"])

    reading = read(orders(tmp_path, GOOD, ["A2", *GOOD[1:]], change=hide))
    assert reading.accounts[0].n_used == 2
    sheets, hidden = reading.notes
    assert (
        sheets == "orders.xlsx: sheet 'Sheet1' was read; not read: 둘째; hidden and not read: raw."
    )
    assert "숨은 시트: raw" in sheets.ko
    assert hidden == "orders.xlsx: hidden rows were read too: 3."


def test_a_formula_without_its_value_blocks_with_its_cell_b27(tmp_path):
    def formula(_, sheet):
        sheet["D2"] = "=1+1"

    ko, en = both(blocked(orders(tmp_path, GOOD, change=formula)))
    assert en[0].startswith("orders.xlsx Sheet1!D2: formulas were saved without their values (D2).")
    assert "계산된 값이 저장되지 않은 수식이 있습니다(D2)" in ko[0]


def test_a_formula_with_its_value_is_read_b27(tmp_path):
    data = book(HEADER, GOOD)
    data = rewritten(
        data,
        "xl/worksheets/sheet1.xml",
        lambda xml: re.sub(rb"<v>1200</v>", b"<f>SUM(600,600)</f><v>1200</v>", xml),
    )
    assert rows(read(put(tmp_path, data, "orders.xlsx")))[0]["amount"] == 1200


@pytest.mark.parametrize("error", ["#DIV/0!", "#N/A", "#REF!"])
def test_an_error_cell_blocks_with_its_cell_b27(tmp_path, error):
    def broken(_, sheet):
        sheet["E2"] = error
        sheet["E2"].data_type = "e"

    ko, en = both(blocked(orders(tmp_path, GOOD, change=broken)))
    assert en[0].startswith("orders.xlsx Sheet1!E2: cells hold an error such as #DIV/0! (E2).")
    assert "오류 값이 든 셀이 있습니다(E2)" in ko[0]


def test_a_workbook_of_1904_is_read_right_and_told_b27(tmp_path):
    def old_mac(workbook, _):
        workbook.epoch = CALENDAR_MAC_1904

    reading = read(orders(tmp_path, GOOD, change=old_mac))
    assert rows(reading)[0]["at"].strftime("%Y-%m-%d %H:%M") == "2026-03-04 00:00"
    assert "counts days from 1904" in reading.notes[0]


def test_a_date_that_is_a_bare_number_is_refused_b10(tmp_path):
    good = [[f"G{i}", *GOOD[1:]] for i in range(40)]
    (problem,) = read(orders(tmp_path, *good, ["A1", "c1", 45000, 5, "x"])).problems
    assert problem.said("en").startswith(
        'orders.xlsx Sheet1!C42 column "at": "45000" looks like an Excel serial (2023-03-15).'
    )


def test_an_xlsx_of_1048576_rows_blocks_b28(tmp_path):
    data = rewritten(
        book(HEADER, GOOD),
        "xl/worksheets/sheet1.xml",
        lambda xml: xml.replace(
            b"</sheetData>",
            b'<row r="1048576"><c r="A1048576" t="inlineStr"><is><t>Z</t></is></c></row></sheetData>',
        ),
    )
    assert "limit of xlsx (1,048,576)" in blocked(put(tmp_path, data, "orders.xlsx")).message("en")


def test_a_dimension_of_one_cell_does_not_cut_the_sheet(tmp_path):
    data = rewritten(
        book(HEADER, GOOD, ["A2", *GOOD[1:]]),
        "xl/worksheets/sheet1.xml",
        lambda xml: re.sub(rb'<dimension ref="[^"]*"', b'<dimension ref="A1"', xml),
    )
    assert len(rows(read(put(tmp_path, data, "orders.xlsx")))) == 2


def test_what_stands_above_the_header_is_told(tmp_path):
    data = book(["엑셀 일괄발송 안내"], HEADER, GOOD)
    reading = read(put(tmp_path, data, "orders.xlsx"))
    assert reading.accounts[0].n_used == 1
    assert "the header is row 2; what stands above was not read" in reading.notes[0]


def test_a_value_outside_the_columns_blocks_with_its_cell(tmp_path):
    error = blocked(orders(tmp_path, [*GOOD, "more"]))
    assert error.message("en").startswith(
        "orders.xlsx Sheet1!F2: a value stands in a column without a name."
    )


def test_a_sheet_that_is_not_there_names_the_nearest(tmp_path):
    error = blocked(orders(tmp_path, GOOD), sheet="Sheet2")
    assert "there is no sheet 'Sheet2' (seen: Sheet1)" in error.message("en")
    assert rows(read(orders(tmp_path, GOOD), sheet="Sheet1"))


def test_a_name_that_stands_twice_blocks_b20(tmp_path):
    data = book([*HEADER, "memo "], [*GOOD, "y"])
    assert "two columns have this name" in blocked(put(tmp_path, data, "orders.xlsx")).message("en")


@pytest.mark.parametrize("name", ["orders.xlsx", "orders.xls"])
def test_a_password_is_said_to_be_one(tmp_path, name):
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000)
    data = ole + "EncryptedPackage".encode("utf-16-le") + bytes(100)
    ko, en = both(blocked(put(tmp_path, data, name)))
    assert en[0].startswith(f"{name}: the file is an Excel file protected by a password.")
    assert ko[0].startswith(f"{name}: 이 파일은 암호가 걸린 Excel 파일입니다.")


def test_an_old_workbook_asks_to_be_saved_anew_b28(tmp_path):
    data = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "Workbook".encode("utf-16-le")
    error = blocked(put(tmp_path, data, "orders.xls"))
    assert error.message("en") == (
        "orders.xls: the file is an old Excel file (xls). "
        "Open it in Excel and save it as xlsx or CSV."
    )


def test_a_workbook_with_nothing_in_it_blocks_b21(tmp_path):
    assert "no sheet holds anything" in blocked(put(tmp_path, book(), "orders.xlsx")).message("en")
    assert "0 rows, only a header" in blocked(orders(tmp_path)).message("en")


def test_openpyxl_uses_the_safe_parser():
    assert openpyxl.DEFUSEDXML
