"""The database door: PostgreSQL stopped, locked, hostile; SQLite and DuckDB files; folders of Parquet."""

import datetime as dt
import socket
import sqlite3
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from postgres import PASSWORD, Server, free_port, postgres_server  # noqa: F401

from custmeasure.engine import database
from custmeasure.engine.database import (
    DatabaseSource,
    database_table,
    open_database,
    parquet_files,
    snapshot,
)
from custmeasure.engine.drivers import Driver
from custmeasure.engine.postgres import complete
from custmeasure.errors import (
    CustmeasureError,
    DataError,
    EnvironmentProblem,
    UnknownName,
    UsageError,
)

COLUMNS = {"order_id": "id", "at": "ordered_at", "amount": "amount"}
KINDS = {"order_id": "text", "at": "instant", "amount": "number"}


# A lock counts only between processes.
HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.read()
"""


def utc(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=dt.UTC)


@pytest.fixture
def shop(server: Server) -> Iterator[DatabaseSource]:
    """Return a database with three orders, read by a role that may only read."""
    server.run(
        "DROP SCHEMA IF EXISTS public CASCADE",
        "CREATE SCHEMA public",
        "GRANT USAGE ON SCHEMA public TO reader",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO reader",
        "CREATE TABLE orders (id text, ordered_at timestamptz, amount numeric(12, 2), email text)",
        "INSERT INTO orders VALUES ('00123', '2026-01-01 09:00+09', 12000.50, 'hong@example.com'), "
        "('00124', '2026-01-02 09:00+09', -5, NULL), ('00125', '2026-01-03 09:00+09', 7, 'a@b.c')",
    )
    return at(server.url())


def at(uri: str, **section: object) -> DatabaseSource:
    return open_database("shop_db", {"uri_env": "SHOP_DB_URL", **section}, {"SHOP_DB_URL": uri})


def all_text(error: BaseException) -> str:
    """Return everything that a traceback with locals could show, in both languages."""
    said = traceback.TracebackException.from_exception(error, capture_locals=True)
    words = (
        [error.message("ko"), error.message("en")] if isinstance(error, CustmeasureError) else []
    )
    context = [all_text(e) for e in (error.__cause__, error.__context__) if e is not None]
    return "\n".join([*said.format(), repr(error), *words, *context])


def test_a_table_with_its_types(shop: DatabaseSource) -> None:
    got = database_table(shop, "orders", COLUMNS, KINDS, required=["order_id"], key="order_id")
    assert got.table.schema == pa.schema(
        [("order_id", pa.string()), ("at", pa.timestamp("us", "UTC")), ("amount", pa.float64())]
    )
    assert got.table.sort_by("order_id").to_pylist()[0] == {
        "order_id": "00123",
        "at": utc(2026, 1, 1),
        "amount": 12000.5,
    }
    assert (got.n_in_source, got.n_used, got.n_rejected, got.n_outside) == (3, 3, 0, 0)
    assert got.notes == ()


def test_a_query_and_every_column(shop: DatabaseSource) -> None:
    query = "SELECT id, amount, email AS 메일 FROM orders WHERE amount > 0; -- of this shop"
    got = database_table(shop, query, {}, {"amount": "number"})
    assert sorted(got.table.column_names) == ["amount", "id", "메일"]
    assert sorted(got.table["amount"].to_pylist()) == [7.0, 12000.5]


def test_columns_and_their_types(shop: DatabaseSource) -> None:
    with snapshot(shop) as shared:
        assert shared.columns("public.orders")["amount"] == "numeric"
        assert list(shared.columns("TABLE orders")) == ["id", "ordered_at", "amount", "email"]


def test_only_the_days_asked_for_are_sent(
    shop: DatabaseSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = []
    sort_out = database.sort_out
    monkeypatch.setattr(
        database,
        "sort_out",
        lambda w, b, n: sent.append((b.num_rows, b.num_columns)) or sort_out(w, b, n),
    )
    period = {"at": "at", "since": utc(2026, 1, 2), "until": utc(2026, 1, 2, 12)}
    got = database_table(shop, "orders", COLUMNS, KINDS, **period)
    assert sent == [(1, 3)]
    assert got.table["order_id"].to_pylist() == ["00124"]
    assert (got.n_in_source, got.n_used, got.n_outside) == (3, 1, 2)


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        # A clock on the wall in Seoul: 00:30 there is 15:30 UTC of the day before.
        ("timestamp", "'2026-01-01 00:30', '2026-01-02 00:30', '2026-01-03 00:30'", [1]),
        ("date", "'2026-01-01', '2026-01-02', '2026-01-03'", [1]),
        ("text", "'2026-01-01', '2026-01-02T00:30+09:00', '2026-01-03 00:30'", [1]),
    ],
)
def test_a_period_over_each_way_to_write_a_time(
    server: Server, shop: DatabaseSource, kind: str, values: str, expected: list[int]
) -> None:
    server.run(
        f"CREATE TABLE visits AS SELECT n, v::{kind} AS at "
        f"FROM unnest(ARRAY[{values}]) WITH ORDINALITY AS u (v, n)"
    )
    day = {"since": utc(2026, 1, 1, 15), "until": utc(2026, 1, 2, 14, 59, 59), "at": "at"}
    kinds = {"n": "count", "at": "day" if kind == "date" else "instant"}
    got = database_table(shop, "visits", {}, kinds, timezone="Asia/Seoul", **day)
    assert got.table["n"].to_pylist() == [2]
    assert (got.n_in_source, got.n_outside) == (3, 2)


def test_a_row_without_a_time_is_rejected_and_not_lost(
    server: Server, shop: DatabaseSource
) -> None:
    server.run("INSERT INTO orders VALUES ('00126', NULL, 1, NULL)")
    period = {"at": "at", "since": utc(2026, 1, 2), "required": ["at"], "key": "order_id"}
    got = database_table(shop, "orders", COLUMNS, KINDS, **period)
    assert (got.n_in_source, got.n_used, got.n_rejected, got.n_outside) == (4, 2, 1, 1)
    assert (got.refused[0].key, got.refused[0].column) == ("00126", "ordered_at")
    assert "is empty" in got.refused[0].rule


def test_hours_that_a_clock_shows_twice_or_never(server: Server, shop: DatabaseSource) -> None:
    """B12: both rows stay and are counted in a note."""
    query = "SELECT t::timestamp AS at FROM (VALUES ('2026-03-08 02:30'), ('2026-11-01 01:30')) AS v (t)"
    got = database_table(shop, query, {}, {"at": "instant"}, timezone="America/New_York")
    assert got.table["at"].to_pylist() == [utc(2026, 3, 8, 7), utc(2026, 11, 1, 5, 30)]
    assert "2 instants lie where the clock" in got.notes[0]


def test_nan_and_infinity_never_get_in(shop: DatabaseSource) -> None:
    """B14."""
    query = (
        "SELECT * FROM (VALUES ('A', 'NaN'::numeric), ('B', 'Infinity'), ('C', '-Infinity'), "
        "('D', 1e400), ('E', 1.5), ('F', NULL)) AS v (id, paid)"
    )
    got = database_table(shop, query, {"amount": "paid", "order_id": "id"}, KINDS, key="order_id")
    assert got.table["amount"].to_pylist() == [1.5, None]
    assert got.n_rejected == 4
    assert [(r.row, r.key, r.column) for r in got.refused] == [
        (n, key, "paid") for n, key in enumerate("ABCD", 1)
    ]
    assert got.refused[0].value == "NaN"
    assert "not a finite number" in got.refused[0].rule
    assert "숫자" in got.refused[0].rule.in_("ko")
    floats = "SELECT 'NaN'::float8 AS amount UNION ALL SELECT 'Infinity' UNION ALL SELECT 2"
    assert database_table(shop, floats, {}, KINDS).table["amount"].to_pylist() == [2.0]


def test_infinite_and_far_moments_never_get_in(shop: DatabaseSource) -> None:
    """The driver hands over ``infinity`` as a number that wrapped around."""
    query = (
        "SELECT * FROM (VALUES ('infinity'::timestamptz, '2026-01-01'::date), ('-infinity', 'today'), "
        "('2026-01-01 00:00Z', 'infinity'), ('0001-01-01 00:00Z', '2026-01-02'), "
        "('2026-01-01 00:00Z', '2026-01-03')) AS v (at, day)"
    )
    got = database_table(shop, query, {}, {"at": "instant", "day": "day"})
    assert got.table.to_pylist() == [{"at": utc(2026, 1, 1), "day": dt.date(2026, 1, 3)}]
    assert (got.n_rejected, len(got.refused)) == (4, 4)


def test_every_type_as_text_is_exact(shop: DatabaseSource) -> None:
    query = (
        "SELECT 12345678901234567890.1200::numeric AS n, 12.50::money AS m, '{\"a\": 1}'::jsonb AS j, "
        "'0b9e7d3a-0000-4000-8000-000000000001'::uuid AS u, true AS b, '1.2.3.4'::inet AS ip, "
        "9007199254740993 AS big, '2026-01-01 00:00+09'::timestamptz AS at, 'NA' AS na, '' AS empty"
    )
    row = database_table(shop, query, {}, {}).table.to_pylist()[0]
    assert row == {
        "n": "12345678901234567890.1200",
        "m": "12.50",
        "j": '{"a": 1}',
        "u": "0b9e7d3a-0000-4000-8000-000000000001",
        "b": "true",
        "ip": "1.2.3.4/32",
        "big": "9007199254740993",
        "at": "2025-12-31 15:00:00+00",
        "na": "NA",
        "empty": None,
    }


def test_money_is_not_hundredths(shop: DatabaseSource) -> None:
    got = database_table(shop, "SELECT 12.50::money AS amount", {}, KINDS)
    assert got.table["amount"].to_pylist() == [12.5]


def test_enums_flags_and_counts(server: Server, shop: DatabaseSource) -> None:
    server.run("DROP TYPE IF EXISTS mood", "CREATE TYPE mood AS ENUM ('ok', 'bad')")
    query = "SELECT 'ok'::mood AS mood, 'Y' AS guest, 3.00 AS n, 1.5 AS m"
    kinds = {"guest": "flag", "n": "count", "m": "count"}
    got = database_table(shop, query, {}, kinds)
    assert (got.n_rejected, got.refused[0].value) == (1, "1.5")
    good = database_table(shop, query, {c: c for c in ("mood", "guest", "n")}, kinds)
    assert good.table.to_pylist() == [{"mood": "ok", "guest": True, "n": 3}]


def test_bytes_and_lists_are_refused_by_name(shop: DatabaseSource) -> None:
    query = "SELECT 'x'::bytea AS photo, ARRAY[1, 2] AS tags, 1 AS id"
    with pytest.raises(DataError, match="column 'photo' is of type bytea"):
        database_table(shop, query, {"photo": "photo"}, {})
    got = database_table(shop, query, {}, {})
    assert got.table.column_names == ["id"]
    assert got.notes == ("Columns left out, of types without text: photo (bytea), tags (_int4).",)


def test_a_column_name_is_never_sql(server: Server, shop: DatabaseSource) -> None:
    """S18."""
    hostile = 'amt"; DROP TABLE orders; --'
    server.run('CREATE TABLE "my ""orders" AS SELECT 5 AS "amt""; DROP TABLE orders; --"')
    got = database_table(shop, '"my ""orders"', {"amount": hostile}, KINDS)
    assert got.table["amount"].to_pylist() == [5.0]
    assert database_table(shop, "orders", {}, {}).n_used == 3


def test_unknown_names_come_with_the_nearest(shop: DatabaseSource) -> None:
    with pytest.raises(UnknownName, match="Did you mean 'orders'"):
        database_table(shop, "order", {}, {})
    with pytest.raises(UnknownName, match="Did you mean 'ordered_at'"):
        database_table(shop, "orders", {"at": "orderd_at"}, KINDS)
    with pytest.raises(UsageError, match="there is no column emial"):
        database_table(shop, "SELECT emial FROM orders", {}, {})
    with pytest.raises(UsageError, match="not correct SQL"):
        database_table(shop, "SELECT FROM WHERE", {}, {})


def test_a_snapshot_ends_with_its_first_failure(shop: DatabaseSource) -> None:
    """Else the next table would come from another instant, or outside the read-only transaction."""
    with snapshot(shop) as shared:
        for name in ("nothing", "orders"):
            with pytest.raises(CustmeasureError) as caught:
                database_table(shared, name, {}, {})
    assert "ended this snapshot" in str(caught.value)


def test_two_columns_of_one_name(shop: DatabaseSource) -> None:
    with pytest.raises(DataError, match="column names occur twice: id"):
        database_table(shop, "SELECT id, id FROM orders", {}, {})


def test_one_snapshot_for_all_tables(server: Server, shop: DatabaseSource) -> None:
    """F21: rows that arrive between two reads of one run are not seen."""
    server.run("CREATE TABLE items AS SELECT id AS order_id FROM orders")
    with snapshot(shop) as shared:
        orders = database_table(shared, "orders", COLUMNS, KINDS)
        server.run(
            "INSERT INTO orders VALUES ('00126', now(), 1, NULL)",
            "INSERT INTO items VALUES ('00126')",
        )
        items = database_table(shared, "items", {}, {})
        again = database_table(shared, "orders", COLUMNS, KINDS)
    assert orders.n_used == items.n_used == again.n_used == 3
    assert database_table(shop, "items", {}, {}).n_used == 4


@pytest.mark.parametrize(
    "query",
    [
        "WITH gone AS (DELETE FROM orders RETURNING id) SELECT * FROM gone",
        "SELECT nextval('counter') AS n",
        "SELECT id INTO copied FROM orders",
        "SELECT id FROM orders FOR UPDATE",
        "SELECT set_config('transaction_read_only', 'off', false) AS a, nextval('counter') AS n",
    ],
)
def test_nothing_can_be_changed(server: Server, query: str) -> None:
    """Not even by a role that may."""
    server.run(
        "DROP ROLE IF EXISTS writer",
        f"CREATE ROLE writer LOGIN PASSWORD '{PASSWORD}'",
        "DROP SCHEMA IF EXISTS public CASCADE",
        "CREATE SCHEMA public AUTHORIZATION writer",
        "CREATE SEQUENCE counter",
        "GRANT ALL ON counter TO writer",
        "CREATE TABLE orders AS SELECT 1 AS id",
        "GRANT ALL ON orders TO writer",
    )
    try:
        with snapshot(at(server.url("writer"))) as shared:
            assert "may change tables" in shared.notes[0]
            with pytest.raises(UsageError):
                database_table(shared, query, {}, {})
        with snapshot(at(server.url("writer"))) as shared:
            assert database_table(shared, "orders", {}, {}).n_used == 1
            counter = database_table(shared, "SELECT is_called FROM counter", {}, {})
        assert counter.table["is_called"].to_pylist() == ["false"]
    finally:
        server.run("DROP OWNED BY writer CASCADE", "DROP ROLE writer", "CREATE SCHEMA public")


def test_roles_that_could_do_harm_are_refused(server: Server, shop: DatabaseSource) -> None:
    """S20: before anything is read."""
    with pytest.raises(EnvironmentProblem, match="role is too strong") as caught:
        database_table(at(server.url("owner")), "orders", {}, {})
    assert "CREATE ROLE" in caught.value.message("ko")
    for power in ("pg_execute_server_program", "pg_write_server_files", "pg_read_server_files"):
        server.run(f"GRANT {power} TO reader")
        with pytest.raises(EnvironmentProblem, match="role is too strong"):
            database_table(shop, "orders", {}, {})
        server.run(f"REVOKE {power} FROM reader")
    assert database_table(shop, "orders", {}, {}).notes == ()


def test_a_role_that_may_write_or_sees_part_is_warned_of(
    server: Server, shop: DatabaseSource
) -> None:
    server.run("GRANT DELETE ON orders TO reader")
    assert "may change tables" in database_table(shop, "orders", {}, {}).notes[0]
    server.run(
        "REVOKE DELETE ON orders FROM reader", "ALTER TABLE orders ENABLE ROW LEVEL SECURITY"
    )
    got = database_table(shop, "orders", {}, {})
    assert (got.n_used, len(got.notes)) == (0, 1)
    assert "Row-level security hides rows" in got.notes[0]


def test_no_permission(server: Server, shop: DatabaseSource) -> None:
    server.run("REVOKE SELECT ON orders FROM reader")
    with pytest.raises(EnvironmentProblem, match="must GRANT SELECT"):
        database_table(shop, "orders", {}, {})


def test_a_lock_is_waited_for_and_then_told(server: Server, shop: DatabaseSource) -> None:
    with server.connection() as holder, holder.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
        start = time.monotonic()
        with pytest.raises(EnvironmentProblem, match=r"orders: another session holds a lock.*1 s"):
            database_table(at(server.url(), lock_timeout="1s"), "orders", {}, {})
        assert time.monotonic() - start < 5
        cursor.execute("ROLLBACK")


def test_a_slow_query_is_stopped(server: Server, shop: DatabaseSource) -> None:
    slow = "SELECT pg_sleep(0.01)::text AS a FROM generate_series(1, 1000)"
    with pytest.raises(EnvironmentProblem, match="not finished within 1 s"):
        database_table(at(server.url(), statement_timeout="1s"), slow, {}, {})


def test_stopped_before(server: Server) -> None:
    """F14: exit 3 in less than 10 seconds."""
    start = time.monotonic()
    gone = str(free_port())
    with pytest.raises(EnvironmentProblem, match="server was not reached") as caught:
        database_table(at(server.url().replace(str(server.port), gone)), "orders", {}, {})
    assert time.monotonic() - start < 10
    assert caught.value.exit_code == 3
    assert PASSWORD not in all_text(caught.value)


def test_stopped_in_the_middle(
    server: Server, shop: DatabaseSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F14: an error, never a short result."""
    server.run(
        "CREATE TABLE wide AS SELECT g AS id, repeat('x', 500) AS a FROM generate_series(1, 300000) AS g"
    )
    arrived = []
    sort_out = database.sort_out

    def stop_then_sort(wanted: object, batch: pa.RecordBatch, n_before: int) -> object:
        if not arrived:
            server.stop()
        arrived.append(batch.num_rows)
        return sort_out(wanted, batch, n_before)

    monkeypatch.setattr(database, "sort_out", stop_then_sort)
    try:
        with pytest.raises(EnvironmentProblem, match="broke off in the middle"):
            database_table(shop, "wide", {}, {})
    finally:
        server.start()
    assert 0 < sum(arrived) < 300000


