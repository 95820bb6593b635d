"""Tables on Spark: read like DuckDB's, in a session of their own, every row accounted for."""

import datetime as dt
import json
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import custmeasure as cm
from custmeasure.engine import as_table, dialect, extent, in_parts, n_rows, query, stream
from custmeasure.engine import spark as spark_engine
from custmeasure.engine.marks import Mark
from custmeasure.engine.moments import grouped_moments
from custmeasure.engine.sequence import Rules
from custmeasure.engine.sequence.part import Walk, joined
from custmeasure.engine.table import Table
from custmeasure.errors import DataError, EnvironmentProblem, UnknownName, UsageError
from custmeasure.shop.reader import DataBlocked

# --- the texts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("duckdb", "spark"),
    [
        ("timezone($zone, moment)", "FROM_UTC_TIMESTAMP(moment, :zone)"),
        ("epoch_us(moment)", "UNIX_MICROS(moment)"),
        ("hash(unit)", "(XXHASH64(unit) & 9223372036854775807)"),
        ("CAST(unit AS UBIGINT)", "CAST(unit AS BIGINT)"),
        ("CAST(moment AS TIMESTAMPTZ)", "CAST(moment AS TIMESTAMP)"),
        ("len($names)", "SIZE(:names)"),
        ("list_position($names, event)", "NULLIF(ARRAY_POSITION(:names, event), 0)"),
        ("list_extract($steps, step + 1)", "TRY_ELEMENT_AT(:steps, step + 1)"),
        ("quantile_cont(x, $p)", "PERCENTILE(x, :p)"),
        ("percentile_cont(0.5) WITHIN GROUP (ORDER BY x)", "PERCENTILE(x, 0.5)"),
        ("net_amount(a, b, c)", "(COALESCE(a, 0) - COALESCE(b, 0) - COALESCE(c, 0))"),
        (
            "CAST(timezone($zone, m) AS DATE) - DATE '1970-01-01'",
            "DATEDIFF(CAST(FROM_UTC_TIMESTAMP(m, :zone) AS DATE), CAST('1970-01-01' AS DATE))",
        ),
    ],
)
def test_what_spark_says_otherwise(duckdb, spark):
    pytest.importorskip("sqlglot")
    text = dialect.spoken("SELECT " + duckdb + " AS answer FROM rows").named({"rows": "there"})
    assert text == "SELECT " + spark + " AS answer FROM there AS rows"


def test_nulls_stand_last_as_in_duckdb():
    pytest.importorskip("sqlglot")
    text = dialect.spoken("SELECT a FROM rows ORDER BY a, b DESC").named({})
    assert text == "SELECT a FROM rows ORDER BY a NULLS LAST, b DESC"


def test_rows_of_a_unit_come_to_one_place_in_their_order():
    pytest.importorskip("sqlglot")
    text = dialect.spoken("SELECT unit, at FROM rows ORDER BY unit, at")
    assert text.named({}, apart_by="unit").endswith(
        "DISTRIBUTE BY unit SORT BY unit NULLS LAST, at NULLS LAST"
    )


def test_a_function_that_nobody_spoke_for_is_refused():
    pytest.importorskip("sqlglot")
    with pytest.raises(UsageError, match="ISO, STRLEN.*Open the data with DuckDB") as refused:
        dialect.spoken("SELECT isodow(a) + strlen(b) FROM rows")
    assert "Spark에서 쓸 수 없습니다" in refused.value.message("ko")


# --- the same on both -----------------------------------------------------------------------------------

ROWS = pa.table({
    "id": ["00123", "b", None, "d"],
    "number": pa.array([7, 8, None, -1], pa.int32()),
    "share": [1.5, 2.5, None, -10.25],
    "zoned": pa.array([0, 1_500_000, None, 86_400_000_000], pa.timestamp("us", "UTC")),
    "clock": pa.array([0, 1_500_000, None, 86_400_000_000], pa.timestamp("us")),
    "day": pa.array([0, 1, None, 20_000], pa.date32()),
    "said": ["2026-01-01 09:00", "2026-01-01T09:00:00+09:00", None, "2026-01-01 09:00:00.5Z"],
    "off": ["2026-01-01 09:00+05:30", "2026-01-01 09:00:00-03", None, "2026-01-01"],
    "yes": [True, False, None, True],
    "주문 `번호`.1": ["가", "나", None, "라"],
})  # fmt: skip


