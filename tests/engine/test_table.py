"""What can be read, as what, and what happens with what cannot."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from custmeasure.engine import MissingTable, Table, as_table, file_table, query
from custmeasure.errors import DataError, EnvironmentProblem, UnknownName, UsageError

ROWS = pd.DataFrame({"visitor_id": ["00123", "NA"], "amount": [1.5, None]})
NOON = "2026-01-31 12:00"


def csv(tmp_path, text, name="a.csv", encoding="utf-8"):
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return path


def read(source, *columns):
    """Return the rows of a source as tuples of Python values."""
    rows = as_table(source).frame(*columns)
    return [tuple(None if pd.isna(v) else v for v in row) for row in rows.itertuples(index=False)]


def instant(values, written_in="UTC"):
    """Return a column read as instants, in UTC without the offset."""
    table = Table("x", pa.table({"at": values}), ("at",), "UTC", written_in)
    rows = query("SELECT moment FROM rows", rows=table.pick(moment=("at", "instant")))
    return [
        value and value.astimezone(dt.UTC).replace(tzinfo=None)
        for value in rows["moment"].to_pylist()
    ]


# --- the four doors ---------------------------------------------------------------------------------


def test_a_frame_an_arrow_table_and_a_file_say_the_same(tmp_path):
    arrow = pa.Table.from_pandas(ROWS, preserve_index=False)
    pq.write_table(arrow, tmp_path / "a.parquet")
    ROWS.to_csv(tmp_path / "a.csv", index=False)
    expected = [("00123", 1.5), ("NA", None)]
    for source in (ROWS, arrow, tmp_path / "a.parquet", str(tmp_path / "a.parquet")):
        assert read(source) == expected
    # CSV is text until somebody asks for a number.
    assert read(tmp_path / "a.csv") == [("00123", "1.5"), ("NA", None)]
    table = as_table(tmp_path / "a.csv").pick(amount=("amount", "number"))
    assert query("SELECT sum(amount) AS s FROM rows", rows=table)["s"][0].as_py() == 1.5


def test_a_table_stays_and_may_change_its_time_zone():
    table = as_table(ROWS, "Asia/Seoul")
    assert as_table(table) is table
    assert as_table(table, "UTC").timezone == "UTC"
    assert (table.timezone, table.name, table.as_of) == ("Asia/Seoul", "frame", None)
    assert as_table(MissingTable("events")) == MissingTable("events")
    assert repr(table) == "Table frame: visitor_id, amount"


@pytest.mark.parametrize("source", [[1], {"a": [1]}, None, 3, ROWS["amount"]])
def test_what_is_no_table_is_refused(source):
    with pytest.raises(UsageError, match="is not a table"):
        as_table(source)


def test_two_columns_of_one_name_are_refused():
    with pytest.raises(UsageError, match="Two columns have one name: a"):
        as_table(pd.DataFrame([[1, 2]], columns=["a", "a"]))


def test_a_long_query_draws_no_progress_bar():
    """DuckDB would draw one after two seconds, and papermill would put it on the page."""
    rows = as_table(pd.DataFrame({"n": [1]}))
    asked = "SELECT current_setting('enable_progress_bar') AS shown FROM rows"
    assert query(asked, rows=rows)["shown"].to_pylist() == [False]


def test_looking_at_a_table_shows_its_first_rows():
    frame = as_table(pd.DataFrame({"a": range(2000)})).frame()
    assert len(frame) == 1000
    assert list(as_table(ROWS).frame("amount", limit=1).columns) == ["amount"]


# --- columns ----------------------------------------------------------------------------------------


def test_an_unknown_column_has_a_nearest_one():
    with pytest.raises(
        UnknownName, match=r"'vistor_id' does not exist in frame.*'visitor_id'"
    ) as raised:
        as_table(ROWS).pick(unit=("vistor_id", "text"))
    assert "혹시 'visitor_id'인가요?" in raised.value.message("ko")


@pytest.mark.parametrize(
    "name", ['amt"; DROP TABLE orders; --', "select", "self", "금액", "a.b", "$n"]
)
def test_s18_a_column_s_name_is_only_a_name(name):  # S18
    assert read(pd.DataFrame({name: [7]})) == [(7,)]


def test_names_that_are_numbers_are_text():
    assert as_table(pd.DataFrame({5: [7]})).columns == ("5",)
    assert read(pd.DataFrame({5: [7]}), "5") == [(7,)]


def test_a_column_of_mixed_things_is_text():
    mixed = pd.DataFrame({"a": ["x", 1, None, 1.5]}, dtype=object)
    assert read(mixed) == [("x",), ("1",), (None,), ("1.5",)]
    assert read(pd.DataFrame({"a": pd.Categorical(["m", None])})) == [("m",), (None,)]


# --- instants ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [NOON, f"{NOON}:00", f"{NOON}:00.000001", "2026-01-31T12:00:00", dt.datetime(2026, 1, 31, 12)],  # noqa: DTZ001
)
def test_an_instant_without_a_zone_is_read_where_it_was_written(value):
    seoul, utc = instant([value], "Asia/Seoul")[0], instant([value])[0]
    assert utc - seoul == dt.timedelta(hours=9)
    assert utc.hour == 12


@pytest.mark.parametrize(
    "value",
    ["2026-01-31T03:00:00Z", "2026-01-31 12:00:00+09:00", "2026-01-31 12:00+09", f"{NOON}:00 Asia/Seoul",
     dt.datetime(2026, 1, 31, 3, tzinfo=dt.UTC)],
)  # fmt: skip
def test_an_instant_with_a_zone_is_converted(value):
    assert instant([value], "America/New_York") == [dt.datetime(2026, 1, 31, 3)]  # noqa: DTZ001


def test_a_day_read_as_an_instant_is_its_beginning():
    for value in (dt.date(2026, 1, 31), "2026-01-31"):
        assert instant([value], "Asia/Seoul") == [dt.datetime(2026, 1, 30, 15)]  # noqa: DTZ001


def test_pandas_instants_of_every_precision():
    for unit in ("s", "ms", "us", "ns"):
        at = pd.Series(pd.to_datetime([NOON, None])).dt.as_unit(unit)
        for frame in (pd.DataFrame({"at": at}), pd.DataFrame({"at": at.dt.tz_localize("UTC")})):
            rows = as_table(frame).pick(moment=("at", "instant"))
            seen = query("SELECT epoch_us(moment) AS us FROM rows ORDER BY us", rows=rows)["us"]
            assert seen.to_pylist() == [1_769_860_800_000_000, None]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["x"], "instant"),
        ([1], "instant"),
        (["x"], "number"),
        (["1.5x"], "count"),
        (["2026-02-30"], "day"),
    ],
)
def test_a_value_that_does_not_read_is_named(values, kind):
    rows = as_table(pd.DataFrame({"a": values})).pick(value=("a", kind))
    with pytest.raises(DataError, match="frame: a value cannot be read") as raised:
        query("SELECT value FROM rows", rows=rows)
    assert "열의 값을 고치십시오" in raised.value.message("ko")


# --- CSV --------------------------------------------------------------------------------------------


def test_b03_only_the_empty_field_is_missing(tmp_path):  # B03
    path = csv(tmp_path, 'channel\nNA\nnull\nNone\nnan\nN/A\n""\n')
    assert [row[0] for row in read(path)] == ["NA", "null", "None", "nan", "N/A", None]


def test_ids_stay_as_delivered(tmp_path):
    path = csv(tmp_path, "id,zip\n00123,04524\n12345678901234567890,1e5\n")
    assert read(path) == [("00123", "04524"), ("12345678901234567890", "1e5")]


@pytest.mark.parametrize(
    "text",
    ["a,b\n1,2\n", "\ufeffa,b\n1,2\n", "a,b\r\n1,2\r\n", 'a,b\n"1","2"\n', "a,b\n1,2\n\n"],
)
def test_csv_as_it_is_written(tmp_path, text):
    assert as_table(csv(tmp_path, text)).columns == ("a", "b")
    assert read(csv(tmp_path, text)) == [("1", "2")]


def test_csv_keeps_quotes_commas_and_lines_within_a_field(tmp_path):
    assert read(csv(tmp_path, 'a,b\n"x,1","y""z"\n"l\nm",#n\n')) == [("x,1", 'y"z'), ("l\nm", "#n")]


def test_rows_that_look_like_comments_are_rows(tmp_path):
    assert read(csv(tmp_path, "a,b\n#1,2\n3,4\n#\U0001f600,6\n")) == [
        ("#1", "2"),
        ("3", "4"),
        ("#😀", "6"),
    ]


@pytest.mark.parametrize(
    "text",
    ["id,amt\n1,100,9\n2,200,8\n", "id,amt\n1\n2,5\n", "a,b\n1,2\n3,4,5\n6\n", 'a,b\n1,"x\n2,y\n3,z\n',
     "title\n\na,b\n1,2\n"],
)  # fmt: skip
def test_a_row_with_a_field_too_many_or_too_few_is_refused(tmp_path, text):
    with pytest.raises(DataError, match="as many fields as the header") as raised:
        read(csv(tmp_path, text))
    assert "a.csv" in raised.value.message("ko")


def test_a_broken_row_far_down_is_refused_with_its_line(tmp_path):
    path = csv(tmp_path, "id,amt\n" + "1,2\n" * 40_000 + "1,2,3\n")
    rows = as_table(path).pick(amt=("amt", "number"))
    with pytest.raises(DataError, match=r"a\.csv: line 40002: "):
        query("SELECT sum(amt) AS s FROM rows", rows=rows)


def test_other_encodings_are_refused(tmp_path):
    with pytest.raises(DataError, match="UTF-8"):
        read(csv(tmp_path, "이름,b\n홍길동,2\n", encoding="cp949"))


# --- files ------------------------------------------------------------------------------------------


def test_files_that_are_not_there_or_not_what_they_say(tmp_path):
    with pytest.raises(EnvironmentProblem, match="There is no file"):
        as_table(tmp_path / "none.parquet")
    with pytest.raises(UsageError, match=r"only \.parquet and \.csv"):
        as_table(csv(tmp_path, "a\n1\n", "a.xlsx"))
    with pytest.raises(DataError, match=r"a\.parquet cannot be read"):
        as_table(csv(tmp_path, "PAR1 no", "a.parquet"))


def test_several_files_are_one_table(tmp_path):
    for n in (1, 2):
        pq.write_table(pa.table({"a": [n]}), tmp_path / f"{n}.parquet")
    table = file_table(tmp_path / "1.parquet", tmp_path / "2.parquet", name="days")
    assert (table.name, sorted(table.frame()["a"])) == ("days", [1, 2])


def test_threads_do_not_meet():
    def total(n):
        rows = as_table(pd.DataFrame({"a": [n] * 10})).pick(a=("a", "number"))
        return query("SELECT sum(a) AS s FROM rows", rows=rows)["s"][0].as_py()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(total, range(12))) == [10 * n for n in range(12)]