def test_fewer_rows_than_counted(shop: DatabaseSource, monkeypatch: pytest.MonkeyPatch) -> None:
    """F14: even if a driver ended silently."""
    monkeypatch.setattr(database.Snapshot, "_batches", lambda *_: iter(()))
    with pytest.raises(EnvironmentProblem, match="counts 3 rows but 0 arrived"):
        database_table(shop, "orders", {}, {})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda url: url.replace(PASSWORD, "wrong-" + PASSWORD), "login was refused"),
        (lambda url: url.replace("/postgres", "/nowhere"), "no such database"),
        (lambda url: url.replace(PASSWORD, PASSWORD + "%zz"), "address cannot be read"),
        (lambda url: url + "?nonsense=1", "address cannot be read"),
        (lambda url: url.replace("127.0.0.1", "nowhere.invalid"), "server was not reached"),
        (lambda url: url.replace("reader", "nobody"), "login was refused"),
    ],
)
def test_no_password_in_any_message(
    server: Server, shop: DatabaseSource, change: Callable[[str], str], words: str
) -> None:
    """S22: neither in messages nor in tracebacks with locals, contexts or reprs."""
    with pytest.raises(EnvironmentProblem, match=words) as caught:
        database_table(at(change(server.url())), "orders", {}, {})
    assert PASSWORD not in all_text(caught.value)
    assert caught.value.exit_code == 3