@pytest.fixture(scope="module")
def both(spark, tmp_path_factory) -> tuple[Table, Table]:
    """Return the same rows on DuckDB and on Spark, written on Korean clocks."""
    path = tmp_path_factory.mktemp("rows") / "rows.parquet"
    pq.write_table(ROWS, path)
    there = as_table(spark.read.parquet(str(path)))
    here = as_table(ROWS)
    return tuple(
        Table("rows", each.source, each.columns, "Asia/Seoul", "Asia/Seoul")
        for each in (here, there)
    )


def answers(both: tuple[Table, Table], change, text="SELECT * FROM rows", given=None) -> list[list]:
    return [query(text, given, rows=change(table)).to_pylist() for table in both]


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ("id", "text"), ("number", "text"), ("share", "text"), ("zoned", "text"), ("clock", "text"),
        ("day", "text"), ("yes", "text"), ("주문 `번호`.1", "text"), ("number", "number"),
        ("share", "count"), ("share", "number"), ("zoned", "instant"), ("clock", "instant"),
        ("day", "instant"), ("said", "instant"), ("off", "instant"), ("clock", "micros"),
        ("zoned", "micros"), ("said", "micros"), ("number", "key"), ("day", "day"), ("clock", "day"),
        ("yes", "flag"), ("gone", "number?"), ("gone", "instant?"), ("number", "any"),
    ],
)  # fmt: skip
def test_a_column_reads_alike(both, column, kind):
    mine, yours = answers(both, lambda table: table.pick(value=(column, kind)))
    assert sorted(map(str, mine)) == sorted(map(str, yours))


@pytest.mark.parametrize(
    "where",
    [
        [("id", "=", "b")], [("id", "!=", "b")], [("id", "=", None)], [("id", "!=", None)],
        [("number", ">", 0)], [("number", "<=", 7), ("yes", "=", True)], [("share", "=", 1.5)],
        [("id", "in", ["b", "d"])], [("id", "not in", ["b", None])], [("number", "=", "7")],
    ],
)  # fmt: skip
def test_filters_and_flags_are_alike(both, where):
    def change(table: Table) -> Table:
        return table.pick(id=("id", "text")).flag(passes=where)

    mine, yours = answers(both, change)
    assert sorted(map(str, mine)) == sorted(map(str, yours))
    mine, yours = answers(both, lambda table: table.keep(where).pick(id=("id", "text")))
    assert sorted(map(str, mine)) == sorted(map(str, yours))


def test_marks_are_alike(both):
    marks = [Mark(("b", "d")), Mark((), (("number", ">", 0),)), Mark(rest=True)]
    mine, yours = answers(
        both, lambda table: table.pick(id=("id", "text")).mark("bits", "id", marks)
    )
    assert sorted(map(str, mine)) == sorted(map(str, yours))
    assert {row["id"]: row["bits"] for row in yours} == {"00123": 2, "b": 3, None: 4, "d": 1}


def test_a_sample_s_skewness_is_duckdb_s(both):
    text = "SELECT yes, skewness(v) AS g FROM rows GROUP BY GROUPING SETS ((), (yes)) ORDER BY ALL"
    mine, yours = answers(both, lambda t: t.pick(v=("number", "number"), yes=("yes", "flag")), text)
    # Of -1, 7 and 8 all together; a group of two or fewer has none.
    assert [row["g"] is None for row in mine] == [row["g"] is None for row in yours]
    assert sum(row["g"] is not None for row in yours) == 1
    values = [[row["g"] for row in rows if row["g"] is not None] for rows in (mine, yours)]
    assert values[1] == pytest.approx(values[0], rel=1e-12)


