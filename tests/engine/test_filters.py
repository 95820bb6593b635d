"""Filters: every operator, on text, numbers, flags and what is missing."""

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from custmeasure.engine import Table, as_table, extent, query, stream
from custmeasure.errors import UnknownName, UsageError

ROWS = pd.DataFrame(
    {"who": ["a", "b", "c", None], "n": [1.0, 2.0, 10.0, None], "paid": [True, False, True, None]}
)


def kept(*filters, rows=ROWS):
    """Return the values of n of the rows that pass."""
    table = as_table(rows).pick(n=("n", "number")).keep(filters)
    return query("SELECT n FROM rows", rows=table)["n"].to_pylist()


@pytest.mark.parametrize(
    ("triple", "expected"),
    [
        (("who", "=", "a"), [1]),
        (("who", "!=", "a"), [2, 10, None]),  # who is missing is not "a"
        (("who", "in", ["a", "c"]), [1, 10]),
        (("who", "in", []), []),
        (("who", "not in", ["a", "c"]), [2, None]),
        (("who", "in", ["a", None]), [1, None]),
        (("who", "=", None), [None]),
        (("who", "!=", None), [1, 2, 10]),
        (("n", "<", 2), [1]),
        (("n", "<=", 2), [1, 2]),
        (("n", ">", 2), [10]),
        (("n", ">=", 2.0), [2, 10]),
        (("paid", "=", True), [1, 10]),
        (("paid", "!=", True), [2, None]),
    ],
)
def test_every_operator(triple, expected):
    assert kept(triple) == expected


def test_several_filters_all_hold():
    assert kept(("n", ">", 1), ("paid", "=", True)) == [10]
    assert kept() == [1, 2, 10, None]


def test_a_number_is_compared_as_a_number_even_where_all_is_text(tmp_path):
    ROWS.to_csv(tmp_path / "a.csv", index=False)
    assert kept(("n", ">", 2), rows=tmp_path / "a.csv") == [10]


def test_a_flag_is_a_column_that_is_never_missing():
    table = as_table(ROWS).pick(n=("n", "number")).flag(big=[("n", ">", 1)], every=())
    rows = query("SELECT big, every FROM rows", rows=table).to_pydict()
    assert rows == {"big": [False, True, True, False], "every": [True] * 4}


def test_a_filter_names_the_contract_s_column():
    table = Table("x", pa.table({"구매자": ["a", "b"]}), ("who",), delivered=(("who", "구매자"),))
    rows = table.pick(who=("who", "text")).keep([("who", "=", "b")])
    assert query("SELECT who FROM rows", rows=rows)["who"].to_pylist() == ["b"]


def test_the_extent_is_that_of_the_rows_kept():
    at = pd.to_datetime(["2026-01-01", "2026-02-01"]).tz_localize("UTC")
    table = as_table(pa.table({"who": ["a", "b"], "at": at}))
    assert extent(table.keep([("who", "=", "b")]), "at")[0] == at[1]


def test_rows_come_in_batches():
    rows = as_table(pa.table({"n": range(2_500_000)})).pick(n=("n", "count"))
    sizes = [batch.num_rows for batch in stream("SELECT n FROM rows", rows=rows)]
    assert sum(sizes) == 2_500_000
    assert len(sizes) > 1


@pytest.mark.parametrize(
    "filters",
    [
        "who = 1", 5, ["who"], [("who", "=")], [("who", "in", "abc")], [("who", "=", ["a"])],
        [("n", "<", None)], [("who", "=", object())], [(1, "=", 1)],
    ],
)  # fmt: skip
def test_what_is_no_triple_is_refused(filters):
    with pytest.raises(UsageError, match="must be a list of triples") as raised:
        as_table(ROWS).keep(filters)
    assert "묶은 목록" in raised.value.message("ko")


def test_unknown_names_have_a_nearest_one():
    with pytest.raises(UnknownName, match="'paid'"):
        kept(("payd", "=", True))
    with pytest.raises(UnknownName, match="Seen: =, !=") as raised:
        kept(("n", "==", 1))
    assert "연산자" in raised.value.message("ko")


def test_the_extent_of_a_clock_that_shows_utc_needs_no_look_at_the_rows(tmp_path):
    clock = pd.to_datetime(["2026-01-01 12:00", "2026-02-01 00:00"])
    rows = pa.table({"at": pa.array(clock, pa.timestamp("us"))})
    pq.write_table(rows, tmp_path / "a.parquet")
    for source in (rows, tmp_path / "a.parquet"):
        assert extent(as_table(source), "at") == tuple(clock.tz_localize("UTC"))
    seoul = Table("x", rows, ("at",), written_in="Asia/Seoul")
    assert extent(seoul, "at")[0] == pd.Timestamp("2026-01-01 03:00", tz="UTC")