def test_no_value_in_any_message(server: Server, shop: DatabaseSource) -> None:
    """S23: PostgreSQL itself repeats the value that it could not read."""
    for query in (
        "SELECT email::int AS n FROM orders",
        "SELECT 1 / (amount - 7) AS n FROM orders WHERE email <> 'hong@example.com'",
        'SELECT * FROM orders WHERE email = "hong@example.com"',
        "SELECT 'hong@example.com'::date AS d",
    ):
        with pytest.raises((DataError, UsageError)) as caught:
            database_table(shop, query, {}, {})
        assert "hong@" not in caught.value.message("en") + caught.value.message("ko")
        assert "hong@" not in str(caught.value.__context__) + str(caught.value.__cause__)


def test_a_source_keeps_its_secret() -> None:
    """S22."""
    source = at(f"postgresql://reader:{PASSWORD}@db.example/shop")
    assert PASSWORD not in repr(source) + str(source) + repr(source.address) + repr(vars(source))
    with pytest.raises(TypeError):
        __import__("pickle").dumps(source)
    for section in ({"uri": "postgresql://a:b@c/d"}, {"uri_env": f"postgresql://a:{PASSWORD}@c/d"}):
        with pytest.raises(UsageError) as caught:
            open_database("shop_db", section, {})
        assert "postgresql" not in caught.value.message("en") + caught.value.message("ko")