def test_the_extent_and_the_rows_are_counted(both):
    for table in both:
        assert n_rows(table) == 4
        first, last = extent(table, "zoned")
        assert (first, last) == (
            dt.datetime(1970, 1, 1, tzinfo=dt.UTC), dt.datetime(1970, 1, 2, tzinfo=dt.UTC),
        )  # fmt: skip


def test_moments_are_alike(both):
    mine, yours = (
        grouped_moments(table.keep([("id", "!=", None)]), "yes", ["number", "share"])
        for table in both
    )
    # A and D say yes: 7 and -1 have the mean 3 and the variance 32.
    assert yours["True"].n == 2
    assert yours["True"].mean[0] == 3
    assert yours["True"].cov[0, 0] == 32
    for name, group in mine.items():
        np.testing.assert_allclose(group.cov, yours[name].cov, rtol=1e-9)


def test_rows_of_here_and_there_meet_on_spark(both):
    names = as_table(pa.table({"id": ["b", "x"], "n": pa.array([1, 2], pa.uint8())}))
    found = query("SELECT rows.id, n FROM rows JOIN names USING (id)", rows=both[1], names=names)
    assert found.to_pylist() == [{"id": "b", "n": 1}]


def test_values_are_bound_and_never_read_as_sql(both):
    given = {"name": "b' OR '1' = '1", "names": ["b", "x"], "n": np.int64(8)}
    text = "SELECT count(*) AS n FROM rows WHERE id = $name OR list_contains($names, id) AND v = $n"
    picked = both[1].pick(id=("id", "text"), v=("number", "count"))
    assert query(text, given, rows=picked).to_pylist() == [{"n": 1}]


# --- parts ------------------------------------------------------------------------------------------------


def units_and_rows(batches) -> tuple[list, int]:
    units, n = [], 0
    for batch in batches:
        units += batch["unit"].to_pylist()
        n += batch.num_rows
    return units, n


@pytest.mark.parametrize("adaptive", ["true", "false"])
def test_a_unit_lies_in_one_part_in_order(spark, adaptive):
    """Spark may join small parts while it runs, but splits none."""
    session = spark.newSession()
    session.conf.set("spark.sql.adaptive.enabled", adaptive)
    rows = pa.table({"u": [k % 50 for k in range(500)], "t": list(range(500, 0, -1))})
    table = as_table(session.createDataFrame(rows).repartition(4)).pick(
        unit=("u", "key"), t=("t", "count")
    )
    parts = in_parts(
        units_and_rows, "unit", "SELECT unit, t FROM rows ORDER BY unit, t", rows=table
    )
    assert sum(n for _, n in parts) == 500
    assert all(units == sorted(units) for units, _ in parts)
    seen = [unit for units, _ in parts for unit in dict.fromkeys(units)]
    assert sorted(seen) == list(range(50))
    assert len(parts) > 1 or adaptive == "true"


def test_walks_of_parts_add_up_to_the_walk_of_all():
    """Two people by channel; the second part knows a channel that the first does not."""
    hour = 3_600_000_000
    rules = Rules(2, 24 * hour)
    events = [
        pa.record_batch({
            "unit": pa.array(unit, pa.int64()), "moment": pa.array(moment, pa.int64()),
            "mask": pa.array(mask, pa.int64()), "segment": pa.array(segment, pa.string()),
        })
        for unit, moment, mask, segment in (
            ([1, 1, None], [0, hour, 0], [1, 2, 1], ["naver", "naver", "naver"]),
            ([2, 2], [0, 3 * hour], [1, 2], [None, "kakao"]),
        )
    ]  # fmt: skip
    walk = Walk(rules, split=True)
    whole = walk(iter(events))
    parts = joined([walk(iter([batch])) for batch in events])
    assert parts.n_without_unit == whole.n_without_unit == 1
    assert parts.seen == whole.seen == 3
    for each in (whole.attempts, parts.attempts):
        names = [each.segments[group] for group in each.group]
        assert sorted(zip(names, each.taken.tolist(), each.waited(1).tolist(), strict=True), key=str) == [
            ("naver", 3, hour), (None, 3, 3 * hour),
        ]  # fmt: skip


