"""The only places where a name or a day becomes SQL, and the check that a query only reads."""

import datetime as dt

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custmeasure.engine.statement import literal, one_query, quoted, rows_of
from custmeasure.errors import UsageError

NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


@settings(deadline=None)
@given(NAMES)
def test_a_quoted_name_is_read_as_that_name(name: str) -> None:
    """S18: whatever it holds, a database takes it for one column."""
    with duckdb.connect() as connection:
        cursor = connection.execute(" ".join(["SELECT 1 AS", quoted(name)]))
        assert [column[0] for column in cursor.description] == [name]


@pytest.mark.parametrize("name", ["", "a\0b"])
def test_what_no_database_can_hold_is_no_name(name: str) -> None:
    with pytest.raises(UsageError):
        quoted(name)


@pytest.mark.parametrize(
    ("text", "sql"),
    [
        ("orders", '"orders"'),
        ("Shop.주문", '"Shop"."주문"'),
        ('shop."Orders 2026"', '"shop"."Orders 2026"'),
        ('"a""; DROP TABLE b; --"', '"a""; DROP TABLE b; --"'),
        ("select", '"select"'),
    ],
)
def test_a_table_by_its_name(text: str, sql: str) -> None:
    assert rows_of(text) == sql


@pytest.mark.parametrize(
    "query",
    [
        "SELECT a / b * c FROM t",
        "select ';', '--', '/*' from t",
        "SELECT $x$ ; ) $x$, E'\\';' FROM t -- the end",
        'TABLE "My; orders"',
        "VALUES (1), (2)",
        "WITH a AS (SELECT 1) SELECT * FROM a",
        "(SELECT 1) UNION (SELECT 2)",
        "/* first; */ SELECT 1",
    ],
)
def test_one_statement_that_reads(query: str) -> None:
    assert one_query(query) == query
    assert one_query(query.removesuffix(" -- the end") + " ; -- done").rstrip() in query


@pytest.mark.parametrize(
    "query",
    [
        "",
        "DROP TABLE orders",
        "delete from orders",
        "COPY (SELECT 1) TO PROGRAM 'id'",
        "EXPLAIN SELECT 1",
        "SELECT 1; DROP TABLE orders",
        "SELECT 1;;",
        "SELECT 1) AS r, (SELECT 2",
        "SELECT 1) AS r; DROP TABLE orders; --",
        "SELECT (1",
        "SELECT 'a",
        'SELECT "a',
        "SELECT 1 /* open",
        "SELECT /* /* */ */ 1",
        "SELECT $a$ ; $b$",
    ],
)
def test_anything_else_is_refused_before_it_is_sent(query: str) -> None:
    with pytest.raises(UsageError) as caught:
        rows_of(query)
    assert "SELECT" in caught.value.message("ko")


def test_moments_as_sql() -> None:
    day, moment = dt.date(2026, 1, 31), dt.datetime(2026, 1, 31, 9, 30, tzinfo=dt.UTC)
    assert literal(day) == "CAST('2026-01-31' AS DATE)"
    assert literal(moment) == "CAST('2026-01-31 09:30:00+00:00' AS TIMESTAMP WITH TIME ZONE)"
    assert literal(moment.replace(tzinfo=None)) == "CAST('2026-01-31 09:30:00' AS TIMESTAMP)"