@pytest.mark.parametrize(
    ("section", "environ", "words"),
    [
        ({"uri_env": "SHOP_DB_URL"}, {}, "SHOP_DB_URL is not set"),
        ({"uri_env": "U"}, {"U": "mysql://x"}, "does not begin with postgresql://"),
        ({"uri_env": "U", "driver": "nosuch"}, {"U": "x"}, "Install 'adbc-driver-nosuch'"),
        ({"uri_env": "U", "driver": "../x"}, {"U": "x"}, "small letters"),
        ({}, {}, "either uri_env or file"),
        ({"uri_evn": "U"}, {}, "Did you mean 'uri_env'"),
        ({"uri_env": "U", "memory": "lots"}, {"U": "x"}, "memory"),
        ({"uri_env": "U", "threads": 0}, {"U": "x"}, "threads"),
        ({"uri_env": "U", "lock_timeout": 5}, {"U": "x"}, "is not a length of time"),
        ({"file": "nosuch.duckdb"}, {}, "there is no file"),
    ],
)
def test_a_section_that_cannot_be(section: dict, environ: dict, words: str) -> None:
    with pytest.raises(CustmeasureError, match=words):
        open_database("shop_db", section, environ)


def test_a_period_needs_a_column_and_a_zone(tmp_path: Path) -> None:
    source = at("postgresql://nowhere/x")
    with pytest.raises(UsageError, match="need the name of a column"):
        database_table(source, "orders", {}, {}, since=utc(2026, 1, 1))
    with pytest.raises(UsageError, match="must have a time zone"):
        database_table(source, "orders", {}, KINDS, at="at", since=dt.datetime(2026, 1, 1))  # noqa: DTZ001


