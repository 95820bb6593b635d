"""The files of an export, through the strict reader: accounts, problems and rejected rows a file."""

from pathlib import Path

import exporters
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from custmeasure.shop.exports import load, read_export
from custmeasure.shop.reader import DataBlocked, write_rejected

KEY = b"a key that only this test knows, really"
LINE = {
    "상품주문번호": "2026030400000011", "주문번호": "2026030400000010", "주문상태": "구매확정",
    "구매자명": "홍길동", "구매자ID": "kim", "구매자연락처": "010-1111-2222",
    "주문일시": "2026-03-04 09:00:00", "상품번호": "0101", "수량": "1", "상품별 할인액": "0",
    "상품별 총 주문금액": "9,000",
}  # fmt: skip


def lines(n: int, first: int = 0, **other: str) -> pd.DataFrame:
    """Return n orders of one line."""
    rows = [
        LINE | {"상품주문번호": f"P{i}", "주문번호": f"O{i}"} | other
        for i in range(first, first + n)
    ]
    return pd.DataFrame(rows)


def smartstore(*paths: Path, **section: str):
    return read_export(load("smartstore_orders"), paths, section, key=lambda: KEY)


def test_two_months_that_overlap_are_counted_file_by_file(tmp_path):
    """An order that comes again in the later file counts there, as it is there."""
    march = exporters.write_csv(lines(10), tmp_path / "2026-03.csv", "cp949")
    back = lines(4, first=8, 주문상태="반품")
    april = exporters.write_csv(back, tmp_path / "2026-04.csv", "utf-8-sig")
    done = smartstore(march, april)
    orders = done.readings["orders"]
    first, second = orders.accounts
    assert (first.n_in_file, first.n_used, first.n_duplicate) == (10, 8, 2)
    assert (second.n_in_file, second.n_used, second.n_duplicate) == (4, 4, 0)
    assert first.encoding != second.encoding
    assert orders.table.num_rows == 12
    refunds = dict(
        zip(*(orders.table[c].to_pylist() for c in ("order_id", "refund_amount")), strict=True)
    )
    assert (refunds["O7"], refunds["O8"], refunds["O11"]) == (0, 9_000, 9_000)


def test_a_rejected_row_is_named_by_its_file_and_kept_without_contact_data(tmp_path):
    bad = lines(30)
    bad.loc[4, "상품별 총 주문금액"] = "9,O00"
    good = exporters.write_csv(lines(30, first=100), tmp_path / "a.csv")
    path = exporters.write_csv(bad, tmp_path / "b.csv")
    orders = smartstore(good, path).readings["orders"]
    (problem,) = orders.problems
    assert (problem.file, problem.row, problem.column) == ("b.csv", 5, "상품별 총 주문금액")
    assert "has the letter O" in problem.said("en")
    assert [account.n_rejected for account in orders.accounts] == [0, 1]
    assert all(a.n_in_file == a.n_used + a.n_rejected for a in orders.accounts)
    (kept,) = write_rejected(orders, tmp_path / "run", "en")
    written = kept.read_text("utf-8-sig")
    assert "O4" in written
    assert "010-1111" not in written
    assert "홍길동" not in written


def test_too_many_rejected_rows_block(tmp_path):
    bad = lines(60)
    bad.loc[::2, "주문일시"] = "2026-02-30 09:00:00"
    with pytest.raises(DataBlocked, match="30 of 60 rows cannot be read") as error:
        smartstore(exporters.write_csv(bad, tmp_path / "a.csv"))
    assert "does not exist" in error.value.message("en")
    assert error.value.reading is not None


def test_dates_that_can_be_read_in_two_ways_block_until_they_are_declared(tmp_path):
    """B09."""
    path = exporters.write_csv(lines(40, 주문일시="03/04/2026"), tmp_path / "a.csv")
    with pytest.raises(DataBlocked, match="day/month or month/day"):
        smartstore(path)
    orders = smartstore(path, dates="%d/%m/%Y").readings["orders"].table
    assert orders["at"][0].as_py().date().isoformat() == "2026-04-02"  # 00:00 of 3 April in Seoul


def test_order_numbers_that_excel_rounded_block(tmp_path):
    """B29: the reader's checks of ids hold for the columns that become ids."""
    book = openpyxl.Workbook()
    book.active.append(list(LINE))
    book.active.append([*LINE.values()])
    book.active["B2"] = 2026030400000010123
    book.save(tmp_path / "a.xlsx")
    with pytest.raises(DataBlocked, match="B2"):
        smartstore(tmp_path / "a.xlsx")


