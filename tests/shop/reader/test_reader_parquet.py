"""Parquet: types compared with the declared ones, every row checked, clean files left where they lie."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from reading import blocked, both, parquet, put, read, rows

from custmeasure.engine import Table, query

AT = dt.datetime(2026, 3, 4, tzinfo=dt.UTC)


def orders(n=2, **change):
    good = {
        "order_id": [f"A{i}" for i in range(n)],
        "customer_id": ["c"] * n,
        "at": [AT] * n,
        "amount": [float(i) for i in range(n)],
    }
    return parquet(**{**good, **change})


def test_a_clean_file_is_the_table_itself(tmp_path):
    path = put(tmp_path, orders(), "orders.parquet")
    reading = read(path)
    assert reading.table == (path,)
    assert reading.columns == ("order_id", "customer_id", "at", "amount")
    assert reading.accounts[0].n_used == 2


def test_names_in_the_file_are_given_to_the_engine(tmp_path):
    data = parquet(주문번호=["A"], customer_id=["c"], at=[AT], amount=[1.0])
    reading = read(put(tmp_path, data, "o.parquet"), columns={"order_id": "주문번호"})
    assert reading.delivered == (("order_id", "주문번호"),)
    table = Table("orders", reading.table, reading.columns, delivered=reading.delivered)
    found = query("SELECT order_id FROM rows", rows=table.pick(order_id=("order_id", "text")))
    assert found.to_pylist() == [{"order_id": "A"}]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None])
def test_what_is_no_finite_number_is_rejected_b14(tmp_path, value):
    amounts = [1.0] * 40 + [value]
    reading = read(put(tmp_path, orders(41, amount=amounts), "o.parquet"))
    assert reading.accounts[0].n_rejected == 1
    assert (reading.problems[0].row, reading.problems[0].line) == (41, None)
    assert 'o.parquet row 41 column "amount":' in reading.problems[0].said("en")
    assert np.isfinite(reading.table["amount"].to_numpy()).all()


def test_times_that_say_neither_utc_nor_local_are_asked_about(tmp_path):
    """Spark writes INT96 in UTC, others the clock on the wall: nine hours in Seoul."""
    path = tmp_path / "o.parquet"
    table = pa.table(
        {"order_id": ["A"], "customer_id": ["c"], "at": pa.array([AT]), "amount": [1.0]}
    )
    pq.write_table(table, path, use_deprecated_int96_timestamps=True)
    ko, en = both(blocked(path))
    assert 'timezone = "UTC"' in ko[0]
    assert en[0] == (
        'o.parquet column "at": its times are INT96, which does not say whether they are UTC or local. '
        'If Spark wrote the file, write timezone = "UTC" under [tables.orders] in shop.toml.'
    )
    reading = read(path, timezone="UTC")
    seen = Table("orders", reading.table, reading.columns, written_in="UTC")
    found = query("SELECT moment FROM rows", rows=seen.pick(moment=("at", "instant")))
    assert found.to_pylist() == [{"moment": AT}]


def test_a_column_of_another_type_blocks_b30(tmp_path):
    ko, en = both(blocked(put(tmp_path, orders(amount=[True, False]), "o.parquet")))
    assert en[0] == (
        'o.parquet column "amount": the column holds yes or no, declared is a number. '
        "Export it with the declared type."
    )
    assert "예·아니요 열인데 정해진 종류는 숫자입니다" in ko[0]


def test_an_id_that_is_a_fraction_blocks_b29(tmp_path):
    error = blocked(put(tmp_path, orders(order_id=[1.0, 2.0]), "o.parquet"))
    assert "the column holds a floating-point number, declared is text" in error.message("en")


def test_a_type_that_drifts_between_files_blocks_b30(tmp_path):
    monday = put(tmp_path, orders(amount=[1, 2]), "monday.parquet")
    tuesday = put(tmp_path, orders(order_id=["C", "D"], amount=["1", "2"]), "tuesday.parquet")
    ko, en = both(blocked([monday, tuesday]))
    assert en[0].startswith(
        'tuesday.parquet column "amount": the column holds text, in monday.parquet it holds a whole number.'
    )
    assert "monday.parquet에서는 정수 열입니다" in ko[0]


def test_whole_numbers_and_fractions_are_one_type_b30(tmp_path):
    monday = put(tmp_path, orders(amount=[1, 2]), "monday.parquet")
    tuesday = put(tmp_path, orders(order_id=["C", "D"], amount=[1.5, 2.0]), "tuesday.parquet")
    assert [row["amount"] for row in rows(read([monday, tuesday]))] == [1, 2, 1.5, 2]


def test_reordered_columns_are_the_same_columns_b30(tmp_path):
    first = put(tmp_path, orders(), "a.parquet")
    table = pa.table({"amount": [9.0], "at": [AT], "customer_id": ["c"], "order_id": ["Z"]})
    second = tmp_path / "b.parquet"
    pq.write_table(table, second)
    reading = read([first, second])
    table = Table("orders", reading.table, reading.columns)
    found = query(
        "SELECT amount FROM rows ORDER BY amount", rows=table.pick(amount=("amount", "number"))
    )
    assert found["amount"].to_pylist() == [0, 1, 9]


def test_a_new_further_column_is_told_b30(tmp_path):
    first = put(tmp_path, orders(), "a.parquet")
    second = put(tmp_path, orders(order_id=["C", "D"], memo=["x", "y"]), "b.parquet")
    reading = read([first, second])
    assert [row["memo"] for row in rows(reading)] == [None, None, "x", "y"]
    assert "a.parquet: it lacks memo; they stay empty." in reading.notes


def test_a_vanished_contract_column_blocks_b30(tmp_path):
    first = put(tmp_path, orders(status=["a", "b"]), "a.parquet")
    second = put(tmp_path, orders(order_id=["C", "D"]), "b.parquet")
    assert 'b.parquet column "status": the column is missing' in blocked([first, second]).message(
        "en"
    )


@pytest.mark.parametrize("kept", [0.3, 0.9, 0.999])
def test_a_file_that_is_cut_off_blocks_b31(tmp_path, kept):
    data = orders(1000)
    ko, en = both(blocked(put(tmp_path, data[: int(len(data) * kept)], "o.parquet")))
    assert en == ["o.parquet: the file is cut off or damaged. Download it again."]
    assert ko == ["o.parquet: 파일이 중간에 끊기거나 깨졌습니다. 다시 내려받으십시오."]


def test_a_file_damaged_in_the_middle_blocks_b31(tmp_path):
    data = bytearray(orders(5000))
    data[200:4000] = bytes(3800)
    assert "cut off or damaged" in blocked(put(tmp_path, bytes(data), "o.parquet")).message("en")


def test_a_file_that_changes_while_it_is_looked_at_is_not_taken_as_it_lies_b33(
    tmp_path, monkeypatch
):
    from custmeasure.shop.reader import source

    path, look = put(tmp_path, orders(), "o.parquet"), source.as_they_lie

    def replaced(paths, spec):
        reading = look(paths, spec)
        put(tmp_path, orders(order_id=["X", "Y"]), "o.parquet")
        return reading

    monkeypatch.setattr(source, "as_they_lie", replaced)
    assert [row["order_id"] for row in rows(read(path))] == ["X", "Y"]


def test_texts_are_brought_to_their_plain_spelling_b19(tmp_path):
    reading = read(put(tmp_path, orders(order_id=["A ", "B"]), "o.parquet"))
    assert [row["order_id"] for row in rows(reading)] == ["A", "B"]
    assert reading.merges == (("A ", "A"),)


def test_the_same_row_twice_is_one(tmp_path):
    reading = read(put(tmp_path, orders(order_id=["A", "A"], amount=[1.0, 1.0]), "o.parquet"))
    assert reading.accounts[0].n_duplicate == 1


def test_times_without_a_zone_in_the_repeated_hour_follow_the_rule_b12(tmp_path):
    naive = [dt.datetime(2026, 11, 1, 1, 30), dt.datetime(2026, 7, 1)]  # noqa: DTZ001
    reading = read(put(tmp_path, orders(at=naive), "o.parquet"), timezone="America/New_York")
    assert rows(reading)[0]["at"].astimezone(dt.UTC).hour == 5
    assert "showed twice in autumn" in reading.notes[0]


def test_days_become_midnights_of_the_shop(tmp_path):
    reading = read(put(tmp_path, orders(at=[dt.date(2026, 3, 4)] * 2), "o.parquet"))
    assert rows(reading)[0]["at"].astimezone(dt.UTC).strftime("%d %H") == "03 15"


def test_texts_in_a_number_column_are_read_as_declared(tmp_path):
    reading = read(put(tmp_path, orders(amount=["1,200", "5"]), "o.parquet"), numbers="1,234.5")
    assert [row["amount"] for row in rows(reading)] == [1200, 5]


@pytest.mark.parametrize("coded", [False, True])
@pytest.mark.parametrize("other", [[1.0] * 3, [1.0, None, 1.0]])  # as it lies, and row by row
def test_texts_that_are_not_utf_8_block_b17(tmp_path, coded, other):
    """Arrow writes and reads such bytes unseen; a query over them would stop in the middle."""
    buffers = [None, pa.array([0, 1, 2, 4], pa.int32()).buffers()[1], pa.py_buffer(b"ab\xb1\xe8")]
    texts = pa.Array.from_buffers(pa.string(), 3, buffers)
    path = tmp_path / "o.parquet"
    ids = texts.dictionary_encode() if coded else texts
    pq.write_table(
        pa.table({"order_id": [*"abc"], "customer_id": ids, "at": [AT] * 3, "amount": other}), path
    )
    ko, en = both(blocked(path))
    assert 'o.parquet row 3 column "customer_id": its bytes are not UTF-8' in en[0]
    assert "o.parquet 3행 'customer_id' 열: 글자가 UTF-8이 아닙니다" in ko[0]


def test_nested_columns_are_told_and_left_out(tmp_path):
    reading = read(put(tmp_path, orders(items=[[1], [2, 3]]), "o.parquet"))
    assert reading.columns == ("order_id", "customer_id", "at", "amount")
    assert "columns of nested or binary values were not read: items" in reading.notes[0]


def test_no_rows_block_b21(tmp_path):
    path = put(tmp_path, orders(0, at=pa.array([], pa.timestamp("us", "UTC"))), "o.parquet")
    assert "0 rows, only a header" in blocked(path).message("en")