@pytest.fixture
def sqlite_file(tmp_path: Path) -> Path:
    pytest.importorskip("adbc_driver_sqlite")
    path = tmp_path / "shop 1.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE orders (id, at TEXT, amount)")
        connection.executemany(
            "INSERT INTO orders VALUES (?, ?, ?)",
            [
                ("00123", "2026-01-01 09:00:00", 0.1 + 0.2),
                (124, "2026-01-02T00:00:00Z", 7),
                ("125", "2026-02-30 00:00", 1),
                ("126", "2026-01-03 09:00", "7,000"),
            ],
        )
    connection.close()
    return path


def test_sqlite(sqlite_file: Path) -> None:
    """The second driver: columns of mixed types, times as text; its numbers stay exact."""
    source = open_database("pos", {"file": sqlite_file.name}, {}, sqlite_file.parent)
    columns = {"order_id": "id", "at": "at", "amount": "amount"}
    got = database_table(source, "orders", columns, KINDS, key="order_id", timezone="Asia/Seoul")
    assert got.table.to_pylist() == [
        {"order_id": "00123", "at": utc(2026, 1, 1), "amount": 0.1 + 0.2},
        {"order_id": "124", "at": utc(2026, 1, 2), "amount": 7.0},
    ]
    assert [(r.key, r.value) for r in got.refused] == [
        ("125", "2026-02-30 00:00"),
        ("126", "7,000"),
    ]
    period = {"at": "at", "since": utc(2026, 1, 2), "timezone": "Asia/Seoul"}
    later = database_table(source, "SELECT * FROM orders WHERE amount <> 1", {}, KINDS, **period)
    assert (later.n_in_source, later.n_used, later.n_outside, later.n_rejected) == (3, 1, 1, 1)