def test_a_stream_comes_in_order_and_hashes_have_no_sign(spark):
    table = as_table(spark.createDataFrame(ROWS).repartition(3)).pick(u=("id", "text"))
    text = "SELECT u, hash(u) AS code FROM rows ORDER BY u"
    batches = list(stream(text, rows=table))
    assert [name for batch in batches for name in batch["u"].to_pylist()] == [
        "00123",
        "b",
        "d",
        None,
    ]
    assert {batch.schema.field("code").type for batch in batches} == {pa.uint64()}
    assert query(text + " LIMIT 0", rows=table).schema.field("code").type == pa.uint64()


# --- the user's session -----------------------------------------------------------------------------------


def test_the_user_s_session_is_left_as_it_was(spark):
    before = spark.conf.getAll
    frame = spark.createDataFrame(ROWS)
    query("SELECT count(*) AS n FROM rows", rows=as_table(frame))
    assert spark.conf.getAll == before
    assert spark.conf.get("spark.sql.session.timeZone") == "Asia/Seoul"
    assert spark.catalog.listTables() == []
    assert spark.catalog.listTables("global_temp") == []


def test_a_session_of_another_master_is_no_answer(spark):
    assert spark_engine.start("local[2]").sparkContext is spark.sparkContext
    with pytest.raises(UsageError, match=r"Spark of local\[2\] runs"):
        spark_engine.start("local[7]")


def test_without_java_or_pyspark_somebody_says_what_to_install(monkeypatch):
    pytest.importorskip("pyspark")
    monkeypatch.setattr(spark_engine.shutil, "which", {}.get)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(EnvironmentProblem, match="Java.*openjdk-17-jre-headless"):
        spark_engine.start("local[2]")
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(EnvironmentProblem, match=r"PySpark.*custmeasure\[spark\]") as missing:
        spark_engine.start("local[2]")
    assert "PySpark이(가) 필요합니다" in missing.value.message("ko")


def test_without_sqlglot_somebody_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sqlglot.expressions", None)
    with pytest.raises(EnvironmentProblem, match=r"sqlglot.*custmeasure\[spark\]"):
        dialect.spoken("SELECT 1 AS one")


# --- what goes wrong ------------------------------------------------------------------------------------


def test_a_value_that_is_no_number_is_said(spark):
    table = as_table(spark.createDataFrame(pa.table({"amount": ["12", "1O"]})))
    with pytest.raises(DataError, match="a value cannot be read.*1O") as wrong:
        query("SELECT sum(v) AS v FROM rows", rows=table.pick(v=("amount", "number")))
    assert "\n" not in str(wrong.value)
    assert wrong.value.__cause__ is None


def test_what_spark_cannot_do_is_one_line(spark):
    table = as_table(spark.createDataFrame(ROWS))
    with pytest.raises(EnvironmentProblem, match="Spark could not finish") as wrong:
        query("SELECT nothing FROM rows", rows=table)
    assert "\n" not in str(wrong.value)


def test_a_failure_inside_a_part_is_one_line(spark):
    table = as_table(spark.createDataFrame(ROWS)).pick(unit=("number", "key"))
    with pytest.raises(EnvironmentProblem, match="ZeroDivisionError") as wrong:
        in_parts(broken, "unit", "SELECT unit FROM rows", rows=table)
    assert "\n" not in str(wrong.value)


def broken(batches) -> int:
    return len(list(batches)) // 0


def test_columns_of_one_name_are_refused(spark):
    frame = spark.createDataFrame(pa.table({"a": [1], "b": [2]})).toDF("a", "A")
    with pytest.raises(UsageError, match="Two columns have one name"):
        as_table(frame)