def test_excel_cells_with_dates_and_numbers_read_as_texts_do(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(list(LINE))
    book.active.append([
        *("P1", "O1", "구매확정", "홍길동", "kim", "010-1111-2222"),
        pd.Timestamp("2026-03-04 09:00:00").to_pydatetime(), "0101", 1, 0, 9_000,
    ])  # fmt: skip
    book.save(tmp_path / "a.xlsx")
    orders = smartstore(tmp_path / "a.xlsx").readings["orders"].table.to_pylist()
    assert orders[0]["amount"] == 9_000
    assert orders[0]["at"].isoformat() == "2026-03-04T00:00:00+00:00"


def test_what_was_dropped_is_listed(tmp_path):
    done = smartstore(exporters.write_csv(lines(2), tmp_path / "a.csv"))
    assert set(done.dropped) == {"구매자명", "구매자연락처"}
    assert done.readings["orders"].hidden >= set(done.dropped)
    assert done.dropped["구매자연락처"] == "contact data, used only as a pseudonym"


def test_damaged_parquet_is_one_sentence(tmp_path):
    """B31."""
    path = tmp_path / "events.parquet"
    pq.write_table(pa.table({"event_name": ["a"]}), path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataBlocked, match=r"events\.parquet"):
        read_export(load("ga4_events"), [path])


def test_events_without_consent_are_outside(tmp_path):
    path = tmp_path / "events.parquet"
    pq.write_table(pa.table({
        "event_date": ["20260304"] * 3, "event_timestamp": pa.array([1_772_582_400_000_000] * 3),
        "event_name": ["view_item", "purchase", "purchase"], "user_pseudo_id": ["a.1", None, "a.1"],
    }), path)  # fmt: skip
    reading = read_export(load("ga4_events"), [path]).readings["events"]
    (account,) = reading.accounts
    assert (account.n_used, account.n_outside) == (2, 1)
    assert reading.table["at"][0].as_py().isoformat() == "2026-03-04T00:00:00+00:00"
    assert any("no user_pseudo_id" in note for note in reading.notes)
    assert any("rows delivered twice cannot be told" in note for note in reading.notes)


def test_ga4_rows_delivered_twice_are_one(tmp_path):
    rows = pa.table({
        "event_timestamp": pa.array([1, 2]), "event_name": ["a", "a"], "user_pseudo_id": ["v", "v"],
        "event_date": ["20260304"] * 2, "batch_page_id": [1, 1], "batch_ordering_id": [1, 1],
        "batch_event_index": [1, 2],
    })  # fmt: skip
    for name in ("1.parquet", "2.parquet"):
        pq.write_table(rows, tmp_path / name)
    reading = read_export(load("ga4_events"), sorted(tmp_path.glob("*.parquet"))).readings["events"]
    assert [account.n_duplicate for account in reading.accounts] == [2, 0]
    assert reading.table.num_rows == 2


def test_a_file_in_seven_parts_is_the_same_shop(tmp_path):
    """T19: lines of one order may even lie in different files."""
    whole = lines(60)
    whole["주문번호"] = [f"O{i // 4}" for i in range(60)]
    one = smartstore(exporters.write_csv(whole, tmp_path / "whole.csv"))
    mixed = whole.sample(frac=1, random_state=3)
    paths = [exporters.write_csv(mixed.iloc[i::7], tmp_path / f"{i}.csv") for i in range(7)]
    seven = smartstore(*paths)
    for name, reading in one.readings.items():
        order = [(column, "ascending") for column in reading.table.column_names[:1]] + (
            [("product_order_id", "ascending")] if name == "order_items" else []
        )
        assert seven.readings[name].table.sort_by(order).equals(reading.table.sort_by(order))
    assert sum(account.n_in_file for account in seven.readings["orders"].accounts) == 60


def test_many_rejected_rows_are_counted_beyond_those_kept(tmp_path):
    bad = lines(1_200, 주문일시="언젠가")
    with pytest.raises(DataBlocked, match="1,200 of 1,200 rows") as error:
        smartstore(exporters.write_csv(bad, tmp_path / "a.csv"))
    assert error.value.n_more == 200