def test_sqlite_errors(sqlite_file: Path) -> None:
    source = open_database("pos", {"file": str(sqlite_file)}, {})
    with pytest.raises(UnknownName, match="Did you mean 'orders'"):
        database_table(source, "ordres", {}, {})
    with pytest.raises(CustmeasureError):
        database_table(source, "SELECT load_extension('x')", {}, {})
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, sqlite_file], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        holder.stdout.readline()
        with pytest.raises(EnvironmentProblem, match="another program is writing"):
            database_table(source, "orders", {}, {})
        holder.stdin.close()


def test_any_driver_through_its_address(sqlite_file: Path) -> None:
    environ = {"POS": sqlite_file.as_uri()}
    source = open_database("pos", {"uri_env": "POS", "driver": "sqlite"}, environ)
    assert database_table(source, "orders", {}, {}).n_used == 4


def test_limits_of_an_address() -> None:
    """A server that does not answer is given up; what the address says itself stays."""
    assert complete("postgres://a/b").startswith("postgres://a/b?connect_timeout=5&")
    kept = complete("postgres://a/b?sslmode=require&connect_timeout=2")
    assert kept.startswith("postgres://a/b?sslmode=require&connect_timeout=2&application_name=")
    assert kept.count("connect_timeout") == 1
    assert complete("postgres://a/b?").count("?") == 1