# --- a shop on Spark ----------------------------------------------------------------------------------------

ORDERS = {
    "order_id": ["1", "2", "3", "3", "4", "4", "5", "6"],
    "customer_id": ["a", "b", "c", "c", "d", "d", None, "f"],
    "at": ["2026-01-0" + str(k) + " 10:00" for k in (1, 2, 3, 3, 4, 4, 5, 6)],
    "amount": ["10", "20", "30", "30", "40", "41", "50", "6O"],
    "phone": ["010-1234-567" + str(k) for k in range(8)],
    "note": ["x"] * 8,
}


def shop_of(folder, orders: dict, section: str = ""):
    (folder / "shop.toml").write_text('name = "s"\n[tables.orders]\n' + section, "utf-8")
    pq.write_table(pa.table(orders), folder / "orders.parquet")
    return folder


def test_every_row_of_a_shop_is_accounted_for(tmp_path, spark):
    """Of 8 rows, 1 names nobody, 1 has no amount, 1 comes again, 2 contradict each other: 3 are used."""
    shop = cm.open_shop(shop_of(tmp_path, ORDERS), spark=spark)
    row = shop.check().frame.iloc[0]
    assert row[["n_in_file", "n_used", "n_rejected", "n_duplicate"]].tolist() == [8, 3, 4, 1]
    assert shop.orders.engine == "Spark"
    assert "phone" not in shop.orders.columns
    assert "note" in shop.orders.columns
    bridged = cm.bridge(shop.orders)
    assert bridged.frame["amount"].iloc[0] == 60
    # 10:00 in Seoul is 01:00 in UTC.
    assert extent(shop.orders, "at")[0] == dt.datetime(2026, 1, 1, 1, tzinfo=dt.UTC)


def test_what_kept_rows_out_is_said(tmp_path, spark):
    shop = cm.open_shop(shop_of(tmp_path, ORDERS), spark=spark)
    said = [problem.said("en") for account in shop.accounts() for problem in account.found.problems]
    assert len(said) == 3
    assert said[0].startswith('orders.parquet column "customer_id": 1 rows: is empty')
    assert 'column "amount": 1 rows: does not read as declared' in said[1]
    assert "2 rows: differs between rows of one key" in said[2]


def test_a_table_most_of_which_does_not_read_is_blocked(tmp_path, spark):
    orders = {**ORDERS, "at": ["yesterday"] * 8}
    with pytest.raises(DataBlocked, match='"at".*8 rows'):
        cm.open_shop(shop_of(tmp_path, orders), spark=spark)


def test_a_required_column_must_be_there(tmp_path, spark):
    orders = {"order_no" if name == "order_id" else name: v for name, v in ORDERS.items()}
    with pytest.raises(DataError, match="required column 'order_id' is missing.*'order_no'"):
        cm.open_shop(shop_of(tmp_path, orders), spark=spark)


def test_a_column_of_another_type_is_refused(tmp_path, spark):
    orders = {**ORDERS, "at": [True] * 8}
    with pytest.raises(DataError, match="column 'at' is of type boolean.*not read as instant"):
        cm.open_shop(shop_of(tmp_path, orders), spark=spark)


def test_how_to_read_text_is_no_setting_of_a_table_on_spark(tmp_path, spark):
    with pytest.raises(UsageError, match="numbers: a table on Spark is read as it lies"):
        cm.open_shop(shop_of(tmp_path, ORDERS, 'numbers = "1,234.5"\n'), spark=spark)


def test_ids_made_of_contact_data_become_the_same_pseudonyms(tmp_path, spark, monkeypatch):
    monkeypatch.setenv("CUSTMEASURE_PSEUDONYM_KEY", "k" * 40)
    phones = ["010-1234-567" + str(k % 5) for k in range(8)]
    folder = shop_of(tmp_path, {**ORDERS, "customer_id": phones, "order_id": list("12345678")})
    mine, yours = cm.open_shop(folder), cm.open_shop(folder, spark=spark)
    ids = [sorted(set(shop.orders.frame("customer_id")["customer_id"])) for shop in (mine, yours)]
    assert ids[0] == ids[1]
    assert not any("010" in name for name in ids[1])