def test_a_server_that_never_answers() -> None:
    """F14: it takes the connection and stays silent."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        start = time.monotonic()
        with pytest.raises(EnvironmentProblem, match="server was not reached"):
            database_table(at(f"postgresql://reader:x@127.0.0.1:{port}/shop"), "orders", {}, {})
    assert time.monotonic() - start < 10


@pytest.fixture
def duckdb_source(tmp_path: Path) -> DatabaseSource:
    path = tmp_path / "shop.db"
    with duckdb.connect(path) as connection:
        connection.execute(
            "CREATE TABLE orders AS SELECT '00' || i AS id, TIMESTAMPTZ '2026-01-01 00:00Z' + "
            "to_days(i::INT) AS ordered_at, (i * 1.25)::DECIMAL(10, 2) AS amount, "
            "'x'::ENUM ('x', 'y') AS e, [i] AS l FROM range(60000) AS t (i)"
        )
        connection.execute(f"COPY orders TO '{tmp_path}/x.parquet'")
        connection.execute(f"CREATE VIEW outside AS SELECT * FROM '{tmp_path}/x.parquet'")
    return open_database(
        "warehouse", {"file": path.name, "memory": "1GB", "threads": 1}, {}, tmp_path
    )


def test_duckdb_file(duckdb_source: DatabaseSource) -> None:
    first = {"at": "at", "until": utc(2026, 1, 2)}
    got = database_table(duckdb_source, "orders", COLUMNS, KINDS, **first)
    assert got.table.to_pylist() == [
        {"order_id": "000", "at": utc(2026, 1, 1), "amount": 0.0},
        {"order_id": "001", "at": utc(2026, 1, 2), "amount": 1.25},
    ]
    assert got.n_in_source == 60000
    assert "l (list" in database_table(duckdb_source, "main.orders", {}, {}).notes[0]


def test_any_other_driver(duckdb_source: DatabaseSource) -> None:
    """One that custmeasure knows nothing of: the reader is told that it does not keep from writing."""
    other = DatabaseSource("other", Driver("duckdb"), duckdb_source.address)
    got = database_table(other, "SELECT * FROM orders WHERE id < '0011'", COLUMNS, KINDS)
    assert got.n_used == got.n_in_source == 1113
    assert "does not enforce reading only" in got.notes[0]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM outside",
        "SELECT * FROM glob('/*')",
    ],
)
def test_duckdb_file_reaches_nothing_else(duckdb_source: DatabaseSource, query: str) -> None:
    with pytest.raises(DataError) as caught:
        database_table(duckdb_source, query, {}, {})
    assert "/etc" not in str(caught.value)


def test_duckdb_file_is_locked(duckdb_source: DatabaseSource) -> None:
    query = (
        "SELECT current_setting('lock_configuration')::text AS locked, "
        "current_setting('access_mode') AS mode, current_setting('threads')::text AS threads, "
        "current_setting('allow_community_extensions')::text AS community"
    )
    assert database_table(duckdb_source, query, {}, {}).table.to_pylist() == [
        {"locked": "true", "mode": "read_only", "threads": "1", "community": "false"}
    ]


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    """B32: the first bytes say what it is, not the name."""
    (tmp_path / "shop.duckdb").write_text("id,amount\n1,2\n")
    with pytest.raises(DataError, match="neither a DuckDB nor a SQLite file"):
        open_database("warehouse", {"file": "shop.duckdb"}, {}, tmp_path)
    with pytest.raises(UsageError, match="inside the shop's folder"):
        open_database("warehouse", {"file": "../shop.duckdb"}, {}, tmp_path)


def test_a_folder_of_parquet(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no \.parquet file"):
        parquet_files(tmp_path)
    for name in ("b.parquet", "2026/a.parquet", "_old/c.parquet", ".x/d.parquet", "_SUCCESS"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [path.name for path in parquet_files(tmp_path)] == ["a.parquet", "b.parquet"]
    (tmp_path / "_temporary").mkdir()
    with pytest.raises(DataError, match="still writing"):
        parquet_files(tmp_path)