def test_a_table_of_the_catalog(tmp_path, spark):
    spark.createDataFrame(pa.table(ORDERS)).createOrReplaceGlobalTempView("sales")
    (tmp_path / "shop.toml").write_text(
        '[tables.orders]\nrelation = "global_temp.sales"\n[tables.orders.columns]\nchannel = "note"\n',
        "utf-8",
    )
    try:
        shop = cm.open_shop(tmp_path, spark=spark)
        assert shop.check().frame["file"].tolist() == ["global_temp.sales"]
        assert "channel" in shop.orders.columns
    finally:
        spark.catalog.dropGlobalTempView("sales")


def test_a_table_that_is_not_there_is_said(tmp_path, spark):
    (tmp_path / "shop.toml").write_text('[tables.orders]\nrelation = "nowhere"\n', "utf-8")
    with pytest.raises(EnvironmentProblem, match="TABLE_OR_VIEW_NOT_FOUND"):
        cm.open_shop(tmp_path, spark=spark)


def test_small_tables_beside_are_read_as_always(tmp_path, spark):
    folder = shop_of(tmp_path, ORDERS)
    (folder / "returns.csv").write_text(
        "return_id,order_id,at,kind,stated_reason\n1,1,2026-01-09 10:00,return,size\n", "utf-8"
    )
    shop = cm.open_shop(folder, spark=spark)
    assert shop.returns.engine == "DuckDB"
    assert shop.orders.engine == "Spark"


def test_a_master_may_stand_before_the_folder(tmp_path, monkeypatch):
    asked = []

    def answer(folder, settings, spark):
        asked.append((folder, spark))
        return {}

    monkeypatch.setattr("custmeasure.shop.lake.read_lake", answer)
    folder = shop_of(tmp_path, {**ORDERS, "amount": ["1"] * 8, "order_id": list("12345678")})
    cm.open_shop(f"spark://host:7077{folder}")
    assert asked == [(folder.resolve(), "spark://host:7077")]


def test_of_segments_at_one_instant_the_first_by_name_counts_everywhere(spark):
    """Eight people, each with two channels at the same instant."""
    rows = pa.table({
        "who": [name for name in "abcdefgh" for _ in "xy"],
        "at": pa.array([0] * 16, pa.timestamp("us", "UTC")),
        "event": ["visit"] * 16,
        "channel": [f"{name}{side}" for name in "abcdefgh" for side in "yx"],
    })  # fmt: skip
    for table in (rows, spark.createDataFrame(rows)):
        back = cm.retention(table, unit="who", at="at", period="day", by="channel")
        sizes = back.frame.groupby("channel")["cohort_size"].max()
        assert {name for name, n in sizes.items() if n} == {f"{name}x" for name in "abcdefgh"}
        first = cm.funnel(table, ["visit"], window="1d", unit="who", by="channel").frame
        taken = first[first["n_reached"] > 0]["channel"]
        assert set(taken) == {f"{name}x" for name in "abcdefgh"}


def test_a_frame_is_a_table_without_a_shop(spark):
    frame = spark.createDataFrame(
        pa.table(
            {
                "visitor_id": ["a", "a", "b"],
                "at": pa.array([0, 1_000_000, 0], pa.timestamp("us", "UTC")),
                "event": ["visit", "buy", "visit"],
            }
        )  # fmt: skip
    )
    result = cm.funnel(frame, ["visit", "buy"], window="1d")
    assert result.frame["n_reached"].tolist() == [2, 1]
    assert result.definition["engine"] == "Spark"
    with pytest.raises(UnknownName, match="visti.*Did you mean 'visit'"):
        cm.funnel(frame, ["visti"], window="1d")
    assert json.dumps(result.frame["n_reached"].tolist())
